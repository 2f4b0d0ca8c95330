# SPDX-License-Identifier: EUPL-1.2
"""What a password must be."""

import pytest

from handlers.rules.passwords import COMMON, weakness

OWN = ("Giorgia Malavasi", "g.malavasi@example.org")


@pytest.mark.parametrize(
    "good", ["tre gatti sul tetto", "Vento-di-maggio-77x", "quadro lampada fiume", "Malavasi ha tre gatti"]
)
def test_a_few_words_are_a_password(good: str) -> None:
    assert weakness(good, OWN) is None


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("undici lett", "too_short"),
        ("x" * 129, "too_long"),
        ("passwordpassword", "too_common"),
        ("Password2027!!", "too_common"),
        ("Forza Bologna 1909", "too_common"),
        ("abababababab", "too_common"),
        ("12345678901234", "too_common"),
        ("98765432109876", "too_common"),
        ("abcdefghijklmn", "too_common"),
        ("giorgiamalavasi", "own_name"),
        ("Giorgia.Malavasi.1980", "own_name"),
        ("g.malavasi@example.org", "own_name"),
    ],
)
def test_what_others_would_try_is_none(bad: str, why: str) -> None:
    assert weakness(bad, OWN) == why


def test_there_are_some_hundreds_of_words_that_everybody_takes() -> None:
    assert len(COMMON) > 300
