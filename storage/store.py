# SPDX-License-Identifier: EUPL-1.2
"""One transaction and what can be asked of it; the only place that commits."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, Row, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from storage.cases import Cases
from storage.dialogues import Dialogues
from storage.messages import Messages
from storage.people import People
from storage.questions import Questions
from storage.records import Records
from storage.territories import Territories
from storage.workshops import Workshops


class ChangedWhileLooking(Exception):
    """A step changed something before its question; move the change below the yield."""


class Unavailable(Exception):
    """The database does not answer; try again."""


class Store:
    """
    What one transaction remembers, by noun. Leaving the transaction commits it; nothing else does.

    Every statement passes through ``read`` or ``write``, and ``looking()`` refuses the second.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_postgresql = connection.dialect.name == "postgresql"
        self.writes = 0

    def read(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        return self.connection.execute(statement, values).all()

    def write(self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> CursorResult[Any]:
        self.writes += 1
        return self.connection.execute(statement, values)

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
    def savepoint(self) -> Iterator[None]:
        """Everything inside happens, or none of it does; the transaction goes on either way."""
        with self.connection.begin_nested():
            yield

    @cached_property
    def people(self) -> People:
        return People(self)

    @cached_property
    def dialogues(self) -> Dialogues:
        return Dialogues(self)

    @cached_property
    def messages(self) -> Messages:
        return Messages(self)

    @cached_property
    def territories(self) -> Territories:
        return Territories(self)

    @cached_property
    def workshops(self) -> Workshops:
        return Workshops(self)

    @cached_property
    def questions(self) -> Questions:
        return Questions(self)

    @cached_property
    def cases(self) -> Cases:
        return Cases(self)

    @cached_property
    def records(self) -> Records:
        return Records(self)


class Storage:
    """A database: SQLite in a file, or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url = normal(url)
        self.is_sqlite = self.url.startswith("sqlite")
        self._one_writer = threading.Lock()
        self._writing = _sqlite(self.url, pool_size=1) if self.is_sqlite else _postgresql(self.url)
        self._reading = _sqlite(self.url, pool_size=4) if self.is_sqlite else self._writing

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """A transaction that commits at its end, or leaves no trace. Raises Unavailable if the database is down."""
        with self._turnstile(), _available(), self._writing.begin() as connection:
            connection.info.pop("looking", None)
            yield Store(connection)

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """A transaction in which nothing can be changed. Raises Unavailable if the database is down."""
        with _available(), self._reading.begin() as connection:
            store = Store(connection)
            with store.looking():
                yield store

    @contextmanager
    def _turnstile(self) -> Iterator[None]:
        """SQLite has one writer: waiting here is fair and fast, waiting in its busy handler is neither."""
        if not self.is_sqlite:
            yield
            return
        with self._one_writer:
            yield

    @property
    def engine(self) -> Engine:
        """For migrations."""
        return self._writing

    def close(self) -> None:
        self._writing.dispose()
        self._reading.dispose()


def normal(url: str) -> str:
    """The URL with the driver we use; hosting platforms still write postgres://."""
    for old in ("postgres://", "postgresql://"):
        if url.startswith(old):
            return "postgresql+psycopg://" + url.removeprefix(old)
    return url


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as trouble:
        raise Unavailable(type(trouble.orig).__name__) from trouble
    except DBAPIError as trouble:
        if trouble.connection_invalidated:
            raise Unavailable(type(trouble.orig).__name__) from trouble
        raise


def _sqlite(url: str, *, pool_size: int) -> Engine:
    engine = create_engine(url, pool_size=pool_size, max_overflow=0, pool_timeout=60, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN, not the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    begin = text("BEGIN IMMEDIATE" if pool_size == 1 else "BEGIN")

    @event.listens_for(engine, "begin")
    def begins(connection: Connection) -> None:
        connection.exec_driver_sql(begin.text)

    return _guarded(engine)


def _postgresql(url: str) -> Engine:
    return _guarded(create_engine(make_url(url), pool_size=10, max_overflow=10, pool_pre_ping=True))


def _guarded(engine: Engine) -> Engine:
    """Every statement, however it was written, is refused while a step only looks."""

    @event.listens_for(engine, "before_execute")
    def refuse(connection: Connection, statement: Any, *_rest: Any) -> None:
        if connection.info.get("looking") and not getattr(statement, "is_select", False):
            raise ChangedWhileLooking("the database")

    return engine
