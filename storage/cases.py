# SPDX-License-Identifier: EUPL-1.2
"""Cases: a person waits for a person."""

from datetime import datetime

from sqlalchemy import select, update

from storage.tables import cases
from storage.transaction import Transaction


class Cases:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def open(self, person_id: int, reason: str, *, subject: str = "", message_id: int | None, now: datetime) -> bool:
        """Open a case; False if one for the same reason, about the same thing, is open already."""
        statement = self.store.insert(cases).on_conflict_do_nothing().returning(cases.c.id)
        values = {
            "person_id": person_id,
            "reason": reason,
            "subject": subject,
            "message_id": message_id,
            "opened_at": now,
        }
        return self.store.write(statement, values).first() is not None

    def close_all(self, person_id: int, now: datetime) -> None:
        self.store.write(
            update(cases).where(cases.c.person_id == person_id, cases.c.closed_at.is_(None)).values(closed_at=now)
        )

    def open_reasons(self, person_id: int) -> list[str]:
        rows = self.store.read(
            select(cases.c.reason)
            .where(cases.c.person_id == person_id, cases.c.closed_at.is_(None))
            .order_by(cases.c.id)
        )
        return [row[0] for row in rows]
