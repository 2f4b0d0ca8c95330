# SPDX-License-Identifier: EUPL-1.2
"""What people have ahead, as a calendar on a phone or a computer reads it (RFC 5545)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

MAKER = "-//Sportello//Agenda//EN"
LOOK_AGAIN = timedelta(hours=1)

Status = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]


@dataclass(frozen=True)
class Entry:
    """
    One line of somebody's calendar, in their words. Times are aware.

    A calendar knows it again by ``uid``, and takes what has the higher ``sequence`` for the newer. ``spot`` is latitude
    and longitude.
    """

    uid: str
    sequence: int
    status: Status
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    title: str
    where: str = ""
    notes: str = ""
    spot: tuple[float, float] | None = None


def invitation(entry: Entry) -> bytes:
    """A file that puts one line into a calendar, changes it there, or takes it out."""
    return written([entry], "CANCEL" if entry.status == "CANCELLED" else "PUBLISH")


def whole(entries: Iterable[Entry], name: str) -> bytes:
    """All lines, for a calendar that looks again from time to time."""
    return written(entries, "PUBLISH", name)


def written(entries: Iterable[Entry], method: str, name: str = "") -> bytes:
    from icalendar import Calendar, Event  # few people ask for it, and every start of the program would wait for it

    calendar = Calendar()
    calendar.add("prodid", MAKER)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if name:
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", LOOK_AGAIN, parameters={"VALUE": "DURATION"})
    for entry in entries:
        event = Event()
        for key, value in fields(entry).items():
            event.add(key, value)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def fields(entry: Entry) -> dict[str, object]:
    """What is known of a line; what is not takes no field. The same line makes the same file, to the letter."""
    known = {
        "uid": entry.uid,
        "sequence": entry.sequence,
        "dtstamp": entry.changed_at,
        "last-modified": entry.changed_at,
        "dtstart": entry.starts_at,
        "dtend": entry.ends_at,
        "summary": entry.title,
        "location": entry.where,
        "description": entry.notes,
        "geo": entry.spot,
        "status": entry.status,
    }
    return {key: value for key, value in known.items() if value not in ("", None)}
