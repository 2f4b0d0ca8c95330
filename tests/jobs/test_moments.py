# SPDX-License-Identifier: EUPL-1.2
"""When a reminder is due: a day before, never at night, never twice, and not to who has only just booked."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

import storage
from bot.clock import Clock
from bot.jobs.worker import slot_of
from handlers.desk import Desk, moments
from handlers.moments import (
    AHEAD,
    BOOKING_CONFIRMED,
    BY_NAME,
    MOMENTS,
    REMINDER_24H,
    Moment,
    Occasion,
    Push,
    due,
    occasion_of,
    push_of,
)
from handlers.rules.opening import Hours, is_open
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import ROME
from storage import Store
from storage.tables import messages
from storage.workshops import Booking, Venue, Workshop
from tests.database import MONDAY, Databases
from tests.stage import Stage, perform, workshop_id

CATALOGUES = Catalogues()
HOURS = Hours()
A_MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    """A moment on the wall clock in Rome."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME).astimezone(UTC)


def on_the_wall(moment: datetime) -> str:
    return moment.astimezone(ROME).strftime("%Y-%m-%d %H:%M")


NOWHERE = Venue("Online", None, None, None, None, None, None, None, None, None, None)


def occasion(starts: str, booked: str = "2027-01-01 10:00", **more: Any) -> Occasion:
    """Somebody's place at a workshop that starts then."""
    starts_at = at(starts)
    workshop = Workshop(
        id=1,
        code=None,
        series_id="stage",
        area_id="bologna",
        programme_id="bussola",
        kind="semester",
        title={"it": "Il mio curriculum"},
        summary={"it": ""},
        bring=None,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        opens_at=at("2027-01-01 09:00"),
        closes_at=starts_at - timedelta(hours=12),
        capacity=9,
        languages=["it"],
        italian_level=None,
        counts_for_path=False,
        line=0,
        revision=0,
        cancelled_at=None,
        mode="online",
        link=None,
        tutor_id=None,
        venue=NOWHERE,
    )
    booking = Booking(7, 1, 3, "booked", None, at(booked), None, None, None, None)
    return occasion_of(booking, replace(workshop, **more), "Amina")


def pushed(moment: Moment, about: Occasion, hours: Hours) -> Push:
    found = push_of(moment, about, hours)
    assert found
    return found


def reminded_at(starts: str, hours: Hours = HOURS) -> datetime:
    return pushed(REMINDER_24H, occasion(starts), hours).at


def is_due(now: str, starts: str, booked: str = "2027-01-01 10:00") -> bool:
    return bool(due(at(now), [occasion(starts, booked)], HOURS, [REMINDER_24H]))


# ---- a day before, in open time

REMINDERS = {
    # it starts                 the reminder
    "on an ordinary day": ("2027-03-03 10:00", "2027-03-02 10:00"),
    "early in the morning": ("2027-03-03 08:00", "2027-03-02 08:00"),
    "late in the afternoon": ("2027-03-03 19:59", "2027-03-02 19:59"),
    "in the evening: earlier the day before": ("2027-03-03 20:00", "2027-03-02 17:59"),
    "late in the evening": ("2027-03-03 21:30", "2027-03-02 17:59"),
    "before eight in the morning: the evening before that": ("2027-03-03 07:30", "2027-03-01 17:59"),
    "on Monday: on Saturday": ("2027-03-08 10:00", "2027-03-06 17:59"),
    "on Monday evening": ("2027-03-08 20:30", "2027-03-06 17:59"),
    "on Tuesday: on Monday": ("2027-03-09 10:00", "2027-03-08 10:00"),
    "on Sunday: on Saturday": ("2027-03-07 10:00", "2027-03-06 10:00"),
    "after Easter Monday: on Saturday": ("2027-03-30 10:00", "2027-03-27 17:59"),
    "the day after a holiday": ("2027-06-03 10:00", "2027-06-01 17:59"),
    "after New Year": ("2027-01-02 10:00", "2026-12-31 17:59"),
    "after Christmas, over a long week-end": ("2026-12-28 10:00", "2026-12-24 17:59"),
    "the Monday after the clocks went forward": ("2027-04-05 10:00", "2027-04-03 17:59"),
    "the day after the clocks went forward, which is Easter": ("2027-03-29 10:00", "2027-03-27 17:59"),
    "the day after the clocks went back": ("2027-11-01 10:00", "2027-10-30 17:59"),
    "two days after the clocks went back, over All Saints": ("2027-11-02 10:00", "2027-10-30 17:59"),
    "across the clocks going forward, in another year": ("2026-03-30 10:00", "2026-03-28 17:59"),
    "across the clocks going back, in another year": ("2026-10-26 10:00", "2026-10-24 17:59"),
    "on the day the clocks go forward: the same hour the day before": ("2026-03-29 10:00", "2026-03-28 10:00"),
    "on the day the clocks go back: the same hour the day before": ("2026-10-25 10:00", "2026-10-24 10:00"),
}


