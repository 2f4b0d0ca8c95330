# SPDX-License-Identifier: EUPL-1.2
"""Every conversation can be entered by somebody who has nothing there: what it was about may be gone by then."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from handlers.context import Context
from handlers.conversations import CONVERSATIONS
from handlers.engine.turn import Play
from handlers.talk import Asking, Choice, Choosable, Conversation, go
from handlers.talk.catalogues import Catalogues
from storage import Store
from tests.database import Databases
from tests.stage import Stage, perform

NAMES = sorted(one.name for one in CONVERSATIONS if one.name not in ("menu", "hello"))


@dataclass
class Draft:
    pass


@pytest.fixture
def stage(databases: Databases) -> Iterator[Stage]:
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, "Amina is registered in Collegno, and wants reminders")
        yield stage


def leads_to(name: str) -> Conversation:
    """A menu with one door."""
    menu = Conversation("menu", Draft)

    @menu.starts
    @menu.step
    def door(c: Context) -> Asking:
        chosen = yield c.ask("Where?", Choice((Choosable(name, name),)))
        return go(chosen)

    return menu


@pytest.mark.parametrize("name", NAMES)
def test_with_nothing_filled_in_a_conversation_asks_or_ends(stage: Stage, name: str) -> None:
    rest = [one for one in CONVERSATIONS if one.name != "menu"]
    stage.play = Play.of([leads_to(name), *rest], Catalogues(), "1")
    stage.sends("Amina", "menu")
    stage.sends("Amina", "1")

    def look(store: Store) -> list[str]:
        return [one.state for one in store.messages.of(stage.person(store, "Amina").id) if one.direction == "in"]

    assert stage.with_store(look) == ["handled", "handled"], name
    assert stage.heard(), "somebody who writes is answered"
