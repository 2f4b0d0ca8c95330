# SPDX-License-Identifier: EUPL-1.2
"""Coming in: by a link that opens once, or with a password."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.console import door
from bot.console.page import Console, trouble
from handlers.desk.office.coming_in import hashed
from handlers.talk import _


def routes(console: Console) -> list[BaseRoute]:
    return [Route("/console/link/{token}", by_link(console), methods=["GET", "POST"])]


def by_link(console: Console) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        token = await asyncio.to_thread(open_link, console, request)
        if token is None:
            return trouble(console, request, 410, _("This link has been used, or is too old. Ask for a new one."))
        response = RedirectResponse("/console", status_code=303)
        door.give_cookie(response, token, is_secure=console.is_secure)
        return response

    return answer


def open_link(console: Console, request: Request) -> str | None:
    real = console.clock.real()
    with console.storage.writing() as store:
        link = store.staff.link(hashed(request.path_params["token"]), real)
        member = store.staff.get(link.staff_id) if link else None
        if link is None or member is None or member.closed_at or not store.staff.use_link(link.id, real):
            return None
        device = request.headers.get("user-agent", "")
        return door.begin(store, member, real, is_whole=True, device=device)
