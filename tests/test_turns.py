# SPDX-License-Identifier: EUPL-1.2
"""One message, one turn: what fails is kept and tried again, what comes twice counts once, nothing is half-done."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, func, insert, select, text

from bot.clock import Clock
from bot.main import Sportello
from handlers.context import Context
from handlers.conversations.help import help
from handlers.conversations.language import language
from handlers.conversations.menu import Draft as Empty
from handlers.conversations.person import person
from handlers.conversations.privacy import privacy
from handlers.conversations.start import start
from handlers.conversations.stop import stop
from handlers.engine import RETRIES
from handlers.engine.turn import Play
from handlers.talk import (
    Answer,
    Asking,
    BirthYear,
    Choice,
    Choosable,
    Conversation,
    Incoming,
    Move,
    Name,
    Sentence,
    Step,
    Tap,
    YesNo,
    _,
    done,
    go,
)
from handlers.talk.catalogues import Catalogues
from storage import Store, Unavailable
from storage.messages import Message
from storage.tables import cases, consents, identities, messages, people
from tests.database import Databases
from tests.stage import Stage, perform, taps

SORRY = (
    "Sportello to Amina: I am sorry: something did not work with your last message. "
    "A person of the desk will look at it."
)
A_SECOND = timedelta(seconds=1)


class OutOfSorts(Exception):
    """What a step raises in these tests."""


@dataclass
class Mood:
    """How a step feels: it fails so many times; or on these words, always."""

    failures: int = 0
    cannot_bear: str = ""
    heard: list[str] = field(default_factory=list)

    def bear(self, words: str) -> None:
        self.heard.append(words)
        if self.failures or words == self.cannot_bear:
            self.failures = max(0, self.failures - 1)
            raise OutOfSorts(words)


def diary(mood: Mood) -> Play:
    """A desk that writes down whatever it is told, and asks for more."""
    menu = Conversation("menu", Empty)

    @menu.starts
    @menu.step
    def note(c: Context) -> Asking:
        words = yield c.ask(_("What happened?"), Sentence())
        c.desk.store.questions.set("last", words)
        c.desk.cases.open(f"note {words}")
        mood.bear(words)
        c.say(f"Noted: {words}")
        return note

    return Play.of([menu, help, language, person, privacy, start, stop], Catalogues(), "1")


@pytest.fixture
def mood() -> Mood:
    return Mood()


@pytest.fixture
def stage(town_url: str, mood: Mood) -> Iterator[Stage]:
    """Amina has said hello to the desk that keeps a diary."""
    with closing(Stage(town_url, play=diary(mood))) as stage:
        meets(stage, "Amina")
        yield stage


def meets(stage: Stage, who: str) -> None:
    perform(stage, f"{who} is registered, and speaks English")
    stage.sends(who, "ciao")
    stage.heard()


def seconds_pass(stage: Stage, seconds: float) -> None:
    """Real time goes by, and a worker looks for turns that failed."""
    stage.now += timedelta(seconds=seconds)
    stage.played(lambda desk: desk.engine.retry())


def rows(stage: Stage, who: str = "Amina") -> list[Any]:
    """What somebody wrote, as it stands in the books."""

    def look(store: Store) -> list[Any]:
        of_theirs = (messages.c.person_id == stage.person(store, who).id, messages.c.direction == "in")
        return list(store.read(select(messages).where(*of_theirs).order_by(messages.c.id)))

    return stage.with_store(look)  # type: ignore[no-any-return]


def states(stage: Stage, who: str = "Amina") -> dict[str, str]:
    return {row.text: row.state for row in rows(stage, who) if row.text != "ciao"}


def notes(stage: Stage) -> list[str]:
    """The words of hers that have had their effect."""
    found = stage.with_store(lambda store: store.read(select(cases.c.reason).order_by(cases.c.id)))
    return [row.reason.removeprefix("note ") for row in found if row.reason.startswith("note ")]


def noted(stage: Stage) -> list[str]:
    """What she was told, since the last time, that was written down."""
    return [line.partition("Noted: ")[2] for line in stage.heard() if "Noted: " in line]


def messages_in(lines: list[str]) -> int:
    return sum(line.startswith("Sportello to ") for line in lines)


def asked(stage: Stage, who: str = "Amina") -> str:
    return stage.shown_to(who)[-1].text


# ---- a turn that fails


def test_a_turn_that_fails_is_kept_and_nothing_of_it_is_done(stage: Stage, mood: Mood) -> None:
    before = stage.with_store(lambda store: store.dialogues.get(stage.person(store, "Amina").id))
    mood.failures = 1
    stage.sends("Amina", "rain")
    row = rows(stage)[-1]
    assert (row.text, row.state, row.reason, row.attempts) == ("rain", "failed", "OutOfSorts", 1)
    assert row.retry_at == stage.now + A_SECOND
    assert notes(stage) == [] and stage.heard() == []
    after = stage.with_store(lambda store: store.dialogues.get(stage.person(store, "Amina").id))
    assert after == replace(before, heard_id=after.heard_id, heard_at=after.heard_at)  # that they wrote is known
    assert "last" not in stage.with_store(lambda store: store.questions.settings())


def test_it_is_tried_again_after_a_second_and_not_before(stage: Stage, mood: Mood) -> None:
    mood.failures = 1
    stage.sends("Amina", "rain")
    seconds_pass(stage, 0.9)
    assert mood.heard == ["rain"]
    seconds_pass(stage, 0.1)
    assert mood.heard == ["rain", "rain"]
    assert noted(stage) == notes(stage) == ["rain"]
    row = rows(stage)[-1]
    assert (row.state, row.reason, row.retry_at) == ("handled", None, None)


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_it_is_tried_three_times_more_ever_later(stage: Stage, mood: Mood, failures: int) -> None:
    assert [wait.total_seconds() for wait in RETRIES] == [1, 4, 15]
    mood.failures = failures
    stage.sends("Amina", "rain")
    for number, wait in enumerate((1, 4, 15)[:failures], start=1):
        assert rows(stage)[-1].attempts == number
        assert rows(stage)[-1].retry_at == stage.now + timedelta(seconds=wait)
        seconds_pass(stage, wait - 0.1)
        assert len(mood.heard) == number
        seconds_pass(stage, 0.1)
        assert len(mood.heard) == number + 1
    assert rows(stage)[-1].state == "handled"
    assert noted(stage) == notes(stage) == ["rain"]


def test_what_fails_four_times_goes_to_a_person_and_she_is_told_once(stage: Stage, mood: Mood) -> None:
    mood.cannot_bear = "rain"
    stage.sends("Amina", "rain")
    for wait in (1, 4, 15):
        assert stage.heard() == []
        seconds_pass(stage, wait)
    assert mood.heard == ["rain"] * 4
    assert stage.heard() == [SORRY]
    row = rows(stage)[-1]
    assert (row.state, row.reason, row.retry_at) == ("given_up", "OutOfSorts", None)
    assert open_case(stage).message_id == row.id
    for _minute in range(3):
        seconds_pass(stage, 60)
    assert (mood.heard, stage.heard(), notes(stage)) == (["rain"] * 4, [], [])


def open_case(stage: Stage) -> Any:
    (found,) = stage.with_store(lambda store: store.read(select(cases).where(cases.c.reason == "failed_turn")))
    return found


def test_two_messages_that_nobody_could_answer_are_one_case_and_two_apologies(stage: Stage, mood: Mood) -> None:
    mood.cannot_bear = "rain"
    for _time in range(2):
        stage.sends("Amina", "rain")
        for wait in (1, 4, 15):
            seconds_pass(stage, wait)
    assert stage.heard() == [SORRY, SORRY]
    assert open_case(stage)


def test_the_conversation_goes_on_from_where_it_was(stage: Stage, mood: Mood) -> None:
    mood.cannot_bear = "rain"
    stage.sends("Amina", "rain")
    for wait in (1, 4, 15):
        seconds_pass(stage, wait)
    stage.heard()
    stage.sends("Amina", "sun")
    assert noted(stage) == notes(stage) == ["sun"]


def test_the_very_first_message_of_somebody_may_fail_and_they_are_greeted_all_the_same(
    stage: Stage, mood: Mood
) -> None:
    menu = stage.play.conversations["menu"] if stage.play else None
    assert menu
    moods = iter([OutOfSorts("hello")])

    @menu.starts
    def sulks_once(c: Context) -> Step:
        for trouble in moods:
            raise trouble
        return menu.steps["note"]

    stage.play = Play.of([menu, greeting()], Catalogues(), "1")
    stage.languages["Luca"] = "en"
    stage.sends("Luca", "hello")
    assert stage.heard() == []
    seconds_pass(stage, 1)
    assert "Welcome." in asked(stage, "Luca") and "What happened?" in asked(stage, "Luca")
    assert len(stage.shown_to("Luca")) == 1


def greeting() -> Conversation:
    """The first words that somebody hears."""
    hello = Conversation("hello", Empty)

    @hello.starts
    def welcome(c: Context) -> Move:
        c.say("Welcome.")
        return done()

    return hello


# ---- what is written meanwhile


def test_what_she_writes_meanwhile_waits_and_is_played_in_order(stage: Stage, mood: Mood) -> None:
    mood.failures = 1
    for words in ("rain", "snow", "hail"):
        stage.sends("Amina", words)
    assert states(stage) == {"rain": "failed", "snow": "waiting", "hail": "waiting"}
    assert mood.heard == ["rain"] and stage.heard() == []
    seconds_pass(stage, 1)
    assert states(stage) == dict.fromkeys(("rain", "snow", "hail"), "handled")
    assert noted(stage) == notes(stage) == ["rain", "snow", "hail"]


def test_one_of_those_that_waited_may_fail_itself_and_the_others_wait_on(stage: Stage, mood: Mood) -> None:
    mood.failures = 1
    stage.sends("Amina", "rain")
    stage.sends("Amina", "snow")
    stage.sends("Amina", "hail")
    mood.cannot_bear = "snow"
    seconds_pass(stage, 1)
    assert states(stage) == {"rain": "handled", "snow": "failed", "hail": "waiting"}
    assert rows(stage)[-2].retry_at == stage.now + A_SECOND  # its own three tries begin
    mood.cannot_bear = ""
    seconds_pass(stage, 1)
    assert noted(stage) == ["rain", "snow", "hail"]


def test_after_the_last_try_those_behind_it_have_their_turn(stage: Stage, mood: Mood) -> None:
    mood.cannot_bear = "rain"
    for words in ("rain", "snow", "hail"):
        stage.sends("Amina", words)
    for wait in (1, 4, 15):
        seconds_pass(stage, wait)
    assert states(stage) == {"rain": "given_up", "snow": "handled", "hail": "handled"}
    said = stage.heard()
    assert said[0] == SORRY
    assert [line.partition("Noted: ")[2] for line in said if "Noted: " in line] == ["snow", "hail"]


def test_nobody_else_waits(stage: Stage, mood: Mood) -> None:
    meets(stage, "Luca")
    mood.cannot_bear = "rain"
    stage.sends("Amina", "rain")
    stage.sends("Luca", "sun")
    assert states(stage, "Luca") == {"sun": "handled"}
    assert noted(stage) == ["sun"]


def test_news_about_the_chat_does_not_wait(stage: Stage, mood: Mood) -> None:
    mood.cannot_bear = "rain"
    stage.sends("Amina", "rain")
    stage.sends("Amina", kind="blocked")
    identity = stage.with_store(lambda store: store.people.identities(stage.person(store, "Amina").id)[0])
    assert identity.blocked_at == stage.now
    assert rows(stage)[-1].state == "handled"


# ---- a retry never meets another dialogue than the message did


def test_a_retry_never_runs_once_the_dialogue_has_moved_on(stage: Stage, mood: Mood) -> None:
    mood.failures = 1
    stage.sends("Amina", "rain")

    def moves_on(store: Store) -> None:
        found = store.dialogues.get(stage.person(store, "Amina").id)
        kept = {name: getattr(found, name) for name in type(found).__dataclass_fields__ if name != "person_id"}
        store.dialogues.save(found.person_id, **{**kept, "version": found.version + 1})

    stage.with_store(moves_on)
    seconds_pass(stage, 1)
    assert mood.heard == ["rain"]  # only the first time
    assert (rows(stage)[-1].state, rows(stage)[-1].reason) == ("given_up", "dialogue_moved_on")
    assert open_case(stage).message_id == rows(stage)[-1].id
    assert stage.heard() == [SORRY]


def test_stop_goes_ahead_of_what_waits_and_after_it_nothing_comes(stage: Stage, mood: Mood) -> None:
    mood.cannot_bear = "rain"
    stage.sends("Amina", "rain")
    stage.now += A_SECOND / 4
    stage.sends("Amina", "snow")
    stage.now += A_SECOND / 4
    stage.sends("Amina", "stop")
    assert states(stage) == {"rain": "failed", "snow": "waiting", "stop": "handled"}
    assert messages_in(stage.heard()) == 1  # all right, I will not write to you
    for wait in (1, 4, 15, 60):
        seconds_pass(stage, wait)
    assert stage.heard() == []
    assert mood.heard == ["rain"] and notes(stage) == []
    assert not {"failed", "waiting"} & set(states(stage).values())  # and nothing waits for ever
    assert open_case(stage)  # but a person knows that something she wrote was not done


def test_who_said_stop_long_ago_and_writes_again_is_told_when_it_does_not_work(stage: Stage, mood: Mood) -> None:
    stage.sends("Amina", "stop")
    stage.now += timedelta(days=1)
    stage.heard()
    broken = Conversation("start", Empty)
    broken.starts(lambda c: 1 / 0)
    assert stage.play
    stage.play = replace(stage.play, conversations={**stage.play.conversations, "start": broken})
    stage.sends("Amina", "hello")
    for wait in (1, 4, 15):
        seconds_pass(stage, wait)
    assert stage.heard() == [SORRY]


# ---- several workers


class Meeting(Clock):
    """A clock at which workers meet before they go on."""

    def __init__(self, now: datetime, workers: int) -> None:
        super().__init__(real=lambda: now)
        self.barrier = threading.Barrier(workers)

    def real(self) -> datetime:
        if self.barrier and not threading.current_thread().__dict__.get("met"):
            threading.current_thread().__dict__["met"] = True
            self.barrier.wait(10)
        return super().real()


def test_two_workers_that_retry_at_once_try_once(stage: Stage, mood: Mood) -> None:
    mood.cannot_bear = "rain"
    stage.sends("Amina", "rain")
    stage.now += A_SECOND

    def at_once(desk: Sportello) -> None:
        desk.engine.clock = Meeting(stage.now, 2)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _worker: desk.engine.retry(), range(2)))

    stage.played(at_once)
    assert mood.heard == ["rain", "rain"]
    assert (rows(stage)[-1].state, rows(stage)[-1].attempts) == ("failed", 2)


def at_once(stage: Stage, *received: Incoming) -> None:
    """Several messages reach one desk in the same instant, each on a thread of its own."""
    gate = threading.Barrier(len(received))

    def hears(desk: Sportello, message: Incoming) -> None:
        gate.wait(10)
        desk.engine.hear([message])

    def all_hear(desk: Sportello) -> None:
        with ThreadPoolExecutor(len(received)) as pool:
            list(pool.map(lambda message: hears(desk, message), received))

    stage.played(all_hear)


def from_amina(stage: Stage, number: str, words: str = "", **more: Any) -> Incoming:
    message = Incoming(stage.address("Amina"), number, stage.now, message_id=f"m{number}", text=words, language="en")
    return replace(message, **more)


def test_a_message_that_comes_while_the_one_before_fails_waits_behind_it(stage: Stage, mood: Mood) -> None:
    """The second is already knocking when the first one fails; it must see that when it is let in."""
    inside, may_fail = threading.Event(), threading.Event()

    def bear(words: str) -> None:
        Mood.bear(mood, words)
        if words == "rain" and len(mood.heard) == 1:
            inside.set()
            may_fail.wait(10)
            raise OutOfSorts(words)

    mood.bear = bear  # type: ignore[method-assign]

    def overlap(desk: Sportello) -> None:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(desk.engine.hear, [from_amina(stage, "1", "rain")])
            assert inside.wait(10)
            second = pool.submit(desk.engine.hear, [from_amina(stage, "2", "snow")])
            with pytest.raises(TimeoutError):
                second.result(0.4)  # it stands at the lock
            may_fail.set()
            first.result(10)
            second.result(10)

    stage.played(overlap)
    assert states(stage) == {"rain": "failed", "snow": "waiting"}
    seconds_pass(stage, 1)
    assert noted(stage) == ["rain", "snow"]


def test_whatever_fails_and_whoever_tries_again_nothing_is_lost_and_nothing_done_twice(
    stage: Stage, mood: Mood
) -> None:
    """Two threads take in what she writes, two try again what failed, and every third turn fails."""
    chance, lock, written = random.Random(7), threading.Lock(), threading.Event()
    words = [[f"{who}{n}" for n in range(12)] for who in ("a", "b")]
    passed = itertools.count()

    def bear(said: str) -> None:
        with lock:
            fails = chance.random() < 1 / 3
        if fails:
            raise OutOfSorts(said)

    def writes(desk: Sportello, whose: list[str]) -> None:
        for said in whose:
            desk.engine.hear([from_amina(stage, said, said)])

    def tries_again(desk: Sportello) -> None:
        while not written.is_set() or desk.engine.retry():
            desk.engine.retry()

    def all_at_once(desk: Sportello) -> None:
        desk.engine.clock = Clock(real=lambda: stage.now + 20 * A_SECOND * next(passed))
        with ThreadPoolExecutor(4) as pool:
            workers = [pool.submit(tries_again, desk) for _ in range(2)]
            for writer in [pool.submit(writes, desk, whose) for whose in words]:
                writer.result(60)
            written.set()
            for worker in workers:
                worker.result(60)

    mood.bear = bear  # type: ignore[method-assign]
    stage.played(all_at_once)
    stage.now += timedelta(days=1)
    stage.played(lambda desk: desk.engine.retry())
    found = states(stage)
    assert set(found.values()) <= {"handled", "given_up"}
    done = [said for said in noted(stage) if said]
    assert sorted(done) == sorted(said for said, state in found.items() if state == "handled")
    for whose in words:  # what each thread brought was done in its order
        assert [said for said in done if said in whose] == [said for said in whose if said in done]


# ---- the database is down


def test_a_database_that_goes_away_in_a_turn_keeps_nothing_and_says_so(
    stage: Stage, mood: Mood, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the network is told to bring the message again; the second time it is as if it were the first."""
    message = from_amina(stage, "1", "rain")
    went_away: list[str] = []
    menu = stage.play.conversations["menu"] if stage.play else None
    assert menu
    note = menu.steps["note"]

    def on_a_bad_day(c: Context) -> Asking:
        words = yield c.ask(_("What happened?"), Sentence())
        c.desk.cases.open("note half of it")
        if not went_away:
            went_away.append(words)
            takes_away(c.desk.store, stage.url)
        c.desk.cases.open(f"note {words}")
        return note

    monkeypatch.setitem(menu.steps, "note", replace(note, body=on_a_bad_day))

    def hears(desk: Sportello) -> None:
        with pytest.raises(Unavailable):
            desk.engine.hear([message])
        assert [row.text for row in rows(stage)] == ["ciao"]
        assert notes(stage) == []
        desk.engine.hear([message])

    stage.played(hears)
    assert went_away == ["rain"]
    assert notes(stage) == ["half of it", "rain"]
    assert states(stage) == {"rain": "handled"}


