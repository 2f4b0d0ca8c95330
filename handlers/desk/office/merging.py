# SPDX-License-Identifier: EUPL-1.2
"""Two who are the same person, on two channels, become one; and are parted again, if they were not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.desk import Desk
from handlers.desk import merging as core
from handlers.desk.merging import PROFILE, CannotMerge
from handlers.desk.office.people import CHANNELS
from handlers.desk.office.refusals import Refused
from handlers.talk import Gone, Words
from storage.merges import Merge
from storage.people import Person

if TYPE_CHECKING:
    from handlers.desk.office import Office


@dataclass(frozen=True)
class Side:
    """One of the two, and how much there is of them."""

    person: Person
    who: Words
    town: str | None
    channels: Sequence[str]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Comparison:
    """Both, and what cannot simply be moved; ``why_not`` says why they cannot become one now."""

    stays: Side
    goes: Side
    differ: Sequence[str]  # of what they have told us
    conflicts: Sequence[Words]
    why_not: Words | None


class Merging:
    """As the staff do it: for people they answer for, by whoever's word counts, and on record."""

    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store
        self.core = core.Merging(office.store, office.now, office.desk_of, office.member.id)

    def compare(self, stays: int, goes: int) -> Comparison:
        """Raises Gone."""
        one, other = self.office.desk_of(stays), self.office.desk_of(goes)
        told = [name for name in PROFILE if _differ(getattr(one.person, name), getattr(other.person, name))]
        conflicts = list(self.core.conflicts(one, other))
        return Comparison(self._side(one), self._side(other), told, conflicts, self.core.why_not(one, other))

    def merge(self, stays: int, goes: int, chosen: Mapping[str, str]) -> int:
        """
        ``goes`` becomes ``stays``; ``chosen`` says by field whose word counts: stays or goes. Returns its number.

        Raises Gone, and Refused where it cannot be done now.
        """
        for id in (stays, goes):
            self.office.desk_of(id)  # whoever may not see them does not keep them waiting either
        try:
            id = self.core.merge(stays, goes, chosen)
        except CannotMerge as trouble:
            raise Refused(trouble.why) from None
        for number in (stays, goes):
            self.office.note("merged", f"person:{number}", stays=stays, goes=goes)
        return id

    def undo(self, merge_id: int) -> Merge:
        """They were two after all. What was given up at the time is not taken back. Raises Gone, Refused."""
        found = self.store.merges.get(merge_id)
        if found is None:
            raise Gone
        self.office.desk_of(found.person_id)
        try:
            self.core.undo(merge_id)
        except CannotMerge as trouble:
            raise Refused(trouble.why) from None
        for number in (found.person_id, found.other_id):
            self.office.note("parted", f"person:{number}", stays=found.person_id, goes=found.other_id)
        return found

    def can_be_undone(self, merge: Merge) -> bool:
        return self.core.can_be_undone(merge)

    def _side(self, desk: Desk) -> Side:
        person = desk.person
        place = self.store.territories.place(person.comune_istat)
        who = self.office.people.who(person.id, person.first_name)
        channels = [CHANNELS.get(name, name) for name in self.store.people.channels([person.id])[person.id]]
        return Side(person, who, place.name if place else None, channels, self.store.merges.counts(person.id))


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
