# SPDX-License-Identifier: EUPL-1.2
"""What a calendar is told, read back as a calendar reads it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Component

from handlers.rules.booking import overlap
from handlers.rules.calendar import Entry, invitation, whole

AT = datetime(2027, 3, 8, 9, tzinfo=UTC)
ENTRY = Entry(
    uid="booking-1@sportello",
    sequence=0,
    status="CONFIRMED",
    starts_at=AT,
    ends_at=AT + timedelta(hours=2),
    changed_at=AT - timedelta(days=7),
    title="Il colloquio, da soli; e insieme",
    where="Casa Lumetta, Via Immaginaria 10, Bologna",
    notes="Porta il curriculum.\nEntri da qui: https://meet.example.org/" + "stanza-lunga" * 9,
    spot=(44.49, 11.34),
)


def read(content: bytes) -> Calendar:
    found = Calendar.from_ical(content)
    assert isinstance(found, Calendar)
    return found


def only(content: bytes) -> Component:
    [event] = read(content).events
    return event


def test_a_calendar_reads_what_was_written() -> None:
    event = only(invitation(ENTRY))
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (ENTRY.starts_at, ENTRY.ends_at)
    assert (str(event["summary"]), str(event["location"])) == (ENTRY.title, ENTRY.where)
    assert str(event["description"]) == ENTRY.notes
    assert (event["geo"].latitude, event["geo"].longitude) == ENTRY.spot
    assert (str(event["uid"]), event["sequence"], str(event["status"])) == (ENTRY.uid, 0, "CONFIRMED")
    assert event.decoded("last-modified") == ENTRY.changed_at


def test_lines_are_folded_and_end_as_they_should() -> None:
    content = invitation(ENTRY)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_what_is_not_known_takes_no_field() -> None:
    event = only(invitation(replace(ENTRY, where="", notes="", spot=None)))
    assert not {"location", "description", "geo"} & {name.lower() for name in event}


def test_the_same_line_makes_the_same_file() -> None:
    assert invitation(ENTRY) == invitation(replace(ENTRY))


def test_what_is_off_is_taken_out() -> None:
    off = invitation(replace(ENTRY, status="CANCELLED", sequence=1))
    assert str(read(off)["method"]) == "CANCEL" and str(only(off)["status"]) == "CANCELLED"
    assert str(read(invitation(ENTRY))["method"]) == "PUBLISH"


def test_a_calendar_that_follows_is_told_its_name_and_when_to_look_again() -> None:
    found = read(whole([ENTRY, replace(ENTRY, uid="another", status="CANCELLED")], "I miei impegni"))
    assert (str(found["method"]), str(found["x-wr-calname"])) == ("PUBLISH", "I miei impegni")
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H" in found.to_ical()
    assert [str(event["status"]) for event in found.events] == ["CONFIRMED", "CANCELLED"]


def test_an_empty_agenda_is_a_calendar_too() -> None:
    assert read(whole([], "Agenda")).events == []


# Control signs are no words, and a calendar has only one way to end a line.
WORDS = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200)


@given(title=WORDS.filter(bool), notes=WORDS)
def test_no_words_break_a_calendar(title: str, notes: str) -> None:
    event = only(invitation(replace(ENTRY, title=title, notes=notes)))
    assert str(event["summary"]) == title and str(event.get("description", "")) == notes


HOURS = st.integers(0, 20)


@given(HOURS, st.integers(1, 5), HOURS, st.integers(1, 5))
def test_two_things_clash_when_they_share_an_hour(one: int, long: int, other: int, as_long: int) -> None:
    def hours(start: int, length: int) -> tuple[datetime, datetime]:
        return AT + timedelta(hours=start), AT + timedelta(hours=start + length)

    shared = set(range(one, one + long)) & set(range(other, other + as_long))
    assert overlap(hours(one, long), hours(other, as_long)) == bool(shared)
