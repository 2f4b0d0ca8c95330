# SPDX-License-Identifier: EUPL-1.2
"""Job Clubs, their members and the line of those who wait; the paths that lead there."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import String, case, cast, exists, func, insert, literal, literal_column, or_, select, update

from storage.attendances import FOR_THE_PATH
from storage.messages import SHOWN
from storage.people import in_scope
from storage.tables import (
    bookings,
    comuni,
    job_clubs,
    memberships,
    messages,
    path_records,
    paths,
    people,
    series,
    staff,
    unions,
    venues,
    workshops,
)
from storage.transaction import Transaction
from storage.workshops import Venue, in_sight, venue_columns

ACTIVE = ("waiting", "offered", "member")


@dataclass(frozen=True, slots=True)
class JobClub:
    """A club with its venue. ``time`` is on the clock in Rome; Monday is weekday 0."""

    id: str
    name: dict[str, str]
    area_id: str
    programme_id: str
    counsellor_id: int | None
    counsellor: str | None
    weekday: int
    time: str
    minutes: int
    first_on: date
    meetings: int
    capacity: int
    line: int
    path_id: str | None
    venue: Venue


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody's place in a club, or in its line; times are aware, in UTC."""

    id: int
    club_id: str
    person_id: int
    state: str
    ticket: int | None
    admitted_by: str
    admitted_because: str | None
    offered_until: datetime | None
    joined_at: datetime | None
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Seats:
    """How many people are in a club, are offered a place, and wait."""

    members: int
    offered: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Path:
    """What completes a path."""

    id: str
    group_meetings: int
    interviews: int


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody in a club or its line, or who has left. Their name only for who follows them."""

    membership: Membership
    first_name: str | None
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could be let in, and what they have done on the path."""

    person_id: int
    first_name: str | None
    group_meetings: int
    interviews: int


_own = ("counsellor_id", "weekday", "time", "minutes", "first_on", "meetings", "capacity", "line", "path_id")
_club_columns = [
    job_clubs.c.id,
    series.c.name,
    series.c.area_id,
    series.c.programme_id,
    job_clubs.c.counsellor_id,
    staff.c.name,
    *(job_clubs.c[name] for name in _own[1:]),
]
_clubs = (
    select(*_club_columns, *venue_columns)
    .join(series, series.c.id == job_clubs.c.id)
    .join(venues, venues.c.id == job_clubs.c.venue_id)
    .outerjoin(staff, staff.c.id == job_clubs.c.counsellor_id)
    .outerjoin(comuni, comuni.c.istat == venues.c.comune_istat)
    .outerjoin(unions, unions.c.id == comuni.c.union_id)
    .order_by(job_clubs.c.id)
)
_membership_columns = [memberships.c[name] for name in Membership.__dataclass_fields__]
_memberships = select(*_membership_columns)


