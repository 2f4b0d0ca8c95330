# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.torture --minutes 10 --seed N``: torture a desk, and say how it bore it."""

import argparse
import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from storage.tables import bookings
from tests.torture.chaos import Chaos
from tests.torture.phones import Phone, TelegramPhone, WhatsAppPhone
from tests.torture.post import PUBLIC_URL, SECRET, Calls, Post
from tests.torture.postgres import Postgres
from tests.torture.program import HOUSE, Program, stop
from tests.torture.reckoning import Books, Outside, Reckoning, read, reckon
from tests.torture.telegram import Telegram
from tests.torture.town import Town
from tests.torture.twilio import Twilio

PEOPLE, PACE = 14, 0.6
DRAINS = 35.0  # seconds of the minutes, for what is still on its way when the traffic ends


@dataclass
class Report:
    """How it went."""

    seed: int
    minutes: float
    kills: dict[str, Any]
    figures: dict[str, Any]
    verified: str
    wrong: list[str]

    @property
    def passed(self) -> bool:
        return not self.wrong

    def in_words(self) -> str:
        lines = [f"seed {self.seed}, {self.minutes:g} minutes"]
        lines += [f"  {name}: {value}" for name, value in [*self.kills.items(), *self.figures.items()]]
        lines += ["sportello verify:", *(f"  {line}" for line in self.verified.splitlines())]
        lines += [f"WRONG: {line}" for line in self.wrong]
        lines.append("PASS" if self.passed else "FAIL")
        lines.append(f"again: .venv/bin/python -m tests.torture --minutes {self.minutes:g} --seed {self.seed}")
        return "\n".join(lines)


def torture(minutes: float, seed: int, log: Path, *, calm: bool = False) -> Report:
    """Torture a desk of our own. It takes the minutes, and a little more to start and to add up."""
    with Postgres() as postgres:
        town = Town(postgres.url, chance(seed, "town"))
        town.opens()
        try:
            return asyncio.run(_torture(minutes, seed, log, postgres, town, calm=calm))
        finally:
            town.close()


def chance(seed: int, name: str) -> random.Random:
    """Each has dice of their own, so that what one does leaves the others' alone."""
    return random.Random(f"{seed} {name}")


async def _torture(minutes: float, seed: int, log: Path, postgres: Postgres, town: Town, *, calm: bool) -> Report:
    telegram = Telegram(chance(seed, "telegram"))
    await telegram.opens()
    twilio = Twilio(chance(seed, "twilio"), lambda: town.now)
    await twilio.opens()
    program = Program(environment(postgres, telegram, twilio), log)
    await asyncio.to_thread(makes_forms, program)
    program.starts()
    platform = asyncio.create_task(program.stays_up())
    ports = twilio.ports = [web.port for web in program.webs]
    try:
        async with (
            twilio,
            Post(chance(seed, "post"), ports) as post,
            Calls(chance(seed, "calls"), ports, token=twilio.token) as calls,
        ):
            phones = people(seed, telegram, post, twilio, calls)
            outside = Outside(telegram, post, twilio, calls, phones)
            chaos = Chaos(chance(seed, "chaos"), town, program, postgres, [telegram, twilio])
            await post.is_open(within=60)
            twilio.is_calm = calm
            until = time.monotonic() + minutes * 60 - DRAINS
            breaks = () if calm else (chaos.breaks_things(until), chaos.changes_weather(until))
            await asyncio.gather(*(phone.lives(until) for phone in phones), *breaks)
            twilio.is_calm = True
            unfinished = await drains(town, program, outside, chaos)
            await asyncio.to_thread(stop, program.all)
            books = await read(town)
            found = reckon(books, outside, chaos.leaving)
            found.figures["bookings"] = dict(
                await town.rows(select(bookings.c.state, func.count()).group_by(bookings.c.state))
            )
            done = await asyncio.to_thread(verified, postgres)
            return report(minutes, seed, chaos, outside, found, books, unfinished, done)
    finally:
        platform.cancel()
        program.close()
        await telegram.closes()


def people(seed: int, telegram: Telegram, post: Post, twilio: Twilio, calls: Calls) -> list[Phone]:
    """Every second one is on WhatsApp."""
    found: list[Phone] = []
    for number in range(1000, 1000 + PEOPLE):
        dice = chance(seed, f"phone {number - 1000}")
        found.append(
            WhatsAppPhone(number, dice, twilio, calls, PACE)
            if number % 2
            else TelegramPhone(number, dice, telegram, post, PACE)
        )
    return found


