# SPDX-License-Identifier: EUPL-1.2
"""The database keeps what it is given: tables go up and down, times stay true, and who only looks changes nothing."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, exc, insert, inspect, select, text, update

import storage
from handlers.talk.text import ROME
from storage import ChangedWhileLooking, Storage, Store, Unavailable, migration
from storage.tables import cases, identities, metadata, people
from storage.tables.search import FTS
from tests.channels.bot_api import closed_port
from tests.database import MONDAY, Databases

WITHOUT_ZONE = datetime(2027, 3, 1, 10, 0)


@pytest.fixture
def found(storage_url: str) -> Iterator[Storage]:
    with closing(storage.open(storage_url)) as found:
        yield found


@pytest.fixture
def postgresql_url(databases: Databases) -> Iterator[str]:
    with databases.empty("postgresql") as url:
        yield url


def amina(store: Store) -> int:
    """Somebody who has written to us."""
    return meet(store, "amina")


def meet(store: Store, address: str) -> int:
    identity, _person = store.people.meet("telegram", address, simulated=True, language="it", release="1", now=MONDAY)
    return identity.person_id


def tables(found: Storage) -> set[str]:
    with found.engine.connect() as connection:
        found = set(inspect(connection).get_table_names()) - {"alembic_version"}
    return {name for name in found if not name.startswith(FTS)}  # SQLite's own, and not of the code's


# ---- tables


def test_the_tables_go_down_and_up_again_and_are_what_the_code_says(found: Storage) -> None:
    assert migration.is_current(found)
    migration.downgrade(found)
    assert tables(found) == set()
    assert not migration.is_current(found)
    migration.upgrade(found)
    migration.check(found)  # raises if the tables and the migrations disagree
    assert tables(found) == set(metadata.tables)
    assert migration.is_current(found)


def test_an_upgrade_that_was_made_already_changes_nothing(found: Storage) -> None:
    with found.writing() as store:
        person = amina(store)
    migration.upgrade(found)
    with found.reading() as store:
        assert store.people.get(person).language == "it"


@pytest.mark.postgres
def test_three_processes_that_upgrade_at_once_do_it_once(postgresql_url: str) -> None:
    with closing(storage.open(postgresql_url)) as first:
        migration.downgrade(first)

    upgrade = [sys.executable, "-m", "bot", "migrate"]
    environment = {**os.environ, "DATABASE_URL": postgresql_url}
    running = [subprocess.Popen(upgrade, env=environment, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    with closing(storage.open(postgresql_url)) as found:
        assert migration.is_current(found)
        migration.check(found)


def test_the_folder_of_a_new_file_is_made(tmp_path: Path) -> None:
    with closing(storage.open(f"sqlite:///{tmp_path}/a/new/folder/sportello.sqlite")) as found:
        migration.upgrade(found)
        assert migration.is_current(found)


@pytest.mark.parametrize(
    "url", ["postgres://u:p@host/db", "postgresql://u:p@host/db", "postgresql+psycopg://u:p@host/db"]
)
def test_every_way_to_write_the_address_of_postgresql_is_understood(url: str) -> None:
    assert storage.store.normal(url) == "postgresql+psycopg://u:p@host/db"


# ---- transactions


def test_what_fails_leaves_no_trace(found: Storage) -> None:
    with pytest.raises(KeyError), found.writing() as store:
        amina(store)
        raise KeyError("half-way")
    with found.reading() as store:
        assert store.people.at("telegram", "amina") is None


def test_a_savepoint_that_fails_takes_only_its_own_part_with_it(found: Storage) -> None:
    with found.writing() as store:
        amina(store)
        with pytest.raises(KeyError), store.savepoint():
            meet(store, "luca")
            raise KeyError("half-way")
        with store.savepoint():
            meet(store, "sara")
    with found.reading() as store:
        known = {address: store.people.at("telegram", address) is not None for address in ("amina", "luca", "sara")}
    assert known == {"amina": True, "luca": False, "sara": True}


def test_savepoints_may_stand_inside_one_another(found: Storage) -> None:
    with found.writing() as store:
        with store.savepoint():
            amina(store)
            with pytest.raises(KeyError), store.savepoint():
                meet(store, "luca")
                raise KeyError("half-way")
            meet(store, "sara")
        with pytest.raises(exc.IntegrityError), store.savepoint():
            store.write(
                insert(identities).values(person_id=10**9, channel="x", address="x", simulated=True, created_at=MONDAY)
            )
            store.write(text("select 1"))  # where keys are looked at late, they are looked at by now
        meet(store, "ada")
    with found.reading() as store:
        known = {
            address: store.people.at("telegram", address) is not None for address in ("amina", "luca", "sara", "ada")
        }
    assert known == {"amina": True, "luca": False, "sara": True, "ada": True}


@pytest.mark.postgres
def test_a_database_that_is_away_is_unavailable() -> None:
    with closed_port() as url:
        away = storage.open(f"postgresql://nobody@{url.removeprefix('http://')}/nothing?connect_timeout=2")
        with closing(away), pytest.raises(Unavailable), away.reading():
            raise AssertionError("there is nothing to read")


def test_a_mistake_of_ours_is_not_a_database_that_is_away(found: Storage) -> None:
    """Who is told "away" tries again for ever; a mistake in a statement stays one however often it is tried."""
    with pytest.raises(exc.DBAPIError), found.writing() as store:
        store.read(text("select wages from people"))


# ---- foreign keys


def test_nothing_refers_to_what_is_not_there(found: Storage) -> None:
    nobodys = insert(identities).values(person_id=10**9, channel="x", address="x", simulated=True, created_at=MONDAY)
    with pytest.raises(exc.IntegrityError), found.writing() as store:
        store.write(nobodys)


def test_foreign_keys_are_on_in_every_connection_also_after_a_migration(tmp_path: Path) -> None:
    with closing(storage.open(f"sqlite:///{tmp_path}/sportello.sqlite")) as found:
        migration.upgrade(found)
        for opened in (found.writing, found.reading):
            with opened() as store:
                assert store.connection.connection.cursor().execute("pragma foreign_keys").fetchone()[0] == 1


# ---- times


def naive_column(store: Store, person: int) -> None:
    store.people.change(person, registered_at=WITHOUT_ZONE)


def naive_insert(store: Store, person: int) -> None:
    store.cases.open(person, "asked", message_id=None, now=WITHOUT_ZONE)


def naive_question(store: Store, person: int) -> None:
    store.read(select(people.c.id).where(people.c.created_at < WITHOUT_ZONE))


def naive_message(store: Store, person: int) -> None:
    put(store, person, at=WITHOUT_ZONE)


@pytest.mark.parametrize("wrong", [naive_column, naive_insert, naive_question, naive_message])
def test_a_time_without_its_zone_is_refused(found: Storage, wrong: Callable[[Store, int], None]) -> None:
    with found.writing() as store:
        person = amina(store)
    with pytest.raises((ValueError, exc.StatementError), match="without its zone"), found.writing() as store:
        wrong(store, person)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2027, 3, 1, 10, 0, tzinfo=ROME),
        datetime(2027, 7, 1, 10, 0, tzinfo=ROME),
        datetime(2027, 10, 31, 2, 30, tzinfo=ROME, fold=0),
        datetime(2027, 10, 31, 2, 30, tzinfo=ROME, fold=1),
        datetime(2027, 3, 1, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-11))),
    ],
)
def test_a_time_comes_back_as_the_same_instant_in_utc(found: Storage, moment: datetime) -> None:
    with found.writing() as store:
        person = amina(store)
        store.people.change(person, registered_at=moment)
        said = put(store, person, at=moment)
    with found.reading() as store:
        message = store.messages.get(said)
        assert message is not None
        for back in (store.people.get(person).registered_at, message.at):
            assert back is not None and back.utcoffset() == timedelta(0)
            assert back == moment.astimezone(UTC)


def put(store: Store, person: int, **values: Any) -> int:
    identity = store.people.identities(person)[0]
    given = {"kind": "reply", "text": "ciao", "at": MONDAY, "due_at": MONDAY, "priority": 0, **values}
    id = store.messages.put_out(person_id=person, identity_id=identity.id, channel="telegram", **given)
    assert id is not None
    return id


# ---- looking

CASE = {"reason": "asked", "opened_at": MONDAY}
WRITES: dict[str, Callable[[Store, int], Any]] = {
    "an insert": lambda store, person: store.write(insert(cases).values(person_id=person, **CASE)),
    "an insert of many": lambda store, person: store.write(insert(cases), [{"person_id": person, **CASE}] * 2),
    "an insert that may collide": lambda store, person: store.cases.open(person, "asked", message_id=None, now=MONDAY),
    "an update": lambda store, person: store.write(update(people).values(first_name="x")),
    "a delete": lambda store, person: store.write(delete(people)),
    "a noun": lambda store, person: store.people.change(person, first_name="x"),
    "the dialogue": lambda store, person: store.dialogues.save(person, **dialogue(store, person)),
    "a message": lambda store, person: put(store, person),
    "a message that comes in": lambda store, person: store.messages.take_in(**incoming(store, person)),
    "a consent": lambda store, person: store.people.withdraw(person, None, by=None, now=MONDAY),
    "a slot": lambda store, person: store.records.take_slot("job", MONDAY, MONDAY),
    "a setting": lambda store, person: store.questions.set("phone", "1"),
    "read() with a write in it": lambda store, person: store.read(
        update(people).values(first_name="x").returning(people.c.id)
    ),
    "the connection itself": lambda store, person: store.connection.execute(update(people).values(first_name="x")),
    "plain text": lambda store, person: store.connection.execute(text("update people set first_name = 'x'")),
    "the driver": lambda store, person: store.connection.exec_driver_sql("update people set first_name = 'x'"),
}


def dialogue(store: Store, person: int) -> dict[str, Any]:
    found = store.dialogues.get(person)
    return {name: getattr(found, name) for name in type(found).__dataclass_fields__ if name != "person_id"}


def incoming(store: Store, person: int) -> dict[str, Any]:
    known = {"person_id": person, "identity_id": store.people.identities(person)[0].id, "channel": "telegram"}
    words = {"kind": "text", "text": "ciao", "state": "handled", "at": MONDAY, "update_key": "1", "message_key": "1"}
    return {**known, **words, "payload": None, "dialogue_version": 0}


def everything(found: Storage) -> dict[str, list[Any]]:
    with found.reading() as store:
        return {name: sorted(map(repr, store.read(select(table)))) for name, table in metadata.tables.items()}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_whoever_looks_changes_nothing(found: Storage, write: Callable[[Store, int], Any]) -> None:
    with found.writing() as store:
        person = amina(store)
    before = everything(found)
    with pytest.raises(ChangedWhileLooking), found.writing() as store, store.looking():
        write(store, person)
    assert everything(found) == before
    with pytest.raises(ChangedWhileLooking), found.reading() as store:
        write(store, person)
    assert everything(found) == before


def test_whoever_looks_may_read(found: Storage) -> None:
    with found.writing() as store:
        person = amina(store)
        with store.looking():
            assert store.people.get(person).language == "it"
            assert store.dialogues.get(person).version == 0
            assert store.dialogues.lock("telegram", "amina") is not None
            assert store.messages.of(person) == []
            assert store.questions.notice() is None
            assert store.connection.execute(select(people.c.id)).all() == [(person,)]


def test_after_the_look_one_may_write_again_also_when_it_went_wrong(found: Storage) -> None:
    with found.writing() as store:
        person = amina(store)
        with pytest.raises(ChangedWhileLooking), store.looking():
            with store.looking():
                store.people.get(person)
            store.people.change(person, first_name="too early")  # the outer look is not over yet
        store.people.change(person, first_name="Amina")
    with found.writing() as store:  # and on the next transaction of the same connection
        store.people.change(person, goal="cook")
    with found.reading() as store:
        assert (store.people.get(person).first_name, store.people.get(person).goal) == ("Amina", "cook")