class JobClubs:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def all(self) -> list[JobClub]:
        return self._clubs(_clubs)

    def in_sight(self, areas: Collection[str] | None, programmes: Collection[str] | None) -> list[JobClub]:
        """Those of these areas or programmes; None is no limit."""
        return self._clubs(_clubs.where(in_sight(areas, programmes)))

    def all_seats(self) -> dict[str, Seats]:
        """By club: how many are in it, are offered a place, and wait."""
        rows = self.store.read(
            select(memberships.c.club_id, memberships.c.state, func.count())
            .where(memberships.c.state.in_(ACTIVE))
            .group_by(memberships.c.club_id, memberships.c.state)
        )
        found: dict[str, dict[str, int]] = {}
        for club_id, state, count in rows:
            found.setdefault(club_id, {})[state] = int(count)
        return {
            id: Seats(*(one.get(state, 0) for state in ("member", "offered", "waiting"))) for id, one in found.items()
        }

    def next_meetings(self, after: datetime) -> dict[str, tuple[datetime, int]]:
        """By club: when it meets next, and how many meetings are ahead."""
        rows = self.store.read(
            select(workshops.c.series_id, func.min(workshops.c.starts_at), func.count())
            .join(job_clubs, job_clubs.c.id == workshops.c.series_id)
            .where(workshops.c.starts_at > after, workshops.c.cancelled_at.is_(None))
            .group_by(workshops.c.series_id)
        )
        return {row[0]: (row[1], int(row[2])) for row in rows}

    def crowd(self, club_id: str, areas: Collection[str] | None, programmes: Collection[str] | None) -> list[Listed]:
        """Everybody who is in a club, is offered a place, waits, or has left: in that order."""
        is_mine = case((in_scope(areas, programmes), 1), else_=0)
        rows = self.store.read(
            select(*_membership_columns, people.c.first_name, is_mine)
            .join(people, people.c.id == memberships.c.person_id)
            .where(memberships.c.club_id == club_id)
            .order_by(memberships.c.ticket, memberships.c.id)
        )
        found = [Listed(Membership(*row[:-2]), row[-2] if row[-1] else None, bool(row[-1])) for row in rows]
        states = ("member", "offered", "waiting")
        return sorted(found, key=lambda one: (*states, one.membership.state).index(one.membership.state))

    def candidates(
        self, club_id: str, called: str, areas: Collection[str] | None, programmes: Collection[str] | None, limit: int
    ) -> list[Candidate]:
        """People of ours whose first name begins so, or who have this number, and who are not in this club."""
        is_in = exists().where(
            memberships.c.person_id == people.c.id,
            memberships.c.club_id == club_id,
            memberships.c.state.in_(("member", "offered")),
        )
        spellings = {called, called.capitalize(), called.lower()}
        is_called = or_(*(people.c.first_name.startswith(one, autoescape=True) for one in sorted(spellings)))
        by_number = people.c.id == int(called) if called.isascii() and called.isdigit() and len(called) < 15 else None
        attended = (
            select(func.count())
            .select_from(bookings.join(workshops, workshops.c.id == bookings.c.workshop_id))
            .where(
                bookings.c.person_id == people.c.id,
                *FOR_THE_PATH,
            )
            .correlate(people)
            .scalar_subquery()
        )
        path = select(job_clubs.c.path_id).where(job_clubs.c.id == club_id).scalar_subquery()
        record = (path_records.c.person_id == people.c.id) & (path_records.c.path_id == path)
        done = func.coalesce(path_records.c.group_meetings, 0) + attended
        rows = self.store.read(
            select(people.c.id, people.c.first_name, done, func.coalesce(path_records.c.interviews, 0))
            .select_from(people.outerjoin(path_records, record))
            .where(
                is_called if by_number is None else by_number,
                people.c.erased_at.is_(None),
                people.c.merged_into.is_(None),
                in_scope(areas, programmes),
                ~is_in,
            )
            .order_by(people.c.first_name, people.c.id)
            .limit(limit)
        )
        return [Candidate(row[0], row[1], int(row[2]), int(row[3])) for row in rows]

    def venue_of(self, id: str) -> str:
        """Where a club meets."""
        return str(self.store.read(select(job_clubs.c.venue_id).where(job_clubs.c.id == id))[0][0])

    def paths(self) -> list[Path]:
        columns = (paths.c.id, paths.c.group_meetings, paths.c.interviews)
        return [Path(*row) for row in self.store.read(select(*columns).order_by(paths.c.id))]

    def add(self, **values: Any) -> None:
        self.store.write(insert(job_clubs).values(line=0, **values))

    def get(self, id: str) -> JobClub | None:
        found = self._clubs(_clubs.where(job_clubs.c.id == id))
        return found[0] if found else None

    def lock(self, id: str) -> JobClub | None:
        """The club; everyone who wants one of its places queues here until this transaction ends."""
        self.store.read(select(job_clubs.c.id).where(job_clubs.c.id == id).with_for_update())
        return self.get(id)

    def change(self, id: str, **values: Any) -> None:
        self.store.write(update(job_clubs).where(job_clubs.c.id == id).values(**values))

    # ---- members and the line

    def seats(self, club_id: str) -> Seats:
        rows = self.store.read(
            select(memberships.c.state, func.count())
            .where(memberships.c.club_id == club_id, memberships.c.state.in_(ACTIVE))
            .group_by(memberships.c.state)
        )
        found = {row[0]: int(row[1]) for row in rows}
        return Seats(found.get("member", 0), found.get("offered", 0), found.get("waiting", 0))

    def membership(self, id: int) -> Membership | None:
        rows = self.store.read(_memberships.where(memberships.c.id == id))
        return Membership(*rows[0]) if rows else None

    def membership_of(self, person_id: int, club_id: str) -> Membership | None:
        """Somebody's place in a club or its line, if they have one now."""
        found = self.memberships_of(person_id)
        return next((one for one in found if one.club_id == club_id), None)

    def memberships_of(self, person_id: int) -> list[Membership]:
        """What somebody has in clubs now, oldest first."""
        return self._found(
            _memberships.where(memberships.c.person_id == person_id, memberships.c.state.in_(ACTIVE)).order_by(
                memberships.c.id
            )
        )

    def history_of(self, person_id: int) -> list[Membership]:
        """The same with what is over."""
        return self._found(_memberships.where(memberships.c.person_id == person_id).order_by(memberships.c.id))

    def members(self, club_id: str) -> list[Membership]:
        return self._found(
            _memberships.where(memberships.c.club_id == club_id, memberships.c.state == "member").order_by(
                memberships.c.id
            )
        )

    def line(self, club_id: str) -> list[Membership]:
        """Those who wait, in the order in which they asked."""
        return self._found(
            _memberships.where(memberships.c.club_id == club_id, memberships.c.state == "waiting").order_by(
                memberships.c.ticket
            )
        )

    def position(self, membership: Membership) -> int:
        """A waiting person's place in line, counted from 1."""
        return int(
            self.store.read(
                select(func.count()).where(
                    memberships.c.club_id == membership.club_id,
                    memberships.c.state == "waiting",
                    memberships.c.ticket <= membership.ticket,
                )
            )[0][0]
        )

    def add_membership(self, **values: Any) -> int:
        return int(self.store.write(insert(memberships).values(**values).returning(memberships.c.id)).scalar_one())

    def change_membership(self, id: int, **values: Any) -> None:
        self.store.write(update(memberships).where(memberships.c.id == id).values(**values))

    def ended_offers(self, now: datetime) -> list[Membership]:
        """Offers that may have ended: nobody answered in time, or the message did not arrive, or not yet."""
        told = messages.alias("told")
        not_arrived = exists().where(
            told.c.person_id == memberships.c.person_id,
            told.c.subject == literal("membership:").concat(cast(memberships.c.id, String)),
            told.c.state.not_in(SHOWN),
        )
        over = or_(memberships.c.offered_until < now, not_arrived)
        return self._found(
            _memberships.where(memberships.c.state == literal_column("'offered'"), over).order_by(
                memberships.c.club_id, memberships.c.id
            )
        )

    def with_places_for_the_line(self) -> list[tuple[str, int]]:
        """Clubs that have a free place while somebody waits, each with the first who waits."""
        return [
            (club.id, line[0].person_id)
            for club in self.all()
            if (line := self.line(club.id)) and sum(_taken(self.seats(club.id))) < club.capacity
        ]

    # ---- meetings

    def starts(self, club_ids: Collection[str], after: datetime) -> dict[str, list[datetime]]:
        """By club: when the meetings after an instant begin that are not called off, soonest first."""
        rows = self.store.read(
            select(workshops.c.series_id, workshops.c.starts_at)
            .where(
                workshops.c.series_id.in_(sorted(club_ids)),
                workshops.c.starts_at > after,
                workshops.c.cancelled_at.is_(None),
            )
            .order_by(workshops.c.starts_at)
        )
        found: dict[str, list[datetime]] = {id: [] for id in club_ids}
        for id, starts_at in rows:
            found[id].append(starts_at)
        return found

    def members_of(self, club_ids: Collection[str]) -> set[tuple[str, int]]:
        """Who is in which of these clubs."""
        theirs = memberships.c.club_id.in_(sorted(club_ids)), memberships.c.state == "member"
        rows = self.store.read(select(memberships.c.club_id, memberships.c.person_id).where(*theirs))
        return {(row[0], row[1]) for row in rows}

    def meetings(self, club_id: str, after: datetime) -> list[int]:
        """The meetings of a club that begin after an instant and are not called off, soonest first."""
        rows = self.store.read(
            select(workshops.c.id)
            .where(workshops.c.series_id == club_id, workshops.c.starts_at > after, workshops.c.cancelled_at.is_(None))
            .order_by(workshops.c.starts_at)
        )
        return [row[0] for row in rows]

    def attendance(self, person_id: int, club_id: str) -> list[str]:
        """Whether somebody was present or absent at the meetings they were expected at, newest first."""
        rows = self.store.read(
            select(bookings.c.attendance)
            .join(workshops, workshops.c.id == bookings.c.workshop_id)
            .where(
                workshops.c.series_id == club_id,
                bookings.c.person_id == person_id,
                bookings.c.state == "booked",
                bookings.c.attendance.is_not(None),
            )
            .order_by(workshops.c.starts_at.desc())
        )
        return [row[0] for row in rows]

    # ---- the path

    def path(self, id: str) -> Path | None:
        rows = self.store.read(select(paths.c.id, paths.c.group_meetings, paths.c.interviews).where(paths.c.id == id))
        return Path(*rows[0]) if rows else None

    def done(self, person_id: int, path_id: str) -> tuple[int, int]:
        """How many group meetings and interviews of a path somebody has done."""
        records = self.store.read(
            select(path_records.c.group_meetings, path_records.c.interviews).where(
                path_records.c.person_id == person_id, path_records.c.path_id == path_id
            )
        )
        attended = self.store.read(
            select(func.count())
            .select_from(bookings.join(workshops, workshops.c.id == bookings.c.workshop_id))
            .where(
                bookings.c.person_id == person_id,
                *FOR_THE_PATH,
            )
        )[0][0]
        meetings, interviews = records[0] if records else (0, 0)
        return int(meetings) + int(attended), int(interviews)

    def role_of(self, staff_id: int) -> str | None:
        """What a member of staff is."""
        rows = self.store.read(select(staff.c.role).where(staff.c.id == staff_id))
        return rows[0][0] if rows else None

    def _clubs(self, statement: Any) -> list[JobClub]:
        split = len(_club_columns)
        return [JobClub(*(*row[:split], Venue(*row[split:]))) for row in self.store.read(statement)]

    def _found(self, statement: Any) -> list[Membership]:
        return [Membership(*row) for row in self.store.read(statement)]


def _taken(seats: Seats) -> tuple[int, int]:
    return seats.members, seats.offered
