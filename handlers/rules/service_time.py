# SPDX-License-Identifier: EUPL-1.2
"""By when somebody who waits should have an answer: only the hours count in which the desk is open. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from handlers.rules.opening import FAR_AHEAD, Hours

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MORNINGS = {day: ((time(9), time(13)),) for day in WEEK[:5]}


@dataclass(frozen=True)
class OpeningHours:
    """When somebody is at the desk, by the day of the week; never on the days of rest of ``rest``."""

    week: Mapping[str, Sequence[tuple[time, time]]] = field(default_factory=lambda: MORNINGS)
    rest: Hours = field(default_factory=Hours)

    @classmethod
    def of(cls, setting: Mapping[str, Any] | None, rest: Hours) -> "OpeningHours":
        """As an operator has set them: {"monday": [{"from": "09:00", "to": "13:00"}]}; mornings if nothing is set."""
        if not setting:
            return cls(rest=rest)
        spans = {
            day: tuple((time.fromisoformat(one["from"]), time.fromisoformat(one["to"])) for one in setting.get(day, ()))
            for day in WEEK
        }
        return cls(spans, rest)

    def spans(self, day: date) -> list[tuple[datetime, datetime]]:
        """From when to when the desk is open on one day; aware, in UTC."""
        if self.rest.rests(day):
            return []
        zone = ZoneInfo(self.rest.zone)
        found = sorted(self.week.get(WEEK[day.weekday()], ()))
        return [(_at(day, start, zone), _at(day, end, zone)) for start, end in found]


def due_at(opened_at: datetime, hours: OpeningHours, answer_hours: float) -> datetime:
    """
    When so many hours at the desk will have passed since ``opened_at``; aware in, UTC out.

    It may be closing time itself. Raises ValueError if the desk never opens.
    """
    at, left = opened_at.astimezone(UTC), timedelta(hours=answer_hours)
    for start, end in _spans_from(at, hours):
        begins = max(start, at)
        if left <= end - begins:
            return begins + left
        left -= end - begins
    raise AssertionError("there is always another day")


def is_late(opened_at: datetime, now: datetime, hours: OpeningHours, answer_hours: float) -> bool:
    """Has somebody waited longer than they were told? Aware times."""
    return now > due_at(opened_at, hours, answer_hours)


def open_between(start: datetime, end: datetime, hours: OpeningHours) -> timedelta:
    """How long the desk is open from one moment to another; aware times."""
    zone = ZoneInfo(hours.rest.zone)
    day, last, found = start.astimezone(zone).date(), end.astimezone(zone).date(), timedelta(0)
    while day <= last:
        for opens, closes in hours.spans(day):
            found += max(min(closes, end) - max(opens, start), timedelta(0))
        day += timedelta(days=1)
    return found


def _spans_from(at: datetime, hours: OpeningHours) -> Iterator[tuple[datetime, datetime]]:
    day, closed_in_a_row = at.astimezone(ZoneInfo(hours.rest.zone)).date(), 0
    while closed_in_a_row < FAR_AHEAD:
        found = [span for span in hours.spans(day) if span[1] > at]
        yield from found
        closed_in_a_row = 0 if found else closed_in_a_row + 1
        day += timedelta(days=1)
    raise ValueError("the desk does not open for more than a year")


def _at(day: date, hour: time, zone: ZoneInfo) -> datetime:
    # In UTC, where the hours of the night in which the clocks change have their real length.
    return datetime.combine(day, hour, zone).astimezone(UTC)
