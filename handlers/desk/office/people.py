# SPDX-License-Identifier: EUPL-1.2
"""People as the desk finds them: the list, and somebody who signs up by telephone or at the desk."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk.office.masks import number_of
from handlers.desk.office.refusals import Refused
from handlers.desk.office.written import Written
from handlers.rules.ages import Allowed, allowed, may_be_18
from handlers.rules.roles import FOLLOWS
from handlers.talk import Local, Words, _, p_, phones
from handlers.talk.profile import LEVELS
from handlers.talk.text import ROME
from storage.folding import words
from storage.people import Listed, Wanted, in_scope

if TYPE_CHECKING:
    from handlers.desk.office import Office

AT_A_TIME = 50
LEAST_DIGITS = 4  # of a telephone number: with fewer everybody would be found
LONGEST_NAME, LONGEST_GOAL = 60, 80  # letters
RELEASE = "0"  # nothing of theirs was written by a conversation yet
HOW: Mapping[str, Words] = {
    "telephone": p_("how", "By telephone"),
    "desk": p_("how", "At the desk"),
    "letter": p_("how", "By letter or e-mail"),
    "colleague": p_("how", "From a colleague"),
}
ELSEWHERE = "elsewhere"
CHANNELS = {"telegram": "Telegram", "whatsapp": "WhatsApp", "terminal": "Terminal"}
LANGUAGES = {"it": "Italiano", "en": "English"}

TOO_YOUNG = _("Under 14 nobody can sign up.")
MINOR = _("From 14 to 17 they only get information. They sign up at 18.")


@dataclass(frozen=True)
class Line:
    """Somebody on the list, by name for those who follow people."""

    id: int
    who: Words
    listed: Listed
    channels: Sequence[str]


@dataclass(frozen=True)
class Page:
    """A page of the list, and the numbers from which the pages beside it go on."""

    lines: Sequence[Line]
    newer: int | None
    older: int | None


class People:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    @property
    def by_name(self) -> bool:
        """Does this member of the staff read people's names?"""
        return not self.office.member.roles.isdisjoint(FOLLOWS)

    def who(self, id: int, first_name: str | None) -> Words:
        """How somebody is called on a page."""
        if self.by_name and first_name:
            return _("{name} ({number})", name=first_name, number=str(id))
        return number_of(id, first_name) if self.by_name else number_of(id, None)

    # ---- the list

    def listed(self, asked: Mapping[str, str], *, below: int | None = None, above: int | None = None) -> Page:
        """Those who are asked for and may be seen."""
        scope = in_scope(self.office.scope.areas, self.office.scope.programmes)
        found = self.store.people.listed(self.wanted(asked), scope, limit=AT_A_TIME + 1, below=below, above=above)
        shown = found[-AT_A_TIME:] if above is not None else found[:AT_A_TIME]
        more = len(found) > AT_A_TIME
        channels = self.store.people.channels([one.id for one in shown])
        lines = [
            Line(one.id, self.who(one.id, one.first_name), one, [CHANNELS.get(name, name) for name in channels[one.id]])
            for one in shown
        ]
        has_newer = more if above is not None else below is not None
        has_older = True if above is not None else more
        return Page(
            lines,
            newer=shown[0].id if shown and has_newer else None,
            older=shown[-1].id if shown and has_older else None,
        )

    def wanted(self, asked: Mapping[str, str]) -> Wanted:
        days = asked.get("quiet", "")
        quiet = timedelta(days=int(days)) if days.isascii() and days.isdigit() and len(days) < 5 else None
        return Wanted(
            **self._meant(asked.get("q", "")),
            comune=asked.get("comune") or None,
            area=asked.get("area") or None,
            programme=asked.get("programme") or None,
            club=asked.get("club") or None,
            language=asked.get("language") or None,
            registered=_yes_or_no(asked.get("registered")),
            stopped=_yes_or_no(asked.get("stopped")),
            quiet_since=self.office.now - quiet if quiet else None,
        )

    def _meant(self, search: str) -> dict[str, Any]:
        """A search may mean a name, a code, a telephone number, or the number of a person: Person 12."""
        if not search:
            return {}
        found: dict[str, Any] = {"is_search": True, "code": search}
        named = re.fullmatch(r"(?:\w+\s+|#\s*)?(\d{1,15})", search)
        digits = re.sub(r"[\s./()-]", "", search)
        if named:
            found["number"] = int(named[1])
        if re.fullmatch(rf"(?:\+|00)?\d{{{LEAST_DIGITS},15}}", digits):
            bare = digits.removeprefix("+").removeprefix("00")
            found["phones"] = (f"+{bare}",) if digits != bare else (f"+39{bare}", f"+{bare}")
        if self.by_name:
            found["name"] = " ".join(words(search))
        return found

    def choices(self) -> dict[str, list[tuple[str, Any]]]:
        """What the list can be narrowed by."""
        scope = self.office.scope
        return {
            "comune": [(one.istat, one.name) for one in self.store.territories.places()],
            "area": list(self.store.territories.areas().items()),
            "programme": [(one.id, one.name) for one in self.store.territories.all_programmes()],
            "club": [(one.id, Local(one.name)) for one in self.store.job_clubs.in_sight(scope.areas, scope.programmes)],
            "language": [(one, one) for one in self.store.people.languages()],
        }

    # ---- signing up on somebody's behalf

    def form(self) -> dict[str, Any]:
        """What the form to sign up can be filled in with, and the version of the notice that is read out."""
        notice = self.store.questions.notice()
        return {
            "comuni": [(one.istat, one.name) for one in self.store.territories.places()],
            "levels": list(LEVELS.items()),
            "languages": [(one, LANGUAGES.get(one, one)) for one in sorted(self.office.catalogues.languages)],
            "how": list(HOW.items()),
            "notice": notice,
        }

    def sign_up(self, form: Written, person_id: int | None = None) -> int | None:
        """
        Somebody who is at the desk or at the telephone signs up: a new person without a chat, or one we know who has
        not signed up. Returns their number, or None: ``form.wrong`` says what is wrong.

        Permissions to write to them are not asked here: only they can give them, in their chat.
        """
        values, notice = self._profile(form), self.store.questions.notice()
        phone = phone_in(form, needed=person_id is None)
        how = form.one_of("how", HOW)
        if notice is None:
            form.wrong["notice"] = _("There is no privacy notice yet, so nobody can sign up.")
        elif not form.ticked("notice"):
            form.wrong["notice"] = _("Read the privacy notice out first, then tick here.")
        if form.wrong or notice is None:
            return None
        is_new = person_id is None
        if person_id is not None and self.office.desk_of(person_id).person.registered_at:
            raise Refused(_("They have signed up already."))
        if person_id is None:
            person_id = self.store.people.enter(str(values.pop("language")), RELEASE, self.office.now)
        self.store.dialogues.lock_person(person_id)
        desk = self.office.desk_of(person_id)
        if "language" in values:
            desk.people.speak(str(values.pop("language")))
        desk.people.register(**values)
        if phone:
            desk.people.call_at(phone)
        self.office.note("signed_up_for_them", f"person:{person_id}", notice=notice.version, how=how, is_new=is_new)
        return person_id

    def _profile(self, form: Written) -> dict[str, Any]:
        return {
            "first_name": form.text("first_name", LONGEST_NAME),
            "birth_year": self.birth_year(form),
            "comune": self.comune(form),
            "goal": form.text("goal", LONGEST_GOAL, needed=False) or None,
            "italian_level": form.one_of("italian_level", LEVELS, needed=False),
            "language": form.one_of("language", self.office.catalogues.languages),
        }

    def birth_year(self, form: Written) -> int | None:
        """The year, of somebody who is old enough."""
        today = self.office.now.astimezone(ROME).date()
        year = form.number("birth_year", today.year - 110, today.year)
        if year is None:
            return None
        match allowed(year, today):
            case Allowed.TOO_YOUNG:
                form.wrong["birth_year"] = TOO_YOUNG
            case Allowed.INFORMATION_ONLY if not may_be_18(year, today):
                form.wrong["birth_year"] = MINOR
            case Allowed.INFORMATION_ONLY if not form.ticked("of_age"):
                form.wrong["birth_year"] = _("They turn 18 this year. If they are 18 already, tick it below.")
        return year

    def comune(self, form: Written) -> str | None:
        """Where they live; none for whoever lives outside our area."""
        known = {one.istat for one in self.store.territories.places()}
        found = form.one_of("comune", {*known, ELSEWHERE})
        return None if found == ELSEWHERE else found


def phone_in(form: Written, *, needed: bool) -> str | None:
    """A telephone number as people say it, in the international form."""
    given = form.get("phone")
    if not given and not needed:
        return None
    found = phones.find(given)
    if found is None:
        form.wrong["phone"] = _("Write one telephone number, for example 333 1234567.")
    return found


def _yes_or_no(said: str | None) -> bool | None:
    return {"yes": True, "no": False}.get(said or "")
