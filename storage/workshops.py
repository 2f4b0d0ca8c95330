# SPDX-License-Identifier: EUPL-1.2
"""Workshops, places and the line of those who wait."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
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
    true,
    update,
)

from storage.messages import SHOWN
from storage.people import in_scope
from storage.tables import areas, bookings, comuni, feedback, messages, people, series, staff, unions, venues, workshops
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


@dataclass(frozen=True, slots=True)
class Sought:
    """Which workshops somebody looks for; None is no wish. ``areas`` and ``programmes`` are theirs to see."""

    now: datetime
    is_past: bool = False
    areas: Collection[str] | None = None
    programmes: Collection[str] | None = None
    is_meeting: bool | None = None
    series_id: str | None = None
    area_id: str | None = None
    venue_id: str | None = None
    tutor_id: int | None = None
    is_full: bool | None = None
    counts_for_path: bool | None = None
    is_called_off: bool | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A workshop as a list shows it, with the names of what it belongs to; times are aware, in UTC."""

    id: int
    title: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    capacity: int
    mode: str
    counts_for_path: bool
    tutor_id: int | None
    series_id: str
    kind: str
    series_name: dict[str, str]
    area: str
    venue_id: str
    venue: str
    comune: str | None
    tutor: str | None

    @property
    def is_meeting(self) -> bool:
        return self.kind == "job_club"


@dataclass(frozen=True, slots=True)
class Attender:
    """Somebody with a place at a workshop, or in its line. Their name only for who follows them."""

    booking: Booking
    first_name: str | None
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Busy:
    """When and where a tutor or a room is taken; times are aware, in UTC."""

    id: int
    title: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    tutor_id: int | None
    venue_id: str
    mode: str


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
_line_columns = [
    *(workshops.c[name] for name in list(Line.__dataclass_fields__)[:10]),
    series.c.kind,
    series.c.name,
    areas.c.name,
    workshops.c.venue_id,
    venues.c.name,
    comuni.c.name,
    staff.c.name,
]
_lines = (
    select(*_line_columns)
    .join(series, series.c.id == workshops.c.series_id)
    .join(areas, areas.c.id == series.c.area_id)
    .join(venues, venues.c.id == workshops.c.venue_id)
    .outerjoin(comuni, comuni.c.istat == venues.c.comune_istat)
    .outerjoin(staff, staff.c.id == workshops.c.tutor_id)
)
_taken = (
    select(func.count())
    .where(bookings.c.workshop_id == workshops.c.id, bookings.c.state.in_(("booked", "offered")))
    .scalar_subquery()
)


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

    def several(self, ids: Collection[int]) -> dict[int, Workshop]:
        """Those with these numbers, by number."""
        asked = sorted(ids)
        parts = [asked[start : start + 500] for start in range(0, len(asked), 500)]
        return {one.id: one for part in parts for one in self._all(_workshops.where(workshops.c.id.in_(part)))}

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

    # ---- as the desk looks at them

    def listed(self, sought: Sought, limit: int, *, after: Any = None, before: Any = None) -> list[Line]:
        """
        What is ahead, soonest first, or what is past, newest first; ``limit`` of them after an edge, or before one.

        An edge is the start and the number of a workshop.
        """
        asked = [condition for condition in _wishes(sought) if condition is not None]
        is_rising = not sought.is_past
        edge = after or before
        if edge:
            asked.append(_beyond(edge, is_rising=is_rising == bool(after)))
        is_upwards = is_rising == (bool(after) or not before)
        order = [workshops.c.starts_at, workshops.c.id]
        rows = self.store.read(
            _lines.where(*asked).order_by(*(one if is_upwards else one.desc() for one in order)).limit(limit)
        )
        found = [Line(*row) for row in rows]
        return found[::-1] if before and not after else found

    def of_series(self, series_id: str, *, after: datetime | None = None, limit: int = 500) -> list[Line]:
        """The workshops of a series, soonest first."""
        asked = [workshops.c.series_id == series_id, *([workshops.c.ends_at > after] if after else [])]
        rows = self.store.read(_lines.where(*asked).order_by(workshops.c.starts_at, workshops.c.id).limit(limit))
        return [Line(*row) for row in rows]

    def one_line(self, id: int) -> Line | None:
        rows = self.store.read(_lines.where(workshops.c.id == id))
        return Line(*rows[0]) if rows else None

    def row(self, id: int) -> dict[str, Any] | None:
        """All that is written of a workshop itself."""
        rows = self.store.read(select(workshops).where(workshops.c.id == id))
        return dict(rows[0]._mapping) if rows else None

    def crowd(
        self, workshop_id: int, areas: Collection[str] | None, programmes: Collection[str] | None
    ) -> list[Attender]:
        """Who has a place, is offered one or waits, or had a place when it was called off: in that order."""
        is_mine = case((in_scope(areas, programmes), 1), else_=0)
        rows = self.store.read(
            select(*_booking_columns, people.c.first_name, is_mine)
            .join(people, people.c.id == bookings.c.person_id)
            .where(bookings.c.workshop_id == workshop_id, bookings.c.state.in_((*ACTIVE, "called_off")))
            .order_by(bookings.c.ticket, bookings.c.id)
        )
        found = [Attender(Booking(*row[:-2]), row[-2] if row[-1] else None, bool(row[-1])) for row in rows]
        states = ("booked", "offered", "waiting", "called_off")
        return sorted(found, key=lambda one: states.index(one.booking.state))

    def given_up(self, workshop_id: int) -> int:
        """How many gave up a place, or let an offer pass."""
        over = (bookings.c.workshop_id == workshop_id, bookings.c.state.not_in((*ACTIVE, "called_off")))
        return int(self.store.read(select(func.count()).select_from(bookings).where(*over))[0][0])

    def busy(
        self, after: datetime, before: datetime, *, tutor_id: int | None, venue_id: str | None, but: int | None = None
    ) -> list[Busy]:
        """What a tutor or a room has between two instants, ``but`` one workshop."""
        whose: list[ColumnElement[bool]] = [workshops.c.venue_id == venue_id] if venue_id else []
        whose += [workshops.c.tutor_id == tutor_id] if tutor_id else []
        if not whose:
            return []
        columns = [workshops.c[name] for name in Busy.__dataclass_fields__]
        rows = self.store.read(
            select(*columns)
            .where(
                workshops.c.starts_at < before,
                workshops.c.ends_at > after,
                workshops.c.cancelled_at.is_(None),
                workshops.c.id.is_distinct_from(but),
                or_(*whose),
            )
            .order_by(workshops.c.starts_at, workshops.c.id)
        )
        return [Busy(*row) for row in rows]

    def add(self, rows: Iterable[dict[str, Any]]) -> list[int]:
        """New workshops, in order."""
        return [
            int(
                self.store.write(
                    insert(workshops).values(line=0, revision=0, **row).returning(workshops.c.id)
                ).scalar_one()
            )
            for row in rows
        ]

    # ---- places and the line

    def lock(self, id: int) -> Workshop | None:
        """The workshop; everyone who wants one of its places queues here until this transaction ends."""
        self.store.read(select(workshops.c.id).where(workshops.c.id == id).with_for_update())
        return self.get(id)

    def with_check_in_key(self, key: str) -> Workshop | None:
        """Where the code hangs that holds this."""
        rows = self.store.read(select(workshops.c.id).where(workshops.c.check_in_key == key))
        return self.get(rows[0][0]) if rows else None

    def check_in_key(self, id: int) -> str | None:
        rows = self.store.read(select(workshops.c.check_in_key).where(workshops.c.id == id))
        return rows[0][0] if rows else None

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

    def places(
        self, after: datetime, before: datetime, person_id: int | None = None
    ) -> list[tuple[Booking, str | None, str | None]]:
        """
        The places people have, or one person has, at what starts between two instants, with their first name and where
        they live.
        """
        whose = [] if person_id is None else [bookings.c.person_id == person_id]
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
                *whose,
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


