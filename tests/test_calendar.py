# SPDX-License-Identifier: EUPL-1.2
"""The agenda in people's own calendars, read back with a calendar library after what can happen to an appointment."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

import pytest
from icalendar import Calendar, Component
from sqlalchemy import select
from starlette.testclient import TestClient

from bot.calendar import PublicLinks
from bot.clock import Clock
from bot.main import build, web
from bot.settings import Settings
from handlers.desk import Desk
from handlers.desk.calendar import Calendar as DeskCalendar
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.tables import files, messages, venues
from tests.database import Databases
from tests.stage import Stage, perform

T = TypeVar("T")

CATALOGUES = Catalogues()
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


# A calendar that follows


class Door:
    """The web application of Amina's desk, and the way to her agenda."""

    def __init__(self, play: Play) -> None:
        self.stage = play.stage
        now = play.stage.now
        self.links = PublicLinks("https://sportello.example.org")
        settings = Settings(database_url=play.stage.url, public_url=self.links.public_url)
        self.desk = build(settings, Clock(real=lambda: now), transports={})
        self.browser = TestClient(web(self.desk, with_worker=False), base_url=self.links.public_url)

    def own(self, act: Callable[[DeskCalendar], T], who: str = "Amina") -> T:
        """What somebody does about the address of their agenda."""

        def work(store: Store) -> T:
            person = self.stage.person(store, who)
            return act(Desk(store, person, self.stage.now, CATALOGUES, links=self.links).calendar)

        return self.stage.with_store(work)  # type: ignore[no-any-return]

    def address(self, who: str = "Amina") -> str:
        self.own(lambda calendar: calendar.open(), who)
        found = self.own(lambda calendar: calendar.address(), who)
        assert found
        return found

    def events(self, who: str = "Amina") -> list[Component]:
        answer = self.browser.get(self.address(who))
        assert answer.status_code == 200
        return list(read(answer.content).events)

    def agenda(self, who: str = "Amina") -> dict[str, Component]:
        return {str(event["summary"]): event for event in self.events(who)}


@pytest.fixture
def door(play: Play) -> Iterator[Door]:
    door = Door(play)
    yield door
    door.desk.close()


def test_the_whole_agenda_is_there_and_what_was_called_off_is_crossed_out(play: Play, door: Door) -> None:
    play.happens(BOOKED.format(OTHER), f"the desk calls off «{OTHER}»")
    found = door.agenda()
    assert {title: str(event["status"]) for title, event in found.items()} == {TITLE: "CONFIRMED", OTHER: "CANCELLED"}
    assert (found[TITLE]["sequence"], found[OTHER]["sequence"]) == (0, 1)


def test_the_file_and_the_agenda_speak_of_the_same_appointment(play: Play, door: Door) -> None:
    play.happens(f"the desk moves «{TITLE}» by 1 days")
    play.asks_for_the_file()
    assert door.agenda()[TITLE].to_ical() == only(play.files()[0]).to_ical()


def test_who_waits_has_something_uncertain(play: Play, door: Door) -> None:
    play.happens(
        "there is a workshop «Pieno» in 9 days at 10:00 with 1 place",
        "Zoe has a place at «Pieno»",
        BOOKED.format("Pieno"),
    )
    assert str(door.agenda()["Pieno"]["status"]) == "TENTATIVE"
    assert list(door.agenda("Zoe")) == ["Pieno"]


def test_what_is_given_up_is_gone_and_what_is_over_stays(play: Play, door: Door) -> None:
    play.happens(BOOKED.format(OTHER))
    play.gives_up()
    play.happens("10 days pass")
    assert list(door.agenda()) == [OTHER]


def test_it_is_served_as_a_private_calendar(door: Door) -> None:
    answer = door.browser.get(door.address())
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"].startswith("private")
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_nobody_has_an_address_before_they_ask_for_it(door: Door) -> None:
    assert door.own(lambda calendar: calendar.address()) is None
    assert door.address() == door.address()  # and asking again does not change it
    key = door.address().removeprefix("https://sportello.example.org/calendar/").removesuffix(".ics")
    assert len(key) == 43  # 256 bits


