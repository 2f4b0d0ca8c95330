# SPDX-License-Identifier: EUPL-1.2
"""What else may go with a message, and files on their way in: against a Telegram of our own."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.channels.telegram import calls
from bot.channels.telegram.letters import file_name
from bot.channels.telegram.troubles import SOON
from bot.contract import DeliveryError
from handlers.talk.messages import Attached, Option, Outgoing, Spot
from tests.channels.bot_api import BotApi, Fault
from tests.channels.ours import amina, message, refusal, sending

pytestmark = pytest.mark.anyio

TOWN_HALL = Spot("Municipio", "Piazza Grande 1, Carpi", 44.7834, 10.8853)


def png(width: int, height: int) -> bytes:
    """The first bytes of a picture, which say how large it is."""
    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + sides + bytes(5)


PICTURE = Attached("sportello.png", "image/png", png(900, 600), is_picture=True)
CV = Attached("CV di Zoë.pdf", "application/pdf", b"%PDF-1.7 Zo\xc3\xab \x00\xff")


@pytest.fixture
def api() -> Iterator[BotApi]:
    with BotApi() as api:
        yield api
        assert api.violations == []


# ---- a place


async def test_a_place_is_a_pin_on_the_map_with_its_buttons(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        number = await ours.send(message("", "Non posso", spot=TOWN_HALL))
    [received] = phone.messages
    assert number == f"7001:{received.message_id}" and received.labels == ["Non posso"]
    assert received.raw["venue"] == {
        "title": "Municipio",
        "address": "Piazza Grande 1, Carpi",
        "location": {"latitude": 44.7834, "longitude": 10.8853},
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "Municipio\nPiazza Grande 1, Carpi"), ("Municipio.\n1. Non posso", "Municipio.\n1. Non posso")],
)
async def test_a_place_that_is_not_on_the_map_is_told_in_words(api: BotApi, text: str, told: str) -> None:
    phone = amina(api)
    nowhere = Spot("Municipio", "Piazza Grande 1, Carpi", 444.0, 10.0)
    async with sending(api) as ours:
        await ours.send(message(text, "Non posso", spot=nowhere))
    assert [(one.text, one.rows) for one in phone.messages] == [(told, ())]


# ---- a file


async def test_a_file_goes_up_under_its_name_and_kind(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("Il tuo CV è pronto.\n1. Grazie", "Grazie", file=CV))
    [received] = phone.messages
    document = received.raw["document"]
    assert (document["file_name"], document["mime_type"]) == (CV.name, CV.kind)
    assert api.files[document["file_id"]] == CV.content
    assert (received.text, received.labels) == ("Il tuo CV è pronto.\n1. Grazie", ["Grazie"])


async def test_a_picture_of_ours_is_seen_with_its_words_under_it(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        number = await ours.send(message("Le tue settimane.\n1. Grazie", "Grazie", file=PICTURE))
    [received] = phone.messages
    assert number == f"7001:{received.message_id}"
    assert api.files[received.raw["photo"][0]["file_id"]] == PICTURE.content
    assert (received.text, received.labels) == ("Le tue settimane.\n1. Grazie", ["Grazie"])


@pytest.mark.parametrize("sides", [(9000, 1001), (2100, 100), (0, 0)])
async def test_a_picture_that_cannot_be_shown_arrives_as_a_file(api: BotApi, sides: tuple[int, int]) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("Ecco", file=replace(PICTURE, content=png(*sides))))
    assert phone.messages[0].raw["document"]["file_name"] == PICTURE.name and phone.messages[0].text == "Ecco"


async def test_a_picture_that_telegram_has_is_named_and_not_sent_again(api: BotApi) -> None:
    phone = amina(api)
    api.keeps("there-already", PICTURE.content)
    async with sending(api) as ours:
        await ours.send(message("Ecco", file=replace(PICTURE, content=b"", provider_id="there-already")))
    assert api.called("sendPhoto")[0]["photo"] == "there-already" and phone.messages[0].text == "Ecco"


async def test_a_photo_goes_as_a_document_so_that_it_stays_as_it_is(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("", file=Attached("mappa.png", "image/png", b"\x89PNG")))
    assert phone.messages[0].raw["document"]["mime_type"] == "image/png"


async def test_a_file_that_telegram_has_is_named_and_not_sent_again(api: BotApi) -> None:
    phone = amina(api)
    api.keeps("there-already", b"%PDF")
    async with sending(api) as ours:
        await ours.send(message("Ecco", file=Attached("cv.pdf", "application/pdf", b"", "there-already")))
    [asked] = api.called("sendDocument")
    assert asked["document"] == "there-already" and phone.messages[0].text == "Ecco"


async def test_a_file_that_telegram_has_forgotten_goes_up_after_all(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("Ecco", file=Attached("cv.pdf", "application/pdf", b"%PDF", "forgotten")))
    assert api.files[phone.messages[0].raw["document"]["file_id"]] == b"%PDF"


async def test_a_file_that_is_too_large_is_too_large_for_good(api: BotApi) -> None:
    amina(api)
    async with sending(api, patience=30) as ours:
        with pytest.raises(DeliveryError) as raised:
            await ours.send(message("", file=Attached("film.mp4", "video/mp4", bytes(50 * 2**20 + 1))))
    error = raised.value
    assert (error.code, error.retry_in, error.uncertain) == ("file_too_big", None, False)


@pytest.mark.parametrize(
    ("fault", "uncertain"), [(Fault(hang_up=True, delivered=True), True), (Fault(status=502), True)]
)
async def test_a_file_may_have_arrived_like_any_message(api: BotApi, fault: Fault, uncertain: bool) -> None:
    amina(api)
    api.fails(fault, method="sendDocument")
    assert (await refusal(api, message("Ecco", file=CV))).uncertain is uncertain


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("cv.pdf", "cv.pdf"),
        ('a"\r\nContent-Type: text/html\r\n\r\nb', 'a"Content-Type: text/htmlb'),
        ("", "file"),
        ("x" * 300, "x" * 120),
    ],
)
async def test_the_name_of_a_file_stays_in_its_line(api: BotApi, given: str, name: str) -> None:
    assert file_name(given) == name
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("", file=Attached(given, "application/pdf", b"%PDF")))
    assert phone.messages[0].raw["document"]["file_name"] == name


# ---- a number


async def test_a_key_shares_ones_own_number_and_the_others_type_their_label(api: BotApi) -> None:
    phone = amina(api)
    options = (Option("phone", "Mando il mio numero", "Il mio numero"), Option("no", "Preferisco di no", "No"))
    async with sending(api) as ours:
        await ours.send(Outgoing(41, message().to, "Il tuo numero?", options, asks_phone=True))
    [markup] = [json.loads(call["reply_markup"]) for call in api.called("sendMessage")]
    assert markup == {
        "keyboard": [[{"text": "Il mio numero", "request_contact": True}], [{"text": "No"}]],
        "one_time_keyboard": True,
        "resize_keyboard": True,
    }
    assert phone.presses("No")["message"]["text"] == "No"
    assert phone.presses("Il mio numero")["message"]["contact"]["user_id"] == phone.id


async def test_without_such_an_option_the_buttons_are_as_always(api: BotApi) -> None:
    phone = amina(api)
    async with sending(api) as ours:
        await ours.send(message("Scegli", "Sì", asks_phone=True))
    assert phone.messages[0].labels == ["Sì"] and phone.messages[0].keyboard == ()


# ---- what goes to many


@pytest.mark.parametrize(("rate", "bulk", "paid"), [(31, True, True), (31, False, False), (30, True, False)])
async def test_only_what_goes_to_many_is_paid_for_and_only_above_the_free_rate(
    api: BotApi, rate: float, bulk: bool, paid: bool
) -> None:
    phone = amina(api)
    async with sending(api, rate=rate) as ours:
        await ours.send(message("Nuovo laboratorio", bulk=bulk))
    assert phone.messages[0].paid is paid


# ---- files that people send


async def fetched(api: BotApi, file_id: str, **changes: Any) -> bytes:
    async with sending(api, **changes) as ours:
        return await ours.fetch(file_id)


async def not_fetched(api: BotApi, file_id: str, **changes: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as error:
        await fetched(api, file_id, **changes)
    return error.value


async def test_a_file_comes_in_whole(api: BotApi) -> None:
    content = bytes(range(256)) * 4096
    document = amina(api).sends_document("cv.pdf", content=content)["message"]["document"]
    assert await fetched(api, document["file_id"]) == content


async def test_twenty_megabytes_come_in_and_not_one_byte_more(api: BotApi) -> None:
    most = 20 * 2**20
    assert len(await fetched(api, api.keeps("large", bytes(most))["file_id"])) == most
    error = await not_fetched(api, api.keeps("larger", bytes(most + 1))["file_id"])
    assert (error.code, error.retry_in, error.uncertain) == ("file_too_big", None, False)


async def test_a_file_that_is_larger_than_it_was_said_is_not_read_to_the_end(
    api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "LARGEST_ANSWER", 1000)
    assert (await not_fetched(api, api.keeps("liar", bytes(100_000))["file_id"])).code == "file_too_big"


@pytest.mark.parametrize("method", ["getFile", "download"])
@pytest.mark.parametrize(
    ("fault", "code", "wait", "counts"),
    [
        (Fault(status=429, retry_after=7), "flood", timedelta(seconds=7), False),
        (Fault(status=500), "no_answer", SOON, True),
        (Fault(status=502, body=b"<html>"), "no_answer", SOON, True),
        (Fault(hang_up=True), "no_answer", SOON, True),
        (Fault(delay=0.5), "no_answer", SOON, True),
        (Fault(body=b"%PD", missing=10), "no_answer", SOON, True),
        (Fault(status=400, description="Bad Request: wrong file_id"), "file_away", SOON, True),
    ],
)
async def test_a_file_that_does_not_come_is_asked_for_again(
    api: BotApi, method: str, fault: Fault, code: str, wait: timedelta, counts: bool
) -> None:
    api.keeps("cv", b"%PDF")
    api.fails(fault, method=method, times=2 if fault.hang_up else 1)  # a GET is asked for twice, which does no harm
    error = await not_fetched(api, "cv", patience=0.2)
    assert (error.code, error.retry_in, error.counts) == (code, wait, counts)
    assert not (error.uncertain or error.halt or error.blocked)


async def test_a_link_that_has_run_out_stops_nothing(api: BotApi) -> None:
    api.keeps("cv", b"%PDF")
    api.fails(Fault(status=404, description="Not Found"), method="download")
    assert (await not_fetched(api, "cv")).code == "file_away"
    assert (await not_fetched(api, "unknown")).code == "file_away"


async def test_a_withdrawn_token_stops_the_channel_whoever_notices(api: BotApi) -> None:
    assert (await not_fetched(api, "cv", token="1234567:wrong")).halt


async def test_the_token_is_in_no_trace_of_a_file(
    api: BotApi, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    api.keeps("cv", b"%PDF")
    told = ""
    with capture_logs() as logs:
        for fault in (Fault(status=404), Fault(hang_up=True), Fault(delay=0.4), Fault(status=302, body=b"")):
            api.fails(fault, method="download", times=2 if fault.hang_up else 1)
            error = await not_fetched(api, "cv", patience=0.2)
            assert error.__context__ is None and error.__cause__ is None
            told += repr(error)
    output = capsys.readouterr()
    assert api.token.partition(":")[2] not in f"{caplog.text}{output.out}{output.err}{logs}{told}"
