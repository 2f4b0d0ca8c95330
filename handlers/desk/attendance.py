# SPDX-License-Identifier: EUPL-1.2
"""Who was there: said by somebody of the desk, or by whoever reads the code in the room."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from handlers.desk.workshops import places
from handlers.moments import PATH_COMPLETED, Push, path_done
from handlers.rules import attendance as rules
from handlers.rules.attendance import Decision, Kept, NotYet, Over, Said
from handlers.rules.job_clubs import ABSENCES, stays_away
from handlers.talk import Gone, Incoming
from storage import Store
from storage.workshops import Booking, Workshop

if TYPE_CHECKING:
    from handlers.desk import Desk

A_CODE = re.compile(r"[Ii]n_([A-Za-z0-9_-]{16})")
How = Literal["console", "chat", "qr", "sheet"]


@dataclass(frozen=True)
class Room:
    """
    Where the code hangs, as somebody meets it who has no place: ``closed`` says why nobody comes in now, ``is_free``
    whether a place is theirs for the asking.
    """

    workshop: Workshop
    closed: NotYet | Over | None
    is_free: bool


def key_in(message: Incoming) -> str | None:
    """What the code in the room holds, if this message brings it: by a link, or written by hand."""
    found = A_CODE.fullmatch(message.start or message.text.strip())
    return found[1] if found else None


class Attendance:
    """Every word is kept, with who said it and why; the newest one counts."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def mark(self, booking_id: int, said: Said | None, *, how: How, reason: str = "") -> Decision:
        """Somebody of the desk says who was there; None takes a mistake back. Raises Gone."""
        booking, workshop = self._locked(booking_id)
        decision = rules.mark(said, booking.attendance, starts_at=workshop.starts_at, now=self.desk.now, reason=reason)
        if isinstance(decision, Kept):
            self._write(booking, workshop, said, how=how, reason=reason.strip() or None)
        return decision

    def bring_in(self, workshop_id: int) -> Decision:
        """
        Somebody of the desk sees a person in the room who has no place: they get one, also beyond the last, and are
        present. Raises Gone for what is called off, and for a meeting of a Job Club they are not in.
        """
        workshop, mine = self.store.workshops.lock(workshop_id), None
        if workshop is None or workshop.cancelled_at:
            raise Gone
        decision = rules.mark("present", None, starts_at=workshop.starts_at, now=self.desk.now, reason="")
        if isinstance(decision, Kept):
            if workshop.is_meeting and not self._is_member(workshop):
                raise Gone
            self.desk.workshops.seat(workshop)
            mine = self.store.workshops.booking_of(self.desk.person.id, workshop_id)
        return self.mark(mine.id, "present", how="console") if mine else decision

    def was_not_there(self, booking_id: int) -> Decision:
        """The person says so in the chat; they are not told, hours later, that they were missed. Raises Gone."""
        booking, workshop = self._locked(booking_id)
        decision = rules.was_not_there(booking.attendance, starts_at=workshop.starts_at, now=self.desk.now)
        if isinstance(decision, Kept):
            self._write(booking, workshop, "absent", how="chat", reason=None, is_missed=False)
        return decision

    def check_in(self, key: str) -> tuple[Decision, Workshop]:
        """Who holds the phone reads the code in the room. Raises Gone if it is no code, or they have no place."""
        workshop = self.store.workshops.with_check_in_key(key)
        booking = self.store.workshops.booking_of(self.desk.person.id, workshop.id) if workshop else None
        if workshop is None or booking is None:
            raise Gone
        booking, workshop = self._locked(booking.id)
        times = {"starts_at": workshop.starts_at, "ends_at": workshop.ends_at}
        decision = rules.check_in(booking.attendance, now=self.desk.now, **times)
        if isinstance(decision, Kept):
            self._write(booking, workshop, "present", how="qr", reason=None)
        return decision, workshop

    def room(self, key: str) -> Room:
        """Where the code hangs that somebody without a place has read. Raises Gone if it is no code."""
        workshop = self.store.workshops.with_check_in_key(key)
        if workshop is None:
            raise Gone
        closed = rules.walk_in(starts_at=workshop.starts_at, ends_at=workshop.ends_at, now=self.desk.now)
        return Room(workshop, closed, workshop.cancelled_at is None and self._is_free(workshop))

    def walk_in(self, key: str) -> tuple[Decision, Workshop]:
        """Who stands in the room without a place takes one that is free, and is in. Raises Gone if there is none."""
        self.store.workshops.lock(self.room(key).workshop.id)
        room = self.room(key)  # as it is now that nobody else can take the place
        if room.closed or not room.is_free:
            raise Gone
        if room.workshop.is_meeting:
            self.desk.meetings.come_after_all(room.workshop.id)
        else:
            self.desk.workshops.seat(room.workshop)
        return self.check_in(key)

    def _is_free(self, workshop: Workshop) -> bool:
        """A member is always expected at a meeting; anywhere else it takes a place that nobody has or is offered."""
        mine = self.store.workshops.booking_of(self.desk.person.id, workshop.id)
        if mine and mine.state in ("booked", "offered"):
            return True
        if workshop.is_meeting:
            return self._is_member(workshop)
        return places(workshop, self.store.workshops.counts(workshop.id)).free > 0

    def _is_member(self, meeting: Workshop) -> bool:
        mine = self.desk.job_clubs.mine(meeting.series_id)
        return mine is not None and mine.state == "member"

    def _locked(self, booking_id: int) -> tuple[Booking, Workshop]:
        booking = self.store.workshops.booking(booking_id)
        workshop = self.store.workshops.lock(booking.workshop_id) if booking else None
        booking = self.store.workshops.booking(booking_id)
        is_theirs = booking is not None and booking.person_id == self.desk.person.id and booking.state == "booked"
        if booking is None or workshop is None or not is_theirs or workshop.cancelled_at:
            raise Gone
        return booking, workshop

    def _write(
        self,
        booking: Booking,
        workshop: Workshop,
        said: Said | None,
        *,
        how: How,
        reason: str | None,
        is_missed: bool = True,
    ) -> None:
        now, before = self.desk.now, completed(self.store, self.desk.person.id)
        self.store.attendances.say(booking.id, said, how=how, by=self.desk.actor, reason=reason, at=now)
        at = now if said and is_missed else None
        self.store.workshops.change_booking(booking.id, attendance=said, attendance_at=at)
        if workshop.is_meeting:
            self.desk.meetings.came_or_not(workshop)
        else:
            self._came_or_not()
        self._follow_the_path(before)

    def _came_or_not(self) -> None:
        """Who did not come twice in a row, and excused themselves neither time, is called; nothing is shut to them."""
        if stays_away(self.store.attendances.newest(self.desk.person.id, ABSENCES)):
            self.desk.cases.open("no_shows")
        else:
            self.desk.cases.needs_no_call("no_shows")

    def _follow_the_path(self, before: set[str]) -> None:
        """Whoever completes a path hears of it, once; of a correction that opens it again only the desk does."""
        done = completed(self.store, self.desk.person.id)
        for path_id in sorted(done - before):
            self._tell_completed(path_id)
        for path_id in sorted(before - done):
            self.desk.cases.needs_no_call(PATH_COMPLETED.name, subject=f"path:{path_id}")

    def _tell_completed(self, path_id: str) -> None:
        person, chat = self.desk.person, self.desk.outbox.chat()
        if chat and not person.stopped_at and self.desk.people.agreed("service_messages"):
            about = path_done(person.id, person.first_name, path_id, self.desk.now)
            self.desk.outbox.push(Push(PATH_COMPLETED, about, self.desk.now, PATH_COMPLETED.ends(about)), chat)
        else:
            self.desk.cases.open(PATH_COMPLETED.name, subject=f"path:{path_id}")


def completed(store: Store, person_id: int) -> set[str]:
    """The paths on which somebody has done all there is to do, by what stands now."""
    return {one.path_id for one in store.dossiers.progress(person_id) if one.is_completed}
