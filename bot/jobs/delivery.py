# SPDX-License-Identifier: EUPL-1.2
"""Empties the outbox: claims what is due, sends it, and records what became of it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog

from bot.contract import DeliveryError, Report, Transport
from bot.jobs.bucket import Buckets
from bot.metrics import MESSAGES
from handlers.desk.delivery import ATTEMPTS, Delivery
from handlers.desk.receipts import Receipts
from handlers.rules.sending import NEVER_ARRIVED, wait_before
from storage import Unavailable
from storage.messages import Claimed, Room

log = structlog.get_logger()

T = TypeVar("T")

HALT = timedelta(minutes=1)  # how long a channel with wrong settings is left alone
LONGEST_LINE = 30.0  # seconds before a token; well within a lease, and whoever waits longer goes back to the outbox
# The database may be away for a moment just when there is something to write down: what has left must not be forgotten.
PATIENCE = (0.1, 0.5, 1, 2, 4, 8, 15)
NO_CHANNEL = DeliveryError("no_channel", "This channel is not set up on this desk.", halt=True)
UNDELIVERED = DeliveryError("undelivered", "It did not arrive, and the channel does not say why.", elsewhere=True)
BEGIN_FAILED = DeliveryError("begin_failed", "It could not be made ready to leave.", retry_in=timedelta(seconds=5))


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
        self.receipts = Receipts(delivery)
        self._in_a_row: Counter[str] = Counter()  # by channel: how often it asked for a pause since something left

    async def run_once(self, limit: int = 30, identity_id: int | None = None) -> int:
        """Send what is due now. Returns how many messages were claimed."""
        chats = await self.claimed(Room(limit, limit), identity_id)
        await asyncio.gather(*(self.send(messages) for messages in chats))
        return sum(map(len, chats))

    async def claimed(self, room: Room, identity_id: int | None = None) -> list[list[Claimed]]:
        """Take what is due, chat by chat, as far as there is room."""
        if identity_id is None and not await asyncio.to_thread(self.delivery.anything_due, not room.pushes):
            return []
        chats: dict[int, list[Claimed]] = defaultdict(list)
        for one in await asyncio.to_thread(self.delivery.claim, room, identity_id):
            chats[one.identity_id].append(one)
        return list(chats.values())

    async def drain(self, identity_id: int | None = None) -> None:
        """Send until nothing is due."""
        while await self.run_once(identity_id=identity_id):
            pass

    async def send(self, messages: Sequence[Claimed]) -> None:
        """Send what was taken for one chat, one message after the other, until the channel wants a pause."""
        waiting = list(messages)
        while waiting:
            trouble = await self._one(waiting.pop(0))
            if trouble and (trouble.halt or not trouble.counts):
                break
        for message in waiting:
            await self._record(self.delivery.give_back, message)

    async def learn(self, report: Report) -> None:
        """What a channel says later of a message it has taken. Raises Unavailable if it could not be kept."""
        has_failed = report.trouble is not None or report.status in NEVER_ARRIVED
        trouble = (report.trouble or UNDELIVERED) if has_failed else None
        claimed = await asyncio.to_thread(
            self.receipts.learn,
            report.channel,
            report.provider_id,
            report.status,
            message_id=report.message_id,
            code=trouble.code if trouble else None,
        )
        if claimed and trouble:
            await self._undelivered(claimed, trouble)

    async def _one(self, claimed: Claimed) -> DeliveryError | None:
        """Send one message; what went wrong, if anything did."""
        transport = self.simulated if claimed.simulated else self.transports.get(claimed.channel)
        if transport is None:
            return await self._undelivered(claimed, NO_CHANNEL)
        if claimed.kind == "retired" and not can_edit(transport, claimed.channel):
            await self._record(self.delivery.dropped, claimed, "not_on_this_channel")
            return None
        if not await self._has_its_turn(claimed):
            await self._record(self.delivery.give_back, claimed)
            return None
        try:
            message = await self._record(self.delivery.begin, claimed)
        except Unavailable:
            raise
        except Exception as trouble:  # a fault of ours: it must not come back for ever, nor hold up its chat
            log.error("not_begun", message=claimed.id, error=type(trouble).__name__)
            return await self._undelivered(claimed, BEGIN_FAILED)
        if message is None:
            return None
        try:
            provider_id = await transport.send(message)
        except DeliveryError as trouble:
            return await self._undelivered(claimed, trouble)
        except Exception as trouble:  # no channel should; nobody knows whether the message has left
            unforeseen = DeliveryError(type(trouble).__name__, "Something unforeseen went wrong.", uncertain=True)
            return await self._undelivered(claimed, unforeseen)
        await self._record(self.delivery.sent, claimed, provider_id)
        MESSAGES.labels(claimed.channel, "sent").inc()
        self._in_a_row.pop(claimed.channel, None)
        return None

    async def _has_its_turn(self, claimed: Claimed) -> bool:
        """Wait until the channel may take one more; False if that takes too long."""
        if claimed.simulated:
            return True
        try:
            async with asyncio.timeout(LONGEST_LINE):
                await self.buckets.take(claimed.channel, claimed.identity_id, claimed.priority)
        except TimeoutError:
            return False
        return True

    async def _undelivered(self, claimed: Claimed, trouble: DeliveryError) -> DeliveryError:
        loud = log.error if trouble.alarm else log.warning
        loud("not_delivered", message=claimed.id, channel=claimed.channel, code=trouble.code)
        MESSAGES.labels(claimed.channel, "uncertain" if trouble.uncertain else "not_sent").inc()
        desk, code = self.delivery, trouble.code
        is_off = trouble.form_off and await self._record(desk.form_off, claimed, code)
        if trouble.uncertain:
            await self._record(desk.uncertain, claimed, code)
        elif trouble.moved_to:
            await self._record(desk.moved, claimed, code, trouble.moved_to)
        elif trouble.halt:
            self._halt(claimed, trouble)
            await self._record(desk.later, claimed, code, HALT, False)
        elif trouble.retry_in is not None:
            await self._again(claimed, trouble, trouble.retry_in)
        elif trouble.window_shut:
            await self._record(desk.window_shut, claimed, code)
        elif trouble.plainer and is_off:  # there are other forms
            await self._record(desk.later, claimed, code, timedelta(0), True)
        elif trouble.plainer:
            await self._record(desk.plainer, claimed, code)
        elif trouble.blocked:
            await self._record(desk.shut, claimed, code)
        else:
            await self._record(desk.elsewhere if trouble.elsewhere else desk.failed, claimed, code)
        return trouble

    async def _again(self, claimed: Claimed, trouble: DeliveryError, first: timedelta) -> None:
        if not trouble.counts or trouble.for_all:
            self._in_a_row[claimed.channel] += 1
        again = claimed.attempts + 1 if trouble.counts else self._in_a_row[claimed.channel]
        wait = wait_before(again, first, trouble.up_to, ATTEMPTS)
        if not claimed.simulated and trouble.for_all:
            self.buckets.pause(claimed.channel, wait.total_seconds())
        elif not claimed.simulated and not trouble.counts:
            self._slow_down(claimed, trouble)
        await self._record(self.delivery.later, claimed, trouble.code, wait, trouble.counts)

    def _slow_down(self, claimed: Claimed, trouble: DeliveryError) -> None:
        if trouble.code == "flood" and trouble.retry_in:
            self.buckets.flooded(claimed.channel, claimed.identity_id, trouble.retry_in.total_seconds())

    def _halt(self, claimed: Claimed, trouble: DeliveryError) -> None:
        """Nothing helps until somebody changes the settings; one message a minute finds out whether they have."""
        if not claimed.simulated and not self.buckets.is_paused(claimed.channel):
            log.error("channel_halted", channel=claimed.channel, code=trouble.code, sentence=trouble.sentence)
            self.buckets.pause(claimed.channel, HALT.total_seconds())

    async def _record(self, write: Callable[..., T], *values: object) -> T:
        """Write something down, in a thread; again if the database is away for a moment."""
        for wait in PATIENCE:
            try:
                return await asyncio.to_thread(write, *values)
            except Unavailable:
                await asyncio.sleep(wait)
        return await asyncio.to_thread(write, *values)


def can_edit(transport: Transport, channel: str) -> bool:
    """Does this way out take the buttons off a message on this channel?"""
    found = getattr(transport, "can_edit", False)
    return found if isinstance(found, bool) else channel in found
