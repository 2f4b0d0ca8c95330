# SPDX-License-Identifier: EUPL-1.2
"""What people ask about their data, what is kept under seal, and who turned out to be the same person."""

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, String, Table, Text, UniqueConstraint, text

from storage.tables.base import Document, Moment, key, metadata

OPEN = "closed_at is null"

# GDPR, art. 15 to 21; answered within a month (art. 12(3)), and two more where it is said why.
rights_requests = Table(
    "rights_requests",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("came_by", String, nullable=False),  # chat, telephone, desk, letter or e-mail
    Column("asked_at", Moment, nullable=False),
    Column("due_on", Date, nullable=False),  # a day in Rome
    Column("longer_because", Text),
    Column("note", Text),
    Column("code", Document),  # what they are to read out to us on the telephone: its hash, until when, wrong tries
    Column("identified_at", Moment),
    Column("closed_at", Moment),
    Column("closed_by", ForeignKey("staff.id")),
    Column("outcome", String),  # done, or refused
    Column("refused_because", Text),
    CheckConstraint(
        "kind in ('access', 'correction', 'erasure', 'restriction', 'portability', 'objection')", name="kind"
    ),
    CheckConstraint("outcome in ('done', 'refused')", name="outcome"),
    Index("ix_rights_requests_open", "due_on", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
)

# What only targeted placement may see (law 68/1999). What it says stands inside the seal.
protected = Table(
    "protected",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("by", ForeignKey("staff.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("expires_on", Date, nullable=False),
    Column("closed_at", Moment),
    UniqueConstraint("person_id", "kind"),
)

# Two who turned out to be one; what was moved, so that it can be moved back.
merges = Table(
    "merges",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),  # who stays
    Column("other_id", ForeignKey("people.id"), nullable=False, index=True),  # who is no longer met
    Column("by", ForeignKey("staff.id")),  # none: they have said or shown it themselves
    Column("at", Moment, nullable=False),
    Column("moved", Document, nullable=False),  # by table, the numbers of the rows
    Column("undone_at", Moment),
)
