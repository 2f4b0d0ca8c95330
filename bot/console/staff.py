# SPDX-License-Identifier: EUPL-1.2
"""Staff and roles: who works at the desk, what they may do, and for whom."""

from babel import Locale, UnknownLocaleError
from starlette.responses import Response

from bot.console.page import Page, get, post
from handlers.desk.office import Office
from handlers.desk.office.staff import AT_A_TIME, ROLE_NAMES, Choices, Entry, entry_of
from handlers.rules.roles import ROLES, needs_second_factor
from handlers.talk import Text, _
from handlers.talk.text import locale_of
from storage.staff import Member

# What people at a desk speak; the list is open to whatever stands with somebody already.
LANGUAGES = ("it", "en", "fr", "es", "ro", "sq", "ar", "bn", "ur", "zh", "uk", "ru", "pt", "pa", "fil", "ti", "wo")


def staff(page: Page) -> Response:
    closed = page.asked("closed") == "1"
    with page.reading() as office:
        after, before = place(page, office, "after"), place(page, office, "before")
        found, seen = office.staff.listed(closed=closed, after=after, before=before)
        there_are_more = len(found) > AT_A_TIME
        found = found[-AT_A_TIME:] if before else found[:AT_A_TIME]
        choices = office.staff.choices()
    there_are_earlier = there_are_more if before else after is not None
    there_are_later = before is not None or there_are_more
    return page.show(
        "staff/staff.html",
        members=found,
        seen=seen,
        closed=closed,
        answers_for={one.id: answers_for(one, choices) for one in found},
        role_names=ROLE_NAMES,
        needs_second_factor=needs_second_factor,
        earlier=turn(closed, "before", found[0].id) if found and there_are_earlier else "",
        later=turn(closed, "after", found[-1].id) if found and there_are_later else "",
    )


def answers_for(member: Member, choices: Choices) -> list[str]:
    """The areas and programmes of those they answer, by name; empty for everybody."""
    return [choices.areas.get(code, code) for code in member.areas or ()] + [
        choices.programmes.get(code, code) for code in member.programmes or ()
    ]


def place(page: Page, office: Office, name: str) -> tuple[str, int] | None:
    """Where the page before or after this one ended."""
    id = page.number(name)
    member = office.store.staff.get(id) if id is not None else None
    return (member.name, member.id) if member else None


def turn(closed: bool, name: str, id: int) -> str:
    return f"/console/staff?{'closed=1&' if closed else ''}{name}={id}"


def new(page: Page) -> Response:
    with page.reading() as office:
        return form(page, office, Entry("", "", ""), {})


def form(
    page: Page, office: Office, entry: Entry, wrong: dict[str, Text], status: int = 200, member: Member | None = None
) -> Response:
    return page.show(
        "staff/entry.html",
        status,
        entry=entry,
        member=member,
        wrong=wrong,
        choices=office.staff.choices(),
        roles=[(role, page.words(ROLE_NAMES[role])) for role in ROLES],
        languages=languages(page, entry),
        needs_second_factor=needs_second_factor,
    )


def languages(page: Page, entry: Entry) -> list[tuple[str, str]]:
    known = dict.fromkeys((*LANGUAGES, *entry.languages))
    return [(code, language_name(code, page.reader.language)) for code in known]


def language_name(code: str, reader: str) -> str:
    """A language in the reader's own: it → Italian."""
    try:
        return Locale.parse(code, sep="-").get_display_name(locale_of(reader)) or code
    except (UnknownLocaleError, ValueError):
        return code


def invite(page: Page) -> Response:
    entry = written(page)
    with page.writing() as office:
        wrong = office.staff.wrong_with(entry)
        if wrong:
            return form(page, office, entry, wrong, 422)
        id, token = office.staff.invite(entry)
    return link(page, id, token)


def entry_page(page: Page) -> Response:
    with page.reading() as office:
        member = office.staff.get(page.id())
        return form(page, office, entry_of(member), {}, member=member)


def change(page: Page) -> Response:
    entry = written(page)
    with page.writing() as office:
        wrong = office.staff.wrong_with(entry, page.id())
        if wrong:
            return form(page, office, entry, wrong, 422, office.staff.get(page.id()))
        office.staff.change(page.id(), entry)
    return page.go("/console/staff", said=_("Saved. It holds from their next page on."))


def written(page: Page) -> Entry:
    """The form as it was sent, right or wrong."""
    return Entry(
        " ".join(page.given("name").split()),
        page.given("email"),
        page.given("role"),
        tuple(page.chosen("other_roles")),
        tuple(page.chosen("areas")),
        tuple(page.chosen("programmes")),
        tuple(code for code in page.chosen("languages") if code.isalpha() and len(code) <= 3),
    )


def close(page: Page) -> Response:
    with page.writing() as office:
        people = office.staff.close(page.id())
    for person_id in people:  # each in a transaction of its own: nobody is kept waiting for the others
        with page.writing() as office:
            office.staff.give_back(person_id, page.id())
    return page.go("/console/staff", said=_("Closed. They are signed out everywhere, and no link of theirs opens."))


def reopen(page: Page) -> Response:
    with page.writing() as office:
        token = office.staff.reopen(page.id())
    return link(page, page.id(), token)


def new_link(page: Page) -> Response:
    with page.writing() as office:
        token = office.staff.new_link(page.id())
    return link(page, page.id(), token)


def link(page: Page, id: int, token: str) -> Response:
    """The link, this once: Sportello sends no e-mail, so whoever asked for it hands it over."""
    with page.reading() as office:
        member = office.staff.get(id)
    here = page.console.settings.public_url or f"{page.request.url.scheme}://{page.request.url.netloc}"
    return page.show("staff/link.html", member=member, link=f"{here}/console/link/{token}")


def forget_second_factor(page: Page) -> Response:
    with page.writing() as office:
        office.staff.forget_second_factor(page.id())
    return page.go(f"/console/staff/{page.id()}", said=_("Taken away. They are signed out everywhere."))


ROUTES = (
    get("/console/staff", "staff", "read", staff),
    get("/console/staff/new", "staff", "write", new),
    post("/console/staff/new", "staff", "write", invite),
    get("/console/staff/{id}", "staff", "read", entry_page),
    post("/console/staff/{id}", "staff", "write", change),
    post("/console/staff/{id}/close", "staff", "write", close),
    post("/console/staff/{id}/reopen", "staff", "write", reopen),
    post("/console/staff/{id}/link", "staff", "write", new_link),
    post("/console/staff/{id}/second-factor", "staff", "write", forget_second_factor),
)
