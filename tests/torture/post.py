# SPDX-License-Identifier: EUPL-1.2
"""
Brings to the desk what people do: as Telegram does, in order, again and again until somebody says 200; and as Twilio
does, once, signed, and never again.
"""

import asyncio
import itertools
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from tests.channels.twilio_api import sign

Params = dict[str, Any]
SECRET = "torture"
PUBLIC_URL = "https://sportello.example.org"
PATIENCE = 15.0  # seconds; Twilio has no more
LONGEST_WAIT = 2.0  # Telegram waits up to a minute; here nobody has the time


@dataclass
class Update:
    """Something that happened in a chat, and when the desk said that it has it."""

    key: str  # as it stands in the log
    chat: int | str
    body: Params
    first_try: float = 0.0
    acknowledged: float = 0.0
    is_given_up: bool = False  # nobody brings it any more


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

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(timeout=40, trust_env=False)
        return self

    async def __aexit__(self, *_trouble: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    @property
    def waiting(self) -> int:
        return sum(not one.acknowledged and not one.is_given_up for one in self.updates)

    def happens(self, chat: int, kind: str, body: Params, queue: str = "", late: float = 0.0) -> Update:
        """Something happens in a chat; what shares a queue arrives one after the other, late or not."""
        number = next(self._numbers)
        return self.takes(Update(str(number), chat, {"update_id": number, kind: body}), queue, late)

    def takes(self, update: Update, queue: str, late: float) -> Update:
        self.updates.append(update)
        name = f"{queue} {update.chat}"
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
            await self._bring(update)

    async def _bring(self, update: Update) -> None:
        wait = 0.0
        while not await self._try(update):
            await asyncio.sleep(wait)
            wait = min(wait * 2 or 0.2, LONGEST_WAIT)
        update.acknowledged = time.monotonic()

    async def _once_more(self, update: Update, late: float) -> None:
        await asyncio.sleep(late)
        await self._try(update)

    async def _try(self, update: Update) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        return await self._calls("/telegram/webhook", json=update.body, headers=headers)

    async def _calls(self, path: str, **what: Any) -> bool:
        """Call any of our web processes. False if it does not say that it has it."""
        try:
            answer = await self._client.post(f"http://127.0.0.1:{self.random.choice(self.ports)}{path}", **what)
            status = int(answer.status_code)
        except httpx.HTTPError:
            status = 0
        self.answers[status] = self.answers.get(status, 0) + 1
        return 200 <= status < 300


@dataclass
class Calls(Post):
    """Twilio's way: it calls us once, over our public address; what we do not hear then, we must ask for."""

    token: str = ""
    missed: int = 0

    def call(self, chat: str, words: dict[str, str], queue: str = "", late: float = 0.0) -> Update:
        """Something happens in a chat."""
        return self.takes(Update(f"in:{words['MessageSid']}", chat, words), queue, late)

    async def says(self, url: str, words: dict[str, str]) -> bool:
        """Call an address of ours. False if nobody has heard it."""
        headers = {"X-Twilio-Signature": sign(self.token, url, words.items())}
        return await self._calls(url.removeprefix(PUBLIC_URL), data=words, headers=headers, timeout=PATIENCE)

    async def _bring(self, update: Update) -> None:
        if await self._try(update):
            update.acknowledged = time.monotonic()
        else:
            update.is_given_up = True
            self.missed += 1

    async def _try(self, update: Update) -> bool:
        return await self.says(f"{PUBLIC_URL}/twilio/inbound", update.body)
