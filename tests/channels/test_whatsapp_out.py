# SPDX-License-Identifier: EUPL-1.2
"""What goes out to WhatsApp, row by row and kind by kind: against a Twilio of our own."""

import asyncio
import gc
import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from bot.channels.whatsapp import client as calls
from bot.channels.whatsapp.client import Calls, client
from bot.channels.whatsapp.contents import Approval, Contents
from bot.channels.whatsapp.letters import is_carried, unmarked
from bot.channels.whatsapp.sending import Sending
from bot.channels.whatsapp.troubles import DAY, HOUR, MINUTES, SOON, about
from bot.clock import Clock
from bot.contract import DeliveryError
from handlers.talk.forms import Described, Line, form_name, generic, values
from handlers.talk.messages import Address, Attached, Form, Option, Outgoing, Spot
from tests.channels.bot_api import _served, closed_port
from tests.channels.twilio_api import Content, Fault, Phone, TwilioApi, sign

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
AMINA = "whatsapp:+393331234567"
PUBLIC = "https://sportello.example.org"
WORDS = "Gentile Amina, il tuo colloquio è domani"
TOWN_HALL = Spot("Municipio", "Piazza Grande 1, Carpi", 44.7834, 10.8853)
CV = Attached("CV di Zoë.pdf", "application/pdf", b"%PDF-1.7")
CALENDAR = Attached("incontro.ics", "text/calendar", b"BEGIN:VCALENDAR")
PICTURE = Attached("sportello.png", "image/png", b"\x89PNG", is_picture=True)


@pytest.fixture
def api() -> Iterator[TwilioApi]:
    with TwilioApi(now=lambda: NOON) as api:
        yield api
        assert api.violations == []


@pytest.fixture
def phone(api: TwilioApi) -> Phone:
    """Amina's: she wrote to us an hour ago."""
    return api.phone(AMINA, NOON - timedelta(hours=1))


def link(message: Outgoing) -> str:
    return f"{PUBLIC}/media/sent/{message.id}"


@asynccontextmanager
async def asking(api: TwilioApi, **changes: Any) -> AsyncIterator[Any]:
    """Twilio's library on our connections."""
    connections = Calls(changes.get("api_url", api.url), patience=changes.get("patience", 2.0))
    try:
        yield client(api.account, changes.get("token", api.token), connections)
    finally:
        await connections.close()


@asynccontextmanager
async def sending(api: TwilioApi, **changes: Any) -> AsyncIterator[Sending]:
    settings = {"sender": api.sender, "public_url": PUBLIC, "link": link, "clock": Clock(real=lambda: NOON)}
    mine = {name: value for name, value in changes.items() if name in settings}
    async with asking(api, **changes) as ours:
        yield Sending(ours, **{**settings, **mine})


async def refusal(api: TwilioApi, outgoing: Outgoing, **changes: Any) -> DeliveryError:
    """What sending this message comes to."""
    async with sending(api, **changes) as ours:
        with pytest.raises(DeliveryError) as error:
            await ours.send(outgoing)
    return error.value


def message(text: str = "Buongiorno", *labels: str, to: str = AMINA, **more: Any) -> Outgoing:
    options = tuple(Option(label.lower(), label, label) for label in labels)
    return Outgoing(41, Address("whatsapp", to), text, options, **more)


async def made(api: TwilioApi, name: str) -> str:
    """The number of one of the forms that every question is asked in."""
    async with asking(api) as ours:
        return await Contents(ours).make(next(form for form in generic() if form.name == name))


async def asked(api: TwilioApi, text: str, *labels: str) -> Outgoing:
    """A question in the form that shows its choices."""
    question = message(text, *labels)
    filled, name = values(question.token, text, question.options, "Scegli"), form_name(question.options)
    assert filled is not None and name is not None
    return replace(question, form=Form(await made(api, name), filled))


def approved(api: TwilioApi, body: str, **samples: str) -> Form:
    """A template that may go out at any time."""
    buttons = {"body": body, "actions": [{"title": "Ci sarò", "id": "c0"}]}
    sid = api.sid("HX")
    api.contents[sid] = Content(sid, "workshop", "it", samples, {"twilio/quick-reply": buttons}, "approved")
    return Form(sid, samples, is_template=True)


# ---- the table of errors

NOTHING_SPECIAL: dict[str, Any] = {
    "retry_in": None,
    "counts": True,
    "uncertain": False,
    "blocked": False,
    "halt": False,
    "moved_to": None,
    "window_shut": False,
    "plainer": False,
    "elsewhere": False,
    "form_off": False,
    "up_to": None,
    "for_all": False,
    "alarm": False,
}
ALARM, MAYBE = {"alarm": True}, {"uncertain": True}
GONE = {"blocked": True, "elsewhere": True}
STOP = {"halt": True} | ALARM
ELSEWHERE = {"elsewhere": True}
SLOWLY = {"retry_in": SOON, "up_to": timedelta(minutes=5), "counts": False, "for_all": True}
QUEUE = {"retry_in": MINUTES, "up_to": HOUR, "for_all": True}
OFF = {"form_off": True} | ALARM

