# SPDX-License-Identifier: EUPL-1.2
"""The simulated phones, as programs drive them: what goes in, what comes out, and where it never goes."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from bot import simulator
from bot.clock import Clock
from bot.main import Sportello, build, web
from bot.settings import Settings
from bot.simulator import refusals
from handlers.talk import Address, Incoming, Outgoing
from storage import Unavailable
from tests.browser.demo import Demo
from tests.database import MONDAY

WHO = {"channel": "telegram", "from": "anna"}
HERE = Path(simulator.__file__).parent
PATHS = ("/simulator", "/simulator/messages", "/simulator/conversation", "/simulator/static/page.js")


class RealNetwork:
    """Where nothing that is simulated may ever go."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def send(self, message: Outgoing) -> str:
        self.sent.append(message)
        raise AssertionError("a simulated message was on its way to a real network")


@pytest.fixture
def network() -> RealNetwork:
    return RealNetwork()


@pytest.fixture
def desk(town_url: str, network: RealNetwork) -> Iterator[Sportello]:
    desk = opened(town_url, network)
    yield desk
    desk.close()


@pytest.fixture(params=[False, True], ids=["no worker", "worker"])
def client(request: pytest.FixtureRequest, desk: Sportello) -> Iterator[TestClient]:
    with TestClient(web(desk, with_worker=request.param)) as client:
        yield client


@pytest.fixture
def phone(desk: Sportello) -> Iterator[TestClient]:
    """For what does not change with a worker about."""
    with TestClient(web(desk, with_worker=False)) as client:
        yield client


def opened(url: str, network: RealNetwork, *, with_simulator: bool = True) -> Sportello:
    transports = {"telegram": network, "whatsapp": network}
    clock = Clock(real=lambda: MONDAY)
    return build(Settings(simulator=with_simulator, database_url=url), clock, transports=transports)


def say(client: TestClient, text: str = "", **more: Any) -> list[dict[str, Any]]:
    answer = client.post("/simulator/messages", json={**WHO, "text": text, **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["messages"])


def conversation(client: TestClient, **who: str) -> list[dict[str, Any]]:
    answer = client.get("/simulator/conversation", params={**WHO, **who})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["messages"])


def button(messages: list[dict[str, Any]], label: str) -> str:
    return next(str(one["id"]) for message in messages for one in message["options"] if one["label"] == label)


# ---- the contract


@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
def test_what_is_said_is_answered(client: TestClient, channel: str) -> None:
    messages = say(client, "ciao", channel=channel)
    assert "Sono un programma" in messages[0]["text"]
    for message in messages:
        assert isinstance(message["text"], str) and message["text"]
        assert all(set(one) == {"id", "label"} and len(one["label"]) <= 20 for one in message["options"])
    assert button(messages, "Iscriviti")


def test_a_tap_answers(client: TestClient) -> None:
    menu = say(client, "ciao")
    assert "In che anno" in say(client, tap=button(menu, "Iscriviti"))[-1]["text"]


def test_the_tap_may_be_absent_or_null_and_the_id_a_number(phone: TestClient) -> None:
    bare = {"channel": "whatsapp", "from": 391234567}
    for body in ({**bare, "text": "ciao"}, {**bare, "text": "0", "tap": None}):
        assert phone.post("/simulator/messages", json=body).json()["messages"]


def test_the_first_language_is_the_phones(phone: TestClient) -> None:
    assert "I am a program" in say(phone, "hm", language="en")[0]["text"]


def test_what_is_not_words_gets_a_kind_answer(phone: TestClient) -> None:
    say(phone, "ciao")
    for kind in ("photo", "voice", "location", "sticker", "edited"):
        assert say(phone, kind=kind)[0]["text"], kind


def test_a_button_we_never_made_is_answered_kindly(phone: TestClient) -> None:
    say(phone, "ciao")
    for tap in ("nonsense", "1", "1.0", "1.99", "987654.0", "-1.0", "9" * 30 + ".0"):
        messages = say(phone, tap=tap)
        assert "un messaggio di prima" in messages[0]["text"], tap
        assert button(messages, "Iscriviti"), "the open question comes again"


def test_somebody_elses_button_is_not_mine(phone: TestClient) -> None:
    hers = button(say(phone, "ciao", **{"from": "anna"}), "Iscriviti")
    say(phone, "ciao", **{"from": "bruno"})
    assert "un messaggio di prima" in say(phone, tap=hers, **{"from": "bruno"})[0]["text"]


def test_a_link_brings_where_somebody_comes_from(phone: TestClient, desk: Sportello) -> None:
    say(phone, "/start src_biblioteca")
    with desk.storage.reading() as store:
        found = store.people.at("telegram", "sim:anna")
    assert found and found[1].source == "biblioteca"


