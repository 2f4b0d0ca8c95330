# SPDX-License-Identifier: EUPL-1.2
"""The list of channels: how each is made from the settings, or left out where it has no token."""

from collections.abc import Callable, Mapping

from bot.channels.telegram import channel as telegram
from bot.channels.telegram import updates
from bot.channels.telegram.channel import Commands
from bot.channels.whatsapp import channel as whatsapp
from bot.channels.whatsapp import inbound
from bot.clock import Clock
from bot.contract import Channel
from bot.settings import Settings

CHANNELS: Mapping[str, Callable[[Settings, Clock, Commands], Channel | None]] = {
    updates.NAME: telegram.from_settings,
    inbound.NAME: whatsapp.from_settings,
}
