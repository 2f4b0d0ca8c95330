# SPDX-License-Identifier: EUPL-1.2
"""Phones on a web page: in by the engine, out by the worker's claim; only the paper they are written on is ours."""

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.clock import Clock
from bot.contract import Deliverer, Hear
from bot.simulator.phone import Phone
from bot.simulator.refusals import in_kind_words
from handlers.talk import Outgoing
from storage import Storage

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Paper:
    """The way out for simulated chats: the message is already in the log, and that is where the page reads it."""

    async def send(self, message: Outgoing) -> str:
        return f"paper:{message.id}"


class AskedAgain(StaticFiles):
    """Files that a browser asks about at each visit: after an upgrade, an old script on a new page would break it."""

    def file_response(self, *found: Any, **more: Any) -> Response:
        response = super().file_response(*found, **more)
        response.headers["Cache-Control"] = "no-cache"
        return response


def simulator_routes(hear: Hear, deliverer: Deliverer, storage: Storage, clock: Clock) -> list[BaseRoute]:
    phone = Phone(hear, deliverer, storage, clock)
    return [
        Route("/simulator", page),
        Route("/simulator/messages", in_kind_words(phone.messages), methods=["GET", "POST"]),
        Route("/simulator/conversation", in_kind_words(phone.conversation)),
        Mount("/simulator/static", AskedAgain(directory=HERE / "static")),
    ]


async def page(request: Request) -> Response:
    return FileResponse(HERE / "page.html", headers=HEADERS)
