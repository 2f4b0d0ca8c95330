# SPDX-License-Identifier: EUPL-1.2
"""One transaction: it reads, it writes unless somebody only looks, and it knows when the database is away."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, CursorResult, Executable, Table, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from storage.prepared import Prepared


class ChangedWhileLooking(Exception):
    """A step changed something before its question; move the change below the yield."""


class Unavailable(Exception):
    """The database does not answer; try again."""


class Contested(Unavailable):
    """Two transactions stood in each other's way, and this one gave way: nothing of it remains; do it again."""


class Transaction:
    """Every statement passes through ``read``, ``write`` or ``run``; ``looking()`` refuses all that would write."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_postgresql = connection.dialect.name == "postgresql"
        self.writes = 0
        self._depth = 0

    def read(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        return self.connection.execute(statement, values).all()

    def write(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        self.writes += 1
        return self.connection.execute(statement, values)

    def run(self, prepared: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """One of the few statements that every message takes."""
        if prepared.writes:
            if self.is_looking:
                raise ChangedWhileLooking("the database")
            self.writes += 1
        return prepared.run(self.connection, values)

    def insert(self, table: Table) -> Any:
        """An INSERT that can say ON CONFLICT, in this database's dialect."""
        return (postgresql if self.is_postgresql else sqlite).insert(table)

    @property
    def is_looking(self) -> bool:
        return bool(self.connection.info.get("looking"))

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Until this ends, every write is refused with ChangedWhileLooking."""
        before = self.connection.info.get("looking", False)
        self.connection.info["looking"] = True
        try:
            yield
        finally:
            self.connection.info["looking"] = before

    @contextmanager
    def revisable(self) -> Iterator[None]:
        """What is written here may be given once more: it does not close the way back to its question."""
        before = self.writes
        yield
        self.writes = before

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Everything inside happens, or none of it does; the transaction goes on either way."""
        self._depth += 1
        name = f"s{self._depth}"
        self._say(f"SAVEPOINT {name}")
        try:
            with available():
                yield
        except Unavailable:
            raise  # there is nothing left to go back to
        except BaseException:
            self._say(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        else:
            self._say(f"RELEASE SAVEPOINT {name}")
        finally:
            self._depth -= 1

    def _say(self, sql: str) -> None:
        # Straight to the driver: a savepoint stands around every turn, and SQLAlchemy's costs as much as a statement.
        cursor = self.connection.connection.cursor()
        cursor.execute(sql)
        cursor.close()


@contextmanager
def available() -> Iterator[None]:
    """Whatever says that the database does not answer becomes Unavailable."""
    try:
        yield
    except exc.TimeoutError as trouble:  # no connection became free
        raise Unavailable(type(trouble).__name__) from trouble
    except (DBAPIError, sqlite3.Error, psycopg.Error) as trouble:
        if isinstance(cause_of(trouble), (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)):
            raise Contested(type(trouble).__name__) from trouble
        if _is_away(trouble):
            raise Unavailable(type(trouble).__name__) from trouble
        raise


def cause_of(trouble: DBAPIError | sqlite3.Error | psycopg.Error) -> BaseException | None:
    """What the driver itself said."""
    return trouble.orig if isinstance(trouble, DBAPIError) else trouble


def _is_away(trouble: DBAPIError | sqlite3.Error | psycopg.Error) -> bool:
    """Is it the database that does not answer? SQLite says "operational error" to a mistake in our SQL, too."""
    cause = cause_of(trouble)
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorname", "") != "SQLITE_ERROR"
    is_cut_off = isinstance(trouble, DBAPIError) and trouble.connection_invalidated
    return is_cut_off or isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError))
