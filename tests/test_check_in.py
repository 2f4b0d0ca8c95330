# SPDX-License-Identifier: EUPL-1.2
"""The code in the room: for those who are there, once, and for nobody's friend at home."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.channels.whatsapp.inbound import read
from bot.clock import Clock
from bot.main import Sportello, build
from bot.settings import Settings
from bot.verify import verify
from handlers.desk import Desk
from handlers.desk.attendance import key_in
from handlers.rules.attendance import OPENS, STAYS_OPEN, NotYet, Over, walk_in
from handlers.talk import Address, Incoming
from storage.tables import attendances, bookings
from storage.workshops import Booking
from tests.database import MONDAY, Databases
from tests.stage import Stage, perform, workshop_id
from tests.stage_check_in import KEY, hang
from tests.stage_clubs import club

TITLE, PLACES, PHONES = "Il colloquio", 12, 30
STARTS = MONDAY + timedelta(days=1)  # on Tuesday at 10:00 in Rome
ENDS = STARTS + timedelta(hours=2)
CODE = f"in_{KEY}"
A_MINUTE = timedelta(minutes=1)


class Room:
    """A workshop with a code in its room, and people with telephones."""

    def __init__(self, url: str) -> None:
        self.now, self.numbers = MONDAY, itertools.count(1)
        self.desk: Sportello = build(Settings(database_url=url), Clock(real=lambda: self.now), transports={})
        self.url = url
        self.arranged(f"there is a workshop «{TITLE}» in 1 days at 10:00 with {PLACES} places")
        with self.desk.storage.writing() as store:
            hang(store, TITLE)
            self.id = workshop_id(store, TITLE)

    def arranged(self, *directions: str) -> None:
        with closing(Stage(self.url, now=self.now)) as stage:
            for one in directions:
                perform(stage, one)

    def people(self, *names: str, booked: bool = True) -> None:
        for name in names:
            self.arranged(f"{name} is registered in Bologna, and speaks English")
            if booked:
                self.with_desk(name, lambda desk: desk.workshops.book(self.id))

    def with_desk(self, name: str, act: Any, by: str | None = None) -> Any:
        with self.desk.storage.writing() as store:
            found = store.people.at("telegram", f"stage:{name}")
            assert found
            return act(Desk(store, found[1], self.now, self.desk.engine.play.catalogues, by=by))

    def writes(self, name: str, text: str = "/start", start: str | None = None, channel: str = "telegram") -> str:
        """What they are answered to what they write, all in one."""
        number = f"m{next(self.numbers)}"
        address = Address(channel, f"stage:{name}", simulated=True)
        self.desk.engine.hear([Incoming(address, number, self.now, number, text=text, start=start)])
        with self.desk.storage.reading() as store:
            heard = store.messages.by_update(channel, number)
            assert heard and heard.state != "failed", heard
            rows = store.messages.of(heard.person_id)
        return "\n".join(one.text for one in rows if one.direction == "out" and one.id > heard.id)

    def reads(self, name: str, channel: str = "telegram") -> str:
        return self.writes(name, start=CODE, channel=channel)

    def booking(self, name: str, channel: str = "telegram") -> Booking | None:
        with self.desk.storage.reading() as store:
            found = store.people.at(channel, f"stage:{name}")
            assert found
            return store.workshops.booking_of(found[1].id, self.id)

    def noted(self, name: str) -> str | None:
        booking = self.booking(name)
        return booking.attendance if booking else None

    def said(self) -> Counter[tuple[int, str, str]]:
        with self.desk.storage.reading() as store:
            rows = store.read(select(attendances.c.booking_id, attendances.c.said, attendances.c.how))
        return Counter((row.booking_id, row.said, row.how) for row in rows)

    def booked(self) -> int:
        with self.desk.storage.reading() as store:
            return len(store.read(select(bookings.c.id).where(bookings.c.state == "booked")))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def room(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Room]:
    with databases.town(request.param) as url:
        room = Room(url)
        yield room
        found = verify(room.desk.storage, room.desk.engine.clock)  # type: ignore[arg-type]
        assert [(one.invariant.name, one.ids) for one in found if one.ids] == []
        room.desk.close()


def all_at_once(names: list[str], act: Any) -> list[str]:
    gate = threading.Barrier(len(names))

    def goes(name: str) -> str:
        gate.wait(60)
        return str(act(name))

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(goes, names))


def test_thirty_phones_at_once_and_never_a_place_too_many(room: Room) -> None:
    """Ten have a place; twenty were sent the code by a friend, and two places are free."""
    expected, friends = [f"Amina{number}" for number in range(10)], [f"Joy{number}" for number in range(PHONES - 10)]
    room.people(*expected)
    room.people(*friends, booked=False)
    room.now = STARTS
    first = dict(zip(expected + friends, all_at_once(expected + friends, room.reads), strict=True))
    assert all(first[name].startswith(f"You are checked in at «{TITLE}»") for name in expected)
    assert all("Shall I book it and check you in?" in first[name] for name in friends)
    second = all_at_once(
        expected + friends, lambda name: room.writes(name, "yes") if name in friends else room.reads(name)
    )
    assert sum("until 12:00" in answer for answer in second) == PLACES - len(expected)
    assert sum("none is free" in answer for answer in second) == PHONES - PLACES
    assert room.booked() == PLACES
    assert len(room.said()) == PLACES and set(room.said().values()) == {1}, "each of them is in, once"
    assert {(said, how) for _booking, said, how in room.said()} == {("present", "qr")}


def test_one_person_with_two_fingers_is_in_once(room: Room) -> None:
    room.people("Amina")
    room.now = STARTS
    answers = all_at_once(["Amina"] * 4, room.reads)
    assert sum("already" in answer for answer in answers) >= 1, answers
    assert set(room.said().values()) == {1}


@pytest.mark.parametrize(
    ("now", "answer", "noted"),
    [
        (STARTS - OPENS - A_MINUTE, "It is too early", None),
        (STARTS - OPENS, "until 12:00", "present"),
        (ENDS + STAYS_OPEN, "until 12:00", "present"),
        (ENDS + STAYS_OPEN + A_MINUTE, "nobody can check in any more", None),
    ],
)
def test_from_half_an_hour_before_until_half_an_hour_after(
    room: Room, now: Any, answer: str, noted: str | None
) -> None:
    room.people("Amina")
    room.now = now
    assert answer in room.reads("Amina")
    assert room.noted("Amina") == noted


def test_nobody_walks_in_without_a_place_when_it_has_ended() -> None:
    hours = {"starts_at": STARTS, "ends_at": ENDS}
    assert walk_in(now=STARTS - OPENS - A_MINUTE, **hours) == NotYet(STARTS - OPENS)
    assert walk_in(now=STARTS - OPENS, **hours) is None and walk_in(now=ENDS - A_MINUTE, **hours) is None
    assert walk_in(now=ENDS, **hours) == Over()


def test_a_friend_who_says_yes_when_it_has_ended_is_not_in(room: Room) -> None:
    room.people("Joy", booked=False)
    room.now = ENDS - A_MINUTE
    room.reads("Joy")
    room.now = ENDS
    assert "nobody can check in" in room.writes("Joy", "yes")
    assert room.booking("Joy") is None


def test_a_stranger_learns_nothing_of_who_is_there(room: Room) -> None:
    room.people("Amina")
    room.now = STARTS
    room.reads("Amina")
    assert "Amina" not in room.reads("Sara")
    assert room.booking("Sara") is None


def test_who_waits_takes_a_place_that_is_free_and_keeps_no_place_in_line(room: Room) -> None:
    names = [f"Amina{number}" for number in range(PLACES)]
    room.people(*names)
    room.people("Joy", booked=False)
    room.with_desk("Joy", lambda desk: desk.workshops.book(room.id, or_wait=True))
    room.now = STARTS - timedelta(minutes=20)
    assert "none is free" in room.reads("Joy")
    room.with_desk("Amina0", lambda desk: desk.workshops.cancel(desk.workshops.agenda()[0].booking.id))
    assert "one is free" in room.reads("Joy")
    assert "until 12:00" in room.writes("Joy", "yes")
    booking = room.booking("Joy")
    assert booking and (booking.state, booking.attendance) == ("booked", "present")
    assert room.booked() == PLACES


def test_the_desk_has_the_last_word(room: Room) -> None:
    room.people("Amina", "Joy")
    room.now = STARTS
    for name, said in (("Amina", "absent"), ("Joy", "late")):
        booking = room.booking(name)
        assert booking
        room.with_desk(
            name, lambda desk, id=booking.id, said=said: desk.attendance.mark(id, said, how="console"), by="staff:1"
        )
    assert "The desk has noted something else" in room.reads("Amina")
    assert "already" in room.reads("Joy")
    assert (room.noted("Amina"), room.noted("Joy")) == ("absent", "late")


def test_who_said_stop_is_in_and_stays_undisturbed(room: Room) -> None:
    room.people("Amina")
    room.writes("Amina", "stop")
    room.now = STARTS
    assert "until 12:00" in room.reads("Amina")
    assert room.noted("Amina") == "present"
    assert room.with_desk("Amina", lambda desk: desk.person.stopped_at) is not None


@pytest.mark.parametrize("words", ["my data", "sign up", "workshops", "person", "delete my data", "diary"])
def test_what_was_asked_is_asked_again(room: Room, words: str) -> None:
    room.people("Amina")
    room.now = STARTS
    room.writes("Amina", words)
    before = asked(room)
    answer = room.reads("Amina")
    assert "until 12:00" in answer
    assert asked(room) == before
    assert room.noted("Amina") == "present"


def asked(room: Room) -> tuple[str | None, str | None, bool]:
    with room.desk.storage.reading() as store:
        found = store.people.at("telegram", "stage:Amina")
        assert found
        dialogue = store.dialogues.get(found[1].id)
    is_home = dialogue.conversation == "menu"
    return (None, None, False) if is_home else (dialogue.conversation, dialogue.step, dialogue.question_id is not None)


def test_while_somebody_of_the_desk_writes_the_code_counts_all_the_same(room: Room) -> None:
    room.people("Amina")
    room.now = STARTS
    room.writes("Amina", "workshops")
    room.arranged("Olga of the desk takes over from the program with Amina")
    assert "until 12:00" in room.reads("Amina")
    assert room.noted("Amina") == "present"


def test_on_whatsapp_the_link_brings_the_letters_of_the_message(room: Room) -> None:
    heard = read({"MessageSid": "SM1", "From": "whatsapp:+393331234567", "Body": f"In_{KEY} "}, room.now)
    assert heard and (heard.text, heard.start) == ("/start", CODE)
    room.arranged("Nina writes on WhatsApp")
    room.now = STARTS
    assert "Il colloquio" in room.reads("Nina", channel="whatsapp")


@pytest.mark.parametrize("text", [CODE, f" {CODE}\n", f"In_{KEY}"])
def test_the_letters_can_be_written_by_hand(room: Room, text: str) -> None:
    room.people("Amina")
    room.now = STARTS
    assert "until 12:00" in room.writes("Amina", text)


@pytest.mark.parametrize("text", ["in_", "in_Bologna", f"{CODE}x", f"ciao {CODE}", "src_biblioteca"])
def test_other_words_are_no_code(text: str) -> None:
    assert key_in(Incoming(Address("telegram", "1"), "1", MONDAY, text=text)) is None


def test_a_code_that_somebody_guesses_opens_nothing(room: Room) -> None:
    room.people("Amina")
    room.now = STARTS
    assert "This code does not count any more." in room.writes("Amina", start=f"in_{KEY.upper()}")
    assert room.noted("Amina") is None


def test_a_member_who_had_said_no_to_a_meeting_may_come_after_all(room: Room) -> None:
    """And who is no member takes no place there: they ask."""
    room.people("Joy", "Nina", booked=False)
    room.arranged(
        "there is a Job Club «Club» in Bologna on Thursdays at 10:00 with 8 places, 4 meetings, for everybody",
        "Joy joins «Club»",
    )
    with room.desk.storage.writing() as store:
        store.workshops.change(room.id, check_in_key=None)
        meeting = store.workshops.get(store.job_clubs.meetings(club(store, "Club").id, room.now)[0])
        assert meeting
        room.id, room.now = meeting.id, meeting.starts_at - timedelta(days=1)
        store.workshops.change(meeting.id, check_in_key=KEY)
    booking = room.booking("Joy")
    assert booking
    room.with_desk("Joy", lambda desk: desk.workshops.cancel(booking.id))
    assert "It is too early" in room.reads("Nina")
    room.now = meeting.starts_at
    assert "none is free" in room.reads("Nina")
    assert "one is free" in room.reads("Joy")
    assert "You are checked in" in room.writes("Joy", "yes")
    assert (room.noted("Joy"), room.noted("Nina")) == ("present", None)
