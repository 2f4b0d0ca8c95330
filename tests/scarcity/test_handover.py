# SPDX-License-Identifier: EUPL-1.2
"""Many of the desk reach for the same person or the same case at once: exactly one has it, and the others hear who."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from handlers.desk import Desk
from handlers.desk.handover import NotYours
from storage import Contested
from tests.database import Databases
from tests.jobs.office import CATALOGUES, Office
from tests.stage_handover import member

NAMES = ("Marta", "Luca", "Sara", "Piero", "Nadia", "Olga", "Rino", "Teo")
ROUNDS = 12


@pytest.fixture
def office(databases: Databases) -> Iterator[Office]:
    with databases.empty("postgresql") as url, closing(Office(url)) as office:
        yield office


def at_once(office: Office, person_id: int, act: Callable[[Desk, int, str], object]) -> list[str]:
    """Everybody does the same at the same moment; what became of each: it worked, or who was first."""
    with office.found.writing() as store:
        staff = {name: member(store, name) for name in NAMES}
    ready = threading.Barrier(len(NAMES))

    def tries(name: str, patience: int = 5) -> str:
        try:
            with office.found.writing() as store:
                act(Desk(store, store.people.get(person_id), office.now, CATALOGUES), staff[name], name)
            return name
        except NotYours as found:
            return f"with {found.name}"
        except Contested:
            assert patience
            return tries(name, patience - 1)

    def one(name: str) -> str:
        ready.wait()
        return tries(name)

    with ThreadPoolExecutor(len(NAMES)) as pool:
        return list(pool.map(one, NAMES))


def says_who_won(found: list[str]) -> bool:
    (winner,) = [one for one in found if not one.startswith("with ")]
    return sorted(found) == sorted([winner, *[f"with {winner}"] * (len(NAMES) - 1)])


@pytest.mark.postgres
def test_exactly_one_takes_a_person_over_and_the_others_hear_who(office: Office) -> None:
    for number in range(ROUNDS):
        chat = office.meets(f"person {number}")
        with office.found.reading() as store:
            person_id = store.people.identity(chat).person_id
        assert says_who_won(at_once(office, person_id, lambda desk, id, name: desk.handover.take(id, name)))
        with office.found.reading() as store:
            assert len(store.messages.of(person_id)) == 1  # they are told once


@pytest.mark.postgres
def test_exactly_one_takes_a_case_and_the_others_hear_who(office: Office) -> None:
    for number in range(ROUNDS):
        chat = office.meets(f"person {number}")
        with office.found.writing() as store:
            person_id = store.people.identity(chat).person_id
            store.cases.open(person_id, "asked", message_id=None, now=office.now)
            case = store.cases.of(person_id)[0].id
        assert says_who_won(at_once(office, person_id, lambda desk, id, name, case=case: desk.cases.take(case, id)))  # type: ignore[misc]


@pytest.mark.postgres
def test_whoever_takes_a_person_over_while_another_takes_their_case_has_the_chat_and_not_the_case(
    office: Office,
) -> None:
    """Half reach for the person, half for the case: one of each gets it, and nothing waits for ever."""
    chat = office.meets("Amina")
    with office.found.writing() as store:
        person_id = store.people.identity(chat).person_id
        store.cases.open(person_id, "asked", message_id=None, now=office.now)
        case = store.cases.of(person_id)[0].id

    def act(desk: Desk, id: int, name: str) -> None:
        desk.handover.take(id, name) if id % 2 else desk.cases.take(case, id)

    found = at_once(office, person_id, act)
    winners = [one for one in found if not one.startswith("with ")]
    with office.found.reading() as store:
        taken_by, holder = store.dialogues.get(person_id).taken_by, store.cases.get(case)
        assert holder and holder.taken_by is not None
        names = {store.staff.get(id).name for id in (taken_by, holder.taken_by) if id}  # type: ignore[union-attr]
    assert names == set(winners)
