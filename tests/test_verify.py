# SPDX-License-Identifier: EUPL-1.2
"""What `sportello verify` finds: one broken row at a time, and nothing at all in a town that works."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, ColumnElement, Table, delete, func, insert, select, text, update

import storage
from bot.clock import Clock
from bot.verify import NotOurs, in_figures, in_words, opened, verify
from handlers.moments import MOMENTS
from storage import Storage, Store
from storage.erasures import GONE, NOBODY, WORDS
from storage.invariants import INVARIANTS, look
from storage.looking import Present
from storage.tables import (
    attachments,
    attendances,
    audit,
    bookings,
    cases,
    comuni,
    consents,
    dialogues,
    diaries,
    identities,
    job_clubs,
    memberships,
    messages,
    misreadings,
    people,
    receipts,
    rights_requests,
    series,
    staff,
    stops,
    unmaskings,
    workshops,
)
from storage.tables.base import Moment
from tests.database import MONDAY, Databases
from tests.stage import Stage, perform, workshop_id

TITLE, CLUB = "Il mio curriculum", "Job Club Fontenera"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


# ---- a small world in which all is well


class World:
    """Four people and a workshop: one is booked, one has an offer, one waits, one said stop."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.workshop: int = store.read(select(workshops.c.id))[0][0]
        self.booked, self.offered, self.waits, self.stopped = (self.person() for _ in range(4))
        store.workshops.change(self.workshop, line=2, capacity=2)
        self.place = self.booking(self.booked, "booked", booked_at=MONDAY - HOUR)
        self.offer = self.booking(self.offered, "offered", ticket=1, offered_until=MONDAY + 5 * HOUR)
        self.told = self.push(self.offered, f"booking:{self.offer}")
        self.in_line = self.booking(self.waits, "waiting", ticket=2)
        said = self.wrote(self.stopped, at=MONDAY - HOUR)
        self.stop = self.row(
            stops, person_id=self.stopped, topic="all", message_id=said, at=MONDAY - HOUR + timedelta(seconds=1)
        )
        self.answer = self.reply(self.stopped, said, MONDAY - HOUR + 2 * MINUTE)

    def row(self, table: Table, **values: Any) -> int:
        return int(self.store.write(insert(table).values(**values).returning(table.c.id)).scalar_one())

    def change(self, table: Table, id: int, **values: Any) -> int:
        self.store.write(update(table).where(table.c.id == id).values(**values))
        return id

    def person(self) -> int:
        number = len(self.store.read(select(people.c.id)))
        _, person = self.store.people.meet(
            "telegram", str(number), simulated=False, language="it", release="1", now=MONDAY - 2 * HOUR
        )
        question = self.said(person.id, MONDAY - 2 * HOUR)
        words = "Vuoi ricevere i promemoria?"
        self.row(
            consents,
            person_id=person.id,
            purpose="service_messages",
            given=True,
            text=words,
            text_hash=hashlib.sha256(words.encode()).hexdigest(),
            version="1",
            language="it",
            channel="telegram",
            question_id=question,
            answer_id=self.wrote(person.id, at=MONDAY - 2 * HOUR),
            at=MONDAY - 2 * HOUR,
        )
        return person.id

    def booking(self, person: int, state: str, **more: Any) -> int:
        known = {"workshop_id": self.workshop, "person_id": person, "state": state, "changed_at": MONDAY - HOUR}
        return self.row(bookings, **{**known, **more})

    def message(self, person: int, **more: Any) -> int:
        chat = self.store.people.identities(person)[0].id
        known = {"person_id": person, "identity_id": chat, "channel": "telegram", "text": "…", "attempts": 0}
        return self.row(messages, **{**known, **more})

    def wrote(self, person: int, at: datetime, state: str = "handled") -> int:
        return self.message(person, direction="in", kind="text", state=state, at=at)

    def said(self, person: int, at: datetime, **more: Any) -> int:
        known = {"direction": "out", "kind": "reply", "state": "sent", "provider_id": "1:1", "priority": 0}
        return self.message(person, **{**known, "at": at, "due_at": at, "sent_at": at, **more})

    def reply(self, person: int, to: int, at: datetime, **more: Any) -> int:
        return self.said(person, at, reply_to=to, **more)

    def push(self, person: int, subject: str, at: datetime = MONDAY - HOUR, **more: Any) -> int:
        about = {"kind": "moment", "priority": 1, "subject": subject, "payload": {"moment": "place_offered"}}
        return self.said(person, at, **{**about, **more})


