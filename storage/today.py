# SPDX-License-Identifier: EUPL-1.2
"""How the desk stands today: what waits, how busy each channel is, what happened in the last days."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_, select

from storage.people import in_scope
from storage.tables import bookings, cases, identities, messages, people, reviews, series, workshops
from storage.transaction import Transaction

NEWEST = 20_000  # messages: what is older says nothing of how a channel is today
MOST = 1_000  # cases that are looked at; a desk where more wait knows it


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody waits for a person of the desk."""

    reason: str
    opened_at: datetime
    taken_by: int | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went through a channel lately; ``overdue`` is how many messages should have left by now."""

    channel: str
    last_in: datetime | None
    last_out: datetime | None
    overdue: int
    oldest: datetime | None


class Today:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def waiting(self, areas: Collection[str] | None, programmes: Collection[str] | None) -> list[Waiting]:
        """Open cases, the oldest first."""
        rows = self.store.read(
            select(cases.c.reason, cases.c.opened_at, cases.c.taken_by)
            .join(people, people.c.id == cases.c.person_id)
            .where(cases.c.closed_at.is_(None), in_scope(areas, programmes))
            .order_by(cases.c.opened_at)
            .limit(MOST)
        )
        return [Waiting(*row) for row in rows]

    def to_follow_up(
        self, staff_id: int, today: date, areas: Collection[str] | None, programmes: Collection[str] | None
    ) -> int:
        """How many people are to be looked at again by this day: this member's, and those that are nobody's."""
        whose = or_(reviews.c.assigned_to == staff_id, reviews.c.assigned_to.is_(None))
        found = select(func.count()).select_from(reviews).join(people, people.c.id == reviews.c.person_id)
        return int(
            self.store.read(found.where(reviews.c.follow_up_on <= today, whose, in_scope(areas, programmes)))[0][0]
        )

    def traffic(self, late: datetime) -> list[Traffic]:
        """By channel that anybody has written on; ``late``: what was due before this instant is overdue."""
        newest = select(func.coalesce(func.max(messages.c.id), 0) - NEWEST).scalar_subquery()
        sent = case((has_left, messages.c.sent_at))
        heard = case((messages.c.direction == "in", messages.c.at))
        lately = self.store.read(
            select(messages.c.channel, func.max(heard), func.max(sent))
            .where(messages.c.id > newest)
            .group_by(messages.c.channel)
        )
        pending = self.store.read(
            select(messages.c.channel, func.count(), func.min(messages.c.due_at))
            .where(is_pending, messages.c.due_at < late)
            .group_by(messages.c.channel)
        )
        known = self.store.read(select(identities.c.channel).where(~identities.c.simulated).distinct())
        seen = {row[0]: (row[1], row[2]) for row in lately}
        held = {row[0]: (row[1], row[2]) for row in pending}
        names = sorted({row[0] for row in known} | seen.keys() | held.keys())
        return [Traffic(name, *seen.get(name, (None, None)), *held.get(name, (0, None))) for name in names]

    def messages_a_day(self, first_id: int, days: Sequence[tuple[datetime, datetime]]) -> list[tuple[int, int]]:
        """For each day, from its beginning to its end, how many came in and went out, from one number on."""
        came, went = messages.c.direction == "in", and_(messages.c.direction == "out", messages.c.kind != "retired")
        sums = [_during(messages.c.at, day, way) for day in days for way in (came, went)]
        row = self.store.read(select(*sums).where(messages.c.id >= first_id))[0] if sums else ()
        return [(int(row[at] or 0), int(row[at + 1] or 0)) for at in range(0, len(row), 2)]

    def bookings_a_day(self, days: Sequence[tuple[datetime, datetime]]) -> list[int]:
        """For each day, how many places were taken at workshops; the meetings of Job Clubs are not booked."""
        since = days[0][0]
        rows = self.store.read(
            select(*(_during(bookings.c.booked_at, day) for day in days))
            .join(workshops, workshops.c.id == bookings.c.workshop_id)
            .join(series, series.c.id == workshops.c.series_id)
            .where(bookings.c.booked_at >= since, series.c.kind != "job_club")
        )
        return [int(value or 0) for value in rows[0]]


# In the very words of the index of the outbox.
is_pending = and_(
    messages.c.state.in_([literal_column(f"'{state}'") for state in ("pending", "claimed", "sending")]),
    messages.c.state == "pending",
)


# A message that came back has a time at which it was tried last, too.
has_left = and_(messages.c.direction == "out", messages.c.state.in_(("sent", "delivered", "read")))


def _during(at: ColumnElement[Any], day: tuple[datetime, datetime], *only: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((and_(at >= day[0], at < day[1], *only), 1), else_=0))
