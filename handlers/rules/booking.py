# SPDX-License-Identifier: EUPL-1.2
"""Who gets a place, who waits, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class Places:
    """
    An event with few places, counted under its lock. Times are aware, in UTC.

    ``held`` places belong to people who have an open offer; they are no longer counted in ``waiting``.
    From ``first_come_from`` on no more offers are sent, and free places go to whoever asks first.
    """

    capacity: int
    taken: int
    held: int
    waiting: int
    starts_at: datetime
    booking_opens_at: datetime | None
    booking_closes_at: datetime | None
    cancelled: bool = False
    first_come_from: datetime | None = None

    @property
    def free(self) -> int:
        """Places nobody has and nobody has been offered."""
        return max(0, self.capacity - self.taken - self.held)

    @property
    def closes_at(self) -> datetime:
        """When booking ends: never after the start."""
        return min(self.booking_closes_at or self.starts_at, self.starts_at)

    def free_at(self, now: datetime) -> int:
        """Places that a newcomer may take."""
        if self.first_come_at(now):
            return self.free
        # People already waiting come first: a freed seat is theirs, not the next caller's.
        return max(0, self.free - self.waiting)

    def first_come_at(self, now: datetime) -> bool:
        return self.first_come_from is not None and now >= self.first_come_from


@dataclass(frozen=True)
class Booked:
    """The place is theirs."""


@dataclass(frozen=True)
class Full:
    """No place for a newcomer; so many people wait already."""

    waiting: int


@dataclass(frozen=True)
class Waiting:
    """They are in line; ``position`` counts from 1."""

    position: int


@dataclass(frozen=True)
class AlreadyBooked:
    """They had a place before they asked."""


@dataclass(frozen=True)
class AlreadyWaiting:
    """They were in line before they asked; ``position`` counts from 1."""

    position: int


@dataclass(frozen=True)
class AlreadyOffered:
    """A place is held for them; they have only to say yes."""


@dataclass(frozen=True)
class TooLate:
    """Booking has closed, or the event has begun."""


@dataclass(frozen=True)
class TooEarly:
    """Booking opens then; aware, in UTC."""

    opens_at: datetime


@dataclass(frozen=True)
class CalledOff:
    """The event does not take place."""


Decision = Booked | Full | Waiting | AlreadyBooked | AlreadyWaiting | AlreadyOffered | TooLate | TooEarly | CalledOff
Mine = Literal["booked", "waiting", "offered"]


def decide(places: Places, *, mine: Mine | None, my_position: int, now: datetime, or_wait: bool) -> Decision:
    """
    What happens when somebody asks for a place. Pure: the caller holds the lock and writes what is decided.

    ``mine`` is what this person has already, ``my_position`` their place in line if they wait (from 1), ``now`` is
    aware. With ``or_wait`` a full event gives the next place in line: numbers 1 to n, no gap, no repeat.
    """
    if places.cancelled:
        return CalledOff()
    if mine is not None and not _may_jump_in(places, mine, now):
        return _already(mine, my_position)
    if now >= places.closes_at:
        return TooLate()
    if places.booking_opens_at and now < places.booking_opens_at:
        return TooEarly(places.booking_opens_at)
    if places.free_at(now) > 0:
        return Booked()
    return Waiting(places.waiting + 1) if or_wait else Full(places.waiting)


def overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    """Do two stretches of time, each with its start and its end, share a moment? Ends that only touch do not."""
    return one[0] < other[1] and other[0] < one[1]


def _may_jump_in(places: Places, mine: Mine, now: datetime) -> bool:
    """Once places are first come, somebody in line may take one like anybody else."""
    return mine == "waiting" and places.first_come_at(now) and places.free > 0 and now < places.closes_at


def _already(mine: Mine, my_position: int) -> Decision:
    match mine:
        case "booked":
            return AlreadyBooked()
        case "waiting":
            return AlreadyWaiting(my_position)
        case "offered":
            return AlreadyOffered()
