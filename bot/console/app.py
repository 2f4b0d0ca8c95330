# SPDX-License-Identifier: EUPL-1.2
"""All pages of the console, each behind its door. A page is a file with ROUTES, and a line here and in the menu."""

from starlette.routing import BaseRoute, Route

from bot.console import (
    account,
    attendance,
    audit,
    calls,
    check_in,
    conversations,
    deliveries,
    health,
    job_clubs,
    merging,
    misread,
    people,
    person,
    protected,
    questions,
    replies,
    retention,
    rights,
    second_factor,
    series,
    settings,
    sign_in,
    staff,
    today,
    venues,
    workshops,
)
from bot.console.live import Live
from bot.console.menu import lines_for
from bot.console.page import Console, Entry, guarded

PAGES = (
    today,
    conversations,
    people,
    person,
    merging,
    calls,
    replies,
    deliveries,
    health,
    misread,
    questions,
    protected,
    rights,
    retention,
    audit,
    staff,
    settings,
    workshops,
    attendance,
    check_in,
    series,
    job_clubs,
    venues,
    account,
    second_factor,
)
ROUTES: tuple[Entry, ...] = tuple(entry for page in PAGES for entry in page.ROUTES)


def routes(console: Console) -> list[BaseRoute]:
    """Everything under /console."""
    console.templates.globals.update(menu=lines_for)
    behind_the_door = [Route(one.path, guarded(console, one), methods=[one.method]) for one in ROUTES]
    return [*sign_in.routes(console), Live(console).route(), *behind_the_door]
