# SPDX-License-Identifier: EUPL-1.2
"""Somebody has come in, whichever way: a session of their own, and where they wanted to go."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.console import door
from bot.console.page import Console
from handlers.desk.office import coming_in
from handlers.desk.office.coming_in import note
from storage import Store
from storage.staff import Member


def protected(response: Response) -> Response:
    for name, value in door.HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def let_in(
    console: Console, store: Store, request: Request, member: Member, by: str, *, is_whole: bool, to: str = "/console"
) -> Response:
    """A session of its own for each time somebody comes in; the one this browser held before ends."""
    real, secure = console.clock.real(), console.is_secure
    if before := door.whose(store, request.cookies.get(door.cookie_name(secure), ""), real):
        store.staff.change_session(before[0].id, ended_at=real)
    token = door.begin(store, member, real, is_whole=is_whole, device=door.device_of(request))
    note(store, real, f"staff:{member.id}", "signed_in", f"staff:{member.id}", by=by)
    to = door.ours(to)
    response = RedirectResponse(to if is_whole else f"/console/second-factor?next={quote(to)}", status_code=303)
    door.give_cookie(response, token, is_secure=secure)
    if member.password:
        door.remember_browser(response, coming_in.browser_token(member), is_secure=secure)
    return response