async def drains(town: Town, program: Program, outside: Outside, chaos: Chaos) -> int:
    """
    Nothing breaks any more: everything is taken in, also what nobody heard, and everything that is due goes out. What
    is left, if any.
    """
    post, calls, twilio = outside.post, outside.calls, outside.twilio
    await post.is_quiet(within=60)
    await calls.is_quiet(within=60)
    await asyncio.to_thread(stop, program.workers)
    chaos.leaving |= await town.leaving()
    await town.minutes_pass()
    twilio.minutes_pass()
    for worker in program.workers:
        worker.starts()
    until = time.monotonic() + 90
    calm = 0
    while calm < 5 and time.monotonic() < until:
        await asyncio.sleep(0.5)
        left = await town.unfinished() + await town.unheard(calls.updates)
        if not left and twilio.is_silent:
            left = await town.doubts_are_old()
        calm = calm + 1 if not left and twilio.is_silent else 0
    return await town.unfinished()


def makes_forms(program: Program) -> None:
    """What whoever looks after the service does before the first message."""
    program.says("channels", "sync")
    program.says("templates", "submit")
    program.says("templates", "status")


def environment(postgres: Postgres, telegram: Telegram, twilio: Twilio) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres.url,
        "DEFAULT_LANGUAGE": "en",  # WhatsApp says nobody's language
        "SIMULATOR": "true",  # the clock jumps, and only a demonstration's may
        "PUBLIC_URL": PUBLIC_URL,
        "TELEGRAM_TOKEN": telegram.token,
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "TELEGRAM_API_URL": telegram.url,
        "TWILIO_ACCOUNT_SID": twilio.account,
        "TWILIO_AUTH_TOKEN": twilio.token,
        "TWILIO_WHATSAPP_FROM": twilio.sender,
        "TWILIO_API_URL": twilio.url,
        "NO_PROXY": "127.0.0.1",
        "PYTHONUTF8": "1",
    }


def verified(postgres: Postgres) -> "subprocess.CompletedProcess[str]":
    """``sportello verify``, as anybody would run it."""
    ours = {**os.environ, "DATABASE_URL": postgres.url, "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-m", "bot", "verify"], cwd=HOUSE, env=ours, capture_output=True, text=True, check=False
    )


def report(
    minutes: float,
    seed: int,
    chaos: Chaos,
    outside: Outside,
    found: Reckoning,
    books: Books,
    unfinished: int,
    done: "subprocess.CompletedProcess[str]",
) -> Report:
    post, calls, twilio = outside.post, outside.calls, outside.twilio
    kills = {
        "killed and changed": dict(chaos.kills),
        "ended by themselves": sum(process.fell_over for process in chaos.program.all),
        "requests open at kills": chaos.open_at_kills,
        "changes of workshops": chaos.town.changes,
        "weathers": dict(chaos.weathers),
        "faults of Telegram": dict(outside.telegram.faults),
        "faults of Twilio": dict(twilio.faults),
        "taken by Twilio, and did not arrive": dict(twilio.losses),
        "updates": len(post.updates),
        "calls of Twilio": len(calls.updates),
        "of which nobody said 200": calls.missed,
        "brought again": post.repeated + calls.repeated,
        "answers of the desk": dict(post.answers),
        "answers to Twilio": dict(calls.answers),
    }
    found.must_be_empty("refused by a strict Twilio", twilio.violations)
    if calls.missed > len(calls.updates) / 2:
        found.wrong.append(f"most of Twilio's calls were not heard: {calls.missed} of {len(calls.updates)}")
    found.must_be_empty("still to do at the end", list(range(unfinished)))
    if done.returncode:
        found.wrong.append(f"sportello verify: exit {done.returncode} {done.stderr[-500:]}")
        found.wrong += details(books, done.stdout)
    return Report(seed, minutes, kills, found.figures, done.stdout, found.wrong)


def details(books: Books, said: str) -> list[str]:
    """The log around the messages that verify has named."""
    named = {int(id) for line in re.findall(r"not so for messages ([\d, ]+)", said) for id in line.split(", ")}
    whose = {row.id: row.person_id for row in books.rows}
    shown = ("id", "direction", "kind", "state", "reason", "at", "due_at", "sent_at", "priority", "reply_to", "text")
    return [
        str({name: str(getattr(row, name))[:60] for name in shown})
        for id in sorted(named)
        for row in books.rows
        if row.person_id == whose.get(id) and abs(row.id - id) < 60
    ]


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    words.add_argument("--minutes", type=float, default=10)
    words.add_argument("--seed", type=int, default=None)
    words.add_argument("--calm", action="store_true", help="nothing breaks: is it the desk, or is it the torture?")
    words.add_argument("--log", type=Path, default=None, help="where the desk's own log goes")
    asked = words.parse_args()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    print(f"Torture for {asked.minutes:g} minutes, seed {seed} …", flush=True)
    log = asked.log or Path(tempfile.mkdtemp(prefix="sportello-torture-")) / "log"
    done = torture(asked.minutes, seed, log, calm=asked.calm)
    print(done.in_words())
    print(f"the desk's own log: {log}")
    sys.exit(0 if done.passed else 1)


if __name__ == "__main__":
    main()
