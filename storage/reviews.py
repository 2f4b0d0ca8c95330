# SPDX-License-Identifier: EUPL-1.2
"""Conversations as the desk goes through them: which wait, how far they were read, what was noted beside them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, literal, or_, select, text, tuple_, update

from storage.messages import Message
from storage.people import in_scope
from storage.tables import (
    attachments,
    canned_replies,
    cases,
    comuni,
    dialogues,
    enrolments,
    labels,
    mentions,
    messages,
    misreadings,
    notes,
    people,
    programmes,
    reviews,
    saved_views,
    staff,
    unmaskings,
)
from storage.tables.base import Key, Moment
from storage.tables.messages import PROBLEMS
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Filters:
    """
    Which conversations: of a view, and of what else is set; None is no limit.

    ``staff_id`` is who looks, ``today`` their day in Rome; times are when the person wrote last, the end left out.
    """

    view: str
    staff_id: int
    today: date
    channel: str | None = None
    programme: str | None = None
    comune: str | None = None
    tutor: int | None = None
    label: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    areas: Collection[str] | None = None
    programmes: Collection[str] | None = None


Place = tuple[datetime, int]
"""Where a conversation stands in the list: when its person wrote last, and their number."""


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation in the list: whose it is, what they wrote last, and how it stands."""

    person_id: int
    first_name: str | None
    language: str
    draft: dict[str, Any]
    heard_id: int | None
    heard_at: datetime
    channel: str | None
    kind: str | None
    text: str | None
    subject: str | None
    payload: dict[str, Any] | None
    taken_by: int | None
    taken_until: datetime | None
    read_to: int | None
    assigned_to: int | None
    follow_up_on: date | None

    @property
    def place(self) -> Place:
        return self.heard_at, self.person_id


@dataclass(frozen=True, slots=True)
class Review:
    """How far a conversation was read, and whose it is."""

    read_to: int | None = None
    reviewed_at: datetime | None = None
    reviewed_by: int | None = None
    assigned_to: int | None = None
    follow_up_on: date | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something a member of staff wrote down beside a conversation."""

    id: int
    person_id: int
    staff_id: int
    author: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Mention:
    """A note that calls somebody by name, and when they saw it."""

    note_id: int
    person_id: int
    author: str
    text: str
    at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class View:
    """Filters that somebody has kept under a name."""

    id: int
    name: str
    filters: dict[str, str]


@dataclass(frozen=True, slots=True)
class CannedReply:
    """An answer that is ready, by language."""

    id: int
    title: str
    text: dict[str, str]


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that came with a message, and what became of it."""

    id: int
    message_id: int
    name: str | None
    state: str
    reason: str | None


_heard = messages.alias("heard")
_line: list[ColumnElement[Any]] = [
    dialogues.c.person_id,
    people.c.first_name,
    people.c.language,
    dialogues.c.draft,
    dialogues.c.heard_id,
    dialogues.c.heard_at,
    *(_heard.c[name] for name in ("channel", "kind", "text", "subject", "payload")),
    dialogues.c.taken_by,
    dialogues.c.taken_until,
    *(reviews.c[name] for name in ("read_to", "assigned_to", "follow_up_on")),
]
_place = tuple_(dialogues.c.heard_at, dialogues.c.person_id)
_messages = [messages.c[name] for name in Message.__dataclass_fields__]
_note = [notes.c.id, notes.c.person_id, notes.c.staff_id, staff.c.name, notes.c.text, notes.c.at]
_is_reviewed = func.coalesce(reviews.c.read_to, 0) >= func.coalesce(dialogues.c.heard_id, 0)


