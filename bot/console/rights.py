# SPDX-License-Identifier: EUPL-1.2
"""What people ask about their data: by when it is due, what we hand over, what we delete, and what proves consent."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from starlette.responses import Response

from bot.console.page import Page, get, post
from bot.console.parts import AT_A_TIME, address, part
from handlers.desk.export import REQUESTS
from handlers.desk.office.refusals import Refused
from handlers.desk.office.rights import WAYS, File, as_day
from handlers.talk import Gone, Text, _, p_

VIEWS: dict[str, Text] = {
    "open": p_("view", "Open"),
    "chat": p_("view", "In the chat"),
    "closed": p_("view", "Answered"),
    "receipts": p_("view", "Deletions"),
}
TOLD = _("Done. The person was told in the chat.")
NOT_TOLD = _("Done. The person cannot be written to now: call them, or write a letter.")


def requests(page: Page) -> Response:
    """Four lists: what is open, what people did in the chat, what is answered, who was deleted."""
    view = page.asked("view", "open")
    if view not in VIEWS:
        raise Gone
    values: dict[str, Any] = {"view": view, "views": VIEWS, "kinds": REQUESTS, "ways": WAYS, "names": {}}
    with page.writing() as office:  # that somebody looks is written down, here and on every page of it
        rights = office.rights
        office.note("rights_seen", "rights", view=view)
        if view == "open":
            found = rights.waiting(AT_A_TIME + 1, after_day(page))
            values |= {"rows": found[:AT_A_TIME], "erasures": rights.being_erased(), "newer": None, "older": None}
            if len(found) > AT_A_TIME:
                last = found[AT_A_TIME - 1].request
                values["older"] = f"{address(page)}&due={last.due_on}&id={last.id}"
        else:
            ways = {
                "chat": (rights.in_the_chat, lambda row: row.asked.id),
                "closed": (rights.closed, lambda row: row.id),
                "receipts": (rights.receipts, lambda row: row.id),
            }
            shown: Any = part(page, *ways[view])  # type: ignore[arg-type]
            values |= {"rows": shown.rows, "newer": shown.newer, "older": shown.older}
            values["names"] = office.store.staff.names()
    return page.show("rights/list.html", **values)


def after_day(page: Page) -> tuple[date, int] | None:
    day, id = as_day(page.asked("due")), page.number("id")
    return (day, id) if day and id is not None else None


def new(page: Page) -> Response:
    with page.reading() as office:
        today = office.rights.today
    return page.show(
        "rights/new.html",
        written={"person": page.asked("person"), "asked_on": today.isoformat()},
        wrong={},
        kinds=REQUESTS,
        ways=WAYS,
    )


def begin(page: Page) -> Response:
    written = {name: page.given(name) for name in ("person", "kind", "came_by", "asked_on", "note")}
    asked = {name: value for name, value in written.items() if name != "person"}
    number, asked_on = written["person"], as_day(written["asked_on"])
    with page.writing() as office:
        wrong = office.rights.wrong(**asked)
        if not (number.isascii() and number.isdecimal() and len(number) <= 15):
            wrong["person"] = _("Write the number of the person, as their page shows it.")
        elif not wrong:
            assert asked_on is not None, "the day has been looked at"
            fields = {"kind": asked["kind"], "came_by": asked["came_by"], "note": asked["note"]}
            try:
                id = office.rights.begin(int(number), **fields, asked_on=asked_on)
                return page.go(f"/console/rights/{id}", _("The request is written down."))
            except Gone:
                wrong["person"] = _("Nobody has this number.")
            except Refused as refused:
                wrong["person"] = refused.why  # type: ignore[assignment]
    return page.show("rights/new.html", 422, written=written, wrong=wrong, kinds=REQUESTS, ways=WAYS)


def request(page: Page) -> Response:
    return shown(page, page.id())


def shown(page: Page, id: int, status: int = 200, wrong: Mapping[str, Any] | None = None) -> Response:
    """One request; with what was written and could not be done, if it could not."""
    with page.writing() as office:  # that somebody looks is written down
        found = office.rights.get(id)
        office.note("rights_seen", f"person:{found.request.person_id}", request=id)
        names = office.store.staff.names()
    written = {name: page.given(name) for name in ("longer", "refuse")}
    values = {"kinds": REQUESTS, "ways": WAYS, "names": names, "wrong": wrong or {}, "written": written}
    return page.show("rights/request.html", status, found=found, **values)


def send_code(page: Page) -> Response:
    with page.writing() as office:
        office.rights.send_code(page.id())
    return page.go(f"/console/rights/{page.id()}", _("The number is on its way. Ask for it now."))


def check_code(page: Page) -> Response:
    with page.writing() as office:
        is_right = office.rights.check_code(page.id(), page.given("code"))
    if not is_right:
        return shown(page, page.id(), 422, {"code": _("This is another number.")})
    return page.go(f"/console/rights/{page.id()}", _("It is the right number: it is they who ask."))


def longer(page: Page) -> Response:
    return answered(page, "longer")


def done(page: Page) -> Response:
    return answered(page, "done")


def refuse(page: Page) -> Response:
    return answered(page, "refuse")


def answered(page: Page, how: str) -> Response:
    try:
        with page.writing() as office:
            rights, id, because = office.rights, page.id(), page.given(how)
            match how:
                case "longer":
                    told = rights.longer(id, because)
                case "refuse":
                    told = rights.refuse(id, because)
                case _:
                    told = rights.done(id)
    except Refused as refused:
        return shown(page, page.id(), 422, {how: refused.why})
    return page.go(f"/console/rights/{id}", TOLD if told else NOT_TOLD)


# ---- one person


def person(page: Page) -> Response:
    return of_person(page, page.id())


def of_person(page: Page, id: int, status: int = 200, wrong: Mapping[str, Any] | None = None) -> Response:
    with page.writing() as office:
        office.note("rights_seen", f"person:{id}")
        values = {
            "requests": office.rights.of(id),
            "counts": office.rights.counts_of(id),
            "receipt": office.rights.receipt_of(id),
        }
    written = {"because": page.given("because")}
    return page.show("rights/person.html", status, id=id, kinds=REQUESTS, wrong=wrong or {}, written=written, **values)


def download(page: Page) -> Response:
    form = "json" if page.given("form") == "json" else "page"
    try:
        with page.writing() as office:
            file = office.rights.data_of(page.id(), form, page.given("because"))
    except Refused as refused:
        return of_person(page, page.id(), 422, {"because": refused.why})
    return saved(file)


def before_erasure(page: Page) -> Response:
    return of_erasure(page, page.id())


def of_erasure(page: Page, id: int, status: int = 200, wrong: Mapping[str, Any] | None = None) -> Response:
    """What goes and what stays, before anything is done."""
    with page.writing() as office:
        office.note("rights_seen", f"person:{id}")
        values = {"counts": office.rights.counts_of(id), "receipt": office.rights.receipt_of(id)}
    written = {"because": page.given("because")}
    return page.show("rights/erasure.html", status, id=id, wrong=wrong or {}, written=written, **values)


def erase(page: Page) -> Response:
    if page.given("sure") != "1":
        return of_erasure(page, page.id(), 422, {"sure": _("Say that you have made sure who asks.")})
    try:
        with page.writing() as office:
            receipt = office.rights.erase(page.id(), page.given("because"))
    except Refused as refused:
        return of_erasure(page, page.id(), 422, {"because": refused.why})
    said = _("In a few minutes everything is deleted. The receipt: {number}", number=receipt)
    return page.go(f"/console/rights/people/{page.id()}", said)


def consents(page: Page) -> Response:
    with page.writing() as office:
        proofs = office.rights.proofs(page.id())
        made_at = office.now
    return page.show("rights/consents.html", id=page.id(), proofs=proofs, made_at=made_at)


def consents_file(page: Page) -> Response:
    with page.writing() as office:
        file = office.rights.proofs_file(page.id())
    return saved(file)


def saved(file: File) -> Response:
    """Something to be kept, not to be opened here: a page in it must not run in the console."""
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type=file.kind, headers=headers)


ROUTES = (
    get("/console/rights", "rights", "read", requests),
    get("/console/rights/new", "rights", "write", new),
    post("/console/rights/new", "rights", "write", begin),
    get("/console/rights/{id}", "rights", "read", request),
    post("/console/rights/{id}/code", "rights", "write", send_code),
    post("/console/rights/{id}/check", "rights", "write", check_code),
    post("/console/rights/{id}/longer", "rights", "write", longer),
    post("/console/rights/{id}/done", "rights", "write", done),
    post("/console/rights/{id}/refuse", "rights", "write", refuse),
    get("/console/rights/people/{id}", "rights", "read", person),
    post("/console/rights/people/{id}/download", "rights", "write", download),
    get("/console/rights/people/{id}/erasure", "rights", "write", before_erasure),
    post("/console/rights/people/{id}/erasure", "rights", "write", erase),
    get("/console/rights/people/{id}/consents", "rights", "read", consents),
    get("/console/rights/people/{id}/consents.json", "rights", "read", consents_file),
)