def takes_away(store: Store, url: str) -> None:
    """The server ends our connection; a file has no room left."""
    if store.is_postgresql:
        ours = store.read(select(func.pg_backend_pid()))[0][0]
        other = create_engine(url)
        with other.connect() as connection:
            connection.execute(text("select pg_terminate_backend(:ours)"), {"ours": ours})
        other.dispose()
        store.read(select(people.c.id))
    else:
        cursor = store.connection.connection.cursor()
        (pages,) = cursor.execute("pragma page_count").fetchone()
        cursor.execute(f"pragma max_page_count = {pages}")
        try:
            store.questions.set("a book", "x" * 1_000_000)
        finally:
            cursor.execute("pragma max_page_count = 4294967294")
    raise AssertionError("nothing was taken away")


@pytest.mark.postgres
def test_messages_before_the_one_that_could_not_be_kept_stay_kept(stage: Stage, mood: Mood) -> None:
    """One batch, each message in a transaction of its own: brought again, the first is known and the rest is new."""
    batch = [from_amina(stage, "1", "rain"), from_amina(stage, "2", "snow")]
    original = stage.play

    def hears(desk: Sportello) -> None:
        keep = desk.engine._keep
        desk.engine._keep = lambda store, message, *rest, **more: (  # type: ignore[method-assign]
            unavailable() if message.update_id == "2" else keep(store, message, *rest, **more)
        )
        with pytest.raises(Unavailable):
            desk.engine.hear(batch)
        del desk.engine._keep
        desk.engine.hear(batch)

    stage.played(hears)
    assert stage.play is original
    assert notes(stage) == noted(stage) == ["rain", "snow"]


