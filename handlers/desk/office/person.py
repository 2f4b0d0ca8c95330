# SPDX-License-Identifier: EUPL-1.2
"""A person on one screen, and what the desk does on their behalf; by the same rules as in the chat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from handlers.desk import Desk
from handlers.desk.export import PERMISSIONS
from handlers.desk.handover import why_not
from handlers.desk.office.audit import ACTIONS, what, who
from handlers.desk.office.future import Coming
from handlers.desk.office.people import (
    CHANNELS,
    ELSEWHERE,
    HOW,
    LANGUAGES,
    LONGEST_GOAL,
    LONGEST_NAME,
    MINOR,
    TOO_YOUNG,
    phone_in,
)
from handlers.desk.office.refusals import Refused
from handlers.desk.office.waiting import Waiting, Waits
from handlers.desk.office.written import Written
from handlers.desk.workshops import Listed
from handlers.rules.booking import AlreadyBooked, AlreadyOffered, AlreadyWaiting, Booked, Full, TooEarly
from handlers.rules.booking import Waiting as InLine
from handlers.rules.job_clubs import AlreadyMember, Joined, NotYet
from handlers.talk import Gone, Local, Text, Words, _, p_, phones
from handlers.talk.profile import LEVELS
from handlers.talk.reasons import why as why_shut
from storage.cases import Case
from storage.dossiers import Chat, Enrolment, Place, Progress, Seat
from storage.files import Attachment
from storage.job_clubs import JobClub
from storage.merges import Merge
from storage.people import Person as Row
from storage.people import Proof
from storage.reviews import Note
from storage.workshops import ACTIVE, Workshop

if TYPE_CHECKING:
    from handlers.desk.office import Office

MOST_PLACES, MOST_DEEDS, MOST_FILES = 200, 50, 30
HIDDEN = "●●●"

STATES: Mapping[str, Words] = {
    "booked": p_("for the desk", "has a place"),
    "confirmed": p_("for the desk", "has a place and says they come"),
    "offered": p_("for the desk", "is offered a place"),
    "waiting": p_("for the desk", "is on the waiting list"),
    "cancelled_by_person": p_("for the desk", "gave it up"),
    "lapsed": p_("for the desk", "the offer is over"),
    "called_off": p_("for the desk", "was called off"),
    "present": p_("for the desk", "was there"),
    "late": p_("for the desk", "was there, late"),
    "absent": p_("for the desk", "was not there"),
    "excused": p_("for the desk", "was not there, and excused"),
    "member": p_("for the desk", "is in the club"),
    "left": p_("for the desk", "left the club"),
    "declined": p_("for the desk", "did not want it"),
    "withdrawn": p_("for the desk", "left the line"),
    "enrolled": p_("for the desk", "is in the programme"),
    "moved": p_("for the desk", "moved away"),
}
# What is told of somebody's profile, and by whom it was changed.
CHANGES: Mapping[str, Words] = {
    "registered": _("Signed up"),
    "signed_up_for_them": _("Was signed up"),
    "corrected": _("Put something right"),
    "corrected_for_them": _("Was put right"),
    "phone_given": _("Gave a telephone number"),
    "stopped": _("Said stop"),
    "started": _("Said start"),
    "blocked": _("Shut a chat"),
    "unblocked": _("Opened a chat again"),
    "joined_club": _("Joined a Job Club"),
    "left_club": _("Left a Job Club"),
    "let_in": _("Was let into a Job Club"),
    "merged": _("Became one with another number"),
    "parted": _("Was parted from another number"),
}
FIELDS: Mapping[str, Words] = {
    "first_name": _("First name"),
    "birth_year": _("Year of birth"),
    "comune_istat": _("Town"),
    "comune": _("Town"),
    "goal": _("Job they look for"),
    "italian_level": _("Their Italian"),
    "language": _("Language"),
    "phone": _("Telephone"),
}
DESK, SYSTEM, THEMSELVES = _("the desk"), _("the program"), _("they themselves")


@dataclass(frozen=True)
class Reached:
    """A chat, and whether anything reaches them there."""

    chat: Chat
    channel: str
    address: str
    standing: Words
    is_open: bool


@dataclass(frozen=True)
class Change:
    """Something that was changed: what, by whom, when, and how the desk heard of it."""

    at: datetime
    what: Words
    fields: Sequence[Words]
    who: Words
    how: Words | None


@dataclass(frozen=True)
class Visit:
    """A workshop or a meeting, with how they stand there in words."""

    place: Place
    standing: Words
    can_be_cancelled: bool


@dataclass(frozen=True)
class Screen:
    """All that the desk knows of somebody, as this member of the staff may see it."""

    person: Row
    who: Words
    code_numbers: Sequence[int]  # theirs, and those of who turned out to be the same
    by_name: bool
    town: str | None
    phone: str | None
    language: str
    level: Words | None
    since: datetime | None
    why_not: Text | None
    chats: Sequence[Reached]
    permissions: Mapping[str, Words]
    consents: Sequence[Proof]
    enrolments: Sequence[tuple[Enrolment, Words]]
    ahead: Sequence[Visit]
    past: Sequence[Visit]
    clubs: Sequence[tuple[Seat, Words]]
    progress: Sequence[Progress]
    files: Sequence[Attachment]
    cases: Sequence[tuple[Case, Waits]]
    notes: Sequence[Note]
    staff: Mapping[int, str]
    changes: Sequence[Change]
    merges: Sequence[tuple[Merge, bool]]
    coming: Sequence[Coming]
    deeds: Sequence[tuple[datetime, Words, Words, Words]]  # when, who, what, and about whom or what


@dataclass(frozen=True)
class Clash:
    """It is not done yet: somebody has to say that they want it all the same."""

    question: Words
    or_wait: bool = False
    despite: bool = False


class Person:
    def __init__(self, office: "Office") -> None:
        self.office, self.store, self.now = office, office.store, office.now

    def screen(self, id: int) -> Screen:
        """Raises Gone; that somebody looked is written down."""
        desk = self.office.desk_of(id)
        person, dossiers = desk.person, self.store.dossiers
        by_name = self.office.people.by_name
        place = self.store.territories.place(person.comune_istat)
        places = dossiers.places(id, MOST_PLACES)
        staff, numbers, merges = self.store.staff.names(), self.store.merges.numbers(id), self.store.merges.of(id)
        ahead = [one for one in places if one.ends_at > self.now and (one.state in ACTIVE or one.cancelled_at)]
        waiting = Waiting(self.office)
        found = Screen(
            person=person,
            who=self.office.people.who(id, person.first_name),
            code_numbers=numbers,
            by_name=by_name,
            town=place.name if place else None,
            phone=(phones.in_groups(person.phone) if by_name else HIDDEN) if person.phone else None,
            language=LANGUAGES.get(person.language, person.language),
            level=LEVELS.get(person.italian_level or ""),
            since=self.store.people.since(id),
            why_not=why_not(desk),
            chats=self._chats(id, by_name),
            permissions=PERMISSIONS,
            consents=self.store.people.proofs(id)[::-1],
            enrolments=[(one, in_words(one.state)) for one in dossiers.enrolments(id)],
            ahead=[self._visit(one) for one in reversed(ahead)],
            past=[self._visit(one) for one in places if one not in ahead],
            clubs=[(one, in_words(one.state)) for one in dossiers.seats(id)],
            progress=dossiers.progress(id),
            files=self.store.files.of(id, MOST_FILES) if by_name else [],
            cases=[(one, waiting.of(one.reason, one.opened_at)) for one in self.store.cases.of(id)],
            notes=self.store.reviews.notes(id, MOST_DEEDS) if by_name else [],
            staff=staff,
            changes=self._changes(numbers, staff),
            merges=[(one, self.office.merging.can_be_undone(one)) for one in merges],
            coming=self.office.future.of(desk, by_name=by_name),
            deeds=self._deeds(numbers, staff) if self.office.may("audit", "read") else [],
        )
        self.office.note("person_seen", f"person:{id}")
        return found

    def _chats(self, id: int, by_name: bool) -> list[Reached]:
        shut = self.store.dossiers.shut_because(id)
        return [
            Reached(
                one,
                CHANNELS.get(one.channel, one.channel),
                one.address if by_name else HIDDEN,
                why_shut(shut.get(one.id, "blocked")) if one.blocked_at else _("Open"),
                one.blocked_at is None,
            )
            for one in self.store.dossiers.chats(id)
        ]

    def _visit(self, place: Place) -> Visit:
        is_ahead = place.ends_at > self.now and place.cancelled_at is None
        return Visit(place, standing(place), is_ahead and place.state in ACTIVE)

    def _deeds(self, numbers: Sequence[int], staff: Mapping[int, str]) -> list[tuple[datetime, Words, Words, Words]]:
        deeds = self.store.dossiers.deeds(numbers, MOST_DEEDS)
        return [
            (one.at, who(one.actor, staff), ACTIONS.get(one.action, one.action), what(one.subject, staff))
            for one in deeds
        ]

    def _changes(self, numbers: Sequence[int], staff: Mapping[int, str]) -> list[Change]:
        deeds = self.store.dossiers.deeds(numbers, MOST_DEEDS, CHANGES)
        return [
            Change(
                one.at,
                CHANGES[one.action],
                [FIELDS[name] for name in str((one.details or {}).get("what") or "").split(", ") if name in FIELDS],
                who_did(one.actor, staff),
                HOW.get(str((one.details or {}).get("how"))),
            )
            for one in deeds
            # The desk's own line says how it heard of it; the line of the deed itself would say the same twice.
            if not (one.actor.startswith("staff:") and one.action in ("registered", "corrected", "phone_given"))
        ]

    # ---- what can be chosen

    def open_workshops(self, id: int) -> list[Listed]:
        """What can be booked for them now, the nearest first. Raises Gone."""
        return self.office.desk_of(id).workshops.open()

    def open_clubs(self, id: int) -> list[JobClub]:
        return self.office.desk_of(id).job_clubs.near()

    def form(self, id: int) -> Written:
        """What they have told us, as the form to put it right shows it. Raises Gone."""
        person = self.office.desk_of(id).person
        known = {name: getattr(person, name) for name in ("first_name", "birth_year", "goal", "italian_level")}
        where = person.comune_istat or (ELSEWHERE if person.registered_at else "")
        phone = phones.in_groups(person.phone) if person.phone else ""
        return Written.of({**known, "comune": where, "language": person.language, "phone": phone})

    # ---- on their behalf

    def correct(self, id: int, form: Written) -> bool:
        """
        What they told us is put right, and how the desk heard of it is on record. False: ``form.wrong`` says why not.

        Raises Gone.
        """
        desk = self.office.locked(id)
        person, people = desk.person, self.office.people
        how = form.one_of("how", HOW)
        language = form.one_of("language", self.office.catalogues.languages)
        phone = phone_in(form, needed=False)
        values: dict[str, Any] = {"phone": phone}
        comune = person.comune_istat
        if person.registered_at:
            values["first_name"] = form.text("first_name", LONGEST_NAME)
            if form.get("birth_year") or person.birth_year:
                values["birth_year"] = people.birth_year(form)
            values["goal"] = form.text("goal", LONGEST_GOAL, needed=False) or None
            values["italian_level"] = form.one_of("italian_level", LEVELS, needed=False)
            comune = people.comune(form)
        if form.wrong.get("birth_year") in (MINOR, TOO_YOUNG):  # somebody of the desk talks to them
            desk.cases.open("under_age")
        if form.wrong:
            return False
        new = {name: value for name, value in values.items() if value != getattr(person, name)}
        what = sorted(new)
        if new:
            desk.people.correct(**new)
        if comune != person.comune_istat:
            desk.people.move(comune)
            what.append("comune_istat")
        if language and language != person.language:
            desk.people.speak(language)
            what.append("language")
        if what:
            self.office.note("corrected_for_them", f"person:{id}", what=", ".join(what), how=how)
        return True

    def book(self, id: int, workshop_id: int, *, or_wait: bool = False, despite: bool = False) -> Words | Clash:
        """
        A place for them, or in line: what became of it, or what has to be asked before. Raises Gone, Refused.

        ``despite``: they want it although they have something else at that time.
        """
        desk = self.office.locked(id)
        if desk.person.registered_at is None:
            raise Refused(_("They have not signed up yet. Sign them up first."))
        workshop = desk.workshops.card(workshop_id).workshop
        clashes = desk.workshops.clashes(workshop)
        if clashes and not despite:
            title = Local(clashes[0].workshop.title)
            return Clash(_("They have «{title}» at that time. Book it all the same?", title=title), or_wait, True)
        decision = desk.workshops.book(workshop_id, or_wait=or_wait)
        if isinstance(decision, Full):
            return Clash(_("There are no free places now. Shall they go on the waiting list?"), True, despite)
        if isinstance(decision, Booked | InLine):
            self.office.note("booked_for_them", f"person:{id}", workshop=workshop_id)
        return self._said(desk, decision, workshop)

    def _said(self, desk: Desk, decision: object, workshop: Workshop) -> Words:
        match decision:
            case Booked() if desk.cases.is_open("booking_confirmed"):
                return _("They have a place. We cannot write to them: they are on the call list.")
            case Booked():
                return _("They have a place. The card that says so is on its way.")
            case InLine(position=position):
                return _("They are number {position} on the waiting list.", position=position)
            case AlreadyBooked():
                raise Refused(_("They have a place there already."))
            case AlreadyWaiting(position=position):
                raise Refused(_("They are on the waiting list already, number {position}.", position=position))
            case AlreadyOffered():
                raise Refused(_("A place is held for them: they only have to say yes."))
            case TooEarly(opens_at=opens_at):
                raise Refused(_("Booking opens on {when}.", when=opens_at))
            case _:
                raise Refused(_("This workshop takes no more bookings."))

    def cancel(self, id: int, booking_id: int) -> None:
        """They give up a place, or a place in line; it goes to the next one. Raises Gone."""
        workshop = self.office.locked(id).workshops.cancel(booking_id)
        self.office.note("cancelled_for_them", f"person:{id}", workshop=workshop.id)

    def join(self, id: int, club_id: str, *, or_wait: bool = False) -> Words | Clash:
        """A place in a Job Club, or in its line, once the path is done. Raises Gone, Refused."""
        desk = self.office.locked(id)
        if desk.person.registered_at is None:
            raise Refused(_("They have not signed up yet. Sign them up first."))
        match desk.job_clubs.join(club_id, or_wait=or_wait):
            case Joined():
                desk.job_clubs.tell_joined(club_id)
                return _("They are in the Job Club.")
            case InLine(position=position):
                return _("They are number {position} on the waiting list.", position=position)
            case Full():
                return Clash(_("There are no free places now. Shall they go on the waiting list?"), True)
            case NotYet(missing=missing):
                raise Refused(
                    _(
                        "The path comes first: {meetings} group meetings and {interviews} interviews are missing.",
                        meetings=missing.group_meetings,
                        interviews=missing.interviews,
                    )
                )
            case AlreadyMember():
                raise Refused(_("They are in this Job Club already."))
            case AlreadyWaiting(position=position):
                raise Refused(_("They are on the waiting list already, number {position}.", position=position))
            case _:
                raise Refused(_("A place is held for them: they only have to say yes."))

    def leave(self, id: int, club_id: str) -> None:
        """They leave a Job Club, its line, or an offer. Raises Gone."""
        self.office.locked(id).job_clubs.leave(club_id)

    def stop(self, id: int, how: str) -> None:
        """They told the desk that they want no more messages. Raises Gone, Refused."""
        if how not in HOW:
            raise Refused(_("Say how they told you."))
        desk = self.office.locked(id)
        if desk.person.stopped_at:
            raise Refused(_("They have said stop already."))
        desk.people.stop()
        self.office.note("stopped_for_them", f"person:{id}", how=how)

    def whole(self, id: int) -> int:
        """Who somebody is by now: another number, if they turned out to be the same. Raises Gone."""
        seen = {id}
        while (row := self.store.people.find(id)) and row.merged_into and row.merged_into not in seen:
            id = row.merged_into
            seen.add(id)
        if row is None:
            raise Gone
        return id


def standing(place: Place) -> Words:
    """How somebody stands at a workshop."""
    if place.cancelled_at:
        return STATES["called_off"]
    if place.attendance and place.state == "booked":
        return in_words(place.attendance)
    if place.state == "waiting":
        return p_("for the desk", "is number {position} on the waiting list", position=place.position)
    if place.state == "offered":
        return p_("for the desk", "is offered a place until {until}", until=place.offered_until)
    return STATES["confirmed"] if place.state == "booked" and place.confirmed_at else in_words(place.state)


def who_did(actor: str, staff: Mapping[int, str]) -> Words:
    """The name of somebody of the staff; or the person themselves, or the program."""
    noun, _colon, id = actor.partition(":")
    if noun == "staff" and id.isdigit():
        return staff.get(int(id), DESK)
    return THEMSELVES if noun == "person" else SYSTEM


def in_words(state: str) -> Words:
    return STATES.get(state, state)