@pytest.fixture(scope="module")
def small_world(databases: Databases) -> Iterator[tuple[str, World]]:
    with databases.town("sqlite") as url:
        with closing(Stage(url)) as stage:
            perform(stage, f"there is a workshop «{TITLE}» in 7 days at 10:00 with 2 places")
        with closing(storage.open(url)) as found, found.writing() as store:
            world = World(store)
        yield url, world


@pytest.fixture
def world(small_world: tuple[str, World]) -> Iterator[World]:
    """Whatever a test breaks in it is whole again afterwards."""
    url, world = small_world
    with closing(storage.open(url)) as found:
        try:
            with found.writing() as store:
                world.store = store
                yield world
                raise Whole
        except Whole:
            pass


class Whole(Exception):
    """Leave no trace."""


def looked_over(store: Store) -> dict[str, list[int]]:
    """What is broken, by the name of the invariant."""
    purposes = {moment.name: moment.consent for moment in MOMENTS if moment.consent}
    return {one.invariant.name: one.ids for one in look(store, Present(MONDAY, MONDAY, purposes)) if one.ids}


# ---- one broken row at a time


def a_place_too_many(world: World) -> int:
    world.booking(world.person(), "booked", booked_at=MONDAY - HOUR)
    return world.workshop


def a_place_given_after_the_workshop_was_made_smaller(world: World) -> int:
    world.row(
        audit,
        at=MONDAY - 3 * HOUR,
        actor="staff:1",
        action="capacity_lowered",
        subject=f"workshop:{world.workshop}",
        details={"from": 3, "to": 1, "taken": 2},
    )
    return world.change(workshops, world.workshop, capacity=1)


def booked_twice(world: World) -> int:
    world.store.write(text("drop index uq_bookings_active"))
    world.change(workshops, world.workshop, capacity=3)
    return world.booking(world.booked, "booked", booked_at=MONDAY)


def a_number_missing_from_the_line(world: World) -> int:
    return world.change(workshops, world.workshop, line=3)


def an_offer_without_a_message(world: World) -> int:
    world.store.write(delete(messages).where(messages.c.id == world.told))
    return world.offer


def an_offer_without_an_end(world: World) -> int:
    return world.change(bookings, world.offer, offered_until=None)


def an_offer_until_the_last_minute(world: World) -> int:
    return world.change(bookings, world.offer, offered_until=MONDAY + timedelta(days=7))


def an_offer_that_nobody_ended(world: World) -> int:
    return world.change(bookings, world.offer, offered_until=MONDAY - 3 * MINUTE)


def the_second_in_line_first(world: World) -> int:
    world.change(bookings, world.in_line, ticket=99)
    world.change(bookings, world.offer, ticket=2)
    return world.change(bookings, world.in_line, ticket=1)


def the_second_in_line_booked_first(world: World) -> int:
    world.change(bookings, world.in_line, ticket=99)
    world.change(bookings, world.offer, ticket=2, state="booked", booked_at=MONDAY, offered_until=None)
    return world.change(bookings, world.in_line, ticket=1)


def a_place_left_free(world: World) -> int:
    world.change(bookings, world.place, state="cancelled_by_person")
    return world.in_line


def a_push_after_stop(world: World) -> int:
    return world.push(world.stopped, "booking:0", MONDAY - 30 * MINUTE, payload=None)


def a_reply_to_what_was_written_before_the_stop(world: World) -> int:
    before = world.wrote(world.stopped, MONDAY - HOUR - MINUTE)
    return world.said(world.stopped, MONDAY - HOUR - MINUTE, reply_to=before, sent_at=MONDAY)


def a_word_of_ours_long_after_their_last(world: World) -> int:
    world.wrote(world.stopped, MONDAY - 30 * MINUTE)
    return world.said(world.stopped, MONDAY, kind="moment", payload=None)