def unavailable() -> int:
    raise Unavailable("the line is cut")


# ---- what comes twice


def test_the_same_update_is_taken_in_once(stage: Stage, mood: Mood) -> None:
    for _time in range(5):
        stage.hears(from_amina(stage, "1", "rain"))
    assert noted(stage) == notes(stage) == ["rain"]
    assert len(rows(stage)) == 2


def test_the_same_message_in_another_update_is_taken_in_once(stage: Stage, mood: Mood) -> None:
    stage.hears(from_amina(stage, "1", "rain"))
    stage.hears(from_amina(stage, "2", "rain", message_id="m1"))
    assert noted(stage) == ["rain"]


def test_another_message_in_the_same_update_is_taken_in_once(stage: Stage, mood: Mood) -> None:
    stage.hears(from_amina(stage, "1", "rain"))
    stage.hears(from_amina(stage, "1", "snow", message_id="m2"))
    assert noted(stage) == ["rain"]


def test_updates_and_messages_are_counted_apart(stage: Stage, mood: Mood) -> None:
    """A number that was an update's may be a message's."""
    stage.hears(from_amina(stage, "1", "rain", message_id="2"))
    stage.hears(from_amina(stage, "2", "snow", message_id="1"))
    stage.hears(from_amina(stage, "3", "hail", message_id=None))
    stage.hears(from_amina(stage, "4", "wind", message_id=None))
    assert noted(stage) == ["rain", "snow", "hail", "wind"]


