# SPDX-License-Identifier: EUPL-1.2
"""Coming in: with a password, by a link that opens once, or as somebody another service knows."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.console import door
from bot.console.arriving import let_in, protected
from bot.console.page import Console, trouble, who
from bot.console.rendering import written_for
from handlers.desk.office import coming_in, passwords
from handlers.desk.office.coming_in import Entrance, Knock, is_whole_at_once
from handlers.talk import Text, _, n_
from storage import Unavailable

LARGEST = 64 * 1024  # bytes of a form here
# Comparing passwords keeps a processor busy: whoever crowds at the door keeps nobody's messages waiting.
AT_THE_DOOR = ThreadPoolExecutor(max_workers=4, thread_name_prefix="door")

TOO_OLD = _("This page has been open for too long. Please try once more.")
NOT_RIGHT = _("E-mail and password do not go together. Check both, and try again.")
USED = _("This link has been used, or is too old. Ask for a new one.")

Opened = Callable[[Console, Request, FormData], Response]


def routes(console: Console) -> list[BaseRoute]:
    found: list[BaseRoute] = [
        Route("/console/sign-in", at_the_door(console, sign_in_page), methods=["GET"]),
        Route("/console/sign-in", at_the_door(console, sign_in), methods=["POST"]),
        Route("/console/link/{token}", at_the_door(console, link_page), methods=["GET"]),
        Route("/console/link/{token}", at_the_door(console, open_link), methods=["POST"]),
    ]
    if console.settings.oidc_issuer:
        from bot.console.openid import OpenID  # its libraries are there only where it is wanted

        found += OpenID(console).routes()
    return found


def at_the_door(console: Console, opened: Opened) -> Callable[[Request], Awaitable[Response]]:
    """A page for somebody who is nobody yet."""

    async def answer(request: Request) -> Response:
        form, length = FormData(), request.headers.get("content-length", "")
        if request.method == "POST":
            if not (length.isascii() and length.isdigit()) or int(length) > LARGEST:
                return protected(trouble(console, request, 413, _("This is too big to be sent.")))
            form = door.without_zeros(await request.form(max_files=0, max_fields=20))
        try:
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(AT_THE_DOOR, opened, console, request, form)
        except Unavailable:
            response = trouble(console, request, 503, _("The database does not answer. Try again in a moment."))
        return protected(response)

    return answer


def shown(console: Console, request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page before the session, with the key of this visit in its form."""
    key = door.visit_of(request, is_secure=console.is_secure)
    with written_for(console.reader(request)):
        found = console.templates.get_template(template).render(visit=key, **values)
    response = HTMLResponse(found, status_code=status)
    door.give_visit(response, key, is_secure=console.is_secure)
    return response


def is_ours(console: Console, request: Request, form: FormData) -> bool:
    return door.is_of_this_visit(request, form.get("form_key"), is_secure=console.is_secure)


# ---- with a password


def sign_in_page(console: Console, request: Request, form: FormData) -> Response:
    found = who(console, request)
    to = door.ours(request.query_params.get("next", ""))
    if found and found[0].is_whole:
        return RedirectResponse(to, status_code=303)
    return sign_in_form(console, request, to)


def sign_in_form(
    console: Console, request: Request, to: str, status: int = 200, *, wrong: Text | None = None, email: str = ""
) -> Response:
    openid = console.settings.oidc_name if console.settings.oidc_issuer else ""
    return shown(console, request, "sign_in/password.html", status, to=to, wrong=wrong, email=email, openid=openid)


def sign_in(console: Console, request: Request, form: FormData) -> Response:
    given = {name: str(form.get(name) or "") for name in ("email", "password", "next")}
    to, email = door.ours(given["next"]), given["email"].strip()
    if not is_ours(console, request, form):
        return sign_in_form(console, request, to, 403, wrong=TOO_OLD, email=email)
    browser = request.cookies.get(door.browser_name(console.is_secure), "")
    knock = Knock(email, given["password"], door.address_of(request), browser)
    entrance = Entrance(knock, console.clock.real())
    with console.storage.writing() as store:
        wait_until = entrance.count(store)
    if wait_until:
        wrong, seconds = too_soon(wait_until, console.clock.real())
        response = sign_in_form(console, request, to, 429, wrong=wrong, email=email)
        response.headers["Retry-After"] = str(seconds)
        return response
    is_right, kept = entrance.compare()
    with console.storage.writing() as store:
        if member := entrance.open(store, is_right, kept):
            return let_in(console, store, request, member, "password", is_whole=is_whole_at_once(member), to=to)
    return sign_in_form(console, request, to, 422, wrong=NOT_RIGHT, email=email)


def too_soon(wait_until: datetime, real: datetime) -> tuple[Text, int]:
    """Why not now, and in how many seconds."""
    seconds = max(1, round((wait_until - real).total_seconds()))
    minutes = -(-seconds // 60)
    if seconds <= 90:
        return n_(
            "Too many tries. Wait {count} second, then try again.",
            "Too many tries. Wait {count} seconds, then try again.",
            seconds,
        ), seconds
    return n_(
        "Too many tries. Wait {count} minute, then try again.",
        "Too many tries. Wait {count} minutes, then try again.",
        minutes,
    ), seconds


# ---- by a link; opening it with GET changes nothing, because programs that look through e-mail open links too


def link_page(console: Console, request: Request, form: FormData) -> Response:
    with console.storage.reading() as store:
        found = coming_in.behind(store, request.path_params["token"], console.clock.real())
    if found is None:
        return trouble(console, request, 410, USED)
    link, member = found
    return shown(console, request, "sign_in/link.html", kind=link.kind, member=member, wrong=None)


def open_link(console: Console, request: Request, form: FormData) -> Response:
    token, real = request.path_params["token"], console.clock.real()
    with console.storage.reading() as store:
        found = coming_in.behind(store, token, real)
    if found is None:
        return trouble(console, request, 410, USED)
    link, member = found
    if not is_ours(console, request, form):
        return shown(console, request, "sign_in/link.html", 403, kind=link.kind, member=member, wrong=TOO_OLD)
    password = None
    if link.kind != "sign_in":
        given = str(form.get("password") or "")
        if wrong := passwords.wrong_with(given, member):
            return shown(console, request, "sign_in/link.html", 422, kind=link.kind, member=member, wrong=wrong)
        password = passwords.hash_of(given)
    with console.storage.writing() as store:
        if used := coming_in.use(store, token, real, password):
            whole = link.kind == "sign_in" or is_whole_at_once(used[1])  # a way in is made by whoever holds the machine
            return let_in(console, store, request, used[1], f"{link.kind} link", is_whole=whole)
    return trouble(console, request, 410, USED)
