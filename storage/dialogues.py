# SPDX-License-Identifier: EUPL-1.2
"""Where each person is in a conversation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, cast, exists, func, literal_column, or_, select, update

from storage.messages import SHOWN, UNFINISHED
from storage.people import Identity, Person
from storage.prepared import Prepared, one_of
from storage.tables import bookings, dialogues, identities, messages, people, workshops
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One person's place in a conversation; see the table for what each field means."""

    person_id: int
    conversation: str | None
    step: str | None
    draft: dict[str, Any]
    trail: list[Any]
    paused: list[dict[str, Any]]
    kept: dict[str, Any]
    question_id: int | None
    question_kind: str | None
    question_hash: str | None
    identity_id: int | None
    misses: int
    version: int
    release: str
    changed_at: datetime
    heard_id: int | None
    heard_at: datetime | None
    taken_by: int | None
    taken_at: datetime | None
    taken_until: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A dialogue with everything a turn needs to begin."""

    identity: Identity
    person: Person
    dialogue: Dialogue
    options: list[dict[str, str]] | None  # the choices of the open question, as they were shown
    is_busy: bool  # something else this person wrote still waits for its turn
    has_push: bool  # a push with choices has been shown since the question


@dataclass(frozen=True, slots=True)
class Quiet:
    """Somebody who has stopped writing, where they live, and when they wrote last."""

    person_id: int
    first_name: str | None
    comune_istat: str | None
    since: datetime


_identity_columns = [identities.c[name] for name in Identity.__dataclass_fields__]
_person_columns = [people.c[name] for name in Person.__dataclass_fields__]
_dialogue_columns = [dialogues.c[name] for name in Dialogue.__dataclass_fields__]
_ends = (len(_identity_columns), len(_identity_columns) + len(_person_columns))

_where = identities.c.channel == bindparam("channel"), identities.c.address == bindparam("address")
_busy = exists().where(
    messages.c.person_id == people.c.id,
    # As a parameter SQLite would plan the statement anew each time, to see which of its partial indexes it allows.
    messages.c.direction == literal_column("'in'"),
    one_of(messages.c.state, UNFINISHED),
)
_asked = messages.alias("asked")
_push = messages.alias("push")
_pushed = exists().where(
    _push.c.identity_id == identities.c.id,
    _push.c.answered_by.is_not(None),
    one_of(_push.c.state, SHOWN),
    or_(_asked.c.id.is_(None), _push.c.sent_at > func.coalesce(_asked.c.sent_at, _asked.c.at)),
)
# The person's row is locked with the dialogue, so that what is read of both is what the last turn left.
_locked = Prepared(
    select(dialogues.c.person_id)
    .join(identities, identities.c.person_id == dialogues.c.person_id)
    .join(people, people.c.id == dialogues.c.person_id)
    .where(*_where)
    .with_for_update(of=[people, dialogues], key_share=True)
)
_opened = Prepared(
    select(*_identity_columns, *_person_columns, *_dialogue_columns, _asked.c.options, _busy, _pushed)
    .join(people, people.c.id == identities.c.person_id)
    .join(dialogues, dialogues.c.person_id == people.c.id)
    .outerjoin(_asked, _asked.c.id == dialogues.c.question_id)
    .where(*_where)
)
_by_person = select(*_dialogue_columns).where(dialogues.c.person_id == bindparam("id"))
# The person before the dialogue, as everywhere: two who lock in different orders wait for one another for ever.
_with_person = (
    select(*_dialogue_columns)
    .select_from(people)
    .join(dialogues, dialogues.c.person_id == people.c.id)
    .where(people.c.id == bindparam("id"))
    .with_for_update(of=[people, dialogues], key_share=True)
)
# What a turn does not write: its key, and what is written beside the turns.
_BESIDE = ("person_id", "heard_id", "heard_at", "taken_by", "taken_at", "taken_until")
_HEARD: dict[str, ColumnElement[Any]] = {
    name: func.coalesce(bindparam(name, type_=dialogues.c[name].type), dialogues.c[name])
    for name in ("heard_id", "heard_at")
}
_save = Prepared(
    update(dialogues)
    .where(dialogues.c.person_id == bindparam("b_person_id"))
    .values({name: bindparam(name) for name in Dialogue.__dataclass_fields__ if name not in _BESIDE} | _HEARD)
)
_nothing_heard = dict.fromkeys(_HEARD)


class Dialogues:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def lock(self, channel: str, address: str) -> Opened | None:
        """The chat, its person and their dialogue, which nobody else may change until this transaction ends."""
        chat = {"channel": channel, "address": address}
        held: list[Any] = []
        if self.store.is_postgresql:
            # First the lock, then the look: a statement that waits for a lock sees what there was before it waited.
            held = self.store.run(_locked, chat)
        rows = self.store.run(_opened, chat)
        if not rows:
            return None
        row, (a, b) = rows[0], _ends
        found = Opened(Identity(*row[:a]), Person(*row[a:b]), Dialogue(*row[b:-3]), *row[-3:])
        if held and held[0][0] != found.person.id:  # while we waited, the chat became somebody else's
            return self.lock(channel, address)
        return found

    def lock_person(self, person_id: int) -> Dialogue:
        """A person's dialogue, which nobody else may change until this transaction ends."""
        return Dialogue(*self.store.read(_with_person, {"id": person_id})[0])

    def get(self, person_id: int) -> Dialogue:
        return Dialogue(*self.store.read(_by_person, {"id": person_id})[0])

    def half_way(
        self, conversation: str, after: datetime, before: datetime, person_id: int | None = None
    ) -> list[Quiet]:
        """Who began to sign up and stopped writing between two instants; not who said stop. Of all, or of one."""
        is_in = or_(
            dialogues.c.conversation == conversation,
            cast(dialogues.c.kept, String).contains(f'"{conversation}"'),
            cast(dialogues.c.paused, String).contains(f'"{conversation}"'),
        )
        return self._quiet(after, before, people.c.registered_at.is_(None), is_in, *_only(person_id))

    def silent(self, after: datetime, before: datetime, now: datetime, person_id: int | None = None) -> list[Quiet]:
        """
        Registered people who wrote last between two instants; not who said stop, or has something ahead. Of all, or of
        one.
        """
        ahead = exists().where(
            bookings.c.person_id == people.c.id,
            bookings.c.state.in_(("booked", "waiting", "offered")),
            workshops.c.id == bookings.c.workshop_id,
            workshops.c.ends_at > now,
        )
        return self._quiet(after, before, people.c.registered_at.is_not(None), ~ahead, *_only(person_id))

    def _quiet(self, after: datetime, before: datetime, *where: Any) -> list[Quiet]:
        rows = self.store.read(
            select(dialogues.c.person_id, people.c.first_name, people.c.comune_istat, dialogues.c.changed_at)
            .join(people, people.c.id == dialogues.c.person_id)
            .where(dialogues.c.changed_at > after, dialogues.c.changed_at <= before, people.c.stopped_at.is_(None))
            .where(people.c.merged_into.is_(None))
            .where(*where)
            .order_by(dialogues.c.person_id)
        )
        return [Quiet(*row) for row in rows]

    def overdue(self, now: datetime) -> list[int]:
        """Those whom somebody of the desk has taken over for longer than they said."""
        is_over = dialogues.c.taken_by.is_not(None), dialogues.c.taken_until <= now
        rows = self.store.read(select(dialogues.c.person_id).where(*is_over).order_by(dialogues.c.taken_until))
        return [row[0] for row in rows]

    def taken_by(self, staff_id: int) -> list[int]:
        """Those to whom this member of the staff writes."""
        rows = self.store.read(select(dialogues.c.person_id).where(dialogues.c.taken_by == staff_id))
        return sorted(row[0] for row in rows)

    def given_back_between(self, after: datetime, until: datetime) -> list[tuple[datetime, int]]:
        """When the time of those who have been taken over is up, and who it is."""
        ends = dialogues.c.taken_until
        rows = self.store.read(
            select(ends, dialogues.c.person_id).where(dialogues.c.taken_by.is_not(None), ends > after, ends <= until)
        )
        return [(row[0], row[1]) for row in rows]

    def save(self, person_id: int, **values: Any) -> None:
        """What a turn leaves; the version grows with every turn. What was heard last stays if nothing was heard."""
        self.store.run(_save, {"b_person_id": person_id, **_nothing_heard, **values})

    def heard(self, person_id: int, message_id: int, now: datetime) -> None:
        """Somebody wrote, and no turn follows from it, or not yet."""
        self.change(person_id, heard_id=message_id, heard_at=now)

    def change(self, person_id: int, **values: Any) -> None:
        """Beside the turns. The caller has locked the person."""
        self.store.write(update(dialogues).where(dialogues.c.person_id == person_id).values(**values))


def _only(person_id: int | None) -> list[ColumnElement[bool]]:
    return [] if person_id is None else [people.c.id == person_id]
