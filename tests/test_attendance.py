# SPDX-License-Identifier: EUPL-1.2
"""Who was there, and what follows: a path that fills up and is told of once, and a call to who stays away."""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from handlers.desk import Desk
from handlers.desk.attendance import completed
from handlers.desk.changes import Changes
from handlers.desk.moments import occasion_in
from handlers.rules.attendance import ALL, Kept
from handlers.talk import Gone
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.tables import attendances, audit, bookings, cases, messages, workshops
from tests.stage import Stage, perform, workshop_id
from tests.stage_clubs import PATH

CATALOGUES = Catalogues()
CLUB = "there is a Job Club «Job Club Fontenera» in Collegno on Wednesdays at 14:30 with 2 places, 12 meetings"
TITLES = ("Uno", "Due", "Tre")
DEED = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(TITLES), st.sampled_from([*ALL, None])),
    st.tuples(st.just("say"), st.sampled_from(TITLES), st.sampled_from([*ALL, None])),
    st.tuples(st.sampled_from(["call off", "leave", "was not there"]), st.sampled_from(TITLES), st.none()),
)


@pytest.fixture
def stage(town_url: str) -> Iterator[Stage]:
    """Amina lacks two group meetings, and has a place at three that begin at the same hour."""
    with closing(Stage(town_url)) as stage:
        perform(stage, CLUB)
        perform(stage, "Amina is registered, and wants reminders")
        perform(stage, "Amina has done 1 group meeting and 2 interviews")
        for title in TITLES:
            perform(stage, f"there is a workshop «{title}» in 1 days at 10:00 with 3 places, on the path")
            stage.with_store(
                lambda store, title=title: at_the_desk(stage, store).workshops.book(workshop_id(store, title))
            )
        stage.now += timedelta(hours=25, minutes=30)
        yield stage


def at_the_desk(stage: Stage, store: Store, by: str | None = "staff:1") -> Desk:
    return Desk(store, stage.person(store, "Amina"), stage.now, CATALOGUES, by=by)


def place(store: Store, person_id: int, title: str) -> int:
    found = select(bookings.c.id).where(
        bookings.c.person_id == person_id, bookings.c.workshop_id == workshop_id(store, title)
    )
    return int(store.read(found)[0][0])


def say(stage: Stage, title: str, said: Any) -> None:
    def act(store: Store) -> None:
        desk = at_the_desk(stage, store)
        id = place(store, desk.person.id, title)
        assert isinstance(desk.attendance.mark(id, said, how="console", reason="It was so."), Kept)

    stage.with_store(act)


def rows(stage: Stage, table: Any, *where: Any) -> list[Any]:
    return stage.with_store(lambda store: store.read(select(table).where(*where).order_by(table.c.id)))  # type: ignore[no-any-return]


def told(stage: Stage) -> list[Any]:
    return rows(stage, messages, messages.c.dedupe_key.like("path_completed:%"))


def fresh(store: Store, person_id: int) -> int:
    """How many meetings count, reckoned from the words alone, the places that are left and what was called off."""
    newest: dict[int, str | None] = {}
    for row in store.read(select(attendances).order_by(attendances.c.id)):
        newest[row.booking_id] = row.said
    kept = store.read(
        select(bookings.c.id, workshops.c.cancelled_at)
        .join(workshops, workshops.c.id == bookings.c.workshop_id)
        .where(bookings.c.person_id == person_id, bookings.c.state == "booked", workshops.c.counts_for_path.is_(True))
    )
    return sum(newest.get(id) in ("present", "late") for id, off in kept if off is None)


class Over(Exception):
    """The example is over: nothing of it stays."""


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DEED, max_size=12))
def test_in_any_order_the_path_is_what_its_events_say(stage: Stage, deeds: list[tuple[str, str, Any]]) -> None:
    def live(store: Store) -> None:
        desk, was_ever = at_the_desk(stage, store), False
        for what, title, said in deeds:
            booking = place(store, desk.person.id, title)
            with suppress(Gone):
                match what:
                    case "say":
                        desk.attendance.mark(booking, said, how="console", reason="It was so.")
                    case "leave":
                        desk.workshops.cancel(booking)
                    case "was not there":
                        at_the_desk(stage, store, by=None).attendance.was_not_there(booking)
                    case _:
                        changes = Changes(store, stage.now, CATALOGUES, actor="staff:1")
                        workshop = store.workshops.get(workshop_id(store, title))
                        if workshop and workshop.cancelled_at is None:
                            changes.call_off(workshop.id)
            counted = fresh(store, desk.person.id)
            assert store.job_clubs.done(desk.person.id, PATH) == (1 + counted, 2)
            is_done = PATH in completed(store, desk.person.id)
            assert is_done == (counted >= 2)
            was_ever = was_ever or is_done
            sent = store.read(select(messages.c.id).where(messages.c.dedupe_key.like("path_completed:%")))
            assert len(sent) == was_ever  # once, and never again
        raise Over

    with suppress(Over):
        stage.with_store(live)


