# SPDX-License-Identifier: EUPL-1.2
"""Series of workshops, such as the programme of half a year, and what they belong to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case, func, insert, or_, select, update

from storage.tables import areas, programmes, series, workshops
from storage.transaction import Transaction
from storage.workshops import in_sight

JOB_CLUB = "job_club"  # the kind of series that a Job Club is


@dataclass(frozen=True, slots=True)
class Series:
    """A series with the names of its programme and area."""

    id: str
    kind: str
    programme_id: str
    area_id: str
    name: dict[str, str]
    starts_on: date
    ends_on: date
    programme: str
    area: str


@dataclass(frozen=True, slots=True)
class Named:
    """A programme or an area; a programme says in which area it is."""

    id: str
    name: str
    area_id: str | None = None


_series = (
    select(*(series.c[name] for name in list(Series.__dataclass_fields__)[:-2]), programmes.c.name, areas.c.name)
    .join(programmes, programmes.c.id == series.c.programme_id)
    .join(areas, areas.c.id == series.c.area_id)
)


class AllSeries:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def in_sight(self, areas: Collection[str] | None, programmes: Collection[str] | None) -> list[Series]:
        """Those of these areas or programmes, the newest first; Job Clubs have a page of their own."""
        mine = series.c.kind != JOB_CLUB, in_sight(areas, programmes)
        rows = self.store.read(_series.where(*mine).order_by(series.c.starts_on.desc(), series.c.id))
        return [Series(*row) for row in rows]

    def get(self, id: str) -> Series | None:
        rows = self.store.read(_series.where(series.c.id == id))
        return Series(*rows[0]) if rows else None

    def lock(self, id: str) -> Series | None:
        """The same, and nobody else changes it until this transaction ends."""
        # Not a full lock: a workshop that only refers to the series must not wait.
        self.store.read(select(series.c.id).where(series.c.id == id).with_for_update(key_share=True))
        return self.get(id)

    def sizes(self, now: datetime) -> dict[str, tuple[int, int]]:
        """By series: how many workshops there are in all, and how many are ahead."""
        is_ahead = and_(workshops.c.ends_at > now, workshops.c.cancelled_at.is_(None))
        ahead = func.coalesce(func.sum(case((is_ahead, 1), else_=0)), 0)
        rows = self.store.read(select(workshops.c.series_id, func.count(), ahead).group_by(workshops.c.series_id))
        return {row[0]: (int(row[1]), int(row[2])) for row in rows}

    def areas(self) -> list[Named]:
        return [Named(*row) for row in self.store.read(select(areas.c.id, areas.c.name).order_by(areas.c.name))]

    def programmes(self) -> list[Named]:
        columns = (programmes.c.id, programmes.c.name, programmes.c.area_id)
        return [Named(*row) for row in self.store.read(select(*columns).order_by(programmes.c.name))]

    def ids_like(self, id: str) -> set[str]:
        """This name and those that are it with a number behind it, as far as they are taken."""
        rows = self.store.read(select(series.c.id).where(or_(series.c.id == id, series.c.id.like(f"{id}-%"))))
        return {row[0] for row in rows}

    def add(self, **values: Any) -> None:
        self.store.write(insert(series).values(**values))

    def change(self, id: str, **values: Any) -> None:
        self.store.write(update(series).where(series.c.id == id).values(**values))
