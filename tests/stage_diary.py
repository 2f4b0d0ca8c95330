# SPDX-License-Identifier: EUPL-1.2
"""What can happen on stage around the weekly diary of a Job Club."""

from datetime import timedelta
from typing import Any

from handlers.desk.diary import week_of
from storage import Store
from tests.stage import Stage, direction

FIGURES = r"(\d+) applications?, (\d+) calls? and (\d+) interviews?"


@direction(rf"(\w+) told «(.+)» of {FIGURES} (\d+) weeks? ago")
def told(stage: Stage, who: str, club: str, applications: str, calls: str, interviews: str, weeks: str) -> None:
    week = week_of(stage.now) - timedelta(weeks=int(weeks))
    answers = {"applications": int(applications), "calls": int(calls), "interviews": int(interviews)}

    def tell(store: Store) -> None:
        store.diaries.tell(stage.person(store, who).id, club, week, stage.now, **answers)

    stage.with_store(tell)


@direction(r"(\w+) has got (no|a) picture")
def has_got_a_picture(stage: Stage, who: str, what: str) -> None:
    """The newest message that carries a file is one to be looked at in the chat."""
    carried: list[dict[str, Any]] = [
        one.payload for one in stage.shown_to(who) if one.payload and "file" in one.payload
    ]
    assert bool(carried and carried[-1].get("is_picture")) == (what == "a"), carried


@direction(r"the week of (\w+) says: (.+)")
def week_says(stage: Stage, who: str, words: str) -> None:
    """What is kept of this week, such as: applications 3, mood 4."""

    def look(store: Store) -> dict[str, Any]:
        told = store.diaries.of(stage.person(store, who).id)
        return next((one.answers for one in told if one.week == week_of(stage.now)), {})

    said = ", ".join(f"{name} {value}" for name, value in stage.with_store(look).items()) or "nothing"
    assert said == words, said