ROWS: dict[int, tuple[str, dict[str, Any]]] = {
    20003: ("token", STOP),
    20429: ("flood", SLOWLY),
    **dict.fromkeys((21211, 21614, 63003, 63024), ("unreachable", GONE)),
    21408: ("region", ELSEWHERE | ALARM),
    **dict.fromkeys((21606, 63007, 63002, 21212, 21910), ("sender", STOP)),
    **dict.fromkeys((21610, 63014, 63033), ("blocked", GONE)),
    **dict.fromkeys((21602, 21619, 21617), ("refused", ALARM)),
    **dict.fromkeys((21620, 21654, 21656, 21657, 21658, 92007, 63028), ("form", {"plainer": True} | ALARM)),
    **dict.fromkeys((21611, 30001, 63017), ("queue", QUEUE)),
    63015: ("sandbox", ELSEWHERE),
    63016: ("window", {"window_shut": True}),
    63018: ("limit", {"retry_in": MINUTES, "up_to": DAY}),
    63038: ("day_full", {"retry_in": DAY, "counts": False, "for_all": True} | ALARM),
    63049: ("not_wanted", ELSEWHERE),
    63032: ("experiment", ELSEWHERE),
    **dict.fromkeys((63013, 63026), ("policy", ELSEWHERE | OFF)),
    **dict.fromkeys((63051, 63020), ("account", STOP)),
    **dict.fromkeys((63027, 63040, 63041, 63042, 21655, 92006), ("template", {"plainer": True} | OFF)),
    **dict.fromkeys((63019, 63021, 63034, 63037, 63005, 63030), ("content", {"plainer": True})),
    **dict.fromkeys((63010, 63012, 63009), ("away", {"retry_in": SOON, "up_to": HOUR})),
    99999: ("refused", ALARM),
}
SEVEN = {"retry_in": timedelta(seconds=7), "up_to": None}
PAGE = b"<html>The town hall's wall says no to +393331234567</html>"
ANSWERS: dict[str, tuple[Fault, str, dict[str, Any], int]] = {
    "429, with a wait": (Fault(429, 20429, retry_after=7), "flood", SLOWLY | SEVEN, 0),
    "429, not Twilio's": (Fault(429, body=PAGE), "flood", SLOWLY, 0),
    "401, not Twilio's": (Fault(401, body=PAGE), "token", STOP, 0),
    "404": (Fault(404, 20404), "not_found", STOP, 0),
    "sent elsewhere": (Fault(302, location="http://127.0.0.1:9/", body=b""), "not_found", STOP, 0),
    "a wall between us": (Fault(403, body=PAGE), "turned_away", {"retry_in": SOON}, 0),
    "something new": (Fault(400, 21999), "refused", ALARM, 0),
    "500": (Fault(500, 20500), "no_answer", MAYBE, 0),
    "500, and it arrived": (Fault(500, 20500, taken=True), "no_answer", MAYBE, 1),
    "502": (Fault(502, body=PAGE), "no_answer", MAYBE, 0),
    "503, and a wait": (Fault(503, 20503, retry_after=1), "no_answer", MAYBE, 0),
    "too late": (Fault(delay=0.5, taken=True), "no_answer", MAYBE, 1),
    "hung up": (Fault(hang_up=True), "no_answer", MAYBE, 0),
    "hung up, and it arrived": (Fault(hang_up=True, taken=True), "no_answer", MAYBE, 1),
    "an empty answer": (Fault(201, body=b"", taken=True), "no_answer", MAYBE, 1),
    "an answer about nothing": (Fault(201, body=b"{}", taken=True), "no_answer", MAYBE, 1),
    "an answer of another kind": (Fault(201, body=b"[]", taken=True), "AttributeError", MAYBE, 1),
    "half an answer": (Fault(201, body=b'{"sid": "SM', taken=True), "JSONDecodeError", MAYBE, 1),
    "a page for an answer": (Fault(201, body=PAGE, taken=True), "JSONDecodeError", MAYBE, 1),
}


def decided(error: DeliveryError) -> dict[str, Any]:
    return {name: getattr(error, name) for name in NOTHING_SPECIAL}


@pytest.mark.parametrize("code", ROWS)
async def test_a_row_of_the_table_as_an_answer(api: TwilioApi, phone: Phone, code: int) -> None:
    name, decision = ROWS[code]
    api.fails(Fault(429 if code == 20429 else 401 if code == 20003 else 400, code))
    error = await refusal(api, message(WORDS))
    assert (error.code, decided(error)) == (name, NOTHING_SPECIAL | decision)
    assert error.sentence[0].isupper() and error.sentence.endswith(".")
    assert (len(phone.messages), len(api.called("POST"))) == (0, 1)


@pytest.mark.parametrize("code", ROWS)
def test_a_row_of_the_table_as_a_report(code: int) -> None:
    name, decision = ROWS[code]
    error = about(code)
    assert (error.code, decided(error)) == (name, NOTHING_SPECIAL | decision)
    assert about(code) is not error  # each is raised on its own


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_of_another_kind(api: TwilioApi, phone: Phone, name: str) -> None:
    answer, code, decision, arrives = ANSWERS[name]
    api.fails(answer)
    error = await refusal(api, message(WORDS), patience=0.2)
    assert (error.code, decided(error)) == (code, NOTHING_SPECIAL | decision)
    assert (len(phone.messages), len(api.called("POST"))) == (arrives, 1)


