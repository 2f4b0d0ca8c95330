# SPDX-License-Identifier: EUPL-1.2
"""The outbox, as a worker empties it: claim, look once more, and record what became of each message."""

import random
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from handlers.desk import Desk
from handlers.desk.chats import Chats, in_full, is_push, later_of, settles, window_of
from handlers.desk.contents import form_of, switched_off
from handlers.desk.hours import hours_for
from handlers.desk.moments import any_hour, still_true
from handlers.moments import BY_NAME, NEWS, OFFERS, Moment, rome_day
from handlers.rules.opening import Hours
from handlers.rules.sending import Drop, Facts, Send, Wait, may_send, needs_a_person, state_said
from handlers.talk import Address, Option, Outgoing, _
from handlers.talk.catalogues import Catalogues
from handlers.talk.limits import LIMITS
from handlers.talk.messages import Attached, Form, Spot
from handlers.talk.rendering import pieces
from handlers.talk.text import ROME
from storage import Storage, Store
from storage.messages import IN_FLIGHT, WINDOW_SHUT, Claimed, Leaving, Message, Room, repeat_key

LEASE = timedelta(seconds=90)
QUESTION_IS_FRESH = timedelta(minutes=10)
ATTEMPTS = 5
AGAIN = timedelta(seconds=5)
FLOOD = "flood"
# Everybody who was told to wait as long must not come back in the same instant.
JITTER = 0.5  # seconds
ROOM = Room()
# Until then the network tells by itself what became of a message; only afterwards is it asked.
UNTIL_ASKED = timedelta(seconds=90)
A_LONG_TIME = timedelta(days=30)  # what waits until somebody writes is looked at again after it, just in case
OFF = "disabled"


class Clock(Protocol):
    def now(self) -> datetime: ...

    def real(self) -> datetime: ...


