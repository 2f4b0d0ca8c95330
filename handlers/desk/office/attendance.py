# SPDX-License-Identifier: EUPL-1.2
"""Who was there, as the desk writes it down: one by one, all the others at once, or from a list."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from handlers.desk.attendance import How
from handlers.desk.office.refusals import Refused
from handlers.desk.office.written import fingerprint
from handlers.rules import attendance as rules
from handlers.rules.attendance import ALL, Decision, Kept, NeedsReason, NotYet, Said, SaidAlready
from handlers.rules.attendance_sheet import Fault, Line, Unreadable, read
from handlers.talk import Gone, Text, Words, _, n_
from storage.attendances import Attendance as Word
from storage.folding import words
from storage.workshops import Attender, Booking, Workshop

if TYPE_CHECKING:
    from handlers.desk.office import Office

LONGEST_REASON = 300  # letters
FOUND = 10  # people are offered to be added; whoever is not among them is looked for in other words
FAULTS: Mapping[Fault, Text] = {
    "formula": _("This cell is a formula. Write the value itself."),
    "nobody": _("It does not say who is meant."),
    "no_state": _("It does not say: present, late, absent or excused."),
}
UNREADABLE: Mapping[str, Text] = {
    "empty": _("Paste a list, or choose a file."),
    "no_head": _("The first line must name the columns: number or name, and state."),
    "too_long": _("This is too long: 500 lines at the most."),
}


@dataclass(frozen=True)
class Row:
    """Somebody's place, and what was said about it, oldest first. Of other desks only that somebody is there."""

    booking: Booking
    who: Words | None
    words: Sequence[Word]
    by: Words  # who said what stands

    @property
    def said(self) -> str | None:
        return self.booking.attendance


@dataclass(frozen=True)
class Sheet:
    """The page of a workshop on which it is said who was there."""

    workshop: Workshop
    rows: Sequence[Row]
    others: int  # of other desks
    opens: datetime | None  # from when on it can be said; None: now
    taken: int

    @property
    def counts(self) -> Counter[str | None]:
        return Counter(row.said for row in self.rows)

    @property
    def is_full(self) -> bool:
        return self.taken >= self.workshop.capacity

    @property
    def unsaid(self) -> int:
        return self.counts[None]


@dataclass(frozen=True)
class Known:
    """Somebody who was looked for; ``is_here``: they have a place already."""

    id: int
    who: Words
    is_here: bool


@dataclass(frozen=True)
class Read:
    """A line of a list: whom it means, what it would change; or what is wrong with it."""

    line: Line
    row: Row | None
    wrong: Words | None = None

    @property
    def is_new(self) -> bool:
        return self.wrong is None and self.row is not None and self.row.said != self.line.said

    @property
    def is_correction(self) -> bool:
        return self.is_new and self.row is not None and self.row.said is not None


@dataclass(frozen=True)
class Preview:
    """What a list would do; ``seen`` is how things stood when it was shown."""

    lines: Sequence[Read]
    seen: str

    @property
    def new(self) -> list[Read]:
        return [one for one in self.lines if one.is_new]

    @property
    def wrong(self) -> list[Read]:
        return [one for one in self.lines if one.wrong]

    @property
    def needs_reason(self) -> bool:
        return any(one.is_correction for one in self.lines)


