# SPDX-License-Identifier: EUPL-1.2
"""What is known of a person as tables with headings, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.talk import Reader, Words, _, lines, p_
from handlers.talk.anytime import LANGUAGE_NAME
from handlers.talk.page import Section
from handlers.talk.profile import LEVELS

Row = Mapping[str, Any]

YES, NO = p_("permission", "yes"), p_("permission", "no")
PERMISSIONS: dict[str, Words] = {
    "service_messages": _("Reminders of your appointments"),
    "opportunity_push": _("New offers"),
    "follow_up": _("How it goes at work"),
}
STATES: dict[str, Words] = {
    "booked": p_("place", "you have a place"),
    "waiting": p_("place", "you are on the waiting list"),
    "offered": p_("place", "a place is free for you"),
    "member": p_("place", "you are in the club"),
    "cancelled_by_person": p_("place", "you gave it up"),
    "declined": p_("place", "you gave it up"),
    "withdrawn": p_("place", "you gave it up"),
    "left": p_("place", "you left the club"),
    "lapsed": p_("place", "the offer is over"),
    "called_off": p_("place", "it was called off"),
    "enrolled": p_("place", "you are in the programme"),
    "moved": p_("place", "you moved away"),
    "present": p_("place", "you were there"),
    "late": p_("place", "you were there, late"),
    "absent": p_("place", "you were not there"),
    "excused": p_("place", "you were not there, and excused"),
}
CASES: dict[str, Words] = {
    "asked": _("You asked for a person"),
    "file": _("You sent a file"),
    "voice": _("You sent a voice message"),
    "late": _("You said that you would be late"),
    "unhappy": _("You were not happy with a workshop"),
}
SOMETHING = _("Something that a person must look at")
ASK_THE_DESK = _("Ask the desk for it")
LISTED, NOT_LISTED = _("On the list of law 68/1999"), _("Not on the list of law 68/1999")
REQUESTS: dict[str, Words] = {
    "access": _("To know what we keep"),
    "correction": _("To correct something"),
    "erasure": _("To be deleted"),
    "restriction": _("To keep but not use the data"),
    "portability": _("To take the data elsewhere"),
    "objection": _("To stop using the data"),
}
OUTCOMES: dict[str, Words] = {"done": p_("request", "done"), "refused": p_("request", "refused")}
CHANNELS = {"telegram": "Telegram", "whatsapp": "WhatsApp"}
WHEN, SINCE, HOW_IT_IS = _("When"), _("Since"), _("How it stands")


def sections(found: Mapping[str, Any], reader: Reader) -> list[Section]:
    """The page about a person, part by part; a part in which nothing stands is left out."""
    return [
        Section(_("About you"), about(found["about_you"], reader)),
        Section(_("Your chats"), [*map(chat, found["chats"])], (_("Where"), _("Number"), SINCE)),
        Section(_("Your programmes"), [*map(programme, found["programmes"])], (_("Programme"), HOW_IT_IS, SINCE)),
        Section(
            _("Your permissions"),
            [*map(permission, found["permissions"])],
            (_("What I asked"), _("Your answer"), WHEN, _("Taken back"), _("Proof")),
        ),
        Section(_("When you said stop"), [*map(stop, found["stops"])], (_("What"), WHEN, _("Until"))),
        Section(
            _("Your appointments"),
            [*map(appointment, found["appointments"])],
            (_("What"), WHEN, _("Where"), HOW_IT_IS, _("How it was, from 1 to 5"), _("What you want next")),
        ),
        Section(_("Your Job Clubs"), [*map(club, found["job_clubs"])], (_("Job Club"), HOW_IT_IS, SINCE, _("Until"))),
        Section(
            _("Your weeks in the Job Club"),
            [*map(week, found["weeks"])],
            (
                *(_("Week"), _("Applications"), _("Calls"), _("Interviews")),
                *(_("Hours"), _("Mood, from 1 to 5"), _("What you want next")),
            ),
        ),
        Section(_("Your path"), [*map(path, found["paths"])], (_("Path"), _("Group meetings"), _("Interviews"), WHEN)),
        Section(_("When a person looked after you"), [*map(case, found["cases"])], (_("Why"), SINCE, _("Until"))),
        Section(_("Your files"), [*map(file, found["files"])], (_("Name"), WHEN, HOW_IT_IS)),
        Section(
            _("What you asked about your data"),
            [*map(request, found["requests"])],
            (_("What"), WHEN, _("How it ended"), _("Until"), _("Reason")),
        ),
        Section(
            _("How the desk has marked you"),
            [(row["name"], row["at"]) for row in found["labels"]],
            (_("Mark"), SINCE),
        ),
        Section(_("Notes of the desk"), [*map(note, found["notes"])], (WHEN, _("Words"))),
        Section(
            _("When the desk looked at your conversation"),
            [(row["reviewed_at"], row["follow_up_on"]) for row in found["reviews"]],
            (WHEN, _("Look again on")),
        ),
        Section(
            _("When somebody of the desk read your words in full"),
            [(row["at"], row.get("until"), row.get("reason")) for row in found["read_in_full"]],
            (WHEN, _("Until"), _("Reason")),
        ),
        Section(
            _("What I did not understand"),
            [(row["at"], row["words"]) for row in found["not_understood"]],
            (WHEN, _("Words")),
        ),
        Section(
            _("When two of your chats became one"),
            [(row["at"], row["undone_at"]) for row in found["joined"]],
            (WHEN, _("Taken back")),
        ),
        Section(
            _("Protected notes"),
            [*map(protected, found["protected"])],
            (WHEN, _("Until"), _("What it says"), _("Who has checked it"), _("Note")),
        ),
        Section(_("Our messages"), [*map(message, found["messages"])], (_("Number"), WHEN, _("Who"), _("Words"))),
    ]


def about(person: Row, reader: Reader) -> list[Sequence[Any]]:
    known = (
        (_("Name"), person["name"]),
        (_("Year of birth"), person["year_of_birth"]),
        (_("Town"), person["town"]),
        (_("Telephone"), person["telephone"]),
        (_("Your Italian"), LEVELS.get(person["italian"] or "")),
        (_("Job you look for"), person["job"]),
        (_("We speak"), LANGUAGE_NAME.render(reader).split(",")[0]),
        (_("You came from"), person["came_from"]),
        (_("You wrote first"), person["first_wrote_at"]),
        (_("You signed up"), person["signed_up_at"]),
        (_("You said stop"), person["stopped_at"]),
    )
    return [(name, value) for name, value in known if value is not None]


def chat(row: Row) -> Sequence[Any]:
    names = ", ".join(name for name in (row["address"], row["alias"]) if name)
    return CHANNELS.get(row["channel"], row["channel"]), names, row["created_at"]


def programme(row: Row) -> Sequence[Any]:
    return row["name"], in_words(row["state"]), row["at"]


def permission(row: Row) -> Sequence[Any]:
    """What was asked, what was answered, and the messages that prove it."""
    proof = _(
        "Messages {question} and {answer}, notice {version}",
        question=row["question_id"],
        answer=row["answer_id"],
        version=row["version"],
    )
    return row["text"], YES if row["given"] else NO, row["at"], row["withdrawn_at"], proof


def stop(row: Row) -> Sequence[Any]:
    return PERMISSIONS.get(row["topic"], _("All messages")), row["at"], row["ended_at"]


def appointment(row: Row) -> Sequence[Any]:
    state = "called_off" if row["cancelled_at"] else row["attendance"] or row["state"]
    return row["title"], row["starts_at"], row["place"], in_words(state), row["score"], row["next_step"]


def club(row: Row) -> Sequence[Any]:
    return row["name"], in_words(row["state"]), row["joined_at"], row["left_at"]


def week(row: Row) -> Sequence[Any]:
    return tuple(row[name] for name in ("week", "applications", "calls", "interviews", "hours", "mood", "next_step"))


def path(row: Row) -> Sequence[Any]:
    return row["path"], row["group_meetings"], row["interviews"], row["at"]


def case(row: Row) -> Sequence[Any]:
    return CASES.get(row["reason"], SOMETHING), row["opened_at"], row["closed_at"]


def file(row: Row) -> Sequence[Any]:
    kept = _("I keep it") if row["state"] == "stored" else _("I do not keep it")
    return row["name"], row["at"], kept


def request(row: Row) -> Sequence[Any]:
    """What somebody asked about their data, and what became of it."""
    ended = OUTCOMES.get(row["outcome"] or "", _("Still open"))
    reason = row["refused_because"] or row["longer_because"]
    return REQUESTS.get(row["kind"], row["kind"]), row["asked_at"], ended, row["closed_at"] or row["due_on"], reason


def note(row: Row) -> Sequence[Any]:
    return row["at"], row.get("text", ASK_THE_DESK)


def protected(row: Row) -> Sequence[Any]:
    """What is kept under seal; in a chat only that there is something."""
    if "says" not in row:
        return row["at"], None, ASK_THE_DESK, None, None
    says = row["says"]
    listed = (LISTED if says["listed"] else NOT_LISTED) if says else None
    return row["at"], row["closed_at"] or row["expires_on"], listed, says.get("checked_by"), says.get("note")


def message(row: Row) -> Sequence[Any]:
    who = _("You") if row["direction"] == "in" else _("Sportello")
    return row["id"], row["at"], who, lines(row["text"], row["touched"], row["file"])


def in_words(state: str) -> Words:
    return STATES.get(state, state)
