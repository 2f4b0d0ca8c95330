# SPDX-License-Identifier: EUPL-1.2
"""Content on its way in: rows put by name, so that loading them twice changes nothing."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, Table, and_, select, update

from storage.tables import metadata

if TYPE_CHECKING:
    from storage.store import Store

Outcome = Literal["new", "changed", "unchanged"]


class Content:
    def __init__(self, store: "Store") -> None:
        self.store = store

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in self.store.read(select(metadata.tables[table]))]

    def ids(self, table: str) -> set[str]:
        """The names by which content knows the rows of a table."""
        columns = metadata.tables[table].c
        name = columns["code"] if "code" in columns else next(iter(metadata.tables[table].primary_key))
        return {row[0] for row in self.store.read(select(name).where(name.is_not(None)))}

    def find(self, table: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """The row with this key, held until the transaction ends."""
        # Not a full lock: a message that only refers to the row must not wait for the whole load.
        rows = select(metadata.tables[table]).where(_is(metadata.tables[table], key))
        return next((dict(row._mapping) for row in self.store.read(rows.with_for_update(key_share=True))), None)

    def put(
        self, table: str, key: Sequence[str], values: Mapping[str, Any], at_first: Mapping[str, Any] | None = None
    ) -> Outcome:
        """Make a row say this. What is given as ``at_first`` is for a new row only."""
        found = self.find(table, {name: values[name] for name in key})
        if found is None:
            self._add(metadata.tables[table], key, values, at_first or {})
            return "new"
        changes = {name: value for name, value in values.items() if found[name] != value}
        if not changes:
            return "unchanged"
        self._change(metadata.tables[table], {name: values[name] for name in key}, changes)
        return "changed"

    def _add(self, table: Table, key: Sequence[str], values: Mapping[str, Any], at_first: Mapping[str, Any]) -> None:
        statement = self.store.insert(table).values({**at_first, **values})
        theirs = {name: statement.excluded[name] for name in values}
        self.store.write(statement.on_conflict_do_update(index_elements=list(key), set_=theirs))

    def _change(self, table: Table, key: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self.store.write(update(table).where(_is(table, key)).values(dict(changes)))


def _is(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))
