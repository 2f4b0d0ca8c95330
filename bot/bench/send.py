# SPDX-License-Identifier: EUPL-1.2
"""
What it costs to send a message, beside each network's usual library; and whether a reply waits behind a crowd.

Three sides for each channel, each in a process of its own and with as many requests open at once, send the same words
and buttons to a recorder on this machine: ``library`` by python-telegram-bot's Bot or twilio's Client, as they are used
(libraries.py), ``client`` by our channel, and ``whole`` by claim, second look, channel and record, on SQLite in WAL
mode with synchronous=FULL. Rounds take turns, and the median round counts. The recorder's own cost is in no figure.

Then a crowd, on Telegram: many bulk messages are due, and meanwhile people write to us and are answered by the same
worker, as on every channel. What counts is the time from the update to the last line of the answer at the recorder,
once at a real rate, where only the channel's limit makes them wait, and once at the highest, where only we do.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from bot.bench import libraries
from bot.bench.people import FORM, OPTIONS, SID, TEXT, chat, letter, update
from bot.bench.recorder import arrivals, recording
from bot.clock import Clock
from bot.contract import Deliverer, Transport
from handlers.desk.contents import keep
from handlers.talk import Incoming
from handlers.talk.forms import GENERIC
from handlers.talk.limits import LIMITS
from storage import Storage, Store
from storage.people import Identity

SIDES = ("library", "client", "whole")
LIBRARIES = {"telegram": "python-telegram-bot's own client", "whatsapp": "twilio's own client"}
AT_ONCE = 16  # requests open at the same time, on every side
CROWD = 10_000
REAL_RATE, HIGHEST_RATE = 25.0, 1000.0
WRITERS = 200  # people who write to us meanwhile
SHARE = 0.1  # people who write, for each message that may go out: their answers alone must not be too many
SHORTEST_PAUSE = 0.05  # seconds between two of them
FIRST_WRITER = 1_000_000
BULK = 2


class Worker(Protocol):
    async def run(self) -> None: ...

    def knock(self) -> None: ...


class Desk(Protocol):
    """As much of a desk as this bench needs."""

    @property
    def clock(self) -> Clock: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def worker(self) -> Worker: ...
    @property
    def deliverer(self) -> Any: ...
    async def hear(self, messages: Any) -> None: ...

    def close(self) -> None: ...


Make = Callable[[Path, str, float], Desk]
"""A desk in a folder, whose networks have this address and take so many messages a second."""
Read = Callable[[dict[str, Any], datetime], Incoming | None]
Send = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Figures:
    """What one side took."""

    messages: int
    messages_per_second: float
    cpu_us_per_message: float
    peak_mb: float


@dataclass(frozen=True)
class Waits:
    """How long people waited for their answers, and how many of the crowd were written to meanwhile."""

    rate: float
    answers: int
    unanswered: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    crowd: int
    crowd_reached: int


def run(people: int = 2000, rounds: int = 3, crowd: int = CROWD, writers: int = WRITERS) -> dict[str, Any]:
    """All sides of each channel in turn, then the crowd at both rates."""
    found = {channel: compared(channel, people, rounds) for channel in channels()}
    waits = {
        name: apart("crowd", crowd=crowd, writers=writers, rate=rate)
        for name, rate in (("real", REAL_RATE), ("highest", HIGHEST_RATE))
    }
    found["telegram"] |= {
        "reply_p99_ms": {name: one["p99_ms"] for name, one in waits.items()},
        "while_a_crowd_is_written_to": waits,
    }
    return {"bench": "send", "people": people, "rounds": rounds, "open_requests": AT_ONCE, **found}


def channels() -> list[str]:
    """Those whose library is installed: WhatsApp's is only where WhatsApp is."""
    return ["telegram", *(["whatsapp"] if find_spec("twilio") else [])]


