# SPDX-License-Identifier: EUPL-1.2
"""Messages leave in order, once, when they may; and what becomes of each of them is written down."""

import asyncio
import itertools
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from bot.channels.telegram.channel import from_settings
from bot.contract import DeliveryError
from bot.jobs.bucket import FLOODS_WITHIN, Bucket, Buckets, Rate, rates
from bot.jobs.delivery import HALT, Deliverer
from bot.jobs.files import Fetcher
from bot.jobs.worker import AT_A_TIME, Worker
from bot.main import build
from bot.settings import Settings
from handlers.desk import Desk
from handlers.desk.changes import Changes
from handlers.desk.delivery import ATTEMPTS, LEASE
from handlers.desk.filing import Filing
from handlers.desk.workshops import Workshops
from handlers.engine import Engine
from handlers.engine.turn import Play
from handlers.moments import REMINDER_24H, Push
from handlers.talk import Incoming, Outgoing
from handlers.talk.messages import Attached, Spot
from handlers.talk.text import ROME
from storage import Store, Unavailable
from storage.messages import Claimed, Room
from storage.tables import messages, search_changes
from tests.channels.bot_api import BotApi
from tests.channels.ours import amina
from tests.database import MONDAY, Databases
from tests.jobs.office import A_SECOND, BULK, CATALOGUES, REMINDER, REPLY, Office, Phones
from tests.stage import Stage, perform, workshop_id


@pytest.fixture
def office(storage_url: str) -> Iterator[Office]:
    with closing(Office(storage_url)) as office:
        yield office


# ---- in which order


def test_replies_leave_before_reminders_and_reminders_before_the_rest(office: Office) -> None:
    amina, luca, sara = (office.meets(who) for who in ("amina", "luca", "sara"))
    office.puts(amina, "bulk", BULK)
    office.puts(luca, "reminder", REMINDER)
    office.puts(sara, "reply", REPLY)
    assert office.claims() == ["reply", "reminder", "bulk"]


def test_where_only_some_can_leave_it_is_the_replies(office: Office) -> None:
    chats = [office.meets(f"person {n}") for n in range(10)]
    for n, chat in enumerate(chats):
        office.puts(chat, f"bulk {n}", BULK)
    office.puts(chats[9], "reply")
    office.puts(chats[8], "reminder", REMINDER)
    assert office.claims(limit=2) == ["reply", "reminder"]


def test_in_a_chat_messages_leave_one_after_the_other_in_their_order(office: Office) -> None:
    amina = office.meets("amina")
    for text in ("one", "two", "three"):
        office.puts(amina, text)
    assert office.claims() == ["one"]
    assert office.claims() == []  # while one is on its way, the next one waits
    office.later(LEASE + A_SECOND)
    office.sends()
    assert office.telegram.texts() == ["one", "two", "three"]


def test_a_reply_overtakes_the_reminders_of_its_chat(office: Office) -> None:
    amina = office.meets("amina")
    for text in ("reminder one", "reminder two"):
        office.puts(amina, text, REMINDER)
    office.puts(amina, "reply")
    assert office.claims() == ["reply", "reminder one"]
    office.later(LEASE + A_SECOND)
    office.sends()
    assert office.telegram.texts() == ["reply", "reminder one", "reminder two"]


def test_while_a_message_is_on_its_way_nothing_else_of_its_chat_leaves(office: Office) -> None:
    amina, luca = office.meets("amina"), office.meets("luca")
    office.puts(amina, "reminder", REMINDER)
    reminder = office.takes("reminder")
    office.puts(amina, "reply")
    office.puts(luca, "another chat")
    assert office.claims() == ["another chat"]
    assert office.delivery.begin(reminder) is not None
    assert office.claims() == []
    assert office.delivery.sent(reminder, "1")
    assert office.claims() == ["reply"]


def test_a_message_that_must_try_again_holds_up_its_own_kind_in_its_chat_and_nothing_else(office: Office) -> None:
    amina, luca = office.meets("amina"), office.meets("luca")
    office.puts(amina, "one")
    office.puts(amina, "two")
    office.puts(amina, "reminder", REMINDER)
    office.puts(luca, "elsewhere")
    office.telegram.refuses("one", DeliveryError("conflict", "Wait.", retry_in=timedelta(seconds=5)))
    office.sends()
    assert sorted(office.telegram.texts()) == ["elsewhere", "reminder"]
    office.later(timedelta(seconds=5))
    office.sends()
    assert office.telegram.texts()[2:] == ["one", "two"]


def test_what_is_not_due_yet_waits_and_holds_up_nobody(office: Office) -> None:
    amina = office.meets("amina")
    office.puts(amina, "tomorrow", due_at=office.now + timedelta(days=1))
    office.puts(amina, "today")
    office.sends()
    assert office.telegram.texts() == ["today"]
    office.later(timedelta(days=1))
    office.sends()
    assert office.telegram.texts() == ["today", "tomorrow"]


def test_one_chat_may_be_emptied_alone(office: Office) -> None:
    amina, luca = office.meets("amina"), office.meets("luca")
    office.puts(amina, "for amina")
    office.puts(luca, "for luca")
    asyncio.run(office.worker.drain(identity_id=luca))
    assert office.telegram.texts() == ["for luca"]


def test_a_message_arrives_as_it_was_written(office: Office) -> None:
    amina = office.meets("amina", "whatsapp")
    options = [{"id": "yes", "label": "Sì", "short": "Sì"}]
    id = office.puts(amina, "Vieni?\n1. Sì", options=options)
    office.sends()
    (message,) = office.whatsapp.arrived
    assert (message.id, message.text, message.to.channel, message.to.id) == (id, "Vieni?\n1. Sì", "whatsapp", "amina")
    assert [(option.id, option.label) for option in message.options] == [("yes", "Sì")]
    assert (office.row(id).state, office.row(id).provider_id, office.row(id).sent_at) == (
        "sent",
        "number 1",
        office.now,
    )


# ---- what a worker has room for


def test_nothing_is_taken_of_a_channel_that_is_shut_and_only_replies_of_one_that_is_full(office: Office) -> None:
    amina, luca, sara = (office.meets(who, "telegram") for who in ("amina", "luca", "sara"))
    teo, ugo = (office.meets(who, "whatsapp") for who in ("teo", "ugo"))
    for chat, text, priority in (
        (amina, "t reply", REPLY),
        (luca, "t reminder", REMINDER),
        (sara, "t bulk", BULK),
        (teo, "w reply", REPLY),
        (ugo, "w bulk", BULK),
    ):
        office.puts(chat, text, priority)

    def taken(room: Room) -> list[str]:
        claimed = office.delivery.claim(room)
        for one in claimed:
            office.delivery.give_back(one)
        return [one.text for one in claimed]

    assert taken(Room(shut={"whatsapp"})) == ["t reply", "t reminder", "t bulk"]
    assert taken(Room(replies_only={"telegram"})) == ["t reply", "w reply", "w bulk"]
    assert taken(Room(pushes=1)) == ["t reply", "w reply", "t reminder"]
    assert taken(Room(pushes=0)) == ["t reply", "w reply"]
    assert taken(Room(most=1)) == ["t reply"]
    assert taken(Room()) == ["t reply", "w reply", "t reminder", "t bulk", "w bulk"]


def test_a_claim_does_not_read_the_whole_log(databases: Databases) -> None:
    """Ten thousand messages wait, and millions have been sent: a claim takes its few by the index made for it."""
    with databases.empty("sqlite") as url, closing(Office(url)) as office, office.found.writing() as store:
        said: list[tuple[str, Any]] = []
        event.listen(store.connection, "before_cursor_execute", lambda *seen: said.append((seen[2], seen[3])))
        moment = {"now": office.now, "real": office.now}
        store.messages.claim(**moment, until=office.now, lease="ours", room=Room())
        store.messages.recover(office.now)
        store.messages.anything_due(**moment)
        store.messages.anything_due(**moment, only_replies=True)
        store.messages.has_unsent(1, office.now)
        plans = [
            row[3]
            for sql, values in list(said)
            for row in store.connection.exec_driver_sql(f"explain query plan {sql}", values)
        ]
    assert len(said) >= 7 and [plan for plan in plans if "ix_messages_outbox_chat" in plan]
    assert [plan for plan in plans if "SCAN" in plan or "TEMP B-TREE" in plan] == []


