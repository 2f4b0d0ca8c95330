# SPDX-License-Identifier: EUPL-1.2
"""Who asked us to delete their data, and deleting it: the rows stay to be counted, without a word of anybody's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, exists, func, or_, select, update

from storage.files import Files
from storage.merges import Merges
from storage.messages import UNFINISHED, UNSENT
from storage.search_index import SearchIndex
from storage.tables import (
    attachments,
    attendances,
    audit,
    bookings,
    cases,
    consents,
    dialogues,
    diaries,
    erasures,
    feedback,
    identities,
    labels,
    links,
    memberships,
    mentions,
    messages,
    misreadings,
    notes,
    people,
    protected,
    receipts,
    reviews,
    rights_requests,
    stops,
    unmaskings,
)
from storage.transaction import Transaction

ERASED = "erased:"  # how the address of somebody who is deleted begins
REASON = "person_erased"
RECEIPT = "receipt"  # what a receipt is about that did not answer somebody in their chat
COUNTED: tuple[Table, ...] = (
    *(messages, consents, stops, bookings, memberships, diaries, cases, attachments),
    *(notes, labels, misreadings, unmaskings, rights_requests),
)
GONE = (attachments, misreadings, labels, links, notes, reviews, protected)  # of these no row is left
ARRIVED = ("sent", "delivered", "read")


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody asked us to delete their data; ``done_at`` says when it was."""

    id: int
    person_id: int
    receipt: str
    asked_at: datetime
    done_at: datetime | None


# What deleting leaves in the rows that somebody has in these tables.
WORDS: dict[Table, dict[str, Any]] = {
    messages: {
        "text": "",
        **dict.fromkeys(("payload", "options", "answered_by", "update_key", "message_key", "provider_id")),
        **dict.fromkeys(("lease", "lease_until", "retry_at")),
    },
    dialogues: {
        **{"draft": {}, "trail": [], "paused": [], "kept": {}, "misses": 0, "conversation": None, "step": None},
        **{"question_id": None, "question_kind": None, "question_hash": None, "version": dialogues.c.version + 1},
        **dict.fromkeys(("taken_by", "taken_at", "taken_until")),
    },
    consents: {"provider_id": None},
    diaries: {"mood": None, "next_step": None},
    memberships: {"admitted_because": None},
    unmaskings: {"reason": ""},
    rights_requests: dict.fromkeys(("note", "longer_because", "refused_because", "code")),
}
# And what it leaves in their own row.
NOBODY: dict[str, Any] = dict.fromkeys(
    ["first_name", "birth_year", "comune_istat", "goal", "italian_level", "phone", "source", "calendar_key"]
)


def is_left(table: Table, values: Mapping[str, Any]) -> ColumnElement[bool]:
    """Is anything in a row that these values should have taken the place of? What is reckoned is not looked at."""
    fixed = ((table.c[name], value) for name, value in values.items() if not isinstance(value, ColumnElement))
    return or_(*(column.is_not(None) if value is None else column != value for column, value in fixed))


_columns = [erasures.c[name] for name in Erasure.__dataclass_fields__]


_is_unheard = and_(messages.c.direction == "in", messages.c.state.in_(UNFINISHED))
_is_receipt = and_(messages.c.direction == "out", messages.c.text.contains(erasures.c.receipt))


