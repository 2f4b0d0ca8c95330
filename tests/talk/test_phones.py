# SPDX-License-Identifier: EUPL-1.2
"""Telephone numbers as people write them."""

import pytest

from handlers.talk import phones


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("333 1234567", "+393331234567"),
        ("333.123.45.67", "+393331234567"),
        ("333/1234567", "+393331234567"),
        ("+39 333 123 4567", "+393331234567"),
        ("0039 333 1234567", "+393331234567"),
        ("il mio numero è 3331234567, dopo le 18", "+393331234567"),
        ("051 123456", "+39051123456"),  # a landline keeps its zero
        ("٣٣٣١٢٣٤٥٦٧", "+393331234567"),
        ("+212 612-345678", "+212612345678"),
        ("333 1234567 o +39 333 1234567", "+393331234567"),
        ("12", None),
        ("non lo so", None),
        ("", None),
        ("333 1234567 o 340 1234567", None),  # which one?
        ("3331234567890123", None),
        ("3331234567 " * 30, None),
    ],
)
def test_a_number_is_found_in_what_people_write(written: str, number: str | None) -> None:
    assert phones.find(written) == number


@pytest.mark.parametrize("card", ["393331234567", "+393331234567", " +39 333 1234567"])
def test_a_shared_card_is_international_with_or_without_its_plus(card: str) -> None:
    assert phones.shared(card) == "+393331234567"


def test_a_foreign_card_is_not_taken_for_a_number_of_here() -> None:
    assert phones.shared("212612345678") == "+212612345678"
    assert phones.shared("") is None


def test_people_read_numbers_in_groups() -> None:
    assert phones.in_groups("+393331234567") == "+39 333 123 4567"
