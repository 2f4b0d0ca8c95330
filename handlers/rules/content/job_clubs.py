# SPDX-License-Identifier: EUPL-1.2
"""What the file of the Job Clubs must say, and who can be named as a member of one."""

from collections.abc import Iterator
from typing import Any

from handlers.rules.content.checks import (
    a_row,
    among,
    clock,
    code,
    days,
    every,
    language,
    made_of,
    many,
    one_of,
    text,
    truth,
    whole,
    words,
)
from handlers.rules.content.rows import Content, Kind, Known, Problem, Row

LEADERS = ("counsellor", "tutor")  # a Job Club meets under the eyes of one of them
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA")  # Monday is 0
HOURS_A_WEEK = ("0-2", "3-5", "6-10", "10+")
QUESTIONS = {
    "applications": "integer",
    "calls": "integer",
    "interviews": "integer",
    "hours": "choice",
    "mood": "scale_1_5",
    "next_step": "text_140",
}
A_YEAR_AND_A_HALF = 78  # meetings, one a week

Done = tuple[int, int]  # group meetings, interviews


# ---- what one field can get wrong


def weekday(value: Any, known: Known) -> str | None:
    if value == "SU":
        return "is SU, and Sunday is a day of rest: choose another day"
    return one_of(*WEEKDAYS)(value, known)


def six_questions(value: Any, known: Known) -> str | None:
    """The form is made of the questions that a member's week has room for."""
    if wrong := many(value, known):
        return wrong
    asked = [(question.get("id"), question.get("type")) for question in value]
    if sorted(map(str, asked)) != sorted(map(str, QUESTIONS.items())):
        return f"must ask these, once each: {', '.join(f'{id} ({type})' for id, type in QUESTIONS.items())}"
    choices = next(question.get("choices") for question in value if question["id"] == "hours")
    return None if choices == list(HOURS_A_WEEK) else f"has a mistake: the choices of hours are {list(HOURS_A_WEEK)}"


# ---- what the fields of a row can get wrong together


def has_a_name_of_its_own(club: Row, known: Known) -> str | None:
    return f"id “{club.id}” is already that of a series of workshops" if club.id in known.ids["series"] else None


def leads_a_club(person: Row) -> bool:
    return person.get("role") in LEADERS


KINDS = (
    Kind(
        "workshops",
        ("rules", "path_definition"),
        noun="paths",
        must={"id": code, "group_meetings": whole(0, 100), "individual_interviews": whole(0, 100)},
    ),
    Kind("people", ("people",), noun="counsellors", only=leads_a_club),
    Kind(
        "job_clubs",
        (),
        must={"job_clubs": many},
        may={
            "meeting_agenda": every(words),
            "monitoring_form": six_questions,
            "demo_members": many,
            "demo_former_members": many,
        },
    ),
    Kind(
        "job_clubs",
        ("job_clubs",),
        noun="job_clubs",
        must={
            "id": code,
            "name": words,
            "area": among("areas"),
            "programme": among("programmes"),
            "venue": among("venues"),
            "recurrence": made_of(
                {
                    "freq": one_of("weekly"),
                    "weekday": weekday,
                    "time": clock,
                    "duration_min": whole(10, 600),
                    "first_day_offset": days,
                    "meetings": whole(1, A_YEAR_AND_A_HALF),
                }
            ),
            "capacity": whole(1, 1000),
        },
        may={
            "counsellor": among("counsellors"),
            "languages": every(language),
            "admission": made_of(
                {"rule": one_of("path_completed"), "path": among("paths")}, {"text": words, "override": a_row}
            ),
            "main": truth,
            "same_format_as": among("job_clubs"),
            "equipment": every(made_of({"kind": text, "count": whole(1, 1000)})),
            "equipment_slots": a_row,
        },
        rules=(has_a_name_of_its_own,),
    ),
    Kind(
        "job_clubs",
        ("demo_members",),
        must={"club": among("job_clubs"), "people": every(among("jobseekers"))},
    ),
    Kind(
        "job_clubs",
        ("demo_former_members",),
        must={"club": among("job_clubs"), "person": among("jobseekers"), "left_day_offset": whole(-3660, 0)},
        may={"reason": code},
    ),
)


# ---- who can be a member; asked once every row is right by itself


def done_of(person: Row, needed: Done) -> Done | None:
    """What a person has done on a path, as their row says: all of it, or so much; None if it says nothing."""
    if (person.get("facts") or {}).get("path_completed"):
        return needed
    said = person.get("path") or {}
    return (said.get("group_meetings") or 0, said.get("interviews") or 0) if said else None


def wrong_members(content: Content, known: Known) -> Iterator[Problem]:
    """Those who are named as members of a club and have not done what it asks for; clubs that are too small."""
    file = content.files.get("job_clubs", Row())
    people = {person.id: person for person in content.files.get("people", Row()).get("people", ())}
    paths = known.paths | paths_of(content)
    for club in file.get("job_clubs") or ():
        rows = [row for row in file.get("demo_members") or () if row["club"] == club.id]
        named = {person for row in rows for person in row["people"]}
        if len(named) > club["capacity"]:
            says = f"has {club['capacity']} places, and demo_members names {len(named)} people"
            yield Problem("job_clubs", rows[0].line, club.id, says)
        for row in rows if club.get("admission") else ():
            path = str(club["admission"]["path"])
            for person in row["people"]:
                done = done_of(people.get(person, Row()), paths[path]) or known.done.get((person, path), (0, 0))
                if not _completes(done, paths[path]):
                    says = f"demo_members names “{person}”, who has not completed the path {path}"
                    yield Problem("job_clubs", row.line, club.id, says)


def paths_of(content: Content) -> dict[str, Done]:
    """What completes each path, by its id."""
    rules = content.files.get("workshops", Row()).get("rules") or Row()
    path = rules.get("path_definition")
    return {path.id: (path["group_meetings"], path["individual_interviews"])} if path else {}


def _completes(done: Done, needed: Done) -> bool:
    return done[0] >= needed[0] and done[1] >= needed[1]