class Erasures:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def of(self, person_id: int) -> Erasure | None:
        rows = self.store.read(select(*_columns).where(erasures.c.person_id == person_id))
        return Erasure(*rows[0]) if rows else None

    def ask(self, person_id: int, *, receipt: str, now: datetime) -> None:
        self.store.write(erasures.insert().values(person_id=person_id, receipt=receipt, asked_at=now))

    def due(self, now: datetime, *, quiet: timedelta, tried: timedelta, never_tried: timedelta) -> list[int]:
        """
        People who have been ``quiet`` for so long and to whom nothing is on its way any more, the receipt first of all.

        What cannot be sent holds them up for as long as ``tried`` says, counted from its last try; a receipt that
        nobody could try, for as long as ``never_tried``. After that nothing does.
        """
        theirs = messages.c.person_id == erasures.c.person_id
        speaks = exists().where(theirs, messages.c.direction == "in", messages.c.at > now - quiet)
        on_its_way = exists().where(theirs, or_(messages.c.state.in_(UNSENT), _is_unheard))
        was_tried = and_(
            or_(messages.c.attempts > 0, messages.c.state == "sending"),
            func.coalesce(messages.c.sent_at, messages.c.at) <= now - tried,
        )
        may_arrive = exists().where(theirs, _is_receipt, messages.c.state.in_(UNSENT), ~was_tried)
        is_enough = and_(erasures.c.asked_at <= now - tried, ~may_arrive)
        is_due = or_(erasures.c.asked_at <= now - never_tried, and_(~speaks, or_(~on_its_way, is_enough)))
        rows = self.store.read(
            select(erasures.c.person_id).where(erasures.c.done_at.is_(None), is_due).order_by(erasures.c.id)
        )
        return [row[0] for row in rows]

    def last(self, channel: str, fingerprint: str) -> datetime | None:
        """When somebody was deleted last whose address on a channel left this fingerprint."""
        address = identities.c.address.startswith(f"{ERASED}{fingerprint}:", autoescape=True)
        rows = self.store.read(
            select(erasures.c.done_at)
            .join(identities, identities.c.person_id == erasures.c.person_id)
            .where(identities.c.channel == channel, address)
        )
        return max((row[0] for row in rows if row[0]), default=None)

    def erase(self, person_id: int, fingerprints: Mapping[int, str], now: datetime) -> None:
        """
        Delete what is known of somebody, whose row is locked; ``fingerprints`` take the place of their addresses.

        What stays are figures: how many messages, places, files there were, and when; and the proof of a permission,
        which is in our own words.
        """
        counts = self.counts(person_id)
        counts["receipts"] = self._receipts(person_id)
        counts["files"] = self._files(person_id)
        for identity_id, fingerprint in fingerprints.items():
            address = f"{ERASED}{fingerprint}:{identity_id}"
            nothing = {"address": address, "alias": None, "window_shut_at": None}
            self.store.write(update(identities).where(identities.c.id == identity_id).values(nothing))
        self._end_messages(person_id)
        for other in Merges(self.store).numbers(person_id)[1:]:  # who turned out to be the same
            self._words(other)
            self._deeds(other)
            self.store.write(update(people).where(people.c.id == other).values({**NOBODY, "erased_at": now}))
        Merges(self.store).forget([person_id])
        self._words(person_id)
        SearchIndex(self.store).forget(person_id)
        self._deeds(person_id)
        self._requests(person_id, now)
        self.store.write(update(people).where(people.c.id == person_id).values({**NOBODY, "erased_at": now}))
        self.store.write(update(erasures).where(erasures.c.person_id == person_id).values(done_at=now, counts=counts))

    def counts(self, person_id: int) -> dict[str, int]:
        """How many rows of what somebody has."""
        columns = [
            select(func.count()).where(table.c.person_id == person_id).scalar_subquery().label(table.name)
            for table in COUNTED
        ]
        return dict(self.store.read(select(*columns))[0]._mapping)

    def _receipts(self, person_id: int) -> int:
        """How many messages with the number of the receipt have arrived: none, if they go without one."""
        arrived = messages.c.person_id == person_id, messages.c.state.in_(ARRIVED)
        receipts = select(func.count()).select_from(messages).join(erasures, erasures.c.person_id == person_id)
        return int(self.store.read(receipts.where(*arrived, _is_receipt))[0][0])

    def _files(self, person_id: int) -> int:
        """What they sent and were sent, unless the same contents are somebody else's too. Returns how many are gone."""
        file = messages.c.payload["file"].as_integer()
        sent = self.store.read(select(attachments.c.file_id).where(attachments.c.person_id == person_id))
        got = self.store.read(select(file).where(messages.c.person_id == person_id, file.is_not(None)))
        self.store.write(delete(attachments).where(attachments.c.person_id == person_id))
        self.store.write(update(messages).where(messages.c.person_id == person_id).values(payload=None))
        return Files(self.store).forget({row[0] for row in (*sent, *got)} - {None})

    def _end_messages(self, person_id: int) -> None:
        """Nothing that waits is sent or answered; what is leaving at this moment may still arrive."""
        ends = {
            "suppressed": messages.c.state.in_(("pending", "claimed")),
            "uncertain": messages.c.state == "sending",
            "given_up": _is_unheard,
        }
        for end, is_unfinished in ends.items():
            unfinished = messages.c.person_id == person_id, is_unfinished
            self.store.write(update(messages).where(*unfinished).values(state=end, reason=REASON))

    def _words(self, person_id: int) -> None:
        theirs = select(notes.c.id).where(notes.c.person_id == person_id)
        self.store.write(delete(mentions).where(mentions.c.note_id.in_(theirs)))
        ours = select(messages.c.id).where(messages.c.person_id == person_id)
        self.store.write(delete(receipts).where(receipts.c.message_id.in_(ours)))
        for table in GONE:
            self.store.write(delete(table).where(table.c.person_id == person_id))
        for table, values in WORDS.items():
            self.store.write(update(table).where(table.c.person_id == person_id).values(values))
        theirs = select(bookings.c.id).where(bookings.c.person_id == person_id)
        self.store.write(update(feedback).where(feedback.c.booking_id.in_(theirs)).values(next_step=None))
        self.store.write(update(attendances).where(attendances.c.booking_id.in_(theirs)).values(reason=None))

    def _requests(self, person_id: int, now: datetime) -> None:
        """What they still waited for an answer to is answered by this."""
        waits = rights_requests.c.person_id == person_id, rights_requests.c.closed_at.is_(None)
        self.store.write(update(rights_requests).where(*waits).values(closed_at=now, outcome="done"))

    def _deeds(self, person_id: int) -> None:
        """Of who did what only the deed stays."""
        who = f"person:{person_id}"
        self.store.write(update(audit).where(or_(audit.c.actor == who, audit.c.subject == who)).values(details=None))
