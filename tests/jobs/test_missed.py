# SPDX-License-Identifier: EUPL-1.2
"""What people write while nobody hears them is taken in afterwards: all of it, once, in the order they wrote it."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from starlette.applications import Starlette

from bot.channels.whatsapp.channel import WhatsApp
from bot.clock import Clock
from bot.jobs.missed import AT_FIRST, MARGIN
from bot.main import Sportello, build
from bot.settings import Settings
from handlers.desk import Desk, erasing
from storage import Unavailable
from storage.tables import attachments, messages
from tests import files
from tests.channels.twilio_api import Fault, Params, TwilioApi
from tests.channels.twilio_phone import ACCOUNT, PUBLIC_URL, SENDER, TOKEN, Line, Phone
from tests.database import MONDAY, Databases


class Office:
    """A desk on WhatsApp, and a Twilio that lists what people have written. ``now`` is everybody's time."""

    def __init__(self, url: str, api: TwilioApi) -> None:
        self.now, self.api = MONDAY, api
        api.now = lambda: self.now
        clock = Clock(real=lambda: self.now)
        self.whatsapp = WhatsApp(
            ACCOUNT, TOKEN, sender=SENDER, public_url=PUBLIC_URL, clock=clock, api_url=api.url, patience=2.0
        )
        settings = Settings(database_url=url, secret_key=SecretStr("only for this test"))
        self.desk: Sportello = build(settings, clock, transports={"whatsapp": self.whatsapp})
        self.line = Line(Starlette(routes=self.whatsapp.routes(self.desk.hear, self.desk.learn)))

    def writes(self, who: int, text: str, *, arrives: bool = True, **more: Any) -> Params:
        """Somebody writes; Twilio keeps it, and calls us unless it cannot reach us."""
        phone = Phone(f"+3933300{who:05}", None)
        kept = self.api.takes_in(phone.address, text, **more)
        if arrives:
            assert self.brings(phone, kept) == 200
        return kept

    def brings(self, phone: Phone, kept: Params) -> int:
        words = phone.writes(kept["body"], sid=kept["sid"])
        return asyncio.run(self.line.brings(words)).status_code

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)

    def asks(self) -> int:
        """The worker looks for what was missed. Returns how much that was."""

        async def ask() -> int:
            try:
                return await self.desk.worker.reconciler.run_once()
            finally:
                await self.whatsapp.close()

        return asyncio.run(ask())

    def heard(self) -> list[tuple[str, str]]:
        """What was taken in, as it was taken in."""
        with self.desk.storage.reading() as store:
            incoming = select(messages.c.message_key, messages.c.text).where(messages.c.direction == "in")
            return [(row[0], row[1]) for row in store.read(incoming.order_by(messages.c.id))]

    def texts(self) -> list[str]:
        return [text for _key, text in self.heard()]

    def listings(self) -> int:
        return len(self.api.called("GET"))


@pytest.fixture
def api() -> Iterator[TwilioApi]:
    with TwilioApi() as api:
        yield api
        assert api.violations == []


@pytest.fixture
def office(databases: Databases, api: TwilioApi) -> Iterator[Office]:
    with databases.town("sqlite") as url:
        office = Office(url, api)
        yield office
        office.desk.close()


def test_after_ten_minutes_without_us_two_hundred_messages_are_heard_once_and_in_order(
    town_url: str, api: TwilioApi
) -> None:
    office = Office(town_url, api)
    office.writes(0, "before")
    office.passes(minutes=1)
    office.asks()
    for number in range(200):
        office.writes(number % 40, f"message {number:03}", arrives=False)
        office.passes(seconds=3)
    office.passes(seconds=30)
    assert office.asks() == 200
    assert office.texts() == ["before", *(f"message {number:03}" for number in range(200))]
    keys = [key for key, _text in office.heard()]
    assert len(set(keys)) == 201 and keys == [kept["sid"] for kept in api.messages]
    office.passes(minutes=1)
    assert office.asks() == 0, "they are known by now"
    late = Phone("+393330000001", None)
    assert office.brings(late, api.messages[2]) == 200, "the webhook comes after all"
    assert len(office.heard()) == 201
    office.desk.close()


def test_who_writes_while_the_database_is_away_is_heard_when_it_is_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.asks()
    office.passes(seconds=5)

    def away(_messages: object) -> None:
        raise Unavailable("OperationalError")

    with monkeypatch.context() as broken:
        broken.setattr(office.desk.engine, "hear", away)
        kept = office.writes(1, "ciao", arrives=False)
        assert office.brings(Phone("+393330000001", None), kept) == 503
        office.passes(seconds=31)
        with pytest.raises(Unavailable):
            office.asks()
        office.passes(minutes=1)
        with pytest.raises(Unavailable):
            office.asks()
    office.passes(minutes=1)
    assert office.asks() == 1 and office.texts() == ["ciao"]


def test_what_we_know_that_we_missed_does_not_wait_for_the_minute(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_messages: object) -> None:
        raise Unavailable("OperationalError")

    office.asks()
    with monkeypatch.context() as broken:
        broken.setattr(office.desk.engine, "hear", away)
        office.brings(Phone("+393330000001", None), office.writes(1, "ciao", arrives=False))
    office.passes(seconds=31)  # within the same minute
    assert office.asks() == 1 and office.texts() == ["ciao"]
    before = office.listings()
    office.passes(seconds=5)
    assert office.asks() == 0 and office.listings() == before, "once is enough"


def test_one_worker_asks_each_minute(office: Office) -> None:
    office.asks()
    office.asks()
    assert office.listings() == 1
    office.passes(minutes=1)
    office.asks()
    assert office.listings() == 2