@pytest.mark.parametrize("starts, reminder", REMINDERS.values(), ids=REMINDERS.keys())
def test_a_reminder_comes_a_day_before_or_earlier_in_open_time(starts: str, reminder: str) -> None:
    assert on_the_wall(reminded_at(starts)) == reminder


@pytest.mark.parametrize("hour", range(24))
def test_it_never_comes_in_closed_time_and_never_less_than_a_day_before(hour: int) -> None:
    for day in range(0, 366, 2):
        starts = datetime(2027, 1, 4, hour, 30, tzinfo=ROME) + timedelta(days=day)
        moment = pushed(REMINDER_24H, occasion(starts.strftime("%Y-%m-%d %H:%M")), HOURS).at
        assert is_open(moment, HOURS), starts
        assert moment <= starts - timedelta(hours=23), starts  # an hour less where the clocks go forward in between
        assert moment >= starts - AHEAD, starts  # else nobody would look that far ahead


def test_the_days_of_rest_are_those_of_the_place() -> None:
    """In Turin the patron's day, the 24th of June, is one."""
    assert on_the_wall(reminded_at("2027-06-25 10:00")) == "2027-06-24 10:00"
    assert on_the_wall(reminded_at("2027-06-25 10:00", Hours(subdivision="TO"))) == "2027-06-23 17:59"
    closed = Hours(closed=frozenset({date(2027, 3, 2)}))
    assert on_the_wall(reminded_at("2027-03-03 10:00", closed)) == "2027-03-01 17:59"


# ---- from when, and until when

DUE = {
    "just before": ("2027-03-02 09:59", False),
    "on the minute": ("2027-03-02 10:00", True),
    "an hour late, after a pause": ("2027-03-02 11:00", True),
    "the same morning": ("2027-03-03 07:59", True),
    "two hours before the start": ("2027-03-03 08:00", False),
    "when it has begun": ("2027-03-03 10:00", False),
    "days after": ("2027-03-09 10:00", False),
}


@pytest.mark.parametrize("now, comes", DUE.values(), ids=DUE.keys())
def test_it_is_due_from_its_hour_until_two_hours_before_the_start(now: str, comes: bool) -> None:
    assert is_due(now, "2027-03-03 10:00") is comes


BOOKED = {
    "long before": ("2027-02-01 10:00", True),
    "a minute before the hour of the reminder": ("2027-03-02 09:59", True),
    "at the hour of the reminder": ("2027-03-02 10:00", False),
    "in the evening before": ("2027-03-02 18:00", False),
}


@pytest.mark.parametrize("booked, comes", BOOKED.values(), ids=BOOKED.keys())
def test_who_has_only_just_booked_is_not_reminded(booked: str, comes: bool) -> None:
    assert is_due("2027-03-02 19:00", "2027-03-03 10:00", booked) is comes


def test_who_books_on_sunday_for_monday_is_not_reminded() -> None:
    assert not is_due("2027-03-07 15:00", "2027-03-08 10:00", booked="2027-03-07 14:00")


def test_a_card_is_due_at_once_whenever_somebody_books() -> None:
    found = occasion("2027-03-03 10:00", booked="2027-03-03 03:00")
    (push,) = due(at("2027-03-03 03:00"), [found], HOURS, [BOOKING_CONFIRMED])
    assert push.at == at("2027-03-03 03:00")


