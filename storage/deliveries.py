# SPDX-License-Identifier: EUPL-1.2
"""Messages that did not arrive, or may not have."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, text

from storage.messages import WINDOW_SHUT
from storage.people import in_scope
from storage.tables import messages, people
from storage.tables.messages import PROBLEMS, UNSENT
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Problem:
    """A message of ours that stands as failed, uncertain or missed; ``again`` is the number of the one sent since."""

    id: int
    person_id: int
    first_name: str | None
    channel: str
    kind: str
    moment: str | None
    text: str
    state: str
    reason: str | None
    at: datetime
    sent_at: datetime | None
    not_after: datetime | None
    stopped_at: datetime | None
    again: int | None
    settled_by: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message of ours that leaves only when its person writes; after ``not_after`` it does not leave any more."""

    id: int
    person_id: int
    channel: str
    text: str
    at: datetime
    not_after: datetime | None


# In the very words of the indexes.
_is_unsent = text(UNSENT.replace("state", "messages.state"))
_is_problem = text(PROBLEMS.replace("direction", "messages.direction").replace("state", "messages.state"))
_again = messages.c.payload["again_as"].as_integer()
_settled_by = messages.c.payload["settled_by"].as_integer()
_columns: list[ColumnElement[Any]] = [
    messages.c.id,
    messages.c.person_id,
    people.c.first_name,
    messages.c.channel,
    messages.c.kind,
    messages.c.payload["moment"].as_string(),
    messages.c.text,
    messages.c.state,
    messages.c.reason,
    messages.c.at,
    messages.c.sent_at,
    messages.c.not_after,
    people.c.stopped_at,
    _again,
    _settled_by,
]

_waiting_columns = [messages.c[name] for name in Waiting.__dataclass_fields__]


class Deliveries:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def problems(
        self,
        limit: int,
        *,
        areas: Collection[str] | None = None,
        programmes: Collection[str] | None = None,
        before: int | None = None,
        after: int | None = None,
        settled: bool = False,
    ) -> list[Problem]:
        """Newest first; ``before`` and ``after`` are the numbers of the last and the first one shown."""
        is_done = _again.is_not(None) | _settled_by.is_not(None)
        statement = (
            select(*_columns)
            .join(people, people.c.id == messages.c.person_id)
            .where(_is_problem, in_scope(areas, programmes), people.c.erased_at.is_(None))
            .where(is_done if settled else ~is_done, messages.c.kind != "retired")
            .limit(limit)
        )
        if after is not None:
            rows = self.store.read(statement.where(messages.c.id > after).order_by(messages.c.id))
            return [Problem(*row) for row in reversed(rows)]
        if before is not None:
            statement = statement.where(messages.c.id < before)
        return [Problem(*row) for row in self.store.read(statement.order_by(messages.c.id.desc()))]

    def waiting(
        self, limit: int, *, areas: Collection[str] | None = None, programmes: Collection[str] | None = None
    ) -> list[Waiting]:
        """What leaves only when its person writes, what has waited longest first."""
        statement = (
            select(*_waiting_columns)
            .join(people, people.c.id == messages.c.person_id)
            .where(_is_unsent, messages.c.state == "pending", messages.c.reason == WINDOW_SHUT)
            .where(in_scope(areas, programmes), people.c.erased_at.is_(None))
            .order_by(messages.c.id)
            .limit(limit)
        )
        return [Waiting(*row) for row in self.store.read(statement)]

    def count(self, since: datetime) -> dict[str, tuple[int, int]]:
        """By channel: how many are open, and how many of them are younger than an instant."""
        is_new = func.sum(case((messages.c.at >= since, 1), else_=0))
        is_open = _again.is_(None) & _settled_by.is_(None)
        rows = self.store.read(
            select(messages.c.channel, func.count(), is_new)
            .where(_is_problem, is_open, messages.c.kind != "retired")
            .group_by(messages.c.channel)
        )
        return {row[0]: (row[1], int(row[2] or 0)) for row in rows}
