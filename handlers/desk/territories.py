# SPDX-License-Identifier: EUPL-1.2
"""Which comuni we know, and which desk is near."""

from typing import TYPE_CHECKING

from handlers.talk.comuni import Comune
from storage.territories import Organisation, Place

if TYPE_CHECKING:
    from handlers.desk import Desk


class Territories:
    def __init__(self, desk: "Desk") -> None:
        self.store = desk.store

    def comuni(self) -> tuple[Comune, ...]:
        return tuple(Comune(place.istat, place.name) for place in self.store.territories.places())

    def place(self, istat: str | None) -> Place | None:
        return self.store.territories.place(istat)

    def desks(self, istat: str | None) -> list[Organisation]:
        """The public desks, the nearest first: of the comune, of its Unione, of its area; all of them if it is none."""
        here = self.store.territories.place(istat)
        places = {place.istat: place for place in self.store.territories.places()}
        desks = self.store.territories.desks()
        if here is None:
            return desks
        near = [(distance(here, places.get(desk.comune_istat or "")), desk) for desk in desks]
        return [desk for how_far, desk in sorted(near, key=lambda pair: (pair[0], pair[1].name)) if how_far < FAR]


FAR = 3


def distance(here: Place | None, there: Place | None) -> int:
    """How far two comuni are, in steps of the public map: 0 the same, 1 one Unione, 2 one area, 3 far."""
    if here is None or there is None:
        return FAR
    if here.istat == there.istat:
        return 0
    return 1 if here.union == there.union else 2 if here.area == there.area else FAR