@dataclass(frozen=True)
class Said:
    """How a message leaves: its words and choices, and the form in which the channel shows them, if any."""

    text: str
    options: list[dict[str, str]] | None
    form: Form | None = None
    is_template: bool = False


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
                self._doubted(store, id)
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
                    return self._leaves(store, claimed, found)
                case Wait(until=until):
                    reason = None if found.message.reason == WINDOW_SHUT else found.message.reason
                    self._settle(store, claimed, state="pending", due_at=until, reason=reason)
                case Drop(state=state, reason=reason):
                    if reason != "chat_blocked" or not self._moves(store, claimed, reason):
                        self._ends(store, claimed, state, reason)
        return None

    def sent(self, claimed: Claimed, provider_id: str) -> bool:
        """It arrived at the channel. False if the message was no longer ours to speak of."""
        with self.storage.writing() as store:
            has_arrived = store.messages.arrived(claimed.id, claimed.lease, provider_id)
            if has_arrived and settles(claimed.channel, simulated=claimed.simulated):
                self.catch_up(store, claimed.id, claimed.channel, provider_id)
            return has_arrived

    def catch_up(self, store: Store, id: int, channel: str, provider_id: str) -> None:
        """What the channel said of it before we knew its number there."""
        early = [one for one in store.receipts.said(channel, provider_id) if one.message_id is None]
        if not early:
            return
        store.receipts.belong_to(channel, provider_id, id)
        said = {state_said(one.status): one for one in early}
        if said.keys() & {"delivered", "read"}:
            store.messages.reported(id, provider_id, "read" if "read" in said else "delivered")
        elif "failed" in said and (taken := self.take_back(store, id)):
            self._fails(store, taken, said["failed"].code or "undelivered")

    def take_back(self, store: Store, id: int) -> Claimed | None:
        """The channel had it, and it has not arrived: it is in our hands again."""
        return store.messages.taken_back(id, secrets.token_hex(8), self.clock.real() + LEASE)

    def uncertain(self, claimed: Claimed, reason: str) -> None:
        """It may have arrived, or not; on a channel that cannot tell, only what is critical is said once more."""
        if claimed.kind == "retired":
            return self.later(claimed, reason, AGAIN, counts=True)  # buttons may be taken away twice
        with self.storage.writing() as store:
            if self._settle(store, claimed, state="uncertain", reason=reason):
                self._doubted(store, claimed.id)
        return None

    def failed(self, claimed: Claimed, reason: str) -> None:
        """It did not arrive and will not."""
        with self.storage.writing() as store:
            self._ends(store, claimed, "failed", reason)

    def elsewhere(self, claimed: Claimed, reason: str) -> None:
        """It will not arrive in this chat; a push may arrive in another one of the same person's."""
        with self.storage.writing() as store:
            self._fails(store, claimed, reason)

    def window_shut(self, claimed: Claimed, reason: str) -> None:
        """The person has not written for a day: once more as a template, or else when they write."""
        now = self.clock.now()
        with self.storage.writing() as store:
            message = store.messages.get(claimed.id)
            if message is None or message.lease != claimed.lease or message.state not in IN_FLIGHT:
                return
            chat = store.people.identity(message.identity_id)
            shut_at = later_of(chat.window_shut_at, message.sent_at or now)
            store.people.change_identity(chat.id, window_shut_at=shut_at)
            facts = {**(message.payload or {})}
            if facts.get("form", {}).get("is_template"):
                facts["no_template"] = True  # not twice in a row
            self._settle(store, claimed, state="pending", reason=reason, retry_at=None, due_at=now, payload=facts)

    def plainer(self, claimed: Claimed, reason: str) -> None:
        """The channel did not take its form: once more in the simplest one."""
        with self.storage.writing() as store:
            message = store.messages.get(claimed.id)
            facts = {**(message.payload or {})} if message else {}
            if facts.get("plain"):
                self._fails(store, claimed, reason)
                return
            is_template = facts.get("form", {}).get("is_template")
            facts["no_template" if is_template else "plain"] = True
            self._settle(store, claimed, state="pending", reason=reason, retry_at=None, payload=facts)

    def form_off(self, claimed: Claimed, reason: str) -> bool:
        """Nothing more goes out in the form in which this did; False if it went out in none."""
        with self.storage.writing() as store:
            message = store.messages.get(claimed.id)
            form = (message.payload or {}).get("form") if message else None
            return bool(form and switched_off(store, form["sid"], OFF, reason, self.clock.now()))

    def dropped(self, claimed: Claimed, reason: str) -> None:
        """There is no point in sending it."""
        with self.storage.writing() as store:
            self._ends(store, claimed, "superseded", reason)

    def shut(self, claimed: Claimed, reason: str) -> None:
        """This chat is shut until the person writes again: nothing more is sent to it."""
        with self.storage.writing() as store:
            store.dialogues.lock_person(claimed.person_id)
            if self._moves(store, claimed, reason) or self._ends(store, claimed, "failed", reason, is_shut=True):
                message = store.messages.get(claimed.id)
                assert message is not None, "it has just been written down"
                identity = store.people.identity(message.identity_id)
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
            return self.elsewhere(claimed, reason)
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
            was_awaited=self._was_awaited(store, message),
            busy_until=busy_until(store, message),
        )

    def _was_awaited(self, store: Store, message: Message) -> bool:
        """By the next open hour the window could be shut again, and it would wait for ever."""
        if message.reason != WINDOW_SHUT:
            return False
        chats = Chats(self._desk(store, message.person_id))
        return chats.is_open(store.people.identity(message.identity_id))

    @staticmethod
    def _pushes_today(store: Store, message: Message, now: datetime) -> int:
        """How many this person has had today; a repetition and what it repeats are one."""
        found = store.messages.pushes_since(message.person_id, start_of_day(now))
        return found - ("repeats" in (message.payload or {}))

    # ---- it leaves, or it ends here

    def _leaves(self, store: Store, claimed: Claimed, found: Leaving) -> Outgoing | None:
        message = found.message
        edits = self._edited(store, message) if message.kind == "retired" else None
        if message.kind == "retired" and edits is None:
            self._ends(store, claimed, "superseded", "nothing_to_edit")
            return None
        now = self.clock.now()
        said = Said(words_for_today(message, now), message.options)
        if window_of(claimed.channel) and message.kind != "retired":
            within = self._within_the_window(store, claimed, in_full(message))
            if within is None:
                return None
            said = within
            self._note_form(store, message, said)
        store.messages.on_its_way(message.id, said.text, now, self.clock.real() + LEASE)
        if said.text != message.text:
            store.search.look_again([message.id])
        to = Address(claimed.channel, found.address, claimed.simulated)
        return self.as_sent(store, message, to, said, edits)

    def as_sent(self, store: Store, message: Message, to: Address, said: Said, edits: str | None = None) -> Outgoing:
        """A message as its channel gets it."""
        payload = message.payload or {}
        return Outgoing(
            id=message.id,
            to=to,
            text=said.text,
            options=tuple(Option(**option) for option in said.options or ()),
            kind=message.kind,
            spot=Spot(**payload["spot"]) if "spot" in payload else None,
            file=self._file(store, payload) if "file" in payload else None,
            edits=edits,
            asks_phone=bool(payload.get("asks_phone")),
            bulk=(message.priority or 0) > 0,
            form=said.form,
            not_after=message.not_after,
            plain=bool(payload.get("plain")),
        )

    def _within_the_window(self, store: Store, claimed: Claimed, message: Message) -> Said | None:
        """
        How it may leave on a channel on which we write freely only after a person has: as it is, as a template, or
        not now. None: it goes to another chat, or waits for their next word.
        """
        chats = Chats(self._desk(store, claimed.person_id))
        chat = store.people.identity(message.identity_id)
        as_it_is = Said(words_for_today(message, self.clock.now()), message.options)
        if chats.is_open(chat):
            return replace(as_it_is, form=self._form(store, chats, message, as_it_is, claimed))
        if (whole := self._leads_to(store, message)) and chats.template(in_full(whole)):
            self._ends(store, claimed, "superseded", "said_by_template")
            return None
        if found := chats.template(message):
            return Said(found.text, found.options or None, found.form, is_template=True)
        if not self._moves(store, claimed, WINDOW_SHUT):
            self._wait_for_them(store, claimed, message)
        return None

    @staticmethod
    def _form(store: Store, chats: Chats, message: Message, said: Said, claimed: Claimed) -> Form | None:
        if claimed.simulated or not said.options or (message.payload or {}).get("plain"):
            return None
        reader = chats.desk.catalogues.reader(chats.desk.person.language)
        options = [Option(**option) for option in said.options]
        return form_of(store, claimed.channel, message.id, said.text, options, reader)

    @staticmethod
    def _leads_to(store: Store, message: Message) -> Message | None:
        """The message of which this one is only the beginning."""
        key = (message.payload or {}).get("leads_to")
        found = store.messages.by_key(key) if key else None
        return found if found and found.identity_id == message.identity_id else None

    def _note_form(self, store: Store, message: Message, said: Said) -> None:
        """What is shown stands in the row, so that the log and the phone agree; and what it was before, beside it."""
        before = message.payload or {}
        facts = {name: value for name, value in before.items() if name not in ("form", "in_full")}
        whole = in_full(message)
        if said.is_template:
            facts["in_full"] = {"text": whole.text, "options": whole.options}
        else:
            facts.pop("no_template", None)
        if said.form:
            facts["form"] = {"sid": said.form.sid, "is_template": said.is_template}
        if facts != before or said.options != message.options:
            store.messages.change(message.id, payload=facts or None, options=said.options)

    def _wait_for_them(self, store: Store, claimed: Claimed, message: Message) -> None:
        """
        It leaves when they write, if that is in time. What somebody counts on is for a person to tell meanwhile.
        """
        moment = moment_of(message.payload)
        facts = {name: value for name, value in (message.payload or {}).items() if name not in ("form", "in_full")}
        if moment and (moment.critical or moment in NEWS) and not facts.get("on_call_list"):
            facts = {**facts, "on_call_list": True}
            cases = self._desk(store, claimed.person_id).cases
            cases.open("not_delivered", subject=message.subject or "", message_id=claimed.id)
        due_at = message.not_after or self.clock.now() + A_LONG_TIME
        waits: dict[str, Any] = {"reason": WINDOW_SHUT, "due_at": due_at, "retry_at": None, "payload": facts or None}
        waits |= {"text": message.text, "options": message.options}
        self._settle(store, claimed, state="pending", **waits)

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
        if (claimed.payload or {}).get("on_call_list"):
            return True
        if needs_a_person(state, reason, critical=critical, is_news=is_news, is_reply=is_reply, is_shut=is_shut):
            message = store.messages.get(claimed.id)
            subject = (message.subject if message else None) or ""
            cases = self._desk(store, claimed.person_id).cases
            cases.open("not_delivered", subject=subject, message_id=claimed.id)
        return True

    def _fails(self, store: Store, claimed: Claimed, reason: str) -> None:
        """It never arrives here: it goes to another chat, or it has failed."""
        if not self._moves(store, claimed, reason):
            self._ends(store, claimed, "failed", reason)

    def _moves(self, store: Store, claimed: Claimed, because: str) -> bool:
        """A push goes to another chat of the same person's, if there is one; False if it stays."""
        message = store.messages.get(claimed.id)
        is_ours = message is not None and message.lease == claimed.lease and message.state in IN_FLIGHT
        if message is None or not is_ours or not is_push(message):
            return False
        return Chats(self._desk(store, claimed.person_id)).move(message, because)

    def _doubted(self, store: Store, id: int) -> None:
        """It may have arrived, or not. Where the channel can be asked, it is, in a while; else what must be is said."""
        message = store.messages.get(id)
        chat = store.people.identity(message.identity_id) if message else None
        if chat and settles(chat.channel, simulated=chat.simulated):
            store.messages.change(id, retry_at=self.clock.real() + UNTIL_ASKED)
        else:
            self._repeat(store, id)

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