class Reviews:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    # ---- the list

    def page(
        self, filters: Filters, limit: int, *, before: Place | None = None, after: Place | None = None
    ) -> list[Line]:
        """Newest first: those just ``before`` a place of the list, or those just ``after`` it."""
        statement = _of(select(*_line), filters)
        if after is not None:
            newer = statement.where(_place > _at(after)).order_by(dialogues.c.heard_at, dialogues.c.person_id)
            return [Line(*row) for row in reversed(self.store.read(newer.limit(limit)))]
        if before is not None:
            statement = statement.where(_place < _at(before))
        newest = (dialogues.c.heard_at.desc(), dialogues.c.person_id.desc())
        return [Line(*row) for row in self.store.read(statement.order_by(*newest).limit(limit))]

    def line(self, person_id: int) -> Line | None:
        """One conversation as the list has it; None for who has not written."""
        rows = self.store.read(_joined(select(*_line)).where(dialogues.c.person_id == person_id))
        return Line(*rows[0]) if rows and rows[0].heard_at is not None else None

    def labels_of(self, ids: Collection[int]) -> dict[int, list[str]]:
        """The labels of these people, by name."""
        rows = self.store.read(
            select(labels.c.person_id, labels.c.name).where(labels.c.person_id.in_(sorted(ids))).order_by(labels.c.name)
        )
        found: dict[int, list[str]] = {}
        for row in rows:
            found.setdefault(row.person_id, []).append(row.name)
        return found

    def waiting_since(self, ids: Collection[int]) -> dict[int, tuple[str, datetime, int | None]]:
        """The cry for help, else the oldest open case, of each of these people: why, since when, who looks after it."""
        rows = self.store.read(
            select(cases.c.person_id, cases.c.reason, cases.c.opened_at, cases.c.taken_by)
            .where(cases.c.person_id.in_(sorted(ids)), cases.c.closed_at.is_(None))
            .order_by(cases.c.reason == "urgent", cases.c.opened_at.desc(), cases.c.id.desc())
        )
        return {row.person_id: (row.reason, row.opened_at, row.taken_by) for row in rows}

    def known_labels(self) -> list[str]:
        return [row[0] for row in self.store.read(select(labels.c.name).distinct().order_by(labels.c.name))]

    def comuni(self) -> list[tuple[str, str]]:
        """Where people who write to us live, by name."""
        lived_in = exists().where(people.c.comune_istat == comuni.c.istat)
        rows = self.store.read(select(comuni.c.istat, comuni.c.name).where(lived_in).order_by(comuni.c.name))
        return [(row[0], row[1]) for row in rows]

    def programmes(self) -> list[tuple[str, str]]:
        """Those that somebody is enrolled in, by name."""
        joined = exists().where(enrolments.c.programme_id == programmes.c.id)
        rows = self.store.read(select(programmes.c.id, programmes.c.name).where(joined).order_by(programmes.c.name))
        return [(row[0], row[1]) for row in rows]

    # ---- what was said

    def said(self, person_id: int, limit: int, *, before: int | None = None, after: int | None = None) -> list[Message]:
        """What was said with a person, oldest first: the newest of it, or what stands next to a message."""
        statement = select(*_messages).where(messages.c.person_id == person_id, messages.c.kind != "retired")
        if after is not None:
            rows = self.store.read(statement.where(messages.c.id > after).order_by(messages.c.id).limit(limit))
            return [Message(*row) for row in rows]
        if before is not None:
            statement = statement.where(messages.c.id < before)
        return [
            Message(*row) for row in reversed(self.store.read(statement.order_by(messages.c.id.desc()).limit(limit)))
        ]

    def taps(self, person_id: int, first: int, most: int) -> list[str]:
        """What a person touched from a message on, as it travels: the message and the line of its choices."""
        rows = self.store.read(
            select(messages.c.payload)
            .where(messages.c.person_id == person_id, messages.c.id > first, messages.c.kind == "tap")
            .order_by(messages.c.id)
            .limit(most)
        )
        return [str((row[0] or {}).get("tap", "")) for row in rows]

    def options(self, ids: Collection[int]) -> dict[int, list[dict[str, str]]]:
        """The choices that these messages showed."""
        rows = self.store.read(select(messages.c.id, messages.c.options).where(messages.c.id.in_(sorted(ids))))
        return {row.id: row.options or [] for row in rows}

    def enclosures(self, message_ids: Collection[int]) -> dict[int, Enclosure]:
        """The files that came with these messages."""
        columns = [attachments.c[name] for name in Enclosure.__dataclass_fields__]
        rows = self.store.read(select(*columns).where(attachments.c.message_id.in_(sorted(message_ids))))
        return {row.message_id: Enclosure(*row) for row in rows}

    def many(self, filters: Filters, limit: int) -> list[Message]:
        """All that was said in the conversations of a list, person by person, oldest first."""
        whose = _of(select(dialogues.c.person_id), filters)
        order = (messages.c.person_id, messages.c.id)
        is_said = messages.c.kind.not_in(("retired", "blocked", "unblocked"))
        rows = self.store.read(
            select(*_messages).where(messages.c.person_id.in_(whose), is_said).order_by(*order).limit(limit)
        )
        return [Message(*row) for row in rows]

    def names_of(self, ids: Collection[int]) -> dict[int, tuple[str | None, dict[str, Any]]]:
        """What these people are called, and what they are filling in at the moment."""
        found: dict[int, tuple[str | None, dict[str, Any]]] = {}
        asked = sorted(ids)
        for start in range(0, len(asked), 500):
            rows = self.store.read(
                select(people.c.id, people.c.first_name, dialogues.c.draft)
                .join(dialogues, dialogues.c.person_id == people.c.id)
                .where(people.c.id.in_(asked[start : start + 500]))
            )
            found |= {row.id: (row.first_name, row.draft) for row in rows}
        return found

    def also_called(self, ids: Collection[int]) -> dict[int, list[str]]:
        """The names of those who turned out to be one of these people: they stand in what was said before."""
        found: dict[int, list[str]] = {}
        asked = sorted(ids)
        for start in range(0, len(asked), 500):
            mine = people.c.merged_into.in_(asked[start : start + 500])
            named = select(people.c.merged_into, people.c.first_name).where(mine, people.c.first_name.is_not(None))
            for id, name in self.store.read(named):
                found.setdefault(id, []).append(name)
        return found

    # ---- how far it was read, and whose it is

    def of(self, person_id: int) -> Review:
        columns = [reviews.c[name] for name in Review.__dataclass_fields__]
        rows = self.store.read(select(*columns).where(reviews.c.person_id == person_id))
        return Review(*rows[0]) if rows else Review()

    def change(self, person_id: int, **values: Any) -> None:
        statement = self.store.insert(reviews).values(person_id=person_id, **values)
        self.store.write(statement.on_conflict_do_update(index_elements=["person_id"], set_=values))

    # ---- labels and notes

    def label(self, person_id: int, name: str, staff_id: int, now: datetime) -> bool:
        """False if it is there already."""
        values = {"person_id": person_id, "name": name, "staff_id": staff_id, "at": now}
        statement = self.store.insert(labels).values(values).on_conflict_do_nothing().returning(labels.c.name)
        return self.store.write(statement).first() is not None

    def unlabel(self, person_id: int, name: str) -> bool:
        statement = delete(labels).where(labels.c.person_id == person_id, labels.c.name == name)
        return self.store.write(statement.returning(labels.c.name)).first() is not None

    def notes(self, person_id: int, limit: int) -> list[Note]:
        """The newest first."""
        mine = select(*_note).join(staff, staff.c.id == notes.c.staff_id).where(notes.c.person_id == person_id)
        return [Note(*row) for row in self.store.read(mine.order_by(notes.c.id.desc()).limit(limit))]

    def add_note(self, person_id: int, staff_id: int, words: str, mentioned: Collection[int], now: datetime) -> int:
        new = notes.insert().values(person_id=person_id, staff_id=staff_id, text=words, at=now).returning(notes.c.id)
        id = int(self.store.write(new).scalar_one())
        if mentioned:
            self.store.write(mentions.insert(), [{"note_id": id, "staff_id": one} for one in sorted(mentioned)])
        return id

    def mentions(
        self,
        staff_id: int,
        limit: int,
        *,
        only_new: bool,
        areas: Collection[str] | None = None,
        programmes: Collection[str] | None = None,
    ) -> list[Mention]:
        """Notes that call a member of staff by name, the newest first."""
        columns = [notes.c.id, notes.c.person_id, staff.c.name, notes.c.text, notes.c.at, mentions.c.seen_at]
        statement = (
            select(*columns)
            .select_from(mentions)
            .join(notes, notes.c.id == mentions.c.note_id)
            .join(staff, staff.c.id == notes.c.staff_id)
            .join(people, people.c.id == notes.c.person_id)
            .where(mentions.c.staff_id == staff_id, in_scope(areas, programmes), people.c.erased_at.is_(None))
            .order_by(notes.c.id.desc())
            .limit(limit)
        )
        if only_new:
            statement = statement.where(mentions.c.seen_at.is_(None))
        return [Mention(*row) for row in self.store.read(statement)]

    def saw_mentions(self, staff_id: int, now: datetime, *, person_id: int | None = None) -> None:
        """They have seen the notes that call them by name: all of them, or those about a person."""
        statement = update(mentions).where(mentions.c.staff_id == staff_id, mentions.c.seen_at.is_(None))
        if person_id is not None:
            about = select(notes.c.id).where(notes.c.person_id == person_id)
            statement = statement.where(mentions.c.note_id.in_(about))
        self.store.write(statement.values(seen_at=now))

    # ---- who may read what in full; times are real

    def unmasked(self, staff_id: int, now: datetime, ids: Collection[int] | None = None) -> dict[int, datetime]:
        """Whose words this member may read in full now, and until when; of these people, or of all."""
        statement = select(unmaskings.c.person_id, func.max(unmaskings.c.until)).where(
            unmaskings.c.staff_id == staff_id, unmaskings.c.until > literal(now, Moment)
        )
        if ids is not None:
            statement = statement.where(unmaskings.c.person_id.in_(sorted(ids)))
        return {row[0]: row[1] for row in self.store.read(statement.group_by(unmaskings.c.person_id))}

    def unmask(self, staff_id: int, person_id: int, reason: str, now: datetime, until: datetime) -> None:
        values = {"staff_id": staff_id, "person_id": person_id, "reason": reason, "at": now, "until": until}
        self.store.write(unmaskings.insert().values(values))

    def mask(self, staff_id: int, person_id: int, now: datetime) -> None:
        """From now on they do not see it any more."""
        mine = unmaskings.c.staff_id == staff_id, unmaskings.c.person_id == person_id, unmaskings.c.until > now
        self.store.write(update(unmaskings).where(*mine).values(until=now))

    # ---- saved views

    def views(self, staff_id: int) -> list[View]:
        columns = [saved_views.c[name] for name in View.__dataclass_fields__]
        mine = select(*columns).where(saved_views.c.staff_id == staff_id).order_by(func.lower(saved_views.c.name))
        return [View(*row) for row in self.store.read(mine)]

    def save_view(self, staff_id: int, name: str, filters: Mapping[str, str], now: datetime) -> None:
        """Keep it; one of the same name is replaced."""
        values = {"filters": dict(filters), "at": now}
        statement = self.store.insert(saved_views).values(staff_id=staff_id, name=name, **values)
        self.store.write(statement.on_conflict_do_update(index_elements=["staff_id", "name"], set_=values))

    def drop_view(self, staff_id: int, id: int) -> bool:
        """False if it is not theirs."""
        statement = delete(saved_views).where(saved_views.c.id == id, saved_views.c.staff_id == staff_id)
        return self.store.write(statement.returning(saved_views.c.id)).first() is not None

    # ---- answers that are ready

    def canned(self) -> list[CannedReply]:
        columns = [canned_replies.c[name] for name in CannedReply.__dataclass_fields__]
        return [
            CannedReply(*row) for row in self.store.read(select(*columns).order_by(func.lower(canned_replies.c.title)))
        ]

    def put_canned(self, id: int | None, **values: Any) -> bool:
        """Keep a new one, or change one; False if another has this title, or it is not there any more."""
        same = select(canned_replies.c.id).where(canned_replies.c.title == values["title"])
        if any(row[0] != id for row in self.store.read(same)):
            return False
        if id is None:
            self.store.write(canned_replies.insert().values(**values))
            return True
        changed = update(canned_replies).where(canned_replies.c.id == id).values(**values)
        return self.store.write(changed.returning(canned_replies.c.id)).first() is not None

    def drop_canned(self, id: int) -> bool:
        statement = delete(canned_replies).where(canned_replies.c.id == id)
        return self.store.write(statement.returning(canned_replies.c.id)).first() is not None


