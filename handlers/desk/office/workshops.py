# SPDX-License-Identifier: EUPL-1.2
"""Workshops as the desk plans them: what is on, who comes, new ones, and changes with all that follows from them."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk.changes import Changes
from handlers.desk.hours import hours_in
from handlers.desk.job_clubs import NotAllowed
from handlers.desk.office.refusals import Refused
from handlers.desk.office.rehearsal import Consequences, Rehearsal, reminders_of
from handlers.desk.office.written import LANGUAGES, SEEN, Written, fingerprint
from handlers.moments import SMALL_SHIFT, rome_day
from handlers.rules.content.kinds import LEVELS
from handlers.rules.job_clubs import COUNSELLORS
from handlers.rules.opening import Hours
from handlers.rules.recurrence import EVERY, MOST, Instant, Pattern, Planned, on_the_clock, planned, why_rest
from handlers.talk import Gone, Text, _, n_
from handlers.talk.text import ROME
from storage.series import Named, Series
from storage.staff import Member
from storage.venues import Kept
from storage.workshops import Attender, Busy, Counts, Line, Sought, Workshop

if TYPE_CHECKING:
    from handlers.desk.office import Office

AT_A_TIME = 50
MODES = ("in_person", "online", "both")
KNOWN_LANGUAGES = ("it", "en", "fr", "es", "ar", "ur", "bn", "ro", "uk", "zh", "sq", "pa", "ti", "ru", "pt")
MOST_PLACES = 500
MOST_MINUTES = 24 * 60
TITLE, SUMMARY, BRING = 150, 1500, 500  # letters
NO_CHANGE = ("line",)  # who waits is no change of a workshop
WORDS = ("title", "summary", "bring")


@dataclass(frozen=True)
class Choices:
    """What the fields of a form can be chosen from."""

    series: list[Series]
    areas: list[Named]
    venues: list[Kept]
    tutors: list[Member]


@dataclass(frozen=True)
class Row:
    """A line of the list with its places."""

    line: Line
    counts: Counts

    @property
    def free(self) -> int:
        return max(0, self.line.capacity - self.counts.booked - self.counts.offered)


@dataclass(frozen=True)
class Listed:
    """A page of the list; ``newer`` and ``older`` are the edges beyond which there is more, in its order."""

    rows: list[Row]
    back: str | None
    on: str | None


@dataclass(frozen=True)
class Card:
    """A workshop with everything the desk knows of it."""

    workshop: Workshop
    line: Line
    counts: Counts
    crowd: list[Attender]
    given_up: int
    reminders: tuple[datetime, ...]
    seen: str
    is_over: bool

    @property
    def free(self) -> int:
        return max(0, self.workshop.capacity - self.counts.booked - self.counts.offered)

    @property
    def positions(self) -> dict[int, int]:
        """By booking: where somebody stands in the line."""
        waiting = [one.booking.id for one in self.crowd if one.booking.state == "waiting"]
        return {id: number for number, id in enumerate(waiting, 1)}


@dataclass(frozen=True)
class Clash:
    """The tutor or the room is taken at that hour."""

    busy: Busy
    is_tutor: bool
    is_room: bool


@dataclass(frozen=True)
class Dated:
    """One of the days of a plan: when, whether it is left out and why, and what else is on."""

    day: date
    rest: str | None  # a reason of the rules, or no_such_hour, or past
    at: datetime | None
    is_twice: bool
    clashes: tuple[Clash, ...] = ()

    @property
    def takes_place(self) -> bool:
        return self.rest is None


@dataclass(frozen=True)
class Plan:
    """What is about to be created."""

    dates: list[Dated]
    minutes: int

    @property
    def is_empty(self) -> bool:
        return not any(one.takes_place for one in self.dates)


@dataclass(frozen=True)
class Told:
    """It is done: so many people are written to, so many are to be called."""

    written: int
    called: int

    @property
    def sentence(self) -> Text:
        if not self.written and not self.called:
            return _("It is done. Nobody had to be told.")
        return _(
            "It is done. {written} {called}",
            written=n_("{count} person is written to.", "{count} people are written to.", self.written),
            called=n_("{count} person is to be called.", "{count} people are to be called.", self.called)
            if self.called
            else "",
        )


class Workshops:
    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    # ---- looking

    def sought(self, **wishes: Any) -> Sought:
        scope = self.office.scope
        return Sought(self.office.now, areas=scope.areas, programmes=scope.programmes, **wishes)

    def listed(self, sought: Sought, *, after: str = "", before: str = "") -> Listed:
        """A page of the list, beyond an edge if one is given."""
        beyond, until = edge_of(after), edge_of(before)
        found = self.store.workshops.listed(sought, AT_A_TIME + 1, after=beyond, before=None if beyond else until)
        is_back = until is not None and beyond is None
        is_more = len(found) > AT_A_TIME
        lines = (found[-AT_A_TIME:] if is_back else found[:AT_A_TIME]) if is_more else found
        counts = self.store.workshops.all_counts([one.id for one in lines])
        has_back, has_on = (is_more, True) if is_back else (beyond is not None, is_more)
        return Listed(
            [Row(one, counts[one.id]) for one in lines],
            edge(lines[0]) if lines and has_back else None,
            edge(lines[-1]) if lines and has_on else None,
        )

    def choices(self) -> Choices:
        """Series, areas, venues and staff, as far as this member answers for them."""
        scope = self.office.scope
        return Choices(
            self.store.series.in_sight(scope.areas, scope.programmes),
            [one for one in self.store.series.areas() if scope.areas is None or one.id in scope.areas],
            self.store.venues.all(),
            [one for one in self.store.staff.all() if one.closed_at is None],
        )

    def card(self, id: int) -> Card:
        """Raises Gone for what is not there, or not theirs to see."""
        workshop, line, scope = self._mine(id), self.store.workshops.one_line(id), self.office.scope
        assert line is not None, "it has just been read"
        hours = hours_in(self.store, workshop.venue.comune_istat)
        return Card(
            workshop,
            line,
            self.store.workshops.counts(id),
            self.store.workshops.crowd(id, scope.areas, scope.programmes),
            self.store.workshops.given_up(id),
            reminders_of(workshop, hours, self.office.now),
            self._seen(id),
            workshop.ends_at <= self.office.now,
        )

    def one(self, id: int) -> Workshop:
        """Raises Gone for what is not there, or not theirs to see."""
        return self._mine(id)

    @property
    def names(self) -> bool:
        """Does this member follow people, and read their names?"""
        return self.office.may("people", "write")

    # ---- the code in the room

    def check_in_key(self, id: int) -> tuple[Workshop, str | None]:
        """What the code holds that hangs in the room; None until somebody has made one. Raises Gone."""
        return self._mine(id), self.store.workshops.check_in_key(id)

    def new_check_in_key(self, id: int) -> None:
        """Another one: what hung there before opens nothing any more. Raises Gone, and Refused when it is over."""
        if self._locked(id).is_online:
            raise Refused(_("It is online: there is no room."))
        self.store.workshops.change(id, check_in_key=secrets.token_urlsafe(12))
        self.office.note("check_in_code_made", f"workshop:{id}")

    # ---- new ones

    def blank(self, series_id: str = "") -> Written:
        """A form for a new workshop."""
        return Written.of(
            {"series": series_id, "capacity": 12, "languages": ["it"], "mode": "in_person", "minutes": 120}
            | {"closes_hours": 2, "every": "once", "times": 1}
        )

    def copy(self, id: int) -> Written:
        """A form filled in like another workshop, without its day."""
        filled = self.filled(id)
        kept = {
            name: filled.all(name) for name, _value in filled.fields if name not in ("opens", "closes", "starts", SEEN)
        }
        workshop = self._mine(id)
        closes = max(0, round((workshop.starts_at - workshop.closes_at) / timedelta(hours=1)))
        at = workshop.starts_at.astimezone(ROME)
        more = {"time": f"{at:%H:%M}", "capacity": workshop.capacity, "mode": workshop.mode, "link": workshop.link}
        return Written.of(kept | more | {"closes_hours": closes, "every": "once", "times": 1})

    def planned(self, form: Written) -> Plan | None:
        """The days of what is about to be created, with what stands in the way; None where the form is wrong."""
        choices = self.choices()
        values = self._values(form, choices)
        when = self._when(form)
        venue = next((one for one in choices.venues if one.id == form.get("venue")), None)
        if form.wrong or values is None or when is None:
            return None
        pattern, clock, minutes = when
        days = planned(pattern, self._hours(venue, choices.series, form.get("series")))
        dates = [self._dated(one, clock) for one in days]
        return Plan(self._with_clashes(dates, minutes, values["tutor_id"], venue, values["mode"]), minutes)

    def create(self, form: Written) -> list[int] | None:
        """All the days that are left, in one transaction; None where the form is wrong."""
        plan = self.planned(form)
        if plan is None:
            return None
        without = set(form.all("without"))
        starts = [one.at for one in plan.dates if one.takes_place and one.at and one.day.isoformat() not in without]
        if not starts:
            form.wrong["day"] = _("No day is left.")
            return None
        values = self._values(form, self.choices())
        opens, closes = self._opens(form), timedelta(hours=form.number("closes_hours", 0, 24 * 30) or 0)
        assert values is not None, "the plan stands"
        ids = self.store.workshops.add(
            {
                **values,
                "starts_at": at,
                "ends_at": at + timedelta(minutes=plan.minutes),
                "opens_at": opens,
                "closes_at": at - closes,
            }
            for at in starts
        )
        for id in ids:
            self.office.note("workshop_created", f"workshop:{id}")
        return ids

    # ---- words and facts of one that is there

    def filled(self, id: int) -> Written:
        """The form of a workshop, filled in as it stands."""
        self._mine(id)
        row = self.store.workshops.row(id)
        assert row is not None, "it has just been read"
        return Written.of(fields_of(row) | {SEEN: self._seen(id)})

    def edit(self, id: int, form: Written) -> bool:
        """
        Change what nobody needs to be told of; False where the form is wrong, or older than what stands.

        Where and when, the places and the link are changed by ``move``, ``switch`` and ``resize``.
        """
        before = self._locked(id)
        choices = self.choices()
        values = self._words(form) | self._facts(form, choices, is_meeting=before.is_meeting)
        minutes = form.number("minutes", 5, MOST_MINUTES)
        opens, closes = self._moment(form, "opens"), self._moment(form, "closes")
        if opens and closes and not opens < closes <= before.starts_at:
            form.wrong["closes"] = _("Booking ends after it begins, and before the start.")
        if self._is_stale(id, form) or form.wrong or minutes is None:
            return False
        ends_at = before.starts_at + timedelta(minutes=minutes)
        self.store.workshops.change(id, **values, ends_at=ends_at, opens_at=opens, closes_at=closes)
        self.office.note("workshop_edited", f"workshop:{id}")
        return True

    # ---- changes that people hear of

    def move(self, id: int, form: Written) -> Consequences | Told | None:
        """To another day, hour or room; None where the form is wrong."""
        before = self._locked(id)
        starts_at = self._instant(form)
        venue = self._venue(form)
        row = self.store.workshops.row(id)
        if starts_at and starts_at.at <= self.office.now:
            form.wrong["day"] = _("That is over.")
        if starts_at and row and venue and starts_at.at == before.starts_at and venue.id == row["venue_id"]:
            form.wrong["day"] = _("It is then and there already.")
        if before.is_meeting and self.rest_on(form):
            form.wrong["day"] = _("A Job Club does not meet on a day of rest.")
        if form.wrong or starts_at is None or venue is None or row is None:
            return None

        def act(changes: Changes) -> None:
            if venue.id != row["venue_id"]:  # first the room: whoever is told of the hour then reads both
                self._to_room(changes, id, venue, before, starts_at.at)
            else:
                changes.move(id, starts_at.at)

        return self._do(id, form, act)

    def switch(self, id: int, form: Written) -> Consequences | Told | None:
        """In a room, on the web, or both; with another link, or in another room."""
        before = self._locked(id)
        row = self.store.workshops.row(id)
        mode = form.one_of("mode", MODES)
        link = form.link("link", needed=mode in ("online", "both"))
        venue = self._venue(form)
        if mode in ("in_person", "both") and venue and venue.is_online:
            form.wrong["venue"] = _("This is no room. Choose where people meet.")
        if row and venue and (mode, link, venue.id) == (before.mode, before.link, row["venue_id"]):
            form.wrong["mode"] = _("It is so already.")
        if form.wrong or mode is None or venue is None or row is None:
            return None

        def act(changes: Changes) -> None:
            changes.rearrange(id, mode=mode, link=link, venue_id=venue.id)

        return self._do(id, form, act)

    def resize(self, id: int, form: Written) -> Consequences | Told | None:
        """More places, or fewer."""
        before = self._locked(id)
        if before.is_meeting:
            raise Refused(_("The places of a Job Club are changed on its page."))
        capacity = form.number("capacity", 0, MOST_PLACES)
        if capacity == before.capacity:
            form.wrong["capacity"] = _("There are so many places already.")
        if form.wrong or capacity is None:
            return None
        return self._do(id, form, lambda changes: changes.resize(id, capacity))

    def call_off(self, id: int, form: Written) -> Consequences | Told | None:
        self._locked(id)
        return self._do(id, form, lambda changes: changes.call_off(id))

    def entrust(self, id: int, form: Written) -> Consequences | Told | None:
        """Who holds a meeting of a Job Club, or nobody."""
        before = self._locked(id)
        if not before.is_meeting:
            raise Refused(_("This is no meeting of a Job Club."))
        holders = {str(one.id) for one in self.choices().tutors if one.role in COUNSELLORS}
        chosen = form.one_of("tutor", holders, needed=False)
        tutor_id = int(chosen) if chosen else None
        if not form.wrong and tutor_id == before.tutor_id:
            form.wrong["tutor"] = _("It is so already.")
        if form.wrong:
            return None
        try:
            return self._do(id, form, lambda changes: changes.entrust(id, tutor_id))
        except NotAllowed:
            form.wrong["tutor"] = _("Only a counsellor or a tutor holds a meeting.")
            return None

    def shift_is_small(self, id: int, form: Written) -> bool:
        """Is it moved by so little that who has been reminded is not reminded again?"""
        starts_at, before = self._instant(form), self._mine(id)
        return starts_at is not None and timedelta(0) < abs(starts_at.at - before.starts_at) < SMALL_SHIFT

    def rest_on(self, form: Written) -> str | None:
        """Why the day in the form is a day of rest where it takes place."""
        day, venue = form.day("day"), self._venue(form)
        return why_rest(day, hours_in(self.store, venue.comune_istat)) if day and venue else None

    # ---- how a change is made

    def _do(self, id: int, form: Written, act: Callable[[Changes], None]) -> Consequences | Told | None:
        """Try it and say what would follow; do it once somebody has seen that."""
        if self._is_stale(id, form):
            return None
        if not form.ticked("sure"):
            return Rehearsal(self.office, [id], names=self.names).of(lambda: act(self.changes()))
        changes = self.changes()
        act(changes)
        return Told(changes.written, changes.to_call)

    def changes(self) -> Changes:
        return Changes(self.store, self.office.now, self.office.catalogues, actor=self.office.actor)

    @staticmethod
    def _to_room(changes: Changes, id: int, venue: Kept, before: Workshop, starts_at: datetime) -> None:
        by = starts_at - before.starts_at
        mode = "online" if venue.is_online else "in_person" if before.is_online else before.mode
        times = {"starts_at": starts_at, "ends_at": before.ends_at + by, "closes_at": before.closes_at + by}
        changes.rearrange(id, venue_id=venue.id, mode=mode, **(times if by else {}))

    def _mine(self, id: int) -> Workshop:
        """Raises Gone for what is not there, or not of their areas and programmes."""
        found, scope = self.store.workshops.get(id), self.office.scope
        if found is None or not is_in_sight(scope.areas, scope.programmes, found.area_id, found.programme_id):
            raise Gone
        return found

    def _locked(self, id: int) -> Workshop:
        """The same, locked. Raises Refused for what is over or was called off: there is nothing to change."""
        self._mine(id)
        found = self.store.workshops.lock(id)
        if found is None:
            raise Gone
        if found.cancelled_at:
            raise Refused(_("It was called off, and stays so. Make a copy to hold it again."))
        if found.ends_at <= self.office.now:
            raise Refused(_("It is over: nothing can be changed any more."))
        return found

    def _seen(self, id: int) -> str:
        row = self.store.workshops.row(id) or {}
        return fingerprint({name: value for name, value in row.items() if name not in NO_CHANGE})

    def _is_stale(self, id: int, form: Written) -> bool:
        """Has somebody else changed it since the form was opened?"""
        if form.get(SEEN) == self._seen(id):
            return False
        form.wrong[SEEN] = _("Somebody has changed this meanwhile. Look at how it stands now, then send it again.")
        return True

    # ---- reading forms

    def _values(self, form: Written, choices: Choices) -> dict[str, Any] | None:
        """All that a new workshop needs besides its times."""
        venues = {one.id: one for one in choices.venues}
        mode = form.one_of("mode", MODES)
        venue_id = form.one_of("venue", venues)
        if mode in ("in_person", "both") and venue_id and venues[venue_id].is_online:
            form.wrong["venue"] = _("This is no room. Choose where people meet.")
        values = {
            **self._words(form),
            **self._facts(form, choices, is_meeting=False),
            "venue_id": venue_id,
            "capacity": form.number("capacity", 0, MOST_PLACES),
            "mode": mode,
            "link": form.link("link", needed=False),
        }
        return None if form.wrong else values

    @staticmethod
    def _words(form: Written) -> dict[str, Any]:
        return {
            "title": form.in_languages("title", TITLE),
            "summary": form.in_languages("summary", SUMMARY),
            "bring": form.in_languages("bring", BRING, needed=False),
        }

    @staticmethod
    def _facts(form: Written, choices: Choices, *, is_meeting: bool) -> dict[str, Any]:
        """Who holds it, for whom it is; a meeting stays in its club, and is entrusted on its own."""
        level = form.one_of("level", LEVELS, needed=False)
        facts = {
            "languages": form.some_of("languages", KNOWN_LANGUAGES),
            "italian_level": level,
            "counts_for_path": form.ticked("counts"),
        }
        if is_meeting:
            return facts
        tutor = form.one_of("tutor", {str(one.id) for one in choices.tutors}, needed=False)
        series = form.one_of("series", {one.id for one in choices.series})
        return {**facts, "tutor_id": int(tutor) if tutor else None, "series_id": series}

    def _when(self, form: Written) -> tuple[Pattern, time, int] | None:
        """The days of the form, the hour, and how many minutes it lasts."""
        first, clock = form.day("day"), form.clock("time")
        minutes = form.number("minutes", 5, MOST_MINUTES)
        every = form.one_of("every", EVERY) or "once"
        until = form.day("until", needed=False) if every != "once" else None
        times = 1 if every == "once" or until else form.number("times", 1, MOST)
        form.number("closes_hours", 0, 24 * 30)
        self._opens(form)
        if first and clock:
            instant = on_the_clock(first, clock)
            if instant and instant.at <= self.office.now:
                form.wrong["day"] = _("That is over.")
            elif first > rome_day(self.office.now) + timedelta(days=3 * 365):
                form.wrong["day"] = _("That is too far away.")
            elif instant is None and every == "once":
                form.wrong["time"] = NO_SUCH_HOUR
        if first and until and until < first:
            form.wrong["until"] = _("The last day comes before the first.")
        if form.wrong or first is None or clock is None or minutes is None or times is None:
            return None
        return Pattern(first, every, times, until), clock, minutes  # type: ignore[arg-type]

    def _instant(self, form: Written) -> Instant | None:
        day, clock = form.day("day"), form.clock("time")
        if day is None or clock is None:
            return None
        found = on_the_clock(day, clock)
        if found is None:
            form.wrong["time"] = NO_SUCH_HOUR
        return found

    def _opens(self, form: Written) -> datetime | None:
        """From when on people can book: at once, where nothing is written."""
        return self._moment(form, "opens") if form.get("opens") else self.office.now

    @staticmethod
    def _moment(form: Written, name: str) -> datetime | None:
        """A day and an hour in one field, as browsers write them."""
        day, _between, clock = form.get(name).replace("T", " ").partition(" ")
        parts = Written([("day", day), ("clock", clock.strip())])
        found_day, found_clock = parts.day("day"), parts.clock("clock")
        if found_day is None or found_clock is None:
            form.wrong[name] = _("Write a day and an hour like this: 2027-03-24 14:30")
            return None
        found = on_the_clock(found_day, found_clock)
        if found is None:
            form.wrong[name] = NO_SUCH_HOUR
        return found.at if found else None

    def _venue(self, form: Written) -> Kept | None:
        venues = {one.id: one for one in self.store.venues.all()}
        chosen = form.one_of("venue", venues)
        return venues[chosen] if chosen else None

    def _hours(self, venue: Kept | None, series: Collection[Series], series_id: str) -> Hours:
        """The days of rest of where it takes place; of its area, if it is online."""
        hours = hours_in(self.store, venue.comune_istat if venue else None)
        if hours.subdivision:
            return hours
        area = next((one.area_id for one in series if one.id == series_id), "")
        return replace(hours, subdivision=self.store.territories.subdivision(area))

    def _dated(self, one: Planned, clock: time) -> Dated:
        instant = on_the_clock(one.day, clock)
        if one.rest:
            return Dated(one.day, one.rest, None, False)
        if instant is None:
            return Dated(one.day, "no_such_hour", None, False)
        return Dated(one.day, None, instant.at, instant.is_twice)

    def _with_clashes(
        self, dates: list[Dated], minutes: int, tutor_id: int | None, venue: Kept | None, mode: str
    ) -> list[Dated]:
        """The same, each with what else the tutor or the room has at that hour."""
        starts = [one.at for one in dates if one.at]
        if not starts:
            return dates
        lasts = timedelta(minutes=minutes)
        room = venue.id if venue and not venue.is_online and mode != "online" else None
        busy = self.store.workshops.busy(min(starts), max(starts) + lasts, tutor_id=tutor_id, venue_id=room)
        return [
            Dated(one.day, one.rest, one.at, one.is_twice, clashes_at(one.at, one.at + lasts, busy, tutor_id, room))
            if one.at
            else one
            for one in dates
        ]


NO_SUCH_HOUR = _("This hour does not exist on that day: the clocks go forward.")


def clashes_at(
    start: datetime, end: datetime, busy: list[Busy], tutor_id: int | None, room: str | None
) -> tuple[Clash, ...]:
    """What else the tutor or the room has from one instant to another."""
    found = [
        Clash(one, tutor_id is not None and one.tutor_id == tutor_id, one.venue_id == room and one.mode != "online")
        for one in busy
        if one.starts_at < end and one.ends_at > start
    ]
    return tuple(one for one in found if one.is_tutor or one.is_room)


def is_in_sight(
    areas: Collection[str] | None, programmes: Collection[str] | None, area_id: str, programme_id: str
) -> bool:
    """Is something of one of these areas or programmes? None is no limit."""
    if areas is None and programmes is None:
        return True
    return area_id in (areas or ()) or programme_id in (programmes or ())


def fields_of(row: dict[str, Any]) -> dict[str, Any]:
    """A workshop as the fields of its form."""
    said = {f"{name}_{language}": (row[name] or {}).get(language) for name in WORDS for language in LANGUAGES}
    return said | {
        "series": row["series_id"],
        "venue": row["venue_id"],
        "tutor": row["tutor_id"],
        "languages": list(row["languages"]),
        "level": row["italian_level"],
        "counts": "1" if row["counts_for_path"] else None,
        "minutes": round((row["ends_at"] - row["starts_at"]) / timedelta(minutes=1)),
        "opens": in_rome(row["opens_at"]),
        "closes": in_rome(row["closes_at"]),
        "starts": in_rome(row["starts_at"]),
    }


def in_rome(at: datetime) -> str:
    """A moment as a field of a form holds it."""
    return at.astimezone(ROME).strftime("%Y-%m-%dT%H:%M")


def edge(line: Line) -> str:
    """Where a page of the list ends, in its address."""
    return f"{int(line.starts_at.timestamp())}-{line.id}"


def edge_of(given: str) -> tuple[datetime, int] | None:
    """The same read again; None for what is none."""
    seconds, _between, id = given.partition("-")
    if not (seconds.isascii() and seconds.isdigit() and id.isascii() and id.isdigit()):
        return None
    if len(seconds) > 11 or len(id) > 15:
        return None
    return datetime.fromtimestamp(int(seconds), UTC), int(id)
