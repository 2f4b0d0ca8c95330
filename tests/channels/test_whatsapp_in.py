# SPDX-License-Identifier: EUPL-1.2
"""What comes in from WhatsApp: only what Twilio has signed, all of it once, and nothing of it in a log."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from structlog.testing import capture_logs

from bot.channels.whatsapp import channel as whatsapp
from bot.channels.whatsapp.channel import WhatsApp, from_settings
from bot.channels.whatsapp.inbound import listed, read, report
from bot.clock import Clock
from bot.contract import DeliveryError, Report
from bot.metrics import REGISTRY
from bot.settings import Settings
from handlers.talk.messages import Address, Incoming, Tap
from tests.channels.twilio_api import Fault, TwilioApi
from tests.channels.twilio_phone import ACCOUNT, PUBLIC_URL, SENDER, TOKEN, Line, Phone, Words

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
MEDIUM = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
SHOWN = "MM" + "a" * 32
KEY = "a-key-only-for-webhooks"


class Ears:
    """Takes in what arrives and what is reported, or cannot keep it."""

    def __init__(self) -> None:
        self.heard: list[Incoming] = []
        self.reports: list[Report] = []
        self.is_away = False

    async def hear(self, messages: Sequence[Incoming]) -> None:
        self._keep()
        self.heard += messages

    async def learn(self, report: Report) -> None:
        self._keep()
        self.reports.append(report)

    def _keep(self) -> None:
        if self.is_away:
            raise OSError("the database is away, and Amina wrote to it from +393331234567")


def channel(api_url: str = "http://127.0.0.1:9", **changes: Any) -> WhatsApp:
    settings: dict[str, Any] = {"sender": SENDER, "public_url": PUBLIC_URL, "clock": Clock(real=lambda: NOON)}
    return WhatsApp(ACCOUNT, TOKEN, api_url=api_url, patience=2.0, **settings | changes)


@asynccontextmanager
async def opened(api: TwilioApi) -> AsyncIterator[WhatsApp]:
    """A channel that calls Twilio."""
    ours = channel(api.url)
    try:
        yield ours
    finally:
        await ours.close()


class Office:
    """Our channel behind its webhooks, and the line from Twilio to them."""

    def __init__(self, **changes: Any) -> None:
        self.ears = Ears()
        self.channel = channel(**changes)
        self.line = Line(Starlette(routes=self.channel.routes(self.ears.hear, self.ears.learn)))


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def api() -> Iterator[TwilioApi]:
    with TwilioApi(now=lambda: NOON) as api:
        yield api
        assert api.violations == []


def counted(outcome: str) -> float:
    labels = {"channel": "whatsapp", "outcome": outcome}
    return REGISTRY.get_sample_value("sportello_webhooks_total", labels) or 0.0


def understood(words: Words) -> Incoming:
    found = read(words, NOON)
    assert found is not None
    return found


# ---- getting ready


@pytest.mark.parametrize("missing", ["twilio_account_sid", "twilio_auth_token", "twilio_whatsapp_from"])
async def test_the_channel_needs_an_account_a_token_and_a_number(missing: str) -> None:
    given = {
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": SecretStr(TOKEN),
        "twilio_whatsapp_from": f"whatsapp:{SENDER}",
    }
    ours = from_settings(Settings(**given), Clock(), {})  # type: ignore[arg-type]
    assert ours and ours.name == "whatsapp"
    await ours.close()
    assert from_settings(Settings(**{**given, missing: " "}), Clock(), {}) is None  # type: ignore[arg-type]


async def test_it_opens_where_twilio_knows_the_account_and_waits_while_twilio_is_away(
    api: TwilioApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whatsapp, "SHORTEST_WAIT", 0.01)
    api.fails(Fault(503), times=2, path=f"{ACCOUNT}.json")
    async with opened(api) as ours:
        await ours.open()
        await ours.listen(Ears().hear)  # returns at once: Twilio calls us
    assert len(api.called("GET", f"{ACCOUNT}.json")) == 3


@pytest.mark.parametrize("sender", ["0511234567", "my number", "+39 051 1234567"])
async def test_a_sender_that_is_no_number_is_said_to_be_so(sender: str) -> None:
    ours = channel(sender=sender)
    with pytest.raises(DeliveryError) as error:
        await ours.open()
    assert error.value.halt and "TWILIO_WHATSAPP_FROM" in error.value.sentence


async def test_a_token_that_twilio_does_not_accept_stops_the_channel(api: TwilioApi) -> None:
    api.token = "another"
    async with opened(api) as ours:
        with pytest.raises(DeliveryError) as error:
            await ours.open()
    assert error.value.halt and error.value.code == "token" and TOKEN not in str(error.value)


# ---- who calls

REORDERED: Callable[[Words], list[tuple[str, str]]] = lambda words: list(reversed(words.items()))  # noqa: E731


async def test_what_twilio_signed_is_heard_and_answered_in_its_own_form(office: Office) -> None:
    answer = await office.line.brings(Phone().writes("Buongiorno"))
    assert (answer.status_code, answer.text, answer.headers["content-type"].split(";")[0]) == (
        200,
        "<Response/>",
        "text/xml",
    )
    assert [one.text for one in office.ears.heard] == ["Buongiorno"]


async def test_the_order_of_the_words_does_not_matter_and_a_name_may_come_twice(office: Office) -> None:
    words = REORDERED(Phone().writes("uno"))
    assert (await office.line.brings(words)).status_code == 200
    twice = [*Phone().writes("due").items(), ("Extra", "b"), ("Extra", "a"), ("Extra", "a"), ("Blank", "")]
    assert (await office.line.brings(twice)).status_code == 200
    assert [one.text for one in office.ears.heard] == ["uno", "due"]


@pytest.mark.parametrize("url", [f"{PUBLIC_URL}:443", PUBLIC_URL])
async def test_a_port_that_goes_without_saying_may_be_signed_or_not(office: Office, url: str) -> None:
    office.line.public_url = url
    assert (await office.line.brings(Phone().writes("ciao"))).status_code == 200


PATH = "/twilio/inbound"
Forgery = Callable[[Line, Words], dict[str, Any]]
FORGED: dict[str, Forgery] = {
    "no signature": lambda line, words: {"headers": {}},
    "an empty one": lambda line, words: {"headers": {"X-Twilio-Signature": ""}},
    "letters that no signature has": lambda line, words: {"headers": {"X-Twilio-Signature": "à".encode()}},
    "another key": lambda line, words: {"headers": Line(line.app, token="another").signed(PATH, words.items())},
    "another host": lambda line, words: {
        "headers": Line(line.app, "http://127.0.0.1:8000").signed(PATH, words.items())
    },
    "another path": lambda line, words: {"headers": line.signed("/twilio/status", words.items())},
    "an unsigned query": lambda line, words: {"path": f"{PATH}?oid=1", "headers": line.signed(PATH, words.items())},
    "a word changed": lambda line, words: {
        "headers": line.signed(PATH, words.items()),
        "body": urlencode(words | {"Body": "cancel my booking"}).encode(),
    },
    "a blank word dropped": lambda line, words: {
        "headers": line.signed(PATH, words.items()),
        "body": urlencode({name: value for name, value in words.items() if name != "Empty"}).encode(),
    },
    "cut off": lambda line, words: {
        "headers": line.signed(PATH, words.items()),
        "body": urlencode(words).encode()[:-20],
    },
    "a key nobody has given us": lambda line, words: {"headers": line.signed_with_a_key("", PATH, words.items())},
    "an algorithm nobody knows": lambda line, words: {
        "headers": line.signed(PATH, words.items())
        | {"X-Twilio-Webhooks-Signature-Settings": "key=1,algorithm=HMAC_MD5"}
    },
}


@pytest.mark.parametrize("how", FORGED)
async def test_what_twilio_did_not_sign_is_refused_counted_and_logged_without_a_word_of_it(
    office: Office, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    words = Phone().writes("I am Amina", Empty="")
    caplog.set_level(logging.DEBUG)
    before, changes = counted("forged"), FORGED[how](office.line, words)
    with capture_logs() as logs:
        answer = await office.line.calls(changes.pop("path", PATH), words, **changes)
    assert (answer.status_code, answer.content, office.ears.heard) == (403, b"", [])
    assert counted("forged") == before + 1
    assert [(one["event"], one["why"]) for one in logs] == [("whatsapp_webhook_refused", "forged")]
    assert_nothing_personal(f"{logs} {[one.getMessage() for one in caplog.records if one.name != 'httpx']}")


def assert_nothing_personal(logged: str) -> None:
    for words in ("Amina", "393331234567", "13491208655302741918", TOKEN, "cancel"):
        assert words not in logged


async def test_a_key_only_for_webhooks_signs_with_a_longer_hash(office: Office) -> None:
    keyed, words = Office(webhook_key=KEY), Phone().writes("ciao")
    headers = keyed.line.signed_with_a_key(KEY, PATH, words.items())
    assert (await keyed.line.brings(words, headers=headers)).status_code == 200
    assert (await keyed.line.brings(words)).status_code == 200, "the account's token goes on signing the old way"
    assert (await office.line.brings(words, headers=headers)).status_code == 403
    wrong = keyed.line.signed_with_a_key(TOKEN, PATH, words.items())
    assert (await keyed.line.brings(words, headers=wrong)).status_code == 403


async def test_while_signatures_are_only_looked_at_everything_comes_in_and_what_is_wrong_is_said() -> None:
    office, before = Office(unsigned="report"), counted("unsigned")
    with capture_logs() as logs:
        answer = await office.line.brings(Phone().writes("I am Amina"), headers={})
        await office.line.brings(Phone().writes("signed"))
    assert answer.status_code == 200 and [one.text for one in office.ears.heard] == ["I am Amina", "signed"]
    assert [one["event"] for one in logs] == ["whatsapp_webhook_unsigned"] and counted("unsigned") == before + 1
    assert_nothing_personal(str(logs))


@pytest.mark.parametrize(
    ("words", "changes", "status", "outcome"),
    [
        (Phone().writes("x" * 300_000), {}, 413, "too_large"),
        ({}, {"body": b'{"MessageSid": "SM1"}', "headers": {"Content-Type": "application/json"}}, 400, "malformed"),
        ({}, {"body": b"Body=%ff\xff", "headers": {}}, 400, "malformed"),
        ([(f"n{number}", "x") for number in range(600)], {}, 400, "malformed"),
        ({}, {}, 400, "malformed"),
        (Phone().writes("ciao", MessageSid=""), {}, 400, "malformed"),
        (Phone().writes("ciao", MessageSid="SM\0"), {}, 400, "malformed"),
        (Phone().writes("ciao", AccountSid="AC" + "1" * 32), {}, 403, "foreign"),
        (Phone().writes("ciao", To="whatsapp:+390519999999"), {}, 200, "foreign"),
        (Phone().writes("an SMS", From="+393331234567"), {}, 200, "ignored"),
    ],
)
async def test_what_is_not_for_us_goes_no_further(
    office: Office, words: Any, changes: dict[str, Any], status: int, outcome: str
) -> None:
    before = counted(outcome)
    assert (await office.line.brings(words, **changes)).status_code == status
    assert counted(outcome) == before + 1 and office.ears.heard == []


async def test_a_webhook_that_comes_again_brings_the_same_numbers_again(office: Office) -> None:
    words = Phone().writes("ciao")
    for _time in range(2):
        assert (await office.line.brings(words)).status_code == 200
    first, again = office.ears.heard
    assert first == again and (first.update_id, first.message_id) == (f"in:{words['MessageSid']}", words["MessageSid"])


async def test_what_cannot_be_kept_is_given_back_and_asked_for_a_moment_later(office: Office) -> None:
    now = [NOON]
    office.channel._clock = Clock(real=lambda: now[0])
    office.ears.is_away = True
    with capture_logs() as logs:
        answer = await office.line.brings(Phone().writes("I am Amina"))
    assert answer.status_code == 503 and not office.channel.has_missed
    assert [one["error"] for one in logs] == ["OSError"]
    assert_nothing_personal(str(logs))
    now[0] += timedelta(seconds=30)
    assert office.channel.has_missed


# ---- what it says

AMINA = Phone()
A_NAME = Phone(number=None)


@pytest.mark.parametrize(
    ("phone", "sender", "alias"),
    [
        (AMINA, "whatsapp:+393331234567", "whatsapp:IT.13491208655302741918"),
        (A_NAME, "whatsapp:IT.13491208655302741918", None),
        (Phone(id=None), "whatsapp:+393331234567", None),
        (Phone(number=None, id="US.ENT.1a"), "whatsapp:US.ENT.1a", None),
    ],
    ids=["a number and an id", "a user name", "a number", "a user name of a company"],
)
def test_whoever_writes_is_known_by_a_number_or_by_an_id(phone: Phone, sender: str, alias: str | None) -> None:
    found = understood(phone.writes("ciao"))
    assert (found.sender, found.alias, found.language) == (Address("whatsapp", sender), alias, None)
    assert (found.kind, found.text, found.at, dict(found.payload), found.late) == ("text", "ciao", NOON, {}, False)


VCARD = {"own": False}
CASES: dict[str, tuple[Words, dict[str, Any]]] = {
    "a button": (AMINA.taps("41.2", "Sì"), {"kind": "tap", "tap": Tap(41, 2), "text": ""}),
    "a line of a list": (AMINA.picks("41.7", "Lunedì"), {"kind": "tap", "tap": Tap(41, 7), "text": ""}),
    "a template's button": (
        AMINA.taps("c1", "No"),
        {"kind": "tap", "tap": None, "payload": {"choice": 1, "shown": SHOWN}},
    ),
    "a template's button of nowhere": (AMINA.taps("c1", "No", shown=""), {"kind": "text", "text": "No", "payload": {}}),
    "a button of somebody else's": (AMINA.taps("{verify}", "Sì"), {"kind": "text", "text": "Sì", "tap": None}),
    "a button without its number": (AMINA.taps("", "Sì"), {"kind": "text", "text": "Sì"}),
    "a list without its number": (AMINA.picks("", "Lunedì"), {"kind": "text", "text": "Lunedì"}),
    "an answer to a message": (
        AMINA.writes("sì", OriginalRepliedMessageSid=SHOWN),
        {"kind": "text", "text": "sì", "payload": {"shown": SHOWN}},
    ),
    "a number": (AMINA.writes("2"), {"kind": "text", "text": "2"}),
    "nothing at all": (AMINA.writes(""), {"kind": "other", "text": ""}),
    "a link": (AMINA.writes("src_biblioteca"), {"text": "/start", "start": "src_biblioteca"}),
    "a link with a word before": (AMINA.writes("Start src_caf-2 "), {"text": "/start", "start": "src_caf-2"}),
    "no link": (AMINA.writes("start src_"), {"text": "start src_", "start": None}),
    "letters no database keeps": (AMINA.writes("a\0b"), {"text": "ab"}),
    "a picture": (
        AMINA.sends("image/jpeg", MEDIUM, caption="ecco"),
        {
            "kind": "photo",
            "text": "ecco",
            "payload": {"file_id": MEDIUM, "message": "MM1", "mime_type": "image/jpeg"},
        },
    ),
    "a recording": (AMINA.sends("audio/ogg; codecs=opus", MEDIUM), {"kind": "voice"}),
    "a film": (AMINA.sends("video/mp4", MEDIUM), {"kind": "video"}),
    "a document": (AMINA.sends("application/pdf", MEDIUM), {"kind": "document"}),
    "words in a file": (AMINA.sends("text/plain", MEDIUM), {"kind": "document"}),
    "a file of no kind": (AMINA.sends("", MEDIUM), {"kind": "document"}),
    "a sticker": (AMINA.sends("image/webp", MEDIUM, message_type="sticker"), {"kind": "sticker"}),
    "a card": (AMINA.sends("text/vcard", MEDIUM, message_type="contacts"), {"kind": "contact", "payload": VCARD}),
    "a card as others write it": (AMINA.sends("text/x-vcard", MEDIUM), {"kind": "contact", "payload": VCARD}),
    "a place": (AMINA.shares("44.4949", "11.3426"), {"kind": "location", "payload": {"lat": 44.4949, "lon": 11.3426}}),
    "no place": (AMINA.shares("nan", "11"), {"kind": "other", "text": ""}),
    "a thumb": (AMINA.writes("👍", MessageType="reaction"), {"kind": "other", "text": ""}),
    "what is new": (AMINA.writes("", MessageType="hologram"), {"kind": "other"}),
    "words of a new kind": (AMINA.writes("ciao", MessageType="rich"), {"kind": "text", "text": "ciao"}),
    "an order": (
        AMINA.writes("", MessageType="order", Order="{}"),
        {"kind": "other", "payload": {"more": {"Order": "{}"}}},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_message_is_understood(case: str) -> None:
    words, expected = CASES[case]
    found = understood(words)
    assert {name: getattr(found, name) for name in expected} == expected
    assert "Amina" not in repr(found), "a name that somebody has given themselves is nothing to us"


def test_of_several_files_the_first_is_kept_and_their_number() -> None:
    found = understood(AMINA.sends("image/png", MEDIUM, MEDIUM[:-1] + "2"))
    assert (found.payload["file_id"], found.payload["files"]) == (MEDIUM, 2)


def test_what_twilio_has_begun_to_say_is_kept_as_far_as_it_says_nothing_of_who_they_are() -> None:
    many = {f"New{number:02}": "y" * 900 for number in range(50)}
    words = AMINA.writes("ciao", ChannelPrefix="whatsapp", UserName="Amina B.", Who='{"id":"393331234567"}', **many)
    more = understood(words).payload["more"]
    assert len(more) == 30 and more["ChannelPrefix"] == "whatsapp" and len(more["New00"]) == 500
    assert not {"UserName", "Who", "WaId", "ProfileName", "ChannelMetadata"} & set(more)
    assert understood(AMINA.writes("ciao", Referral="")).payload == {}


# ---- what became of a message of ours


async def test_a_report_brings_our_number_and_what_to_do(office: Office) -> None:
    before = counted("kept")
    assert (await office.line.says("SM7", "delivered", 41)).status_code == 200
    assert (await office.line.says("SM8", "undelivered", ErrorCode="63016")).status_code == 200
    assert counted("kept") == before + 2
    first, second = office.ears.reports
    assert first == Report("whatsapp", "SM7", "delivered", 41)
    assert (second.message_id, second.status, second.trouble and second.trouble.code) == (None, "undelivered", "window")


async def test_the_number_in_the_address_is_signed_as_well(office: Office) -> None:
    words = {"MessageSid": "SM7", "MessageStatus": "read", "AccountSid": ACCOUNT}
    headers = office.line.signed("/twilio/status?oid=41", words.items())
    assert (await office.line.calls("/twilio/status?oid=42", words, headers=headers)).status_code == 403
    assert (await office.line.calls("/twilio/status?oid=41", words, headers=headers)).status_code == 200


async def test_a_report_that_cannot_be_kept_is_given_back(office: Office) -> None:
    office.ears.is_away = True
    assert (await office.line.says("SM7", "delivered", 41)).status_code == 503


@pytest.mark.parametrize("number", ["", "0x1", "-1", "٤١", "9" * 19, "1.2"])
def test_a_number_that_is_none_of_ours_is_none(number: str) -> None:
    assert report({"MessageSid": "SM7", "MessageStatus": "sent"}, number).message_id is None


@pytest.mark.parametrize("code", ["", "abc", "٤١"])
def test_what_failed_for_no_reason_that_can_be_read_is_a_trouble_all_the_same(code: str) -> None:
    words = {"MessageSid": "SM7", "MessageStatus": "failed", "ErrorCode": code}
    assert report(words, "").trouble is not None
    assert report(words | {"MessageStatus": "delivered"}, "").trouble is None


# ---- what Twilio lists


async def test_what_was_missed_is_listed_oldest_first_page_by_page(
    api: TwilioApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whatsapp, "A_PAGE", 2)
    minutes = iter(range(-65, 0))
    api.now = lambda: NOON + timedelta(minutes=next(minutes))  # one date is asked for each message
    for number in range(65):
        api.takes_in("whatsapp:+393331234567", f"numero {number}")
    api.now = lambda: NOON
    api.takes_in("whatsapp:+393331234567", "just now")  # its webhook may still be on its way
    async with opened(api) as ours:
        found = await ours.missed(NOON - timedelta(minutes=10))
    assert [one.text for one in found] == [f"numero {number}" for number in range(55, 65)]
    assert all(one.late and one.sender.id == "whatsapp:+393331234567" for one in found)
    assert found[0].at == NOON - timedelta(minutes=10) and found[0].message_id == api.messages[55]["sid"]
    assert len(api.called("GET")) < 10, "it does not read what lies further back"
    assert {one["To"] for one in api.called("GET")} == {f"whatsapp:{SENDER}"}


async def test_what_a_missed_message_carried_is_asked_for_once(api: TwilioApi) -> None:
    api.now = lambda: NOON - timedelta(minutes=5)
    api.takes_in("whatsapp:US.13491208655302741918", "ecco", media=[("application/pdf", b"%PDF-1.7")])
    async with opened(api) as ours:
        first, again = [(await ours.missed(NOON - timedelta(hours=1)))[0] for _time in range(2)]
        assert first == again and (first.kind, first.text, first.sender.id) == (
            "document",
            "ecco",
            "whatsapp:US.13491208655302741918",
        )
        assert len(api.called("GET", "Media.json")) == 1
        assert await ours.fetch(first.payload["file_id"]) == b"%PDF-1.7"


async def test_who_is_away_is_asked_again_later(api: TwilioApi) -> None:
    async with opened(api) as ours:
        api.fails(Fault(500))
        with pytest.raises(DeliveryError) as error:
            await ours.missed(NOON - timedelta(hours=1))
    assert error.value.retry_in is not None and not error.value.uncertain


def test_what_is_ours_or_cannot_be_read_is_not_heard() -> None:
    written = {"sid": "SM1", "direction": "inbound", "from": AMINA.address, "body": "ciao", "date_sent": None}
    dated = written | {"date_sent": "Tue, 24 Nov 2026 11:00:00 +0000"}
    assert listed(written, []) is None
    assert listed(written | {"date_sent": "yesterday"}, []) is None
    assert listed(dated | {"direction": "outbound-api"}, []) is None
    assert listed(dated | {"from": "+393331234567"}, []) is None
    found, bare = listed(dated, []), listed(dated | {"body": ""}, [])
    assert found and bare and (found.at, found.late, bare.kind) == (NOON, True, "other")


# ---- files


@pytest.mark.parametrize("is_moved", [False, True], ids=["at Twilio", "at the storage"])
async def test_a_file_is_fetched_with_our_credentials_which_go_nowhere_else(api: TwilioApi, is_moved: bool) -> None:
    address = api.keeps("MM1", "image/jpeg", b"\xff\xd8\xff")
    if is_moved:
        api.moved[address.removeprefix("https://api.twilio.com")] = "storage"
    async with opened(api) as ours:
        assert await ours.fetch(address) == b"\xff\xd8\xff"


ELSEWHERE = {
    "another host": "https://files.example.org/2010-04-01/Accounts/{0}/Messages/MM1/Media/ME1",
    "a host that looks alike": "https://api.twilio.com.example.org/2010-04-01/Accounts/{0}/Messages/MM1/Media/ME1",
    "a host behind a name": "https://api.twilio.com@example.org/2010-04-01/Accounts/{0}/Messages/MM1/Media/ME1",
    "without a lock": "http://api.twilio.com/2010-04-01/Accounts/{0}/Messages/MM1/Media/ME1",
    "a message": "https://api.twilio.com/2010-04-01/Accounts/{0}/Messages/MM1",
    "a number of ours": "https://api.twilio.com/2010-04-01/Accounts/{0}/IncomingPhoneNumbers/PN1",
    "a way around": "https://api.twilio.com/2010-04-01/Accounts/{0}/Messages/MM1/Media/../../../ME1",
    "a question": "https://api.twilio.com/2010-04-01/Accounts/{0}/Messages/MM1/Media/ME1?a=b",
    "another account": "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
    "nothing": "",
}


@pytest.mark.parametrize("where", ELSEWHERE)
async def test_an_address_that_is_no_file_of_ours_is_never_called(api: TwilioApi, where: str) -> None:
    async with opened(api) as ours:
        for do in (ours.fetch, ours.release):
            with pytest.raises(DeliveryError) as error:
                await do(ELSEWHERE[where].format(ACCOUNT))
            assert error.value.code == "foreign_file" and error.value.retry_in is None and not error.value.halt
    assert api.calls == []


@pytest.mark.parametrize(
    ("fault", "code", "comes_back", "halts"),
    [
        (Fault(404), "file_away", True, False),
        (Fault(503), "no_answer", True, False),
        (Fault(429), "flood", True, False),
        (Fault(hang_up=True), "no_answer", True, False),
        (Fault(401, 20003), "token", False, True),
        (Fault(200, body=b"x" * (20 * 2**20 + 1)), "file_too_big", False, False),
        (Fault(302, body=b"", location="ftp://127.0.0.1/x"), "file_away", True, False),
        (Fault(302, body=b"", location=f"/2010-04-01/Accounts/{ACCOUNT}.json"), "token", False, True),
    ],
)
async def test_a_file_that_does_not_come(
    api: TwilioApi, fault: Fault, code: str, comes_back: bool, halts: bool
) -> None:
    address = api.keeps("MM1", "image/jpeg", b"\xff\xd8\xff")
    api.fails(fault, times=2, path=address.rpartition("/")[2])  # who is hung up on calls once more
    async with opened(api) as ours:
        with pytest.raises(DeliveryError) as error:
            await ours.fetch(address)
    trouble = error.value
    assert (trouble.code, trouble.retry_in is not None, trouble.halt, trouble.uncertain) == (
        code,
        comes_back,
        halts,
        False,
    )


async def test_who_is_sent_round_in_circles_gives_up(api: TwilioApi) -> None:
    address = api.keeps("MM1", "image/jpeg", b"\xff\xd8\xff")
    path = address.removeprefix("https://api.twilio.com")
    api.fails(Fault(302, body=b"", location=path), times=9, path=path.rpartition("/")[2])
    async with opened(api) as ours:
        with pytest.raises(DeliveryError):
            await ours.fetch(address)
    assert len(api.calls) <= 4


async def test_a_file_is_dropped_once_and_one_that_is_gone_is_as_good(api: TwilioApi) -> None:
    address = api.keeps("MM1", "image/jpeg", b"\xff\xd8\xff")
    async with opened(api) as ours:
        for _time in range(2):
            await ours.release(address)
        api.fails(Fault(503), path=address.rpartition("/")[2])
        with pytest.raises(DeliveryError):
            await ours.release(address)
    assert api.media == {}


@pytest.mark.parametrize(
    ("kind", "left"), [("video/mp4", 0), ("text/vcard", 0), ("image/webp", 0), ("application/pdf", 1)]
)
async def test_what_nobody_will_fetch_is_dropped_at_once(api: TwilioApi, kind: str, left: int) -> None:
    office = Office(api_url=api.url)
    urls = [api.keeps("MM1", kind, b"1"), api.keeps("MM1", kind, b"2")]
    assert (await office.line.brings(Phone().sends(kind, *urls))).status_code == 200
    await office.channel.close()
    assert [content for _kind, content in api.media.values()] == [b"1"][:left]


async def test_a_file_that_twilio_does_not_drop_holds_up_nobody(api: TwilioApi) -> None:
    office = Office(api_url=api.url)
    address = api.keeps("MM1", "video/mp4", b"1")
    api.fails(Fault(503), path=address.rpartition("/")[2])
    with capture_logs() as logs:
        assert (await office.line.brings(Phone().sends("video/mp4", address))).status_code == 200
        await office.channel.close()
    assert [one["event"] for one in logs] == ["whatsapp_file_not_dropped"] and len(office.ears.heard) == 1
