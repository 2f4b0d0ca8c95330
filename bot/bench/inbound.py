# SPDX-License-Identifier: EUPL-1.2
"""
What it costs to take in a message, beside the bot a good developer would write instead.

Both sides get the same updates as Telegram's JSON, read them with python-telegram-bot, decide, and commit to SQLite
in WAL mode with synchronous=FULL, one commit an update: person, dialogue, both directions of the log, consents.
Sending is stubbed on both sides at no cost. Each side runs in a process of its own, so that memory and processor are
its own; rounds take turns, and the median round counts.
"""

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from telegram import Update

from bot.bench import baseline
from bot.bench.measure import Figures, measured
from bot.bench.people import DIALOGUE, updates
from bot.clock import Clock
from handlers.engine import Engine
from handlers.talk import Incoming


class Desk(Protocol):
    """As much of a desk as a bench needs."""

    @property
    def clock(self) -> Clock: ...
    @property
    def engine(self) -> Engine: ...


Read = Callable[[Update, datetime], Incoming | None]
Make = Callable[[Path], Desk]
SIDES = ("sportello", "baseline")


def run(people: int = 2000, rounds: int = 3) -> dict[str, Any]:
    """Both sides in turn, each in its own process; the ratio is between medians of turns a second."""
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _round in range(rounds):
        for side in SIDES:
            found[side].append(apart(side, people))
    middle = {
        side: sorted(one, key=lambda figures: figures["turns_per_second"])[len(one) // 2] for side, one in found.items()
    }
    ratios = [
        ours["turns_per_second"] / theirs["turns_per_second"] for ours, theirs in zip(*found.values(), strict=True)
    ]
    return {
        "bench": "inbound",
        "people": people,
        "messages_each": len(DIALOGUE),
        "rounds": rounds,
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        **middle,
    }


def apart(side: str, people: int) -> dict[str, Any]:
    """One side, in a process of its own."""
    command = [sys.executable, "-m", "bot", "bench", "inbound", "--side", side, "--people", str(people)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    return json.loads(done.stdout)  # type: ignore[no-any-return]


async def one_side(side: str, people: int, folder: Path, read: Read, make: Make) -> Figures:
    """What one side takes for everybody's whole dialogue."""
    return await (sportello(people, folder, read, make) if side == "sportello" else theirs(people, folder))


async def sportello(people: int, folder: Path, read: Read, make: Make) -> Figures:
    """Our side: the whole way from JSON to the committed outbox, with the thread hop that the web process makes."""
    desk = make(folder)

    async def turn(raw: dict[str, Any]) -> None:
        incoming = read(Update.de_json(raw, None), desk.clock.now())
        assert incoming is not None
        await asyncio.to_thread(desk.engine.hear, [incoming])

    return await measured(turn, updates(people))


async def theirs(people: int, folder: Path) -> Figures:
    """The other side: python-telegram-bot's own way from JSON to the handler, and its commit."""
    application = baseline.Bot(str(folder / "baseline.sqlite"), Clock().now).application()
    await application.initialize()

    async def turn(raw: dict[str, Any]) -> None:
        await application.process_update(Update.de_json(raw, application.bot))

    figures = await measured(turn, updates(people))
    await application.shutdown()
    return figures


def in_words(figures: dict[str, Any]) -> str:
    """The figures as a sentence for people."""
    ours, base = figures["sportello"], figures["baseline"]
    return (
        f"Sportello takes in {ours['turns_per_second']} messages a second, the bot written by hand "
        f"{base['turns_per_second']}: {figures['ratio']} times.\n"
        f"Half take under {ours['p50_ms']} ms (by hand {base['p50_ms']}), 99 in 100 under {ours['p99_ms']} ms "
        f"({base['p99_ms']}); processor {ours['cpu_us_per_turn']} µs ({base['cpu_us_per_turn']}), "
        f"memory {ours['peak_mb']} MB ({base['peak_mb']})."
    )
