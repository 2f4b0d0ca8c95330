# SPDX-License-Identifier: EUPL-1.2
"""What people sent is fetched, looked into and kept once; what cannot be is asked for again, once."""

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.channels import telegram
from bot.channels.telegram import calls
from bot.clock import Clock
from bot.contract import DeliveryError
from bot.main import Sportello, build
from bot.settings import Settings
from handlers.desk.filing import LEASE, TRIES
from handlers.talk import Address, Incoming, Outgoing
from storage.files import Attachment
from storage.tables import attachments
from storage.tables import files as kept
from tests import files
from tests.database import MONDAY, Databases

GONE = DeliveryError("gone", "The file is no longer there.")
AWAY = DeliveryError("unreachable", "Telegram cannot be reached.", retry_in=timedelta(seconds=5), counts=False)
SLOW = DeliveryError("no_answer", "Telegram did not answer.", retry_in=timedelta(seconds=5))
TOKEN = DeliveryError("token", "Telegram does not accept our token.", halt=True)
# What a file may take at the most: Telegram says where it is, then it comes.
SLOWEST = timedelta(seconds=calls.CONNECTING + telegram.PATIENCE + calls.WITH_A_FILE)
CV = {"name": "cv.pdf", "mime_type": "application/pdf", "size": 4000}


class Channel:
    """Keeps what people send until somebody fetches it, and takes what we send."""

    def __init__(self) -> None:
        self.shelf: dict[str, bytes | Exception] = {}
        self.fetched: list[str] = []
        self.sent: list[str] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None  # happens while the next file is on its way

    async def fetch(self, provider_id: str) -> bytes:
        self.fetched.append(provider_id)
        if self.meanwhile:
            await self.meanwhile()
        match self.shelf[provider_id]:
            case Exception() as trouble:
                raise trouble
            case content:
                return content

    async def send(self, message: Outgoing) -> str:
        self.sent.append(message.text)
        return str(message.id)


class Office:
    """A desk, its channel, and people who send files."""

    def __init__(self, url: str) -> None:
        self.now, self.numbers, self.channel = MONDAY, itertools.count(1), Channel()
        settings = Settings(database_url=url)
        self.desk: Sportello = build(settings, Clock(real=lambda: self.now), transports={"telegram": self.channel})  # type: ignore[dict-item]

    def hears(
        self, kind: str = "text", text: str = "", who: str = "1", simulated: bool = False, **payload: Any
    ) -> None:
        number = f"{who}-{next(self.numbers)}"
        sender = Address("telegram", who, simulated)
        told = Incoming(sender, number, self.now, number, kind, text, language="en", payload=payload)
        self.desk.engine.hear([told])

    def sends(self, content: bytes | Exception, kind: str = "document", **more: Any) -> str:
        """Somebody sends a file, which the channel keeps; its name there."""
        file_id = f"file-{next(self.numbers)}"
        self.channel.shelf[file_id] = content
        self.hears(kind, **{"file_id": file_id, **CV, **more})
        return file_id

    def fetches(self) -> int:
        """Fetch all that may be fetched now. Returns how many were tried."""

        async def all_of_them() -> int:
            tried = 0
            while await self.desk.worker.fetcher.run_once():
                tried += 1
            return tried

        return asyncio.run(all_of_them())

    def said(self) -> list[str]:
        """What went out since the last time, without the question under it."""
        asyncio.run(self.desk.deliverer.drain())
        said, self.channel.sent = self.channel.sent, []
        return [one.split("\n")[0] for one in said]

    def rows(self) -> list[Any]:
        with self.desk.storage.reading() as store:
            return list(store.read(select(attachments).order_by(attachments.c.id)))

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]

    def contents(self) -> int:
        with self.desk.storage.reading() as store:
            return int(store.read(select(func.count()).select_from(kept))[0][0])


@pytest.fixture
def office(town_url: str) -> Iterator[Office]:
    office = Office(town_url)
    office.hears(text="hello")
    office.said()
    yield office
    office.desk.close()


@pytest.fixture
def small_office(databases: Databases) -> Iterator[Office]:
    """On one database, where the other would do the same."""
    with databases.town("sqlite") as url:
        office = Office(url)
        office.hears(text="hello")
        office.said()
        yield office
        office.desk.close()