@pytest.mark.parametrize(("said", "seconds"), [(0, 1), (7, 7), (10**12, 3600), (float("inf"), 3600)])
def test_nobody_makes_us_wait_for_ever_or_not_at_all(said: float, seconds: int) -> None:
    assert about(20429, 429, said).retry_in == timedelta(seconds=seconds)


def test_what_was_said_of_a_message_without_a_code_is_an_alarm() -> None:
    assert decided(about(None)) == NOTHING_SPECIAL | ALARM


async def test_a_connection_that_breaks_off_sends_nothing_twice(api: TwilioApi, phone: Phone) -> None:
    """An HTTP client likes to try again by itself where it used a connection that was open already."""
    async with sending(api) as ours:
        await ours.send(message("uno"))
        api.fails(Fault(hang_up=True, taken=True))
        with pytest.raises(DeliveryError) as error:
            await ours.send(message("due"))
    assert error.value.uncertain
    assert [received.text for received in phone.messages] == ["uno", "due"]


# ---- nothing was sent

NOT_CONNECTED = NOTHING_SPECIAL | {"retry_in": SOON, "counts": False}


async def test_nobody_listens(api: TwilioApi) -> None:
    with closed_port() as url:
        error = await refusal(api, message(), api_url=url)
    assert (error.code, decided(error)) == ("not_connected", NOT_CONNECTED)


