# SPDX-License-Identifier: EUPL-1.2
"""From which year of birth a person may do what."""

from datetime import date

import pytest

from handlers.rules.ages import Allowed, allowed

TODAY = date(2027, 5, 12)


@pytest.mark.parametrize(
    ("birth_year", "outcome"),
    [
        (2027, Allowed.TOO_YOUNG),
        (2014, Allowed.TOO_YOUNG),
        (2013, Allowed.TOO_YOUNG),  # 14 this year, but perhaps not yet
        (2012, Allowed.INFORMATION_ONLY),  # surely 14
        (2010, Allowed.INFORMATION_ONLY),
        (2009, Allowed.INFORMATION_ONLY),  # 18 this year, but perhaps not yet
        (2008, Allowed.EVERYTHING),  # surely 18
        (1987, Allowed.EVERYTHING),
        (1927, Allowed.EVERYTHING),
        (2030, Allowed.TOO_YOUNG),
    ],
)
def test_a_birth_year_opens_as_much_as_is_sure(birth_year: int, outcome: Allowed) -> None:
    assert allowed(birth_year, TODAY) is outcome


@pytest.mark.parametrize("today", [date(2027, 1, 1), date(2027, 12, 31)])
def test_the_day_of_the_year_changes_nothing(today: date) -> None:
    assert allowed(2009, today) is Allowed.INFORMATION_ONLY


def test_nobody_loses_with_the_years_what_they_were_allowed() -> None:
    order = list(Allowed)
    steps = [order.index(allowed(2010, date(year, 6, 1))) for year in range(2010, 2040)]
    assert steps == sorted(steps)