def a_message_to_a_shut_chat(world: World) -> int:
    chat = world.store.people.identities(world.waits)[0].id
    world.row(stops, person_id=world.waits, topic="none", identity_id=chat, at=MONDAY - HOUR)
    return world.reply(world.waits, world.wrote(world.waits, MONDAY - HOUR), MONDAY)


def a_push_without_consent(world: World) -> int:
    agreed = world.store.people.consents(world.waits)["service_messages"]
    world.change(consents, agreed, withdrawn_at=MONDAY - HOUR)
    return world.push(world.waits, "booking:0", MONDAY)


def a_push_before_the_consent(world: World) -> int:
    return world.push(world.waits, "booking:0", MONDAY - 5 * HOUR)


def a_consent_without_a_question(world: World) -> int:
    return world.change(consents, world.store.people.consents(world.waits)["service_messages"], question_id=10**6)


def a_consent_that_somebody_else_answered(world: World) -> int:
    theirs = world.wrote(world.booked, MONDAY)
    return world.change(consents, world.store.people.consents(world.waits)["service_messages"], answer_id=theirs)


def a_consent_in_other_words(world: World) -> int:
    return world.change(consents, world.store.people.consents(world.waits)["service_messages"], text="Vuoi?")


def sent_without_a_number(world: World) -> int:
    return world.change(messages, world.told, provider_id=None)


def failed_without_a_reason(world: World) -> int:
    return world.said(world.waits, MONDAY, state="failed", sent_at=None)


def a_claim_that_nobody_ended(world: World) -> int:
    return world.said(
        world.waits, MONDAY, state="sending", sent_at=None, provider_id=None, lease="x", lease_until=MONDAY - 6 * MINUTE
    )


def the_same_push_twice(world: World) -> int:
    world.store.write(text("drop index uq_messages_dedupe_key"))
    for _ in range(2):
        last = world.push(world.waits, "booking:0", MONDAY, dedupe_key="place_offered:0:0")
    return last


def one_message_before_another(world: World) -> int:
    world.said(world.waits, MONDAY - MINUTE, sent_at=MONDAY)
    return world.said(world.waits, MONDAY - MINUTE)


def a_real_chat_on_paper(world: World) -> int:
    return world.change(messages, world.told, provider_id="paper:1")


def a_simulated_chat_on_the_network(world: World) -> int:
    world.store.write(update(identities).where(identities.c.person_id == world.stopped).values(simulated=True))
    return world.answer


def somebody_nobody_heard(world: World) -> int:
    return world.wrote(world.waits, MONDAY - 11 * MINUTE, state="waiting")


def the_same_in_two_chats(world: World) -> int:
    first = world.push(world.booked, f"booking:{world.place}", dedupe_key="reminder_24h:booking:1:0")
    known = {"payload": {"moment": "reminder_24h", "fell_from": first}, "dedupe_key": "reminder_24h:booking:1:0:on:9"}
    return world.push(world.booked, f"booking:{world.place}", **known)


def a_receipt_of_what_they_wrote(world: World) -> int:
    theirs = world.wrote(world.booked, at=MONDAY - HOUR)
    return world.row(
        receipts, channel="telegram", provider_id="1:1", status="read", message_id=theirs, at=MONDAY - HOUR
    )


def a_doubt_that_nobody_ended(world: World) -> int:
    unsure = {"state": "uncertain", "reason": "no_answer", "retry_at": MONDAY - 2 * HOUR, "provider_id": None}
    return world.said(world.booked, MONDAY - 2 * HOUR, **unsure)


def a_message_in_no_state(world: World) -> int:
    return world.wrote(world.waits, MONDAY, state="lost")


def a_booking_in_no_state(world: World) -> int:
    return world.booking(world.person(), "perhaps")


def a_file_that_is_nowhere(world: World) -> int:
    return world.row(
        attachments,
        message_id=world.answer,
        person_id=world.stopped,
        provider_id="f",
        state="stored",
        attempts=1,
        at=MONDAY,
    )


def somebody_left_in_silence(world: World) -> int:
    hour = {"taken_by": a_member_of_the_staff(world), "taken_at": MONDAY - 2 * HOUR, "taken_until": MONDAY - HOUR}
    world.store.dialogues.change(world.booked, **hour)
    return world.booked


def a_member_of_the_staff(world: World) -> int:
    return world.row(staff, name="Marta", email="marta@example.org", role="operator", languages=["it"])


