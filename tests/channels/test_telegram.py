# SPDX-License-Identifier: EUPL-1.2
"""Telegram, tried against a Telegram of our own that refuses what the real one refuses."""

import asyncio
import json
import logging
import socket
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
from anyio import to_thread
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from structlog.testing import capture_logs

from bot.channels import CHANNELS, telegram
from bot.channels.telegram.channel import Telegram, read
from bot.channels.telegram.letters import keyboard
from bot.clock import Clock
from bot.contract import Channel, DeliveryError, Hear, Report
from bot.settings import Settings
from handlers.talk.messages import Address, Incoming, Outgoing, Tap
from tests.channels.bot_api import BotApi, Fault, Phone, closed_port
from tests.channels.ours import COMMANDS, NOON, SECRET, amina, channel, message, refusal, sending

pytestmark = pytest.mark.anyio


async def nothing_later(_report: Report) -> None:
    """Telegram never speaks of a message again."""


class Ears:
    """Takes in what arrives, or fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.heard: list[Incoming] = []
        self.batches: list[list[Incoming]] = []
        self.failures = failures

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        self.batches.append(list(batch))
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away, and Amina wrote to it")
        self.heard += batch

    @property
    def texts(self) -> list[str]:
        return [incoming.text for incoming in self.heard]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram, "SHORTEST_WAIT", 0.02)


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api
        assert api.violations == []


@asynccontextmanager
async def listening(api: BotApi, hear: Hear) -> AsyncIterator[Telegram]:
    """A channel that fetches in the background."""
    ours = channel(api)
    await ours.open()
    task = asyncio.create_task(ours.listen(hear))
    try:
        yield ours
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await ours.close()


@asynccontextmanager
async def called(api: BotApi, hear: Hear) -> AsyncIterator[Telegram]:
    """A channel that Telegram calls, on a port of this machine."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        ours = channel(api, mode="webhook", public_url=f"http://127.0.0.1:{door.getsockname()[1]}")
        app = Starlette(routes=ours.routes(hear, nothing_later))
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[door]))
        await ours.open()
        try:
            yield ours
        finally:
            server.should_exit = True
            await task
            await ours.close()


async def until(what: Callable[[], Any], timeout: float = 5.0) -> None:
    end = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.005)


def understood(update: dict[str, Any]) -> Incoming | None:
    return read(update, NOON)


# ---- getting ready


async def test_the_list_of_channels_leaves_out_what_has_no_token() -> None:
    make = CHANNELS["telegram"]
    assert make(Settings(), Clock(), COMMANDS) is None
    ours: Channel | None = make(Settings(telegram_token=SecretStr(" 1:token\n")), Clock(), COMMANDS)
    assert ours and ours.name == "telegram"
    await ours.close()


@pytest.mark.parametrize("rate", [0, 0.5, 1001])
def test_a_rate_that_telegram_does_not_know_is_no_setting(rate: float) -> None:
    assert Settings(telegram_rate=1000).telegram_rate == 1000 and Settings().telegram_rate == 25
    with pytest.raises(ValidationError):
        Settings(telegram_rate=rate)


async def test_commands_are_set_for_each_language(api: BotApi) -> None:
    async with listening(api, Ears()):
        assert [command["description"] for command in api.commands["it"]] == ["Torna al menu", "Non scrivermi più"]
        assert [command["description"] for command in api.commands[""]] == ["Start over"]


async def test_a_menu_that_telegram_refuses_does_not_stop_the_channel(api: BotApi) -> None:
    ours = channel(api, commands={"": [("Not A Command", "")], "it": COMMANDS["it"]})
    with capture_logs() as logs:
        await ours.open()
    await ours.close()
    assert list(api.commands) == ["it"]
    assert any(line["event"] == "telegram_commands_refused" for line in logs)


async def test_polling_takes_the_webhook_away_and_keeps_what_waits(api: BotApi) -> None:
    amina(api).writes("Ciao")
    ears = Ears()
    async with listening(api, ears):
        await until(lambda: ears.texts == ["Ciao"])
    assert api.called("deleteWebhook") == [{"drop_pending_updates": "false"}]
    assert all(json.loads(call["allowed_updates"]) == telegram.KINDS for call in api.called("getUpdates"))


