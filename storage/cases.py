# SPDX-License-Identifier: EUPL-1.2
"""Cases: a person waits for a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update

from storage.tables import cases
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody waits for a person of the desk, about something; somebody may have taken it, or closed it."""

    id: int
    person_id: int
    reason: str
    subject: str
    message_id: int | None
    opened_at: datetime
    taken_by: int | None
    taken_at: datetime | None
    closed_at: datetime | None
    closed_by: int | None


_columns = [cases.c[name] for name in Case.__dataclass_fields__]
_is_open = cases.c.closed_at.is_(None)


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

    def get(self, id: int) -> Case | None:
        rows = self.store.read(select(*_columns).where(cases.c.id == id))
        return Case(*rows[0]) if rows else None

    def of(self, person_id: int) -> list[Case]:
        """Every case of somebody's, the open ones first, and of them the oldest."""
        rows = self.store.read(
            select(*_columns).where(cases.c.person_id == person_id).order_by(~_is_open, cases.c.opened_at, cases.c.id)
        )
        return [Case(*row) for row in rows]

    def waiting(
        self,
        limit: int,
        after: tuple[datetime, int] | None = None,
        *,
        taken_by: int | None = None,
        only_free: bool = False,
    ) -> list[Case]:
        """
        Who waits, the longest first; ``after`` is when the last one of the page before was opened, and its number.

        With ``taken_by`` only what this member of the staff has; or only what nobody has.
        """
        statement = select(*_columns).where(_is_open)
        if after is not None:
            opened_at, id = after
            at_once = and_(cases.c.opened_at == opened_at, cases.c.id > id)
            statement = statement.where(or_(cases.c.opened_at > opened_at, at_once))
        if taken_by is not None:
            statement = statement.where(cases.c.taken_by == taken_by)
        if only_free:
            statement = statement.where(cases.c.taken_by.is_(None))
        return [Case(*row) for row in self.store.read(statement.order_by(cases.c.opened_at, cases.c.id).limit(limit))]

    def take(self, id: int, staff_id: int, now: datetime) -> bool:
        """This member of the staff looks after it; False if somebody else does, or it is closed."""
        is_free = or_(cases.c.taken_by.is_(None), cases.c.taken_by == staff_id)
        return self._changed(id, is_free, taken_by=staff_id, taken_at=now)

    def take_all(self, person_id: int, staff_id: int, now: datetime) -> None:
        """They look after whatever this person waits for and nobody has yet."""
        self._of_person(person_id, cases.c.taken_by.is_(None), taken_by=staff_id, taken_at=now)

    def let_go(self, id: int, staff_id: int) -> bool:
        """They do not look after it any more; False if it was not theirs."""
        return self._changed(id, cases.c.taken_by == staff_id, taken_by=None, taken_at=None)

    def let_go_of_all(self, person_id: int, staff_id: int) -> None:
        self._of_person(person_id, cases.c.taken_by == staff_id, taken_by=None, taken_at=None)

    def let_go_everywhere(self, staff_id: int) -> None:
        """They work here no longer: whatever they looked after waits for anybody again."""
        theirs = update(cases).where(cases.c.taken_by == staff_id, _is_open)
        self.store.write(theirs.values(taken_by=None, taken_at=None))

    def close(self, id: int, staff_id: int, now: datetime) -> bool:
        """It is done; False if it was closed already."""
        return self._changed(id, closed_at=now, closed_by=staff_id)

    def close_taken(self, person_id: int, staff_id: int, now: datetime) -> None:
        """What they looked after for this person is done."""
        self._of_person(person_id, cases.c.taken_by == staff_id, closed_at=now, closed_by=staff_id)

    def withdraw(self, person_id: int, reason: str, now: datetime, *, subject: str | None = None) -> None:
        """The person does not wait for this any more; with a ``subject`` only for this about that."""
        about = [] if subject is None else [cases.c.subject == subject]
        self._of_person(person_id, cases.c.reason == reason, *about, closed_at=now)

    def close_all(self, person_id: int, now: datetime) -> None:
        self._of_person(person_id, closed_at=now)

    def open_reasons(self, person_id: int) -> list[str]:
        rows = self.store.read(
            select(cases.c.reason).where(cases.c.person_id == person_id, _is_open).order_by(cases.c.id)
        )
        return [row[0] for row in rows]

    def _changed(self, id: int, *where: Any, **values: Any) -> bool:
        statement = update(cases).where(cases.c.id == id, _is_open, *where).values(**values)
        return self.store.write(statement.returning(cases.c.id)).first() is not None

    def _of_person(self, person_id: int, *where: Any, **values: Any) -> None:
        self.store.write(update(cases).where(cases.c.person_id == person_id, _is_open, *where).values(**values))
