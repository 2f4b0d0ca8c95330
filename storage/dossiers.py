# SPDX-License-Identifier: EUPL-1.2
"""Everything about one person that the desk wants to see at a glance, each noun in one look."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select, true

from storage.attendances import FOR_THE_PATH
from storage.messages import UNSENT, Message
from storage.tables import (
    audit,
    bookings,
    enrolments,
    feedback,
    identities,
    memberships,
    messages,
    path_records,
    paths,
    programmes,
    series,
    stops,
    venues,
    workshops,
)
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat of theirs: since when, whether it is shut, and when they wrote there last."""

    id: int
    channel: str
    address: str
    created_at: datetime
    blocked_at: datetime | None
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Enrolment:
    programme: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A place at a workshop, or in its line, that somebody has or had. ``position`` counts from 1."""

    id: int
    workshop_id: int
    state: str
    booked_at: datetime | None
    confirmed_at: datetime | None
    offered_until: datetime | None
    changed_at: datetime
    attendance: str | None
    title: dict[str, str]
    kind: str
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    venue: str | None  # none where nobody meets in person
    score: int | None
    position: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a Job Club, or in its line, that somebody has or had. ``position`` counts from 1."""

    id: int
    club_id: str
    name: dict[str, str]
    state: str
    joined_at: datetime | None
    left_at: datetime | None
    offered_until: datetime | None
    changed_at: datetime
    admitted_by: str
    position: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody is on a path: what is asked, what they did elsewhere, and what they attended here."""

    path_id: str
    group_meetings: int
    interviews: int
    done_meetings: int
    done_interviews: int

    @property
    def is_completed(self) -> bool:
        return self.done_meetings >= self.group_meetings and self.done_interviews >= self.interviews


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what to whom, and when."""

    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any] | None


_ahead = bookings.alias("ahead")
_before = memberships.alias("before")
_message = [messages.c[name] for name in Message.__dataclass_fields__]
_deed = [audit.c[name] for name in Deed.__dataclass_fields__]


