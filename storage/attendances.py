# SPDX-License-Identifier: EUPL-1.2
"""Who was there: what was said about it, by whom, and how."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.tables import attendances, bookings, series, workshops
from storage.transaction import Transaction

THERE = ("present", "late")
# Which places count for a path; what was given up or called off does not, whoever was at the door by then.
FOR_THE_PATH = (
    bookings.c.state == "booked",
    bookings.c.attendance.in_(THERE),
    workshops.c.counts_for_path.is_(True),
)


@dataclass(frozen=True, slots=True)
class Attendance:
    """A word about somebody's place: that they were there, were not, or that the word before was a mistake."""

    id: int
    booking_id: int
    said: str | None
    how: str
    by: str
    reason: str | None
    at: datetime


_columns = [attendances.c[name] for name in Attendance.__dataclass_fields__]


class Attendances:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def say(
        self, booking_id: int, said: str | None, *, how: str, by: str, reason: str | None = None, at: datetime
    ) -> None:
        words = {"booking_id": booking_id, "said": said, "how": how, "by": by, "reason": reason, "at": at}
        self.store.write(attendances.insert().values(**words))

    def of(self, booking_ids: Collection[int]) -> dict[int, list[Attendance]]:
        """By place: all that was said, oldest first."""
        found: dict[int, list[Attendance]] = {id: [] for id in booking_ids}
        statement = select(*_columns).where(attendances.c.booking_id.in_(sorted(booking_ids)))
        for row in self.store.read(statement.order_by(attendances.c.id)):
            found[row.booking_id].append(Attendance(*row))
        return found

    def newest(self, person_id: int, limit: int) -> list[str]:
        """What stands at the last workshops where something was said of somebody, newest first; no Job Club."""
        rows = self.store.read(
            select(bookings.c.attendance)
            .join(workshops, workshops.c.id == bookings.c.workshop_id)
            .join(series, series.c.id == workshops.c.series_id)
            .where(
                bookings.c.person_id == person_id,
                bookings.c.state == "booked",
                bookings.c.attendance.is_not(None),
                series.c.kind != "job_club",
            )
            .order_by(workshops.c.starts_at.desc(), workshops.c.id.desc())
            .limit(limit)
        )
        return [row[0] for row in rows]
