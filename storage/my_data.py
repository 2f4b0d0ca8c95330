# SPDX-License-Identifier: EUPL-1.2
"""Everything that is kept of one person, table by table, as they may have it themselves."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, literal_column, select, update

from storage.files import Files
from storage.messages import UNSENT
from storage.tables import (
    attachments,
    bookings,
    cases,
    consents,
    diaries,
    enrolments,
    feedback,
    files,
    identities,
    labels,
    memberships,
    merges,
    messages,
    misreadings,
    notes,
    path_records,
    programmes,
    protected,
    reviews,
    rights_requests,
    series,
    stops,
    unmaskings,
    venues,
    workshops,
)
from storage.transaction import Transaction

Row = dict[str, Any]

DOWNLOAD = "my_data"  # what the messages are about that carry it
_is_download = messages.c.subject == literal_column(f"'{DOWNLOAD}'")  # in the words of its index, for SQLite
_file = messages.c.payload["file"].as_integer()

_who: Any = bindparam("person_id")
# Whatever is about others, and who of the desk it was, is not in it. What the desk wrote is told apart in handlers.
_EVERYTHING: dict[str, Select[Any]] = {
    "chats": select(
        identities.c.channel,
        identities.c.address,
        identities.c.alias,
        identities.c.created_at,
        identities.c.blocked_at,
    )
    .where(identities.c.person_id == _who)
    .order_by(identities.c.id),
    "programmes": select(programmes.c.name, enrolments.c.state, enrolments.c.at)
    .join(programmes, programmes.c.id == enrolments.c.programme_id)
    .where(enrolments.c.person_id == _who)
    .order_by(enrolments.c.id),
    "permissions": select(*(one for one in consents.c if one.name not in ("id", "person_id")))
    .where(consents.c.person_id == _who)
    .order_by(consents.c.id),
    "stops": select(stops.c.topic, stops.c.reason, stops.c.message_id, stops.c.at, stops.c.ended_at)
    .where(stops.c.person_id == _who)
    .order_by(stops.c.id),
    "appointments": select(
        workshops.c.title,
        workshops.c.starts_at,
        workshops.c.ends_at,
        workshops.c.cancelled_at,
        venues.c.name.label("place"),
        bookings.c.state,
        bookings.c.ticket,
        bookings.c.booked_at,
        bookings.c.confirmed_at,
        bookings.c.offered_until,
        bookings.c.changed_at,
        bookings.c.attendance,
        bookings.c.attendance_at,
        feedback.c.score,
        feedback.c.next_step,
        feedback.c.at.label("feedback_at"),
    )
    .join(workshops, workshops.c.id == bookings.c.workshop_id)
    .join(venues, venues.c.id == workshops.c.venue_id)
    .outerjoin(feedback, feedback.c.booking_id == bookings.c.id)
    .where(bookings.c.person_id == _who)
    .order_by(workshops.c.starts_at, bookings.c.id),
    "job_clubs": select(
        series.c.name,
        memberships.c.state,
        memberships.c.ticket,
        memberships.c.joined_at,
        memberships.c.left_at,
        memberships.c.changed_at,
    )
    .join(series, series.c.id == memberships.c.club_id)
    .where(memberships.c.person_id == _who)
    .order_by(memberships.c.id),
    "weeks": select(
        series.c.name.label("job_club"), *(one for one in diaries.c if one.name not in ("id", "person_id", "club_id"))
    )
    .join(series, series.c.id == diaries.c.club_id)
    .where(diaries.c.person_id == _who)
    .order_by(diaries.c.week),
    "paths": select(
        path_records.c.path_id.label("path"),
        path_records.c.group_meetings,
        path_records.c.interviews,
        path_records.c.at,
    )
    .where(path_records.c.person_id == _who)
    .order_by(path_records.c.id),
    "cases": select(cases.c.reason, cases.c.opened_at, cases.c.closed_at)
    .where(cases.c.person_id == _who)
    .order_by(cases.c.id),
    "files": select(
        attachments.c.name,
        attachments.c.state,
        attachments.c.reason,
        attachments.c.at,
        files.c.kind,
        files.c.size,
        attachments.c.message_id,
    )
    .outerjoin(files, files.c.id == attachments.c.file_id)
    .where(attachments.c.person_id == _who)
    .order_by(attachments.c.id),
    "requests": select(
        *(rights_requests.c[name] for name in ("kind", "came_by", "asked_at", "due_on", "longer_because")),
        *(rights_requests.c[name] for name in ("identified_at", "closed_at", "outcome", "refused_because")),
    )
    .where(rights_requests.c.person_id == _who)
    .order_by(rights_requests.c.id),
    "labels": select(labels.c.name, labels.c.at).where(labels.c.person_id == _who).order_by(labels.c.name),
    "notes": select(notes.c.at, notes.c.text).where(notes.c.person_id == _who).order_by(notes.c.id),
    "reviews": select(reviews.c.reviewed_at, reviews.c.follow_up_on).where(reviews.c.person_id == _who),
    "read_in_full": select(unmaskings.c.at, unmaskings.c.until, unmaskings.c.reason)
    .where(unmaskings.c.person_id == _who)
    .order_by(unmaskings.c.id),
    "not_understood": select(misreadings.c.words, misreadings.c.at)
    .where(misreadings.c.person_id == _who)
    .order_by(misreadings.c.id),
    "joined": select(merges.c.at, merges.c.undone_at).where(merges.c.person_id == _who).order_by(merges.c.id),
    "protected": select(
        protected.c.id,
        protected.c.kind,
        protected.c.at,
        protected.c.expires_on,
        protected.c.closed_at,
        protected.c.sealed,
    )
    .where(protected.c.person_id == _who)
    .order_by(protected.c.id),
    "messages": select(
        messages.c.id,
        messages.c.direction,
        messages.c.channel,
        messages.c.kind,
        messages.c.text,
        messages.c.state,
        messages.c.at,
        messages.c.sent_at,
        messages.c.options,
        messages.c.payload,
        messages.c.reply_to,
        messages.c.provider_id,
    )
    .where(messages.c.person_id == _who)
    .order_by(messages.c.id),
}


class MyData:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def everything(self, person_id: int) -> dict[str, list[Row]]:
        """By noun: the rows that are about this person."""
        return {
            noun: [dict(row._mapping) for row in self.store.read(query, {"person_id": person_id})]
            for noun, query in _EVERYTHING.items()
        }

    def is_on_its_way(self, person_id: int) -> bool:
        """Is what this person has asked for still to be sent?"""
        leaves = _is_download, messages.c.person_id == person_id, messages.c.state.in_(UNSENT)
        return bool(self.store.read(select(messages.c.id).where(*leaves).limit(1)))

    def any_ended(self, before: datetime) -> bool:
        """Is anything kept that was sent before an instant, or could not be?"""
        return bool(self.store.read(_ended(before).limit(1)))

    def forget_ended(self, before: datetime) -> int:
        """Throw the contents away; that there was a file, and its name, stay. Returns how many are gone."""
        rows = self.store.read(_ended(before).with_for_update(skip_locked=True))
        for row in rows:
            left = {name: value for name, value in row.payload.items() if name != "file"}
            self.store.write(update(messages).where(messages.c.id == row.id).values(payload=left))
        return Files(self.store).forget({row.file for row in rows})


def _ended(before: datetime) -> Select[Any]:
    """In no order: SQLite would read the whole log to have one."""
    return select(messages.c.id, messages.c.payload, _file.label("file")).where(
        _is_download,
        messages.c.state.not_in(UNSENT),
        func.coalesce(messages.c.sent_at, messages.c.at) <= before,
        _file.is_not(None),
    )
