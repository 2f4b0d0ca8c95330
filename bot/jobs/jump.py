# SPDX-License-Identifier: EUPL-1.2
"""Moves the day of a demonstration on: from one instant at which something is due to the next, and leaves none out."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.jobs.worker import Worker
from handlers.desk import clock as stored
from handlers.desk.coming import coming

AHEAD = timedelta(days=3)  # how far one look goes; where it finds nothing, the clock rests there and looks again
PATIENCE = 5.0  # seconds for what another worker has in hand


class Jump:
    """
    One jump at a time. At each stop all that is due is planned and sent before the clock goes on.

    The offset is stored before anything happens in its name: other processes, and a restart, live on the same day.
    """

    def __init__(self, worker: Worker, told: Callable[[], None] = lambda: None) -> None:
        self.worker, self.clock, self.storage, self.told = worker, worker.clock, worker.storage, told
        self._one_at_a_time = asyncio.Lock()

    async def to(self, moment: datetime) -> int:
        """Move on to this moment (aware). Returns how many stops it made. Raises ValueError for a step back."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self.worker.follow)
            if moment < self.clock.now():
                raise ValueError("the clock only moves forward")
            settled, stops = await self._settle(), 0
            while settled < moment:
                await asyncio.to_thread(self._stop_at, await asyncio.to_thread(self._next, settled, moment))
                settled, stops = await self._settle(), stops + 1
            return stops

    def _next(self, settled: datetime, moment: datetime) -> datetime:
        """The first instant after what is settled at which something is due; the end of the look if nothing is."""
        until = min(settled + AHEAD, moment)
        with self.storage.reading() as store:
            return next((one.at for one in coming(store, settled, until)), until)

    def _stop_at(self, at: datetime) -> None:
        """The clock on the wall goes on meanwhile: an instant that it has passed is now."""
        wanted = self.clock.offset + max(at - self.clock.now(), timedelta(0))
        with self.storage.writing() as store:
            wanted = stored.move(store, wanted)
        self.clock.follow(wanted)
        self.told()

    async def _settle(self) -> datetime:
        """All that is due by now happens, and what follows from it. Returns when now was."""
        now = self.clock.now()
        while True:
            planned = await asyncio.to_thread(self.worker.plan, now, looks_at_all=True)
            await asyncio.to_thread(self.worker.engine.retry)
            erased = await asyncio.to_thread(self.worker.erase)
            given_back = await asyncio.to_thread(self.worker.give_back)
            if not await self._send() and not planned and not erased and not given_back:
                return now

    async def _send(self) -> int:
        """Send what is due, and wait for what others are sending. Returns how many messages it was."""
        sent = 0
        give_up = asyncio.get_running_loop().time() + PATIENCE
        while True:
            found = await self.worker.deliverer.run_once()
            sent += found
            if found:
                continue
            if not await asyncio.to_thread(self._others_are_sending) or asyncio.get_running_loop().time() > give_up:
                return sent
            await asyncio.sleep(0.01)

    def _others_are_sending(self) -> bool:
        with self.storage.reading() as store:
            return store.messages.any_in_hand()
