# SPDX-License-Identifier: EUPL-1.2
"""The whole way to a booked place, through the real program and a Telegram of our own; also when it is killed."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text, update

import storage
from storage import Storage, Store
from storage.messages import IN_FLIGHT
from storage.tables import bookings, dialogues, identities, messages
from tests.channels.bot_api import BotApi, Fault, Phone, Received
from tests.database import Databases

HOUSE = Path(__file__).resolve().parents[1]
FREE_WORDS = {
    "registration.birth_year": "1987",
    "registration.first_name": "Amina",
    "registration.comune": "Bologna",
    "registration.goal": "pulizie",
}
CHOICES = {
    "menu.door": "training",
    "workshops.confirm": "yes",
    "workshops.wait": "no",
    "registration.italian_level": "A2",
    "registration.reminders": "yes",
    "registration.offers": "no",
}
A_WHILE = 60.0  # a busy machine takes its time to start a program again


# ---- the program, as a town would run it


@dataclass
class Program:
    """``sportello serve``, in a process of its own; it can be killed and started again."""

    url: str
    api: BotApi
    mode: str
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    logs: list[Path] = field(default_factory=list)
    folder: Path = Path()

    def environment(self) -> dict[str, str]:
        ours = {
            "DATABASE_URL": self.url,
            "PORT": str(self.port),
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "TELEGRAM_TOKEN": self.api.token,
            "TELEGRAM_MODE": self.mode,
            "TELEGRAM_API_URL": self.api.url,
            "NO_PROXY": "127.0.0.1",
            "PGAPPNAME": "sportello",
        }
        return {**os.environ, **ours}

    def starts(self) -> None:
        self.port = self.port or free_port()
        self.logs.append(self.folder / f"log-{len(self.logs)}")
        with self.logs[-1].open("wb") as log:
            command = [sys.executable, "-m", "bot", "serve"]
            self.process = subprocess.Popen(command, env=self.environment(), cwd=HOUSE, stdout=log, stderr=log)

    def is_ready(self) -> bool:
        with closing(httpx.Client(trust_env=False)) as client:
            try:
                return client.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200
            except httpx.HTTPError:
                return False

    def is_killed(self) -> None:
        """Nothing is closed, nothing is said: the power is gone."""
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def is_told_to_stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def said(self) -> str:
        return "\n".join(log.read_text() for log in self.logs)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def runs(command: str, url: str) -> None:
    """A command of the program, to its end."""
    ours = {**os.environ, "DATABASE_URL": url}
    subprocess.run(
        [sys.executable, "-m", "bot", *command.split()], env=ours, cwd=HOUSE, check=True, capture_output=True
    )


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the demonstration in it, loaded as an operator loads it."""
    path = tmp_path_factory.mktemp("demo") / "sportello.sqlite"
    runs("load bot/demo", f"sqlite:///{path}")
    return path


@contextmanager
def on_sqlite(loaded: Path, databases: Databases, tmp_path: Path) -> Iterator[str]:
    yield f"sqlite:///{shutil.copy(loaded, tmp_path / 'sportello.sqlite')}"


@contextmanager
def on_postgresql(loaded: Path, databases: Databases, tmp_path: Path) -> Iterator[str]:
    with databases.filled("postgresql", "demonstration", lambda found: runs("load bot/demo", found.url)) as url:
        yield url


WAYS = [
    pytest.param(("polling", on_sqlite), id="polling, on SQLite"),
    pytest.param(("webhook", on_postgresql), id="webhook, on PostgreSQL", marks=pytest.mark.postgres),
]


@pytest.fixture(params=WAYS)
def desk(request: pytest.FixtureRequest, loaded: Path, databases: Databases, tmp_path: Path) -> Iterator["Town"]:
    """A town with the program running."""
    mode, database = request.param
    with ExitStack() as stack:
        url = stack.enter_context(database(loaded, databases, tmp_path))
        api = stack.enter_context(BotApi())
        found = stack.enter_context(closing(storage.open(url)))
        town = Town(api, found, Program(url, api, mode, folder=tmp_path))
        town.program.starts()
        try:
            yield town
        finally:
            town.program.is_killed()
            assert api.violations == []


# ---- a town, and people in it who want a place


@dataclass
class Asked:
    """A question that is open, as the books have it."""

    step: str
    id: int
    text: str
    options: list[str]
    state: str