async def test_the_name_is_not_known(api: TwilioApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert (await refusal(api, message(), api_url="http://twilio.invalid")).code == "not_connected"


async def test_nobody_opens_the_door(api: TwilioApi, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_an_answer_without_end_is_not_read_to_the_end(api: TwilioApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "LARGEST_ANSWER", 1000)
    api.fails(Fault(201, body=b" " * 100_000))
    assert (await refusal(api, message())).uncertain


async def test_every_host_of_twilios_is_replaced(api: TwilioApi) -> None:
    """Without TWILIO_API_URL the addresses stay Twilio's own."""
    hosts = ("api", "content", "messaging", "mcs")
    here, there = Calls(api.url), Calls()
    for host in hosts:
        address = f"https://{host}.twilio.com/v1/Things?To=whatsapp%3A%2B39"
        assert here._placed(address) == f"{api.url}/v1/Things?To=whatsapp%3A%2B39"
        assert there._placed(address) == address


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the first loop left a connection open
def test_a_process_that_only_sends_may_change_its_loop(api: TwilioApi, phone: Phone) -> None:
    connections = Calls(api.url)
    ours = Sending(
        client(api.account, api.token, connections), sender=api.sender, public_url="", link=link, clock=Clock()
    )

    async def later() -> None:
        await ours.send(message("due"))
        await connections.close()
        await ours.send(message("tre"))  # a late one makes its connection anew
        await connections.close()

    asyncio.run(_sent(ours, "uno"))
    asyncio.run(later())
    gc.collect()
    assert [received.text for received in phone.messages] == ["uno", "due", "tre"]


async def _sent(ours: Sending, text: str) -> str:
    return await ours.send(message(text))


async def test_simulated_people_and_other_channels_stay_off_the_network(api: TwilioApi) -> None:
    simulated = Outgoing(1, Address("whatsapp", AMINA, simulated=True), "Ciao")
    elsewhere = Outgoing(1, Address("telegram", "7001"), "Ciao")
    assert (await refusal(api, simulated)).code == "misdirected"
    assert (await refusal(api, elsewhere)).code == "misdirected"
    assert api.calls == []


# ---- words


async def test_a_message_arrives_as_it_was_written(api: TwilioApi, phone: Phone) -> None:
    text = "Ciao Zoë 👋🏽\n\n1. Sì, c'è posto & così <via>\n  2. No"
    async with sending(api) as ours:
        sid = await ours.send(message(text))
    [received] = phone.messages
    assert (received.text, received.rows, received.sid) == (text, (), sid)
    assert api.called("POST") == [
        {
            "From": "whatsapp:+390511234567",
            "To": AMINA,
            "Body": text,
            "StatusCallback": f"{PUBLIC}/twilio/status?oid=41",
        }
    ]


async def test_who_has_no_number_is_written_to_by_name(api: TwilioApi) -> None:
    zoe = api.phone("whatsapp:IT.13491208655302741918", NOON)
    async with sending(api) as ours:
        await ours.send(message(to="whatsapp:IT.13491208655302741918"))
        await ours.send(message(to="IT.13491208655302741918"))
    assert len(zoe.messages) == 2


async def test_the_longest_text_still_fits_and_one_letter_more_is_our_fault(api: TwilioApi, phone: Phone) -> None:
    async with sending(api) as ours:
        await ours.send(message("a" * 1600))
    assert (await refusal(api, message("a" * 1601))).code == "refused"
    assert (await refusal(api, message(" \n"))).code == "refused"
    assert len(phone.messages) == 1


async def test_without_a_public_address_nobody_is_asked_to_report(api: TwilioApi, phone: Phone) -> None:
    async with sending(api, public_url="") as ours:
        await ours.send(message())
    assert "StatusCallback" not in api.called("POST")[0]


@pytest.mark.parametrize(("left", "seconds"), [(-5, 1), (0.5, 1), (90, 90), (36_000, 36_000), (90_000, 36_000)])
async def test_twilio_forgets_what_makes_no_sense_any_more(
    api: TwilioApi, phone: Phone, left: float, seconds: int
) -> None:
    async with sending(api) as ours:
        await ours.send(message(not_after=NOON + timedelta(seconds=left)))
    assert api.called("POST")[0]["ValidityPeriod"] == str(seconds)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("*subito*", "∗subito∗"),
        ("il *primo* e _il secondo_", "il ∗primo∗ e ˍil secondoˍ"),
        ("(~no~)", "(∼no∼)"),
        ("```codice```", "ˋˋˋcodiceˋˋˋ"),
        ("`codice`", "ˋcodiceˋ"),
        ("*due parole, anche di più*.", "∗due parole, anche di più∗."),
        ("*a*\n*b", "∗a∗\n∗b"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("Nome: ____ Cognome: ____", "Nome: ____ Cognome: ____"),
        ("-----", "-----"),
        ("Cognome*", "Cognome*"),
        ("nome_e_cognome", "nome_e_cognome"),
        ("~30 euro", "~30 euro"),
        ("scrivi a _mario_rossi_@example.org", "scrivi a _mario_rossi_@example.org"),
        ("https://example.org/_a_/*b* e *qui*", "https://example.org/_a_/*b* e ∗qui∗"),
        ("vai su www.example.org/_a_", "vai su www.example.org/_a_"),
        ("  due  spazi\n\n\n  e righe ", "  due  spazi\n\n\n  e righe "),
        ("", ""),
    ],
)
def test_signs_that_whatsapp_would_swallow_are_still_read(written: str, read: str) -> None:
    assert unmarked(written) == read and len(read) == len(written)


def test_beside_other_words_a_single_sign_is_replaced_as_well() -> None:
    """Two things that fill a form may each have half of a pair."""
    assert unmarked("*Sala Rossa", alone=False) == "∗Sala Rossa"
    assert unmarked("2 * 3, nome_cognome", alone=False) == "2 * 3, nome_cognome"


# ---- forms


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["Sì"], "buttons"),
        (["Sì", "No", "Non lo so"], "buttons"),
        (["Carpi", "Modena", "Ferrara", "Reggio Emilia"], "list"),
        ([f"Comune {number}" for number in range(10)], "list"),
        (["Municipio di Reggio nell'Emilia, al secondo piano", "Modena", "Ferrara", "Carpi"], "described"),
    ],
)
async def test_a_question_is_shown_with_its_choices(api: TwilioApi, phone: Phone, labels: list[str], kind: str) -> None:
    question = await asked(api, "Dove?\n*Scegli*", *labels)
    async with sending(api) as ours:
        await ours.send(question)
    [received] = phone.messages
    assert received.text == "Dove?\n∗Scegli∗" and bool(received.opener) == (kind != "buttons")
    assert [id for id, _ in received.rows] == [question.token(index) for index in range(len(labels))]
    assert bool(received.descriptions) == (kind == "described")
    if kind != "described":
        assert received.labels == labels
    assert "Body" not in api.called("POST")[-1]


async def test_what_fills_a_form_is_never_nothing(api: TwilioApi, phone: Phone) -> None:
    question = await asked(api, "Dove?", "Qui")
    assert question.form is not None
    empty = replace(question.form, variables={**question.form.variables, "2": " "})
    async with sending(api) as ours:
        await ours.send(replace(question, form=empty))
    assert phone.messages[0].labels == ["—"]


async def test_a_template_goes_out_at_any_time_and_in_one_line(api: TwilioApi) -> None:
    phone = api.phone(AMINA, NOON - timedelta(days=3))
    form = approved(api, "Ciao, scrivo dallo sportello. Vieni a {{1}}, per favore.", **{"1": "«CV»\n\n  e     *altro"})
    async with sending(api) as ours:
        await ours.send(message("Ciao", "Ci sarò", form=form))
    [received] = phone.messages
    assert received.text == "Ciao, scrivo dallo sportello. Vieni a «CV» e ∗altro, per favore." and received.template


@pytest.mark.parametrize("at_once", [True, False])
async def test_outside_the_window_only_a_template_may_go_out(api: TwilioApi, at_once: bool) -> None:
    phone = api.phone(AMINA, NOON - timedelta(hours=24))
    api.at_once = at_once
    question = await asked(api, "Dove?", "Qui")
    if at_once:
        assert (await refusal(api, question)).window_shut
    else:
        async with sending(api) as ours:
            await ours.send(question)
        assert (api.messages[0]["status"], api.messages[0]["error_code"]) == ("undelivered", 63016)
    assert phone.messages == []


