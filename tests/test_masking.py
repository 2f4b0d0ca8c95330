# SPDX-License-Identifier: EUPL-1.2
"""What somebody writes about their health stands nowhere: no row, no draft, no log, not even where a turn fails."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select

from bot.jobs.jump import Jump  # noqa: F401  what a worker runs is loaded, so that its logs would be seen
from handlers.engine.turn import Turn
from handlers.rules.health_words import MASK
from handlers.talk import Tap
from storage import Store
from storage.tables import messages, metadata
from tests.database import Databases
from tests.stage import Stage, perform

WHO, SAID = "Amina", "Ho il diabete e l’epilessia"
OURS = {"questions", "notices", "programmes", "settings"}  # which the service has written itself


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, f"{WHO} is registered")
        stage.sends(WHO, "menu")
        yield stage


def everything(store: Store) -> str:
    tables = [table for name, table in metadata.tables.items() if name not in OURS]
    return "\n".join(str(tuple(row)) for table in tables for row in store.read(select(table))).lower()


def stands_nowhere(stage: Stage) -> bool:
    kept: str = stage.with_store(everything)
    return "diabet" not in kept and "epiless" not in kept


def newest(stage: Stage) -> Any:
    last = select(messages).where(messages.c.direction == "in").order_by(messages.c.id.desc()).limit(1)
    return stage.with_store(lambda store: store.read(last)[0])


WAYS: dict[str, Callable[[Stage], None]] = {
    "written": lambda stage: stage.sends(WHO, SAID),
    "under a photo": lambda stage: stage.sends(WHO, SAID, kind="photo", payload={"file_id": "f1", "size": 4000}),
    "in a message that was changed": lambda stage: stage.sends(WHO, SAID, kind="edited"),
    "while somebody of the desk writes": lambda stage: (
        perform(stage, f"Marta of the desk takes over from the program with {WHO}"),
        stage.sends(WHO, SAID),
    ),
    "after a stop": lambda stage: (stage.sends(WHO, "stop"), stage.sends(WHO, SAID)),
    "in the name of a file": lambda stage: perform(stage, f"{WHO} sends the file «certificato_diabete.pdf»"),
    "as a goal": lambda stage: (stage.sends(WHO, "correggi"), stage.sends(WHO, "obiettivo"), stage.sends(WHO, SAID)),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_stands_nowhere(stage: Stage, way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    WAYS[way](stage)
    assert stands_nowhere(stage)
    assert newest(stage).payload == {"language": "it", "masked": "health"}
    assert MASK in newest(stage).text or way == "in the name of a file"
    assert "diabet" not in caplog.text.lower() and "epiless" not in caplog.text.lower()
    said = "\n".join(one.text for one in stage.shown_to(WHO))
    assert "keep no trace" in said or "tengo traccia" in said


def test_it_stands_nowhere_when_a_turn_fails_and_is_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(turn: Turn) -> None:
        raise RuntimeError(turn.scene.message.text)

    with monkeypatch.context() as broken:
        broken.setattr(Turn, "run", fails)
        stage.sends(WHO, SAID)
        assert (newest(stage).state, newest(stage).payload["masked"]) == ("failed", "health")
    assert stands_nowhere(stage)
    perform(stage, "1 minutes pass")
    assert newest(stage).state == "handled" and stands_nowhere(stage)
    said = "\n".join(one.text for one in stage.shown_to(WHO)[-1:])
    assert "keep no trace" in said or "tengo traccia" in said  # the second try knows what it was
    assert "diabet" not in "".join(capsys.readouterr()).lower()


def test_a_touch_and_our_own_words_written_out_are_no_such_thing(stage: Stage) -> None:
    stage.sends(WHO, "domande")
    shown = stage.shown_to(WHO)[-1]
    labels = [option["label"] for option in shown.options or []]
    place = next(index for index, label in enumerate(labels) if "disabilità" in label)
    stage.sends(WHO, labels[place])
    assert newest(stage).text == labels[place] and "legge 68" in stage.shown_to(WHO)[-1].text
    stage.sends(WHO, "domande")
    stage.sends(WHO, kind="tap", tap=Tap(stage.shown_to(WHO)[-1].id, place))
    assert "legge 68" in stage.shown_to(WHO)[-1].text
    stage.sends(WHO, "menu")
    stage.sends(WHO, labels[place])  # where it was not offered, somebody says it of themselves
    assert MASK in newest(stage).text


def test_the_offer_of_a_call_is_made_once(stage: Stage) -> None:
    stage.sends(WHO, SAID)
    stage.sends(WHO, "sì")
    stage.sends(WHO, "3331234567")
    before = len(stage.shown_to(WHO))
    stage.sends(WHO, SAID)
    assert len(stage.shown_to(WHO)) == before + 1
    assert "Shall a person call" not in stage.shown_to(WHO)[-1].text
    found = stage.with_store(lambda store: store.cases.of(stage.person(store, WHO).id))
    assert [(one.reason, one.closed_at) for one in found] == [("private_call", None)]


def test_who_wants_no_call_after_all_waits_for_nobody(stage: Stage) -> None:
    stage.sends(WHO, SAID)
    stage.sends(WHO, "1")
    stage.sends(WHO, "2")
    assert stage.with_store(lambda store: store.cases.open_reasons(stage.person(store, WHO).id)) == []
