# SPDX-License-Identifier: EUPL-1.2
"""What would follow from a change: it is tried, looked at, and taken back, so that nothing is guessed."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from handlers.desk.delivery import busy_until, moment_of, start_of_day
from handlers.desk.hours import hours_in
from handlers.desk.moments import any_hour
from handlers.moments import CLUB_TOMORROW, REMINDER_2H, REMINDER_24H, Occasion
from handlers.rules.opening import Hours
from handlers.rules.sending import Facts, Send, Wait, may_send
from storage.messages import Message
from storage.traces import Reader
from storage.workshops import Workshop

if TYPE_CHECKING:
    from handlers.desk.office import Office

A_NAME = "[…]"  # stands for a first name, so that one sentence is shown once
Leaves = Literal["now", "later", "never"]


@dataclass(frozen=True)
class Someone:
    """A person, by name where whoever looks follows them."""

    person_id: int
    first_name: str | None
    is_mine: bool


@dataclass(frozen=True)
class Notice:
    """A message as it is read in one language on one channel, and when it leaves for so many people."""

    moment: str
    language: str
    channel: str
    text: str
    buttons: tuple[str, ...]
    leaves: Leaves
    at: datetime | None
    people: tuple[Someone, ...] = ()

    @property
    def count(self) -> int:
        return len(self.people)


@dataclass(frozen=True)
class Consequences:
    """All that follows from a change. ``reminders`` are when those of the new time go out, if it has one."""

    notices: tuple[Notice, ...] = ()
    to_call: tuple[tuple[str, tuple[Someone, ...]], ...] = ()
    offered: tuple[Someone, ...] = ()
    lost: tuple[Someone, ...] = ()
    taken_back: int = 0
    reminders: tuple[datetime, ...] = ()

    @property
    def written(self) -> int:
        """How many people are written to."""
        return len({one.person_id for notice in self.notices for one in notice.people})

    @property
    def called(self) -> int:
        return len({one.person_id for _reason, people in self.to_call for one in people})


class _TakenBack(Exception):
    """It was only tried."""


@dataclass
class Rehearsal:
    """A change of these workshops and clubs, tried in the transaction in which it may happen."""

    office: "Office"
    workshops: Collection[int]
    clubs: Collection[str] = ()
    names: bool = False
    _hours: dict[str | None, Hours] = field(default_factory=dict)

    def of(self, act: Callable[[], None]) -> Consequences:
        """What would follow. What ``act`` raises is raised, and then nothing has happened either."""
        found = Consequences()
        try:
            with self.office.store.savepoint():
                found = self._tried(act)
                raise _TakenBack
        except _TakenBack:
            return found

    def _tried(self, act: Callable[[], None]) -> Consequences:
        traces = self.office.store.traces
        before = traces.places(self.workshops, self.clubs)
        mark = traces.mark(before)
        act()
        after = traces.places(self.workshops, self.clubs)
        subjects = before.keys() | after.keys()
        messages = traces.messages(mark, subjects)
        about = [*(f"workshop:{id}" for id in self.workshops), *(f"job_club:{id}" for id in self.clubs)]
        calls = traces.calls(mark, about)
        offered = [who for subject, (who, state) in after.items() if state == "offered" != self._was(before, subject)]
        lost = [who for subject, (who, state) in after.items() if state == "lapsed" != self._was(before, subject)]
        people = {one.person_id for one in messages} | {one.person_id for one in calls} | {*offered, *lost}
        scope = self.office.scope
        readers = traces.readers(people, scope.areas, scope.programmes)
        by_reason: dict[str, list[Someone]] = defaultdict(list)
        for call in calls:
            by_reason[call.reason].append(self._someone(call.person_id, readers))
        return Consequences(
            notices=self._notices(messages, readers),
            to_call=tuple((reason, tuple(found)) for reason, found in by_reason.items()),
            offered=tuple(self._someone(id, readers) for id in offered),
            lost=tuple(self._someone(id, readers) for id in lost),
            taken_back=traces.taken_back(mark, before),
            reminders=self._reminders(),
        )

    @staticmethod
    def _was(before: dict[str, tuple[int, str]], subject: str) -> str:
        return before[subject][1] if subject in before else ""

    def _someone(self, id: int, readers: dict[int, Reader]) -> Someone:
        reader = readers[id]
        return Someone(id, reader.first_name if self.names and reader.is_mine else None, reader.is_mine)

    def _notices(self, messages: list[Message], readers: dict[int, Reader]) -> tuple[Notice, ...]:
        """The same words for the same hour are one notice, to so many people."""
        found: dict[Notice, list[Someone]] = defaultdict(list)
        for message in messages:
            reader = readers[message.person_id]
            leaves, at = self._leaves(message, reader)
            notice = Notice(
                moment=(message.payload or {}).get("moment", ""),
                language=reader.language,
                channel=message.channel,
                text=without_name(message.text, reader.first_name),
                buttons=tuple(option.get("short") or option["label"] for option in message.options or ()),
                leaves=leaves,
                at=at,
            )
            found[notice].append(self._someone(message.person_id, readers))
        filled = [Notice(**{**vars(one), "people": tuple(people)}) for one, people in found.items()]
        return tuple(sorted(filled, key=lambda one: (one.moment, one.language, one.channel, -one.count)))

    def _leaves(self, message: Message, reader: Reader) -> tuple[Leaves, datetime | None]:
        """When it leaves, as the look just before sending will decide it if nothing changes until then."""
        store, moment = self.office.store, moment_of(message.payload)
        assert moment is not None, "it is the message of a moment"
        now = max(self.office.now, message.due_at or self.office.now)
        facts = Facts(
            now=now,
            written_at=message.at,
            is_push=True,
            is_answer=moment.priority == 0,
            stopped_at=None,
            blocked=False,
            not_after=message.not_after,
            minds_the_hour=not any_hour(store, message, moment, now),
            pushes_today=store.messages.pushes_since(message.person_id, start_of_day(now)),
            busy_until=busy_until(store, message),
        )
        match may_send(facts, self._hours_in(reader.comune_istat)):
            case Send():
                return "now", None
            case Wait(until=until):
                return "later", until
        return "never", None

    def _hours_in(self, comune: str | None) -> Hours:
        if comune not in self._hours:
            self._hours[comune] = hours_in(self.office.store, comune)
        return self._hours[comune]

    def _reminders(self) -> tuple[datetime, ...]:
        """When those who live where it takes place are reminded, if there is one thing to be reminded of."""
        found = self.office.store.workshops.get(next(iter(self.workshops))) if len(self.workshops) == 1 else None
        return reminders_of(found, self._hours_in(found.venue.comune_istat), self.office.now) if found else ()


def reminders_of(workshop: Workshop, hours: Hours, now: datetime) -> tuple[datetime, ...]:
    """When reminders go out for something, as it stands now; none for what is called off."""
    if workshop.cancelled_at or not workshop.is_confirmed:
        return ()
    moments = (CLUB_TOMORROW, REMINDER_2H) if workshop.is_meeting else (REMINDER_24H, REMINDER_2H)
    occasion = Occasion(0, "", "booked", {"starts_at": workshop.starts_at})
    planned = (moment.planned(occasion, hours) for moment in moments)
    return tuple(at for at in planned if at and at > now)


def without_name(text: str, name: str | None) -> str:
    """A message to somebody as a message to anybody."""
    if not name:
        return text
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", A_NAME, text, count=1)
