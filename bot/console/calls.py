# SPDX-License-Identifier: EUPL-1.2
"""The call list: whom to telephone, why, by when, what to say, and what came of it."""

from starlette.responses import Response

from bot.console.page import Page, get, post
from bot.console.person import noun
from handlers.talk import Words, _


def index(page: Page) -> Response:
    with page.writing() as office:  # who looked is written down: there are telephone numbers on it
        found = office.calls.listed(after=page.asked("after"), before=page.asked("before"))
    return page.show("calls/list.html", found=found)


def take(page: Page) -> Response:
    with page.writing() as office:
        office.calls.take(page.id())
    return back(page, _("This call is yours."))


def remind(page: Page) -> Response:
    """A reminder becomes somebody's call."""
    with page.writing() as office:
        office.calls.remind(noun(page, "booking"))
    return back(page, _("This call is yours."))


def let_go(page: Page) -> Response:
    with page.writing() as office:
        office.calls.let_go(page.id())
    return back(page, _("Somebody else may call."))


def outcome(page: Page) -> Response:
    with page.writing() as office:
        office.calls.outcome(page.id(), page.given("outcome"), page.given("again_on"))
    return back(page, _("It is written down."))


def place(page: Page) -> Response:
    """A free place that was offered on the telephone."""
    with page.writing() as office:
        wants = page.given("answer") == "yes"
        said = office.calls.take_place(page.id()) if wants else office.calls.give_place_on(page.id())
    return back(page, said)


def back(page: Page, said: Words) -> Response:
    return page.go("/console/calls", said)


ROUTES = (
    get("/console/calls", "calls", "read", index),
    post("/console/calls/reminder", "calls", "write", remind),
    post("/console/calls/{id}/take", "calls", "write", take),
    post("/console/calls/{id}/let-go", "calls", "write", let_go),
    post("/console/calls/{id}/outcome", "calls", "write", outcome),
    post("/console/calls/{id}/place", "calls", "write", place),
)
