# SPDX-License-Identifier: EUPL-1.2
"""Who was there, on the page of the desk: one by one, all the others, who came without a place, and from a list."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from storage.invariants import look
from storage.looking import Present
from storage.tables import attendances, bookings, cases, staff
from tests.console.office import House, text_of
from tests.console.planned import a_workshop, hidden, takes_a_place
from tests.console.test_pages import counted


def rows(house: House, table: Any, *where: Any) -> list[Any]:
    with house.store() as store:
        return list(store.read(select(table).where(*where).order_by(table.c.id)))


class Room:
    """A workshop that begins this minute, with people who have a place."""

    def __init__(self, house: House, *codes: str, **values: Any) -> None:
        self.house, self.id = house, a_workshop(house, **{"capacity": 4, **values})
        self.people = takes_a_place(house, self.id, *codes)
        house.now += timedelta(days=3)
        self.path = f"/console/workshops/{self.id}/attendance"
        self.tutor = house.signed_in(house.as_("tutor").member.id)  # a session of today
        self.places = [one.id for one in rows(house, bookings, bookings.c.workshop_id == self.id)]

    @property
    def stands(self) -> list[str | None]:
        return [one.attendance for one in rows(self.house, bookings, bookings.c.workshop_id == self.id)]

    def said(self, who: int) -> list[tuple[str | None, str, str, str | None]]:
        found = rows(self.house, attendances, attendances.c.booking_id == self.places[who])
        return [(one.said, one.how, one.by, one.reason) for one in found]

    def mark(self, who: int, said: str, **more: str) -> Any:
        return self.tutor.post(self.path, booking=str(self.places[who]), said=said, **more)

    def sends(self, text: str, **more: Any) -> Any:
        return self.tutor.post(f"{self.path}/list", text=text, **more)


@pytest.fixture
def room(house: House) -> Room:
    return Room(house, "j01", "j02", "j03")


def test_each_place_has_four_buttons_and_a_touch_is_written_with_who_said_it(room: Room) -> None:
    page = room.tutor.get(room.path)
    assert page.text.count('name="said"') == 12 and "Nothing said yet: 3" in text_of(page)
    answer = room.mark(0, "late")
    assert answer.headers["Location"] == f"{room.path}#place-{room.places[0]}"
    me = f"staff:{room.tutor.member.id}"
    assert room.said(0) == [("late", "console", me, None)] and room.stands == ["late", None, None]
    assert f"Late · {room.tutor.member.name}" in text_of(room.tutor.get(room.path)).replace(" ,", ",")
    assert room.house.audited("attendance_said") == [(me, "attendance_said", f"person:{room.people[0]}")]


def test_a_correction_wants_a_reason_and_what_was_chosen_is_not_lost(room: Room) -> None:
    room.mark(0, "absent")
    page = room.mark(0, "excused")
    assert page.status_code == 422 and "Say why you correct it." in text_of(page)
    assert re.search(r'value="excused" required checked', page.text) and room.stands[0] == "absent"
    room.mark(0, "excused", reason=" She was at the doctor’s. ")
    assert room.said(0)[-1][::3] == ("excused", "She was at the doctor’s.")
    room.mark(0, "", reason="It was somebody else.")
    assert [one[0] for one in room.said(0)] == ["absent", "excused", None] and room.stands[0] is None


def test_a_button_clicked_twice_says_it_once(room: Room) -> None:
    for _click in range(2):
        room.mark(1, "present", once="same")
    room.mark(1, "present")
    assert len(room.said(1)) == 1


def test_all_the_others_are_present_and_nobody_else(room: Room) -> None:
    room.mark(1, "absent")
    answer = room.tutor.post(f"{room.path}/rest")
    assert room.tutor.said(answer) == "2 places are written down."
    assert room.stands == ["present", "absent", "present"]
    assert room.tutor.said(room.tutor.post(f"{room.path}/rest")) == "0 places are written down."


def test_before_it_begins_nothing_can_be_said_and_after_it_was_called_off_neither(house: House) -> None:
    room = Room(house, "j01")
    house.now -= timedelta(minutes=31)
    page = room.tutor.get(room.path)
    assert "It has not begun." in text_of(page) and 'name="said"' not in page.text
    assert room.mark(0, "present").status_code == 409
    with house.store() as store:
        store.workshops.change(room.id, cancelled_at=house.now)
    assert room.tutor.get(room.path).status_code == 409 and room.stands == [None]


def test_a_place_of_another_workshop_a_word_nobody_knows_and_no_number_are_not_taken(room: Room) -> None:
    other = a_workshop(room.house, 0)
    path = f"/console/workshops/{other}/attendance"
    assert room.tutor.post(path, booking=str(room.places[0]), said="present").status_code == 404
    assert room.mark(0, "perhaps").status_code == 404
    assert room.tutor.post(room.path, booking="x", said="present").status_code == 404
    assert room.stands == [None] * 3


def test_whoever_answers_for_another_area_says_nothing_here(room: Room) -> None:
    with room.house.store() as store:
        found = store.read(select(staff.c.id).where(staff.c.role == "tutor").order_by(staff.c.id))[0][0]
        store.staff.change(found, areas=["collegno"])
    visitor = room.house.signed_in(found)
    assert visitor.get(room.path).status_code == 404
    assert visitor.post(room.path, booking=str(room.places[0]), said="present").status_code == 404
    assert visitor.post(f"{room.path}/rest").status_code == 404 and room.stands == [None] * 3


@pytest.mark.parametrize("role", ["l68_operator", "privacy_officer", "administrator"])
def test_who_does_not_hold_workshops_says_nothing(room: Room, role: str) -> None:
    member = room.house.as_(role).member
    answer = room.house.signed_in(member.id).post(room.path, booking=str(room.places[0]), said="present")
    assert answer.status_code == 403 and room.stands == [None] * 3


def test_whoever_came_without_a_place_gets_one_also_beyond_the_last(house: House) -> None:
    room = Room(house, "j01", "j02", capacity=2)
    stranger = house.person("j04")
    page = room.tutor.get(room.path, q=str(stranger))
    assert "All 2 places are taken." in text_of(page) and f'name="person" value="{stranger}"' in page.text
    for _click in range(2):
        room.tutor.post(f"{room.path}/walk-in", person=str(stranger), once="same")
    found = rows(house, bookings, bookings.c.workshop_id == room.id, bookings.c.person_id == stranger)
    assert [(one.state, one.attendance) for one in found] == [("booked", "present")]
    assert "has a place already" in text_of(room.tutor.get(room.path, q=str(stranger)))
    assert [one[1:] for one in house.audited("walked_in")] == [("walked_in", f"person:{stranger}")]
    assert not broken(house)


def broken(house: House) -> dict[str, list[int]]:
    with house.store() as store:
        found = look(store, Present(house.now, house.now, {"reminder_24h": "service_messages"}))
    return {one.invariant.name: one.ids for one in found if one.ids and one.invariant.name in ("places", "attendance")}


def test_who_waits_in_line_and_stands_in_the_room_has_a_place(house: House) -> None:
    room = Room(house, "j01", "j02", "j03", capacity=2)
    room.tutor.post(f"{room.path}/walk-in", person=str(room.people[2]))
    assert room.stands == [None, None, "present"] and not broken(house)
    assert {one.state for one in rows(house, bookings, bookings.c.workshop_id == room.id)} == {"booked"}


def test_two_absences_in_a_row_call_for_a_call_and_a_correction_ends_it(house: House) -> None:
    first = Room(house, "j01")
    first.mark(0, "absent")
    assert not rows(house, cases, cases.c.reason == "no_shows")
    second = Room(house, "j01")
    second.mark(0, "absent")
    calls = text_of(second.tutor.get("/console/calls"))
    assert "They did not come to their last two workshops." in calls
    second.mark(0, "excused", reason="She had written.")
    assert all(one.closed_at for one in rows(house, cases, cases.c.reason == "no_shows"))
    assert "last two workshops" not in text_of(second.tutor.get("/console/calls"))


# ---- from a list


def test_a_list_is_shown_first_and_then_done_in_one(room: Room) -> None:
    first, second, third = room.people
    text = f"numero;stato\n{first};presente\n{second};in ritardo\n=cmd();presente\n99999;assente\n{third};boh"
    shown = room.sends(text)
    said = text_of(shown)
    assert "2 places would change." in said and "3 lines cannot be read" in said and room.stands == [None] * 3
    done = room.sends(text, sure="1", seen=hidden(shown))
    assert room.tutor.said(done) == "2 places are written down." and room.stands == ["present", "late", None]
    assert [one[1] for one in room.said(0)] == ["sheet"]


def test_a_list_that_corrects_wants_a_reason_and_one_that_is_old_is_shown_again(room: Room) -> None:
    room.mark(0, "absent")
    text = f"number,state\n{room.people[0]},present\n{room.people[1]},present\n"
    seen = hidden(room.sends(text))
    again = room.sends(text, sure="1", seen=seen)
    assert again.status_code == 422 and "Say why you correct" in text_of(again) and room.stands[1] is None
    room.mark(2, "late")
    changed = room.sends(text, sure="1", seen=seen, reason="The list of the tutor")
    assert changed.status_code == 422 and "Something has changed since." in text_of(changed)
    room.sends(text, sure="1", seen=hidden(changed), reason="The list of the tutor")
    assert room.stands == ["present", "present", "late"] and room.said(0)[-1][3] == "The list of the tutor"


def test_a_name_that_two_people_have_and_a_person_on_two_lines_are_not_guessed_at(room: Room) -> None:
    with room.house.store() as store:
        for id in room.people[:2]:
            store.people.change(id, first_name="Giulia")
        store.people.change(room.people[2], first_name="Désirée")
    number = room.people[0]
    said = text_of(room.sends(f"nome;numero;stato\nGIULIA;;p\nDesiree;;a\nGiulia;{number};p\nGiulia;{number};a"))
    assert "More than one person is called so." in said and "1 place would change." in said
    assert said.count("Another line says something else") == 2


def test_a_file_is_read_and_one_in_other_letters_is_refused(room: Room) -> None:
    content = f"\ufeffNumero;Stato\r\n{room.people[0]};Presente\r\n".encode()
    shown = room.sends("", files={"file": ("list.csv", content, "text/csv")})
    assert "1 place would change." in text_of(shown)
    wrong = room.sends("", files={"file": ("list.csv", "numero;stato\né".encode("latin-1"), "text/csv")})
    assert wrong.status_code == 422 and "Save it as CSV, UTF-8." in text_of(wrong)
    assert room.sends("hello").status_code == 422 and "hello" in room.sends("hello").text


def test_the_page_asks_the_database_as_often_for_thirty_people_as_for_three(house: House) -> None:
    room, asked = Room(house, "j01", capacity=50), []
    for codes in (("j02",), ("j03", "j04", "j05", "j06", "j07", "j08")):
        house.now -= timedelta(days=3)
        takes_a_place(house, room.id, *codes)
        house.now += timedelta(days=3)
        with counted(house) as said:
            assert room.tutor.get(room.path).status_code == 200
        asked.append(len(said))
    assert asked[0] == asked[1]


def test_on_postgresql_the_same_is_written_and_read(big_house: House) -> None:
    room = Room(big_house, "j01", "j02")
    room.mark(0, "absent")
    room.mark(0, "late", reason="She came at ten.")
    room.tutor.post(f"{room.path}/rest")
    text = f"numero;stato\n{room.people[1]};giustificata"
    room.sends(text, sure="1", seen=hidden(room.sends(text)), reason="She told us.")
    room.tutor.post(f"{room.path}/walk-in", person=str(big_house.person("j05")))
    assert room.stands == ["late", "excused", "present"] and not broken(big_house)
