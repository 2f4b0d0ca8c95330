# SPDX-License-Identifier: EUPL-1.2
"""Finds the moments that have come and puts them into the outbox, each once."""

from datetime import datetime, timedelta

from handlers.desk import Desk
from handlers.desk.hours import hours_for
from handlers.moments import REMINDER_24H, Occasion, Push, due, occasion_of
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.people import Person

AHEAD = timedelta(days=5)  # a reminder moves earlier over a long week-end, never by more than this


def plan(store: Store, now: datetime, catalogues: Catalogues) -> int:
    """Put what is due into the outbox; asking twice puts nothing twice. Returns how many were new."""
    pushes = [
        push
        for occasion in occasions(store, now)
        for push in due(now, [occasion], hours_for(store, store.people.get(occasion.person_id)), [REMINDER_24H])
    ]
    return sum(_put(store, now, catalogues, push) for push in pushes)


def renew_offers(store: Store, now: datetime, catalogues: Catalogues) -> int:
    """
    End the offers whose time is over or which never reached anybody, and offer what is free to those who wait.

    Places also become free without anybody giving one up, when a workshop is loaded again with more of them. Returns
    how many offers ended.
    """
    ended = store.workshops.ended_offers(now)
    count = sum(Desk(store, store.people.get(one.person_id), now, catalogues).offers.lapse(one.id) for one in ended)
    for id, person_id in store.workshops.with_places_for_the_line(now):
        if workshop := store.workshops.lock(id):
            Desk(store, store.people.get(person_id), now, catalogues).offers.free_places(workshop)
    return count


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
