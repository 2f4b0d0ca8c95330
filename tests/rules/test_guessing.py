# SPDX-License-Identifier: EUPL-1.2
"""How long one waits after wrong tries."""

from datetime import UTC, datetime, timedelta

from handlers.rules.guessing import ACCOUNT, free_from

AT = datetime(2027, 3, 1, 9, tzinfo=UTC)


def waits(tries: int) -> float:
    free = free_from([AT] * tries, ACCOUNT)
    return (free - AT).total_seconds() if free else 0


def test_the_first_tries_are_free_and_then_each_wait_is_twice_the_one_before() -> None:
    assert [waits(tries) for tries in range(10)] == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16]


def test_nobody_waits_longer_than_a_quarter_of_an_hour() -> None:
    assert waits(500) == timedelta(minutes=15).total_seconds()


def test_the_wait_counts_from_the_last_try() -> None:
    tries = [AT + timedelta(minutes=minute) for minute in range(5)]
    assert free_from(tries, ACCOUNT) == tries[-1] + timedelta(seconds=1)
