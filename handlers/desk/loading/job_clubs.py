# SPDX-License-Identifier: EUPL-1.2
"""Job Clubs on their way into the database: each with its meetings, and the members of the demonstration."""

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk.hours import hours_in
from handlers.desk.loading.rows import fields, rows
from handlers.desk.meetings import enrol_in_meetings
from handlers.moments import told_of
from handlers.rules.content import WEEKDAYS, Row
from handlers.rules.content.times import ROME
from handlers.rules.meetings import days, instants
from handlers.rules.opening import Hours
from storage.content import Outcome
from storage.job_clubs import JobClub
from storage.workshops import Workshop

if TYPE_CHECKING:
    from handlers.desk.loading.files import Loading

CLUB = "job_club"  # the kind of series that a club is
USUAL_LANGUAGES = ["it"]
A_DAY = timedelta(days=1)


class JobClubs:
    """
    The file of the clubs.

    A club keeps its days once it is there: what was planned, moved or called off since stays so, and what the file
    changes is changed only at meetings ahead that were still as the club was.
    """

    def __init__(self, loading: "Loading") -> None:
        self.loading, self.store, self.stored = loading, loading.store, loading.stored

    def load(self, file: Row) -> None:
        clubs = rows(file, "job_clubs")
        for club in clubs:
            summary = _in_one_line(rows(file, "meeting_agenda"), club)
            before = self.store.job_clubs.lock(club.id)
            if before is None:
                self._new(club, summary)
            else:
                self._change(club, summary, before)
        for club_id in dict.fromkeys([*(club.id for club in clubs), *self._members(file)]):
            enrol_in_meetings(self.store, club_id, self.loading.now)
        if aside := _without_place(file):
            self.loading.report.without_place[self.loading.file] = aside

    # ---- a new club

    def _new(self, club: Row, summary: dict[str, str]) -> None:
        plan = club["recurrence"]
        weekday = WEEKDAYS.index(plan["weekday"])
        first = self.loading.today + timedelta(days=plan["first_day_offset"])
        planned = days(first, weekday, plan["meetings"], self._hours(club))
        series = {"kind": CLUB, "programme_id": club["programme"], "area_id": club["area"]}
        lasts = {"starts_on": planned[0], "ends_on": planned[-1]}
        self.stored.put("series", ("id",), fields(club, "id", "name") | series | lasts)
        values = {
            "id": club.id,
            "venue_id": club["venue"],
            "counsellor_id": self.loading.tutor(club.get("counsellor")),
            "weekday": weekday,
            "time": plan["time"],
            "minutes": plan["duration_min"],
            "first_on": planned[0],
            "meetings": plan["meetings"],
            "capacity": club["capacity"],
            "line": 0,
            "path_id": _path(club),
        }
        self.loading.put("job_clubs", values)
        self._add_meetings(club, summary, planned, 1)

    def _add_meetings(self, club: Row, summary: dict[str, str], planned: list[date], first: int) -> None:
        found = self.store.job_clubs.get(club.id)
        assert found is not None, "it has just been written"
        for number, day in enumerate(planned, first):
            starts_at, ends_at = instants(day, found.time, found.minutes)
            values = {
                "code": f"{club.id}-{number}",
                "series_id": club.id,
                "tutor_id": found.counsellor_id,
                "venue_id": club["venue"],
                "mode": self.loading.usual_mode(club["venue"]),
                "starts_at": starts_at,
                "ends_at": ends_at,
                "opens_at": self.loading.now,
                "closes_at": starts_at,
                # Nobody has lost their place where a club was made smaller.
                "capacity": max(found.capacity, self.store.job_clubs.seats(club.id).members),
                "counts_for_path": False,
                "line": 0,
                "revision": 0,
                **_said_of_each(club, summary),
            }
            self._count("meetings", self.stored.put("workshops", ("code",), values))

    # ---- a club that is there

    def _change(self, club: Row, summary: dict[str, str], before: JobClub) -> None:
        had = self.stored.find("job_clubs", {"id": club.id})
        assert had is not None, "it is locked"
        meetings = max(club["recurrence"]["meetings"], before.meetings)
        counsellor_id = self.loading.tutor(club.get("counsellor"))
        says = {"venue_id": club["venue"], "counsellor_id": counsellor_id, "path_id": _path(club)}
        is_resized = club["capacity"] != before.capacity
        if is_resized:
            self.loading.changes().resize_club(club.id, club["capacity"])
        outcomes = {
            self.stored.put("series", ("id",), fields(club, "id", "name")),
            self.stored.put("job_clubs", ("id",), {"id": club.id, "meetings": meetings, **says}),
        }
        self._count("job_clubs", "changed" if is_resized or "changed" in outcomes else "unchanged")
        ids = self.store.job_clubs.meetings(club.id, self.loading.now)
        ahead = [meeting for meeting in map(self.store.workshops.lock, ids) if meeting]
        for meeting in ahead:
            is_changed = self._change_meeting(meeting, had, says, _said_of_each(club, summary))
            self._count("meetings", "changed" if is_resized or is_changed else "unchanged")
        for _ in range(before.meetings - len(ahead)):
            self._count("meetings", "unchanged")
        self._tell(ahead)
        if meetings > before.meetings:
            self._prolong(club, summary, before, meetings - before.meetings)
        self._say_what_stays(club, before)

    def _change_meeting(
        self, meeting: Workshop, had: dict[str, Any], says: dict[str, Any], said: dict[str, Any]
    ) -> bool:
        """A meeting ahead: its words, and what was as the club had it and is different there now."""
        is_entrusted = meeting.tutor_id == had["counsellor_id"] != says["counsellor_id"]
        if is_entrusted:
            self.loading.changes().entrust(meeting.id, says["counsellor_id"])
        row = self.stored.find("workshops", {"code": meeting.code})
        assert row is not None, "it is locked"
        elsewhere = {}
        if row["venue_id"] == had["venue_id"] != says["venue_id"]:
            elsewhere["venue_id"] = says["venue_id"]
            if row["mode"] == self.loading.usual_mode(had["venue_id"]):
                elsewhere["mode"] = self.loading.usual_mode(says["venue_id"])
        outcome = self.stored.put("workshops", ("code",), {"code": meeting.code, **said, **elsewhere})
        return is_entrusted or outcome == "changed"

    def _tell(self, ahead: list[Workshop]) -> None:
        """Who is to come elsewhere hears it once, about their next meeting; the reminders say it of the others."""
        have_heard: set[int] = set()
        for before in ahead:
            expected = {booking.person_id for booking in self.store.workshops.booked(before.id)}
            after = self.store.workshops.get(before.id)
            if not expected <= have_heard:
                self.loading.tell(before)
            elif after and told_of(after) != told_of(before):
                self.store.workshops.change(before.id, revision=before.revision + 1)
            have_heard |= expected

    def _prolong(self, club: Row, summary: dict[str, str], before: JobClub, count: int) -> None:
        """More meetings, after the last that is planned or takes place."""
        series = self.stored.find("series", {"id": club.id})
        assert series is not None, "a club is a series"
        ahead = map(self.store.workshops.get, self.store.job_clubs.meetings(club.id, self.loading.now))
        taken = [meeting.starts_at.astimezone(ROME).date() for meeting in ahead if meeting]
        last = max(series["ends_on"], self.loading.today, *taken)
        planned = days(last + A_DAY, before.weekday, count, self._hours(club))
        self.stored.put("series", ("id",), {"id": club.id, "ends_on": planned[-1]})
        self._add_meetings(club, summary, planned, before.meetings + 1)

    def _say_what_stays(self, club: Row, before: JobClub) -> None:
        plan, notes = club["recurrence"], self.loading.report.notes
        if (WEEKDAYS[before.weekday], before.time, before.minutes) != _when(plan):
            notes.append(f"{club.id}: its meetings keep their days and times; the desk moves them one by one")
        if plan["meetings"] < before.meetings:
            notes.append(f"{club.id}: {before.meetings} meetings are planned and stay; the desk can call them off")
        if not self.store.job_clubs.meetings(club.id, self.loading.now):
            notes.append(f"{club.id}: all its meetings are over; a greater number of meetings adds more")

    # ---- the members of the demonstration

    def _members(self, file: Row) -> list[str]:
        """The clubs that have members here."""
        here = rows(file, "demo_members"), rows(file, "demo_former_members")
        people = {person["code"]: person["id"] for person in self.stored.rows("people")} if any(here) else {}
        for row in here[0]:
            for code in row["people"]:
                self._member(row["club"], code, people[code])
        for row in here[1]:
            self._former_member(row, people[row["person"]])
        return [row["club"] for row in here[0]]

    def _member(self, club_id: str, code: str, person_id: int) -> None:
        club, seats = self.store.job_clubs.lock(club_id), self.store.job_clubs.seats(club_id)
        assert club is not None, "the file was checked"
        if self._was_here(person_id, club_id):
            self._count("members", "unchanged")
        elif seats.waiting or seats.members + seats.offered >= club.capacity:
            self.loading.report.notes.append(f"{club_id}: {code} is not a member, for there is no free place")
        else:
            self._add_membership(club_id, person_id, state="member", joined_at=self.loading.now)
            self._count("members", "new")

    def _former_member(self, row: Row, person_id: int) -> None:
        was_here = self._was_here(person_id, row["club"])
        if not was_here:
            left_at = self.loading.now + timedelta(days=row["left_day_offset"])
            self._add_membership(row["club"], person_id, state="left", left_at=left_at)
        self._count("former members", "unchanged" if was_here else "new")

    def _was_here(self, person_id: int, club_id: str) -> bool:
        """Who has ever asked for a place, or left one, has decided for themselves."""
        return any(one.club_id == club_id for one in self.store.job_clubs.history_of(person_id))

    def _add_membership(self, club_id: str, person_id: int, **values: Any) -> None:
        self.store.job_clubs.add_membership(
            club_id=club_id, person_id=person_id, admitted_by="path", changed_at=self.loading.now, **values
        )

    def _hours(self, club: Row) -> Hours:
        """The days of rest of where the club meets; of its area, if it meets online."""
        venue = self.stored.find("venues", {"id": club["venue"]})
        hours = hours_in(self.store, venue["comune_istat"] if venue else None)
        return replace(hours, subdivision=hours.subdivision or self.store.territories.subdivision(club["area"]))

    def _count(self, noun: str, outcome: Outcome) -> None:
        self.loading.report.count(self.loading.file, noun, outcome)


def _path(club: Row) -> str | None:
    admission = club.get("admission")
    return admission["path"] if admission else None


def _when(plan: Row) -> tuple[str, str, int]:
    return plan["weekday"], plan["time"], plan["duration_min"]


def _said_of_each(club: Row, summary: dict[str, str]) -> dict[str, Any]:
    """What the meetings of a club all say."""
    return {"title": club["name"], "summary": summary, "languages": club.get("languages") or USUAL_LANGUAGES}


def _in_one_line(agenda: list[Row], club: Row) -> dict[str, str]:
    """What happens at a meeting; without an agenda, the name of the club."""
    said = {name: " ".join(part[name] for part in agenda) for name in ("it", "en")}
    return said if agenda else club["name"]


def _without_place(file: Row) -> list[str]:
    clubs = rows(file, "job_clubs")
    aside = [name for name in ("equipment", "equipment_slots") if any(club.get(name) for club in clubs)]
    return aside + [name for name in ("monitoring_form",) if file.get(name)]
