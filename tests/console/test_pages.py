# SPDX-License-Identifier: EUPL-1.2
"""Every page of the console: it opens, empty or full, and costs the same however many rows it shows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import event, select

from bot.console.app import ROUTES
from bot.console.page import Entry
from handlers.rules.roles import ROLES, may
from storage.tables import job_clubs, labels, messages, series, venues
from tests.console.crowd import LONG, fill, more_of_the_rest, more_workshops
from tests.console.office import House

PAGES = [entry for entry in ROUTES if entry.method == "GET"]
# Led on, not there, or somebody else's alone, such as the diaries of another counsellor's club.
OPENS = (200, 303, 403, 404)
MARKUP = "<script>alert(1)</script><b>x</b>"


def role_for(entry: Entry) -> str:
    return next(role for role in ("operator", *ROLES) if may({role}, entry.room, entry.action))


def known(house: House) -> dict[str, Any]:
    """What can stand in an address, by the noun before it."""
    with house.store() as store:
        person = store.read(select(labels.c.person_id))
        found = {
            "people": person[0][0] if person else store.people.demonstration()[0][0].id,
            "conversations": person[0][0] if person else store.people.demonstration()[0][0].id,
            "workshops": store.workshops.open(house.now)[0].id,
            "job-clubs": store.read(select(job_clubs.c.id).order_by(job_clubs.c.id))[0][0],
            "series": store.read(select(series.c.id).order_by(series.c.id))[0][0],
            "venues": store.read(select(venues.c.id).order_by(venues.c.id))[0][0],
            "questions": store.questions.all()[0].id,
            "staff": store.staff.all()[0].id,
            "messages": (store.read(select(messages.c.id)) or [(1,)])[0][0],
        }
    return found


def address(entry: Entry, names: dict[str, Any]) -> str:
    """The path with what is really there in its gaps; where we know of nothing, 1."""
    parts = entry.path.split("/")
    for at, part in enumerate(parts):
        if part.startswith("{"):
            parts[at] = str(names.get(parts[at - 1], 1))
    return "/".join(parts)


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    """The statements that the database is asked meanwhile."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    engines = {house.storage._writing, house.storage._reading}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def costs(house: House) -> dict[str, int]:
    """How many statements each page takes."""
    names, found = known(house), {}
    for entry in PAGES:
        visitor = house.as_(role_for(entry))
        with counted(house) as said:
            answer = visitor.get(address(entry, names))
        assert answer.status_code in OPENS, (entry.path, answer.status_code)
        found[entry.path] = len(said)
    return found


def test_every_page_costs_the_same_however_many_rows_it_shows(house: House) -> None:
    fill(house, 3, tag="few")
    few = costs(house)
    fill(house, 45, tag="many")
    more_workshops(house, 20)
    more_of_the_rest(house, 10)
    many = costs(house)
    assert {path: (few[path], many[path]) for path in few if many[path] > few[path]} == {}


@pytest.mark.parametrize("what", ["as it was loaded", "with very long words", "with markup"])
def test_every_page_opens(house: House, what: str) -> None:
    if what != "as it was loaded":
        fill(
            house,
            3,
            text=LONG if what == "with very long words" else MARKUP,
            tag="" if what != "with markup" else MARKUP,
        )
    names = known(house)
    for entry in PAGES:
        answer = house.as_(role_for(entry)).get(address(entry, names))
        assert answer.status_code in OPENS, (entry.path, answer.text[-500:])
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            assert MARKUP not in answer.text, entry.path
            assert troubles(answer.text) == [], entry.path
        assert answer.headers["Cache-Control"] == "no-store" or "attachment" in str(answer.headers), entry.path


class Reading(HTMLParser):
    """What a page promises to who cannot see it: one heading of the first rank, labels, no code between the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.headings = 0
        self.labelled: set[str] = set()
        self.inside_a_label = 0
        self.controls: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.headings += tag == "h1"
        if "id" in said:
            self.ids.append(str(said["id"]))
        if tag == "label":
            self.inside_a_label += 1
            self.labelled.add(str(said.get("for")))
        is_named = self.inside_a_label or said.get("aria-label") or said.get("aria-labelledby")
        if (
            not is_named
            and tag in ("input", "select", "textarea")
            and said.get("type") not in ("hidden", "submit", "button")
        ):
            self.controls.append((tag, said))
        self.wrong += [f"{tag} {name}" for name in said if name.startswith("on") or name == "style"]
        if tag in ("script", "style") and "src" not in said:
            self.wrong.append(f"inline {tag}")
        if tag == "form" and said.get("method") == "post":
            self.wrong += [] if not said.get("action", "").startswith("http") else ["a form that goes elsewhere"]

    def handle_endtag(self, tag: str) -> None:
        self.inside_a_label -= tag == "label"


def troubles(page: str) -> list[str]:
    reading = Reading()
    reading.feed(page)
    found = list(reading.wrong)
    if "<html" in page and reading.headings != 1:
        found.append(f"{reading.headings} h1")
    twice = {one for one in reading.ids if reading.ids.count(one) > 1}
    found += [f"id twice: {one}" for one in sorted(twice)]
    for tag, said in reading.controls:
        if said.get("id") not in reading.labelled:
            found.append(f"{tag} {said.get('name')} has no label")
    for form in re.findall(r"(?s)<form[^>]*method=\"post\".*?</form>", page):
        if 'name="form_key"' not in form:
            found.append("a form without its key")
    return found
