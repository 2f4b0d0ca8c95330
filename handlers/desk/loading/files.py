# SPDX-License-Identifier: EUPL-1.2
"""The files of a programme on their way into the database, one after the other."""

from datetime import date, datetime, timedelta
from typing import Any

from handlers.desk.changes import Changes
from handlers.desk.loading.job_clubs import JobClubs
from handlers.desk.loading.report import Report
from handlers.desk.loading.rows import fields, rows, said
from handlers.rules.content import FILES, SERVICE, Content, Row, done_of, instant, is_jobseeker, is_staff, working_day
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.content import Content as Stored
from storage.workshops import Workshop

BOOKING_OPENS = "08:00"
ACTOR = LOADED_BY = "content"  # who changed it; and where a dialogue names the release that wrote it
VENUE = ("id", "comune_istat", "address", "step_free", "hearing_loop", "toilet", "bus", "note", "latitude", "longitude")
ORGANISATION = ("id", "comune_istat", "sector", "phone", "email", "address", "opening")
CONSENT = ("text", "required", "default", "per_use", "legal_basis", "withdraw_word", "channel")


class Loading:
    """One folder on its way into the database."""

    def __init__(self, store: Store, content: Content, today: date, now: datetime, catalogues: Catalogues) -> None:
        self.store = store
        self.stored = Stored(store)
        self.content = content
        self.today = today
        self.now = now
        self.catalogues = catalogues
        self.file = ""
        self.report = Report(unknown=content.unknown)

    def all(self) -> None:
        for self.file, load_file in _LOADERS:
            if self.file in self.content.files:
                load_file(self, self.content.files[self.file])
        loaded = {file for file, _ in _LOADERS}
        for file in FILES:
            if file in self.content.files and file not in loaded:
                self.report.without_place[file] = []

    def put(self, table: str, values: dict[str, Any], key: str = "id", at_first: dict[str, Any] | None = None) -> None:
        self.report.count(self.file, table, self.stored.put(table, (key,), values, at_first))

    def territories(self, file: Row) -> None:
        patrons = (file.get("local_patron_days") or {}).get("entries") or ()
        patron_days = {one["istat"]: one["day"] for one in patrons}
        for area in file["areas"]:
            self.put("areas", fields(area, "id", "name", "province", "region", "patron_subdivision", "programmes"))
            for union in area["unions"]:
                self.put("unions", fields(union, "id", "name") | {"area_id": area["id"]})
                for comune in union["comuni"]:
                    values = fields(comune, "istat", "cadastral", "name") | {"union_id": union["id"]}
                    values["patron_day"] = patron_days.get(comune["istat"])
                    self.put("comuni", values, key="istat")

    def programmes(self, file: Row) -> None:
        for programme in file["programmes"]:
            belongs_to = {"area_id": programme["area"], "parent_id": programme.get("parent")}
            self.put("programmes", fields(programme, "id", "name", "kind", "summary") | belongs_to)

    def organisations(self, file: Row) -> None:
        area_of = {place.istat: place.area for place in self.store.territories.places()}
        for venue in rows(file, "venues"):
            self.put("venues", fields(venue, *VENUE) | {"name": _shown_name(venue, file)})
        bodies = rows(file, "training_bodies") + rows(file, "training_bodies_other_areas")
        for organisation in rows(file, "organisations") + bodies:
            area = organisation.get("area") or area_of.get(organisation.get("comune_istat") or "")
            named = {"name": _shown_name(organisation, file), "kind": organisation.get("kind") or "training_body"}
            self.put("organisations", fields(organisation, *ORGANISATION) | named | {"area_id": area})

    def people(self, file: Row) -> None:
        for member in filter(is_staff, file["people"]):
            self._staff(member)
        already_here = self.stored.ids("people")
        for person in filter(is_jobseeker, file["people"]):
            # Who is here may have told us a new name or language: the file does not know better.
            if person.id not in already_here:
                self._jobseeker(person)
            self.report.count("people", "jobseekers", "unchanged" if person.id in already_here else "new")

    def _staff(self, member: Row) -> None:
        """A member of staff; somebody who was given access by e-mail address is recognised by it."""
        values = {
            "code": member.id,
            "email": member["email"].lower(),
            "organisation_id": member.get("organisation"),
            **fields(member, "name", "role", "languages"),
        }
        self.put("staff", values, key="code" if member.id in self.stored.ids("staff") else "email")

    def _jobseeker(self, person: Row) -> None:
        _, met = self.store.people.meet(
            person["channel"],
            f"demo:{person.id}",
            simulated=True,
            language=person["language"],
            release=LOADED_BY,
            now=self.now,
        )
        self.store.people.change(
            met.id,
            code=person.id,
            first_name=person["name"].split()[0],
            birth_year=self.today.year - person["age"],
            comune_istat=person.get("comune_istat"),
            italian_level=(person.get("facts") or {}).get("italian_level"),
            registered_at=self.now,
        )

    def path_records(self, file: Row) -> None:
        """What people have done on a path elsewhere; what is on record here is known better here."""
        people = {person["code"]: person["id"] for person in self.stored.rows("people")}
        for path in self.stored.rows("paths"):
            for person in filter(is_jobseeker, file["people"]):
                if done := done_of(person, (path["group_meetings"], path["interviews"])):
                    self._path_record(people[person.id], path["id"], *done)

    def _path_record(self, person_id: int, path_id: str, group_meetings: int, interviews: int) -> None:
        key = {"person_id": person_id, "path_id": path_id}
        found = self.stored.find("path_records", key)
        if not found:
            values = {"group_meetings": group_meetings, "interviews": interviews, "at": self.now}
            self.stored.put("path_records", tuple(key), key | values)
        self.report.count(self.file, "path_records", "unchanged" if found else "new")

    def workshops(self, file: Row) -> None:
        if path := (file.get("rules") or {}).get("path_definition"):
            done = {"group_meetings": path["group_meetings"], "interviews": path["individual_interviews"]}
            self.put("paths", {"id": path.id} | done)
        waiting = [series.id for series in rows(file, "series") if _has_no_place(series)]
        for series in rows(file, "series"):
            if series.id not in waiting:
                self._series(series)
        patrons = self._patrons()
        for workshop in rows(file, "workshops"):
            if workshop["series"] in waiting or _has_no_place(workshop):
                waiting.append(workshop.id)
            else:
                self._workshop(workshop, patrons[workshop["series"]])
        if waiting:
            self.report.without_place["workshops"] = waiting

    def _patrons(self) -> dict[str, str | None]:
        """By series: the province whose patron saint's day is kept there."""
        of_area = {area["id"]: area["patron_subdivision"] for area in self.stored.rows("areas")}
        return {series["id"]: of_area[series["area_id"]] for series in self.stored.rows("series")}

    def _series(self, series: Row) -> None:
        patron = self.store.territories.subdivision(series["area"])
        values = {
            "programme_id": series["programme"],
            "area_id": series["area"],
            "starts_on": working_day(self.today, series["starts_day_offset"], patron),
            "ends_on": working_day(self.today, series["ends_day_offset"], patron),
        }
        self.put("series", fields(series, "id", "kind", "name") | values)

    def _workshop(self, workshop: Row, patron: str | None) -> None:
        times = self._times(workshop, patron)
        found = self.stored.find("workshops", {"code": workshop.id})
        before = self.store.workshops.lock(found["id"]) if found else None
        since = (before and before.cancelled_at) or self.now
        called_off = {"cancelled_at": since} if workshop.get("cancelled") else {}
        values = {
            "code": workshop.id,
            "series_id": workshop["series"],
            "venue_id": workshop["venue"],
            "tutor_id": self.tutor(workshop.get("tutor")),
            "italian_level": workshop.get("italian_level_min"),
            "mode": workshop.get("mode") or self.usual_mode(workshop["venue"]),
            "link": workshop.get("link"),
            **fields(workshop, "title", "summary", "bring", "capacity", "languages", "counts_for_path"),
        }
        self.put("workshops", values | times | called_off, key="code", at_first={"line": 0, "revision": 0})
        if before:
            self._follow(workshop, before)

    def _follow(self, workshop: Row, before: Workshop) -> None:
        """Do what follows from what the file changes, and say what follows."""
        if before.cancelled_at:
            if not workshop.get("cancelled"):
                self.report.notes.append(
                    f"{workshop.id}: was called off and stays so; to hold it again, give it a new id"
                )
            return
        self.tell(before)
        counts = self.store.workshops.counts(before.id)
        if counts.booked + counts.offered > workshop["capacity"]:
            self.report.notes.append(
                f"{workshop.id}: {counts.booked + counts.offered} have a place or an offer; nobody loses it"
            )

    def tell(self, before: Workshop) -> None:
        """Tell those who have a place what has changed since the lock, and say how many they are."""
        changes = self.changes()
        changes.follow(before)
        if changes.written or changes.to_call:
            self.report.notes.append(
                f"{before.code}: {changes.written} people are written to, {changes.to_call} are to be called"
            )

    def changes(self) -> Changes:
        return Changes(self.store, self.now, self.catalogues, actor=ACTOR)

    def usual_mode(self, venue: str) -> str:
        """A venue in no town is a way to say: online."""
        found = self.stored.find("venues", {"id": venue})
        return "in_person" if found and found["comune_istat"] else "online"

    def _times(self, workshop: Row, patron: str | None) -> dict[str, datetime]:
        booking = workshop["booking"]
        starts_at = instant(working_day(self.today, workshop["day_offset"], patron), workshop["time"])
        return {
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(minutes=workshop["duration_min"]),
            "opens_at": instant(self.today + timedelta(days=booking["opens_day_offset"]), BOOKING_OPENS),
            "closes_at": starts_at - timedelta(hours=booking["closes_hours_before"]),
        }

    def tutor(self, code: str | None) -> int | None:
        found = self.stored.find("staff", {"code": code}) if code else None
        return found["id"] if found else None

    def job_clubs(self, file: Row) -> None:
        JobClubs(self).load(file)

    def services_faq(self, file: Row) -> None:
        for place, entry in enumerate(file["entries"], start=1):
            values = {
                "place": place,
                "programme_id": entry.get("programme"),
                "keywords": _keywords(entry),
                "buttons": [fields(button, "action", "it", "en") for button in rows(entry, "buttons")],
                "review_on": working_day(self.today, entry["review_day_offset"], None),
            }
            self.put("questions", fields(entry, "id", "question", "answer") | values)

    def privacy_notice(self, file: Row) -> None:
        values = {
            "layer_2": [fields(part, "id", "title", "text") for part in file["layer_2"]],
            "consents": {consent.id: said(consent, *CONSENT) for consent in file["consents"]},
        }
        self.put("notices", fields(file, "id", "version", "layer_1") | values)

    def service(self, file: Row) -> None:
        for key, value in said(file, *SERVICE.must, *SERVICE.may).items():
            says = fields(value, "from", "to") if key == "quiet_hours" else value
            self.put("settings", {"key": key, "value": says}, key="key")


