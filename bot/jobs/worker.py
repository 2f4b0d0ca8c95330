# SPDX-License-Identifier: EUPL-1.2
"""The worker: sends what is due, retries what failed, and looks for moments that have come."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import Clock
from bot.jobs import JOBS
from bot.jobs.contents import registries
from bot.jobs.delivery import Deliverer
from bot.jobs.files import Fetcher
from bot.jobs.health import Watch
from bot.jobs.missed import Reconciler
from bot.jobs.settling import Settling
from handlers.desk import Desk, erasing, moments, searching
from handlers.desk import clock as stored
from handlers.desk.offers import LAST_OFFER
from handlers.desk.retaining import Retaining
from handlers.engine import Engine
from handlers.moments import Push
from handlers.talk.catalogues import Catalogues
from storage import Storage, Unavailable
from storage.messages import Claimed, Room

log = structlog.get_logger()

AT_ONCE = 100  # chats of one channel to which something is on its way
FOR_PUSHES = 66  # of them, at the most; the others are kept free for replies
AT_A_TIME = 30  # messages in a claim
PART = 100  # pushes that are put into the outbox in one transaction
PATIENCE = 5.0  # seconds, for what is on its way when we are told to stop


class Worker:
    """APScheduler only knocks; what is due is in the database, so any number of workers may hear the same knock."""

    def __init__(
        self,
        storage: Storage,
        engine: Engine,
        deliverer: Deliverer,
        fetcher: Fetcher,
        clock: Clock,
        erasure_key: bytes = b"",
    ) -> None:
        self.storage, self.engine, self.deliverer, self.clock = storage, engine, deliverer, clock
        self.fetcher, self.erasure_key = fetcher, erasure_key
        self.reconciler = Reconciler(storage, clock, engine, deliverer.transports, erasure_key)
        self.registries = registries(storage, clock, engine.play.catalogues, deliverer.transports.values())
        self.settler = Settling(deliverer.receipts, deliverer.transports)
        self.watch = Watch(storage, clock)
        self._knock = asyncio.Event()
        self._sending: dict[asyncio.Task[None], list[Claimed]] = {}

    def knock(self) -> None:
        """Something may be due right now."""
        self._knock.set()

    async def run(self) -> None:
        """Work until cancelled."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        for job in JOBS:
            scheduler.add_job(
                self._guarded(job.name),
                "interval",
                seconds=job.every.total_seconds(),
                id=job.name,
                coalesce=True,
                misfire_grace_time=None,
                max_instances=1,
            )
        scheduler.start()
        try:
            await self._send_on_knock()
        finally:
            scheduler.shutdown(wait=False)
            await self._let_arrive()

    async def _send_on_knock(self) -> None:
        """Every chat on its own, so that one that is slow holds up no other, and no channel the other."""
        while True:
            await self._knock.wait()
            self._knock.clear()
            try:
                chats = await self.deliverer.claimed(self._room())
            except Exception as trouble:
                log.warning("nothing_claimed", error=type(trouble).__name__)
                continue
            for chat in chats:
                task = asyncio.create_task(self.deliverer.send(chat))
                self._sending[task] = chat
                task.add_done_callback(self._sent)
            if chats:
                await asyncio.sleep(0)  # until they stand in line
                self.knock()  # there may be more

    def _room(self) -> Room:
        """
        What may be claimed now. Pushes are taken only as fast as their channel lets them go, and never all the
        places: a reply finds a place free, and nobody ahead of it in the line.
        """
        buckets, chats = self.deliverer.buckets, self._sending.values()
        busy = Counter(chat[0].channel for chat in chats)
        pushes = Counter(chat[0].channel for chat in chats if any(one.priority for one in chat))
        known = {*self.deliverer.transports, *busy}
        # A channel that is not set up is known only by its pause.
        shut = {name for name in known | buckets.channels.keys() if busy[name] >= AT_ONCE or buckets.is_paused(name)}
        free = {name: self._free(name, pushes[name]) for name in known - shut}
        some = {name: many for name, many in free.items() if many > 0}
        return Room(
            most=AT_A_TIME,
            pushes=min(some.values(), default=0 if known else AT_A_TIME),
            shut=shut,
            replies_only=free.keys() - some.keys(),
        )

    def _free(self, channel: str, pushes: int) -> int:
        """
        For how many more pushes there is room. No more than a second's worth stands in line for this channel, and the
        line is filled up by halves: who claims them one by one pays for a claim each.
        """
        a_second, waiting = self.deliverer.buckets.in_a_second(channel), self.deliverer.buckets.waiting(channel)
        return int(min(a_second - waiting, FOR_PUSHES - pushes)) if waiting <= a_second / 2 else 0

    def _sent(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        if not task.cancelled() and (trouble := task.exception()):
            log.error("not_sent", error=type(trouble).__name__)
            return  # the next regular knock is soon enough
        self.knock()  # there may be more for that chat

    async def _let_arrive(self) -> None:
        """What is on its way may arrive, and is written down; it is given a while."""
        if self._sending:
            _arrived, late = await asyncio.wait(self._sending, timeout=PATIENCE)
            for task in late:
                task.cancel()

    def _guarded(self, name: str) -> Callable[[], object]:
        """A job that says what went wrong and tries again at the next knock."""
        run = getattr(self, name)

        async def guarded() -> None:
            try:
                await run()
            except Exception as trouble:
                log.error("job_failed", job=name, error=type(trouble).__name__)

        return guarded

    async def delivery(self) -> None:
        self.knock()

    async def turns(self) -> None:
        if await asyncio.to_thread(self.engine.retry):
            self.knock()

    async def moments(self) -> None:
        if await asyncio.to_thread(self.plan_moments):
            self.knock()

    async def day(self) -> None:
        """Where the day can be moved, every process lives on the same one."""
        if self.deliverer.simulated is None:
            return
        if await asyncio.to_thread(self.follow):
            self.knock()

    def follow(self) -> bool:
        """Move the clock to where it has been moved elsewhere. False if it is there already."""
        with self.storage.reading() as store:
            return self.clock.follow(stored.offset(store))

    async def files(self) -> None:
        while await self.fetcher.run_once():
            self.knock()  # somebody may have to be told

    async def settling(self) -> None:
        """What may not have arrived, where the channel can be asked."""
        if await self.settler.run_once():
            self.knock()

    async def missed(self) -> None:
        """What people wrote while their channel could not reach us."""
        if await self.reconciler.run_once():
            self.knock()

    async def forms(self) -> None:
        """What the networks say of our templates by now."""
        for registry in self.registries:
            if await registry.hourly():
                self.knock()  # what waited for an approval need not wait any longer

    async def health(self) -> None:
        """Does a channel fail, or has it fallen silent?"""
        await asyncio.to_thread(self.watch.look, sorted(self.deliverer.transports))

    async def handovers(self) -> None:
        if await asyncio.to_thread(self.give_back):
            self.knock()

    def give_back(self) -> int:
        """Where somebody of the desk has been away for longer than they said, the program answers again. How many."""
        now, catalogues = self.clock.now(), self.engine.play.catalogues
        with self.storage.reading() as store:
            overdue = store.dialogues.overdue(now)
        return sum(self._give_back(person_id, now, catalogues) for person_id in overdue)

    def _give_back(self, person_id: int, now: datetime, catalogues: Catalogues) -> bool:
        try:
            with self.storage.writing() as store:
                desk = Desk(store, store.people.get(person_id), now, catalogues)
                return desk.handover.give_back(None, because="time")
        except Unavailable:
            raise
        except Exception as trouble:  # one who cannot be given back must not keep the others in silence
            log.error("not_given_back", error=type(trouble).__name__)
            return False

    async def erasures(self) -> None:
        if await asyncio.to_thread(self.erase):
            self.knock()  # their places are offered to others

    async def search(self) -> None:
        """What was said is found a few seconds later. We may be told to stop between any two steps."""
        while await asyncio.to_thread(searching.keep_up, self.storage):
            pass

    async def retention(self) -> None:
        if await asyncio.to_thread(self.let_go):
            self.knock()

    def let_go(self) -> int:
        """Once a day, whoever hears the knock first: delete what has been kept long enough. Returns how many rows."""
        retaining = Retaining(self.storage, self.clock, self.engine.play.catalogues)
        if not retaining.is_time():
            return 0
        outcomes = retaining.run_all()
        for one in outcomes:
            if one.failed:
                log.error("retention_failed", job=one.rule.name, error=one.failed)
        return sum(one.rows for one in outcomes)

    def erase(self) -> int:
        """
        Delete those who asked for it and have their receipt, one after the other. Returns how many.

        The copies go as well that we made for those who wanted to have their data.
        """
        now, catalogues = self.clock.now(), self.engine.play.catalogues
        with self.storage.reading() as store:
            due, downloads = erasing.due(store, now), erasing.any_downloads(store, now)
        if downloads:
            with self.storage.writing() as store:
                erasing.forget_downloads(store, now)
        return sum(self._erase(person_id, now, catalogues) for person_id in due)

    def _erase(self, person_id: int, now: datetime, catalogues: Catalogues) -> bool:
        try:
            with self.storage.writing() as store:
                return erasing.erase(store, person_id, now, catalogues, self.erasure_key)
        except Unavailable:
            raise
        except Exception as trouble:  # whoever cannot be deleted must not keep the others waiting
            log.error("not_erased", error=type(trouble).__name__)
            return False

    def plan_moments(self) -> int:
        """
        Put what has come into the outbox, once per slot, whoever hears the knock first. Returns how many were new.

        It looks with nothing locked and writes a little at a time: people who write meanwhile do not wait for it.
        """
        now = self.clock.now()
        with self.storage.writing() as store:
            if not store.records.take_slot("moments", slot_of(now), now):
                return 0
            store.records.forget_slots(now - timedelta(days=2))
            looks_at_all = store.records.take_slot("silence", quarter_of(now), now)
        return self.plan(now, looks_at_all=looks_at_all)

    def plan(self, now: datetime, *, looks_at_all: bool) -> int:
        """The same without asking whose slot it is. What is in the outbox already is not put twice."""
        renewed = self._renew_offers(now)
        with self.storage.reading() as store:
            pushes = moments.due_now(store, now) + (moments.due_quiet(store, now) if looks_at_all else [])
        parts = [pushes[start : start + PART] for start in range(0, len(pushes), PART)]
        return renewed + sum(self._put(part, now) for part in parts)

    def _renew_offers(self, now: datetime) -> int:
        """End offers that are over, and offer what is free: one workshop at a time. Returns how many ended."""
        catalogues = self.engine.play.catalogues
        with self.storage.reading() as store:
            over = store.workshops.ended_offers(now)
        ended = 0
        for booking in over:
            with self.storage.writing() as store:
                ended += moments.lapse(store, now, catalogues, booking)
        with self.storage.reading() as store:
            waiting = store.workshops.with_places_for_the_line(now + LAST_OFFER)
        ended += self._renew_club_offers(now)
        for workshop_id, first in waiting:
            with self.storage.writing() as store:
                moments.offer_free_places(store, now, catalogues, workshop_id, first)
        return ended

    def _renew_club_offers(self, now: datetime) -> int:
        """The same for the places of Job Clubs."""
        catalogues = self.engine.play.catalogues
        with self.storage.reading() as store:
            over = store.job_clubs.ended_offers(now)
        ended = 0
        for place in over:
            with self.storage.writing() as store:
                ended += moments.lapse_club_place(store, now, catalogues, place)
        with self.storage.reading() as store:
            waiting = store.job_clubs.with_places_for_the_line()
        for club_id, first in waiting:
            with self.storage.writing() as store:
                moments.offer_free_club_places(store, now, catalogues, club_id, first)
        return ended

    def _put(self, pushes: Sequence[Push], now: datetime) -> int:
        """Put these, in one transaction; if one of them cannot be put, each on its own."""
        try:
            with self.storage.writing() as store:
                return moments.put(store, now, self.engine.play.catalogues, pushes)
        except Unavailable:
            raise
        except Exception as trouble:
            log.error("not_planned", error=type(trouble).__name__, moment=pushes[0].moment.name)
            return sum(self._put([push], now) for push in pushes) if len(pushes) > 1 else 0


def slot_of(now: datetime) -> datetime:
    """The twenty seconds this moment belongs to."""
    return now.replace(second=now.second // 20 * 20, microsecond=0)


def quarter_of(now: datetime) -> datetime:
    """The quarter of an hour this moment belongs to."""
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