PLAINLY = [63005, 63019, 63021, 63034, 63037, 63030, 21656, 21658, 21620, 63028]


@pytest.mark.parametrize("code", PLAINLY)
async def test_what_is_refused_for_its_form_goes_out_once_more_as_words(
    api: TwilioApi, phone: Phone, code: int
) -> None:
    question = await asked(api, "Vieni?\n1. Sì\n2. No", "Sì", "No")
    api.fails(Fault(400, code))
    async with sending(api) as ours:
        with capture_logs() as logs:
            sid = await ours.send(question)
    [received] = phone.messages
    assert (received.text, received.rows, received.sid) == ("Vieni?\n1. Sì\n2. No", (), sid)
    assert [line["event"] for line in logs] == ["whatsapp_form_refused"]


async def test_a_form_that_is_off_is_for_the_desk_to_replace(api: TwilioApi, phone: Phone) -> None:
    error = await refusal(api, message("Vieni?", "Sì", form=Form("HX" + "0" * 32, {"1": "Vieni?"})))
    assert (error.code, error.form_off, error.plainer, error.alarm) == ("template", True, True, True)
    assert len(api.called("POST")) == 1 and phone.messages == []


async def test_a_template_does_not_go_out_as_words(api: TwilioApi, phone: Phone) -> None:
    api.fails(Fault(400, 63021))
    form = approved(api, "Ciao, vieni a {{1}}, per favore.", **{"1": "CV"})
    assert (await refusal(api, message("Ciao", "Ci sarò", form=form))).plainer
    assert len(api.called("POST")) == 1


async def test_words_alone_are_tried_once_only(api: TwilioApi, phone: Phone) -> None:
    question = await asked(api, "Vieni?\n1. Sì", "Sì")
    api.fails(Fault(400, 63021), times=2)
    assert (await refusal(api, question)).code == "content"
    assert len(api.called("POST")) == 2
    async with sending(api) as ours:
        await ours.send(replace(question, plain=True))
    assert phone.messages[0].text == "Vieni?\n1. Sì"


async def test_the_second_try_says_what_became_of_it(api: TwilioApi, phone: Phone) -> None:
    question = await asked(api, "Vieni?\n1. Sì", "Sì")
    api.fails(Fault(400, 63021))
    api.fails(Fault(hang_up=True, taken=True))
    assert (await refusal(api, question)).uncertain
    assert len(phone.messages) == 1


# ---- places and files


async def test_a_place_is_a_pin_on_the_map(api: TwilioApi, phone: Phone) -> None:
    async with sending(api) as ours:
        await ours.send(message("Municipio\nPiazza Grande 1, Carpi", spot=TOWN_HALL))
    [received] = phone.messages
    assert (received.text, received.pin) == ("Piazza Grande 1, Carpi", "geo:44.7834,10.8853|Municipio")


@pytest.mark.parametrize(
    ("outgoing", "told"),
    [
        (message("", spot=TOWN_HALL, plain=True), "Municipio\nPiazza Grande 1, Carpi"),
        (message("Il Municipio", spot=TOWN_HALL, plain=True), "Il Municipio"),
        (message("Municipio.\n1. Non posso", "Non posso", spot=TOWN_HALL), "Municipio.\n1. Non posso"),
    ],
)
async def test_a_place_with_choices_or_that_was_refused_is_told_in_words(
    api: TwilioApi, phone: Phone, outgoing: Outgoing, told: str
) -> None:
    async with sending(api) as ours:
        await ours.send(outgoing)
    assert [(one.text, one.pin) for one in phone.messages] == [(told, "")]


async def test_a_file_is_fetched_from_us(api: TwilioApi, phone: Phone) -> None:
    async with sending(api) as ours:
        await ours.send(message("", file=CV))
        await ours.send(message("Le tue settimane", file=PICTURE))
    document, picture = phone.messages
    assert (document.media, document.text) == ((f"{PUBLIC}/media/sent/41",), "")
    assert (picture.media, picture.text) == ((f"{PUBLIC}/media/sent/41",), "Le tue settimane")


@pytest.mark.parametrize(
    ("text", "file", "body"),
    [
        ("Mettilo in calendario.", CALENDAR, f"Mettilo in calendario.\n{PUBLIC}/media/sent/41"),
        ("", CALENDAR, f"incontro.ics\n{PUBLIC}/media/sent/41"),
        ("I tuoi dati", Attached("dati.zip", "application/zip", b"PK"), f"I tuoi dati\n{PUBLIC}/media/sent/41"),
    ],
)
async def test_a_file_that_whatsapp_does_not_carry_is_a_link(
    api: TwilioApi, phone: Phone, text: str, file: Attached, body: str
) -> None:
    async with sending(api) as ours:
        await ours.send(message(text, file=file))
    assert (phone.messages[0].text, phone.messages[0].media) == (body, ())


