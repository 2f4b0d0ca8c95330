# SPDX-License-Identifier: EUPL-1.2
"""Says what costs most: a short run under the profiler, its time shared out among the rooms it was spent in."""

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable

# The first that fits counts; the names are paths of files, or of the C functions that the profiler shows.
ROOMS = (
    ("SQLite: statements and commit", ("sqlite3",)),
    ("SQLAlchemy", ("sqlalchemy",)),
    ("storage: values in and out of columns", ("/storage/",)),
    ("JSON", ("/json/", "json")),
    ("engine: meaning, steps, speech", ("/handlers/engine/",)),
    ("conversations and the kit", ("/handlers/",)),
    ("reading Telegram's updates", ("/bot/channels/",)),
)


def shares(work: Callable[[], None]) -> dict[str, float]:
    """The share of each room in the processor's time, the largest first. The profiler's own cost is in them all."""
    profile = cProfile.Profile()
    profile.runcall(work)
    spent: Counter[str] = Counter()
    for (path, _line, name), (_calls, _primitive, own, _total, _callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        spent[room_of(f"{path} {name}")] += own
    whole = sum(spent.values())
    return {room: round(own / whole, 3) for room, own in spent.most_common()}


def room_of(place: str) -> str:
    return next((room for room, marks in ROOMS if any(mark in place for mark in marks)), "Python itself")
