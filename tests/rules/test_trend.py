# SPDX-License-Identifier: EUPL-1.2
"""What can be seen of people's weeks: a trend of one's own, and totals that give nobody away."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from handlers.rules.trend import COUNTED, LEAST, WEEKS, Told, Totals, monday, span, totals, trend

THIS = date(2027, 3, 1)


def ago(weeks: int) -> date:
    return THIS - timedelta(weeks=weeks)


def told(person: int, weeks: int, **figures: int | None) -> Told:
    return Told(person, ago(weeks), figures)


# ---- one's own weeks


def test_a_week_begins_on_monday() -> None:
    assert {monday(THIS + timedelta(days=day)) for day in range(7)} == {THIS}
    assert monday(THIS + timedelta(days=7)) == THIS + timedelta(days=7)


def test_hours_are_kept_in_four_spans() -> None:
    assert [span(hours) for hours in (0, 2, 3, 5, 6, 10, 11, 168)] == [
        *("0-2", "0-2", "3-5", "3-5"),
        *("6-10", "6-10", "10+", "10+"),
    ]


def test_one_week_is_no_trend_yet() -> None:
    assert trend({}, THIS) is None
    assert trend({THIS: {"applications": 3}}, THIS) is None
    assert trend({ago(1): {}, THIS: {"applications": 3}}, THIS) is None


def test_what_is_no_figure_makes_no_trend() -> None:
    assert trend({ago(1): {"mood": 4}, THIS: {"mood": 5}}, THIS) is None


def test_a_week_without_an_answer_is_a_gap_and_a_zero_is_a_zero() -> None:
    found = trend({ago(3): {"applications": 2}, ago(2): {"applications": 0}, THIS: {"applications": 5}}, THIS)
    assert found
    assert found.weeks == (ago(3), ago(2), ago(1), THIS)
    assert found.figures == {"applications": (2, 0, None, 5)}


def test_what_was_never_told_has_no_line() -> None:
    found = trend({ago(1): {"calls": 0, "applications": None}, THIS: {"interviews": 1}}, THIS)
    assert found and found.figures == {"calls": (0, None), "interviews": (None, 1)}


def test_a_week_in_which_all_was_skipped_is_a_gap_at_the_end() -> None:
    found = trend({ago(2): {"calls": 1}, ago(1): {"calls": 2}}, THIS)
    assert found and found.figures == {"calls": (1, 2, None)}


def test_only_the_last_weeks_are_shown_and_none_to_come() -> None:
    found = trend({ago(weeks): {"calls": weeks} for weeks in range(-2, 20)}, THIS)
    assert found and found.figures == {"calls": tuple(reversed(range(WEEKS)))}


# ---- totals for reports


def test_fewer_than_five_people_have_no_total() -> None:
    assert totals([told(person, 1, calls=3) for person in range(LEAST - 1)], THIS) is None


def test_five_people_have_one() -> None:
    found = totals([told(person, 1, calls=3) for person in range(LEAST)], THIS)
    assert found == Totals(LEAST, {"applications": None, "calls": 3 * LEAST, "interviews": None})


def test_the_same_person_five_times_is_one_person() -> None:
    assert totals([told(1, weeks, calls=3) for weeks in range(1, 9)], THIS) is None


def test_each_figure_needs_five_who_told_it() -> None:
    everybody = [told(person, 1, calls=3, interviews=1 if person else None) for person in range(LEAST)]
    found = totals(everybody, THIS)
    assert found and found.figures == {"applications": None, "calls": 3 * LEAST, "interviews": None}


def test_a_week_of_one_person_does_not_count_although_others_told_of_other_weeks() -> None:
    found = totals([*(told(person, 2, calls=3) for person in range(LEAST)), told(0, 1, calls=50)], THIS)
    assert found and found.figures["calls"] == 3 * LEAST


def test_a_week_that_is_not_over_does_not_count() -> None:
    assert totals([told(person, 0, calls=3) for person in range(LEAST)], THIS) is None


def test_a_total_of_nothing_would_say_what_everybody_told() -> None:
    found = totals([told(person, 1, calls=0, applications=1) for person in range(LEAST)], THIS)
    assert found and found.figures == {"applications": LEAST, "calls": None, "interviews": None}


weeks = st.lists(
    st.builds(
        told,
        st.integers(1, 7),
        st.integers(0, 4),
        **{name: st.none() | st.integers(0, 9) for name in COUNTED},
    ),
    max_size=60,
    unique_by=lambda one: (one.person_id, one.week),
)


@given(weeks)
def test_what_a_week_more_adds_to_a_total_is_never_the_answer_of_fewer_than_five(everybody: list[Told]) -> None:
    """Who keeps the totals of one week and compares them with the next learns nothing of one person."""
    for later in range(4):
        before, after = totals(everybody, ago(later + 1)), totals(everybody, ago(later))
        for name in COUNTED:
            added = ((after and after.figures[name]) or 0) - ((before and before.figures[name]) or 0)
            tellers = [one for one in everybody if one.week == ago(later + 1) and one.figures[name] is not None]
            assert added == 0 or len(tellers) >= LEAST
