# SPDX-License-Identifier: EUPL-1.2
"""Everything said, in both directions: the log that operators read is the outbox that the worker sends."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, text

from storage.tables.base import Document, Key, Moment, key, metadata

messages = Table(
    "messages",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("identity_id", ForeignKey("identities.id"), nullable=False),
    Column("direction", String(3), nullable=False),
    Column("channel", String, nullable=False),
    Column("kind", String, nullable=False),  # in: text, tap, voice, photo, ...  out: reply, moment, notice
    Column("text", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),  # why it failed, was held back or given up: a short code, never personal data
    Column("at", Moment, nullable=False),
    # coming in
    Column("update_key", String),
    Column("message_key", String),
    Column("payload", Document),  # the tap, the file, the deep link: what the words alone do not say
    Column("dialogue_version", Integer),  # the dialogue this message met; a retry only meets the same one
    # going out
    Column("options", Document),  # the choices as the person sees them
    Column("answered_by", Document),  # a push with choices names the conversation and step that answer it
    Column("reply_to", Key),
    Column("subject", String),  # what a push is about, such as booking:12
    Column("due_at", Moment),
    Column("not_after", Moment),
    Column("priority", Integer),
    Column("dedupe_key", String, unique=True),
    Column("lease_until", Moment),
    Column("lease", String),
    Column("provider_id", String),
    Column("sent_at", Moment),
    # both
    Column("attempts", Integer, nullable=False),
    Column("retry_at", Moment),
    CheckConstraint("direction in ('in', 'out')", name="direction"),
    Index("uq_messages_channel_update_key", "channel", "update_key", unique=True),
    Index("uq_messages_channel_message_key", "channel", "message_key", unique=True),
    Index("ix_messages_person_id_id", "person_id", "id"),
    Index("ix_messages_identity_id_id", "identity_id", "id"),
    # Claiming a reply in front of a long backlog must not read the backlog.
    Index(
        "ix_messages_outbox",
        "state",
        "priority",
        "due_at",
        sqlite_where=text("state in ('pending', 'claimed', 'sending')"),
        postgresql_where=text("state in ('pending', 'claimed', 'sending')"),
    ),
    Index(
        "ix_messages_inbox",
        "person_id",
        "retry_at",
        sqlite_where=text("state in ('failed', 'waiting')"),
        postgresql_where=text("state in ('failed', 'waiting')"),
    ),
)
