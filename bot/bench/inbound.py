# SPDX-License-Identifier: EUPL-1.2
"""
What it costs to take in a message, beside the bot a good developer would write instead.

Both sides get the same updates as Telegram's JSON, read them (the other side with python-telegram-bot, we with our
own reader), decide, and commit to SQLite in WAL mode with synchronous=FULL, one commit an update: person, dialogue,
both directions of the log, consents. Updates come as polling hands them over, up to 100 at a time; ``one_by_one`` is
the same desk when each comes alone, as a webhook brings it, with a thread hop each. Sending is stubbed on both sides
at no cost. Each side runs in a process of its own, so that memory and processor are its own; rounds take turns, and
the median round counts. A message's own time leaves out reading its JSON, on both sides; the total does not.
"""

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from telegram import Update

from bot.bench import baseline
from bot.bench.measure import Figures, Stopwatch, batched
from bot.bench.people import DIALOGUE, updates
from bot.bench.shares import shares
from bot.clock import Clock
from handlers.engine import Engine
from handlers.talk import Incoming


class Desk(Protocol):
    """As much of a desk as a bench needs."""

    @property
    def clock(self) -> Clock: ...
    @property
    def engine(self) -> Engine: ...


Read = Callable[[dict[str, Any], datetime], Incoming | None]
Make = Callable[[Path], Desk]
SIDES = ("sportello", "one_by_one", "baseline")
FEW = 50  # people whose dialogue is profiled, to say what costs most
BATCH = 100  # what getUpdates hands over at the most (core.telegram.org/bots/api#getupdates)


def run(people: int = 2000, rounds: int = 3) -> dict[str, Any]:
    """Both sides in turn, each in its own process; the ratio is between medians of turns a second."""
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _round in range(rounds):
        for side in SIDES:
            found[side].append(apart(side, people))
    middle = {
        side: sorted(one, key=lambda figures: figures["turns_per_second"])[len(one) // 2] for side, one in found.items()
    }
    return {
        "bench": "inbound",
        "people": people,
        "messages_each": len(DIALOGUE),
        "rounds": rounds,
        "ratio": ratio(found["sportello"], found["baseline"]),
        "ratio_one_by_one": ratio(found["one_by_one"], found["baseline"]),
        **middle,
    }


def ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> float:
    """The median, over the rounds, of how many times as many turns a second."""
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(one["turns_per_second"] / other["turns_per_second"] for one, other in pairs), 2)


def apart(side: str, people: int) -> dict[str, Any]:
    """One side, in a process of its own."""
    command = [sys.executable, "-m", "bot", "bench", "inbound", "--side", side, "--people", str(people)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    return json.loads(done.stdout)  # type: ignore[no-any-return]


async def one_side(side: str, people: int, folder: Path, read: Read, make: Make) -> Figures:
    """What one side takes for everybody's whole dialogue."""
    if side == "baseline":
        return await theirs(people, folder)
    return await ours(people, folder, read, make, batch=BATCH if side == "sportello" else 1)


async def ours(people: int, folder: Path, read: Read, make: Make, *, batch: int) -> Figures:
    """Our side: the whole way from JSON to the committed outbox, in a thread, as the web process does it."""
    desk, stopwatch = make(folder), Stopwatch()
    for some in batched(updates(people), batch):
        read_ones = [read(raw, desk.clock.now()) for raw in some]
        messages = [one for one in read_ones if one is not None]
        await asyncio.to_thread(desk.engine.hear, stopwatch.each(messages))
    figures = stopwatch.figures()
    return replace(figures, costs=shares(lambda: a_few_more(desk, read, people)))


def a_few_more(desk: Desk, read: Read, people: int) -> None:
    """Some people more, for the profiler."""
    for raw in updates(FEW, after=people):
        if message := read(raw, desk.clock.now()):
            desk.engine.hear([message])


async def theirs(people: int, folder: Path) -> Figures:
    """The other side: python-telegram-bot's own way from JSON to the handler, and its commit."""
    application = baseline.Bot(str(folder / "baseline.sqlite"), Clock().now).application()
    await application.initialize()
    stopwatch = Stopwatch()
    for some in batched(updates(people), BATCH):
        for update in [Update.de_json(raw, application.bot) for raw in some]:
            for one in stopwatch.each([update]):
                await application.process_update(one)
    figures = stopwatch.figures()
    await application.shutdown()
    return figures


def in_words(figures: dict[str, Any]) -> str:
    """The figures as a sentence for people."""
    mine, base = figures["sportello"], figures["baseline"]
    return (
        f"Sportello takes in {mine['turns_per_second']} messages a second, the bot written by hand "
        f"{base['turns_per_second']}: {figures['ratio']} times; one by one {figures['ratio_one_by_one']} times.\n"
        f"Half take under {mine['p50_ms']} ms (by hand {base['p50_ms']}), 99 in 100 under {mine['p99_ms']} ms "
        f"({base['p99_ms']}); processor {mine['cpu_us_per_turn']} µs ({base['cpu_us_per_turn']}), "
        f"memory {mine['peak_mb']} MB ({base['peak_mb']}).\n"
        f"What costs most: {', '.join(f'{room} {share:.0%}' for room, share in list(mine['costs'].items())[:4])}."
    )
