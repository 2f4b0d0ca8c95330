# SPDX-License-Identifier: EUPL-1.2
"""Who was there: a row for each place with four buttons, all the others at once, whoever came without, and a list."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.office import Office, Refused
from handlers.desk.office.attendance import told, told_many
from handlers.desk.office.written import clean
from handlers.rules.attendance import NeedsReason
from handlers.rules.attendance_sheet import MOST_LETTERS
from handlers.talk import Text, _
from handlers.talk.text import Words, p_

SAID: Mapping[str, Text] = {
    "present": p_("attendance", "Present"),
    "late": p_("attendance", "Late"),
    "absent": p_("attendance", "Absent"),
    "excused": p_("attendance", "Excused"),
}


def path_of(page: Page) -> str:
    return f"/console/workshops/{page.id()}/attendance"


def sheet(page: Page) -> Response:
    with page.writing() as office:  # that somebody looked who comes is written down
        return shown(page, office)


def shown(page: Page, office: Office, status: int = 200, **more: Any) -> Response:
    """The page, with what was typed on it and what is wrong with that."""
    found, asked = office.attendance.sheet(page.id()), page.asked("q")
    if found.rows:
        office.note("attenders_read", f"workshop:{page.id()}")
    known = office.attendance.seek(found, asked)
    usual = {"wrong": {}, "typed": {}, "asked": asked, "known": known, "said_in_words": SAID, "path": path_of(page)}
    return page.show("attendance/sheet.html", status, sheet=found, **{**usual, **more})


def mark(page: Page) -> Response:
    booking, reason = page.given("booking"), clean(page.given("reason"))
    id = int(booking) if booking.isascii() and booking.isdigit() and len(booking) <= 15 else 0
    with page.writing() as office:
        decision = office.attendance.mark(page.id(), id, page.given("said"), reason)
        if isinstance(decision, NeedsReason):
            typed = {id: page.given("said")}
            return shown(page, office, 422, wrong={id: told(decision)}, typed=typed)
    return page.go(f"{path_of(page)}#place-{id}", told(decision))


def mark_rest(page: Page) -> Response:
    with page.writing() as office:
        count = office.attendance.mark_rest(page.id())
    return page.go(path_of(page), told_many(count))


def bring_in(page: Page) -> Response:
    person = page.given("person")
    id = int(person) if person.isascii() and person.isdigit() and len(person) <= 15 else 0
    with page.writing() as office:
        decision = office.attendance.bring_in(page.id(), id)
    return page.go(path_of(page), told(decision))


def bring_over(page: Page) -> Response:
    """First what a list would change is shown; then it is done."""
    text, wrong = list_in(page)
    with page.writing() as office:
        try:
            if wrong:
                raise Refused(wrong)
            if not page.given("sure"):
                return preview(page, office, office.attendance.preview(page.id(), text), text)
            seen, reason = page.given("seen"), clean(page.given("reason"))[:300]
            done = office.attendance.bring_over(page.id(), text, seen=seen, reason=reason)
        except Refused as refused:
            return shown(page, office, 422, wrong={"text": refused.why}, typed={"text": text})
        if isinstance(done, int):
            return page.go(path_of(page), told_many(done))
        return preview(page, office, done, text, is_again=True)


def preview(page: Page, office: Office, found: Any, text: str, *, is_again: bool = False) -> Response:
    has_changed = is_again and found.seen != page.given("seen")
    return page.show(
        "attendance/preview.html",
        422 if is_again else 200,
        found=found,
        text=text,
        workshop=office.attendance.sheet(page.id()).workshop,
        said_in_words=SAID,
        path=path_of(page),
        wrong=None if not is_again else _("Something has changed since. Look again.") if has_changed else SAY_WHY,
    )


SAY_WHY = _("Say why you correct what stands there.")


def list_in(page: Page) -> tuple[str, Words | None]:
    """The list that was chosen as a file, or pasted; and what is wrong with the file."""
    file = page.form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return str(page.form.get("text") or "").replace("\r\n", "\n"), None
    try:
        content = file.file.read(4 * MOST_LETTERS + 1)
        return content.decode("utf-8-sig").replace("\0", "").replace("\r\n", "\n"), None
    except UnicodeDecodeError:
        return "", _("This file cannot be read. Save it as CSV, UTF-8.")


WHERE = "/console/workshops/{id}/attendance"
ROUTES = (
    get(WHERE, "attendance", "read", sheet),
    post(WHERE, "attendance", "write", mark),
    post(f"{WHERE}/rest", "attendance", "write", mark_rest),
    post(f"{WHERE}/walk-in", "attendance", "write", bring_in),
    post(f"{WHERE}/list", "attendance", "write", bring_over),
)
