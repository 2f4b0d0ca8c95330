# SPDX-License-Identifier: EUPL-1.2
"""The demo programme holds together, and is written so that everybody can read it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.demo_check import CHECKS, Demo, hardest

FOLDER = Path(__file__).parent.parent / "bot" / "demo"


@pytest.fixture(scope="module")
def demo() -> Demo:
    return Demo(FOLDER)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_wrong_with(demo: Demo, check: Callable[[Demo], None]) -> None:
    demo.errors.clear()
    check(demo)
    assert demo.errors == []


def test_every_file_says_its_licence() -> None:
    without = [path.name for path in FOLDER.glob("*.yaml") if "SPDX-License-Identifier" not in path.read_text("utf-8")]
    assert without == []


def test_every_text_is_easy_to_read(demo: Demo) -> None:
    score, where = hardest(demo)
    assert score >= 60, where
