# SPDX-License-Identifier: EUPL-1.2
"""The days and times of a programme: offsets that become days, and wall clocks that become instants."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from handlers.rules.opening import Hours

ROME = ZoneInfo("Europe/Rome")


def working_day(today: date, offset: int, patron: str | None) -> date:
    """So many days from today; or, if that is a Sunday or a public holiday there, the next working day."""
    day = today + timedelta(days=offset)
    while Hours(subdivision=patron).rests(day):
        day += timedelta(days=1)
    return day


def instant(day: date, clock: str) -> datetime:
    """When the clocks of Rome say this, on that day."""
    return datetime.combine(day, time.fromisoformat(clock), ROME).astimezone(UTC)
