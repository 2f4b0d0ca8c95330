# SPDX-License-Identifier: EUPL-1.2
"""Brings in the files that people sent, from the channels that keep them for us, and has them dropped there."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import structlog

from bot.contract import DeliveryError, Fetches, Releases, Transport
from handlers.desk.filing import TRIES, Filing
from storage.files import Attachment

log = structlog.get_logger()

NO_CHANNEL = DeliveryError("no_channel", "This channel is not set up on this desk.", halt=True)
SOON = timedelta(0)  # the cabinet has waits of its own


class Fetcher:
    """
    Fetches what waits, one file after the other, and hands each to the desk. Each is claimed only when its turn has
    come: a claim lasts as long as one file may take, not several.

    A simulated chat has nothing to fetch, unless ``simulated`` says from where.
    """

    def __init__(self, filing: Filing, channels: Mapping[str, Transport], simulated: Fetches | None = None) -> None:
        self.filing, self.simulated = filing, simulated
        self.channels = {
            name: cast(Fetches, channel) for name, channel in channels.items() if hasattr(channel, "fetch")
        }
        self.keepers = {
            name: cast(Releases, channel) for name, channel in channels.items() if hasattr(channel, "release")
        }

    async def run_once(self) -> bool:
        """Fetch one file, or have one dropped that we need no longer. False if there is nothing to do now."""
        taken = await asyncio.to_thread(self.filing.claim, 1, simulated=self.simulated is not None)
        for one in taken:
            await self._one(one)
        return bool(taken) or await self._dropped()

    async def _dropped(self) -> bool:
        """Whatever comes of it, the file is ours to use."""
        held = await asyncio.to_thread(self.filing.to_release, self.keepers) if self.keepers else None
        if held is None:
            return False
        try:
            await self.keepers[held.channel].release(held.provider_id)
        except DeliveryError as trouble:
            log.warning("not_released", attachment=held.id, channel=held.channel, code=trouble.code)
            if trouble.retry_in is None and not trouble.halt:
                await asyncio.to_thread(self.filing.not_released, held)
        else:
            await asyncio.to_thread(self.filing.released, held)
        return True

    async def _one(self, taken: Attachment) -> None:
        if taken.attempts > TRIES:  # whoever had it last never came back, and neither might we
            return await asyncio.to_thread(self.filing.lost, taken, "worker_gone")
        channel = self.simulated if taken.simulated else self.channels.get(taken.channel)
        try:
            if channel is None:
                raise NO_CHANNEL
            content = await channel.fetch(taken.provider_id)
        except DeliveryError as trouble:
            return await self._not_fetched(taken, trouble)
        except Exception as trouble:  # no channel should
            return await self._not_fetched(taken, DeliveryError(type(trouble).__name__, "", retry_in=SOON))
        return await asyncio.to_thread(self.filing.arrived, taken, content)

    async def _not_fetched(self, taken: Attachment, trouble: DeliveryError) -> None:
        log.warning("not_fetched", attachment=taken.id, channel=taken.channel, code=trouble.code)
        if trouble.retry_in is None and not trouble.halt:
            return await asyncio.to_thread(self.filing.lost, taken, trouble.code)
        wait, counts = trouble.retry_in or SOON, trouble.counts and not trouble.halt
        return await asyncio.to_thread(self.filing.later, taken, trouble.code, wait, counts=counts)
