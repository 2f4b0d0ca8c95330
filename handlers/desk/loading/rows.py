# SPDX-License-Identifier: EUPL-1.2
"""Parts of a row on its way into a table."""

from typing import Any

from handlers.rules.content import Row


def rows(row: Row, name: str) -> list[Row]:
    return list(row.get(name) or ())


def fields(row: Row, *names: str) -> dict[str, Any]:
    return {name: row.get(name) for name in names}


def said(row: Row, *names: str) -> dict[str, Any]:
    """Those of the fields that say something."""
    return {name: row[name] for name in names if row.get(name) is not None}
