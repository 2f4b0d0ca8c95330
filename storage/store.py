# SPDX-License-Identifier: EUPL-1.2
"""The database, and what one transaction of it remembers, by noun; the only place that commits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from storage.attendances import Attendances
from storage.audit import Audit
from storage.calls import Calls
from storage.cases import Cases
from storage.contents import Contents
from storage.deliveries import Deliveries
from storage.dialogues import Dialogues
from storage.diaries import Diaries
from storage.dossiers import Dossiers
from storage.erasures import Erasures
from storage.files import Files
from storage.folded import fold
from storage.health import Health
from storage.job_clubs import JobClubs
from storage.links import Links
from storage.merges import Merges
from storage.messages import Messages
from storage.misreadings import Misreadings
from storage.my_data import MyData
from storage.people import People
from storage.protected import Protected
from storage.questions import Questions
from storage.receipts import Receipts
from storage.records import Records
from storage.retention import Retention
from storage.reviews import Reviews
from storage.rights import Rights
from storage.search import Search
from storage.series import AllSeries
from storage.staff import Staff
from storage.territories import Territories
from storage.today import Today
from storage.traces import Traces
from storage.transaction import ChangedWhileLooking, Transaction, available
from storage.venues import Venues
from storage.workshops import Workshops

# FULL: a message that has been acknowledged is on the disk, also when the power goes. A savepoint stands around every
# turn, and keeps its old pages in memory instead of a file. The log is folded back into the database less often. What
# is deleted is overwritten: a backup copies the file as it is, with what stands in its free pages.
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=30000",
    "temp_store=MEMORY",
    "wal_autocheckpoint=4000",
    "secure_delete=ON",
)


class Store(Transaction):
    """What one transaction remembers, by noun. Leaving the transaction commits it; nothing else does."""

    @property
    def attendances(self) -> Attendances:
        return Attendances(self)

    @property
    def people(self) -> People:
        return People(self)

    @property
    def dialogues(self) -> Dialogues:
        return Dialogues(self)

    @property
    def messages(self) -> Messages:
        return Messages(self)

    @property
    def territories(self) -> Territories:
        return Territories(self)

    @property
    def workshops(self) -> Workshops:
        return Workshops(self)

    @property
    def series(self) -> AllSeries:
        return AllSeries(self)

    @property
    def venues(self) -> Venues:
        return Venues(self)

    @property
    def traces(self) -> Traces:
        return Traces(self)

    @property
    def job_clubs(self) -> JobClubs:
        return JobClubs(self)

    @property
    def diaries(self) -> Diaries:
        return Diaries(self)

    @property
    def calls(self) -> Calls:
        return Calls(self)

    @property
    def dossiers(self) -> Dossiers:
        return Dossiers(self)

    @property
    def links(self) -> Links:
        return Links(self)

    @property
    def merges(self) -> Merges:
        return Merges(self)

    @property
    def questions(self) -> Questions:
        return Questions(self)

    @property
    def cases(self) -> Cases:
        return Cases(self)

    @property
    def files(self) -> Files:
        return Files(self)

    @property
    def my_data(self) -> MyData:
        return MyData(self)

    @property
    def search(self) -> Search:
        return Search(self)

    @property
    def contents(self) -> Contents:
        return Contents(self)

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries(self)

    @property
    def receipts(self) -> Receipts:
        return Receipts(self)

    @property
    def today(self) -> Today:
        return Today(self)

    @property
    def health(self) -> Health:
        return Health(self)

    @property
    def staff(self) -> Staff:
        return Staff(self)

    @property
    def erasures(self) -> Erasures:
        return Erasures(self)

    @property
    def misreadings(self) -> Misreadings:
        return Misreadings(self)

    @property
    def reviews(self) -> Reviews:
        return Reviews(self)

    @property
    def records(self) -> Records:
        return Records(self)

    @property
    def audit(self) -> Audit:
        return Audit(self)

    @property
    def retention(self) -> Retention:
        return Retention(self)

    @property
    def rights(self) -> Rights:
        return Rights(self)

    @property
    def protected(self) -> Protected:
        return Protected(self)


class Storage:
    """A database: SQLite in a file, or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url = normal(url)
        self.is_sqlite = self.url.startswith("sqlite")
        self._one_writer = threading.Lock()
        self._writer: Connection | None = None
        self._writing = _sqlite(self.url, pool_size=1) if self.is_sqlite else _postgresql(self.url)
        self._reading = _sqlite(self.url, pool_size=4) if self.is_sqlite else self._writing

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """A transaction that commits at its end, or leaves no trace. Raises Unavailable if the database is down."""
        with self._turnstile(), available(), self._pen() as connection:
            connection.info.pop("looking", None)
            with connection.begin():
                yield Store(connection)

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """A transaction in which nothing can be changed. Raises Unavailable if the database is down."""
        with available(), self._reading.begin() as connection:
            store = Store(connection)
            with store.looking():
                yield store

    @contextmanager
    def _pen(self) -> Iterator[Connection]:
        """The connection that writes. SQLite's one writer keeps its own: a new one costs as much as a statement."""
        if not self.is_sqlite:
            with self._writing.connect() as connection:
                yield connection
            return
        if self._writer is None:
            self._writer = self._writing.connect()
        yield self._writer

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
        """For looking at the database itself, never for writing."""
        return self._reading

    @contextmanager
    def whole(self) -> Iterator[Engine]:
        """The whole database, for migrations: nobody else writes meanwhile."""
        with self._turnstile():
            self._put_down_the_pen()
            yield self._writing

    def close(self) -> None:
        self._put_down_the_pen()
        self._writing.dispose()
        self._reading.dispose()

    def _put_down_the_pen(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def normal(url: str) -> str:
    """The URL with the driver we use; hosting platforms still write postgres://."""
    for old in ("postgres://", "postgresql://"):
        if url.startswith(old):
            return "postgresql+psycopg://" + url.removeprefix(old)
    return url


def _sqlite(url: str, *, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=60,
        pool_reset_on_return=None,  # every use ends in a commit or a rollback of its own
        connect_args={"timeout": 30, "check_same_thread": False},
        hide_parameters=True,  # people's words are no part of an error
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN, not the driver
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("folded", 1, fold, deterministic=True)

    begin = "BEGIN IMMEDIATE" if pool_size == 1 else "BEGIN"

    @event.listens_for(engine, "begin")
    def begins(connection: Connection) -> None:
        connection.connection.cursor().execute(begin)  # straight to the driver, as all savepoints are

    return _guarded(engine)


def _postgresql(url: str) -> Engine:
    pool: dict[str, Any] = {"pool_size": 10, "max_overflow": 10, "pool_pre_ping": True}
    return _guarded(create_engine(make_url(url), hide_parameters=True, **pool))


def _guarded(engine: Engine) -> Engine:
    """Every statement, however it was written, is refused while a step only looks."""

    @event.listens_for(engine, "before_execute")
    def refuse(connection: Connection, statement: Any, *_rest: Any) -> None:
        if connection.info.get("looking") and not getattr(statement, "is_select", False):
            raise ChangedWhileLooking("the database")

    @event.listens_for(engine, "before_cursor_execute")
    def refuse_text(connection: Connection, cursor: Any, sql: str, values: Any, context: Any, many: bool) -> None:
        if connection.info.get("looking") and context.compiled is None and sql.lstrip()[:6].lower() != "select":
            raise ChangedWhileLooking("the database")

    return engine
