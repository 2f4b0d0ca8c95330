# SPDX-License-Identifier: EUPL-1.2
"""The bench of sending, at a size that says nothing about speed."""

import asyncio
import json
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.bench import send
from bot.bench.people import chat
from bot.bench.recorder import arrivals, recording
from bot.channels.telegram.updates import read
from bot.cli import sending_desk


def test_all_sides_send_the_same_and_who_writes_in_a_crowd_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: starting one for each side is what takes long."""
    rooms = count()

    def here(side: str, **sizes: Any) -> dict[str, Any]:
        room = tmp_path / str(next(rooms))
        room.mkdir()
        with recording() as url:
            if side == "crowd":
                return asyncio.run(send.in_a_crowd(**sizes, folder=room, make=sending_desk, read=read, url=url))
            channel = sizes["channel"]
            found = asyncio.run(send.one_side(channel, side, sizes["people"], room, sending_desk, url))
            came = {person: len(times) for person, times in arrivals(url).items()}
            assert came == {chat(channel, person): 1 for person in (1, 2, 3)}
            return found

    monkeypatch.setattr(send, "apart", here)
    monkeypatch.setattr(send, "REAL_RATE", 100.0)
    found = send.run(people=3, rounds=1, crowd=10, writers=2)
    assert list(found)[4:] == ["telegram", "whatsapp"]
    for channel in ("telegram", "whatsapp"):
        assert min(found[channel][ratio] for ratio in ("ratio", "ratio_cpu", "ratio_whole")) > 0
        for side in send.SIDES:
            assert found[channel][side]["messages"] == 3 and found[channel][side]["cpu_us_per_message"] > 0
    for waits in found["telegram"]["while_a_crowd_is_written_to"].values():
        assert (waits["answers"], waits["unanswered"], waits["crowd_reached"]) == (2, 0, 10)
        assert 0 < waits["p50_ms"] <= waits["p99_ms"]
    words = send.in_words(found)
    assert "twilio's own client" in words and "99 answers in 100" in words


def test_a_side_runs_by_itself(tmp_path: Path) -> None:
    with recording() as url:
        command = [sys.executable, "-m", "bot", "bench", "send", "--side", "library", "--people", "3", "--to", url]
        done = subprocess.run(
            [*command, "--channel", "whatsapp"], capture_output=True, text=True, timeout=60, check=True
        )
        assert arrivals(url).keys() == {chat("whatsapp", person) for person in (1, 2, 3)}
    assert json.loads(done.stdout)["messages"] == 3
