# SPDX-License-Identifier: EUPL-1.2
"""Everything said, in both directions: the log and the outbox."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    update,
)

from storage.prepared import Prepared, inserting
from storage.tables import dialogues, identities, messages, people
from storage.tables.messages import PROBLEMS
from storage.transaction import Transaction

UNFINISHED = ("failed", "waiting")
IN_FLIGHT = ("claimed", "sending")
UNSENT = ("pending", *IN_FLIGHT)
SHOWN = ("sending", "sent", "delivered", "read", "uncertain")
WINDOW_SHUT = "window_shut"  # why something waits until the person writes


@dataclass(frozen=True, slots=True)
class Room:
    """What a worker has room for: so many messages, and of them so many pushes; nothing of some channels."""

    most: int = 30
    pushes: int = 30
    shut: Collection[str] = ()  # channels of which nothing is wanted now
    replies_only: Collection[str] = ()  # channels of which only replies are


@dataclass(frozen=True, slots=True)
class Message:
    """A message in either direction; see the table for what each field means."""

    id: int
    person_id: int
    identity_id: int
    direction: str
    channel: str
    kind: str
    text: str
    state: str
    reason: str | None
    at: datetime
    payload: dict[str, Any] | None
    message_key: str | None
    dialogue_version: int | None
    options: list[dict[str, str]] | None
    answered_by: dict[str, Any] | None
    reply_to: int | None
    subject: str | None
    due_at: datetime | None
    not_after: datetime | None
    priority: int | None
    dedupe_key: str | None
    lease: str | None
    provider_id: str | None
    attempts: int
    retry_at: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message taken out of the outbox by one worker, and where it goes."""

    id: int
    person_id: int
    identity_id: int
    channel: str
    kind: str
    text: str
    options: list[dict[str, str]] | None
    priority: int
    address: str
    simulated: bool
    attempts: int
    payload: dict[str, Any] | None
    lease: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """A message about to leave, and how things stand with its person and its chat at this moment."""

    message: Message
    address: str  # where the chat is by now
    stopped_at: datetime | None
    blocked_at: datetime | None
    is_busy: bool  # another worker is sending to this chat right now
    merged_into: int | None  # it was written while its person turned out to be somebody else: whose it is now


_columns = [messages.c[name] for name in Message.__dataclass_fields__]
_earlier = messages.alias("earlier")


def _unsent(rows: FromClause) -> ColumnElement[bool]:
    """In the very words of the indexes of the outbox: SQLite takes them only then, and else reads the whole log."""
    return rows.c.state.in_([literal_column(f"'{state}'") for state in UNSENT])


_unfinished = messages.c.state.in_([literal_column(f"'{state}'") for state in UNFINISHED])

_INCOMING = (
    "person_id identity_id direction channel kind text state at update_key message_key payload "
    "dialogue_version attempts"
)
_OUTGOING = (
    "person_id identity_id direction channel kind text state at options answered_by reply_to subject payload "
    "due_at not_after priority dedupe_key attempts"
)


