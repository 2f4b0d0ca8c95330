# SPDX-License-Identifier: EUPL-1.2
"""The outbox, as a worker empties it: claim, look once more, and record what became of each message."""

import random
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from handlers.desk import Desk
from handlers.desk.hours import hours_for
from handlers.desk.moments import any_hour, still_true
from handlers.moments import BY_NAME, NEWS, OFFERS, Moment, rome_day
from handlers.rules.opening import Hours
from handlers.rules.sending import Drop, Facts, Send, Wait, may_send, needs_a_person
from handlers.talk import Address, Option, Outgoing, _
from handlers.talk.catalogues import Catalogues
from handlers.talk.limits import LIMITS
from handlers.talk.messages import Attached, Spot
from handlers.talk.rendering import pieces
from handlers.talk.text import ROME
from storage import Storage, Store
from storage.messages import Claimed, Leaving, Message, Room, repeat_key

LEASE = timedelta(seconds=90)
QUESTION_IS_FRESH = timedelta(minutes=10)
ATTEMPTS = 5
AGAIN = timedelta(seconds=5)
FLOOD = "flood"
# Everybody who was told to wait as long must not come back in the same instant.
JITTER = 0.5  # seconds
ROOM = Room()


class Clock(Protocol):
    def now(self) -> datetime: ...

    def real(self) -> datetime: ...


