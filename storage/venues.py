# SPDX-License-Identifier: EUPL-1.2
"""The places where things happen, as the desk keeps them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update

from storage.tables import comuni, job_clubs, series, unions, venues, workshops
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Kept:
    """A venue with all that is written of it, and where its comune is."""

    id: str
    name: str
    comune_istat: str | None
    address: str | None
    step_free: bool | None
    hearing_loop: bool | None
    toilet: bool | None
    bus: str | None
    note: dict[str, str] | None
    latitude: float | None
    longitude: float | None
    comune: str | None
    area_id: str | None

    @property
    def is_online(self) -> bool:
        """A venue in no town is a way to say: online."""
        return self.comune_istat is None


_venues = (
    select(*(venues.c[name] for name in list(Kept.__dataclass_fields__)[:-2]), comuni.c.name, unions.c.area_id)
    .outerjoin(comuni, comuni.c.istat == venues.c.comune_istat)
    .outerjoin(unions, unions.c.id == comuni.c.union_id)
)


class Venues:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def all(self) -> list[Kept]:
        """By name; those that are online last."""
        order = (venues.c.comune_istat.is_(None), func.lower(venues.c.name), venues.c.id)
        return [Kept(*row) for row in self.store.read(_venues.order_by(*order))]

    def get(self, id: str) -> Kept | None:
        rows = self.store.read(_venues.where(venues.c.id == id))
        return Kept(*rows[0]) if rows else None

    def lock(self, id: str) -> Kept | None:
        """The same, and nobody else changes it until this transaction ends."""
        # Not a full lock: a workshop that only refers to the venue must not wait.
        self.store.read(select(venues.c.id).where(venues.c.id == id).with_for_update(key_share=True))
        return self.get(id)

    def uses(self, now: datetime) -> dict[str, int]:
        """By venue: how many workshops and meetings are ahead there."""
        ahead = and_(workshops.c.ends_at > now, workshops.c.cancelled_at.is_(None))
        rows = self.store.read(select(workshops.c.venue_id, func.count()).where(ahead).group_by(workshops.c.venue_id))
        return {row[0]: int(row[1]) for row in rows}

    def ahead(self, id: str, now: datetime) -> list[int]:
        """The workshops and meetings ahead at a venue, in the order in which everybody locks them."""
        ahead = and_(workshops.c.ends_at > now, workshops.c.cancelled_at.is_(None))
        rows = self.store.read(select(workshops.c.id).where(workshops.c.venue_id == id, ahead).order_by(workshops.c.id))
        return [row[0] for row in rows]

    def clubs(self, id: str) -> list[tuple[str, dict[str, str]]]:
        """The Job Clubs that meet there, with what they are called."""
        found = select(job_clubs.c.id, series.c.name).join(series, series.c.id == job_clubs.c.id)
        rows = self.store.read(found.where(job_clubs.c.venue_id == id).order_by(job_clubs.c.id))
        return [(row[0], row[1]) for row in rows]

    def ids_like(self, id: str) -> set[str]:
        """This name and those that are it with a number behind it, as far as they are taken."""
        rows = self.store.read(select(venues.c.id).where(or_(venues.c.id == id, venues.c.id.like(f"{id}-%"))))
        return {row[0] for row in rows}

    def add(self, **values: Any) -> None:
        self.store.write(insert(venues).values(**values))

    def change(self, id: str, **values: Any) -> None:
        self.store.write(update(venues).where(venues.c.id == id).values(**values))
