# SPDX-License-Identifier: EUPL-1.2
"""A member of staff writes to a person themselves, or looks after what they wait for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handlers.desk import Desk
from handlers.desk.handover import CannotWrite, Enclosed, NotYours
from handlers.desk.office.refusals import Refused
from handlers.talk import Gone, _

if TYPE_CHECKING:
    from handlers.desk.office import Office

MINUTES = (15, 30, 60, 120)


class Taken(Refused):
    """Somebody else was quicker."""


class SteppingIn:
    """All of it by the rules of the desk; every method raises Gone for people of other areas and programmes."""

    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def take_over(self, person_id: int, minutes: int) -> None:
        """From now on this member writes, and the program is silent. Raises Taken, Refused."""
        member, desk = self.office.member, self.office.desk_of(person_id)
        with in_words():
            desk.handover.take(member.id, member.name, minutes=sensible(minutes))

    def reply(self, person_id: int, text: str, file: Enclosed | None, *, take_over: bool = False) -> int:
        """Answer, and where nobody writes yet take over first; the message's number. Raises Taken, Refused."""
        member, desk = self.office.member, self.office.desk_of(person_id)
        with in_words():
            if take_over:
                desk.handover.take(member.id, member.name)
            sent = desk.handover.reply(member.id, text, file=file)
        self.office.note("replied", f"person:{person_id}", message=sent)
        return sent

    def extend(self, person_id: int, minutes: int) -> None:
        """Raises Taken."""
        with in_words():
            self.office.desk_of(person_id).handover.extend(self.office.member.id, minutes=sensible(minutes))

    def give_back(self, person_id: int, *, close_cases: bool) -> None:
        """The program answers again, and says so. Raises Taken."""
        with in_words():
            desk = self.office.desk_of(person_id)
            desk.handover.give_back(self.office.member.id, because="by_hand", close_cases=close_cases)

    def to_call(self, person_id: int) -> bool:
        """Somebody has to call them; False if they are on that list already."""
        desk = self.office.desk_of(person_id)
        self.store.dialogues.lock_person(person_id)
        return desk.handover.to_call(self.office.member.id)

    def take_case(self, person_id: int, id: int) -> None:
        """Raises Taken, with the name of who was first."""
        with in_words():
            self._desk(person_id, id).cases.take(id, self.office.member.id)

    def let_go_case(self, person_id: int, id: int) -> None:
        with in_words():
            self._desk(person_id, id).cases.let_go(id, self.office.member.id)

    def close_case(self, person_id: int, id: int) -> None:
        """Raises Refused if a colleague has closed it."""
        if not self._desk(person_id, id).cases.close(id, self.office.member.id):
            raise Refused(_("A colleague has closed this already."))

    def _desk(self, person_id: int, case_id: int) -> Desk:
        desk = self.office.desk_of(person_id)
        self.store.dialogues.lock_person(person_id)
        found = self.store.cases.get(case_id)
        if found is None or found.person_id != person_id:
            raise Gone
        return desk


def sensible(minutes: int) -> int:
    return minutes if minutes in MINUTES else MINUTES[1]


@contextmanager
def in_words() -> Iterator[None]:
    """What the desk refuses, said to whoever asked."""
    try:
        yield
    except NotYours as trouble:
        if trouble.name:
            raise Taken(_("{name} was first and looks after this.", name=trouble.name)) from None
        raise Taken(_("You do not write to this person at the moment. Take over first.")) from None
    except CannotWrite as trouble:
        raise Refused(trouble.why) from None
