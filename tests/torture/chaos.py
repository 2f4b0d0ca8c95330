# SPDX-License-Identifier: EUPL-1.2
"""What breaks, and when: processes, the database, the network, the calendar."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from tests.torture.outdoors import WEATHERS, Outdoors
from tests.torture.postgres import Postgres
from tests.torture.program import Process, Program, stop
from tests.torture.town import Town

KINDS = {"web": 3, "worker": 4, "PostgreSQL": 3, "change": 8, "jump": 1}
JUMPS = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=3), timedelta(hours=14), timedelta(hours=26))
QUIET_AT_FIRST, QUIET_BEFORE_THE_END = 12.0, 10.0  # seconds


@dataclass
class Chaos:
    """One thing at a time breaks, so that what follows can be told apart; the weather changes beside it."""

    random: random.Random
    town: Town
    program: Program
    postgres: Postgres
    networks: list[Outdoors]
    kills: Counter[str] = field(default_factory=Counter)
    weathers: Counter[str] = field(default_factory=Counter)
    open_at_kills: int = 0  # requests that were open at the server
    leaving: set[int] = field(default_factory=set)  # messages that were on their way

    async def breaks_things(self, until: float) -> None:
        await asyncio.sleep(QUIET_AT_FIRST)
        first = self.random.sample(list(KINDS), len(KINDS))  # each at least once, also in a short run
        while time.monotonic() < until - QUIET_BEFORE_THE_END:
            await asyncio.sleep(self.random.uniform(2, 6))
            kind = first.pop() if first else self.random.choices(list(KINDS), list(KINDS.values()))[0]
            match kind:
                case "web":
                    await self._kills(self.random.choice(self.program.webs))
                case "worker":
                    await self._kills(self.random.choice(self.program.workers))
                case "PostgreSQL":
                    await self._kills_database()
                case "jump":
                    await self._jumps()
                case _:
                    await self.town.changes_something()
                    await self.town.tends_workshops()
            self.kills[kind] += 1

    async def changes_weather(self, until: float) -> None:
        """Each network has a weather of its own."""
        await asyncio.gather(*(self._changes_weather(network, until) for network in self.networks))

    async def _changes_weather(self, network: Outdoors, until: float) -> None:
        await asyncio.sleep(QUIET_AT_FIRST)
        while time.monotonic() < until:
            weather = self.random.choice([*WEATHERS, "clear", "clear", "clear", "clear"])
            self.weathers[weather] += 1
            await network.turns(weather)
            await asyncio.sleep(self.random.uniform(2, 6))
        await network.turns("clear")

    @property
    def open_now(self) -> int:
        return sum(network.open_now for network in self.networks)

    async def _kills(self, process: Process) -> None:
        self.open_at_kills += self.open_now
        await asyncio.to_thread(process.is_killed)
        self.leaving |= await self.town.leaving()
        await asyncio.sleep(self.random.uniform(0.2, 2))
        process.starts()

    async def _kills_database(self) -> None:
        self.open_at_kills += self.open_now
        await asyncio.to_thread(self.postgres.is_killed)
        await asyncio.sleep(self.random.uniform(0.2, 2))
        await asyncio.to_thread(self.postgres.starts)
        self.leaving |= await self.town.leaving()

    async def _jumps(self) -> None:
        """Everything stops, the clock goes forward, everything starts."""
        await asyncio.to_thread(stop, self.program.all)
        self.leaving |= await self.town.leaving()
        await self.town.jumps(self.random.choice(JUMPS))
        await self.town.tends_workshops()
        self.program.starts()