def words_nobody_understood_of_somebody_deleted(world: World) -> int:
    id = somebody_deleted(world)
    message = world.store.read(select(func.min(messages.c.id)))[0][0]
    said = {"words": "bah boh", "language": "it", "conversation": "menu", "at": MONDAY}
    world.row(misreadings, message_id=message, person_id=id, **said)
    return id


def somebody_without_a_dialogue(world: World) -> int:
    world.store.write(delete(dialogues).where(dialogues.c.person_id == world.waits))
    return world.waits


def a_name_that_is_left(world: World) -> int:
    return world.change(people, somebody_deleted(world), first_name="Amina")


def somebody_who_is_not_deleted_yet(world: World) -> int:
    world.store.erasures.ask(world.stopped, receipt="S-1", now=MONDAY - 5 * DAY)
    return world.stopped


def a_reason_of_the_desk_that_is_left(world: World) -> int:
    id = somebody_deleted(world)
    noted = {"actor": "staff:1", "action": "let_in", "subject": f"person:{id}", "details": {"because": "Amina"}}
    world.row(audit, at=MONDAY, **noted)
    return id


def a_place_that_is_left(world: World) -> int:
    world.change(workshops, world.workshop, capacity=3)
    return world.booking(somebody_deleted(world), "booked", booked_at=MONDAY - HOUR)


def somebody_deleted(world: World) -> int:
    id = world.person()
    chat = world.store.people.identities(id)[0].id
    world.store.erasures.ask(id, receipt="S-1", now=MONDAY - HOUR)
    world.store.erasures.erase(id, {chat: "0" * 64}, MONDAY - HOUR)
    return id


def a_club(world: World, line: int = 0) -> None:
    """With one place."""
    known = {"kind": "job_club", "programme_id": "cil", "area_id": "collegno", "name": {"it": CLUB, "en": CLUB}}
    world.store.write(insert(series).values(id=CLUB, starts_on=MONDAY.date(), ends_on=MONDAY.date(), **known))
    venue = world.store.read(select(workshops.c.venue_id))[0][0]
    has = {"weekday": 2, "time": "14:30", "minutes": 120, "first_on": MONDAY.date(), "meetings": 1, "capacity": 1}
    world.store.write(insert(job_clubs).values(id=CLUB, venue_id=venue, line=line, **has))


def a_place_in_the_club(world: World, who: int, state: str, **more: Any) -> int:
    known = {"club_id": CLUB, "person_id": who, "state": state, "admitted_by": "path", "changed_at": MONDAY - HOUR}
    return world.row(memberships, **{**known, **more})


def a_member_too_many(world: World) -> Any:
    a_club(world)
    a_place_in_the_club(world, world.booked, "member")
    a_place_in_the_club(world, world.waits, "member")
    return CLUB


def a_number_missing_in_the_club(world: World) -> Any:
    a_club(world, line=2)
    a_place_in_the_club(world, world.waits, "waiting", ticket=2)
    return CLUB


def a_place_in_the_club_offered_without_a_message(world: World) -> int:
    a_club(world, line=1)
    return a_place_in_the_club(world, world.waits, "offered", ticket=1, offered_until=MONDAY + HOUR)


def a_place_in_the_club_that_is_held_too_long(world: World) -> int:
    a_club(world, line=1)
    place = a_place_in_the_club(world, world.waits, "offered", ticket=1, offered_until=MONDAY - HOUR)
    world.push(world.waits, f"membership:{place}")
    return place


def a_stranger_at_a_meeting(world: World) -> int:
    a_club(world)
    known = dict(world.store.read(select(workshops).where(workshops.c.id == world.workshop))[0]._mapping)
    meeting = world.row(workshops, **{**known, "id": 999, "series_id": CLUB, "line": 0})
    return world.booking(world.booked, "booked", workshop_id=meeting, booked_at=MONDAY - HOUR)


def a_place_at_a_meeting_that_is_off(world: World) -> int:
    a_club(world)
    a_place_in_the_club(world, world.booked, "member")
    known = dict(world.store.read(select(workshops).where(workshops.c.id == world.workshop))[0]._mapping)
    meeting = world.row(workshops, **{**known, "id": 999, "series_id": CLUB, "line": 0, "cancelled_at": MONDAY})
    return world.booking(world.booked, "booked", workshop_id=meeting, booked_at=MONDAY - HOUR)