def _at(place: Place) -> Any:
    return tuple_(literal(place[0], Moment), literal(place[1], Key))


def _joined(statement: Select[Any]) -> Select[Any]:
    return (
        statement.select_from(dialogues)
        .join(people, people.c.id == dialogues.c.person_id)
        .outerjoin(reviews, reviews.c.person_id == dialogues.c.person_id)
        .outerjoin(_heard, _heard.c.id == dialogues.c.heard_id)
    )


def _of(statement: Select[Any], filters: Filters) -> Select[Any]:
    """The conversations of a list; a person who was deleted, or met under another number, has none."""
    is_there = (dialogues.c.heard_at.is_not(None), people.c.erased_at.is_(None), people.c.merged_into.is_(None))
    where = [*is_there, in_scope(filters.areas, filters.programmes), *_narrowed(filters), *_viewed(filters)]
    return _joined(statement).where(*where)


def _narrowed(filters: Filters) -> Sequence[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if filters.channel is not None:
        where.append(_heard.c.channel == filters.channel)
    if filters.programme is not None:
        joined = exists().where(
            enrolments.c.person_id == dialogues.c.person_id,
            enrolments.c.programme_id == filters.programme,
            enrolments.c.state == "enrolled",
        )
        where.append(joined)
    if filters.comune is not None:
        where.append(people.c.comune_istat == filters.comune)
    if filters.tutor is not None:
        where.append(reviews.c.assigned_to == filters.tutor)
    if filters.label is not None:
        named = and_(labels.c.person_id == dialogues.c.person_id, labels.c.name == filters.label)
        where.append(exists().where(named))
    if filters.since is not None:
        where.append(dialogues.c.heard_at >= filters.since)
    if filters.until is not None:
        where.append(dialogues.c.heard_at < filters.until)
    return where


def _viewed(filters: Filters) -> Sequence[ColumnElement[bool]]:
    whose = dialogues.c.person_id
    is_waiting = and_(cases.c.person_id == whose, cases.c.closed_at.is_(None))
    match filters.view:
        case "waiting":
            return [exists().where(is_waiting)]
        case "failed_turns":
            # In the words of its index, for SQLite.
            unfinished = text("messages.state in ('failed', 'waiting')")
            failed = exists().where(messages.c.person_id == whose, unfinished, messages.c.direction == "in")
            return [or_(failed, exists().where(is_waiting, cases.c.reason == "failed_turn"))]
        case "failed_deliveries":
            return [whose.in_(_with_problems())]
        case "misunderstood":
            return [exists().where(misreadings.c.person_id == whose, misreadings.c.settled_at.is_(None))]
        case "mine":
            return [or_(reviews.c.assigned_to == filters.staff_id, dialogues.c.taken_by == filters.staff_id)]
        case "to_follow_up":
            return [reviews.c.follow_up_on <= filters.today]
        case "unreviewed":
            return [~_is_reviewed]
        case _:
            return []


def _with_problems() -> Select[Any]:
    """Those who have not got something, as long as nobody has seen to it."""
    problems = text(PROBLEMS.replace("direction", "messages.direction").replace("state", "messages.state"))
    seen_to = messages.c.payload["again_as"].as_integer(), messages.c.payload["settled_by"].as_integer()
    return select(messages.c.person_id).where(
        problems, messages.c.kind != "retired", *(one.is_(None) for one in seen_to)
    )
