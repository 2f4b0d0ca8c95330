# SPDX-License-Identifier: EUPL-1.2
"""Somebody says stop while messages to them are on their way out: nothing more begins, from that very moment."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from handlers.desk import Desk
from storage import Contested
from storage.messages import SHOWN
from storage.tables import messages
from tests.database import Databases
from tests.jobs.office import BULK, CATALOGUES, REMINDER, REPLY, Office
from tests.scarcity.busy import PROCESSES, works

PEOPLE, MESSAGES = 60, 6
BEFORE = timedelta(seconds=1)


@pytest.fixture
def office(databases: Databases) -> Iterator[Office]:
    with databases.empty("postgresql") as url, closing(Office(url)) as office:
        yield office


@pytest.mark.postgres
def test_nothing_begins_once_somebody_has_said_stop(office: Office) -> None:
    """Two processes with two workers each send, and eight people at a time say stop."""
    seed = time.time_ns() % 100_000
    print(f"seed {seed}")
    chance = random.Random(seed)
    chats = [office.meets(f"person {number}") for number in range(PEOPLE)]
    for number in range(MESSAGES):
        for chat in chats:
            office.puts(chat, f"{number}", (REPLY, REMINDER, BULK)[number % 3], at=office.now - BEFORE)
    with others_send(office.found.url), ThreadPoolExecutor(8) as pool:
        waits = [chance.uniform(0, 0.15) for _ in chats]
        begun = list(pool.map(lambda chat, wait: says_stop(office, chat, wait), chats, waits))
    for chat, before in zip(chats, begun, strict=True):
        rows = [row for row in of(office, chat) if row.text != "goodbye"]
        assert {row.id for row in rows if row.state in SHOWN} == before
        assert {(row.state, row.reason) for row in rows} <= {("sent", None), ("suppressed", "person_stopped")}
        assert [row.state for row in of(office, chat) if row.text == "goodbye"] == ["sent"]
    # It was a race: some were stopped half-way.
    assert any(0 < len(before) < MESSAGES for before in begun)


@contextmanager
def others_send(url: str) -> Iterator[None]:
    """While two other processes send all there is; they end once nothing more is due."""
    there, no_more = PROCESSES.Semaphore(0), PROCESSES.Event()
    busy = [PROCESSES.Process(target=works, args=(url, there, no_more)) for _ in range(2)]
    for one in busy:
        one.start()
    assert there.acquire(timeout=60) and there.acquire(timeout=60)
    yield
    no_more.set()
    for one in busy:
        one.join(60)
        assert one.exitcode == 0
        one.close()


def says_stop(office: Office, chat: int, wait: float) -> set[int]:
    """Say stop, and hear goodbye. Which messages had begun by then, as the stop itself saw it."""
    time.sleep(wait)
    try:
        with office.found.writing() as store:
            identity = store.people.identity(chat)
            desk = Desk(store, store.people.get(identity.person_id), office.now, CATALOGUES, chat=identity)
            desk.people.stop()
            rows = store.read(select(messages.c.id).where(messages.c.identity_id == chat, messages.c.state.in_(SHOWN)))
            desk.outbox.reply(identity, "goodbye", reply_to=0)
            time.sleep(wait / 10)  # a stop takes a moment, too
            return {row.id for row in rows}
    except Contested:
        return says_stop(office, chat, wait)


def of(office: Office, chat: int) -> list[Any]:
    with office.found.reading() as store:
        return list(store.read(select(messages).where(messages.c.identity_id == chat)))