@pytest.mark.parametrize(
    ("kind", "size", "carried"),
    [
        ("image/png", 5_000_000, True),
        ("image/png", 5_000_001, False),
        ("application/pdf", 16_000_000, True),
        ("application/pdf", 16_000_001, False),
        ("image/gif", 1, False),
        ("text/html; charset=utf-8", 1, False),
        ("application/json", 1, False),
        ("Application/PDF; version=1.7", 1, True),
    ],
)
def test_what_whatsapp_carries(kind: str, size: int, carried: bool) -> None:
    assert is_carried(Attached("x", kind, bytes(size))) == carried


async def test_a_file_that_is_refused_goes_out_as_a_link(api: TwilioApi, phone: Phone) -> None:
    api.fails(Fault(400, 63019))
    async with sending(api) as ours:
        await ours.send(message("", file=CV))
    assert phone.messages[0].text == f"CV di Zoë.pdf\n{PUBLIC}/media/sent/41"


async def test_without_a_public_address_no_file_goes_out(api: TwilioApi) -> None:
    error = await refusal(api, message("", file=CV), public_url="", link=lambda message: None)
    assert decided(error) == NOTHING_SPECIAL | ELSEWHERE | ALARM and api.calls == []


# ---- was it sent?


async def lost(api: TwilioApi, ours: Sending, outgoing: Outgoing) -> None:
    """It arrived, and we never heard."""
    api.fails(Fault(hang_up=True, taken=True))
    with pytest.raises(DeliveryError):
        await ours.send(outgoing)


@pytest.mark.parametrize(
    "outgoing",
    [
        message("Ciao *Amina*,\n\n come stai?"),
        message("Ecco", spot=TOWN_HALL),
        message("", file=CV),
        message("Ecco", file=PICTURE),
        message("Ecco", file=CALENDAR),
    ],
)
async def test_what_arrived_is_found(api: TwilioApi, phone: Phone, outgoing: Outgoing) -> None:
    async with sending(api) as ours:
        await ours.send(message("Un'altra cosa"))
        await lost(api, ours, outgoing)
    later = Clock(real=lambda: NOON + timedelta(minutes=2))
    async with sending(api, clock=later, link=lambda message: f"{link(message)}?expires=2") as ours:
        sid = await ours.find(outgoing, NOON)
        assert sid == phone.messages[-1].sid
        assert await ours.find(outgoing, NOON, {sid}) is None
        assert await ours.find(replace(outgoing, text="Un'altra", file=None, spot=None), NOON) is None


async def test_a_question_and_a_template_are_found_by_what_they_say(api: TwilioApi, phone: Phone) -> None:
    question = await asked(api, "Dove, *Amina*?\n1. Qui\n2. Là", "Qui", "Là")
    form = approved(api, "Ciao, vieni a {{1}}, per favore.", **{"1": "«CV»"})
    push = message("Ciao, vieni a «CV», per favore.\n1. Ci sarò", "Ci sarò", form=form)
    async with sending(api) as ours:
        for outgoing in (question, push):
            await lost(api, ours, outgoing)
            assert await ours.find(outgoing, NOON) == phone.messages[-1].sid
        assert await ours.find(replace(push, text="Altro"), NOON) is None


async def test_what_went_out_once_more_as_words_is_found_as_well(api: TwilioApi, phone: Phone) -> None:
    question = await asked(api, "Dove, *Amina*?\n1. Qui", "Qui")
    async with sending(api) as ours:
        for outgoing in (question, message("Municipio", spot=TOWN_HALL), message("", file=CV)):
            api.fails(Fault(400, 63021))
            await lost(api, ours, outgoing)
            assert phone.messages[-1].rows == () and await ours.find(outgoing, NOON) == phone.messages[-1].sid


async def test_what_did_not_arrive_is_not_found(api: TwilioApi, phone: Phone) -> None:
    """Nor is the same from somebody else, to somebody else, or of another day."""
    other = api.phone("whatsapp:+393330000000", NOON)
    async with sending(api) as ours:
        await ours.send(message("Ciao", to=other.address))
        api.takes_in(AMINA, "Ciao")
        await ours.send(message("Ciao"))
        assert await ours.find(message("Ciao"), NOON + timedelta(minutes=5)) is None
        api.messages[-1]["status"] = "undelivered"
        assert await ours.find(message("Ciao"), NOON) is None
        assert [call.params["To"] for call in api.calls if call.method == "GET"] == [AMINA] * 2


async def test_the_same_words_twice_are_two_messages(api: TwilioApi, phone: Phone) -> None:
    async with sending(api) as ours:
        first = await ours.send(message("Ciao"))
        await lost(api, ours, message("Ciao"))
        assert await ours.find(message("Ciao"), NOON, [first]) == phone.messages[1].sid


@pytest.mark.parametrize("fault", [Fault(500, 20500), Fault(hang_up=True), Fault(429, 20429, retry_after=5)])
async def test_a_question_that_is_not_answered_may_be_asked_again(api: TwilioApi, fault: Fault) -> None:
    api.fails(fault, times=2)  # a connection that breaks off is tried twice: asking does no harm
    async with sending(api) as ours:
        with pytest.raises(DeliveryError) as error:
            await ours.find(message("Ciao"), NOON)
    assert (error.value.retry_in, error.value.uncertain) == (SOON, False)


