# SPDX-License-Identifier: EUPL-1.2
"""The whole way from a first word to «I'm coming» over WhatsApp, against a Twilio that signs what it tells us."""

import asyncio
import copy
import random
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import update
from typer.testing import CliRunner

from bot import main
from bot.cli import app as commands
from bot.clock import Clock
from bot.jobs.bucket import Buckets, Rate
from bot.settings import Settings
from handlers.desk import Desk
from handlers.desk.coming import coming
from handlers.talk.forms import GENERIC
from storage import Storage, Store
from storage.messages import IN_FLIGHT, Message
from storage.people import Person
from storage.tables import contents, messages, venues
from tests import files
from tests.channels import bot_api
from tests.channels.bot_api import BotApi
from tests.channels.twilio_api import Content, Fault, Received, TwilioApi, sign
from tests.channels.twilio_phone import PUBLIC_URL, Phone, Words
from tests.database import MONDAY, Databases, load_town
from tests.stage import Stage, agreed, at_home, perform, workshop_id
from tests.test_journey import A_WHILE, Program, free_port, waits

WORKSHOP = "Il mio curriculum"
PLACE = {"latitude": 44.4949, "longitude": 11.3426}
MENU = ["Un aiuto", "Orientamento", "Formazione", "Iscriviti", "I miei impegni", "Parla con qualcuno"]
KNOWN_MENU = [one for one in MENU if one != "Iscriviti"]
COMING = ["Vengo", "Non posso venire", "Parla con qualcuno"]
WITHOUT_NUMBER = Phone(number=None, id="IT.13491208655302741918")
SIX_DAYS, A_WEEK = timedelta(days=6), timedelta(days=7)
FAST = {name: (Rate(1000, 100), Rate(1000, 100)) for name in ("telegram", "whatsapp")}


# ---- what an operator does once: the forms


@dataclass
class Prepared:
    """A town whose operator has made the forms: what the commands said, and what Twilio keeps."""

    said: list[str] = field(default_factory=list)
    contents: dict[str, Content] = field(default_factory=dict)

    def fill(self, found: Storage) -> None:
        load_town(found)
        with TwilioApi() as api:
            self._run(found.url, api, "channels", "sync")
            self._run(found.url, api, "templates", "submit")
            for sid, one in api.contents.items():
                if one.name:
                    api.decides(sid, "approved")
            self._run(found.url, api, "templates", "status")
        assert api.violations == []
        self.contents = api.contents
        with closing(Stage(found.url)) as stage:
            perform(stage, f"there is a workshop «{WORKSHOP}» in 7 days at 10:00 with 14 places, on the path")
            stage.with_store(lambda store: store.write(update(venues).values(**PLACE)))

    def _run(self, url: str, api: TwilioApi, *words: str) -> None:
        done = CliRunner().invoke(commands, words, env=for_whatsapp(api, url))
        assert done.exit_code == 0, done.output
        self.said.append(done.stdout)


def for_whatsapp(api: TwilioApi, url: str) -> dict[str, str]:
    """The environment in which WhatsApp is set up."""
    return {
        "DATABASE_URL": url,
        "PUBLIC_URL": PUBLIC_URL,
        "TWILIO_ACCOUNT_SID": api.account,
        "TWILIO_AUTH_TOKEN": api.token,
        "TWILIO_WHATSAPP_FROM": api.sender,
        "TWILIO_API_URL": api.url,
    }


@pytest.fixture(scope="session")
def prepared() -> Prepared:
    return Prepared()


@pytest.fixture
def town_url(databases: Databases, prepared: Prepared) -> Iterator[str]:
    with databases.filled("sqlite", "with_forms", prepared.fill) as url:
        yield url


def test_the_forms_are_made_and_handed_in_by_an_operator(town_url: str, prepared: Prepared) -> None:
    synced, handed_in, status = prepared.said
    kept = prepared.contents.values()
    assert synced.count("made: ") == len(prepared.contents)
    assert {GENERIC[name].friendly_name for name in GENERIC} <= {one.friendly_name for one in kept}
    assert handed_in.count("handed in: ") == sum(one.status == "approved" for one in kept) > 20
    assert status.endswith("Everything can be said.\n")


# ---- a town, its desk and its phones


