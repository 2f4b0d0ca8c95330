# SPDX-License-Identifier: EUPL-1.2
"""The page is told what is new as it happens (server-sent events), without asking again and again."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from bot.bell import Bell
from bot.simulator.bubbles import Json
from bot.simulator.said import holders, language_of
from bot.simulator.sight import Holders, Sight, mark, news
from storage import Unavailable

T = TypeVar("T")

EVERY = 2.0  # seconds between two looks when nobody rings: another process may have done something
SOON = 0.25  # what changed a moment ago is often not finished
SILENCE = 15.0  # seconds after which a line that says nothing keeps the connection open
AGAIN = 1000  # ms after which a page that was cut off comes back

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy that gathers what it passes on would hold the news back
    "X-Content-Type-Options": "nosniff",
}


class Events:
    def __init__(self, sight: Sight, bell: Bell) -> None:
        self.sight, self.bell = sight, bell

    async def look(self, request: Request) -> Response:
        """All that the page shows, once: for a page that cannot be told."""
        found = holders(request.query_params)
        sight = await asyncio.to_thread(self.sight.of, found, language_of(request.query_params))
        return JSONResponse(news(sight, {}) | {"whole": True}, headers=HEADERS)

    async def listen(self, request: Request) -> Response:
        """All of it, and then what changes. A page that comes back says what it has seen, and hears only the rest."""
        found, language = holders(request.query_params), language_of(request.query_params)
        seen = request.headers.get("last-event-id", "")
        return StreamingResponse(self.stream(found, language, seen), media_type="text/event-stream", headers=HEADERS)

    async def stream(self, holders: Holders, language: str, seen: str = "") -> AsyncIterator[str]:
        yield f"retry: {AGAIN}\n\n"
        with self.bell.listen() as ear:
            sight: Json = {}
            pulse: object = None
            quiet, wait = 0.0, EVERY
            while not self.bell.is_silent:
                latest = await read(self.sight.pulse, holders)
                found = await read(self.sight.of, holders, language) if latest not in (None, pulse) else None
                if found:
                    if said := told(found, sight, seen):
                        yield said
                        quiet = 0.0
                    sight, pulse, wait = found, latest, SOON
                elif quiet >= SILENCE:
                    yield ": still here\n\n"
                    quiet = 0.0
                quiet += wait
                await ear.wait(wait)
                wait = EVERY


async def read(look: Callable[..., T], *at: object) -> T | None:
    """What there is to see; None while the database is away: the page goes on with what it has."""
    try:
        return await asyncio.to_thread(look, *at)
    except Unavailable:
        return None


def told(sight: Json, before: Json, seen: str) -> str:
    """One event with what is new; none if nothing is. The first one says whether it is everything."""
    name, is_first = mark(sight), not before
    if is_first and name == seen:
        before = {"phones": sight["phones"]}
    found = news(sight, before)
    if is_first and name != seen:
        found["whole"] = True
    return f"id: {name}\nevent: news\ndata: {json.dumps(found)}\n\n" if found else ""
