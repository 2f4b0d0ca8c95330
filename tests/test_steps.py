# SPDX-License-Identifier: EUPL-1.2
"""A step only looks before its question and asks one; one that does otherwise is stopped, and the person is told."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from handlers.context import Context
from handlers.engine.turn import Play
from handlers.talk import Asking, Conversation, Move, Sentence, _, done
from handlers.talk.catalogues import Catalogues
from handlers.talk.conversation import NoSuchStep
from storage import Store
from storage.tables import audit, bookings, cases, consents, people
from tests.database import Databases
from tests.stage import Stage, perform

SORRY = "I am sorry: something did not work with your last message. A person of the desk will look at it."


@dataclass
class Draft:
    name: str | None = None
    towns: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)


def conversation_with(*bodies: Callable[[Context], Any]) -> Conversation:
    """The menu of a desk that has nothing but these steps; the first of them is where it begins."""
    menu = Conversation("menu", Draft)
    steps = [menu.step(body) for body in bodies]
    menu.starts(steps[0])
    return menu


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    """What is refused on one database is refused on the other: see test_storage.py."""
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, "Amina is registered, and speaks English")
        yield stage


def plays(stage: Stage, *bodies: Callable[[Context], Any]) -> None:
    stage.play = Play.of([conversation_with(*bodies)], Catalogues(), "1")


def messages(stage: Stage) -> list[Any]:
    """What Amina wrote."""

    def look(store: Store) -> list[Any]:
        return [one for one in store.messages.of(stage.person(store, "Amina").id) if one.direction == "in"]

    return stage.with_store(look)  # type: ignore[no-any-return]


def left_behind(stage: Stage) -> dict[str, Any]:
    """All that a step could have written, but for the case that says that it failed."""

    def look(store: Store) -> dict[str, Any]:
        person = stage.person(store, "Amina")
        other = select(cases.c.reason).where(cases.c.reason != "failed_turn")
        tables = (select(bookings), select(consents), select(audit), other, select(people))
        rows = [sorted(map(repr, store.read(statement))) for statement in tables]
        # That they wrote is known, whatever becomes of it.
        found = replace(store.dialogues.get(person.id), heard_id=None, heard_at=None)
        return {"rows": rows, "dialogue": found}

    return stage.with_store(look)  # type: ignore[no-any-return]


def fails_for_good(stage: Stage, words: str, reason: str) -> None:
    """This message cannot be answered; it is kept, nothing of it is done, and in the end Amina is told."""
    before = left_behind(stage)
    stage.sends("Amina", words)
    assert (messages(stage)[-1].state, messages(stage)[-1].reason) == ("failed", reason)
    assert stage.heard() == []
    assert left_behind(stage) == before
    perform(stage, "2 minutes pass")
    assert (messages(stage)[-1].state, messages(stage)[-1].reason) == ("given_up", reason)
    assert stage.heard() == [f"Sportello to Amina: {SORRY}"]
    perform(stage, "a person of the desk is asked to look after Amina: failed_turn")
    assert left_behind(stage) == before


# ---- above the question one only looks


def fills_in_an_answer(c: Context) -> Asking:
    c.draft.name = "nobody said so"
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def empties_an_answer(c: Context) -> Asking:
    c.draft.towns = None
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def adds_to_a_list(c: Context) -> Asking:
    c.draft.towns.append("Bologna")
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def adds_to_a_mapping(c: Context) -> Asking:
    c.draft.notes["seen"] = "yes"
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def inserts_with_core(c: Context) -> Asking:
    c.desk.store.write(insert(cases).values(person_id=c.person.id, reason="asked", opened_at=c.now))
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def updates_with_core(c: Context) -> Asking:
    c.desk.store.write(update(people).values(first_name="nobody said so"))
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def acts_through_the_desk(c: Context) -> Asking:
    c.desk.people.speak("en")
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def opens_a_case(c: Context) -> Asking:
    c.desk.cases.open("asked")
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def says_something_by_itself(c: Context) -> Asking:
    c.desk.outbox.reply(c.identity, "Hello", reply_to=1)
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def moves_the_dialogue(c: Context) -> Asking:
    found = c.desk.store.dialogues.get(c.person.id)
    names = [name for name in type(found).__dataclass_fields__ if name != "person_id"]
    c.desk.store.dialogues.save(c.person.id, **{name: getattr(found, name) for name in names})
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def writes_through_the_store(c: Context) -> Asking:
    c.desk.store.people.change(c.person.id, first_name="nobody said so")
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def writes_through_the_connection(c: Context) -> Asking:
    c.desk.store.connection.execute(insert(cases).values(person_id=c.person.id, reason="asked", opened_at=c.now))
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def writes_in_plain_text(c: Context) -> Asking:
    c.desk.store.connection.execute(text("update people set first_name = 'nobody said so'"))
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def writes_through_the_driver(c: Context) -> Asking:
    c.desk.store.connection.exec_driver_sql("update people set first_name = 'nobody said so'")
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def writes_and_then_does_not_ask(c: Context) -> Asking | Move:
    if c.person.first_name:
        c.desk.cases.open("asked")
        return done(_("Nothing to ask."))
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


@pytest.mark.parametrize(
    "step",
    [
        fills_in_an_answer,
        empties_an_answer,
        adds_to_a_list,
        adds_to_a_mapping,
        inserts_with_core,
        updates_with_core,
        acts_through_the_desk,
        opens_a_case,
        says_something_by_itself,
        moves_the_dialogue,
        writes_through_the_store,
        writes_through_the_connection,
        writes_in_plain_text,
        writes_through_the_driver,
        writes_and_then_does_not_ask,
    ],
    ids=lambda step: step.__name__,
)
def test_before_its_question_a_step_only_looks(stage: Stage, step: Callable[[Context], Any]) -> None:
    plays(stage, step)
    fails_for_good(stage, "ciao", "ChangedWhileLooking")


def test_the_beginning_of_a_conversation_only_looks(stage: Stage) -> None:
    menu = conversation_with(asks_for_a_name)

    @menu.starts
    def acts_too_early(c: Context) -> Move:
        c.desk.cases.open("asked")
        return menu.steps["asks_for_a_name"]

    stage.play = Play.of([menu], Catalogues(), "1")
    fails_for_good(stage, "ciao", "ChangedWhileLooking")


def test_a_step_is_stopped_also_when_it_changes_something_only_once_it_is_answered(stage: Stage) -> None:
    """The part above the question runs a second time when the answer comes; by then, too, it may only look."""
    walks = []

    def looks_the_first_time(c: Context) -> Asking:
        walks.append(c.now)
        if len(walks) > 1:
            c.desk.cases.open("asked")
        c.draft.name = yield c.ask(_("What is your name?"), Sentence())
        return done()

    plays(stage, looks_the_first_time)
    stage.sends("Amina", "ciao")
    assert "What is your name?" in stage.heard()[0]
    fails_for_good(stage, "Amina", "ChangedWhileLooking")


def test_below_its_question_a_step_may_act(stage: Stage) -> None:
    def acts_on_the_answer(c: Context) -> Asking:
        known = c.desk.store.people.get(c.person.id)
        c.draft.name = yield c.ask(_("What is your name?"), Sentence())
        c.draft.towns.append(known.language)
        c.desk.cases.open("asked")
        return done(_("Thank you."))

    plays(stage, acts_on_the_answer)
    stage.sends("Amina", "ciao")
    stage.heard()
    stage.sends("Amina", "Amina")
    assert stage.heard()[0] == "Sportello to Amina: Thank you."
    perform(stage, "a person of the desk is asked to look after Amina: asked")


# ---- one question


def asks_for_a_name(c: Context) -> Asking:
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    return done()


def asks_two_questions(c: Context) -> Asking:
    c.draft.name = yield c.ask(_("What is your name?"), Sentence())
    c.desk.cases.open("asked")
    town = yield c.ask(_("Where do you live?"), Sentence())
    c.draft.towns = [town]
    return done()


def test_a_step_asks_one_question(stage: Stage) -> None:
    plays(stage, asks_two_questions)
    stage.sends("Amina", "ciao")
    assert "What is your name?" in stage.heard()[0]
    fails_for_good(stage, "Amina", "TwoQuestions")


# ---- steps lead somewhere


def test_steps_that_lead_to_one_another_for_ever_are_stopped(stage: Stage) -> None:
    menu = Conversation("menu", Draft)

    @menu.step
    def here(c: Context) -> Move:
        c.desk.cases.open("asked")
        return menu.steps["there"]

    @menu.step
    def there(c: Context) -> Move:
        return menu.steps["here"]

    menu.starts(here)
    stage.play = Play.of([menu], Catalogues(), "1")
    fails_for_good(stage, "ciao", "TooManyHops")


def test_a_conversation_without_a_beginning_is_said_to_have_none(stage: Stage) -> None:
    stage.play = Play.of([Conversation("menu", Draft)], Catalogues(), "1")
    fails_for_good(stage, "ciao", NoSuchStep.__name__)


def test_two_steps_of_one_name_are_refused_at_once() -> None:
    menu = conversation_with(asks_for_a_name)
    with pytest.raises(ValueError, match="menu: two steps called asks_for_a_name"):
        menu.step(asks_for_a_name)


def test_what_a_step_raises_is_named_and_its_words_are_not_kept(stage: Stage) -> None:
    """An exception may quote a person; the row that operators read says only what kind of thing went wrong."""

    def quotes_a_person(c: Context) -> Asking:
        c.draft.name = yield c.ask(_("What is your name?"), Sentence())
        c.desk.cases.open("asked")
        raise LookupError(f"{c.draft.name} is ill")

    plays(stage, quotes_a_person)
    stage.sends("Amina", "ciao")
    stage.heard()
    fails_for_good(stage, "Amina", "LookupError")
