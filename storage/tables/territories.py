# SPDX-License-Identifier: EUPL-1.2
"""Areas, Unioni and comuni: who is near whom."""

from sqlalchemy import Column, ForeignKey, String, Table

from storage.tables.base import Document, metadata

areas = Table(
    "areas",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("province", String, nullable=False),
    Column("region", String, nullable=False),
    Column("patron_subdivision", String),
    Column("programmes", Document, nullable=False),  # in the order they are offered
)

unions = Table(
    "unions",
    metadata,
    Column("id", String, primary_key=True),
    Column("area_id", ForeignKey("areas.id"), nullable=False),
    Column("name", String, nullable=False),
)

comuni = Table(
    "comuni",
    metadata,
    Column("istat", String, primary_key=True),
    Column("cadastral", String, nullable=False),
    Column("name", String, nullable=False),
    Column("union_id", ForeignKey("unions.id"), nullable=False),
    Column("patron_day", String),  # the feast of the town's own patron, as month and day: 09-24
)