def test_at_first_only_a_day_is_looked_back_and_afterwards_as_far_as_we_had_come(office: Office) -> None:
    office.writes(1, "two days ago", arrives=False)
    office.passes(days=1, hours=1)
    office.writes(1, "yesterday", arrives=False)
    office.passes(hours=23)
    assert office.asks() == 1 and office.texts() == ["yesterday"]
    office.passes(days=3)
    office.writes(1, "while we were away for a week", arrives=False)
    office.passes(days=3)
    with office.desk.storage.writing() as store:
        store.records.forget_slots(office.now - timedelta(days=2))
    assert office.asks() == 1, "how far we had come is not forgotten with the rest"
    assert AT_FIRST > MARGIN


def test_what_twilio_lists_late_is_found_within_the_margin(office: Office) -> None:
    office.writes(1, "first", arrives=False)
    hidden = office.api.messages.pop()
    office.passes(minutes=5)
    assert office.asks() == 0
    office.api.messages.append(hidden)
    office.passes(minutes=5)
    assert office.asks() == 1


def test_while_twilio_is_away_nothing_counts_as_heard(office: Office) -> None:
    office.asks()
    office.writes(1, "ciao", arrives=False)
    for _hour in range(3):
        office.passes(hours=1)
        office.api.fails(Fault(503))
        assert office.asks() == 0
    office.passes(minutes=1)
    assert office.asks() == 1


def test_one_that_cannot_be_taken_in_does_not_keep_the_others_outside(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = office.desk.engine.hear

    def stumbling(heard: Any) -> None:
        if heard[0].text == "stone":
            raise ValueError("stone")
        hear(heard)

    monkeypatch.setattr(office.desk.engine, "hear", stumbling)
    for text in ("one", "stone", "two"):
        office.writes(1, text, arrives=False)
        office.passes(minutes=1)
    office.asks()
    assert office.texts() == ["one", "two"]


# ---- files


def fetches(office: Office, most: int = 99) -> None:
    """The worker fetches files and has them dropped: one after the other, until there is nothing to do."""

    async def fetch() -> None:
        for _time in range(most):
            if not await office.desk.worker.fetcher.run_once():
                break
        await office.whatsapp.close()

    asyncio.run(fetch())


def settled(office: Office) -> list[tuple[str, bool]]:
    """What became of each file, and whether Twilio has dropped it."""
    with office.desk.storage.reading() as store:
        rows = store.read(select(attachments).order_by(attachments.c.id))
    return [(row.state, row.released_at is not None) for row in rows]


def sends(office: Office, kind: str, content: bytes) -> None:
    office.writes(1, "", arrives=False, media=[(kind, content)])
    office.passes(minutes=1)
    office.asks()


@pytest.mark.parametrize(
    ("kind", "content", "state"),
    [
        ("application/pdf", files.PDF, "stored"),
        ("application/pdf", files.PROGRAM, "refused"),  # not what it claims to be
        ("application/x-msdownload", files.PROGRAM, "refused"),  # never fetched
    ],
)
def test_what_we_have_or_do_not_want_is_dropped_at_twilio(
    office: Office, kind: str, content: bytes, state: str
) -> None:
    sends(office, kind, content)
    assert len(office.api.media) == 1
    fetches(office)
    assert settled(office) == [(state, True)] and office.api.media == {}
    calls = len(office.api.calls)
    office.passes(days=1)
    fetches(office)
    assert len(office.api.calls) == calls, "nobody asks again"


def test_a_file_is_ours_to_use_though_twilio_does_not_drop_it_yet(town_url: str, api: TwilioApi) -> None:
    office = Office(town_url, api)
    sends(office, "application/pdf", files.PDF)
    number = next(iter(api.media)).rpartition("/")[2]
    fetches(office, most=1)
    api.fails(Fault(503), path=number)
    fetches(office)
    assert settled(office) == [("stored", False)]
    office.passes(minutes=10)
    fetches(office)
    assert len(api.called("DELETE", number)) == 1, "not before a while"
    office.passes(minutes=30)
    fetches(office)
    assert settled(office) == [("stored", True)] and api.media == {}
    office.desk.close()


def test_a_file_that_does_not_lie_with_twilio_is_lost_and_nobody_asks_for_it_again(office: Office) -> None:
    words = Phone().sends("application/pdf", "https://files.example.org/cv.pdf")
    assert asyncio.run(office.line.brings(words)).status_code == 200
    calls = len(office.api.calls)
    for _hour in range(3):
        fetches(office)
        office.passes(hours=1)
    assert settled(office) == [("lost", False)] and len(office.api.calls) == calls


def test_who_was_deleted_is_not_made_anew_by_what_they_wrote_before(office: Office) -> None:
    office.writes(1, "ciao")
    office.asks()
    office.passes(minutes=3)
    office.writes(1, "cancella i miei dati")
    with office.desk.storage.writing() as store:
        row = store.messages.by_update("whatsapp", f"in:{office.api.messages[-1]['sid']}")
        assert row
        catalogues = office.desk.engine.play.catalogues
        Desk(store, store.people.get(row.person_id), office.now, catalogues).erasure.ask()
        assert erasing.erase(store, row.person_id, office.now, catalogues, office.desk.worker.erasure_key)
    office.passes(minutes=1)
    assert office.asks() == 0
    with office.desk.storage.reading() as store:
        assert len(store.people.identities(row.person_id)) == 1
        assert store.people.at("whatsapp", f"whatsapp:{'+3933300'}00001") is None
    office.passes(minutes=1)
    office.writes(1, "di nuovo io", arrives=False)
    office.passes(minutes=2)
    assert office.asks() == 1
