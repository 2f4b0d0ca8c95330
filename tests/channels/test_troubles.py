# SPDX-License-Identifier: EUPL-1.2
"""Telegram's table of errors, row by row: from the answer on the wire to what we do about it."""

import asyncio
import gc
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.channels.telegram import calls
from bot.channels.telegram.calls import Calls
from bot.channels.telegram.troubles import SOON, NotSent, Unanswered
from bot.contract import DeliveryError
from handlers.talk.messages import Outgoing
from tests.channels.bot_api import BotApi, Fault, closed_port
from tests.channels.ours import amina, channel, message, refusal, sending

pytestmark = pytest.mark.anyio

NOTHING_SPECIAL = {
    "retry_in": None,
    "counts": True,
    "uncertain": False,
    "blocked": False,
    "halt": False,
    "moved_to": None,
}
MAYBE = {"uncertain": True}
ENDS = {"blocked": True}
WORDS = "Gentile Amina, il tuo colloquio è domani"


@dataclass(frozen=True)
class Row:
    """A line of the table: what Telegram answers, and what it asks of us beside the usual."""

    answer: Fault
    code: str
    decision: dict[str, Any] = field(default_factory=dict)
    arrives: int = 0


def says(status: int, description: str, **parameters: Any) -> Fault:
    """Telegram's own form of saying no."""
    answer = {"ok": False, "error_code": status, "description": description}
    return Fault(status=status, body=json.dumps(answer | ({"parameters": parameters} if parameters else {})).encode())


def page(status: int) -> Fault:
    """What somebody between us and Telegram says."""
    return Fault(status=status, body=b"<html>This site is blocked by the user's town hall: chat not found</html>")


HALF = b'{"ok":true,"result":{"message_id":1,"te'

ROWS = {
    "blocked": Row(says(403, "Forbidden: bot was blocked by the user"), "blocked", ENDS),
    "blocked, as a code": Row(says(400, "Bad Request: USER_IS_BLOCKED"), "blocked", ENDS),
    "deactivated": Row(says(403, "Forbidden: user is deactivated"), "deactivated", ENDS),
    "deactivated, as a code": Row(says(400, "Bad Request: INPUT_USER_DEACTIVATED"), "deactivated", ENDS),
    "never wrote": Row(says(403, "Forbidden: bot can't initiate conversation with a user"), "never_wrote", ENDS),
    "kicked": Row(says(403, "Forbidden: bot was kicked from the supergroup chat"), "removed", ENDS),
    "not a member": Row(says(403, "Forbidden: bot is not a member of the channel chat"), "removed", ENDS),
    "group deleted": Row(says(403, "Forbidden: the group chat was deleted"), "removed", ENDS),
    "no chat": Row(says(400, "Bad Request: chat not found"), "unreachable", ENDS),
    "no person": Row(says(400, "Bad Request: PEER_ID_INVALID"), "unreachable", ENDS),
    "moved": Row(
        says(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1001234567890),
        "moved",
        {"moved_to": "-1001234567890", "retry_in": timedelta(0)},
    ),
    "markup": Row(says(400, "Bad Request: can't parse entities: Unsupported start tag"), "refused"),
    "too long": Row(says(400, "Bad Request: message is too long"), "refused"),
    "button": Row(says(400, "Bad Request: BUTTON_DATA_INVALID"), "refused"),
    "address of a file": Row(says(400, "Bad Request: wrong HTTP URL specified"), "refused"),
    "file too big": Row(says(400, "Bad Request: file is too big"), "file_too_big"),
    "file far too big": Row(says(413, "Request Entity Too Large"), "file_too_big"),
    "flood": Row(
        says(429, "Too Many Requests: retry after 7", retry_after=7),
        "flood",
        {"retry_in": timedelta(seconds=7), "counts": False},
    ),
    "flood, for how long?": Row(says(429, "Too Many Requests"), "flood", {"retry_in": SOON, "counts": False}),
    "token": Row(says(401, "Unauthorized"), "token", {"halt": True}),
    "method or token": Row(says(404, "Not Found: method not found"), "token", {"halt": True}),
    "not Telegram's address": Row(page(404), "token", {"halt": True}),
    "sent elsewhere": Row(Fault(status=302, body=b""), "token", {"halt": True}),
    "second program": Row(
        says(409, "Conflict: terminated by other getUpdates request"), "conflict", {"retry_in": SOON}
    ),
    "500": Row(says(500, "Internal Server Error"), "no_answer", MAYBE),
    "502": Row(page(502), "no_answer", MAYBE),
    "504": Row(page(504), "no_answer", MAYBE),
    "502, and it arrived": Row(Fault(status=502, delivered=True), "no_answer", MAYBE, arrives=1),
    "too late": Row(Fault(delay=0.4, delivered=True), "no_answer", MAYBE, arrives=1),
    "hung up": Row(Fault(hang_up=True), "no_answer", MAYBE),
    "hung up, and it arrived": Row(Fault(hang_up=True, delivered=True), "no_answer", MAYBE, arrives=1),
    "half a response": Row(Fault(body=HALF, delivered=True), "no_answer", MAYBE, arrives=1),
    "half a response, then nothing": Row(Fault(body=HALF, missing=100, delivered=True), "no_answer", MAYBE, arrives=1),
    "an empty response": Row(Fault(body=b"", delivered=True), "no_answer", MAYBE, arrives=1),
    "a page for an answer": Row(Fault(body=b"<html>", delivered=True), "no_answer", MAYBE, arrives=1),
    "an answer about nothing": Row(Fault(body=b'{"ok":true,"result":true}', delivered=True), "TypeError", MAYBE, 1),
    "a wall between us": Row(page(403), "turned_away", {"retry_in": SOON}),
    "something new, 400": Row(says(400, "Bad Request: the moon is full"), "refused"),
    "something new, 403": Row(says(403, "Forbidden: not enough rights"), "refused"),
    "something new, 418": Row(says(418, "I'm a teapot"), "refused"),
    "something new, 599": Row(says(599, "?"), "no_answer", MAYBE),
}


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api
        assert api.violations == []


