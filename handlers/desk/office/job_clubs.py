# SPDX-License-Identifier: EUPL-1.2
"""Job Clubs as the desk plans them: who holds them, who is in them, their meetings, and new ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk.changes import Changes
from handlers.desk.diary import single, totals_of, week_of
from handlers.desk.hours import hours_in
from handlers.desk.job_clubs import NoReason, NotAllowed
from handlers.desk.meetings import enrol_in_meetings
from handlers.desk.office.refusals import Refused
from handlers.desk.office.rehearsal import Consequences, Rehearsal
from handlers.desk.office.workshops import MOST_MINUTES, MOST_PLACES, NO_SUCH_HOUR, Dated, Plan, Told, is_in_sight
from handlers.desk.office.written import SEEN, Written, fingerprint, slug
from handlers.moments import rome_day
from handlers.rules.booking import AlreadyOffered, AlreadyWaiting, Waiting
from handlers.rules.job_clubs import COUNSELLORS, AlreadyMember, Joined
from handlers.rules.opening import Hours
from handlers.rules.recurrence import Pattern, on_the_clock, planned
from handlers.rules.trend import Totals, Trend, trend
from handlers.talk import Gone, Text, _
from storage.diaries import Diary as Week
from storage.job_clubs import Candidate, JobClub, Listed, Path, Seats
from storage.series import JOB_CLUB, Named
from storage.staff import Member
from storage.venues import Kept
from storage.workshops import Counts, Line

if TYPE_CHECKING:
    from handlers.desk.office import Office

NAME, SUMMARY, REASON = 120, 1500, 500  # letters
MOST_MEETINGS = 52
FOUND = 20  # people at a time, when somebody is looked for


@dataclass(frozen=True)
class Row:
    """A club in the list."""

    club: JobClub
    seats: Seats
    next_at: datetime | None
    ahead: int

    @property
    def free(self) -> int:
        return max(0, self.club.capacity - self.seats.members - self.seats.offered)


@dataclass(frozen=True)
class Card:
    """A club with everything the desk knows of it."""

    club: JobClub
    seats: Seats
    meetings: list[Line]
    counts: dict[int, Counts]
    crowd: list[Listed]
    totals: Totals | None
    path: Path | None
    tutors: list[Member]
    seen: str

    @property
    def free(self) -> int:
        return max(0, self.club.capacity - self.seats.members - self.seats.offered)

    def of(self, *states: str) -> list[Listed]:
        return [one for one in self.crowd if one.membership.state in states]


@dataclass(frozen=True)
class Diary:
    """What one member has told of their weeks, the newest first, and their figures as a trend."""

    person_id: int
    first_name: str | None
    weeks: list[Week]
    trend: Trend | None


@dataclass(frozen=True)
class Choices:
    """What a new club can be made of."""

    programmes: list[Named]
    venues: list[Kept]
    tutors: list[Member]
    paths: list[Path]


class JobClubs:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    # ---- looking

    def listed(self) -> list[Row]:
        scope = self.office.scope
        seats, ahead = self.store.job_clubs.all_seats(), self.store.job_clubs.next_meetings(self.office.now)
        return [
            Row(one, seats.get(one.id, Seats(0, 0, 0)), *ahead.get(one.id, (None, 0)))
            for one in self.store.job_clubs.in_sight(scope.areas, scope.programmes)
        ]

    def card(self, id: str) -> Card:
        """Raises Gone for what is not there, or not theirs to see."""
        club, scope = self._mine(id), self.office.scope
        meetings = self.store.workshops.of_series(id)
        return Card(
            club,
            self.store.job_clubs.seats(id),
            meetings,
            self.store.workshops.all_counts([one.id for one in meetings]),
            self.store.job_clubs.crowd(id, scope.areas, scope.programmes),
            totals_of(self.store, id, self.office.now),
            self.store.job_clubs.path(club.path_id) if club.path_id else None,
            self.counsellors(),
            seen(club),
        )

    def counsellors(self) -> list[Member]:
        """Who may hold a meeting."""
        return [one for one in self.store.staff.all() if one.closed_at is None and one.role in COUNSELLORS]

    def candidates(self, id: str, called: str) -> list[Candidate]:
        """Who could be let in, of those this member answers for: by first name, or by number."""
        scope = self.office.scope
        if not called:
            return []
        return self.store.job_clubs.candidates(id, called, scope.areas, scope.programmes, FOUND)

    def diaries(self, id: str) -> list[Diary]:
        """Every answer of the members, for the club's own counsellor; each look is noted. Raises NotTheirCounsellor."""
        self._mine(id)
        found: dict[int, Diary] = {}
        this = week_of(self.office.now)
        entries = single(self.store, id, self.office.member.id, self.office.now)
        for entry in entries:
            one = found.setdefault(entry.week.person_id, Diary(entry.week.person_id, entry.first_name, [], None))
            one.weeks.insert(0, entry.week)
        return [
            replace(one, trend=trend({week.week: week.answers for week in one.weeks}, this)) for one in found.values()
        ]

    # ---- changes that people hear of

    def entrust(self, id: str, form: Written) -> Consequences | Told | None:
        """Who holds the club: all meetings ahead that were held by the one before, too."""
        club = self._locked(id, form)
        known = {str(one.id) for one in self.counsellors()}
        chosen = form.one_of("counsellor", known, needed=False)
        counsellor_id = int(chosen) if chosen else None
        if not form.wrong and counsellor_id == club.counsellor_id:
            form.wrong["counsellor"] = _("It is so already.")
        if form.wrong:
            return None
        meetings = self._meetings(id)

        def act(changes: Changes) -> None:
            self.store.job_clubs.change(id, counsellor_id=counsellor_id)
            self.office.note("club_entrusted", f"job_club:{id}", counsellor=counsellor_id)
            for meeting in meetings:
                found = self.store.workshops.lock(meeting)
                if found and found.tutor_id == club.counsellor_id:
                    changes.entrust(meeting, counsellor_id)

        return self._do(id, form, act)

    def resize(self, id: str, form: Written) -> Consequences | Told | None:
        club = self._locked(id, form)
        capacity = form.number("capacity", 0, MOST_PLACES)
        if capacity == club.capacity:
            form.wrong["capacity"] = _("There are so many places already.")
        if form.wrong or capacity is None:
            return None
        return self._do(id, form, lambda changes: changes.resize_club(id, capacity))

    def _do(self, id: str, form: Written, act: Callable[[Changes], None]) -> Consequences | Told:
        """Try it and say what would follow; do it once somebody has seen that."""
        changes = Changes(self.store, self.office.now, self.office.catalogues, actor=self.office.actor)
        if not form.ticked("sure"):
            names = self.office.may("people", "write")
            return Rehearsal(self.office, self._meetings(id), [id], names=names).of(lambda: act(changes))
        act(changes)
        return Told(changes.written, changes.to_call)

    # ---- more meetings

    def add_meeting(self, id: str, form: Written) -> int | None:
        """One more meeting on a day of its own; None where the form is wrong."""
        club = self._locked(id, form)
        day, clock, minutes = form.day("day"), form.clock("time"), form.number("minutes", 5, MOST_MINUTES)
        instant = on_the_clock(day, clock) if day and clock else None
        if day and clock and instant is None:
            form.wrong["time"] = NO_SUCH_HOUR
        if instant and instant.at <= self.office.now:
            form.wrong["day"] = _("That is over.")
        if day and self._hours(club).rests(day):
            form.wrong["day"] = _("A Job Club does not meet on a day of rest.")
        if form.wrong or instant is None or minutes is None:
            return None
        ids = self._add_meetings(club, [instant.at], minutes)
        self.store.job_clubs.change(id, meetings=club.meetings + 1)
        enrol_in_meetings(self.store, id, self.office.now)
        self.office.note("meeting_added", f"workshop:{ids[0]}", club=id)
        return ids[0]

    def prolonged(self, id: str, form: Written) -> Plan | None:
        """The next meetings after the last one, as they would be; None where the form is wrong."""
        club = self._mine(id)
        count = form.number("count", 1, MOST_MEETINGS)
        if count is None:
            return None
        last = self.store.workshops.of_series(id)[-1:]
        after = max([rome_day(self.office.now), *(rome_day(one.starts_at) for one in last)])
        return self._plan(club.weekday, after + timedelta(days=1), count, club.time, club.minutes, self._hours(club))

    def prolong(self, id: str, form: Written) -> int | None:
        """Plan them; returns how many."""
        club = self._locked(id, form)
        plan = self.prolonged(id, form)
        starts = [one.at for one in plan.dates if one.at] if plan else []
        if form.wrong or not starts:
            return None
        self._add_meetings(club, starts, club.minutes)
        self.store.job_clubs.change(id, meetings=club.meetings + len(starts))
        self.store.series.change(id, ends_on=rome_day(starts[-1]))
        enrol_in_meetings(self.store, id, self.office.now)
        self.office.note("club_prolonged", f"job_club:{id}", meetings=len(starts))
        return len(starts)

    # ---- letting somebody in

    def let_in(self, id: str, form: Written) -> Text | None:
        """Somebody without the path, for a reason: what became of it, in words; None where the form is wrong."""
        self._mine(id)
        person = form.number("person", 1, 10**9 - 1)
        because = form.text("because", REASON)
        if form.wrong or person is None or because is None:
            return None
        desk = self.office.desk_of(person)
        self.store.dialogues.lock_person(person)
        try:
            decision = desk.job_clubs.let_in(id, staff_id=self.office.member.id, because=because)
        except NoReason:
            form.wrong["because"] = _("Write something here.")
            return None
        except NotAllowed:
            raise Refused(_("Only a counsellor or a tutor lets somebody in.")) from None
        match decision:
            case Joined():
                return _("They are in the Job Club now.")
            case AlreadyMember():
                return _("They are in this Job Club already.")
            case AlreadyOffered():
                return _("A place is offered to them already: they only have to say yes.")
            case Waiting(position=position) | AlreadyWaiting(position=position):
                return _("The Job Club is full. They are number {position} in line.", position=position)
        return _("They cannot be let in.")

    # ---- new ones

    def choices(self) -> Choices:
        return Choices(
            self.office.series.programmes(),
            self.store.venues.all(),
            self.counsellors(),
            self.store.job_clubs.paths(),
        )

    def blank(self) -> Written:
        """A form for a new club."""
        return Written.of({"weekday": 0, "time": "10:00", "minutes": 120, "count": 12, "capacity": 10})

    def planned(self, form: Written) -> Plan | None:
        """The meetings of what is about to be created; None where the form is wrong."""
        choices = self.choices()
        self._values(form, choices)
        first, clock = form.day("day"), form.clock("time")
        weekday, count = form.number("weekday", 0, 5), form.number("count", 1, MOST_MEETINGS)
        minutes = form.number("minutes", 5, MOST_MINUTES)
        if first and first < rome_day(self.office.now):
            form.wrong["day"] = _("That is over.")
        if first and first > rome_day(self.office.now) + timedelta(days=3 * 365):
            form.wrong["day"] = _("That is too far away.")
        if form.wrong or first is None or clock is None or weekday is None or count is None or minutes is None:
            return None
        venue = next(one for one in choices.venues if one.id == form.get("venue"))
        programme = next(one for one in choices.programmes if one.id == form.get("programme"))
        hours = self._hours_at(venue.comune_istat, programme.area_id or "")
        return self._plan(weekday, first, count, f"{clock:%H:%M}", minutes, hours)

    def create(self, form: Written) -> str | None:
        """The club with its series and its meetings; None where the form is wrong."""
        plan = self.planned(form)
        if plan is None or plan.is_empty:
            return None
        choices = self.choices()
        values = self._values(form, choices)
        starts = [one.at for one in plan.dates if one.at]
        days = [one.day for one in plan.dates if one.takes_place]
        id = slug(values["name"]["it"], self.store.series.ids_like(slug(values["name"]["it"], ())))
        programme = next(one for one in choices.programmes if one.id == values["programme_id"])
        self.store.series.add(
            id=id,
            kind=JOB_CLUB,
            programme_id=programme.id,
            area_id=programme.area_id,
            name=values["name"],
            starts_on=days[0],
            ends_on=days[-1],
        )
        self.store.job_clubs.add(
            id=id,
            venue_id=values["venue_id"],
            counsellor_id=values["counsellor_id"],
            weekday=int(form.get("weekday")),
            time=f"{form.clock('time'):%H:%M}",
            minutes=plan.minutes,
            first_on=days[0],
            meetings=len(starts),
            capacity=values["capacity"],
            path_id=values["path_id"],
        )
        club = self.store.job_clubs.get(id)
        assert club is not None, "it has just been written"
        self._add_meetings(club, starts, plan.minutes, summary=values["summary"])
        self.office.note("club_created", f"job_club:{id}", meetings=len(starts))
        return id

    def _values(self, form: Written, choices: Choices) -> dict[str, Any]:
        counsellor = form.one_of("counsellor", {str(one.id) for one in choices.tutors}, needed=False)
        return {
            "name": form.in_languages("name", NAME),
            "summary": form.in_languages("summary", SUMMARY),
            "programme_id": form.one_of("programme", {one.id for one in choices.programmes}),
            "venue_id": form.one_of("venue", {one.id for one in choices.venues}),
            "counsellor_id": int(counsellor) if counsellor else None,
            "capacity": form.number("capacity", 1, MOST_PLACES),
            "path_id": form.one_of("path", {one.id for one in choices.paths}, needed=False),
        }

    @staticmethod
    def _plan(weekday: int, first: date, count: int, clock: str, minutes: int, hours: Hours) -> Plan:
        """So many meetings, one a week, from the first such weekday on; days of rest are left out and do not count."""
        start = first + timedelta(days=(weekday - first.weekday()) % 7)
        hour = time.fromisoformat(clock)
        found = []
        for one in planned(Pattern(start, "week", count), hours):
            instant = None if one.rest else on_the_clock(one.day, hour)
            rest = one.rest or (None if instant else "no_such_hour")
            found.append(Dated(one.day, rest, instant.at if instant else None, bool(instant and instant.is_twice)))
        return Plan(found, minutes)

    def _add_meetings(
        self, club: JobClub, starts: list[datetime], minutes: int, summary: dict[str, str] | None = None
    ) -> list[int]:
        """Meetings that say what the last one said, where the club meets."""
        before = self.store.workshops.of_series(club.id)[-1:]
        like = self.store.workshops.row(before[0].id) if before else None
        seats = self.store.job_clubs.seats(club.id)
        values = {
            "series_id": club.id,
            "title": club.name,
            "summary": summary or (like["summary"] if like else club.name),
            "bring": like["bring"] if like else None,
            "venue_id": self.store.job_clubs.venue_of(club.id),
            "tutor_id": club.counsellor_id,
            "opens_at": self.office.now,
            "capacity": max(club.capacity, seats.members),  # nobody has lost their place where a club was made smaller
            "languages": like["languages"] if like else ["it"],
            "counts_for_path": False,
            "mode": "in_person" if club.venue.comune_istat else "online",
            "link": like["link"] if like and like["mode"] == "online" and not club.venue.comune_istat else None,
        }
        lasts = timedelta(minutes=minutes)
        return self.store.workshops.add(
            {**values, "starts_at": at, "ends_at": at + lasts, "closes_at": at} for at in starts
        )

    # ---- whose it is

    def _mine(self, id: str) -> JobClub:
        found, scope = self.store.job_clubs.get(id), self.office.scope
        if found is None or not is_in_sight(scope.areas, scope.programmes, found.area_id, found.programme_id):
            raise Gone
        return found

    def _locked(self, id: str, form: Written) -> JobClub:
        """The club, locked; a form that is older than how it stands is noted as wrong."""
        self._mine(id)
        found = self.store.job_clubs.lock(id)
        if found is None:
            raise Gone
        if form.get(SEEN) != seen(found):
            form.wrong[SEEN] = _("Somebody has changed this meanwhile. Look at how it stands now, then send it again.")
        return found

    def _meetings(self, id: str) -> list[int]:
        return self.store.job_clubs.meetings(id, self.office.now)

    def _hours(self, club: JobClub) -> Hours:
        return self._hours_at(club.venue.comune_istat, club.area_id)

    def _hours_at(self, comune: str | None, area_id: str) -> Hours:
        """The days of rest of where a club meets; of its area, if it meets online."""
        hours = hours_in(self.store, comune)
        return replace(hours, subdivision=hours.subdivision or self.store.territories.subdivision(area_id))


def seen(club: JobClub) -> str:
    """How a club stands, in a few signs; who waits is no change of it."""
    names = [name for name in JobClub.__dataclass_fields__ if name not in ("line", "venue", "counsellor")]
    return fingerprint({name: getattr(club, name) for name in names})
