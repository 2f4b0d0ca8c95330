# SPDX-License-Identifier: EUPL-1.2
"""Runs migrations inside one transaction, one process at a time."""

from typing import Any

from alembic import context
from sqlalchemy import text

from storage.tables import metadata
from storage.tables.search import FTS, GIN

LOCK = 7_301_948  # any number nobody else uses; parallel upgrades of a fresh PostgreSQL fail without it

connection = context.config.attributes["connection"]


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """SQLite's FTS5 keeps tables of its own, which no code of ours describes."""
    return not (kind == "table" and name is not None and name.startswith(FTS))


def is_here(_item: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Only PostgreSQL has the index of words as an index."""
    return not (kind == "index" and name == GIN.name and connection.dialect.name == "sqlite")


context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    user_module_prefix="storage.tables.base.",
    include_name=is_ours,
    include_object=is_here,
)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
    context.run_migrations()
