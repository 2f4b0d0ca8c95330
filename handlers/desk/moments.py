# SPDX-License-Identifier: EUPL-1.2
"""Finds the moments that have come and puts them into the outbox, each once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from handlers.desk import Desk
from handlers.desk.hours import hours_in
from handlers.moments import (
    A_MONTH_OF_SILENCE,
    BY_NAME,
    HALF_WAY,
    HOW_WAS_IT,
    Moment,
    Occasion,
    Push,
    at_any_hour,
    due,
    half_way,
    is_repeat,
    occasion_of,
    silence,
    still_stands,
)
from handlers.rules.opening import Hours
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.messages import Message
from storage.people import Person

AHEAD = timedelta(days=5)  # a reminder moves earlier over a long week-end, never by more than this
BEHIND = HOW_WAS_IT.until[1] + timedelta(days=1)  # and what is asked afterwards is asked within these days
FORM = "registration"


def plan(store: Store, now: datetime, catalogues: Catalogues) -> int:
    """Put what is due into the outbox; asking twice puts nothing twice. Returns how many were new."""
    return _put_all(store, now, catalogues, [(occasion, comune) for occasion, comune in places(store, now)])


def plan_quiet(store: Store, now: datetime, catalogues: Catalogues) -> int:
    """The same for those who have stopped writing; it looks at everybody, and is asked less often."""
    return _put_all(store, now, catalogues, lulls(store, now))


def renew_offers(store: Store, now: datetime, catalogues: Catalogues) -> int:
    """
    End the offers whose time is over or which never reached anybody, and offer what is free to those who wait.

    Places also become free without anybody giving one up, when a workshop gets more of them. Returns how many offers
    ended.
    """
    ended = store.workshops.ended_offers(now)
    count = sum(Desk(store, store.people.get(one.person_id), now, catalogues).offers.lapse(one.id) for one in ended)
    for id, person_id in store.workshops.with_places_for_the_line(now):
        if workshop := store.workshops.lock(id):
            Desk(store, store.people.get(person_id), now, catalogues).offers.free_places(workshop)
    return count


def places(store: Store, now: datetime) -> list[tuple[Occasion, str | None]]:
    """Every place at a workshop of these days, and where its person lives."""
    found = store.workshops.places(now - BEHIND, now + AHEAD)
    known = {id: store.workshops.get(id) for id in {booking.workshop_id for booking, _name, _comune in found}}
    return [
        (occasion_of(booking, workshop, name or "", said_at=now), comune)
        for booking, name, comune in found
        if (workshop := known[booking.workshop_id])
    ]


def lulls(store: Store, now: datetime) -> list[tuple[Occasion, str | None]]:
    """Those who left the form half-way, and those who have been silent for a month, with where they live."""
    left = store.dialogues.half_way(FORM, now - HALF_WAY.until[1], now - HALF_WAY.offset)
    silent = store.dialogues.silent(now - A_MONTH_OF_SILENCE.until[1], now - A_MONTH_OF_SILENCE.offset)
    found = [(half_way(id, None, at), id) for id, at in left]
    found += [(silence(id, store.people.get(id).first_name, at), id) for id, at in silent if not _ahead(store, id, now)]
    return [(occasion, store.people.get(id).comune_istat) for occasion, id in found]


def _ahead(store: Store, person_id: int, now: datetime) -> bool:
    """Does somebody have something in their agenda? Then they hear from us anyway."""
    return any(
        (workshop := store.workshops.get(one.workshop_id)) and workshop.ends_at > now
        for one in store.workshops.bookings_of(person_id)
    )


def _put_all(store: Store, now: datetime, catalogues: Catalogues, occasions: list[tuple[Occasion, str | None]]) -> int:
    hours: dict[str | None, Hours] = {}
    for comune in {comune for _occasion, comune in occasions}:
        hours[comune] = hours_in(store, comune)
    pushes = [push for occasion, comune in occasions for push in due(now, [occasion], hours[comune])]
    known = store.messages.known_keys([push.key for push in pushes])
    return sum(_put(store, now, catalogues, push) for push in pushes if push.key not in known)


def _put(store: Store, now: datetime, catalogues: Catalogues, push: Push) -> bool:
    person: Person = store.people.get(push.occasion.person_id)
    desk = Desk(store, person, now, catalogues)
    if push.moment.consent and not desk.people.agreed(push.moment.consent):
        return False
    if push.occasion.revision and push.occasion.workshop:
        told = store.messages.told(person.id, push.subject, push.moment.name)
        if is_repeat(push, told):
            return False
    chat = desk.outbox.chat()
    return bool(chat and desk.outbox.push(push, chat))


# ---- what the send check asks


def still_true(store: Store, message: Message, moment: Moment) -> bool:
    """Does what a push is about still stand, unmoved?"""
    occasion = occasion_in(store, message)
    return occasion is not None and still_stands(moment, occasion, (message.payload or {}).get("revision"))


def any_hour(store: Store, message: Message, moment: Moment, now: datetime) -> bool:
    """May this push go out in closed time too?"""
    occasion = occasion_in(store, message)
    return occasion is not None and at_any_hour(moment, message.payload or {}, occasion, now)


def occasion_in(store: Store, message: Message) -> Occasion | None:
    """What a push is about, as it stands now; None if it is about nothing any more."""
    noun, _colon, id = (message.subject or "").partition(":")
    if noun == "booking":
        booking = store.workshops.booking(int(id))
        workshop = store.workshops.get(booking.workshop_id) if booking else None
        return occasion_of(booking, workshop, "", changed_at=message.at) if booking and workshop else None
    return _lull_in(store, message) if noun == "person" else None


def _lull_in(store: Store, message: Message) -> Occasion | None:
    """Has the person written, or signed up, since?"""
    dialogue, person = store.dialogues.get(message.person_id), store.people.get(message.person_id)
    facts: Mapping[str, Any] = message.payload or {}
    if dialogue.changed_at > message.at or person.stopped_at:
        return None
    if BY_NAME.get(facts.get("moment", "")) is not HALF_WAY:
        return silence(person.id, None, dialogue.changed_at)
    return half_way(person.id, None, dialogue.changed_at) if person.registered_at is None else None
