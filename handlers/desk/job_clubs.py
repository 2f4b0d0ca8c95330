# SPDX-License-Identifier: EUPL-1.2
"""Job Clubs: who may join, who waits, who is let in without the path, and leaving."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.desk.club_offers import ClubOffers
from handlers.desk.meetings import enrol_in_meetings
from handlers.desk.territories import FAR, distance
from handlers.moments import CLUB_JOINED, Occasion, Push, club_place
from handlers.rules.booking import Waiting
from handlers.rules.job_clubs import COUNSELLORS, Decision, Joined, Missing, Seats, decide, missing
from handlers.talk import Gone, _
from storage.job_clubs import JobClub, Membership
from storage.territories import Place
from storage.workshops import Workshop

if TYPE_CHECKING:
    from handlers.desk import Desk


class NoReason(ValueError):
    """Somebody is to be let in without the path, and nobody has said why."""


class NotAllowed(Exception):
    """Only a counsellor may do this."""


@dataclass(frozen=True)
class Card:
    """A club as one person meets it. ``position`` counts from 1, for those who wait."""

    club: JobClub
    seats: Seats
    missing: Missing
    mine: Membership | None
    position: int
    next_meeting: Workshop | None


class JobClubs:
    """The clubs as one person meets them."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    @property
    def offers(self) -> ClubOffers:
        return ClubOffers(self.desk)

    def near(self) -> list[JobClub]:
        """The nearest first; those of another area only if there are none here."""
        here = self.store.territories.place(self.desk.person.comune_istat)
        found = self.store.job_clubs.all()
        reachable = [club for club in found if how_far(here, club) < FAR] or found
        return sorted(reachable, key=lambda club: (how_far(here, club), club.id))

    def card(self, club_id: str) -> Card:
        """One club as it stands now. Raises Gone."""
        club = self.store.job_clubs.get(club_id)
        if club is None:
            raise Gone
        mine = self.mine(club_id)
        position = self.store.job_clubs.position(mine) if mine and mine.state == "waiting" else 0
        ahead = self.store.job_clubs.meetings(club_id, self.desk.now)
        first = self.store.workshops.get(ahead[0]) if ahead else None
        return Card(club, self._seats(club), self.missing(club), mine, position, first)

    def mine(self, club_id: str) -> Membership | None:
        return self.store.job_clubs.membership_of(self.desk.person.id, club_id)

    def mine_all(self) -> list[Membership]:
        """Where this person is a member, is offered a place, or waits."""
        return self.store.job_clubs.memberships_of(self.desk.person.id)

    def place(self, membership_id: int) -> tuple[Membership, JobClub]:
        """What this person is offered, and where. Raises Gone once the offer has ended, or if it is not theirs."""
        found = self.store.job_clubs.membership(membership_id)
        if found is None or found.person_id != self.desk.person.id or found.state != "offered":
            raise Gone(_("This offer is over."))
        return found, self.club(found.club_id)

    def member_of(self, membership_id: int) -> Occasion:
        """What messages about somebody's place in a club are about. Raises Gone for one they do not have."""
        found = self.store.job_clubs.membership(membership_id)
        if found is None or found.person_id != self.desk.person.id or found.state != "member":
            raise Gone(_("You are no longer in this Job Club."))
        card, name = self.card(found.club_id), self.desk.person.first_name or ""
        next_at = card.next_meeting.starts_at if card.next_meeting else None
        return club_place(found, card.club, name, changed_at=self.desk.now, next_at=next_at)

    def club(self, club_id: str) -> JobClub:
        """Raises Gone."""
        found = self.store.job_clubs.get(club_id)
        if found is None:
            raise Gone
        return found

    def missing(self, club: JobClub) -> Missing:
        """What this person still has to do on the path before this club may admit them."""
        path = self.store.job_clubs.path(club.path_id) if club.path_id else None
        if path is None:
            return Missing()
        return missing((path.group_meetings, path.interviews), self.store.job_clubs.done(self.desk.person.id, path.id))

    # ---- joining and leaving

    def join(self, club_id: str, *, or_wait: bool = False) -> Decision:
        """A place if there is one and the path is done; with ``or_wait``, else a place in line. Raises Gone."""
        return self._decide(club_id, or_wait=or_wait, by="path")

    def let_in(self, club_id: str, *, staff_id: int, because: str) -> Decision:
        """
        A counsellor admits somebody without the path, and says why; it is on record with their name (B09b).

        They get a place, or the next place in line. Raises NoReason, NotAllowed for anybody who is not a counsellor,
        and Gone.
        """
        if not because.strip():
            raise NoReason
        if self.store.job_clubs.role_of(staff_id) not in COUNSELLORS:
            raise NotAllowed
        decision = self._decide(club_id, or_wait=True, by=f"staff:{staff_id}", because=because.strip())
        details = {"because": because.strip(), "club": club_id, "decision": type(decision).__name__.lower()}
        if isinstance(decision, Joined):
            self.tell_joined(club_id)
        self.store.records.note(
            at=self.desk.now,
            actor=f"staff:{staff_id}",
            action="let_in",
            subject=f"person:{self.desk.person.id}",
            details=details,
        )
        return decision

    def leave(self, club_id: str) -> JobClub:
        """Leave a club, its line, or an offer; meetings ahead are given up, and the place goes on. Raises Gone."""
        club, mine = self._locked(club_id)
        state = {"member": "left", "offered": "declined"}.get(mine.state, "withdrawn")
        self.store.job_clubs.change_membership(
            mine.id, state=state, offered_until=None, left_at=self.desk.now, changed_at=self.desk.now
        )
        self.desk.outbox.forget(subject(mine), reason="left_the_club")
        for one in self.desk.meetings.planned(club_id):
            if one.is_expected and one.booking:
                self.desk.workshops.cancel(one.booking.id)
        self._note("left_club", club_id)
        self.offers.free_places(club)
        return club

    def left_because(self, club_id: str, reason: str) -> None:
        """Why somebody left, if they want to say so."""
        self._note("left_club_because", club_id, reason=reason)
        if reason == "job_found":
            self.desk.people.found_a_job()

    # ---- decisions

    def _decide(self, club_id: str, *, or_wait: bool, by: str, because: str | None = None) -> Decision:
        club = self.store.job_clubs.lock(club_id)
        if club is None:
            raise Gone
        mine = self.mine(club_id)
        decision = decide(
            self._seats(club),
            self.missing(club),
            mine=mine.state if mine else None,  # type: ignore[arg-type]
            my_position=self.store.job_clubs.position(mine) if mine and mine.state == "waiting" else 0,
            is_let_in=because is not None,
            or_wait=or_wait,
        )
        if isinstance(decision, Joined):
            self._take_in(club, mine, admitted_by=by, admitted_because=because)
            self._note("joined_club", club_id)
            enrol_in_meetings(self.store, club_id, self.desk.now)
        elif isinstance(decision, Waiting):
            self.store.job_clubs.change(club_id, line=club.line + 1)
            self._add(club, state="waiting", ticket=club.line + 1, admitted_by=by, admitted_because=because)
        return decision

    def _take_in(self, club: JobClub, mine: Membership | None, **admitted: str | None) -> None:
        now = self.desk.now
        if mine is None:
            self._add(club, state="member", joined_at=now, **admitted)
            return
        if admitted["admitted_because"] is None:
            admitted = {}  # they were admitted when they joined the line
        self.store.job_clubs.change_membership(mine.id, state="member", joined_at=now, changed_at=now, **admitted)

    def tell_joined(self, club_id: str) -> None:
        """Whoever was let in hears of it: by message, or by a call of the desk."""
        mine, chat = self.mine(club_id), self.desk.outbox.chat()
        if mine and chat and not self.desk.person.stopped_at and self.desk.people.agreed("service_messages"):
            about = self.member_of(mine.id)
            self.desk.outbox.push(Push(CLUB_JOINED, about, self.desk.now, CLUB_JOINED.ends(about)), chat)
        else:
            self.desk.cases.open("club_joined", subject=f"job_club:{club_id}")

    def _add(self, club: JobClub, **values: object) -> None:
        self.store.job_clubs.add_membership(
            club_id=club.id,
            person_id=self.desk.person.id,
            changed_at=self.desk.now,
            message_id=self.desk.message_id,
            **values,
        )

    def _locked(self, club_id: str) -> tuple[JobClub, Membership]:
        club = self.store.job_clubs.lock(club_id)
        mine = self.mine(club_id)
        if club is None or mine is None:
            raise Gone(_("You are no longer in this Job Club."))
        return club, mine

    def _seats(self, club: JobClub) -> Seats:
        found = self.store.job_clubs.seats(club.id)
        return Seats(club.capacity, found.members, found.offered, found.waiting)

    def _note(self, action: str, club_id: str, **more: str) -> None:
        who, details = f"person:{self.desk.person.id}", {"club": club_id, **more}
        self.store.records.note(at=self.desk.now, actor=self.desk.actor, action=action, subject=who, details=details)


def subject(membership: Membership) -> str:
    return f"membership:{membership.id}"


def how_far(here: Place | None, club: JobClub) -> int:
    """In steps of the public map."""
    venue = club.venue
    if here is None:
        return 0
    return distance(here, Place(venue.comune_istat or "", venue.comune or "", venue.union or "", venue.area or ""))
