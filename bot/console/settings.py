# SPDX-License-Identifier: EUPL-1.2
"""The settings of the service."""

from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.talk import Text, _


def settings(page: Page) -> Response:
    with page.reading() as office:
        return the_page(page, office.service.shown(), {})


def the_page(page: Page, values: dict[str, str], wrong: dict[str, Text], status: int = 200) -> Response:
    return page.show("settings/settings.html", status, values=values, wrong=wrong, weekdays=WEEKDAYS)


def change(page: Page) -> Response:
    with page.writing() as office:
        given = {name: page.given(name, shown) for name, shown in office.service.shown().items()}
        wrong = office.service.change(given)
    if wrong:
        return the_page(page, given, wrong, 422)
    return page.go("/console/settings", said=_("Saved. It holds from the next message on."))


WEEKDAYS = (
    ("monday", _("Monday")),
    ("tuesday", _("Tuesday")),
    ("wednesday", _("Wednesday")),
    ("thursday", _("Thursday")),
    ("friday", _("Friday")),
    ("saturday", _("Saturday")),
    ("sunday", _("Sunday")),
)

ROUTES = (
    get("/console/settings", "settings", "read", settings),
    post("/console/settings", "settings", "write", change),
)