async def test_the_webhook_is_told_where_to_call_and_with_what(api: BotApi) -> None:
    ours = channel(api, mode="webhook")
    await ours.open()
    await ours.listen(Ears())  # returns at once: Telegram calls us
    await ours.close()
    [asked] = api.called("setWebhook")
    assert json.loads(asked.pop("allowed_updates")) == telegram.KINDS
    assert asked == {
        "url": "https://sportello.example.org/telegram/webhook",
        "secret_token": SECRET,
        "max_connections": "40",
        "drop_pending_updates": "false",
    }


async def test_a_link_opens_a_chat_under_the_name_that_telegram_says(api: BotApi) -> None:
    ours = channel(api)
    assert ours.address("in_a-b_c") is None
    await ours.open()
    assert ours.address("in_a-b_c") == "https://t.me/sportello_stand_in_bot?start=in_a-b_c"
    await ours.close()


async def test_opening_waits_for_telegram_to_come_back_and_says_so_once(api: BotApi) -> None:
    api.fails(Fault(status=502), times=3, method="getMe")
    with capture_logs() as logs:
        async with listening(api, Ears()):
            pass
    assert [line["event"] for line in logs] == ["telegram_trouble", "telegram_back"]


@pytest.mark.parametrize("token", ["1234567:wrong", "no-token-at-all"])
async def test_a_wrong_token_stops_the_channel(api: BotApi, token: str) -> None:
    ours = channel(api, token=token)
    with pytest.raises(DeliveryError) as error:
        await ours.open()
    await ours.close()
    assert (error.value.code, error.value.halt) == ("token", True)


async def test_an_address_that_telegram_refuses_stops_the_channel(api: BotApi) -> None:
    ours = channel(api, mode="webhook", public_url="http://sportello.example.org")
    with pytest.raises(DeliveryError) as error:
        await ours.open()
    await ours.close()
    assert (error.value.code, error.value.halt) == ("refused", True)


# ---- fetching


async def test_telegram_forgets_a_message_only_after_it_was_heard(api: BotApi) -> None:
    committed = asyncio.Event()
    batches: list[list[str]] = []

    async def hear(batch: Sequence[Incoming]) -> None:
        batches.append([incoming.text for incoming in batch])
        await committed.wait()

    ours = channel(api)
    await ours.open()
    task = asyncio.create_task(ours.listen(hear))
    number = amina(api).writes("Cerco lavoro")["update_id"]
    await until(lambda: batches)
    await asyncio.sleep(0.05)
    assert api.waiting == [number] and number + 1 not in api.offsets
    committed.set()
    await until(lambda: number + 1 in api.offsets and not api.waiting)
    assert batches == [["Cerco lavoro"]]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ours.close()


async def test_what_could_not_be_kept_is_fetched_again_in_order(api: BotApi) -> None:
    ears = Ears(failures=3)
    phone = amina(api)
    for text in ("uno", "due", "tre"):
        phone.writes(text)
    with capture_logs() as logs:
        async with listening(api, ears):
            await until(lambda: len(ears.heard) == 3)
    assert ears.texts == ["uno", "due", "tre"] and len(ears.batches) == 4
    assert "Amina" not in str(logs)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=502),
        Fault(status=409, description="Conflict: terminated by other getUpdates request"),
        Fault(hang_up=True),
        Fault(hang_up=True, delivered=True),
        Fault(status=429, description="Too Many Requests: retry after 1", retry_after=1),
    ],
)
async def test_trouble_on_the_line_loses_nothing(api: BotApi, fault: Fault) -> None:
    api.fails(fault, times=1 if fault.retry_after else 3, method="getUpdates")
    ears = Ears()
    async with listening(api, ears):
        amina(api).writes("Ci siete?")
        await until(lambda: ears.texts == ["Ci siete?"])


async def test_a_second_program_that_fetches_is_noticed_and_outlived(api: BotApi) -> None:
    ears = Ears()
    with capture_logs() as logs:
        async with listening(api, ears):
            await until(lambda: api.offsets)
            async with httpx.AsyncClient() as other:
                await other.get(f"{api.url}/bot{api.token}/getUpdates")
            await until(lambda: len(api.offsets) >= 3)
            amina(api).writes("Ci siete?")
            await until(lambda: ears.texts == ["Ci siete?"])
    assert (logs[0]["code"], logs[0]["log_level"]) == ("conflict", "error")  # somebody has to stop one of the two


