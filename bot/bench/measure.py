# SPDX-License-Identifier: EUPL-1.2
"""Times turns one by one, and counts what they cost."""

import resource
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

Turn = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Figures:
    """What one side took: turns a second, milliseconds, microseconds of processor a turn, megabytes at the peak."""

    turns: int
    turns_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_turn: float
    peak_mb: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def measured(turn: Turn, updates: Iterable[dict[str, Any]]) -> Figures:
    """Play every update, one after another, each finished before the next."""
    took: list[int] = []
    cpu, start = time.process_time_ns(), time.perf_counter_ns()
    for update in updates:
        began = time.perf_counter_ns()
        await turn(update)
        took.append(time.perf_counter_ns() - began)
    seconds = (time.perf_counter_ns() - start) / 1e9
    spent = (time.process_time_ns() - cpu) / 1e3
    took.sort()
    return Figures(
        turns=len(took),
        turns_per_second=round(len(took) / seconds, 1),
        p50_ms=round(took[len(took) // 2] / 1e6, 3),
        p99_ms=round(took[len(took) * 99 // 100] / 1e6, 3),
        cpu_us_per_turn=round(spent / len(took), 1),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )
