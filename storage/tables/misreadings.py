# SPDX-License-Identifier: EUPL-1.2
"""What nobody understood, and what the staff taught us since."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, text

from storage.tables.base import Moment, key, metadata

# What no step understood: for us to learn from.
misreadings = Table(
    "misreadings",
    metadata,
    key(),
    Column("message_id", ForeignKey("messages.id"), nullable=False, unique=True),
    Column("person_id", ForeignKey("people.id"), nullable=False, index=True),
    Column("words", String, nullable=False),  # folded, so that the same words count together
    Column("language", String, nullable=False),
    Column("conversation", String, nullable=False),
    Column("step", String),
    Column("at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("settled_by", ForeignKey("staff.id")),
    Column("settled_as", String),  # synonym, question, developers or nothing
    Index(
        "ix_misreadings_open",
        "words",
        sqlite_where=text("settled_at is null"),
        postgresql_where=text("settled_at is null"),
    ),
)

# Words that mean what we know already, taught by the staff: menu, workshops, the number of a question.
synonyms = Table(
    "synonyms",
    metadata,
    key(),
    Column("words", String, nullable=False, unique=True),  # folded
    Column("means", String, nullable=False),  # anytime:help, conversation:workshops or question:faq-03
    Column("staff_id", ForeignKey("staff.id"), nullable=False),
    Column("at", Moment, nullable=False),
)
