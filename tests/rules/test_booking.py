# SPDX-License-Identifier: EUPL-1.2
"""Who gets a place, who waits, and what they are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.rules.booking import (
    AlreadyBooked,
    AlreadyOffered,
    AlreadyWaiting,
    Booked,
    CalledOff,
    Decision,
    Full,
    Mine,
    Places,
    TooEarly,
    TooLate,
    Waiting,
    decide,
)

START = datetime(2027, 5, 12, 8, tzinfo=UTC)
OPENS = START - timedelta(days=30)
CLOSES = START - timedelta(hours=2)
NOW = START - timedelta(days=3)
A_MOMENT = timedelta(microseconds=1)


def places(capacity: int = 12, taken: int = 0, held: int = 0, waiting: int = 0) -> Places:
    return Places(capacity, taken, held, waiting, START, OPENS, CLOSES)


def newcomer(places: Places, *, now: datetime = NOW, or_wait: bool = False) -> Decision:
    return decide(places, mine=None, my_position=0, now=now, or_wait=or_wait)


@pytest.mark.parametrize(
    ("situation", "outcome", "outcome_for_who_would_wait"),
    [
        (places(), Booked(), Booked()),
        (places(taken=11), Booked(), Booked()),
        (places(taken=12), Full(0), Waiting(1)),
        (places(taken=12, waiting=3), Full(3), Waiting(4)),
        (places(taken=11, held=1), Full(0), Waiting(1)),  # the last place is held for somebody
        (places(taken=10, held=1), Booked(), Booked()),
        (places(taken=11, waiting=1), Full(1), Waiting(2)),  # the freed place belongs to the one who waits
        (places(taken=10, waiting=1), Booked(), Booked()),  # two freed places, one who waits
        (places(taken=10, held=1, waiting=1), Full(1), Waiting(2)),
        (places(taken=14), Full(0), Waiting(1)),  # a smaller room than before
        (places(capacity=0), Full(0), Waiting(1)),
    ],
)
def test_a_newcomer_gets_what_nobody_before_them_is_due(
    situation: Places, outcome: Decision, outcome_for_who_would_wait: Decision
) -> None:
    assert newcomer(situation) == outcome
    assert newcomer(situation, or_wait=True) == outcome_for_who_would_wait


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        (OPENS - A_MOMENT, TooEarly(OPENS)),
        (OPENS, Booked()),
        (CLOSES - A_MOMENT, Booked()),
        (CLOSES, TooLate()),
        (START, TooLate()),
        (START + timedelta(days=1), TooLate()),
    ],
)
@pytest.mark.parametrize("or_wait", [True, False])
def test_booking_opens_and_closes_on_the_instant(now: datetime, outcome: Decision, or_wait: bool) -> None:
    assert newcomer(places(), now=now, or_wait=or_wait) == outcome


def test_without_a_closing_time_booking_ends_at_the_start() -> None:
    open_end = replace(places(), booking_closes_at=None, booking_opens_at=None)
    assert newcomer(open_end, now=START - A_MOMENT) == Booked()
    assert newcomer(open_end, now=START) == TooLate()


def test_booking_never_closes_after_the_start() -> None:
    late = replace(places(), booking_closes_at=START + timedelta(hours=1))
    assert newcomer(late, now=START) == TooLate()


@pytest.mark.parametrize(
    ("mine", "outcome"),
    [("booked", AlreadyBooked()), ("waiting", AlreadyWaiting(2)), ("offered", AlreadyOffered())],
)
@pytest.mark.parametrize("situation", [places(), places(taken=12, waiting=3), places(taken=11, held=1)])
@pytest.mark.parametrize("or_wait", [True, False])
def test_nobody_gets_a_second_place(mine: Mine, outcome: Decision, situation: Places, or_wait: bool) -> None:
    assert decide(situation, mine=mine, my_position=2, now=NOW, or_wait=or_wait) == outcome


@pytest.mark.parametrize("mine", [None, "booked", "waiting", "offered"])
def test_what_is_called_off_is_called_off_for_everybody(mine: Mine | None) -> None:
    called_off = replace(places(), cancelled=True)
    assert decide(called_off, mine=mine, my_position=1, now=NOW, or_wait=True) == CalledOff()


def test_after_the_last_offer_free_places_are_first_come_for_all() -> None:
    late = replace(places(taken=11, waiting=2), first_come_from=START - timedelta(hours=3))
    now = START - timedelta(hours=2, minutes=30)
    assert newcomer(late) == Full(2)
    assert newcomer(late, now=now) == Booked()
    assert decide(late, mine="waiting", my_position=2, now=now, or_wait=False) == Booked()
    assert decide(late, mine="waiting", my_position=2, now=NOW, or_wait=False) == AlreadyWaiting(2)
    assert decide(late, mine="offered", my_position=0, now=now, or_wait=False) == AlreadyOffered()
    assert decide(late, mine="waiting", my_position=2, now=CLOSES, or_wait=False) == AlreadyWaiting(2)


@given(capacity=st.integers(0, 20), people=st.integers(0, 60))
def test_places_go_in_the_order_of_asking_and_the_line_has_no_gap(capacity: int, people: int) -> None:
    now_it_is = places(capacity)
    booked, line = 0, []
    for _ in range(people):
        match newcomer(now_it_is, or_wait=True):
            case Booked():
                booked += 1
            case Waiting(position):
                line.append(position)
        now_it_is = replace(now_it_is, taken=booked, waiting=len(line))
    assert booked == min(capacity, people)
    assert line == list(range(1, people - booked + 1))


@given(
    capacity=st.integers(0, 30),
    taken=st.integers(0, 30),
    held=st.integers(0, 30),
    waiting=st.integers(0, 30),
    or_wait=st.booleans(),
)
def test_a_place_is_given_only_beyond_all_who_have_one_or_wait(
    capacity: int, taken: int, held: int, waiting: int, or_wait: bool
) -> None:
    outcome = newcomer(places(capacity, taken, held, waiting), or_wait=or_wait)
    assert isinstance(outcome, Booked) == (taken + held + waiting < capacity)
