# SPDX-License-Identifier: EUPL-1.2
"""Who writes to us, from where, and what they have agreed to."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from storage.tables.base import Document, Key, Moment, key, metadata

people = Table(
    "people",
    metadata,
    key(),
    Column("code", String, unique=True),  # the id in loaded content; people who write to us have none
    Column("language", String, nullable=False),
    Column("first_name", String),
    Column("birth_year", Integer),
    Column("comune_istat", ForeignKey("comuni.istat")),
    Column("goal", String),
    Column("italian_level", String),
    Column("source", String),  # how they found us: the src_ part of a link (D09)
    Column("created_at", Moment, nullable=False),
    Column("registered_at", Moment),
    Column("stopped_at", Moment),
    Column("phone", String),  # theirs, and given by them, for a call; in the international form
    Column("calendar_key", String),  # in the private address of their agenda; another key takes the old one back
    Column("merged_into", Key),  # they are the same as somebody else, who stays
    Column("erased_at", Moment),  # from then on only figures are left of them
    Index(
        "uq_people_calendar_key",
        "calendar_key",
        unique=True,
        sqlite_where=text("calendar_key is not null"),
        postgresql_where=text("calendar_key is not null"),
    ),
)

identities = Table(
    "identities",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("simulated", Boolean, nullable=False),  # never reaches a real network
    Column("created_at", Moment, nullable=False),
    Column("blocked_at", Moment),
    # The same chat under another name: WhatsApp knows people by their number, by an id of ours and theirs, or by both.
    Column("alias", String),
    Column("window_shut_at", Moment),  # when the channel last said that only a template may be sent here
    UniqueConstraint("channel", "address"),
    Index(
        "uq_identities_channel_alias",
        "channel",
        "alias",
        unique=True,
        sqlite_where=text("alias is not null"),
        postgresql_where=text("alias is not null"),
    ),
)

# A code that somebody reads in one chat and writes in another: then both are theirs.
links = Table(
    "links",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("identity_id", ForeignKey("identities.id"), nullable=False, index=True),  # the chat that shows it
    Column("code_hash", String, nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)

consents = Table(
    "consents",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("purpose", String, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_hash", String, nullable=False),
    Column("version", String, nullable=False),
    Column("language", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("question_id", Key, nullable=False),  # the message that asked
    Column("answer_id", Key, nullable=False),  # the message that answered
    Column("provider_id", String),  # the provider's own id of the answer
    Column("at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
    Column("withdrawn_by", Key),  # the message that took it back
    Index("ix_consents_person_id_purpose", "person_id", "purpose"),
)

enrolments = Table(
    "enrolments",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("programme_id", ForeignKey("programmes.id"), nullable=False),
    Column("state", String, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("person_id", "programme_id"),
)

erasures = Table(
    "erasures",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False, unique=True),
    Column("receipt", String, nullable=False, unique=True),  # the number on the receipt the person keeps
    Column("asked_at", Moment, nullable=False),
    Column("done_at", Moment),
    Column("counts", Document),  # how many rows of what were erased: figures only
)

stops = Table(
    "stops",
    metadata,
    key(),
    Column("person_id", ForeignKey("people.id"), nullable=False),
    Column("topic", String, nullable=False),  # all, or the one purpose they want no more messages about
    Column("identity_id", ForeignKey("identities.id")),  # a chat that was shut on the channel; none: all of them
    Column("reason", String),  # why, if they said so; job_found is an outcome
    Column("message_id", Key),  # the message that said stop
    Column("at", Moment, nullable=False),
    Column("ended_at", Moment),
    Index("ix_stops_person_id_at", "person_id", "at"),
)
