# SPDX-License-Identifier: EUPL-1.2
"""
What has been kept long enough: how much of it there is, and deleting so many at a time.

Messages are gone through once, by their numbers: up to which one is remembered, and beside it those that had to stay,
which are looked at again each time. So a run costs what is new, however long the log is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, delete, exists, func, not_, or_, select, union_all, update

from storage.erasures import is_left
from storage.files import Files
from storage.messages import UNFINISHED, UNSENT
from storage.search_index import SearchIndex
from storage.tables import (
    attachments,
    audit,
    bookings,
    cases,
    consents,
    dialogues,
    erasures,
    job_slots,
    leftovers,
    links,
    memberships,
    messages,
    misreadings,
    people,
    protected,
    rights_requests,
    sent_forms,
    sessions,
    settings,
    sign_in_attempts,
    sign_in_links,
    unmaskings,
    workshops,
)
from storage.transaction import Transaction

BATCH = 500
DONE = "retention_messages"  # the setting that says up to which message they are emptied
EMPTY: dict[str, Any] = {"text": "", "payload": None, "options": None, "answered_by": None}
IN_A_CLUB = ("member", "waiting", "offered")
NEEDED = ("capacity_lowered",)  # says why a workshop has more people than places: figures, and about nobody

# Whom somebody still has to do with is not deleted by a job.
_is_needed = or_(
    exists().where(cases.c.person_id == people.c.id, cases.c.closed_at.is_(None)),
    exists().where(rights_requests.c.person_id == people.c.id, rights_requests.c.closed_at.is_(None)),
    exists().where(protected.c.person_id == people.c.id, protected.c.closed_at.is_(None)),
    exists().where(erasures.c.person_id == people.c.id),
    people.c.erased_at.is_not(None),
    people.c.merged_into.is_not(None),
    dialogues.c.taken_by.is_not(None),
)
_asks = exists().where(rights_requests.c.person_id == messages.c.person_id, rights_requests.c.closed_at.is_(None))
_is_open = exists().where(dialogues.c.question_id == messages.c.id)
_may_be_emptied = and_(messages.c.state.not_in((*UNSENT, *UNFINISHED)), not_(_is_open), not_(_asks))
_has_words = is_left(messages, EMPTY)
_upto = select(settings.c.value).where(settings.c.key == DONE)
_file = messages.c.payload["file"].as_integer()


@dataclass(frozen=True, slots=True)
class Batch:
    """How many rows went, and whether there may be more."""

    rows: int
    is_more: bool


class Retention:
    """
    For each kind of thing: ``old_…`` is the statement that says what has been kept long enough, for counting, and the
    method of its name deletes a batch of it. ``before`` is since when it is too old.
    """

    def __init__(self, store: Transaction) -> None:
        self.store = store

    def count(self, old: Select[Any]) -> int:
        return int(self.store.read(select(func.count()).select_from(old.subquery()))[0][0])

    # ---- people: they are found here, and deleted by the erasure that everybody else has

    def old_unfinished(self, before: datetime, now: datetime) -> Select[Any]:
        """Who never signed up, has been silent since then, and is needed by nobody."""
        return _silent(before, now).where(people.c.registered_at.is_(None))

    def old_profiles(self, before: datetime, now: datetime) -> Select[Any]:
        """Who signed up, has been silent since then, has nothing ahead, and is needed by nobody."""
        return _silent(before, now).where(people.c.registered_at.is_not(None))

    def people(self, old: Select[Any], after: int = 0, limit: int = BATCH) -> list[int]:
        """The next of these people, by their numbers."""
        rows = self.store.read(old.where(people.c.id > after).order_by(people.c.id).limit(limit))
        return [row[0] for row in rows]

    def is_still(self, old: Select[Any], person_id: int) -> bool:
        """Is somebody still one of them, now that they are locked?"""
        return bool(self.store.read(old.where(people.c.id == person_id)))

    # ---- messages

    def old_messages(self, before: datetime, now: datetime) -> Select[Any]:
        upto = self._done()
        first_new = select(func.min(messages.c.id)).where(messages.c.id > upto, messages.c.at >= before)
        is_old = messages.c.id < func.coalesce(first_new.scalar_subquery(), self._newest() + 1)
        is_left = messages.c.id.in_(select(leftovers.c.message_id))
        new = and_(messages.c.id > upto, is_old)
        return select(messages.c.id).where(or_(new, is_left), _may_be_emptied, _has_words)

    def messages(self, before: datetime, now: datetime, limit: int = BATCH) -> Batch:
        """Those that come next by their numbers; when there are none any more, those that were left before."""
        upto = self._done(holds=True)
        found = select(messages.c.id, messages.c.at, _may_be_emptied.label("may"), _has_words.label("has"))
        rows = self.store.read(found.where(messages.c.id > upto).order_by(messages.c.id).limit(limit))
        old = list(takewhile(lambda row: row.at < before, rows))
        if not old:
            return self._left_before(limit)
        emptied = self._empty([row.id for row in old if row.may and row.has])
        left = [{"message_id": row.id} for row in old if row.has and row.id not in emptied]
        if left:
            self.store.write(self.store.insert(leftovers).on_conflict_do_nothing(), left)
        self.store.write(update(settings).where(settings.c.key == DONE).values(value=old[-1].id))
        return Batch(len(emptied), is_more=True)

    def _left_before(self, limit: int) -> Batch:
        ready = select(leftovers.c.message_id).join(messages, messages.c.id == leftovers.c.message_id)
        ready = ready.where(_may_be_emptied).order_by(leftovers.c.message_id).limit(limit)
        emptied = self._empty([row[0] for row in self.store.read(ready)])
        self.store.write(delete(leftovers).where(leftovers.c.message_id.in_(emptied)))
        return Batch(len(emptied), is_more=len(emptied) == limit)

    def _empty(self, ids: Collection[int]) -> set[int]:
        """Nothing but what became of them is left. What somebody else holds at this moment waits for another day."""
        held = select(messages.c.id, _file.label("file")).where(messages.c.id.in_(ids), _may_be_emptied)
        rows = self.store.read(held.order_by(messages.c.id).with_for_update(of=messages, skip_locked=True))
        emptied = {row.id for row in rows}
        if emptied:
            self.store.write(update(messages).where(messages.c.id.in_(emptied)).values(EMPTY))
            Files(self.store).forget({row.file for row in rows} - {None})
            SearchIndex(self.store).forget_messages(sorted(emptied))
        return emptied

    def _done(self, *, holds: bool = False) -> int:
        """Up to which message they are emptied; with ``holds`` nobody else goes on until this transaction ends."""
        if holds:
            self.store.write(self.store.insert(settings).values(key=DONE, value=0).on_conflict_do_nothing())
        rows = self.store.read(_upto.with_for_update() if holds else _upto)
        return int(rows[0][0]) if rows else 0

    def _newest(self) -> ColumnElement[int]:
        return select(func.coalesce(func.max(messages.c.id), 0)).scalar_subquery()

    # ---- what is simply deleted

    def old_misreadings(self, before: datetime, now: datetime) -> Select[Any]:
        return select(misreadings.c.id).where(misreadings.c.at < before)

    def misreadings(self, before: datetime, now: datetime, limit: int = BATCH) -> Batch:
        return self._delete(misreadings, self.old_misreadings(before, now), limit)

    def old_files(self, before: datetime, now: datetime) -> Select[Any]:
        """What people sent; not while somebody of the desk looks after them, or they ask about their data."""
        waits = exists().where(cases.c.person_id == attachments.c.person_id, cases.c.closed_at.is_(None))
        asks = exists().where(
            rights_requests.c.person_id == attachments.c.person_id, rights_requests.c.closed_at.is_(None)
        )
        is_old = attachments.c.at < before, attachments.c.state != "waiting"
        return select(attachments.c.id).where(*is_old, ~waits, ~asks)

    def files(self, before: datetime, now: datetime, limit: int = BATCH) -> Batch:
        ids = [row[0] for row in self.store.read(self.old_files(before, now).order_by(attachments.c.id).limit(limit))]
        gone = delete(attachments).where(attachments.c.id.in_(ids)).returning(attachments.c.file_id)
        rows = self.store.write(gone).all()
        Files(self.store).forget({row[0] for row in rows} - {None})
        return Batch(len(rows), len(rows) == limit)

    def old_consents(self, before: datetime, now: datetime) -> Select[Any]:
        """Permissions taken back, and refusals; but not the refusal that stands before an older permission."""
        older = consents.alias("older")
        hides_one = exists().where(
            older.c.person_id == consents.c.person_id,
            older.c.purpose == consents.c.purpose,
            older.c.given,
            older.c.withdrawn_at.is_(None),
        )
        refused = and_(~consents.c.given, consents.c.at < before, ~hides_one)
        return select(consents.c.id).where(or_(consents.c.withdrawn_at < before, refused))

    def consents(self, before: datetime, now: datetime, limit: int = BATCH) -> Batch:
        return self._delete(consents, self.old_consents(before, now), limit)

    def old_audit(self, before: datetime, now: datetime) -> Select[Any]:
        lines = select(audit.c.id).where(audit.c.at < before, audit.c.action.not_in(NEEDED))
        return union_all(lines, select(unmaskings.c.id).where(unmaskings.c.at < before))  # type: ignore[return-value]

    def audit(self, before: datetime, now: datetime, limit: int = BATCH) -> Batch:
        lines = select(audit.c.id).where(audit.c.at < before, audit.c.action.not_in(NEEDED))
        return _both(
            self._delete(audit, lines, limit),
            self._delete(unmaskings, select(unmaskings.c.id).where(unmaskings.c.at < before), limit),
        )

    def old_traces(self, before: datetime, now: datetime) -> Select[Any]:
        return union_all(*_traces(before).values())  # type: ignore[return-value]

    def traces(self, before: datetime, now: datetime, limit: int = BATCH) -> Batch:
        slots = delete(job_slots).where(job_slots.c.slot < before).returning(job_slots.c.job)
        gone = Batch(len(self.store.write(slots).all()), is_more=False)
        return _both(gone, *(self._delete(table, old, limit) for table, old in _traces(before).items()))

    def _delete(self, table: Table, old: Select[Any], limit: int) -> Batch:
        some = old.order_by(table.c.id).limit(limit)
        rows = self.store.write(delete(table).where(table.c.id.in_(some)).returning(table.c.id)).all()
        return Batch(len(rows), len(rows) == limit)


def _traces(before: datetime) -> dict[Table, Select[Any]]:
    return {
        sent_forms: select(sent_forms.c.id).where(sent_forms.c.at < before),
        sessions: select(sessions.c.id).where(or_(sessions.c.ended_at < before, sessions.c.expires_at < before)),
        sign_in_links: select(sign_in_links.c.id).where(sign_in_links.c.expires_at < before),
        links: select(links.c.id).where(links.c.expires_at < before),
        sign_in_attempts: select(sign_in_attempts.c.id).where(sign_in_attempts.c.at < before),
    }


def _both(*batches: Batch) -> Batch:
    return Batch(sum(one.rows for one in batches), any(one.is_more for one in batches))


def _silent(before: datetime, now: datetime) -> Select[Any]:
    ahead = or_(
        exists().where(
            bookings.c.person_id == people.c.id,
            bookings.c.state.in_(("booked", "waiting", "offered")),
            workshops.c.id == bookings.c.workshop_id,
            workshops.c.cancelled_at.is_(None),
            workshops.c.ends_at > now,
        ),
        exists().where(memberships.c.person_id == people.c.id, memberships.c.state.in_(IN_A_CLUB)),
    )
    is_silent = and_(dialogues.c.changed_at < before, func.coalesce(dialogues.c.heard_at < before, True))
    joined = select(people.c.id).join(dialogues, dialogues.c.person_id == people.c.id)
    return joined.where(is_silent, not_(_is_needed), not_(ahead))
