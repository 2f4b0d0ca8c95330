# SPDX-License-Identifier: EUPL-1.2
"""A clock that is moved passes every instant at which something is due, in order, as if one had lived through it."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.jobs.jump import Jump
from bot.main import Sportello, build, stored_clock
from bot.settings import Settings
from handlers.desk import Desk
from handlers.desk import clock as stored
from handlers.desk.clock import RealPeople
from handlers.talk.text import ROME
from storage import Store
from storage.tables import bookings, identities, messages
from tests.database import MONDAY, Databases
from tests.stage import Stage, perform, workshop_id

STEP = timedelta(minutes=20)
A_WEEK = [
    "there is a workshop «Curriculum» in 2 days at 10:00 with 9 places",
    "there is a workshop «Colloquio» in 3 days at 15:30 with 1 place",
    "there is a workshop «Computer» in 6 days at 20:10 with 9 places",
    "there is a workshop «Lunedì» in 7 days at 9:15 with 9 places",
    *(f"{who} is registered, and wants reminders" for who in ("Amina", "Bruno", "Carla", "Dario")),
    "Amina has a place at «Curriculum»",
    "Bruno has a place at «Curriculum»",
    "Amina has a place at «Colloquio»",
    "Bruno has a place at «Colloquio»",
    "Carla has a place at «Colloquio»",
    "Carla has a place at «Computer»",
    "Dario has a place at «Lunedì»",
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def stage(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Stage]:
    with databases.town(request.param) as url, closing(Stage(url)) as stage:
        yield stage


def jump(stage: Stage, by: timedelta) -> int:
    """Move the clock of a new application; the time on the wall stands still."""
    desk = stage.desk()
    try:
        return asyncio.run(Jump(desk.worker).to(stage.now + by))
    finally:
        desk.close()


def live(stage: Stage, by: timedelta) -> None:
    """The same time, in steps so small that hardly two things come due in one of them."""
    until = stage.now + by

    def on(desk: Sportello) -> None:
        while stage.now < until:
            stage.now += STEP
            while desk.worker.plan(stage.now, looks_at_all=True) or desk.deliverer.delivery.anything_due():
                asyncio.run(desk.deliverer.drain())

    stage.played(on)


def sent(stage: Stage) -> list[tuple[str, str, str]]:
    """Every push that was sent, in order: what, to whom, and when on the wall."""

    def look(store: Store) -> list[tuple[str, str, str]]:
        rows = store.read(
            select(messages.c.payload, identities.c.address, messages.c.sent_at)
            .join(identities, identities.c.id == messages.c.identity_id)
            .where(messages.c.kind == "moment", messages.c.sent_at.is_not(None), messages.c.sent_at > MONDAY)
            .order_by(messages.c.sent_at, messages.c.priority, messages.c.id)
        )
        return [(row[0]["moment"], row[1].removeprefix("stage:"), on_the_wall(row[2])) for row in rows]

    return stage.with_store(look)  # type: ignore[no-any-return]


def on_the_wall(at: datetime) -> str:
    return at.astimezone(ROME).strftime("%a %H:%M")


def in_order(stage: Stage) -> list[tuple[str, str]]:
    return [(moment, who) for moment, who, _at in sent(stage)]


def arranged(stage: Stage) -> None:
    """A full week. Amina gives up the one place at «Colloquio»: Bruno is offered it, and after him Carla."""
    for line in A_WEEK:
        perform(stage, line)
    gives_up(stage, "Amina", "Colloquio")


def gives_up(stage: Stage, who: str, title: str) -> None:
    def cancel(desk: Sportello) -> None:
        with desk.storage.writing() as store:
            person = stage.person(store, who)
            booking = store.workshops.booking_of(person.id, workshop_id(store, title))
            assert booking
            Desk(store, person, stage.now, desk.engine.play.catalogues).workshops.cancel(booking.id)

    stage.played(cancel)


def states(stage: Stage) -> list[str]:
    def look(store: Store) -> list[str]:
        return [row[0] for row in store.read(select(bookings.c.state).order_by(bookings.c.id))]

    return stage.with_store(look)  # type: ignore[no-any-return]


def test_a_week_in_one_jump_is_the_week_lived_step_by_step(databases: Databases) -> None:
    with (
        databases.town("sqlite") as one,
        databases.town("sqlite") as other,
        closing(Stage(one)) as jumping,
        closing(Stage(other)) as living,
    ):
        for stage in (jumping, living):
            arranged(stage)
            stage.sends("Elena", "ciao")
            stage.sends("Elena", "iscriviti")  # she begins to sign up, and stops
        jump(jumping, timedelta(days=7))
        live(living, timedelta(days=7))
        assert in_order(jumping) == in_order(living)
        assert states(jumping) == states(living)
        kinds = {moment for moment, _who in in_order(jumping)}
        assert kinds >= {"reminder_24h", "reminder_2h", "how_was_it", "half_way", "place_offered"}


def test_everything_leaves_at_its_own_instant_and_an_offer_is_passed_on(stage: Stage) -> None:
    arranged(stage)
    jump(stage, timedelta(days=7))
    assert sent(stage) == [
        ("reminder_24h", "Amina", "Tue 10:00"),
        ("reminder_24h", "Bruno", "Tue 10:00"),
        ("place_offered", "Carla", "Tue 10:00"),  # Bruno has had twelve open hours since Monday at ten
        ("reminder_2h", "Amina", "Wed 08:00"),
        ("reminder_2h", "Bruno", "Wed 08:00"),
        ("how_was_it", "Amina", "Wed 13:00"),
        ("how_was_it", "Bruno", "Wed 13:00"),
        ("reminder_24h", "Carla", "Sat 17:59"),
        ("reminder_24h", "Dario", "Sat 17:59"),
        ("reminder_2h", "Carla", "Sun 18:10"),
        ("reminder_2h", "Dario", "Mon 07:15"),
        ("how_was_it", "Carla", "Mon 08:00"),
    ]
    assert states(stage) == ["booked", "booked", "cancelled_by_person", "lapsed", "lapsed", "booked", "booked"]


def test_both_changes_of_the_clock_are_crossed(databases: Databases) -> None:
    for day, title in (("2027-03-26", "in spring"), ("2027-10-29", "in autumn")):
        with databases.town("sqlite") as url, closing(Stage(url)) as stage:
            perform(stage, f"it is {day} at 09:00")
            perform(stage, f"there is a workshop «{title}» in 5 days at 11:00 with 9 places")
            perform(stage, "Amina is registered, and wants reminders")
            perform(stage, f"Amina has a place at «{title}»")
            jump(stage, timedelta(days=6))
            assert [at for _moment, _who, at in sent(stage)][1:] == ["Tue 11:00", "Wed 09:00", "Wed 14:00"], title


def test_the_clock_does_not_go_back(stage: Stage) -> None:
    with pytest.raises(ValueError, match="forward"):
        jump(stage, -timedelta(seconds=1))


def test_two_jumps_at_once_follow_one_another(databases: Databases) -> None:
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        arranged(stage)
        desk = stage.desk()
        went: list[datetime] = []
        move = Jump(desk.worker, lambda: went.append(desk.clock.now()))

        async def both() -> None:
            await asyncio.gather(move.to(MONDAY + timedelta(days=3)), move.to(MONDAY + timedelta(days=7)))

        asyncio.run(both())
        desk.close()
        assert went == sorted(went) and went[-1] == MONDAY + timedelta(days=7)
        assert went.count(MONDAY + timedelta(days=3)) == 1


def test_other_processes_and_the_next_start_live_on_the_same_day(stage: Stage) -> None:
    other = build(Settings(simulator=True, database_url=stage.url), Clock(real=lambda: stage.now), transports={})
    jump(stage, timedelta(days=2))
    assert other.clock.now() == MONDAY
    asyncio.run(other.worker.day())
    assert other.clock.now() == MONDAY + timedelta(days=2)
    assert stored_clock(other.storage).offset == timedelta(days=2)
    with other.storage.writing() as store:
        assert stored.move(store, timedelta(days=1)) == timedelta(days=2), "never back"
    other.close()


def test_where_there_is_no_simulator_the_day_is_the_real_one(stage: Stage) -> None:
    jump(stage, timedelta(days=2))
    real = build(Settings(simulator=False, database_url=stage.url), transports={})
    asyncio.run(real.worker.day())
    assert real.clock.offset == timedelta(0)
    real.close()


def test_the_day_stops_moving_when_somebody_real_writes(stage: Stage) -> None:
    def writes(store: Store) -> None:
        store.people.meet("telegram", "12345", simulated=False, language="it", release="1", now=stage.now)

    stage.with_store(writes)
    with pytest.raises(RealPeople):
        jump(stage, timedelta(days=2))
    assert stage.desk().clock.now() == MONDAY
