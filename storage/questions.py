# SPDX-License-Identifier: EUPL-1.2
"""Questions with their answers, the privacy notice, and what an operator may set."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update

from storage.prepared import Prepared
from storage.tables import notices, questions, settings
from storage.tables.programmes import CHECKUP
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Question:
    """A question people ask, with its answer and the doors that lead on from it."""

    id: str
    question: dict[str, str]
    answer: dict[str, str]
    keywords: dict[str, list[str]]
    buttons: list[dict[str, str]]
    review_on: date


@dataclass(frozen=True, slots=True)
class Notice:
    """The privacy notice of the body that runs the desk."""

    version: str
    layer_1: dict[str, str]
    consents: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """The same as the desk keeps it: where it stands, whose it is, and since when nobody is shown it."""

    id: str
    question: dict[str, str]
    answer: dict[str, str]
    keywords: dict[str, list[str]]
    buttons: list[dict[str, str]]
    review_on: date
    place: int
    programme_id: str | None
    closed_at: datetime | None


_question = [questions.c[name] for name in Question.__dataclass_fields__]
_kept = [questions.c[name] for name in Kept.__dataclass_fields__]
_notice = Prepared(
    select(*(notices.c[name] for name in Notice.__dataclass_fields__)).order_by(notices.c.id.desc()).limit(1)
)
_layer_2 = Prepared(select(notices.c.layer_2).order_by(notices.c.id.desc()).limit(1))
# What the doctor found is long, and nothing that a message needs to know.
_settings = Prepared(select(settings.c.key, settings.c.value).where(settings.c.key != CHECKUP))


class Questions:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def all(self) -> list[Question]:
        """What people may ask, in its order; not what the desk has taken away."""
        shown = select(*_question).where(questions.c.closed_at.is_(None)).order_by(questions.c.place, questions.c.id)
        return [Question(*row) for row in self.store.read(shown)]

    def kept(self) -> list[Kept]:
        """All of them, in their order, for the people of the desk."""
        return [Kept(*row) for row in self.store.read(select(*_kept).order_by(questions.c.place, questions.c.id))]

    def lock(self, id: str) -> Kept | None:
        """One of them, which nobody else changes until this transaction ends."""
        rows = self.store.read(select(*_kept).where(questions.c.id == id).with_for_update())
        return Kept(*rows[0]) if rows else None

    def add(self, **values: Any) -> None:
        self.store.write(questions.insert().values(**values))

    def change(self, id: str, **values: Any) -> None:
        self.store.write(update(questions).where(questions.c.id == id).values(**values))

    def get(self, id: str) -> Question | None:
        return next((question for question in self.all() if question.id == id), None)

    def notice(self) -> Notice | None:
        """The notice in force."""
        rows = self.store.run(_notice, {})
        return Notice(*rows[0]) if rows else None

    def whole_notice(self) -> list[dict[str, Any]]:
        """The second layer of the notice in force, part by part."""
        rows = self.store.run(_layer_2, {})
        return rows[0][0] if rows else []

    def settings(self) -> dict[str, Any]:
        return {row[0]: row[1] for row in self.store.run(_settings, {})}

    def set(self, key: str, value: Any) -> None:
        statement = self.store.insert(settings).values(key=key, value=value)
        self.store.write(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value})
        )
