# SPDX-License-Identifier: EUPL-1.2
"""A message Sportello sends by itself, as data: when, in which words, and until when it makes sense."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Literal

from handlers.moments.occasions import Occasion, on_the_wall, told_of
from handlers.rules.opening import Hours, is_open, last_open, next_open
from handlers.talk import Choosable, Words

# A reminder that has to move earlier keeps clear of the last minute: many move to the same evening.
EARLIER = timedelta(hours=2)
# A change of what begins so soon is told at any hour; a shift shorter than that does not repeat a reminder.
SOON = timedelta(hours=24)
SMALL_SHIFT = timedelta(minutes=60)
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
AHEAD = timedelta(days=5)  # a reminder moves earlier over a long week-end, never by more than this

Anchor = Literal["booked_at", "starts_at", "ends_at", "changed_at", "absent_at", "left_at", "silent_since"]


@dataclass(frozen=True)
class Moment:
    """
    A push as data: so long after (or before) its anchor, in these words, until so long after another anchor.

    ``consent`` is the purpose a person must have agreed to; none for the answer to what they have just done.
    Priority 0 goes out with replies, 1 before bulk. What falls in closed time moves ``earlier`` or ``later`` into open
    time, or ``lapses``; what ``never`` moves goes out anyway. With an ``hour`` it comes at that hour in Rome. A
    ``critical`` one that may not have arrived is sent a second time, and says so. ``about`` are the states of the
    occasion in which this is true.
    """

    name: str
    anchor: Anchor
    offset: timedelta
    until: tuple[Anchor, timedelta]
    words: Callable[[Occasion], Words]
    choices: Callable[[Occasion], tuple[Choosable, ...]]
    conversation: str
    step: str
    about: tuple[str, ...] = ("booked",)
    priority: int = 1
    consent: str | None = "service_messages"
    moves: Literal["earlier", "later", "lapses", "never"] = "later"
    critical: bool = False
    hour: time | None = None

    @property
    def minds_the_hour(self) -> bool:
        return self.moves != "never"

    def planned(self, occasion: Occasion, hours: Hours) -> datetime | None:
        """When it should go out: what falls in closed time moves into open time, or does not go out at all."""
        if not self.offset:
            return occasion.times[self.anchor]  # at once; the send check knows whether the hour is right
        at = on_the_wall(occasion.times[self.anchor], self.offset, self.hour)
        match self.moves:
            case "never":
                return at
            case "later":
                return next_open(at, hours)
            case "lapses":
                return at if is_open(at, hours) else None
            case "earlier":
                latest = last_open(at, hours)
                return at if latest == at else latest - EARLIER

    def ends(self, occasion: Occasion) -> datetime:
        """From when on it makes no sense any more."""
        anchor, offset = self.until
        return occasion.times[anchor] + offset

    def applies(self, occasion: Occasion) -> bool:
        return occasion.state in self.about and self.anchor in occasion.times

    def may_be_due(self, occasion: Occasion, now: datetime) -> bool:
        """A first look, without the hours: can it have come, and is it not over?"""
        before = AHEAD if self.moves == "earlier" else A_DAY if self.hour else timedelta(0)
        earliest = occasion.times[self.anchor] + self.offset - before
        return earliest - AN_HOUR <= now < self.ends(occasion)  # the clocks may change in between


@dataclass(frozen=True)
class Push:
    """A moment that has come, for one occasion."""

    moment: Moment
    occasion: Occasion
    at: datetime
    not_after: datetime

    @property
    def key(self) -> str:
        return f"{self.moment.name}:{self.occasion.id}:{self.occasion.revision}"

    @property
    def subject(self) -> str:
        return self.occasion.subject

    @property
    def words(self) -> Words:
        return self.moment.words(self.occasion)

    @property
    def timeless_words(self) -> Words:
        """The same without «today» and «tomorrow», in case it is another day by the time it leaves."""
        return self.moment.words(replace(self.occasion, said_at=None))

    @property
    def choices(self) -> tuple[Choosable, ...]:
        return self.moment.choices(self.occasion)

    @property
    def answered_by(self) -> dict[str, Any]:
        about = {"booking": self.occasion.booking_id, "membership": self.occasion.membership_id}
        draft = {name: id for name, id in about.items() if id}
        return {"conversation": self.moment.conversation, "step": self.moment.step, "draft": draft}

    @property
    def facts(self) -> dict[str, Any]:
        """What the send check compares, and what the person has been told once this is sent."""
        told = told_of(self.occasion.workshop) if self.occasion.workshop else {}
        return {"moment": self.moment.name, "revision": self.occasion.revision, **told}


def due(now: datetime, occasions: Iterable[Occasion], hours: Hours, moments: Iterable[Moment]) -> list[Push]:
    """What has come and is not stale. Who booked after the hour of a reminder does not get it."""
    planned = [
        push_of(moment, occasion, hours)
        for occasion in occasions
        for moment in moments
        if moment.applies(occasion) and moment.may_be_due(occasion, now)
    ]
    return [push for push in planned if push and push.at <= now < push.not_after and not _came_too_late(push)]


def _came_too_late(push: Push) -> bool:
    booked_at = push.occasion.times.get("booked_at")
    return push.moment.anchor == "starts_at" and booked_at is not None and booked_at >= push.at


def push_of(moment: Moment, occasion: Occasion, hours: Hours) -> Push | None:
    """A moment for an occasion; None if it falls in closed time and does not move."""
    at = moment.planned(occasion, hours)
    return Push(moment, occasion, at, moment.ends(occasion)) if at else None


def is_repeat(push: Push, told: Mapping[str, Any] | None) -> bool:
    """Has the same reminder gone out already, for a time so near that it need not come again?"""
    if told is None or "starts_at" not in told:
        return False
    return abs(datetime.fromisoformat(told["starts_at"]) - push.occasion.event.starts_at) < SMALL_SHIFT


def still_stands(moment: Moment, occasion: Occasion, revision: int | str | None) -> bool:
    """Is what a message says still true: the same state, the same time?"""
    return moment.applies(occasion) and occasion.revision == revision


def at_any_hour(moment: Moment, told: Mapping[str, Any], occasion: Occasion, now: datetime) -> bool:
    """May it go out in closed time too? Yes where it must, and for news of what begins, or began, within a day."""
    if not moment.minds_the_hour:
        return True
    if "before" not in told:
        return False
    starts = (datetime.fromisoformat(told["before"]), occasion.times["starts_at"])
    return any(now - SOON <= start <= now + SOON for start in starts)