def decided(error: DeliveryError) -> dict[str, Any]:
    return {name: getattr(error, name) for name in NOTHING_SPECIAL}


def is_a_sentence(words: str) -> bool:
    return words[0].isupper() and words.endswith(".") and "{" not in words


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_a_row_of_the_table(api: BotApi, row: Row) -> None:
    phone = amina(api)
    api.fails(row.answer)
    error = await refusal(api, message(WORDS), patience=0.2)
    assert error.code == row.code
    assert decided(error) == NOTHING_SPECIAL | row.decision
    assert is_a_sentence(error.sentence)
    assert (len(phone.messages), len(api.called("sendMessage"))) == (row.arrives, 1)


async def test_a_connection_that_breaks_off_sends_nothing_twice(api: BotApi) -> None:
    """An HTTP client likes to try again by itself where it used a connection that was open already."""
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("uno"))
        api.fails(Fault(hang_up=True, delivered=True))
        with pytest.raises(DeliveryError) as error:
            await ours.send(message("due"))
    assert error.value.uncertain
    assert [received.text for received in phone.messages] == ["uno", "due"]


# ---- our own fault


@pytest.mark.parametrize("name", ["markup", "too long", "button", "address of a file", "something new, 400"])
async def test_what_is_refused_for_its_form_goes_out_once_more_in_the_simplest(api: BotApi, name: str) -> None:
    phone = amina(api)
    api.fails(ROWS[name].answer)
    async with sending(api) as ours:
        with capture_logs() as logs:
            number = await ours.send(message("1. Sì\n2. No", "Sì", "No"))
    [received] = phone.messages
    assert (received.text, received.rows, number) == ("1. Sì\n2. No", (), f"7001:{received.message_id}")
    assert [(line["event"], line["log_level"]) for line in logs] == [("telegram_refused", "error")]


async def test_the_simplest_form_is_tried_once_only(api: BotApi) -> None:
    amina(api)
    api.fails(says(400, "Bad Request: BUTTON_DATA_INVALID"))
    api.fails(says(400, "Bad Request: message is too long"))
    assert (await refusal(api, message("Scegli", "Sì"))).code == "refused"
    assert len(api.called("sendMessage")) == 2


async def test_the_second_try_says_what_became_of_it(api: BotApi) -> None:
    phone = amina(api)
    api.fails(says(400, "Bad Request: BUTTON_DATA_INVALID"))
    api.fails(Fault(hang_up=True, delivered=True))
    assert (await refusal(api, message("Scegli", "Sì"))).uncertain
    assert len(phone.messages) == 1


@pytest.mark.parametrize(
    "description",
    [
        f'Bad Request: can\'t parse entities: Unsupported start tag "{WORDS}" at byte offset 3',
        f"Bad Request: can't parse URL: {WORDS}",
    ],
)
async def test_the_alarm_holds_nobodys_words(api: BotApi, description: str) -> None:
    amina(api)
    api.fails(says(400, description))
    with capture_logs() as logs:
        error = await refusal(api, message(WORDS))
    assert [line["reason"] for line in logs if line["event"] == "telegram_refused"]
    assert "Amina" not in f"{logs} {error!r}"


