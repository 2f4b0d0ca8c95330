# SPDX-License-Identifier: EUPL-1.2
"""Who is to be telephoned: cases that a message cannot settle, and reminders that reach nobody."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, literal, or_, select

from storage.cases import Case
from storage.tables import audit, bookings, cases, identities, messages, people, workshops
from storage.transaction import Transaction

TRIED = "call_tried"
REMINDER = "reminder_24h"


@dataclass(frozen=True, slots=True)
class Called:
    """A case, whose it is, and the numbers at which they can be called."""

    case: Case
    first_name: str | None
    language: str
    phone: str | None
    whatsapp: str | None
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Unreminded:
    """Somebody with a place at something soon, whom no reminder reaches."""

    booking_id: int
    workshop_id: int
    person_id: int
    first_name: str | None
    language: str
    phone: str | None


_case = [cases.c[name] for name in Case.__dataclass_fields__]
_has_chat = exists().where(identities.c.person_id == people.c.id, identities.c.blocked_at.is_(None))
_whatsapp = (
    select(func.min(identities.c.address))
    .where(identities.c.person_id == people.c.id, identities.c.channel == "whatsapp")
    .scalar_subquery()
)


class Calls:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def listed(
        self,
        reasons: Collection[str],
        scope: ColumnElement[bool],
        *,
        limit: int,
        after: tuple[datetime, int] | None = None,
        before: tuple[datetime, int] | None = None,
    ) -> list[Called]:
        """Who waits for a call, the longest first: for one of these reasons, or for any if no chat reaches them."""
        wait = or_(cases.c.reason.in_(sorted(reasons)), ~_has_chat)
        statement = (
            select(*_case, people.c.first_name, people.c.language, people.c.phone, _whatsapp, people.c.stopped_at)
            .join(people, people.c.id == cases.c.person_id)
            .where(cases.c.closed_at.is_(None), people.c.erased_at.is_(None), wait, scope)
            .limit(limit)
        )
        at, id = cases.c.opened_at, cases.c.id
        if before is not None:
            earlier = or_(at < before[0], and_(at == before[0], id < before[1]))
            return _called(reversed(self.store.read(statement.where(earlier).order_by(at.desc(), id.desc()))))
        if after is not None:
            statement = statement.where(or_(at > after[0], and_(at == after[0], id > after[1])))
        return _called(self.store.read(statement.order_by(at, id)))

    def unreminded(self, scope: ColumnElement[bool], after: datetime, until: datetime, limit: int) -> list[Unreminded]:
        """Who has a place at what begins between two instants, cannot be written to, and was not called about it."""
        about = literal("workshop:").concat(cast(bookings.c.workshop_id, String))
        was_called = exists().where(
            cases.c.person_id == people.c.id, cases.c.reason == REMINDER, cases.c.subject == about
        )
        rows = self.store.read(
            select(
                bookings.c.id,
                bookings.c.workshop_id,
                people.c.id,
                people.c.first_name,
                people.c.language,
                people.c.phone,
            )
            .join(workshops, workshops.c.id == bookings.c.workshop_id)
            .join(people, people.c.id == bookings.c.person_id)
            .where(
                bookings.c.state == "booked",
                workshops.c.starts_at > after,
                workshops.c.starts_at <= until,
                workshops.c.cancelled_at.is_(None),
                people.c.stopped_at.is_(None),
                people.c.erased_at.is_(None),
                ~_has_chat,
                ~was_called,
                scope,
            )
            .order_by(workshops.c.starts_at, bookings.c.id)
            .limit(limit)
        )
        return [Unreminded(*row) for row in rows]

    def tries(self, case_ids: Collection[int]) -> dict[int, tuple[datetime, str, dict[str, Any]]]:
        """By case: when it was tried last, by whom, and what came of it."""
        subjects = [f"case:{id}" for id in sorted(case_ids)]
        rows = self.store.read(
            select(audit.c.subject, audit.c.at, audit.c.actor, audit.c.details)
            .where(audit.c.subject.in_(subjects), audit.c.action == TRIED)
            .order_by(audit.c.id)
        )
        return {int(row.subject.removeprefix("case:")): (row.at, row.actor, row.details or {}) for row in rows}

    def said(self, message_ids: Collection[int]) -> dict[int, str]:
        """What stood in messages that did not arrive."""
        mine = messages.c.id.in_(sorted(message_ids)), messages.c.direction == "out"
        return {row[0]: row[1] for row in self.store.read(select(messages.c.id, messages.c.text).where(*mine))}

    def case_about(self, person_id: int, reason: str, subject: str) -> Case | None:
        """The open case of somebody for this reason, about this."""
        mine = cases.c.person_id == person_id, cases.c.reason == reason, cases.c.subject == subject
        rows = self.store.read(select(*_case).where(*mine, cases.c.closed_at.is_(None)))
        return Case(*rows[0]) if rows else None


def _called(rows: Any) -> list[Called]:
    width = len(_case)
    return [Called(Case(*row[:width]), *row[width:]) for row in rows]
