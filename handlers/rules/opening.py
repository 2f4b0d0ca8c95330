# SPDX-License-Identifier: EUPL-1.2
"""When Sportello may write to people by itself: not in the evening, not at night, not on a day of rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

import holidays

SUNDAY = 6
A_DAY = timedelta(days=1)
# Longer than any row of days of rest: past it, somebody has closed everything by mistake.
FAR_AHEAD = 400


@dataclass(frozen=True)
class Hours:
    """
    The quiet hours of a service, on its own wall clock, its days of rest beside Sundays and Italian holidays, and how
    often in one day it may write to somebody who did not ask.

    ``closed`` are extra days; ``patron_day`` is the yearly feast of the town's own patron ("09-24"); ``subdivision`` is
    the province whose capital's patron is kept ("BO", "MI", "TO"). Raises ValueError unless the hours between
    ``quiet_to`` and ``quiet_from`` lie in one day.
    """

    quiet_from: time = time(20)
    quiet_to: time = time(8)
    zone: str = "Europe/Rome"
    closed: frozenset[date] = frozenset()
    subdivision: str | None = None
    patron_day: str | None = None
    pushes_a_day: int = 3

    def __post_init__(self) -> None:
        if self.quiet_to >= self.quiet_from:
            raise ValueError("quiet hours begin in the evening and end the next morning")

    def rests(self, day: date) -> bool:
        """Whether a day is a Sunday, a public holiday, or a closed day of the place."""
        is_feast = self.patron_day is not None and f"{day:%m-%d}" == self.patron_day
        is_closed = day.weekday() == SUNDAY or is_feast or day in self.closed
        return is_closed or day in _public_holidays(self.subdivision, day.year)


@dataclass(frozen=True)
class Span:
    """The open time of one day: from ``start`` up to, but not at, ``end``; aware, in UTC."""

    start: datetime
    end: datetime

    @property
    def last_minute(self) -> datetime:
        """The last whole minute still open."""
        return max(self.start, (self.end - timedelta(microseconds=1)).replace(second=0, microsecond=0))


def is_open(at: datetime, hours: Hours) -> bool:
    """Whether a push may go out at this instant (aware). Raises ValueError for a time without a zone."""
    span = _span(_day_of(_utc(at), hours), hours)
    return span is not None and span.start <= at < span.end


def next_open(at: datetime, hours: Hours) -> datetime:
    """The first open instant from ``at`` on, and ``at`` itself if it is open; aware in, UTC out."""
    at = _utc(at)
    return max(at, next(_spans_from(at, hours)).start)


def last_open(at: datetime, hours: Hours) -> datetime:
    """
    The latest open instant up to ``at``, and ``at`` itself if it is open; aware in, UTC out.

    After closing time it is the last whole minute before quiet begins: 19:59, so that whoever sends then is not late.
    """
    at = _utc(at)
    span = next(_spans_back_from(at, hours))
    return at if at < span.end else span.last_minute


def open_time_between(a: datetime, b: datetime, hours: Hours) -> timedelta:
    """How much open time lies from ``a`` to ``b``; nothing if ``b`` comes first. Aware times, real hours."""
    a, b = _utc(a), _utc(b)
    if b <= a:
        return timedelta(0)
    spans = takewhile(lambda span: span.start < b, _spans_from(a, hours))
    return sum((min(span.end, b) - max(span.start, a) for span in spans), timedelta(0))


def add_open_time(at: datetime, delta: timedelta, hours: Hours) -> datetime:
    """
    The first instant by which ``delta`` of open time has passed since ``at``; aware in, UTC out.

    It may be closing time itself: twelve open hours from 8:00 end at 20:00. Raises ValueError if ``delta`` is negative.
    """
    if delta < timedelta(0):
        raise ValueError("open time only goes forward")
    now, left = _utc(at), delta
    spans = _spans_from(now, hours)
    while left:
        span = next(spans)
        step = min(left, span.end - max(now, span.start))
        now, left = max(now, span.start) + step, left - step
    return now


def _spans_from(at: datetime, hours: Hours) -> Iterator[Span]:
    """The open times that end after ``at``, in order."""
    return (span for span in _spans(_day_of(at, hours), A_DAY, hours) if span.end > at)


def _spans_back_from(at: datetime, hours: Hours) -> Iterator[Span]:
    """The open times that begin by ``at``, the latest first."""
    return (span for span in _spans(_day_of(at, hours), -A_DAY, hours) if span.start <= at)


def _spans(day: date, step: timedelta, hours: Hours) -> Iterator[Span]:
    closed_in_a_row = 0
    while closed_in_a_row < FAR_AHEAD:
        if span := _span(day, hours):
            yield span
        closed_in_a_row = 0 if span else closed_in_a_row + 1
        day += step
    raise ValueError("no open day for more than a year: too many closed days")


def _span(day: date, hours: Hours) -> Span | None:
    if hours.rests(day):
        return None
    zone = ZoneInfo(hours.zone)
    start, end = (_utc(datetime.combine(day, at, zone)) for at in (hours.quiet_to, hours.quiet_from))
    return Span(start, end)


def _day_of(at: datetime, hours: Hours) -> date:
    return at.astimezone(ZoneInfo(hours.zone)).date()


def _utc(at: datetime) -> datetime:
    # Two times of one zone are compared by their wall clocks, and the change of hour makes that wrong; UTC does not.
    if at.tzinfo is None:
        raise ValueError("a time without a zone says nothing about quiet hours")
    return at.astimezone(UTC)


@lru_cache(maxsize=512)
def _public_holidays(subdivision: str | None, year: int) -> frozenset[date]:
    """Italy's days of rest in one year. Raises ValueError for a province the calendar does not know."""
    try:
        return frozenset(holidays.country_holidays("IT", subdiv=subdivision, years=year, expand=False))
    except NotImplementedError as unknown:
        raise ValueError(f"no calendar for the province {subdivision!r}") from unknown
