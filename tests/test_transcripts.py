# SPDX-License-Identifier: EUPL-1.2
"""Every *.chat file under transcripts/ is a test, on both channels' limits and on both databases."""

from pathlib import Path

import pytest

from tests.stage import neutral, play

SCRIPTS = sorted((Path(__file__).parent / "transcripts").rglob("*.chat"))


@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_transcript(script: Path, channel: str, town_url: str, request: pytest.FixtureRequest) -> None:
    today = play(script, town_url, channel)
    if request.config.getoption("--rewrite") and channel == "telegram":
        script.write_text("\n".join(today) + "\n", encoding="utf-8")
    written = script.read_text(encoding="utf-8").splitlines()
    assert neutral(today) == neutral(written)
    if channel == "telegram":
        assert today == written


def test_there_are_enough_of_them() -> None:
    assert len(SCRIPTS) >= 25