class Dossiers:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def chats(self, person_id: int) -> list[Chat]:
        heard = (
            select(func.max(messages.c.at))
            .where(
                messages.c.person_id == person_id,
                messages.c.identity_id == identities.c.id,
                messages.c.direction == "in",
            )
            .scalar_subquery()
        )
        columns = [identities.c[name] for name in ("id", "channel", "address", "created_at", "blocked_at")]
        mine = identities.c.person_id == person_id
        return [Chat(*row) for row in self.store.read(select(*columns, heard).where(mine).order_by(identities.c.id))]

    def shut_because(self, person_id: int) -> dict[int, str]:
        """Why a chat is shut, as the channel says it; by chat."""
        mine = stops.c.person_id == person_id, stops.c.identity_id.is_not(None), stops.c.ended_at.is_(None)
        rows = self.store.read(select(stops.c.identity_id, stops.c.reason).where(*mine).order_by(stops.c.id))
        return {row[0]: row[1] or "blocked" for row in rows}

    def enrolments(self, person_id: int) -> list[Enrolment]:
        rows = self.store.read(
            select(programmes.c.name, enrolments.c.state, enrolments.c.at)
            .join(programmes, programmes.c.id == enrolments.c.programme_id)
            .where(enrolments.c.person_id == person_id)
            .order_by(enrolments.c.at.desc(), enrolments.c.id.desc())
        )
        return [Enrolment(*row) for row in rows]

    def places(self, person_id: int, limit: int) -> list[Place]:
        """At workshops and meetings, the latest first."""
        position = (
            select(func.count())
            .where(
                _ahead.c.workshop_id == bookings.c.workshop_id,
                _ahead.c.state == "waiting",
                _ahead.c.ticket <= bookings.c.ticket,
            )
            .scalar_subquery()
        )
        of_booking = [bookings.c[name] for name in list(Place.__dataclass_fields__)[:8]]
        where = case((workshops.c.mode != "online", venues.c.name))
        of_workshop = [workshops.c.title, series.c.kind, workshops.c.starts_at, workshops.c.ends_at]
        rows = self.store.read(
            select(*of_booking, *of_workshop, workshops.c.cancelled_at, where, feedback.c.score, position)
            .join(workshops, workshops.c.id == bookings.c.workshop_id)
            .join(series, series.c.id == workshops.c.series_id)
            .join(venues, venues.c.id == workshops.c.venue_id)
            .outerjoin(feedback, feedback.c.booking_id == bookings.c.id)
            .where(bookings.c.person_id == person_id)
            .order_by(workshops.c.starts_at.desc(), bookings.c.id.desc())
            .limit(limit)
        )
        return [Place(*row) for row in rows]

    def seats(self, person_id: int) -> list[Seat]:
        """In Job Clubs, the newest first."""
        position = (
            select(func.count())
            .where(
                _before.c.club_id == memberships.c.club_id,
                _before.c.state == "waiting",
                _before.c.ticket <= memberships.c.ticket,
            )
            .scalar_subquery()
        )
        own = ("state", "joined_at", "left_at", "offered_until", "changed_at", "admitted_by")
        rows = self.store.read(
            select(
                memberships.c.id,
                memberships.c.club_id,
                series.c.name,
                *(memberships.c[name] for name in own),
                position,
            )
            .join(series, series.c.id == memberships.c.club_id)
            .where(memberships.c.person_id == person_id)
            .order_by(memberships.c.id.desc())
        )
        return [Seat(*row) for row in rows]

    def progress(self, person_id: int) -> list[Progress]:
        """On every path there is."""
        attended = (
            select(func.count())
            .select_from(bookings.join(workshops, workshops.c.id == bookings.c.workshop_id))
            .where(
                bookings.c.person_id == person_id,
                *FOR_THE_PATH,
            )
            .scalar_subquery()
        )
        mine = and_(path_records.c.path_id == paths.c.id, path_records.c.person_id == person_id)
        meetings = func.coalesce(path_records.c.group_meetings, 0) + attended
        interviews = func.coalesce(path_records.c.interviews, 0)
        rows = self.store.read(
            select(paths.c.id, paths.c.group_meetings, paths.c.interviews, meetings, interviews)
            .outerjoin(path_records, mine)
            .order_by(paths.c.id)
        )
        return [Progress(*row) for row in rows]

    def on_its_way(self, person_id: int) -> list[Message]:
        """What stands in the outbox for somebody, the soonest first; not what only takes buttons away."""
        rows = self.store.read(
            select(*_message)
            .where(
                messages.c.person_id == person_id,
                messages.c.direction == "out",
                messages.c.state.in_(UNSENT),
                messages.c.kind != "retired",
            )
            .order_by(messages.c.due_at, messages.c.id)
        )
        return [Message(*row) for row in rows]

    def hold_back(self, message_id: int, person_id: int, reason: str) -> bool:
        """What has not left does not leave, with all its pieces; False if it has left. The caller holds the person."""
        mine = messages.c.person_id == person_id, messages.c.direction == "out"
        waits = messages.c.state.in_(("pending", "claimed"))
        given_up = {"state": "suppressed", "reason": reason, "lease": None, "lease_until": None}
        held = messages.update().where(messages.c.id == message_id, *mine, waits)
        rows = self.store.write(held.values(**given_up).returning(messages.c.dedupe_key)).all()
        if rows and rows[0][0]:
            pieces = messages.c.dedupe_key.startswith(f"{rows[0][0]}:", autoescape=True)
            self.store.write(messages.update().where(pieces, *mine, waits).values(**given_up))
        return bool(rows)

    def deeds(self, person_ids: Collection[int], limit: int, actions: Collection[str] | None = None) -> list[Deed]:
        """What was written down about somebody, the newest first; of these actions only, or everything."""
        whose = audit.c.subject.in_([f"person:{id}" for id in person_ids])
        which = audit.c.action.in_(sorted(actions)) if actions is not None else true()
        found = select(*_deed).where(whose, which).order_by(audit.c.id.desc()).limit(limit)
        return [Deed(*row) for row in self.store.read(found)]