def test_two_networks_may_use_the_same_numbers(stage: Stage, mood: Mood) -> None:
    stage.hears(from_amina(stage, "1", "rain"))
    with closing(on_whatsapp_too(stage)) as other:
        other.hears(replace(from_amina(stage, "1", "snow"), sender=other.address("Amina")))
        other.hears(replace(from_amina(stage, "2", "hail"), sender=other.address("Amina")))
    assert notes(stage) == ["rain", "hail"]  # "snow" only brought the question to that chat


def test_what_failed_and_comes_again_is_not_taken_in_again(stage: Stage, mood: Mood) -> None:
    mood.failures = 1
    for _time in range(3):
        stage.hears(from_amina(stage, "1", "rain"))
    assert mood.heard == ["rain"]
    seconds_pass(stage, 1)
    assert noted(stage) == ["rain"]


def test_the_same_update_five_times_at_once_is_taken_in_once(stage: Stage, mood: Mood) -> None:
    at_once(stage, *[from_amina(stage, "1", "rain")] * 5)
    assert noted(stage) == notes(stage) == ["rain"]


def test_somebody_new_who_writes_five_things_at_once_is_one_person(stage: Stage, mood: Mood) -> None:
    assert stage.play
    stage.play = replace(stage.play, conversations={**stage.play.conversations, "hello": greeting()})
    luca = stage.address("Luca")
    at_once(stage, *(replace(from_amina(stage, f"l{n}", f"word {n}"), sender=luca) for n in range(5)))
    assert stage.with_store(lambda store: len(store.read(select(identities)))) == 2
    assert stage.with_store(lambda store: len(store.read(select(people).where(people.c.code.is_(None))))) == 2
    assert sorted(states(stage, "Luca").values()) == ["handled"] * 5
    assert sum("Welcome." in line for line in stage.heard()) == 1


