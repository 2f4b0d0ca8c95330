# SPDX-License-Identifier: EUPL-1.2
"""Brings the content of a programme, written as YAML in a folder, into the database: all of it, or nothing."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import yaml

from handlers.desk.changes import Changes
from handlers.rules.content import (
    FILES,
    SERVICE,
    Content,
    Known,
    Row,
    instant,
    is_jobseeker,
    is_staff,
    problems,
    working_day,
)
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.content import Content as Stored
from storage.workshops import Workshop

__all__ = ["BadContent", "Content", "Report", "load", "problems", "read"]

BOOKING_OPENS = "08:00"
LOADED_BY = "content"  # stands where a dialogue names the release that wrote it
VENUE = ("id", "comune_istat", "address", "step_free", "hearing_loop", "toilet", "bus", "note", "latitude", "longitude")
ORGANISATION = ("id", "comune_istat", "sector", "phone", "email", "address", "opening")
CONSENT = ("text", "required", "default", "per_use", "legal_basis", "withdraw_word", "channel")
NO_PLACE_YET = "validated, not loaded (no place for it yet)"


class BadContent(Exception):
    """Something is wrong with the content, and nothing of it was loaded; ``problems`` says what, line by line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


# ---- reading


def read(folder: Path) -> Content:
    """The files of the folder that we know, each row with its line; what is wrong with them is in ``problems``."""
    content = Content({})
    for path in sorted(path for path in folder.glob("*.y*ml") if path.is_file()):
        if path.suffix == ".yaml" and path.stem in FILES:
            _read(path, content)
        else:
            content.unknown.append(path.name)
    if not content.files and not content.broken:
        content.broken.append(f"{folder}: there is no content here")
    return content


def _read(path: Path, content: Content) -> None:
    try:
        content.files[path.stem] = _parsed(path.read_bytes())
    except _Unreadable as trouble:
        content.broken.append(f"{path.name}:{trouble.line}: {trouble}")


class _Unreadable(Exception):
    def __init__(self, line: int, says: str) -> None:
        super().__init__(says)
        self.line = line


def _parsed(raw: bytes) -> Row:
    try:
        found = yaml.load(raw.decode("utf-8-sig"), _Yaml)  # noqa: S506 a SafeLoader
    except UnicodeDecodeError as trouble:
        raise _Unreadable(_line(raw, trouble.start), "this is not UTF-8 text; save the file as UTF-8") from trouble
    except yaml.reader.ReaderError as trouble:
        before = raw.decode("utf-8-sig")[: trouble.position].encode()
        raise _Unreadable(_line(before, len(before)), "there is a character that cannot be shown") from trouble
    except yaml.MarkedYAMLError as trouble:
        raise _plainly(trouble) from trouble
    if not isinstance(found, Row):
        raise _Unreadable(1, "the file must be made of fields, each with its name")
    return found


def _line(raw: bytes, position: int) -> int:
    return raw.count(b"\n", 0, position) + 1


class _Yaml(yaml.SafeLoader):
    """YAML in which every mapping knows its line and says each field once, and a date stays as it was written."""


def _row(loader: _Yaml, node: yaml.MappingNode) -> Row:
    names: list[Any] = []
    for name, _ in node.value:
        if name.value in names:
            raise yaml.constructor.ConstructorError(None, None, f"{name.value} is said twice", name.start_mark)
        names.append(name.value)
    row = Row(cast(dict[str, Any], loader.construct_mapping(node, deep=True)))
    row.line = node.start_mark.line + 1
    return row


def _number(loader: _Yaml, node: yaml.ScalarNode) -> int:
    # To YAML 037006 is an octal number and 037008 is text; here both are numbers somebody forgot to quote.
    said = str(node.value)
    return int(said) if re.fullmatch(r"0\d+", said) else loader.construct_yaml_int(node)


