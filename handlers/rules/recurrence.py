# SPDX-License-Identifier: EUPL-1.2
"""On which days something that comes again takes place and which are left out, by the clocks of Rome."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from handlers.rules.opening import SUNDAY, Hours

ROME = ZoneInfo("Europe/Rome")
MOST = 60  # dates at a time: more than a year of weeks, and a page that can be read
A_WEEK = timedelta(weeks=1)
LAST_OF_MONTH = 5  # a month may have no fifth Tuesday: then the last one is meant

Every = Literal["once", "week", "two_weeks", "month"]
EVERY: tuple[str, ...] = get_args(Every)
Rest = Literal["sunday", "patron", "closed", "holiday"]


@dataclass(frozen=True)
class Pattern:
    """From a first day on, so many ``times`` or ``until`` a day; once is once."""

    first: date
    every: Every
    times: int = 1
    until: date | None = None


@dataclass(frozen=True)
class Planned:
    """A day, and why nothing takes place on it; None where it does."""

    day: date
    rest: Rest | None


@dataclass(frozen=True)
class Instant:
    """An hour on the clock of Rome as an instant (aware, UTC). ``is_twice``: the clocks show it twice that night."""

    at: datetime
    is_twice: bool


def planned(pattern: Pattern, hours: Hours) -> list[Planned]:
    """
    The days, in order, those of rest among them.

    A day of rest does not count among the ``times``. What takes place once takes place, whatever day it is.
    """
    if pattern.every == "once":
        return [Planned(pattern.first, None)]
    found: list[Planned] = []
    left = MOST if pattern.until else min(pattern.times, MOST)
    for day in _days(pattern):
        if left <= 0 or len(found) >= MOST or (pattern.until and day > pattern.until):
            break
        rest = why_rest(day, hours)
        found.append(Planned(day, rest))
        left -= rest is None
    return found


def why_rest(day: date, hours: Hours) -> Rest | None:
    """Why nothing takes place on a day: a Sunday, the feast of the town's patron, a closed day, or a holiday."""
    if not hours.rests(day):
        return None
    if day.weekday() == SUNDAY:
        return "sunday"
    if hours.patron_day == f"{day:%m-%d}":
        return "patron"
    return "closed" if day in hours.closed else "holiday"


def on_the_clock(day: date, clock: time) -> Instant | None:
    """
    When the clocks of Rome say this on that day; None in the hour that they jump over in spring.

    In the hour that they show twice in autumn, the first of the two.
    """
    local = datetime.combine(day, clock, ROME)
    at = local.astimezone(UTC)
    if at.astimezone(ROME).replace(tzinfo=None) != local.replace(tzinfo=None):
        return None
    return Instant(at, local.utcoffset() != local.replace(fold=1).utcoffset())


def _days(pattern: Pattern) -> Iterator[date]:
    day, number = pattern.first, _number_in_month(pattern.first)
    while day.year < date.max.year - 1:
        yield day
        if pattern.every == "month":
            day = _in_month_after(day, pattern.first.weekday(), number)
        else:
            day += A_WEEK * (2 if pattern.every == "two_weeks" else 1)


def _number_in_month(day: date) -> int:
    """The how-manyeth Tuesday, say, of its month a Tuesday is."""
    return (day.day - 1) // 7 + 1


def _in_month_after(day: date, weekday: int, number: int) -> date:
    """The same weekday of the next month: the second Tuesday stays a second Tuesday, the fifth becomes the last."""
    first = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    found = first + timedelta(days=(weekday - first.weekday()) % 7) + A_WEEK * (number - 1)
    return found - A_WEEK if number == LAST_OF_MONTH and found.month != first.month else found
