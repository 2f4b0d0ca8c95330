# SPDX-License-Identifier: EUPL-1.2
"""What only targeted placement may see (law 68/1999): here it stands sealed, and nobody here can open it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update

from storage.people import in_scope
from storage.tables import people, protected
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Sealed:
    """A note under seal: who closed it there and when, and until when it holds."""

    id: int
    person_id: int
    kind: str
    sealed: str
    by: int
    at: datetime
    expires_on: date
    closed_at: datetime | None


_columns = [protected.c[name] for name in Sealed.__dataclass_fields__]


class Protected:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def get(self, person_id: int, kind: str) -> Sealed | None:
        rows = self.store.read(select(*_columns).where(protected.c.person_id == person_id, protected.c.kind == kind))
        return Sealed(*rows[0]) if rows else None

    def of(self, person_id: int) -> list[Sealed]:
        rows = self.store.read(select(*_columns).where(protected.c.person_id == person_id).order_by(protected.c.id))
        return [Sealed(*row) for row in rows]

    def put(self, person_id: int, kind: str, *, by: int, at: datetime, expires_on: date) -> int:
        """In the place of what stood there, with nothing in it yet. The caller has locked the person."""
        values = {"sealed": "", "by": by, "at": at, "expires_on": expires_on, "closed_at": None}
        found = self.store.write(
            self.store.insert(protected)
            .values(person_id=person_id, kind=kind, **values)
            .on_conflict_do_update(index_elements=["person_id", "kind"], set_=values)
            .returning(protected.c.id)
        )
        return int(found.scalar_one())

    def seal(self, id: int, sealed: str) -> None:
        """What it says; sealed for this row alone, wherever its person goes."""
        self.store.write(update(protected).where(protected.c.id == id).values(sealed=sealed))

    def close(self, person_id: int, kind: str, now: datetime) -> bool:
        """It holds no more, and what it said is gone. False if it was closed already."""
        statement = update(protected).where(
            protected.c.person_id == person_id, protected.c.kind == kind, protected.c.closed_at.is_(None)
        )
        return (
            self.store.write(statement.values(closed_at=now, sealed="").returning(protected.c.id)).first() is not None
        )

    def ending(
        self,
        by: date,
        limit: int,
        *,
        areas: Collection[str] | None = None,
        programmes: Collection[str] | None = None,
        after: tuple[date, int] | None = None,
    ) -> list[Sealed]:
        """What has ended by a day and nobody has closed, the oldest first; ``after`` is where the last page ended."""
        found = select(*_columns).where(protected.c.closed_at.is_(None), protected.c.expires_on <= by)
        if areas is not None or programmes is not None:
            found = found.join(people, people.c.id == protected.c.person_id).where(in_scope(areas, programmes))
        if after is not None:
            on, id = after
            same = (protected.c.expires_on == on) & (protected.c.id > id)
            found = found.where((protected.c.expires_on > on) | same)
        order = protected.c.expires_on, protected.c.id
        return [Sealed(*row) for row in self.store.read(found.order_by(*order).limit(limit))]
