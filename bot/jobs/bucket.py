# SPDX-License-Identifier: EUPL-1.2
"""Keeps us within what a channel allows: so many messages a second in all, one a second in a chat; replies first."""

import asyncio
import heapq
import itertools
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

Place = tuple[int, int, asyncio.Future[None]]


@dataclass(frozen=True)
class Rate:
    """Messages a second, and how many may go at once after a pause."""

    per_second: float
    burst: int


IN_A_CHAT = Rate(1, 3)
FORGET_ABOVE = 10_000
# So many chats told to slow down within so many seconds: it is not the chats, it is us.
TOO_MANY_FLOODS, FLOODS_WITHIN = 3, 10.0


def rates(telegram: float = 25, whatsapp: float = 60) -> dict[str, tuple[Rate, Rate]]:
    """
    What each channel allows in all, and in a chat.

    Telegram's own figures are 30 a second in all and 1 a second in a chat, with short bursts
    (core.telegram.org/bots/faq), more where it is paid for; WhatsApp's are 80 a second for a sender (Twilio). A rate
    and its burst together stay within a network's second.
    """
    return {
        "telegram": (Rate(telegram, max(1, int(telegram / 5))), IN_A_CHAT),
        "whatsapp": (Rate(whatsapp, max(1, int(whatsapp / 5))), IN_A_CHAT),
    }


@dataclass
class Bucket:
    """Tokens that come back with time. Who waits for one stands in line: replies first, then who came first."""

    rate: Rate
    free_at: float = 0.0  # when the bucket would be full again, in the loop's seconds
    paused_until: float = 0.0
    line: list[Place] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)
    timer: asyncio.TimerHandle | None = None

    async def take(self, priority: int = 0) -> None:
        """Wait for a token. The smaller the number, the sooner its turn comes."""
        place = (priority, next(self.numbers), asyncio.get_running_loop().create_future())
        heapq.heappush(self.line, place)
        self._serve()
        try:
            await place[2]
        finally:
            self._leave(place)

    def pause(self, seconds: float) -> None:
        """Nobody gets a token for so long."""
        self.paused_until = max(self.paused_until, asyncio.get_running_loop().time() + seconds)

    def is_full(self, now: float) -> bool:
        return self.free_at <= now and not self.line

    def _serve(self) -> None:
        """Let go whoever may go, and come back when the next one may."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self.line and (self.line[0][2].done() or self._next(now) <= now):
            _priority, _number, turn = heapq.heappop(self.line)
            if turn.done():
                continue  # gave up in this very instant: the token is the next one's
            self.free_at = max(self.free_at, now) + 1 / self.rate.per_second
            turn.set_result(None)
        if self.timer:
            self.timer.cancel()
        self.timer = loop.call_at(self._next(now), self._serve) if self.line else None

    def _next(self, now: float) -> float:
        """When the next one may go."""
        waited = max(self.free_at, now) - (self.rate.burst - 1) / self.rate.per_second
        return max(waited, self.paused_until)

    def _leave(self, place: Place) -> None:
        """Whoever gives up waiting stands in nobody's way."""
        if place in self.line:
            self.line.remove(place)
            heapq.heapify(self.line)
            self._serve()


class Buckets:
    """One bucket a channel, one bucket a chat."""

    def __init__(self, rates_: dict[str, tuple[Rate, Rate]] | None = None) -> None:
        self.rates = rates() if rates_ is None else rates_
        self.channels: dict[str, Bucket] = {}
        self.chats: dict[int, Bucket] = {}
        self.floods: dict[str, deque[tuple[float, int, float]]] = {}

    async def take(self, channel: str, identity_id: int, priority: int = 0) -> None:
        """Wait until a message may leave for this chat."""
        if channel not in self.rates:
            return
        self._forget()
        await self.chats.setdefault(identity_id, Bucket(self.rates[channel][1])).take(priority)
        await self._of(channel).take(priority)

    def flooded(self, channel: str, identity_id: int, seconds: float) -> None:
        """
        The network asks to slow down in a chat. That chat waits by itself; if several chats are told so within
        seconds, the whole channel waits as long as the longest was told to.
        """
        now = asyncio.get_running_loop().time()
        recent = self.floods.setdefault(channel, deque())
        recent.append((now, identity_id, seconds))
        while recent[0][0] < now - FLOODS_WITHIN:
            recent.popleft()
        if len({chat for _at, chat, _asked in recent}) >= TOO_MANY_FLOODS:
            self.pause(channel, max(asked for _at, _chat, asked in recent))

    def pause(self, channel: str, seconds: float) -> None:
        """Nothing leaves by this channel for so long."""
        self._of(channel).pause(seconds)

    def is_paused(self, channel: str) -> bool:
        found = self.channels.get(channel)
        return found is not None and found.paused_until > asyncio.get_running_loop().time()

    def waiting(self, channel: str) -> int:
        """How many messages stand in line for this channel."""
        found = self.channels.get(channel)
        return len(found.line) if found else 0

    def in_a_second(self, channel: str) -> float:
        """How many may leave by this channel in a second."""
        return math.ceil(self.rates[channel][0].per_second) if channel in self.rates else math.inf

    def _of(self, channel: str) -> Bucket:
        unlimited = (Rate(math.inf, 1), IN_A_CHAT)
        return self.channels.setdefault(channel, Bucket(self.rates.get(channel, unlimited)[0]))

    def _forget(self) -> None:
        """Full buckets say nothing; a long day must not fill the memory with them."""
        if len(self.chats) > FORGET_ABOVE:
            now = asyncio.get_running_loop().time()
            self.chats = {id: bucket for id, bucket in self.chats.items() if not bucket.is_full(now)}
