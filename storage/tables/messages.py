# SPDX-License-Identifier: EUPL-1.2
"""Everything said, in both directions: the log that operators read is the outbox that the worker sends."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from storage.tables.base import Document, Key, Moment, key, metadata

PROBLEMS = "direction = 'out' and state in ('failed', 'uncertain', 'missed')"
UNSENT = "state in ('pending', 'claimed', 'sending')"


def _only(name: str, where: str, *columns: str, unique: bool = False) -> Index:
    """An index of some rows only, on both databases."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


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
    Column("dedupe_key", String),
    Column("lease_until", Moment),
    Column("lease", String),
    Column("provider_id", String),
    Column("sent_at", Moment),  # when it left us, with the person's row in hand: a stop is before it or after it
    # both
    Column("attempts", Integer, nullable=False),
    Column("retry_at", Moment),
    CheckConstraint("direction in ('in', 'out')", name="direction"),
    # Every index is written with every message, so each holds only the rows it is for.
    _only("uq_messages_update_key", "update_key is not null", "channel", "update_key", unique=True),
    _only("uq_messages_message_key", "message_key is not null", "channel", "message_key", unique=True),
    _only("uq_messages_dedupe_key", "dedupe_key is not null", "dedupe_key", unique=True),
    Index("ix_messages_person_id_id", "person_id", "id"),
    _only("ix_messages_pushes", "answered_by is not null", "identity_id", "id"),
    _only("ix_messages_downloads", "subject = 'my_data'", "person_id"),
    # Claiming a reply in front of a long backlog must not read the backlog.
    _only("ix_messages_outbox", UNSENT, "state", "priority", "due_at"),
    _only("ix_messages_outbox_chat", UNSENT, "identity_id", "id"),
    _only("ix_messages_inbox", "state in ('failed', 'waiting')", "person_id", "retry_at"),
    _only("ix_messages_problems", PROBLEMS, "id"),
    # Only WhatsApp speaks of a message again after it has taken it.
    _only("ix_messages_receipts", "channel = 'whatsapp' and provider_id is not null", "provider_id"),
)

# What a channel says of a message of ours later on: every word of it, in whatever order it comes.
receipts = Table(
    "receipts",
    metadata,
    key(),
    Column("channel", String, nullable=False),
    Column("provider_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("message_id", ForeignKey("messages.id"), index=True),  # none: it came before we knew the number
    Column("code", String),  # of what went wrong
    Column("at", Moment, nullable=False),
    UniqueConstraint("channel", "provider_id", "status"),
)
