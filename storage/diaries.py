# SPDX-License-Identifier: EUPL-1.2
"""What members of a Job Club tell about their weeks; who may read it is decided at the desk."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select

from storage.tables import diaries, memberships, people
from storage.transaction import Transaction

ANSWERS = ("applications", "calls", "interviews", "hours", "mood", "next_step")


@dataclass(frozen=True, slots=True)
class Diary:
    """One person's week in one club. What they skipped is None; ``week`` is its Monday, in Rome."""

    person_id: int
    club_id: str
    week: date
    applications: int | None
    calls: int | None
    interviews: int | None
    hours: str | None
    mood: int | None
    next_step: str | None

    @property
    def answers(self) -> dict[str, Any]:
        """What was told, without what was skipped."""
        return {name: told for name in ANSWERS if (told := getattr(self, name)) is not None}


_columns = [diaries.c[name] for name in Diary.__dataclass_fields__]


class Diaries:
    def __init__(self, store: Transaction) -> None:
        self.store = store

    def get(self, person_id: int, club_id: str, week: date) -> Diary | None:
        found = self._all(
            select(*_columns).where(
                diaries.c.person_id == person_id, diaries.c.club_id == club_id, diaries.c.week == week
            )
        )
        return found[0] if found else None

    def of(self, person_id: int) -> list[Diary]:
        """All that somebody has told, club by club, the oldest week first."""
        return self._all(
            select(*_columns).where(diaries.c.person_id == person_id).order_by(diaries.c.club_id, diaries.c.week)
        )

    def of_club(self, club_id: str, before: date) -> list[Diary]:
        """What everybody in a club has told of the weeks before a day, also who has left since."""
        return self._all(
            select(*_columns)
            .where(diaries.c.club_id == club_id, diaries.c.week < before)
            .order_by(diaries.c.week, diaries.c.person_id)
        )

    def of_members(self, club_id: str) -> list[tuple[str | None, Diary]]:
        """What those who are in a club now have told, each week with its person's name."""
        rows = self.store.read(
            select(people.c.first_name, *_columns)
            .join(people, people.c.id == diaries.c.person_id)
            .join(
                memberships,
                (memberships.c.person_id == diaries.c.person_id) & (memberships.c.club_id == diaries.c.club_id),
            )
            .where(diaries.c.club_id == club_id, memberships.c.state == "member")
            .order_by(diaries.c.person_id, diaries.c.week)
        )
        return [(row[0], Diary(*row[1:])) for row in rows]

    def tell(self, person_id: int, club_id: str, week: date, at: datetime, **answers: Any) -> None:
        """Write answers into somebody's week; what is not among them stays as it is."""
        row = {"person_id": person_id, "club_id": club_id, "week": week, "at": at, **answers}
        self.store.write(
            self.store.insert(diaries)
            .values(**row)
            .on_conflict_do_update(index_elements=["person_id", "club_id", "week"], set_={**answers, "at": at})
        )

    def _all(self, statement: Select[Any]) -> list[Diary]:
        return [Diary(*row) for row in self.store.read(statement)]
