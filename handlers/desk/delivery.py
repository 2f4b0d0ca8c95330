# SPDX-License-Identifier: EUPL-1.2
"""The outbox, as a worker empties it: claim, look once more, and record what became of each message."""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from handlers.desk.hours import hours_for
from handlers.moments import BY_NAME
from handlers.rules.sending import Drop, Facts, Send, Wait, may_send
from handlers.talk import Address, Option, Outgoing
from handlers.talk.text import ROME
from storage import Storage, Store
from storage.messages import Claimed, Message

LEASE = timedelta(seconds=90)
QUESTION_IS_FRESH = timedelta(minutes=10)
ATTEMPTS = 5


class Clock(Protocol):
    def now(self) -> datetime: ...

    def real(self) -> datetime: ...


class Delivery:
    """
    Each method is one short transaction; nothing is open while a message travels.

    Claims are leases in real time: a worker that dies gives back what had not left, and what may have left
    stands as uncertain.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self.storage, self.clock = storage, clock

    def claim(self, limit: int = 30, identity_id: int | None = None, without: Collection[str] = ()) -> list[Claimed]:
        """Take what is due, but for the channels to do without; each carries our lease."""
        real = self.clock.real()
        with self.storage.writing() as store:
            store.messages.recover(real)
            return store.messages.claim(
                now=self.clock.now(),
                real=real,
                until=real + LEASE,
                lease=secrets.token_hex(8),
                limit=limit,
                identity_id=identity_id,
                without=without,
            )

    def anything_due(self) -> bool:
        """A cheap look before taking the pen: is there something to claim, or to recover?"""
        with self.storage.reading() as store:
            return store.messages.anything_due(self.clock.now(), self.clock.real())

    def begin(self, claimed: Claimed) -> Outgoing | None:
        """Look once more; the message in words if it may leave now, marked as leaving. None if it may not."""
        with self.storage.writing() as store:
            message = store.messages.lock(claimed.id)
            if message is None or message.lease != claimed.lease or message.state != "claimed":
                return None  # somebody else has it by now
            match may_send(self._facts(store, message), hours_for(store, store.people.get(message.person_id))):
                case Send():
                    store.messages.change(message.id, state="sending")
                    return outgoing(claimed)
                case Wait(until=until):
                    store.messages.settle(message.id, claimed.lease, state="pending", due_at=until)
                case Drop(state=state, reason=reason):
                    self._settle(store, claimed, state=state, reason=reason)
        return None

    def sent(self, claimed: Claimed, provider_id: str) -> bool:
        """It arrived at the channel. False if the lease had passed to somebody else."""
        with self.storage.writing() as store:
            return self._settle(
                store, claimed, state="sent", provider_id=provider_id, sent_at=self.clock.now(), reason=None
            )

    def uncertain(self, claimed: Claimed, reason: str) -> None:
        """It may have arrived, or not; on a channel that cannot tell, it is not sent again."""
        with self.storage.writing() as store:
            self._settle(store, claimed, state="uncertain", reason=reason, sent_at=self.clock.now())

    def failed(self, claimed: Claimed, reason: str, blocked: bool = False) -> None:
        """It did not arrive and will not. A blocked chat is shut until the person writes again."""
        with self.storage.writing() as store:
            self._settle(store, claimed, state="failed", reason=reason)
            if blocked:
                store.people.change_identity(claimed.identity_id, blocked_at=self.clock.now())

    def later(self, claimed: Claimed, reason: str, retry_in: timedelta, counts: bool) -> None:
        """It did not arrive; try again after this long, unless it has been tried often enough."""
        attempts = claimed.attempts + counts
        if attempts >= ATTEMPTS:
            return self.failed(claimed, reason)
        with self.storage.writing() as store:
            self._settle(
                store, claimed, state="pending", reason=reason, attempts=attempts, retry_at=self.clock.real() + retry_in
            )
        return None

    def _settle(self, store: Store, claimed: Claimed, **values: object) -> bool:
        return store.messages.settle(claimed.id, claimed.lease, **values)

    def _facts(self, store: Store, message: Message) -> Facts:
        person = store.people.get(message.person_id)
        identity = store.people.identity(message.identity_id)
        facts = Facts(
            now=self.clock.now(),
            written_at=message.at,
            is_push=message.kind != "reply",
            stopped_at=person.stopped_at,
            blocked=identity.blocked_at is not None,
            not_after=message.not_after,
        )
        return facts if message.kind == "reply" else self._about(store, message, facts)

    def _about(self, store: Store, message: Message, facts: Facts) -> Facts:
        """What a push adds: its moment's consent and hours, and whether what it is about still stands."""
        payload = message.payload or {}
        moment = BY_NAME.get(payload.get("moment", ""))
        if moment is None:
            return replace(facts, still_on=False)
        return replace(
            facts,
            agreed=moment.consent is None or moment.consent in store.people.consents(message.person_id),
            still_on=self._still_on(store, message, moment.about, payload.get("revision")),
            minds_the_hour=moment.priority > 0,
            pushes_today=store.messages.pushes_since(message.person_id, start_of_day(facts.now)),
            busy_until=busy_until(store, message),
        )

    @staticmethod
    def _still_on(store: Store, message: Message, state: str, revision: int | None) -> bool:
        noun, _colon, id = (message.subject or "").partition(":")
        booking = store.workshops.booking(int(id)) if noun == "booking" else None
        workshop = store.workshops.get(booking.workshop_id) if booking and booking.state == state else None
        return workshop is not None and workshop.cancelled_at is None and workshop.revision == revision


def outgoing(claimed: Claimed) -> Outgoing:
    return Outgoing(
        id=claimed.id,
        to=Address(claimed.channel, claimed.address, claimed.simulated),
        text=claimed.text,
        options=tuple(Option(**option) for option in claimed.options or ()),
        kind=claimed.kind,
    )


def busy_until(store: Store, message: Message) -> datetime | None:
    """Until when a push with choices waits for a question that was asked a moment ago; None if it need not."""
    dialogue = store.dialogues.get(message.person_id)
    is_asking = dialogue.question_id is not None and dialogue.conversation != "menu"
    return dialogue.changed_at + QUESTION_IS_FRESH if message.options and is_asking else None


def start_of_day(now: datetime) -> datetime:
    """Midnight in Rome before this moment."""
    return now.astimezone(ROME).replace(hour=0, minute=0, second=0, microsecond=0)
