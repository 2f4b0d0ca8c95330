# SPDX-License-Identifier: EUPL-1.2
"""Many people after few places: never a place too many, and a line without a gap or a repeat."""

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

import storage
from bot.main import Sportello
from handlers.desk import Desk
from handlers.rules.booking import AlreadyBooked, AlreadyWaiting, Booked, CalledOff, Decision, Full, Waiting
from handlers.talk import Gone, Incoming, Tap
from handlers.talk.catalogues import Catalogues
from storage import Storage, Store
from storage.messages import Message
from storage.tables import bookings, messages
from tests.database import MONDAY, Databases
from tests.stage import Stage, agreed, perform, workshop_id

CATALOGUES = Catalogues()
TITLE = "Il mio curriculum"
PEOPLE = 200


@dataclass
class Crowd:
    """People who all want the same, and the desk they run to: each on a thread and in a transaction of their own."""

    found: Storage
    workshop: int
    people: list[int]
    at_a_time: int

    def all(self, act: Callable[[Desk], Any], people: list[int] | None = None) -> list[Any]:
        """Everybody at once; what each of them got, in the order of the people."""
        chosen = self.people if people is None else people
        together = min(self.at_a_time, len(chosen))
        gate = threading.Barrier(together)

        def goes(place: int) -> Any:
            if place < together:
                gate.wait(60)
            return self.one(chosen[place], act)

        with ThreadPoolExecutor(together) as pool:
            return list(pool.map(goes, range(len(chosen))))

    def one(self, who: int, act: Callable[[Desk], Any]) -> Any:
        with self.found.writing() as store:
            return act(Desk(store, store.people.get(who), MONDAY, CATALOGUES))

    def books(self, desk: Desk) -> Decision:
        return desk.workshops.book(self.workshop)

    def books_or_waits(self, desk: Desk) -> Decision:
        return desk.workshops.book(self.workshop, or_wait=True)

    def cancels(self, desk: Desk) -> bool:
        mine = desk.store.workshops.booking_of(desk.person.id, self.workshop)
        try:
            desk.workshops.cancel(mine.id if mine else 0)
        except Gone:
            return False
        return True

    def rows(self) -> list[Any]:
        with self.found.reading() as store:
            return list(store.read(select(bookings).order_by(bookings.c.id)))

    def states(self) -> Counter[str]:
        return Counter(row.state for row in self.rows())

    def said(self, moment: str) -> list[Any]:
        """What was written by itself, by the name of the moment."""
        with self.found.reading() as store:
            rows = store.read(select(messages).where(messages.c.kind == "moment").order_by(messages.c.id))
        return [row for row in rows if row.payload["moment"] == moment]

    def line(self) -> list[int]:
        """Who waits, first in line first."""
        with self.found.reading() as store:
            return [booking.person_id for booking in store.workshops.line(self.workshop)]

    def positions(self) -> list[int]:
        """The place in line of everybody who waits, in their order."""
        with self.found.reading() as store:
            return [store.workshops.position(booking) for booking in store.workshops.line(self.workshop)]


@pytest.fixture
def crowd(request: pytest.FixtureRequest, town_url: str) -> Iterator[Crowd]:
    """So many people, and a workshop with so many places: (200, 20)."""
    many, seats = getattr(request, "param", (30, 3))
    with closing(Stage(town_url)) as stage:
        perform(stage, f"there is a workshop «{TITLE}» in 7 days at 10:00 with {max(seats, 1)} places")
        stage.with_store(lambda store: store.workshops.change(workshop_id(store, TITLE), capacity=seats))
        people = stage.with_store(lambda store: [meet(store, number) for number in range(many)])
        workshop = stage.with_store(lambda store: workshop_id(store, TITLE))
    with closing(storage.open(town_url)) as found:
        yield Crowd(found, workshop, people, at_a_time=8 if found.is_sqlite else min(many, PEOPLE))


