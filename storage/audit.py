# SPDX-License-Identifier: EUPL-1.2
"""Who looked at what, and who changed what: read back for those who answer for it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, literal, or_, select

from storage.people import in_scope
from storage.tables import audit, people
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of one member of the staff, about or by one person, of one kind, between two instants."""

    staff_id: int | None = None
    person_id: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    areas: Collection[str] | None = None
    programmes: Collection[str] | None = None

    def where(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.staff_id is not None:
            found.append(audit.c.actor == f"staff:{self.staff_id}")
        if self.person_id is not None:
            who = f"person:{self.person_id}"
            found.append(or_(audit.c.subject == who, audit.c.actor == who))
        if self.action is not None:
            found.append(audit.c.action == self.action)
        if self.since is not None:
            found.append(audit.c.at >= self.since)
        if self.until is not None:
            found.append(audit.c.at < self.until)
        if self.areas is not None or self.programmes is not None:
            named = select(literal("person:").concat(cast(people.c.id, String)))
            theirs = named.where(in_scope(self.areas, self.programmes))
            found.append(or_(~audit.c.subject.startswith("person:"), audit.c.subject.in_(theirs)))
        return found


_columns = [audit.c[name] for name in Entry.__dataclass_fields__]


class Audit:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def lines(self, wanted: Wanted, limit: int, *, before: int | None = None, after: int | None = None) -> list[Entry]:
        """The newest first: those just before, or just after, one of them."""
        statement = select(*_columns).where(*wanted.where())
        if after is not None:
            rows = self.store.read(statement.where(audit.c.id > after).order_by(audit.c.id).limit(limit))
            return [Entry(*row) for row in rows][::-1]
        statement = statement if before is None else statement.where(audit.c.id < before)
        return [Entry(*row) for row in self.store.read(statement.order_by(audit.c.id.desc()).limit(limit))]

    def has(self, *, actor: str, action: str, subject: str, since: datetime) -> bool:
        """Has somebody been seen doing this lately?"""
        is_it = (audit.c.actor == actor, audit.c.action == action, audit.c.subject == subject, audit.c.at >= since)
        return bool(self.store.read(select(audit.c.id).where(*is_it).limit(1)))

    def newest(self, subjects: Collection[str]) -> dict[str, Entry]:
        """The last line about each of these."""
        last = select(func.max(audit.c.id)).where(audit.c.subject.in_(sorted(subjects))).group_by(audit.c.subject)
        rows = self.store.read(select(*_columns).where(audit.c.id.in_(last)))
        return {row.subject: Entry(*row) for row in rows}
