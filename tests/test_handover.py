# SPDX-License-Identifier: EUPL-1.2
"""Somebody of the desk steps in: what the channel allows, what waits, and nobody is left in silence."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.main import Sportello
from handlers.desk import Desk
from handlers.desk.files import Files
from handlers.desk.handover import (
    EMPTY,
    MOST_PIECES,
    NO_FILE,
    TOO_LATE,
    TOO_LONG,
    CannotWrite,
    Enclosed,
    NotYours,
    asked_in,
    why_not,
)
from handlers.engine.listening import Listening
from handlers.engine.speech import hash_of
from handlers.engine.turn import Turn
from storage import Store
from storage.dialogues import Dialogue
from storage.tables import audit, messages
from tests import files
from tests.database import Databases
from tests.stage import Stage, lives_until, perform
from tests.stage_handover import member

WHO = "Amina"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    yield from on(databases, "telegram")


@pytest.fixture
def on_whatsapp(databases: Databases) -> Iterator[Stage]:
    yield from on(databases, "whatsapp")


def on(databases: Databases, channel: str) -> Iterator[Stage]:
    with databases.town("sqlite") as url, closing(Stage(url, channel)) as stage:
        perform(stage, f"{WHO}'s phone speaks English")
        perform(stage, f"{WHO} is registered, and speaks English")
        stage.sends(WHO, "menu")
        stage.heard()
        yield stage


def at_the_desk(stage: Stage, act: Callable[[Desk, int], Any], name: str = "Marta") -> Any:
    found: list[Any] = []

    def acts(desk: Sportello) -> None:
        with desk.storage.writing() as store:
            person = stage.person(store, WHO)
            found.append(act(Desk(store, person, stage.now, desk.engine.play.catalogues), member(store, name)))

    stage.played(acts)
    return found[0]


def take(stage: Stage, name: str = "Marta", minutes: int = 30) -> None:
    at_the_desk(stage, lambda desk, id: desk.handover.take(id, name, minutes=minutes), name)
    stage.heard()


def dialogue(stage: Stage) -> Dialogue:
    found: Dialogue = stage.with_store(lambda store: store.dialogues.get(stage.person(store, WHO).id))
    return found


def came_in(stage: Stage) -> list[Any]:
    def look(store: Store) -> list[Any]:
        where = messages.c.person_id == stage.person(store, WHO).id, messages.c.direction == "in"
        return list(store.read(select(messages).where(*where).order_by(messages.c.id)))

    rows: list[Any] = stage.with_store(look)
    return rows


def waits_for(stage: Stage) -> list[str]:
    found: list[str] = stage.with_store(lambda store: store.cases.open_reasons(stage.person(store, WHO).id))
    return found


# ---- what was heard last


def test_whatever_comes_in_is_what_was_heard_last(stage: Stage) -> None:
    for text in ("menu", "something nobody understands", "person", "no"):
        stage.now += MINUTE
        stage.sends(WHO, text)
        assert (dialogue(stage).heard_id, dialogue(stage).heard_at) == (came_in(stage)[-1].id, stage.now)


def test_a_message_for_somebody_of_the_desk_is_heard_too_and_a_shut_chat_is_not(stage: Stage) -> None:
    take(stage)
    stage.now += MINUTE
    stage.sends(WHO, "are you there?")
    heard = dialogue(stage)
    assert (heard.heard_id, heard.heard_at) == (came_in(stage)[-1].id, stage.now)
    stage.now += MINUTE
    perform(stage, f"{WHO} blocks the chat")
    assert dialogue(stage).heard_at == heard.heard_at


# ---- silence


def test_while_somebody_writes_no_step_is_played_and_nothing_is_said(stage: Stage) -> None:
    stage.sends(WHO, "training")
    before = dialogue(stage)
    take(stage)
    for text in ("1", "menu", "help", "person", "thanks", "English", "hello"):
        stage.sends(WHO, text)
    perform(stage, f"{WHO} sends a voice message")
    assert stage.heard() == []
    after = dialogue(stage)
    kept = ("conversation", "step", "draft", "question_id", "version", "misses", "paused")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert {row.state for row in came_in(stage)} == {"handled"}
    assert waits_for(stage) == ["voice"]


def test_a_number_shared_meanwhile_is_kept(stage: Stage) -> None:
    take(stage)
    perform(stage, f"{WHO} shares her number 393331234567")
    assert stage.heard() == []
    assert stage.with_store(lambda store: stage.person(store, WHO).phone) == "+393331234567"


def test_a_turn_that_had_failed_is_not_tried_again_over_the_head_of_whoever_writes(stage: Stage) -> None:
    stage.sends(WHO, "training")
    last = came_in(stage)[-1].id
    stage.with_store(lambda store: store.messages.change(last, state="failed", reason="KeyError"))
    take(stage)
    stage.sends(WHO, "hello?")
    stage.played(lambda desk: desk.engine.retry())
    assert stage.heard() == []
    assert [(row.state, row.reason) for row in came_in(stage)[-2:]] == [("given_up", "taken_over"), ("handled", None)]


@contextmanager
def out_of_sorts(what: type, method: str) -> Iterator[None]:
    """For a while this part of the program does not work."""
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(what, method, lambda *_any: 1 / 0)
        yield


def tried_again(stage: Stage) -> None:
    stage.now += MINUTE
    stage.played(lambda desk: desk.engine.retry())


def test_what_had_failed_is_kept_for_whoever_writes_with_what_it_carries(stage: Stage) -> None:
    with out_of_sorts(Turn, "run"):
        perform(stage, f"{WHO} sends a photo")
        stage.sends(WHO, "stop reminders")  # waits behind it
    take(stage)
    tried_again(stage)
    assert [row.reason for row in came_in(stage)[-2:]] == ["taken_over"] * 2
    assert waits_for(stage) == ["file"]
    assert ["no more reminders" in line for line in stage.heard()] == [True]


def test_a_stop_that_had_failed_is_obeyed_though_somebody_has_stepped_in_since(stage: Stage) -> None:
    with out_of_sorts(Turn, "run"):
        stage.sends(WHO, "stop")
    take(stage)
    tried_again(stage)
    assert dialogue(stage).taken_by is None
    assert stage.with_store(lambda store: stage.person(store, WHO).stopped_at) is not None


def test_what_fails_while_somebody_writes_is_kept_all_the_same(stage: Stage) -> None:
    take(stage)
    with out_of_sorts(Files, "receive"):
        perform(stage, f"{WHO} sends a photo")
    assert came_in(stage)[-1].state == "failed" and dialogue(stage).heard_id == came_in(stage)[-1].id
    tried_again(stage)
    assert waits_for(stage) == ["file"]


def test_a_cry_for_help_does_not_wait_behind_what_failed(stage: Stage) -> None:
    with out_of_sorts(Turn, "run"):
        stage.sends(WHO, "training")
        stage.sends(WHO, "I want to die")
    assert came_in(stage)[-1].state == "handled" and waits_for(stage) == ["urgent"]
    assert "112" in "\n".join(stage.heard())


def test_a_cry_for_help_that_had_failed_is_heard_the_next_time(stage: Stage) -> None:
    with out_of_sorts(Listening, "is_enough"):
        stage.sends(WHO, "I want to die")
    tried_again(stage)
    assert waits_for(stage) == ["urgent"] and "112" in "\n".join(stage.heard())


def test_many_messages_meanwhile_are_no_loop(stage: Stage) -> None:
    take(stage)
    for _number in range(40):
        stage.sends(WHO, "are you there?")
    assert stage.heard() == [] and waits_for(stage) == []


# ---- whose it is


def test_only_who_has_taken_over_may_write_prolong_and_give_back(stage: Stage) -> None:
    take(stage)
    for act in (
        lambda desk, id: desk.handover.take(id, "Luca"),
        lambda desk, id: desk.handover.reply(id, "ciao"),
        lambda desk, id: desk.handover.extend(id),
        lambda desk, id: desk.handover.give_back(id, because="by_hand"),
    ):
        with pytest.raises(NotYours) as found:
            at_the_desk(stage, act, "Luca")
        assert found.value.name == "Marta"
    assert stage.heard() == []


def test_when_their_time_is_up_somebody_else_may_step_in_with_all_that_is_waited_for(stage: Stage) -> None:
    stage.sends(WHO, "person")
    take(stage, minutes=5)
    stage.now += 6 * MINUTE
    take(stage, "Luca")
    (case,) = stage.with_store(lambda store: store.cases.of(stage.person(store, WHO).id))
    luca = stage.with_store(lambda store: member(store, "Luca"))
    assert (case.taken_by, dialogue(stage).taken_by) == (luca, luca)


def test_every_answer_prolongs_it(stage: Stage) -> None:
    take(stage, minutes=10)
    stage.now += 9 * MINUTE
    at_the_desk(stage, lambda desk, id: desk.handover.reply(id, "one moment"))
    assert dialogue(stage).taken_until == stage.now + 30 * MINUTE
    at_the_desk(stage, lambda desk, id: desk.handover.extend(id, minutes=60))
    assert dialogue(stage).taken_until == stage.now + 60 * MINUTE


def test_it_is_not_given_back_before_its_time_and_only_once(stage: Stage) -> None:
    take(stage, minutes=10)
    assert not at_the_desk(stage, lambda desk, id: desk.handover.give_back(None, because="time"))
    stage.now += 10 * MINUTE
    assert at_the_desk(stage, lambda desk, id: desk.handover.give_back(None, because="time"))
    assert not at_the_desk(stage, lambda desk, id: desk.handover.give_back(None, because="time"))
    assert sum("answers again" in line for line in stage.heard()) == 1


def test_what_was_waited_for_is_done_kept_or_free_again(stage: Stage) -> None:
    def state(how: Callable[[], None]) -> tuple[bool, bool]:
        stage.sends(WHO, "person")
        take(stage)
        how()
        case = stage.with_store(lambda store: store.cases.of(stage.person(store, WHO).id))[0]
        return case.closed_by is not None, case.taken_by is not None

    def by_hand(*, close_cases: bool) -> None:
        at_the_desk(stage, lambda desk, id: desk.handover.give_back(id, because="by_hand", close_cases=close_cases))

    assert state(lambda: by_hand(close_cases=False)) == (False, True)
    assert state(lambda: lives_until(stage, stage.now + 31 * MINUTE)) == (False, False)
    assert state(lambda: by_hand(close_cases=True)) == (True, True)


def test_it_is_written_down_who_did_it(stage: Stage) -> None:
    take(stage)
    lives_until(stage, stage.now + 31 * MINUTE)
    rows = stage.with_store(lambda store: store.read(select(audit.c.actor, audit.c.action).order_by(audit.c.id)))
    marta = stage.with_store(lambda store: member(store, "Marta"))
    found = [tuple(row) for row in rows if row.action in ("taken_over", "given_back")]
    assert found == [(f"staff:{marta}", "taken_over"), ("system", "given_back")]


# ---- what may be written


def refused(stage: Stage, text: str, file: Enclosed | None = None) -> Any:
    with pytest.raises(CannotWrite) as found:
        at_the_desk(stage, lambda desk, id: desk.handover.reply(id, text, file=file))
    return found.value.why


def test_nothing_and_too_much_are_refused(stage: Stage) -> None:
    take(stage)
    assert refused(stage, "  \n") == EMPTY
    assert refused(stage, "word " * 4096) == TOO_LONG
    assert refused(stage, "", Enclosed("virus.exe", files.PROGRAM)) == NO_FILE
    assert refused(stage, "", Enclosed("cv.pdf", files.PROGRAM, "application/pdf")) == NO_FILE
    assert stage.heard() == []


def test_a_long_answer_goes_in_pieces_and_says_whose_it_is(on_whatsapp: Stage) -> None:
    take(on_whatsapp)
    id = at_the_desk(on_whatsapp, lambda desk, id: desk.handover.reply(id, "word " * 900))
    rows = [one for one in on_whatsapp.shown_to(WHO) if (one.payload or {}).get("by")]
    assert 1 < len(rows) <= MOST_PIECES and rows[-1].id == id
    assert {row.reply_to for row in rows} == {came_in(on_whatsapp)[-1].id}
    assert " ".join(row.text for row in rows).split() == ["word"] * 900


def test_a_file_goes_with_its_words_or_before_them_where_they_do_not_fit(stage: Stage) -> None:
    take(stage)
    enclosed = Enclosed("how to.pdf", files.PDF, "application/pdf")
    at_the_desk(stage, lambda desk, id: desk.handover.reply(id, "Here it is.", file=enclosed))
    at_the_desk(stage, lambda desk, id: desk.handover.reply(id, "word " * 300, file=enclosed))
    shown = [(one.text[:11], (one.payload or {}).get("name")) for one in stage.shown_to(WHO)[-3:]]
    assert shown == [("Here it is.", "how to.pdf"), ("", "how to.pdf"), ("word word w", None)]


def test_on_whatsapp_nobody_writes_once_a_day_has_gone_by_and_the_person_can_be_put_on_the_call_list(
    on_whatsapp: Stage,
) -> None:
    stage = on_whatsapp
    stage.now += timedelta(hours=23, minutes=59)
    take(stage)
    stage.now += MINUTE
    assert refused(stage, "ciao") == TOO_LATE
    assert at_the_desk(stage, lambda desk, id: desk.handover.to_call(id))
    assert not at_the_desk(stage, lambda desk, id: desk.handover.to_call(id))
    assert waits_for(stage) == ["to_call"]
    lives_until(stage, stage.now + 31 * MINUTE)
    assert stage.heard() == [] and dialogue(stage).taken_by is None  # given back, and nothing can be said
    stage.sends(WHO, "hello")
    assert at_the_desk(stage, lambda desk, id: why_not(desk)) is None


def test_on_telegram_there_is_no_such_window(stage: Stage) -> None:
    stage.now += timedelta(days=30)
    assert at_the_desk(stage, lambda desk, id: why_not(desk)) is None


# ---- back to the program


def test_the_open_question_is_asked_again_with_its_choices_and_can_be_answered(stage: Stage) -> None:
    stage.sends(WHO, "language")
    stage.heard()
    before = dialogue(stage)
    take(stage)
    at_the_desk(stage, lambda desk, id: desk.handover.give_back(id, because="by_hand"))
    again = stage.shown_to(WHO)[-1]
    assert again.id == dialogue(stage).question_id != before.question_id
    assert [option["id"] for option in again.options or []]
    assert (dialogue(stage).question_kind, dialogue(stage).question_hash) == (
        before.question_kind,
        before.question_hash,
    )
    stage.heard()
    stage.sends(WHO, "1")
    assert "did not understand" not in "\n".join(stage.heard())


def test_a_question_that_nobody_remembers_is_not_asked_again(stage: Stage) -> None:
    stage.sends(WHO, "language")
    stage.now += timedelta(days=8)
    take(stage)
    at_the_desk(stage, lambda desk, id: desk.handover.give_back(id, because="by_hand"))
    assert [line.strip() for line in stage.heard()] == [
        f"Sportello to {WHO}: The program answers again.",
        "Write 0 for the menu, PERSON for a person.",
    ]


@pytest.mark.parametrize(
    ("text", "options", "question"),
    [
        ("Thank you.\n\nWhat year?\n\nWrite MENU.", None, "What year?"),
        ("What year?", None, "What year?"),
        ("Hello.\n\nA rule:\n\nis it fine?\n1. Yes\n2. No\n\nWrite 0.", ["Yes", "No"], "A rule:\n\nis it fine?"),
    ],
)
def test_the_question_in_a_message_is_known_by_its_words(
    stage: Stage, text: str, options: list[str] | None, question: str
) -> None:
    def shown(store: Store) -> Any:
        person = stage.person(store, WHO)
        chat = store.people.identities(person.id)[0]
        stored = [{"id": one, "label": one, "short": one} for one in options or []] or None
        row = {"person_id": person.id, "identity_id": chat.id, "channel": "telegram", "kind": "reply", "state": "sent"}
        row |= {"text": text, "options": stored, "direction": "out", "at": stage.now, "attempts": 0}
        id = store.write(insert(messages).values(row).returning(messages.c.id)).scalar_one()
        return store.messages.get(id)

    message = stage.with_store(shown)
    assert asked_in(message, hash_of(question)).startswith(question)
    assert asked_in(message, hash_of("another question")) == text
