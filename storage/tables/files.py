# SPDX-License-Identifier: EUPL-1.2
"""Files that people send us, such as a CV: the contents once, however often they are sent."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, text

from storage.tables.base import Moment, key, metadata

files = Table(
    "files",
    metadata,
    key(),
    Column("sha256", String, nullable=False, unique=True),
    Column("size", Integer, nullable=False),  # in bytes
    Column("kind", String, nullable=False),  # what the contents are, as a MIME type: not what somebody says they are
    Column("content", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
)

# What a message carries: it is fetched from the channel after the message has been answered.
attachments = Table(
    "attachments",
    metadata,
    key(),
    Column("message_id", ForeignKey("messages.id"), nullable=False, unique=True),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("provider_id", String, nullable=False),  # the channel's own name for it
    Column("name", String),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("file_id", ForeignKey("files.id")),
    Column("attempts", Integer, nullable=False),
    Column("retry_at", Moment),  # to fetch it, or once that is decided, to let the channel drop it
    Column("lease_until", Moment),
    Column("at", Moment, nullable=False),
    Column("released_at", Moment),  # since then the channel has it no longer
    CheckConstraint("state in ('waiting', 'stored', 'refused', 'lost')", name="state"),
    Index(
        "ix_attachments_waiting",
        "retry_at",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_attachments_held",  # by a channel that has not been told yet that it may drop it
        "retry_at",
        sqlite_where=text("state <> 'waiting' and retry_at is not null"),
        postgresql_where=text("state <> 'waiting' and retry_at is not null"),
    ),
    Index("ix_attachments_person_id", "person_id"),
    Index("ix_attachments_file_id", "file_id"),
)