def test_the_same_number_is_heard_once(client: TestClient) -> None:
    first = say(client, "ciao", id="abcdef-01")
    assert say(client, "ciao", id="abcdef-01") == first
    assert [one["text"] for one in conversation(client) if one["by"] == "person"] == ["ciao"]
    assert say(client, "ciao", id="abcdef-01", **{"from": "bruno"}) != first, "a number is its phone's own"


# ---- what cannot be read


BAD = {
    "empty": b"",
    "not JSON": b"channel=telegram",
    "not UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "too deep": b"[" * 60_000,
    "no channel": b'{"from": "anna", "text": "ciao"}',
    "another channel": b'{"channel": "signal", "from": "anna", "text": "ciao"}',
    "a strange channel": b'{"channel": ["telegram"], "from": "anna", "text": "ciao"}',
    "nobody": b'{"channel": "telegram", "text": "ciao"}',
    "a blank name": b'{"channel": "telegram", "from": " ", "text": "ciao"}',
    "a long name": b'{"channel": "telegram", "from": "' + b"a" * 65 + b'", "text": "ciao"}',
    "a strange name": b'{"channel": "telegram", "from": true, "text": "ciao"}',
    "a name no database keeps": b'{"channel": "telegram", "from": "a\\u0000", "text": "ciao"}',
    "text that is none": b'{"channel": "telegram", "from": "anna", "text": 7}',
    "text no database keeps": b'{"channel": "telegram", "from": "anna", "text": "a\\u0000b"}',
    "half a letter": b'{"channel": "telegram", "from": "anna", "text": "a\\ud800b"}',
    "a tap that is none": b'{"channel": "telegram", "from": "anna", "tap": 3}',
    "an unknown kind": b'{"channel": "telegram", "from": "anna", "kind": "tap"}',
    "a strange kind": b'{"channel": "telegram", "from": "anna", "kind": {}}',
    "a strange number": b'{"channel": "telegram", "from": "anna", "text": "ciao", "id": "a:b"}',
}


def test_a_bad_body_is_refused_in_words(phone: TestClient) -> None:
    for name, body in BAD.items():
        answer = phone.post("/simulator/messages", content=body)
        assert answer.status_code == 400, name
        assert set(answer.json()) == {"error"} and answer.json()["error"], name


def test_a_bad_question_is_refused_in_words(phone: TestClient) -> None:
    for after in ("-1", "x", "²", "1" * 19):
        answer = phone.get("/simulator/messages", params={**WHO, "after": after})
        assert answer.status_code == 400 and answer.json()["error"], after


def test_a_conversation_has_somebody_in_it(phone: TestClient) -> None:
    for who in ({"channel": "signal"}, {"from": ""}, {"from": "a\0"}):
        answer = phone.get("/simulator/conversation", params={**WHO, **who})
        assert answer.status_code == 400 and answer.json()["error"], who


def test_a_long_text_is_heard(phone: TestClient) -> None:
    assert say(phone, "è " * 5_000)
    assert say(phone, "x" * 65_000)


def test_a_longer_one_is_not(phone: TestClient) -> None:
    def in_pieces() -> Iterator[bytes]:
        yield from [b" " * 8192] * 9

    for content in (b" " * (64 * 1024 + 1), in_pieces()):
        answer = phone.post("/simulator/messages", content=content)
        assert answer.status_code == 413 and answer.json()["error"]


# ---- what cannot be done


def test_a_database_that_is_away_is_said_kindly(
    phone: TestClient, desk: Sportello, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def away() -> Iterator[None]:
        raise Unavailable("OperationalError")
        yield

    monkeypatch.setattr(desk.storage, "reading", away)
    monkeypatch.setattr(desk.storage, "writing", away)
    answers = [phone.post("/simulator/messages", json={**WHO, "text": "ciao"})]
    answers += [phone.get(path, params=WHO) for path in PATHS[1:3]]
    for answer in answers:
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
        assert "try again" in answer.json()["error"]


def test_an_answer_that_does_not_come_ends(phone: TestClient, desk: Sportello, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(limit: int = 30, identity_id: int | None = None) -> int:
        return 0

    monkeypatch.setattr(refusals, "LONGEST_WAIT", 0.5)
    monkeypatch.setattr(desk.deliverer, "run_once", nothing)
    answer = phone.post("/simulator/messages", json={**WHO, "text": "ciao"})
    assert answer.status_code == 504 and answer.json()["error"]
    assert [one["text"] for one in conversation(phone)] == ["ciao"], "what was said has been kept"


def test_where_the_simulator_is_off_there_is_none(town_url: str, network: RealNetwork) -> None:
    desk = opened(town_url, network, with_simulator=False)
    with TestClient(web(desk, with_worker=False)) as client:
        for path in PATHS:
            assert client.get(path, params=WHO).status_code == 404, path
            assert client.post(path, json={**WHO, "text": "ciao"}).status_code == 404, path
    desk.close()


# ---- looking


def test_all_that_was_said_by_both(client: TestClient) -> None:
    menu = say(client, "ciao")
    asked = say(client, tap=button(menu, "Iscriviti"))
    said = say(client, kind="photo")
    found = conversation(client)
    assert [one for one in found if one["by"] == "desk"] == [{"by": "desk", **one} for one in [*menu, *asked, *said]]
    mine = [(one["kind"], one["text"]) for one in found if one["by"] == "person"]
    assert mine == [("text", "ciao"), ("tap", "Iscriviti"), ("photo", "")]
    assert [one["by"] for one in found[:2]] == ["person", "desk"]


def test_a_conversation_is_its_phones_own(phone: TestClient, desk: Sportello) -> None:
    say(phone, "ciao")
    desk.engine.hear([Incoming(Address("telegram", "4455"), "u1", MONDAY, message_id="m1", text="ciao")])
    assert conversation(phone, channel="whatsapp") == []
    assert conversation(phone, **{"from": "bruno"}) == []
    assert conversation(phone, **{"from": "4455"}) == [], "a real chat is not looked into"
    assert phone.get("/simulator/messages", params={"channel": "telegram", "from": "4455"}).json()["messages"] == []


def test_what_arrives_by_itself_is_found(phone: TestClient, desk: Sportello) -> None:
    """It was numbered when it was planned, before the answer that the page has seen last."""
    say(phone, "ciao")
    plan(desk, "Domani alle 10.", in_hours=1)
    last = say(phone, "0")[-1]["id"]
    assert arrived(phone, after=last) == []
    desk.clock.forward(timedelta(hours=2))
    asyncio.run(desk.deliverer.drain())
    assert arrived(phone, after=last) == ["Domani alle 10."]
    assert [one["text"] for one in conversation(phone)][-1] == "Domani alle 10."


def plan(desk: Sportello, text: str, *, in_hours: int) -> None:
    with desk.storage.writing() as store:
        found = store.people.at("telegram", "sim:anna")
        assert found
        store.messages.put_out(
            person_id=found[1].id,
            identity_id=found[0].id,
            channel="telegram",
            kind="reply",
            text=text,
            priority=0,
            at=MONDAY,
            due_at=MONDAY + timedelta(hours=in_hours),
        )


def arrived(client: TestClient, *, after: int) -> list[str]:
    found = client.get("/simulator/messages", params={**WHO, "after": str(after)}).json()["messages"]
    return [one["text"] for one in found]


# ---- where it never goes


@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
def test_nothing_simulated_reaches_a_network(
    client: TestClient, desk: Sportello, network: RealNetwork, channel: str
) -> None:
    say(client, "ciao", channel=channel)
    say(client, "iscriviti", channel=channel)
    asyncio.run(desk.deliverer.drain())
    with desk.storage.reading() as store:
        found = store.people.at(channel, "sim:anna")
        assert found and found[0].simulated
        sent = [one for one in store.messages.of(found[1].id) if one.direction == "out"]
    assert network.sent == []
    assert sent and all(one.state == "sent" and (one.provider_id or "").startswith("paper:") for one in sent)


def test_nor_where_the_simulator_has_been_switched_off(
    phone: TestClient, desk: Sportello, town_url: str, network: RealNetwork
) -> None:
    say(phone, "ciao")
    plan(desk, "Domani alle 10.", in_hours=0)
    without = opened(town_url, network, with_simulator=False)
    asyncio.run(without.deliverer.run_once())
    without.close()
    assert network.sent == []


# ---- the page


def test_the_page_brings_nothing_from_elsewhere(phone: TestClient) -> None:
    answer = phone.get("/simulator")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/)|https?://", answer.text)
    for path in re.findall(r'(?:src|href)="(/simulator/static/[^"]+)"', answer.text):
        assert phone.get(path).headers["Cache-Control"] == "no-cache", path


def test_the_script_never_writes_markup() -> None:
    script = (HERE / "static" / "page.js").read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script)


# ---- the demonstration


def test_the_demonstration_tells_its_address_and_stays_small(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo, httpx.Client(base_url=demo.url, timeout=20) as client:
        assert f"{demo.url}/simulator" in demo.said
        for text in ("ciao", "2", "1", "sì", "1987", "Anna", "Bologna", "pulizie", "2", "sì", "no", "sì"):
            found = client.post("/simulator/messages", json={**WHO, "text": text}).json()["messages"]
        assert any("il tuo posto c’è" in message["text"] for message in found), found
        assert demo.memory < 200
