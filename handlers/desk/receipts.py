# SPDX-License-Identifier: EUPL-1.2
"""What becomes of our messages later: the channel tells by itself, or is asked."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.desk.delivery import Delivery, Said
from handlers.rules.sending import moves_up, state_said
from handlers.talk import Address
from handlers.talk.messages import Form, Outgoing
from storage import Store
from storage.messages import Claimed, Message

ASK_AGAIN = timedelta(seconds=90)
AT_A_TIME = 20
BEFORE = timedelta(hours=1)  # what left earlier in the same chat, and may be taken for it


@dataclass(frozen=True)
class Doubt:
    """A message that may not have arrived, since when it may have, and by which numbers it is not known."""

    message: Outgoing
    since: datetime
    known: frozenset[str]


class Receipts:
    """Each method is one short transaction; nothing is open while a channel is asked."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery, self.storage, self.clock = delivery, delivery.storage, delivery.clock

    def learn(
        self, channel: str, provider_id: str, status: str, *, message_id: int | None, code: str | None
    ) -> Claimed | None:
        """
        Keep what a channel says of a message, once, and what follows from it: a message only moves up. One that has
        not arrived is returned, in our hands again.
        """
        with self.storage.writing() as store:
            id = self._meant(store, channel, provider_id, message_id)
            message = self._held(store, id) if id is not None else None
            if id is not None and message is None:
                return None  # deleted meanwhile: nothing more is kept of it
            has_failed = any(state_said(one.status) == "failed" for one in store.receipts.said(channel, provider_id))
            whose, now = message.id if message else None, self.clock.now()
            is_new = store.receipts.keep(channel, provider_id, status, message_id=whose, code=code, at=now)
            if message is None or not is_new or has_failed:
                return None
            store.receipts.belong_to(channel, provider_id, message.id)
            return self._follows(store, message, provider_id, state_said("failed" if code else status))

    def to_settle(self, channels: Collection[str]) -> list[Doubt]:
        """What may not have arrived, and of which nobody has told us; each is asked about by one worker."""
        real = self.clock.real()
        with self.storage.reading() as store:
            if not store.messages.any_to_settle(real, channels):
                return []
        with self.storage.writing() as store:
            found = store.messages.to_settle(real, real + ASK_AGAIN, channels, AT_A_TIME)
            return [self._doubt(store, one) for one in found]

    def found(self, id: int, provider_id: str) -> bool:
        """The channel has it by this number. False if that is another message's, or nobody doubts any more."""
        with self.storage.writing() as store:
            message = self._held(store, id)
            if message is None or message.state != "uncertain" or store.messages.known_as(message.channel, provider_id):
                return False
            store.messages.proven(id, provider_id)
            self.delivery.catch_up(store, id, message.channel, provider_id)
            return True

    def not_found(self, id: int) -> None:
        """The channel does not have it: it is sent again, and looked at once more before it leaves."""
        with self.storage.writing() as store:
            message = self._held(store, id)
            is_doubted = message is not None and message.state == "uncertain"
            claimed = self.delivery.take_back(store, id) if is_doubted else None
        if message and claimed:
            self.delivery.later(claimed, message.reason or "no_answer", timedelta(0), counts=True)

    @staticmethod
    def _meant(store: Store, channel: str, provider_id: str, message_id: int | None) -> int | None:
        """Which message of ours it is: by our own number, if that can be right; else by the channel's."""
        known = store.messages.get(message_id) if message_id is not None else None
        if known and known.direction == "out" and known.channel == channel:
            return known.id if not store.people.identity(known.identity_id).simulated else None
        return store.messages.known_as(channel, provider_id)

    @staticmethod
    def _held(store: Store, id: int) -> Message | None:
        """The message, which nobody else changes meanwhile; None if its person is deleted."""
        message = store.messages.get(id)
        if message is None or store.people.since(message.person_id) is None:
            return None
        found = store.messages.leaving(id, message.person_id)
        return found.message if found else None

    def _follows(self, store: Store, message: Message, provider_id: str, said: str | None) -> Claimed | None:
        is_another_try = message.provider_id is not None and message.provider_id != provider_id
        never_left = message.sent_at is None
        if said is None or is_another_try or never_left or not moves_up(message.state, said):
            return None
        if said == "failed":
            return self.delivery.take_back(store, message.id)
        store.messages.reported(message.id, provider_id, said)
        return None

    def _doubt(self, store: Store, message: Message) -> Doubt:
        chat = store.people.identity(message.identity_id)
        form = (message.payload or {}).get("form")
        said = Said(message.text, message.options, Form(form["sid"], {}, form["is_template"]) if form else None)
        to = Address(chat.channel, chat.address, chat.simulated)
        since = message.sent_at or message.at
        known = store.messages.numbers_since(message.person_id, message.identity_id, since - BEFORE)
        return Doubt(self.delivery.as_sent(store, message, to, said), since, frozenset(known))