async def test_a_token_that_is_withdrawn_stops_the_channel(api: BotApi) -> None:
    ours = channel(api)
    await ours.open()
    api.token = "7654321:a-new-one"
    with pytest.raises(DeliveryError) as error:
        await ours.listen(Ears())
    await ours.close()
    assert error.value.halt


async def test_numbers_of_updates_may_start_again_lower(api: BotApi) -> None:
    ears = Ears()
    phone = amina(api)
    async with listening(api, ears):
        phone.writes("prima")
        await until(lambda: ears.texts == ["prima"] and not api.waiting)
        api.next_update = 17
        phone.writes("dopo")
        phone.writes("dopo ancora")
        await until(lambda: ears.texts == ["prima", "dopo", "dopo ancora"])


async def test_an_update_nobody_can_read_does_not_hold_up_the_others(api: BotApi) -> None:
    ears = Ears()
    api.happens("message", {"message_id": "?", "chat": 3})
    amina(api).writes("Ciao")
    async with listening(api, ears):
        await until(lambda: ears.texts == ["Ciao"] and not api.waiting)


# ---- being called


def knock(ours: Telegram, ears: Ears) -> httpx.AsyncClient:
    app = Starlette(routes=ours.routes(ears, nothing_later))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sportello")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-Telegram-Bot-Api-Secret-Token": "guessed"}, 403),
        ({"X-Telegram-Bot-Api-Secret-Token": "indovinò".encode("latin-1")}, 403),
        ({"X-Telegram-Bot-Api-Secret-Token": SECRET}, 200),
    ],
)
async def test_only_telegram_may_call(api: BotApi, headers: dict[str, Any], status: int) -> None:
    ears = Ears()
    update = amina(api).writes("Ciao")
    async with sending(api, mode="webhook") as ours, knock(ours, ears) as client:
        answer = await client.post("/telegram/webhook", json=update, headers=headers)
    assert answer.status_code == status
    assert ears.texts == (["Ciao"] if status == 200 else [])


@pytest.mark.parametrize("given", ["", "anything"])
async def test_without_a_secret_of_its_own_the_door_is_not_open(api: BotApi, given: str) -> None:
    async with sending(api, mode="webhook", webhook_secret="") as ours, knock(ours, Ears()) as client:
        headers = {"X-Telegram-Bot-Api-Secret-Token": given}
        answer = await client.post("/telegram/webhook", json={"update_id": 1}, headers=headers)
        assert answer.status_code == 403
        await ours.open()
    [asked] = api.called("setWebhook")
    assert len(asked["secret_token"]) == 64 and api.token not in asked["secret_token"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b" " * 1_000_001, 413),
        (b'{"update_id": 1}', 200),
        (b'{"update_id": 1, "something_new": {"of": "tomorrow"}}', 200),
        (b'{"update_id": 1, "message": {"chat": 3}}', 200),
    ],
)
async def test_what_is_no_update_is_turned_away(api: BotApi, body: bytes, status: int) -> None:
    ears = Ears()
    async with sending(api, mode="webhook") as ours, knock(ours, ears) as client:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        answer = await client.post("/telegram/webhook", content=body, headers=headers)
    assert answer.status_code == status and not ears.batches


