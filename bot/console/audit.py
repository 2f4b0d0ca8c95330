# SPDX-License-Identifier: EUPL-1.2
"""Who looked at what, and who changed what. That somebody looks here is written down as well."""

from functools import partial
from urllib.parse import urlencode

from starlette.responses import Response

from bot.console.page import Page, get
from bot.console.parts import part
from handlers.desk.office.audit import ACTIONS

FILTERS = ("member", "person", "action", "day")


def lines(page: Page) -> Response:
    asked = {name: page.asked(name) for name in FILTERS}
    with page.writing() as office:
        found = part(page, partial(office.audit.lines, asked), lambda line: line.entry.id)
        names = office.store.staff.names()
    chosen = urlencode({name: value for name, value in asked.items() if value})
    actions = sorted(((name, page.words(words)) for name, words in ACTIONS.items()), key=lambda one: one[1])
    return page.show("audit/list.html", part=found, asked=asked, names=names, actions=actions, chosen=chosen)


def file(page: Page) -> Response:
    asked = {name: page.asked(name) for name in FILTERS}
    with page.writing() as office:
        table = office.audit.table(asked)
    headers = {"Content-Disposition": 'attachment; filename="who-did-what.csv"'}
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)


ROUTES = (
    get("/console/audit", "audit", "read", lines),
    get("/console/audit/file", "audit", "read", file),
)
