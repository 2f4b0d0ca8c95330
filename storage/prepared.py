# SPDX-License-Identifier: EUPL-1.2
"""Statements on the path that every message takes: compiled once, then handed to the driver as they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Dialect, Executable, Table, bindparam, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import Select
from sqlalchemy.sql.compiler import SQLCompiler

Processor = Callable[[Any], Any]
# Named places, so that values are passed by name on both drivers.
NAMED: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]
}


class Prepared:
    """
    A SQLAlchemy statement without SQLAlchemy's cost of running it, which a profile of the inbound path named.

    ``statement`` may be a function of the dialect's name, for statements that say ON CONFLICT. Values keep their
    column's type on the way in and out, so a moment is as aware here as anywhere.
    """

    def __init__(self, statement: Executable | Callable[[str], Executable]) -> None:
        self.statement = statement
        self.writes = not isinstance(statement, Select)
        self._ready: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows, as tuples. The driver's own exceptions pass through."""
        dialect = connection.dialect
        compiled = self._ready.get(dialect.name)
        if compiled is None:
            compiled = self._ready[dialect.name] = self._compile(dialect)
        return compiled.run(connection.connection.cursor(), values)

    def _compile(self, dialect: Dialect) -> "_Compiled":
        statement = self.statement if isinstance(self.statement, Executable) else self.statement(dialect.name)
        return _Compiled(statement.compile(dialect=NAMED[dialect.name]), dialect)  # type: ignore[attr-defined]


class _Compiled:
    def __init__(self, compiled: SQLCompiler, dialect: Dialect) -> None:
        self.sql = str(compiled)
        self.fixed = {name: value for name, value in compiled.params.items() if value is not None}
        binds = {name: bind.type.dialect_impl(dialect) for bind, name in compiled.bind_names.items()}
        self.on_the_way_in = _processors({name: kind.bind_processor(dialect) for name, kind in binds.items()})
        results = enumerate(compiled._result_columns)
        kinds = {place: column.type.dialect_impl(dialect) for place, column in results}
        self.on_the_way_out = _processors(
            {place: kind.result_processor(dialect, None) for place, kind in kinds.items()}
        )

    def run(self, cursor: Any, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        given = {**self.fixed, **values}
        for name, process in self.on_the_way_in:
            given[name] = process(given[name])  # a forgotten value is an error, never an empty column
        cursor.execute(self.sql, given)
        rows = cursor.fetchall() if cursor.description else []
        cursor.close()
        return [self._out(row) for row in rows] if self.on_the_way_out else rows

    def _out(self, row: Sequence[Any]) -> tuple[Any, ...]:
        found = list(row)
        for place, process in self.on_the_way_out:
            found[place] = process(found[place])
        return tuple(found)


def inserting(table: Table, names: str, *, returning: Column[Any] | None = None) -> Prepared:
    """A new row with these columns, unless one of its keys is there already."""

    def statement(dialect: str) -> Executable:
        values = {name: bindparam(name, type_=table.c[name].type) for name in names.split()}
        insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
        row = insert.values(values).on_conflict_do_nothing()
        found: Executable = row if returning is None else row.returning(returning)
        return found

    return Prepared(statement)


def one_of(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """The column is one of these; IN would be written anew for every number of values."""
    return or_(*(column == value for value in values))


def _processors(found: Mapping[Any, Processor | None]) -> list[tuple[Any, Processor]]:
    return [(place, process) for place, process in found.items() if process is not None]