@dataclass
class Town:
    api: BotApi
    found: Storage
    program: Program

    def look(self, work: Callable[[Store], Any]) -> Any:
        with self.found.reading() as store:
            return work(store)

    def rows(self, phone: Phone, direction: str) -> list[Any]:
        mine = (identities.c.address == str(phone.id), messages.c.direction == direction)
        statement = select(messages).join(identities, identities.c.id == messages.c.identity_id).where(*mine)
        return self.look(lambda store: list(store.read(statement.order_by(messages.c.id))))  # type: ignore[no-any-return]

    def version(self, phone: Phone) -> int:
        statement = (
            select(dialogues.c.version)
            .join(identities, identities.c.person_id == dialogues.c.person_id)
            .where(identities.c.address == str(phone.id))
        )
        rows = self.look(lambda store: list(store.read(statement)))
        return int(rows[0][0]) if rows else 0

    def asked(self, phone: Phone) -> Asked | None:
        statement = (
            select(dialogues.c.conversation, dialogues.c.step, messages)
            .join(identities, identities.c.person_id == dialogues.c.person_id)
            .join(messages, messages.c.id == dialogues.c.question_id)
            .where(identities.c.address == str(phone.id))
        )
        rows = self.look(lambda store: list(store.read(statement)))
        if not rows:
            return None
        row = rows[0]
        options = [option["id"] for option in row.options or []]
        return Asked(f"{row.conversation}.{row.step}", row.id, row.text, options, row.state)

    def place(self, phone: Phone) -> str | None:
        """What somebody has by now: a booked place, or none."""
        statement = (
            select(bookings.c.state)
            .join(identities, identities.c.person_id == bookings.c.person_id)
            .where(identities.c.address == str(phone.id))
        )
        rows = self.look(lambda store: list(store.read(statement)))
        assert len(rows) <= 1, "nobody is booked twice"
        return rows[0].state if rows else None

    def minutes_pass(self) -> None:
        """While nobody works, the leases of who was killed come to their end."""
        waits(lambda: self.is_left_alone(), "the database notices that nobody is there any more")
        long_ago = datetime.now(UTC) - timedelta(minutes=2)
        with self.found.writing() as store:
            store.write(update(messages).where(messages.c.state.in_(IN_FLIGHT)).values(lease_until=long_ago))

    def is_left_alone(self) -> bool:
        """A server may still be finishing what was asked of it with the last breath."""
        if self.found.is_sqlite:
            return True
        ours = text(
            "select 1 from pg_stat_activity where datname = current_database() and application_name = 'sportello'"
        )
        with self.found.engine.connect() as connection:
            return connection.execute(ours).first() is None


@dataclass
class Guest:
    """Somebody with a phone, who answers what they see until they have a place: ``way`` is typed, tapped or mixed."""

    town: Town
    phone: Phone
    way: str
    random: random.Random
    moves: int = 0
    refused: int = 0

    def writes(self, words: str) -> None:
        before = self.town.version(self.phone)
        self.phone.writes(words)
        self.is_heard(before)

    def is_heard(self, before: int) -> None:
        """Whatever happens to the program, what was written has its turn in the end."""
        waits(lambda: self.town.version(self.phone) > before, f"{self.phone.first_name} is not heard")

    def sees(self, question: Asked) -> Received | None:
        """The question on the phone; None if it does not show it."""
        mine = [one for one in self.phone.messages if is_it(one, question)]
        return mine[-1] if mine else None

    def looks_at_the_question(self) -> Asked:
        """Wait for the question. One that may have been lost is asked for again, as one would."""
        question = self.town.asked(self.phone)
        if question is None:
            self.writes("ciao")
            return self.looks_at_the_question()

        def is_decided() -> bool:
            current = self.town.asked(self.phone)
            return current is None or self.sees(current) is not None or current.state == "uncertain"

        waits(is_decided, f"{self.phone.first_name} waits for a question")
        question = self.town.asked(self.phone)
        if question is None or self.sees(question) is None:
            self.writes("aiuto")
            return self.looks_at_the_question()
        return question

    def goes_on(self) -> None:
        """One more answer."""
        question = self.looks_at_the_question()
        before = self.town.version(self.phone)
        self.moves += 1
        if question.step in FREE_WORDS:
            self.phone.writes(FREE_WORDS[question.step])
        else:
            self.chooses(question)
        self.is_heard(before)

    def chooses(self, question: Asked) -> None:
        chosen = question.options[self.refused] if question.step == "workshops.choose" else CHOICES[question.step]
        place = question.options.index(chosen)
        self.refused += question.step == "workshops.wait"
        if self.way == "tapped" or (self.way == "mixed" and self.random.random() < 0.5):
            shown = self.sees(question)
            assert shown
            self.phone.taps(place, shown)
        else:
            self.phone.writes(str(place + 1))

    def gets_a_place(self) -> None:
        self.writes("ciao")
        while self.town.place(self.phone) is None:
            self.goes_on()
            assert self.moves < 40, "this never ends"
        assert self.town.place(self.phone) == "booked"