async def test_while_the_database_is_away_telegram_is_asked_to_come_again(api: BotApi) -> None:
    async with sending(api, mode="webhook") as ours, knock(ours, Ears(failures=1)) as client:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        answer = await client.post("/telegram/webhook", json=amina(api).writes("Ciao"), headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def test_what_could_not_be_kept_is_brought_again(api: BotApi) -> None:
    ears = Ears(failures=2)
    phone = amina(api)
    async with called(api, ears):
        phone.writes("uno")
        phone.writes("due")
        await until(lambda: ears.texts == ["uno", "due"])
        phone.repeat_last(2)
        await until(lambda: ears.texts == ["uno", "due", "due", "due"] and not api.waiting)
    assert len({incoming.update_id for incoming in ears.heard}) == 2
    assert [status for _, status in api.posts] == [503, 503, 200, 200, 200, 200]


async def test_where_we_fetch_there_is_no_door(api: BotApi) -> None:
    async with sending(api) as ours:
        assert ours.routes(Ears(), nothing_later) == []


# ---- what people do


async def test_a_text() -> None:
    update = amina(BotApi()).writes("Cerco lavoro 🙂 אבג")
    incoming = understood(update)
    assert incoming == Incoming(
        sender=Address("telegram", "7001"),
        update_id=str(update["update_id"]),
        at=datetime.fromtimestamp(update["message"]["date"], UTC),
        message_id=f"7001:{update['message']['message_id']}",
        text="Cerco lavoro 🙂 אבג",
        language="it",
    )


@pytest.mark.parametrize(
    ("written", "text", "start"),
    [
        ("/start", "/start", None),
        ("/start src_biblioteca", "/start", "src_biblioteca"),
        ("/start@sportello_bot src-1", "/start", "src-1"),
        ("/start " + "a" * 64, "/start", "a" * 64),
        ("/start " + "a" * 65, "/start " + "a" * 65, None),
        ("/start due parole", "/start due parole", None),
        ("/menu@sportello_bot", "/menu", None),
        ("/menu@sportello_bot ora", "/menu ora", None),
        ("/menu", "/menu", None),
        ("scrivete a /menu@bot", "scrivete a /menu@bot", None),
        ("a" * 12_000, "a" * 12_000, None),
        ("\x00ciao\ud83d", "ciao\ufffd", None),
        ("  ", "  ", None),
        ("", "", None),
    ],
)
async def test_words_and_commands(written: str, text: str, start: str | None) -> None:
    incoming = understood(amina(BotApi()).writes(written))
    assert incoming and (incoming.kind, incoming.text, incoming.start) == ("text", text, start)


@pytest.mark.parametrize(
    ("send", "kind", "text", "payload"),
    [
        (lambda phone: phone.sends_photo("Il mio CV"), "photo", "Il mio CV", {"file_id": "photo-1280"}),
        (lambda phone: phone.sends_voice(), "voice", "", {"file_id": "voice-1", "mime_type": "audio/ogg"}),
        (lambda phone: phone.sends_sticker(), "sticker", "", {"file_id": "sticker-1", "size": 1000}),
        (lambda phone: phone.sends_document(caption="Ecco"), "document", "Ecco", {"name": "cv.pdf"}),
        (lambda phone: phone.sends_location(45.07, 7.69), "location", "", {"lat": 45.07, "lon": 7.69}),
        (lambda phone: phone.sends_contact(own=True), "contact", "", {"own": True, "phone": "+390000000000"}),
        (lambda phone: phone.sends_contact(own=False), "contact", "", {"own": False}),
        (lambda phone: phone.sends(audio=media(duration=3)), "voice", "", {"file_id": "f"}),
        (lambda phone: phone.sends(video=media(duration=3, width=1, height=1)), "video", "", {"file_id": "f"}),
        (lambda phone: phone.sends(video_note=media(duration=3, length=1)), "video", "", {"file_id": "f"}),
        (
            lambda phone: phone.sends(animation=media(duration=3, width=1, height=1), document=media()),
            "video",
            "",
            {"file_id": "f"},
        ),
        (
            lambda phone: phone.sends(
                venue={"location": {"latitude": 1.5, "longitude": 2.5}, "title": "CPI", "address": "Via Roma"},
                location={"latitude": 1.5, "longitude": 2.5},
            ),
            "location",
            "",
            {"lat": 1.5, "lon": 2.5},
        ),
        (lambda phone: phone.sends(dice={"emoji": "🎲", "value": 3}), "other", "", {}),
        (lambda phone: phone.sends(invented_next_year={"x": 1}), "other", "", {}),
    ],
)
async def test_every_kind_of_content(
    send: Callable[[Phone], dict[str, Any]], kind: str, text: str, payload: dict[str, Any]
) -> None:
    incoming = understood(send(amina(BotApi())))
    assert incoming and (incoming.kind, incoming.text) == (kind, text)
    assert payload.items() <= incoming.payload.items()
    assert incoming.payload.keys() <= {
        *("file_id", "file_unique_id", "mime_type", "size", "name"),
        *("lat", "lon", "own", "phone"),
    }
    assert "phone" not in incoming.payload or incoming.payload["own"]


def media(**more: Any) -> dict[str, Any]:
    return {"file_id": "f", "file_unique_id": "u", **more}


async def test_an_edit_has_no_number_of_its_own() -> None:
    phone = amina(BotApi())
    phone.writes("Ciao")
    incoming = understood(phone.edits("Ciao!"))
    assert incoming and (incoming.kind, incoming.text, incoming.message_id) == ("edited", "Ciao!", None)
    phone.sends_location()
    assert understood(phone.edits("")) is not None


async def test_a_moving_location_is_not_told_again_and_again() -> None:
    place = amina(BotApi()).sends_location()
    assert understood({"update_id": 5, "edited_message": place["message"]}) is None


async def test_a_tap(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("Che cosa vuoi fare?", "Registrati", "Parla con noi"))
    update = phone.taps("Parla con noi")
    incoming = understood(update)
    assert incoming and (incoming.kind, incoming.tap, incoming.text) == ("tap", Tap(41, 1), "")
    assert incoming.message_id == f"cb:{update['callback_query']['id']}"
    assert (incoming.at, incoming.sender.id, incoming.language) == (NOON, "7001", "it")


async def test_a_tap_that_is_not_ours_is_a_tap_all_the_same(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("Sì?", "Sì"))
    update = phone.taps(0)
    update["callback_query"]["data"] = "accept_offer:12"
    incoming = understood(update)
    assert incoming and (incoming.kind, incoming.tap) == ("tap", None)
    update["callback_query"]["message"] = {"chat": phone.chat, "message_id": 1, "date": 0}  # too old to be shown
    assert understood(update)
    del update["callback_query"]["message"]
    assert understood(update) is None


async def test_a_tap_is_answered_at_once_even_if_it_cannot_be_kept(api: BotApi) -> None:
    ears = Ears(failures=1)
    phone = amina(api)
    async with listening(api, ears) as ours:
        await ours.send(message("Sì?", "Sì"))
        query = phone.taps("Sì")["callback_query"]["id"]
        await until(lambda: api.queries[query].answered and len(ears.heard) == 1)


async def test_the_clock_on_a_button_stops_before_the_work_is_done(api: BotApi) -> None:
    done = asyncio.Event()

    async def hear(_: Sequence[Incoming]) -> None:
        await done.wait()

    phone = amina(api)
    async with called(api, hear) as ours:
        await ours.send(message("Sì?", "Sì"))
        query = phone.taps("Sì")["callback_query"]["id"]
        await until(lambda: api.queries[query].answered)
        assert api.posts == []
        done.set()
        await until(lambda: [status for _, status in api.posts] == [200])


async def test_a_tap_that_comes_too_late_is_heard_all_the_same(api: BotApi) -> None:
    api.tap_lifetime = 0
    ears = Ears()
    phone = amina(api)
    async with called(api, ears) as ours:
        await ours.send(message("Sì?", "Sì"))
        phone.taps(0)
        await until(lambda: ears.heard)
    assert ears.heard[0].tap == Tap(41, 0)


async def test_a_tap_may_arrive_while_a_message_is_still_being_heard(api: BotApi) -> None:
    tapped = asyncio.Event()

    async def hear(batch: Sequence[Incoming]) -> None:
        if batch[0].kind == "tap":
            tapped.set()
        await tapped.wait()

    phone = amina(api)
    async with called(api, hear) as ours:
        await ours.send(message("Sì?", "Sì"))
        phone.writes("Un momento")
        phone.taps(0)
        await until(lambda: len(api.posts) == 2)
    assert [status for _, status in api.posts] == [200, 200]


async def test_blocking_and_coming_back() -> None:
    phone = amina(BotApi())
    blocked, unblocked = understood(phone.blocks()), understood(phone.unblocks())
    assert blocked and (blocked.kind, blocked.message_id) == ("blocked", None)
    assert unblocked and unblocked.kind == "unblocked"


async def test_only_private_chats_are_ours() -> None:
    phone = amina(BotApi())
    group = {"id": -100, "type": "group", "title": "Corso"}
    written = phone.writes("Ciao a tutti")["message"] | {"chat": group}
    joined = phone.unblocks()["my_chat_member"] | {"chat": group}
    for update in (
        {"update_id": 1, "message": written},
        {"update_id": 2, "edited_message": written},
        {"update_id": 3, "channel_post": written | {"chat": {"id": -200, "type": "channel", "title": "Avvisi"}}},
        {"update_id": 4, "my_chat_member": joined},
        {"update_id": 5, "callback_query": {"id": "1", "from": phone.user, "message": written, "chat_instance": "1"}},
        {"update_id": 6, "message": phone.sends(pinned_message=phone.writes("x")["message"])["message"]},
        {"update_id": 7},
    ):
        assert understood(update) is None


@pytest.mark.parametrize("sign", ["migrate_to_chat_id", "migrate_from_chat_id", "connected_website"])
async def test_what_is_about_the_chat_is_not_a_message(sign: str) -> None:
    assert understood(amina(BotApi()).sends(**{sign: -1001})) is None


@pytest.mark.parametrize(("status", "kind"), [("left", "blocked"), ("restricted", None), ("administrator", None)])
async def test_only_leaving_and_coming_back_count(status: str, kind: str | None) -> None:
    update = amina(BotApi()).blocks()
    update["my_chat_member"]["new_chat_member"]["status"] = status
    incoming = understood(update)
    assert (incoming and incoming.kind) == kind


@pytest.mark.parametrize(
    ("card", "payload"),
    [
        (
            {"phone_number": "+39 333 1234567", "first_name": "A", "user_id": 7001},
            {"own": True, "phone": "+39 333 1234567"},
        ),
        ({"phone_number": "+39 333 1234567", "first_name": "A", "user_id": 7002}, {"own": False}),
        ({"phone_number": "+39 333 1234567", "first_name": "A"}, {"own": False}),
        ({"phone_number": "+39 333 1234567", "first_name": "A", "user_id": "7001"}, {"own": False}),
    ],
)
async def test_only_ones_own_number_is_kept(card: dict[str, Any], payload: dict[str, Any]) -> None:
    incoming = understood(amina(BotApi()).sends(contact=card))
    assert incoming and incoming.payload == payload


async def test_a_card_without_a_sender_is_nobodys_own() -> None:
    update = amina(BotApi()).sends_contact()
    del update["message"]["from"]
    incoming = understood(update)
    assert incoming and incoming.payload == {"own": False}


async def test_a_file_comes_with_its_name_kind_size_and_caption() -> None:
    update = amina(BotApi()).sends_document("CV Zoë\0.pdf", "Il mio CV\ud83d", content=b"%PDF-1.7")
    document = update["message"]["document"]
    incoming = understood(update)
    assert incoming and incoming.text == "Il mio CV\ufffd"
    assert incoming.payload == {
        "file_id": document["file_id"],
        "file_unique_id": document["file_unique_id"],
        "name": "CV Zoë.pdf",
        "mime_type": "application/pdf",
        "size": 8,
    }


async def test_groups_are_passed_over_and_not_fetched_again(api: BotApi) -> None:
    ears = Ears()
    phone = amina(api)
    async with listening(api, ears):
        group = {"id": -100, "type": "group", "title": "Corso"}
        api.happens("message", phone.writes("Ciao")["message"] | {"chat": group})
        await until(lambda: not api.waiting)
    assert ears.texts == ["Ciao"]


# ---- sending


async def test_a_message_arrives_as_it_was_written(api: BotApi) -> None:
    phone = amina(api)
    text = "<b>Ciao</b> & *benvenuta* https://example.org 🙂"
    async with sending(api) as ours:
        number = await ours.send(message(text))
    [received] = await to_thread.run_sync(phone.waits_for)
    assert (received.text, received.buttons, number) == (text, [], f"7001:{received.message_id}")
    [call] = api.called("sendMessage")
    assert "parse_mode" not in call and json.loads(call["link_preview_options"]) == {"is_disabled": True}


@pytest.mark.parametrize(
    ("labels", "rows"),
    [
        (["Sì", "No"], [["Sì", "No"]]),
        (["Sì", "No", "Non so"], [["Sì", "No"], ["Non so"]]),
        (["Dieci lett", "No"], [["Dieci lett", "No"]]),
        (["Undici lett", "No"], [["Undici lett"], ["No"]]),
        (["Registrati"] * 3 + ["Parla con una persona"], [["Registrati"]] * 3 + [["Parla con una persona"]]),
    ],
)
async def test_buttons_stand_side_by_side_only_where_all_are_short(labels: list[str], rows: list[list[str]]) -> None:
    shown = keyboard(message("Scegli", *labels))
    assert shown and [[button["text"] for button in row] for row in shown["inline_keyboard"]] == rows


async def test_each_button_brings_back_its_message_and_its_line(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("Scegli", "Uno", "Due", "Tre"))
    assert [button["callback_data"] for button in phone.messages[0].buttons] == ["41.0", "41.1", "41.2"]


def decision(error: DeliveryError) -> tuple[str, bool, bool, bool, bool]:
    """Code, and whether to try again, whether it may have arrived, whether the chat and the channel end."""
    return error.code, error.retry_in is not None, error.uncertain, error.blocked, error.halt


async def test_too_many_at_once(api: BotApi) -> None:
    phone = amina(api)
    api.chat_rate = 3
    async with sending(api) as ours:
        for _ in range(3):
            await ours.send(message())
        with pytest.raises(DeliveryError) as error:
            await ours.send(message())
    assert (error.value.code, len(phone.messages)) == ("flood", 3)


async def test_a_person_who_blocked_us_or_never_wrote(api: BotApi) -> None:
    amina(api).blocks()
    api.phone(7002)
    assert (await refusal(api, message())).blocked
    assert (await refusal(api, message(to="7002"))).blocked
    assert decision(await refusal(api, message(to="7003"))) == ("unreachable", False, False, True, False)
    assert decision(await refusal(api, message(to="not a number"))) == ("unreachable", False, False, True, False)


@pytest.mark.parametrize(
    "outgoing",
    [
        message("a" * 4097),
        message("🙂" * 2049),
        message(""),
        message("a" * 4097, "Sì"),
    ],
)
async def test_what_telegram_cannot_show_is_refused_for_good(api: BotApi, outgoing: Outgoing) -> None:
    phone = amina(api)
    assert decision(await refusal(api, outgoing)) == ("refused", False, False, False, False)
    assert phone.messages == []


async def test_the_longest_text_still_fits(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("🙂" * 2048, "Sì"))
    assert len(phone.messages) == 1


async def test_nobody_answers(api: BotApi) -> None:
    with closed_port() as url:
        error = await refusal(api, message(), api_url=url)
    assert decision(error) == ("not_connected", True, False, False, False) and not error.counts


async def test_simulated_people_and_other_channels_stay_off_the_network(api: BotApi) -> None:
    amina(api)
    simulated = Outgoing(1, Address("telegram", "7001", simulated=True), "Ciao")
    elsewhere = Outgoing(1, Address("whatsapp", "7001"), "Ciao")
    assert (await refusal(api, simulated)).code == "misdirected"
    assert (await refusal(api, elsewhere)).code == "misdirected"
    assert api.called("sendMessage") == []


# ---- the stand-in itself

KEY: dict[str, Any] = {"keyboard": [[{"text": "Il mio numero", "request_contact": True}]]}
BOTH = KEY | {"inline_keyboard": [[{"text": "Sì", "callback_data": "1"}]]}
PLACE = {"chat_id": "7001", "latitude": 45.0, "longitude": 7.0, "title": "CPI", "address": "Via Roma"}


@pytest.mark.parametrize(
    ("method", "params", "status", "description"),
    [
        ("sendMessage", {"chat_id": "7001", "text": "Ciao", "colour": "red"}, 400, "unknown parameter colour"),
        ("sendSmoke", {}, 404, "method not found"),
        ("setWebhook", {"url": "http://sportello.example.org"}, 400, "HTTPS"),
        ("setWebhook", {"url": "https://sportello.example.org", "secret_token": "perché"}, 400, "unallowed characters"),
        ("setMyCommands", {"commands": [{"command": "Menu", "description": "x"}]}, 400, "BOT_COMMAND_INVALID"),
        ("setMyCommands", {"commands": [], "language_code": "ita"}, 400, "language code"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, 400, "query is too old"),
        ("getUpdates", {}, 409, "while webhook is active"),
        ("sendMessage", {"chat_id": "7001", "text": " \n"}, 400, "text must be non-empty"),
        ("sendMessage", {"chat_id": "7001", "text": "Scegli", "reply_markup": {"inline_keyboard": [[]]}}, 200, ""),
        ("sendMessage", {"chat_id": "7001", "text": "?", "reply_markup": BOTH}, 400, "one keyboard or the other"),
        ("sendMessage", {"chat_id": "7001", "text": "?", "reply_markup": {"keys": []}}, 400, "unknown field keys"),
        ("sendMessage", {"chat_id": "7001", "text": "?", "reply_markup": KEY | {"big": 1}}, 400, "unknown field big"),
        ("sendVenue", PLACE | {"title": ""}, 400, "title is empty"),
        ("sendVenue", PLACE | {"latitude": 91}, 400, "wrong latitude"),
        ("sendVenue", PLACE | {"text": "Vieni"}, 400, "unknown parameter text"),
        ("sendVenue", PLACE, 200, ""),
        ("sendDocument", {"chat_id": "7001"}, 400, "no document"),
        ("sendDocument", {"chat_id": "7001", "document": "unknown"}, 400, "wrong file identifier"),
        ("sendDocument", {"chat_id": "7001", "document": "x", "caption": "a" * 1025}, 400, "caption is too long"),
        ("sendPhoto", {"chat_id": "7001"}, 400, "no photo"),
        ("sendPhoto", {"chat_id": "7001", "photo": "x", "caption": "a" * 1025}, 400, "caption is too long"),
        ("editMessageReplyMarkup", {"chat_id": "7001"}, 400, "message identifier is not specified"),
        ("editMessageReplyMarkup", {"chat_id": "7001", "message_id": 999}, 400, "message to edit not found"),
        ("getFile", {"file_id": "unknown"}, 400, "wrong file_id"),
        *(
            ("sendMessage", {"chat_id": "7001", "text": "?", "reply_markup": {"inline_keyboard": [row]}}, 400, why)
            for row, why in (
                ([{"text": "Sì"}], "Text buttons are unallowed"),
                ([{"text": "Sì", "callback_data": ""}], "BUTTON_DATA_INVALID"),
                ([{"text": "Sì", "callback_data": "è" * 33}], "BUTTON_DATA_INVALID"),
                ([{"text": "", "callback_data": "1"}], "must be non-empty"),
                ([{"text": "Sì", "callback_data": "1"}] * 9, "too long"),
            )
        ),
    ],
)
async def test_the_stand_in_refuses_what_telegram_refuses(
    method: str, params: dict[str, Any], status: int, description: str
) -> None:
    with BotApi() as api:
        amina(api)
        async with httpx.AsyncClient(base_url=f"{api.url}/bot{api.token}/") as client:
            await client.post("setWebhook", json={"url": "http://127.0.0.1:9/"})
            answer = await client.post(method, json=params)
        assert answer.status_code == status and description in answer.json().get("description", "")
        assert len(api.violations) == (description.startswith("unknown") or description == "one keyboard or the other")


# ---- what nobody may read


async def test_neither_the_token_nor_what_people_write_is_logged(
    api: BotApi, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    phone, ears = amina(api), Ears(failures=1)
    errors: list[BaseException] = []
    echo = Fault(status=400, description='Bad Request: can\'t parse entities: no end of tag "Gentile Amina"')
    for fault in (Fault(status=401), Fault(status=500), Fault(hang_up=True), Fault(delay=0.4), echo, Fault(status=302)):
        api.fails(fault, times=2)
        errors.append(await refusal(api, message("Gentile Amina", "Sì"), patience=0.2))
    api._faults.clear()
    async with listening(api, ears):
        api.fails(Fault(status=500, description=f"lost {api.token}"), method="getUpdates")
        phone.writes("Mi chiamo Amina")
        await until(lambda: ears.heard)
    async with sending(api) as ours:
        api.token = "7654321:a-new-one"
        for stopped in (ours.open(), ours.listen(ears)):
            with pytest.raises(DeliveryError) as error:
                await stopped
            errors.append(error.value)
    assert all(error.__context__ is None for error in errors)  # it would carry the whole request into a log
    output = capsys.readouterr()
    told = "".join("".join(traceback.format_exception(error)) + repr(error) for error in errors)
    for place in (caplog.text, output.out, output.err, told):
        for secret in ("a-token-that-opens-nothing", "Amina", "7001"):
            assert secret not in place.replace('message("Gentile Amina", "Sì")', "")