# ---- a form

RECORDED = "recorded"


def form(*questions: tuple[str, str, Answer], keeps: bool = True) -> Play:
    """A desk whose menu leads straight to a form."""
    registration = Conversation("registration", Filled, keeps=keeps, words=None)

    def onward(c: Context) -> Step:
        still_open = (name for name, _words, _answer in questions if getattr(c.draft, name) is None)
        return registration.steps[next(still_open, "finish")]

    for name, words, answer in questions:
        registration.step(asking(name, words, answer, onward))

    @registration.step
    def finish(c: Context) -> Move:
        c.desk.store.questions.set(RECORDED, {name: getattr(c.draft, name) for name, _words, _answer in questions})
        return done(_("That is all."))

    registration.starts(onward)
    menu = Conversation("menu", Empty)

    @menu.starts
    @menu.step
    def door(c: Context) -> Asking:
        chosen = yield c.ask(_("What do you need?"), Choice((Choosable("registration", "The form"),)))
        return go(chosen)

    return Play.of([menu, registration, help, language, person, privacy, start, stop], Catalogues(), "1")


@dataclass
class Filled:
    name: str | None = None
    year: int | None = None
    work: str | None = None
    sure: bool | None = None
    again: bool | None = None


def asking(name: str, words: str, answer: Answer, onward: Callable[[Context], Step]) -> Callable[[Context], Asking]:
    def body(c: Context) -> Asking:
        setattr(c.draft, name, (yield c.ask(words, answer)))
        return onward(c)

    body.__name__ = name
    return body


NAME = ("name", "What is your name?", Name())
YEAR = ("year", "What year were you born?", BirthYear())
WORK = ("work", "What do you look for?", Choice((Choosable("kitchen", "In a kitchen"), Choosable("shop", "In a shop"))))
SURE = ("sure", "Are you sure?", YesNo())
AGAIN = ("again", "Really?", YesNo())


@pytest.fixture
def quiet_url(databases: Databases) -> Iterator[str]:
    """Where one message follows the other, one engine is as good as the other; transcripts are played on both."""
    with databases.town("sqlite") as url:
        yield url


@pytest.fixture
def filling(quiet_url: str) -> Iterator[Stage]:
    with filling_in(quiet_url) as stage:
        yield stage


@pytest.fixture
def in_a_hurry(town_url: str) -> Iterator[Stage]:
    with filling_in(town_url) as stage:
        yield stage


