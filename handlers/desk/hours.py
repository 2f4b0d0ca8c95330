# SPDX-License-Identifier: EUPL-1.2
"""When this desk may write unasked: what it has set, and the holidays of where a person lives."""

from datetime import date, time
from typing import Any

from handlers.rules.opening import Hours
from handlers.rules.service_time import OpeningHours
from storage import Store
from storage.people import Person


def hours_for(store: Store, person: Person) -> Hours:
    """The quiet hours of the desk, with the patrons' days of the person's own town and area."""
    return hours_in(store, person.comune_istat)


def opening_hours(store: Store) -> OpeningHours:
    """When somebody is at the desk."""
    return OpeningHours.of(store.questions.settings().get("opening_hours"), hours_in(store, None))


def answer_hours(store: Store) -> float:
    """In how many hours at the desk a person is promised an answer."""
    return float(store.questions.settings().get("answer_hours") or 24)


def hours_in(store: Store, comune_istat: str | None) -> Hours:
    """The quiet hours of the desk for whoever lives in this comune."""
    settings = store.questions.settings()
    quiet: dict[str, Any] = settings.get("quiet_hours") or {}
    place = store.territories.place(comune_istat)
    usual = Hours()
    return Hours(
        quiet_from=time.fromisoformat(quiet["from"]) if "from" in quiet else usual.quiet_from,
        quiet_to=time.fromisoformat(quiet["to"]) if "to" in quiet else usual.quiet_to,
        closed=frozenset(date.fromisoformat(day) for day in settings.get("closed_days") or ()),
        subdivision=store.territories.subdivision(place.area) if place else None,
        patron_day=store.territories.patron_day(comune_istat),
        pushes_a_day=settings.get("pushes_a_day") or usual.pushes_a_day,
    )
