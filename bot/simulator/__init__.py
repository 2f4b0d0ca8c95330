# SPDX-License-Identifier: EUPL-1.2
"""Phones on a web page: in by the engine, out by the worker's claim; only the paper they are written on is ours."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.bell import Bell
from bot.clock import Clock
from bot.contract import Deliverer, Hear, Move
from bot.simulator.day import Day
from bot.simulator.events import Events
from bot.simulator.files import Papers
from bot.simulator.phone import Phone
from bot.simulator.refusals import in_kind_words
from bot.simulator.said import language_of
from bot.simulator.sight import Sight
from handlers.talk import Outgoing
from handlers.talk.catalogues import Catalogues
from handlers.talk.limits import LIMITS
from storage import Storage

__all__ = ["Paper", "Simulator", "simulated"]

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def simulated(start: str) -> dict[str, str]:
    """By channel: a path that opens a chat on our page and brings ``start`` along."""
    return {channel: f"/simulator?{urlencode({'channel': channel, 'start': start})}" for channel in LIMITS}


class Paper:
    """The way out for simulated chats: the message is already in the log, and that is where the page reads it."""

    can_edit = ("telegram",)

    def __init__(self, bell: Bell | None = None) -> None:
        self.bell = bell

    async def send(self, message: Outgoing) -> str:
        if self.bell:
            self.bell.ring()
        return f"paper:{message.id}"


class AskedAgain(StaticFiles):
    """Files that a browser asks about at each visit: after an upgrade, an old script on a new page would break it."""

    def file_response(self, *found: Any, **more: Any) -> Response:
        response = super().file_response(*found, **more)
        response.headers["Cache-Control"] = "no-cache"
        return response


@dataclass(frozen=True)
class Simulator:
    """All that the page needs of the desk."""

    hear: Hear
    deliverer: Deliverer
    storage: Storage
    clock: Clock
    catalogues: Catalogues
    move: Move
    bell: Bell

    def routes(self) -> list[BaseRoute]:
        phone = Phone(self.hear, self.deliverer, self.storage, self.clock)
        day = Day(self.storage, self.clock, self.catalogues, self.move)
        events, papers = Events(self._sight, self.bell), Papers(self.storage)
        return [
            Route("/simulator", page),
            Route("/simulator/messages", in_kind_words(phone.messages), methods=["GET", "POST"]),
            Route("/simulator/conversation", in_kind_words(phone.conversation)),
            Route("/simulator/people", in_kind_words(self.people)),
            Route("/simulator/look", in_kind_words(events.look)),
            Route("/simulator/events", in_kind_words(events.listen)),
            Route("/simulator/files/{id}", in_kind_words(papers.file)),
            Route("/simulator/clock", in_kind_words(day.change), methods=["POST"]),
            Mount("/simulator/static", AskedAgain(directory=HERE / "static")),
        ]

    @property
    def _sight(self) -> Sight:
        return Sight(self.storage, self.clock, self.catalogues)

    async def people(self, request: Request) -> Response:
        found = await asyncio.to_thread(self._sight.people, language_of(request.query_params))
        return JSONResponse(found, headers={"Cache-Control": "no-store"})


async def page(request: Request) -> Response:
    return FileResponse(HERE / "page.html", headers=HEADERS)
