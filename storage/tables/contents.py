# SPDX-License-Identifier: EUPL-1.2
"""Forms of a message that a channel keeps for us under a number of its own: buttons, lists, approved templates."""

from sqlalchemy import Column, String, Table, Text, UniqueConstraint

from storage.tables.base import Document, Moment, key, metadata

contents = Table(
    "contents",
    metadata,
    key(),
    Column("name", String, nullable=False),  # such as buttons-2, or the moment that a template speaks for
    Column("language", String, nullable=False),
    Column("hash", String, nullable=False),  # of all that is in it: a changed sentence is another form
    Column("sid", String, nullable=False, unique=True),  # the channel's number
    Column("category", String),  # of a template: utility or marketing; none: it needs no approval
    Column("body", Text, nullable=False),  # with {{1}} for what changes
    Column("variables", Document, nullable=False),  # what stands for {{1}}, {{2}} and so on, by name
    Column("status", String, nullable=False),  # made, pending, approved, rejected, paused, disabled, refused
    Column("reason", Text),  # why the channel does not take it, in its words
    Column("at", Moment, nullable=False),
    Column("checked_at", Moment),
    UniqueConstraint("name", "language", "hash"),
)
