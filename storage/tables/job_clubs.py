# SPDX-License-Identifier: EUPL-1.2
"""Job Clubs, who is in them, the path that leads there, and each member's own week."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage.tables.base import Key, Moment, key, metadata

# How a path is completed: so many group meetings, so many interviews.
paths = Table(
    "paths",
    metadata,
    Column("id", String, primary_key=True),
    Column("group_meetings", Integer, nullable=False),
    Column("interviews", Integer, nullable=False),
)

# What somebody has done on a path before, or elsewhere; attendance at our own workshops is counted beside it.
path_records = Table(
    "path_records",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("path_id", ForeignKey("paths.id"), nullable=False),
    Column("group_meetings", Integer, nullable=False),
    Column("interviews", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("person_id", "path_id"),
)

# A club is a series of meetings: its name, programme and area stand there, its meetings are workshops of that series.
job_clubs = Table(
    "job_clubs",
    metadata,
    Column("id", ForeignKey("series.id"), primary_key=True),
    Column("venue_id", ForeignKey("venues.id"), nullable=False),
    Column("counsellor_id", ForeignKey("staff.id")),
    Column("weekday", Integer, nullable=False),  # Monday is 0
    Column("time", String(5), nullable=False),  # on the clock in Rome: 14:30
    Column("minutes", Integer, nullable=False),
    Column("first_on", Date, nullable=False),
    Column("meetings", Integer, nullable=False),  # how many meet in all
    Column("capacity", Integer, nullable=False),
    Column("line", Integer, nullable=False),  # the last number given out to those who wait
    Column("path_id", ForeignKey("paths.id")),  # who has not completed it is not admitted; none: everybody is
    CheckConstraint("capacity >= 0", name="capacity"),
    CheckConstraint("weekday between 0 and 6", name="weekday"),
)

OFFERED = "state = 'offered'"
ACTIVE = "state in ('waiting', 'offered', 'member')"

memberships = Table(
    "memberships",
    metadata,
    key(),
    Column("club_id", ForeignKey("job_clubs.id"), nullable=False),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("ticket", Integer),  # the order of those who wait; given under the lock of the club
    Column("admitted_by", String, nullable=False),  # path, or staff:3 for who was let in without it
    Column("admitted_because", Text),  # the reason a member of staff gave
    Column("offered_until", Moment),
    Column("joined_at", Moment),
    Column("left_at", Moment),
    Column("changed_at", Moment, nullable=False),
    Column("message_id", Key),  # the message that asked for it
    Index(
        "uq_memberships_active",
        "club_id",
        "person_id",
        unique=True,
        sqlite_where=text(ACTIVE),
        postgresql_where=text(ACTIVE),
    ),
    Index("ix_memberships_offered", "club_id", sqlite_where=text(OFFERED), postgresql_where=text(OFFERED)),
    UniqueConstraint("club_id", "ticket"),
    CheckConstraint(
        "state in ('waiting', 'offered', 'member', 'left', 'declined', 'lapsed', 'withdrawn')", name="state"
    ),
)

# A member's own week of looking for work (B09f); every answer can be skipped. Only they and the counsellor read it.
diaries = Table(
    "diaries",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("club_id", ForeignKey("job_clubs.id"), nullable=False),
    Column("week", Date, nullable=False),  # its Monday, in Rome
    Column("applications", Integer),
    Column("calls", Integer),
    Column("interviews", Integer),
    Column("hours", String),  # 0-2, 3-5, 6-10, 10+
    Column("mood", Integer),  # 1 is bad, 5 is very good
    Column("next_step", Text),
    Column("at", Moment, nullable=False),
    CheckConstraint("mood between 1 and 5", name="mood"),
    CheckConstraint("hours in ('0-2', '3-5', '6-10', '10+')", name="hours"),
    UniqueConstraint("person_id", "club_id", "week"),
)
