# SPDX-License-Identifier: EUPL-1.2
"""What the desk changes about a workshop, and everybody who must hear of it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from handlers.desk import Desk
from handlers.desk.hours import hours_for, hours_in
from handlers.desk.job_clubs import NotAllowed
from handlers.desk.workshops import next_meeting
from handlers.moments import (
    CLUB_STILL_UNCONFIRMED,
    CLUB_UNCONFIRMED,
    MEETING_CALLED_OFF,
    MEETING_ON,
    MEETING_UNSURE,
    SMALL_SHIFT,
    WORKSHOP_CALLED_OFF,
    WORKSHOP_MOVED,
    WORKSHOP_ONLINE,
    Moment,
    occasion_of,
    push_of,
    rome_day,
    told_of,
)
from handlers.rules.job_clubs import COUNSELLORS
from handlers.talk import Gone
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.messages import SHOWN
from storage.workshops import Booking, Workshop


class RestDay(ValueError):
    """A Job Club does not meet on that day, where it meets."""


class Changes:
    """
    Each change and all that follows from it happen under the lock of the workshop, in one transaction.

    ``actor`` is who changes it, for the record: staff:3, or content for what is loaded from files. ``now`` is aware,
    in UTC. Every method raises Gone for a workshop that is not there, or was called off.
    """

    def __init__(self, store: Store, now: datetime, catalogues: Catalogues, *, actor: str) -> None:
        self.store, self.now, self.catalogues, self.actor = store, now, catalogues, actor
        self.written, self.to_call = 0, 0  # how many people hear of it, and how

    def move(self, id: int, starts_at: datetime) -> None:
        """
        To another time, as long as before; booking closes as long before the start as it did.

        A Job Club does not meet on a Sunday, a holiday or the patron's day (B09d). Raises RestDay.
        """
        before = self.locked(id)
        if before.is_meeting and hours_in(self.store, before.venue.comune_istat).rests(rome_day(starts_at)):
            raise RestDay
        by = starts_at - before.starts_at
        self.store.workshops.change(
            id, starts_at=starts_at, ends_at=before.ends_at + by, closes_at=before.closes_at + by
        )
        self.follow(before)

    def call_off(self, id: int) -> None:
        """It does not take place: everybody who has a place, is offered one or waits is told."""
        before = self.locked(id)
        self.store.workshops.change(id, cancelled_at=self.now)
        self.follow(before)

    def go_online(self, id: int, link: str) -> None:
        """From a room to the web, at the same time (E13)."""
        before = self.locked(id)
        self.store.workshops.change(id, mode="online", link=link)
        self.follow(before)

    def rearrange(self, id: int, **values: Any) -> None:
        """Another room, another link, from the web to a room or to both; and another hour at the same time."""
        before = self.locked(id)
        self.store.workshops.change(id, **values)
        self.follow(before)

    def resize(self, id: int, capacity: int) -> None:
        """More places are offered at once; with fewer, nobody loses the place they have or were offered."""
        before = self.locked(id)
        self.store.workshops.change(id, capacity=capacity)
        self.follow(before)

    def entrust(self, id: int, counsellor_id: int | None) -> None:
        """
        A meeting of a Job Club is confirmed once a counsellor holds it, and no longer if nobody does (B09e).

        What was planned before is not said any more; the send check sees to that. Who was told otherwise hears of it at
        once. Raises NotAllowed for somebody who may not hold it, and for what is not a meeting.
        """
        before = self.locked(id)
        role = self.store.job_clubs.role_of(counsellor_id) if counsellor_id else None
        if not before.is_meeting or (counsellor_id and role not in COUNSELLORS):
            raise NotAllowed
        self.store.workshops.change(id, tutor_id=counsellor_id)
        self._note("confirmed" if counsellor_id else "unconfirmed", before, counsellor=counsellor_id)
        after = self.store.workshops.get(id)
        if after and after.is_confirmed != before.is_confirmed:
            self._told_otherwise(after)

    def _told_otherwise(self, after: Workshop) -> None:
        """Whoever has heard that a meeting takes place, or that it is not sure, hears the contrary."""
        after, said = self._next_revision(after), (CLUB_UNCONFIRMED, CLUB_STILL_UNCONFIRMED, MEETING_UNSURE)
        for booking in self.store.workshops.booked(after.id):
            id, about = booking.person_id, subject(booking)
            doubts = [self.store.messages.newest_push(id, about, moment.name) for moment in said]
            doubted = any(one is not None and one.state in SHOWN for one in doubts)
            if after.is_confirmed and doubted:
                self._tell(MEETING_ON, booking.id, after, after)
            elif not after.is_confirmed and self.store.messages.told(id, about):
                self._tell(MEETING_UNSURE, booking.id, after, after)

    def resize_club(self, club_id: str, capacity: int) -> None:
        """A Job Club with more or fewer places: more are offered at once, with fewer nobody loses theirs."""
        club = self.store.job_clubs.lock(club_id)
        if club is None:
            raise Gone
        self.store.job_clubs.change(club_id, capacity=capacity)
        seats = self.store.job_clubs.seats(club_id)
        details = {"from": club.capacity, "to": capacity, "taken": seats.members + seats.offered}
        action = "capacity_lowered" if capacity < club.capacity else "capacity_raised"
        self.store.records.note(
            at=self.now, actor=self.actor, action=action, subject=f"job_club:{club_id}", details=details
        )
        for meeting in self.store.job_clubs.meetings(club_id, self.now):
            self.resize(meeting, capacity)
        if line := self.store.job_clubs.line(club_id):
            first = Desk(self.store, self.store.people.get(line[0].person_id), self.now, self.catalogues)
            first.job_clubs.offers.free_places(replace(club, capacity=capacity))

    def locked(self, id: int) -> Workshop:
        """The workshop before a change; nobody takes or frees a place until the transaction ends. Raises Gone."""
        found = self.store.workshops.lock(id)
        if found is None or found.cancelled_at:
            raise Gone
        return found

    def follow(self, before: Workshop) -> None:
        """Do what follows from a change that has just been written; ``before`` is the workshop as it was, locked."""
        after = self.store.workshops.get(before.id)
        assert after is not None, "a workshop is never taken away"
        if after.cancelled_at and not before.cancelled_at:
            return self._called_off(before, self._next_revision(after))
        if after.cancelled_at:
            return None
        if after.capacity != before.capacity:
            self._resized(before, after)
        is_online = after.is_online and (not before.is_online or after.link != before.link)
        is_off_the_web = before.mode == "both" and after.mode == "in_person"
        if is_online or is_off_the_web or told_of(after) != told_of(before):
            self._moved(before, self._next_revision(after), is_online=is_online)
        if before.starts_at != after.starts_at or before.capacity != after.capacity:
            self._offer_what_is_free(after)
        return None

    def _called_off(self, before: Workshop, after: Workshop) -> None:
        for booking in self.store.workshops.active(after.id):
            self._desk(booking).outbox.forget(subject(booking), reason="workshop_called_off")
            self.store.workshops.change_booking(booking.id, state="called_off", offered_until=None, changed_at=self.now)
            self._tell(MEETING_CALLED_OFF if after.is_meeting else WORKSHOP_CALLED_OFF, booking.id, after, before)
        self._note("called_off", after)

    def _moved(self, before: Workshop, after: Workshop, *, is_online: bool) -> None:
        for booking in self.store.workshops.active(after.id):
            if booking.state == "booked":
                self._told_anew(booking, before, after, is_online=is_online)
            elif booking.state == "offered":
                self._desk(booking).offers.renew(booking, after)
        changed = {"from": before.starts_at.isoformat(), "to": after.starts_at.isoformat(), "mode": after.mode}
        self._note("moved" if after.starts_at != before.starts_at else "changed", after, **changed)

    def _told_anew(self, booking: Booking, before: Workshop, after: Workshop, *, is_online: bool) -> None:
        """Tell what somebody does not know yet: of a move away and back before they heard of it, nothing."""
        desk, now = self._desk(booking), told_of(after)
        knows = self.store.messages.told(booking.person_id, subject(booking)) or told_of(before)
        knows_when, knows_where = knows.get("starts_at") == now["starts_at"], knows.get("where") == now["where"]
        desk.outbox.forget(subject(booking), reason="workshop_moved")
        if abs(after.starts_at - before.starts_at) >= SMALL_SHIFT:
            self.store.workshops.change_booking(booking.id, confirmed_at=None, changed_at=self.now)
        is_off_the_web = before.mode == "both" and after.mode == "in_person"  # who meant to stay at home must hear it
        if not knows_when or is_off_the_web or not (knows_where or after.is_online):
            self._tell(WORKSHOP_MOVED, booking.id, after, before)
        if after.is_online and (is_online or not knows_where):
            self._tell(WORKSHOP_ONLINE, booking.id, after, before)

    def _tell(self, moment: Moment, booking_id: int, after: Workshop, before: Workshop) -> None:
        """Write to whoever agreed to be written to; who did not, or cannot be reached, is on the desk's call list."""
        booking = self.store.workshops.booking(booking_id)
        assert booking is not None, "it was read a moment ago"
        desk = self._desk(booking)
        chat = desk.outbox.chat()
        if chat is None or desk.person.stopped_at or not desk.people.agreed(moment.consent or ""):
            self.to_call += desk.cases.open(moment.name, subject=f"workshop:{after.id}")
            return
        occasion = occasion_of(
            booking,
            after,
            desk.person.first_name or "",
            changed_at=self.now,
            before=before.starts_at,
            next_at=next_meeting(self.store, after),
        )
        if push := push_of(moment, occasion, hours_for(self.store, desk.person)):
            self.written += desk.outbox.push(push, chat, before=before.starts_at.isoformat())

    def _resized(self, before: Workshop, after: Workshop) -> None:
        counts = self.store.workshops.counts(after.id)
        action = "capacity_lowered" if after.capacity < before.capacity else "capacity_raised"
        taken = counts.booked + counts.offered
        self._note(action, after, **{"from": before.capacity, "to": after.capacity, "taken": taken})

    def _next_revision(self, after: Workshop) -> Workshop:
        """What was planned for the time before is known by its number."""
        self.store.workshops.change(after.id, revision=after.revision + 1)
        found = self.store.workshops.get(after.id)
        assert found is not None, "it was read a moment ago"
        return found

    def _desk(self, booking: Booking) -> Desk:
        return Desk(self.store, self.store.people.get(booking.person_id), self.now, self.catalogues)

    def _offer_what_is_free(self, after: Workshop) -> None:
        if line := self.store.workshops.line(after.id):
            self._desk(line[0]).offers.free_places(after)

    def _note(self, action: str, workshop: Workshop, **details: Any) -> None:
        self.store.records.note(
            at=self.now, actor=self.actor, action=action, subject=f"workshop:{workshop.id}", details=details
        )


def subject(booking: Booking) -> str:
    return f"booking:{booking.id}"
