# SPDX-License-Identifier: EUPL-1.2
"""Workshops, places and the line of those who wait."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Select,
    String,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from storage.messages import SHOWN
from storage.tables import bookings, comuni, feedback, messages, people, series, unions, venues, workshops
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Venue:
    """Where something happens, and what helps a person get in."""

    name: str
    address: str | None
    comune_istat: str | None
    comune: str | None
    union: str | None
    area: str | None
    step_free: bool | None
    hearing_loop: bool | None
    toilet: bool | None
    bus: str | None
    note: dict[str, str] | None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Workshop:
    """A workshop with its venue; times are aware, in UTC."""

    id: int
    code: str | None
    series_id: str
    area_id: str
    programme_id: str
    kind: str
    title: dict[str, str]
    summary: dict[str, str]
    bring: dict[str, str] | None
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    closes_at: datetime
    capacity: int
    languages: list[str]
    italian_level: str | None
    counts_for_path: bool
    line: int
    revision: int
    cancelled_at: datetime | None
    mode: str
    link: str | None
    tutor_id: int | None
    venue: Venue

    @property
    def is_meeting(self) -> bool:
        """Is it a meeting of a Job Club, whose members need not book?"""
        return self.kind == "job_club"

    @property
    def is_confirmed(self) -> bool:
        """A Job Club meets under the eyes of a counsellor, or not at all (B09e)."""
        return not self.is_meeting or self.tutor_id is not None

    @property
    def is_online(self) -> bool:
        """Is there nowhere to go to? What is both has a place."""
        return self.mode == "online"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people hold a place, hold an offer, and wait."""

    booked: int
    offered: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Booking:
    """A person's place, or place in line, at a workshop."""

    id: int
    workshop_id: int
    person_id: int
    state: str
    ticket: int | None
    booked_at: datetime | None
    confirmed_at: datetime | None
    offered_until: datetime | None
    attendance: str | None
    attendance_at: datetime | None


venue_columns = [
    venues.c.name,
    venues.c.address,
    venues.c.comune_istat,
    comuni.c.name,
    comuni.c.union_id,
    unions.c.area_id,
    venues.c.step_free,
    venues.c.hearing_loop,
    venues.c.toilet,
    venues.c.bus,
    venues.c.note,
    venues.c.latitude,
    venues.c.longitude,
]
_workshop_columns = [
    workshops.c.id,
    workshops.c.code,
    workshops.c.series_id,
    series.c.area_id,
    series.c.programme_id,
    series.c.kind,
    *(workshops.c[name] for name in list(Workshop.__dataclass_fields__)[6:-1]),
]
_workshops = (
    select(*_workshop_columns, *venue_columns)
    .join(series, series.c.id == workshops.c.series_id)
    .join(venues, venues.c.id == workshops.c.venue_id)
    .outerjoin(comuni, comuni.c.istat == venues.c.comune_istat)
    .outerjoin(unions, unions.c.id == comuni.c.union_id)
)
_booking_columns = [bookings.c[name] for name in Booking.__dataclass_fields__]
ACTIVE = ("booked", "waiting", "offered")


def _counted(state: str) -> Any:
    return func.coalesce(func.sum(case((bookings.c.state == state, 1), else_=0)), 0)


_counts = select(_counted("booked"), _counted("offered"), _counted("waiting")).where(
    bookings.c.workshop_id == bindparam("workshop_id")
)
_mine = select(*_booking_columns).where(
    bookings.c.workshop_id == bindparam("workshop_id"),
    bookings.c.person_id == bindparam("person_id"),
    bookings.c.state.in_(ACTIVE),
)


