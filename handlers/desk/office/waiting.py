# SPDX-License-Identifier: EUPL-1.2
"""Who waits for a person, for what, and whether it is longer than promised."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from handlers.desk.cases import why
from handlers.desk.hours import answer_hours, opening_hours
from handlers.rules.service_time import OpeningHours, due_at
from handlers.talk.text import Text

if TYPE_CHECKING:
    from handlers.desk.office import Office

URGENT = "urgent"


@dataclass(frozen=True)
class Waits:
    """Somebody waits: why, since when, by when there should be an answer, and who looks after it."""

    why: Text
    since: datetime
    due: datetime
    is_late: bool
    taken_by: str | None
    is_urgent: bool = False


class Waiting:
    """The hours of the desk are read once for a page, and the names are handed in."""

    def __init__(self, office: "Office") -> None:
        self.office = office

    def of(self, reason: str, opened_at: datetime, taken_by: str | None = None) -> Waits:
        due = self._due(opened_at)
        return Waits(why(reason), opened_at, due, self.office.now > due, taken_by, reason == URGENT)

    def _due(self, opened_at: datetime) -> datetime:
        hours, promised = self._promise
        return due_at(opened_at, hours, promised)

    @cached_property
    def _promise(self) -> tuple[OpeningHours, float]:
        return opening_hours(self.office.store), answer_hours(self.office.store)
