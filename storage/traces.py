# SPDX-License-Identifier: EUPL-1.2
"""What a change leaves behind in its own transaction: messages, calls to make, and messages that are not sent."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, or_, select

from storage.messages import UNSENT, Message
from storage.people import in_scope
from storage.tables import bookings, cases, memberships, messages, people
from storage.transaction import Transaction
from storage.workshops import ACTIVE


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the messages and the calls stood before a change, and what was about to be said about something."""

    message_id: int
    case_id: int
    unsent: frozenset[int]


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody is to be called, and about what."""

    person_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reader:
    """In which language somebody reads, what they are called, and where they live."""

    language: str
    first_name: str | None
    comune_istat: str | None
    is_mine: bool


class Traces:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def mark(self, subjects: Collection[str]) -> Mark:
        newest = select(func.max(messages.c.id)).scalar_subquery(), select(func.max(cases.c.id)).scalar_subquery()
        message_id, case_id = self.store.read(select(*newest))[0]
        return Mark(message_id or 0, case_id or 0, frozenset(self._unsent(subjects)))

    def messages(self, since: Mark, subjects: Collection[str]) -> list[Message]:
        """What is going to be said about these, and was not before, oldest first."""
        columns: list[Any] = [messages.c[name] for name in Message.__dataclass_fields__]
        new = messages.c.id > since.message_id, messages.c.kind == "moment", messages.c.subject.in_(sorted(subjects))
        rows = self.store.read(select(*columns).where(*new).order_by(messages.c.id))
        return [Message(*row) for row in rows]

    def calls(self, since: Mark, subjects: Collection[str]) -> list[Call]:
        new = cases.c.id > since.case_id, cases.c.subject.in_(sorted(subjects))
        rows = self.store.read(select(cases.c.person_id, cases.c.reason).where(*new).order_by(cases.c.id))
        return [Call(*row) for row in rows]

    def taken_back(self, since: Mark, subjects: Collection[str]) -> int:
        """How many messages that were about to be sent will not be."""
        return len(since.unsent - self._unsent(subjects))

    def places(self, workshop_ids: Collection[int], club_ids: Collection[str]) -> dict[str, tuple[int, str]]:
        """By what messages are about: whose place at these workshops, or in these clubs, and how it stands."""
        booked = select(bookings.c.id, bookings.c.person_id, bookings.c.state).where(
            bookings.c.workshop_id.in_(sorted(workshop_ids)), bookings.c.state.in_((*ACTIVE, "called_off", "lapsed"))
        )
        joined = select(memberships.c.id, memberships.c.person_id, memberships.c.state).where(
            memberships.c.club_id.in_(sorted(club_ids))
        )
        found = {f"booking:{row[0]}": (row[1], row[2]) for row in self.store.read(booked)}
        return found | {f"membership:{row[0]}": (row[1], row[2]) for row in self.store.read(joined)}

    def readers(
        self, ids: Collection[int], areas: Collection[str] | None, programmes: Collection[str] | None
    ) -> dict[int, Reader]:
        """By person: how they read, and whether they are of these areas or programmes."""
        is_mine = case((in_scope(areas, programmes), 1), else_=0)
        columns = (people.c.language, people.c.first_name, people.c.comune_istat)
        rows = self.store.read(select(people.c.id, *columns, is_mine).where(people.c.id.in_(sorted(ids))))
        return {row[0]: Reader(row[1], row[2], row[3], bool(row[4])) for row in rows}

    def _unsent(self, subjects: Collection[str]) -> set[int]:
        waiting = or_(*(messages.c.state == state for state in UNSENT))
        about = messages.c.kind == "moment", messages.c.subject.in_(sorted(subjects))
        return {row[0] for row in self.store.read(select(messages.c.id).where(waiting, *about))}
