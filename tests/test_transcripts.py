# SPDX-License-Identifier: EUPL-1.2
"""Every *.chat file under transcripts/ is a test, on both channels' limits and on both databases."""

from pathlib import Path

import pytest

from tests.database import Databases, is_there_postgresql
from tests.stage import neutral, play

SCRIPTS = sorted((Path(__file__).parent / "transcripts").rglob("*.chat"))
# What a channel can show and what a database keeps have nothing to do with one another: two pairs show both of each.
# Where there is no PostgreSQL, WhatsApp is played on SQLite.
OTHER = "postgresql" if is_there_postgresql() else "sqlite"
STAGES = [
    pytest.param("telegram", "sqlite", id="telegram-sqlite"),
    pytest.param("whatsapp", OTHER, id=f"whatsapp-{OTHER}"),
]


@pytest.mark.parametrize(("channel", "engine"), STAGES)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_transcript(
    script: Path, channel: str, engine: str, databases: Databases, request: pytest.FixtureRequest
) -> None:
    with databases.town(engine) as url:
        today = play(script, url, channel)
    if request.config.getoption("--rewrite") and (channel, engine) == ("telegram", "sqlite"):
        script.write_text("\n".join(today) + "\n", encoding="utf-8")
    written = script.read_text(encoding="utf-8").splitlines()
    assert neutral(today) == neutral(written)
    if channel == "telegram":
        assert today == written


def test_there_are_enough_of_them() -> None:
    assert len(SCRIPTS) >= 25
