# SPDX-License-Identifier: EUPL-1.2
"""When the desk must be told that a channel fails, or that it has become strangely quiet. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from handlers.rules.service_time import OpeningHours, open_between

Why = Literal["halted", "failing", "refused", "silent"]

LATELY = timedelta(minutes=15)
LAST = 20  # messages that are looked at
ENOUGH = 5  # of them, before anything is said about all of them
STUCK = timedelta(minutes=5)
MANY_REFUSED = 20  # calls that were not the network's own
USUAL = 20  # messages in a week: of a channel that is used less, silence says nothing
A_WEEK = timedelta(days=7)
QUIET = timedelta(hours=2)
LONGER = 3  # times the longest silence of that week


@dataclass(frozen=True)
class Signs:
    """
    What there is to see of a channel.

    ``tried`` and ``troubled``: of the last messages that were tried lately, all, and those that did not arrive for
    certain. ``due_since``: the oldest message that should have left. ``refused``: calls turned away lately. ``came``:
    when people wrote, oldest first, at least a week up to the last time.
    """

    tried: int = 0
    troubled: int = 0
    due_since: datetime | None = None
    last_out: datetime | None = None
    refused: int = 0
    came: Sequence[datetime] = ()


def alarm(signs: Signs, now: datetime, hours: OpeningHours) -> Why | None:
    """Why somebody must look at this channel; None: all is well. Aware times."""
    if is_stuck(signs.due_since, signs.last_out, now):
        return "halted"
    if signs.tried >= ENOUGH and signs.troubled * 2 > signs.tried:
        return "failing"
    if signs.refused > MANY_REFUSED:
        return "refused"
    return "silent" if is_silent(signs.came, now, hours) else None


def is_stuck(due_since: datetime | None, last_out: datetime | None, now: datetime) -> bool:
    """Should something have left long ago, and nothing at all has left since?"""
    late = now - STUCK
    return due_since is not None and due_since < late and (last_out is None or last_out < late)


def is_silent(came: Sequence[datetime], now: datetime, hours: OpeningHours) -> bool:
    """
    Has nobody written for longer than is usual here? Only hours count in which the desk is open.

    Usual is the week before the last message. So an alarm ends when somebody writes, and not by itself.
    """
    if not came:
        return False
    last = came[-1]
    week = [at for at in came if at >= last - A_WEEK]
    if len(week) < USUAL:
        return False
    silence = open_between(last, now, hours)
    if silence <= QUIET:
        return False
    longest = max(open_between(one, other, hours) for one, other in pairwise(week))
    return silence > LONGER * longest
