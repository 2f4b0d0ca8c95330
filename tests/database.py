# SPDX-License-Identifier: EUPL-1.2
"""Databases for tests: SQLite files, and a real PostgreSQL where one is found; each test gets a copy of a template."""

import contextlib
import functools
import glob
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Dialect, create_engine, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

import storage
import storage.store
from handlers.desk import loading
from handlers.talk.text import ROME
from storage import Storage, migration

DEMO = Path(__file__).resolve().parents[1] / "bot" / "demo"
TOWN = ("service", "territories", "programmes", "organisations", "services_faq", "privacy_notice")
# The server lives no longer than the tests: it need not survive the machine, and nobody repeats its log.
SERVER = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "autovacuum": "off",
    "max_connections": 300,
}
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)  # 10:00 in Rome


class Databases:
    """Templates are made once; a test's own database is a copy, which takes milliseconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: Server | None = None

    def __enter__(self) -> "Databases":
        return self

    def __exit__(self, *_trouble: object) -> None:
        if self.server:
            self.server.stop()

    @contextlib.contextmanager
    def empty(self, kind: str) -> Iterator[str]:
        with self.filled(kind, "empty", lambda found: None) as url:
            yield url

    @contextlib.contextmanager
    def town(self, kind: str) -> Iterator[str]:
        with self.filled(kind, "town", load_town) as url:
            yield url

    @contextlib.contextmanager
    def played(self, kind: str, name: str, fill: Callable[[Storage], None]) -> Iterator[str]:
        """The town, and in it what a test has made happen once for all its tests."""

        def town_and_more(found: Storage) -> None:
            load_town(found)
            fill(found)

        with self.filled(kind, name, town_and_more) as url:
            yield url

    @contextlib.contextmanager
    def filled(self, kind: str, name: str, fill: Callable[[Storage], None]) -> Iterator[str]:
        """A copy of the template of this name, which is filled when it is first asked for."""
        if kind == "sqlite":
            template = self._sqlite_template(name, fill)
            copy = self.folder / f"{secrets.token_hex(6)}.sqlite"
            shutil.copy(template, copy)
            yield f"sqlite:///{copy}"
            for left in self.folder.glob(copy.name + "*"):
                left.unlink()
        else:
            self.server = self.server or Server.found(self.folder)
            with self.server.copy(name, fill) as url:
                yield url

    def _sqlite_template(self, name: str, fill: Callable[[Storage], None]) -> Path:
        path = self.folder / f"template-{name}.sqlite"
        if not path.exists():
            prepare(f"sqlite:///{path}", fill)
            connection = create_engine(f"sqlite:///{path}").raw_connection()
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        return path


def prepare(url: str, fill: Callable[[Storage], None]) -> None:
    found = storage.open(url)
    migration.upgrade(found)
    fill(found)
    found.close()


def load_town(found: Storage) -> None:
    """The demonstration without its workshops and people: tests bring their own."""
    with tempfile.TemporaryDirectory() as folder:
        for name in TOWN:
            shutil.copy(DEMO / f"{name}.yaml", folder)
        content = loading.read(Path(folder))
    with found.writing() as store:
        loading.load(store, content, today=MONDAY.astimezone(ROME).date(), now=MONDAY)


class Server:
    """A PostgreSQL server: the one that TEST_DATABASE_URL names, or one of our own, without fsync, for this session."""

    def __init__(self, url: str, stop: Callable[[], None]) -> None:
        self.url, self._stop = url, stop
        self.templates: set[str] = set()
        self.engine = create_engine(f"{url}/postgres", isolation_level="AUTOCOMMIT", pool_pre_ping=True)

    def stop(self) -> None:
        self.engine.dispose()
        self._stop()

    @classmethod
    def found(cls, folder: Path) -> "Server":
        if url := os.environ.get("TEST_DATABASE_URL"):
            return cls(storage.normal(url).rsplit("/", 1)[0], lambda: None)
        binaries = postgresql_binaries()
        if binaries is None:
            pytest.skip("no PostgreSQL here: Debian's package is called postgresql")
        return cls(*started(binaries, folder / "postgresql"))

    @contextlib.contextmanager
    def copy(self, name: str, fill: Callable[[Storage], None]) -> Iterator[str]:
        template = f"template_{name}_{os.getpid()}"
        if template not in self.templates:
            self._run(f"drop database if exists {template}", f"create database {template}")
            prepare(f"{self.url}/{template}", fill)
            self.templates.add(template)
        copy = f"test_{secrets.token_hex(6)}"
        self._run(f"create database {copy} template {template}")
        yield f"{self.url}/{copy}"
        self._run(f"drop database {copy} with (force)")

    def _run(self, *statements: str) -> None:
        with self.engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))


def put_into_sql_once() -> None:
    """
    What is asked of a database is put into its SQL once for all tests.

    Every application that a test opens has an engine of its own, and would do it again for every question. The SQL
    follows from the question and the kind of database alone; nothing of what a database holds is kept.
    """

    def is_same_kind(one: Dialect, other: object) -> bool:
        return type(one) is type(other)

    known: dict[Any, Any] = {}
    kinds: tuple[Any, ...] = (SQLiteDialect_pysqlite, PGDialect_psycopg)
    for kind in kinds:  # an engine's dialect is a part of the key under which SQLAlchemy keeps the SQL
        kind.__eq__, kind.__hash__ = is_same_kind, lambda one: hash(type(one))
    storage.store.create_engine = functools.partial(create_engine, execution_options={"compiled_cache": known})


@functools.cache
def is_there_postgresql() -> bool:
    """Can anything be tested on PostgreSQL here?"""
    return bool(os.environ.get("TEST_DATABASE_URL")) or postgresql_binaries() is not None


def postgresql_binaries() -> Path | None:
    """The newest PostgreSQL of this machine."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[-2]))
    on_path = shutil.which("initdb")
    return Path(folders[-1]) if folders else Path(on_path).parent if on_path else None


def started(binaries: Path, data: Path) -> tuple[str, Callable[[], None]]:
    """Start a server of our own. It refuses to run as root, so there it runs as postgres."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:  # the postgres user must reach a folder it owns
        data = (memory(room=2**30) or Path("/tmp")) / f"sportello-test-{secrets.token_hex(4)}"
    data.mkdir(parents=True, exist_ok=True)
    if as_user:
        shutil.chown(data, "postgres")
    port = free_port()
    run = functools.partial(subprocess.run, check=True, capture_output=True, cwd="/")
    run(
        [
            *as_user,
            str(binaries / "initdb"),
            "-D",
            str(data / "db"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
        ]
    )
    here = {"listen_addresses": "127.0.0.1", "unix_socket_directories": data}
    options = " ".join(f"-c {name}={value}" for name, value in {"port": port, **here, **SERVER}.items())
    control = [*as_user, str(binaries / "pg_ctl"), "-D", str(data / "db"), "-w", "-l", str(data / "log")]
    run([*control, "-o", options, "start"])

    def stop() -> None:
        run([*control, "-m", "immediate", "stop"])
        shutil.rmtree(data, ignore_errors=True)

    return f"postgresql+psycopg://postgres@127.0.0.1:{port}", stop


def memory(room: int = 0) -> Path | None:
    """Where files live in memory, if there is room for so many bytes: databases are copied ten times faster."""
    place = Path("/dev/shm")
    return place if os.access(place, os.W_OK) and shutil.disk_usage(place).free >= room else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
