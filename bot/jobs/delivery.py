# SPDX-License-Identifier: EUPL-1.2
"""Empties the outbox: claims what is due, sends it, and records what became of it."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import structlog

from bot.contract import DeliveryError, Transport
from bot.jobs.bucket import Buckets
from handlers.desk.delivery import Delivery
from storage.messages import Claimed

log = structlog.get_logger()

HALT = timedelta(minutes=1)  # how long a channel with wrong settings is left alone
NO_CHANNEL = DeliveryError("no_channel", "This channel is not set up on this desk.", halt=True)


class Deliverer:
    """
    Sends chat by chat: one message at a time in a chat, several chats at once.

    A channel that must stop (a wrong token, a missing setting) stops alone; its messages wait.
    """

    def __init__(
        self,
        delivery: Delivery,
        transports: Mapping[str, Transport],
        simulated: Transport | None,
        buckets: Buckets | None = None,
    ) -> None:
        self.delivery, self.transports, self.simulated = delivery, transports, simulated
        self.buckets = buckets or Buckets()

    async def run_once(self, limit: int = 30, identity_id: int | None = None) -> int:
        """Send what is due now. Returns how many messages were claimed."""
        chats = await self.claimed(limit, identity_id)
        await asyncio.gather(*(self.send(messages) for messages in chats))
        return sum(map(len, chats))

    async def claimed(
        self, limit: int = 30, identity_id: int | None = None, without: Collection[str] = ()
    ) -> list[list[Claimed]]:
        """Take what is due, chat by chat; nothing of the channels to do without."""
        if identity_id is None and not await asyncio.to_thread(self.delivery.anything_due):
            return []
        chats: dict[int, list[Claimed]] = defaultdict(list)
        for one in await asyncio.to_thread(self.delivery.claim, limit, identity_id, without):
            chats[one.identity_id].append(one)
        return list(chats.values())

    async def drain(self, identity_id: int | None = None) -> None:
        """Send until nothing is due."""
        while await self.run_once(identity_id=identity_id):
            pass

    async def send(self, messages: Sequence[Claimed]) -> None:
        """Send what was taken for one chat, one message after the other."""
        for message in messages:
            await self._one(message)

    async def _one(self, claimed: Claimed) -> None:
        transport = self.simulated if claimed.simulated else self.transports.get(claimed.channel)
        if transport is None:
            return await self._undelivered(claimed, NO_CHANNEL)
        if not claimed.simulated:
            await self.buckets.take(claimed.channel, claimed.identity_id)
        message = await asyncio.to_thread(self.delivery.begin, claimed)
        if message is None:
            return None
        try:
            provider_id = await transport.send(message)
        except DeliveryError as trouble:
            return await self._undelivered(claimed, trouble)
        except Exception as trouble:  # no channel should; nobody knows whether the message has left
            unforeseen = DeliveryError(type(trouble).__name__, "Something unforeseen went wrong.", uncertain=True)
            return await self._undelivered(claimed, unforeseen)
        await asyncio.to_thread(self.delivery.sent, claimed, provider_id)
        return None

    async def _undelivered(self, claimed: Claimed, trouble: DeliveryError) -> None:
        log.warning("not_delivered", message=claimed.id, channel=claimed.channel, code=trouble.code)
        if trouble.uncertain:
            await asyncio.to_thread(self.delivery.uncertain, claimed, trouble.code)
        elif trouble.retry_in is not None:
            await asyncio.to_thread(self.delivery.later, claimed, trouble.code, trouble.retry_in, trouble.counts)
        elif trouble.halt:
            await asyncio.to_thread(self.delivery.later, claimed, trouble.code, HALT, False)
        else:
            await asyncio.to_thread(self.delivery.failed, claimed, trouble.code, trouble.blocked)
