# SPDX-License-Identifier: EUPL-1.2
"""Files of people are for the people of the desk: by a signed link, for ten minutes, to be saved and never shown."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from bot.clock import Clock
from bot.main import Sportello, build, web
from bot.media import LIVES_FOR, SENT_LIVES_FOR, link, link_out, signature
from bot.settings import Settings
from handlers.talk import Address, Incoming
from storage.tables import attachments, audit
from tests import files
from tests.database import MONDAY, Databases

NAME = "currículum «di» Amina.pdf"
A_SECOND = timedelta(seconds=1)


class House:
    """A desk with one file of somebody's, and a browser at its door."""

    def __init__(self, url: str, secret: str = "only for this test") -> None:
        self.now = MONDAY
        public = "https://desk.example.org"
        self.settings = Settings(database_url=url, secret_key=SecretStr(secret), public_url=public)
        self.desk: Sportello = build(self.settings, Clock(real=lambda: self.now), transports={})
        self.browser = TestClient(web(self.desk, with_worker=False))

    def attach(self, content: bytes = files.PDF, kind: str = "application/pdf", **more: Any) -> int:
        heard = Incoming(Address("telegram", "1"), "1", MONDAY, "1", text="ciao")
        self.desk.engine.hear([heard])
        with self.desk.storage.writing() as store:
            row = store.messages.by_update("telegram", "1")
            assert row
            file_id = store.files.keep(content, kind=kind, at=MONDAY)
            known = {"message_id": row.id, "person_id": row.person_id, "provider_id": "far", "name": NAME, "at": MONDAY}
            values = {**known, "state": "stored", "file_id": file_id, "attempts": 1, **more}
            return int(store.write(insert(attachments).values(values).returning(attachments.c.id)).scalar_one())

    def sends(self, content: bytes, kind: str, name: str) -> int:
        """A message of ours with a file in it."""
        self.desk.engine.hear([Incoming(Address("whatsapp", "whatsapp:+390000"), "2", MONDAY, "2", text="ciao")])
        with self.desk.storage.writing() as store:
            row = store.messages.by_update("whatsapp", "2")
            assert row
            carries = {"file": store.files.keep(content, kind=kind, at=MONDAY), "name": name}
            known = {name: getattr(row, name) for name in ("person_id", "identity_id", "channel")}
            more = {"kind": "reply", "text": "", "priority": 0, "at": MONDAY, "due_at": MONDAY}
            return int(store.messages.put_out(**known, **more, payload=carries) or 0)

    def opened(self) -> list[tuple[str, str, str]]:
        with self.desk.storage.reading() as store:
            return [(row.actor, row.action, row.subject) for row in store.read(select(audit)) if row.actor == "link"]


@pytest.fixture
def house(databases: Databases) -> Iterator[House]:
    with databases.town("sqlite") as url:
        house = House(url)
        yield house
        house.desk.close()


def test_a_link_brings_the_file_to_be_saved_and_not_to_be_shown(house: House) -> None:
    answer = house.browser.get(link(house.settings, house.attach(), house.now))
    assert answer.status_code == 200 and answer.content == files.PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    name = "curr%C3%ADculum%20%C2%ABdi%C2%BB%20Amina.pdf"
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_every_opening_is_written_down(house: House) -> None:
    id = house.attach()
    way = link(house.settings, id, house.now)
    house.browser.get(way)
    house.browser.get(way)
    house.browser.get(way.replace("signature=", "signature=0"))
    assert house.opened() == [("link", "file_opened", f"attachment:{id}")] * 2


def test_a_page_in_disguise_stays_text(house: House) -> None:
    answer = house.browser.get(link(house.settings, house.attach(files.PAGE, "text/plain"), house.now))
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_a_link_lives_for_ten_minutes_of_real_time(house: House) -> None:
    way = link(house.settings, house.attach(), house.now)
    house.desk.clock.forward(timedelta(days=1))  # the day that a demonstration pretends it is
    house.now += LIVES_FOR - A_SECOND
    assert house.browser.get(way).status_code == 200
    house.now += A_SECOND
    answer = house.browser.get(way)
    assert answer.status_code == 410
    assert "scaduto" in answer.text and "expired" in answer.text and files.PDF not in answer.content


