# SPDX-License-Identifier: EUPL-1.2
"""Who works at the desk, and how they come in."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from storage.tables.base import Document, Moment, key, metadata

staff = Table(
    "staff",
    metadata,
    key(),
    Column("code", String, unique=True),
    Column("name", String, nullable=False),
    Column("email", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("other_roles", Document),  # in a small town one person does several things
    Column("organisation_id", ForeignKey("organisations.id")),
    Column("languages", Document, nullable=False),
    Column("language", String),  # in which they read the console
    Column("areas", Document),  # they answer for these only; none: for all
    Column("programmes", Document),
    Column("password", String),  # its argon2 hash
    Column("second_factor", Text),  # the secret of their TOTP device, sealed
    Column("second_factor_step", Integer),  # the last half minute whose number was used: none is used twice
    Column("closed_at", Moment),  # they work here no longer
)

# An invitation, a new password, a way in without one; each opens once.
sign_in_links = Table(
    "sign_in_links",
    metadata,
    key(),
    Column("staff_id", ForeignKey("staff.id"), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("token_hash", String, nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)

# Signed in on one device. Only the hash of what the browser holds is kept. Times are real, whatever day we pretend.
sessions = Table(
    "sessions",
    metadata,
    key(),
    Column("staff_id", ForeignKey("staff.id"), nullable=False, index=True),
    Column("token_hash", String, nullable=False, unique=True),
    Column("form_key", String, nullable=False),  # what a form of ours carries, and nobody else's can
    Column("is_whole", Boolean, nullable=False),  # the second factor has been given, or is not asked for
    Column("device", String),  # in a few words, so that its owner knows which one it is
    Column("at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

# A form that was sent and done, by what is in it: a second click on its button finds it here. Times are real.
sent_forms = Table(
    "sent_forms",
    metadata,
    key(),
    Column("hash", String, nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    Column("went_to", String),  # the page that came after it; none as long as it is being done
)

# Who tried to come in and could not: counted by address and by account, to be slower the next time.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    key(),
    Column("who", String, nullable=False),  # a hash
    Column("at", Moment, nullable=False),
    Index("ix_sign_in_attempts_who_at", "who", "at"),
)
