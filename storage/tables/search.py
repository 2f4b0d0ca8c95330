# SPDX-License-Identifier: EUPL-1.2
"""The words of the log, as they are looked for; on SQLite an FTS5 table beside them finds where they stand."""

from sqlalchemy import Column, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import TSVECTOR

from storage.tables.base import Key, metadata

FTS = "message_words_fts"  # not in the metadata: only SQLite has it, with tables of its own behind it

# A row for each message that can be found. No key leads from here to the messages: who deletes one need not wait for
# the index, and what is left over here is never shown.
message_words = Table(
    "message_words",
    metadata,
    Column("message_id", Key, primary_key=True, autoincrement=False),
    Column("words", Text().with_variant(TSVECTOR, "postgresql"), nullable=False),
)
# Rows come in batches, off the path of a message, so each batch pays for itself: a list of what is still to be put
# into the index would have to be read by every search, and stops somebody for long when it is full.
GIN = Index(
    "ix_message_words_words",
    message_words.c.words,
    postgresql_using="gin",
    postgresql_with={"fastupdate": "off"},
).ddl_if(dialect="postgresql")

# How far the index has come: one row, or none before it begins.
search_progress = Table(
    "search_progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("message_id", Key, nullable=False),
    Column("remains", Integer, nullable=False),  # of deleted words in the files of FTS5: see storage/search.py
)

# Messages whose words have changed since they were looked at.
search_changes = Table("search_changes", metadata, Column("message_id", Key, primary_key=True, autoincrement=False))
