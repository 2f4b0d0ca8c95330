# SPDX-License-Identifier: EUPL-1.2
"""Whether a message may go out now: asked again just before it does. Pure: facts in, a verdict with its reason out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.rules.opening import Hours, is_open, next_open


@dataclass(frozen=True)
class Facts:
    """What is known of a message and its person at the moment of sending. Times are aware, in UTC."""

    now: datetime
    written_at: datetime
    is_push: bool  # nobody asked for it this minute
    is_answer: bool  # to what the person has just written or touched
    stopped_at: datetime | None
    blocked: bool
    agreed: bool = True  # to this purpose, if one is needed
    still_on: bool = True  # what it is about still stands, at the same time
    minds_the_hour: bool = True
    was_awaited: bool = False  # it has waited for a word of theirs, which has come
    not_after: datetime | None = None
    pushes_today: int = 0
    busy_until: datetime | None = None  # a question has just been asked: a push with choices would get in its way


@dataclass(frozen=True)
class Send:
    """It may go."""


@dataclass(frozen=True)
class Wait:
    """Not now: at this hour."""

    until: datetime


@dataclass(frozen=True)
class Drop:
    """Never: the state it ends in, and why, as a code an operator's page puts in words."""

    state: str
    reason: str


def may_send(facts: Facts, hours: Hours) -> Send | Wait | Drop:
    """An answer goes to whoever wrote after a stop; nothing else does."""
    if facts.blocked:
        return Drop("suppressed", "chat_blocked")
    if facts.stopped_at and (not facts.is_answer or facts.written_at < facts.stopped_at):
        return Drop("suppressed", "person_stopped")
    return _may_push(facts, hours) if facts.is_push else Send()


def _may_push(facts: Facts, hours: Hours) -> Send | Wait | Drop:
    if not facts.still_on:
        return Drop("superseded", "no_longer_true")
    if facts.not_after and facts.now >= facts.not_after:
        return Drop("missed", "too_late")
    if not facts.agreed:
        return Drop("suppressed", "no_consent")
    if facts.is_answer:
        return Send()
    return _wait_for_answer(facts) or (_at_a_good_hour(facts, hours) if facts.minds_the_hour else Send())


def _wait_for_answer(facts: Facts) -> Wait | None:
    """A question that was asked a moment ago comes first, unless it would soon be too late."""
    if facts.busy_until is None or facts.now >= facts.busy_until:
        return None
    is_too_late = facts.not_after is not None and facts.busy_until >= facts.not_after
    return None if is_too_late else Wait(facts.busy_until)


def _at_a_good_hour(facts: Facts, hours: Hours) -> Send | Wait | Drop:
    if (facts.was_awaited or is_open(facts.now, hours)) and facts.pushes_today < hours.pushes_a_day:
        return Send()
    # Enough for today: the next open time after this day's end.
    after = facts.now if facts.pushes_today < hours.pushes_a_day else facts.now + timedelta(hours=12)
    later = next_open(after, hours)
    return Drop("missed", "no_open_time_left") if facts.not_after and later >= facts.not_after else Wait(later)


def needs_a_person(state: str, reason: str, *, critical: bool, is_news: bool, is_reply: bool, is_shut: bool) -> bool:
    """
    Must a person of the desk hear that this never arrived? What is critical should then be told by telephone, and news
    of a change also to those who want no more messages. An answer that failed leaves somebody waiting, unless it was
    they who shut the chat.
    """
    if is_news and state == "suppressed":
        return True
    if critical:
        return state in ("failed", "missed") or reason == "chat_blocked"
    return is_reply and state == "failed" and not is_shut


# ---- what the channel says afterwards

# What a network calls the same thing as we do; whatever it says before "sent" also shows that it has the message.
HAS_IT = {"queued", "accepted", "scheduled", "sending", "sent"}
NEVER_ARRIVED = {"failed", "undelivered", "canceled"}
HEIGHT = {"sent": 1, "delivered": 2, "read": 3}


def state_said(status: str) -> str | None:
    """In which state a message is, of which a network says this; None for a word that we do not know."""
    if status in NEVER_ARRIVED:
        return "failed"
    return "sent" if status in HAS_IT else status if status in HEIGHT else None


def moves_up(state: str, said: str) -> bool:
    """
    Does what is said take a message higher than it stands? Good news ends every doubt; what has arrived does not
    fail any more, and what has ended here has ended.
    """
    if said == "failed":
        return state in ("sending", "uncertain", "sent")
    return state in ("pending", "claimed", "sending", "uncertain") or 0 < HEIGHT.get(state, 0) < HEIGHT[said]


def wait_before(again: int, first: timedelta, longest: timedelta | None, tries: int) -> timedelta:
    """
    How long before trying for the ``again``-th time: always as long as the first time; or, where there is a longest
    time, longer each time, so that the last of so many tries comes after that.
    """
    if longest is None or longest <= first or again <= 1 or not first:
        return min(first, longest) if longest else first
    step = min((again - 1) / max(tries - 2, 1), 1)
    return first * float((longest / first) ** step)
