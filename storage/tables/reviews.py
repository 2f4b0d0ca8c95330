# SPDX-License-Identifier: EUPL-1.2
"""What the staff do with conversations: read them, label them, note, answer for them."""

from sqlalchemy import Column, Date, ForeignKey, Index, String, Table, Text, UniqueConstraint

from storage.tables.base import Document, Key, Moment, key, metadata

# Whose words a member of staff may read in full for a while, and why.
unmaskings = Table(
    "unmaskings",
    metadata,
    key(),
    Column("staff_id", ForeignKey("staff.id"), nullable=False),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Index("ix_unmaskings_staff_id_person_id", "staff_id", "person_id"),
)

saved_views = Table(
    "saved_views",
    metadata,
    key(),
    Column("staff_id", ForeignKey("staff.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("filters", Document, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("staff_id", "name"),
)

canned_replies = Table(
    "canned_replies",
    metadata,
    key(),
    Column("title", String, nullable=False, unique=True),
    Column("text", Document, nullable=False),  # by language
    Column("staff_id", ForeignKey("staff.id")),
    Column("at", Moment, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("staff_id", ForeignKey("staff.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

# Who is called by name in a note, until they have seen it.
mentions = Table(
    "mentions",
    metadata,
    Column("note_id", ForeignKey("notes.id"), primary_key=True),
    Column("staff_id", ForeignKey("staff.id"), primary_key=True),
    Column("seen_at", Moment),
    Index("ix_mentions_staff_id", "staff_id"),
)

labels = Table(
    "labels",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("staff_id", ForeignKey("staff.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_labels_name", "name"),
)

# How far somebody of the desk has read what a person and Sportello said to one another, and whose it is.
reviews = Table(
    "reviews",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("read_to", Key),  # the last message that was reviewed
    Column("reviewed_at", Moment),
    Column("reviewed_by", ForeignKey("staff.id")),
    Column("assigned_to", ForeignKey("staff.id"), index=True),
    Column("follow_up_on", Date),  # a day in Rome
)
