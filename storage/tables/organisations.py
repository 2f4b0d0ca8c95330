# SPDX-License-Identifier: EUPL-1.2
"""Desks, firms and bodies of the network; the places where things happen."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, String, Table

from storage.tables.base import Document, metadata

organisations = Table(
    "organisations",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("comune_istat", ForeignKey("comuni.istat")),
    Column("area_id", ForeignKey("areas.id")),
    Column("sector", String),
    Column("phone", String),
    Column("email", String),
    Column("address", String),
    Column("opening", Document),  # opening hours in plain words, by language
)

venues = Table(
    "venues",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("comune_istat", ForeignKey("comuni.istat")),  # none: it is online
    Column("address", String),
    Column("step_free", Boolean),
    Column("hearing_loop", Boolean),
    Column("toilet", Boolean),
    Column("bus", String),
    Column("note", Document),
    Column("latitude", Float),  # for a pin on the map, where somebody has looked it up
    Column("longitude", Float),
)
