# SPDX-License-Identifier: EUPL-1.2
"""The forms that a channel keeps for us: made where they are missing, handed in for approval, asked after."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.contract import Approval, DeliveryError, KeepsForms, Transport
from handlers.desk import contents
from handlers.talk.catalogues import Catalogues
from handlers.talk.forms import Described
from storage import Storage, Store
from storage.contents import Content

log = structlog.get_logger()

# In our words; what we have never heard of is no approval.
STATUS = {
    "unsubmitted": "made",
    "approved": "approved",
    "rejected": "rejected",
    "paused": "paused",
    "disabled": "disabled",
}

T = TypeVar("T")


@dataclass
class Synced:
    """What was done to have every form: those newly made, those found where they were, those put to use again."""

    made: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    there: int = 0


class Registry:
    """
    Our list of the forms, and the network's. What a step of it has done is written down before the next begins, so
    that whoever interrupts it loses nothing.
    """

    def __init__(self, storage: Storage, clock: Clock, catalogues: Catalogues, network: KeepsForms) -> None:
        self.storage, self.clock, self.catalogues, self.network = storage, clock, catalogues, network

    async def sync(self) -> Synced:
        """Make what is missing. Forms of an interrupted run are found by their names."""
        listed, done = await self.network.listed(), Synced()
        for form in contents.plan(self.catalogues):
            row = await self._known(form)
            if row and row.sid in listed.values():
                if row.status != "made" and not form.is_template:  # whoever starts this has looked into it
                    await self._set(row.sid, "made", "")
                    done.again.append(form.friendly_name)
                else:
                    done.there += 1
                continue
            known = listed.get(form.friendly_name)
            sid = known or await self.network.make(form)
            await self._write(partial(self._keep, form=form, sid=sid))
            (done.found if known else done.made).append(form.friendly_name)
        return done

    async def submit(self, names: Collection[str] = ()) -> list[str]:
        """Hand in for approval what has not been, all of it or the templates of these names; the names it has there."""
        await self.sync()
        handed_in = []
        for form, row in await self.templates():
            if row and row.status == "made" and (not names or form.name in names):
                said = await self.network.submit(row.sid, form.friendly_name, str(form.category))
                await self._learn(row.sid, said)
                handed_in.append(form.friendly_name)
        return handed_in

    async def refresh(self) -> int:
        """Ask what is said of every template by now; how many have changed."""
        changed = 0
        try:
            for _form, row in await self.templates():
                changed += row is not None and await self._asked_after(row) != row.status
        finally:
            if changed:  # what waited for an approval need not wait any longer
                await self._write(lambda store: store.messages.another_way(self.clock.now()))
        return changed

    async def _asked_after(self, row: Content) -> str:
        try:
            return await self._learn(row.sid, await self.network.approval(row.sid))
        except DeliveryError as trouble:
            if trouble.retry_in or trouble.uncertain or trouble.halt:
                raise
            return await self._set(row.sid, "disabled", trouble.sentence)  # the network has it no longer

    async def hourly(self) -> int:
        """The same once an hour, whichever worker hears the knock first."""
        if not await self._write(self._is_ours):
            return 0
        try:
            return await self.refresh()
        except DeliveryError as trouble:
            log.warning("templates_not_asked_after", code=trouble.code)
            return 0

    def _is_ours(self, store: Store) -> bool:
        real = self.clock.real()
        return store.records.take_slot("forms", real.replace(minute=0, second=0, microsecond=0), real)

    async def templates(self) -> list[tuple[Described, Content | None]]:
        """Every template in every language, with what is known of it."""
        wanted = contents.wanted_templates(self.catalogues)
        return await self._look(lambda store: [(form, contents.kept(store, form)) for form in wanted])

    async def unsaid(self) -> list[tuple[str, str]]:
        """The moments that cannot be said outside the window, each with the language."""
        return await self._look(lambda store: contents.unsaid(store, self.catalogues))

    async def _learn(self, sid: str, said: Approval) -> str:
        return await self._set(sid, STATUS.get(said.status, "pending"), said.reason)

    async def _set(self, sid: str, status: str, reason: str) -> str:
        await self._write(lambda store: contents.set_status(store, sid, status, reason or None, self.clock.real()))
        return status

    async def _known(self, form: Described) -> Content | None:
        return await self._look(lambda store: contents.kept(store, form))

    def _keep(self, store: Store, form: Described, sid: str) -> None:
        contents.keep(store, form, sid, self.clock.real())

    async def _look(self, look: Callable[[Store], T]) -> T:
        def read() -> T:
            with self.storage.reading() as store:
                return look(store)

        return await asyncio.to_thread(read)

    async def _write(self, change: Callable[[Store], T]) -> T:
        def write() -> T:
            with self.storage.writing() as store:
                return change(store)

        return await asyncio.to_thread(write)


def registries(
    storage: Storage, clock: Clock, catalogues: Catalogues, transports: Iterable[Transport]
) -> list[Registry]:
    """One for each network that keeps forms for us."""
    networks: list[KeepsForms | None] = [getattr(transport, "contents", None) for transport in transports]
    return [Registry(storage, clock, catalogues, network) for network in networks if network is not None]
