# SPDX-License-Identifier: EUPL-1.2
"""How a good developer would send without us: each network's usual library, as its documentation says."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.request import HTTPXRequest

from bot.bench.people import OPTIONS, SID, TEXT, chat, filled

ACCOUNT, SENDER = "AC" + "0" * 32, "+390511234567"
CALLBACK = "https://sportello.example.org"


@asynccontextmanager
async def telegram_bot(url: str, at_once: int) -> AsyncIterator[Callable[[int], Awaitable[object]]]:
    """Sends to one person, by python-telegram-bot."""
    request = HTTPXRequest(connection_pool_size=at_once, read_timeout=25)
    bot = Bot("1:bench", base_url=f"{url}/bot", request=request, get_updates_request=request)
    buttons = [InlineKeyboardButton(option.short, callback_data=f"1.{index}") for index, option in enumerate(OPTIONS)]

    async def send(person: int) -> object:
        return await bot.send_message(
            person,
            TEXT,
            reply_markup=InlineKeyboardMarkup([buttons]),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )

    try:
        yield send
    finally:
        await request.shutdown()


def by_twilio(people: int, url: str, at_once: int) -> None:
    """Everybody once, by twilio's Client: it is synchronous, so that each open request has a thread."""
    # Only who compares loads it: a desk without WhatsApp does not have it.
    from requests.adapters import HTTPAdapter
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Here(TwilioHttpClient):  # type: ignore[misc]  # twilio has no types
        """Its own HTTP client, at the recorder in place of Twilio."""

        def request(self, method: str, address: str, *more: Any, **named: Any) -> Any:
            return super().request(method, url + urlsplit(address).path, *more, **named)

    here = Here()
    here.session.mount("http://", HTTPAdapter(pool_maxsize=at_once))  # by itself it would open new ones all the time
    twilio = Client(ACCOUNT, "bench", http_client=here)

    def send(person: int) -> None:
        twilio.messages.create(
            to=chat("whatsapp", person),
            from_=f"whatsapp:{SENDER}",
            content_sid=SID,
            content_variables=json.dumps(filled(person), ensure_ascii=False),
            status_callback=f"{CALLBACK}/twilio/status?oid={person}",
        )

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(send, range(1, people + 1)))
