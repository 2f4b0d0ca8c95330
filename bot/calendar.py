# SPDX-License-Identifier: EUPL-1.2
"""
People's whole agenda, for the calendar on their phone to follow, behind a link that only they have.

The link does not run out, because a calendar comes back to it for years. It is signed with SECRET_KEY: another key
takes back every link there is, and where no key is set nothing is to be followed.
"""

import asyncio
import base64
import hashlib
import hmac
from datetime import datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.clock import Clock
from bot.settings import Settings
from handlers.desk import Desk
from handlers.talk.catalogues import Catalogues
from storage import Storage

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, max-age=300",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
KIND = "text/calendar; charset=utf-8"
DIGITS = 18  # no number of a person is longer


def link(settings: Settings, person_id: int, since: datetime) -> str:
    """Where somebody's calendar finds their agenda; ``since`` is when they wrote for the first time."""
    return f"{settings.public_url}/calendar/{token(settings, person_id, since)}.ics"


def token(settings: Settings, person_id: int, since: datetime) -> str:
    """Whose agenda it is, signed. A number that is given to somebody else one day does not open theirs."""
    secret, words = settings.secret_key.get_secret_value().encode(), f"calendar:{person_id}:{since.isoformat()}"
    signature = hmac.new(secret, words.encode(), hashlib.sha256).digest()
    return f"{person_id}-{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def calendar_route(settings: Settings, storage: Storage, clock: Clock, catalogues: Catalogues) -> Route:
    """Where the links lead."""

    async def calendar(request: Request) -> Response:
        given = request.path_params["token"]
        found = await asyncio.to_thread(agenda, settings, storage, catalogues, given, clock.now())
        return nothing() if found is None else Response(found, media_type=KIND, headers=HEADERS)

    return Route("/calendar/{token}.ics", calendar)


def agenda(settings: Settings, storage: Storage, catalogues: Catalogues, given: str, now: datetime) -> bytes | None:
    """The agenda a token opens, if it opens any."""
    number = given.partition("-")[0]
    if not settings.secret_key or not (number.isascii() and number.isdigit() and len(number) <= DIGITS):
        return None
    with storage.reading() as store:
        since = store.people.since(int(number))
        if since is None or not hmac.compare_digest(given.encode(), token(settings, int(number), since).encode()):
            return None
        return Desk(store, store.people.get(int(number)), now, catalogues).calendar.everything()


def nothing() -> Response:
    """The same for all that is wrong, so that nobody learns who is there."""
    return PlainTextResponse("Not found.\n", status_code=404, headers={**HEADERS, "Cache-Control": "no-store"})