def test_a_file_is_fetched_once_and_kept(office: Office) -> None:
    name = office.sends(files.PDF)
    assert office.said() == ["I keep your file for the desk. A person will look at it."]
    assert office.fetches() == 1
    assert office.fetches() == 0
    row = office.rows()[0]
    assert (row.state, row.attempts, row.lease_until, row.name) == ("stored", 1, None, "cv.pdf")
    with office.desk.storage.reading() as store:
        found = store.files.content(row.file_id)
    assert found and (found.kind, found.content) == ("application/pdf", files.PDF)
    assert office.channel.fetched == [name]
    assert office.said() == [], "nobody is told twice"


def test_the_same_contents_are_kept_once_whoever_sends_them(office: Office) -> None:
    office.sends(files.PDF)
    office.sends(files.PDF, who="2")
    office.fetches()
    assert office.states() == ["stored", "stored"]
    assert len({row.file_id for row in office.rows()}) == 1 and office.contents() == 1


@pytest.mark.postgres
def test_the_same_contents_are_kept_once_by_many_at_a_time(databases: Databases) -> None:
    with databases.town("postgresql") as url:
        office = Office(url)
        gate = threading.Barrier(8)

        def keep(_number: int) -> int:
            with office.desk.storage.writing() as store:
                gate.wait(10)
                return store.files.keep(files.PDF, kind="application/pdf", at=MONDAY)

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(keep, range(8)))) == 1
        assert office.contents() == 1
        office.desk.close()


@pytest.mark.postgres
def test_two_workers_never_have_the_same_file(databases: Databases) -> None:
    with databases.town("postgresql") as url:
        office = Office(url)
        for _number in range(12):
            office.sends(files.PDF)
        filing, gate = office.desk.worker.fetcher.filing, threading.Barrier(4)

        def claim(_worker: int) -> list[Attachment]:
            gate.wait(10)
            return filing.claim(5, simulated=False)

        with ThreadPoolExecutor(4) as pool:
            claimed = [one.id for found in pool.map(claim, range(4)) for one in found]
        assert len(claimed) == len(set(claimed)) and len(claimed) >= 5
        office.desk.close()


def test_however_slow_the_network_no_other_worker_gets_a_file_that_is_on_its_way(small_office: Office) -> None:
    names = [small_office.sends(files.PDF) for _number in range(7)]
    channel, fetcher = small_office.channel, small_office.desk.worker.fetcher

    async def another_worker_looks() -> None:
        small_office.now += SLOWEST
        channel.meanwhile = None  # it has a faster network
        await fetcher.run_once()
        channel.meanwhile = another_worker_looks

    channel.meanwhile = another_worker_looks
    small_office.fetches()
    assert sorted(channel.fetched) == sorted(names)
    assert [(row.state, row.attempts) for row in small_office.rows()] == [("stored", 1)] * 7


def test_what_a_picture_is_comes_from_its_contents(small_office: Office) -> None:
    small_office.sends(files.PNG, "photo", name=None, mime_type=None)
    small_office.sends(files.VOICE, "voice", name=None, mime_type="audio/ogg")
    small_office.fetches()
    with small_office.desk.storage.reading() as store:
        found = [store.files.attachment(row.id) for row in small_office.rows()]
    assert [one.inside for one in found if one] == ["image/png", "audio/ogg"]


def test_what_is_refused_at_once_is_never_fetched(small_office: Office) -> None:
    small_office.sends(files.PROGRAM, name="cv.exe", mime_type=None)
    small_office.sends(files.PDF, size=21 * 1024 * 1024)
    assert small_office.fetches() == 0
    assert [(row.state, row.reason) for row in small_office.rows()] == [("refused", "kind"), ("refused", "size")]
    assert open_cases(small_office) == []


def test_what_is_not_what_it_claims_is_refused_and_its_sender_told_once(office: Office) -> None:
    office.sends(files.PROGRAM)
    office.said()
    office.fetches()
    assert [(row.state, row.reason, row.file_id) for row in office.rows()] == [("refused", "contents", None)]
    assert office.said() == ["I could not open your file. Please send it again as a PDF or a photo."]
    assert office.fetches() == 0 and office.said() == [] and office.contents() == 0


def test_more_arrives_than_was_announced(small_office: Office) -> None:
    small_office.sends(files.PDF.ljust(20 * 1024 * 1024 + 1), size=None)
    small_office.said()
    small_office.fetches()
    assert small_office.said() == ["This file is too big: please send one under 20 megabytes."]


def test_what_is_gone_for_good_is_asked_for_again_and_a_person_knows(office: Office) -> None:
    office.sends(GONE)
    office.said()
    office.fetches()
    assert [(row.state, row.reason) for row in office.rows()] == [("lost", "gone")]
    assert office.said() == ["I could not get what you sent. Please send it again."]
    assert open_cases(office) == ["file"]