@dataclass
class Town:
    """The application as it serves, on a day of ours; the networks are our own."""

    desk: main.Sportello
    api: TwilioApi
    url: str = ""
    loop: asyncio.AbstractEventLoop | None = None

    # ---- it serves

    @contextmanager
    def open(self) -> Iterator["Town"]:
        """Serve until the block ends."""
        port = free_port()
        self.url = self.api.reaches[PUBLIC_URL] = f"http://127.0.0.1:{port}"
        server = uvicorn.Server(
            uvicorn.Config(main.web(self.desk, with_worker=True), port=port, log_level="warning", access_log=False)
        )

        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            await server.serve()

        thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        thread.start()
        waits(lambda: server.started, "the desk opens")
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(10)
            self.desk.close()

    def does(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Something that a worker does, where it does it."""
        assert self.loop
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(A_WHILE)

    def is_at_rest(self) -> bool:
        """Is all that is due on its phone, and has Twilio told us what became of it?"""
        return not self.look(self._any_busy) and not self.api._tasks

    def _any_busy(self, store: Store) -> bool:
        return store.messages.anything_due(self.now, self.desk.clock.real()) or store.messages.any_in_hand()

    def rests(self) -> None:
        waits(self.is_at_rest, "all that is due arrives")

    # ---- its day

    @property
    def now(self) -> datetime:
        return self.desk.clock.now()

    def lives_on(self, by: timedelta) -> None:
        """Time goes by, from one instant at which something is due to the next."""
        self.does(self._lives_until(self.now + by))
        self.rests()

    async def _lives_until(self, until: datetime) -> None:
        worker, clock = self.desk.worker, self.desk.clock
        while True:
            now = clock.now()
            await asyncio.to_thread(worker.plan, now, looks_at_all=True)
            worker.knock()
            await asyncio.to_thread(self.rests)
            if now >= until:
                return
            clock.forward(max(await asyncio.to_thread(self._next, now, until) - clock.now(), timedelta(0)))

    def _next(self, now: datetime, until: datetime) -> datetime:
        return self.look(lambda store: next((one.at for one in coming(store, now, until)), until))  # type: ignore[no-any-return]

    # ---- its books

    def look(self, work: Callable[[Store], Any]) -> Any:
        with self.desk.storage.reading() as store:
            return work(store)

    def change(self, work: Callable[[Store], Any]) -> Any:
        with self.desk.storage.writing() as store:
            return work(store)


@dataclass
class Guest:
    """Somebody with WhatsApp: what they do reaches us as Twilio says it, what we say is on their screen."""

    town: Town
    phone: Phone = field(default_factory=Phone)
    read: int = 0

    def __post_init__(self) -> None:
        self.town.api.phone(self.phone.address)

    @property
    def screen(self) -> list[Received]:
        return self.town.api.phones[self.phone.address].messages

    def sees(self) -> list[Received]:
        """What has come since they last looked."""
        self.town.rests()
        new = self.screen[self.read :]
        self.read = len(self.screen)
        return new

    def writes(self, text: str) -> list[Received]:
        return self._does(self.phone.writes(text, sid=self._kept(text)))

    def writes_and_goes_on(self, text: str) -> None:
        """Without waiting for an answer."""
        self._says(self.phone.writes(text, sid=self._kept(text)))

    def writes_to_nobody(self, text: str) -> None:
        """Two minutes ago, and nobody was there to hear it."""
        at = format_datetime(datetime.now(UTC) - timedelta(minutes=2))
        self._kept(text, date_created=at, date_sent=at)

    def touches(self, label: str, shown: Received | None = None) -> list[Received]:
        """A button, or a line of a list, on the newest message that shows it."""
        shown = shown or next(one for one in reversed(self.screen) if label in one.labels)
        token = shown.rows[shown.labels.index(label)][0]
        do = self.phone.picks if shown.opener else self.phone.taps
        return self._does(do(token, label, shown.sid, sid=self._kept(label)))

    def sends(self, kind: str, content: bytes) -> list[Received]:
        sid = self._kept("", media=[(kind, content)])
        (path,) = (path for path in self.town.api.media if sid in path)
        return self._does(self.phone.sends(kind, f"https://api.twilio.com{path}"))

    def shares_a_place(self) -> list[Received]:
        return self._does(self.phone.shares("44.4949", "11.3426", sid=self._kept("")))

    def _kept(self, body: str, **more: Any) -> str:
        return str(self.town.api.takes_in(self.phone.address, body, **more)["sid"])

    def _does(self, words: Words) -> list[Received]:
        self._says(words)
        return self.sees()

    def _says(self, words: Words) -> None:
        signed = {"X-Twilio-Signature": sign(self.town.api.token, f"{PUBLIC_URL}/twilio/inbound", words.items())}
        with httpx.Client(trust_env=False) as twilio:
            answer = twilio.post(f"{self.town.url}/twilio/inbound", data=words, headers=signed)
        assert (answer.status_code, answer.text) == (200, "<Response/>")

    # ---- as the desk knows them

    def known(self, store: Store) -> Person:
        found = store.people.at("whatsapp", self.phone.address)
        assert found
        return found[1]

    def rows(self) -> list[Message]:
        found = self.town.look(lambda store: store.messages.of(self.known(store).id))
        return [one for one in found if one.direction == "out"]

    def states(self) -> set[str]:
        return {one.state for one in self.rows()}

    def booking(self) -> Any:
        def look(store: Store) -> Any:
            return store.workshops.booking_of(self.known(store).id, workshop_id(store, WORKSHOP))

        return self.town.look(look)

    def has_a_place(self) -> list[Received]:
        """They have written before, are registered, want reminders, and are booked."""
        self.writes("ciao")
        self.town.change(self._arranged)
        self.town.desk.worker.knock()
        return self.sees()

    def _arranged(self, store: Store) -> None:
        person, now = self.known(store), self.town.now
        (chat,) = store.people.identities(person.id)
        home = store.dialogues.get(person.id)
        comune = next(one.istat for one in store.territories.places() if one.name == "Bologna")
        known = {"first_name": "Amina", "birth_year": 1987, "comune_istat": comune, "registered_at": now}
        store.people.change(person.id, **known)
        store.dialogues.save(person.id, **{**at_home(chat.id, now), "version": home.version + 1})
        store.people.record_consent(**agreed(person.id, "it", "whatsapp", now))
        desk = Desk(store, store.people.get(person.id), now, self.town.desk.engine.play.catalogues, chat=chat)
        desk.workshops.book(workshop_id(store, WORKSHOP), or_wait=True)


def desk_of(url: str, api: TwilioApi, clock: Clock, **more: Any) -> main.Sportello:
    settings = Settings(
        database_url=url,
        public_url=PUBLIC_URL,
        secret_key=SecretStr("a-secret-of-this-test"),
        twilio_account_sid=api.account,
        twilio_auth_token=SecretStr(api.token),
        twilio_whatsapp_from=api.sender,
        twilio_api_url=api.url,
        **more,
    )
    desk = main.build(settings, clock)
    desk.deliverer.buckets = Buckets(FAST)
    return desk


@contextmanager
def serving(url: str, prepared: Prepared, **more: Any) -> Iterator[Town]:
    """A town in which everything that WhatsApp has to approve is approved."""
    clock = Clock(MONDAY - datetime.now(UTC))
    with TwilioApi(now=clock.now) as api:
        api.contents, api.reports = copy.deepcopy(prepared.contents), ("sent", "delivered", "read")
        with Town(desk_of(url, api, clock, **more), api).open() as town:
            yield town
            town.rests()
        assert api.violations == []
        assert {answer for _sid, _status, answer in api.posts} <= {200}


@pytest.fixture
def town(town_url: str, prepared: Prepared) -> Iterator[Town]:
    with serving(town_url, prepared) as town:
        yield town


# ---- from a first word to a booked place


YES_NO, CARD = ["Sì", "No"], ["Come arrivo", "Non posso venire"]
PLACE_IN_WORDS = "Via Immaginaria 10, Bologna"
# What is typed, or the label that is touched instead, and the messages that come: the first line and the choices.
WAY: list[tuple[str, str, list[tuple[str, list[str]]]]] = [
    (
        "ciao",
        "",
        [
            ("Ciao. Sono l’assistente di Sportello Lavoro (demo). Sono un programma.", []),
            ("Shall we speak English? Write ENGLISH.", MENU),
        ],
    ),
    ("3", "Formazione", [("Questi laboratori sono gratis. Quale ti interessa?", [WORKSHOP])]),
    ("1", WORKSHOP, [(WORKSHOP, []), ("Prenoto il tuo posto?", YES_NO)]),
    ("1", "Sì", [("Prima mi servono poche cose di te.", [])]),
    ("1987", "", [("Come ti chiami? Basta il nome.", [])]),
    ("Amina", "", [("Amina, in quale comune abiti? Scrivi il nome.", ["Non c’è"])]),
    ("bologna", "", [("Che lavoro cerchi? Scrivi una o due parole.", ["Non lo so ancora"])]),
    ("pulizie", "", [("Quanto capisci l’italiano?", ["Poco", "Così così", "Bene", "È la mia lingua"])]),
    ("2", "Così così", [("Vuoi ricevere qui i promemoria dei tuoi appuntamenti?", YES_NO)]),
    ("1", "Sì", [("Vuoi ricevere qui le nuove offerte adatte a te?", YES_NO)]),
    (
        "2",
        "No",
        [("Grazie, Amina. Iscrizione fatta.", []), (WORKSHOP, []), ("Prenoto il tuo posto?", YES_NO)],
    ),
    ("1", "Sì", [("Amina, il tuo posto c’è.", CARD)]),
    ("1", "Come arrivo", [(PLACE_IN_WORDS, []), (f"Dove: Casa Lumetta, {PLACE_IN_WORDS}", [])]),
]
BOOKED = f"""Amina, il tuo posto c’è.
{WORKSHOP}
lunedì 8 marzo, ore 10:00
Casa Lumetta, {PLACE_IN_WORDS}
È gratis. Se non puoi venire, scegli «Non posso venire».
Ti scrivo il giorno prima.
1. Come arrivo
2. Non posso venire

Scrivi 0 per il menu, PERSONA per una persona."""
TEMPLATE = f"""Ciao, ti scrivo dallo sportello lavoro.
Amina, hai un appuntamento.
Cosa: {WORKSHOP}
Quando: lunedì 8 marzo, ore 10:00
Dove: Casa Lumetta, {PLACE_IN_WORDS}
Vieni?
1. Vengo
2. Non posso venire
3. Parla con qualcuno"""
REMINDER = f"""Amina, hai un appuntamento.
{WORKSHOP}
lunedì 8 marzo, ore 10:00
Casa Lumetta, {PLACE_IN_WORDS}
Vieni?
1. Vengo
2. Non posso venire
3. Parla con qualcuno"""
EXPECTED = "Bene, ti aspettiamo lunedì 8 marzo, ore 10:00."


def heads(news: list[Received]) -> list[tuple[str, list[str]]]:
    return [(first_line(one.text), one.labels) for one in news]


def first_line(text: str) -> str:
    return text.partition("\n")[0]


@pytest.mark.parametrize("way", ["typed", "touched"])
@pytest.mark.parametrize("phone", [Phone(), WITHOUT_NUMBER], ids=["with a number", "with a user name alone"])
def test_from_a_first_word_to_a_yes(town: Town, phone: Phone, way: str) -> None:
    dice, amina = random.Random(way), Guest(town, phone)
    town.api.early, town.api.order = way == "typed", lambda said: dice.sample(said, len(said))
    for typed, label, expected in WAY:
        news = amina.touches(label) if label and way == "touched" else amina.writes(typed)
        assert heads(news) == expected, (typed, label)
        for one in news:
            assert one.opener == ("Scegli" if len(one.labels) > 3 else "")
    card, pin = amina.screen[-3:-1]
    assert card.text == BOOKED
    assert pin.pin == f"geo:{PLACE['latitude']},{PLACE['longitude']}|Casa Lumetta"

    town.lives_on(SIX_DAYS)
    (reminder,) = amina.sees()
    assert (reminder.text, reminder.labels, reminder.template) == (TEMPLATE, COMING, True)
    assert amina.booking().confirmed_at is None
    (thanks,) = amina.touches("Vengo") if way == "touched" else amina.writes("1")
    assert (first_line(thanks.text), thanks.template) == (EXPECTED, False)
    assert amina.booking().confirmed_at
    waits(lambda: amina.states() == {"read"}, "in whatever order the receipts come")
    assert {call["To"] for call in town.api.called("POST")} == {phone.address}


# ---- who has not written for a day


def test_what_is_not_approved_waits_for_their_next_word_and_is_on_the_call_list(town: Town) -> None:
    pending = update(contents).where(contents.c.status == "approved").values(status="pending")
    town.change(lambda store: store.write(pending))
    amina = Guest(town)
    amina.has_a_place()
    town.lives_on(SIX_DAYS)
    assert amina.sees() == []
    assert amina.rows()[-1].reason == "window_shut"
    assert town.look(lambda store: store.cases.open_reasons(amina.known(store).id)) == ["not_delivered"]
    menu, reminder = amina.writes("ciao")
    assert (menu.labels, reminder.text, reminder.labels) == (KNOWN_MENU, REMINDER, COMING)
    assert not reminder.template
    assert heads(amina.touches("Vengo", reminder)) == [(EXPECTED, [])]
    assert amina.booking().confirmed_at


# ---- files, and a pin


def test_their_data_and_their_calendar_are_links_that_open(town: Town) -> None:
    amina = Guest(town)
    amina.has_a_place()
    amina.writes("i miei dati")
    (asked,) = amina.touches("Scaricare i miei dati")
    number = re.search(r"scrivi questo numero: (\d{4})", asked.text)
    assert number
    to_read, for_a_computer = amina.writes(number[1])
    page, data = opens(town, to_read), opens(town, for_a_computer)
    assert "Amina" in page.text and page.headers["content-disposition"].endswith("sportello-data.html")
    assert data.headers["content-type"] == "application/json" and "Amina" in data.text

    amina.writes("agenda")
    amina.writes("1")
    (said,) = amina.touches("Nel mio calendario")
    assert first_line(said.text) == f"Ecco «{WORKSHOP}» per il tuo calendario: apri il file."
    event = opens(town, said)
    assert event.headers["content-type"].startswith("text/calendar")
    assert f"SUMMARY:{WORKSHOP}" in event.text


def opens(town: Town, message: Received) -> httpx.Response:
    """Follow the link at the end of a message, as its phone would."""
    link = message.text.splitlines()[-1]
    assert link.startswith(f"{PUBLIC_URL}/media/sent/") and not message.media
    with httpx.Client(trust_env=False) as browser:
        found = browser.get(link.replace(PUBLIC_URL, town.url))
    assert found.status_code == 200
    return found


def test_a_curriculum_is_kept_deleted_at_twilio_and_can_be_had_back(town: Town) -> None:
    amina = Guest(town)
    amina.has_a_place()
    (thanks,) = amina.sends("application/pdf", files.PDF)
    assert first_line(thanks.text) == "Tengo il tuo file per lo sportello. Una persona lo guarderà."
    town.does(town.desk.worker.files())
    assert town.api.media == {}, "nobody else keeps it"
    (kept,) = town.look(lambda store: store.files.of(amina.known(store).id))
    amina.writes("i miei dati")
    amina.touches("I miei file")
    (back,) = amina.writes("1")
    (link,) = back.media
    assert back.text == f"Ecco il tuo file: file-{kept.id}.pdf", "WhatsApp says no names of files"
    with httpx.Client(trust_env=False) as browser:
        assert browser.get(link.replace(PUBLIC_URL, town.url)).content == files.PDF


def test_a_place_on_the_map_is_answered_in_words(town: Town) -> None:
    amina = Guest(town)
    amina.writes("ciao")
    (answer,) = amina.shares_a_place()
    assert first_line(answer.text) == "Non posso leggere i punti sulla mappa. Scrivi la risposta a parole."
    assert answer.labels == MENU


# ---- what went wrong on the way


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
def test_when_the_answer_is_cut_off_the_message_arrives_once_all_the_same(town: Town, taken: bool, told: bool) -> None:
    town.api.reports = town.api.reports if told else ()
    amina = Guest(town)
    amina.writes("ciao")
    town.api.fails(Fault(hang_up=True, taken=taken))
    news = amina.writes("3")
    if not (taken and told):  # nobody says what became of it: Twilio is asked
        assert (amina.rows()[-1].state, len(news)) == ("uncertain", taken)
        town.change(minutes_pass)
        town.does(town.desk.worker.settling())
        assert town.api.called("GET")
    news += amina.sees()
    assert heads(news) == [("Questi laboratori sono gratis. Quale ti interessa?", [WORKSHOP])]
    waits(lambda: amina.states() == {"read" if told else "sent"}, "nobody doubts any more")
    assert heads(amina.touches(WORKSHOP))[0] == (WORKSHOP, [])


@dataclass
class Process(Program):
    """``sportello serve`` with WhatsApp alone."""

    twilio: TwilioApi = field(default_factory=TwilioApi)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **for_whatsapp(self.twilio, self.url), "TELEGRAM_TOKEN": ""}


def test_killed_while_twilio_answers_the_next_process_asks_and_hears_what_was_said_meanwhile(
    town_url: str, prepared: Prepared, tmp_path: Path
) -> None:
    with TwilioApi() as api:
        api.contents = copy.deepcopy(prepared.contents)
        town = Town(desk_of(town_url, api, Clock()), api)
        program, amina = Process(town_url, BotApi(), "polling", folder=tmp_path, twilio=api), Guest(town)
        program.starts()
        try:
            waits(program.is_ready, "the program starts")
            town.url = api.reaches[PUBLIC_URL] = f"http://127.0.0.1:{program.port}"
            assert heads(amina.writes("ciao"))[-1][1] == MENU
            api.fails(Fault(delay=3, taken=True))
            amina.writes_and_goes_on("aiuto")
            api.waits_for(lambda: len(amina.screen) == 3)
        finally:
            program.is_killed()
        amina.writes_to_nobody("parla con qualcuno")
        town.change(minutes_pass)
        with town.open():
            waits(lambda: amina.rows()[-1].state == "uncertain", "the next process finds it")
            town.change(minutes_pass)
            town.does(town.desk.worker.settling())
            town.does(town.desk.worker.missed())
            assert [head for head, _labels in heads(amina.sees())] == [
                "Sono un programma. Ti aiuto a trovare laboratori, sportelli e risposte.",
                "Ti metto in contatto con una persona. Ti risponde entro 8 ore lavorative.",
            ]
            assert amina.states() == {"sent"}
        assert api.violations == []


def minutes_pass(store: Store) -> None:
    """Leases end, and what is doubted may be asked about."""
    long_ago = datetime.now(UTC) - timedelta(minutes=2)
    store.write(update(messages).where(messages.c.state.in_(IN_FLIGHT)).values(lease_until=long_ago))
    store.write(update(messages).where(messages.c.state == "uncertain").values(retry_at=long_ago))


def test_what_does_not_arrive_falls_over_to_the_other_chat_of_the_same_person(
    town_url: str, prepared: Prepared
) -> None:
    with BotApi() as telegram:
        keys = {"telegram_token": SecretStr(telegram.token), "telegram_api_url": telegram.url}
        with serving(town_url, prepared, **keys) as town:
            amina, other = Guest(town), telegram.phone(7001)
            amina.has_a_place()
            joins(town, amina, telegram, other)
            amina.writes("agenda")  # here they wrote last
            before = len(other.messages)
            town.api.loses(63024)
            town.lives_on(SIX_DAYS)
            assert amina.sees() == []
            (reminder,) = other.messages[before:]
            assert (reminder.text, reminder.labels) == (REMINDER, COMING)
            (lost,) = (one for one in amina.rows() if one.state == "superseded")
            assert (lost.reason, (lost.payload or {})["because"]) == ("other_channel", "unreachable")
            other.taps(0, reminder)
            hears(town, telegram)
            assert first_line(other.messages[-1].text) == EXPECTED
            assert amina.booking().confirmed_at
        assert telegram.violations == []


def joins(town: Town, amina: Guest, telegram: BotApi, other: bot_api.Phone) -> None:
    """Put two chats together, with a code."""
    amina.writes("le mie chat")
    (code,) = (one.text for one in amina.writes("1") if re.fullmatch(r"\w{4}-\w{4}", one.text))
    for words in ("ciao", code, "1"):
        other.writes(words)
        hears(town, telegram)
    assert len(town.look(lambda store: store.people.identities(amina.known(store).id))) == 2
    amina.sees()


def hears(town: Town, telegram: BotApi) -> None:
    waits(lambda: not telegram.waiting, "what is written is heard")
    town.rests()


# ---- stop


def test_after_a_stop_nothing_comes_any_more(town: Town) -> None:
    amina = Guest(town)
    amina.has_a_place()
    (goodbye,) = amina.writes("STOP")
    assert first_line(goodbye.text) == "Va bene. Non ti scrivo più qui."
    assert (goodbye.opener, len(goodbye.labels)) == ("Scegli", 4)
    assert heads(amina.touches("Troppi messaggi")) == [("Grazie per avermelo detto.", [])]
    sent = len(town.api.called("POST"))
    town.lives_on(A_WEEK)
    assert amina.sees() == [] and len(town.api.called("POST")) == sent
    assert heads(amina.writes("ciao")) == [("Bentornata o bentornato.", YES_NO)]
