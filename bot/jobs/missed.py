# SPDX-License-Identifier: EUPL-1.2
"""Takes in what people wrote while their channel could not reach us: once, and in the order they wrote it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import structlog

from bot.clock import Clock
from bot.contract import DeliveryError, Remembers, Transport
from handlers.desk import erasing
from handlers.engine import Engine
from handlers.talk import Incoming
from storage import Storage, Store, Unavailable

log = structlog.get_logger()

MARGIN = timedelta(minutes=15)  # what came just before the last time may have been listed only after it
AT_FIRST = timedelta(hours=24)
AT_MOST = timedelta(days=7)  # whoever was away longer than that answers nobody out of the blue


class Reconciler:
    """
    Asks the channels that remember. How far we have come with each is stored, so that a restart loses nothing, and
    one worker asks each minute, whichever hears the knock first. It all happens in real time; only what is heard is
    dated by the desk's day, which may have been moved.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        engine: Engine,
        channels: Mapping[str, Transport],
        erasure_key: bytes = b"",
    ) -> None:
        self.storage, self.clock, self.engine, self.erasure_key = storage, clock, engine, erasure_key
        self.channels = {
            name: cast(Remembers, channel) for name, channel in channels.items() if hasattr(channel, "missed")
        }

    async def run_once(self) -> int:
        """Take in what is new. Returns how many messages that were."""
        return sum([await self._asked(name) for name in self.channels if await self._is_time(name)])

    async def _is_time(self, name: str) -> bool:
        """Once a minute; and at once where we know that we did not hear something."""
        return self.channels[name].has_missed or await asyncio.to_thread(self._is_ours, name)

    def _is_ours(self, name: str) -> bool:
        real = self.clock.real()
        with self.storage.writing() as store:
            return store.records.take_slot(f"missed:{name}", real.replace(second=0, microsecond=0), real)

    async def _asked(self, name: str) -> int:
        asked_at = self.clock.real()
        since = await asyncio.to_thread(self._since, name, asked_at)
        try:
            found = await self.channels[name].missed(since)
        except DeliveryError as trouble:
            log.warning("not_asked_what_was_missed", channel=name, code=trouble.code)
            return 0
        return await asyncio.to_thread(self._take_in, name, found, asked_at)

    def _since(self, name: str, real: datetime) -> datetime:
        """From when on something may have been missed."""
        with self.storage.reading() as store:
            complete = store.records.newest_slot(f"heard:{name}")
        return max(complete - MARGIN, real - AT_MOST) if complete else real - AT_FIRST

    def _take_in(self, name: str, found: Sequence[Incoming], asked_at: datetime) -> int:
        """Hear what we have not, and write down that nothing is missing up to here. Raises Unavailable."""
        with self.storage.reading() as store:
            known = store.messages.known(name, [one.message_id for one in found if one.message_id])
            unknown = [one for one in found if one.message_id not in known]
            # By its number nobody knows what somebody wrote who is deleted: it must not make them anew.
            new = [one for one in unknown if not self._is_deleted(store, one)]
        for one in new:
            self._hear(one)
        with self.storage.writing() as store:
            store.records.take_slot(f"heard:{name}", asked_at, asked_at)
        if new:
            log.info("missed_and_heard", channel=name, messages=len(new))
        return len(new)

    def _is_deleted(self, store: Store, message: Incoming) -> bool:
        sender = message.sender
        erased_at = erasing.erased_at(store, sender.channel, sender.id, self.erasure_key)
        return erased_at is not None and message.at + self.clock.offset <= erased_at

    def _hear(self, message: Incoming) -> None:
        try:
            self.engine.hear([replace(message, at=message.at + self.clock.offset)])
        except Unavailable:
            raise
        except Exception as trouble:  # one that cannot be taken in must not keep the others outside
            log.error("not_heard", channel=message.sender.channel, error=type(trouble).__name__)
