# SPDX-License-Identifier: EUPL-1.2
"""Whether it is another program that answers us, so that two of them do not talk for ever. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MANY, FIVE_MINUTES = 21, timedelta(minutes=5)
ALIKE = 10
FLOOD, A_MINUTE = 30, timedelta(minutes=1)
QUIET = timedelta(minutes=5)
LOOKED_AT = 10  # every so many turns


@dataclass(frozen=True)
class Heard:
    """A message from one chat; ``at`` is aware, in UTC. One that was not answered found us silent already."""

    at: datetime
    text: str
    is_written: bool = True  # no touch on a button, no photo: programs only write
    is_unanswered: bool = False


def is_time_to_look(turns: int) -> bool:
    """
    Looking costs a query, so it is done every tenth turn, and from then on as long as we are silent: turns that are
    not answered do not count.
    """
    return turns > 0 and turns % LOOKED_AT == 0


def is_loop(heard: Sequence[Heard], now: datetime) -> bool:
    """
    Is this a program? ``heard`` are the last 30 messages, the newest first: the one that has just come.

    More than 20 messages in 5 minutes of which the last 10 say the same, or 30 in a minute whatever they say. Once we
    are silent we stay so, until nothing has come for 5 minutes. A touch or a photo among them is a person's; so may be
    the same number ten times, as an answer to ten questions.
    """
    if not all(one.is_written for one in heard):
        return False
    if len(heard) > 1 and heard[1].is_unanswered and now - heard[1].at < QUIET:
        return True
    return _so_many(heard, FLOOD, now - A_MINUTE) or (_so_many(heard, MANY, now - FIVE_MINUTES) and _alike(heard))


def _so_many(heard: Sequence[Heard], many: int, since: datetime) -> bool:
    return len(heard) >= many and heard[many - 1].at > since


def _alike(heard: Sequence[Heard]) -> bool:
    words = {one.text.strip() for one in heard[:ALIKE]}
    return len(words) == 1 and not words.pop().isdecimal()
