# SPDX-License-Identifier: EUPL-1.2
"""Many people after the few places of a Job Club: never a place too many, and everybody in it is expected."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

import storage
from handlers.desk import Desk
from handlers.moments import MOMENTS
from handlers.rules.booking import Waiting
from handlers.rules.job_clubs import Joined
from handlers.talk import Gone
from handlers.talk.catalogues import Catalogues
from storage import Storage, Store
from storage.invariants import look
from storage.looking import Present
from storage.tables import bookings, memberships, messages
from tests.database import MONDAY
from tests.scarcity.test_places import meet
from tests.stage import Stage, perform

CLUB, PLACES, PEOPLE = "Job Club Fontenera", 8, 60
CATALOGUES = Catalogues()
PURPOSES = {moment.name: moment.consent for moment in MOMENTS if moment.consent}


@dataclass
class Crowd:
    """People who want to be in one club, each on a thread and in a transaction of their own."""

    found: Storage
    people: list[int]

    def all(self, act: Callable[[Desk], Any]) -> list[Any]:
        """Everybody at once; what each of them got, in the order of the people."""
        together = 8 if self.found.is_sqlite else len(self.people)
        gate = threading.Barrier(together)

        def goes(place: int) -> Any:
            if place < together:
                gate.wait(60)
            return self.one(self.people[place], act)

        with ThreadPoolExecutor(together) as pool:
            return list(pool.map(goes, range(len(self.people))))

    def one(self, who: int, act: Callable[[Desk], Any]) -> Any:
        with self.found.writing() as store:
            store.dialogues.lock_person(who)
            try:
                return act(Desk(store, store.people.get(who), MONDAY, CATALOGUES))
            except Gone:
                return None

    def states(self) -> Counter[str]:
        with self.found.reading() as store:
            return Counter(row.state for row in store.read(select(memberships.c.state)))

    def broken(self) -> list[str]:
        """Which sentences about the database are not true; the moments' own consents are somebody else's test."""
        with self.found.reading() as store:
            found = look(store, Present(MONDAY, MONDAY, PURPOSES))
        told = {"consents_proved", "dialogues"}  # the people of this crowd have not been asked in a chat
        return [one.invariant.name for one in found if one.ids and one.invariant.name not in told]

    def expected(self) -> Counter[int]:
        """How many meetings each person is expected at."""
        with self.found.reading() as store:
            rows = store.read(select(bookings.c.person_id).where(bookings.c.state == "booked"))
        return Counter(row[0] for row in rows)

    def members(self) -> set[int]:
        with self.found.reading() as store:
            return {one.person_id for one in store.job_clubs.members(CLUB)}


@pytest.fixture
def crowd(town_url: str) -> Iterator[Crowd]:
    with closing(Stage(town_url)) as stage:
        club = f"there is a Job Club «{CLUB}» in Collegno on Wednesdays at 14:30 with {PLACES} places"
        perform(stage, f"{club}, 4 meetings, for everybody")
        people = stage.with_store(lambda store: [meet(store, number) for number in range(PEOPLE)])
    with closing(storage.open(town_url)) as found:
        yield Crowd(found, people)


def joins(desk: Desk) -> Any:
    return desk.job_clubs.join(CLUB, or_wait=True)


def leaves(desk: Desk) -> Any:
    return desk.job_clubs.leave(CLUB)


def test_sixty_at_once_after_eight_places(crowd: Crowd) -> None:
    decisions = crowd.all(joins)
    assert Counter(type(one) for one in decisions) == {Joined: PLACES, Waiting: PEOPLE - PLACES}
    assert sorted(one.position for one in decisions if isinstance(one, Waiting)) == list(range(1, PEOPLE - PLACES + 1))
    assert crowd.states() == {"member": PLACES, "waiting": PEOPLE - PLACES}
    assert crowd.expected() == dict.fromkeys(crowd.members(), 4)
    assert crowd.broken() == []


def test_whatever_everybody_does_at_once_nobody_is_one_too_many(crowd: Crowd) -> None:
    dice = random.Random(7)
    acts = (joins, leaves, answers(True), answers(False))
    crowd.all(joins)
    for _turn in range(3):
        does = {who: dice.choice(acts) for who in crowd.people}
        crowd.all(lambda desk, does=does: does[desk.person.id](desk))  # type: ignore[misc]
    states = crowd.states()
    assert states["member"] + states["offered"] <= PLACES
    assert states["waiting"] == 0 or states["member"] + states["offered"] == PLACES
    assert crowd.expected() == dict.fromkeys(crowd.members(), 4)
    assert crowd.broken() == []


def answers(yes: bool) -> Callable[[Desk], Any]:
    """Whoever is offered a place takes it, or does not."""

    def answer(desk: Desk) -> Any:
        mine = desk.job_clubs.mine(CLUB)
        id = mine.id if mine else 0
        return desk.job_clubs.offers.accept(id) if yes else desk.job_clubs.offers.decline(id)

    return answer


def test_every_place_that_becomes_free_is_offered_once(crowd: Crowd) -> None:
    crowd.all(joins)
    crowd.all(lambda desk: leaves(desk) if (mine := desk.job_clubs.mine(CLUB)) and mine.state == "member" else None)
    assert crowd.states() == {"left": PLACES, "offered": PLACES, "waiting": PEOPLE - 2 * PLACES}
    with crowd.found.reading() as store:
        told = [row.person_id for row in store.read(select(messages.c.person_id).where(messages.c.kind == "moment"))]
    assert len(told) == len(set(told)) == PLACES


def test_of_a_yes_and_a_no_at_once_the_first_counts(crowd: Crowd) -> None:
    crowd.all(joins)
    with crowd.found.reading() as store:
        first = store.job_clubs.line(CLUB)[0].person_id
    crowd.one(next(iter(crowd.members())), leaves)
    gate = threading.Barrier(2)

    def goes(yes: bool) -> None:
        gate.wait(60)
        crowd.one(first, answers(yes))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(goes, (True, False)))
    with crowd.found.reading() as store:
        ends = [one.state for one in store.job_clubs.history_of(first)]
    assert ends in (["member"], ["declined"])
    assert crowd.broken() == []


def test_who_comes_back_is_expected_again_but_not_where_they_said_no_as_a_member(crowd: Crowd) -> None:
    who = crowd.people[0]
    crowd.one(who, joins)
    with crowd.found.writing() as store:
        meetings = store.job_clubs.meetings(CLUB, MONDAY)
        cancels(store, who, meetings[1])
    assert crowd.expected()[who] == 3
    crowd.one(who, leaves)
    assert crowd.expected()[who] == 0
    with crowd.found.writing() as store:
        Desk(store, store.people.get(who), MONDAY + timedelta(hours=1), CATALOGUES).job_clubs.join(CLUB)
    assert crowd.expected()[who] == 4
    assert crowd.broken() == []


def cancels(store: Store, who: int, meeting: int) -> None:
    booking = store.workshops.booking_of(who, meeting)
    assert booking
    Desk(store, store.people.get(who), MONDAY, CATALOGUES).workshops.cancel(booking.id)
