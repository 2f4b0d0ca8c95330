# SPDX-License-Identifier: EUPL-1.2
"""Keeps us within what a channel allows: so many messages a second in all, one a second in a chat."""

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rate:
    """Messages a second, and how many may go at once after a pause."""

    per_second: float
    burst: int


# Telegram's own figures are 30 a second in all and 1 a second in a chat, with short bursts
# (core.telegram.org/bots/faq); WhatsApp's are 80 a second for a sender (Twilio).
RATES = {"telegram": (Rate(25, 25), Rate(1, 3)), "whatsapp": (Rate(60, 60), Rate(1, 3))}
FORGET_ABOVE = 10_000


@dataclass
class Bucket:
    """Tokens that come back with time; taking one waits until there is one."""

    rate: Rate
    free_at: float = 0.0  # when the bucket would be full again, in the loop's seconds
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self) -> None:
        async with self.lock:
            now = asyncio.get_running_loop().time()
            self.free_at = max(self.free_at, now) + 1 / self.rate.per_second
            wait = self.free_at - now - self.rate.burst / self.rate.per_second
            if wait > 0:
                await asyncio.sleep(wait)

    def is_full(self, now: float) -> bool:
        return self.free_at <= now


class Buckets:
    """One bucket a channel, one bucket a chat."""

    def __init__(self, rates: dict[str, tuple[Rate, Rate]] | None = None) -> None:
        self.rates = RATES if rates is None else rates
        self.channels: dict[str, Bucket] = {}
        self.chats: dict[int, Bucket] = {}

    async def take(self, channel: str, identity_id: int) -> None:
        if channel not in self.rates:
            return
        in_all, in_a_chat = self.rates[channel]
        self._forget()
        await self.chats.setdefault(identity_id, Bucket(in_a_chat)).take()
        await self.channels.setdefault(channel, Bucket(in_all)).take()

    def _forget(self) -> None:
        """Full buckets say nothing; a long day must not fill the memory with them."""
        if len(self.chats) > FORGET_ABOVE:
            now = asyncio.get_running_loop().time()
            self.chats = {id: bucket for id, bucket in self.chats.items() if not bucket.is_full(now)}
