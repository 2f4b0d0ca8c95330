# SPDX-License-Identifier: EUPL-1.2
"""The agenda in people's own calendars, read back with a calendar library after what can happen to an appointment."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar, Component
from sqlalchemy import select

from storage import Store
from storage.tables import files, messages, venues
from tests.database import Databases
from tests.stage import Stage, perform

BOOKED = "Amina has a place at «{}»"
OTHER = "Il curriculum"
TITLE = "Il colloquio"


class Play:
    """Amina has a place, and looks at what her calendars are told."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.happens(
            f"there is a workshop «{TITLE}» in 7 days at 10:00 with 3 places",
            f"there is a workshop «{OTHER}» in 8 days at 10:00 with 3 places",
            "Amina is registered in Bologna, and wants reminders",
            BOOKED.format(TITLE),
        )

    def happens(self, *words: str) -> None:
        for one in words:
            perform(self.stage, one)

    def asks_for_the_file(self, title: str = TITLE) -> None:
        self.says("impegni", title, "mettilo nel mio calendario")

    def gives_up(self) -> None:
        self.says("impegni", TITLE)
        self.happens("Amina taps «Annulla»")
        self.says("sì")

    def says(self, *words: str) -> None:
        for one in words:
            self.stage.sends("Amina", one)

    def files(self) -> list[Calendar]:
        """The calendar files Amina was sent, the oldest first."""
        wanted = select(messages.c.payload).where(messages.c.subject.like("calendar:%"), messages.c.state == "sent")

        def contents(store: Store) -> list[bytes]:
            payloads = [row.payload for row in store.read(wanted.order_by(messages.c.id))]
            found = [one for payload in payloads if (one := store.files.content(payload["file"]))]
            assert all(one.kind == "text/calendar" for one in found)
            assert all(payload["name"] == "sportello.ics" for payload in payloads)
            return [one.content for one in found]

        return [read(content) for content in self.stage.with_store(contents)]


def read(content: bytes) -> Calendar:
    found = Calendar.from_ical(content)
    assert isinstance(found, Calendar)
    return found


def only(calendar: Calendar) -> Component:
    [event] = calendar.events
    return event


@pytest.fixture
def play(databases: Databases) -> Iterator[Play]:
    with databases.town("sqlite") as url, contextlib.closing(Stage(url)) as stage:
        yield Play(stage)


# A file for one appointment


def test_the_file_says_what_when_and_where(play: Play) -> None:
    play.asks_for_the_file()
    [found] = play.files()
    event = only(found)
    assert (str(found["method"]), str(event["status"]), event["sequence"]) == ("PUBLISH", "CONFIRMED", 0)
    assert event.decoded("dtstart") == datetime(2027, 3, 8, 9, tzinfo=UTC)  # ten in Rome
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(hours=2)
    assert str(event["summary"]) == TITLE
    assert str(event["location"]) == "Casa Lumetta, Via Immaginaria 10, Bologna"
    assert "geo" not in event


def test_who_has_looked_up_the_place_gives_it_to_the_calendar(play: Play) -> None:
    found_at = {"latitude": 44.49, "longitude": 11.34}
    play.stage.with_store(lambda store: store.write(venues.update().values(**found_at)))
    play.asks_for_the_file()
    assert only(play.files()[0]).decoded("geo") == (44.49, 11.34)


def test_after_a_move_it_is_the_same_appointment_at_another_time(play: Play) -> None:
    play.asks_for_the_file()
    play.happens("1 hours pass", f"the desk moves «{TITLE}» by 2 days")
    play.asks_for_the_file()
    before, after = map(only, play.files())
    assert before["uid"] == after["uid"]
    assert after["sequence"] > before["sequence"]
    assert after.decoded("last-modified") > before.decoded("last-modified")
    assert after.decoded("dtstart") - before.decoded("dtstart") == timedelta(days=2)


def test_what_goes_online_says_where_to_enter(play: Play) -> None:
    play.happens(f"the desk puts «{TITLE}» online")
    play.asks_for_the_file()
    event = only(play.files()[0])
    assert "https://meet.example.org/stage" in str(event["description"])
    assert "location" not in event and event["sequence"] == 1


@pytest.mark.parametrize("how", ["the person gives it up", "the desk calls it off"])
def test_what_is_off_is_taken_out_of_the_calendar(play: Play, how: str) -> None:
    play.asks_for_the_file()
    play.happens(f"the desk moves «{TITLE}» by 1 days")
    play.asks_for_the_file()
    if how == "the person gives it up":
        play.gives_up()
    else:
        play.happens(f"the desk calls off «{TITLE}»")
        play.says("altra data")
    found = play.files()
    events = [only(one) for one in found]
    assert [str(one["method"]) for one in found] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert len({str(one["uid"]) for one in events}) == 1
    assert [one["sequence"] for one in events] == [0, 1, 2]
    assert str(events[-1]["status"]) == "CANCELLED"


def test_it_is_taken_out_once(play: Play) -> None:
    play.asks_for_the_file()
    play.happens(f"the desk calls off «{TITLE}»")
    play.says("altra data", "impegni", TITLE, "altra data")
    assert len(play.files()) == 2


def test_asked_for_twice_it_is_kept_once(play: Play) -> None:
    play.asks_for_the_file()
    play.happens("1 hours pass")
    play.asks_for_the_file()
    assert len(play.files()) == 2
    assert len(play.stage.with_store(lambda store: store.read(select(files.c.id)))) == 1


def test_its_name_gives_nothing_away(play: Play) -> None:
    play.happens(BOOKED.format(OTHER))
    play.asks_for_the_file()
    play.asks_for_the_file(OTHER)
    names = [str(only(one)["uid"]) for one in play.files()]
    assert len(set(names)) == 2
    assert all(len(name) == len("booking-@sportello") + 32 for name in names)


def test_the_program_starts_without_the_library() -> None:
    """Few people ask for a file; everybody waits for a start."""
    ask = "import sys, bot.cli, bot.main; sys.exit('icalendar' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0
