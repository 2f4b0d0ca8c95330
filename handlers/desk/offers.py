# SPDX-License-Identifier: EUPL-1.2
"""A freed place is offered to the first who waits; the offer holds the place until an answer, or until it ends."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from handlers.desk.hours import hours_for
from handlers.moments import PLACE_OFFERED, Moment, Push, occasion_of
from handlers.rules.booking import Booked
from handlers.rules.opening import Hours, add_open_time
from handlers.talk import Gone, _
from storage.messages import UNSENT
from storage.workshops import Booking, Workshop

if TYPE_CHECKING:
    from handlers.desk import Desk

ANSWER_WITHIN = timedelta(hours=12)  # of open time
LAST_OFFER = timedelta(hours=3)  # before the start
SENT_WITHIN = timedelta(minutes=30)  # of open time; an offer that cannot leave must not hold a place
NEVER_ARRIVES = ("suppressed", "missed", "failed", "superseded")


class Offers:
    """Everything here happens under the lock of the workshop, in the transaction that freed the place."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def accept(self, booking_id: int) -> None:
        """Take the place that is held. Raises Gone if the offer has ended."""
        booking, workshop = self._held(booking_id)
        if booking.offered_until is None or self.desk.now > booking.offered_until or workshop.cancelled_at:
            raise Gone(_("This offer is over."))
        self.store.workshops.change_booking(
            booking.id, state="booked", booked_at=self.desk.now, offered_until=None, changed_at=self.desk.now
        )
        self.desk.outbox.forget(f"booking:{booking.id}", reason="offer_accepted")
        self.desk.workshops.tell_booked(booking.id, workshop)

    def decline(self, booking_id: int) -> None:
        """Let the next one have it. Raises Gone if the offer has ended."""
        booking, workshop = self._held(booking_id)
        self._end(booking, workshop, "cancelled_by_person")

    def take_by_telephone(self, workshop_id: int) -> bool:
        """
        Who waits and cannot be written to says yes on the telephone. False if no place is free by now. Raises Gone.

        Nobody is passed over: who stands before them in line was offered a place, or is on the call list as well.
        """
        workshop = self.store.workshops.lock(workshop_id)
        if workshop is None or workshop.cancelled_at or self.desk.now >= workshop.starts_at:
            raise Gone(_("This offer is over."))
        mine, now = self.store.workshops.booking_of(self.desk.person.id, workshop_id), self.desk.now
        if mine is None:
            return isinstance(self.desk.workshops.book(workshop_id), Booked)
        if mine.state == "offered":
            self.accept(mine.id)
        counts = self.store.workshops.counts(workshop_id)
        if mine.state == "waiting" and counts.booked + counts.offered >= workshop.capacity:
            return False
        if mine.state == "waiting":
            self.store.workshops.change_booking(mine.id, state="booked", booked_at=now, changed_at=now)
        return True

    def lapse(self, booking_id: int) -> bool:
        """End an offer that nobody answered in time; False if it was answered meanwhile."""
        try:
            booking, workshop = self._held(booking_id)
        except Gone:
            return False
        is_over = booking.offered_until is None or self.desk.now > booking.offered_until
        arrived = has_arrived(self.desk, f"booking:{booking_id}", PLACE_OFFERED)
        if arrived and not is_over:
            return False
        if not arrived:
            self.desk.cases.open("place_free", subject=f"workshop:{workshop.id}")
        self._end(booking, workshop, "lapsed")
        return True

    def stopped(self) -> None:
        """The person wants no more messages: what they were offered goes to the next in line."""
        mine = self.store.workshops.bookings_of(self.desk.person.id)
        for booking in sorted(mine, key=lambda one: one.workshop_id):  # in the order in which everybody locks them
            if booking.state == "offered" and (workshop := self.store.workshops.lock(booking.workshop_id)):
                self._end(booking, workshop, "lapsed")

    def renew(self, booking: Booking, workshop: Workshop) -> None:
        """The same offer for the time the workshop has now; it ends where that leaves no time to answer."""
        hours = hours_for(self.store, self.desk.person)
        until = offered_until(workshop, self.desk.now, hours)
        if until is None:
            return self._end(booking, workshop, "lapsed")
        self.desk.outbox.forget(f"booking:{booking.id}", reason="workshop_moved")
        self._tell(booking, workshop, until)
        return None

    def free_places(self, workshop: Workshop) -> None:
        """Offer what is free to those who wait, in their order; who cannot be reached goes to the call list."""
        counts = self.store.workshops.counts(workshop.id)
        free = workshop.capacity - counts.booked - counts.offered
        for booking in self.store.workshops.line(workshop.id):
            if free <= 0:
                return
            free -= self._offer(booking, workshop)

    def _offer(self, booking: Booking, workshop: Workshop) -> bool:
        desk = self.desk.of(booking.person_id)
        until = offered_until(workshop, self.desk.now, hours_for(self.store, desk.person))
        if until is None:
            return False
        chat = desk.outbox.chat()
        if chat is None or desk.person.stopped_at or not desk.people.agreed("service_messages"):
            desk.cases.open("place_free", subject=f"workshop:{workshop.id}")
            return False
        return desk.offers._tell(booking, workshop, until)

    def _tell(self, booking: Booking, workshop: Workshop, until: datetime) -> bool:
        """Hold the place for this person until then, and write to them. False if that cannot be done."""
        chat = self.desk.outbox.chat()
        if chat is None:
            return False
        self.store.workshops.change_booking(booking.id, state="offered", offered_until=until, changed_at=self.desk.now)
        held = replace(booking, state="offered")
        occasion = occasion_of(held, workshop, self.desk.person.first_name or "", offered_until=until)
        return self.desk.outbox.push(Push(PLACE_OFFERED, occasion, self.desk.now, until), chat)

    def _held(self, booking_id: int) -> tuple[Booking, Workshop]:
        """The offer and its workshop, locked. Raises Gone if it is not this person's, or no longer open."""
        booking = self.store.workshops.booking(booking_id)
        if booking is None or booking.person_id != self.desk.person.id:
            raise Gone
        workshop = self.store.workshops.lock(booking.workshop_id)
        current = self.store.workshops.booking(booking_id)
        if workshop is None or current is None or current.state != "offered":
            raise Gone(_("This offer is over."))
        return current, workshop

    def _end(self, booking: Booking, workshop: Workshop, state: str) -> None:
        self.store.workshops.change_booking(booking.id, state=state, offered_until=None, changed_at=self.desk.now)
        self.desk.outbox.forget(f"booking:{booking.id}", reason="offer_ended")
        self.free_places(workshop)


def offered_until(workshop: Workshop, now: datetime, hours: Hours) -> datetime | None:
    """Until when an offer made now holds; None if it is too late for offers. Aware, in UTC."""
    last = workshop.starts_at - LAST_OFFER
    if workshop.cancelled_at or now >= last:
        return None
    return min(add_open_time(now, ANSWER_WITHIN, hours), last)


def has_arrived(desk: "Desk", subject: str, moment: Moment) -> bool:
    """Was an offer sent, or is there still hope? One that has not left after half an open hour lapses."""
    message = desk.store.messages.newest_push(desk.person.id, subject, moment.name)
    if message is None or message.state in NEVER_ARRIVES:
        return False
    if message.state not in UNSENT:
        return True
    return desk.now < add_open_time(message.at, SENT_WITHIN, hours_for(desk.store, desk.person))