# ---- the store of forms

TEMPLATE = Described(
    "workshop",
    "it",
    "buttons",
    "Ciao, scrivo dallo sportello. Vieni a {{1}}, per favore.",
    (Line("Ci sarò", "c0"), Line("Non posso", "c1")),
    samples={"1": "«CV»"},
    category="utility",
)


async def test_every_form_is_within_its_limits_and_is_found_again_by_its_name(api: TwilioApi) -> None:
    async with asking(api) as ours:
        contents = Contents(ours)
        numbers = {form.friendly_name: await contents.make(form) for form in (*generic(), TEMPLATE)}
        assert len(set(numbers.values())) == len(generic()) + 1
        assert await contents.listed() == numbers
        again = await contents.make(TEMPLATE)
        assert (await contents.listed())[TEMPLATE.friendly_name] == again


async def test_a_long_list_is_read_to_its_end(api: TwilioApi) -> None:
    for number in range(230):
        api.contents[f"HX{number}"] = Content(f"HX{number}", f"form_{number}", "it", {}, {"twilio/text": {"body": "x"}})
    async with asking(api) as ours:
        assert len(await Contents(ours).listed()) == 230
    assert len(api.called("GET", "/v1/Content")) == 3


async def test_a_form_is_handed_in_and_approved_or_not(api: TwilioApi) -> None:
    async with asking(api) as ours:
        contents = Contents(ours)
        sid = await contents.make(TEMPLATE)
        assert await contents.approval(sid) == Approval("unsubmitted")
        assert await contents.submit(sid, TEMPLATE.friendly_name, "utility") == Approval("received")
        api.decides(sid, "rejected", "It says nothing.")
        assert await contents.approval(sid) == Approval("rejected", "It says nothing.")
    assert api.contents[sid].category == "UTILITY"


async def test_a_store_that_does_not_answer_may_be_asked_again(api: TwilioApi) -> None:
    async with asking(api) as ours:
        for fault in (Fault(500, 20500), Fault(hang_up=True, taken=True)):
            api.fails(fault, path="/v1/Content")
            with pytest.raises(DeliveryError) as error:
                await Contents(ours).make(TEMPLATE)
            assert (error.value.retry_in, error.value.uncertain) == (SOON, False)
        with pytest.raises(DeliveryError) as error:
            await Contents(ours).approval("HX" + "f" * 32)
        assert error.value.code == "not_found"


# ---- what nobody may read


