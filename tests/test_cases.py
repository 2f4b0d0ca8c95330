# SPDX-License-Identifier: EUPL-1.2
"""Who waits for a person: why, in words, since when, and who looks after them."""

import ast
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from handlers.desk.cases import REASONS, why
from handlers.moments import NEWS
from handlers.talk import Reader
from storage import Store
from storage.cases import Case
from tests.database import MONDAY, Databases
from tests.jobs.office import Office
from tests.stage_handover import member

HOUSE = Path(__file__).resolve().parents[1]


@pytest.fixture
def office(databases: Databases) -> Iterator[Office]:
    with databases.empty("sqlite") as url, closing(Office(url)) as office:
        yield office


def opened() -> set[str]:
    """Every reason with which a case is opened anywhere in the house."""
    found = set()
    for path in (path for floor in ("handlers", "storage", "bot") for path in sorted((HOUSE / floor).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "open"
            if is_call and "cases" in ast.unparse(node.func) and node.args:  # type: ignore[attr-defined]
                first = node.args[0]  # type: ignore[attr-defined]
                found |= {one.value for one in ast.walk(first) if isinstance(one, ast.Constant)}
    return {one for one in found if isinstance(one, str)}


def test_every_reason_has_its_words_and_no_two_the_same() -> None:
    assert {"asked", "urgent", "private_call", "voice", "file"} <= opened()  # it looks
    assert sorted((opened() | {moment.name for moment in NEWS}) - REASONS.keys()) == []
    words = [one.render(Reader()) for one in REASONS.values()]
    assert len(words) == len(set(words))
    assert why("nobody foresaw this") == REASONS["asked"]


def fill(store: Store, office: Office, chats: list[int]) -> list[int]:
    people = [store.people.identity(chat).person_id for chat in chats]
    for number, person in enumerate(people):
        at = MONDAY + timedelta(minutes=number // 2)
        store.cases.open(person, "asked", message_id=None, now=at)
        store.cases.open(person, "voice", message_id=None, now=at)
    return people


def test_they_wait_in_the_order_in_which_they_came_page_by_page(office: Office) -> None:
    chats = [office.meets(f"person {number}") for number in range(5)]
    with office.found.writing() as store:
        fill(store, office, chats)
        whole = store.cases.waiting(100)
        assert len(whole) == 10 and whole == sorted(whole, key=lambda one: (one.opened_at, one.id))
        paged: list[Case] = []
        while page := store.cases.waiting(3, (paged[-1].opened_at, paged[-1].id) if paged else None):
            paged += page
        assert paged == whole


def test_one_is_taken_once_let_go_by_its_own_and_closed_for_good(office: Office) -> None:
    chats = [office.meets("Amina")]
    with office.found.writing() as store:
        (person,) = fill(store, office, chats)
        marta, luca = member(store, "Marta"), member(store, "Luca")
        asked, voice = store.cases.of(person)
        assert store.cases.take(asked.id, marta, MONDAY) and store.cases.take(asked.id, marta, MONDAY)
        assert not store.cases.take(asked.id, luca, MONDAY) and not store.cases.let_go(asked.id, luca)
        assert [one.id for one in store.cases.waiting(9, taken_by=marta)] == [asked.id]
        assert [one.id for one in store.cases.waiting(9, only_free=True)] == [voice.id]
        assert store.cases.let_go(asked.id, marta) and store.cases.take(asked.id, luca, MONDAY)
        assert store.cases.close(asked.id, luca, MONDAY) and not store.cases.close(asked.id, luca, MONDAY)
        assert not store.cases.take(asked.id, marta, MONDAY)
        assert [one.id for one in store.cases.of(person)] == [voice.id, asked.id]  # what is done comes last
        assert store.cases.get(asked.id).closed_by == luca  # type: ignore[union-attr]
