# SPDX-License-Identifier: EUPL-1.2
"""Bringing in what people sent, as a worker does it: claim, look inside, and record what became of it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

from handlers.desk import Desk
from handlers.desk.files import why
from handlers.rules.files import claimed, looked_into
from handlers.talk import Text, _
from handlers.talk.catalogues import Catalogues
from storage import Storage
from storage.files import Attachment

LEASE = timedelta(minutes=3)  # in which a file of 20 megabytes arrives, or will not
WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
TRIES = len(WAITS) + 1

LOST = _("I could not get what you sent. Please send it again.")


class Clock(Protocol):
    def now(self) -> datetime: ...

    def real(self) -> datetime: ...


class Filing:
    """Each method is one short transaction; nothing is open while a file travels. Claims and waits are in real time."""

    def __init__(self, storage: Storage, clock: Clock, catalogues: Catalogues) -> None:
        self.storage, self.clock, self.catalogues = storage, clock, catalogues

    def claim(self, limit: int, *, simulated: bool) -> list[Attachment]:
        """Take what waits to be fetched; what came from a simulated chat only where that can be."""
        real = self.clock.real()
        with self.storage.reading() as store:
            if not store.files.anything_waiting(real, simulated=simulated):
                return []
        with self.storage.writing() as store:
            return store.files.claim(real=real, lease=LEASE, limit=limit, simulated=simulated)

    def arrived(self, taken: Attachment, content: bytes) -> None:
        """Keep it for the desk if it is what it claims to be; else its sender is told, once."""
        found = looked_into(content, claimed(taken.kind, taken.name, taken.declared))
        if isinstance(found, str):
            return self._end(taken, why(found, taken.kind), state="refused", reason=found)
        with self.storage.writing() as store:
            file_id = store.files.keep(content, kind=found.mime, at=self.clock.now())
            settled = {"state": "stored", "reason": None, "retry_at": self.clock.real()}
            if not store.files.settle(taken, file_id=file_id, **settled):
                store.files.forget([file_id])  # whoever sent it may be gone by now
        return None

    def later(self, taken: Attachment, reason: str, retry_in: timedelta, *, counts: bool) -> None:
        """It could not be fetched this time; after some tries of its own it is lost."""
        if counts and taken.attempts >= TRIES:
            return self.lost(taken, reason)
        wait = max(retry_in, WAITS[min(taken.attempts, len(WAITS)) - 1])
        attempts = taken.attempts if counts else taken.attempts - 1
        with self.storage.writing() as store:
            store.files.settle(taken, retry_at=self.clock.real() + wait, reason=reason, attempts=attempts)
        return None

    def to_release(self, channels: Collection[str]) -> Attachment | None:
        """
        Something that one of these channels keeps though we have it, or never will. It is tried again after a while,
        unless it is said to be ``released``.
        """
        real = self.clock.real()
        with self.storage.reading() as store:
            if not store.files.anything_to_release(real, channels):
                return None
        with self.storage.writing() as store:
            found = store.files.release(real=real, again_at=real + WAITS[-1], channels=channels, limit=1)
        return found[0] if found else None

    def released(self, held: Attachment) -> None:
        """Its channel has it no longer."""
        with self.storage.writing() as store:
            store.files.released(held.id, self.clock.now())

    def not_released(self, held: Attachment) -> None:
        """Its channel will never let go of it: nobody tries again."""
        with self.storage.writing() as store:
            store.files.released(held.id, None)

    def lost(self, taken: Attachment, reason: str) -> None:
        """It cannot be fetched any more; its sender is asked for it again, once."""
        self._end(taken, LOST, state="lost", reason=reason)

    def _end(self, taken: Attachment, words: Text, *, state: str, reason: str) -> None:
        """It is not kept, and its sender is told; unless somebody else has it by now, or they have said stop since."""
        with self.storage.writing() as store:
            store.dialogues.lock_person(taken.person_id)
            desk = Desk(store, store.people.get(taken.person_id), self.clock.now(), self.catalogues)
            message = store.messages.get(taken.message_id)
            assert message is not None, "an attachment belongs to a message"
            stopped_at = desk.person.stopped_at
            is_settled = store.files.settle(taken, state=state, reason=reason, retry_at=self.clock.real())
            if is_settled and not (stopped_at and message.at < stopped_at):
                reader = self.catalogues.reader(desk.person.language)
                desk.outbox.reply(store.people.identity(message.identity_id), words.render(reader), reply_to=message.id)
