# SPDX-License-Identifier: EUPL-1.2
"""Brings updates to the desk as Telegram does: each queue in order, again and again until somebody says 200."""

import asyncio
import itertools
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

Params = dict[str, Any]
SECRET = "torture"
LONGEST_WAIT = 2.0  # Telegram waits up to a minute; here nobody has the time


@dataclass
class Update:
    """Something that happened in a chat, and when the desk said that it has it."""

    number: int
    chat: int
    body: Params
    first_try: float = 0.0
    acknowledged: float = 0.0
    tries: list[float] = field(default_factory=list)


@dataclass
class Post:
    """Where Telegram would call us: any of our web processes, whichever comes first."""

    random: random.Random
    ports: list[int]
    updates: list[Update] = field(default_factory=list)
    repeated: int = 0
    answers: dict[int, int] = field(default_factory=dict)  # status → how often
    _numbers: Any = field(default_factory=lambda: itertools.count(100_000_001))
    _queues: dict[str, "asyncio.Queue[tuple[Update, float]]"] = field(default_factory=dict)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _client: Any = None

    async def __aenter__(self) -> "Post":
        self._client = httpx.AsyncClient(timeout=40, trust_env=False)
        return self

    async def __aexit__(self, *_trouble: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    @property
    def waiting(self) -> int:
        return sum(not one.acknowledged for one in self.updates)

    def happens(self, chat: int, kind: str, body: Params, queue: str = "", late: float = 0.0) -> Update:
        """Something happens in a chat; what shares a queue arrives one after the other, late or not."""
        number = next(self._numbers)
        update = Update(number, chat, {"update_id": number, kind: body})
        self.updates.append(update)
        name = f"{queue} {chat}"
        if name not in self._queues:
            self._queues[name] = asyncio.Queue()
            self._spawn(self._bring_all(self._queues[name]))
        self._queues[name].put_nowait((update, late))
        return update

    def repeats(self, update: Update, late: float) -> None:
        """The same update once more, whether it has been acknowledged or not."""
        self.repeated += 1
        self._spawn(self._once_more(update, late))

    async def is_open(self, within: float) -> None:
        """Wait until every web process listens."""
        until = time.monotonic() + within
        for port in self.ports:
            while time.monotonic() < until:
                with suppress(httpx.HTTPError):
                    if (await self._client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        break
                await asyncio.sleep(0.2)

    async def is_quiet(self, within: float) -> bool:
        """Has everything been acknowledged?"""
        until = time.monotonic() + within
        while self.waiting and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return not self.waiting

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bring_all(self, queue: "asyncio.Queue[tuple[Update, float]]") -> None:
        while True:
            update, late = await queue.get()
            await asyncio.sleep(late)
            update.first_try = time.monotonic()
            wait = 0.0
            while not await self._try(update):
                await asyncio.sleep(wait)
                wait = min(wait * 2 or 0.2, LONGEST_WAIT)
            update.acknowledged = time.monotonic()

    async def _once_more(self, update: Update, late: float) -> None:
        await asyncio.sleep(late)
        await self._try(update)

    async def _try(self, update: Update) -> bool:
        update.tries.append(time.monotonic())
        address = f"http://127.0.0.1:{self.random.choice(self.ports)}/telegram/webhook"
        try:
            answer = await self._client.post(
                address, json=update.body, headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}
            )
            status = answer.status_code
        except httpx.HTTPError:
            status = 0
        self.answers[status] = self.answers.get(status, 0) + 1
        return 200 <= status < 300
