# SPDX-License-Identifier: EUPL-1.2
"""What is kept for how long: every job with its reason, what it would do now, and a button to do it."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.office.refusals import Refused
from handlers.desk.retaining import Retaining
from handlers.rules.retention import BY_NAME
from handlers.talk import Gone, _, n_

STEPS = 20  # of a job that somebody starts here: they wait for it; the rest goes at night


def jobs(page: Page) -> Response:
    return listed(page)


def listed(page: Page, status: int = 200, wrong: Mapping[str, Any] | None = None) -> Response:
    with page.reading() as office:
        found = office.retention.jobs()
    return page.show("retention/list.html", status, jobs=found, wrong=wrong or {}, written=page.given("days"))


def set_days(page: Page) -> Response:
    name, days = page.request.path_params["name"], page.given("days")
    try:
        with page.writing() as office:
            office.retention.set_days(
                name, int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else None
            )
    except Refused as refused:
        return listed(page, 422, {name: refused.why})
    return page.go("/console/retention", _("Kept. It counts from the next run on."))


def run(page: Page) -> Response:
    name = page.request.path_params["name"]
    if name not in BY_NAME:
        raise Gone
    house = page.console
    outcome = Retaining(house.storage, house.clock, house.catalogues, f"staff:{page.member.id}").run(name, STEPS)
    house.knock()
    house.bell.ring()
    done = n_("Done: {count} row.", "Done: {count} rows.", outcome.rows)
    if outcome.is_more:
        done = n_(
            "{count} row; there are more, press again.", "{count} rows; there are more, press again.", outcome.rows
        )
    return page.go("/console/retention", done)


ROUTES = (
    get("/console/retention", "retention", "read", jobs),
    post("/console/retention/{name}", "retention", "write", set_days),
    post("/console/retention/{name}/run", "retention", "write", run),
)