def test_it_is_tried_five_times_with_longer_and_longer_waits(office: Office) -> None:
    office.sends(SLOW)
    office.said()
    waits = []
    for _try in range(TRIES):
        tried_at = office.now
        assert office.fetches() == 1
        assert office.fetches() == 0, "not before its time"
        if retry_at := office.rows()[0].retry_at:
            waits.append((retry_at - tried_at).total_seconds())
            office.now = max(office.now, retry_at)
    assert waits[: TRIES - 1] == [10, 60, 300, 1800]
    assert [(row.state, row.attempts) for row in office.rows()] == [("lost", TRIES)]
    assert office.said() == ["I could not get what you sent. Please send it again."]


@pytest.mark.parametrize("trouble", [AWAY, TOKEN], ids=["away", "a wrong token"])
def test_a_channel_that_is_away_uses_up_no_try(small_office: Office, trouble: DeliveryError) -> None:
    name = small_office.sends(trouble)
    for _try in range(TRIES + 3):
        assert small_office.fetches() == 1
        small_office.now += timedelta(seconds=10)
    small_office.channel.shelf[name] = files.PDF
    small_office.fetches()
    assert small_office.states() == ["stored"]


def test_what_nobody_foresaw_is_tried_again(small_office: Office) -> None:
    name = small_office.sends(RuntimeError("a person's words"))
    small_office.fetches()
    assert [(row.state, row.reason) for row in small_office.rows()] == [("waiting", "RuntimeError")]
    small_office.now += timedelta(seconds=10)
    small_office.channel.shelf[name] = files.PDF
    small_office.fetches()
    assert small_office.states() == ["stored"]


def test_a_worker_that_died_gives_the_file_back(office: Office) -> None:
    office.sends(files.PDF)
    office.said()
    filing = office.desk.worker.fetcher.filing
    (late,) = filing.claim(5, simulated=False)
    assert office.fetches() == 0, "somebody has it"
    office.now += LEASE + timedelta(seconds=1)
    (taken,) = filing.claim(5, simulated=False)
    filing.lost(late, "gone")  # the one that was thought dead comes back
    filing.later(late, "gone", timedelta(0), counts=True)
    assert office.states() == ["waiting"] and office.said() == []
    filing.arrived(taken, files.PDF)
    filing.lost(late, "gone")
    assert office.states() == ["stored"] and office.said() == []


def test_a_file_over_which_every_worker_dies_is_lost_in_the_end(small_office: Office) -> None:
    small_office.sends(files.PDF)
    for _death in range(TRIES):
        assert small_office.desk.worker.fetcher.filing.claim(5, simulated=False)
        small_office.now += LEASE + timedelta(seconds=1)
    assert small_office.fetches() == 1
    assert small_office.channel.fetched == []
    assert [(row.state, row.reason) for row in small_office.rows()] == [("lost", "worker_gone")]


def test_who_has_said_stop_since_is_told_nothing(small_office: Office) -> None:
    small_office.sends(files.PROGRAM)
    small_office.now += timedelta(seconds=1)
    small_office.hears(text="stop")
    small_office.said()
    small_office.fetches()
    assert small_office.states() == ["refused"] and small_office.said() == []


def test_a_simulated_chat_has_nothing_to_fetch(small_office: Office) -> None:
    small_office.channel.shelf["far"] = files.PDF
    small_office.hears("document", who="sim:1", simulated=True, file_id="far", **CV)
    assert small_office.fetches() == 0 and small_office.channel.fetched == []


def test_a_file_from_a_channel_that_is_not_set_up_waits(small_office: Office) -> None:
    small_office.desk.worker.fetcher.channels = {}
    small_office.sends(files.PDF)
    small_office.fetches()
    assert [(row.state, row.reason, row.attempts) for row in small_office.rows()] == [("waiting", "no_channel", 0)]


def test_a_turn_that_fails_and_is_tried_again_leaves_one_attachment(
    small_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("handlers.engine.meaning.unreadable", broken)
        small_office.sends(files.VOICE, "voice", name=None, mime_type="audio/ogg")
    assert small_office.rows() == [], "all of a turn or nothing"
    small_office.now += timedelta(seconds=2)
    small_office.desk.engine.retry()
    assert small_office.states() == ["waiting"] and open_cases(small_office) == ["voice"]


def broken(kind: str) -> str:
    raise ValueError(kind)


def open_cases(office: Office) -> list[str]:
    with office.desk.storage.reading() as store:
        found = store.people.at("telegram", "1")
        return store.cases.open_reasons(found[1].id) if found else []
