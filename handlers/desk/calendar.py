# SPDX-License-Identifier: EUPL-1.2
"""The agenda in people's own calendars: a file for one appointment, and all of it for a calendar that follows."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from handlers.moments import entrance, place_of, told_of
from handlers.rules.calendar import Entry, Status, invitation, whole
from handlers.talk import Gone, Local, Reader, Text, _, lines
from storage.workshops import Booking, Workshop

if TYPE_CHECKING:
    from handlers.desk import Desk

FILE = "sportello.ics"
KIND = "text/calendar"


class Links(Protocol):
    """Where people find from outside what is theirs."""

    def calendar(self, key: str) -> str: ...


class Calendar:
    """The calendar of one person."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def send(self, booking_id: int) -> None:
        """A file with one appointment, in the chat they ask from. Raises Gone."""
        workshop = self.desk.workshops.appointment(booking_id).workshop
        words = _("Here is «{title}» for your calendar: open the file.", title=Local(workshop.title))
        self._put_out(booking_id, words, {**told_of(workshop), "is_off": False})

    def take_off(self, booking_id: int) -> None:
        """The file that takes an appointment out again, for whoever has had the one that put it in."""
        told = self.store.messages.told(self.desk.person.id, about(booking_id))
        if self.desk.chat is None or told is None or told["is_off"]:
            return
        workshop = self.desk.workshops.memory(booking_id).event
        words = _("This file takes «{title}» off your calendar.", title=Local(workshop.title))
        self._put_out(booking_id, words, {**told_of(workshop), "is_off": True})

    def file(self, booking_id: int) -> bytes:
        """One appointment as it stands now, also one that is over. Raises Gone if it is not theirs."""
        workshop = self.desk.workshops.memory(booking_id).event
        booking = self.store.workshops.booking(booking_id)
        assert booking is not None, "it was read a moment ago"
        return invitation(self.entry(booking, workshop))

    def everything(self) -> bytes:
        """What this person has asked for and not given up; what was called off is crossed out."""
        found = [
            self.entry(booking, workshop)
            for booking in self.store.workshops.bookings_of(self.desk.person.id)
            if (workshop := self.store.workshops.get(booking.workshop_id))
        ]
        return whole(found, _("My agenda").render(self._reader()))

    @property
    def can_be_followed(self) -> bool:
        """Is there an address of ours that a calendar could come to?"""
        return self.desk.links is not None

    def address(self) -> str | None:
        """Where this person's calendar finds everything, if they have asked for it and not taken it back."""
        key = self.store.people.calendar_key(self.desk.person.id)
        return self.desk.links.calendar(key) if self.desk.links and key else None

    def open(self) -> None:
        """Give them such an address; the one they have stays as it is."""
        if self.store.people.calendar_key(self.desk.person.id) is None:
            self.store.people.change(self.desk.person.id, calendar_key=secrets.token_urlsafe(32))

    def shut(self) -> None:
        """Their address leads nowhere any more."""
        self.store.people.change(self.desk.person.id, calendar_key=None)

    def entry(self, booking: Booking, workshop: Workshop) -> Entry:
        """A place, or a place in line, in this person's language."""
        reader, venue, status = self._reader(), workshop.venue, status_of(booking, workshop)
        # A place given up does not change the workshop, but has to count as news.
        given_up = status == "CANCELLED" and workshop.cancelled_at is None
        changed_at = self.store.workshops.changed_at(booking.id)
        noted_at = self.store.records.noted_at(f"workshop:{workshop.id}")
        is_found = not workshop.is_online and venue.latitude is not None and venue.longitude is not None
        return Entry(
            uid=self.uid(booking.id),
            sequence=workshop.revision + given_up,
            status=status,
            starts_at=workshop.starts_at,
            ends_at=workshop.ends_at,
            changed_at=max(changed_at, noted_at or changed_at),
            title=Local(workshop.title).render(reader),
            where=place_of(workshop),
            notes=lines(workshop.bring and Local(workshop.bring), entrance(workshop)).render(reader),
            spot=(venue.latitude or 0.0, venue.longitude or 0.0) if is_found else None,
        )

    def uid(self, booking_id: int) -> str:
        """One name for a place, forever; it gives away neither how many places there are nor whose it is."""
        since = self.store.people.since(self.desk.person.id)
        assert since is not None, "it is the person's own desk"
        name = hmac.new(since.isoformat().encode(), about(booking_id).encode(), hashlib.sha256).hexdigest()
        return f"booking-{name[:32]}@sportello"

    def _put_out(self, booking_id: int, words: Text, facts: Mapping[str, object]) -> None:
        chat = self.desk.chat
        if chat is None:
            raise Gone
        kept = self.store.files.keep(self.file(booking_id), kind=KIND, at=self.desk.now)
        self.desk.outbox.reply(
            chat,
            words.render(self._reader()),
            reply_to=self.desk.message_id,
            subject=about(booking_id),
            carries={"file": kept, "name": FILE, **facts},
        )

    def _reader(self) -> Reader:
        return self.desk.catalogues.reader(self.desk.person.language)


def about(booking_id: int) -> str:
    """What the files of one appointment are about."""
    return f"calendar:{booking_id}"


def status_of(booking: Booking, workshop: Workshop) -> Status:
    if workshop.cancelled_at or booking.state not in ("booked", "waiting", "offered"):
        return "CANCELLED"
    return "CONFIRMED" if booking.state == "booked" and workshop.is_confirmed else "TENTATIVE"