class Workshops:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def get(self, id: int) -> Workshop | None:
        found = self._all(_workshops.where(workshops.c.id == id))
        return found[0] if found else None

    def open(self, now: datetime) -> list[Workshop]:
        """Those that take bookings now, soonest first."""
        return self._all(
            _workshops.where(
                workshops.c.opens_at <= now,
                workshops.c.closes_at > now,
                workshops.c.cancelled_at.is_(None),
                series.c.kind != "job_club",  # who is in the club has a place, and nobody else
            ).order_by(workshops.c.starts_at, workshops.c.id)
        )

    def starting(self, after: datetime, before: datetime) -> list[Workshop]:
        """Those that start after one instant and not after the other."""
        return self._all(
            _workshops.where(
                workshops.c.starts_at > after, workshops.c.starts_at <= before, workshops.c.cancelled_at.is_(None)
            ).order_by(workshops.c.starts_at)
        )

    def lock(self, id: int) -> Workshop | None:
        """The workshop; everyone who wants one of its places queues here until this transaction ends."""
        self.store.read(select(workshops.c.id).where(workshops.c.id == id).with_for_update())
        return self.get(id)

    def counts(self, workshop_id: int) -> Counts:
        return Counts(*map(int, self.store.read(_counts, {"workshop_id": workshop_id})[0]))

    def all_counts(self, ids: list[int]) -> dict[int, Counts]:
        rows = self.store.read(
            select(bookings.c.workshop_id, _counted("booked"), _counted("offered"), _counted("waiting"))
            .where(bookings.c.workshop_id.in_(ids))
            .group_by(bookings.c.workshop_id)
        )
        return {id: Counts(0, 0, 0) for id in ids} | {row[0]: Counts(*map(int, row[1:])) for row in rows}

    def booking_of(self, person_id: int, workshop_id: int) -> Booking | None:
        rows = self.store.read(_mine, {"workshop_id": workshop_id, "person_id": person_id})
        return Booking(*rows[0]) if rows else None

    def booking(self, id: int) -> Booking | None:
        rows = self.store.read(select(*_booking_columns).where(bookings.c.id == id))
        return Booking(*rows[0]) if rows else None

    def active(self, workshop_id: int) -> list[Booking]:
        """Everybody who has a place, is offered one, or waits."""
        rows = self.store.read(
            select(*_booking_columns)
            .where(bookings.c.workshop_id == workshop_id, bookings.c.state.in_(ACTIVE))
            .order_by(bookings.c.id)
        )
        return [Booking(*row) for row in rows]

    def bookings_of(self, person_id: int) -> list[Booking]:
        """What a person has asked for and not given up, oldest first; what was called off stays in sight."""
        rows = self.store.read(
            select(*_booking_columns)
            .where(bookings.c.person_id == person_id, bookings.c.state.in_((*ACTIVE, "called_off")))
            .order_by(bookings.c.id)
        )
        return [Booking(*row) for row in rows]

    def all_bookings_of(self, person_id: int, series_id: str) -> list[Booking]:
        """What a person has, or had, at the workshops of a series, oldest first."""
        rows = self.store.read(
            select(*_booking_columns)
            .join(workshops, workshops.c.id == bookings.c.workshop_id)
            .where(bookings.c.person_id == person_id, workshops.c.series_id == series_id)
            .order_by(bookings.c.id)
        )
        return [Booking(*row) for row in rows]

    def newest_of(self, workshop_id: int) -> dict[int, tuple[str, datetime]]:
        """By person: the state of the newest place somebody has, or had, at a workshop, and when it changed last."""
        columns = (bookings.c.person_id, bookings.c.state, bookings.c.changed_at)
        rows = self.store.read(select(*columns).where(bookings.c.workshop_id == workshop_id).order_by(bookings.c.id))
        return {row[0]: (row[1], row[2]) for row in rows}

    def booked(self, workshop_id: int) -> list[Booking]:
        rows = self.store.read(
            select(*_booking_columns)
            .where(bookings.c.workshop_id == workshop_id, bookings.c.state == "booked")
            .order_by(bookings.c.id)
        )
        return [Booking(*row) for row in rows]

    def places(self, after: datetime, before: datetime) -> list[tuple[Booking, str | None, str | None]]:
        """The places people have at what starts between two instants, with their first name and where they live."""
        rows = self.store.read(
            select(*_booking_columns, people.c.first_name, people.c.comune_istat)
            .join(workshops, workshops.c.id == bookings.c.workshop_id)
            .join(people, people.c.id == bookings.c.person_id)
            .where(
                workshops.c.starts_at > after,
                workshops.c.starts_at <= before,
                workshops.c.cancelled_at.is_(None),
                bookings.c.state == "booked",
                people.c.erased_at.is_(None),
            )
            .order_by(workshops.c.starts_at, bookings.c.id)
        )
        return [(Booking(*row[:-2]), row[-2], row[-1]) for row in rows]

    def line(self, workshop_id: int) -> list[Booking]:
        """Those who wait, in the order in which they asked."""
        rows = self.store.read(
            select(*_booking_columns)
            .where(bookings.c.workshop_id == workshop_id, bookings.c.state == "waiting")
            .order_by(bookings.c.ticket)
        )
        return [Booking(*row) for row in rows]

    def ended_offers(self, now: datetime) -> list[Booking]:
        """Offers that may have ended: nobody answered in time, or the message did not arrive, or not yet."""
        told = messages.alias("told")
        not_arrived = exists().where(
            told.c.person_id == bookings.c.person_id,
            told.c.subject == literal("booking:").concat(cast(bookings.c.id, String)),
            told.c.state.not_in(SHOWN),
        )
        over = or_(bookings.c.offered_until < now, not_arrived)
        rows = self.store.read(
            select(*_booking_columns)
            .join(workshops, workshops.c.id == bookings.c.workshop_id)
            .where(bookings.c.state == literal_column("'offered'"), over)  # in the words of its index, for SQLite
            .order_by(bookings.c.workshop_id, bookings.c.id)
        )
        return [Booking(*row) for row in rows]

    def with_places_for_the_line(self, after: datetime) -> list[tuple[int, int]]:
        """Workshops after an instant that have a free place while somebody waits, each with the first who waits."""
        taken = _counted("booked") + _counted("offered")
        first = func.min(case((bookings.c.state == "waiting", bookings.c.person_id)))
        rows = self.store.read(
            select(workshops.c.id, first)
            .join(bookings, bookings.c.workshop_id == workshops.c.id)
            .where(workshops.c.starts_at > after, workshops.c.cancelled_at.is_(None))
            .group_by(workshops.c.id, workshops.c.capacity)
            .having(taken < workshops.c.capacity, _counted("waiting") > 0)
            .order_by(workshops.c.id)
        )
        return [(row[0], row[1]) for row in rows]

    def changed_at(self, booking_id: int) -> datetime:
        """When somebody's place changed last."""
        found: datetime = self.store.read(select(bookings.c.changed_at).where(bookings.c.id == booking_id))[0][0]
        return found

    def position(self, booking: Booking) -> int:
        """A waiting person's place in line, counted from 1."""
        return int(
            self.store.read(
                select(func.count()).where(
                    bookings.c.workshop_id == booking.workshop_id,
                    bookings.c.state == "waiting",
                    bookings.c.ticket <= booking.ticket,
                )
            )[0][0]
        )

    def keep_feedback(self, booking_id: int, now: datetime, **values: Any) -> None:
        """How a workshop was for somebody; said again, it replaces what was said before."""
        statement = self.store.insert(feedback).values(booking_id=booking_id, at=now, **values)
        self.store.write(statement.on_conflict_do_update(index_elements=["booking_id"], set_={"at": now, **values}))

    def feedback_of(self, booking_id: int) -> tuple[int, str | None] | None:
        """The score and the wish somebody left about a workshop."""
        rows = self.store.read(
            select(feedback.c.score, feedback.c.next_step).where(feedback.c.booking_id == booking_id)
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def add_booking(self, **values: Any) -> int:
        return int(self.store.write(insert(bookings).values(**values).returning(bookings.c.id)).scalar_one())

    def change_booking(self, id: int, **values: Any) -> None:
        self.store.write(update(bookings).where(bookings.c.id == id).values(**values))

    def change(self, id: int, **values: Any) -> None:
        self.store.write(update(workshops).where(workshops.c.id == id).values(**values))

    def _all(self, statement: Select[Any]) -> list[Workshop]:
        split = len(_workshop_columns)
        return [Workshop(*(*row[:split], Venue(*row[split:]))) for row in self.store.read(statement)]
