# SPDX-License-Identifier: EUPL-1.2
"""Today at the desk: what waits and how long, what failed, what takes place, how the channels are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from handlers.desk.hours import answer_hours, opening_hours
from handlers.desk.office.waiting import URGENT
from handlers.rules.service_time import is_late
from handlers.talk import Text
from handlers.talk.text import ROME
from storage.workshops import Counts, Workshop

if TYPE_CHECKING:
    from handlers.desk.office import Office

DAYS = 14  # of the charts
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Queue:
    """Who waits for a person of the desk: how many, how many longer than promised, how many are in my hands."""

    all: int
    late: int
    mine: int
    urgent: int
    reasons: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Day:
    """A day of the charts."""

    on: date
    came: int
    went: int
    booked: int


class Today:
    def __init__(self, office: "Office") -> None:
        self.office, self.store, self.now = office, office.store, office.now

    def queue(self) -> Queue:
        scope, me = self.office.scope, self.office.member.id
        found = self.store.today.waiting(scope.areas, scope.programmes)
        hours, promised = opening_hours(self.store), answer_hours(self.store)
        # The oldest come first: after the first one who is not late, nobody is.
        late = list(takewhile(lambda one: is_late(one.opened_at, self.now, hours, promised), found))
        reasons = Counter(one.reason for one in found)
        return Queue(
            all=len(found),
            late=len(late),
            mine=sum(one.taken_by == me for one in found),
            urgent=sum(one.reason == URGENT for one in found),
            reasons=reasons.most_common(),
        )

    def takes_place(self) -> list[tuple[Workshop, Counts]]:
        """Workshops and meetings of today, soonest first, with how many come."""
        begins, ends = self._day(self._today())
        found = [
            one for one in self.store.workshops.starting(begins - timedelta(seconds=1), ends) if self._is_ours(one)
        ]
        counts = self.store.workshops.all_counts([one.id for one in found])
        return [(one, counts[one.id]) for one in found]

    def _is_ours(self, workshop: Workshop) -> bool:
        scope = self.office.scope
        in_area = scope.areas is not None and workshop.area_id in scope.areas
        in_programme = scope.programmes is not None and workshop.programme_id in scope.programmes
        return scope.is_everything or in_area or in_programme

    def problems(self) -> int:
        """Messages that did not arrive, and that nobody has seen to."""
        return sum(many for many, _new in self.store.deliveries.count(self.now - A_DAY).values())

    def channels(self) -> list[tuple[str, Text, bool]]:
        """Each channel by name, how it is in plain words, and whether that is well."""
        return self.office.health.in_short()

    def to_follow_up(self) -> int:
        """People whom this member wanted to look at again by today, or whom nobody has."""
        scope = self.office.scope
        return self.store.today.to_follow_up(self.office.member.id, self._today(), scope.areas, scope.programmes)

    def questions_to_check(self) -> int:
        """Answers whose day to be looked at again has come."""
        return sum(one.closed_at is None and one.review_on <= self._today() for one in self.office.questions.all())

    def chart(self) -> list[Day]:
        """The last two weeks, day by day in Rome, oldest first."""
        days = [self._today() - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
        spans = [self._day(day) for day in days]
        first = self.store.search.first_at(spans[0][0])
        said, booked = self.store.today.messages_a_day(first, spans), self.store.today.bookings_a_day(spans)
        return [Day(day, *way, places) for day, way, places in zip(days, said, booked, strict=True)]

    def _today(self) -> date:
        return self.now.astimezone(ROME).date()

    @staticmethod
    def _day(on: date) -> tuple[datetime, datetime]:
        """From midnight to midnight in Rome."""
        return datetime.combine(on, time(), ROME), datetime.combine(on + A_DAY, time(), ROME)
