# SPDX-License-Identifier: EUPL-1.2
"""Small charts of bars as numbers for SVG: the page draws them, and their table stands beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 560, 120  # of the drawing, without its words
GAP = 0.25  # of a day's room


@dataclass(frozen=True)
class Bar:
    """One bar; ``kind`` is which of the figures of its day."""

    x: float
    y: float
    width: float
    height: float
    kind: int


@dataclass(frozen=True)
class Chart:
    """Bars of one or more figures a day, beside one another; the tallest fills the drawing."""

    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, date]]  # where the name of a day stands
    tallest: int

    @classmethod
    def of(cls, days: Sequence[tuple[date, Sequence[int]]]) -> "Chart":
        tallest = max((max(figures, default=0) for _day, figures in days), default=0)
        room = WIDTH / max(1, len(days))
        bars = [
            Bar(
                x=round(room * at + room * GAP / 2 + room * (1 - GAP) / len(figures) * kind, 1),
                y=round(HEIGHT - HEIGHT * figure / (tallest or 1), 1),
                width=round(room * (1 - GAP) / len(figures), 1),
                height=round(HEIGHT * figure / (tallest or 1), 1),
                kind=kind,
            )
            for at, (_day, figures) in enumerate(days)
            for kind, figure in enumerate(figures)
        ]
        ticks = [(round(room * (at + 0.5), 1), day) for at, (day, _figures) in enumerate(days) if at % 3 == 0]
        return cls(bars, ticks, tallest)