class Delivery:
    """
    Each method is one short transaction; nothing is open while a message travels.

    Claims are leases in real time: a worker that dies gives back what had not left, and what may have left
    stands as uncertain. Locks are taken person first, then message, as everywhere.
    """

    def __init__(self, storage: Storage, clock: Clock, catalogues: Catalogues) -> None:
        self.storage, self.clock, self.catalogues = storage, clock, catalogues

    def claim(self, room: Room = ROOM, identity_id: int | None = None) -> list[Claimed]:
        """Take what is due, as far as there is room; each carries our lease."""
        now, real = self.clock.now(), self.clock.real()
        with self.storage.writing() as store:
            for id in store.messages.recover(real):
                self._repeat(store, id)
            return store.messages.claim(
                now=now,
                real=real,
                until=real + LEASE,
                lease=secrets.token_hex(8),
                room=room,
                identity_id=identity_id,
            )

    def anything_due(self, only_replies: bool = False) -> bool:
        """A cheap look before taking the pen: is there something to claim, or to recover?"""
        with self.storage.reading() as store:
            return store.messages.anything_due(self.clock.now(), self.clock.real(), only_replies)

    def begin(self, claimed: Claimed) -> Outgoing | None:
        """Look once more; the message in words if it may leave now, marked as leaving. None if it may not."""
        with self.storage.writing() as store:
            found = store.messages.leaving(claimed.id, claimed.person_id)
            if found is None or found.message.lease != claimed.lease or found.message.state != "claimed":
                return None  # somebody else has it by now
            if found.merged_into:
                store.messages.change(claimed.id, person_id=found.merged_into)
            if found.merged_into or found.is_busy:  # two workers took something for one chat in the same instant
                self._settle(store, claimed, state="pending")
                return None
            match self._verdict(store, found):
                case Send():
                    return self._leaves(store, claimed, found.message)
                case Wait(until=until):
                    self._settle(store, claimed, state="pending", due_at=until)
                case Drop(state=state, reason=reason):
                    self._ends(store, claimed, state, reason)
        return None

    def sent(self, claimed: Claimed, provider_id: str) -> bool:
        """It arrived at the channel. False if the message was no longer ours to speak of."""
        with self.storage.writing() as store:
            return store.messages.arrived(claimed.id, claimed.lease, provider_id)

    def uncertain(self, claimed: Claimed, reason: str) -> None:
        """It may have arrived, or not; on a channel that cannot tell, only what is critical is said once more."""
        if claimed.kind == "retired":
            return self.later(claimed, reason, AGAIN, counts=True)  # buttons may be taken away twice
        with self.storage.writing() as store:
            if self._settle(store, claimed, state="uncertain", reason=reason):
                self._repeat(store, claimed.id)
        return None

    def failed(self, claimed: Claimed, reason: str) -> None:
        """It did not arrive and will not."""
        with self.storage.writing() as store:
            self._ends(store, claimed, "failed", reason)

    def dropped(self, claimed: Claimed, reason: str) -> None:
        """There is no point in sending it."""
        with self.storage.writing() as store:
            self._ends(store, claimed, "superseded", reason)

    def shut(self, claimed: Claimed, reason: str) -> None:
        """This chat is shut until the person writes again: nothing more is sent to it."""
        with self.storage.writing() as store:
            store.dialogues.lock_person(claimed.person_id)
            if self._ends(store, claimed, "failed", reason, is_shut=True):
                identity = store.people.identity(claimed.identity_id)
                self._desk(store, identity.person_id).people.blocked(identity, True, reason=reason)

    def moved(self, claimed: Claimed, reason: str, address: str) -> None:
        """The chat has another number: from now on that one. The message is sent again, once."""
        with self.storage.writing() as store:
            message = store.messages.get(claimed.id)
            is_taken = store.people.at(claimed.channel, address) is not None
            if is_taken or (message and message.reason == reason):
                self._ends(store, claimed, "failed", reason)
            elif self._settle(store, claimed, state="pending", reason=reason, retry_at=None):
                store.people.change_identity(claimed.identity_id, address=address)

    def later(self, claimed: Claimed, reason: str, retry_in: timedelta, counts: bool) -> None:
        """It did not arrive; try again after this long, unless it has been tried often enough."""
        attempts = claimed.attempts + counts
        if attempts >= ATTEMPTS:
            return self.failed(claimed, reason)
        retry_at = self.clock.real() + retry_in + self._jitter(reason)
        with self.storage.writing() as store:
            self._settle(store, claimed, state="pending", reason=reason, attempts=attempts, retry_at=retry_at)
        return None

    def give_back(self, claimed: Claimed) -> None:
        """Its turn has not come; it waits in the outbox as before."""
        with self.storage.writing() as store:
            self._settle(store, claimed, state="pending")

    # ---- may it leave?

    def _verdict(self, store: Store, found: Leaving) -> Send | Wait | Drop:
        message, is_push = found.message, found.message.kind not in ("reply", "retired")
        facts = Facts(
            now=self.clock.now(),
            written_at=message.at,
            is_push=is_push,
            is_answer=message.kind == "reply",
            stopped_at=found.stopped_at,
            blocked=found.blocked_at is not None,
            not_after=message.not_after,
        )
        if not is_push:
            return may_send(facts, Hours())
        person = store.people.get(message.person_id)
        return may_send(self._about(store, message, facts), hours_for(store, person))

    def _about(self, store: Store, message: Message, facts: Facts) -> Facts:
        """What a push adds: its moment's consent and hours, and whether what it is about still stands."""
        moment = moment_of(message.payload)
        if moment is None:
            return replace(facts, still_on=False)
        return replace(
            facts,
            is_answer=moment.priority == 0,
            agreed=moment.consent is None or moment.consent in store.people.consents(message.person_id),
            still_on=still_true(store, message, moment),
            minds_the_hour=not any_hour(store, message, moment, facts.now),
            pushes_today=self._pushes_today(store, message, facts.now),
            busy_until=busy_until(store, message),
        )

    @staticmethod
    def _pushes_today(store: Store, message: Message, now: datetime) -> int:
        """How many this person has had today; a repetition and what it repeats are one."""
        found = store.messages.pushes_since(message.person_id, start_of_day(now))
        return found - ("repeats" in (message.payload or {}))

    # ---- it leaves, or it ends here

    def _leaves(self, store: Store, claimed: Claimed, message: Message) -> Outgoing | None:
        edits = self._edited(store, message) if message.kind == "retired" else None
        if message.kind == "retired" and edits is None:
            self._ends(store, claimed, "superseded", "nothing_to_edit")
            return None
        now = self.clock.now()
        text = words_for_today(message, now)
        store.messages.on_its_way(message.id, text, now, self.clock.real() + LEASE)
        if text != message.text:
            store.search.look_again([message.id])
        payload = message.payload or {}
        return Outgoing(
            id=claimed.id,
            to=Address(claimed.channel, claimed.address, claimed.simulated),
            text=text,
            options=tuple(Option(**option) for option in message.options or ()),
            kind=message.kind,
            spot=Spot(**payload["spot"]) if "spot" in payload else None,
            file=self._file(store, payload) if "file" in payload else None,
            edits=edits,
            asks_phone=bool(payload.get("asks_phone")),
            bulk=claimed.priority > 0,
        )

    @staticmethod
    def _edited(store: Store, message: Message) -> str | None:
        """The channel's name for the message whose buttons are taken away; None if it never got there."""
        edited = (
            store.messages.get(message.payload["edits"]) if message.payload and "edits" in message.payload else None
        )
        return edited.provider_id if edited else None

    @staticmethod
    def _file(store: Store, payload: dict[str, Any]) -> Attached | None:
        found = store.files.content(payload["file"])
        if found is None:
            return None
        name, is_picture = payload.get("name") or "file", bool(payload.get("is_picture"))
        return Attached(name, found.kind, found.content, payload.get("provider_id"), is_picture)

    def _ends(self, store: Store, claimed: Claimed, state: str, reason: str, *, is_shut: bool = False) -> bool:
        """Write down that it never arrives; what somebody counts on becomes a case for a person."""
        if not self._settle(store, claimed, state=state, reason=reason):
            return False
        moment = moment_of(claimed.payload)
        critical, is_reply = moment is not None and moment.critical, claimed.kind == "reply"
        is_news = moment in NEWS
        if needs_a_person(state, reason, critical=critical, is_news=is_news, is_reply=is_reply, is_shut=is_shut):
            message = store.messages.get(claimed.id)
            subject = (message.subject if message else None) or ""
            cases = self._desk(store, claimed.person_id).cases
            cases.open("not_delivered", subject=subject, message_id=claimed.id)
        return True

    def _repeat(self, store: Store, id: int) -> None:
        """What is critical and may not have arrived is said once more, and says so."""
        message = store.messages.get(id)
        moment = moment_of(message.payload) if message else None
        if message is None or moment is None or not moment.critical or "repeats" in (message.payload or {}):
            return
        language = store.people.get(message.person_id).language
        notice = _("You may have this message already:").render(self.catalogues.reader(language))
        words = (message.payload or {}).get("timeless", message.text)  # by the time it leaves it may be another day
        text, options, key = f"{notice}\n\n{words}", message.options, repeat_key(str(message.dedupe_key))
        *before, last = pieces(text, LIMITS[message.channel], with_options=bool(options))
        for number, piece in enumerate(before):
            self._again(store, message, piece, dedupe_key=f"{key}:{number}", options=None, answered_by=None)
        self._again(store, message, last, dedupe_key=key)

    def _again(self, store: Store, message: Message, text: str, **row: Any) -> None:
        same = ("person_id", "identity_id", "channel", "kind", "subject", "priority", "not_after")
        now, facts = self.clock.now(), {**(message.payload or {}), "repeats": message.id}
        facts.pop("timeless", None)
        values = {name: getattr(message, name) for name in (*same, "options", "answered_by")}
        store.messages.put_out(text=text, payload=facts, at=now, due_at=now, **{**values, **row})

    def _settle(self, store: Store, claimed: Claimed, **values: object) -> bool:
        return store.messages.settle(claimed.id, claimed.lease, **values)

    def _desk(self, store: Store, person_id: int) -> Desk:
        person = store.people.get(person_id)
        whole = store.people.get(person.merged_into) if person.merged_into else person
        return Desk(store, whole, self.clock.now(), self.catalogues)

    @staticmethod
    def _jitter(reason: str) -> timedelta:
        return timedelta(seconds=random.uniform(0, JITTER)) if reason == FLOOD else timedelta(0)  # noqa: S311


def moment_of(payload: dict[str, Any] | None) -> Moment | None:
    """The moment a message comes from, if any."""
    return BY_NAME.get((payload or {}).get("moment", ""))


def words_for_today(message: Message, now: datetime) -> str:
    """What says «tomorrow» says it only on the day for which it was written."""
    payload = message.payload or {}
    is_another_day = "timeless" in payload and payload["day"] != str(rome_day(now))
    return str(payload["timeless"]) if is_another_day else message.text


def busy_until(store: Store, message: Message) -> datetime | None:
    """
    Until when a push with choices waits: for somebody of the desk who writes now, or for a question that was asked a
    moment ago. None if it need not; an offer does not wait for the desk, because it ends.
    """
    if not message.options:
        return None
    dialogue = store.dialogues.get(message.person_id)
    if dialogue.taken_by is not None:
        return None if moment_of(message.payload) in OFFERS else dialogue.taken_until
    is_asking = dialogue.question_id is not None and dialogue.conversation != "menu"
    return dialogue.changed_at + QUESTION_IS_FRESH if is_asking else None


def start_of_day(now: datetime) -> datetime:
    """Midnight in Rome before this moment."""
    return now.astimezone(ROME).replace(hour=0, minute=0, second=0, microsecond=0)