_DATE, _INTEGER = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int"
_Yaml.yaml_implicit_resolvers = {
    letter: [(tag, form) for tag, form in forms if tag != _DATE]
    for letter, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver(_INTEGER, re.compile(r"^0\d+$"), ["0"])
_Yaml.add_constructor(_INTEGER, _number)
_Yaml.add_constructor("tag:yaml.org,2002:map", _row)

_PLAINLY = {
    "that cannot start any token": "there is a tab, or a sign such as @ or %; use spaces, and put the text in quotes",
    "mapping values are not allowed": "there is a colon inside a text; put the text in quotes",
    "expected <block end>": "this line is not indented like the lines around it",
    "expected a single document": "--- begins a second document; one file holds one",
}
_PLAINLY_FROM_THE_START = {
    "could not find expected ':'": "there is no colon after the name of this field",
    "unexpected end of stream": "a quote is opened here and never closed",
    "expected ',' or": "a bracket is opened here and never closed",
    "but found '<stream end>'": "a bracket is opened here and never closed",
}


def _plainly(trouble: yaml.MarkedYAMLError) -> _Unreadable:
    """What is wrong and where; some mistakes are noticed far below the line where they begin."""
    said = " ".join(part for part in (trouble.context, trouble.problem) if part)
    start = next((sentence for sign, sentence in _PLAINLY_FROM_THE_START.items() if sign in said), None)
    mark = trouble.context_mark if start and trouble.context_mark else trouble.problem_mark
    here = next((sentence for sign, sentence in _PLAINLY.items() if sign in said), trouble.problem or said)
    return _Unreadable(mark.line + 1 if mark else 1, start or here)


# ---- reporting


@dataclass
class Report:
    """What became of each file."""

    loaded: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)  # by file, then by noun
    without_place: dict[str, list[str]] = field(default_factory=dict)  # ids, by file; none: the whole file
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what somebody may not have meant, and who is told of changes

    def count(self, file: str, noun: str, outcome: str) -> None:
        self.loaded.setdefault(file, {}).setdefault(noun, Counter())[outcome] += 1

    def __str__(self) -> str:
        loaded = [f"{file}.yaml: {_counted(nouns)}" for file, nouns in self.loaded.items()]
        aside = [f"{file}.yaml: {_listed(ids)}{NO_PLACE_YET}" for file, ids in self.without_place.items()]
        return "\n".join(loaded + aside + [_unknown(name) for name in self.unknown] + self.notes)


def _counted(nouns: Mapping[str, Counter[str]]) -> str:
    return "; ".join(f"{noun} {_outcomes(counter)}" for noun, counter in nouns.items())


def _outcomes(counter: Counter[str]) -> str:
    outcomes = [f"{counter[outcome]} {outcome}" for outcome in ("new", "changed", "unchanged") if counter[outcome]]
    return ", ".join(outcomes)


def _listed(ids: list[str]) -> str:
    return f"{', '.join(ids)}: " if ids else ""


def _unknown(name: str) -> str:
    meant = get_close_matches(name, [f"{file}.yaml" for file in FILES], 1, 0.8)
    return f"{name}: not a file we know, not read" + (f"; is {meant[0]} meant?" if meant else "")


# ---- loading


def load(store: Store, content: Content, *, today: date, now: datetime, catalogues: Catalogues | None = None) -> Report:
    """
    Put the content in its tables, and say what became of it. Raises BadContent before anything is written.

    Rows are known by their ids: loading again changes what the files say differently, and nothing else. Who has a
    place at a workshop that is moved or called off is told, in the words of ``catalogues``. The caller owns the
    transaction.
    """
    if wrong := problems(content, _known(store)):
        raise BadContent(wrong)
    loading = _Loading(store, content, today, now, catalogues or Catalogues())
    loading.all()
    return loading.report


def _known(store: Store) -> Known:
    stored = Stored(store)
    tables = ("areas", "comuni", "programmes", "organisations", "venues", "staff", "series")
    emails = {member["email"].lower(): member["code"] for member in stored.rows("staff")}
    return Known({table: stored.ids(table) for table in tables}, emails, store.questions.settings())


