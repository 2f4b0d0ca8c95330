# SPDX-License-Identifier: EUPL-1.2
"""How far ahead of the real day a demonstration lives; every process reads it here."""

from datetime import timedelta

from storage import Store

KEY = "clock_offset"


class RealPeople(Exception):
    """Somebody writes from a real network, and would hear of days that have not come."""


def offset(store: Store) -> timedelta:
    """How far the day has been moved; nothing where nobody has moved it."""
    return timedelta(seconds=float(store.questions.settings().get(KEY) or 0))


def move(store: Store, to: timedelta) -> timedelta:
    """Move the day on, never back. Returns how far it is moved now. Raises RealPeople."""
    if store.people.any_real():
        raise RealPeople
    furthest = max(offset(store), to)
    store.questions.set(KEY, furthest.total_seconds())
    return furthest