def somebody_let_in_for_no_reason(world: World) -> int:
    a_club(world)
    return a_place_in_the_club(world, world.booked, "member", admitted_by="staff:1", admitted_because=" ")


def a_word_that_the_place_does_not_say(world: World) -> int:
    for said in ("absent", "present"):
        world.row(attendances, booking_id=world.place, said=said, how="console", by="staff:1", at=MONDAY)
    return world.change(bookings, world.place, attendance="absent")


BROKEN: list[tuple[str, Callable[[World], int]]] = [
    ("club_places", a_member_too_many),
    ("club_numbers", a_number_missing_in_the_club),
    ("club_offers", a_place_in_the_club_offered_without_a_message),
    ("club_offers_over", a_place_in_the_club_that_is_held_too_long),
    ("club_meetings", a_stranger_at_a_meeting),
    ("club_meetings_off", a_place_at_a_meeting_that_is_off),
    ("club_reasons", somebody_let_in_for_no_reason),
    ("places", a_place_too_many),
    ("places", a_place_given_after_the_workshop_was_made_smaller),
    ("attendance", a_word_that_the_place_does_not_say),
    ("once", booked_twice),
    ("numbers", a_number_missing_from_the_line),
    ("offers", an_offer_without_a_message),
    ("offers", an_offer_without_an_end),
    ("offer_ends", an_offer_until_the_last_minute),
    ("offers_over", an_offer_that_nobody_ended),
    ("line", the_second_in_line_first),
    ("line_booked", the_second_in_line_booked_first),
    ("free_places", a_place_left_free),
    ("stops", a_push_after_stop),
    ("stops", a_reply_to_what_was_written_before_the_stop),
    ("stops", a_word_of_ours_long_after_their_last),
    ("shut_chats", a_message_to_a_shut_chat),
    ("consents_kept", a_push_without_consent),
    ("consents_kept", a_push_before_the_consent),
    ("consents_proved", a_consent_without_a_question),
    ("consents_proved", a_consent_that_somebody_else_answered),
    ("consents_proved", a_consent_in_other_words),
    ("arrived", sent_without_a_number),
    ("reasons", failed_without_a_reason),
    ("leases", a_claim_that_nobody_ended),
    ("dedupe", the_same_push_twice),
    ("one_chat", the_same_in_two_chats),
    ("receipts", a_receipt_of_what_they_wrote),
    ("asked", a_doubt_that_nobody_ended),
    ("order", one_message_before_another),
    ("worlds", a_real_chat_on_paper),
    ("worlds", a_simulated_chat_on_the_network),
    ("heard", somebody_nobody_heard),
    ("message_states", a_message_in_no_state),
    ("booking_states", a_booking_in_no_state),
    ("files", a_file_that_is_nowhere),
    ("deleted", a_name_that_is_left),
    ("deleted", a_reason_of_the_desk_that_is_left),
    ("deleted_in_time", somebody_who_is_not_deleted_yet),
    ("deleted_places", a_place_that_is_left),
    ("given_back", somebody_left_in_silence),
    ("deleted", words_nobody_understood_of_somebody_deleted),
    ("dialogues", somebody_without_a_dialogue),
]


def test_in_the_small_world_all_is_well(world: World) -> None:
    assert looked_over(world.store) == {}