def is_it(shown: Received, question: Asked) -> bool:
    if question.options:
        return any(button["callback_data"] == f"{question.id}.0" for button in shown.buttons)
    return shown.text == question.text


def waits(what: Callable[[], bool], why: str, within: float = A_WHILE) -> None:
    until = time.monotonic() + within
    while not what():
        assert time.monotonic() < until, why
        time.sleep(0.03)


def together(guests: list[Guest]) -> None:
    """All of them at once, each as fast as they can read."""
    failed: list[BaseException] = []

    def goes(guest: Guest) -> None:
        try:
            guest.gets_a_place()
        except BaseException as trouble:
            failed.append(trouble)

    threads = [threading.Thread(target=goes, args=[guest]) for guest in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def guests_of(town: Town, *ways: str, seed: int = 0) -> list[Guest]:
    return [Guest(town, town.api.phone(1000 + n), way, random.Random(seed + n)) for n, way in enumerate(ways)]


def is_all_sent(town: Town, phone: Phone) -> bool:
    return {row.state for row in town.rows(phone, "out")} <= {"sent", "uncertain"}


def all_is_well(town: Town, phone: Phone, kills: int = 0) -> None:
    """Nothing was lost, nothing came twice, and what may have been lost says so."""
    waits(lambda: is_all_sent(town, phone), "something is still on its way")
    written = town.rows(phone, "in")
    assert {row.state for row in written} == {"handled"}
    assert len({row.update_key for row in written}) == len(written)
    out = town.rows(phone, "out")
    uncertain = [row for row in out if row.state == "uncertain"]
    assert len(uncertain) <= kills
    arrived = Counter(one.text for one in phone.messages)
    sent = Counter(row.text.strip() for row in out if row.state == "sent")
    doubtful = Counter(row.text.strip() for row in uncertain)
    assert sent - arrived == Counter(), "what stands as sent has arrived"
    assert arrived - sent - doubtful == Counter(), "nothing has arrived more often than it was sent"
    assert sum(row.kind == "moment" for row in out) == 1  # the card that says: you have a place


# ---- the journey


@pytest.mark.timeout(180)
def test_typed_tapped_and_mixed_it_leads_to_a_booked_place(desk: Town) -> None:
    guests = guests_of(desk, "typed", "tapped", "mixed")
    together(guests)
    for guest in guests:
        all_is_well(desk, guest.phone)
        person = desk.look(lambda store, guest=guest: store.people.at("telegram", str(guest.phone.id)))[1]
        assert (person.first_name, person.birth_year, person.goal) == ("Amina", 1987, "pulizie")
        assert desk.look(lambda store, id=person.id: set(store.people.consents(id))) == {"service_messages"}
    if desk.program.mode == "polling":
        assert desk.api.waiting == []  # all of it is confirmed
    assert desk.program.is_told_to_stop() in (0, -signal.SIGTERM)
    assert troubles(desk.program) == []


def troubles(program: Program) -> list[str]:
    """What the program complained about."""
    lines = [line for line in program.said().splitlines() if line.startswith("{")]
    return [line for line in lines if json.loads(line).get("level") in ("error", "critical")]


@pytest.mark.timeout(120)
def test_a_message_between_two_touches_and_an_update_that_comes_five_times(desk: Town) -> None:
    (guest,) = guests_of(desk, "tapped")
    guest.writes("ciao")
    door = guest.looks_at_the_question()
    before = guest.sees(door)
    assert before

    guest.writes("lingua")  # something else in between
    guest.writes("indietro")
    again = guest.looks_at_the_question()
    assert (again.step, again.id != door.id) == ("menu.door", True)

    heard = desk.version(guest.phone)
    guest.phone.taps(0, before)  # a button of before
    guest.is_heard(heard)
    assert guest.looks_at_the_question().step == "menu.door"

    heard = desk.version(guest.phone)
    shown = guest.sees(guest.looks_at_the_question())
    assert shown
    guest.phone.taps(door.options.index("training"), shown)
    guest.phone.repeat_last(4)
    guest.is_heard(heard)
    assert guest.looks_at_the_question().step == "workshops.choose"
    heard = desk.version(guest.phone)
    guest.phone.writes("1")
    guest.phone.repeat_last(4)
    guest.is_heard(heard)
    guest.looks_at_the_question()
    waits(lambda: len(desk.api.waiting) == 0 or desk.program.mode == "polling", "the repetitions are taken in")
    waits(lambda: is_all_sent(desk, guest.phone), "something is still on its way")
    time.sleep(0.3)  # for an answer too many

    assert desk.version(guest.phone) == heard + 1
    taps = [row for row in desk.rows(guest.phone, "in") if row.kind == "tap"]
    assert len(taps) == 2
    for row in desk.rows(guest.phone, "in"):
        answers = [one for one in desk.rows(guest.phone, "out") if one.reply_to == row.id]
        assert answers and len({one.text for one in answers}) == len(answers)
    arrived = Counter(one.text for one in guest.phone.messages)
    assert arrived == Counter(row.text.strip() for row in desk.rows(guest.phone, "out"))
    answered = [query.answered for query in desk.api.queries.values()]
    assert answered and all(answered)  # no clock stands on a button


# ---- killed


@pytest.mark.timeout(240)
def test_killed_again_and_again_the_journey_still_leads_to_a_booked_place(desk: Town) -> None:
    seed = int(os.environ.get("SPORTELLO_SEED") or random.randrange(10**6))
    print(f"SPORTELLO_SEED={seed}")
    chance = random.Random(seed)
    guests = guests_of(desk, "typed", "tapped", "mixed", seed=seed)
    over = threading.Event()
    kills: list[float] = []
    began = time.monotonic()

    def kills_and_starts_again() -> None:
        while len(kills) < 5 and not over.wait(chance.uniform(0.1, 3.0)):
            waits(lambda: desk.program.is_ready() or over.is_set(), "the program starts")
            if over.wait(chance.uniform(0.0, 1.5)):
                return
            desk.program.is_killed()
            kills.append(round(time.monotonic() - began, 2))
            desk.minutes_pass()
            desk.program.starts()

    killer = threading.Thread(target=kills_and_starts_again)
    killer.start()
    try:
        together(guests)
    finally:
        over.set()
        killer.join(A_WHILE)
        print(f"killed after {kills} seconds")
    assert len(kills) >= 2, "it was over too soon to be killed"
    for guest in guests:
        all_is_well(desk, guest.phone, kills=len(kills))
    if desk.program.mode == "polling":
        waits(lambda: desk.api.waiting == [], "something was never confirmed")


@pytest.mark.timeout(120)
def test_killed_while_it_sends_the_message_stands_as_uncertain_and_is_not_sent_twice(desk: Town) -> None:
    (guest,) = guests_of(desk, "typed")
    guest.writes("ciao")
    guest.looks_at_the_question()
    desk.api.fails(Fault(delay=60, delivered=True))  # it arrives, and nobody says so
    before = len(guest.phone.messages)
    guest.phone.writes("aiuto")
    waits(lambda: len(guest.phone.messages) == before + 1, "the message arrives")
    desk.program.is_killed()
    (row,) = [row for row in desk.rows(guest.phone, "out") if row.state == "sending"]
    desk.minutes_pass()
    desk.program.starts()
    waits(lambda: desk.rows(guest.phone, "out")[-1].state != "sending", "the next worker finds it")
    (found,) = [one for one in desk.rows(guest.phone, "out") if one.id == row.id]
    assert (found.state, found.reason) == ("uncertain", "worker_gone")
    guest.goes_on()  # and the journey goes on
    assert guest.looks_at_the_question().step == "workshops.choose"
    assert Counter(one.text for one in guest.phone.messages)[row.text.strip()] == 1


# ---- told to stop


@pytest.mark.timeout(60)
def test_told_to_stop_it_lets_arrive_what_is_on_its_way(desk: Town) -> None:
    (guest,) = guests_of(desk, "typed")
    guest.writes("ciao")
    guest.looks_at_the_question()
    desk.api.fails(Fault(delay=1.0, delivered=True))
    before = len(guest.phone.messages)
    guest.phone.writes("aiuto")
    waits(lambda: len(guest.phone.messages) == before + 1, "the message arrives")
    assert desk.program.is_told_to_stop() in (0, -signal.SIGTERM)
    assert {row.state for row in desk.rows(guest.phone, "out")} == {"sent"}
    assert troubles(desk.program) == []
    desk.program.starts()
    guest.goes_on()  # and goes on where it was
    assert guest.looks_at_the_question().step == "workshops.choose"
