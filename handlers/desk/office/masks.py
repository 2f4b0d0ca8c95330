# SPDX-License-Identifier: EUPL-1.2
"""Who may read whose words as they were written, and what everybody else reads instead."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from handlers.desk.office.refusals import Refused
from handlers.rules.masking import hidden, masked, parts
from handlers.talk import _
from handlers.talk.text import Text, Words

if TYPE_CHECKING:
    from handlers.desk.office import Office

LASTS = timedelta(minutes=30)  # so long somebody reads one person's words in full
LEAST_REASON = 10  # letters; fewer say nothing
DIARY = "diary:"  # what such messages are about, before the club's number

FOR_THE_COUNSELLOR = _("An answer for the Job Club’s counsellor.")


@dataclass(frozen=True)
class Mask:
    """One person as this member of staff sees them: under a number, or by name where that is allowed."""

    person_id: int
    first_name: str | None
    names: Collection[str]
    until: datetime | None  # they are read in full until then, in real time

    @property
    def is_off(self) -> bool:
        return self.until is not None

    @property
    def who(self) -> Words:
        """How they are called on the page."""
        if self.is_off and self.first_name:
            return _("{name} ({number})", name=self.first_name, number=str(self.person_id))
        return number_of(self.person_id, self.first_name)

    def text(self, words: str) -> str:
        return words if self.is_off else masked(words, names=self.names)

    def pieces(self, words: str, marks: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
        """Words with some of them marked; what is masked is never marked."""
        return parts(words, [] if self.is_off else hidden(words, names=self.names), marks)


def number_of(person_id: int, first_name: str | None) -> Text:
    """Somebody under a number, with their initial to tell them apart."""
    if first_name:
        return _("Person {number} · {initial}.", number=str(person_id), initial=first_name[0].upper())
    return _("Person {number}", number=str(person_id))


def names_in(first_name: str | None, draft: Mapping[str, Any]) -> list[str]:
    """What somebody is called: as they have signed up, and as they are just telling us."""
    told = draft.get("first_name")
    return [name for name in (first_name, told) if isinstance(name, str) and name]


class Masks:
    """The masks of a page, by person; times are real."""

    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def of(self, people: Mapping[int, tuple[str | None, Mapping[str, Any]]]) -> dict[int, Mask]:
        """By person: what they are called, and the draft they are filling in."""
        if not people:
            return {}
        off = self.store.reviews.unmasked(self.office.member.id, self.office.real, people)
        also = self.store.reviews.also_called(people)
        return {
            id: Mask(id, first_name, [*names_in(first_name, draft), *also.get(id, ())], off.get(id))
            for id, (first_name, draft) in people.items()
        }

    def of_one(self, person_id: int) -> Mask:
        return self.of(self.store.reviews.names_of([person_id]))[person_id]

    def hiding(self, person_id: int, first_name: str | None, draft: Mapping[str, Any]) -> Mask:
        """One that stays on, whoever reads."""
        also = self.store.reviews.also_called([person_id]).get(person_id, ())
        return Mask(person_id, first_name, [*names_in(first_name, draft), *also], None)

    def take_off(self, person_id: int, reason: str) -> None:
        """From now on this member reads this person's words in full, for a while. Raises Gone, Refused."""
        self.office.desk_of(person_id)
        reason = reason.strip()
        if len(reason) < LEAST_REASON:
            raise Refused(_("Write why you need it, in at least {count} letters.", count=LEAST_REASON))
        real = self.office.real
        self.store.reviews.unmask(self.office.member.id, person_id, reason, real, real + LASTS)
        self.office.note("unmask", f"person:{person_id}", minutes=int(LASTS.total_seconds() // 60))

    def put_on(self, person_id: int) -> None:
        """They have seen what they needed. Raises Gone."""
        self.office.desk_of(person_id)
        self.store.reviews.mask(self.office.member.id, person_id, self.office.real)
        self.office.note("masked_again", f"person:{person_id}")

    @cached_property
    def clubs(self) -> frozenset[str]:
        """The Job Clubs whose diaries this member may read: those they counsel."""
        mine = self.office.member.id
        return frozenset(one.id for one in self.store.job_clubs.all() if one.counsellor_id == mine)

    def may_read(self, subject: str | None) -> bool:
        """Is a message about this for their eyes?"""
        return not (subject or "").startswith(DIARY) or (subject or "").removeprefix(DIARY) in self.clubs
