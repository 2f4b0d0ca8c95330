# SPDX-License-Identifier: EUPL-1.2
"""A browser, and the demonstration for it to look at."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.demo import Demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIETLY = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Running while the tests of a module run; whatever went wrong inside it fails the last of them."""
    with Demo(tmp_path_factory.mktemp("demo")) as running:
        yield running
        assert "Traceback" not in running.said, running.said


# Not for the whole session: while Playwright is open, no other test could start an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium without a window, with an empty profile of its own."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here: Debian's package is called chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed here")
    with playwright.sync_playwright() as player:
        running = player.chromium.launch(executable_path=found, args=QUIETLY)
        yield running
        running.close()