@pytest.mark.parametrize(("name", "breaks"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_broken_is_found_and_nothing_else(world: World, name: str, breaks: Callable[[World], int]) -> None:
    row = breaks(world)
    found = looked_over(world.store)
    if breaks is a_simulated_chat_on_the_network:  # all that this chat ever got
        assert set(found) == {"worlds"} and row in found["worlds"]
    else:
        assert found == {name: [row]}


FIXED = [
    (table, name)
    for table, values in (*WORDS.items(), (people, NOBODY))
    for name, value in values.items()
    if not isinstance(value, ColumnElement)
]


@pytest.mark.parametrize(("table", "name"), FIXED, ids=[f"{table.name}-{name}" for table, name in FIXED])
def test_whatever_deleting_takes_away_is_missed_if_it_is_left(world: World, table: Table, name: str) -> None:
    a_club(world)
    id = somebody_deleted(world)
    where = {"club_id": CLUB, "person_id": id}
    a_place_in_the_club(world, id, "left")
    world.row(diaries, **where, week=MONDAY.date(), at=MONDAY)
    tutor = world.row(staff, name="Ugo", email="ugo@example.org", role="tutor", languages=["it"])
    world.row(unmaskings, staff_id=tutor, person_id=id, reason="", at=MONDAY, until=MONDAY)
    world.row(rights_requests, person_id=id, kind="access", came_by="desk", asked_at=MONDAY, due_on=MONDAY.date())
    assert looked_over(world.store) == {}
    whose = table.c.id if table is people else table.c.person_id
    first = select(func.min(table.c[key_of(table)])).where(whose == id).scalar_subquery()
    left = update(table).where(table.c[key_of(table)] == first)
    world.store.write(left.values({name: something(world, table.c[name])}))
    assert looked_over(world.store).get("deleted") == [id]


@pytest.mark.parametrize("table", [one for one in GONE if one not in (attachments, misreadings)], ids=str)
def test_a_row_that_deleting_should_have_taken_is_missed(world: World, table: Table) -> None:
    id = somebody_deleted(world)
    by = a_member_of_the_staff(world)
    known = {"staff_id": by, "by": by, "at": MONDAY, "text": "Amina", "name": "Amina", "kind": "l68", "sealed": "x"}
    chat = world.store.people.identities(id)[0].id
    code = {"identity_id": chat, "code_hash": "x", "expires_at": MONDAY}
    row = {**known, **code, "expires_on": MONDAY.date(), "person_id": id}
    world.store.write(insert(table).values({name: value for name, value in row.items() if name in table.c}))
    assert looked_over(world.store) == {"deleted": [id]}


def key_of(table: Table) -> str:
    return "person_id" if table is dialogues else "id"


def something(world: World, column: Column[Any]) -> Any:
    """Anything that this column can hold."""
    if column.references(staff.c.id):
        return a_member_of_the_staff(world)
    if column.foreign_keys:
        return world.store.read(select(comuni.c.istat))[0][0]
    if isinstance(column.type, Moment):
        return MONDAY
    kind = column.type.python_type
    return 3 if kind is int else {"name": "Amina"} if kind is dict else "Amina"


def test_every_invariant_can_be_broken() -> None:
    assert {one.name for one in INVARIANTS} == {name for name, _breaks in BROKEN}


# ---- what is allowed


def who_had_a_place_before_it_was_made_smaller(world: World) -> None:
    world.change(workshops, world.workshop, capacity=1)
    world.row(
        audit,
        at=MONDAY - MINUTE,
        actor="staff:1",
        action="capacity_lowered",
        subject=f"workshop:{world.workshop}",
        details={"from": 2, "to": 1, "taken": 2},
    )


def who_cannot_be_written_to_is_passed_over_and_called(world: World) -> None:
    the_second_in_line_first(world)
    world.row(
        cases, person_id=world.waits, reason="place_free", subject=f"workshop:{world.workshop}", opened_at=MONDAY - HOUR
    )


def the_last_three_hours_are_first_come(world: World) -> None:
    the_second_in_line_booked_first(world)
    start = world.store.workshops.get(world.workshop)
    assert start
    world.change(bookings, world.offer, booked_at=start.starts_at - HOUR)


def a_place_that_has_just_been_given_up(world: World) -> None:
    a_place_left_free(world)
    world.change(bookings, world.place, changed_at=MONDAY - MINUTE)


def what_was_on_its_way_when_they_said_stop(world: World) -> None:
    stopped = MONDAY - HOUR
    world.push(world.stopped, "booking:0", stopped - MINUTE, sent_at=stopped + timedelta(seconds=1), payload=None)


def an_answer_to_what_they_wrote_after_the_stop(world: World) -> None:
    asked = world.wrote(world.stopped, MONDAY - 5 * MINUTE)
    world.reply(world.stopped, asked, MONDAY)
    world.said(world.stopped, MONDAY - 5 * MINUTE, kind="moment", payload=None)  # such as: your place is booked


def a_reminder_that_was_due_later_than_the_next_one(world: World) -> None:
    world.said(world.waits, MONDAY - HOUR, priority=1, due_at=MONDAY, sent_at=MONDAY)
    world.said(world.waits, MONDAY - HOUR, priority=1, sent_at=MONDAY - 30 * MINUTE)


def one_that_was_tried_again(world: World) -> None:
    world.said(world.waits, MONDAY - MINUTE, sent_at=MONDAY, attempts=1)
    world.said(world.waits, MONDAY - MINUTE)


ALLOWED = [
    who_had_a_place_before_it_was_made_smaller,
    who_cannot_be_written_to_is_passed_over_and_called,
    the_last_three_hours_are_first_come,
    a_place_that_has_just_been_given_up,
    what_was_on_its_way_when_they_said_stop,
    an_answer_to_what_they_wrote_after_the_stop,
    a_reminder_that_was_due_later_than_the_next_one,
    one_that_was_tried_again,
]


@pytest.mark.parametrize("happens", ALLOWED, ids=lambda value: value.__name__)
def test_what_is_allowed_is_not_found(world: World, happens: Callable[[World], None]) -> None:
    happens(world)
    assert looked_over(world.store) == {}


# ---- a town that works


FORM = ("1987", "{who}", "bologna", "pulizie", "così così", "sì", "no", "sì")


def test_a_town_with_traffic_is_as_it_must_be(town_url: str) -> None:
    with closing(Stage(town_url)) as stage:
        perform(stage, f"there is a workshop «{TITLE}» in 7 days at 10:00 with 1 place")
        for who in ("Amina", "Luca", "Joy"):
            for words in ("ciao", "laboratori", "1", "sì", *FORM):
                stage.sends(who, words.format(who=who))
        for who, words in (("Amina", "agenda"), ("Amina", "1"), ("Amina", "4"), ("Amina", "sì"), ("Joy", "stop")):
            stage.sends(who, words)
        perform(stage, "Joy blocks the chat")
        perform(stage, "26 hours pass")
        now, states = stage.now, stage.with_store(states_of)
    assert states == {"Amina": "cancelled_by_person", "Luca": "lapsed", "Joy": "waiting"}, states
    with closing(storage.open(town_url)) as found:
        findings = verify(found, Clock(real=lambda: now))
    assert in_figures(findings)["ok"], in_words(findings)
    assert {one.invariant.name for one in findings if one.looked_at} >= {
        "places",
        "numbers",
        "line",
        "stops",
        "consents_kept",
        "consents_proved",
        "arrived",
        "order",
        "worlds",
        "heard",
    }
    assert in_words(findings).endswith("Everything is as it must be.")


def states_of(store: Store) -> dict[str, str]:
    rows = store.read(
        select(people.c.first_name, bookings.c.state)
        .join(bookings, bookings.c.person_id == people.c.id)
        .where(bookings.c.workshop_id == workshop_id(store, TITLE))
        .order_by(bookings.c.id)
    )
    return {row.first_name: row.state for row in rows}


# ---- as a command


def sportello(url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "bot", "verify", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def test_the_command_says_what_is_wrong_and_of_whom_only_the_number(databases: Databases) -> None:
    with databases.town("sqlite") as url:
        well = sportello(url, "--json")
        assert (well.returncode, json.loads(well.stdout)["ok"]) == (0, True)
        with closing(storage.open(url)) as found:
            number = somebody_is_left_behind(found)
        done = sportello(url)
        assert done.returncode == 1
        assert f"✗ Everybody who has a chat has a dialogue: not so for people {number} (1 " in done.stdout
        assert "1 of " in done.stdout and "Amina" not in done.stdout + done.stderr


def somebody_is_left_behind(found: Storage) -> int:
    with found.writing() as store:
        _, person = store.people.meet("telegram", "1", simulated=False, language="it", release="1", now=MONDAY)
        store.people.change(person.id, first_name="Amina")
        store.write(delete(dialogues).where(dialogues.c.person_id == person.id))
    return person.id


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    done = sportello(f"sqlite:///{tmp_path}/nowhere.sqlite")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be read" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_our_tables_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(NotOurs):
        opened(f"sqlite:///{tmp_path}/empty.sqlite")
