# SPDX-License-Identifier: EUPL-1.2
"""The agenda in people's own calendars, read back with a calendar library after what can happen to an appointment."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar, Component
from pydantic import SecretStr
from sqlalchemy import select
from starlette.testclient import TestClient

from bot.calendar import link, token
from bot.clock import Clock
from bot.main import build, web
from bot.settings import Settings
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


# A calendar that follows


class Door:
    """The web application of Amina's desk, and the way to her agenda."""

    def __init__(self, play: Play, secret: str = "only for this test") -> None:
        self.stage = play.stage
        now = play.stage.now
        self.settings = Settings(
            database_url=play.stage.url, secret_key=SecretStr(secret), public_url="https://sportello.example.org"
        )
        self.desk = build(self.settings, Clock(real=lambda: now), transports={})
        self.browser = TestClient(web(self.desk, with_worker=False), base_url="https://sportello.example.org")

    def whose(self, who: str = "Amina") -> tuple[int, datetime]:
        def look(store: Store) -> tuple[int, datetime]:
            id = self.stage.person(store, who).id
            since = store.people.since(id)
            assert since
            return id, since

        return self.stage.with_store(look)  # type: ignore[no-any-return]

    def agenda(self, who: str = "Amina") -> dict[str, Component]:
        answer = self.browser.get(link(self.settings, *self.whose(who)))
        assert answer.status_code == 200
        return {str(event["summary"]): event for event in read(answer.content).events}


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
    answer = door.browser.get(link(door.settings, *door.whose()))
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"].startswith("private")
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_all_that_is_wrong_looks_the_same(play: Play, door: Door) -> None:
    play.happens("Zoe is registered in Bologna")
    (amina, since), (zoe, _since) = door.whose(), door.whose("Zoe")
    good = token(door.settings, amina, since)
    signature = good.partition("-")[2]
    wrong = [
        f"{amina}",
        f"{amina}-",
        f"{amina}-{signature[:-1]}",
        f"{amina}-{signature}=",
        f"{amina}-è",
        f"{zoe}-{signature}",
        f"0{good}",
        f"²-{signature}",
        f"-{signature}",
        f"{'9' * 18}-{signature}",
        f"{'9' * 400}-{signature}",
        token(door.settings, amina, since + timedelta(microseconds=1)),  # somebody who had this number before
        token(door.settings, zoe + 1, since),  # well signed, and there is nobody
        token(Settings(secret_key=SecretStr("another")), amina, since),
    ]
    answers = [door.browser.get(f"/calendar/{one}.ics") for one in wrong]
    assert [answer.status_code for answer in answers] == [404] * len(wrong)
    assert len({answer.content for answer in answers}) == 1
    assert door.browser.get(f"/calendar/{good}").status_code == 404
    assert door.browser.post(f"/calendar/{good}.ics").status_code == 405
    assert door.browser.get(f"/calendar/{good}.ics").status_code == 200


def test_without_a_secret_there_is_nothing_to_follow(play: Play) -> None:
    door = Door(play, secret="")
    assert door.browser.get(link(door.settings, *door.whose())).status_code == 404
    door.desk.close()


def test_looking_writes_nothing_down(play: Play, door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    way = link(door.settings, *door.whose())
    capsys.readouterr()
    door.browser.get(way)
    assert way.rpartition("/")[2] not in "".join(capsys.readouterr())
