# SPDX-License-Identifier: EUPL-1.2
"""When we fall silent because a program answers us, and that a person never makes us do so."""

from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

import pytest

from handlers.rules.looping import FLOOD, LOOKED_AT, Heard, is_loop, is_time_to_look

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
AWAY = "I am away. I will answer on Monday."


def heard(*texts: str, apart: float, most: int = 60) -> list[Heard]:
    """So many messages, newest first, the same number of seconds apart; the texts in turn, again and again."""
    said = enumerate(islice(cycle(texts), min(most, FLOOD)))
    return [Heard(NOW - timedelta(seconds=apart * number), text) for number, text in said]


@pytest.mark.parametrize(
    ("messages", "loops"),
    [
        (heard(AWAY, apart=14), True),  # two programs, a quarter of a minute for each round
        (heard(AWAY, apart=16), False),  # not more than 20 in five minutes
        (heard(AWAY, apart=1, most=20), False),
        (heard(AWAY, apart=1, most=21), True),
        (heard(AWAY, "Your message has been received.", apart=5), False),  # slower, and not the same words
        (heard(*(f"Ticket {n}" for n in range(60)), apart=1.9), True),  # 30 in a minute, whatever they say
        (heard(*(f"Ticket {n}" for n in range(60)), apart=2.1), False),
        (heard("1", apart=3), False),  # the first of the choices, at every question
        (heard(AWAY, apart=0, most=1), False),
    ],
)
def test_a_program_is_told_from_a_person_by_how_much_and_how_often(messages: list[Heard], loops: bool) -> None:
    assert is_loop(messages, NOW) is loops


def test_the_last_ten_have_to_say_the_same() -> None:
    messages = heard(AWAY, apart=5)
    for number, loops in ((9, False), (10, True)):
        others = [*messages[:number], Heard(messages[number].at, "But what is this?"), *messages[number + 1 :]]
        assert is_loop(others, NOW) is loops


def test_a_person_who_touches_fast_is_never_taken_for_a_program() -> None:
    fast = [Heard(NOW - timedelta(seconds=n / 5), "", is_written=False) for n in range(FLOOD)]
    assert not is_loop(fast, NOW)
    assert not is_loop([*heard(AWAY, apart=0.1)[:-1], fast[0]], NOW)  # not even one who writes fast in between


@pytest.mark.parametrize(("seconds", "is_silent"), [(1, True), (299, True), (300, False), (3600, False)])
def test_silence_ends_after_five_quiet_minutes(seconds: int, is_silent: bool) -> None:
    unanswered = Heard(NOW - timedelta(seconds=seconds), AWAY, is_unanswered=True)
    assert is_loop([Heard(NOW, "Hello?"), unanswered], NOW) is is_silent


def test_it_is_looked_at_now_and_then_and_never_at_the_first_word() -> None:
    assert [turn for turn in range(31) if is_time_to_look(turn)] == [LOOKED_AT, 2 * LOOKED_AT, 3 * LOOKED_AT]
