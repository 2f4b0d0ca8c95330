# SPDX-License-Identifier: EUPL-1.2
"""When Sportello may write by itself, on Italian wall clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.rules.opening import Hours, add_open_time, is_open, last_open, next_open, open_time_between

ROME = ZoneInfo("Europe/Rome")
HOURS = Hours()
BOLOGNA, TURIN, MILAN = Hours(subdivision="BO"), Hours(subdivision="TO"), Hours(subdivision="MI")
TOWN = Hours(closed=frozenset({date(2027, 5, 12)}))

instants = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))
# Around the two nights of 2027 in which the clocks change.
spring = st.datetimes(datetime(2027, 3, 24), datetime(2027, 4, 2), timezones=st.just(UTC))
autumn = st.datetimes(datetime(2027, 10, 26), datetime(2027, 11, 6), timezones=st.just(UTC))
stretches = st.timedeltas(timedelta(0), timedelta(hours=80))


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "hours", "open_then"),
    [
        ("2027-03-15 07:59:59", HOURS, False),
        ("2027-03-15 08:00", HOURS, True),
        ("2027-03-15 19:59:59", HOURS, True),
        ("2027-03-15 20:00", HOURS, False),
        ("2027-03-15 23:30", HOURS, False),
        ("2027-03-13 12:00", HOURS, True),  # a Saturday
        ("2027-03-14 12:00", HOURS, False),  # a Sunday
        ("2027-03-29 12:00", HOURS, False),  # the Monday after Easter
        ("2027-01-06 12:00", HOURS, False),
        ("2027-06-02 12:00", HOURS, False),
        ("2028-04-25 12:00", HOURS, False),
        ("2027-12-08 12:00", HOURS, False),
        ("2027-10-04 12:00", HOURS, False),  # Saint Francis, a national holiday again from 2026
        ("2025-10-04 12:00", HOURS, True),
        ("2027-06-24 12:00", HOURS, True),
        ("2027-06-24 12:00", TURIN, False),  # Saint John
        ("2027-06-24 12:00", BOLOGNA, True),
        ("2027-12-07 12:00", MILAN, False),  # Saint Ambrose
        ("2027-12-07 12:00", TURIN, True),
        ("2027-05-12 12:00", HOURS, True),
        ("2027-05-12 12:00", TOWN, False),
        ("2027-05-12 19:00", Hours(quiet_from=time(18)), False),
    ],
)
def test_it_is_open_by_day_on_working_days(at: str, hours: Hours, open_then: bool) -> None:
    assert is_open(rome(at), hours) is open_then


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2027-03-15 10:00", "2027-03-15 09:00"),  # open: now
        ("2027-03-15 06:00", "2027-03-15 07:00"),  # this morning at 8, one hour from UTC
        ("2027-03-15 20:00", "2027-03-16 07:00"),
        ("2027-03-13 21:00", "2027-03-15 07:00"),  # Saturday night: Monday
        ("2027-03-27 20:00", "2027-03-30 06:00"),  # over Easter and the change to summer time, two hours from UTC
        ("2027-10-30 20:00", "2027-11-02 07:00"),  # over the change to winter time and All Saints
        ("2026-12-24 21:00", "2026-12-28 07:00"),  # Christmas, Saint Stephen, Sunday
    ],
)
def test_what_falls_in_closed_time_waits_for_the_morning(at: str, opens: str) -> None:
    assert next_open(rome(at), HOURS) == utc(opens)


@pytest.mark.parametrize(
    ("at", "last"),
    [
        ("2027-03-15 10:00", "2027-03-15 09:00"),  # open: now
        ("2027-03-15 19:59:30", "2027-03-15 18:59:30"),
        ("2027-03-15 20:00", "2027-03-15 18:59"),
        ("2027-03-16 07:59", "2027-03-15 18:59"),
        ("2027-03-15 03:00", "2027-03-13 18:59"),  # Monday before dawn: Saturday evening
        ("2027-03-30 07:00", "2027-03-27 18:59"),  # over Easter and the change to summer time
        ("2027-11-02 07:00", "2027-10-30 17:59"),  # over All Saints and the change to winter time
    ],
)
def test_a_reminder_for_closed_time_moves_to_the_evening_before(at: str, last: str) -> None:
    assert last_open(rome(at), HOURS) == utc(last)


@pytest.mark.parametrize(
    ("a", "b", "hours_open"),
    [
        ("2027-03-15 08:00", "2027-03-15 20:00", 12),
        ("2027-03-15 00:00", "2027-03-16 00:00", 12),
        ("2027-03-15 10:00", "2027-03-15 10:30", 0.5),
        ("2027-03-15 19:00", "2027-03-16 09:00", 2),
        ("2027-03-13 19:00", "2027-03-15 09:00", 2),  # a Sunday between
        ("2027-03-27 19:00", "2027-03-30 09:00", 2),  # Easter, and an hour less in the night
        ("2027-10-30 19:00", "2027-11-02 09:00", 2),  # All Saints, and an hour more in the night
        ("2027-03-14 08:00", "2027-03-14 20:00", 0),
        ("2027-03-15 10:00", "2027-03-15 10:00", 0),
        ("2027-03-16 10:00", "2027-03-15 10:00", 0),
    ],
)
def test_only_open_time_is_counted(a: str, b: str, hours_open: float) -> None:
    assert open_time_between(rome(a), rome(b), HOURS) == timedelta(hours=hours_open)


@pytest.mark.parametrize(
    ("at", "hours_open", "ends"),
    [
        ("2027-03-15 08:00", 1, "2027-03-15 08:00"),
        ("2027-03-15 08:00", 12, "2027-03-15 19:00"),  # closing time itself
        ("2027-03-15 18:00", 12, "2027-03-16 17:00"),
        ("2027-03-15 22:00", 0.5, "2027-03-16 07:30"),
        ("2027-03-13 18:00", 12, "2027-03-15 17:00"),  # Saturday to Monday
        ("2027-03-27 18:00", 12, "2027-03-30 16:00"),  # an offer over Easter and the change to summer time
        ("2027-10-30 18:00", 12, "2027-11-02 17:00"),  # an offer over All Saints and the change to winter time
        ("2027-03-15 22:00", 0, "2027-03-15 21:00"),
    ],
)
def test_an_offer_lives_so_many_open_hours(at: str, hours_open: float, ends: str) -> None:
    assert add_open_time(rome(at), timedelta(hours=hours_open), HOURS) == utc(ends)


@given(st.one_of(instants, spring, autumn))
def test_the_next_opening_is_open_and_not_before(at: datetime) -> None:
    opens = next_open(at, BOLOGNA)
    assert is_open(opens, BOLOGNA)
    assert opens >= at
    assert (opens == at) == is_open(at, BOLOGNA)
    assert open_time_between(at, opens, BOLOGNA) == timedelta(0)


@given(st.one_of(instants, spring, autumn))
def test_the_last_opening_is_open_and_not_after(at: datetime) -> None:
    last = last_open(at, BOLOGNA)
    assert is_open(last, BOLOGNA)
    assert last <= at
    assert (last == at) == is_open(at, BOLOGNA)
    assert open_time_between(last, at, BOLOGNA) <= timedelta(minutes=1) or last == at


@given(st.one_of(instants, spring, autumn), stretches)
def test_time_added_is_time_found_between(at: datetime, stretch: timedelta) -> None:
    assert open_time_between(at, add_open_time(at, stretch, BOLOGNA), BOLOGNA) == stretch


@given(st.one_of(spring, autumn), stretches, stretches)
def test_adding_twice_is_adding_the_sum(at: datetime, first: timedelta, then: timedelta) -> None:
    in_two_steps = add_open_time(add_open_time(at, first, HOURS), then, HOURS)
    at_once = add_open_time(at, first + then, HOURS)
    assert open_time_between(min(in_two_steps, at_once), max(in_two_steps, at_once), HOURS) == timedelta(0)
    assert in_two_steps == at_once or then == timedelta(0)


@given(st.one_of(spring, autumn), stretches, stretches)
def test_open_time_adds_up(a: datetime, first: timedelta, then: timedelta) -> None:
    b, c = a + first, a + first + then
    assert open_time_between(a, b, HOURS) + open_time_between(b, c, HOURS) == open_time_between(a, c, HOURS)


@given(st.one_of(spring, autumn))
def test_every_working_day_has_twelve_open_hours_whatever_the_clocks_do(at: datetime) -> None:
    midnight = at.astimezone(ROME).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    tomorrow = midnight + timedelta(days=1)
    rests = HOURS.rests(midnight.date())
    assert open_time_between(midnight, tomorrow, HOURS) == timedelta(hours=0 if rests else 12)


@given(instants)
def test_any_zone_may_come_in_and_utc_goes_out(at: datetime) -> None:
    there = at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert next_open(there, HOURS) == next_open(at, HOURS)
    for answer in (next_open(there, HOURS), last_open(there, HOURS), add_open_time(there, timedelta(hours=1), HOURS)):
        assert answer.tzinfo is UTC


@pytest.mark.parametrize("ask", [is_open, next_open, last_open])
def test_a_time_without_a_zone_is_refused(ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="zone"):
        ask(datetime(2027, 3, 15, 10), HOURS)


def test_open_time_does_not_run_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        add_open_time(rome("2027-03-15 10:00"), timedelta(seconds=-1), HOURS)


def test_quiet_hours_are_in_the_night() -> None:
    with pytest.raises(ValueError, match="evening"):
        Hours(quiet_from=time(13), quiet_to=time(15))


def test_an_unknown_province_is_told() -> None:
    with pytest.raises(ValueError, match="province 'ZZ'"):
        is_open(rome("2027-03-15 10:00"), Hours(subdivision="ZZ"))


def test_a_service_that_never_opens_is_told() -> None:
    always = frozenset(date(2027, 1, 1) + timedelta(days=ahead) for ahead in range(800))
    with pytest.raises(ValueError, match="no open day"):
        next_open(rome("2027-03-15 10:00"), Hours(closed=always))
