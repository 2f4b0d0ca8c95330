# SPDX-License-Identifier: EUPL-1.2
"""Two who turned out to be one: what is moved to the one who stays, and back again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, exists, func, or_, select, update

from storage.messages import UNSENT
from storage.tables import (
    attachments,
    bookings,
    cases,
    consents,
    dialogues,
    diaries,
    enrolments,
    identities,
    job_clubs,
    labels,
    links,
    memberships,
    merges,
    messages,
    misreadings,
    notes,
    path_records,
    people,
    protected,
    reviews,
    rights_requests,
    stops,
    workshops,
)
from storage.tables.base import Moment
from storage.transaction import Transaction
from storage.workshops import ACTIVE

# What moves as it is, and what moves unless the one who stays has the same already; the columns that say so.
MOVED = (
    *(identities, messages, consents, bookings, memberships, cases, attachments, misreadings, stops, notes),
    *(rights_requests, links),
)
UNLESS: dict[Table, tuple[str, ...]] = {
    enrolments: ("programme_id",),
    path_records: ("path_id",),
    diaries: ("club_id", "week"),
    labels: ("name",),
    protected: ("kind",),
    reviews: (),
}
TABLES: dict[str, Table] = {table.name: table for table in (*MOVED, *UNLESS, people)}
# What somebody has asked for since, in a chat that goes back: it goes with the message that asked.
ASKED_BY = {attachments: "message_id", misreadings: "message_id", cases: "message_id", stops: "message_id"} | {
    bookings: "message_id",
    memberships: "message_id",
    consents: "answer_id",
}

Moved = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Merge:
    """Who stays, who is no longer met, who of the staff said so (none: they themselves), and what it changed."""

    id: int
    person_id: int
    other_id: int
    by: int | None
    at: datetime
    moved: Moved
    undone_at: datetime | None


_columns = [merges.c[name] for name in Merge.__dataclass_fields__]


class Merges:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def get(self, id: int) -> Merge | None:
        rows = self.store.read(select(*_columns).where(merges.c.id == id))
        return Merge(*rows[0]) if rows else None

    def of(self, person_id: int) -> list[Merge]:
        """Who turned out to be this person, and was not parted again; the newest first."""
        mine = merges.c.person_id == person_id, merges.c.undone_at.is_(None)
        rows = self.store.read(select(*_columns).where(*mine).order_by(merges.c.id.desc()))
        return [Merge(*row) for row in rows]

    def numbers(self, person_id: int) -> list[int]:
        """This person's number, and those of all who turned out to be the same."""
        found = [person_id]
        for id in found:
            rows = self.store.read(select(people.c.id).where(people.c.merged_into == id).order_by(people.c.id))
            found += [row[0] for row in rows if row[0] not in found]
        return found

    def keep(self, person_id: int, other_id: int, by: int | None, moved: Moved, now: datetime) -> int:
        values = {"person_id": person_id, "other_id": other_id, "by": by, "at": now, "moved": moved}
        return int(self.store.write(merges.insert().values(**values).returning(merges.c.id)).scalar_one())

    def undone(self, id: int, now: datetime) -> None:
        self.store.write(update(merges).where(merges.c.id == id).values(undone_at=now))

    def keep_together(self, person_id: int, chats: Collection[int]) -> None:
        """What brought these chats to a person cannot be undone any more: they are one and the same."""
        for merge in self.of(person_id):
            if set(chats) & set(merge.moved.get("rows", {}).get("identities", ())):
                self.store.write(update(merges).where(merges.c.id == merge.id).values(moved={}))

    def forget(self, person_ids: Collection[int]) -> None:
        """What was changed holds words of theirs; it cannot be undone any more."""
        theirs = or_(merges.c.person_id.in_(person_ids), merges.c.other_id.in_(person_ids))
        self.store.write(update(merges).where(theirs).values(moved={}))

    # ---- locks, in the order in which everybody takes them

    def lock_clubs(self, person_ids: Collection[int]) -> None:
        theirs = select(memberships.c.club_id).where(
            memberships.c.person_id.in_(person_ids), memberships.c.state.in_(("waiting", "offered", "member"))
        )
        self.store.read(
            select(job_clubs.c.id).where(job_clubs.c.id.in_(theirs)).order_by(job_clubs.c.id).with_for_update()
        )

    def lock_workshops(self, person_ids: Collection[int]) -> None:
        theirs = select(bookings.c.workshop_id).where(
            bookings.c.person_id.in_(person_ids), bookings.c.state.in_(ACTIVE)
        )
        self.store.read(
            select(workshops.c.id).where(workshops.c.id.in_(theirs)).order_by(workshops.c.id).with_for_update()
        )

    # ---- moving

    def move(self, other_id: int, person_id: int) -> Moved:
        """All rows of one become rows of the other; by table, their numbers."""
        found: Moved = {}
        for table in (*MOVED, *UNLESS):
            theirs = table.c.person_id == other_id
            where = and_(theirs, ~_has_same(table, person_id)) if table in UNLESS else theirs
            ids = [row[0] for row in self.store.read(select(_key(table)).where(where).order_by(_key(table)))]
            if ids:
                self.assign(table, ids, other_id, person_id)
                found[table.name] = ids
        return found

    def move_back(self, moved: Mapping[str, Sequence[Any]], person_id: int, other_id: int) -> None:
        """Exactly those rows, unless they have gone since."""
        for name, ids in moved.items():
            self.assign(TABLES[name], ids, person_id, other_id)

    def assign(self, table: Table, ids: Sequence[Any], before: int, after: int) -> None:
        """Give rows of one person to another."""
        for part in _parts(ids):
            which = [_key(table).in_(part)] if _key(table) is not table.c.person_id else []
            self.store.write(update(table).where(table.c.person_id == before, *which).values(person_id=after))

    def same_open_cases(self, person_id: int, other_id: int) -> list[tuple[int, int]]:
        """Pairs of open cases for the same reason: the one of who stays, and the other's."""
        others = cases.alias("others")
        same = others.c.reason == cases.c.reason, others.c.subject == cases.c.subject
        rows = self.store.read(
            select(cases.c.id, others.c.id)
            .join(others, and_(*same))
            .where(cases.c.person_id == person_id, others.c.person_id == other_id)
            .where(cases.c.closed_at.is_(None), others.c.closed_at.is_(None))
            .order_by(cases.c.id)
        )
        return [(row[0], row[1]) for row in rows]

    def same_rows(self, table: Table | str, person_id: int, other_id: int) -> list[tuple[Any, Any]]:
        """Rows of which both have one, such as the enrolment in one programme."""
        table = TABLES[table] if isinstance(table, str) else table
        others = table.alias("others")
        same = [others.c[name] == table.c[name] for name in UNLESS[table]]
        pair = select(table, *(column.label(f"other_{column.name}") for column in others.c))
        rows = self.store.read(
            pair.select_from(table.join(others, and_(*same))).where(
                table.c.person_id == person_id, others.c.person_id == other_id
            )
        )
        width = len(table.c)
        names = [column.name for column in table.c]
        return [
            (dict(zip(names, row[:width], strict=True)), dict(zip(names, row[width:], strict=True))) for row in rows
        ]

    def consents(self, person_ids: Collection[int]) -> list[Any]:
        """Every answer of theirs, oldest first."""
        columns = [consents.c[name] for name in ("id", "purpose", "given", "at", "withdrawn_at")]
        mine = consents.c.person_id.in_(person_ids)
        return list(self.store.read(select(*columns).where(mine).order_by(consents.c.id)))

    # ---- changing beside moving

    def change(self, table: str, id: int, **values: Any) -> dict[str, list[Any]]:
        """Change a row, and return what was before and after, to be kept."""
        found = TABLES[table]
        columns = [found.c[name] for name in values]
        before = self.store.read(select(*columns).where(found.c.id == id))[0]
        self.store.write(update(found).where(found.c.id == id).values(**values))
        return {name: [_stored(old), _stored(new)] for (name, new), old in zip(values.items(), before, strict=True)}

    def change_back(self, table: str, id: int, changed: Mapping[str, Sequence[Any]]) -> None:
        """Put back what is still as the merge left it; what has changed since stays."""
        found = TABLES[table]
        rows = self.store.read(select(*(found.c[name] for name in changed)).where(found.c.id == id))
        for (name, (before, after)), now in zip(changed.items(), rows[0] if rows else (), strict=False):
            if _stored(now) == after:
                value = _read(found.c[name], before)
                self.store.write(update(found).where(found.c.id == id).values({name: value}))

    # ---- what has happened since, and belongs to the chats that go back

    def newest_message(self) -> int:
        return int(self.store.read(select(func.coalesce(func.max(messages.c.id), 0)))[0][0])

    def part(self, person_id: int, other_id: int, after: int) -> None:
        """
        What was said since in the chats that go back goes with them, and what was asked for there; but a push about
        somebody's place stays with the place.
        """
        chats = select(identities.c.id).where(identities.c.person_id == other_id)
        new = messages.c.person_id == person_id, messages.c.id > after
        said = self._ids(messages, *new, messages.c.identity_id.in_(chats))
        for table, column in ASKED_BY.items():
            for part in _parts(said):
                ids = self._ids(table, table.c.person_id == person_id, table.c[column].in_(part))
                self.assign(table, ids, person_id, other_id)
        self.assign(messages, said, person_id, other_id)
        for noun, table in (("booking", bookings), ("membership", memberships)):
            for before, owner in ((person_id, other_id), (other_id, person_id)):
                subjects = [f"{noun}:{id}" for id in self._ids(table, table.c.person_id == owner)]
                for part in _parts(subjects):
                    theirs = messages.c.person_id == before, messages.c.id > after, messages.c.subject.in_(part)
                    self.assign(messages, self._ids(messages, *theirs), before, owner)

    def part_meetings(self, person_id: int, other_id: int) -> None:
        """Who is in a club is expected at its meetings: places there go with the membership."""
        for before, after in ((person_id, other_id), (other_id, person_id)):
            ids = self._ids(
                bookings,
                bookings.c.person_id == before,
                bookings.c.state.in_(ACTIVE),
                bookings.c.workshop_id.in_(
                    select(workshops.c.id).where(
                        workshops.c.series_id.in_(_clubs_of(after)), workshops.c.series_id.not_in(_clubs_of(before))
                    )
                ),
            )
            self.assign(bookings, ids, before, after)

    def strays(self, person_ids: Collection[int]) -> list[tuple[int, int]]:
        """What is on its way to these people in a chat that is somebody else's: the message, and whose it is."""
        statement = (
            select(messages.c.id, messages.c.person_id)
            .join(identities, identities.c.id == messages.c.identity_id)
            .where(
                messages.c.person_id.in_(person_ids),
                identities.c.person_id != messages.c.person_id,
                messages.c.direction == "out",
                messages.c.state.in_(UNSENT[:2]),
            )
        )
        return [(row[0], row[1]) for row in self.store.read(statement.order_by(messages.c.id))]

    def heard_last(self, person_id: int) -> tuple[int | None, datetime | None]:
        """The last message somebody wrote, and when."""
        rows = self.store.read(
            select(messages.c.id, messages.c.at)
            .where(messages.c.person_id == person_id, messages.c.direction == "in")
            .order_by(messages.c.id.desc())
            .limit(1)
        )
        return (rows[0][0], rows[0][1]) if rows else (None, None)

    def has_unheard(self, person_ids: Collection[int]) -> bool:
        """Does something they wrote still wait for its turn?"""
        waits = messages.c.direction == "in", messages.c.state.in_(("failed", "waiting"))
        return bool(self.store.read(select(messages.c.id).where(messages.c.person_id.in_(person_ids), *waits).limit(1)))

    def counts(self, person_id: int) -> dict[str, int]:
        """How many rows of what somebody has, for those who choose."""
        tables = (messages, bookings, memberships, cases, attachments, notes)
        columns = [
            select(func.count()).where(table.c.person_id == person_id).scalar_subquery().label(table.name)
            for table in tables
        ]
        return dict(self.store.read(select(*columns))[0]._mapping)

    def set_heard(self, person_id: int, heard_id: int | None, heard_at: datetime | None) -> None:
        values = {"heard_id": heard_id, "heard_at": heard_at}
        self.store.write(update(dialogues).where(dialogues.c.person_id == person_id).values(**values))

    def _ids(self, table: Table, *where: ColumnElement[bool]) -> list[Any]:
        return [row[0] for row in self.store.read(select(table.c.id).where(*where).order_by(table.c.id))]


def _key(table: Table) -> ColumnElement[Any]:
    """What tells the rows of one person apart."""
    return table.c.id if "id" in table.c else table.c.name if "name" in table.c else table.c.person_id


def _clubs_of(person_id: int) -> Any:
    return select(memberships.c.club_id).where(memberships.c.person_id == person_id, memberships.c.state == "member")


def _has_same(table: Table, person_id: int) -> ColumnElement[bool]:
    mine = table.alias("mine")
    return exists().where(mine.c.person_id == person_id, *(mine.c[name] == table.c[name] for name in UNLESS[table]))


def _parts(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (ids[start : start + 500] for start in range(0, len(ids), 500))


def _stored(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(column: Any, value: Any) -> Any:
    is_moment = isinstance(column.type, Moment) and isinstance(value, str)
    return datetime.fromisoformat(value) if is_moment else value
