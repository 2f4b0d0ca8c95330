# SPDX-License-Identifier: EUPL-1.2
"""A page that is open hears when something may have changed, and asks for its part again (server-sent events)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.console import door
from bot.console.page import Console, who
from storage import Unavailable

EVERY = 0.7  # seconds between two looks: another process may have taken in what somebody wrote
SILENCE = 15.0  # seconds after which a line that says nothing keeps the connection open
AGAIN = 1000  # ms after which a page that was cut off comes back
MOST = 30  # pages that one member of the staff keeps open: each of them asks the database again and again
STILL_IN = 60.0  # seconds after which it is asked again whether they are still signed in

HEADERS = {**door.HEADERS, "X-Accel-Buffering": "no"}  # a proxy that gathers what it passes on would hold it back


class Live:
    """Tells that there is news, and nothing else: what it is, each page asks for with its own rights."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.listening: Counter[int] = Counter()  # open pages, by member of the staff

    def route(self) -> Route:
        return Route("/console/live", self.listen)

    async def listen(self, request: Request) -> Response:
        member = await asyncio.to_thread(self.who, request)
        if member is None:
            return Response(status_code=401, headers=HEADERS)
        if self.listening[member] >= MOST:
            return Response(status_code=429, headers=HEADERS)
        return StreamingResponse(self.news(request, member), media_type="text/event-stream", headers=HEADERS)

    async def news(self, request: Request, member: int) -> AsyncIterator[str]:
        self.listening[member] += 1
        try:
            async for line in self._news(request):
                yield line
        finally:
            self.listening[member] -= 1

    async def _news(self, request: Request) -> AsyncIterator[str]:
        yield f"retry: {AGAIN}\n\n"
        pulse, quiet, since_asked = await self.pulse(), 0.0, 0.0
        with self.console.bell.listen() as ear:
            while not self.console.bell.is_silent:
                await ear.wait(EVERY)
                quiet, since_asked = quiet + EVERY, since_asked + EVERY
                if since_asked >= STILL_IN:
                    since_asked = 0.0
                    if await asyncio.to_thread(self.who, request) is None:
                        return
                latest = await self.pulse()
                if latest is not None and latest != pulse:
                    pulse, quiet = latest, 0.0
                    yield "event: news\ndata: \n\n"
                elif quiet >= SILENCE:
                    quiet = 0.0
                    yield ": still here\n\n"

    def who(self, request: Request) -> int | None:
        """The number of who is signed in, with all that is asked for."""
        found = who(self.console, request)
        return found[1].id if found and found[0].is_whole else None

    async def pulse(self) -> object | None:
        """Something that changes with whatever a list shows; None while the database is away."""
        try:
            return await asyncio.to_thread(self._pulse)
        except Unavailable:
            return None

    def _pulse(self) -> object:
        with self.console.storage.reading() as store:
            return store.messages.latest()
