# SPDX-License-Identifier: EUPL-1.2
"""Who was there: whose word counts and from when on, and what a list from a spreadsheet says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.rules.attendance import (
    Decision,
    ForTheDesk,
    Kept,
    NeedsReason,
    NotYet,
    Over,
    Said,
    SaidAlready,
    check_in,
    mark,
    was_not_there,
)
from handlers.rules.attendance_sheet import MOST_LETTERS, MOST_LINES, Line, Unreadable, read

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
TWO_HOURS, MINUTE = timedelta(hours=2), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("said", "before", "after", "reason", "decision"),
    [
        ("present", None, -31, "", NotYet(NINE - 30 * MINUTE)),
        ("present", None, -30, "", Kept()),
        ("late", "late", 10, "", SaidAlready()),
        ("absent", "present", 10, " ", NeedsReason()),
        ("absent", "present", 10, "Another Amina", Kept()),
        (None, "present", 10, "", NeedsReason()),
        (None, None, 10, "", SaidAlready()),
        ("excused", None, 60 * 24 * 30, "", Kept()),
    ],
)
def test_somebody_of_the_desk_says_who_was_there(
    said: Said | None, before: str | None, after: int, reason: str, decision: Decision
) -> None:
    assert mark(said, before, starts_at=NINE, now=NINE + after * MINUTE, reason=reason) == decision


@pytest.mark.parametrize(
    ("before", "after", "decision"),
    [
        (None, -31, NotYet(NINE - 30 * MINUTE)),
        (None, 0, Kept()),
        (None, 150, Kept()),
        (None, 151, Over()),
        ("late", 151, SaidAlready()),
        ("absent", 10, ForTheDesk()),
        ("excused", 10, ForTheDesk()),
    ],
)
def test_a_phone_in_the_room(before: str | None, after: int, decision: Decision) -> None:
    assert check_in(before, starts_at=NINE, ends_at=NINE + TWO_HOURS, now=NINE + after * MINUTE) == decision


@pytest.mark.parametrize(
    ("before", "after", "decision"),
    [
        (None, -1, NotYet(NINE)),
        (None, 1, Kept()),
        ("present", 1, Kept()),
        ("excused", 1, SaidAlready()),
        ("absent", 1, SaidAlready()),
    ],
)
def test_somebody_says_that_they_were_not_there(before: str | None, after: int, decision: Decision) -> None:
    assert was_not_there(before, starts_at=NINE, now=NINE + after * MINUTE) == decision


@pytest.mark.parametrize(
    "text",
    [
        "number,state\n12,present\n",
        "\ufeffNumero;Stato\r\n12;Presente\r\n\r\n",
        "N.\tPresenza\nPersona 12\tX",
        "Nome;numero;stato\nAmina;#12;sì",
        "\n\nperson,attendance\n'12, P ",
    ],
)
def test_a_list_is_read_in_either_language_and_with_either_sign(text: str) -> None:
    found = read(text)
    assert isinstance(found, list)
    assert [(one.person_id, one.said, one.fault) for one in found] == [(12, "present", None)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("=HYPERLINK(1);present", "formula"),
        ("12;=1+1", "formula"),
        ("@12;late", "formula"),
        ("-12;late", "formula"),
        ("'=12;late", "formula"),
        (";late", "nobody"),
        ("twelve;late", "nobody"),
        ("12;perhaps", "no_state"),
        ("12", "no_state"),
        ("9" * 40 + ";late", "nobody"),
    ],
)
def test_what_cannot_be_read_says_why_and_nothing_is_worked_out(line: str, fault: str) -> None:
    found = read(f"numero;stato\n{line}")
    assert isinstance(found, list)
    assert [(one.said, one.person_id, one.fault) for one in found] in ([(None, None, fault)], [(None, 12, fault)])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("12;present", "no_head"),
        ("numero;nome", "no_head"),
        ("stato\npresente", "no_head"),
        ("numero;stato\n" + "1;p\n" * (MOST_LINES + 1), "too_long"),
        ("numero;stato\n" + "x" * MOST_LETTERS, "too_long"),
    ],
)
def test_what_is_no_list_is_said_to_be_none(text: str, why: str) -> None:
    assert read(text) == Unreadable(why)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200), st.sampled_from(["", "numero;stato\n", "name,state\n", '"']))
def test_whatever_is_pasted_is_read_or_refused(text: str, head: str) -> None:
    found = read(head + text)
    assert isinstance(found, Unreadable) or all(isinstance(one, Line) and (one.said or one.fault) for one in found)