def test_another_time_is_another_reminder() -> None:
    """The key names the revision of the time, so that what was planned for the old one is not taken for it."""
    before, after = occasion("2027-03-03 10:00"), occasion("2027-03-03 10:00", revision=1)
    keys = [pushed(REMINDER_24H, one, HOURS).key for one in (before, after)]
    assert keys == ["reminder_24h:7:0", "reminder_24h:7:1"]


def test_every_moment_is_known_by_its_name_and_answered_by_a_step_that_exists() -> None:
    from handlers.conversations import CONVERSATIONS

    conversations = {one.name: one for one in CONVERSATIONS}
    assert [BY_NAME[one.name] for one in MOMENTS] == list(MOMENTS)
    for moment in MOMENTS:
        step = conversations[moment.conversation].find(moment.step)
        assert step and step.asks, moment.name


# ---- planned, once


@pytest.fixture
def stage(town_url: str) -> Iterator[Stage]:
    """Amina has a place on Wednesday at ten; it is Monday."""
    with closing(Stage(town_url)) as stage:
        perform(stage, "there is a workshop «Laboratorio» in 2 days at 10:00 with 9 places")
        perform(stage, "Amina is registered, and wants reminders")
        perform(stage, "Amina has a place at «Laboratorio»")
        stage.heard()
        yield stage


def plans(stage: Stage) -> int:
    return stage.with_store(lambda store: planned(store, stage.now))  # type: ignore[no-any-return]


def planned(store: Store, now: datetime) -> int:
    return moments.put(store, now, CATALOGUES, moments.due_now(store, now))


def reminders(stage: Stage) -> list[Any]:
    keyed = messages.c.dedupe_key.like("reminder_24h:%")
    return stage.with_store(lambda store: list(store.read(select(messages).where(keyed).order_by(messages.c.id))))  # type: ignore[no-any-return]


def move(stage: Stage, to: str) -> None:
    stage.now = at(to)


def test_it_is_put_into_the_outbox_when_it_is_due_and_once(stage: Stage) -> None:
    move(stage, "2027-03-02 09:59")
    assert plans(stage) == 0
    move(stage, "2027-03-02 10:00")
    assert [plans(stage), plans(stage)] == [1, 0]
    move(stage, "2027-03-02 15:00")
    assert plans(stage) == 0
    (row,) = reminders(stage)
    assert (row.state, row.kind, row.priority, row.due_at) == ("pending", "moment", 1, at("2027-03-02 10:00"))
    assert row.not_after == at("2027-03-03 08:00")
    assert row.answered_by["conversation"] == "reminders"


def test_one_that_was_missed_for_a_while_still_comes(stage: Stage) -> None:
    move(stage, "2027-03-02 18:30")
    assert plans(stage) == 1


def test_one_that_was_missed_for_too_long_does_not(stage: Stage) -> None:
    move(stage, "2027-03-03 08:30")
    plans(stage)
    assert reminders(stage) == []


def test_one_that_an_operator_has_called_off_beforehand_does_not_come(stage: Stage) -> None:
    """The key is taken by a message that is never sent."""

    def call_off(store: Store) -> None:
        person = stage.person(store, "Amina")
        booking = store.workshops.booking_of(person.id, workshop_id(store, "Laboratorio"))
        assert booking
        desk = Desk(store, person, stage.now, CATALOGUES)
        chat = desk.outbox.chat()
        assert chat and desk.outbox.push(pushed(REMINDER_24H, desk.workshops.occasion(booking.id), HOURS), chat)
        found = store.read(select(messages.c.id).where(messages.c.dedupe_key == f"reminder_24h:{booking.id}:0"))
        store.messages.change(found[0].id, state="suppressed", reason="cancelled_by_operator")

    stage.with_store(call_off)
    move(stage, "2027-03-02 10:00")
    assert plans(stage) == 0
    perform(stage, "20 minutes pass")
    assert stage.heard() == []


def test_nobody_is_reminded_who_has_not_agreed_or_has_no_open_chat(stage: Stage) -> None:
    perform(stage, "Luca has a place at «Laboratorio»")
    move(stage, "2027-03-02 10:00")
    stage.with_store(
        lambda store: store.people.change_identity(
            store.people.identities(stage.person(store, "Amina").id)[0].id, blocked_at=stage.now
        )
    )
    assert plans(stage) == 0