# ---- nothing was sent


async def test_nobody_listens(api: BotApi) -> None:
    with closed_port() as url:
        error = await refusal(api, message(), api_url=url)
    assert error.code == "not_connected"
    assert decided(error) == NOTHING_SPECIAL | {"retry_in": SOON, "counts": False}


async def test_the_name_is_not_known(api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert (await refusal(api, message(), api_url="http://telegram.invalid")).code == "not_connected"


async def test_nobody_opens_the_door(api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "CONNECTING", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as door:
        full = [socket.socket() for _ in range(4)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(door.getsockname())
        error = await refusal(api, message(), api_url=f"http://127.0.0.1:{door.getsockname()[1]}")
        for one in full:
            one.close()
    assert error.code == "not_connected"


async def test_all_connections_are_taken(api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "CONNECTING", 0.2)
    api.fails(Fault(delay=1), method="getMe")
    ours = Calls(1, patience=2)
    url = f"{api.url}/bot{api.token}/getMe"
    slow = asyncio.create_task(ours.call(url, {}))
    await asyncio.sleep(0.05)
    with pytest.raises(NotSent):
        await ours.call(url, {})
    assert (await slow)["is_bot"]
    await ours.shutdown()


async def test_a_server_that_never_finishes_its_answer_is_given_up(
    api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece comes in time; the whole never does."""
    monkeypatch.setattr(calls, "CONNECTING", 0.1)

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)
        writer.close()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        ours = Calls(1, patience=0.2)
        with pytest.raises(Unanswered):
            await asyncio.wait_for(ours.call(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}), 5)
        await ours.shutdown()
        await asyncio.sleep(0.1)


async def test_an_answer_without_end_is_not_read_to_the_end(api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "LARGEST_ANSWER", 1000)
    amina(api)
    api.fails(Fault(body=b" " * 100_000))
    assert (await refusal(api, message())).code == "file_too_big"


# ---- edits


def takes_buttons_off(number: str) -> Outgoing:
    return message("", kind="retired", edits=number)


async def test_buttons_are_taken_off_once_or_twice(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        number = await ours.send(message("Scegli", "Sì", "No"))
        assert await ours.send(takes_buttons_off(number)) == number
        assert await ours.send(takes_buttons_off(number)) == number  # "message is not modified"
    assert phone.messages[0].rows == () and len(phone.messages) == 1
    assert len(api.called("editMessageReplyMarkup")) == 2


@pytest.mark.parametrize("description", ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"])
async def test_a_message_that_is_gone_needs_no_edit(api: BotApi, description: str) -> None:
    amina(api)
    api.fails(says(400, f"Bad Request: {description}"), method="editMessageReplyMarkup")
    async with sending(api) as ours:
        assert await ours.send(takes_buttons_off("7001:12")) == "7001:12"


@pytest.mark.parametrize(
    "name", ["500", "502", "too late", "hung up", "half a response", "half a response, then nothing"]
)
async def test_an_edit_may_be_tried_again(api: BotApi, name: str) -> None:
    phone = amina(api)
    async with sending(api, patience=0.2) as ours:
        number = await ours.send(message("Scegli", "Sì"))
        api.fails(ROWS[name].answer, method="editMessageReplyMarkup")
        with pytest.raises(DeliveryError) as error:
            await ours.send(takes_buttons_off(number))
        assert decided(error.value) == NOTHING_SPECIAL | {"retry_in": SOON}
        assert await ours.send(takes_buttons_off(number)) == number
    assert phone.messages[0].rows == ()


async def test_an_edit_of_somebody_who_blocked_us_ends_the_chat(api: BotApi) -> None:
    amina(api).blocks()
    assert (await refusal(api, takes_buttons_off("7001:1"))).blocked


# ---- groups that move


async def test_a_group_that_moved_says_where_to(api: BotApi) -> None:
    api.moved[-17] = -1001
    error = await refusal(api, message(to="-17"))
    assert (error.moved_to, error.uncertain) == ("-1001", False)


# ---- the loop


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the first loop left a connection open
def test_a_process_that_only_sends_may_change_its_loop(api: BotApi) -> None:
    """Nobody opens the channel, and a connection of a loop that has ended is never used again."""
    phone, ours = amina(api), channel(api)

    async def later() -> None:
        await ours.send(message("due"))
        await ours.close()
        await ours.send(message("tre"))  # a late one makes its connection anew
        await ours.close()

    asyncio.run(ours.send(message("uno")))
    asyncio.run(later())
    gc.collect()
    assert [received.text for received in phone.messages] == ["uno", "due", "tre"]