class _Loading:
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
        for self.file, load_file in _LOADERS.items():
            if self.file in self.content.files:
                load_file(self, self.content.files[self.file])
        for file in FILES:
            if file in self.content.files and file not in _LOADERS:
                self.report.without_place[file] = []

    def put(self, table: str, values: dict[str, Any], key: str = "id", at_first: dict[str, Any] | None = None) -> None:
        self.report.count(self.file, table, self.stored.put(table, (key,), values, at_first))

    def territories(self, file: Row) -> None:
        patrons = (file.get("local_patron_days") or {}).get("entries") or ()
        patron_days = {one["istat"]: one["day"] for one in patrons}
        for area in file["areas"]:
            self.put("areas", _fields(area, "id", "name", "province", "region", "patron_subdivision", "programmes"))
            for union in area["unions"]:
                self.put("unions", _fields(union, "id", "name") | {"area_id": area["id"]})
                for comune in union["comuni"]:
                    values = _fields(comune, "istat", "cadastral", "name") | {"union_id": union["id"]}
                    values["patron_day"] = patron_days.get(comune["istat"])
                    self.put("comuni", values, key="istat")

    def programmes(self, file: Row) -> None:
        for programme in file["programmes"]:
            belongs_to = {"area_id": programme["area"], "parent_id": programme.get("parent")}
            self.put("programmes", _fields(programme, "id", "name", "kind", "summary") | belongs_to)

    def organisations(self, file: Row) -> None:
        area_of = {place.istat: place.area for place in self.store.territories.places()}
        for venue in _rows(file, "venues"):
            self.put("venues", _fields(venue, *VENUE) | {"name": _shown_name(venue, file)})
        bodies = _rows(file, "training_bodies") + _rows(file, "training_bodies_other_areas")
        for organisation in _rows(file, "organisations") + bodies:
            area = organisation.get("area") or area_of.get(organisation.get("comune_istat") or "")
            named = {"name": _shown_name(organisation, file), "kind": organisation.get("kind") or "training_body"}
            self.put("organisations", _fields(organisation, *ORGANISATION) | named | {"area_id": area})

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
            **_fields(member, "name", "role", "languages"),
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

    def workshops(self, file: Row) -> None:
        waiting = [series.id for series in _rows(file, "series") if _has_no_place(series)]
        for series in _rows(file, "series"):
            if series.id not in waiting:
                self._series(series)
        patrons = self._patrons()
        for workshop in _rows(file, "workshops"):
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
        self.put("series", _fields(series, "id", "kind", "name") | values)

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
            "tutor_id": self._tutor(workshop.get("tutor")),
            "italian_level": workshop.get("italian_level_min"),
            "mode": workshop.get("mode") or self._usual_mode(workshop["venue"]),
            "link": workshop.get("link"),
            **_fields(workshop, "title", "summary", "bring", "capacity", "languages", "counts_for_path"),
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
        changes = Changes(self.store, self.now, self.catalogues, actor="content")
        changes.follow(before)
        counts = self.store.workshops.counts(before.id)
        if counts.booked + counts.offered > workshop["capacity"]:
            self.report.notes.append(
                f"{workshop.id}: {counts.booked + counts.offered} have a place or an offer; nobody loses it"
            )
        if changes.written or changes.to_call:
            self.report.notes.append(
                f"{workshop.id}: {changes.written} people are written to, {changes.to_call} are to be called"
            )

    def _usual_mode(self, venue: str) -> str:
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

    def _tutor(self, code: str | None) -> int | None:
        found = self.stored.find("staff", {"code": code}) if code else None
        return found["id"] if found else None

    def services_faq(self, file: Row) -> None:
        for place, entry in enumerate(file["entries"], start=1):
            values = {
                "place": place,
                "programme_id": entry.get("programme"),
                "keywords": _keywords(entry),
                "buttons": [_fields(button, "action", "it", "en") for button in _rows(entry, "buttons")],
                "review_on": working_day(self.today, entry["review_day_offset"], None),
            }
            self.put("questions", _fields(entry, "id", "question", "answer") | values)

    def privacy_notice(self, file: Row) -> None:
        values = {
            "layer_2": [_fields(part, "id", "title", "text") for part in file["layer_2"]],
            "consents": {consent.id: _said(consent, *CONSENT) for consent in file["consents"]},
        }
        self.put("notices", _fields(file, "id", "version", "layer_1") | values)

    def service(self, file: Row) -> None:
        for key, value in _said(file, *SERVICE.must, *SERVICE.may).items():
            said = _fields(value, "from", "to") if key == "quiet_hours" else value
            self.put("settings", {"key": key, "value": said}, key="key")


# What a file refers to comes before it.
_LOADERS = {
    "territories": _Loading.territories,
    "programmes": _Loading.programmes,
    "organisations": _Loading.organisations,
    "people": _Loading.people,
    "workshops": _Loading.workshops,
    "services_faq": _Loading.services_faq,
    "privacy_notice": _Loading.privacy_notice,
    "service": _Loading.service,
}


def _rows(row: Row, name: str) -> list[Row]:
    return list(row.get(name) or ())


def _fields(row: Row, *names: str) -> dict[str, Any]:
    return {name: row.get(name) for name in names}


def _said(row: Row, *names: str) -> dict[str, Any]:
    """Those of the fields that say something."""
    return {name: row[name] for name in names if row.get(name) is not None}


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