def test_what_is_given_back_waits_as_before(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    office.delivery.give_back(office.takes("hello"))
    assert (office.fate(id), office.row(id).attempts, office.row(id).retry_at) == (("pending", None), 0, None)
    office.sends()
    assert office.fate(id) == ("sent", None)


def test_of_two_that_were_taken_for_a_chat_the_second_does_not_begin_before_the_first_has_ended(office: Office) -> None:
    """Two workers may each take one in the same instant; the second gives its own back."""
    amina = office.meets("amina")
    office.puts(amina, "reply")
    reminder = office.puts(amina, "reminder", REMINDER)
    first, second = office.delivery.claim()
    assert office.delivery.begin(first) is not None
    assert office.delivery.begin(second) is None
    assert office.fate(reminder) == ("pending", None)
    assert office.delivery.sent(first, "1")
    office.sends()
    assert office.telegram.texts() == ["reminder"]


# ---- leases


def test_what_a_dead_worker_had_taken_and_not_begun_leaves_with_the_next(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    assert office.claims() == ["hello"]  # and the worker dies
    office.later(LEASE)
    office.sends()
    assert office.telegram.arrived == []  # not before the lease has ended
    office.later(A_SECOND)
    office.sends()
    assert office.telegram.texts() == ["hello"]
    assert office.fate(id) == ("sent", None)


def test_what_a_dead_worker_was_sending_may_have_arrived_and_is_not_sent_again(office: Office) -> None:
    amina = office.meets("amina")
    id = office.puts(amina, "hello")
    assert office.delivery.begin(office.takes("hello")) is not None  # and the worker dies
    office.puts(amina, "and then")
    office.sends()
    assert office.telegram.arrived == []
    office.later(LEASE + A_SECOND)
    office.sends()
    assert office.fate(id) == ("uncertain", "worker_gone")
    assert office.telegram.texts() == ["and then"]  # the chat goes on


def test_there_are_never_more_uncertain_messages_than_were_on_their_way(office: Office) -> None:
    chats = [office.meets(f"person {n}") for n in range(9)]
    ids = [office.puts(chat, "hello") for chat in chats]
    claimed = office.delivery.claim()
    for one in claimed[:4]:
        office.delivery.begin(one)
    assert office.delivery.sent(claimed[0], "1")  # four began, one of them ended; now the worker dies
    office.later(LEASE + A_SECOND)
    office.sends()
    assert [office.fate(id)[0] for id in ids].count("uncertain") == 3
    assert len(office.telegram.arrived) == 5


def test_a_lease_is_of_real_time_whatever_day_we_pretend_it_is(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    office.takes("hello")
    office.clock.forward(timedelta(days=5))
    office.sends()
    assert office.fate(id)[0] == "claimed"


def test_who_comes_late_with_an_old_lease_may_neither_send_nor_record(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    late = office.takes("hello")
    office.later(LEASE + A_SECOND)
    ours = office.takes("hello")
    assert ours.lease != late.lease
    assert office.delivery.begin(late) is None
    assert office.delivery.begin(ours) is not None
    assert not office.delivery.sent(late, "of the late one")
    office.delivery.failed(late, "late")
    office.delivery.later(late, "late", A_SECOND, counts=True)
    office.delivery.uncertain(late, "late")
    assert office.fate(id) == ("sending", None)
    assert office.delivery.sent(ours, "of ours")
    assert (office.row(id).state, office.row(id).provider_id, office.row(id).attempts) == ("sent", "of ours", 0)


def test_good_news_that_comes_all_too_late_is_good_news(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    slow = office.takes("hello")
    office.delivery.begin(slow)
    office.later(LEASE + A_SECOND)
    office.sends()
    assert office.fate(id) == ("uncertain", "worker_gone")
    assert not office.delivery.sent(replace(slow, lease="somebody else's"), "1")
    assert office.delivery.sent(slow, "1")
    assert (office.fate(id), office.row(id).provider_id) == (("sent", None), "1")


def test_bad_news_that_comes_all_too_late_changes_nothing(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    slow = office.takes("hello")
    office.delivery.begin(slow)
    office.later(LEASE + A_SECOND)
    office.sends()
    office.delivery.failed(slow, "refused")
    office.delivery.later(slow, "conflict", A_SECOND, counts=True)
    office.delivery.uncertain(slow, "no_answer")
    office.delivery.shut(slow, "blocked")
    office.delivery.give_back(slow)
    assert office.fate(id) == ("uncertain", "worker_gone")
    with office.found.reading() as store:
        assert store.people.identity(office.row(id).identity_id).blocked_at is None


def test_who_begins_has_a_whole_lease_to_send(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    claimed = office.takes("hello")
    office.later(LEASE - A_SECOND)
    assert office.delivery.begin(claimed) is not None
    office.later(LEASE - A_SECOND)
    office.sends()
    assert office.fate(id) == ("sending", None)


def test_an_answer_proves_that_it_arrived(office: Office) -> None:
    amina = office.meets("amina")
    id, other = office.puts(amina, "hello"), office.puts(office.meets("luca"), "hi")
    office.telegram.refuses("hello", DeliveryError("no_answer", "Who knows.", uncertain=True))
    office.sends()
    with office.found.writing() as store:
        assert store.messages.proven(id, "amina:7")
        assert not store.messages.proven(id, "amina:8") and not store.messages.proven(other, "luca:9")
    assert (office.fate(id), office.row(id).provider_id) == (("sent", None), "amina:7")
    assert office.row(other).provider_id != "luca:9"


def test_nobody_begins_twice(office: Office) -> None:
    office.puts(office.meets("amina"), "hello")
    ours = office.takes("hello")
    assert office.delivery.begin(ours) is not None
    assert office.delivery.begin(ours) is None


# ---- two workers


@pytest.fixture
def postgresql_url(databases: Databases) -> Iterator[str]:
    with databases.empty("postgresql") as url:
        yield url


@pytest.mark.postgres
def test_two_workers_at_once_send_everything_once_and_in_order(postgresql_url: str) -> None:
    with ExitStack() as stack:
        office, other = (stack.enter_context(closing(Office(postgresql_url))) for _ in range(2))
        chats = [office.meets(f"person {n}") for n in range(25)]
        for number, chat in itertools.product(range(6), chats):
            office.puts(chat, f"{number}", (REPLY, REMINDER)[number % 2])
        on_the_way: dict[str, int] = defaultdict(int)
        crowded: list[str] = []

        async def takes_its_time(message: Outgoing) -> None:
            kind = f"{message.to.id} {int(message.text) % 2}"
            on_the_way[kind] += 1
            crowded.extend([kind] * (on_the_way[kind] > 1))
            await asyncio.sleep(0.001)
            on_the_way[kind] -= 1

        gate = threading.Barrier(2)

        def works(one: Office) -> None:
            one.telegram.before = takes_its_time
            gate.wait(10)
            while one.delivery.anything_due():
                one.sends()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(works, (office, other)))
        everything = [*office.telegram.arrived, *other.telegram.arrived]
        assert len(everything) == len({message.id for message in everything}) == 150
        assert office.telegram.arrived and other.telegram.arrived  # both have worked
        assert crowded == []
        with office.found.reading() as store:
            rows = store.read(select(messages).order_by(messages.c.sent_at, messages.c.id))
        assert {row.state for row in rows} == {"sent"}


# ---- troubles on the way


def test_a_message_is_tried_again_when_the_network_says_so_and_not_before(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    office.telegram.refuses("hello", DeliveryError("conflict", "Wait.", retry_in=timedelta(seconds=7)))
    office.sends()
    assert (office.fate(id), office.row(id).attempts) == (("pending", "conflict"), 1)
    assert office.row(id).retry_at == office.now + timedelta(seconds=7)
    office.later(timedelta(seconds=6.9))
    office.sends()
    assert office.telegram.arrived == []
    office.later(timedelta(seconds=0.1))
    office.sends()
    assert office.fate(id) == ("sent", None)


def test_after_five_tries_it_has_failed(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    office.telegram.refuses("hello", DeliveryError("refused", "No.", retry_in=A_SECOND), times=9)
    for attempt in range(1, 5):
        office.sends()
        assert (office.fate(id)[0], office.row(id).attempts) == ("pending", attempt)
        office.later(A_SECOND)
    office.sends()
    assert office.fate(id) == ("failed", "refused")
    office.later(A_SECOND)
    office.sends()
    assert len(office.telegram.troubles["hello"]) == 4  # nobody tries any more


def test_tries_that_do_not_count_go_on(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    away = DeliveryError("away", "No line.", retry_in=A_SECOND, counts=False)
    office.telegram.refuses("hello", away, times=20)
    for _try in range(20):
        office.sends()
        assert (office.fate(id), office.row(id).attempts) == (("pending", "away"), 0)
        office.later(A_SECOND)
    office.sends()
    assert office.fate(id) == ("sent", None)


def test_a_message_that_may_have_arrived_is_not_sent_again(office: Office) -> None:
    id = office.puts(office.meets("amina"), "hello")
    office.telegram.refuses("hello", DeliveryError("no_answer", "Who knows.", uncertain=True))
    office.sends()
    office.later(timedelta(days=1))
    office.sends()
    assert office.fate(id) == ("uncertain", "no_answer")
    assert office.telegram.arrived == []


def test_a_refused_message_has_failed_and_the_next_one_leaves(office: Office) -> None:
    amina = office.meets("amina")
    id = office.puts(amina, "hello")
    office.puts(amina, "and then")
    office.telegram.refuses("hello", DeliveryError("refused", "No."))
    office.sends()
    assert office.fate(id) == ("failed", "refused")
    assert office.telegram.texts() == ["and then"]


def test_a_channel_with_wrong_settings_rests_and_the_other_one_goes_on(office: Office) -> None:
    id = office.puts(office.meets("amina"), "on telegram")
    office.puts(office.meets("luca", "whatsapp"), "on whatsapp")
    office.telegram.refuses("on telegram", DeliveryError("token", "Our token is wrong.", halt=True))
    office.sends()
    assert office.whatsapp.texts() == ["on whatsapp"]
    assert (office.fate(id), office.row(id).attempts) == (("pending", "token"), 0)
    office.later(timedelta(minutes=1))
    office.sends()
    assert office.telegram.texts() == ["on telegram"]


def test_a_channel_that_is_not_set_up_keeps_its_messages(office: Office) -> None:
    id = office.puts(office.meets("amina", "pigeon"), "hello")
    office.sends()
    assert office.fate(id) == ("pending", "no_channel")


def test_an_error_that_nobody_foresaw_stops_nobody_else(office: Office) -> None:
    """Nobody knows whether that message left; the others do leave."""
    id = office.puts(office.meets("amina"), "hello")
    office.puts(office.meets("luca"), "and then")
    office.telegram.refuses("hello", KeyError("result"))
    office.sends()
    assert office.telegram.texts() == ["and then"]
    assert office.fate(id) == ("uncertain", "KeyError")


def broken(monkeypatch: pytest.MonkeyPatch, office: Office, text: str) -> None:
    """A fault of ours: before this message leaves, something breaks."""
    begin = office.delivery.begin

    def breaks(claimed: Claimed) -> Outgoing | None:
        if claimed.text == text:
            raise KeyError("a person's words")
        return begin(claimed)

    monkeypatch.setattr(office.delivery, "begin", breaks)


def test_what_cannot_be_made_ready_to_leave_fails_in_the_end_and_its_chat_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    amina = office.meets("amina")
    id = office.puts(amina, "broken")
    office.puts(amina, "and then")
    broken(monkeypatch, office, "broken")
    for attempt in range(1, ATTEMPTS):
        office.sends()
        assert (office.fate(id), office.row(id).attempts) == (("pending", "begin_failed"), attempt)
        assert timedelta(0) < office.row(id).retry_at - office.now <= timedelta(seconds=10)
        assert office.telegram.arrived == []
        office.now = office.row(id).retry_at
    office.sends()
    assert office.fate(id) == ("failed", "begin_failed")
    assert office.telegram.texts() == ["and then"]
    with office.found.reading() as store:
        assert store.cases.open_reasons(office.row(id).person_id) == ["not_delivered"]  # somebody waits for an answer


def test_while_the_database_is_away_nothing_counts_as_a_try(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.delivery.PATIENCE", ())
    id = office.puts(office.meets("amina"), "hello")

    def away(_claimed: Claimed) -> None:
        raise Unavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(office.delivery, "begin", away)
        with pytest.raises(Unavailable):
            office.sends()
    assert (office.fate(id), office.row(id).attempts) == (("claimed", None), 0)
    office.later(LEASE + A_SECOND)
    office.sends()
    assert office.fate(id) == ("sent", None)


# ---- slow down


def flood(seconds: float) -> DeliveryError:
    return DeliveryError("flood", "Slow down.", retry_in=timedelta(seconds=seconds), counts=False)


def test_a_chat_that_is_told_to_slow_down_waits_with_all_it_has_and_the_others_go_on(office: Office) -> None:
    amina, luca = office.meets("amina"), office.meets("luca")
    one = office.puts(amina, "one")
    others = [office.puts(amina, "two"), office.puts(amina, "reminder", REMINDER), office.puts(amina, "bulk", BULK)]
    office.puts(luca, "elsewhere")
    office.telegram.refuses("one", flood(7))
    office.sends()
    assert office.telegram.texts() == ["elsewhere"]
    assert (office.fate(one), office.row(one).attempts) == (("pending", "flood"), 0)
    assert [office.fate(id) for id in others] == [("pending", None)] * 3
    asked = office.row(one).retry_at - office.now
    assert timedelta(seconds=7) <= asked <= timedelta(seconds=7.5)  # exactly that, and a little
    late = office.puts(amina, "a later reply")
    office.later(timedelta(seconds=6.99))
    office.sends()
    assert office.telegram.texts() == ["elsewhere"] and office.fate(late) == ("pending", None)
    office.later(timedelta(seconds=0.6))
    office.sends()
    assert office.telegram.texts() == ["elsewhere", "one", "reminder", "bulk", "two", "a later reply"]


def test_a_flood_is_waited_out_in_real_time_whatever_day_we_pretend_it_is(office: Office) -> None:
    office.puts(office.meets("amina"), "one")
    office.telegram.refuses("one", flood(7))
    office.sends()
    office.clock.forward(timedelta(days=1))
    office.sends()
    assert office.telegram.texts() == []


def test_when_chat_after_chat_is_told_to_slow_down_the_whole_channel_waits(office: Office) -> None:
    """Only that channel, and only those who are not there yet."""
    for n in range(3):
        office.puts(office.meets(f"person {n}"), f"hello {n}")
        office.telegram.refuses(f"hello {n}", flood(30))

    async def scene(worker: Worker) -> None:
        worker.knock()
        await until(lambda: office.worker.buckets.is_paused("telegram"))
        await asyncio.to_thread(lambda: office.puts(office.meets("sara"), "must wait"))
        await asyncio.to_thread(lambda: office.puts(office.meets("teo", "whatsapp"), "goes on"))
        worker.knock()
        await until(lambda: office.whatsapp.texts() == ["goes on"])

    at_work(office, scene)
    assert office.telegram.texts() == []


def test_a_channel_with_wrong_settings_is_left_alone_by_the_worker(office: Office) -> None:
    ids = [office.puts(office.meets(f"person {n}"), f"hello {n}") for n in range(3)]
    for n in range(3):
        office.telegram.refuses(f"hello {n}", DeliveryError("token", "Our token is wrong.", halt=True))

    async def scene(worker: Worker) -> None:
        worker.knock()
        await until(lambda: all(office.fate(id) == ("pending", "token") for id in ids))
        more = await asyncio.to_thread(lambda: office.puts(office.meets("sara"), "must wait"))
        worker.knock()
        await asyncio.sleep(0.1)
        assert office.fate(more) == ("pending", None)

    at_work(office, scene)


def test_a_channel_that_is_not_set_up_is_left_alone_as_well(office: Office) -> None:
    """One look a minute, not its whole backlog; and all the others go on, pushes as well."""
    office.worker = Deliverer(office.delivery, {"telegram": office.telegram}, None, Buckets({}))
    backlog = [office.puts(office.meets(f"person {n}", "whatsapp"), "hello") for n in range(50)]
    looked_at = ("pending", "no_channel")

    async def scene(worker: Worker) -> None:
        worker.knock()
        await until(lambda: [office.fate(id) for id in backlog].count(looked_at) == AT_A_TIME)
        office.later(HALT + A_SECOND)  # by now every one of them may be tried again; the channel still rests
        await asyncio.to_thread(lambda: office.puts(office.meets("amina"), "goes on", REMINDER))
        worker.knock()
        await until(lambda: office.telegram.texts() == ["goes on"])

    at_work(office, scene)
    fates = [office.fate(id) for id in backlog]
    assert (fates.count(looked_at), fates.count(("pending", None))) == (AT_A_TIME, 50 - AT_A_TIME)
    assert {office.row(id).retry_at for id in backlog} == {None, MONDAY + HALT}


def test_who_waits_too_long_for_a_token_goes_back_to_the_outbox(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease must not run out in a line."""
    monkeypatch.setattr("bot.jobs.delivery.LONGEST_LINE", 0.05)
    ids = [office.puts(office.meets(f"person {n}"), f"hello {n}", BULK) for n in range(3)]
    slow = office.another_worker(Buckets({"telegram": (Rate(0.1, 1), Rate(10, 1))}))
    assert asyncio.run(slow.run_once()) == 3
    assert sorted(office.fate(id) for id in ids) == [("pending", None), ("pending", None), ("sent", None)]


def test_what_has_left_is_written_down_even_if_the_database_is_away_for_a_moment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.jobs.delivery.PATIENCE", (0, 0, 0))
    id, away = office.puts(office.meets("amina"), "hello"), [Unavailable("gone")] * 3
    record = office.delivery.sent

    def sent(claimed: Claimed, provider_id: str) -> bool:
        if away:
            raise away.pop()
        return record(claimed, provider_id)

    monkeypatch.setattr(office.delivery, "sent", sent)
    office.sends()
    assert office.fate(id) == ("sent", None)


# ---- a chat that is shut


def test_who_has_blocked_us_gets_nothing_more(office: Office) -> None:
    amina = office.meets("amina")
    ids = [office.puts(amina, text) for text in ("one", "two", "three")]
    office.telegram.refuses("one", DeliveryError("blocked", "Blocked.", blocked=True))
    office.sends()
    assert [office.fate(id) for id in ids] == [("failed", "blocked")] + [("suppressed", "chat_blocked")] * 2
    with office.found.reading() as store:
        assert store.people.identity(amina).blocked_at == office.now
        assert store.people.reachable(store.people.identity(amina).person_id) is None


@pytest.mark.parametrize("first", ["unblocked", "text"])
def test_who_writes_again_has_opened_the_chat_again(town_url: str, first: str) -> None:
    """Telegram tells us so beforehand; other networks let the message say it."""
    with closing(Stage(town_url)) as stage:
        perform(stage, "Amina is registered")
        with closing(Office(town_url)) as office:
            chat = stage.with_store(lambda store: store.people.identities(stage.person(store, "Amina").id)[0].id)
            office.puts(chat, "hello")
            office.telegram.refuses("hello", DeliveryError("blocked", "Blocked.", blocked=True))
            office.sends()
        if first == "unblocked":
            stage.sends("Amina", kind="unblocked")
        stage.heard()
        stage.sends("Amina", "ciao")
        assert stage.heard() != []


# ---- looked at once more before it leaves


@dataclass
class Reminded:
    """Somebody with a place, and the desk that reminds them of it."""

    stage: Stage
    office: Office
    titles: Iterator[str] = field(default_factory=lambda: (f"Laboratorio {n}" for n in itertools.count(1)))

    def books(self, days: int = 1, hour: int = 10, who: str = "Amina") -> str:
        title = next(self.titles)
        perform(self.stage, f"there is a workshop «{title}» in {days} days at {hour:02}:00 with 9 places")
        self.stage.with_store(lambda store: self.take(store, who, title))
        return title

    def take(self, store: Store, who: str, title: str) -> None:
        # Booked days ago, so that the card that says so is not part of the scene.
        store.workshops.add_booking(
            workshop_id=workshop_id(store, title),
            person_id=self.stage.person(store, who).id,
            state="booked",
            booked_at=self.stage.now - timedelta(days=3),
            changed_at=self.stage.now,
        )

    def is_reminded(self, title: str, who: str = "Amina", **more: Any) -> int:
        """Put the reminder into the outbox, as the tick does. Returns its number."""

        def put(store: Store) -> int:
            desk = self.desk(store, who)
            occasion = desk.workshops.occasion(self.booking(store, who, title).id)
            not_after = more.get("not_after") or REMINDER_24H.ends(occasion)
            push = Push(REMINDER_24H, occasion, self.office.now, not_after)
            chat = desk.outbox.chat()
            assert chat and desk.outbox.push(push, chat)
            return int(store.read(select(messages.c.id).where(messages.c.dedupe_key == push.key))[0].id)

        return self.stage.with_store(put)  # type: ignore[no-any-return]

    def desk(self, store: Store, who: str = "Amina") -> Desk:
        return Desk(store, self.stage.person(store, who), self.office.now, CATALOGUES)

    def booking(self, store: Store, who: str, title: str) -> Any:
        found = store.workshops.booking_of(self.stage.person(store, who).id, workshop_id(store, title))
        assert found
        return found

    def takes(self, id: int) -> Claimed:
        return next(claimed for claimed in self.office.delivery.claim() if claimed.id == id)


@pytest.fixture
def reminded(town_url: str) -> Iterator[Reminded]:
    with closing(Stage(town_url)) as stage, closing(Office(town_url)) as office:
        perform(stage, "Amina is registered, and wants reminders")
        yield Reminded(stage, office)


def test_a_reminder_leaves(reminded: Reminded) -> None:
    id = reminded.is_reminded(reminded.books())
    reminded.office.sends()
    assert reminded.office.fate(id) == ("sent", None)


def says_stop(store: Store, desk: Desk, workshops: Workshops, booking: int) -> None:
    desk.people.stop()


def takes_consent_back(store: Store, desk: Desk, workshops: Workshops, booking: int) -> None:
    store.people.withdraw(desk.person.id, ["service_messages"], by=None, now=desk.now)


def gives_up_the_place(store: Store, desk: Desk, workshops: Workshops, booking: int) -> None:
    workshops.cancel(booking)


def is_moved(store: Store, desk: Desk, workshops: Workshops, booking: int) -> None:
    found = workshops.appointment(booking).workshop
    store.workshops.change(found.id, revision=found.revision + 1, starts_at=found.starts_at + timedelta(hours=3))


def is_called_off(store: Store, desk: Desk, workshops: Workshops, booking: int) -> None:
    Changes(store, desk.now, CATALOGUES, actor="staff:1").call_off(workshops.appointment(booking).workshop.id)


def is_blocked(store: Store, desk: Desk, workshops: Workshops, booking: int) -> None:
    desk.people.blocked(store.people.identities(desk.person.id)[0], True)


HAPPENS_MEANWHILE = [
    (says_stop, ("suppressed", "person_stopped")),
    (takes_consent_back, ("suppressed", "no_consent")),
    (gives_up_the_place, ("superseded", "no_longer_true")),
    (is_moved, ("superseded", "no_longer_true")),
    (is_called_off, ("superseded", "no_longer_true")),
    (is_blocked, ("suppressed", "chat_blocked")),
]


@pytest.mark.parametrize("happens, fate", HAPPENS_MEANWHILE, ids=lambda one: getattr(one, "__name__", ""))
def test_what_happens_between_claim_and_sending_still_counts(
    reminded: Reminded, happens: Callable[..., None], fate: tuple[str, str]
) -> None:
    title = reminded.books()
    id = reminded.is_reminded(title)
    claimed = reminded.takes(id)

    def act(store: Store) -> None:
        desk = reminded.desk(store)
        happens(store, desk, desk.workshops, reminded.booking(store, "Amina", title).id)

    reminded.stage.with_store(act)
    assert reminded.office.delivery.begin(claimed) is None
    assert reminded.office.fate(id) == fate
    reminded.office.later(LEASE + A_SECOND)
    reminded.office.sends()
    assert id not in [message.id for message in reminded.office.telegram.arrived]


def test_a_place_given_up_takes_its_waiting_reminder_with_it(reminded: Reminded) -> None:
    title = reminded.books()
    id = reminded.is_reminded(title)
    reminded.stage.with_store(
        lambda store: reminded.desk(store).workshops.cancel(reminded.booking(store, "Amina", title).id)
    )
    assert reminded.office.fate(id) == ("superseded", "booking_cancelled")


def test_without_consent_a_reminder_does_not_leave(reminded: Reminded) -> None:
    perform(reminded.stage, "Luca is registered")
    id = reminded.is_reminded(reminded.books(who="Luca"), who="Luca")
    reminded.office.sends()
    assert reminded.office.fate(id) == ("suppressed", "no_consent")


def test_after_a_stop_nothing_written_before_it_leaves_and_the_answer_to_it_does(office: Office) -> None:
    amina = office.meets("amina")
    before = office.puts(amina, "before")
    office.later(A_SECOND)
    with office.found.writing() as store:
        store.people.change(store.people.identity(amina).person_id, stopped_at=office.now)
    office.puts(amina, "goodbye")
    office.later(A_SECOND)
    office.puts(amina, "welcome back")
    office.sends()
    assert office.fate(before) == ("suppressed", "person_stopped")
    assert office.telegram.texts() == ["goodbye", "welcome back"]


# ---- what may not have arrived


UNSURE = DeliveryError("no_answer", "Who knows.", uncertain=True)
NOTICE = "You may have this message already:\n\n"


def speaks_english(reminded: Reminded) -> None:
    reminded.stage.with_store(
        lambda store: store.people.change(reminded.stage.person(store, "Amina").id, language="en")
    )


def may_not_have_arrived(reminded: Reminded, id: int) -> str:
    """Send it, and nobody knows whether it got there. Returns its words."""
    text: str = reminded.office.row(id).text
    reminded.office.telegram.refuses(text, UNSURE)
    reminded.office.sends()
    assert reminded.office.fate(id) == ("uncertain", "no_answer")
    return text


def test_what_is_critical_and_may_not_have_arrived_is_said_once_more_and_says_so(reminded: Reminded) -> None:
    speaks_english(reminded)
    id = reminded.is_reminded(reminded.books(days=5))
    text = may_not_have_arrived(reminded, id)
    (repeat,) = reminded.office.telegram.arrived
    assert repeat.text == NOTICE + text
    rows = reminded.office.row(id), reminded.office.row(repeat.id)
    assert rows[1].dedupe_key == f"{rows[0].dedupe_key}:repeat"
    same = ("options", "answered_by", "subject", "priority", "not_after", "kind", "identity_id")
    assert [getattr(rows[0], name) for name in same] == [getattr(rows[1], name) for name in same]


def test_it_is_not_said_a_third_time(reminded: Reminded) -> None:
    speaks_english(reminded)
    office = reminded.office
    id = reminded.is_reminded(reminded.books(days=5))
    office.telegram.refuses(NOTICE + office.row(id).text, UNSURE)
    may_not_have_arrived(reminded, id)
    office.later(timedelta(hours=1))
    office.sends()
    assert office.telegram.arrived == []
    assert sorted(row.state for row in office.moments()) == ["uncertain"] * 2


def test_it_is_not_said_again_if_it_is_no_longer_true(reminded: Reminded) -> None:
    office, title = reminded.office, reminded.books(days=5)
    id = reminded.is_reminded(title)

    async def gives_up(message: Outgoing) -> None:
        """While the message is on its way."""
        await asyncio.to_thread(
            reminded.stage.with_store,
            lambda store: reminded.desk(store).workshops.cancel(reminded.booking(store, "Amina", title).id),
        )

    office.telegram.before = gives_up
    may_not_have_arrived(reminded, id)
    assert office.telegram.arrived == []
    assert [row.state for row in office.moments()] == ["uncertain", "superseded"]


def test_the_repetition_is_not_a_fourth_message_of_the_day(reminded: Reminded) -> None:
    *_before, last = [reminded.is_reminded(reminded.books(days=5)) for _ in range(3)]
    reminded.office.telegram.refuses(reminded.office.row(last).text, UNSURE)
    reminded.office.sends()
    assert len(reminded.office.telegram.arrived) == 3


def test_what_a_dead_worker_may_have_sent_is_said_once_more_if_it_is_critical(reminded: Reminded) -> None:
    office = reminded.office
    id = reminded.is_reminded(reminded.books(days=5))
    claimed = reminded.takes(id)
    assert office.delivery.begin(claimed) is not None
    office.later(LEASE + A_SECOND)
    office.sends()
    assert office.fate(id) == ("uncertain", "worker_gone")
    assert len(office.telegram.arrived) == 1
    assert office.row(id).sent_at is not None


@pytest.mark.parametrize("knows", ["the worker that was given up", "the person, who taps"])
def test_if_it_turns_out_that_it_arrived_it_is_not_repeated(reminded: Reminded, knows: str) -> None:
    office = reminded.office
    id = reminded.is_reminded(reminded.books(days=5))
    claimed = reminded.takes(id)
    office.delivery.begin(claimed)
    office.later(LEASE + A_SECOND)
    assert {one.id for one in office.delivery.claim(Room(most=0))} == set()  # another worker finds it out
    assert office.fate(id) == ("uncertain", "worker_gone")
    if knows == "the person, who taps":
        with office.found.writing() as store:
            assert store.messages.proven(id, "7")
    else:
        assert office.delivery.sent(claimed, "7")
    office.sends()
    assert office.telegram.arrived == []
    assert [(row.state, row.reason) for row in office.moments()] == [
        ("sent", None),
        ("superseded", "arrived_after_all"),
    ]


def test_what_says_tomorrow_says_it_only_on_the_day_it_was_written_for(office: Office) -> None:
    on = {"day": str(office.now.date()), "timeless": "Tuesday at ten"}
    today = office.puts(office.meets("amina"), "Tomorrow, Tuesday at ten", payload=on)
    late = office.puts(office.meets("luca"), "Tomorrow, Tuesday", payload={**on, "day": "2027-02-28"})
    office.sends()
    assert sorted(office.telegram.texts()) == ["Tomorrow, Tuesday at ten", "Tuesday at ten"]
    assert [office.row(id).text for id in (today, late)] == ["Tomorrow, Tuesday at ten", "Tuesday at ten"]
    with office.found.reading() as store:  # the search looks again at what it may have seen before
        assert store.read(select(search_changes.c.message_id)) == [(late,)]


# ---- taking buttons off a message


class Editing(Phones):
    can_edit = True


@pytest.fixture
def editing(storage_url: str) -> Iterator[Office]:
    with closing(Office(storage_url)) as office:
        office.telegram = Editing()
        office.worker = office.another_worker()
        yield office


def retires(office: Office, chat: int, message: int) -> int:
    return office.puts(chat, "", BULK, kind="retired", payload={"edits": message})


def test_the_buttons_of_a_message_are_taken_off_by_its_name_on_the_channel(editing: Office) -> None:
    amina = editing.meets("amina")
    shown = editing.puts(amina, "Are you coming?")
    editing.sends()
    id = retires(editing, amina, shown)
    editing.now = at("2027-03-07 03:00")  # on a Sunday, at night: nobody notices
    editing.sends()
    edit = editing.telegram.arrived[1]
    assert (edit.kind, edit.edits, edit.text) == ("retired", editing.row(shown).provider_id, "")
    assert editing.fate(id) == ("sent", None)


def test_what_never_arrived_has_no_buttons_to_take_off(editing: Office) -> None:
    amina = editing.meets("amina")
    shown = editing.puts(amina, "Are you coming?")
    editing.telegram.refuses("Are you coming?", DeliveryError("refused", "No."))
    id = retires(editing, amina, shown)
    editing.sends()
    assert editing.fate(id) == ("superseded", "nothing_to_edit")
    assert editing.telegram.arrived == []


def test_buttons_may_be_taken_off_twice_so_it_is_tried_again(editing: Office) -> None:
    amina = editing.meets("amina")
    shown = editing.puts(amina, "Are you coming?")
    editing.sends()
    id = retires(editing, amina, shown)
    editing.telegram.refuses("", UNSURE, times=2)
    for attempt in (1, 2):
        editing.sends()
        assert (editing.fate(id), editing.row(id).attempts) == (("pending", "no_answer"), attempt)
        editing.later(timedelta(seconds=5))
    claimed = editing.takes("")
    assert editing.delivery.begin(claimed) is not None  # and this worker dies
    editing.later(LEASE + A_SECOND)
    editing.sends()
    assert editing.fate(id) == ("sent", None)


def test_on_a_channel_that_cannot_edit_nothing_is_taken_off(office: Office) -> None:
    amina = office.meets("amina")
    shown = office.puts(amina, "Are you coming?")
    office.sends()
    id = retires(office, amina, shown)
    office.sends()
    assert office.fate(id) == ("superseded", "not_on_this_channel")
    assert office.telegram.texts() == ["Are you coming?"]


def test_after_a_stop_not_even_buttons_are_touched(editing: Office) -> None:
    amina = editing.meets("amina")
    shown = editing.puts(amina, "Are you coming?")
    editing.sends()
    with editing.found.writing() as store:
        store.people.change(store.people.identity(amina).person_id, stopped_at=editing.now)
    editing.later(A_SECOND)
    id = retires(editing, amina, shown)
    editing.sends()
    assert editing.fate(id) == ("suppressed", "person_stopped")


# ---- what goes with a message


def test_a_pin_a_file_and_a_wish_for_a_number_go_with_their_message(office: Office) -> None:
    spot = {"title": "Casa Lumetta", "address": "Via Immaginaria 10", "latitude": 44.5, "longitude": 11.3}
    with office.found.writing() as store:
        file = store.files.keep(b"%PDF-1.7", kind="application/pdf", at=office.now)
    office.puts(office.meets("amina"), "pin", payload={"spot": spot})
    office.puts(office.meets("luca"), "file", payload={"file": file, "name": "cv.pdf"})
    office.puts(office.meets("zoe"), "picture", payload={"file": file, "name": "weeks.png", "is_picture": True})
    office.puts(office.meets("sara"), "number", payload={"asks_phone": True})
    office.puts(office.meets("teo"), "bulk", BULK)
    office.sends()
    arrived = {message.text: message for message in office.telegram.arrived}
    pin, attached, number, bulk = (arrived[text] for text in ("pin", "file", "number", "bulk"))
    assert pin.spot == Spot(**spot) and not pin.bulk and not pin.asks_phone
    assert attached.file == Attached("cv.pdf", "application/pdf", b"%PDF-1.7")
    assert arrived["picture"].file == Attached("weeks.png", "application/pdf", b"%PDF-1.7", is_picture=True)
    assert number.asks_phone and bulk.bulk


def test_what_goes_to_many_is_paid_for_and_an_answer_is_not(reminded: Reminded) -> None:
    """Where so many a second are allowed that Telegram wants to be paid."""
    office = reminded.office
    reminder = reminded.is_reminded(reminded.books())
    chat = office.row(reminder).identity_id
    with office.found.writing() as store:
        store.people.change_identity(chat, address="7001", simulated=False)
    office.puts(chat, "an answer")
    with BotApi() as api:
        phone, settings = amina(api), Settings(telegram_token=api.token, telegram_api_url=api.url, telegram_rate=31)
        office.telegram = from_settings(settings, office.clock, {})
        office.worker = office.another_worker()

        async def sends() -> None:
            await office.worker.drain()
            await office.telegram.close()

        asyncio.run(sends())
        assert [(one.text == "an answer", one.paid) for one in phone.messages] == [(True, False), (False, True)]
    assert office.fate(reminder) == ("sent", None)


# ---- quiet hours


def at(text: str) -> datetime:
    """A moment on the wall clock in Rome."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME).astimezone(UTC)


WAITS = {
    "in the evening until the morning": ("2027-03-02 20:00", "2027-03-03 08:00"),
    "late at night": ("2027-03-02 23:59", "2027-03-03 08:00"),
    "early in the morning": ("2027-03-03 07:59", "2027-03-03 08:00"),
    "on Saturday evening until Monday": ("2027-03-06 20:30", "2027-03-08 08:00"),
    "all Sunday": ("2027-03-07 12:00", "2027-03-08 08:00"),
    "over Easter": ("2027-03-28 12:00", "2027-03-30 08:00"),
    "in the night in which the clocks go forward": ("2027-03-27 21:00", "2027-03-30 08:00"),
    "in the night in which the clocks go back": ("2027-10-30 21:00", "2027-11-02 08:00"),
    "on the first of May": ("2027-05-01 10:00", "2027-05-03 08:00"),
}


@pytest.mark.parametrize("now, until", WAITS.values(), ids=WAITS.keys())
def test_in_quiet_hours_a_reminder_waits_for_the_morning(town_url: str, now: str, until: str) -> None:
    with closing(Stage(town_url, now=at(now))) as stage, closing(Office(town_url, at(now))) as office:
        perform(stage, "Amina is registered, and wants reminders")
        reminded = Reminded(stage, office)
        id = reminded.is_reminded(reminded.books(days=9))
        office.sends()
        assert (office.fate(id), office.row(id).due_at) == (("pending", None), at(until))
        office.now = at(until) - A_SECOND
        office.sends()
        assert office.telegram.arrived == []
        office.now = at(until)
        office.sends()
        assert office.fate(id) == ("sent", None)


def test_an_answer_leaves_at_any_hour(office: Office) -> None:
    office.now = at("2027-03-07 03:00")  # a Sunday, at night
    office.puts(office.meets("amina"), "hello")
    office.sends()
    assert office.telegram.texts() == ["hello"]


def test_the_card_that_answers_a_booking_leaves_at_any_hour(town_url: str) -> None:
    night = at("2027-03-07 03:00")
    with closing(Stage(town_url, now=night)) as stage, closing(Office(town_url, night)) as office:
        perform(stage, "there is a workshop «Notte» in 5 days at 10:00 with 9 places")
        perform(stage, "Amina is registered")
        stage.with_store(lambda store: Reminded(stage, office).desk(store).workshops.book(workshop_id(store, "Notte")))
        office.sends()
        assert len(office.telegram.arrived) == 1


def test_a_reminder_that_comes_too_late_is_not_sent(reminded: Reminded) -> None:
    id = reminded.is_reminded(reminded.books(hour=18), not_after=reminded.office.now + timedelta(hours=2))
    reminded.office.later(timedelta(hours=2))
    reminded.office.sends()
    assert reminded.office.fate(id) == ("missed", "too_late")
    assert reminded.office.telegram.arrived == []


def test_a_reminder_that_could_only_wait_until_it_is_too_late_is_not_sent(reminded: Reminded) -> None:
    reminded.office.now = reminded.stage.now = at("2027-03-02 21:00")
    id = reminded.is_reminded(reminded.books(hour=9), not_after=at("2027-03-03 07:00"))
    reminded.office.sends()
    assert reminded.office.fate(id) == ("missed", "no_open_time_left")


def test_nobody_gets_more_than_three_in_a_day(reminded: Reminded) -> None:
    office = reminded.office
    ids = [reminded.is_reminded(reminded.books(days=5)) for _ in range(5)]
    office.sends()
    assert [office.fate(id)[0] for id in ids] == ["sent"] * 3 + ["pending"] * 2
    assert {office.row(id).due_at for id in ids[3:]} == {at("2027-03-02 08:00")}
    office.later(timedelta(hours=9))
    office.sends()
    assert len(office.telegram.arrived) == 3
    office.now = at("2027-03-02 08:00")
    office.sends()
    assert [office.fate(id)[0] for id in ids] == ["sent"] * 5


def test_the_three_of_one_person_are_nobody_elses(reminded: Reminded) -> None:
    perform(reminded.stage, "Luca is registered, and wants reminders")
    for _ in range(3):
        reminded.is_reminded(reminded.books(days=5))
    id = reminded.is_reminded(reminded.books(days=5, who="Luca"), who="Luca")
    reminded.office.sends()
    assert reminded.office.fate(id) == ("sent", None)


# ---- a question that has just been asked


def is_asked(stage: Stage) -> None:
    """Amina has opened the form, and looks at its first question."""
    stage.sends("Amina", "lingua")


def test_a_reminder_waits_while_a_question_is_fresh(reminded: Reminded) -> None:
    office = reminded.office
    is_asked(reminded.stage)
    office.later(timedelta(minutes=4))
    id = reminded.is_reminded(reminded.books(days=5))
    office.sends()
    assert (office.fate(id), office.row(id).due_at) == (("pending", None), MONDAY + timedelta(minutes=10))
    office.now = MONDAY + timedelta(minutes=9, seconds=59)
    office.sends()
    assert office.telegram.arrived == []
    office.later(A_SECOND)
    office.sends()
    assert office.fate(id) == ("sent", None)


def test_it_waits_on_while_she_goes_on_answering(reminded: Reminded) -> None:
    office = reminded.office
    is_asked(reminded.stage)
    id = reminded.is_reminded(reminded.books(days=5))
    office.sends()
    reminded.stage.now = office.now = MONDAY + timedelta(minutes=8)
    is_asked(reminded.stage)
    office.now = MONDAY + timedelta(minutes=10)
    office.sends()
    assert (office.fate(id)[0], office.row(id).due_at) == ("pending", MONDAY + timedelta(minutes=18))


def test_it_does_not_wait_for_the_menu(reminded: Reminded) -> None:
    reminded.stage.sends("Amina", "menu")
    id = reminded.is_reminded(reminded.books(days=5))
    reminded.office.sends()
    assert reminded.office.fate(id) == ("sent", None)


# ---- what the networks allow: so many a second in all, and in a chat


class Patient(asyncio.SelectorEventLoop):
    """A loop in which waiting takes no time: when nothing is ready, it is already later."""

    later = 0.0

    def time(self) -> float:
        return self.later

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.later = max(self.later, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def moments_of(
    *takes: tuple[str, int], buckets: Buckets | None = None, after: float = 0.0
) -> list[tuple[float, str, int]]:
    """When each of these may leave, if all of them want to at once: the moment, the channel, the chat."""
    ours = buckets or Buckets()
    left: list[tuple[float, str, int]] = []

    async def leaves(channel: str, chat: int) -> None:
        await ours.take(channel, chat)
        left.append((round(asyncio.get_running_loop().time() - after, 6), channel, chat))

    async def all_leave() -> None:
        await asyncio.sleep(after)
        await asyncio.gather(*(leaves(*one) for one in takes))

    with asyncio.Runner(loop_factory=Patient) as runner:
        runner.run(all_leave())
    return left


def test_a_chat_gets_three_at_once_and_then_one_a_second() -> None:
    left = moments_of(*[("telegram", 1)] * 6)
    assert [moment for moment, _channel, _chat in left] == [0, 0, 0, 1, 2, 3]


def test_all_chats_together_get_twenty_five_a_second() -> None:
    left = moments_of(*[("telegram", chat) for chat in range(100)])
    moments = [moment for moment, _channel, _chat in left]
    assert moments[:5] == [0] * 5
    assert moments[5:] == [pytest.approx(n / 25, abs=1e-5) for n in range(1, 96)]
    assert [chat for _moment, _channel, chat in left] == list(range(100))  # first come, first served


def test_in_no_second_do_more_leave_than_the_network_takes() -> None:
    moments = [moment for moment, _channel, _chat in moments_of(*[("telegram", chat) for chat in range(100)])]
    assert max(sum(start <= moment < start + 1 for moment in moments) for start in moments) <= 30


def in_line(*priorities: int) -> list[int]:
    """In which order these leave, if they come one right after the other."""
    bucket, left = Bucket(Rate(10, 1)), []

    async def leaves(priority: int) -> None:
        await bucket.take(priority)
        left.append(priority)

    async def all_leave() -> None:
        await asyncio.gather(*map(leaves, priorities))

    with asyncio.Runner(loop_factory=Patient) as runner:
        runner.run(all_leave())
    return left


def test_whoever_has_to_wait_lets_replies_and_then_reminders_pass() -> None:
    assert in_line(BULK, BULK, REMINDER, BULK, REPLY, REMINDER, REPLY) == [
        *[BULK, REPLY, REPLY],  # the first one was alone in the line
        *[REMINDER, REMINDER, BULK, BULK],
    ]


def test_who_no_longer_waits_holds_up_nobody() -> None:
    bucket = Bucket(Rate(1, 1))

    async def scene() -> float:
        await bucket.take()
        gone = [asyncio.create_task(bucket.take(REPLY)) for _ in range(9)]
        last = asyncio.create_task(bucket.take(BULK))
        await asyncio.sleep(0.5)
        for one in gone:
            one.cancel()
        await last
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=Patient) as runner:
        assert runner.run(scene()) == pytest.approx(1)
    assert bucket.line == [] and bucket.timer is None


@pytest.mark.parametrize("who_looks", ["the clock", "the next one to come"])
def test_who_gives_up_in_the_very_instant_of_its_turn_takes_nobody_elses(who_looks: str) -> None:
    bucket, left = Bucket(Rate(1, 1)), []

    async def leaves() -> None:
        await bucket.take()
        left.append(asyncio.get_running_loop().time())

    async def scene(loop: Patient) -> None:
        await bucket.take()
        gone, *staying = [asyncio.create_task(leaves()) for _ in range(3)]
        await asyncio.sleep(0)  # until they stand in line
        loop.later = 5  # we were busy, and look at the line before somebody who has given up has left it
        if who_looks == "the clock":
            loop.call_at(0.5, gone.cancel)  # and at 1 the first in line would have been let go
        else:
            gone.cancel()
            await leaves()
        await asyncio.wait_for(asyncio.gather(*staying), 60)

    with asyncio.Runner(loop_factory=Patient) as runner:
        runner.run(scene(runner.get_loop()))  # type: ignore[arg-type]
    assert left == ([5, 6] if who_looks == "the clock" else [5, 6, 7])


def test_three_chats_told_to_slow_down_are_a_channel_told_to_slow_down() -> None:
    buckets = Buckets()

    async def scene() -> list[tuple[bool, float]]:
        loop, seen = asyncio.get_running_loop(), []
        for chat, asked in ((1, 4), (1, 4), (1, 9), (2, 5), (3, 6)):
            buckets.flooded("telegram", chat, asked)
            seen.append(buckets.is_paused("telegram"))
        start = loop.time()
        await buckets.take("whatsapp", 7)
        seen.append(loop.time() - start)
        await buckets.take("telegram", 4)
        seen.append(loop.time() - start)
        return seen

    with asyncio.Runner(loop_factory=Patient) as runner:
        assert runner.run(scene()) == [False, False, False, False, True, 0, pytest.approx(9)]


def test_chats_that_are_told_to_slow_down_now_and_then_are_only_chats() -> None:
    buckets = Buckets()

    async def scene() -> bool:
        for chat in range(9):
            buckets.flooded("telegram", chat, 60)
            await asyncio.sleep(FLOODS_WITHIN / 2 + 0.1)
        return buckets.is_paused("telegram")

    with asyncio.Runner(loop_factory=Patient) as runner:
        assert not runner.run(scene())


def test_both_at_once() -> None:
    """Twenty chats, six messages each, one after the other as a worker sends them."""
    buckets, left = Buckets(), []

    async def one_after_the_other(chat: int) -> None:
        for _message in range(6):
            await buckets.take("telegram", chat)
            left.append((asyncio.get_running_loop().time(), chat))

    async def all_chats() -> None:
        await asyncio.gather(*(one_after_the_other(chat) for chat in range(20)))

    with asyncio.Runner(loop_factory=Patient) as runner:
        runner.run(all_chats())
    assert len(left) == 120
    assert most_above([moment for moment, _chat in left], per_second=25) <= 5.001
    for chat in range(20):
        assert most_above([moment for moment, of in left if of == chat], per_second=1) <= 3


def most_above(moments: list[float], per_second: float) -> float:
    """By how many more than the rate allows, at most, messages have left between any two moments."""
    spans = itertools.combinations(range(len(moments)), 2)
    return max(last - first - per_second * (moments[last] - moments[first]) for first, last in spans)


def test_one_network_does_not_use_up_what_the_other_allows() -> None:
    busy = [("telegram", chat) for chat in range(60)]
    left = moments_of(*busy, *[("whatsapp", 1000 + chat) for chat in range(10)])
    assert {moment for moment, channel, _chat in left if channel == "whatsapp"} == {0}


def test_after_a_pause_the_bucket_is_full_again_and_not_fuller() -> None:
    buckets = Buckets({"telegram": (Rate(25, 25), Rate(1, 3))})

    async def twice() -> list[float]:
        loop = asyncio.get_running_loop()
        moments = []
        for _round in range(2):
            start = loop.time()
            for _message in range(5):
                await buckets.take("telegram", 1)
                moments.append(round(loop.time() - start, 6))
            await asyncio.sleep(3600)
        return moments

    with asyncio.Runner(loop_factory=Patient) as runner:
        assert runner.run(twice()) == [0, 0, 0, 1, 2] * 2


def test_the_figures_stay_within_what_the_networks_say() -> None:
    in_all, in_a_chat = rates()["telegram"]
    assert in_all.per_second + in_all.burst <= 30 and in_a_chat.per_second <= 1  # core.telegram.org/bots/faq
    assert rates()["whatsapp"][0].per_second <= 80


def test_where_more_is_paid_for_more_is_sent(tmp_path: Path) -> None:
    nowhere = f"sqlite:///{tmp_path}/nothing.sqlite"
    with closing(build(Settings(database_url=nowhere, telegram_rate=1000), transports={})) as desk:
        assert desk.deliverer.buckets.rates["telegram"][0].per_second == 1000


def test_a_channel_without_limits_waits_for_nothing() -> None:
    assert {moment for moment, _channel, _chat in moments_of(*[("simulator", 1)] * 100)} == {0}


def test_many_chats_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.bucket.FORGET_ABOVE", 100)
    buckets = Buckets({"telegram": (Rate(1e9, 1), Rate(1e9, 1))})
    moments_of(*[("telegram", chat) for chat in range(200)], buckets=buckets)
    assert len(buckets.chats) > 100  # all of them at once: none has been forgotten yet

    async def much_later() -> None:
        await asyncio.sleep(1000)
        await buckets.take("telegram", 0)

    with asyncio.Runner(loop_factory=Patient) as runner:
        runner.run(much_later())
    assert len(buckets.chats) == 1


# ---- the worker, which does all this by itself


@dataclass
class Hung:
    """A message that does not come through, until it is let go."""

    text: str
    began: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, message: Outgoing) -> None:
        if message.text == self.text:
            self.began.set()
            await self.may_end.wait()


def at_work(office: Office, scene: Callable[[Worker], Awaitable[None]]) -> None:
    """Play a scene while a worker works."""
    engine = Engine(office.found, Play.of([], CATALOGUES, "1"), office.clock)

    async def play() -> None:
        fetcher = Fetcher(Filing(office.found, office.clock, CATALOGUES), {})
        worker = Worker(office.found, engine, office.worker, fetcher, office.clock)
        task = asyncio.create_task(worker.run())
        try:
            await asyncio.wait_for(scene(worker), 10)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait_for(task, 10)

    asyncio.run(play())


async def until(what: Callable[[], bool]) -> None:
    while not what():
        await asyncio.sleep(0.01)


def test_a_knock_is_enough(office: Office) -> None:
    office.puts(office.meets("amina"), "hello")

    async def scene(worker: Worker) -> None:
        worker.knock()
        await until(lambda: office.telegram.texts() == ["hello"])

    at_work(office, scene)


def test_a_network_that_hangs_does_not_hold_up_the_other_one(office: Office) -> None:
    office.puts(office.meets("luca", "whatsapp"), "hangs")
    hung = office.whatsapp.before = Hung("hangs")

    async def scene(worker: Worker) -> None:
        worker.knock()
        await hung.began.wait()
        await asyncio.to_thread(lambda: office.puts(office.meets("amina"), "goes on"))
        worker.knock()
        await until(lambda: office.telegram.texts() == ["goes on"])
        hung.may_end.set()

    at_work(office, scene)


def test_a_chat_that_hangs_does_not_hold_up_the_others(office: Office) -> None:
    office.puts(office.meets("luca"), "hangs")
    hung = office.telegram.before = Hung("hangs")

    async def scene(worker: Worker) -> None:
        worker.knock()
        await hung.began.wait()
        await asyncio.to_thread(lambda: office.puts(office.meets("amina"), "goes on"))
        worker.knock()
        await until(lambda: office.telegram.texts() == ["goes on"])
        hung.may_end.set()

    at_work(office, scene)


def test_chats_that_hang_do_not_hold_up_the_bulk_of_the_others(office: Office) -> None:
    """Only who stands in line counts as more than the channel can take, not who is on the way."""
    for n in range(40):
        office.puts(office.meets(f"luca {n}"), "hangs", BULK)
    ids = [office.puts(office.meets(f"amina {n}"), "goes on", BULK) for n in range(9)]
    office.worker = office.another_worker(Buckets({"telegram": (Rate(20, 20), Rate(1, 3))}))
    hung = office.telegram.before = Hung("hangs")

    async def scene(worker: Worker) -> None:
        worker.knock()
        await until(lambda: office.telegram.texts() == ["goes on"] * 9)
        hung.may_end.set()
        await until(lambda: len(office.telegram.arrived) == 49)

    at_work(office, scene)
    assert {office.fate(id) for id in ids} == {("sent", None)}


def test_a_network_that_hangs_takes_only_so_many_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.worker.AT_ONCE", 3)
    ids = [office.puts(office.meets(f"luca {n}", "whatsapp"), "hangs") for n in range(8)]
    hung = office.whatsapp.before = Hung("hangs")

    async def scene(worker: Worker) -> None:
        for n in range(4):
            worker.knock()
            await hung.began.wait()
            await asyncio.to_thread(lambda n=n: office.puts(office.meets(f"amina {n}"), f"goes on {n}"))
        worker.knock()
        await until(lambda: len(office.telegram.arrived) == 4)
        hung.may_end.set()
        await until(lambda: len(office.whatsapp.arrived) == 8)

    at_work(office, scene)
    assert {office.fate(id) for id in ids} == {("sent", None)}


def test_while_a_long_line_of_bulk_goes_out_a_reply_leaves_at_once(office: Office) -> None:
    """Six seconds of bulk wait; whoever writes now is answered within one."""
    chats = [office.meets(f"person {n}") for n in range(160)]
    for chat in chats[8:]:
        office.puts(chat, "bulk", BULK)
    office.worker = office.another_worker(Buckets({"telegram": (Rate(25, 5), Rate(1, 3))}))
    took: list[float] = []

    async def scene(worker: Worker) -> None:
        worker.knock()
        await until(lambda: len(office.telegram.arrived) > 10)
        loop = asyncio.get_running_loop()
        for chat in chats[:8]:
            began = loop.time()
            await asyncio.to_thread(office.puts, chat, f"reply {chat}")
            worker.knock()
            await until(lambda chat=chat: f"reply {chat}" in office.telegram.texts())
            took.append(loop.time() - began)

    at_work(office, scene)
    assert max(took) < 1
    with office.found.reading() as store:
        counted = dict(store.read(select(messages.c.state, func.count()).group_by(messages.c.state)))
    assert counted["sent"] > 18  # the line moves on as well
    assert counted["pending"] > 80  # and waits in the outbox, not in our hands


def test_after_an_error_that_nobody_foresaw_the_worker_works_on(office: Office) -> None:
    office.puts(office.meets("amina"), "hello")
    office.telegram.refuses("hello", KeyError("result"))

    async def scene(worker: Worker) -> None:
        worker.knock()
        await until(lambda: not office.telegram.troubles["hello"])
        await asyncio.to_thread(lambda: office.puts(office.meets("luca"), "and then"))
        worker.knock()
        await until(lambda: office.telegram.texts() == ["and then"])

    at_work(office, scene)


def test_who_is_told_to_stop_lets_a_message_on_its_way_arrive_and_writes_it_down(office: Office) -> None:
    id = office.puts(office.meets("amina"), "on its way")
    hung = office.telegram.before = Hung("on its way")

    async def scene(worker: Worker) -> None:
        worker.knock()
        await hung.began.wait()
        asyncio.get_running_loop().call_later(0.3, hung.may_end.set)  # by then we have been told to stop

    at_work(office, scene)
    assert office.fate(id) == ("sent", None)


def test_who_is_told_to_stop_does_not_wait_for_ever(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.jobs.worker.PATIENCE", 0.2)
    id = office.puts(office.meets("amina"), "hangs")
    hung = office.telegram.before = Hung("hangs")

    async def scene(worker: Worker) -> None:
        worker.knock()
        await hung.began.wait()

    at_work(office, scene)
    assert office.fate(id)[0] == "sending"  # and uncertain once its lease has ended


def test_a_message_comes_in_and_its_answer_goes_out(town_url: str) -> None:
    """The whole way, with a worker that is only knocked at."""
    with closing(Stage(town_url)) as stage, closing(stage.desk()) as desk:
        message = Incoming(stage.address("Amina"), "1", stage.now, message_id="1", text="ciao")

        async def scene() -> None:
            worker = asyncio.create_task(desk.worker.run())
            await desk.hear([message])
            async with asyncio.timeout(10):
                while len(await asyncio.to_thread(stage.heard)) == 0:
                    await asyncio.sleep(0.01)
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

        asyncio.run(scene())