_take_in = inserting(messages, _INCOMING, returning=messages.c.id)
_put_out = inserting(messages, _OUTGOING, returning=messages.c.id)
_NOTHING: dict[str, Any] = dict.fromkeys(_OUTGOING.split())
_by_id = select(*_columns).where(messages.c.id == bindparam("id"))
_get = Prepared(_by_id)
# A stop takes the same row for itself: it is seen here, or it waits until this message counts as on its way.
_hold_person = Prepared(
    select(people.c.id).where(people.c.id == bindparam("person_id")).with_for_update(key_share=True)
)
_is_busy = exists().where(
    _earlier.c.identity_id == messages.c.identity_id, _unsent(_earlier), _earlier.c.state == "sending"
)
_leaving = Prepared(
    select(
        *_columns, identities.c.address, people.c.stopped_at, identities.c.blocked_at, _is_busy, people.c.merged_into
    )
    .join(identities, identities.c.id == messages.c.identity_id)
    .join(people, people.c.id == messages.c.person_id)
    .where(messages.c.id == bindparam("id"))
    .with_for_update(of=messages)
)
_on_its_way = Prepared(
    update(messages)
    .where(messages.c.id == bindparam("b_id"))
    .values(state="sending", lease_until=bindparam("until"), text=bindparam("words"), sent_at=bindparam("now"))
)
_arrived = Prepared(
    update(messages)
    .where(
        messages.c.id == bindparam("b_id"),
        messages.c.lease == bindparam("b_lease"),
        or_(*(messages.c.state == state for state in IN_FLIGHT)),
    )
    .values(
        state="sent",
        provider_id=bindparam("number"),
        reason=null(),
        retry_at=null(),
        lease=null(),
        lease_until=null(),
    )
    .returning(messages.c.id)
)
_heard = Prepared(
    select(messages.c.at, messages.c.kind, messages.c.text, messages.c.reason)
    .where(
        messages.c.person_id == bindparam("person_id"),
        messages.c.identity_id == bindparam("identity_id"),
        messages.c.direction == "in",
    )
    .order_by(messages.c.id.desc())
    .limit(bindparam("most"))
)
_heard_since = Prepared(
    select(messages.c.id)
    .where(
        messages.c.person_id == bindparam("person_id"),
        messages.c.identity_id == bindparam("identity_id"),
        messages.c.direction == "in",
        messages.c.at > bindparam("since"),
    )
    .order_by(messages.c.id.desc())
    .limit(1)
)
_to_claim = select(
    *(messages.c[name] for name in list(Claimed.__dataclass_fields__)[:8]),
    identities.c.address,
    identities.c.simulated,
    messages.c.attempts,
    messages.c.payload,
).join(identities, identities.c.id == messages.c.identity_id)
_newest_choice = (
    select(*_columns)
    .where(
        messages.c.person_id == bindparam("person_id"),
        messages.c.identity_id == bindparam("identity_id"),
        messages.c.direction == "out",
        messages.c.options.is_not(None),
        or_(messages.c.kind == "reply", messages.c.state.in_(SHOWN)),
    )
    .order_by(func.coalesce(messages.c.sent_at, messages.c.at).desc(), messages.c.id.desc())
    .limit(1)
)