def meet(store: Store, number: int) -> int:
    known = {"simulated": True, "language": "it", "release": "1", "now": MONDAY}
    identity, person = store.people.meet("telegram", f"sim:{number}", **known)  # type: ignore[arg-type]
    store.people.change(person.id, first_name=f"Person {number}", registered_at=MONDAY)
    store.people.record_consent(**agreed(person.id, "it", identity.channel, MONDAY))
    return person.id


def kinds(decisions: list[Decision]) -> Counter[str]:
    return Counter(type(decision).__name__ for decision in decisions)


# ---- two hundred people, twenty places


@pytest.mark.parametrize("crowd", [(PEOPLE, 20)], indirect=True)
def test_two_hundred_at_once_after_twenty_places(crowd: Crowd) -> None:
    decisions = crowd.all(crowd.books_or_waits)
    assert kinds(decisions) == {"Booked": 20, "Waiting": 180}
    assert crowd.states() == {"booked": 20, "waiting": 180}
    # What each was told is where they stand: places in line 1 to 180, each once, in the order of the lock.
    told = {who: one.position for who, one in zip(crowd.people, decisions, strict=True) if isinstance(one, Waiting)}
    assert sorted(told.values()) == list(range(1, 181))
    assert sorted(told, key=lambda who: told[who]) == crowd.line()
    assert crowd.positions() == list(range(1, 181))
    waiting = sorted((row for row in crowd.rows() if row.state == "waiting"), key=lambda row: row.ticket)
    assert [row.ticket for row in waiting] == list(range(1, 181))
    assert [row.id for row in waiting] == sorted(row.id for row in waiting)  # written in the order of the lock


@pytest.mark.parametrize("crowd", [(PEOPLE, 20)], indirect=True)
def test_who_does_not_want_to_wait_is_told_that_it_is_full(crowd: Crowd) -> None:
    assert kinds(crowd.all(crowd.books)) == {"Booked": 20, "Full": 180}
    assert crowd.states() == {"booked": 20}


@pytest.mark.parametrize("crowd", [(40, 0)], indirect=True)
def test_where_there_is_no_place_at_all_everybody_waits(crowd: Crowd) -> None:
    assert kinds(crowd.all(crowd.books_or_waits)) == {"Waiting": 40}
    assert crowd.positions() == list(range(1, 41))
    assert crowd.one(crowd.people[0], crowd.books) == AlreadyWaiting(crowd.line().index(crowd.people[0]) + 1)


@pytest.mark.parametrize("crowd", [(12, 12)], indirect=True)
def test_where_there_are_as_many_places_as_people_nobody_waits(crowd: Crowd) -> None:
    assert kinds(crowd.all(crowd.books_or_waits)) == {"Booked": 12}


# ---- one person, many times


@pytest.mark.parametrize("crowd", [(1, 3)], indirect=True)
def test_who_asks_ten_times_at_once_has_one_place(crowd: Crowd) -> None:
    decisions = crowd.all(crowd.books_or_waits, crowd.people * 10)
    assert kinds(decisions) == {"Booked": 1, "AlreadyBooked": 9}
    assert crowd.states() == {"booked": 1}


@pytest.mark.parametrize("crowd", [(1, 0)], indirect=True)
def test_who_asks_ten_times_at_once_stands_in_line_once(crowd: Crowd) -> None:
    decisions = crowd.all(crowd.books_or_waits, crowd.people * 10)
    assert kinds(decisions) == {"Waiting": 1, "AlreadyWaiting": 9}
    assert {decision.position for decision in decisions} == {1}


@pytest.mark.parametrize("crowd", [(1, 3)], indirect=True)
def test_who_cancels_ten_times_at_once_has_cancelled_once(crowd: Crowd) -> None:
    crowd.all(crowd.books)
    assert Counter(crowd.all(crowd.cancels, crowd.people * 10)) == {True: 1, False: 9}
    assert crowd.states() == {"cancelled_by_person": 1}


