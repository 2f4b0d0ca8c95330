# SPDX-License-Identifier: EUPL-1.2
"""Who was there: every word that was said about it, the newest of which counts."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text

from storage.tables.base import Moment, key, metadata

attendances = Table(
    "attendances",
    metadata,
    key(),
    Column("booking_id", ForeignKey("bookings.id"), nullable=False),
    Column("said", String),  # present, late, absent, excused; none: what was said before was a mistake
    Column("how", String, nullable=False),  # console, chat, qr, sheet
    Column("by", String, nullable=False),  # staff:3, or person:5 who checked in themselves
    Column("reason", Text),  # of a correction
    Column("at", Moment, nullable=False),
    CheckConstraint("said in ('present', 'late', 'absent', 'excused')", name="said"),
    CheckConstraint("how in ('console', 'chat', 'qr', 'sheet')", name="how"),
    Index("ix_attendances_booking_id_id", "booking_id", "id"),
)
