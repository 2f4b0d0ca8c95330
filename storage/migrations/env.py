# SPDX-License-Identifier: EUPL-1.2
"""Runs migrations inside one transaction, one process at a time."""

from alembic import context
from sqlalchemy import text

from storage.tables import metadata

LOCK = 7_301_948  # any number nobody else uses; parallel upgrades of a fresh PostgreSQL fail without it

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    user_module_prefix="storage.tables.base.",
)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
    context.run_migrations()
