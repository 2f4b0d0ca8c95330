# SPDX-License-Identifier: EUPL-1.2
"""Times turns one by one, and counts what they cost."""

import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Figures:
    """What one side took: turns a second, milliseconds, microseconds of processor a turn, megabytes at the peak."""

    turns: int
    turns_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_turn: float
    peak_mb: float
    costs: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Stopwatch:
    """Times each message from when it is taken up to when the next one is; the clock starts with the first."""

    def __init__(self) -> None:
        self.took: list[int] = []
        self.cpu, self.start = time.process_time_ns(), time.perf_counter_ns()

    def each(self, messages: Sequence[T]) -> Iterator[T]:
        for message in messages:
            began = time.perf_counter_ns()
            yield message
            self.took.append(time.perf_counter_ns() - began)

    def figures(self) -> Figures:
        seconds = (time.perf_counter_ns() - self.start) / 1e9
        spent = (time.process_time_ns() - self.cpu) / 1e3
        turns, took = len(self.took), sorted(self.took)
        return Figures(
            turns=turns,
            turns_per_second=round(turns / seconds, 1),
            p50_ms=round(took[turns // 2] / 1e6, 3),
            p99_ms=round(took[turns * 99 // 100] / 1e6, 3),
            cpu_us_per_turn=round(spent / turns, 1),
            peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        )


def batched(updates: Iterable[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    """So many at a time, and what is left in the end."""
    rest = iter(updates)
    while some := list(islice(rest, most)):
        yield some
