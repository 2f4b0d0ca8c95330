# SPDX-License-Identifier: EUPL-1.2
"""Who was there: from when on it can be said, and whose word counts. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Said = Literal["present", "late", "absent", "excused"]
ALL: tuple[Said, ...] = ("present", "late", "absent", "excused")
THERE = ("present", "late")  # both were there
OPENS = timedelta(minutes=30)  # before the start: the first are at the door
STAYS_OPEN = timedelta(minutes=30)  # after the end somebody may still check in: the room empties slowly


@dataclass(frozen=True)
class Kept:
    """It is written down."""


@dataclass(frozen=True)
class SaidAlready:
    """The same stands already: nothing changes."""


@dataclass(frozen=True)
class NeedsReason:
    """Something else stands: whoever corrects it says why."""


@dataclass(frozen=True)
class NotYet:
    """It has not begun; ``opens`` is when it can be said."""

    opens: datetime


@dataclass(frozen=True)
class Over:
    """Nobody can check in any more; somebody of the desk can."""


@dataclass(frozen=True)
class ForTheDesk:
    """Somebody of the desk has said something else: their word counts."""


Decision = Kept | SaidAlready | NeedsReason | NotYet | Over | ForTheDesk


def mark(said: Said | None, before: str | None, *, starts_at: datetime, now: datetime, reason: str) -> Decision:
    """Somebody of the desk says who was there. Times are aware, in UTC; ``said`` None takes a mistake back."""
    if now < starts_at - OPENS:
        return NotYet(starts_at - OPENS)
    if said == before:
        return SaidAlready()
    return NeedsReason() if before is not None and not reason.strip() else Kept()


def was_not_there(before: str | None, *, starts_at: datetime, now: datetime) -> Decision:
    """Somebody tells the chat that they were not there: their own word against themselves is believed."""
    if now < starts_at:
        return NotYet(starts_at)
    return Kept() if before is None or before in THERE else SaidAlready()


def check_in(before: str | None, *, starts_at: datetime, ends_at: datetime, now: datetime) -> Decision:
    """Somebody reads the code in the room. Times are aware, in UTC."""
    if now < starts_at - OPENS:
        return NotYet(starts_at - OPENS)
    if before in THERE:
        return SaidAlready()
    if before is not None:
        return ForTheDesk()
    return Over() if now > ends_at + STAYS_OPEN else Kept()


def walk_in(*, starts_at: datetime, ends_at: datetime, now: datetime) -> NotYet | Over | None:
    """
    Why somebody without a place cannot take one in the room; None if they can, while there is one. Times are aware,
    in UTC. When it has ended nobody comes in: else a code that is passed on would prove that somebody was there.
    """
    if now < starts_at - OPENS:
        return NotYet(starts_at - OPENS)
    return Over() if now >= ends_at else None
