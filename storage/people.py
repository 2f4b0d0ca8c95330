# SPDX-License-Identifier: EUPL-1.2
"""People, the chats they write from, their consents and enrolments."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, func, literal, or_, select, true, update

from storage.folded import folded
from storage.prepared import Prepared, inserting
from storage.tables import (
    comuni,
    consents,
    dialogues,
    enrolments,
    identities,
    links,
    memberships,
    messages,
    people,
    stops,
    unions,
)
from storage.tables.base import Key
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Person:
    """What we know of somebody who writes to us."""

    id: int
    language: str
    first_name: str | None
    birth_year: int | None
    comune_istat: str | None
    goal: str | None
    italian_level: str | None
    source: str | None
    registered_at: datetime | None
    stopped_at: datetime | None
    phone: str | None
    merged_into: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which people are looked for; what is None or empty sets no condition.

    ``name``, ``number``, ``code`` and ``phone`` are what one search may mean: any of them will do. The words of a name
    are folded, and each begins a word of it; a telephone number is in the international form, or begins like it.
    """

    name: str = ""
    number: int | None = None
    code: str = ""
    phones: tuple[str, ...] = ()
    is_search: bool = False
    comune: str | None = None
    area: str | None = None
    programme: str | None = None
    club: str | None = None
    language: str | None = None
    registered: bool | None = None
    stopped: bool | None = None
    quiet_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list of people."""

    id: int
    first_name: str | None
    code: str | None
    language: str
    registered_at: datetime | None
    stopped_at: datetime | None
    comune: str | None
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Identity:
    """A chat of a person's."""

    id: int
    person_id: int
    channel: str
    address: str
    simulated: bool
    blocked_at: datetime | None
    alias: str | None = None
    window_shut_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """What somebody said last about a purpose, and when."""

    given: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """An answer to a question of consent, with all that proves it (GDPR, art. 7(1))."""

    id: int
    purpose: str
    given: bool
    text: str
    text_hash: str
    version: str
    language: str
    channel: str
    question_id: int
    answer_id: int
    provider_id: str | None
    at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: int | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody wants no more messages: none at all, none about one purpose, or none in one chat."""

    id: int
    topic: str
    identity_id: int | None
    reason: str | None
    message_id: int | None
    at: datetime
    ended_at: datetime | None


_person_columns = [people.c[name] for name in Person.__dataclass_fields__]
_identity_columns = [identities.c[name] for name in Identity.__dataclass_fields__]

_found = (
    select(*_identity_columns, *_person_columns)
    .join(people, people.c.id == identities.c.person_id)
    .where(identities.c.channel == bindparam("channel"), identities.c.address == bindparam("address"))
)
_person = Prepared(select(*_person_columns).where(people.c.id == bindparam("id")))
_identity = Prepared(select(*_identity_columns).where(identities.c.id == bindparam("id")))
_new_person = inserting(people, "language created_at", returning=people.c.id)
_new_dialogue = inserting(dialogues, "person_id draft trail paused kept misses version release changed_at")
_new_identity = inserting(identities, "person_id channel address simulated created_at", returning=identities.c.id)
_new_consent = inserting(
    consents,
    "person_id purpose given text text_hash version language channel question_id answer_id provider_id at",
)
# Every yes to a permission ends what stopped it, so this is on the path of a registration.
_end_stops = Prepared(
    update(stops)
    .where(
        stops.c.person_id == bindparam("b_person_id"),
        stops.c.topic == bindparam("b_topic"),
        stops.c.identity_id.is_not_distinct_from(bindparam("b_identity_id", type_=Key)),
        stops.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
)
_stop_columns = [stops.c[name] for name in Stop.__dataclass_fields__]
_no_dialogue = {"draft": {}, "trail": [], "paused": [], "kept": {}, "misses": 0, "version": 0}
_identities = select(*_identity_columns).where(identities.c.person_id == bindparam("id")).order_by(identities.c.id)


class People:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def get(self, id: int) -> Person:
        return Person(*self.store.run(_person, {"id": id})[0])

    def find(self, id: int) -> Person | None:
        """Anybody who was ever given this number."""
        rows = self.store.run(_person, {"id": id})
        return Person(*rows[0]) if rows else None

    def demonstration(self) -> list[tuple[Person, Identity]]:
        """The invented people of a demonstration, each with the simulated chat it gives them."""
        rows = self.store.read(
            select(*_person_columns, *_identity_columns)
            .join(people, people.c.id == identities.c.person_id)
            .where(identities.c.simulated, identities.c.address == literal("demo:").concat(people.c.code))
            .order_by(people.c.code)
        )
        split = len(_person_columns)
        return [(Person(*row[:split]), Identity(*row[split:])) for row in rows]

    def simulated(self, ids: Collection[int]) -> set[int]:
        """Those of these people who write from simulated chats, and from no other."""
        chats = select(identities.c.person_id, identities.c.simulated).where(identities.c.person_id.in_(sorted(ids)))
        rows = self.store.read(chats)
        return {row.person_id for row in rows} - {row.person_id for row in rows if not row.simulated}

    def any_real(self) -> bool:
        """Does anybody write to us from a real network?"""
        return bool(self.store.read(select(identities.c.id).where(~identities.c.simulated).limit(1)))

    def since(self, id: int) -> datetime | None:
        """When somebody wrote for the first time; None for who is not known, or no longer."""
        rows = self.store.read(select(people.c.created_at).where(people.c.id == id, people.c.erased_at.is_(None)))
        return rows[0][0] if rows else None

    def calendar_key(self, id: int) -> str | None:
        """What the private address of somebody's agenda holds, if they have one."""
        return self.store.read(select(people.c.calendar_key).where(people.c.id == id))[0][0]  # type: ignore[no-any-return]

    def with_calendar(self, key: str) -> Person | None:
        """Whose agenda it is that a key opens."""
        rows = self.store.read(select(*_person_columns).where(people.c.calendar_key == key))
        found = Person(*rows[0]) if rows else None
        while found and found.merged_into:  # the address they gave their phone goes on opening what is theirs
            found = self.get(found.merged_into)
        return found

    def is_in(self, id: int, areas: Collection[str] | None, programmes: Collection[str] | None) -> bool:
        """Is somebody known, and in one of these areas or programmes? None is no limit."""
        is_met = people.c.id == id, people.c.merged_into.is_(None)
        return bool(self.store.read(select(people.c.id).where(*is_met, in_scope(areas, programmes))))

    def listed(
        self,
        wanted: Wanted,
        scope: ColumnElement[bool],
        *,
        limit: int,
        below: int | None = None,
        above: int | None = None,
    ) -> list[Listed]:
        """
        Those who are looked for and may be seen, who came last first; below or above a number, for the pages between.

        Nobody who is deleted, nor who turned out to be somebody else.
        """
        statement = (
            select(*(people.c[name] for name in list(Listed.__dataclass_fields__)[:6]), comuni.c.name, _heard_at)
            .outerjoin(comuni, comuni.c.istat == people.c.comune_istat)
            .outerjoin(dialogues, dialogues.c.person_id == people.c.id)
            .where(people.c.erased_at.is_(None), people.c.merged_into.is_(None), scope, *_conditions(wanted))
            .limit(limit)
        )
        if above is not None:
            rows = self.store.read(statement.where(people.c.id > above).order_by(people.c.id))
            return [Listed(*row) for row in reversed(rows)]
        if below is not None:
            statement = statement.where(people.c.id < below)
        return [Listed(*row) for row in self.store.read(statement.order_by(people.c.id.desc()))]

    def channels(self, ids: Collection[int]) -> dict[int, list[str]]:
        """On which channels people write to us, where the chat is open."""
        rows = self.store.read(
            select(identities.c.person_id, identities.c.channel)
            .where(identities.c.person_id.in_(sorted(ids)), identities.c.blocked_at.is_(None))
            .distinct()
            .order_by(identities.c.person_id, identities.c.channel)
        )
        found: dict[int, list[str]] = {id: [] for id in ids}
        for id, channel in rows:
            found[id].append(channel)
        return found

    def languages(self) -> list[str]:
        """The languages people speak with us."""
        rows = self.store.read(select(people.c.language).where(people.c.erased_at.is_(None)).distinct())
        return sorted(row[0] for row in rows)

    def enter(self, language: str, release: str, now: datetime) -> int:
        """Somebody who has no chat: they come to the desk, or telephone."""
        return self._new_person(language, release, now)

    def at(self, channel: str, address: str) -> tuple[Identity, Person] | None:
        """Who writes from this address, if we have met."""
        rows = self.store.read(_found, {"channel": channel, "address": address})
        if not rows:
            return None
        split = len(_identity_columns)
        return Identity(*rows[0][:split]), Person(*rows[0][split:])

    def known_as(self, channel: str, names: Collection[str]) -> list[Identity]:
        """
        The chats of a channel that go by one of these names, oldest first.

        Whoever else asks for one of them waits until this transaction ends: a chat with two names is met once.
        """
        if self.store.is_postgresql:
            for name in sorted(names):
                self.store.read(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{channel}:{name}", 0))))
        # Each name by its own index: asked for both at once, SQLite reads all the chats of the channel.
        found = [
            Identity(*row)
            for name in (identities.c.address, identities.c.alias)
            for row in self.store.read(
                select(*_identity_columns).where(identities.c.channel == channel, name.in_(sorted(names)))
            )
        ]
        return sorted(set(found), key=lambda chat: chat.id)

    def unite(self, stays: int, goes: int) -> None:
        """Two chats of one person are the same: from now on there is the one that stays."""
        # Whoever is writing something for one of them at this moment is waited for, and then it is seen below.
        both = identities.c.id.in_((stays, goes))
        self.store.read(select(identities.c.id).where(both).order_by(identities.c.id).with_for_update())
        for table in (messages, stops, links, dialogues):
            theirs = table.c.identity_id == goes
            self.store.write(update(table).where(theirs).values(identity_id=stays))
        self.store.write(identities.delete().where(identities.c.id == goes))

    def meet(
        self, channel: str, address: str, *, simulated: bool, language: str, release: str, now: datetime
    ) -> tuple[Identity, Person]:
        """A new person with one chat and an empty dialogue; or, if another message was quicker, the person it met."""
        with self.store.savepoint():
            id = self._new_person(language, release, now)
            chat = {"person_id": id, "channel": channel, "address": address, "simulated": simulated, "created_at": now}
            if not self.store.run(_new_identity, chat):
                self.store.write(dialogues.delete().where(dialogues.c.person_id == id))
                self.store.write(people.delete().where(people.c.id == id))
        found = self.at(channel, address)
        assert found is not None
        return found

    def _new_person(self, language: str, release: str, now: datetime) -> int:
        id: int = self.store.run(_new_person, {"language": language, "created_at": now})[0][0]
        self.store.run(_new_dialogue, {**_no_dialogue, "person_id": id, "release": release, "changed_at": now})
        return id

    def change(self, id: int, **values: Any) -> None:
        self.store.write(update(people).where(people.c.id == id).values(**values))

    def identity(self, id: int) -> Identity:
        return Identity(*self.store.run(_identity, {"id": id})[0])

    def identities(self, id: int) -> list[Identity]:
        return [Identity(*row) for row in self.store.read(_identities, {"id": id})]

    def reachable(self, id: int) -> Identity | None:
        """The chat a person wrote from last, of those that are not shut."""
        last = func.coalesce(
            select(func.max(messages.c.id))
            .where(messages.c.person_id == id, messages.c.identity_id == identities.c.id, messages.c.direction == "in")
            .where(messages.c.kind.not_in(("blocked", "unblocked")))  # news of the chat is no word of theirs
            .scalar_subquery(),
            0,
        )
        rows = self.store.read(
            select(*_identity_columns)
            .join(people, people.c.id == identities.c.person_id)
            .where(identities.c.person_id == id, identities.c.blocked_at.is_(None), people.c.erased_at.is_(None))
            .order_by(last.desc(), identities.c.id)
            .limit(1)
        )
        return Identity(*rows[0]) if rows else None

    def change_identity(self, id: int, **values: Any) -> None:
        self.store.write(update(identities).where(identities.c.id == id).values(**values))

    def consents(self, id: int) -> dict[str, int]:
        """The consents in force: purpose → the row that proves it."""
        rows = self.store.read(
            select(consents.c.purpose, consents.c.id, consents.c.given, consents.c.withdrawn_at)
            .where(consents.c.person_id == id)
            .order_by(consents.c.id)
        )
        newest = {row.purpose: row for row in rows}
        return {purpose: row.id for purpose, row in newest.items() if row.given and row.withdrawn_at is None}

    def proofs(self, id: int) -> list[Proof]:
        """Every answer to a question of consent with its proof, oldest first."""
        columns = [consents.c[name] for name in Proof.__dataclass_fields__]
        found = select(*columns).where(consents.c.person_id == id).order_by(consents.c.id)
        return [Proof(*row) for row in self.store.read(found)]

    def answers(self, id: int) -> dict[str, Permission]:
        """The newest answer to each question of consent: purpose → yes or no, and since when."""
        rows = self.store.read(
            select(consents.c.purpose, consents.c.given, consents.c.at, consents.c.withdrawn_at)
            .where(consents.c.person_id == id)
            .order_by(consents.c.id)
        )
        return {
            row.purpose: Permission(row.given and row.withdrawn_at is None, row.withdrawn_at or row.at) for row in rows
        }

    def who_agreed(self, purpose: str, ids: Collection[int]) -> set[int]:
        """Those of these people whose newest answer to a purpose is a yes, and was not taken back."""
        newer = consents.alias("newer")
        is_newest = ~exists().where(
            newer.c.person_id == consents.c.person_id,
            newer.c.purpose == consents.c.purpose,
            newer.c.id > consents.c.id,
        )
        asked = sorted(ids)
        agreed: set[int] = set()
        for start in range(0, len(asked), 500):
            rows = self.store.read(
                select(consents.c.person_id).where(
                    consents.c.person_id.in_(asked[start : start + 500]),
                    consents.c.purpose == purpose,
                    consents.c.given,
                    consents.c.withdrawn_at.is_(None),
                    is_newest,
                )
            )
            agreed.update(row[0] for row in rows)
        return agreed

    def record_consent(self, **values: Any) -> None:
        self.store.run(_new_consent, {"provider_id": None, **values})

    def withdraw(self, id: int, purposes: list[str] | None, *, by: int | None, now: datetime) -> None:
        """Take back consents: all of them, or those for these purposes."""
        statement = update(consents).where(
            consents.c.person_id == id, consents.c.given.is_(True), consents.c.withdrawn_at.is_(None)
        )
        if purposes is not None:
            statement = statement.where(consents.c.purpose.in_(purposes))
        self.store.write(statement.values(withdrawn_at=now, withdrawn_by=by))

    def stops(self, id: int) -> list[Stop]:
        """Every time this person has stopped us, in words or on a channel, oldest first."""
        statement = select(*_stop_columns).where(stops.c.person_id == id).order_by(stops.c.id)
        return [Stop(*row) for row in self.store.read(statement)]

    def stop(
        self,
        id: int,
        topic: str,
        *,
        identity_id: int | None = None,
        reason: str | None = None,
        message_id: int | None,
        now: datetime,
    ) -> int:
        """Write down a stop, unless it stands already. Returns its number. The caller has locked the person."""
        for one in self.stops(id):
            if (one.topic, one.identity_id, one.ended_at) == (topic, identity_id, None):
                return one.id
        values = {"topic": topic, "identity_id": identity_id, "reason": reason, "message_id": message_id, "at": now}
        found = self.store.write(stops.insert().values(person_id=id, **values).returning(stops.c.id))
        return int(found.scalar_one())

    def stopped_because(self, stop_id: int, reason: str) -> None:
        self.store.write(update(stops).where(stops.c.id == stop_id).values(reason=reason))

    def end_stops(self, id: int, topic: str, *, identity_id: int | None = None, now: datetime) -> None:
        """They may be written to again: about this, or in this chat."""
        found = {"b_person_id": id, "b_topic": topic, "b_identity_id": identity_id, "now": now}
        self.store.run(_end_stops, found)

    def enrol(self, id: int, programme_id: str, now: datetime) -> None:
        """They are in this programme, from now on or again."""
        values = {"state": "enrolled", "at": now}
        self.store.write(
            self.store.insert(enrolments)
            .values(person_id=id, programme_id=programme_id, **values)
            .on_conflict_do_update(
                index_elements=["person_id", "programme_id"], set_=values, where=enrolments.c.state != "enrolled"
            )
        )

    def leave_programme(self, id: int, programme_id: str, now: datetime) -> None:
        """They have moved out of its area."""
        self.store.write(
            update(enrolments)
            .where(enrolments.c.person_id == id, enrolments.c.programme_id == programme_id)
            .values(state="moved", at=now)
        )


_heard_at = dialogues.c.heard_at


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [or_(*_meanings(wanted), false())] if wanted.is_search else []
    if wanted.comune:
        found.append(people.c.comune_istat == wanted.comune)
    if wanted.area:
        found.append(people.c.comune_istat.in_(_comuni_in([wanted.area])))
    if wanted.programme:
        found.append(_enrolled().where(enrolments.c.programme_id == wanted.programme))
    if wanted.club:
        is_in = memberships.c.club_id == wanted.club, memberships.c.state.in_(("waiting", "offered", "member"))
        found.append(exists().where(memberships.c.person_id == people.c.id, *is_in))
    if wanted.language:
        found.append(people.c.language == wanted.language)
    if wanted.registered is not None:
        found.append(people.c.registered_at.is_not(None) if wanted.registered else people.c.registered_at.is_(None))
    if wanted.stopped is not None:
        found.append(people.c.stopped_at.is_not(None) if wanted.stopped else people.c.stopped_at.is_(None))
    if wanted.quiet_since:
        found.append(func.coalesce(dialogues.c.heard_at, people.c.created_at) <= wanted.quiet_since)
    return found


def _meanings(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What the words of a search may mean."""
    found: list[ColumnElement[bool]] = []
    if wanted.name:
        name = literal(" ").concat(folded(people.c.first_name))
        found.append(and_(*(name.contains(f" {word}", autoescape=True) for word in wanted.name.split())))
    if wanted.number is not None:
        found.append(people.c.id == wanted.number)
    if wanted.code:
        found.append(func.lower(people.c.code).startswith(wanted.code.lower(), autoescape=True))
    for phone in wanted.phones:
        found.append(people.c.phone.startswith(phone, autoescape=True))
        addresses = (identities.c.address.startswith(f"{way}{phone}", autoescape=True) for way in ("", "whatsapp:"))
        on_whatsapp = identities.c.channel == "whatsapp", or_(*addresses)
        found.append(exists().where(identities.c.person_id == people.c.id, *on_whatsapp))
    return found


def _enrolled() -> Any:
    return exists().where(enrolments.c.person_id == people.c.id, enrolments.c.state == "enrolled")


def _comuni_in(areas: Collection[str]) -> Any:
    theirs = select(comuni.c.istat).join(unions, unions.c.id == comuni.c.union_id)
    return theirs.where(unions.c.area_id.in_(sorted(areas)))


def in_scope(areas: Collection[str] | None, programmes: Collection[str] | None) -> ColumnElement[bool]:
    """
    Of the people of these areas or programmes, for statements that have the table of people in them.

    Who lives nowhere we know of and is enrolled nowhere is everybody's.
    """
    if areas is None and programmes is None:
        return true()
    enrolled = _enrolled()
    ways: list[ColumnElement[bool]] = [and_(people.c.comune_istat.is_(None), ~enrolled)]
    if areas is not None:
        ways.append(people.c.comune_istat.in_(_comuni_in(areas)))
    if programmes is not None:
        ways.append(enrolled.where(enrolments.c.programme_id.in_(sorted(programmes))))
    return or_(*ways)
