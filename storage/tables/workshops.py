# SPDX-License-Identifier: EUPL-1.2
"""Workshops, their series, and who has a place."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from storage.tables.base import Document, Key, Moment, key, metadata

series = Table(
    "series",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("programme_id", ForeignKey("programmes.id"), nullable=False),
    Column("area_id", ForeignKey("areas.id"), nullable=False),
    Column("name", Document, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
)

workshops = Table(
    "workshops",
    metadata,
    key(),
    Column("code", String, unique=True),
    Column("series_id", ForeignKey("series.id"), nullable=False),
    Column("title", Document, nullable=False),
    Column("summary", Document, nullable=False),
    Column("bring", Document),
    Column("venue_id", ForeignKey("venues.id"), nullable=False),
    Column("tutor_id", ForeignKey("staff.id")),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("opens_at", Moment, nullable=False),
    Column("closes_at", Moment, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("languages", Document, nullable=False),
    Column("italian_level", String),
    Column("counts_for_path", Boolean, nullable=False),
    Column("line", Integer, nullable=False),  # the last number given out to those who wait
    Column("revision", Integer, nullable=False),  # grows when the time changes, so that old reminders are known
    Column("cancelled_at", Moment),
    Column("mode", String, nullable=False),  # in_person, online, both (E13)
    Column("link", String),  # where one enters what is online
    Column("check_in_key", String, unique=True),  # in the code that hangs in the room; none until somebody prints it
    CheckConstraint("capacity >= 0", name="capacity"),
    CheckConstraint("mode in ('in_person', 'online', 'both')", name="mode"),
    Index("ix_workshops_starts_at", "starts_at"),
)

OFFERED = "state = 'offered'"
ACTIVE = "state in ('booked', 'waiting', 'offered')"

bookings = Table(
    "bookings",
    metadata,
    key(),
    Column("workshop_id", ForeignKey("workshops.id"), nullable=False),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("ticket", Integer),  # the order of those who wait; given under the lock of the workshop
    Column("booked_at", Moment),
    Column("confirmed_at", Moment),  # "I'm coming"
    Column("offered_until", Moment),
    Column("changed_at", Moment, nullable=False),
    Column("message_id", Key),  # the message that asked for it
    Column("attendance", String),  # present, late, absent or excused, as it was said last
    Column("attendance_at", Moment),
    Index(
        "uq_bookings_active",
        "workshop_id",
        "person_id",
        unique=True,
        sqlite_where=text(ACTIVE),
        postgresql_where=text(ACTIVE),
    ),
    # Offers are few, and are looked at every twenty seconds.
    Index("ix_bookings_offered", "workshop_id", sqlite_where=text(OFFERED), postgresql_where=text(OFFERED)),
    UniqueConstraint("workshop_id", "ticket"),
)

feedback = Table(
    "feedback",
    metadata,
    key(),
    Column("booking_id", ForeignKey("bookings.id"), nullable=False, unique=True),
    Column("score", Integer, nullable=False),  # how it was: 1 is bad, 5 is very good
    Column("next_step", String),  # what the person would like next
    Column("at", Moment, nullable=False),
    CheckConstraint("score between 1 and 5", name="score"),
)