class Messages:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def take_in(self, **values: Any) -> int | None:
        """Keep what arrived; None if the same update or the same message is already here."""
        rows = self.store.run(_take_in, {"direction": "in", "attempts": 0, **values})
        return rows[0][0] if rows else None

    def known(self, channel: str, keys: Sequence[str]) -> set[str]:
        """Those of these messages of a channel's that we have taken in."""
        found: set[str] = set()
        for start in range(0, len(keys), 500):
            some = messages.c.message_key.in_(keys[start : start + 500])
            rows = self.store.read(select(messages.c.message_key).where(messages.c.channel == channel, some))
            found |= {row[0] for row in rows}
        return found

    def put_out(self, **values: Any) -> int | None:
        """Put a message in the outbox; None if one with the same dedupe key is already there."""
        rows = self.store.run(_put_out, {**_NOTHING, "direction": "out", "attempts": 0, "state": "pending", **values})
        return rows[0][0] if rows else None

    def get(self, id: int) -> Message | None:
        rows = self.store.run(_get, {"id": id})
        return Message(*rows[0]) if rows else None

    def leaving(self, id: int, person_id: int) -> Leaving | None:
        """
        A message as it stands, which nobody else may change until this transaction ends.

        Its person is held as well, and before it: whatever they say from now on counts for the next message.
        """
        if self.store.is_postgresql:
            self.store.run(_hold_person, {"person_id": person_id})
        rows = self.store.run(_leaving, {"id": id})
        return Leaving(Message(*rows[0][:-5]), *rows[0][-5:]) if rows else None

    def on_its_way(self, id: int, text: str, now: datetime, until: datetime) -> None:
        """From ``now`` on it may have arrived; the lease runs anew, until then in real time."""
        self.store.run(_on_its_way, {"b_id": id, "words": text, "now": now, "until": until})

    def anything_due(self, now: datetime, real: datetime, only_replies: bool = False) -> bool:
        """Is there anything a worker could claim or recover?"""
        due = (
            messages.c.state == "pending",
            messages.c.priority == 0 if only_replies else true(),
            messages.c.due_at <= now,
            or_(messages.c.retry_at.is_(None), messages.c.retry_at <= real),
        )
        return self._any(*due) or self._any(messages.c.state.in_(IN_FLIGHT), messages.c.lease_until < real)

    def _any(self, *where: ColumnElement[bool]) -> bool:
        return bool(self.store.read(select(messages.c.id).where(_unsent(messages), *where).limit(1)))

    def change(self, id: int, **values: Any) -> None:
        self.store.write(update(messages).where(messages.c.id == id).values(**values))

    def latest(self) -> tuple[Any, ...]:
        """Something that is another when a message has come in, gone out or been taken over; cheap to ask for."""
        newest = select(func.max(messages.c.id)).scalar_subquery()
        heard = select(func.max(dialogues.c.heard_at)).scalar_subquery()
        return tuple(self.store.read(select(newest, heard))[0])

    def newest_choice(self, person_id: int, identity_id: int) -> Message | None:
        """The last message with choices that this chat of a person's has shown."""
        rows = self.store.read(_newest_choice, {"person_id": person_id, "identity_id": identity_id})
        return Message(*rows[0]) if rows else None

    def unfinished(self, person_id: int) -> list[Message]:
        """What this person wrote that has not had its turn, oldest first."""
        return self._all(
            select(*_columns)
            .where(messages.c.person_id == person_id, messages.c.direction == "in", _unfinished)
            .order_by(messages.c.id)
        )

    def due_turns(self, now: datetime) -> list[int]:
        """People whose failed turn may be tried again now."""
        statement = (
            select(messages.c.person_id)
            .where(messages.c.direction == "in", _unfinished)
            .group_by(messages.c.person_id)
            .having(or_(func.min(messages.c.retry_at).is_(None), func.min(messages.c.retry_at) <= now))
        )
        return [row[0] for row in self.store.read(statement)]

    def known_keys(self, keys: Collection[str]) -> set[str]:
        """Those of the keys that a message has already."""
        asked = sorted(keys)
        parts = [asked[start : start + 500] for start in range(0, len(asked), 500)]
        rows = [
            row
            for part in parts
            for row in self.store.read(select(messages.c.dedupe_key).where(messages.c.dedupe_key.in_(part)))
        ]
        return {row[0] for row in rows}

    def told(self, person_id: int, subject: str, moment: str | None = None) -> dict[str, Any] | None:
        """What the newest push about something told this person; with ``moment``, the newest one of that name."""
        rows = self._all(
            select(*_columns)
            .where(messages.c.person_id == person_id, messages.c.subject == subject, messages.c.state.in_(SHOWN))
            .order_by(messages.c.id.desc())
        )
        facts = [row.payload for row in rows if row.payload and "starts_at" in row.payload]
        return next((one for one in facts if moment is None or one.get("moment") == moment), None)

    def claim(
        self,
        *,
        now: datetime,
        real: datetime,
        until: datetime,
        lease: str,
        room: Room,
        identity_id: int | None = None,
    ) -> list[Claimed]:
        """
        Take what is due out of the outbox, replies first, one message per chat and class, never past an earlier one.

        ``now`` decides what is due; ``real`` and ``until`` are real time, for leases and back-off.
        """
        where = [messages.c.identity_id == identity_id] if identity_id is not None else []
        found = self._claimable(now, real, room.most, [*where, _is_reply, _not_of(room.shut)])
        if (pushes := min(room.pushes, room.most - len(found))) > 0:
            shut = {*room.shut, *room.replies_only}
            found += self._claimable(now, real, pushes, [*where, _is_push, _not_of(shut)])
        if found:
            claimed = update(messages).where(messages.c.id.in_([row.id for row in found]))
            self.store.write(claimed.values(state="claimed", lease=lease, lease_until=until))
        return [Claimed(*(*row, lease)) for row in found]

    def settle(self, id: int, lease: str, /, **values: Any) -> bool:
        """Record what became of a claimed message and let go of it; False if the claim is no longer ours."""
        statement = (
            update(messages)
            .where(messages.c.id == id, messages.c.lease == lease, messages.c.state.in_(IN_FLIGHT))
            .values(lease=None, lease_until=None, **values)
            .returning(messages.c.id)
        )
        return self.store.write(statement).first() is not None

    def arrived(self, id: int, lease: str, provider_id: str) -> bool:
        """
        It has arrived at the channel; False if the message is no longer ours to speak of.

        Good news that comes after we were given up counts: what was uncertain is sent.
        """
        if self.store.run(_arrived, {"b_id": id, "b_lease": lease, "number": provider_id}):
            return True
        return self._turned_out(provider_id, messages.c.id == id, messages.c.lease == lease)

    def proven(self, id: int, provider_id: str | None) -> bool:
        """Somebody has answered it, so it did arrive: what was uncertain is sent. False if it was not uncertain."""
        return self._turned_out(provider_id, messages.c.id == id)

    def reported(self, id: int, provider_id: str, state: str) -> None:
        """The channel has it, and knows it by this number: however it stood here, now it stands so."""
        self._turned_out(provider_id, messages.c.id == id, of=(*UNSENT, "uncertain", "sent", "delivered"), to=state)

    def taken_back(self, id: int, lease: str, until: datetime) -> Claimed | None:
        """
        It has not arrived after all: it is ours again, to do with it what is done with what does not arrive.

        None if it is not what we thought: somebody else has it, or it has arrived.
        """
        mine = update(messages).where(messages.c.id == id, messages.c.state.in_(("sent", "sending", "uncertain")))
        values = {"state": "claimed", "lease": lease, "lease_until": until, "provider_id": None}
        if self.store.write(mine.values(values).returning(messages.c.id)).first() is None:
            return None
        rows = self.store.read(_to_claim.where(messages.c.id == id))
        return Claimed(*(*rows[0], lease))

    def known_as(self, channel: str, provider_id: str) -> int | None:
        """Which message of ours a channel means by this number."""
        # In the very words of its index.
        on = messages.c.channel == bindparam("on_channel", channel, literal_execute=True)
        rows = self.store.read(
            select(messages.c.id).where(on, messages.c.provider_id == provider_id, messages.c.direction == "out")
        )
        return rows[0][0] if rows else None

    def numbers_since(self, person_id: int, identity_id: int, since: datetime) -> set[str]:
        """By which numbers a channel knows what we have sent to a chat since then."""
        rows = self.store.read(
            select(messages.c.provider_id).where(
                messages.c.person_id == person_id,
                messages.c.identity_id == identity_id,
                messages.c.provider_id.is_not(None),
                messages.c.sent_at >= since,
            )
        )
        return {row[0] for row in rows}

    def to_settle(self, real: datetime, again: datetime, channels: Collection[str], most: int) -> list[Message]:
        """
        What may not have arrived on channels that can be asked, and may be asked about by now. Whoever asks next
        does so ``again`` at that time.
        """
        rows = self.store.read(
            select(messages.c.id)
            .where(
                text(PROBLEMS),
                messages.c.state == "uncertain",
                messages.c.channel.in_(sorted(channels)),
                messages.c.retry_at <= real,
            )
            .order_by(messages.c.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        ids = [row.id for row in rows]
        if ids:
            self.store.write(update(messages).where(messages.c.id.in_(ids)).values(retry_at=again))
        return self._all(select(*_columns).where(messages.c.id.in_(ids)).order_by(messages.c.id)) if ids else []

    def any_to_settle(self, real: datetime, channels: Collection[str]) -> bool:
        """A cheap look before taking the pen."""
        due = messages.c.state == "uncertain", messages.c.channel.in_(sorted(channels)), messages.c.retry_at <= real
        return bool(self.store.read(select(messages.c.id).where(text(PROBLEMS), *due).limit(1)))

    def heard_since(self, person_id: int, identity_id: int, since: datetime) -> bool:
        """Has somebody written in this chat, or touched anything there, since then?"""
        known = {"person_id": person_id, "identity_id": identity_id, "since": since}
        return bool(self.store.run(_heard_since, known))

    def _turned_out(
        self,
        provider_id: str | None,
        *which: ColumnElement[bool],
        of: Collection[str] = ("uncertain",),
        to: str = "sent",
    ) -> bool:
        """What stood as uncertain has arrived; its repeat, if it has not left, is not needed."""
        values: dict[str, Any] = {"state": to, "provider_id": provider_id}
        values |= dict.fromkeys(("reason", "lease", "lease_until", "retry_at"))
        statement = (
            update(messages)
            .where(messages.c.direction == "out", messages.c.state.in_(of), *which)
            .values(values)
            .returning(messages.c.dedupe_key)
        )
        rows = self.store.write(statement).all()
        if rows and rows[0][0]:
            self.store.write(
                update(messages)
                .where(
                    messages.c.dedupe_key.startswith(repeat_key(rows[0][0]), autoescape=True),
                    messages.c.state == "pending",
                )
                .values(state="superseded", reason="arrived_after_all")
            )
        return bool(rows)

    def recover(self, real: datetime) -> list[int]:
        """
        Claims whose worker has gone: what had not left yet is pending again, what may have left is uncertain. Returns
        the numbers of the latter. They keep the name of the claim: should its worker come back, it knows better.
        """
        rows = self.store.read(
            select(messages.c.id, messages.c.state, messages.c.kind)
            .where(_unsent(messages), messages.c.state.in_(IN_FLIGHT), messages.c.lease_until < real)
            .with_for_update(skip_locked=True)
        )
        unsure = [row.id for row in rows if row.state == "sending" and row.kind != "retired"]
        again = [row.id for row in rows if row.id not in unsure]
        if again:
            back = {"state": "pending", "lease": None, "lease_until": None}
            self.store.write(update(messages).where(messages.c.id.in_(again)).values(back))
        if unsure:
            lost = {"state": "uncertain", "reason": "worker_gone", "lease_until": None}
            self.store.write(update(messages).where(messages.c.id.in_(unsure)).values(lost))
        return unsure

    def _claimable(self, now: datetime, real: datetime, limit: int, where: Sequence[ColumnElement[bool]]) -> list[Any]:
        statement = (
            _to_claim.where(
                _unsent(messages),
                messages.c.state == "pending",
                messages.c.due_at <= now,
                or_(messages.c.retry_at.is_(None), messages.c.retry_at <= real),
                ~_blocked(now, real),
                *where,
            )
            # As the index has them: any other order would read a whole backlog to find its first few.
            .order_by(messages.c.priority, messages.c.due_at)
            .limit(limit)
            .with_for_update(of=messages, skip_locked=True)
        )
        return sorted(self.store.read(statement), key=lambda row: (row.priority, row.id))

    def shown_after(self, identity_id: int, id: int) -> list[Message]:
        """What a chat has been sent after a message of either direction, oldest first."""
        return self._all(
            select(*_columns)
            .where(
                messages.c.identity_id == identity_id,
                messages.c.id > id,
                messages.c.direction == "out",
                messages.c.kind != "retired",
                messages.c.state.in_(SHOWN),
            )
            .order_by(messages.c.sent_at, messages.c.priority, messages.c.id)
        )

    def has_unsent(self, identity_id: int, now: datetime) -> bool:
        """Is something due for this chat still on its way?"""
        statement = select(messages.c.id).where(
            messages.c.identity_id == identity_id,
            _unsent(messages),
            messages.c.due_at <= now,
        )
        return bool(self.store.read(statement.limit(1)))

    def any_in_hand(self) -> bool:
        """Has a worker taken anything out of the outbox that it has not dealt with yet?"""
        return self._any(messages.c.state.in_(IN_FLIGHT))

    def waiting(self, after: datetime, until: datetime) -> list[Message]:
        """What stands in the outbox and leaves between two instants, soonest first."""
        return self._all(
            select(*_columns)
            .where(
                _unsent(messages),
                messages.c.state == "pending",
                messages.c.due_at > after,
                messages.c.due_at <= until,
            )
            .order_by(messages.c.due_at, messages.c.priority, messages.c.id)
        )

    def pulse(self, person_ids: Collection[int]) -> list[tuple[Any, ...]]:
        """A few figures that are others as soon as anything these people wrote or were written has changed."""
        rows = self.store.read(
            select(messages.c.state, func.count(), func.max(messages.c.id), func.max(messages.c.sent_at))
            .where(messages.c.person_id.in_(sorted(person_ids)))
            .group_by(messages.c.state)
            .order_by(messages.c.state)
        )
        return [tuple(row) for row in rows]

    def newest(self) -> int:
        """The number of the message written last, by anybody."""
        return int(self.store.read(select(func.coalesce(func.max(messages.c.id), 0)))[0][0])

    def by_update(self, channel: str, update_key: str) -> Message | None:
        found = self._all(select(*_columns).where(messages.c.channel == channel, messages.c.update_key == update_key))
        return found[0] if found else None

    def pushes_since(self, person_id: int, since: datetime) -> int:
        """How many pushes this person has had since then."""
        statement = select(func.count()).where(
            messages.c.person_id == person_id,
            messages.c.direction == "out",
            messages.c.priority > 0,
            messages.c.options.is_not(None),  # a push in several pieces is one push
            messages.c.state.in_(SHOWN),
            messages.c.sent_at >= since,
        )
        return int(self.store.read(statement)[0][0])

    def newest_push(self, person_id: int, subject: str, moment: str) -> Message | None:
        """The newest message with choices that a moment has put out about something; not its repetition."""
        rows = self._all(
            select(*_columns)
            .where(
                messages.c.person_id == person_id,
                messages.c.subject == subject,
                messages.c.options.is_not(None),
                messages.c.kind == "moment",
            )
            .order_by(messages.c.id.desc())
        )
        known = ((row, row.payload or {}) for row in rows)
        return next((row for row, said in known if said.get("moment") == moment and "repeats" not in said), None)

    def of(self, person_id: int) -> list[Message]:
        """All that was said with a person, oldest first."""
        return self._all(select(*_columns).where(messages.c.person_id == person_id).order_by(messages.c.id))

    def with_buttons(self, person_id: int, subject: str) -> list[Message]:
        """What was shown to a person about something, with choices."""
        return self._all(
            select(*_columns).where(
                messages.c.person_id == person_id,
                messages.c.subject == subject,
                messages.c.options.is_not(None),
                messages.c.provider_id.is_not(None),
                messages.c.state.in_(SHOWN),
            )
        )

    def heard(self, person_id: int, identity_id: int, most: int) -> list[tuple[datetime, str, str, str | None]]:
        """When, how and what somebody wrote last in a chat, and what became of it (the reason); newest first."""
        found = {"person_id": person_id, "identity_id": identity_id, "most": most}
        return self.store.run(_heard, found)

    def suppress(
        self, person_id: int, *, reason: str, identity_id: int | None = None, moments: Collection[str] | None = None
    ) -> list[tuple[str, str]]:
        """
        What is pending for a person will not be sent: all of it, what is for one chat, or what these moments say.
        Returns the subjects and moments of what was going to be said, unless it is on the call list already.
        """
        statement = update(messages).where(
            messages.c.person_id == person_id, messages.c.direction == "out", messages.c.state == "pending"
        )
        if identity_id is not None:
            statement = statement.where(messages.c.identity_id == identity_id)
        if moments is not None:
            statement = statement.where(messages.c.payload["moment"].as_string().in_(moments))
        gone = statement.values(state="suppressed", reason=reason).returning(messages.c.subject, messages.c.payload)
        rows = [(row.subject or "", row.payload or {}) for row in self.store.write(gone)]
        return [(subject, facts.get("moment", "")) for subject, facts in rows if not facts.get("on_call_list")]

    def hurry(self, person_id: int, held_until: datetime, now: datetime) -> None:
        """What was held back for a person until then is due now."""
        held = messages.c.person_id == person_id, messages.c.state == "pending", messages.c.due_at == held_until
        self.store.write(update(messages).where(*held).values(due_at=now))

    def window_opened(self, identity_id: int, now: datetime) -> bool:
        """What waited in a chat until its person writes is due now; False if nothing did."""
        return self._no_longer_waits(now, messages.c.identity_id == identity_id)

    def another_way(self, now: datetime, person_id: int | None = None) -> bool:
        """
        What waits until its person writes, everybody's or one person's, may have another way by now: it is looked at
        once more. False if nothing waits.
        """
        return self._no_longer_waits(now, true() if person_id is None else messages.c.person_id == person_id)

    def _no_longer_waits(self, now: datetime, whose: ColumnElement[bool]) -> bool:
        waits = _unsent(messages), messages.c.state == "pending", messages.c.reason == WINDOW_SHUT
        due = update(messages).where(*waits, whose).values(due_at=now)
        return self.store.write(due.returning(messages.c.id)).first() is not None

    def pending_in(self, identity_id: int) -> list[Message]:
        """The pushes that wait to leave for a chat, oldest first, which nobody else takes meanwhile."""
        return self._all(
            select(*_columns)
            .where(
                _unsent(messages),
                messages.c.identity_id == identity_id,
                messages.c.state == "pending",
                messages.c.kind.not_in(("reply", "retired")),
            )
            .order_by(messages.c.id)
            .with_for_update()
        )

    def by_key(self, key: str) -> Message | None:
        """The message that was put out under this key."""
        found = self._all(select(*_columns).where(messages.c.dedupe_key == key))
        return found[0] if found else None

    def supersede(self, person_id: int, subject: str, *, reason: str) -> None:
        """What is pending for a person about something that has changed will not be sent."""
        self.store.write(
            update(messages)
            .where(
                messages.c.person_id == person_id,
                messages.c.subject == subject,
                messages.c.state == "pending",
                messages.c.kind != "reply",
            )
            .values(state="superseded", reason=reason)
        )

    def _all(self, statement: Select[Any]) -> list[Message]:
        return [Message(*row) for row in self.store.read(statement)]


def repeat_key(key: str) -> str:
    """The dedupe key of the one repetition that a message may have."""
    return f"{key}:repeat"


_is_reply, _is_push = messages.c.priority == 0, messages.c.priority > 0


def _not_of(channels: Collection[str]) -> ColumnElement[bool]:
    return messages.c.channel.not_in(sorted(channels)) if channels else true()


def _blocked(now: datetime, real: datetime) -> ColumnElement[bool]:
    """
    Must this message wait for another one of its chat: one on its way, an earlier one of its own class, or one after
    which the channel wants a pause in this chat?
    """
    waits = _earlier.c.state == "pending"
    is_ahead = and_(_earlier.c.priority == messages.c.priority, _earlier.c.due_at <= now, _earlier.c.id < messages.c.id)
    is_flooded = and_(_earlier.c.reason == "flood", _earlier.c.retry_at > real)
    return exists().where(
        _earlier.c.identity_id == messages.c.identity_id,
        _unsent(_earlier),
        or_(_earlier.c.state.in_(IN_FLIGHT), and_(waits, or_(is_ahead, is_flooded))),
    )
