# SPDX-License-Identifier: EUPL-1.2
"""What a person may do here at their age, when all we know is the year they were born."""

from datetime import date
from enum import Enum


class Allowed(Enum):
    """How far Sportello may go with somebody."""

    TOO_YOUNG = "too_young"  # stop: no data, no messages
    INFORMATION_ONLY = "information_only"  # read everything; enrol with an adult at the desk; no pushes
    EVERYTHING = "everything"


def allowed(birth_year: int, today: date) -> Allowed:
    """
    Under 14 stop, from 14 to 17 information only, then everything.

    Source: art. 2-quinquies of the Privacy Code (14 years, consent to online services) and the minors' rule of the
    service: a person under 18 is enrolled at the desk, with an adult. Only the year is known, so in the year of a
    birthday a person counts as not having had it yet: someone born in 2009 is 18 here from 1 January 2028.
    ``today`` is the day in the zone of the service. A birth year in the future counts as too young.
    """
    surely = today.year - birth_year - 1
    if surely < 14:
        return Allowed.TOO_YOUNG
    return Allowed.INFORMATION_ONLY if surely < 18 else Allowed.EVERYTHING


def may_be_18(birth_year: int, today: date) -> bool:
    """Only the year is known: those who turn 18 this year may be of age already, or not yet."""
    return today.year - birth_year == 18
