# SPDX-License-Identifier: EUPL-1.2
"""A person on one screen, and what the desk does for them."""

from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.office import Office
from handlers.desk.office.person import Clash
from handlers.desk.office.written import Written
from handlers.talk import Gone, Words, _


def screen(page: Page) -> Response:
    id = page.id()
    with page.writing() as office:  # that somebody looked is written down
        if (whole := office.person.whole(id)) != id:
            return page.go(f"/console/people/{whole}")
        found = office.person.screen(id)
    return page.show("people/person.html", found=found)


def profile(page: Page) -> Response:
    with page.writing() as office:
        office.note("person_seen", f"person:{page.id()}")
        return profile_form(page, office, office.person.form(page.id()))


def correct(page: Page) -> Response:
    filled = Written((name, value) for name, value in page.form.multi_items() if isinstance(value, str))
    with page.writing() as office:
        if not office.person.correct(page.id(), filled):
            return profile_form(page, office, filled)
    return back(page, _("It is put right."))


def profile_form(page: Page, office: Office, form: Written) -> Response:
    known = office.desk_of(page.id()).person.registered_at is not None
    status = 422 if form.wrong else 200
    return page.show(
        "people/profile.html", status, form=form, is_signed_up=known, person_id=page.id(), **office.people.form()
    )


def workshops(page: Page) -> Response:
    with page.reading() as office:
        return page.show(
            "people/book.html",
            person_id=page.id(),
            workshops=office.person.open_workshops(page.id()),
            clubs=office.person.open_clubs(page.id()),
        )


def book(page: Page) -> Response:
    with page.writing() as office:
        answer = office.person.book(
            page.id(), noun(page, "workshop"), or_wait=bool(page.given("or_wait")), despite=bool(page.given("despite"))
        )
    return answered(page, answer, "book", workshop=page.given("workshop"))


def cancel(page: Page) -> Response:
    with page.writing() as office:
        office.person.cancel(page.id(), noun(page, "booking"))
    return back(page, _("The place is given up."))


def join(page: Page) -> Response:
    with page.writing() as office:
        answer = office.person.join(page.id(), page.given("club"), or_wait=bool(page.given("or_wait")))
    return answered(page, answer, "club", club=page.given("club"))


def leave(page: Page) -> Response:
    with page.writing() as office:
        office.person.leave(page.id(), page.given("club"))
    return back(page, _("They have left the Job Club."))


def stop(page: Page) -> Response:
    with page.writing() as office:
        office.person.stop(page.id(), page.given("how"))
    return back(page, _("Nothing more is written to them."))


def hold_back(page: Page) -> Response:
    message = noun(page, "message") if page.given("message") else None
    with page.writing() as office:
        office.future.hold_back(page.id(), key=page.given("key"), message_id=message)
    return back(page, _("This message is not sent."))


def answered(page: Page, answer: Words | Clash, doing: str, **asked: str) -> Response:
    """What became of it; or the question that comes before it."""
    if not isinstance(answer, Clash):
        return back(page, answer)
    again = {**asked, "or_wait": answer.or_wait, "despite": answer.despite}
    fields = {name: "1" if value is True else value for name, value in again.items() if value}
    return page.show("people/sure.html", 409, question=answer.question, person_id=page.id(), doing=doing, fields=fields)


def back(page: Page, said: Words) -> Response:
    return page.go(f"/console/people/{page.id()}", said)


def noun(page: Page, name: str) -> int:
    """A number in a field of the form. Raises Gone for what is none."""
    given = page.given(name)
    if not (given.isascii() and given.isdigit() and len(given) <= 15):
        raise Gone
    return int(given)


ROUTES = (
    get("/console/people/{id}", "people", "read", screen),
    get("/console/people/{id}/profile", "people", "write", profile),
    post("/console/people/{id}/profile", "people", "write", correct),
    get("/console/people/{id}/book", "people", "write", workshops),
    post("/console/people/{id}/book", "people", "write", book),
    post("/console/people/{id}/cancel", "people", "write", cancel),
    post("/console/people/{id}/club", "people", "write", join),
    post("/console/people/{id}/club/leave", "people", "write", leave),
    post("/console/people/{id}/stop", "people", "write", stop),
    post("/console/people/{id}/hold-back", "people", "write", hold_back),
)