# What a file refers to comes before it; what people have done on a path comes after the path.
_LOADERS = (
    ("territories", Loading.territories),
    ("programmes", Loading.programmes),
    ("organisations", Loading.organisations),
    ("people", Loading.people),
    ("workshops", Loading.workshops),
    ("people", Loading.path_records),
    ("job_clubs", Loading.job_clubs),
    ("services_faq", Loading.services_faq),
    ("privacy_notice", Loading.privacy_notice),
    ("service", Loading.service),
)


def _shown_name(row: Row, file: Row) -> str:
    """The name as people see it: nobody may take an invented body for a real one."""
    name, suffix = str(row["name"]), file.get("display_suffix")
    invented = row.get("fictional", file.get("fictional"))
    return f"{name} {suffix}" if invented and suffix and not name.endswith(suffix) else name


def _has_no_place(row: Row) -> bool:
    """Booking a whole series, or by what a person must be, has no place yet."""
    return row.get("enrolment") == "whole_series" or bool(row.get("requirements"))


def _keywords(entry: Row) -> dict[str, list[str]]:
    """The words that lead to an answer; tags are Italian."""
    words = {"it": [], "en": []} | (entry.get("keywords") or {})
    return words | {"it": list(dict.fromkeys([*words["it"], *(entry.get("tags") or ())]))}
