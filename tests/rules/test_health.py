# SPDX-License-Identifier: EUPL-1.2
"""When somebody must look at a channel."""

from datetime import UTC, datetime, timedelta

import pytest

from handlers.rules.health import Signs, Why, alarm
from handlers.rules.service_time import OpeningHours

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday; the desk is open from nine to one
HOURS = OpeningHours()


def week(last: datetime, every: timedelta = HOUR) -> list[datetime]:
    """People wrote through the week before ``last``, so often."""
    return sorted(last - number * every for number in range(int(7 * DAY / every)))


STUCK = Signs(due_since=NOON - 6 * MINUTE, last_out=NOON - 6 * MINUTE)
SIGNS: list[tuple[str, Signs, Why | None]] = [
    ("nothing has happened", Signs(), None),
    ("what is due stays, and nothing leaves", STUCK, "halted"),
    ("nothing has ever left", Signs(due_since=NOON - 6 * MINUTE), "halted"),
    ("a long line moves on", Signs(due_since=NOON - HOUR, last_out=NOON - MINUTE), None),
    ("it is due only since a moment ago", Signs(due_since=NOON - 4 * MINUTE, last_out=NOON - DAY), None),
    ("more than half did not arrive", Signs(tried=20, troubled=11), "failing"),
    ("half did not arrive", Signs(tried=20, troubled=10), None),
    ("the only four did not arrive", Signs(tried=4, troubled=4), None),
    ("all of five did not arrive", Signs(tried=5, troubled=5), "failing"),
    ("somebody forges calls", Signs(refused=21), "refused"),
    ("a few calls were turned away", Signs(refused=20), None),
    ("it is quiet for three hours at the desk", Signs(came=week(NOON - DAY)), "silent"),
    ("it is quiet for two hours", Signs(came=week(NOON - 2 * HOUR)), None),
    ("it is always this quiet", Signs(came=week(NOON - DAY, every=8 * HOUR)), None),
    ("nobody uses it much", Signs(came=week(NOON - DAY)[-19:]), None),
    ("nobody has written since a week ago", Signs(came=week(NOON - 7 * DAY)), "silent"),
    ("that nothing leaves counts more", Signs(20, 20, STUCK.due_since, STUCK.last_out), "halted"),
]


@pytest.mark.parametrize(("signs", "why"), [(signs, why) for _name, signs, why in SIGNS], ids=[row[0] for row in SIGNS])
def test_an_alarm_is_raised_for_a_reason(signs: Signs, why: Why | None) -> None:
    assert alarm(signs, NOON, HOURS) == why


@pytest.mark.parametrize("hour", [12, 18, 23])  # in UTC
def test_the_hours_in_which_the_desk_is_closed_are_no_silence(hour: int) -> None:
    closing = datetime(2026, 11, 24, 11, 30, tzinfo=UTC)  # half an hour before
    assert alarm(Signs(came=week(closing)), closing.replace(hour=hour, minute=0), HOURS) is None


def test_silence_ends_when_somebody_writes_and_not_by_itself() -> None:
    quiet = week(NOON - DAY)
    assert alarm(Signs(came=quiet), NOON + 8 * HOUR, HOURS) == "silent"  # in the evening as well
    assert alarm(Signs(came=[*quiet, NOON]), NOON + MINUTE, HOURS) is None
