# SPDX-License-Identifier: EUPL-1.2
"""What comes again: which days, which are left out and why, and the hour when the clocks change."""

import itertools
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.rules.opening import Hours
from handlers.rules.recurrence import EVERY, MOST, Pattern, on_the_clock, planned, why_rest

TUESDAY = date(2027, 3, 2)
BOLOGNA = Hours(subdivision="BO", patron_day="06-24", closed=frozenset({date(2027, 8, 16)}))


def days(pattern: Pattern, hours: Hours = BOLOGNA) -> list[str]:
    return [f"{one.day:%a %d %b}{f' ({one.rest})' if one.rest else ''}" for one in planned(pattern, hours)]


def test_every_week_so_many_times() -> None:
    assert days(Pattern(TUESDAY, "week", 3)) == ["Tue 02 Mar", "Tue 09 Mar", "Tue 16 Mar"]


def test_every_two_weeks_until_a_day_and_that_day_too() -> None:
    assert days(Pattern(TUESDAY, "two_weeks", until=date(2027, 3, 30))) == ["Tue 02 Mar", "Tue 16 Mar", "Tue 30 Mar"]


def test_every_month_on_the_same_weekday() -> None:
    assert days(Pattern(date(2027, 3, 9), "month", 3)) == ["Tue 09 Mar", "Tue 13 Apr", "Tue 11 May"]


def test_the_fifth_tuesday_of_a_month_becomes_the_last_of_the_others() -> None:
    assert days(Pattern(date(2027, 3, 30), "month", 4)) == ["Tue 30 Mar", "Tue 27 Apr", "Tue 25 May", "Tue 29 Jun"]


def test_a_day_of_rest_is_shown_with_its_reason_and_does_not_count() -> None:
    assert days(Pattern(date(2027, 3, 22), "week", 2)) == ["Mon 22 Mar", "Mon 29 Mar (holiday)", "Mon 05 Apr"]
    assert days(Pattern(date(2027, 6, 24), "week", 1)) == ["Thu 24 Jun (patron)", "Thu 01 Jul"]
    assert days(Pattern(date(2027, 10, 4), "week", 1)) == ["Mon 04 Oct (holiday)", "Mon 11 Oct"]  # San Petronio
    assert days(Pattern(date(2027, 8, 16), "week", 1)) == ["Mon 16 Aug (closed)", "Mon 23 Aug"]


def test_all_sundays_are_left_out_and_it_ends() -> None:
    found = planned(Pattern(date(2027, 3, 7), "week", 3), BOLOGNA)
    assert len(found) == MOST and {one.rest for one in found} == {"sunday"}


def test_what_takes_place_once_takes_place_whatever_day_it_is() -> None:
    assert days(Pattern(date(2027, 3, 7), "once")) == ["Sun 07 Mar"]


def test_the_hour_that_the_clocks_jump_over_does_not_exist() -> None:
    assert on_the_clock(date(2027, 3, 28), time(2, 30)) is None


def test_the_hour_that_comes_twice_is_the_first_of_the_two() -> None:
    twice = on_the_clock(date(2027, 10, 31), time(2, 30))
    assert twice and twice.is_twice and twice.at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hour"), [(date(2027, 3, 27), 9), (date(2027, 3, 29), 8)])
def test_ten_in_the_morning_is_ten_on_both_sides_of_the_change(day: date, hour: int) -> None:
    found = on_the_clock(day, time(10))
    assert found and not found.is_twice and found.at == datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@given(st.dates(date(2024, 1, 1), date(2060, 1, 1)), st.sampled_from(EVERY), st.integers(1, 100))
def test_the_days_rise_keep_their_weekday_and_none_that_counts_is_a_day_of_rest(
    first: date, every: str, times: int
) -> None:
    found = planned(Pattern(first, every, times), BOLOGNA)  # type: ignore[arg-type]
    assert found[0].day == first and len(found) <= MOST
    assert all(one.day < other.day for one, other in itertools.pairwise(found))
    assert {one.day.weekday() for one in found} == {first.weekday()}
    if every != "once":
        assert all(one.rest == why_rest(one.day, BOLOGNA) for one in found)
        assert sum(one.rest is None for one in found) <= times
