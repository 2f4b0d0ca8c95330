# SPDX-License-Identifier: EUPL-1.2
"""The weekly diary of a Job Club: each member's own weeks, what the counsellor may read, and totals for reports."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from babel.dates import format_date

from handlers.rules.trend import COUNTED, Told, Totals, Trend, monday, totals, trend
from handlers.talk import Choosable, Gone, Reader, Text, Words, _, lines, n_, p_
from handlers.talk.chart import Chart, Row
from handlers.talk.text import ROME, locale_of
from storage import Store
from storage.diaries import Diary as Week
from storage.job_clubs import JobClub

if TYPE_CHECKING:
    from handlers.desk import Desk

FILE, KIND = "sportello.png", "image/png"
NAMES = {
    "applications": p_("a figure", "Applications"),
    "calls": p_("a figure", "Calls"),
    "interviews": p_("a figure", "Interviews"),
}
HOURS = (
    Choosable("0-2", p_("button", "0 to 2 hours"), words=p_("words", "0-2, from 0 to 2, 0 to 2")),
    Choosable("3-5", p_("button", "3 to 5 hours"), words=p_("words", "3-5, from 3 to 5, 3 to 5")),
    Choosable("6-10", p_("button", "6 to 10 hours"), words=p_("words", "6-10, from 6 to 10, 6 to 10")),
    Choosable("10+", p_("button", "More than 10 hours"), words=p_("words", "10+, more than 10")),
)
NO_ANSWER = p_("a figure", "no answer")


class NotTheirCounsellor(Exception):
    """Single answers are for the member, and for the counsellor of their club."""


@dataclass(frozen=True)
class Entry:
    """What the counsellor reads: whose week it is, and what was told."""

    first_name: str | None
    week: Week


class Diary:
    """The diary of one person."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    @property
    def this_week(self) -> date:
        """Its Monday, in Rome."""
        return week_of(self.desk.now)

    def clubs(self) -> list[JobClub]:
        """The clubs this person is in."""
        mine = self.store.job_clubs.memberships_of(self.desk.person.id)
        found = (self.store.job_clubs.get(one.club_id) for one in mine if one.state == "member")
        return [club for club in found if club]

    def told(self, club_id: str, week: date) -> dict[str, Any]:
        """What was told of a week. Raises Gone for who is not in the club."""
        self._is_in(club_id)
        found = self.store.diaries.get(self.desk.person.id, club_id, week)
        return found.answers if found else {}

    def tell(self, club_id: str, week: date, name: str, answer: int | str | None) -> None:
        """Keep an answer at once, or take it out; going back to its question changes it. Raises Gone."""
        self._is_in(club_id)
        with self.store.revisable():
            self.store.diaries.tell(self.desk.person.id, club_id, week, self.desk.now, **{name: answer})

    def weeks(self) -> list[tuple[JobClub, list[Week]]]:
        """All that this person has told, also in a club they have left: club by club, the newest week first."""
        clubs: dict[str, list[Week]] = {}
        for week in reversed(self.store.diaries.of(self.desk.person.id)):
            if week.answers:
                clubs.setdefault(week.club_id, []).append(week)
        return [(club, told) for id, told in sorted(clubs.items()) if (club := self.store.job_clubs.get(id))]

    def trend(self, club_id: str) -> Trend | None:
        """The figures of the last weeks, once there are two of them."""
        told = {one.week: one.answers for one in self.store.diaries.of(self.desk.person.id) if one.club_id == club_id}
        return trend(told, self.this_week)

    def send_trend(self, club_id: str, before: Words) -> bool:
        """The trend as a picture, with its figures in words; False before there is one. Raises Gone without a chat."""
        found, chat = self.trend(club_id), self.desk.chat
        if found is None:
            return False
        if chat is None:
            raise Gone
        reader = self.desk.catalogues.reader(self.desk.person.language)
        chart = chart_of(found, reader)
        picture = self.store.files.keep(chart.drawn(), kind=KIND, at=self.desk.now) if chart.can_be_drawn else None
        self.desk.outbox.reply(
            chat,
            f"{lines(before).render(reader)}\n\n{in_words(found, reader)}",
            reply_to=self.desk.message_id,
            subject=about(club_id),
            carries={"file": picture, "name": FILE, "is_picture": True} if picture else None,
        )
        return True

    def _is_in(self, club_id: str) -> None:
        mine = self.store.job_clubs.membership_of(self.desk.person.id, club_id)
        if mine is None or mine.state != "member":
            raise Gone(_("You are not in this Job Club any more."))


def about(club_id: str) -> str:
    """What is written on messages with single answers in them: only who may read those may read these."""
    return f"diary:{club_id}"


def single(store: Store, club_id: str, staff_id: int, now: datetime) -> list[Entry]:
    """
    Every answer of a club's members, for its counsellor, person by person; each look is noted.

    Raises NotTheirCounsellor for everybody else, whatever their role.
    """
    club = store.job_clubs.get(club_id)
    if club is None or club.counsellor_id is None or club.counsellor_id != staff_id:
        raise NotTheirCounsellor(club_id)
    store.records.note(at=now, actor=f"staff:{staff_id}", action="diaries_read", subject=f"job_club:{club_id}")
    return [Entry(name, week) for name, week in store.diaries.of_members(club_id) if week.answers]


def totals_of(store: Store, club_id: str, now: datetime) -> Totals | None:
    """What a club's members have done in the weeks that are over, for reports; None where it gave somebody away."""
    this = week_of(now)
    told = store.diaries.of_club(club_id, before=this)
    return totals([Told(one.person_id, one.week, {name: getattr(one, name) for name in COUNTED}) for one in told], this)


def week_of(now: datetime) -> date:
    return monday(now.astimezone(ROME).date())


def chart_of(found: Trend, reader: Reader) -> Chart:
    """The picture of a trend."""
    return Chart(
        title=title_of(found).render(reader),
        weeks=[format_date(week, "d MMM", locale=locale_of(reader.language)) for week in found.weeks],
        rows=[Row(NAMES[name].render(reader), values) for name, values in found.figures.items()],
        gap=NO_ANSWER.render(reader),
    )


def in_words(found: Trend, reader: Reader) -> str:
    """The same for whoever cannot see the picture."""
    none = NO_ANSWER.render(reader)
    figures = [
        p_(
            "a figure, week by week",
            "{name}: {values}.",
            name=NAMES[name],
            values=", ".join(none if value is None else str(value) for value in values),
        )
        for name, values in found.figures.items()
    ]
    return lines(_("{title}, the oldest first.", title=title_of(found)), *figures).render(reader)


def title_of(found: Trend) -> Text:
    return n_("Your last {count} week", "Your last {count} weeks", len(found.weeks))
