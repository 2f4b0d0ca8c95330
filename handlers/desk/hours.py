# SPDX-License-Identifier: EUPL-1.2
"""When this desk may write unasked: what it has set, and the holidays of where a person lives."""

from datetime import time
from typing import Any

from handlers.rules.opening import Hours
from storage import Store
from storage.people import Person


def hours_for(store: Store, person: Person) -> Hours:
    """The quiet hours of the desk, with the patrons' days of the person's own town and area."""
    return hours_in(store, person.comune_istat)


def hours_in(store: Store, comune_istat: str | None) -> Hours:
    """The quiet hours of the desk for whoever lives in this comune."""
    quiet: dict[str, Any] = store.questions.settings().get("quiet_hours") or {}
    place = store.territories.place(comune_istat)
    usual = Hours()
    return Hours(
        quiet_from=time.fromisoformat(quiet["from"]) if "from" in quiet else usual.quiet_from,
        quiet_to=time.fromisoformat(quiet["to"]) if "to" in quiet else usual.quiet_to,
        subdivision=store.territories.subdivision(place.area) if place else None,
        patron_day=store.territories.patron_day(comune_istat),
    )