def test_an_address_that_was_taken_back_is_like_any_wrong_one(play: Play, door: Door) -> None:
    play.happens("Zoe is registered in Bologna", "Zoe has a place at «" + OTHER + "»")
    first, of_zoe = door.address(), door.address("Zoe")
    door.own(lambda calendar: calendar.shut())
    assert door.own(lambda calendar: calendar.address()) is None
    assert door.browser.get(first).status_code == 404
    second = door.address()
    assert second != first and door.browser.get(second).status_code == 200
    assert door.browser.get(first).status_code == 404
    assert door.browser.get(of_zoe).status_code == 200  # nobody else's ends with it


def test_all_that_is_wrong_looks_the_same(play: Play, door: Door) -> None:
    play.happens("Zoe is registered in Bologna")
    good = door.address().rpartition("/")[2].removesuffix(".ics")
    other = "B" if good[-1] == "A" else "A"
    wrong = [
        good[:-1],
        good[:-1] + other,
        good + "A",
        good.swapcase(),
        "%" + good[1:],
        "_" * 43,  # a pattern that fits anything is compared like any other key
        good[:-1] + "è",
        "None",
        "²",
        "1",
        "9" * 400,
    ]
    answers = [door.browser.get(f"/calendar/{quote(one)}.ics") for one in wrong]
    assert [answer.status_code for answer in answers] == [404] * len(wrong)
    assert len({answer.content for answer in answers}) == 1
    assert door.browser.get(f"/calendar/{good}").status_code == 404
    assert door.browser.post(f"/calendar/{good}.ics").status_code == 405
    assert door.browser.get(f"/calendar/{good}.ics").status_code == 200


def test_where_nothing_can_be_reached_from_outside_no_agenda_is_offered_to_follow(play: Play) -> None:
    play.stage.languages["Amina"] = "en"
    play.says("english", "agenda")
    assert "Follow my agenda in my calendar" not in play.stage.shown_to("Amina")[-1].text
    play.stage.public_url = "https://sportello.example.org"
    play.says("agenda")
    assert "Follow my agenda in my calendar" in play.stage.shown_to("Amina")[-1].text


def test_ten_lines_hold_nine_appointments_and_the_way_to_follow_them(play: Play) -> None:
    """Ten are all that a list on WhatsApp shows."""
    play.stage.public_url = "https://sportello.example.org"
    for number in range(10):
        title = f"Laboratorio {number}"
        play.happens(
            f"there is a workshop «{title}» in {10 + number} days at 10:00 with 3 places", BOOKED.format(title)
        )
    play.says("agenda")
    options = play.stage.shown_to("Amina")[-1].options
    assert options and [one["id"] for one in options][9:] == ["follow"]


def test_looking_writes_nothing_down(play: Play, door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    way = door.address()
    capsys.readouterr()
    door.browser.get(way)
    assert way.rpartition("/")[2] not in "".join(capsys.readouterr())


# Meetings of a Job Club

CLUB = "Job Club Fontenera"
MEETS = f"there is a Job Club «{CLUB}» in Collegno on Wednesdays at 14:30 with 8 places, 4 meetings, for everybody"


def test_the_meetings_of_a_job_club_are_in_the_agenda_that_a_calendar_follows(play: Play, door: Door) -> None:
    play.happens(MEETS, f"Amina joins «{CLUB}»", f"nobody holds the next meeting of «{CLUB}»")
    meetings = [one for one in door.events() if str(one["summary"]) == CLUB]
    assert [str(one["status"]) for one in meetings] == ["TENTATIVE", *["CONFIRMED"] * 3]
    assert len({str(one["uid"]) for one in meetings}) == 4


def test_who_comes_after_all_has_a_new_entry_and_not_the_one_that_was_taken_out(play: Play, door: Door) -> None:
    play.happens(MEETS, f"Amina joins «{CLUB}»")
    play.says("job club", "1", "1", "no")
    without = door.events()
    play.says("job club", "1", "1", "sì")
    again = door.events()
    assert len(again) == len(without) + 1
    assert len({str(one["uid"]) for one in again}) == len(again)
