# SPDX-License-Identifier: EUPL-1.2
"""Files behind links that are signed: what people sent, for the desk, for minutes; what we send, for a channel."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.clock import Clock
from bot.settings import Settings
from handlers.desk import files
from storage import Storage

LIVES_FOR = timedelta(minutes=10)
# A channel that fetches what we send may take its time: Twilio keeps a message in its queue for four hours
# (twilio.com/docs/whatsapp), and a person may open a link the next day.
SENT_LIVES_FOR = timedelta(hours=24)
EXPIRED = "Questo link è scaduto: chiedine uno nuovo.\nThis link has expired: ask for a new one.\n"
# Whatever is in the file, a browser only saves it.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
}
MADE_UP = secrets.token_bytes(32)  # where no secret is set, links live as long as this process


def link(settings: Settings, attachment_id: int, now: datetime) -> str:
    """The way to a file that somebody sent us, for ten minutes from ``now``, in real time."""
    expires = int((now + LIVES_FOR).timestamp())
    return f"/media/{attachment_id}?expires={expires}&signature={signature(settings, attachment_id, expires)}"


def link_out(settings: Settings, message_id: int, now: datetime) -> str:
    """The way to the file that a message of ours carries, from anywhere, for a day from ``now``, in real time."""
    expires = int((now + SENT_LIVES_FOR).timestamp())
    signed = signature(settings, message_id, expires, "sent")
    return f"{settings.public_url}/media/sent/{message_id}?expires={expires}&signature={signed}"


def signature(settings: Settings, id: int, expires: int, what: str = "media") -> str:
    secret = settings.secret_key.get_secret_value().encode() or MADE_UP
    return hmac.new(secret, f"{what}:{id}:{expires}".encode(), hashlib.sha256).hexdigest()


def media_routes(settings: Settings, storage: Storage, clock: Clock) -> list[Route]:
    """Where the links lead."""

    def door(path: str, what: str, look: Callable[[Storage, int, datetime], files.Opened | None]) -> Route:
        async def media(request: Request) -> Response:
            id, expires = number(request.path_params["id"]), number(request.query_params.get("expires", ""))
            given = request.query_params.get("signature", "").encode()
            if id is None or expires is None:
                return nothing()
            if not hmac.compare_digest(given, signature(settings, id, expires, what).encode()):
                return nothing()
            if clock.real().timestamp() >= expires:
                return PlainTextResponse(EXPIRED, status_code=410, headers=HEADERS)
            found = await asyncio.to_thread(look, storage, id, clock.now())
            return saved(found) if found else nothing()

        return Route(path, media)

    return [door("/media/sent/{id}", "sent", sent), door("/media/{id}", "media", opened)]


def number(words: str) -> int | None:
    return int(words) if words.isascii() and words.isdigit() and len(words) <= 12 else None


def opened(storage: Storage, id: int, now: datetime) -> files.Opened | None:
    with storage.writing() as store:
        return files.opened(store, id, now)


def sent(storage: Storage, id: int, _now: datetime) -> files.Opened | None:
    with storage.reading() as store:
        return files.enclosed(store, id)


def saved(found: files.Opened) -> Response:
    """The file, to be saved under its name in any alphabet (RFC 5987)."""
    name = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    return Response(found.content, media_type=found.kind, headers={**HEADERS, "Content-Disposition": name})


def nothing() -> Response:
    """The same for all that is wrong, so that nobody learns what there is."""
    return PlainTextResponse("Not found.\n", status_code=404, headers=HEADERS)
