# SPDX-License-Identifier: EUPL-1.2
"""Workshops: see what is on, book, wait, confirm, give up a place."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from handlers.desk.hours import hours_for
from handlers.desk.offers import LAST_OFFER
from handlers.desk.territories import FAR, distance
from handlers.moments import BOOKING_CONFIRMED, REMINDER_24H, Occasion, map_of, occasion_of, push_of
from handlers.rules.booking import Booked, Decision, Places, Waiting, decide, overlap
from handlers.talk import Gone, _
from storage import Store
from storage.territories import Place
from storage.workshops import Booking, Counts, Workshop

if TYPE_CHECKING:
    from handlers.desk import Desk


@dataclass(frozen=True)
class Listed:
    """A workshop on the list, as it stands now."""

    workshop: Workshop
    places: Places

    @property
    def free(self) -> int:
        return max(0, self.places.capacity - self.places.taken - self.places.held)

    @property
    def map_url(self) -> str | None:
        return map_of(self.workshop)


@dataclass(frozen=True)
class Appointment:
    """A line of somebody's agenda. ``position`` counts from 1, for those who wait."""

    booking: Booking
    workshop: Workshop
    position: int | None


class Workshops:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def open(self) -> list[Listed]:
        """What can be booked now: the nearest to this person first, then the soonest."""
        here = self.store.territories.place(self.desk.person.comune_istat)
        found = near(here, self.store.workshops.open(self.desk.now))
        counts = self.store.workshops.all_counts([one.id for one in found])
        return [Listed(one, places(one, counts[one.id])) for one in found]

    def card(self, id: int) -> Listed:
        """One workshop as it stands now. Raises Gone."""
        workshop = self.store.workshops.get(id)
        if workshop is None:
            raise Gone
        if workshop.cancelled_at:
            raise Gone(_("I am sorry, this workshop is called off."))
        return Listed(workshop, places(workshop, self.store.workshops.counts(id)))

    def book(self, id: int, *, or_wait: bool = False) -> Decision:
        """A place if there is one; with ``or_wait``, else a place in line. Decided under the lock of the workshop."""
        workshop = self.store.workshops.lock(id)
        if workshop is None:
            raise Gone
        counts = self.store.workshops.counts(id)
        mine = self.store.workshops.booking_of(self.desk.person.id, id)
        decision = decide(
            places(workshop, counts),
            mine=mine.state if mine else None,  # type: ignore[arg-type]
            my_position=self.store.workshops.position(mine) if mine and mine.state == "waiting" else 0,
            now=self.desk.now,
            or_wait=or_wait,
        )
        if isinstance(decision, Booked):
            self._take_place(workshop, mine)
        elif isinstance(decision, Waiting):
            self._join_line(workshop)
        return decision

    def agenda(self) -> list[Appointment]:
        """What this person has ahead, soonest first."""
        found = [
            Appointment(one, workshop, self.store.workshops.position(one) if one.state == "waiting" else None)
            for one in self.store.workshops.bookings_of(self.desk.person.id)
            if (workshop := self.store.workshops.get(one.workshop_id)) and workshop.ends_at > self.desk.now
        ]
        return sorted(found, key=lambda one: one.workshop.starts_at)

    def upcoming(self) -> list[Appointment]:
        """The same with only the next meeting of each Job Club: the others are found in the club."""
        seen: set[str] = set()
        return [one for one in self.agenda() if not self._is_a_later_meeting(one.workshop, seen)]

    @staticmethod
    def _is_a_later_meeting(workshop: Workshop, seen: set[str]) -> bool:
        if not workshop.is_meeting or workshop.cancelled_at:
            return False
        is_later = workshop.series_id in seen
        seen.add(workshop.series_id)
        return is_later

    def ahead(self) -> list[Appointment]:
        """The same without what was called off."""
        return [one for one in self.agenda() if one.workshop.cancelled_at is None]

    def appointment(self, booking_id: int) -> Appointment:
        """One line of the agenda. Raises Gone if it is not theirs, or given up."""
        found = next((one for one in self.agenda() if one.booking.id == booking_id), None)
        if found is None:
            raise Gone(_("This appointment is no longer in your agenda."))
        if found.workshop.cancelled_at:
            raise Gone(_("I am sorry, this workshop is called off."))
        return found

    def mine(self, workshop_id: int) -> Appointment | None:
        """What this person has at a workshop already."""
        return next((one for one in self.agenda() if one.workshop.id == workshop_id), None)

    def clashes(self, workshop: Workshop) -> list[Appointment]:
        """What else this person has, is offered or waits for while a workshop takes place."""
        hours = (workshop.starts_at, workshop.ends_at)
        return [
            one
            for one in self.ahead()
            if one.workshop.id != workshop.id and overlap(hours, (one.workshop.starts_at, one.workshop.ends_at))
        ]

    def confirm(self, booking_id: int) -> None:
        """The person says they are coming. Raises Gone."""
        self.appointment(booking_id)
        self.store.workshops.change_booking(booking_id, confirmed_at=self.desk.now, changed_at=self.desk.now)

    def cancel(self, booking_id: int) -> Workshop:
        """Give up a place, or a place in line; always possible. Raises Gone if there is nothing to give up."""
        booking = self.store.workshops.booking(booking_id)
        if booking is None or booking.person_id != self.desk.person.id:
            raise Gone
        workshop = self.store.workshops.lock(booking.workshop_id)
        current = self.store.workshops.booking_of(self.desk.person.id, booking.workshop_id)
        if workshop is None or current is None or current.id != booking_id:
            raise Gone
        self.store.workshops.change_booking(
            booking_id, state="cancelled_by_person", changed_at=self.desk.now, offered_until=None
        )
        self.desk.outbox.forget(f"booking:{booking_id}", reason="booking_cancelled")
        self.desk.offers.free_places(workshop)
        self.desk.calendar.take_off(booking_id)
        return workshop

    def occasion(self, booking_id: int) -> Occasion:
        """What the messages about something ahead are about. Raises Gone."""
        one = self.appointment(booking_id)
        name, next_at = self.desk.person.first_name or "", next_meeting(self.store, one.workshop)
        return occasion_of(one.booking, one.workshop, name, said_at=self.desk.now, next_at=next_at)

    def memory(self, booking_id: int) -> Occasion:
        """The same for what is over, or was called off. Raises Gone if it is not theirs."""
        booking = self.store.workshops.booking(booking_id)
        workshop = self.store.workshops.get(booking.workshop_id) if booking else None
        if booking is None or workshop is None or booking.person_id != self.desk.person.id:
            raise Gone
        name, next_at = self.desk.person.first_name or "", next_meeting(self.store, workshop)
        return occasion_of(booking, workshop, name, next_at=next_at)

    def late(self, booking_id: int) -> None:
        """The person says they will be late: somebody of the desk is told. Raises Gone."""
        one = self.appointment(booking_id)
        self.desk.cases.open("late", subject=f"workshop:{one.workshop.id}")

    def rate(self, booking_id: int, score: int) -> None:
        """How it was, from 1 to 5. Raises Gone if it is not theirs."""
        self.memory(booking_id)
        self.store.workshops.keep_feedback(booking_id, self.desk.now, score=score)

    def wish(self, booking_id: int, next_step: str) -> None:
        """What the person would like next, once they have said how it was."""
        found = self.store.workshops.feedback_of(booking_id)
        if found:
            self.store.workshops.keep_feedback(booking_id, self.desk.now, score=found[0], next_step=next_step)

    def tell_booked(self, booking_id: int, workshop: Workshop) -> None:
        """
        The card that says: you have a place. It goes where the person is writing, or wrote last.

        Who has not asked for it themselves is written to as with any push: if they want it, else a person calls them.
        """
        booking = self.store.workshops.booking(booking_id)
        chat = self.desk.chat or self.desk.outbox.chat()
        if self.desk.by and not (chat and self._may_write()):
            self.desk.cases.open(BOOKING_CONFIRMED.name, subject=f"workshop:{workshop.id}")
        elif chat and booking:
            hours, name = hours_for(self.store, self.desk.person), self.desk.person.first_name or ""
            occasion = occasion_of(booking, workshop, name)
            reminded_at = REMINDER_24H.planned(occasion, hours)
            is_time_left = reminded_at is not None and reminded_at > occasion.times["booked_at"]
            reminds = is_time_left and self.desk.people.agreed("service_messages")
            occasion = replace(occasion, reminds=reminds, is_time_left=is_time_left)
            if push := push_of(BOOKING_CONFIRMED, occasion, hours):
                self.desk.outbox.push(push, chat)

    def _may_write(self) -> bool:
        return self.desk.person.stopped_at is None and self.desk.people.agreed("service_messages")

    def seat(self, workshop: Workshop) -> None:
        """A place for who stands in the room, without a card that says so. The caller knows, under the lock, of one."""
        mine, values = self.store.workshops.booking_of(self.desk.person.id, workshop.id), {"state": "booked"}
        if mine is None:
            self._add(workshop, booked_at=self.desk.now, **values)
        elif mine.state != "booked":
            now = self.desk.now
            self.store.workshops.change_booking(mine.id, booked_at=now, changed_at=now, offered_until=None, **values)
            self.desk.outbox.forget(f"booking:{mine.id}", reason="offer_accepted")

    def _take_place(self, workshop: Workshop, mine: Booking | None) -> None:
        values = {"state": "booked", "booked_at": self.desk.now}
        if mine:  # they were in line, and places are first come by now
            self.store.workshops.change_booking(mine.id, changed_at=self.desk.now, **values)
        self.tell_booked(mine.id if mine else self._add(workshop, **values), workshop)

    def _join_line(self, workshop: Workshop) -> None:
        ticket = workshop.line + 1
        self.store.workshops.change(workshop.id, line=ticket)
        self._add(workshop, state="waiting", ticket=ticket)

    def _add(self, workshop: Workshop, **values: object) -> int:
        return self.store.workshops.add_booking(
            workshop_id=workshop.id,
            person_id=self.desk.person.id,
            changed_at=self.desk.now,
            message_id=self.desk.message_id,
            **values,
        )


