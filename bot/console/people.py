# SPDX-License-Identifier: EUPL-1.2
"""People: the list, and signing somebody up who is at the desk or at the telephone."""

from urllib.parse import urlencode

from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.office import Office
from handlers.desk.office.written import Written
from handlers.talk import _

ASKED = ("q", "comune", "area", "programme", "club", "language", "registered", "stopped", "quiet")


def index(page: Page) -> Response:
    asked = {name: page.asked(name) for name in ASKED if page.asked(name)}
    with page.writing() as office:  # who looked for whom is written down, without what they looked for
        found = office.people.listed(asked, below=number(page.asked("below")), above=number(page.asked("above")))
        office.note("people_listed", "people", by=sorted(asked), found=len(found.lines))
        choices = office.people.choices()
    newer = f"?{urlencode(asked | {'above': str(found.newer)})}" if found.newer else ""
    older = f"?{urlencode(asked | {'below': str(found.older)})}" if found.older else ""
    return page.show("people/list.html", asked=asked, found=found, choices=choices, newer=newer, older=older)


def new(page: Page) -> Response:
    with page.reading() as office:
        return form(page, office, Written.of({"language": "it"}))


def sign_up(page: Page) -> Response:
    """A person without a chat."""
    filled = Written((name, value) for name, value in page.form.multi_items() if isinstance(value, str))
    with page.writing() as office:
        id = office.people.sign_up(filled)
        if id is None:
            return form(page, office, filled)
    return page.go(f"/console/people/{id}", _("They are signed up."))


def sign_up_known(page: Page) -> Response:
    """Somebody who has written to us and has not signed up."""
    filled = Written((name, value) for name, value in page.form.multi_items() if isinstance(value, str))
    with page.writing() as office:
        if office.people.sign_up(filled, page.id()) is None:
            return form(page, office, filled, page.id())
    return page.go(f"/console/people/{page.id()}", _("They are signed up."))


def known(page: Page) -> Response:
    with page.writing() as office:
        office.note("person_seen", f"person:{page.id()}")
        return form(page, office, office.person.form(page.id()), page.id())


def form(page: Page, office: Office, filled: Written, person_id: int | None = None) -> Response:
    """The form with what was typed in it, and what is wrong beside each field."""
    status = 422 if filled.wrong else 200
    return page.show("people/sign_up.html", status, form=filled, person_id=person_id, **office.people.form())


def number(words: str) -> int | None:
    return int(words) if words.isascii() and words.isdigit() and len(words) <= 15 else None


ROUTES = (
    get("/console/people", "people", "read", index),
    get("/console/people/new", "people", "write", new),
    post("/console/people/new", "people", "write", sign_up),
    get("/console/people/{id}/sign-up", "people", "write", known),
    post("/console/people/{id}/sign-up", "people", "write", sign_up_known),
)