def compared(channel: str, people: int, rounds: int) -> dict[str, Any]:
    """A channel's three sides, and how many times as much ours is."""
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _round in range(rounds):
        for side in SIDES:
            found[side].append(apart(side, channel=channel, people=people))
    middle = {
        side: sorted(one, key=lambda figures: figures["messages_per_second"])[len(one) // 2]
        for side, one in found.items()
    }
    return {
        "ratio": ratio(found["client"], found["library"], "messages_per_second"),
        "ratio_cpu": ratio(found["library"], found["client"], "cpu_us_per_message"),
        "ratio_whole": ratio(found["whole"], found["library"], "messages_per_second"),
        "ratio_whole_cpu": ratio(found["library"], found["whole"], "cpu_us_per_message"),
        **middle,
    }


def ratio(ones: list[dict[str, float]], others: list[dict[str, float]], of: str) -> float:
    """The median, over the rounds, of how many times as much."""
    return round(statistics.median(one[of] / other[of] for one, other in zip(ones, others, strict=True)), 2)


def apart(side: str, **sizes: float | str) -> dict[str, Any]:
    """One side, in a process of its own, with a recorder in another."""
    options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    with recording() as url:
        command = [sys.executable, "-m", "bot", "bench", "send", "--side", side, "--to", url, *options]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    return json.loads(done.stdout)  # type: ignore[no-any-return]


async def one_side(channel: str, side: str, people: int, folder: Path, make: Make, url: str) -> dict[str, Any]:
    """What one side takes to write to everybody once."""
    if side == "library":
        return await library(channel, people, url)
    async with opened(make(folder, url, HIGHEST_RATE)) as desk:
        if side == "client":
            transport: Transport = desk.deliverer.transports[channel]
            return await spread(people, lambda person: transport.send(letter(channel, person)))
        write_to(desk, people, channel)
        return await measured(people, lambda: emptied(desk.deliverer))


@asynccontextmanager
async def opened(desk: Desk) -> AsyncIterator[Desk]:
    """A desk that lets go of its connections in the end."""
    try:
        yield desk
    finally:
        for transport in desk.deliverer.transports.values():
            await transport.close()
        desk.close()


async def library(channel: str, people: int, url: str) -> dict[str, Any]:
    """The way of its documentation: one is asynchronous, the other needs threads."""
    if channel == "whatsapp":
        return await measured(people, lambda: asyncio.to_thread(libraries.by_twilio, people, url, AT_ONCE))
    async with libraries.telegram_bot(url, AT_ONCE) as send:
        return await spread(people, send)


async def spread(people: int, send: Send) -> dict[str, Any]:
    """Everybody once, with as many calls open as are allowed."""
    everybody = iter(range(1, people + 1))

    async def some() -> None:
        for person in everybody:
            await send(person)

    async def all_of_them() -> None:
        await asyncio.gather(*(some() for _ in range(AT_ONCE)))

    return await measured(people, all_of_them)


async def emptied(deliverer: Deliverer) -> None:
    while await deliverer.run_once(limit=AT_ONCE):
        pass


async def measured(people: int, work: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    cpu, start = time.process_time_ns(), time.perf_counter_ns()
    await work()
    seconds, spent = (time.perf_counter_ns() - start) / 1e9, (time.process_time_ns() - cpu) / 1e3
    figures = Figures(
        messages=people,
        messages_per_second=round(people / seconds, 1),
        cpu_us_per_message=round(spent / people, 1),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )
    return asdict(figures)


def write_to(desk: Desk, people: int, channel: str = "telegram") -> None:
    """A message to everybody, due now, in the class that everything else overtakes."""
    now = desk.clock.now()
    with desk.storage.writing() as store:
        keep(store, GENERIC[FORM], SID, now)
        for person in range(1, people + 1):
            here, _person = store.people.meet(
                channel, chat(channel, person), simulated=False, language="it", release="0", now=now
            )
            if LIMITS[channel].window:
                writes(store, here, now)
            store.messages.put_out(
                person_id=here.person_id,
                identity_id=here.id,
                channel=channel,
                kind="reply",
                text=TEXT,
                options=[option.stored() for option in OPTIONS],
                priority=BULK,
                at=now,
                due_at=now,
            )


def writes(store: Store, here: Identity, now: datetime) -> None:
    """Whoever has just written to us may be written to."""
    said = {"kind": "text", "text": "ciao", "update_key": f"ciao {here.id}", "message_key": None, "payload": None}
    whose = {"person_id": here.person_id, "identity_id": here.id, "channel": here.channel}
    store.messages.take_in(**whose, **said, state="handled", dialogue_version=0, at=now)


async def in_a_crowd(
    crowd: int, writers: int, rate: float, folder: Path, make: Make, read: Read, url: str
) -> dict[str, Any]:
    """How long those who write to us wait, while a crowd is written to."""
    async with opened(make(folder, url, rate)) as desk:
        await asyncio.to_thread(write_to, desk, crowd)
        working = asyncio.create_task(desk.worker.run())
        desk.worker.knock()
        await asyncio.sleep(1)
        wrote = {str(person): at async for person, at in writing(desk, read, writers, rate)}
        came = await answered(wrote, url)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    took = sorted((came[person][-1] - at) * 1e3 for person, at in wrote.items() if person in came)
    return asdict(waits(took, rate, writers, crowd, len(came.keys() - wrote.keys())))


async def answered(wrote: dict[str, float], url: str) -> dict[str, list[float]]:
    """What has arrived once everybody has an answer, and a moment for its last line; or after a minute."""
    for _second in range(60):
        if not wrote.keys() - (await asyncio.to_thread(arrivals, url)).keys():
            break
        await asyncio.sleep(1)
    await asyncio.sleep(1)
    return await asyncio.to_thread(arrivals, url)


async def writing(desk: Desk, read: Read, writers: int, rate: float) -> AsyncIterator[tuple[int, float]]:
    """One person after the other writes for the first time; who, and when."""
    heard = []
    for person in range(FIRST_WRITER, FIRST_WRITER + writers):
        message = read(update(person, person, "ciao"), desk.clock.now())
        at = time.monotonic()
        heard.append(asyncio.create_task(desk.hear([message])))
        yield person, at
        await asyncio.sleep(max(1 / (rate * SHARE), SHORTEST_PAUSE))
    await asyncio.gather(*heard)


def waits(took: list[float], rate: float, writers: int, crowd: int, reached: int) -> Waits:
    many = len(took)
    return Waits(
        rate=rate,
        answers=many,
        unanswered=writers - many,
        p50_ms=round(took[many // 2], 1),
        p99_ms=round(took[many * 99 // 100], 1),
        longest_ms=round(took[-1], 1),
        crowd=crowd,
        crowd_reached=reached,
    )


def in_words(figures: dict[str, Any]) -> str:
    """The figures as sentences for people."""
    lines = [of_a_channel(channel, figures[channel]) for channel in LIBRARIES if channel in figures]
    real, highest = (figures["telegram"]["while_a_crowd_is_written_to"][name] for name in ("real", "highest"))
    return "\n".join(lines) + (
        f"\nWhile {real['crowd']} wait for a message at {real['rate']:g} a second, 99 answers in 100 come within "
        f"{real['p99_ms']} ms; as fast as we can, within {highest['p99_ms']} ms "
        f"({highest['crowd_reached']} of the crowd reached meanwhile)."
    )


def of_a_channel(channel: str, figures: dict[str, Any]) -> str:
    library, client, whole = (figures[side] for side in SIDES)
    return (
        f"{channel.capitalize()}: our channel sends {client['messages_per_second']} messages a second, "
        f"{LIBRARIES[channel]} {library['messages_per_second']}: {figures['ratio']} times, at a "
        f"{figures['ratio_cpu']}th of the processor ({client['cpu_us_per_message']} µs, "
        f"{library['cpu_us_per_message']} µs).\n"
        f"With claim and record it is {whole['messages_per_second']} a second ({whole['cpu_us_per_message']} µs)."
    )
