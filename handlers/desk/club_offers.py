# SPDX-License-Identifier: EUPL-1.2
"""A freed place in a Job Club is offered to the first who waits, and held until they answer or the offer ends."""

from dataclasses import replace
from typing import TYPE_CHECKING

from handlers.desk.hours import hours_for
from handlers.desk.meetings import enrol_in_meetings
from handlers.desk.offers import ANSWER_WITHIN, has_arrived
from handlers.moments import CLUB_PLACE, Push, club_place
from handlers.rules.opening import add_open_time
from handlers.talk import Gone, _
from storage.job_clubs import JobClub, Membership

if TYPE_CHECKING:
    from handlers.desk import Desk


class ClubOffers:
    """Everything here happens under the lock of the club, in the transaction that freed the place."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def accept(self, membership_id: int) -> JobClub:
        """Take the place that is held. Raises Gone if the offer has ended."""
        mine, club = self._held(membership_id)
        if mine.offered_until is None or self.desk.now > mine.offered_until:
            raise Gone(_("This offer is over."))
        now = self.desk.now
        self.store.job_clubs.change_membership(
            mine.id, state="member", joined_at=now, offered_until=None, changed_at=now
        )
        self.desk.outbox.forget(f"membership:{mine.id}", reason="offer_accepted")
        enrol_in_meetings(self.store, club.id, now)
        return club

    def decline(self, membership_id: int) -> None:
        """Let the next one have it. Raises Gone if the offer has ended."""
        self._end(*self._held(membership_id), "declined")

    def lapse(self, membership_id: int) -> bool:
        """End an offer that nobody answered in time, or that never left; False if it stands."""
        try:
            mine, club = self._held(membership_id)
        except Gone:
            return False
        is_over = mine.offered_until is None or self.desk.now > mine.offered_until
        arrived = has_arrived(self.desk, f"membership:{mine.id}", CLUB_PLACE)
        if arrived and not is_over:
            return False
        if not arrived:
            self.desk.cases.open("club_place_free", subject=f"job_club:{club.id}")
        self._end(mine, club, "lapsed")
        return True

    def stopped(self) -> None:
        """The person wants no more messages: what they were offered goes to the next in line."""
        mine = self.store.job_clubs.memberships_of(self.desk.person.id)
        for one in sorted(mine, key=lambda one: one.club_id):  # in the order in which everybody locks them
            if one.state == "offered" and (club := self.store.job_clubs.lock(one.club_id)):
                self._end(one, club, "lapsed")

    def free_places(self, club: JobClub) -> None:
        """Offer what is free to those who wait, in their order; who cannot be reached goes to the call list."""
        seats = self.store.job_clubs.seats(club.id)
        free = club.capacity - seats.members - seats.offered
        for waiting in self.store.job_clubs.line(club.id):
            if free <= 0:
                return
            free -= self.desk.of(waiting.person_id).job_clubs.offers.offer(waiting, club)

    def offer(self, waiting: Membership, club: JobClub) -> bool:
        """Hold a place for this person and write to them; False if they are to be called instead."""
        chat, now = self.desk.outbox.chat(), self.desk.now
        if chat is None or self.desk.person.stopped_at or not self.desk.people.agreed("service_messages"):
            self.desk.cases.open("club_place_free", subject=f"job_club:{club.id}")
            return False
        until = add_open_time(now, ANSWER_WITHIN, hours_for(self.store, self.desk.person))
        self.store.job_clubs.change_membership(waiting.id, state="offered", offered_until=until, changed_at=now)
        held = replace(waiting, state="offered")
        about = club_place(held, club, self.desk.person.first_name or "", changed_at=now, until=until)
        return self.desk.outbox.push(Push(CLUB_PLACE, about, now, until), chat)

    def _held(self, membership_id: int) -> tuple[Membership, JobClub]:
        """The offer and its club, locked. Raises Gone if it is not this person's, or no longer open."""
        found = self.store.job_clubs.membership(membership_id)
        if found is None or found.person_id != self.desk.person.id:
            raise Gone
        club = self.store.job_clubs.lock(found.club_id)
        current = self.store.job_clubs.membership(membership_id)
        if club is None or current is None or current.state != "offered":
            raise Gone(_("This offer is over."))
        return current, club

    def _end(self, mine: Membership, club: JobClub, state: str) -> None:
        self.store.job_clubs.change_membership(
            mine.id, state=state, offered_until=None, left_at=self.desk.now, changed_at=self.desk.now
        )
        self.desk.outbox.forget(f"membership:{mine.id}", reason="offer_ended")
        self.free_places(club)
