# SPDX-License-Identifier: EUPL-1.2
"""What an administrator sets: how the service is reached, when it is open, and when it writes to people by itself."""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import TYPE_CHECKING, Any

from handlers.rules.service_time import MORNINGS, WEEK
from handlers.talk import Text, _

if TYPE_CHECKING:
    from handlers.desk.office import Office

LONGEST = 200  # letters of a line
MOST_CLOSED_DAYS = 100
TEXTS = ("service_name", "phone", "address")
OPENING = ("it", "en")
USUAL = {
    day: [{"from": start.strftime("%H:%M"), "to": end.strftime("%H:%M")} for start, end in spans]
    for day, spans in MORNINGS.items()
}  # as the desk counts where nothing is set

NEEDED = _("This is needed: people read it.")
TOO_LONG = _("This is too long: {most} characters at most.", most=LONGEST)


class ServiceSettings:
    """The settings, as a form shows them and as they are kept; they hold from the next message on."""

    def __init__(self, office: "Office") -> None:
        self.office, self.store = office, office.store

    def shown(self) -> dict[str, str]:
        """Each field as it stands in the form."""
        kept = self.office.settings
        quiet = kept.get("quiet_hours") or {"from": "20:00", "to": "08:00"}
        hours = kept.get("opening_hours") or USUAL
        return {
            **{name: str(kept.get(name) or "") for name in (*TEXTS, "web")},
            **{f"opening_{one}": (kept.get("opening") or {}).get(one, "") for one in OPENING},
            **{f"hours_{one}": hours_in_words(hours.get(one) or []) for one in WEEK},
            "answer_hours": str(kept.get("answer_hours") or 24),
            "quiet_from": quiet["from"],
            "quiet_to": quiet["to"],
            "closed_days": "\n".join(kept.get("closed_days") or []),
            "pushes_a_day": str(kept.get("pushes_a_day") or 3),
        }

    def change(self, given: Mapping[str, str]) -> dict[str, Text]:
        """Keep what is different, and write down what it was; or nothing at all, and what is wrong by field."""
        values, wrong = read(given)
        if wrong:
            return wrong
        for name, value in values.items():
            before = self.office.settings.get(name)
            if before != value and (before or value):
                self.store.questions.set(name, value)
                self.office.note("setting_changed", f"setting:{name}", before=before, after=value)
        return {}


def read(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Text]]:
    """What was written in the form as it is kept, and what is wrong with it, by field."""
    form = Form(given)
    values: dict[str, Any] = {
        **{name: form.line(name) for name in TEXTS},
        "web": form.address("web"),
        "opening": {one: form.line(f"opening_{one}").rstrip(".") for one in OPENING},
        "opening_hours": {one: hours for one in WEEK if (hours := form.hours(f"hours_{one}"))},
        "answer_hours": form.whole("answer_hours", 1, 200),
        "quiet_hours": {"from": form.clock("quiet_from"), "to": form.clock("quiet_to")},
        "closed_days": form.days("closed_days"),
        "pushes_a_day": form.whole("pushes_a_day", 1, 3),
    }
    if not form.wrong and values["quiet_hours"]["to"] >= values["quiet_hours"]["from"]:
        form.wrong["quiet_from"] = _("Quiet begins in the evening and ends the next morning, such as 20:00 and 08:00.")
    if "phone" not in form.wrong and not re.fullmatch(r"[+\d][\d ()/.-]{4,24}", values["phone"]):
        form.wrong["phone"] = _("Write a telephone number, such as +39 051 123 4567.")
    return values, form.wrong


class Form:
    """A form as somebody filled it in; each field is read once, and what is wrong with it is kept by its name."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given
        self.wrong: dict[str, Text] = {}

    def line(self, name: str) -> str:
        found = " ".join(self.given.get(name, "").split())
        if not found:
            self.wrong[name] = NEEDED
        elif len(found) > LONGEST:
            self.wrong[name] = TOO_LONG
        return found

    def address(self, name: str) -> str:
        """A page on the web, or nothing."""
        found = self.given.get(name, "").strip()
        if len(found) > LONGEST:
            self.wrong[name] = TOO_LONG
        elif found and not re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(:\d+)?(/[^\s<>\"']*)?", found):
            self.wrong[name] = _("Write a whole web address, such as https://example.org.")
        return found

    def whole(self, name: str, least: int, most: int) -> int:
        found = self.given.get(name, "").strip()
        if found.isascii() and found.isdigit() and len(found) < 6 and least <= int(found) <= most:
            return int(found)
        self.wrong[name] = _("Write a whole number from {least} to {most}.", least=least, most=most)
        return 0

    def clock(self, name: str) -> str:
        if found := clock_time(self.given.get(name, "")):
            return found
        self.wrong[name] = _("Write a time, such as 08:30.")
        return ""

    def hours(self, name: str) -> list[dict[str, str]]:
        """When the desk is open on one weekday: from … to …, one after the other."""
        try:
            return [{"from": start, "to": end} for start, end in hours_of(self.given.get(name, ""))]
        except ValueError:
            self.wrong[name] = _("Write the times like this: 09:00-13:00, 14:30-17:00. Leave it empty when closed.")
            return []

    def days(self, name: str) -> list[str]:
        """Days, each on a line of its own."""
        try:
            found = {day_of(line) for line in self.given.get(name, "").replace(",", "\n").splitlines() if line.strip()}
        except ValueError:
            self.wrong[name] = _("Write one day on each line, such as 24/12/2026.")
            return []
        if len(found) > MOST_CLOSED_DAYS:
            self.wrong[name] = _("These are too many days: {most} at most.", most=MOST_CLOSED_DAYS)
        return [day.isoformat() for day in sorted(found)]


def clock_time(given: str) -> str | None:
    """A time of the day with two digits each, from 8:30, 08.30 or 8."""
    found = re.fullmatch(r"([01]?\d|2[0-3])(?:[:.]([0-5]\d))?", given.strip())
    return time(int(found[1]), int(found[2] or 0)).strftime("%H:%M") if found else None


def hours_of(given: str) -> list[list[str]]:
    """The open times in a line such as "9-13, 14:30-17". Raises ValueError."""
    spans = [[clock_time(end) or "" for end in re.split(r"[-–]", span)] for span in given.split(",") if span.strip()]
    ends = [end for span in spans for end in span]
    if any(len(span) != 2 for span in spans) or "" in ends or ends != sorted(set(ends)):
        raise ValueError(given)
    return spans


def hours_in_words(spans: list[dict[str, str]]) -> str:
    return ", ".join(f"{span['from']}-{span['to']}" for span in spans)


def day_of(line: str) -> date:
    """A day as computers or as people write it. Raises ValueError."""
    line = line.strip()
    if found := re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", line):
        return date(int(found[3]), int(found[2]), int(found[1]))
    return date.fromisoformat(line)
