# SPDX-License-Identifier: EUPL-1.2
"""What nobody understood, and the words that the staff have taught us since."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update

from storage.tables import misreadings, synonyms
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Misread:
    """Words that were not understood: how often, and where it was the last time."""

    words: str
    count: int
    language: str
    conversation: str
    step: str | None
    last_at: datetime
    message_id: int


@dataclass(frozen=True, slots=True)
class Synonym:
    """Words that mean what we know already."""

    words: str
    means: str
    staff_id: int
    at: datetime


_synonym = [synonyms.c[name] for name in Synonym.__dataclass_fields__]


class Misreadings:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def add(self, **values: Any) -> None:
        """Once for a message, however often it is tried."""
        self.store.write(self.store.insert(misreadings).values(**values).on_conflict_do_nothing())

    def meaning(self, words: str) -> str | None:
        """What these words have been taught to mean."""
        rows = self.store.read(select(synonyms.c.means).where(synonyms.c.words == words))
        return rows[0][0] if rows else None

    def ranked(self, limit: int, after: tuple[int, str] | None = None) -> list[Misread]:
        """Unsettled words, the most frequent first; ``after`` is the count and the words of the last one shown."""
        times = func.count().label("times")
        newest = func.max(misreadings.c.id).label("newest")
        counted = (
            select(misreadings.c.words, times, newest)
            .where(misreadings.c.settled_at.is_(None))
            .group_by(misreadings.c.words)
            .subquery("counted")
        )
        last = misreadings.alias("last")
        statement = (
            select(
                counted.c.words,
                counted.c.times,
                *(last.c[name] for name in ("language", "conversation", "step", "at", "message_id")),
            )
            .join(last, last.c.id == counted.c.newest)
            .order_by(counted.c.times.desc(), counted.c.words)
            .limit(limit)
        )
        if after is not None:
            fewer, as_often = counted.c.times < after[0], counted.c.times == after[0]
            statement = statement.where(or_(fewer, and_(as_often, counted.c.words > after[1])))
        return [Misread(*row) for row in self.store.read(statement)]

    def settle(self, words: str, *, staff_id: int, now: datetime, as_: str) -> int:
        """Nobody need look at these words any more. Returns how many times they had been counted."""
        statement = (
            update(misreadings)
            .where(misreadings.c.words == words, misreadings.c.settled_at.is_(None))
            .values(settled_at=now, settled_by=staff_id, settled_as=as_)
        )
        return self.store.write(statement).rowcount

    def noted(self, as_: str, limit: int) -> list[Misread]:
        """What was settled in one way, the newest first, each of the words once."""
        newest = func.max(misreadings.c.id)
        counted = (
            select(func.count().label("times"), newest.label("newest"))
            .where(misreadings.c.settled_as == as_)
            .group_by(misreadings.c.words)
            .subquery("counted")
        )
        last = misreadings.alias("last")
        names = ("language", "conversation", "step", "at", "message_id")
        statement = (
            select(last.c.words, counted.c.times, *(last.c[name] for name in names))
            .join(last, last.c.id == counted.c.newest)
            .order_by(counted.c.newest.desc())
            .limit(limit)
        )
        return [Misread(*row) for row in self.store.read(statement)]

    def teach(self, words: str, means: str, staff_id: int, now: datetime) -> None:
        values = {"means": means, "staff_id": staff_id, "at": now}
        self.store.write(
            self.store.insert(synonyms)
            .values(words=words, **values)
            .on_conflict_do_update(index_elements=["words"], set_=values)
        )

    def unteach(self, words: str) -> bool:
        """They mean nothing any more; False if they did not."""
        return self.store.write(delete(synonyms).where(synonyms.c.words == words)).rowcount > 0

    def synonyms(self) -> list[Synonym]:
        return [Synonym(*row) for row in self.store.read(select(*_synonym).order_by(synonyms.c.words))]