class Attendance:
    def __init__(self, office: "Office") -> None:
        self.office, self.store, self.now = office, office.store, office.now

    # ---- looking

    def sheet(self, id: int) -> Sheet:
        """Raises Gone for what is not theirs to see, and Refused for what was called off."""
        workshop, scope = self._mine(id), self.office.scope
        crowd = self.store.workshops.crowd(id, scope.areas, scope.programmes)
        booked = [one for one in crowd if one.booking.state == "booked"]
        mine = [one for one in booked if one.is_mine]
        said, staff = self.store.attendances.of([one.booking.id for one in mine]), self.store.staff.names()
        rows = [self._row(one, said[one.booking.id], staff) for one in mine]
        opens = workshop.starts_at - rules.OPENS
        taken = sum(one.booking.state in ("booked", "offered") for one in crowd)
        return Sheet(workshop, rows, len(booked) - len(mine), opens if self.now < opens else None, taken)

    def _row(self, one: Attender, said: Sequence[Word], staff: Mapping[int, str]) -> Row:
        who = self.office.people.who(one.booking.person_id, one.first_name)
        return Row(one.booking, who, said, by(said[-1], staff) if said else "")

    def _mine(self, id: int) -> Workshop:
        workshop = self.office.workshops.one(id)
        if workshop.cancelled_at:
            raise Refused(_("It was called off: nobody was there."))
        return workshop

    def seek(self, sheet: Sheet, asked: str) -> list[Known]:
        """Whom somebody may mean who is in the room without a place; that somebody looked is written down."""
        found = self.office.people.listed({"q": asked}).lines[:FOUND] if asked else []
        here = {row.booking.person_id for row in sheet.rows}
        if asked:
            self.office.note("people_sought", f"workshop:{sheet.workshop.id}", found=len(found))
        return [Known(one.id, one.who, one.id in here) for one in found]

    # ---- saying

    def mark(self, id: int, booking_id: int, said: str, reason: str) -> Decision:
        """What was said of one place; nothing takes it back. Raises Gone, and Refused with what is wrong."""
        self._mine(id)
        booking = self.store.workshops.booking(booking_id)
        if booking is None or booking.workshop_id != id or (said and said not in ALL):
            raise Gone
        if len(reason) > LONGEST_REASON:
            raise Refused(_("This is too long: {count} letters at the most.", count=LONGEST_REASON))
        return self._say(booking, said or None, reason=reason)

    def mark_rest(self, id: int) -> int:
        """All of whom nothing was said were there; returns how many. Raises Gone, Refused."""
        rest = [row.booking for row in self.sheet(id).rows if row.said is None]
        self._hold(rest)
        return sum(isinstance(self._say(one, "present"), Kept) for one in rest)

    def bring_in(self, id: int, person_id: int) -> Decision:
        """Somebody without a place is in the room: they have one now, and are present. Raises Gone, Refused."""
        workshop = self._mine(id)
        desk = self.office.locked(person_id)
        try:
            decision = desk.attendance.bring_in(id)
        except Gone:
            if workshop.is_meeting:
                raise Refused(_("They are not in this Job Club. Let them in first.")) from None
            raise
        if isinstance(decision, Kept):
            self.office.note("walked_in", f"person:{person_id}", workshop=id)
        return self._told(decision)

    def _say(self, booking: Booking, said: Said | None, *, how: How = "console", reason: str = "") -> Decision:
        desk = self.office.locked(booking.person_id)
        decision = desk.attendance.mark(booking.id, said, how=how, reason=reason)
        if isinstance(decision, Kept):
            details = {"workshop": booking.workshop_id, "said": said or "nothing", "how": how}
            self.office.note("attendance_said", f"person:{booking.person_id}", **details)
        return self._told(decision)

    @staticmethod
    def _told(decision: Decision) -> Decision:
        if isinstance(decision, NotYet):
            raise Refused(_("It has not begun. From {when} on you can say who is there.", when=decision.opens))
        return decision

    def _hold(self, bookings: Iterable[Booking]) -> None:
        """Everybody first, in one order, and the workshop after them: so nobody waits for each other in a circle."""
        for person_id in sorted({one.person_id for one in bookings}):
            self.office.locked(person_id)

    # ---- from a list

    def preview(self, id: int, text: str) -> Preview:
        """What a list would change. Raises Gone, and Refused where it is no list."""
        sheet, found = self.sheet(id), read(text)
        if isinstance(found, Unreadable):
            raise Refused(UNREADABLE[found.why])
        lines = _once([_meant(one, sheet.rows) for one in found])
        stands = {str(row.booking.id): row.said or "" for row in sheet.rows}
        return Preview(lines, fingerprint({"text": text, "stands": stands}))

    def bring_over(self, id: int, text: str, *, seen: str, reason: str) -> Preview | int:
        """
        All of a list in one go; returns how many places it changed, or the list again: something has changed
        since it was shown, or a reason is missing. Raises Gone, Refused.
        """
        found = self.preview(id, text)
        self._hold(one.row.booking for one in found.new if one.row)
        found = self.preview(id, text)  # as it is now that nobody else can change it
        if found.seen != seen or (found.needs_reason and not reason.strip()):
            return found
        return sum(
            isinstance(self._say(one.row.booking, one.line.said, how="sheet", reason=reason), Kept)
            for one in found.new
            if one.row
        )


def _meant(line: Line, rows: Sequence[Row]) -> Read:
    """Whose place a line means: by number, or by a name that only one of them has."""
    if line.fault:
        return Read(line, None, FAULTS[line.fault])
    if line.person_id is not None:
        found = [row for row in rows if row.booking.person_id == line.person_id]
    else:
        found = [row for row in rows if words(line.who)[:1] == words(str(name_of(row)))[:1]]
    if len(found) > 1:
        return Read(line, None, _("More than one person is called so. Write the number."))
    return Read(line, found[0]) if found else Read(line, None, _("They have no place here. Add them first."))


def _once(lines: list[Read]) -> list[Read]:
    """Somebody of whom two lines say different things is not guessed at; what is said twice counts once."""
    said: dict[int, set[Said | None]] = {}
    for one in lines:
        if one.row:
            said.setdefault(one.row.booking.id, set()).add(one.line.said)
    found: dict[object, Read] = {}
    for one in lines:
        id = one.row.booking.id if one.row else None
        if id is not None and len(said[id]) == 1:
            found.setdefault(("place", id), one)
        else:
            other = _("Another line says something else of the same person.")
            found["line", one.line.number] = Read(one.line, None, one.wrong or other)
    return list(found.values())


def name_of(row: Row) -> str:
    """The first name, where this member may read it."""
    who = row.who
    return str(who.params.get("name", "")) if isinstance(who, Text) else ""


def by(word: Word, staff: Mapping[int, str]) -> Words:
    """Who said it, and how."""
    noun, _colon, number = word.by.partition(":")
    if noun == "person":
        return (
            _("they themselves, with the code in the room") if word.how == "qr" else _("they themselves, in the chat")
        )
    name = staff.get(int(number), "–") if number.isdigit() else "–"
    match word.how:
        case "sheet":
            return _("{name}, from a list", name=name)
        case "chat":
            return _("{name}, in the chat", name=name)
        case _:
            return name


def told(decision: Decision) -> Text:
    """What became of it, in a sentence."""
    match decision:
        case SaidAlready():
            return _("That stood there already.")
        case NeedsReason():
            return _("Say why you correct it.")
        case _:
            return _("It is written down.")


def told_many(count: int) -> Text:
    return n_("{count} place is written down.", "{count} places are written down.", count)
