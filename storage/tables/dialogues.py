# SPDX-License-Identifier: EUPL-1.2
"""Where each person is in a conversation: one row per person, small enough to read by eye."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, text

from storage.tables.base import Document, Key, Moment, metadata

dialogues = Table(
    "dialogues",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    Column("conversation", String),
    Column("step", String),
    Column("draft", Document, nullable=False),
    Column("trail", Document, nullable=False),  # [[step, {field: what it held before}], ...], for "back"
    Column("paused", Document, nullable=False),  # interrupted conversations, the newest last
    Column("kept", Document, nullable=False),  # half-filled forms, by conversation
    Column("question_id", Key),  # the message that asked what is still open
    Column("question_kind", String),
    Column("question_hash", String),  # of the words as the person saw them
    Column("identity_id", Key),  # the chat that showed the question
    Column("misses", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("release", String, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("heard_id", Key),  # the last message that came in, and when: the desk's list is in this order
    Column("heard_at", Moment),
    Column("taken_by", ForeignKey("staff.id")),  # a person of the desk writes, and the program is silent
    Column("taken_at", Moment),
    Column("taken_until", Moment),
    Index("ix_dialogues_heard_at_person_id", "heard_at", "person_id"),
    Index(
        "ix_dialogues_taken",
        "taken_until",
        sqlite_where=text("taken_by is not null"),
        postgresql_where=text("taken_by is not null"),
    ),
)