@contextmanager
def filling_in(url: str) -> Iterator[Stage]:
    """Amina has the first question of a form on her screen."""
    with closing(Stage(url, play=form(NAME, YEAR, WORK, SURE))) as stage:
        meets(stage, "Amina")
        stage.sends("Amina", "1")
        stage.heard()
        yield stage


def recorded(stage: Stage) -> dict[str, Any] | None:
    return stage.with_store(lambda store: store.questions.settings().get(RECORDED))  # type: ignore[no-any-return]


def draft(stage: Stage) -> dict[str, Any]:
    return stage.with_store(lambda store: store.dialogues.get(stage.person(store, "Amina").id).draft)  # type: ignore[no-any-return]


def says(stage: Stage, *lines: str) -> None:
    for line in lines:
        stage.sends("Amina", line)


def test_back_clears_what_the_step_before_wrote_and_asks_it_again(filling: Stage) -> None:
    says(filling, "Amina", "1998")
    assert draft(filling) == {"name": "Amina", "year": 1998}
    says(filling, "back")
    assert draft(filling) == {"name": "Amina"}
    assert YEAR[1] in asked(filling)
    says(filling, "back")
    assert draft(filling) == {}
    assert NAME[1] in asked(filling)
    says(filling, "Amira", "1999", "2", "yes")
    assert recorded(filling) == {"name": "Amira", "year": 1999, "work": "shop", "sure": True}


def test_back_at_the_first_question_leads_to_the_menu(filling: Stage) -> None:
    says(filling, "back")
    assert "What do you need?" in asked(filling)


def test_back_does_not_undo_what_was_done_at_the_desk(stage: Stage, mood: Mood) -> None:
    says(stage, "rain", "back")
    assert notes(stage) == ["rain"]
    assert "What happened?" in asked(stage)


@pytest.mark.parametrize("word", ["help", "privacy", "person", "language", "english"])
def test_an_interrupted_question_is_asked_again(filling: Stage, word: str) -> None:
    says(filling, "Amina")
    filling.heard()
    says(filling, word)
    if word == "language":
        taps(filling, "Amina", "English")
    assert YEAR[1] in asked(filling)
    says(filling, "1998", "1", "yes")
    assert recorded(filling) == {"name": "Amina", "year": 1998, "work": "kitchen", "sure": True}


def test_a_question_interrupted_by_what_nobody_can_read_is_asked_again(filling: Stage) -> None:
    says(filling, "Amina")
    for kind in ("photo", "voice", "sticker", "edited"):
        filling.sends("Amina", kind=kind)
        assert YEAR[1] in asked(filling)
    assert draft(filling) == {"name": "Amina"}


# ---- a tap and a message


def test_a_late_tap_is_told_so_and_changes_nothing(filling: Stage) -> None:
    says(filling, "Amina", "1998", "1")
    taps(filling, "Amina", "In a shop")
    assert "That button belongs to an earlier message." in asked(filling) and SURE[1] in asked(filling)
    assert draft(filling)["work"] == "kitchen"
    says(filling, "yes")
    assert recorded(filling) == {"name": "Amina", "year": 1998, "work": "kitchen", "sure": True}


@pytest.mark.parametrize("tap", [None, Tap(10**9, 0), Tap(1, 0), Tap(1, 99)])
def test_a_tap_on_what_was_never_shown_changes_nothing(filling: Stage, tap: Tap | None) -> None:
    filling.sends("Amina", kind="tap", tap=tap)
    assert "That button belongs to an earlier message." in asked(filling)
    assert NAME[1] in asked(filling) and draft(filling) == {}


def test_a_tap_on_somebody_elses_button_changes_nothing(filling: Stage) -> None:
    says(filling, "Amina", "1998")
    meets(filling, "Luca")
    shown = filling.shown_to("Amina")[-1]
    filling.sends("Luca", kind="tap", tap=Tap(shown.id, 0))
    assert WORK[1] in asked(filling)
    assert "work" not in draft(filling)
    assert "That button belongs to an earlier message." in asked(filling, "Luca")


def test_a_tap_and_a_message_at_once_are_two_turns_one_after_the_other(in_a_hurry: Stage) -> None:
    says(in_a_hurry, "Amina", "1998")
    shown = in_a_hurry.shown_to("Amina")[-1]
    tap = from_amina(in_a_hurry, "t1", kind="tap", tap=Tap(shown.id, 1))
    at_once(in_a_hurry, tap, from_amina(in_a_hurry, "w1", "In a kitchen"))
    assert all(row.state == "handled" for row in rows(in_a_hurry))
    if draft(in_a_hurry)["work"] == "shop":  # the tap came first; the words were then no answer to the next question
        assert SURE[1] in asked(in_a_hurry)
    else:
        assert draft(in_a_hurry)["work"] == "kitchen"
        assert "That button belongs to an earlier message." in asked(in_a_hurry)
    assert in_a_hurry.shown_to("Amina")[-1].text.count(SURE[1]) == 1
    says(in_a_hurry, "yes")
    assert recorded(in_a_hurry)


@pytest.mark.parametrize("_time", range(3))
def test_two_numbers_typed_at_once_answer_two_questions(town_url: str, _time: int) -> None:
    """The second is read against the choices of the question that the first one led to."""
    with closing(Stage(town_url, play=form(SURE, AGAIN))) as stage:
        meets(stage, "Amina")
        says(stage, "1")
        at_once(stage, from_amina(stage, "w1", "1"), from_amina(stage, "w2", "1"))
        assert recorded(stage) == {"sure": True, "again": True}
        assert [row.state for row in rows(stage)] == ["handled"] * 4


