# SPDX-License-Identifier: EUPL-1.2
"""Jobs already done, and who did what."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select

from storage.prepared import inserting
from storage.tables import audit, job_slots
from storage.transaction import Transaction

_note = inserting(audit, "at actor action subject details")


class Records:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def take_slot(self, job: str, slot: datetime, now: datetime) -> bool:
        """True for the first worker that asks for this slot of a job, False for all others."""
        statement = self.store.insert(job_slots).on_conflict_do_nothing().returning(job_slots.c.job)
        return self.store.write(statement, {"job": job, "slot": slot, "at": now}).first() is not None

    def newest_slot(self, job: str) -> datetime | None:
        """The last slot of a job that was taken."""
        newest = select(job_slots.c.slot).where(job_slots.c.job == job).order_by(job_slots.c.slot.desc()).limit(1)
        rows = self.store.read(newest)
        return rows[0][0] if rows else None

    def forget_slots(self, before: datetime) -> None:
        """All but the newest of each job, which says how far it has come."""
        later = job_slots.alias("later")
        is_over = exists().where(later.c.job == job_slots.c.job, later.c.slot > job_slots.c.slot)
        self.store.write(delete(job_slots).where(job_slots.c.slot < before, is_over))

    def note(
        self, *, at: datetime, actor: str, action: str, subject: str, details: dict[str, Any] | None = None
    ) -> None:
        """Write down who did what to whom."""
        self.store.run(_note, {"at": at, "actor": actor, "action": action, "subject": subject, "details": details})

    def noted_at(self, subject: str) -> datetime | None:
        """When something was last written down about a subject."""
        rows = self.store.read(
            select(audit.c.at).where(audit.c.subject == subject).order_by(audit.c.id.desc()).limit(1)
        )
        return rows[0][0] if rows else None
