# SPDX-License-Identifier: EUPL-1.2
"""
People's whole agenda, for the calendar on their phone to follow, at an address that only they have.

The address does not run out, because a calendar comes back to it for years. It ends when its owner takes it back, and
nobody else's ends with it. The key in it is 256 random bits, looked up as it is in an index. How far a wrong one got
there may cost billionths of a second more or less, which nobody can hear from the other end of a network.
"""

import asyncio
import re
from datetime import datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.clock import Clock
from handlers.desk import Desk
from handlers.talk.catalogues import Catalogues
from storage import Storage, Unavailable

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, max-age=300",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
KIND = "text/calendar; charset=utf-8"
KEY = re.compile(r"[A-Za-z0-9_-]{43}")  # what is none is not even looked up


class PublicLinks:
    """Where people find from outside what is theirs."""

    def __init__(self, public_url: str) -> None:
        self.public_url = public_url

    def calendar(self, key: str) -> str:
        return f"{self.public_url}/calendar/{key}.ics"


def calendar_route(storage: Storage, clock: Clock, catalogues: Catalogues) -> Route:
    """Where the addresses lead."""

    async def calendar(request: Request) -> Response:
        key = request.path_params["key"]
        if not KEY.fullmatch(key):
            return nothing()
        try:
            found = await asyncio.to_thread(agenda, storage, catalogues, key, clock.now())
        except Unavailable:
            return PlainTextResponse("Try again later.\n", status_code=503, headers={**HEADERS, "Retry-After": "300"})
        return nothing() if found is None else Response(found, media_type=KIND, headers=HEADERS)

    return Route("/calendar/{key}.ics", calendar)


def agenda(storage: Storage, catalogues: Catalogues, key: str, now: datetime) -> bytes | None:
    """The agenda a key opens, if it opens any."""
    with storage.reading() as store:
        person = store.people.with_calendar(key)
        return Desk(store, person, now, catalogues).calendar.everything() if person else None


def nothing() -> Response:
    """The same for all that is wrong, so that nobody learns who is there."""
    return PlainTextResponse("Not found.\n", status_code=404, headers={**HEADERS, "Cache-Control": "no-store"})
