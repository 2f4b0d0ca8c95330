# SPDX-License-Identifier: EUPL-1.2
"""A new release arrives in the middle of a conversation: what is recorded is what was answered, never anything else."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, make_dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from handlers.context import Context
from handlers.conversations import CONVERSATIONS
from handlers.conversations.help import help
from handlers.conversations.menu import Draft as Empty
from handlers.conversations.privacy import privacy
from handlers.conversations.stop import stop
from handlers.engine.speech import hash_of
from handlers.engine.turn import Play
from handlers.talk import (
    Answer,
    Asking,
    BirthYear,
    Choice,
    Choosable,
    Conversation,
    Move,
    Name,
    Number,
    Sentence,
    Step,
    YesNo,
    _,
    done,
    go,
)
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.messages import Message
from storage.tables import consents
from tests.database import Databases
from tests.stage import Stage, perform, taps

RELEASED = Path(__file__).parent / "steps.txt"
REMINDERS = "service_messages"


# ---- forms, as a release has them


@dataclass(frozen=True)
class Field:
    """A question of a form. One that is a ``consent`` writes down what was answered, with its proof."""

    name: str
    words: str
    answer: Answer
    consent: bool = False


FIRST_NAME = Field("first_name", "What is your name?", Name())
SURNAME = Field("surname", "What is your surname?", Name())
BIRTH_YEAR = Field("birth_year", "What year were you born?", BirthYear())
PHONE = Field("phone", "What is your number?", Sentence())
WORK = Field(
    "work",
    "What do you look for?",
    Choice((Choosable("kitchen", "In a kitchen"), Choosable("garden", "In a garden"), Choosable("shop", "In a shop"))),
)
CONSENT = Field("consent", "May I send you reminders?", YesNo(), consent=True)
LAST = Field("last", "Anything else?", Sentence())


def form(*questions: Field, renamed: dict[str, str] | None = None) -> Conversation:
    """A form that asks these questions in this order, and tells the desk at the end what it was told."""
    draft = make_dataclass("Draft", [(one.name, object, None) for one in questions])
    registration = Conversation("registration", draft, renamed or {}, keeps=True)

    def onward(c: Context) -> Step:
        still_open = (one.name for one in questions if getattr(c.draft, one.name) is None)
        return registration.steps[next(still_open, "finish")]

    for one in questions:
        registration.step(asking(one, onward))

    @registration.step
    def finish(c: Context) -> Move:
        c.desk.store.questions.set("recorded", dict(vars(c.draft)))
        return done(_("That is all."))

    registration.starts(onward)
    return registration


def asking(one: Field, onward: Callable[[Context], Step]) -> Callable[[Context], Asking]:
    def body(c: Context) -> Asking:
        given = yield c.ask(one.words, one.answer, exact=one.consent)
        setattr(c.draft, one.name, given)
        if one.consent:
            c.desk.people.consent(REMINDERS, given in (True, "yes"), proof=c.proof())
        return onward(c)

    body.__name__ = one.name
    return body


def release(number: str, *conversations: Conversation) -> Play:
    """A release whose menu leads to the form at once."""
    menu = Conversation("menu", Empty)

    @menu.starts
    def door(c: Context) -> Move:
        return go("registration")

    return Play.of([menu, help, privacy, stop, *conversations], Catalogues(), number)


# ---- Amina, who answers what she reads

CALLS = "May I call you about your appointments?"
WHAT_SHE_WRITES = {
    FIRST_NAME.words: "Amina",
    SURNAME.words: "Diallo",
    BIRTH_YEAR.words: "1998",
    PHONE.words: "333 1234567",
    WORK.words: "2",
    CONSENT.words: "no",
    CALLS: "no",
    LAST.words: "no, thanks",
}
WHAT_SHE_MEANS = WHAT_SHE_WRITES | {BIRTH_YEAR.words: 1998, WORK.words: "garden", CONSENT.words: False, CALLS: False}


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    """A deploy is the same on every database; transcripts and turns are played on both."""
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, "Amina is registered, and speaks English")
        yield stage


def newest(stage: Stage) -> Message:
    return stage.shown_to("Amina")[-1]


def on_screen(stage: Stage) -> str:
    """The question that she sees."""
    shown = newest(stage).text
    return next((words for words in WHAT_SHE_WRITES if words in shown), shown)


def comes_to(stage: Stage, first: Play, question: Field) -> None:
    """She has answered everything before this question of the first release, and now it is on her screen."""
    stage.play = first
    stage.sends("Amina", "ciao")
    while on_screen(stage) != question.words:
        stage.sends("Amina", WHAT_SHE_WRITES[on_screen(stage)])


def goes_on_to_the_end(stage: Stage) -> None:
    for _question in range(8):
        if "That is all." in newest(stage).text:
            return
        stage.sends("Amina", WHAT_SHE_WRITES[on_screen(stage)])
    raise AssertionError(f"this never ends: {newest(stage).text}")


def recorded(stage: Stage) -> dict[str, Any]:
    return stage.with_store(lambda store: store.questions.settings().get("recorded"))  # type: ignore[no-any-return]


def consents_given(stage: Stage) -> list[tuple[str, bool]]:
    """Every consent in the books, with the words that the row says were on the screen."""

    def look(store: Store) -> list[tuple[str, bool]]:
        return [(words_proved(store, row), row.given) for row in store.read(select(consents).order_by(consents.c.id))]

    return stage.with_store(look)  # type: ignore[no-any-return]


def words_proved(store: Store, row: Any) -> str:
    question = store.messages.get(row.question_id)
    assert question is not None
    proved = [line for line in question.text.splitlines() if hash_of(line) == row.text_hash]
    assert proved, "the hash is that of the question it names"
    return proved[0]


# ---- one release follows another

ORDINARY = (FIRST_NAME, BIRTH_YEAR, WORK, CONSENT)
BORN = replace(BIRTH_YEAR, name="year_born")
AGREED = replace(CONSENT, name="agreed")
NUMBER = replace(PHONE, name="birth_year")


@dataclass(frozen=True)
class Change:
    """What a release makes of the ordinary form while this question is on the screen."""

    questions: tuple[Field, ...]
    pending: Field = BIRTH_YEAR
    renamed: tuple[tuple[str, str], ...] = ()


CHANGES = {
    "nothing changes": Change(ORDINARY),
    "a question comes before the pending one": Change((FIRST_NAME, SURNAME, BIRTH_YEAR, WORK, CONSENT)),
    "a question comes before all others": Change((SURNAME, *ORDINARY)),
    "a question comes right after the pending one": Change((FIRST_NAME, BIRTH_YEAR, PHONE, WORK, CONSENT)),
    "a question comes at the end": Change((*ORDINARY, LAST)),
    "questions come before and after": Change((SURNAME, FIRST_NAME, BIRTH_YEAR, PHONE, WORK, CONSENT)),
    "an answered question goes": Change((BIRTH_YEAR, WORK, CONSENT)),
    "two answered questions go": Change((WORK, CONSENT), WORK),
    "all that was answered goes, and consent is pending": Change((CONSENT,), CONSENT),
    "the pending question goes": Change((FIRST_NAME, WORK, CONSENT)),
    "the pending question goes, and only consent is left": Change((FIRST_NAME, CONSENT)),
    "the pending question goes, and it was the last": Change((FIRST_NAME, BIRTH_YEAR, WORK), CONSENT),
    "the pending question is renamed": Change(
        (FIRST_NAME, BORN, WORK, CONSENT), renamed=(("birth_year", "year_born"),)
    ),
    "the answered question is renamed": Change(
        (FIRST_NAME, BORN, WORK, CONSENT), WORK, renamed=(("birth_year", "year_born"),)
    ),
    "consent is renamed while it is pending": Change(
        (FIRST_NAME, BIRTH_YEAR, WORK, AGREED), CONSENT, renamed=(("consent", "agreed"),)
    ),
    "the pending question and the answered one change places": Change((BIRTH_YEAR, FIRST_NAME, WORK, CONSENT)),
    "the pending question and the next one change places": Change((FIRST_NAME, WORK, BIRTH_YEAR, CONSENT)),
    "consent comes first": Change((CONSENT, FIRST_NAME, BIRTH_YEAR, WORK)),
    "all is turned round": Change((CONSENT, WORK, BIRTH_YEAR, FIRST_NAME), WORK),
    "another kind of question takes the name": Change((FIRST_NAME, NUMBER, WORK, CONSENT)),
    "consent takes the name": Change((FIRST_NAME, replace(CONSENT, name="birth_year"))),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_release_in_mid_conversation(stage: Stage, change: Change) -> None:
    """She answers the question on her screen, whatever has become of it, and then whatever she is asked."""
    comes_to(stage, release("1", form(*ORDINARY)), change.pending)
    stage.play = release("2", form(*change.questions, renamed=dict(change.renamed)))
    stage.sends("Amina", WHAT_SHE_WRITES[change.pending.words])
    goes_on_to_the_end(stage)
    assert recorded(stage) == {one.name: WHAT_SHE_MEANS[one.words] for one in change.questions}
    asked_for_consent = [one for one in change.questions if one.consent]
    assert set(consents_given(stage)) <= {(one.words, False) for one in asked_for_consent}  # she always says no


def test_a_conversation_that_is_gone_leads_to_the_menu(stage: Stage) -> None:
    comes_to(stage, release("1", form(*ORDINARY)), CONSENT)
    stage.play = Play.of([replace(form(LAST), name="menu")], Catalogues(), "2")
    stage.sends("Amina", "yes")
    assert on_screen(stage) == LAST.words
    assert consents_given(stage) == []


# ---- choices belong to the message that showed them

KITCHEN, GARDEN, SHOP = WORK.answer.options
FIELDS = Choosable("fields", "In the fields")
OF_HERS = {"by its number": "2", "by its words": "In a garden", "by touch": None}


def chooses_the_garden(stage: Stage, how: str) -> None:
    if OF_HERS[how] is None:
        taps(stage, "Amina", "In a garden")
    else:
        stage.sends("Amina", OF_HERS[how] or "")


OTHER_CHOICES: dict[str, tuple[Choosable, ...]] = {
    "in another order": (GARDEN, SHOP, KITCHEN),
    "turned round": (SHOP, GARDEN, KITCHEN),
    "with one more in front": (FIELDS, KITCHEN, GARDEN, SHOP),
    "without the first": (GARDEN, SHOP),
    "without the last": (KITCHEN, GARDEN),
    "with another label": (KITCHEN, Choosable("garden", "Outdoors"), SHOP),
    "with their labels swapped": (Choosable("kitchen", "In a garden"), Choosable("garden", "In a kitchen"), SHOP),
}


@pytest.mark.parametrize("how", OF_HERS)
@pytest.mark.parametrize("choices", OTHER_CHOICES.values(), ids=OTHER_CHOICES.keys())
def test_a_choice_means_what_it_meant_on_the_screen(stage: Stage, choices: tuple[Choosable, ...], how: str) -> None:
    comes_to(stage, release("1", form(*ORDINARY)), WORK)
    stage.play = release("2", form(FIRST_NAME, BIRTH_YEAR, replace(WORK, answer=Choice(choices)), CONSENT))
    chooses_the_garden(stage, how)
    goes_on_to_the_end(stage)
    assert recorded(stage)["work"] == "garden"


@pytest.mark.parametrize("how", OF_HERS)
def test_a_choice_that_is_gone_is_not_taken_and_the_others_are_shown(stage: Stage, how: str) -> None:
    comes_to(stage, release("1", form(*ORDINARY)), WORK)
    stage.play = release("2", form(FIRST_NAME, BIRTH_YEAR, replace(WORK, answer=Choice((KITCHEN, SHOP))), CONSENT))
    chooses_the_garden(stage, how)
    assert on_screen(stage) == WORK.words
    assert [option["id"] for option in newest(stage).options or []] == ["kitchen", "shop"]
    goes_on_to_the_end(stage)
    assert recorded(stage)["work"] == "shop"  # the second of what she sees now


# ---- consent: to the very words, or not at all

YES, NO, LATER = Choosable("yes", "Yes"), Choosable("no", "No"), Choosable("later", "Not now")
CHOSEN = replace(CONSENT, answer=Choice((YES, NO, LATER)))
HER_YES = {"by its number": "1", "by its word": "yes", "by touch": None}


def says_yes(stage: Stage, how: str) -> None:
    if HER_YES[how] is None:
        taps(stage, "Amina", "Yes")
    else:
        stage.sends("Amina", HER_YES[how] or "")


OTHER_CONSENTS: dict[str, tuple[Field, Field]] = {
    "its words change": (CONSENT, replace(CONSENT, words=CALLS)),
    "it becomes a choice": (CONSENT, CHOSEN),
    "it becomes a yes or no": (CHOSEN, CONSENT),
    "its words change, and its answers are swapped": (CHOSEN, replace(CHOSEN, words=CALLS, answer=Choice((NO, YES)))),
    "it was an ordinary question before": (replace(CONSENT, words=CALLS, consent=False), CONSENT),
    "it becomes a number": (CONSENT, replace(CONSENT, words=LAST.words, answer=Number(), consent=False)),
}


@pytest.mark.parametrize("how", HER_YES)
@pytest.mark.parametrize("before, after", OTHER_CONSENTS.values(), ids=OTHER_CONSENTS.keys())
def test_a_yes_to_a_question_that_has_changed_is_no_consent(
    stage: Stage, before: Field, after: Field, how: str
) -> None:
    comes_to(stage, release("1", form(FIRST_NAME, before)), before)
    stage.play = release("2", form(FIRST_NAME, after))
    says_yes(stage, how)
    assert consents_given(stage) == []
    assert on_screen(stage) == after.words  # she is asked again, in today's words
    stage.sends("Amina", "0" if isinstance(after.answer, Number) else "no")
    assert (after.words, True) not in consents_given(stage)
    assert [given for _words, given in consents_given(stage)] == ([False] if after.consent else [])


@pytest.mark.parametrize("how", HER_YES)
def test_a_yes_stays_a_yes_when_yes_and_no_change_places(stage: Stage, how: str) -> None:
    comes_to(stage, release("1", form(FIRST_NAME, CHOSEN)), CHOSEN)
    stage.play = release("2", form(FIRST_NAME, replace(CHOSEN, answer=Choice((NO, YES, LATER)))))
    says_yes(stage, how)
    assert consents_given(stage) == [(CONSENT.words, True)]


def test_a_no_stays_a_no_when_yes_and_no_change_places(stage: Stage) -> None:
    comes_to(stage, release("1", form(FIRST_NAME, CHOSEN)), CHOSEN)
    stage.play = release("2", form(FIRST_NAME, replace(CHOSEN, answer=Choice((NO, YES, LATER)))))
    stage.sends("Amina", "2")
    assert consents_given(stage) == [(CONSENT.words, False)]


def test_an_answer_that_is_no_longer_offered_is_neither_yes_nor_no(stage: Stage) -> None:
    comes_to(stage, release("1", form(FIRST_NAME, CHOSEN)), CHOSEN)
    stage.play = release("2", form(FIRST_NAME, replace(CHOSEN, answer=Choice((YES, NO)))))
    stage.sends("Amina", "3")
    assert consents_given(stage) == []
    assert on_screen(stage) == CONSENT.words
    stage.sends("Amina", "1")
    assert consents_given(stage) == [(CONSENT.words, True)]


def test_a_yes_to_the_words_on_the_screen_is_one_even_after_a_release(stage: Stage) -> None:
    comes_to(stage, release("1", form(FIRST_NAME, CONSENT)), CONSENT)
    stage.play = release("2", form(SURNAME, FIRST_NAME, CONSENT))
    stage.sends("Amina", "yes")
    assert consents_given(stage) == [(CONSENT.words, True)]


# ---- a process of the release before, while the new one comes in


def seconds_pass(stage: Stage, seconds: int) -> None:
    """The worker looks for turns that failed."""
    stage.now += timedelta(seconds=seconds)
    stage.played(lambda desk: desk.engine.retry())


def last_of(stage: Stage) -> Message:
    """What Amina wrote last."""

    def look(store: Store) -> Message:
        return [one for one in store.messages.of(stage.person(store, "Amina").id) if one.direction == "in"][-1]

    return stage.with_store(look)  # type: ignore[no-any-return]


OLDER, NEWER = release("0.9", form(*ORDINARY)), release("0.10", form(FIRST_NAME, SURNAME, BIRTH_YEAR, WORK, CONSENT))


def test_an_answer_to_a_newer_release_waits_for_it(stage: Stage) -> None:
    comes_to(stage, NEWER, SURNAME)
    stage.play = OLDER
    stage.sends("Amina", "Diallo")
    assert (last_of(stage).state, last_of(stage).reason) == ("failed", "WrittenByNewer")
    assert on_screen(stage) == SURNAME.words  # nothing was said in between
    stage.play = NEWER
    seconds_pass(stage, 1)
    goes_on_to_the_end(stage)
    assert recorded(stage)["surname"] == "Diallo"


def test_what_an_older_process_cannot_do_a_newer_one_does_at_the_next_try(stage: Stage) -> None:
    comes_to(stage, NEWER, SURNAME)
    stage.play = OLDER
    stage.sends("Amina", "Diallo")
    seconds_pass(stage, 1)
    seconds_pass(stage, 4)
    assert (last_of(stage).state, last_of(stage).attempts) == ("failed", 3)
    stage.play = NEWER
    seconds_pass(stage, 15)
    assert last_of(stage).state == "handled"
    assert on_screen(stage) == BIRTH_YEAR.words


def test_a_conversation_of_a_newer_release_waits_for_it(stage: Stage) -> None:
    survey = replace(form(SURNAME, LAST), name="survey")
    newer, older = release("2", survey, form(*ORDINARY)), release("1", form(*ORDINARY))
    newer.conversations["menu"].starts(lambda c: go("survey"))
    comes_to(stage, newer, SURNAME)
    stage.play = older
    stage.sends("Amina", "Diallo")
    assert (last_of(stage).state, last_of(stage).reason) == ("failed", "WrittenByNewer")
    stage.play = newer
    seconds_pass(stage, 1)
    goes_on_to_the_end(stage)
    assert recorded(stage) == {"surname": "Diallo", "last": "no, thanks"}


@pytest.mark.parametrize("word", ["help", "privacy"])
def test_a_question_of_a_newer_release_survives_a_question_about_something_else(stage: Stage, word: str) -> None:
    comes_to(stage, NEWER, SURNAME)
    stage.play = OLDER
    stage.sends("Amina", "help")
    stage.play = NEWER
    seconds_pass(stage, 1)
    assert on_screen(stage) == SURNAME.words
    goes_on_to_the_end(stage)
    assert recorded(stage)["first_name"] == "Amina"


def test_stop_does_not_wait_for_a_newer_release(stage: Stage) -> None:
    comes_to(stage, NEWER, SURNAME)
    stage.play = OLDER
    stage.sends("Amina", "stop")
    assert last_of(stage).state == "handled"
    assert stage.with_store(lambda store: stage.person(store, "Amina").stopped_at) == stage.now


def test_an_older_release_that_has_come_back_for_good_still_lets_people_out(stage: Stage) -> None:
    """A release may be taken back; who stands at a question of it can always go to the menu."""
    comes_to(stage, NEWER, SURNAME)
    stage.play = OLDER
    stage.sends("Amina", "menu")
    assert last_of(stage).state == "handled"
    assert on_screen(stage) in {one.words for one in ORDINARY}


# ---- the names of steps are for ever


def asking_steps() -> list[str]:
    """Every step at which somebody may be waiting."""
    return sorted(f"{one.name}.{step.name}" for one in CONVERSATIONS for step in one.steps.values() if step.asks)


def test_no_step_that_was_ever_stored_is_lost(request: pytest.FixtureRequest) -> None:
    """
    People may be waiting at any of them, for days.

    To rename one, say so in its conversation: ``renamed={"old": "new"}``. New ones are written down by
    ``pytest --rewrite``; nothing is ever struck off.
    """
    known = RELEASED.read_text(encoding="utf-8").split()
    if request.config.getoption("--rewrite"):
        known = sorted({*known, *asking_steps()})
        RELEASED.write_text("\n".join(known) + "\n", encoding="utf-8")
    by_name = {one.name: one for one in CONVERSATIONS}
    lost = [line for line in known if not is_there(by_name.get(line.split(".")[0]), line.split(".")[1])]
    assert lost == [], "people may be waiting there; name what they are called now in `renamed`"
    assert sorted({*asking_steps()} - {*known}) == [], "write the new steps down: pytest --rewrite"


def is_there(conversation: Conversation | None, step: str) -> bool:
    return conversation is not None and (found := conversation.find(step)) is not None and found.asks


def test_no_name_that_a_step_had_before_is_a_step_again() -> None:
    """Else its answer would go to the wrong one."""
    taken_twice = [(one.name, old) for one in CONVERSATIONS for old in one.renamed if old in one.steps]
    assert taken_twice == []


def test_every_new_name_of_a_step_is_one() -> None:
    nowhere = [(one.name, new) for one in CONVERSATIONS for new in one.renamed.values() if new not in one.steps]
    assert nowhere == []
