# SPDX-License-Identifier: EUPL-1.2
"""The town that is tortured: its database, its workshops, its day, as its own people see and change them."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import delete, func, insert, or_, select, update

import storage
from handlers.desk.changes import Changes
from handlers.talk import Gone
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import ROME
from storage import Storage, Store, Unavailable
from storage.messages import IN_FLIGHT, UNFINISHED, UNSENT
from storage.tables import job_slots, messages, series, venues, workshops
from tests.database import load_town, prepare
from tests.torture.post import Update

T = TypeVar("T")
OPEN_WORKSHOPS = 3
CATALOGUES = Catalogues()


class Town:
    """Everything here is patient with a database that is away."""

    def __init__(self, url: str, chance: random.Random) -> None:
        self.url, self.random = url, chance
        self.found: Storage | None = None
        self.offset = timedelta(0)
        self.changes: dict[str, int] = {}

    def opens(self) -> None:
        """Tables, content, a Tuesday morning, and workshops that everybody wants."""
        prepare(self.url, load_town)
        self.found = storage.open(self.url)
        real = datetime.now(UTC).astimezone(ROME)
        tuesday = real.replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(
            days=(1 - real.weekday()) % 7 or 7
        )
        self.offset = tuesday - real
        with self.found.writing() as store:
            store.questions.set("clock_offset", self.offset.total_seconds())
            make_place(store, self.now)
            for _ in range(OPEN_WORKSHOPS):
                self._add(store)

    def close(self) -> None:
        if self.found:
            self.found.close()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    async def does(self, work: Callable[[Store], T]) -> T:
        """Do something in a transaction, however long the database is away."""
        for _ in range(200):
            try:
                return await asyncio.to_thread(self._does, work)
            except Unavailable:
                await asyncio.sleep(0.2)
        raise RuntimeError("the database does not come back")

    def _does(self, work: Callable[[Store], T]) -> T:
        assert self.found
        with self.found.writing() as store:
            return work(store)

    # ---- time

    async def jumps(self, by: timedelta) -> None:
        """The clock goes forward; every process must be started anew to notice."""
        self.offset += by
        await self.does(lambda store: store.questions.set("clock_offset", self.offset.total_seconds()))

    # ---- workshops

    async def tends_workshops(self) -> None:
        """There are always some ahead, each with hardly any places."""
        ahead = select(func.count()).where(workshops.c.closes_at > self.now, workshops.c.cancelled_at.is_(None))

        def tend(store: Store) -> None:
            for _ in range(OPEN_WORKSHOPS - store.read(ahead)[0][0]):
                self._add(store)

        await self.does(tend)

    async def changes_something(self) -> str:
        """Somebody at the desk changes a workshop: moved, called off, made larger or smaller, put online."""
        what = self.random.choice(("move", "move", "move a little", "call off", "resize", "resize", "resize", "online"))

        def change(store: Store) -> str:
            ids = [row[0] for row in store.read(_ahead(self.now))]
            if not ids:
                return ""
            id = self.random.choice(ids)
            changes = Changes(store, self.now, CATALOGUES, actor="staff:1")
            found = store.workshops.get(id)
            assert found
            match what:
                case "move":
                    changes.move(id, found.starts_at + timedelta(hours=self.random.choice((3, 24, 26, 48))))
                case "move a little":
                    changes.move(id, found.starts_at + timedelta(minutes=5))
                case "call off":
                    changes.call_off(id)
                case "resize":
                    changes.resize(id, max(0, found.capacity + self.random.choice((-1, 1, 1))))
                case _:
                    changes.go_online(id, "https://example.org/room")
            return what

        try:
            done = await self.does(change)
        except Gone:
            return ""
        self.changes[done] = self.changes.get(done, 0) + 1
        return done

    def _add(self, store: Store) -> None:
        day = self.now.astimezone(ROME) + timedelta(days=self.random.randint(1, 5))
        starts = day.replace(hour=self.random.choice((10, 15)), minute=0, second=0, microsecond=0)
        title = f"Workshop {store.read(select(func.count()).select_from(workshops))[0][0] + 1}"
        store.write(
            insert(workshops).values(
                series_id="torture",
                title={"it": title, "en": title},
                summary={"it": "Impariamo insieme.", "en": "We learn together."},
                venue_id="torture",
                starts_at=starts,
                ends_at=starts + timedelta(hours=2),
                opens_at=self.now - timedelta(days=1),
                closes_at=starts - timedelta(hours=1),
                capacity=self.random.choice((1, 1, 2)),
                languages=["it"],
                counts_for_path=False,
                line=0,
                revision=0,
                mode="in_person",
            )
        )

    # ---- the outbox

    async def leaving(self) -> set[int]:
        """What is leaving at this moment, and what may have left when a process was killed just now."""
        rows = await self.does(lambda store: store.read(select(messages.c.id).where(messages.c.state == "sending")))
        return {row[0] for row in rows}

    async def minutes_pass(self) -> None:
        """
        While no worker is there, the leases of those who were killed come to their end, and so does every wait: for
        another try, and until the networks are asked again what people wrote.
        """
        over = update(messages).where(messages.c.state.in_(IN_FLIGHT)).values(lease_until=long_ago())
        waited = update(messages).where(messages.c.state == "pending", messages.c.retry_at.is_not(None))
        asked = delete(job_slots).where(job_slots.c.job.startswith("missed:"))

        def passes(store: Store) -> None:
            store.write(over)
            store.write(waited.values(retry_at=long_ago()))
            store.write(asked)

        await self.does(passes)

    async def doubts_are_old(self) -> int:
        """The networks have said all that they will say by themselves: now they are asked. About how many."""
        doubtful = (messages.c.state == "uncertain") & messages.c.retry_at.is_not(None)
        old = update(messages).where(doubtful).values(retry_at=long_ago())
        return int(await self.does(lambda store: store.write(old).rowcount))

    async def unfinished(self) -> int:
        """What somebody still has to do: turns to try again, messages that are due."""
        open_turns = (messages.c.direction == "in") & messages.c.state.in_(UNFINISHED)
        unsent = (messages.c.direction == "out") & messages.c.state.in_(UNSENT) & (messages.c.due_at <= self.now)
        count = select(func.count()).select_from(messages).where(or_(open_turns, unsent))
        return int((await self.does(lambda store: store.read(count)))[0][0])

    async def unheard(self, updates: list[Update]) -> int:
        """How much of what people did is not in the log."""
        into = select(messages.c.update_key).where(messages.c.direction == "in")
        known = {row[0] for row in await self.does(lambda store: store.read(into))}
        return sum(one.key not in known for one in updates)

    async def rows(self, statement: Any) -> list[Any]:
        return list(await self.does(lambda store: store.read(statement)))


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=2)


def _ahead(now: datetime) -> Any:
    return select(workshops.c.id).where(workshops.c.starts_at > now, workshops.c.cancelled_at.is_(None))


def make_place(store: Store, now: datetime) -> None:
    """A room in Bologna, and a series of workshops to be held in it."""
    bologna = next(place.istat for place in store.territories.places() if place.name == "Bologna")
    store.write(
        insert(venues).values(id="torture", name="Casa Lumetta", comune_istat=bologna, address="Via Immaginaria 10")
    )
    name, today = {"it": "Bussola del lavoro", "en": "Bussola del lavoro"}, now.date()
    store.write(
        insert(series).values(
            id="torture",
            kind="semester",
            programme_id="bussola",
            area_id="bologna",
            name=name,
            starts_on=today,
            ends_on=today + timedelta(days=180),
        )
    )