def test_who_has_a_place_hears_so_and_keeps_it(crowd: Crowd) -> None:
    first = crowd.people[0]
    assert crowd.one(first, crowd.books) == Booked()
    assert crowd.one(first, crowd.books) == AlreadyBooked()
    assert crowd.one(first, crowd.books_or_waits) == AlreadyBooked()


# ---- giving up and taking at once


def most_held(crowd: Crowd) -> int:
    """Places that somebody has or has been offered."""
    states = crowd.states()
    return states["booked"] + states["offered"]


@pytest.mark.parametrize("crowd", [(60, 5)], indirect=True)
@pytest.mark.parametrize("_round", range(2))
def test_giving_up_and_taking_at_once_never_fills_a_place_twice(crowd: Crowd, _round: int) -> None:
    assert kinds(crowd.all(crowd.books_or_waits, crowd.people[:20])) == {"Booked": 5, "Waiting": 15}
    booked = {row.person_id for row in crowd.rows() if row.state == "booked"}

    def gives_up_or_takes(desk: Desk) -> Any:
        return crowd.cancels(desk) if desk.person.id in booked else crowd.books_or_waits(desk)

    in_line = crowd.line()
    results = crowd.all(gives_up_or_takes, [*booked, *crowd.people[20:]])
    assert [result for result in results if isinstance(result, bool)] == [True] * 5
    assert not [result for result in results if isinstance(result, Booked)]  # those in line came first
    assert crowd.states() == {"cancelled_by_person": 5, "offered": 5, "waiting": 10 + 40}
    offered = [row.person_id for row in crowd.rows() if row.state == "offered"]
    assert sorted(offered) == sorted(in_line[:5])
    assert crowd.positions() == list(range(1, 51))


@pytest.mark.parametrize("crowd", [(40, 3)], indirect=True)
def test_whatever_everybody_does_at_once_there_are_never_more_than_there_are_places(crowd: Crowd) -> None:
    """Everybody books, gives up and books again, all at the same time, and somebody counts all along."""
    over = threading.Event()
    counted: list[int] = []

    def counts() -> None:
        while not over.is_set():
            counted.append(most_held(crowd))

    def cannot_decide(desk: Desk) -> None:
        crowd.books_or_waits(desk)
        crowd.cancels(desk)
        crowd.books_or_waits(desk)

    counter = threading.Thread(target=counts)
    counter.start()
    try:
        crowd.all(cannot_decide)
        crowd.all(crowd.cancels, crowd.people[::2])
        crowd.all(crowd.books_or_waits, crowd.people[::2])
    finally:
        over.set()
        counter.join(60)
    assert counted and max(counted) <= 3
    assert most_held(crowd) == 3
    assert crowd.positions() == list(range(1, len(crowd.line()) + 1))
    tickets = [row.ticket for row in crowd.rows() if row.ticket]
    assert len(tickets) == len(set(tickets))


@pytest.fixture
def everybody(databases: Databases) -> Iterator[Crowd]:
    """Fifty who have a place, sixty who wait, and fifty who come now; on PostgreSQL, with one who looks on."""
    with databases.town("postgresql") as url:
        with closing(Stage(url)) as stage:
            perform(stage, f"there is a workshop «{TITLE}» in 7 days at 10:00 with 50 places")
            people = stage.with_store(lambda store: [meet(store, number) for number in range(160)])
            workshop = stage.with_store(lambda store: workshop_id(store, TITLE))
        with closing(storage.open(url)) as found:
            crowd = Crowd(found, workshop, people, at_a_time=10)
            with found.writing() as store:
                for who in people[:110]:  # nobody is in a hurry yet
                    crowd.books_or_waits(Desk(store, store.people.get(who), MONDAY, CATALOGUES))
            yield crowd


