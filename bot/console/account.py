# SPDX-License-Identifier: EUPL-1.2
"""One's own account: the language, and leaving."""

from starlette.responses import RedirectResponse, Response

from bot.console import door
from bot.console.page import Page, post


def leave(page: Page) -> Response:
    """This session ends here and everywhere it was copied to."""
    with page.writing() as office:
        office.store.staff.change_session(page.session.id, ended_at=office.real)
        office.note("signed_out", office.actor)
    response = RedirectResponse("/console/sign-in", status_code=303)
    door.take_cookie(response, is_secure=page.console.is_secure)
    return response


def speak(page: Page) -> Response:
    """From now on the console is in this language."""
    language = page.given("language")
    if language in page.console.catalogues.languages:
        with page.writing() as office:
            office.store.staff.change(office.member.id, language=language)
    return page.go(came_from(page))


def came_from(page: Page) -> str:
    """The page with the form, if it is one of ours."""
    asked = page.given("next")
    return asked if asked.startswith("/console") and "//" not in asked and "\\" not in asked else "/console"


ROUTES = (
    post("/console/sign-out", "account", "write", leave),
    post("/console/language", "account", "write", speak),
)