def test_a_path_that_is_completed_is_told_at_once_and_a_correction_takes_back_what_has_not_left(stage: Stage) -> None:
    say(stage, "Uno", "late")
    assert told(stage) == []
    say(stage, "Due", "present")
    (message,) = told(stage)
    assert message.text.splitlines()[0].count("Amina") == 1 and message.due_at == stage.now
    assert [one["id"] for one in message.options] == ["job_club", "person"]

    def is_true(store: Store) -> bool:
        found = store.messages.get(message.id)
        assert found
        return occasion_in(store, found) is not None

    assert stage.with_store(is_true)
    say(stage, "Due", "excused")
    assert not stage.with_store(is_true)
    say(stage, "Due", "present")
    assert stage.with_store(is_true) and len(told(stage)) == 1


def test_whoever_wants_no_messages_is_told_by_a_person(stage: Stage) -> None:
    stage.with_store(lambda store: at_the_desk(stage, store).people.stop())
    say(stage, "Uno", "present")
    say(stage, "Due", "present")
    (case,) = rows(stage, cases, cases.c.reason == "path_completed")
    assert told(stage) == [] and case.subject == f"path:{PATH}" and case.closed_at is None
    say(stage, "Due", "absent")
    assert rows(stage, cases, cases.c.reason == "path_completed")[0].closed_at


def test_who_says_in_the_chat_that_they_were_not_there_is_on_record_as_the_one_who_said_it(stage: Stage) -> None:
    def act(store: Store) -> None:
        desk = at_the_desk(stage, store, by=None)
        desk.attendance.was_not_there(place(store, desk.person.id, "Uno"))

    stage.with_store(act)
    (word,) = rows(stage, attendances)
    assert (word.said, word.how, word.by.partition(":")[0]) == ("absent", "chat", "person")
    assert rows(stage, bookings)[0].attendance_at is None  # nobody tells them, hours later, that they were missed


@pytest.mark.parametrize("is_called", [False, True])
def test_two_absences_call_for_a_call_until_they_are_corrected_or_somebody_has_tried(
    stage: Stage, is_called: bool
) -> None:
    say(stage, "Uno", "absent")
    say(stage, "Due", "absent")
    (case,) = rows(stage, cases, cases.c.reason == "no_shows")
    if is_called:
        known = {"at": stage.now, "actor": "staff:1", "action": "call_tried", "subject": f"case:{case.id}"}
        stage.with_store(lambda store: store.write(insert(audit).values(**known)))
    say(stage, "Due", "excused")
    assert (rows(stage, cases, cases.c.reason == "no_shows")[0].closed_at is None) == is_called


def test_an_excuse_between_two_absences_calls_for_nothing(stage: Stage) -> None:
    for title, said in zip(TITLES, ("absent", "excused", "absent"), strict=True):
        say(stage, title, said)
    assert rows(stage, cases, cases.c.reason == "no_shows") == []


@pytest.mark.parametrize(
    ("said", "moments"), [("present", {"how_was_it"}), ("absent", {"missed_you"}), ("excused", set())]
)
def test_nobody_who_is_excused_is_asked_how_it_was_or_where_they_were(
    stage: Stage, said: Any, moments: set[str]
) -> None:
    say(stage, "Uno", said)
    perform(stage, "2 days pass")
    about = f"booking:{stage.with_store(lambda store: place(store, stage.person(store, 'Amina').id, 'Uno'))}"
    pushed = {
        one.payload["moment"] for one in rows(stage, messages, messages.c.subject == about) if one.kind == "moment"
    }
    assert pushed & {"how_was_it", "missed_you"} == moments