def test_who_has_given_up_their_place_is_not_reminded(stage: Stage) -> None:
    def give_up(store: Store) -> None:
        person = stage.person(store, "Amina")
        booking = store.workshops.booking_of(person.id, workshop_id(store, "Laboratorio"))
        assert booking
        Desk(store, person, stage.now, CATALOGUES).workshops.cancel(booking.id)

    stage.with_store(give_up)
    move(stage, "2027-03-02 10:00")
    assert plans(stage) == 0


def test_what_is_called_off_reminds_nobody(stage: Stage) -> None:
    perform(stage, "the desk calls off «Laboratorio»")
    move(stage, "2027-03-02 10:00")
    assert plans(stage) == 0


def test_what_is_moved_is_reminded_of_at_its_new_time(stage: Stage) -> None:
    move(stage, "2027-03-02 10:00")
    assert plans(stage) == 1
    perform(stage, "the desk moves «Laboratorio» by 3 days")
    assert plans(stage) == 0
    move(stage, "2027-03-05 10:00")
    assert plans(stage) == 1
    perform(stage, "20 minutes pass")
    assert [row.state for row in reminders(stage)] == ["superseded", "sent"]


def test_the_tick_knocks_as_often_as_it_likes(stage: Stage) -> None:
    """One slot of twenty seconds is worked through once, whoever comes first."""
    move(stage, "2027-03-02 10:00")
    with closing(stage.desk()) as desk:
        assert [desk.worker.plan_moments() for _knock in range(3)] == [1, 0, 0]
        stage.now += timedelta(seconds=20)
        assert desk.worker.plan_moments() == 0
    assert len(reminders(stage)) == 1


def test_slots_are_twenty_seconds_long() -> None:
    moment = datetime(2027, 3, 1, 9, 0, 59, 999, tzinfo=UTC)
    assert slot_of(moment) == datetime(2027, 3, 1, 9, 0, 40, tzinfo=UTC)
    assert slot_of(slot_of(moment)) == slot_of(moment)


# ---- two workers at once


@pytest.fixture
def postgresql_stage(databases: Databases) -> Iterator[Stage]:
    with databases.town("postgresql") as url, closing(Stage(url)) as stage:
        perform(stage, "there is a workshop «Laboratorio» in 2 days at 10:00 with 30 places")
        for number in range(12):
            perform(stage, f"Amina{number} is registered, and wants reminders")
            perform(stage, f"Amina{number} has a place at «Laboratorio»")
        stage.heard()
        yield stage


@pytest.mark.postgres
@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=20)], ids=["in one slot", "in two slots"])
def test_two_workers_at_once_plan_everything_once(postgresql_stage: Stage, apart: timedelta) -> None:
    stage = postgresql_stage
    move(stage, "2027-03-02 10:00")
    gate = threading.Barrier(2)
    with ExitStack() as stack:
        desks = [stack.enter_context(closing(stage.desk())) for _worker in range(2)]
        desks[1].worker.clock = Clock(offset=apart, real=lambda: stage.now)

        def plan(worker: int) -> int:
            gate.wait(10)
            return desks[worker].worker.plan_moments()

        with ThreadPoolExecutor(2) as pool:
            assert sum(pool.map(plan, range(2))) == 12
    assert len(reminders(stage)) == 12


@pytest.mark.postgres
def test_two_who_plan_at_once_without_a_slot_put_everything_once(postgresql_stage: Stage) -> None:
    """The key of the message itself is what keeps it from standing there twice."""
    stage = postgresql_stage
    move(stage, "2027-03-02 10:00")
    gate = threading.Barrier(4)

    def plan(_worker: int) -> int:
        with closing(storage.open(stage.url)) as found, found.writing() as store:
            gate.wait(10)
            return planned(store, stage.now)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(plan, range(4))) == 12
    assert len(reminders(stage)) == 12


def test_the_clock_of_the_tests_is_a_monday_morning() -> None:
    assert on_the_wall(MONDAY) == "2027-03-01 10:00" and MONDAY.weekday() == 0
