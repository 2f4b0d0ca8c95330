# SPDX-License-Identifier: EUPL-1.2
"""What keeps the desk honest: open cases, jobs already done, who did what."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, text

from storage.tables.base import Document, Key, Moment, key, metadata

cases = Table(
    "cases",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("reason", String, nullable=False),
    Column("subject", String, nullable=False),  # what it is about, such as workshop:3; empty where that is clear
    Column("message_id", Key),
    Column("opened_at", Moment, nullable=False),
    Column("taken_by", ForeignKey("staff.id")),
    Column("taken_at", Moment),
    Column("closed_at", Moment),
    Column("closed_by", ForeignKey("staff.id")),
    Index(
        "uq_cases_open",
        "person_id",
        "reason",
        "subject",
        unique=True,
        sqlite_where=text("closed_at is null"),
        postgresql_where=text("closed_at is null"),
    ),
)

job_slots = Table(
    "job_slots",
    metadata,
    Column("job", String, primary_key=True),
    Column("slot", Moment, primary_key=True),
    Column("at", Moment, nullable=False),
)

# Messages past their time that had to stay: an open question, what is still to be sent. They are looked at again.
leftovers = Table("leftovers", metadata, Column("message_id", ForeignKey("messages.id"), primary_key=True))

audit = Table(
    "audit",
    metadata,
    key(),
    Column("at", Moment, nullable=False),
    Column("actor", String, nullable=False),  # person:12, staff:3, system
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("details", Document),
    Index("ix_audit_subject", "subject"),
    Index("ix_audit_actor", "actor"),
    Index("ix_audit_at", "at"),
)
