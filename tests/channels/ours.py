# SPDX-License-Identifier: EUPL-1.2
"""Our Telegram channel, pointed at a Telegram of our own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.telegram.channel import Telegram
from bot.clock import Clock
from bot.contract import DeliveryError
from handlers.talk.messages import Address, Option, Outgoing
from tests.channels.bot_api import BotApi, Phone

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
COMMANDS = {"": [("menu", "Start over")], "it": [("menu", "Torna al menu"), ("stop", "Non scrivermi più")]}
SECRET = "only-telegram-knows"


def channel(api: BotApi, **changes: Any) -> Telegram:
    settings: dict[str, Any] = {
        "mode": "polling",
        "api_url": api.url,
        "public_url": "https://sportello.example.org",
        "webhook_secret": SECRET,
        "commands": COMMANDS,
        "clock": Clock(real=lambda: NOON),
        "patience": 2.0,
    }
    return Telegram(changes.pop("token", api.token), **settings | changes)


@asynccontextmanager
async def sending(api: BotApi, **changes: Any) -> AsyncIterator[Telegram]:
    """A channel that only sends."""
    ours = channel(api, **changes)
    try:
        yield ours
    finally:
        await ours.close()


async def refusal(api: BotApi, outgoing: Outgoing, **changes: Any) -> DeliveryError:
    """What sending this message comes to."""
    async with sending(api, **changes) as ours:
        with pytest.raises(DeliveryError) as error:
            await ours.send(outgoing)
    return error.value


def amina(api: BotApi) -> Phone:
    """A phone that has written to the bot before."""
    phone = api.phone(7001)
    phone.has_written = True
    return phone


def message(text: str = "Buongiorno", *labels: str, to: str = "7001", **more: Any) -> Outgoing:
    options = tuple(Option(label.lower(), label, label) for label in labels)
    return Outgoing(41, Address("telegram", to), text, options, **more)
