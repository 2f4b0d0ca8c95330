# SPDX-License-Identifier: EUPL-1.2
"""The call list: whom somebody of the desk must telephone, why, by when, and what to say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk import Desk
from handlers.desk.cases import why
from handlers.desk.handover import NotYours
from handlers.desk.office.refusals import Refused
from handlers.desk.office.waiting import Waiting, Waits
from handlers.desk.office.written import day_in, moment_in
from handlers.moments import NEWS
from handlers.rules.job_clubs import AlreadyMember, Joined
from handlers.talk import Gone, Local, Text, Words, _, phones
from handlers.talk.text import ROME
from storage.calls import REMINDER, TRIED, Called, Unreminded
from storage.cases import Case
from storage.job_clubs import JobClub
from storage.people import in_scope
from storage.workshops import Workshop

if TYPE_CHECKING:
    from handlers.desk.office import Office

AT_A_TIME = 50
SOON = timedelta(hours=48)  # before an appointment whoever cannot be written to is called
LAST_CALL = timedelta(hours=3)  # before the start
PLACES = ("place_free", "club_place_free")
# What only a call settles; who has no open chat is called whatever it is.
REASONS = frozenset(
    {
        *("private_call", "to_call", "not_delivered", "late", "stays_away", "club_joined"),
        *("no_shows", "path_completed"),
        *("booking_confirmed", REMINDER, *PLACES),
        *(moment.name for moment in NEWS),
    }
)
WORKSHOPS: Mapping[str, Callable[..., Text]] = {
    "place_free": lambda **said: _("A place is free at «{title}», {when}. Do they want it?", **said),
    "late": lambda **said: _("They will be late for «{title}», {when}. Tell the tutor.", **said),
    "booking_confirmed": lambda **said: _("They have a place at «{title}», {when}. Tell them where it is.", **said),
    REMINDER: lambda **said: _("They have a place at «{title}», {when}. Ask whether they come.", **said),
    "unhappy": lambda **said: _("They were not happy with «{title}», {when}. Ask why.", **said),
    "workshop_moved": lambda **said: _("Tell them: «{title}» is now on {when}.", **said),
    "workshop_online": lambda **said: _("Tell them: «{title}», {when}, is online now.", **said),
    "workshop_called_off": lambda **said: _("Tell them: «{title}», {when}, is called off.", **said),
    "meeting_called_off": lambda **said: _("Tell them: «{title}», {when}, is called off.", **said),
    "meeting_unsure": lambda **said: _("Tell them: it is not sure yet that «{title}» meets, {when}.", **said),
    "meeting_on": lambda **said: _("Tell them: «{title}» meets, {when}.", **said),
}
CLUBS: Mapping[str, Callable[..., Text]] = {
    "club_place_free": lambda **said: _("A place is free in the Job Club «{name}». Do they want it?", **said),
    "club_joined": lambda **said: _("They are in the Job Club «{name}». Tell them when it meets.", **said),
    "stays_away": lambda **said: _("They missed two meetings of «{name}». Ask how they are.", **said),
}
OTHERS: Mapping[str, Text] = {
    "not_delivered": _("Tell them what this message says."),
    "private_call": _("They want to talk about something that is not for the chat. Listen first."),
    "no_shows": _("They did not come to their last two workshops. Ask how they are. They lose nothing."),
    "path_completed": _("Their path is completed. Tell them that they can join a Job Club."),
    "to_call": _("We cannot write to them. Ask what they need."),
    "asked": _("They asked for a person. Ask what they need."),
}


@dataclass(frozen=True)
class Call:
    """Somebody to be telephoned. Without ``case`` it is a reminder that nobody has taken yet, of ``booking_id``."""

    person_id: int
    who: Words
    phone: str | None
    language: str
    waits: Waits
    by: datetime
    is_late: bool
    say: Words
    message: str | None
    case: Case | None
    is_mine: bool
    booking_id: int = 0
    tried: tuple[datetime, str, date | None] | None = None  # when last, by whom, and when to try again
    is_place: bool = False


@dataclass(frozen=True)
class Page:
    """A page of the list: to be called now, and not before a day that somebody has chosen."""

    now: Sequence[Call]
    later: Sequence[Call]
    newer: str
    older: str


class Calls:
    def __init__(self, office: "Office") -> None:
        self.office, self.store, self.now = office, office.store, office.now

    def listed(self, *, after: str = "", before: str = "") -> Page:
        """Who waits for a call, the longest first; that somebody looked is written down."""
        scope = in_scope(self.office.scope.areas, self.office.scope.programmes)
        a, b = read(after), read(before)
        found = self.store.calls.listed(REASONS, scope, limit=AT_A_TIME + 1, after=a, before=b)
        shown, more = (found[-AT_A_TIME:] if b else found[:AT_A_TIME]), len(found) > AT_A_TIME
        soon = [] if a or b else self.store.calls.unreminded(scope, self.now, self.now + SOON, AT_A_TIME)
        calls = self._calls(shown, soon)
        today = self.now.astimezone(ROME).date()
        later = [one for one in calls if one.tried and one.tried[2] and one.tried[2] > today]
        self.office.note("calls_seen", "calls", people=len(calls))
        has_newer, has_older = (more if b else bool(a)), (True if b else more)
        return Page(
            [one for one in calls if one not in later],
            later,
            written(shown[0].case) if shown and has_newer else "",
            written(shown[-1].case) if shown and has_older else "",
        )

    def _calls(self, found: Sequence[Called], soon: Sequence[Unreminded]) -> list[Call]:
        subjects = [one.case.subject for one in found] + [f"workshop:{one.workshop_id}" for one in soon]
        known = self.store.workshops.several(numbers_in(subjects, "workshop"))
        clubs = {one.id: one for one in self.store.job_clubs.all()}
        texts = self.store.calls.said([one.case.message_id for one in found if one.case.message_id])
        tries, staff = self.store.calls.tries([one.case.id for one in found]), self.store.staff.names()
        waiting = Waiting(self.office)
        calls = [self._reminder(one, known[one.workshop_id], waiting) for one in soon]
        for one in found:
            waits = waiting.of(one.case.reason, one.case.opened_at, staff.get(one.case.taken_by or 0))
            workshop = about(one.case, "workshop", known)
            by = min(waits.due, last_call(one.case, workshop)) if workshop else waits.due
            at = max(by, one.case.opened_at)
            tried = tries.get(one.case.id)
            calls.append(
                Call(
                    one.case.person_id,
                    self.office.people.who(one.case.person_id, one.first_name),
                    number(one.phone or one.whatsapp),
                    one.language,
                    waits,
                    at,
                    self.now > at,
                    say(one.case, workshop, clubs),
                    texts.get(one.case.message_id or 0) if one.case.reason == "not_delivered" else None,
                    one.case,
                    one.case.taken_by == self.office.member.id,
                    tried=(tried[0], name(tried[1], staff), day(tried[2].get("again_on"))) if tried else None,
                    is_place=one.case.reason in PLACES,
                )
            )
        return calls

    def _reminder(self, one: Unreminded, workshop: Workshop, waiting: Waiting) -> Call:
        by = workshop.starts_at - LAST_CALL
        words = WORKSHOPS[REMINDER](title=Local(workshop.title), when=workshop.starts_at)
        return Call(
            one.person_id,
            self.office.people.who(one.person_id, one.first_name),
            number(one.phone),
            one.language,
            waiting.of(REMINDER, workshop.starts_at - SOON),
            by,
            self.now > by,
            words,
            None,
            None,
            False,
            booking_id=one.booking_id,
        )

    # ---- what is done about it

    def remind(self, booking_id: int) -> int:
        """Somebody takes it upon them to call about an appointment that is near. Returns the case. Raises Gone."""
        booking = self.store.workshops.booking(booking_id)
        if booking is None or booking.state != "booked":
            raise Gone
        self.office.desk_of(booking.person_id)
        self.store.dialogues.lock_person(booking.person_id)
        subject = f"workshop:{booking.workshop_id}"
        self.office.desk_of(booking.person_id).cases.open(REMINDER, subject=subject)
        case = self.store.calls.case_about(booking.person_id, REMINDER, subject)
        if case is None:
            raise Gone
        self.take(case.id)
        return case.id

    def take(self, case_id: int) -> None:
        """This member of the staff makes the call. Raises Gone, and Refused with the name of who makes it already."""
        case, desk = self._mine(case_id)
        try:
            desk.cases.take(case.id, self.office.member.id)
        except NotYours as trouble:
            raise Refused(taken(trouble.name)) from trouble

    def let_go(self, case_id: int) -> None:
        """Somebody else may call. Raises Gone, Refused."""
        case, desk = self._mine(case_id)
        try:
            desk.cases.let_go(case.id, self.office.member.id)
        except NotYours as trouble:
            raise Refused(taken(trouble.name)) from trouble

    def outcome(self, case_id: int, came_of_it: str, again_on: str = "") -> None:
        """
        Reached: it is done. Not reached: on another day, or at any time. Closed: nobody calls any more.

        Raises Gone, Refused.
        """
        case, desk = self._mine(case_id)
        self._not_anothers(case)
        on = day(again_on)
        if came_of_it not in ("reached", "not_reached", "closed") or (again_on and on is None):
            raise Refused(_("Say what came of it, and a day such as 2027-03-24."))
        details: dict[str, Any] = {"outcome": came_of_it} | ({"again_on": on.isoformat()} if on else {})
        self.office.note(TRIED, f"case:{case.id}", **details)
        self.office.note(TRIED, f"person:{case.person_id}", outcome=came_of_it)
        if came_of_it != "not_reached":
            desk.cases.close(case.id, self.office.member.id)

    def take_place(self, case_id: int) -> Words:
        """They want the place that is free: it is theirs, if it still is. Raises Gone, Refused."""
        case, desk = self._place(case_id)
        if not self._takes(desk, case):
            raise Refused(_("The place has gone to another person meanwhile. They keep their place in line."))
        for reason in {case.reason, "booking_confirmed"}:  # they have just been told
            if told := self.store.calls.case_about(case.person_id, reason, case.subject):
                desk.cases.close(told.id, self.office.member.id)
        self.office.note(TRIED, f"person:{case.person_id}", outcome="place_taken")
        return _("The place is theirs.")

    def give_place_on(self, case_id: int) -> Words:
        """They do not want it: they leave the line, and the next one is asked. Raises Gone, Refused."""
        case, desk = self._place(case_id)
        noun, _colon, id = case.subject.partition(":")
        if noun == "workshop":
            if mine := self.store.workshops.booking_of(case.person_id, int(id)):
                desk.workshops.cancel(mine.id)
        elif desk.job_clubs.mine(id):
            desk.job_clubs.leave(id)
        desk.cases.close(case.id, self.office.member.id)
        self.office.note(TRIED, f"person:{case.person_id}", outcome="place_given_on")
        return _("The place goes to the next person in line.")

    def _takes(self, desk: Desk, case: Case) -> bool:
        noun, _colon, id = case.subject.partition(":")
        if noun == "workshop":
            return desk.offers.take_by_telephone(int(id))
        return isinstance(desk.job_clubs.join(id), Joined | AlreadyMember)

    def _place(self, case_id: int) -> tuple[Case, Desk]:
        case, desk = self._mine(case_id)
        if case.reason not in PLACES:
            raise Gone
        self._not_anothers(case)
        return case, desk

    def _not_anothers(self, case: Case) -> None:
        if case.taken_by not in (None, self.office.member.id):
            raise Refused(taken(self.store.staff.names([case.taken_by]).get(case.taken_by)))

    def _mine(self, case_id: int) -> tuple[Case, Desk]:
        """An open case and the desk of its person, locked. Raises Gone, Refused."""
        case = self.store.cases.get(case_id)
        if case is None:
            raise Gone
        self.office.desk_of(case.person_id)
        self.store.dialogues.lock_person(case.person_id)
        case = self.store.cases.get(case_id)
        if case is None or case.closed_at:
            raise Refused(taken(None))
        return case, self.office.desk_of(case.person_id)


def taken(by: str | None) -> Words:
    return _("{name} makes this call.", name=by) if by else _("This call is done already.")


def say(case: Case, workshop: Workshop | None, clubs: Mapping[str, JobClub]) -> Words:
    """What to say on the telephone."""
    club = about(case, "job_club", clubs)
    if workshop and case.reason in WORKSHOPS:
        return WORKSHOPS[case.reason](title=Local(workshop.title), when=workshop.starts_at)
    if club and case.reason in CLUBS:
        return CLUBS[case.reason](name=Local(club.name))
    return OTHERS.get(case.reason) or why(case.reason)


def about(case: Case, noun: str, known: Mapping[Any, Any]) -> Any:
    """What a case is about, if that is a workshop, or a club."""
    what, _colon, id = case.subject.partition(":")
    return known.get(int(id) if id.isdigit() else id) if what == noun else None


def last_call(case: Case, workshop: Workshop) -> datetime:
    """After that it is too late to call."""
    return workshop.starts_at if case.reason == "late" else workshop.starts_at - LAST_CALL


def numbers_in(subjects: Sequence[str], noun: str) -> set[int]:
    parts = (one.partition(":") for one in subjects)
    return {int(id) for what, _colon, id in parts if what == noun and id.isdigit()}


def number(given: str | None) -> str | None:
    """A telephone number as people read it."""
    found = phones.find(given) if given else None
    return phones.in_groups(found) if found else None


def name(actor: str, staff: Mapping[int, str]) -> str:
    id = actor.removeprefix("staff:")
    return staff.get(int(id), "") if id.isdigit() else ""


def day(words: Any) -> date | None:
    return day_in(str(words)) if words else None


def written(case: Case) -> str:
    """Where a page of the list begins or ends, for the address."""
    return f"{case.opened_at.isoformat()}_{case.id}"


def read(words: str) -> tuple[datetime, int] | None:
    at, _line, id = words.partition("_")
    found = moment_in(at)
    return (found, int(id)) if found and id.isascii() and id.isdigit() and len(id) < 16 else None