@pytest.mark.postgres
def test_fifty_give_up_and_fifty_ask_at_once_and_every_place_is_offered_once(everybody: Crowd) -> None:
    """From several processes, each with several threads: those who wait are offered what is free, in their order."""
    had, line, come = everybody.people[:50], everybody.people[50:110], everybody.people[110:]
    assert everybody.line() == line
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn, initializer=stand_at_the_gate, initargs=(spawn.Barrier(2),)) as processes:
        url, workshop = everybody.found.engine.url.render_as_string(hide_password=False), everybody.workshop
        runs = [processes.submit(hurry, url, workshop, had[one::2], come[one::2]) for one in range(2)]
        done = sum((run.result(60) for run in runs), Counter())
    assert done == {"True": 50, "Waiting": 50}  # no newcomer goes past those who wait
    assert everybody.states() == {"cancelled_by_person": 50, "offered": 50, "waiting": 10 + 50}
    assert [row.person_id for row in everybody.rows() if row.state == "offered"] == line[:50]
    assert everybody.line()[:10] == line[50:]
    assert everybody.positions() == list(range(1, 61))
    assert sorted(row.ticket for row in everybody.rows() if row.ticket) == list(range(1, 111))
    told = [row.person_id for row in everybody.said("place_offered")]
    assert sorted(told) == sorted(line[:50])  # each of them once, and nobody else


GATE: list[Any] = []


def stand_at_the_gate(gate: Any) -> None:
    """A process is ready; it waits for the others, so that all of them run at once."""
    GATE.append(gate)


def hurry(url: str, workshop: int, gives_up: list[int], asks: list[int]) -> "Counter[str]":
    """Half of the crowd, in a process of its own: who gives up and who asks, in turn; what each of them got."""
    with closing(storage.open(url)) as found:
        crowd = Crowd(found, workshop, [], at_a_time=10)
        with found.reading() as store:
            store.workshops.get(workshop)
        GATE[0].wait(60)

        def gives_up_or_asks(desk: Desk) -> Any:
            return crowd.cancels(desk) if desk.person.id in gives_up else crowd.books_or_waits(desk)

        got = crowd.all(gives_up_or_asks, [who for pair in zip(gives_up, asks, strict=True) for who in pair])
    return Counter(str(one) if isinstance(one, bool) else type(one).__name__ for one in got)


def test_those_who_wait_come_before_newcomers(crowd: Crowd) -> None:
    *early, late = crowd.people[:6]
    crowd.all(crowd.books_or_waits, early)
    line = crowd.line()
    has_a_place = next(who for who in early if who not in line)
    crowd.one(has_a_place, crowd.cancels)
    assert crowd.one(late, crowd.books) == Full(1)  # the place is held for the first in line
    assert crowd.one(late, crowd.books_or_waits) == Waiting(2)
    assert crowd.line() == [line[1], late]


def test_who_cannot_be_written_to_keeps_their_place_in_line_and_newcomers_still_wait(crowd: Crowd) -> None:
    """The free place is not given away behind their back: a person of the desk calls them."""
    *early, late = crowd.people[:5]
    crowd.all(crowd.books_or_waits, early)
    (waits,) = crowd.line()

    def says_no_to_messages(desk: Desk) -> None:
        desk.store.people.withdraw(desk.person.id, None, by=None, now=MONDAY)

    crowd.one(waits, says_no_to_messages)
    crowd.one(next(who for who in early if who != waits), crowd.cancels)
    assert crowd.states() == {"booked": 2, "waiting": 1, "cancelled_by_person": 1}
    assert crowd.one(late, crowd.books) == Full(1)
    assert crowd.one(waits, lambda desk: desk.cases.is_open()) is True


def test_who_gives_up_their_place_in_line_closes_the_gap_and_comes_back_at_the_end(crowd: Crowd) -> None:
    crowd.all(crowd.books_or_waits, crowd.people[:8])
    first, *others = crowd.line()
    crowd.one(first, crowd.cancels)
    assert crowd.positions() == [1, 2, 3, 4]
    assert crowd.one(first, crowd.books_or_waits) == Waiting(5)
    assert crowd.line() == [*others, first]