def test_two_taps_on_one_button_at_once_are_one_answer(town_url: str) -> None:
    with closing(Stage(town_url, play=form(SURE, AGAIN))) as stage:
        meets(stage, "Amina")
        says(stage, "1")
        shown = stage.shown_to("Amina")[-1]
        at_once(stage, *(from_amina(stage, f"t{n}", kind="tap", tap=Tap(shown.id, 0)) for n in range(2)))
        assert draft(stage) == {"sure": True}
        assert AGAIN[1] in asked(stage)


# ---- days later


def test_a_form_left_alone_goes_on_within_seven_days(filling: Stage) -> None:
    says(filling, "Amina")
    filling.now += timedelta(days=6, hours=23)
    says(filling, "1998", "1", "yes")
    assert recorded(filling) == {"name": "Amina", "year": 1998, "work": "kitchen", "sure": True}


def test_after_seven_days_it_begins_again(filling: Stage) -> None:
    says(filling, "Amina")
    filling.now += timedelta(days=7, hours=1)
    says(filling, "1998")
    assert "What do you need?" in asked(filling)
    says(filling, "1")
    assert NAME[1] in asked(filling) and draft(filling) == {}


def test_a_button_of_a_form_that_has_expired_has_expired_too(filling: Stage) -> None:
    says(filling, "Amina", "1998")
    filling.now += timedelta(days=8)
    taps(filling, "Amina", "In a shop")
    assert "What do you need?" in asked(filling)
    assert recorded(filling) is None and draft(filling) == {}


def test_a_form_set_aside_for_the_menu_goes_on_within_seven_days(filling: Stage) -> None:
    says(filling, "Amina", "1998", "menu")
    assert "What do you need?" in asked(filling)
    filling.now += timedelta(days=6)
    says(filling, "1")
    assert "Let us go on from where we stopped." in asked(filling) and WORK[1] in asked(filling)
    says(filling, "1", "yes")
    assert recorded(filling) == {"name": "Amina", "year": 1998, "work": "kitchen", "sure": True}


def test_a_form_set_aside_is_forgotten_after_seven_days_also_by_who_writes_every_day(filling: Stage) -> None:
    says(filling, "Amina", "menu")
    for _day in range(8):
        filling.now += timedelta(days=1)
        says(filling, "menu")
    says(filling, "1")
    assert NAME[1] in asked(filling) and draft(filling) == {}


def test_a_form_given_up_begins_again_at_once(filling: Stage) -> None:
    says(filling, "Amina", "cancel")
    assert "All right, we stop here." in asked(filling)
    says(filling, "menu", "1")
    assert NAME[1] in asked(filling) and draft(filling) == {}


def test_a_form_that_keeps_nothing_begins_again(quiet_url: str) -> None:
    with closing(Stage(quiet_url, play=form(NAME, YEAR, keeps=False))) as stage:
        meets(stage, "Amina")
        says(stage, "1", "Amina", "menu", "1")
        assert NAME[1] in asked(stage) and draft(stage) == {}


# ---- two misunderstandings

WAYS_TO_A_PERSON = ["by touch", "by its number", "by its words", "by a word of it"]
HARD_TO_ANSWER = {"a name": (NAME, "<<>>"), "a yes or no": (SURE, "perhaps"), "a choice": (WORK, "hmm hmm")}


def is_offered_a_person(stage: Stage) -> bool:
    """By a button, or in words where a number is asked for."""
    shown = stage.shown_to("Amina")[-1]
    return "person" in [option["id"] for option in shown.options or []]


def asks_for_a_person(stage: Stage, how: str) -> None:
    options = stage.shown_to("Amina")[-1].options or []
    place = [option["id"] for option in options].index("person")
    match how:
        case "by touch":
            taps(stage, "Amina", options[place]["short"])
        case "by its number":
            says(stage, str(place + 1))
        case "by its words":
            says(stage, options[place]["label"])
        case "by a word of it":
            says(stage, "a person please" if "a person" not in options[place]["label"] else "to a person")


@pytest.mark.parametrize("how", WAYS_TO_A_PERSON[:3])
@pytest.mark.parametrize("question, nonsense", HARD_TO_ANSWER.values(), ids=HARD_TO_ANSWER.keys())
def test_after_two_misunderstandings_a_person_is_offered_and_comes(
    quiet_url: str, question: tuple[str, str, Answer], nonsense: str, how: str
) -> None:
    with closing(Stage(quiet_url, play=form(question))) as stage:
        meets(stage, "Amina")
        says(stage, "1", nonsense)
        assert not is_offered_a_person(stage)
        says(stage, nonsense)
        assert is_offered_a_person(stage)
        asks_for_a_person(stage, how)
        perform(stage, "a person of the desk is asked to look after Amina: asked")
        assert question[1] in asked(stage)  # and the question still stands
        assert draft(stage) == {} and recorded(stage) is None


@pytest.mark.parametrize("question, nonsense", list(HARD_TO_ANSWER.values())[1:], ids=list(HARD_TO_ANSWER)[1:])
def test_the_offer_of_a_person_is_never_an_answer(
    quiet_url: str, question: tuple[str, str, Answer], nonsense: str
) -> None:
    """Whatever she writes that is like the words on that button, the form does not take it for a choice of its own."""
    with closing(Stage(quiet_url, play=form(question))) as stage:
        meets(stage, "Amina")
        says(stage, "1", nonsense, nonsense)
        asks_for_a_person(stage, "by a word of it")
        assert draft(stage) == {} and recorded(stage) is None
        assert question[1] in asked(stage)


