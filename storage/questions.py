# SPDX-License-Identifier: EUPL-1.2
"""Questions with their answers, the privacy notice, and what an operator may set."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from storage.prepared import Prepared
from storage.tables import notices, questions, settings
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


_notice = Prepared(
    select(*(notices.c[name] for name in Notice.__dataclass_fields__)).order_by(notices.c.id.desc()).limit(1)
)
_layer_2 = Prepared(select(notices.c.layer_2).order_by(notices.c.id.desc()).limit(1))
_settings = Prepared(select(settings.c.key, settings.c.value))


class Questions:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def all(self) -> list[Question]:
        columns: list[Any] = [questions.c[name] for name in Question.__dataclass_fields__]
        return [Question(*row) for row in self.store.read(select(*columns).order_by(questions.c.place))]

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
