# SPDX-License-Identifier: EUPL-1.2
"""By when an answer is due: only hours at the desk count, on the clock on the wall."""

from datetime import datetime, time

import pytest

from handlers.rules.opening import Hours
from handlers.rules.service_time import OpeningHours, due_at, is_late
from handlers.talk.text import ROME

MORNINGS = OpeningHours()
TWICE = {"monday": [{"from": "14:00", "to": "17:00"}, {"from": "09:00", "to": "12:00"}]}


def rome(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=ROME)


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-11-23 09:00", "2026-11-24 13:00"),  # Monday at opening: two mornings
        ("2026-11-23 12:30", "2026-11-25 12:30"),
        ("2026-11-23 20:00", "2026-11-25 13:00"),
        ("2026-11-27 13:00", "2026-12-01 13:00"),  # Friday at closing: Monday and Tuesday
        ("2026-11-28 10:00", "2026-12-01 13:00"),  # on a Saturday
        ("2026-12-07 10:00", "2026-12-10 10:00"),  # 8 December is a holiday
        ("2026-12-24 09:00", "2026-12-28 13:00"),  # Christmas, and the weekend after it
        ("2027-03-26 12:00", "2027-03-31 12:00"),  # Easter Monday, and the clocks go forward
        ("2026-10-23 12:00", "2026-10-27 12:00"),  # the clocks go back
    ],
)
def test_eight_hours_are_two_mornings_at_the_desk(opened: str, due: str) -> None:
    assert due_at(rome(opened), MORNINGS, 8) == rome(due)


def test_a_day_may_have_two_spans_and_others_none() -> None:
    hours = OpeningHours.of(TWICE, Hours())
    assert due_at(rome("2026-11-23 11:00"), hours, 2) == rome("2026-11-23 15:00")
    assert due_at(rome("2026-11-23 16:00"), hours, 2) == rome("2026-11-30 10:00")


def test_nothing_set_means_the_mornings() -> None:
    assert OpeningHours.of(None, Hours()).week["friday"] == ((time(9), time(13)),)


def test_nobody_is_late_before_the_last_minute() -> None:
    opened, due = rome("2026-11-23 09:00"), rome("2026-11-24 13:00")
    assert not is_late(opened, due, MORNINGS, 8)
    assert is_late(opened, rome("2026-11-24 13:01"), MORNINGS, 8)


def test_a_desk_that_never_opens_is_a_mistake_and_no_endless_wait() -> None:
    with pytest.raises(ValueError, match="does not open"):
        due_at(rome("2026-11-23 09:00"), OpeningHours({}, Hours()), 1)
