# SPDX-License-Identifier: EUPL-1.2
"""The simulated phones, as programs drive them: what goes in, what comes out, and where it never goes."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from bot import simulator
from bot.clock import Clock
from bot.main import Sportello, build, web
from bot.settings import Settings
from bot.simulator import refusals
from bot.simulator.events import Events
from bot.simulator.sight import Sight, mark
from handlers.moments import TEMPLATE
from handlers.talk import Address, Incoming, Outgoing
from storage import Unavailable
from storage.tables import messages
from tests.browser.demo import Demo
from tests.database import MONDAY

WHO = {"channel": "telegram", "from": "anna"}
HERE = Path(simulator.__file__).parent
PATHS = (
    "/simulator",
    "/simulator/messages",
    "/simulator/conversation",
    "/simulator/look",
    "/simulator/people",
    "/simulator/clock",
    "/simulator/files/1",
    "/simulator/static/page.js",
)


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


def plan(desk: Sportello, text: str, *, in_hours: int, channel: str = "telegram", **more: Any) -> None:
    with desk.storage.writing() as store:
        found = store.people.at(channel, "sim:anna")
        assert found
        values = {"kind": "reply", "priority": 0, "at": MONDAY, "due_at": MONDAY + timedelta(hours=in_hours), **more}
        store.messages.put_out(person_id=found[1].id, identity_id=found[0].id, channel=channel, text=text, **values)


def arrived(client: TestClient, *, after: int) -> list[str]:
    found = client.get("/simulator/messages", params={**WHO, "after": str(after)}).json()["messages"]
    return [one["text"] for one in found]


# ---- what the page shows


def look(client: TestClient, **who: str) -> dict[str, Any]:
    answer = client.get("/simulator/look", params={"telegram": "anna", "whatsapp": "anna", "lang": "it", **who})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_page_sees_both_phones_the_clock_and_what_is_behind(phone: TestClient) -> None:
    say(phone, "ciao", id="abcdef-01")
    found = look(phone)
    assert found["clock"]["words"] == "lunedì 1 marzo, ore 10:00"
    mine, theirs = found["phones"]["telegram"]["messages"][:2]
    assert (mine["by"], mine["number"], mine["tick"], mine["time"]) == ("person", "abcdef-01", "read", "10:00")
    assert (theirs["by"], theirs["day"]) == ("desk", "lunedì 1 marzo")
    behind = found["phones"]["telegram"]["behind"]
    assert behind["dialogue"]["version"] == 1 and behind["turns"][0]["state"] == "handled"
    assert {one["state"] for one in behind["outbox"]} == {"sent"}
    assert found["phones"]["whatsapp"]["messages"] == []


def test_a_template_is_read_as_it_would_arrive(phone: TestClient, desk: Sportello) -> None:
    say(phone, "ciao", channel="whatsapp")
    desk.clock.forward(timedelta(hours=25))
    template = TEMPLATE["half_way"]
    reader = desk.engine.play.catalogues.reader("it")
    options = [option.stored() for option in template.options(reader)]
    payload = {"moment": "half_way", "template": {"name": "half_way", "values": {"it": {}}}}
    plan(desk, "Altre parole.", in_hours=0, channel="whatsapp", kind="moment", payload=payload, options=options)
    with desk.storage.writing() as store:
        store.write(
            update(messages)
            .where(messages.c.kind == "moment")
            .values(state="sent", sent_at=desk.clock.now(), priority=1)
        )
    text = look(phone)["phones"]["whatsapp"]["messages"][-1]["text"]
    assert text.startswith("Ciao, ti scrivo dallo sportello lavoro.") and "Altre parole" not in text


def test_choices_have_the_form_of_their_app(phone: TestClient) -> None:
    for channel in ("telegram", "whatsapp"):
        say(phone, "ciao", channel=channel)
    phones = look(phone)["phones"]
    menus = {channel: phones[channel]["messages"][-1] for channel in phones}
    assert [menus[channel]["shape"] for channel in ("telegram", "whatsapp")] == ["buttons", "list"]
    assert all(len(row["title"]) <= 24 for row in menus["whatsapp"]["rows"])
    assert "1. " in menus["whatsapp"]["text"], "and a number can always be written"


def test_a_day_after_the_last_word_only_a_template_arrives_on_whatsapp(phone: TestClient, desk: Sportello) -> None:
    for channel in ("telegram", "whatsapp"):
        say(phone, "ciao", channel=channel)
    assert look(phone)["phones"]["whatsapp"]["window"] == {"is_open": True, "until": "martedì 2 marzo, ore 10:00"}
    desk.clock.forward(timedelta(hours=25))
    for channel in ("telegram", "whatsapp"):
        plan(desk, "È ora.", in_hours=24, channel=channel, kind="moment", payload={"moment": "a_moment"}, priority=1)
    with desk.storage.writing() as store:
        store.write(update(messages).where(messages.c.kind == "moment").values(state="sent", sent_at=desk.clock.now()))
    phones = look(phone)["phones"]
    assert phones["whatsapp"]["window"] == {"is_open": False, "until": ""}
    assert phones["whatsapp"]["messages"][-1]["template"] == "a_moment"
    assert phones["telegram"]["messages"][-1]["template"] is None
    say(phone, "0", channel="whatsapp")
    assert look(phone)["phones"]["whatsapp"]["window"]["is_open"] is True


def test_buttons_that_were_taken_away_are_gone_on_telegram_only(phone: TestClient, desk: Sportello) -> None:
    for channel in ("telegram", "whatsapp"):
        menu = say(phone, "ciao", channel=channel)[-1]["id"]
        plan(desk, "", in_hours=0, channel=channel, kind="retired", payload={"edits": menu})
    asyncio.run(desk.deliverer.drain())
    phones = look(phone)["phones"]
    assert [phones[channel]["messages"][-1]["retired"] for channel in ("telegram", "whatsapp")] == [True, False]
    assert conversation(phone)[-1]["text"], "what takes buttons away is no message"


def test_a_file_is_opened_on_the_phone_it_came_to(phone: TestClient, desk: Sportello) -> None:
    say(phone, "ciao")
    with desk.storage.writing() as store:
        kept = store.files.keep(b"BEGIN:VCALENDAR", kind="text/calendar", at=MONDAY)
    plan(desk, "Ecco.", in_hours=0, payload={"file": kept, "name": "è mio.ics"})
    asyncio.run(desk.deliverer.drain())
    bubble = look(phone)["phones"]["telegram"]["messages"][-1]
    answer = phone.get(bubble["file"]["url"])
    assert answer.content == b"BEGIN:VCALENDAR" and bubble["file"]["name"] == "è mio.ics"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%C3%A8")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    say(phone, "ciao", **{"from": "bruno"})
    for path in (f"{bubble['id']}", "1", "99999999999999999999", "9" * 5000):
        for who in ("bruno", "nobody"):
            wrong = phone.get(f"/simulator/files/{path}", params={"channel": "telegram", "from": who})
            assert wrong.status_code == 404 and wrong.json()["error"], (path, who)


def test_the_page_is_told_what_is_new_and_nothing_twice(phone: TestClient, desk: Sportello) -> None:
    events = Events(Sight(desk.storage, desk.clock, desk.engine.play.catalogues), desk.bell)

    async def listen() -> None:
        stream = events.stream({"telegram": "anna"}, "it")
        assert "retry:" in await anext(stream)
        _name, first = event(await anext(stream))
        assert first["whole"] and first["phones"]["telegram"]["messages"] == []
        await asyncio.to_thread(say, phone, "ciao")
        told: list[int] = []
        while len(told) < 3:
            _name, found = event(await anext(stream))
            assert "whole" not in found
            told += [one["id"] for one in found["phones"]["telegram"].get("messages", ())]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.6):  # until what was on its way has arrived
                while True:
                    await anext(stream)
        assert len(set(told)) == 3

    async def come_back(name: str) -> dict[str, Any]:
        stream = events.stream({"telegram": "anna"}, "it", name)
        await anext(stream)
        return event(await anext(stream))[1]

    asyncio.run(listen())
    mark = look_mark(phone, events)
    assert "phones" not in asyncio.run(come_back(mark)), "it has seen all that"
    assert len(asyncio.run(come_back("something else"))["phones"]["telegram"]["messages"]) == 3


def event(lines: str) -> tuple[str, dict[str, Any]]:
    parts = dict(line.split(": ", 1) for line in lines.strip().splitlines())
    return parts["id"], json.loads(parts["data"])


def look_mark(phone: TestClient, events: Events) -> str:
    return mark(events.sight.of({"telegram": "anna"}, "it"))


def test_whoever_listens_is_let_go_when_the_house_closes(desk: Sportello) -> None:
    async def listen() -> list[str]:
        stream = Events(Sight(desk.storage, desk.clock, desk.engine.play.catalogues), desk.bell).stream(WHO, "it")
        await anext(stream)
        await anext(stream)
        asyncio.get_running_loop().call_later(0.1, desk.bell.silence)
        return [one async for one in stream]

    assert asyncio.run(listen()) == []


# ---- the clock


def moves(client: TestClient, **where: str) -> httpx.Response:
    return client.post("/simulator/clock", params={"lang": "it"}, json=where)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("in_an_hour", "lunedì 1 marzo, ore 11:00"),
        ("tomorrow_9", "martedì 2 marzo, ore 09:00"),
        ("next_monday_9", "lunedì 8 marzo, ore 09:00"),
    ],
)
def test_the_clock_can_be_moved(phone: TestClient, choice: str, words: str) -> None:
    answer = moves(phone, choose=choice)
    assert answer.json()["words"] == words and answer.json()["moving"] is False
    assert look(phone)["clock"]["words"] == words


def test_what_is_due_next_is_told_and_can_be_gone_to(phone: TestClient, desk: Sportello) -> None:
    assert moves(phone, choose="next_due").status_code == 409
    say(phone, "ciao")
    say(phone, "iscriviti")
    (coming,) = look(phone)["next"]
    assert (coming["name"], coming["channel"], coming["when"]) == ("half_way", "telegram", "martedì 2 marzo, ore 08:00")
    assert moves(phone, choose="next_due").json()["words"] == "martedì 2 marzo, ore 08:00"
    assert "Continuiamo?" in conversation(phone)[-1]["text"]
    assert look(phone)["next"] == []


def test_the_clock_refuses_kindly(phone: TestClient, desk: Sportello) -> None:
    back, far = MONDAY - timedelta(minutes=1), MONDAY + timedelta(days=401)
    for where in ({"to": back.isoformat()}, {"to": far.isoformat()}, {"to": "soon"}, {"choose": "never"}, {}):
        answer = moves(phone, **where)
        assert answer.status_code == 400 and answer.json()["error"], where
    desk.engine.hear([Incoming(Address("telegram", "4455"), "u1", MONDAY, message_id="m1", text="ciao")])
    answer = moves(phone, choose="tomorrow_9")
    assert answer.status_code == 409 and "Real people" in answer.json()["error"]
    assert desk.clock.now() == MONDAY


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


@pytest.mark.parametrize("path", sorted((HERE / "static").glob("*.js")), ids=lambda path: path.name)
def test_a_script_never_writes_markup(path: Path) -> None:
    script = path.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script)


# ---- the demonstration


def test_the_demonstration_tells_its_address_and_stays_small(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo, httpx.Client(base_url=demo.url, timeout=20) as client:
        assert f"{demo.url}/simulator" in demo.said
        for text in ("ciao", "3", "1", "sì", "1987", "Anna", "Bologna", "pulizie", "2", "sì", "no", "sì"):
            found = client.post("/simulator/messages", json={**WHO, "text": text}).json()["messages"]
        assert any("il tuo posto c’è" in message["text"] for message in found), found
        assert demo.memory < 200
        with httpx.stream("GET", f"{demo.url}/simulator/events", params=WHO) as news:
            lines = news.iter_lines()
            assert any(
                "il tuo posto c’è" in json.loads(line[6:])["phones"]["telegram"]["messages"][-1]["text"]
                for line in lines
                if line.startswith("data: ")
            )  # the first of them
            began = time.monotonic()
            demo.process.terminate()
            demo.process.wait(10)
            assert time.monotonic() - began < 3, "a page that listens does not keep the house open"