def in_sight(areas: Collection[str] | None, programmes: Collection[str] | None) -> ColumnElement[bool]:
    """Of these areas or programmes, for statements that have the table of series in them; None is no limit."""
    if areas is None and programmes is None:
        return true()
    ways = [series.c.area_id.in_(sorted(areas))] if areas is not None else []
    ways += [series.c.programme_id.in_(sorted(programmes))] if programmes is not None else []
    return or_(*ways)


def _wishes(sought: Sought) -> list[ColumnElement[bool] | None]:
    """What somebody looks for, as conditions; None where they do not mind."""

    def same(column: Any, value: Any) -> ColumnElement[bool] | None:
        return None if value is None else column == value

    is_full, is_off, is_meeting = sought.is_full, sought.is_called_off, sought.is_meeting
    return [
        workshops.c.ends_at <= sought.now if sought.is_past else workshops.c.ends_at > sought.now,
        in_sight(sought.areas, sought.programmes),
        same(workshops.c.series_id, sought.series_id),
        same(series.c.area_id, sought.area_id),
        same(workshops.c.venue_id, sought.venue_id),
        same(workshops.c.tutor_id, sought.tutor_id),
        same(workshops.c.counts_for_path, sought.counts_for_path),
        None if is_meeting is None else series.c.kind == "job_club" if is_meeting else series.c.kind != "job_club",
        None if is_full is None else _taken >= workshops.c.capacity if is_full else _taken < workshops.c.capacity,
        None
        if is_off is None
        else workshops.c.cancelled_at.is_not(None)
        if is_off
        else workshops.c.cancelled_at.is_(None),
    ]


def _beyond(edge: tuple[datetime, int], *, is_rising: bool) -> ColumnElement[bool]:
    at, id = edge
    if is_rising:
        return or_(workshops.c.starts_at > at, and_(workshops.c.starts_at == at, workshops.c.id > id))
    return or_(workshops.c.starts_at < at, and_(workshops.c.starts_at == at, workshops.c.id < id))
