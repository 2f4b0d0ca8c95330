# SPDX-License-Identifier: EUPL-1.2
"""Comuni, Unioni and areas; the programmes and desks of each."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from storage.prepared import Prepared
from storage.tables import areas, comuni, organisations, programmes, unions
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Place:
    """A comune with the Unione and the area it belongs to."""

    istat: str
    name: str
    union: str
    area: str


@dataclass(frozen=True, slots=True)
class Programme:
    id: str
    name: str
    summary: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Organisation:
    """A body of the network, with how to reach it."""

    id: str
    name: str
    kind: str
    comune_istat: str | None
    area_id: str | None
    phone: str | None
    email: str | None
    address: str | None
    opening: dict[str, str] | None


_places = select(comuni.c.istat, comuni.c.name, comuni.c.union_id, unions.c.area_id).join(
    unions, unions.c.id == comuni.c.union_id
)

_place = Prepared(_places.where(comuni.c.istat == bindparam("istat")))
_order = Prepared(select(areas.c.programmes).where(areas.c.id == bindparam("area_id")))
_programmes = Prepared(
    select(programmes.c.id, programmes.c.name, programmes.c.summary).where(
        programmes.c.area_id == bindparam("area_id"), programmes.c.kind == "programme"
    )
)
_all_places = Prepared(_places.order_by(comuni.c.name))


class Territories:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def places(self) -> list[Place]:
        return [Place(*row) for row in self.store.run(_all_places, {})]

    def place(self, istat: str | None) -> Place | None:
        rows = self.store.run(_place, {"istat": istat}) if istat else []
        return Place(*rows[0]) if rows else None

    def areas(self) -> dict[str, str]:
        """Every area with its name, by name."""
        return {row.id: row.name for row in self.store.read(select(areas.c.id, areas.c.name).order_by(areas.c.name))}

    def subdivision(self, area_id: str) -> str | None:
        """The province whose patron saint's day an area keeps."""
        rows = self.store.read(select(areas.c.patron_subdivision).where(areas.c.id == area_id))
        return rows[0][0] if rows else None

    def patron_day(self, istat: str | None) -> str | None:
        """The feast of a town's own patron, as month and day."""
        rows = self.store.read(select(comuni.c.patron_day).where(comuni.c.istat == istat)) if istat else []
        return rows[0][0] if rows else None

    def programmes(self, area_id: str) -> list[Programme]:
        """The programmes a person of this area can join, in the order they are offered."""
        order: list[str] = next((row[0] for row in self.store.run(_order, {"area_id": area_id})), [])
        found = [Programme(*row) for row in self.store.run(_programmes, {"area_id": area_id})]
        return sorted(found, key=lambda programme: order.index(programme.id) if programme.id in order else len(order))

    def all_programmes(self) -> list[Programme]:
        """Every programme, by name."""
        columns: list[Any] = [programmes.c[name] for name in Programme.__dataclass_fields__]
        return [Programme(*row) for row in self.store.read(select(*columns).order_by(programmes.c.name))]

    def desks(self) -> list[Organisation]:
        """The public desks, by name."""
        columns: list[Any] = [organisations.c[name] for name in Organisation.__dataclass_fields__]
        rows = self.store.read(
            select(*columns).where(organisations.c.kind == "public_desk").order_by(organisations.c.name)
        )
        return [Organisation(*row) for row in rows]
