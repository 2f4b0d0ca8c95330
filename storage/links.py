# SPDX-License-Identifier: EUPL-1.2
"""Codes that join two chats of one person."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from storage.tables import links
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Link:
    """A code by its hash: whose it is, and which chat shows it."""

    id: int
    person_id: int
    identity_id: int
    expires_at: datetime
    used_at: datetime | None


_columns = [links.c[name] for name in Link.__dataclass_fields__]


class Links:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def make(self, *, person_id: int, identity_id: int, code_hash: str, at: datetime, expires_at: datetime) -> None:
        """One code a person: what they were shown before opens nothing any more."""
        self.store.write(delete(links).where(links.c.person_id == person_id))
        known = {"person_id": person_id, "identity_id": identity_id, "code_hash": code_hash}
        self.store.write(links.insert().values(**known, at=at, expires_at=expires_at))

    def find(self, code_hash: str) -> Link | None:
        rows = self.store.read(select(*_columns).where(links.c.code_hash == code_hash))
        return Link(*rows[0]) if rows else None

    def use(self, id: int, now: datetime) -> bool:
        """False if somebody was quicker."""
        unused = links.c.id == id, links.c.used_at.is_(None)
        return (
            self.store.write(update(links).where(*unused).values(used_at=now).returning(links.c.id)).first() is not None
        )
