# SPDX-License-Identifier: EUPL-1.2
"""Who gets into a Job Club: first the path, then a free place (B09b, B09c)."""

from dataclasses import dataclass
from typing import Literal

from handlers.rules.booking import AlreadyOffered, AlreadyWaiting, Full, Waiting

COUNSELLORS = ("counsellor", "tutor", "administrator")  # who may hold a meeting, and let somebody in
ABSENCES = 2  # in a row, without a word: then a person calls; nobody is shut out by the machine


@dataclass(frozen=True)
class Missing:
    """What somebody still has to do on the path before a club may admit them."""

    group_meetings: int = 0
    interviews: int = 0

    def __bool__(self) -> bool:
        return bool(self.group_meetings or self.interviews)


@dataclass(frozen=True)
class NotYet:
    """The path comes first."""

    missing: Missing


@dataclass(frozen=True)
class Joined:
    """They are in."""


@dataclass(frozen=True)
class AlreadyMember:
    """They were in before they asked."""


Decision = NotYet | Joined | Full | Waiting | AlreadyMember | AlreadyWaiting | AlreadyOffered
Mine = Literal["member", "waiting", "offered"]


@dataclass(frozen=True)
class Seats:
    """A club counted under its lock. ``held`` places belong to people who have an open offer."""

    capacity: int
    members: int
    held: int
    waiting: int

    @property
    def empty(self) -> int:
        """Places nobody has and nobody has been offered."""
        return max(0, self.capacity - self.members - self.held)

    @property
    def free(self) -> int:
        """Places for a newcomer: those who wait come first."""
        return max(0, self.empty - self.waiting)


def missing(path: tuple[int, int], done: tuple[int, int]) -> Missing:
    """What is left of a path; both as (group meetings, interviews). More than was asked is no harm."""
    return Missing(max(0, path[0] - done[0]), max(0, path[1] - done[1]))


def decide(
    seats: Seats, left_to_do: Missing, *, mine: Mine | None, my_position: int, is_let_in: bool, or_wait: bool
) -> Decision:
    """
    What happens when somebody asks to join. Pure: the caller holds the lock and writes what is decided.

    ``is_let_in``: a counsellor has admitted them without the path, for a reason that is on record; a place there must
    be all the same. With ``or_wait`` a full club gives the next place in line: numbers 1 to n, no gap, no repeat.
    """
    if mine == "member":
        return AlreadyMember()
    if mine == "offered":
        return AlreadyOffered()
    if mine == "waiting":  # who cannot be written to hears of a free place by asking, or from a counsellor
        return Joined() if seats.empty and (my_position == 1 or is_let_in) else AlreadyWaiting(my_position)
    if left_to_do and not is_let_in:
        return NotYet(left_to_do)
    if seats.free > 0:
        return Joined()
    return Waiting(seats.waiting + 1) if or_wait else Full(seats.waiting)


def stays_away(attendance: list[str]) -> bool:
    """Has somebody been absent without a word as often as calls for a call? Newest first; present or absent."""
    newest = attendance[:ABSENCES]
    return len(newest) == ABSENCES and set(newest) == {"absent"}
