# SPDX-License-Identifier: EUPL-1.2
"""Everything said, in both directions: the log and the outbox."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select, update

from storage.prepared import Prepared, inserting
from storage.tables import identities, messages, people
from storage.transaction import Transaction

UNFINISHED = ("failed", "waiting")
IN_FLIGHT = ("claimed", "sending")
UNSENT = ("pending", *IN_FLIGHT)
SHOWN = ("sending", "sent", "delivered", "read", "uncertain")


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


_columns = [messages.c[name] for name in Message.__dataclass_fields__]
_earlier = messages.alias("earlier")

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

    def put_out(self, **values: Any) -> int | None:
        """Put a message in the outbox; None if one with the same dedupe key is already there."""
        rows = self.store.run(_put_out, {**_NOTHING, "direction": "out", "attempts": 0, "state": "pending", **values})
        return rows[0][0] if rows else None

    def get(self, id: int) -> Message | None:
        rows = self.store.run(_get, {"id": id})
        return Message(*rows[0]) if rows else None

    def lock(self, id: int) -> Message | None:
        """The message, which nobody else may change until this transaction ends."""
        rows = self.store.read(_by_id.with_for_update(), {"id": id})
        return Message(*rows[0]) if rows else None

    def anything_due(self, now: datetime, real: datetime) -> bool:
        """Is there anything a worker could claim or recover?"""
        pending = and_(
            messages.c.state == "pending",
            messages.c.due_at <= now,
            or_(messages.c.retry_at.is_(None), messages.c.retry_at <= real),
        )
        lost = and_(messages.c.state.in_(IN_FLIGHT), messages.c.lease_until < real)
        return bool(
            self.store.read(select(messages.c.id).where(messages.c.direction == "out", or_(pending, lost)).limit(1))
        )

    def change(self, id: int, **values: Any) -> None:
        self.store.write(update(messages).where(messages.c.id == id).values(**values))

    def newest_choice(self, person_id: int, identity_id: int) -> Message | None:
        """The last message with choices that this chat of a person's has shown."""
        rows = self.store.read(_newest_choice, {"person_id": person_id, "identity_id": identity_id})
        return Message(*rows[0]) if rows else None

    def unfinished(self, person_id: int) -> list[Message]:
        """What this person wrote that has not had its turn, oldest first."""
        return self._all(
            select(*_columns)
            .where(messages.c.person_id == person_id, messages.c.direction == "in", messages.c.state.in_(UNFINISHED))
            .order_by(messages.c.id)
        )

    def due_turns(self, now: datetime) -> list[int]:
        """People whose failed turn may be tried again now."""
        statement = (
            select(messages.c.person_id)
            .where(messages.c.direction == "in", messages.c.state.in_(UNFINISHED))
            .group_by(messages.c.person_id)
            .having(or_(func.min(messages.c.retry_at).is_(None), func.min(messages.c.retry_at) <= now))
        )
        return [row[0] for row in self.store.read(statement)]

    def find_by_dedupe(self, key: str) -> Message | None:
        found = self._all(select(*_columns).where(messages.c.dedupe_key == key))
        return found[0] if found else None

    def claim(
        self,
        *,
        now: datetime,
        real: datetime,
        until: datetime,
        lease: str,
        limit: int,
        identity_id: int | None = None,
        without: Collection[str] = (),
    ) -> list[Claimed]:
        """
        Take what is due out of the outbox, replies first, one message per chat and class, never past an earlier one.

        ``now`` decides what is due; ``real`` and ``until`` are real time, for leases and back-off.
        """
        rows = self.store.read(_claimable(now, real, limit, identity_id, without))
        if not rows:
            return []
        self.store.write(
            update(messages)
            .where(messages.c.id.in_([row.id for row in rows]))
            .values(state="claimed", lease=lease, lease_until=until)
        )
        return [Claimed(*(*row, lease)) for row in rows]

    def settle(self, id: int, lease: str, /, **values: Any) -> bool:
        """Record what became of a claimed message and let go of it; False if the claim is no longer ours."""
        statement = (
            update(messages)
            .where(messages.c.id == id, messages.c.lease == lease, messages.c.state.in_(IN_FLIGHT))
            .values(lease=None, lease_until=None, **values)
            .returning(messages.c.id)
        )
        return self.store.write(statement).first() is not None

    def recover(self, real: datetime) -> None:
        """Claims whose worker has gone: what had not left yet is pending again, what may have left is uncertain."""
        over = and_(messages.c.direction == "out", messages.c.lease_until < real)
        self.store.write(
            update(messages)
            .where(over, messages.c.state == "claimed")
            .values(state="pending", lease=None, lease_until=None)
        )
        self.store.write(
            update(messages)
            .where(over, messages.c.state == "sending")
            .values(state="uncertain", reason="worker_gone", lease=None, lease_until=None)
        )

    def shown_after(self, identity_id: int, id: int) -> list[Message]:
        """What a chat has been sent after a message of either direction, oldest first."""
        return self._all(
            select(*_columns)
            .where(
                messages.c.identity_id == identity_id,
                messages.c.id > id,
                messages.c.direction == "out",
                messages.c.state.in_(SHOWN),
            )
            .order_by(messages.c.sent_at, messages.c.priority, messages.c.id)
        )

    def has_unsent(self, identity_id: int, now: datetime) -> bool:
        """Is something due for this chat still on its way?"""
        statement = select(messages.c.id).where(
            messages.c.identity_id == identity_id,
            messages.c.state.in_(UNSENT),
            messages.c.direction == "out",
            messages.c.due_at <= now,
        )
        return bool(self.store.read(statement.limit(1)))

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

    def never_arrived(self, subject: str) -> bool:
        """Did the newest push with choices about this end without reaching anybody?"""
        rows = self.store.read(
            select(messages.c.state)
            .where(messages.c.subject == subject, messages.c.options.is_not(None), messages.c.kind == "moment")
            .order_by(messages.c.id.desc())
            .limit(1)
        )
        return bool(rows) and rows[0][0] in ("suppressed", "missed", "failed")

    def of(self, person_id: int) -> list[Message]:
        """All that was said with a person, oldest first."""
        return self._all(select(*_columns).where(messages.c.person_id == person_id).order_by(messages.c.id))

    def supersede(self, subject: str, *, reason: str) -> None:
        """What is pending about something that has changed will not be sent."""
        self.store.write(
            update(messages)
            .where(messages.c.subject == subject, messages.c.state == "pending", messages.c.kind != "reply")
            .values(state="superseded", reason=reason)
        )

    def _all(self, statement: Select[Any]) -> list[Message]:
        return [Message(*row) for row in self.store.read(statement)]