def test_where_a_number_is_asked_for_a_number_is_a_number_and_the_person_is_a_word(quiet_url: str) -> None:
    with closing(Stage(quiet_url, play=form(YEAR))) as stage:
        meets(stage, "Amina")
        says(stage, "1", "long ago", "long ago")
        assert "PERSON" in asked(stage) and not is_offered_a_person(stage)
        says(stage, "1")
        assert YEAR[1] in asked(stage) and recorded(stage) is None
        says(stage, "person")
        perform(stage, "a person of the desk is asked to look after Amina: asked")


def test_an_answer_that_is_understood_starts_the_count_again(filling: Stage) -> None:
    says(filling, "<<>>", "Amina", "1998", "hmm hmm")
    assert not is_offered_a_person(filling)
    says(filling, "hmm hmm")
    assert is_offered_a_person(filling)


# ---- one person, two chats


def on_whatsapp_too(stage: Stage) -> Stage:
    """The same person also writes from a chat on WhatsApp."""
    other = Stage(stage.url, channel="whatsapp", now=stage.now, play=stage.play)
    other.languages["Amina"] = "en"

    def add(store: Store) -> None:
        person = stage.person(store, "Amina")
        known = {"channel": "whatsapp", "address": other.address("Amina").id, "simulated": True}
        store.write(insert(identities).values(person_id=person.id, created_at=stage.now, **known))

    stage.with_store(add)
    return other


def shown_in(stage: Stage) -> list[Message]:
    """What this chat of hers has been sent."""

    def look(store: Store) -> list[Message]:
        found = store.people.at(stage.channel, stage.address("Amina").id)
        assert found
        return store.messages.shown_after(found[0].id, 0)

    return stage.with_store(look)  # type: ignore[no-any-return]


@pytest.fixture
def both(filling: Stage) -> Iterator[tuple[Stage, Stage]]:
    says(filling, "Amina", "1998")
    with closing(on_whatsapp_too(filling)) as other:
        yield filling, other


@pytest.mark.parametrize("words", ["1", "In a kitchen"])
def test_a_question_is_answered_only_in_the_chat_that_showed_it(both: tuple[Stage, Stage], words: str) -> None:
    telegram, whatsapp = both
    whatsapp.sends("Amina", words)
    assert "work" not in draft(telegram)
    assert WORK[1] in shown_in(whatsapp)[-1].text  # here it is, and now it may be answered here
    whatsapp.sends("Amina", words)
    assert draft(telegram)["work"] == "kitchen"


def test_once_asked_in_another_chat_the_first_one_no_longer_answers_it(both: tuple[Stage, Stage]) -> None:
    telegram, whatsapp = both
    whatsapp.sends("Amina", "hi")
    assert WORK[1] in shown_in(whatsapp)[-1].text
    telegram.sends("Amina", "2")
    assert "work" not in draft(telegram)
    taps(telegram, "Amina", "In a shop")  # the newest one with this label that Telegram shows
    assert draft(telegram)["work"] == "shop"


def test_a_button_of_one_chat_cannot_be_touched_in_another(both: tuple[Stage, Stage]) -> None:
    telegram, whatsapp = both
    shown = shown_in(telegram)[-1]
    whatsapp.sends("Amina", kind="tap", tap=Tap(shown.id, 1))
    assert "work" not in draft(telegram)
    assert "That button belongs to an earlier message." in shown_in(whatsapp)[-1].text


def test_the_answer_comes_where_she_wrote(both: tuple[Stage, Stage]) -> None:
    telegram, whatsapp = both
    before = len(shown_in(telegram))
    whatsapp.sends("Amina", "help")
    assert len(shown_in(telegram)) == before
    assert len(shown_in(whatsapp)) == 1


def test_both_chats_are_one_conversation_and_one_queue(in_a_hurry: Stage) -> None:
    telegram = in_a_hurry
    says(telegram, "Amina", "1998")
    with closing(on_whatsapp_too(telegram)) as whatsapp:
        elsewhere = replace(from_amina(whatsapp, "w1", "2"), sender=whatsapp.address("Amina"))
        at_once(telegram, from_amina(telegram, "t1", "2"), elsewhere)
    assert all(row.state == "handled" for row in rows(telegram))
    assert draft(telegram).get("work") in (None, "shop")


def test_nobody_agreed_to_anything_in_all_this(filling: Stage) -> None:
    says(filling, "Amina", "1998", "1", "yes")
    assert filling.with_store(lambda store: store.read(select(consents))) == []


def test_a_touch_proves_that_a_message_has_arrived(filling: Stage) -> None:
    """A button can only be touched where it is on the screen; and the touch says what the channel calls the message."""
    says(filling, "Amina", "1998")
    shown = filling.shown_to("Amina")[-1]
    filling.with_store(lambda store: store.messages.change(shown.id, state="uncertain", reason="no_answer"))
    tap = from_amina(filling, "t1", kind="tap", tap=Tap(shown.id, 1), payload={"shown": "42:7"})
    filling.hears(tap)
    found = filling.with_store(lambda store: store.messages.get(shown.id))
    assert (found.state, found.reason, found.provider_id) == ("sent", None, "42:7")
