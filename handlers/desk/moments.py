# SPDX-License-Identifier: EUPL-1.2
"""Finds the moments that have come and puts them into the outbox, each once."""

from datetime import datetime, timedelta

from handlers.desk import Desk
from handlers.moments import REMINDER_24H, Occasion, Push, due, occasion_of
from handlers.rules.opening import Hours
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.people import Person

AHEAD = timedelta(days=5)  # a reminder moves earlier over a long week-end, never by more than this


def plan(store: Store, now: datetime, catalogues: Catalogues, hours: Hours) -> int:
    """Put what is due into the outbox; asking twice puts nothing twice. Returns how many were new."""
    pushes = due(now, occasions(store, now), hours, [REMINDER_24H])
    return sum(_put(store, now, catalogues, push) for push in pushes)


def lapse(store: Store, now: datetime, catalogues: Catalogues) -> int:
    """End the offers whose time is over, and offer their places on. Returns how many."""
    ended = store.workshops.ended_offers(now)
    return sum(Desk(store, store.people.get(one.person_id), now, catalogues).offers.lapse(one.id) for one in ended)


def occasions(store: Store, now: datetime) -> list[Occasion]:
    """Every place at a workshop that starts in the coming days."""
    return [
        occasion_of(booking, workshop, store.people.get(booking.person_id).first_name or "")
        for workshop in store.workshops.starting(now, now + AHEAD)
        for booking in store.workshops.booked(workshop.id)
    ]


def _put(store: Store, now: datetime, catalogues: Catalogues, push: Push) -> bool:
    if store.messages.find_by_dedupe(push.key):
        return False
    person: Person = store.people.get(push.occasion.person_id)
    desk = Desk(store, person, now, catalogues)
    if push.moment.consent and not desk.people.agreed(push.moment.consent):
        return False
    chat = desk.outbox.chat()
    return bool(chat and desk.outbox.push(push, chat))
