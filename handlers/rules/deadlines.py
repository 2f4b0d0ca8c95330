# SPDX-License-Identifier: EUPL-1.2
"""
By when somebody who asks about their data must have an answer. Pure: a day in, a day out.

An answer is due within one month of receipt, and within two more where that is needed and said within the first
(GDPR, art. 12(3)). Regulation (EEC, Euratom) 1182/71 says how months are counted: the period ends with the day of the
same date in the last month, or with its last day where that date does not exist (art. 3(2)(c)), and if that is a
Saturday, a Sunday or a public holiday, with the next working day (art. 3(4)). EDPB Guidelines 01/2022 on the right of
access apply it so (5.3): received on 31 August, answered by 30 September.
"""

from calendar import monthrange
from datetime import date, timedelta

from handlers.rules.opening import Hours

SATURDAY = 5
MONTHS = 1
MONTHS_IN_ALL = 3  # with the two more
# Only holidays of the whole country move a deadline: a day too early is never too late.
NATIONAL = Hours()


def due(asked_on: date, months: int = MONTHS) -> date:
    """The last day on which the answer is in time."""
    year, month = divmod(asked_on.year * 12 + asked_on.month - 1 + months, 12)
    day = date(year, month + 1, min(asked_on.day, monthrange(year, month + 1)[1]))
    while day.weekday() == SATURDAY or NATIONAL.rests(day):
        day += timedelta(days=1)
    return day


def may_be_longer(due_on: date, today: date) -> bool:
    """More time can be taken only while the first month lasts."""
    return today <= due_on
