# SPDX-License-Identifier: EUPL-1.2
"""The files of a programme, in the order in which they are loaded, and what each row of them must say and may."""

from collections.abc import Mapping
from typing import Any

from handlers.rules.content import job_clubs
from handlers.rules.content.checks import (
    a_row,
    among,
    cadastral,
    clock,
    code,
    days,
    degrees,
    email,
    every,
    hours,
    invented,
    istat,
    keyword,
    keywords,
    label,
    language,
    made_of,
    many,
    month_and_day,
    one_of,
    phone,
    province,
    province_of_patron,
    text,
    truth,
    web,
    whole,
    words,
    words_with,
)
from handlers.rules.content.rows import Fields, Kind, Known, Row
from handlers.rules.service_time import WEEK

ROLES = ("tutor", "counsellor", "operator", "l68_operator", "privacy_officer", "administrator")
LEVELS = ("A1", "A2", "B1", "B2", "C1", "native")
PLACEHOLDERS = ("service_name", "phone", "address", "controller_name", "dpo_email")
FIRST_NOTICE = 700  # characters; the first message must stay one message, on every channel


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


def desk_opens_before_it_closes(service: Row, known: Known) -> str | None:
    week = service.get("opening_hours") or {}
    wrong = next((day for day, spans in week.items() if any(one["to"] <= one["from"] for one in spans or ())), None)
    return wrong and f"opening_hours: on {wrong} the desk closes before it opens"


def filled(said: str, settings: Mapping[str, Any]) -> str:
    """A text with what the service says of itself in the place of the braces."""
    for name in PLACEHOLDERS:
        said = said.replace(f"{{{name}}}", str(settings.get(name) or f"{{{name}}}"))
    return said


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

FROM_TO = made_of({"from": clock, "to": clock})
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
        "quiet_hours": FROM_TO,
    },
    may={"web": web, "opening_hours": made_of({}, {day: every(FROM_TO) for day in WEEK})},
    rules=(quiet_at_night, desk_opens_before_it_closes),
)

KINDS = (
    Kind(
        "territories",
        (),
        must={"areas": many},
        may={
            "local_patron_days": made_of(
                {"entries": every(made_of({"istat": istat, "day": month_and_day}, {"source": web, "checked_on": text}))}
            )
        },
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
        may={
            "comune_istat": among("comuni"),
            "facts": made_of({}, {"italian_level": one_of(*LEVELS), "path_completed": truth}),
            "path": made_of({}, {"group_meetings": whole(0, 100), "interviews": whole(0, 100)}),
        },
    ),
    Kind("workshops", (), may={"series": many, "workshops": many, "rules": made_of({}, {"path_definition": a_row})}),
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
    *job_clubs.KINDS,
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
