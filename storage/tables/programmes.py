# SPDX-License-Identifier: EUPL-1.2
"""The public programmes, and the questions people ask about them."""

from sqlalchemy import Column, Date, ForeignKey, Integer, String, Table, Text

from storage.tables.base import Document, Moment, metadata

programmes = Table(
    "programmes",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("area_id", ForeignKey("areas.id"), nullable=False),
    Column("parent_id", String),
    Column("kind", String, nullable=False),
    Column("summary", Document),
)

questions = Table(
    "questions",
    metadata,
    Column("id", String, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("programme_id", ForeignKey("programmes.id")),
    Column("question", Document, nullable=False),
    Column("answer", Document, nullable=False),
    Column("keywords", Document, nullable=False),
    Column("buttons", Document, nullable=False),
    Column("review_on", Date, nullable=False),
    Column("closed_at", Moment),  # nobody is shown it any more
)

notices = Table(
    "notices",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", String, nullable=False),
    Column("layer_1", Document, nullable=False),
    Column("layer_2", Document, nullable=False),
    Column("consents", Document, nullable=False),
)

CHECKUP = "checkup"  # of the settings: what was found when somebody had everything checked last

settings = Table(
    "settings",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Document),
    Column("note", Text),
)
