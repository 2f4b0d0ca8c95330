# SPDX-License-Identifier: EUPL-1.2
"""What is going to happen is known before it does, and only what really will."""

from contextlib import closing
from datetime import datetime, timedelta

import pytest

from handlers.desk.coming import Coming, coming
from handlers.talk.text import ROME
from storage import Store
from tests.database import Databases
from tests.stage import Stage, perform


@pytest.fixture
def stage(databases: Databases):  # type: ignore[no-untyped-def]
    with databases.town("sqlite") as url, closing(Stage(url)) as stage:
        perform(stage, "there is a workshop «Curriculum» in 3 days at 10:00 with 9 places")
        yield stage


def ahead(stage: Stage, days: int = 7) -> list[tuple[str, str]]:
    def look(store: Store) -> list[Coming]:
        return coming(store, stage.now, stage.now + timedelta(days=days))

    return [(one.name, on_the_wall(one.at)) for one in stage.with_store(look)]


def on_the_wall(at: datetime) -> str:
    return at.astimezone(ROME).strftime("%a %H:%M")


def test_reminders_are_seen_from_afar_in_order(stage: Stage) -> None:
    perform(stage, "Amina is registered, and wants reminders")
    perform(stage, "Amina has a place at «Curriculum»")
    assert ahead(stage) == [("reminder_24h", "Wed 10:00"), ("reminder_2h", "Thu 08:00"), ("how_was_it", "Thu 13:00")]
    assert ahead(stage, days=1) == []


def test_who_wants_none_is_not_counted(stage: Stage) -> None:
    perform(stage, "Amina is registered")
    perform(stage, "Amina has a place at «Curriculum»")
    assert ahead(stage) == []


def test_what_has_happened_is_not_ahead_and_what_waits_is(stage: Stage) -> None:
    perform(stage, "Amina is registered, and wants reminders")
    perform(stage, "Amina has a place at «Curriculum»")
    perform(stage, "2 days pass")
    assert [name for name, _at in ahead(stage)] == ["reminder_2h", "how_was_it"]


def test_who_stopped_half_way_is_asked_once(stage: Stage) -> None:
    stage.sends("Elena", "ciao")
    stage.sends("Elena", "iscriviti")
    assert ahead(stage) == [("half_way", "Tue 08:00")]
    perform(stage, "2 days pass")
    assert ahead(stage) == []


def test_looking_changes_nothing(stage: Stage) -> None:
    perform(stage, "Amina is registered, and wants reminders")
    perform(stage, "Amina has a place at «Curriculum»")
    desk = stage.desk()
    with desk.storage.reading() as store:  # which refuses every write
        assert coming(store, stage.now, stage.now + timedelta(days=400))
    desk.close()
