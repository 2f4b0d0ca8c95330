# SPDX-License-Identifier: EUPL-1.2
"""Who works at the desk, as an administrator keeps it: invited, changed, gone, back again."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from handlers.desk import Desk
from handlers.desk.handover import NotYours
from handlers.desk.office.coming_in import password_link
from handlers.desk.office.refusals import Refused
from handlers.rules.roles import ROLES, needs_second_factor
from handlers.talk import Gone, Text, _
from storage import Store
from storage.staff import Member

if TYPE_CHECKING:
    from handlers.desk.office import Office

AT_A_TIME = 50
ROLE_NAMES: dict[str, Text] = {
    "tutor": _("Tutor"),
    "counsellor": _("Counsellor"),
    "operator": _("Operator"),
    "l68_operator": _("Targeted placement"),
    "privacy_officer": _("Privacy officer"),
    "administrator": _("Administrator"),
}
LONGEST = 120  # letters of a name
EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]+\.[^@\s<>\".]{2,}")


@dataclass(frozen=True)
class Entry:
    """What is kept of somebody of the staff, as it stands in a form; what is not ticked is not limited."""

    name: str
    email: str
    role: str
    other_roles: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("it",)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset({self.role, *self.other_roles})

    @property
    def values(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "email": self.email.lower(),
            "role": self.role,
            "other_roles": sorted(set(self.other_roles) - {self.role}) or None,
            "areas": sorted(self.areas) or None,
            "programmes": sorted(self.programmes) or None,
            "languages": list(self.languages) or ["it"],
        }


def entry_of(member: Member) -> Entry:
    return Entry(
        member.name,
        member.email,
        member.role,
        tuple(member.other_roles or ()),
        tuple(member.areas or ()),
        tuple(member.programmes or ()),
        tuple(member.languages),
    )


@dataclass(frozen=True)
class Choices:
    """What there is to tick, by its code."""

    areas: Mapping[str, str] = field(default_factory=dict)
    programmes: Mapping[str, str] = field(default_factory=dict)


class Colleagues:
    """Everybody of the staff, for an administrator."""

    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def listed(
        self, *, closed: bool = False, after: tuple[str, int] | None = None, before: tuple[str, int] | None = None
    ) -> tuple[Sequence[Member], Mapping[int, datetime]]:
        """Some of them by name, one more than a page shows; and when each was last here."""
        found = self.store.staff.listed(AT_A_TIME + 1, closed=closed, after=after, before=before)
        return found, self.store.staff.last_seen([one.id for one in found])

    def get(self, id: int) -> Member:
        """Raises Gone."""
        if (found := self.store.staff.get(id)) is None:
            raise Gone
        return found

    def choices(self) -> Choices:
        return choices(self.store)

    def wrong_with(self, entry: Entry, id: int | None = None) -> dict[str, Text]:
        return wrong_with(self.store, entry, id)

    def invite(self, entry: Entry) -> tuple[int, str]:
        """Somebody new, and the token of the link with which they choose their password."""
        id, token = invited(self.store, entry, self.office.real)
        self.office.note("staff_invited", f"staff:{id}", **figures(entry))
        return id, token

    def change(self, id: int, entry: Entry) -> None:
        """Raises Gone, and Refused if nobody would be left who may do this."""
        before = entry_of(self._open(id))
        if id == self.office.member.id and "administrator" not in entry.roles:
            raise Refused(_("You cannot take this role from yourself. Ask another administrator."))
        self.store.staff.change(id, **entry.values)
        if needs_second_factor(entry.roles - before.roles):
            self.store.staff.halve_sessions(id)
        self.office.note("staff_changed", f"staff:{id}", before=figures(before), after=figures(entry))

    def close(self, id: int) -> list[int]:
        """
        They work here no longer: sessions and links end at once. Returns the people they were writing to.

        Raises Gone, Refused.
        """
        self._open(id)
        if id == self.office.member.id:
            raise Refused(_("You cannot close your own account. Ask another administrator."))
        closed(self.store, id, self.office.real)
        self.office.note("staff_closed", f"staff:{id}")
        return self.store.dialogues.taken_by(id)

    def give_back(self, person_id: int, id: int) -> None:
        """The program answers somebody again to whom one who has left was writing."""
        give_back(self._desk_of(person_id), id)

    def reopen(self, id: int) -> str:
        """They work here again, and choose a new password with this link. Raises Gone."""
        if (member := self.store.staff.lock(id)) is None or member.closed_at is None:
            raise Gone
        self.store.staff.change(id, closed_at=None, password=None)
        self.office.note("staff_reopened", f"staff:{id}")
        return password_link(self.store, self.get(id), self.office.real)

    def new_link(self, id: int) -> str:
        """The token of a link with which they choose a password. Raises Gone."""
        member = self._open(id)
        self.office.note("staff_link", f"staff:{id}", kind="reset" if member.password else "invitation")
        return password_link(self.store, member, self.office.real)

    def forget_second_factor(self, id: int) -> None:
        """Their telephone is lost: it is set up anew when they come in the next time. Raises Gone."""
        self._open(id)
        forget_second_factor(self.store, id, self.office.real)
        self.office.note("second_factor_forgotten", f"staff:{id}")

    def _open(self, id: int) -> Member:
        """Somebody who works here, with all others held still; and whoever asks is still an administrator."""
        everybody = {one.id: one for one in self.store.staff.lock_open()}
        asking = everybody.get(self.office.member.id)
        if asking is None or "administrator" not in asking.roles:
            raise Refused(_("Your role has changed meanwhile."))
        if id not in everybody:
            raise Gone
        return everybody[id]

    def _desk_of(self, person_id: int) -> Desk:
        store, office = self.store, self.office
        return Desk(store, store.people.get(person_id), office.now, office.catalogues, links=office.links)


def choices(store: Store) -> Choices:
    return Choices(store.territories.areas(), {one.id: one.name for one in store.territories.all_programmes()})


def wrong_with(store: Store, entry: Entry, id: int | None = None) -> dict[str, Text]:
    """What cannot stay as it was written, by field; ``id`` is whose entry it is, if they are of the staff already."""
    wrong = problems(entry, choices(store))
    taken = store.staff.with_email(entry.email)
    if "email" not in wrong and taken and taken.id != id:
        wrong["email"] = _("Somebody of the staff has this e-mail address already.")
    return wrong


def problems(entry: Entry, choices: Choices) -> dict[str, Text]:
    """What is wrong with an entry by itself."""
    wrong: dict[str, Text] = {}
    if not entry.name or len(entry.name) > LONGEST:
        wrong["name"] = _("Write a name, of {most} letters at most.", most=LONGEST)
    if not EMAIL.fullmatch(entry.email) or len(entry.email) > LONGEST:
        wrong["email"] = _("Write an e-mail address, such as name@example.org.")
    if not entry.roles <= set(ROLES):
        wrong["role"] = _("Choose a role.")
    if not set(entry.areas) <= set(choices.areas):
        wrong["areas"] = _("Choose among the areas of this service.")
    if not set(entry.programmes) <= set(choices.programmes):
        wrong["programmes"] = _("Choose among the programmes of this service.")
    return wrong


def figures(entry: Entry) -> dict[str, Any]:
    """What the record keeps of an entry: what they may do, and for whom; no name, no address."""
    kept = entry.values
    return {name: kept[name] for name in ("role", "other_roles", "areas", "programmes")}


def invited(store: Store, entry: Entry, real: datetime) -> tuple[int, str]:
    id = store.staff.add(**entry.values)
    member = store.staff.get(id)
    assert member
    return id, password_link(store, member, real)


def closed(store: Store, id: int, real: datetime) -> None:
    """Nothing of theirs opens anything any more, and what they looked after waits for anybody again."""
    store.staff.change(id, closed_at=real, password=None, second_factor=None, second_factor_step=None)
    store.staff.end_sessions(id, real)
    store.staff.end_links(id, real)
    store.cases.let_go_everywhere(id)


def give_back(desk: Desk, staff_id: int) -> None:
    with suppress(NotYours):  # somebody else was quicker
        desk.handover.give_back(staff_id, because="by_hand")


def forget_second_factor(store: Store, id: int, real: datetime) -> None:
    store.staff.change(id, second_factor=None, second_factor_step=None)
    store.staff.end_sessions(id, real)
