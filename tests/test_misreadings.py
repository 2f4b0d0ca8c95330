# SPDX-License-Identifier: EUPL-1.2
"""What nobody understood: counted without anybody's data, ranked, settled, and taught."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from handlers.desk.misreadings import (
    NO_MEANING,
    NO_WORDS,
    NotTaught,
    as_counted,
    ranked,
    settle,
    synonyms,
    teach,
    unteach,
)
from storage import Store
from tests.database import MONDAY, Databases
from tests.stage import Stage, perform
from tests.stage_handover import member

NAMES = {"workshops", "desks"}


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, "Amina is registered")
        stage.sends("Amina", "menu")
        yield stage


def at_the_office(stage: Stage, act: Any) -> Any:
    return stage.with_store(lambda store: act(store, member(store, "Marta")))


def not_understood(stage: Stage) -> list[tuple[str, int]]:
    return [(one.words, one.count) for one in stage.with_store(lambda store: ranked(store, limit=50))]


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("Bah, BOH!!", "bah boh"),
        ("chiamami al 333 123 45 67 grazie", "chiamami al # grazie"),
        ("amina@example.org", "#"),
        ("scrivi a Amina.B@example.org, ok?", "scrivi a # ok"),
        ("guarda https://example.org/cv?id=7", "guarda #"),
        ("RSSMRA80A01H501U", "#"),
        ("abito in via Roma 12/b", "abito in via roma # b"),
        ("٣٤٥", "#"),
        ("però", "pero"),
        ("👍", "👍"),
        ("", ""),
        ("a" * 500, "a" * 200),
    ],
)
def test_words_are_counted_without_numbers_and_addresses(said: str, counted: str) -> None:
    assert as_counted(said) == counted


def test_they_are_ranked_by_how_often_page_by_page(stage: Stage) -> None:
    for text in ("uno strano", "due strani", "due strani", "tre strani", "tre strani", "altro strano"):
        stage.sends("Amina", text)
    whole = [("due strani", 2), ("tre strani", 2), ("altro strano", 1), ("uno strano", 1)]
    assert not_understood(stage) == whole
    first = stage.with_store(lambda store: ranked(store, limit=3))
    last = stage.with_store(lambda store: ranked(store, limit=3, after=(first[-1].count, first[-1].words)))
    assert [(one.words, one.count) for one in first + last] == whole
    newest = first[0]
    assert (newest.language, newest.conversation, newest.step, newest.last_at) == ("it", "menu", "door", MONDAY)
    assert stage.with_store(lambda store: store.messages.get(newest.message_id)).text == "due strani"


def test_one_that_is_settled_is_out_of_sight_until_it_is_written_again(stage: Stage) -> None:
    stage.sends("Amina", "uno strano")
    assert (
        at_the_office(stage, lambda store, id: settle(store, "uno strano", staff_id=id, now=MONDAY, as_="nothing")) == 1
    )
    assert not_understood(stage) == []
    stage.sends("Amina", "uno strano")
    assert not_understood(stage) == [("uno strano", 1)]


def test_a_welcome_thanks_and_what_is_understood_are_not_counted(stage: Stage) -> None:
    for who, text in (("Bea", "qwerty uiop"), ("Amina", "grazie"), ("Amina", "menu"), ("Amina", "3")):
        stage.sends(who, text)
    assert not_understood(stage) == []


def test_only_what_we_know_can_be_taught(stage: Stage) -> None:
    def refused(words: str, means: str) -> Any:
        with pytest.raises(NotTaught) as found:
            at_the_office(stage, lambda store, id: teach(store, words, means, id, MONDAY, conversations=NAMES))
        return found.value.why

    for means in ("anytime:dance", "conversation:nowhere", "question:faq-99", "menu", "", "word:menu"):
        assert refused("bah boh", means) == NO_MEANING
    for words in ("", "12", "amina@example.org", "333 1234567"):
        assert refused(words, "anytime:menu") == NO_WORDS
    assert stage.with_store(synonyms) == []


def test_what_is_taught_can_be_taught_anew_and_taken_back(stage: Stage) -> None:
    def learn(means: str) -> None:
        at_the_office(stage, lambda store, id: teach(store, "Bah, boh 7!", means, id, MONDAY, conversations=NAMES))

    learn("anytime:help")
    learn("question:faq-01")
    assert [(one.words, one.means) for one in stage.with_store(synonyms)] == [("bah boh #", "question:faq-01")]
    stage.sends("Amina", "bah boh 12")
    assert not_understood(stage) == []
    assert at_the_office(stage, lambda store, id: unteach(store, "bah boh #", id, MONDAY))
    assert not at_the_office(stage, lambda store, id: unteach(store, "bah boh #", id, MONDAY))
    stage.sends("Amina", "menu")
    stage.sends("Amina", "bah boh 12")
    assert not_understood(stage) == [("bah boh #", 1)]


def test_a_meaning_that_is_gone_is_no_meaning(stage: Stage) -> None:
    def learn(store: Store) -> None:
        store.misreadings.teach("bah boh", "conversation:long_gone", member(store, "Marta"), MONDAY)

    stage.with_store(learn)
    stage.sends("Amina", "bah boh")
    assert not_understood(stage) == [("bah boh", 1)]
