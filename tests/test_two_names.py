# SPDX-License-Identifier: EUPL-1.2
"""A chat that goes by two names: what comes twice or crosses on the way never leads to somebody else's telephone."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, select, text

from handlers.desk import Desk
from handlers.desk.delivery import Delivery
from handlers.desk.merging import Merging
from handlers.talk import Address, Incoming
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.messages import Claimed
from storage.tables import identities, people
from tests.test_links import ID, NUMBER, OTHER_ID, House, code_of, house

__all__ = ["house"]

CATALOGUES = Catalogues()


def delivery(house: House) -> Delivery:
    return Delivery(house.desk.storage, house.desk.clock, CATALOGUES)


def claims(house: House, chat: int) -> Claimed:
    """An answer that has been written to somebody, in the hands of a worker."""
    with house.desk.storage.writing() as store:
        identity = store.people.identity(chat)
        desk = Desk(store, store.people.get(identity.person_id), house.now, CATALOGUES)
        store.messages.suppress(identity.person_id, reason="not_this_one")
        desk.outbox.reply(identity, "Only for you.", reply_to=None)
    return next(one for one in delivery(house).claim() if one.text == "Only for you.")


def test_a_message_that_is_called_in_once_more_gives_nobody_their_old_number_back(house: House) -> None:
    first = Incoming(Address("whatsapp", NUMBER), "again", house.now, "again", text="ciao", alias=ID)
    house.desk.engine.hear([first])
    house.hear(NUMBER, alias=OTHER_ID)
    before = house.chats()
    house.desk.engine.hear([first])
    assert house.chats() == before


def test_what_was_taken_for_a_number_does_not_leave_for_it_once_it_is_somebody_elses(house: House) -> None:
    mine = house.hear(NUMBER, alias=ID)
    claimed = claims(house, mine.identity_id)
    assert claimed.address == NUMBER
    house.hear(NUMBER, alias=OTHER_ID)
    leaving = delivery(house).begin(claimed)
    assert leaving and leaving.to.id == ID


@pytest.mark.parametrize("how", ["shut", "window_shut"])
def test_trouble_with_a_chat_that_has_become_one_with_another_is_written_down(house: House, how: str) -> None:
    house.hear(NUMBER)
    goes = house.hear(ID)
    claimed = claims(house, goes.identity_id)
    assert delivery(house).begin(claimed)
    stays = house.hear(NUMBER, alias=ID)
    assert stays.identity_id != goes.identity_id
    getattr(delivery(house), how)(claimed, "blocked")
    with house.desk.storage.reading() as store:
        chat, message = store.people.identity(stays.identity_id), store.messages.get(claimed.id)
    assert message and (message.state, message.reason) == ("failed" if how == "shut" else "pending", "blocked")
    assert (chat.blocked_at if how == "shut" else chat.window_shut_at) == house.now


# Which index PostgreSQL takes depends on how many chats there are.
@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
@pytest.mark.parametrize("names", [(NUMBER,), (NUMBER, ID)])
def test_whose_chat_it_is_is_looked_up_by_name_among_however_many(house: House, names: tuple[str, ...]) -> None:
    said: list[tuple[str, Any]] = []
    with house.desk.storage.writing() as store:

        @event.listens_for(store.connection, "before_cursor_execute")
        def note(_c: Any, _cursor: Any, sql: str, values: Any, _context: Any, _many: bool) -> None:
            said.append((sql, values))

        store.people.known_as("whatsapp", names)
        plan = [
            row[3]
            for sql, values in list(said)
            for row in store.connection.exec_driver_sql(f"explain query plan {sql}", values)
        ]
    assert [one for one in plan if "address=?" in one] and [one for one in plan if "alias=?" in one]
    assert [one for one in plan if "SCAN identities" in one or "(channel=?)" in one] == []


# ---- two who are made one while somebody else does the same


def merge(house: House, store: Store, stays: int, goes: int) -> None:
    Merging(store, house.now, Desk(store, store.people.get(stays), house.now, CATALOGUES).of).merge(stays, goes, {})


def while_they_are_merged(house: House, stays: int, goes: int, *hear: Any) -> None:
    """What is heard waits until a merge that has begun is written down."""
    with ThreadPoolExecutor(1) as pool:
        with house.desk.storage.writing() as store:
            merge(house, store, stays, goes)
            waits = pool.submit(house.hear, *hear[:2], **(hear[2] if hear[2:] else {}))
            while not store.read(text("select 1 from pg_locks where not granted")):
                time.sleep(0.01)
        waits.result(timeout=20)


def nobody_is_lost(house: House) -> bool:
    """Does every chat belong to somebody whom we still meet?"""
    with house.desk.storage.reading() as store:
        lost = select(identities.c.id).join(people, people.c.id == identities.c.person_id)
        return not store.read(lost.where(people.c.merged_into.is_not(None)))


# SQLite has one writer: there nobody comes in between.
on_postgresql = pytest.mark.parametrize(
    "house", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


@on_postgresql
def test_a_code_joins_whose_chat_shows_it_by_then(house: House) -> None:
    shows, other, here = house.hear("7001"), house.hear("7002"), house.hear(NUMBER)
    code = code_of(house, "7001")
    house.hear(NUMBER, code)
    while_they_are_merged(house, other.person_id, shows.person_id, NUMBER, "1")
    assert nobody_is_lost(house) and house.met() == 1
    with house.desk.storage.reading() as store:
        assert store.people.identity(here.identity_id).person_id == other.person_id


@on_postgresql
def test_two_chats_that_are_one_join_who_they_are_by_then(house: House) -> None:
    other, _number, id = house.hear("7001"), house.hear(NUMBER), house.hear(ID)
    while_they_are_merged(house, other.person_id, id.person_id, NUMBER, "ciao", {"alias": ID})
    assert nobody_is_lost(house)
    house.hear(NUMBER, alias=ID)
    assert house.met() == 1 and len(house.chats()) == 2
