# SPDX-License-Identifier: EUPL-1.2
"""On which days a group meets every week, and at what time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.rules.meetings import A_WEEK, days, instants
from handlers.rules.opening import Hours

ROME = ZoneInfo("Europe/Rome")
BOLOGNA, TURIN, MILAN = Hours(subdivision="BO"), Hours(subdivision="TO"), Hours(subdivision="MI")
PIOLTELLO = Hours(subdivision="MI", patron_day="11-30")
MONDAY, TUESDAY, WEDNESDAY, SATURDAY, SUNDAY = 0, 1, 2, 5, 6

dates = st.dates(date(2026, 1, 1), date(2032, 12, 31))
places = st.sampled_from([BOLOGNA, TURIN, MILAN, PIOLTELLO, Hours()])


def test_the_series_begins_on_the_next_such_day() -> None:
    monday = date(2027, 2, 1)
    assert days(monday, MONDAY, 2, TURIN) == [date(2027, 2, 1), date(2027, 2, 8)]
    assert days(monday, WEDNESDAY, 2, TURIN) == [date(2027, 2, 3), date(2027, 2, 10)]
    assert days(date(2027, 2, 4), WEDNESDAY, 1, TURIN) == [date(2027, 2, 10)]
    assert days(monday, MONDAY, 0, TURIN) == []


@pytest.mark.parametrize(
    ("day", "place", "then"),
    [
        (date(2027, 1, 6), TURIN, date(2027, 1, 13)),
        (date(2027, 3, 29), TURIN, date(2027, 4, 5)),  # the Monday after Easter
        (date(2028, 4, 25), TURIN, date(2028, 5, 2)),
        (date(2028, 5, 1), TURIN, date(2028, 5, 8)),
        (date(2027, 6, 2), TURIN, date(2027, 6, 9)),
        (date(2028, 8, 15), TURIN, date(2028, 8, 22)),
        (date(2027, 11, 1), TURIN, date(2027, 11, 8)),
        (date(2027, 12, 8), TURIN, date(2027, 12, 15)),
        (date(2028, 12, 25), TURIN, date(2029, 1, 8)),  # nor on the first of January
        (date(2028, 12, 26), TURIN, date(2029, 1, 2)),
        (date(2027, 6, 24), TURIN, date(2027, 7, 1)),  # Saint John, of Turin
        (date(2027, 12, 7), MILAN, date(2027, 12, 14)),  # Saint Ambrose, of Milan
        (date(2027, 11, 30), PIOLTELLO, date(2027, 12, 14)),  # Saint Andrew, of Pioltello; then Saint Ambrose
    ],
)
def test_a_day_of_rest_is_left_out_and_no_other_day_takes_its_place(day: date, place: Hours, then: date) -> None:
    before = day - A_WEEK
    assert days(before, day.weekday(), 2, place) == [before, then]
    assert days(day, day.weekday(), 1, place) == [then]


def test_each_place_keeps_its_own_feasts() -> None:
    saint_john, saint_andrew = date(2027, 6, 24), date(2027, 11, 30)
    assert days(saint_john, saint_john.weekday(), 1, BOLOGNA) == [saint_john]
    assert days(saint_andrew, saint_andrew.weekday(), 1, MILAN) == [saint_andrew]


def test_twelve_meetings_stay_twelve_through_christmas() -> None:
    found = days(date(2026, 11, 23), WEDNESDAY, 12, TURIN)
    assert (found[0], found[-1], len(found)) == (date(2026, 11, 25), date(2027, 2, 17), 12)
    assert date(2027, 1, 6) not in found


@given(first=dates, weekday=st.integers(MONDAY, SATURDAY), count=st.integers(0, 60), place=places)
def test_every_week_has_its_meeting_unless_that_day_is_a_day_of_rest(
    first: date, weekday: int, count: int, place: Hours
) -> None:
    found = days(first, weekday, count, place)
    assert len(found) == count
    weeks = [first + timedelta(days=(weekday - first.weekday()) % 7)]
    while found and weeks[-1] < found[-1]:
        weeks.append(weeks[-1] + A_WEEK)
    assert all(0 <= (weeks[0] - first).days < 7 and day.weekday() == weekday for day in weeks)
    assert found == [day for day in weeks if not place.rests(day)][:count]


@pytest.mark.parametrize(
    ("weekday", "place"),
    [
        (SUNDAY, TURIN),
        (TUESDAY, Hours(closed=frozenset(date(2027, 2, 2) + timedelta(weeks=week) for week in range(60)))),
    ],
)
def test_a_day_on_which_a_place_always_rests_is_refused(weekday: int, place: Hours) -> None:
    with pytest.raises(ValueError, match="day of rest in every week"):
        days(date(2027, 2, 1), weekday, 1, place)


@pytest.mark.parametrize(
    ("day", "starts_at"),
    [
        (date(2027, 3, 24), datetime(2027, 3, 24, 13, 30, tzinfo=UTC)),
        (date(2027, 3, 31), datetime(2027, 3, 31, 12, 30, tzinfo=UTC)),
        (date(2027, 10, 27), datetime(2027, 10, 27, 12, 30, tzinfo=UTC)),
        (date(2027, 11, 3), datetime(2027, 11, 3, 13, 30, tzinfo=UTC)),
    ],
)
def test_half_past_two_is_half_past_two_on_both_sides_of_each_clock_change(day: date, starts_at: datetime) -> None:
    assert instants(day, "14:30", 120) == (starts_at, starts_at + timedelta(hours=2))


@given(day=dates, hour=st.integers(4, 23), minutes=st.integers(10, 600))
def test_a_meeting_begins_by_the_clocks_of_rome_and_lasts_as_long_as_it_says(
    day: date, hour: int, minutes: int
) -> None:
    starts_at, ends_at = instants(day, f"{hour:02}:15", minutes)
    there = starts_at.astimezone(ROME)
    assert (there.date(), there.time()) == (day, time(hour, 15))
    assert ends_at - starts_at == timedelta(minutes=minutes)
