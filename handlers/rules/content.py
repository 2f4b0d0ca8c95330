# SPDX-License-Identifier: EUPL-1.2
"""What the files of a programme must say before they are loaded, and what is wrong with those that do not."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from handlers.rules.opening import Hours

ROME = ZoneInfo("Europe/Rome")
ROLES = ("tutor", "counsellor", "operator", "l68_operator", "privacy_officer", "administrator")
LEVELS = ("A1", "A2", "B1", "B2", "C1", "native")
PLACEHOLDERS = ("service_name", "phone", "address", "controller_name", "dpo_email")
FIRST_NOTICE = 700  # characters; the first message must stay one message, on every channel


class Row(dict[str, Any]):
    """Some fields and what they say; and the line of the file where they begin."""

    line = 1

    @property
    def id(self) -> str:
        return self["id"] if isinstance(self.get("id"), str) else ""


@dataclass(frozen=True)
class Content:
    """The files of a folder; those that cannot be read, and why; those that nobody here knows."""

    files: dict[str, Row]
    broken: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Known:
    """What a row may refer to: ids by noun, whose e-mail address is whose, what the service says of itself."""

    ids: Mapping[str, Set[str]] = field(default_factory=dict)
    emails: Mapping[str, str | None] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Known()


@dataclass(frozen=True, order=True)
class Problem:
    """Where something is wrong, and what."""

    file: str
    line: int
    row: str
    says: str

    def __str__(self) -> str:
        return ": ".join(part for part in (f"{self.file}.yaml:{self.line}", self.row, self.says) if part)


# ---- what one field can get wrong: nothing, or the rest of a sentence that begins with the field's name

Check = Callable[[Any, Known], str | None]
Fields = Mapping[str, Check]


def text(value: Any, known: Known) -> str | None:
    if not isinstance(value, str):
        return "must be text: put it in quotes"
    return None if value.strip() else "is empty"


def like(pattern: str, example: str) -> Check:
    """Text of a certain form."""

    def check(value: Any, known: Known) -> str | None:
        right = isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII)
        return None if right else f"must be {example}"

    return check


def whole(at_least: int, at_most: int) -> Check:
    def check(value: Any, known: Known) -> str | None:
        if type(value) is not int or value < at_least:
            return f"must be a whole number of at least {at_least}"
        return None if value <= at_most else f"must be at most {at_most}"

    return check


def degrees(at_most: int) -> Check:
    """A latitude or a longitude."""

    def check(value: Any, known: Known) -> str | None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        right = is_number and abs(value) <= at_most
        return None if right else f"must be a number of degrees, from -{at_most} to {at_most}"

    return check


def truth(value: Any, known: Known) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def invented(value: Any, known: Known) -> str | None:
    return None if value is True else "must be true: a file never holds a real person who looks for work"


def one_of(*choices: str) -> Check:
    def check(value: Any, known: Known) -> str | None:
        return None if value in choices else f"must be one of: {', '.join(choices)}"

    return check


def among(noun: str) -> Check:
    """The id of a row that is in this folder, or was loaded before."""

    def check(value: Any, known: Known) -> str | None:
        found = isinstance(value, str) and value in known.ids.get(noun, ())
        return None if found else f"names “{value}”, which is not among the {noun}"

    return check


def every(check: Check, at_most: int = 1000) -> Check:
    """A list, each item of which is right."""

    def all_of_them(value: Any, known: Known) -> str | None:
        if not isinstance(value, list):
            return "must be a list"
        if len(value) > at_most:
            return f"has {len(value)} items, and {at_most} is the most"
        return next((wrong for item in value if (wrong := check(item, known))), None)

    return all_of_them


def a_row(value: Any, known: Known) -> str | None:
    return None if isinstance(value, Row) else "must be made of fields, each with its name"


def made_of(must: Fields, may: Fields | None = None) -> Check:
    """Fields inside a field."""

    def check(value: Any, known: Known) -> str | None:
        if not isinstance(value, Row):
            return a_row(value, known)
        inside = next(wrong_fields(value, must, may or {}, known), None)
        return inside and f"has a mistake: {inside}"

    return check


def words(value: Any, known: Known) -> str | None:
    """Italian and English text; that neither is missing is asked of every file, in ``_words``."""
    if not isinstance(value, Row) or not value.keys() & {"it", "en"}:
        return "must be written in Italian (it) and in English (en)"
    return next((wrong for said in value.values() if said and (wrong := text(said, known))), None)


def words_with(*placeholders: str) -> Check:
    """Text in which only these names stand in braces."""

    def check(value: Any, known: Known) -> str | None:
        if wrong := words(value, known):
            return wrong
        braces = re.findall(r"{[^{}]*}|[{}]", "\n".join(said for said in value.values() if said))
        strange = next((found for found in braces if found[1:-1] not in placeholders), None)
        return strange and f"has {strange}, and only these can be filled in: {', '.join(placeholders)}"

    return check


def label(value: Any, known: Known) -> str | None:
    if wrong := text(value, known):
        return wrong
    return f"“{value}” is longer than 20 characters" if len(value) > 20 else None


def keyword(value: Any, known: Known) -> str | None:
    if wrong := text(value, known):
        return wrong
    return None if value == value.lower() else f"must be in small letters: “{value}”"


def keywords(value: Any, known: Known) -> str | None:
    if not isinstance(value, Row):
        return "must be lists of words, by language"
    return next((wrong for said in value.values() if said and (wrong := every(keyword)(said, known))), None)


def province_of_patron(value: Any, known: Known) -> str | None:
    if wrong := province(value, known):
        return wrong
    try:
        Hours(subdivision=value).rests(date(2000, 1, 1))
    except ValueError:
        return f"names “{value}”, a province whose patron's day we do not know"
    return None


many = every(a_row)
code = like(r"[A-Za-z0-9][A-Za-z0-9_-]*", "one word of letters, digits, - and _, in quotes if it is all digits")
istat = like(r"\d{6}", 'six digits in quotes, like "037006"')
cadastral = like(r"[A-Z]\d{3}", "a letter and three digits, like A944")
province = like(r"[A-Z]{2}", "the two letters of a province")
language = like(r"[a-z]{2,3}", "the letters of a language, like it or en")
month_and_day = like(r"(0[1-9]|1[0-2])-([0-2]\d|3[01])", 'a month and a day in quotes, like "09-24"')
clock = like(r"([01]\d|2[0-3]):[0-5]\d", 'a time in quotes, like "10:00"')
email = like(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")
phone = like(r"\+?\d[\d ]{4,19}", 'a phone number in quotes, like "+39 000 000 0101"')
web = like(r"https?://\S+", "a web address, like https://example.org")
days = whole(-3660, 3660)
hours = whole(0, 720)


# ---- what the fields of a row can get wrong together: nothing, or a sentence

Rule = Callable[[Row, Known], str | None]


def ends_after_it_starts(series: Row, known: Known) -> str | None:
    right = series["starts_day_offset"] < series["ends_day_offset"]
    return None if right else "ends_day_offset must be greater than starts_day_offset"


def opens_before_it_closes(workshop: Row, known: Known) -> str | None:
    opens = workshop["booking"]["opens_day_offset"] * 24 + 8
    closes = workshop["day_offset"] * 24 + int(workshop["time"][:2]) - workshop["booking"]["closes_hours_before"]
    return None if opens < closes else "booking has a mistake: it closes before it opens"


def shows_the_way_in(workshop: Row, known: Known) -> str | None:
    is_online = workshop.get("mode") in ("online", "both")
    return "link is missing: people must know where to enter" if is_online and not workshop.get("link") else None


def has_an_email_of_their_own(member: Row, known: Known) -> str | None:
    if (address := member["email"].lower()) not in known.emails:
        return None
    owner = known.emails[address]
    takes_over = owner is None and member.id not in known.emails.values()
    return None if owner == member.id or takes_over else f"email is already that of {owner or 'somebody else'}"


def fits_in_one_message(notice: Row, known: Known) -> str | None:
    lengths = {name: len(filled(notice["layer_1"].get(name) or "", known.settings)) for name in ("it", "en")}
    long = next((name for name, length in lengths.items() if length > FIRST_NOTICE), None)
    return long and f"layer_1 ({long}) has {lengths[long]} characters once filled in, and {FIRST_NOTICE} is the most"


def quiet_at_night(service: Row, known: Known) -> str | None:
    right = service["quiet_hours"]["to"] < service["quiet_hours"]["from"]
    return None if right else "quiet_hours must begin in the evening and end the next morning"


def filled(said: str, settings: Mapping[str, Any]) -> str:
    """A text with what the service says of itself in the place of the braces."""
    for name in PLACEHOLDERS:
        said = said.replace(f"{{{name}}}", str(settings.get(name) or f"{{{name}}}"))
    return said


# ---- the files, in the order in which they are loaded


@dataclass(frozen=True)
class Kind:
    """A kind of row: in which file it stands and where, what it must say and may."""

    file: str
    path: tuple[str, ...]
    must: Fields = field(default_factory=dict)
    may: Fields = field(default_factory=dict)
    noun: str = ""
    unique: tuple[str, ...] = ("id",)  # the first one is what others call the row
    rules: tuple[Rule, ...] = ()
    only: Callable[[Row], bool] = lambda row: True

    def found_in(self, content: Content) -> list[tuple[str, Row]]:
        """The rows of this kind, each under the id that a reader will look for."""
        found = [(content.files[self.file].id, content.files[self.file])] if self.file in content.files else []
        for name in self.path:
            found = [(row.id or id, row) for id, parent in found for row in children(parent.get(name))]
        return [(id, row) for id, row in found if self.only(row)]


def children(value: Any) -> list[Row]:
    return [row for row in (value if isinstance(value, list) else [value]) if isinstance(row, Row)]


def is_jobseeker(person: Row) -> bool:
    return person.get("role") == "jobseeker"


def is_staff(person: Row) -> bool:
    return not is_jobseeker(person)


_NAMED: Fields = {"id": code, "name": text}
_ORGANISATION: Fields = {
    "comune_istat": among("comuni"),
    "area": among("areas"),
    "sector": text,
    "phone": phone,
    "email": email,
    "address": text,
    "opening": words,
    "fictional": truth,
}

SERVICE = Kind(
    "service",
    (),
    must={
        "service_name": text,
        "phone": phone,
        "address": text,
        "controller_name": text,
        "dpo_email": email,
        "answer_hours": whole(1, 200),
        "opening": words,
        "quiet_hours": made_of({"from": clock, "to": clock}),
    },
    may={"web": web},
    rules=(quiet_at_night,),
)

KINDS = (
    Kind(
        "territories",
        (),
        must={"areas": many},
        may={"local_patron_days": made_of({"entries": every(made_of({"istat": istat, "day": month_and_day}))})},
    ),
    Kind(
        "territories",
        ("areas",),
        noun="areas",
        must={
            **_NAMED,
            "province": province,
            "region": text,
            "programmes": every(among("programmes")),
            "unions": many,
        },
        may={"patron_subdivision": province_of_patron},
    ),
    Kind("territories", ("areas", "unions"), noun="unions", must={**_NAMED, "comuni": many}),
    Kind(
        "territories",
        ("areas", "unions", "comuni"),
        noun="comuni",
        unique=("istat",),
        must={"istat": istat, "cadastral": cadastral, "name": text},
    ),
    Kind("programmes", (), must={"programmes": many}),
    Kind(
        "programmes",
        ("programmes",),
        noun="programmes",
        must={**_NAMED, "area": among("areas"), "kind": code},
        may={"parent": among("programmes"), "summary": words},
    ),
    Kind(
        "organisations",
        (),
        may={
            "venues": many,
            "organisations": many,
            "training_bodies": many,
            "training_bodies_other_areas": many,
            "fictional": truth,
            "display_suffix": text,
        },
    ),
    Kind(
        "organisations",
        ("venues",),
        noun="venues",
        must=_NAMED,
        may={
            "comune_istat": among("comuni"),
            "address": text,
            "step_free": truth,
            "hearing_loop": truth,
            "toilet": truth,
            "bus": text,
            "note": words,
            "latitude": degrees(90),
            "longitude": degrees(180),
            "fictional": truth,
        },
    ),
    Kind("organisations", ("organisations",), noun="organisations", must={**_NAMED, "kind": code}, may=_ORGANISATION),
    Kind("organisations", ("training_bodies",), noun="organisations", must=_NAMED, may=_ORGANISATION),
    Kind("organisations", ("training_bodies_other_areas",), noun="organisations", must=_NAMED, may=_ORGANISATION),
    Kind("people", (), must={"people": many}),
    Kind(
        "people",
        ("people",),
        noun="staff",
        only=is_staff,
        must={**_NAMED, "role": one_of("jobseeker", *ROLES), "email": email, "languages": every(language)},
        may={"organisation": among("organisations")},
        unique=("id", "email"),
        rules=(has_an_email_of_their_own,),
    ),
    Kind(
        "people",
        ("people",),
        noun="jobseekers",
        only=is_jobseeker,
        must={
            **_NAMED,
            "fictional": invented,
            "age": whole(14, 110),
            "language": language,
            "channel": one_of("telegram", "whatsapp"),
        },
        may={"comune_istat": among("comuni"), "facts": made_of({}, {"italian_level": one_of(*LEVELS)})},
    ),
    Kind("workshops", (), may={"series": many, "workshops": many}),
    Kind(
        "workshops",
        ("series",),
        noun="series",
        must={
            "id": code,
            "kind": code,
            "programme": among("programmes"),
            "area": among("areas"),
            "name": words,
            "starts_day_offset": days,
            "ends_day_offset": days,
        },
        may={"enrolment": code, "requirements": many},
        rules=(ends_after_it_starts,),
    ),
    Kind(
        "workshops",
        ("workshops",),
        noun="workshops",
        must={
            "id": code,
            "series": among("series"),
            "title": words,
            "summary": words,
            "day_offset": days,
            "time": clock,
            "duration_min": whole(10, 1440),
            "venue": among("venues"),
            "capacity": whole(1, 1000),
            "languages": every(language),
            "counts_for_path": truth,
            "booking": made_of(
                {"opens_day_offset": days, "closes_hours_before": hours}, may={"cancel_hours_before": hours}
            ),
        },
        may={
            "tutor": among("staff"),
            "bring": words,
            "italian_level_min": one_of(*LEVELS),
            "requirements": many,
            "mode": one_of("in_person", "online", "both"),
            "link": web,
            "cancelled": truth,
        },
        rules=(opens_before_it_closes, shows_the_way_in),
    ),
    Kind("services_faq", (), must={"entries": many}),
    Kind(
        "services_faq",
        ("entries",),
        noun="questions",
        must={"id": code, "question": words, "answer": words, "review_day_offset": days},
        may={
            "programme": among("programmes"),
            "tags": every(keyword),
            "keywords": keywords,
            "buttons": every(made_of({"action": code, "it": label, "en": label}), at_most=3),
        },
    ),
    Kind(
        "privacy_notice",
        (),
        noun="notices",
        must={
            "id": code,
            "version": text,
            "layer_1": words_with(*PLACEHOLDERS),
            "layer_2": many,
            "consents": many,
        },
        rules=(fits_in_one_message,),
    ),
    Kind(
        "privacy_notice",
        ("layer_2",),
        must={"id": code, "title": words, "text": words_with(*PLACEHOLDERS)},
    ),
    Kind(
        "privacy_notice",
        ("consents",),
        must={"id": code, "text": words_with(*PLACEHOLDERS, "firm_name")},
        may={
            "required": truth,
            "default": truth,
            "per_use": truth,
            "legal_basis": text,
            "withdraw_word": text,
            "channel": code,
        },
    ),
    SERVICE,
)
NOUNS = tuple(dict.fromkeys(kind.noun for kind in KINDS if kind.noun))
LOADED = tuple(dict.fromkeys(kind.file for kind in KINDS))
NOT_YET_LOADED = (
    "opportunities",
    "job_clubs",
    "notifications",
    "pact",
    "funds",
    "enterprise",
    "statistics",
    "observatory_survey",
    "target_groups",
    "training_proposals",
    "microcopy",
)
FILES = LOADED + NOT_YET_LOADED


# ---- what is wrong


def problems(content: Content, known: Known = NOTHING) -> list[str]:
    """One clear line for each thing that is wrong; ``known`` is what has been loaded before."""
    if content.broken:  # what refers to a file that cannot be read would all be called wrong
        return content.broken
    known = _with(known, content)
    found = [problem for kind in KINDS for problem in _of_kind(kind, content, known)]
    found += [problem for noun in NOUNS for problem in _of_noun(noun, content)]
    found += [problem for file, whole_file in content.files.items() for problem in _of_file(file, whole_file)]
    return [str(problem) for problem in sorted(set(found))]


def _with(known: Known, content: Content) -> Known:
    """What is known once this content is there too."""
    ids = {noun: set(there) for noun, there in known.ids.items()}
    for kind in KINDS:
        named = [row.get(kind.unique[0]) for _, row in kind.found_in(content)]
        ids.setdefault(kind.noun, set()).update(name for name in named if isinstance(name, str))
    return Known(ids, known.emails, {**known.settings, **content.files.get("service", {})})


def _of_kind(kind: Kind, content: Content, known: Known) -> Iterator[Problem]:
    for id, row in kind.found_in(content):
        wrong = list(wrong_fields(row, kind.must, kind.may, known))
        wrong = wrong or [sentence for rule in kind.rules if (sentence := rule(row, known))]
        yield from (Problem(kind.file, row.line, id, sentence) for sentence in wrong)


def _of_noun(noun: str, content: Content) -> Iterator[Problem]:
    """Rows of one noun may stand in several lists, and still no two have one name."""
    kinds = [kind for kind in KINDS if kind.noun == noun]
    rows = [row for kind in kinds for row in kind.found_in(content)]
    for name in kinds[0].unique:
        yield from _twice(kinds[0].file, name, rows)


def wrong_fields(row: Row, must: Fields, may: Fields, known: Known) -> Iterator[str]:
    strangers = [str(name) for name in row if name not in must and name not in may]
    for name, check in {**must, **may}.items():
        if row.get(name) is None:
            yield from _absent(name, name in must, get_close_matches(name, strangers, 1, 0.8))
        elif wrong := check(row[name], known):
            yield f"{name} {wrong}"


def _absent(name: str, needed: bool, misspelt: list[str]) -> Iterator[str]:
    if misspelt:
        yield f"{misspelt[0]} is not a field here; is {name} meant?"
    elif needed:
        yield f"{name} is missing"


def _twice(file: str, name: str, rows: list[tuple[str, Row]]) -> Iterator[Problem]:
    first: dict[str, Row] = {}
    for id, row in rows:
        value = row.get(name)
        if isinstance(value, str) and first.setdefault(value, row) is not row:
            yield Problem(file, row.line, id, f"{name} “{value}” is already on line {first[value].line}")


def _of_file(file: str, row: Row, id: str = "", path: str = "") -> Iterator[Problem]:
    """What every file is asked, also one that has no place yet."""
    for sentence in (*_words(row, path), *_letters(row)):
        yield Problem(file, row.line, id, sentence)
    for name, value in row.items():
        inner = [(child.id or id, child) for child in children(value)]
        yield from _twice(file, "id", inner)
        for inner_id, child in inner:
            yield from _of_file(file, child, inner_id, "" if child.id else f"{path} {name}".strip())


def _words(row: Row, path: str) -> Iterator[str]:
    """Nothing is said in one language only."""
    if not row.keys() & {"it", "en"}:
        return
    for name, language_name in (("it", "Italian"), ("en", "English")):
        if not row.get(name):
            yield f"{path} has no {language_name} ({name})".strip()
    if row.get("it") and row.get("en") and type(row["it"]) is not type(row["en"]):
        yield f"{path} must be the same in Italian (it) and English (en): both text, or both a list".strip()


def _letters(row: Row) -> Iterator[str]:
    """No field's name is taken for something else, and nothing in a text cannot be stored or shown."""
    for name, value in row.items():
        if not isinstance(name, str):
            yield f"{name} cannot be the name of a field: put it in quotes"
        said = value if isinstance(value, list) else [value]
        if any(_cannot_be_shown(letter) for item in said if isinstance(item, str) for letter in item):
            yield f"{name} has a character that cannot be shown"


def _cannot_be_shown(letter: str) -> bool:
    return letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cs")


# ---- days and times


def working_day(today: date, offset: int, patron: str | None) -> date:
    """So many days from today; or, if that is a Sunday or a public holiday there, the next working day."""
    day = today + timedelta(days=offset)
    while Hours(subdivision=patron).rests(day):
        day += timedelta(days=1)
    return day


def instant(day: date, clock: str) -> datetime:
    """When the clocks of Rome say this, on that day."""
    return datetime.combine(day, time.fromisoformat(clock), ROME).astimezone(UTC)