def test_what_is_called_off_takes_nobody(crowd: Crowd) -> None:
    with crowd.found.writing() as store:
        store.workshops.change(crowd.workshop, cancelled_at=MONDAY)
    assert set(crowd.all(crowd.books_or_waits)) == {CalledOff()}
    assert crowd.states() == {}


def test_a_transaction_that_fails_gives_its_place_and_its_number_back(crowd: Crowd) -> None:
    crowd.all(crowd.books, crowd.people[:3])
    first, second = crowd.people[3:5]

    def falls_over(desk: Desk) -> None:
        crowd.books_or_waits(desk)
        raise KeyError("half-way")

    with pytest.raises(KeyError):
        crowd.one(first, falls_over)
    assert crowd.one(second, crowd.books_or_waits) == Waiting(1)
    assert [row.ticket for row in crowd.rows() if row.ticket] == [1]


# ---- offers


def offered(crowd: Crowd) -> Any:
    return next(row for row in crowd.rows() if row.state == "offered")


@pytest.mark.parametrize("crowd", [(3, 1)], indirect=True)
@pytest.mark.parametrize("_round", range(2))
def test_an_offer_that_is_taken_and_refused_at_once_has_one_end(crowd: Crowd, _round: int) -> None:
    for who in crowd.people:
        crowd.one(who, crowd.books_or_waits)
    crowd.one(crowd.people[0], crowd.cancels)
    offer = offered(crowd)
    answers = iter([lambda desk: desk.offers.accept(offer.id), lambda desk: desk.offers.decline(offer.id)] * 5)

    def answers_somehow(desk: Desk) -> bool:
        try:
            next(answers)(desk)
        except Gone:
            return False
        return True

    assert Counter(crowd.all(answers_somehow, [offer.person_id] * 10)) == {True: 1, False: 9}
    states = crowd.states()
    assert states in (
        {"cancelled_by_person": 1, "booked": 1, "waiting": 1},
        {"cancelled_by_person": 2, "offered": 1},
    )


@pytest.mark.parametrize("crowd", [(3, 1)], indirect=True)
def test_an_offer_that_has_ended_is_not_taken_and_the_next_one_has_it(crowd: Crowd) -> None:
    for who in crowd.people:
        crowd.one(who, crowd.books_or_waits)
    crowd.one(crowd.people[0], crowd.cancels)
    offer = offered(crowd)
    late = offer.offered_until + timedelta(seconds=1)

    def too_late(store: Store) -> bool:
        desk = Desk(store, store.people.get(offer.person_id), late, CATALOGUES)
        with pytest.raises(Gone):
            desk.offers.accept(offer.id)
        return desk.offers.lapse(offer.id) and not desk.offers.lapse(offer.id)

    with crowd.found.writing() as store:
        assert too_late(store)
    assert crowd.states() == {"cancelled_by_person": 1, "lapsed": 1, "offered": 1}
    assert offered(crowd).person_id == crowd.people[2]


@pytest.mark.parametrize("crowd", [(3, 1)], indirect=True)
def test_an_offer_that_has_not_left_after_half_an_open_hour_goes_on_to_the_next(crowd: Crowd) -> None:
    """Nobody sends here. The first in line is called instead, and the offer that never left is not sent any more."""
    for who in crowd.people:
        crowd.one(who, crowd.books_or_waits)
    crowd.one(crowd.people[0], crowd.cancels)
    offer = offered(crowd)

    def lapses_after(minutes: int) -> bool:
        with crowd.found.writing() as store:
            later = MONDAY + timedelta(minutes=minutes)
            return Desk(store, store.people.get(offer.person_id), later, CATALOGUES).offers.lapse(offer.id)

    assert (lapses_after(29), lapses_after(31)) == (False, True)
    assert offered(crowd).person_id == crowd.people[2]
    assert crowd.one(offer.person_id, lambda desk: desk.store.cases.open_reasons(desk.person.id)) == ["place_free"]
    assert [row.state for row in crowd.said("place_offered")] == ["superseded", "pending"]