async def test_neither_the_token_nor_what_people_write_is_logged(
    api: TwilioApi, phone: Phone, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = json.dumps({"code": 21617, "message": f"{WORDS} to {AMINA}", "status": 400}).encode()
    service = json.dumps({"type": "x", "title": WORDS, "status": 400, "code": 21617, "detail": AMINA}).encode()
    faults = [Fault(401, 20003), Fault(500, 20500), Fault(hang_up=True), Fault(delay=0.4), Fault(302, body=b"")]
    errors: list[DeliveryError] = []
    for fault in (*faults, Fault(400, body=echo), Fault(400, body=service), Fault(201, body=PAGE)):
        api.fails(fault)
        errors.append(await refusal(api, message(WORDS), patience=0.2))
    errors.append(await refusal(api, message(WORDS), token="another-token"))
    with closed_port() as url:
        errors.append(await refusal(api, message(WORDS), api_url=url))
    async with sending(api) as ours:
        await ours.send(message(WORDS))
        api.fails(Fault(500, body=echo))
        with pytest.raises(DeliveryError) as error:
            await ours.find(message(WORDS), NOON)
        errors.append(error.value)
    assert all(error.__context__ is None and error.__cause__ is None for error in errors)
    told = "".join("".join(traceback.format_exception(error)) + repr(error) for error in errors)
    output = capsys.readouterr()
    for place in (caplog.text, output.out, output.err, told):
        for secret in (api.token, "another-token", "Amina,", "3331234567"):
            assert secret not in place


# ---- the stand-in itself


def test_the_stand_in_signs_as_twilio_does() -> None:
    """The example of Twilio's own documentation (twilio.com/docs/usage/security)."""
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    signed = sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", params.items())
    assert signed == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


TO = {"To": AMINA, "From": "whatsapp:+390511234567"}


@pytest.mark.parametrize(
    ("params", "code", "is_violation"),
    [
        (TO | {"Body": "Ciao", "Colour": "red"}, 63021, True),
        (TO, 21602, False),
        (TO | {"Body": "a" * 1601}, 21617, False),
        ({"To": AMINA, "From": "whatsapp:+1", "Body": "Ciao"}, 63007, False),
        ({"To": "+393331234567", "From": TO["From"], "Body": "Ciao"}, 21910, False),
        ({"To": "whatsapp:+US.12", "From": TO["From"], "Body": "Ciao"}, 21211, False),
        (TO | {"MediaUrl": "http://sportello.example.org/x.pdf"}, 21620, False),
        (TO | {"ContentSid": "HXnone"}, 21655, False),
        (TO | {"Body": "Ciao", "ContentVariables": "{}"}, 21654, False),
        (TO | {"ContentSid": "HXlist", "ContentVariables": "{"}, 21656, False),
        (TO | {"ContentSid": "HXlist", "ContentVariables": '{"1": ""}'}, 21656, False),
        (TO | {"ContentSid": "HXlist", "ContentVariables": '{"1": null}'}, 21656, False),
        (TO | {"ContentSid": "HXlist", "ContentVariables": '{"2": "x"}'}, 63028, True),
        (TO | {"ContentSid": "HXlist", "ContentVariables": json.dumps({"1": "a" * 25})}, 63021, True),
        (TO | {"ContentSid": "HXfour", "ContentVariables": json.dumps({"1": "Ciao"})}, 63021, True),
        (TO | {"ContentSid": "HXfour", "ContentVariables": json.dumps({"1": "a" * 1025})}, 63021, True),
        (TO | {"ContentSid": "HXfour", "Body": "Ciao"}, 63021, True),
        (TO | {"Body": "Ciao", "ValidityPeriod": "36001"}, 63021, True),
        (TO | {"Body": "Ciao", "PersistentAction": "geo:44,10"}, 63021, True),
    ],
)
async def test_the_stand_in_refuses_what_twilio_refuses(params: dict[str, str], code: int, is_violation: bool) -> None:
    items = {"body": "Dove?", "button": "Scegli", "items": [{"item": "{{1}}", "id": "1"}]}
    buttons = {"body": "{{1}}", "actions": [{"title": f"{number}", "id": f"{number}"} for number in range(4)]}
    with TwilioApi(now=lambda: NOON) as api:
        api.phone(AMINA, NOON)
        api.contents["HXlist"] = Content("HXlist", "list", "it", {"1": "x"}, {"twilio/list-picker": items})
        api.contents["HXfour"] = Content("HXfour", "four", "it", {"1": "x"}, {"twilio/quick-reply": buttons})
        answer = await _posted(api, params)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert (len(api.violations), api.messages) == (is_violation, [])
        assert (await _posted(api, TO | {"Body": "Ciao"}, token="wrong")).json()["code"] == 20003
        assert (await _posted(api, TO | {"Body": "Ciao"})).status_code == 201


class Town:
    """What Twilio calls and fetches from, at our public address; it keeps the reports whose signature is right."""

    def __init__(self, file: bytes = b"%PDF", kind: str = "application/pdf") -> None:
        self.file, self.kind = file, kind
        self.reports: list[dict[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "GET":
            return await Response(self.file, media_type=self.kind)(scope, receive, send)
        said = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        signed = sign(TwilioApi().token, f"{PUBLIC}/twilio/status?oid=41", said.items())
        if request.headers["x-twilio-signature"] == signed:
            self.reports.append(said)
        return await Response()(scope, receive, send)


async def test_the_stand_in_reports_in_any_order_and_before_it_answers(api: TwilioApi, phone: Phone) -> None:
    api.reports, api.early, api.order = ("sent", "delivered", "read"), True, lambda them: them[::-1]
    town = Town()
    async with _served(town) as api.reaches[PUBLIC], sending(api) as ours:
        sid = await ours.send(message())
        assert [(one["MessageSid"], one["MessageStatus"]) for one in town.reports] == [
            (sid, "read"),
            (sid, "delivered"),
            (sid, "sent"),
        ]
        api.loses(63049)
        lost = await ours.send(message())
    assert {"MessageSid": lost, "MessageStatus": "undelivered", "ErrorCode": "63049"}.items() <= town.reports[
        -1
    ].items()
    assert [status for _, _, status in api.posts] == [200] * 4 and len(phone.messages) == 1


@pytest.mark.parametrize(
    ("town", "code"),
    [
        (Town(), None),
        (Town(b"<html>", "text/html"), 63019),
        (Town(bytes(16 * 2**20 + 1)), 63019),
    ],
)
async def test_the_stand_in_fetches_files(api: TwilioApi, phone: Phone, town: Town, code: int | None) -> None:
    api.early = True
    async with _served(town) as api.reaches[PUBLIC], sending(api) as ours:
        await ours.send(message("", file=CV))
    assert api.messages[0]["error_code"] == code and len(phone.messages) == (code is None)


async def test_somebody_who_blocked_us_gets_nothing_and_nobody_says_so(api: TwilioApi, phone: Phone) -> None:
    phone.blocked = True
    async with sending(api, public_url="") as ours:
        await ours.send(message())
    assert (phone.messages, api.messages[0]["status"], api.messages[0]["error_code"]) == ([], "sent", None)


async def test_the_stand_in_takes_no_more_in_a_second_than_a_sender_may_send() -> None:
    with TwilioApi(rate=3) as api:
        answers = [await _posted(api, TO | {"Body": "Ciao"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]


async def _posted(api: TwilioApi, params: dict[str, str], token: str | None = None) -> httpx.Response:
    path = f"{api.url}/2010-04-01/Accounts/{api.account}/Messages.json"
    async with httpx.AsyncClient(trust_env=False) as browser:
        return await browser.post(path, data=params, auth=(api.account, token or api.token))
