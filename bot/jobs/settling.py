# SPDX-License-Identifier: EUPL-1.2
"""Asks the channels that can tell whether a message has arrived of which nobody heard."""

import asyncio
from collections.abc import Mapping
from typing import cast

import structlog

from bot.contract import DeliveryError, Settles, Transport
from handlers.desk.receipts import Doubt, Receipts

log = structlog.get_logger()


class Settling:
    """What is found counts as sent, what is not is sent again; where a channel is away it is asked later."""

    def __init__(self, receipts: Receipts, transports: Mapping[str, Transport]) -> None:
        self.receipts = receipts
        self.channels = {
            name: cast(Settles, channel) for name, channel in transports.items() if hasattr(channel, "find")
        }

    async def run_once(self) -> int:
        """Ask about what is due. Returns how many messages are settled, one way or the other."""
        if not self.channels:
            return 0
        doubts = await asyncio.to_thread(self.receipts.to_settle, self.channels.keys())
        return sum([await self._settled(doubt) for doubt in doubts])

    async def _settled(self, doubt: Doubt) -> bool:
        message = doubt.message
        try:
            found = await self.channels[message.to.channel].find(message, doubt.since, doubt.known)
        except DeliveryError as trouble:
            log.warning("not_settled", message=message.id, channel=message.to.channel, code=trouble.code)
            return False
        if found is None:
            await asyncio.to_thread(self.receipts.not_found, message.id)
            return True
        return await asyncio.to_thread(self.receipts.found, message.id, found)
