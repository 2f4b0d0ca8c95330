# SPDX-License-Identifier: EUPL-1.2
"""The meetings of a Job Club: every member has a place, may say no to one, and is missed by a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from handlers.rules.job_clubs import stays_away
from handlers.talk import Gone, _
from storage import Store
from storage.job_clubs import Membership
from storage.workshops import Booking, Workshop

if TYPE_CHECKING:
    from handlers.desk import Desk


@dataclass(frozen=True)
class Meeting:
    """A meeting ahead, and what the person has there: a place, or the word that they do not come."""

    workshop: Workshop
    booking: Booking | None

    @property
    def is_expected(self) -> bool:
        return self.booking is not None and self.booking.state == "booked"


class Meetings:
    """The meetings of one person's clubs."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def ahead(self, club_id: str) -> list[Meeting]:
        """What is ahead in a club for one of its members, soonest first; nothing for anybody else."""
        mine = self.desk.job_clubs.mine(club_id)
        return self.planned(club_id) if mine and mine.state == "member" else []

    def planned(self, club_id: str) -> list[Meeting]:
        """The meetings of a club, soonest first, and what this person has there."""
        mine = self._mine(club_id)
        found = (self.store.workshops.get(id) for id in self.store.job_clubs.meetings(club_id, self.desk.now))
        return [Meeting(one, mine.get(one.id)) for one in found if one]

    def one(self, workshop_id: int) -> Meeting:
        """Raises Gone for a meeting that is over, was called off, or is of a club they are not in."""
        meeting = self.store.workshops.get(workshop_id)
        found = self.ahead(meeting.series_id) if meeting else []
        if one := next((one for one in found if one.workshop.id == workshop_id), None):
            return one
        raise Gone(_("This meeting is over, or called off."))

    def after(self, workshop_id: int) -> Meeting | None:
        """The next meeting of the same club."""
        meeting = self.store.workshops.get(workshop_id)
        ahead = self.ahead(meeting.series_id) if meeting else []
        return next((one for one in ahead if meeting and one.workshop.starts_at > meeting.starts_at), None)

    def is_unanswered(self, booking_id: int) -> bool:
        """Is somebody expected at a meeting ahead, and has not yet said whether they come?"""
        booking = self.store.workshops.booking(booking_id)
        meeting = self.store.workshops.get(booking.workshop_id) if booking else None
        if booking is None or meeting is None or booking.person_id != self.desk.person.id:
            return False
        is_ahead = meeting.cancelled_at is None and meeting.starts_at > self.desk.now
        return is_ahead and booking.state == "booked" and booking.confirmed_at is None

    def come_after_all(self, workshop_id: int) -> Workshop:
        """A member comes to a meeting, also one they had said no to. Raises Gone."""
        meeting = self.store.workshops.lock(workshop_id)
        if meeting is None or meeting.cancelled_at or meeting.ends_at <= self.desk.now:
            raise Gone(_("This meeting is over, or called off."))
        mine, now = self.desk.job_clubs.mine(meeting.series_id), self.desk.now
        if mine is None or mine.state != "member":
            raise Gone(_("You are no longer in this Job Club."))
        known = self.store.workshops.booking_of(mine.person_id, workshop_id)
        if known:
            self.store.workshops.change_booking(known.id, confirmed_at=now, changed_at=now)
        else:  # a row of its own: a calendar that was told of a cancellation takes a new entry, and no old one back
            give_place(self.store, meeting, mine.person_id, now, confirmed_at=now)
        return meeting

    def came_or_not(self, meeting: Workshop) -> None:
        """It was said who came: who stays away without a word is called by a person, and shut out by nobody."""
        about = f"job_club:{meeting.series_id}"
        if stays_away(self.store.job_clubs.attendance(self.desk.person.id, meeting.series_id)):
            self.desk.cases.open("stays_away", subject=about)
        else:
            self.desk.cases.needs_no_call("stays_away", subject=about)

    def _mine(self, club_id: str) -> dict[int, Booking]:
        """By meeting: the newest that this person has, or had, there."""
        return {one.workshop_id: one for one in self.store.workshops.all_bookings_of(self.desk.person.id, club_id)}


def enrol_in_meetings(store: Store, club_id: str, now: datetime) -> int:
    """
    Every member has a place at every meeting ahead; who has said no to one keeps that. Returns how many were given.

    What somebody gave up before they joined counts no more: they are back. Done again it changes nothing. The caller
    holds the lock of the club.
    """
    given, members = 0, store.job_clubs.members(club_id)
    for id in store.job_clubs.meetings(club_id, now):
        meeting = store.workshops.lock(id)  # it may be called off at this very moment
        if meeting is None or meeting.cancelled_at:
            continue
        known = store.workshops.newest_of(id)
        for member in members:
            given += _expect(store, meeting, member, known.get(member.person_id), now)
    return given


def _expect(
    store: Store, meeting: Workshop, member: Membership, known: tuple[str, datetime] | None, now: datetime
) -> bool:
    """Give a member a place at a meeting, unless they have one, or have said no as a member."""
    if known:
        state, changed_at = known
        if state == "booked" or (member.joined_at and changed_at > member.joined_at):
            return False
    give_place(store, meeting, member.person_id, now)
    return True


def give_place(store: Store, meeting: Workshop, person_id: int, now: datetime, **more: object) -> None:
    store.workshops.add_booking(
        workshop_id=meeting.id, person_id=person_id, state="booked", booked_at=now, changed_at=now, **more
    )
