# SPDX-License-Identifier: EUPL-1.2
"""On which days a group that meets every week meets, and from when to when."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice

from handlers.rules.content.times import instant
from handlers.rules.opening import FAR_AHEAD, Hours

A_WEEK = timedelta(weeks=1)


def days(first: date, weekday: int, count: int, hours: Hours) -> list[date]:
    """
    So many meetings, one a week, from ``first`` on; Monday is weekday 0.

    There is no meeting in a week in which that day is a day of rest, and the group meets a week longer instead. Raises
    ValueError where that day has been a day of rest for more than a year, as all Sundays are.
    """
    return list(islice(_days(first, weekday, hours), count))


def instants(day: date, clock: str, minutes: int) -> tuple[datetime, datetime]:
    """When a meeting that begins when the clocks of Rome say this starts and ends; aware, in UTC."""
    starts_at = instant(day, clock)
    return starts_at, starts_at + timedelta(minutes=minutes)


def _days(first: date, weekday: int, hours: Hours) -> Iterator[date]:
    day = latest = first + timedelta(days=(weekday - first.weekday()) % 7)
    while day - latest < timedelta(days=FAR_AHEAD):
        if not hours.rests(day):
            yield day
            latest = day
        day += A_WEEK
    raise ValueError("no meeting for more than a year: there is a day of rest in every week")