def next_meeting(store: Store, workshop: Workshop) -> datetime | None:
    """When the same Job Club meets next; None for what is not its meeting. Aware, in UTC."""
    if not workshop.is_meeting:
        return None
    ahead = store.job_clubs.meetings(workshop.series_id, workshop.starts_at)
    meeting = store.workshops.get(ahead[0]) if ahead else None
    return meeting.starts_at if meeting else None


def places(workshop: Workshop, counts: Counts) -> Places:
    return Places(
        capacity=workshop.capacity,
        taken=counts.booked,
        held=counts.offered,
        waiting=counts.waiting,
        starts_at=workshop.starts_at,
        booking_opens_at=workshop.opens_at,
        booking_closes_at=workshop.closes_at,
        cancelled=workshop.cancelled_at is not None,
        first_come_from=workshop.starts_at - LAST_OFFER,
    )


def near(here: Place | None, found: list[Workshop]) -> list[Workshop]:
    """Nearest first, then soonest; what is in another area only if there is nothing else."""
    reachable = [one for one in found if how_far(here, one) < FAR] or found
    return sorted(reachable, key=lambda one: (how_far(here, one), one.starts_at, one.id))


def how_far(here: Place | None, workshop: Workshop) -> int:
    """In steps of the public map. Online is as far as anything else in the area: the date decides."""
    venue = workshop.venue
    if here is None:
        return 0
    if workshop.is_online:
        return FAR - 1
    there = Place(venue.comune_istat or "", venue.comune or "", venue.union or "", venue.area or "")
    return distance(here, there)