def _claimable(
    now: datetime, real: datetime, limit: int, identity_id: int | None, without: Collection[str]
) -> Select[Any]:
    blocked = exists().where(
        _earlier.c.identity_id == messages.c.identity_id,
        _earlier.c.direction == "out",
        _earlier.c.state.in_(UNSENT),
        or_(
            _earlier.c.state.in_(IN_FLIGHT),
            and_(
                _earlier.c.state == "pending",
                _earlier.c.priority == messages.c.priority,
                _earlier.c.due_at <= now,
                _earlier.c.id < messages.c.id,
            ),
        ),
    )
    statement = (
        select(
            *(messages.c[name] for name in list(Claimed.__dataclass_fields__)[:8]),
            identities.c.address,
            identities.c.simulated,
            messages.c.attempts,
            messages.c.payload,
        )
        .join(identities, identities.c.id == messages.c.identity_id)
        .join(people, people.c.id == messages.c.person_id)
        .where(
            messages.c.direction == "out",
            messages.c.state == "pending",
            messages.c.due_at <= now,
            or_(messages.c.retry_at.is_(None), messages.c.retry_at <= real),
            ~blocked,
        )
        .order_by(messages.c.priority, messages.c.due_at, messages.c.id)
        .limit(limit)
        .with_for_update(of=messages, skip_locked=True)
    )
    if without:
        statement = statement.where(messages.c.channel.not_in(without))
    return statement if identity_id is None else statement.where(messages.c.identity_id == identity_id)
