# SPDX-License-Identifier: EUPL-1.2
"""The forms that a channel keeps for us, and what it says of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from storage.prepared import Prepared
from storage.tables import contents
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Content:
    """A form as the channel has it; see the table for what each field means."""

    id: int
    name: str
    language: str
    hash: str
    sid: str
    category: str | None
    body: str
    variables: dict[str, str]
    status: str
    reason: str | None
    at: datetime
    checked_at: datetime | None


_contents = select(*(contents.c[name] for name in Content.__dataclass_fields__))
_find = Prepared(_contents.where(*(contents.c[name] == bindparam(name) for name in ("name", "language", "hash"))))


class Contents:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def all(self) -> list[Content]:
        """By name and language, what was made last at the end; forms that are no longer in use as well."""
        rows = self.store.read(_contents.order_by(contents.c.name, contents.c.language, contents.c.id))
        return [Content(*row) for row in rows]

    def find(self, name: str, language: str, hash: str) -> Content | None:
        """The form with exactly these words, if it has been made."""
        rows = self.store.run(_find, {"name": name, "language": language, "hash": hash})
        return Content(*rows[0]) if rows else None

    def add(self, **row: Any) -> None:
        """Write down a form that the channel has made."""
        self.store.write(insert(contents).values(**row))

    def change(self, sid: str, /, **values: Any) -> bool:
        """Write down what the channel says of a form; False if it is none of ours."""
        statement = update(contents).where(contents.c.sid == sid).values(**values).returning(contents.c.id)
        return self.store.write(statement).first() is not None