# ---- the same through the chat


@pytest.fixture
def stage(town_url: str) -> Iterator[Stage]:
    """Amina and Luca look at the last place of a workshop, and are asked whether to book it."""
    with closing(Stage(town_url)) as stage:
        perform(stage, f"there is a workshop «{TITLE}» in 7 days at 10:00 with 1 place")
        for who in ("Amina", "Luca"):
            perform(stage, f"{who} is registered, and wants reminders")
            for words in ("menu", "laboratori", "1"):
                stage.sends(who, words)
        stage.heard()
        yield stage


def at_once(stage: Stage, *received: Incoming) -> None:
    """Several messages reach one desk in the same instant, each on a thread of its own."""
    gate = threading.Barrier(len(received))

    def hears(desk: Sportello, message: Incoming) -> None:
        gate.wait(10)
        desk.engine.hear([message])

    def all_hear(desk: Sportello) -> None:
        with ThreadPoolExecutor(len(received)) as pool:
            list(pool.map(lambda message: hears(desk, message), received))

    stage.played(all_hear)


def tap_on_yes(stage: Stage, who: str, number: str) -> Incoming:
    shown = stage.shown_to(who)[-1]
    place = [option["id"] for option in shown.options or []].index("yes")
    return Incoming(stage.address(who), number, stage.now, message_id=number, kind="tap", tap=Tap(shown.id, place))


def places_of(stage: Stage) -> Counter[str]:
    return Counter(row.state for row in stage.with_store(lambda store: store.read(select(bookings))))


def cards(said: list[Message]) -> int:
    """How often somebody is told that they have a place."""
    return sum(message.kind == "moment" for message in said)


def test_two_taps_at_once_on_the_same_button_are_one_booking(stage: Stage) -> None:
    before = len(stage.shown_to("Amina"))
    at_once(stage, tap_on_yes(stage, "Amina", "t1"), tap_on_yes(stage, "Amina", "t2"))
    assert places_of(stage) == {"booked": 1}
    assert cards(stage.shown_to("Amina")[before:]) == 1


def test_the_same_tap_five_times_at_once_is_one_booking_and_one_answer(stage: Stage) -> None:
    before = len(stage.shown_to("Amina"))
    at_once(stage, *[tap_on_yes(stage, "Amina", "t1")] * 5)
    assert places_of(stage) == {"booked": 1}
    said = stage.shown_to("Amina")[before:]
    assert cards(said) == 1
    taps = [row for row in stage.with_store(taken_in) if row.kind == "tap"]
    assert len(taps) == 1
    assert {message.reply_to for message in said if message.kind == "reply"} <= {taps[0].id}


def taken_in(store: Store) -> list[Any]:
    return list(store.read(select(messages).where(messages.c.direction == "in")))


def test_a_tap_and_a_typed_yes_at_once_are_one_booking(stage: Stage) -> None:
    typed = Incoming(stage.address("Amina"), "w1", stage.now, message_id="w1", text="sì")
    at_once(stage, tap_on_yes(stage, "Amina", "t1"), typed)
    assert places_of(stage) == {"booked": 1}


def test_two_people_who_tap_at_once_for_the_last_place(stage: Stage) -> None:
    before = {who: len(stage.shown_to(who)) for who in ("Amina", "Luca")}
    at_once(stage, tap_on_yes(stage, "Amina", "t1"), tap_on_yes(stage, "Luca", "t2"))
    assert places_of(stage) == {"booked": 1}
    (has_it,) = [who for who, count in before.items() if cards(stage.shown_to(who)[count:])]
    other = "Luca" if has_it == "Amina" else "Amina"
    question = stage.shown_to(other)[-1]  # the other one is asked whether to wait
    assert [option["id"] for option in question.options or []][:2] == ["yes", "no"]
    stage.sends(other, "sì")
    assert places_of(stage) == {"booked": 1, "waiting": 1}