def test_all_that_is_wrong_looks_the_same(house: House) -> None:
    id = house.attach()
    good = link(house.settings, id, house.now)
    expires, given = good.partition("expires=")[2].split("&signature=")
    other = signature(house.settings, id + 1, int(expires))
    wrong = [
        f"/media/{id}",
        f"/media/{id}?expires={expires}",
        f"/media/{id}?expires={expires}&signature=",
        f"/media/{id}?expires={expires}&signature={given[:-1]}",
        f"/media/{id}?expires={expires}&signature={given.upper()}",
        f"/media/{id}?expires={expires}&signature=è",
        f"/media/{id}?expires={int(expires) + 1}&signature={given}",
        f"/media/{id}?expires=-1&signature={given}",
        f"/media/{id}?expires=²&signature={given}",
        f"/media/{id}?expires={'9' * 400}&signature={given}",
        f"/media/{id + 1}?expires={expires}&signature={given}",
        f"/media/{id + 1}?expires={expires}&signature={other}",  # well signed, and there is no such file
        f"/media/{'9' * 30}?expires={expires}&signature={given}",
    ]
    answers = [house.browser.get(way) for way in wrong]
    assert [answer.status_code for answer in answers] == [404] * len(wrong)
    assert len({answer.content for answer in answers}) == 1
    assert house.opened() == []


@pytest.mark.parametrize("state", ["waiting", "refused", "lost"])
def test_what_is_not_kept_is_not_there(house: House, state: str) -> None:
    id = house.attach(state=state, file_id=None)
    assert house.browser.get(link(house.settings, id, house.now)).status_code == 404


def test_another_desks_secret_opens_nothing_here(house: House) -> None:
    other = Settings(secret_key=SecretStr("another"))
    assert house.browser.get(link(other, house.attach(), house.now)).status_code == 404


def test_without_a_secret_links_work_as_long_as_the_process(databases: Databases) -> None:
    with databases.town("sqlite") as url:
        house = House(url, secret="")
        way = link(house.settings, house.attach(), house.now)
        assert house.browser.get(way).status_code == 200
        assert "signature=" in way and signature(house.settings, 1, 1) == signature(house.settings, 1, 1)
        house.desk.close()


def test_nothing_can_be_sent_there(house: House) -> None:
    way = link(house.settings, house.attach(), house.now)
    assert house.browser.post(way).status_code == 405


def test_what_a_message_of_ours_carries_can_be_fetched_from_anywhere_for_a_day(house: House) -> None:
    sent = house.sends(files.PDF, "application/pdf", "agenda.pdf")
    way = link_out(house.settings, sent, house.now)
    assert way.startswith("https://desk.example.org/media/sent/")
    path = way.removeprefix("https://desk.example.org")
    house.now += SENT_LIVES_FOR - A_SECOND
    answer = house.browser.get(path)
    assert (answer.status_code, answer.content) == (200, files.PDF)
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''agenda.pdf"
    house.now += A_SECOND
    assert house.browser.get(path).status_code == 410


def test_the_link_of_one_kind_opens_nothing_of_the_other(house: House) -> None:
    received, sent = house.attach(), house.sends(files.PDF, "application/pdf", "agenda.pdf")
    for id in (received, sent):
        to_desk, to_person = link(house.settings, id, house.now), link_out(house.settings, id, house.now)
        crossed = [f"/media/sent/{id}?{to_desk.partition('?')[2]}", f"/media/{id}?{to_person.partition('?')[2]}"]
        assert [house.browser.get(path).status_code for path in crossed] == [404, 404]
    heard = link_out(house.settings, 1, house.now)  # what somebody wrote is no message of ours
    assert house.browser.get(heard.removeprefix("https://desk.example.org")).status_code == 404
