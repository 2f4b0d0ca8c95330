# SPDX-License-Identifier: EUPL-1.2
"""What docs/scarcity.md promises, a test proves: every sentence names one, and every one it names is there."""

import re
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[1]
PAGE = (HOUSE / "docs" / "scarcity.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^\* .+?(?=^\* |^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)


def test_every_sentence_is_an_always_or_a_never_and_names_its_test() -> None:
    assert len(PROMISES) >= 20
    assert [one for one in PROMISES if not re.match(r"\* (Always|Never)\b", one)] == []
    assert [one for one in PROMISES if "`tests/" not in one] == []


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(tests/[^`]+)`", PAGE)
    assert named and [one for one in named if not is_there(one)] == []


def is_there(name: str) -> bool:
    path, _, test = name.partition("::")
    file = HOUSE / path
    return file.is_file() and (
        not test or re.search(rf"^def {test}\(", file.read_text("utf-8"), re.MULTILINE) is not None
    )
