# SPDX-License-Identifier: EUPL-1.2
"""What people get when they ask for their data: all of it, nobody else's, to read and for a program."""

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from handlers.talk.catalogues import Catalogues
from handlers.talk.page import Section, page
from storage import Store
from storage.tables import audit, enrolments, files, messages, people
from tests.database import MONDAY, Databases
from tests.stage import Stage, perform

TITLE = "Il colloquio"
DAY = timedelta(days=1)
VOID = ("meta",)
ANGRY = '<script>alert("1")</script> & Mary'


class Play:
    """Amina has done a few things, and Karim others, before she asks for her data."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        for one in (
            f"there is a workshop «{TITLE}» in 7 days at 10:00 with 1 place",
            "Amina's phone speaks English",
            "Amina is registered in Bologna, and speaks English",
            "Karim is registered in Bologna",
            f"Amina has a place at «{TITLE}»",
            f"Karim has a place at «{TITLE}»",
            "Amina sends the file «cv.pdf»",
            "what was sent is a PDF",
        ):
            perform(stage, one)
        stage.sends("Karim", "il segreto di Karim")
        self.says("start reminders", "yes", "person", "333 1234567", "my data", "correct something", "4", ANGRY, "7")
        perform(stage, "Amina is known as «Amina», born in 1987, of Bologna, registered")

    def says(self, *words: str) -> None:
        for one in words:
            self.stage.sends("Amina", one)

    def asks(self) -> tuple[str, dict[str, Any]]:
        """The page and the data, as she gets them."""
        self.says("my data", "download my data")
        self.says(self.stage.shown_to("Amina")[-1].text.rpartition(": ")[2].split()[0])
        sent = [one.payload for one in self.stage.shown_to("Amina") if one.payload and "file" in one.payload]
        carried = {one["name"]: one["file"] for one in sent}

        def read(name: str) -> str:
            found = self.stage.with_store(lambda store: store.files.content(carried[name]))
            return str(found.content.decode())

        return read("sportello-data.html"), json.loads(read("sportello-data.json"))

    def copies(self) -> int:
        """How many files are kept that were made for her."""
        made = select(files.c.id).where(files.c.kind.in_(("text/html", "application/json")))
        return len(self.stage.with_store(lambda store: store.read(made)))


@pytest.fixture
def play(databases: Databases) -> Iterator[Play]:
    with databases.town("sqlite") as url, contextlib.closing(Stage(url)) as stage:
        yield Play(stage)


def test_everything_is_in_it(play: Play) -> None:
    _, data = play.asks()
    about = data["about_you"]
    assert (about["name"], about["year_of_birth"], about["town"]) == ("Amina", 1987, "Bologna")
    assert (about["telephone"], about["job"]) == ("+393331234567", ANGRY)
    assert [one["address"] for one in data["chats"]] == ["stage:Amina"]
    assert [(one["title"], one["state"], one["place"]) for one in data["appointments"]] == [
        (TITLE, "booked", "Casa Lumetta")
    ]
    assert [(one["name"], one["state"]) for one in data["files"]] == [("cv.pdf", "stored")]
    assert {one["reason"] for one in data["cases"]} == {"file", "asked"}
    words = [(one["direction"], one["text"]) for one in data["messages"]]
    assert ("in", "start reminders") in words and any(way == "out" and TITLE in text for way, text in words)


def test_the_copies_are_thrown_away_an_hour_after_they_have_been_sent(play: Play) -> None:
    play.asks()
    perform(play.stage, "50 minutes pass")
    assert play.copies() == 2
    perform(play.stage, "10 minutes pass")
    assert play.copies() == 0
    _, data = play.asks()
    assert [one["file"] for one in data["messages"]].count("sportello-data.json") == 1  # that there was one stays
    assert [one["name"] for one in data["files"] if one["state"] == "stored"] == ["cv.pdf"]


def test_what_is_on_its_way_is_neither_made_twice_nor_thrown_away(play: Play) -> None:
    play.asks()
    later = update(messages).where(messages.c.subject == "my_data").values(state="pending", due_at=MONDAY + DAY)
    play.stage.with_store(lambda store: store.write(later))
    play.says("my data", "download my data")
    asked = select(messages.c.text).where(messages.c.direction == "out").order_by(messages.c.id.desc()).limit(1)
    assert "on their way already" in play.stage.with_store(lambda store: store.read(asked)[0][0])
    perform(play.stage, "2 hours pass")
    assert play.copies() == 2


def test_a_permission_comes_with_its_proof(play: Play) -> None:
    _, data = play.asks()
    [given] = data["permissions"]
    by_number = {one["id"]: one for one in data["messages"]}
    assert given["text"] in by_number[given["question_id"]]["text"]
    assert by_number[given["answer_id"]]["text"] == "yes" and given["provider_id"].startswith("Amina-")
    assert (given["purpose"], given["given"], given["version"]) == ("service_messages", True, "1.0")
    assert len(given["text_hash"]) == 64 and given["withdrawn_at"] is None


def test_every_time_says_its_zone(play: Play) -> None:
    _, data = play.asks()
    times = re.findall(r'"\w+_?at": "([^"]+)"', json.dumps(data))
    assert len(times) > 20 and all(datetime.fromisoformat(one).tzinfo for one in times)
    assert datetime.fromisoformat(data["made_at"]) == MONDAY


def test_nothing_of_anybody_else_and_no_word_of_the_desk_is_in_it(play: Play) -> None:
    def staff(store: Store) -> None:
        id = store.read(select(people.c.id).where(people.c.first_name == "Amina"))[0][0]
        noted = {"actor": "staff:1", "action": "let_in", "subject": f"person:{id}"}
        store.write(insert(audit).values(at=MONDAY, details={"because": "a note of the desk"}, **noted))

    play.stage.with_store(staff)
    for one in map(str, play.asks()):
        assert "Amina" in one and "Karim" not in one and "segreto" not in one and "a note of the desk" not in one


def test_who_moves_leaves_one_programme_for_another_and_may_come_back(play: Play) -> None:
    def enrolled(store: Store) -> list[tuple[str, str]]:
        columns = enrolments.c.programme_id, enrolments.c.state
        return [tuple(row) for row in store.read(select(*columns).order_by(enrolments.c.programme_id))]

    play.says("my data", "correct something", "3", "Pioltello", "3", "Collegno", "3", "Pioltello", "7")
    assert play.stage.with_store(enrolled) == [("cal", "enrolled"), ("cil", "moved")]


def test_a_correction_is_on_record_without_what_was_said(play: Play) -> None:
    play.says("my data", "correct something", "1", "Zenobia", "7")
    noted = select(audit.c.actor, audit.c.details).where(audit.c.action == "corrected").order_by(audit.c.id.desc())
    newest = play.stage.with_store(lambda store: store.read(noted)[0])
    assert newest.actor.startswith("person:") and newest.details == {"what": "first_name"}


def test_what_was_touched_is_said_in_words(play: Play) -> None:
    perform(play.stage, "Amina taps «I cannot come»")
    _, data = play.asks()
    assert "I cannot come" in [one["touched"] for one in data["messages"] if one["kind"] == "tap"]


def test_the_page_is_in_their_language_and_has_no_program_in_it(play: Play) -> None:
    shown, _ = play.asks()
    read = Read()
    read.feed(shown)
    assert read.open == [] and read.language == "en"
    assert "<script" not in shown and "script" not in read.tags and "link" not in read.tags
    assert ANGRY in read.words  # as words, and only as words
    assert read.tags.count("h1") == 1 and "main" in read.tags and read.scopes >= {"col", "row"}
    assert "English" in read.words and "1 March 2027, 10:00" in shown and "2027-03-01" not in shown


class Read(HTMLParser):
    """A page as a browser takes it apart; whatever is not closed in order stays open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.scopes: set[str] = set()
        self.language: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append(tag)
        self.language = known.get("lang") or self.language
        self.scopes |= {scope for scope in [known.get("scope")] if scope}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_cell_of_a_page_is_escaped() -> None:
    reader = Catalogues().reader("it")
    shown = page(ANGRY, datetime(2027, 3, 1, 9, tzinfo=UTC), [Section(ANGRY, [(ANGRY, ANGRY)], (ANGRY, ANGRY))], reader)
    assert "<script" not in shown and shown.count("&lt;script&gt;") == 7
    assert '<html lang="it">' in shown and "1 marzo 2027, 10:00" in shown
