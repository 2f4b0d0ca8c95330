# SPDX-License-Identifier: EUPL-1.2
"""The clock of a demonstration, as somebody moves it on the page."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.clock import Clock
from bot.contract import Move
from bot.simulator.said import in_an_object, language_of
from handlers.desk import clock as stored
from handlers.desk.coming import coming
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import ROME, shown
from storage import Storage

FARTHEST = timedelta(days=400)
FARTHEST_EVER = timedelta(days=3650)
NINE = time(9)
WAIT = 10.0  # seconds; a longer way is gone on with while the page looks on

BACK = "The clock only moves forward: what was due has already happened."
TOO_FAR = "The clock moves at most 400 days at a time, and ten years in all."
NOTHING_DUE = "Nothing is due in the next 400 days."
REAL_PEOPLE = "Real people write to this desk, and would hear of days that have not come: its clock stays."


class Day:
    """Moves the clock, past all that is due on the way; not where real people live by it."""

    def __init__(self, storage: Storage, clock: Clock, catalogues: Catalogues, move: Move) -> None:
        self.storage, self.clock, self.catalogues, self.move = storage, clock, catalogues, move
        self.moving: set[asyncio.Task[int]] = set()

    async def change(self, request: Request) -> Response:
        found = await in_an_object(request)
        to = await asyncio.to_thread(self._wanted, found)
        task = asyncio.create_task(self.move(to))
        self.moving.add(task)
        task.add_done_callback(self.moving.discard)
        done, _going_on = await asyncio.wait({task}, timeout=WAIT)
        if done and isinstance(trouble := task.exception(), stored.RealPeople):
            raise HTTPException(409, REAL_PEOPLE) from trouble
        if done and isinstance(trouble, ValueError):
            raise HTTPException(400, BACK) from trouble
        if done:
            task.result()
        now, reader = self.clock.now(), self.catalogues.reader(language_of(request.query_params))
        said = {"now": now.isoformat(), "words": shown(now, reader), "moving": not done}
        return JSONResponse(said, status_code=200 if done else 202)

    def _wanted(self, found: dict[str, Any]) -> datetime:
        """The moment that is asked for, aware, in UTC. Raises HTTPException where the clock cannot go there."""
        with self.storage.reading() as store:
            if store.people.any_real():
                raise HTTPException(409, REAL_PEOPLE)
            self.clock.follow(stored.offset(store))
        now = self.clock.now()
        to = self._chosen(found["choose"], now) if "choose" in found else read(found.get("to"))
        if to < now:
            raise HTTPException(400, BACK)
        if to - now > FARTHEST or to - self.clock.real() > FARTHEST_EVER:
            raise HTTPException(400, TOO_FAR)
        return to

    def _chosen(self, name: object, now: datetime) -> datetime:
        if name == "next_due":
            return self._next_due(now)
        if not isinstance(name, str) or name not in CHOICES:
            raise HTTPException(400, f"choose is one of: {', '.join([*CHOICES, 'next_due'])}")
        return CHOICES[name](now)

    def _next_due(self, now: datetime) -> datetime:
        for days in (7, 60, FARTHEST.days):  # it is mostly near, and a long look takes long
            with self.storage.reading() as store:
                if found := coming(store, now, now + timedelta(days=days)):
                    return found[0].at
        raise HTTPException(409, NOTHING_DUE)


def read(found: object) -> datetime:
    """A moment with its zone, as ISO 8601 writes it; without one it is Rome's."""
    try:
        at = datetime.fromisoformat(str(found))
        return (at if at.tzinfo else at.replace(tzinfo=ROME)).astimezone(UTC)
    except (ValueError, OverflowError) as bad:
        raise HTTPException(400, "to is a moment such as 2026-12-01T09:00:00+01:00") from bad


def in_an_hour(now: datetime) -> datetime:
    return now + timedelta(hours=1)


def tomorrow_9(now: datetime) -> datetime:
    return nine_in(now, days=1)


def next_monday_9(now: datetime) -> datetime:
    return nine_in(now, days=7 - now.astimezone(ROME).weekday())


def nine_in(now: datetime, days: int) -> datetime:
    """Nine o'clock in Rome, so many days from today."""
    day = now.astimezone(ROME).date() + timedelta(days=days)
    return datetime.combine(day, NINE, ROME).astimezone(UTC)


CHOICES: dict[str, Callable[[datetime], datetime]] = {
    "in_an_hour": in_an_hour,
    "tomorrow_9": tomorrow_9,
    "next_monday_9": next_monday_9,
}
