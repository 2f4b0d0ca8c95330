# SPDX-License-Identifier: EUPL-1.2
"""Whatever goes wrong at whatever point of a send, every message arrives or stands as uncertain, once, in order."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.contract import DeliveryError
from handlers.desk.delivery import LEASE
from handlers.rules.sending import needs_a_person
from handlers.talk import Outgoing, Reader
from handlers.talk.reasons import why
from storage.tables import cases, messages, stops
from tests.channels.bot_api import BotApi, Fault, Phone, closed_port
from tests.channels.ours import channel
from tests.database import MONDAY, Databases
from tests.jobs.doomed import PROCESSES, works
from tests.jobs.office import A_SECOND, REMINDER, REPLY, Office

TOWN_HALL = 7001
ENGLISH = Reader()


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api


@pytest.fixture
def sqlite_url(databases: Databases) -> Iterator[str]:
    with databases.empty("sqlite") as url:
        yield url


@pytest.fixture
def postgresql_url(databases: Databases) -> Iterator[str]:
    with databases.empty("postgresql") as url:
        yield url


@contextmanager
def office_on(url: str, api: BotApi, patience: float = 0.3) -> Iterator[Office]:
    """An office that sends by the real channel, to a Telegram of our own."""
    with closing(Office(url)) as office:
        office.telegram = channel(api, patience=patience)
        office.worker = office.another_worker()
        yield office


def sends(office: Office, most: int | None = None) -> None:
    """Send all that is due, or so much of it, and let go of the connections of this loop."""

    async def drained() -> None:
        await (office.worker.drain() if most is None else office.worker.run_once(limit=most))
        await office.telegram.close()

    asyncio.run(drained())


def phone(api: BotApi, number: int = TOWN_HALL) -> Phone:
    """A phone that has written to the bot before."""
    found = api.phone(number)
    found.has_written = True
    return found


# ---- from what the provider says to what an operator reads


@dataclass(frozen=True)
class Row:
    """
    What Telegram says to a message, and what becomes of it: its state, the reason, when it is tried again (in seconds),
    whether that counts as a try, whether the chat is shut, and the sentence an operator reads.
    """

    fault: Fault
    state: str
    reason: str
    sentence: str
    again_in: float | None = None
    attempts: int = 0
    is_shut: bool = False
    case: str | None = None
    arrived: bool = False


def says(status: int, words: str, **more: Any) -> Fault:
    return Fault(status, words, **more)


def shut(words: str, reason: str, sentence: str, status: int = 403) -> Row:
    return Row(says(status, words), "failed", reason, sentence, is_shut=True)


def unsure(fault: Fault, *, arrived: bool = False) -> Row:
    sentence = "The channel did not confirm it. It may have arrived."
    return Row(fault, "uncertain", "no_answer", sentence, arrived=arrived)


FORM = "The channel refused the form of this message. A technician must look."
SETTINGS = "The channel does not accept our settings. A technician must look."
SLOWER = "The channel asked us to slow down."
UNKNOWN_CHAT = "The channel does not know this chat."
ROWS = {
    "blocked": shut("Forbidden: bot was blocked by the user", "blocked", "This person has blocked our chat."),
    "blocked, as a code": shut("Bad Request: USER_IS_BLOCKED", "blocked", "This person has blocked our chat.", 400),
    "gone": shut("Forbidden: user is deactivated", "deactivated", "This person is no longer on this channel."),
    "never wrote": shut(
        "Forbidden: bot can't initiate conversation with a user",
        "never_wrote",
        "This person has never written to us here.",
    ),
    "kicked": shut("Forbidden: bot was kicked from the group chat", "removed", "We were taken out of this group."),
    "no such chat": shut("Bad Request: chat not found", "unreachable", UNKNOWN_CHAT, 400),
    "no such peer": shut("Bad Request: PEER_ID_INVALID", "unreachable", UNKNOWN_CHAT, 400),
    "our fault": Row(says(400, "Bad Request: BUTTON_DATA_INVALID"), "failed", "refused", FORM, case="not_delivered"),
    "too big": Row(
        says(400, "Bad Request: file is too big"),
        "failed",
        "file_too_big",
        "The file is too large for this channel.",
        case="not_delivered",
    ),
    "slow down": Row(says(429, "Too Many Requests: retry after 3", retry_after=3), "pending", "flood", SLOWER, 3),
    "wrong token": Row(says(401, "Unauthorized"), "pending", "token", SETTINGS, 60),
    "no such method": Row(says(404, "Not Found: method not found"), "pending", "token", SETTINGS, 60),
    "second poller": Row(
        says(409, "Conflict: terminated by other getUpdates request"),
        "pending",
        "conflict",
        "Another program uses our account. A technician must look.",
        5,
        attempts=1,
    ),
    "500": unsure(says(500, "Internal Server Error")),
    "502": unsure(says(502, "Bad Gateway")),
    "500, and it did arrive": unsure(says(500, "Internal Server Error", delivered=True), arrived=True),
    "no answer": unsure(Fault(delay=3, hang_up=True)),
    "no answer, and it did arrive": unsure(Fault(delay=3, delivered=True), arrived=True),
    "hangs up": unsure(Fault(hang_up=True)),
    "hangs up, and it did arrive": unsure(Fault(hang_up=True, delivered=True), arrived=True),
    "half an answer": unsure(Fault(body=b'{"ok":true,"resu', missing=40, delivered=True), arrived=True),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_what_telegram_says_becomes_a_state_a_next_try_and_a_sentence(sqlite_url: str, api: BotApi, row: Row) -> None:
    amina = phone(api)
    with office_on(sqlite_url, api) as office:
        chat = office.meets(str(TOWN_HALL))
        id, then = office.puts(chat, "hello"), office.puts(chat, "a reminder", REMINDER)
        api.fails(row.fault)
        sends(office, most=1)
        assert office.fate(id) == (row.state, row.reason)
        assert office.row(id).attempts == row.attempts
        assert tried_again(office, id) == pytest.approx(row.again_in, abs=0.51) if row.again_in else True
        assert (office.row(id).retry_at is None) == (row.again_in is None)
        assert [message.text for message in amina.messages] == ["hello"] * row.arrived
        assert office.fate(then) == (("suppressed", "chat_blocked") if row.is_shut else ("pending", None))
        assert shut_because(office, chat) == (row.reason if row.is_shut else None)
        assert case_of(office) == row.case
        assert why(row.reason).render(ENGLISH) == row.sentence
        sends(office)
        assert office.row(id).state == row.state  # and nobody touches it before its time


def tried_again(office: Office, id: int) -> float:
    """In how many seconds; never sooner than the network has asked for."""
    wait: timedelta = office.row(id).retry_at - office.now
    assert wait.total_seconds() == int(wait.total_seconds()) or office.fate(id)[1] == "flood"
    return wait.total_seconds()


def shut_because(office: Office, chat: int) -> str | None:
    """Why a chat is shut, as the stop says that goes with it; None if it is open."""
    with office.found.reading() as store:
        found = store.read(select(stops.c.reason).where(stops.c.identity_id == chat, stops.c.topic == "all"))
        assert (store.people.identity(chat).blocked_at is not None) == bool(found)
    return found[0].reason if found else None


def case_of(office: Office) -> str | None:
    with office.found.reading() as store:
        found = store.read(select(cases.c.reason))
    return found[0].reason if found else None


def test_where_nobody_listens_nothing_was_sent_and_it_is_tried_again(sqlite_url: str, api: BotApi) -> None:
    with closed_port() as nowhere, office_on(sqlite_url, api) as office:
        api.url, here = nowhere, api.url
        office.telegram = channel(api)
        office.worker = office.another_worker()
        id = office.puts(office.meets(str(phone(api).id)), "hello")
        sends(office)
        assert (office.fate(id), office.row(id).attempts) == (("pending", "not_connected"), 0)
        assert tried_again(office, id) == 5
        assert why("not_connected").render(ENGLISH) == "The channel could not be reached."
        api.url = here
        office.telegram = channel(api)
        office.worker = office.another_worker()
        office.later(timedelta(seconds=5))
        sends(office)
        assert office.fate(id) == ("sent", None)


def has_moved(api: BotApi, to: int) -> Fault:
    """A group became a supergroup."""
    body = {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": to},
    }
    return Fault(400, body=json.dumps(body).encode())


def test_a_chat_that_has_a_new_number_is_written_to_there(sqlite_url: str, api: BotApi) -> None:
    old, new = phone(api, -100), phone(api, -100200)
    with office_on(sqlite_url, api) as office:
        chat = office.meets(str(old.id))
        ids = [office.puts(chat, text) for text in ("one", "two")]
        api.fails(has_moved(api, new.id))
        sends(office)
        assert [office.fate(id) for id in ids] == [("sent", None)] * 2
        assert [message.text for message in new.messages] == ["one", "two"] and not old.messages


def test_a_message_moves_with_its_chat_only_once(sqlite_url: str, api: BotApi) -> None:
    phone(api, -100)
    with office_on(sqlite_url, api) as office:
        id = office.puts(office.meets("-100"), "hello")
        api.fails(has_moved(api, -300))
        api.fails(has_moved(api, -400))
        sends(office)
        assert office.fate(id) == ("failed", "moved")


def test_a_number_that_is_somebody_elses_is_not_taken_over(sqlite_url: str, api: BotApi) -> None:
    other = phone(api, -300)
    with office_on(sqlite_url, api) as office:
        id = office.puts(office.meets("-100"), "hello")
        office.meets("-300")
        api.fails(has_moved(api, -300))
        sends(office)
        assert office.fate(id) == ("failed", "moved")
        assert other.messages == []


def test_who_has_shut_the_chat_is_told_by_telephone_what_they_count_on() -> None:
    def asks(state: str, reason: str, **known: bool) -> bool:
        rest = {"critical": False, "is_news": False, "is_reply": False, "is_shut": False}
        return needs_a_person(state, reason, **{**rest, **known})

    assert asks("failed", "blocked", critical=True, is_shut=True)
    assert asks("suppressed", "chat_blocked", critical=True)
    assert asks("missed", "too_late", critical=True)
    assert not asks("suppressed", "person_stopped", critical=True)
    assert asks("suppressed", "person_stopped", critical=True, is_news=True)
    assert not asks("superseded", "no_longer_true", critical=True, is_news=True)
    assert not asks("superseded", "no_longer_true", critical=True)
    assert asks("failed", "refused", is_reply=True)
    assert not asks("failed", "blocked", is_reply=True, is_shut=True)
    assert not asks("failed", "refused")


# ---- the worker is killed


POINTS = (
    "after the claim",
    "after it counts as on its way",
    "during the call",
    "during the call, once it has arrived",
    "after the answer",
)
CHATS, TEXTS = 4, ("reply 1", "reminder 1", "reply 2", "reminder 2")


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_any_point_loses_nothing_and_repeats_nothing(
    storage_url: str, api: BotApi, point: str
) -> None:
    phones = [phone(api, 9000 + number) for number in range(CHATS)]
    with office_on(storage_url, api, patience=5) as office:
        for one in phones:
            chat = office.meets(str(one.id))
            for text in TEXTS:
                office.puts(chat, text, REMINDER if "reminder" in text else REPLY)
        is_killed(storage_url, api, point)
        open_calls = [row.id for row in rows(office) if row.state == "sending"]
        assert len(open_calls) == (0 if point == "after the claim" else CHATS)
        office.later(LEASE + A_SECOND)
        sends(office)
        everything_is_accounted_for(office, phones, uncertain=open_calls)
        arrived = sum(len(one.messages) for one in phones)
        lost = CHATS if point in ("after it counts as on its way", "during the call") else 0
        assert arrived == CHATS * len(TEXTS) - lost


def is_killed(url: str, api: BotApi, point: str) -> None:
    """A worker works until all its calls have come to this point, and is killed without a word."""
    there = PROCESSES.Semaphore(0)
    if "call" in point:
        api.fails(Fault(delay=60, delivered="arrived" in point), times=CHATS)
    doomed = PROCESSES.Process(target=works, args=(url, api.url, point, there))
    doomed.start()
    try:
        if "call" in point:
            api.waits_for(lambda: len(api.called("sendMessage")) == CHATS, timeout=30)
        else:
            assert all(there.acquire(timeout=30) for _ in range(CHATS))
    finally:
        doomed.kill()
        doomed.join(30)
    assert doomed.exitcode == -9
    doomed.close()


def rows(office: Office) -> list[Any]:
    with office.found.reading() as store:
        return list(store.read(select(messages).order_by(messages.c.id)))


def everything_is_accounted_for(office: Office, phones: list[Phone], uncertain: list[int]) -> None:
    """
    Every message is sent or stands as uncertain, and no more of them than might be; what is marked as sent is on its
    phone under that very number, nothing is there twice, and what is of one class is in its order.
    """
    found = rows(office)
    assert {row.state for row in found} <= {"sent", "uncertain"}
    assert {row.id for row in found if row.state == "uncertain"} <= set(uncertain)
    shown = {f"{one.id}:{message.message_id}": message.text for one in phones for message in one.messages}
    sent = {row.provider_id: row.text for row in found if row.state == "sent"}
    assert sent.items() <= shown.items()
    for one in phones:
        texts = [message.text for message in one.messages]
        assert max(Counter(texts).values()) == 1
        for kind in ("reply", "reminder"):
            mine = [text for text in texts if kind in text]
            assert mine == sorted(mine)


# ---- everything at once


LEAVE_IT_OPEN = (
    says(500, "Internal Server Error"),
    says(500, "Internal Server Error", delivered=True),
    Fault(hang_up=True),
    Fault(hang_up=True, delivered=True),
    Fault(body=b'{"ok":true,', missing=9, delivered=True),
)
DO_NOT = (says(429, "Too Many Requests: retry after 1", retry_after=1), Fault(delay=0.02))


def test_with_every_kind_of_trouble_at_once_and_two_workers_each_message_is_accounted_for(
    postgresql_url: str, api: BotApi
) -> None:
    seed = time.time_ns() % 100_000
    print(f"seed {seed}")
    chance = random.Random(seed)
    phones = [phone(api, 9000 + number) for number in range(8)]
    with ExitStack() as stack:
        office, other = (stack.enter_context(office_on(postgresql_url, api, patience=5)) for _ in range(2))
        for number, one in itertools.product(range(4), phones):
            chat = office.meets(str(one.id))
            office.puts(chat, f"reply {number}")
            office.puts(chat, f"reminder {number}", REMINDER)
        chosen = [chance.choice(LEAVE_IT_OPEN + DO_NOT) for _ in range(24)]
        for fault in chosen:
            api.fails(fault)
        with ThreadPoolExecutor(2) as pool:
            while any(row.state == "pending" for row in rows(office)):
                list(pool.map(sends, (office, other)))
                for each in (office, other):
                    each.later(timedelta(seconds=5))
        unsure_ids = [row.id for row in rows(office) if row.state == "uncertain"]
        assert len(unsure_ids) <= sum(fault in LEAVE_IT_OPEN for fault in chosen)
        everything_is_accounted_for(office, phones, unsure_ids)


def test_a_lie_of_the_transport_is_not_a_message_that_was_sent(sqlite_url: str) -> None:
    """Whatever is raised, only an answer makes a message sent."""

    class Liar:
        async def send(self, message: Outgoing) -> str:
            raise DeliveryError("misdirected", "This message was not meant for Telegram.")

    with closing(Office(sqlite_url, MONDAY)) as office:
        office.telegram = Liar()
        office.worker = office.another_worker()
        id = office.puts(office.meets("amina"), "hello")
        office.sends()
        assert office.fate(id) == ("failed", "misdirected")
        assert case_of(office) == "not_delivered"
