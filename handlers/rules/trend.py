# SPDX-License-Identifier: EUPL-1.2
"""What can be seen of people's weeks: each one's own trend, and totals that give nobody away."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

COUNTED = ("applications", "calls", "interviews")
WEEKS = 6  # as many as can be read on a small phone
LEAST = 5  # people, or there is no total

SPANS = ((2, "0-2"), (5, "3-5"), (10, "6-10"))  # hours, up to and including the first; above, the last of all
MORE = "10+"

A_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Trend:
    """The last weeks of one person, each by its Monday, oldest first. What was not told is None, never 0."""

    weeks: tuple[date, ...]
    figures: Mapping[str, tuple[int | None, ...]]


@dataclass(frozen=True)
class Told:
    """What one person told of one week."""

    person_id: int
    week: date
    figures: Mapping[str, int | None]


@dataclass(frozen=True)
class Totals:
    """What a club's members have done, all together. None: it would give somebody away."""

    people: int
    figures: Mapping[str, int | None]


def monday(day: date) -> date:
    """The week of a day."""
    return day - timedelta(days=day.weekday())


def span(hours: int) -> str:
    """Hours are kept no finer than they are asked for."""
    return next((name for most, name in SPANS if hours <= most), MORE)


def trend(told: Mapping[date, Mapping[str, int | None]], this: date) -> Trend | None:
    """
    One person's weeks up to this one, ``told`` by their Monday; None before there are two to compare.

    A week in between without a word is a gap. What was never told has no line of its own.
    """
    seen = [this - A_WEEK * back for back in reversed(range(WEEKS))]
    answered = [week for week in seen if any(told.get(week, {}).get(name) is not None for name in COUNTED)]
    if len(answered) < 2:
        return None
    weeks = tuple(week for week in seen if week >= answered[0])
    figures = {name: tuple(told.get(week, {}).get(name) for week in weeks) for name in COUNTED}
    return Trend(weeks, {name: found for name, found in figures.items() if any(one is not None for one in found)})


def totals(told: Iterable[Told], this: date) -> Totals | None:
    """
    The totals of the weeks before ``this``; None where fewer than five people told anything that counts.

    A figure counts only in weeks of which five people told it: so what a week adds to it is never one person's. For
    the same reason a week that is not over does not count. A total of nothing is not given, for then everybody's
    answer would be known.
    """
    told = list(told)
    people: set[int] = set()
    figures: dict[str, int | None] = {}
    for name in COUNTED:
        counted = [one for one in told if one.week < this and one.figures.get(name) is not None]
        enough = [one for one in counted if sum(other.week == one.week for other in counted) >= LEAST]
        people |= {one.person_id for one in enough}
        figures[name] = sum(one.figures[name] or 0 for one in enough) or None
    return Totals(len(people), figures) if len(people) >= LEAST else None
