# SPDX-License-Identifier: EUPL-1.2
"""The protected tab of a person: the flag of targeted placement, which opens for a reason and no other way."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from starlette.responses import Response

from bot.console.page import Page, get, post
from bot.console.parts import AT_A_TIME
from handlers.desk.office.protected import Says
from handlers.desk.office.refusals import Refused
from handlers.desk.office.rights import as_day
from handlers.talk import _

FIELDS = ("listed", "checked_by", "expires_on", "note")


def tab(page: Page) -> Response:
    return shown(page)


def shown(
    page: Page, status: int = 200, *, says: Says | None = None, wrong: Mapping[str, Any] | None = None
) -> Response:
    with page.writing() as office:  # that there is something says something, too
        if page.request.method == "GET":
            office.note("protected_seen", f"person:{page.id()}")
        found, can_seal, today = office.protected.of(page.id()), office.protected.can_seal, office.protected.today
        names = office.store.staff.names([found.by]) if found else {}
    written = {name: page.given(name) for name in (*FIELDS, "because")}
    values = {"can_seal": can_seal, "today": today, "names": names, "says": says, "written": written}
    return page.show("protected/tab.html", status, id=page.id(), found=found, wrong=wrong or {}, **values)


def open_it(page: Page) -> Response:
    """It stands on the answer to this form, and on no page that could be opened again without a reason."""
    try:
        with page.writing() as office:
            says = office.protected.read(page.id(), page.given("because"))
    except Refused as refused:
        return shown(page, 422, wrong={"because": refused.why})
    return shown(page, says=says)


def keep(page: Page) -> Response:
    written = {name: page.given(name) for name in FIELDS}
    with page.writing() as office:
        wrong: dict[str, Any] = dict(office.protected.wrong(**written))
        day = as_day(written["expires_on"])
        if not wrong and day:
            fields = {"checked_by": written["checked_by"], "note": written["note"]}
            try:
                office.protected.keep(page.id(), listed=written["listed"] == "yes", expires_on=day, **fields)
            except Refused as refused:
                wrong["form"] = refused.why
    if wrong:
        return shown(page, 422, wrong=wrong)
    return page.go(f"/console/people/{page.id()}/protected", _("It is kept under seal."))


def close(page: Page) -> Response:
    with page.writing() as office:
        office.protected.close(page.id())
    return page.go(f"/console/people/{page.id()}/protected", _("It is closed. What it said is gone."))


def ending(page: Page) -> Response:
    with page.writing() as office:
        office.note("protected_seen", "protected")
        found = office.protected.ending(AT_A_TIME + 1, after_day(page))
        today = office.protected.today
    shown, last = found[:AT_A_TIME], found[AT_A_TIME - 1] if len(found) > AT_A_TIME else None
    older = f"/console/protected?due={last.expires_on}&id={last.id}" if last else None
    return page.show("protected/ending.html", rows=shown, older=older, today=today)


def after_day(page: Page) -> tuple[date, int] | None:
    day, id = as_day(page.asked("due")), page.number("id")
    return (day, id) if day and id is not None else None


ROUTES = (
    get("/console/protected", "protected", "read", ending),
    get("/console/people/{id}/protected", "protected", "read", tab),
    post("/console/people/{id}/protected", "protected", "write", keep),
    post("/console/people/{id}/protected/open", "protected", "read", open_it),
    post("/console/people/{id}/protected/close", "protected", "write", close),
)
