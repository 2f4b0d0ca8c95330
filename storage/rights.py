# SPDX-License-Identifier: EUPL-1.2
"""What people ask about their data (GDPR, art. 15 to 21), and what they have asked in the chat and been given there."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, literal, select, update

from storage.people import in_scope
from storage.tables import audit, erasures, messages, people, rights_requests
from storage.transaction import Transaction

IN_THE_CHAT = ("downloaded", "corrected", "erasure_asked")  # what people do for themselves, as the record calls it

Scope = tuple[Collection[str] | None, Collection[str] | None]
"""Areas and programmes; None is no limit."""


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asks about their data; see the table for what each field means."""

    id: int
    person_id: int
    kind: str
    came_by: str
    asked_at: datetime
    due_on: date
    longer_because: str | None
    note: str | None
    code: dict[str, Any] | None
    identified_at: datetime | None
    closed_at: datetime | None
    closed_by: int | None
    outcome: str | None
    refused_because: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Something a person asked for in the chat, and had there."""

    id: int  # of its line in the record
    at: datetime
    action: str
    person_id: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A deletion: who, its number, when it was asked for and done, and how many rows of what are gone."""

    id: int
    person_id: int
    receipt: str
    asked_at: datetime
    done_at: datetime | None
    counts: dict[str, int] | None


_request = [rights_requests.c[name] for name in Request.__dataclass_fields__]
_receipt = [erasures.c[name] for name in Receipt.__dataclass_fields__]
_is_open = rights_requests.c.closed_at.is_(None)


class Rights:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def add(self, **values: Any) -> int:
        return int(
            self.store.write(rights_requests.insert().values(**values).returning(rights_requests.c.id)).scalar_one()
        )

    def get(self, id: int) -> Request | None:
        rows = self.store.read(select(*_request).where(rights_requests.c.id == id))
        return Request(*rows[0]) if rows else None

    def lock(self, id: int) -> Request | None:
        """The same, and nobody else changes it until this transaction ends. The person is locked before."""
        rows = self.store.read(select(*_request).where(rights_requests.c.id == id).with_for_update())
        return Request(*rows[0]) if rows else None

    def change(self, id: int, **values: Any) -> None:
        self.store.write(update(rights_requests).where(rights_requests.c.id == id).values(**values))

    def of(self, person_id: int) -> list[Request]:
        """All that somebody has asked, the newest first."""
        mine = select(*_request).where(rights_requests.c.person_id == person_id).order_by(rights_requests.c.id.desc())
        return [Request(*row) for row in self.store.read(mine)]

    def open(self, scope: Scope, limit: int, after: tuple[date, int] | None = None) -> list[Request]:
        """What waits for an answer, what is due first; ``after`` is where the page before ended."""
        statement = _in(select(*_request).where(_is_open), rights_requests.c.person_id, scope)
        if after is not None:
            on, id = after
            later = and_(rights_requests.c.due_on == on, rights_requests.c.id > id)
            statement = statement.where((rights_requests.c.due_on > on) | later)
        order = rights_requests.c.due_on, rights_requests.c.id
        return [Request(*row) for row in self.store.read(statement.order_by(*order).limit(limit))]

    def closed(self, scope: Scope, limit: int, *, before: int | None = None, after: int | None = None) -> list[Request]:
        """What was answered, the newest first: just before, or just after, one of them."""
        statement = _in(select(*_request).where(~_is_open), rights_requests.c.person_id, scope)
        return [Request(*row) for row in self._page(statement, rights_requests.c.id, limit, before, after)]

    def asked_in_the_chat(
        self, scope: Scope, limit: int, *, before: int | None = None, after: int | None = None
    ) -> list[Asked]:
        """What people asked for and had in the chat, the newest first, as it stands in the record."""
        theirs = audit.c.actor.startswith("person:"), audit.c.action.in_(IN_THE_CHAT)
        statement = select(audit.c.id, audit.c.at, audit.c.action, audit.c.actor).where(*theirs)
        if scope != (None, None):
            named = literal("person:").concat(cast(people.c.id, String))
            statement = statement.join(people, named == audit.c.actor).where(in_scope(*scope))
        rows = self._page(statement, audit.c.id, limit, before, after)
        return [Asked(row.id, row.at, row.action, int(row.actor.partition(":")[2])) for row in rows]

    def receipts(
        self, scope: Scope, limit: int, *, before: int | None = None, after: int | None = None
    ) -> list[Receipt]:
        """Who was deleted, or is about to be, the newest first."""
        statement = _in(select(*_receipt), erasures.c.person_id, scope)
        return [Receipt(*row) for row in self._page(statement, erasures.c.id, limit, before, after)]

    def receipts_of(self, person_ids: Collection[int]) -> dict[int, Receipt]:
        found = select(*_receipt).where(erasures.c.person_id.in_(sorted(set(person_ids))))
        return {row.person_id: Receipt(*row) for row in self.store.read(found)}

    def being_erased(self, scope: Scope) -> list[Receipt]:
        """Who has asked to be deleted and still is here."""
        statement = _in(select(*_receipt).where(erasures.c.done_at.is_(None)), erasures.c.person_id, scope)
        return [Receipt(*row) for row in self.store.read(statement.order_by(erasures.c.id).limit(100))]

    def state_of_message(self, id: int) -> str | None:
        rows = self.store.read(select(messages.c.state).where(messages.c.id == id))
        return rows[0][0] if rows else None

    def _page(
        self, statement: Select[Any], number: ColumnElement[int], limit: int, before: int | None, after: int | None
    ) -> list[Any]:
        if after is not None:
            return list(self.store.read(statement.where(number > after).order_by(number).limit(limit)))[::-1]
        statement = statement if before is None else statement.where(number < before)
        return list(self.store.read(statement.order_by(number.desc()).limit(limit)))


def _in(statement: Select[Any], person_id: ColumnElement[int], scope: Scope) -> Select[Any]:
    """Of people in this scope only."""
    if scope == (None, None):
        return statement
    return statement.join(people, people.c.id == person_id).where(in_scope(*scope))
