# SPDX-License-Identifier: EUPL-1.2
"""A Twilio that has bad days: it takes messages, delivers them or not, and says later what became of them."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from starlette.types import Receive, Scope, Send

from tests.channels.twilio_api import Fault, Received, TwilioApi
from tests.torture.outdoors import FOREVER, Outdoors, Params
from tests.torture.post import PATIENCE, PUBLIC_URL
from tests.torture.telegram import Sent

# What is taken and does not arrive, beside what comes after a shut window; and how likely that is.
LOSES = {63024: 0.003, 30001: 0.001}
MUTE = 0.05  # of how many messages it never says what became of them
SECOND = timedelta(seconds=1)


class Twilio(Outdoors, TwilioApi):
    """
    The server, as strict as the one of the tests. ``tells_now`` is the desk's day, which jumps: a window shuts by it,
    and what the desk has sent is dated by it. What people write is dated in real time, in which it is asked for.
    """

    def __init__(self, chance: random.Random, tells_now: Callable[[], datetime]) -> None:
        TwilioApi.__init__(self, now=tells_now)
        Outdoors.__init__(self, chance)
        self._app = self._application()
        self.approves = True
        self.is_calm = True
        self._is_mute = False  # about the message that comes now
        self.ports: list[int] = []
        self.sent: list[Sent] = []
        self.heard: set[tuple[str, str]] = set()  # the words about our messages to which somebody said 200
        self.losses: Counter[int] = Counter()  # by code
        self.blocked: set[int | str] = set()
        self.news: dict[int | str, asyncio.Event] = {}
        self.shown: dict[int | str, list[Sent]] = {}

    async def __aenter__(self) -> "Twilio":
        self._client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)
        await self.opens()
        return self

    async def __aexit__(self, *_trouble: object) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.closes()
        await self._client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.open_now += 1
        try:
            await TwilioApi.__call__(self, scope, receive, send)
        finally:
            self.open_now -= 1

    @property
    def is_silent(self) -> bool:
        """Has it said all that it will say?"""
        return not self._tasks and not self.open_now

    def record(self, sid: str | None) -> Params | None:
        return next((one for one in self.messages if one["sid"] == sid), None)

    # ---- people

    def takes_in(self, sender: str, body: str, *, media: Sequence[tuple[str, bytes]] = (), **more: Any) -> Params:
        at = format_datetime(datetime.now(UTC))
        dates = dict.fromkeys(("date_created", "date_sent", "date_updated"), at)
        return super().takes_in(sender, body, media=media, **(dates | more))

    def minutes_pass(self) -> None:
        """What people wrote is no longer of this moment."""
        for record in self.messages:
            if record["direction"] == "inbound":
                earlier = parsedate_to_datetime(record["date_sent"]) - 120 * SECOND
                record["date_sent"] = record["date_created"] = format_datetime(earlier)

    # ---- what goes wrong

    def _fault(self, path: str) -> Fault | None:
        name = "" if self.is_calm else self.what_goes_wrong()
        if not path.endswith("Messages.json") and name != "slow":
            return None
        if name:
            self.faults[name] += 1
        kept = name.endswith("kept")
        self._is_mute = self.random.random() < (0.5 if kept else MUTE)
        match name.partition(",")[0]:
            case "flood":
                return Fault(429, 20429, retry_after=1)
            case "slow":
                return Fault(delay=self.random.uniform(0.2, 3))
            case "error":
                return Fault(self.random.choice((500, 502)), taken=kept)
            case "hang up":
                return Fault(hang_up=True, taken=kept)
            case "silence":
                return Fault(hang_up=True, delay=FOREVER, taken=kept)
            case "half":
                return Fault(body=b'{"account_sid": "AC00', taken=kept)
        return None

    def _lost(self, params: Params, received: Received) -> int:
        code = super()._lost(params, received) or self._bad_luck()
        self.at_once = bool(code) and self.random.random() < 0.2
        if code:
            self.losses[code] += 1
        return code

    def _bad_luck(self) -> int:
        drawn = self.random.random()
        for code, chance in ({} if self.is_calm else LOSES).items():
            drawn -= chance
            if drawn < 0:
                return code
        return 0

    # ---- what becomes of a message

    async def _delivered(self, record: Params) -> None:
        sid, (received, lost) = record["sid"], self._waiting.pop(record["sid"])
        row = int(parse_qs(urlsplit(self._urls[sid]).query)["oid"][0])
        if not lost:
            self._shows(record["to"], row, received)
        ends = ["failed" if self.random.random() < 0.3 else "undelivered"] if lost else ["delivered"]
        record.update(status=ends[0], error_code=lost or None)
        words = ["sent", *ends, *(["read"] if not lost and self.random.random() < 0.5 else [])]
        if self.random.random() < 0.2:
            self.random.shuffle(words)
        words += [one for one in words if self.random.random() < 0.1]  # once more
        if self._is_mute and not self.is_calm:
            words = []
        telling = self._tells(sid, words, lost)
        if self.random.random() < 0.1:
            return await telling  # before it has answered
        task = asyncio.create_task(telling)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    def _shows(self, chat: str, row: int, received: Received) -> None:
        buttons = [{"id": id, "text": words, "is_line": bool(received.opener)} for id, words in received.rows]
        sent = Sent(time.monotonic(), chat, received.text, buttons, received.sid, row)
        self.sent.append(sent)
        self.shown.setdefault(chat, []).append(sent)
        if chat in self.news:
            self.news[chat].set()

    async def _tells(self, sid: str, words: Sequence[str], code: int) -> None:
        for word in words:
            await asyncio.sleep(self.random.uniform(2, 8) if self.random.random() < 0.05 else self.random.random() / 2)
            is_end = word in ("failed", "undelivered")
            record = self._by_sid(sid)
            stands = {name: record[name] for name in ("status", "error_code")}
            await self._post(sid, word, code if is_end else None)
            record.update(stands)
            if self.posts[-1][2] == 200:
                self.heard.add((sid, word))

    def _reached(self, url: str) -> str:
        return url.replace(PUBLIC_URL, f"http://127.0.0.1:{self.random.choice(self.ports)}")
