# SPDX-License-Identifier: EUPL-1.2
"""The call list: who is on it, what is said to them, and a free place that is taken or given on by telephone."""

from datetime import timedelta

from sqlalchemy import select, update

from handlers.desk import Desk
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.tables import bookings, cases, workshops
from tests.console.office import House, text_of

CATALOGUES = Catalogues()


def by_telephone(store: Store, house: House, name: str) -> int:
    """Somebody without a chat."""
    id = store.people.enter("it", "0", house.now)
    store.people.change(id, first_name=name, phone="+393331234567", registered_at=house.now)
    return id


def desk(store: Store, house: House, id: int) -> Desk:
    return Desk(store, store.people.get(id), house.now, CATALOGUES)


def full_workshop(store: Store, house: House) -> int:
    """A workshop with one place, and somebody in it."""
    one = store.workshops.open(house.now)[0]
    store.write(update(bookings).where(bookings.c.workshop_id == one.id).values(state="cancelled_by_person"))
    store.write(update(workshops).where(workshops.c.id == one.id).values(capacity=1))
    desk(store, house, by_telephone(store, house, "First")).workshops.book(one.id)
    return int(one.id)


def a_free_place(house: House, *names: str) -> tuple[int, list[int]]:
    """A place has become free, and all who wait for it can only be telephoned."""
    with house.store() as store:
        workshop = full_workshop(store, house)
        first = store.workshops.booked(workshop)[0]
        waiting = [by_telephone(store, house, name) for name in names]
        for id in waiting:
            desk(store, house, id).workshops.book(workshop, or_wait=True)
        desk(store, house, first.person_id).workshops.cancel(first.id)
    return workshop, waiting


def open_case(house: House, person_id: int, reason: str) -> int:
    with house.store() as store:
        mine = cases.c.person_id == person_id, cases.c.reason == reason, cases.c.closed_at.is_(None)
        return int(store.read(select(cases.c.id).where(*mine))[0][0])


def states(house: House, workshop: int) -> dict[int, str]:
    with house.store() as store:
        rows = store.read(select(bookings.c.person_id, bookings.c.state).where(bookings.c.workshop_id == workshop))
    return {row[0]: row[1] for row in rows}


def test_a_free_place_is_taken_on_the_telephone(house: House) -> None:
    workshop, (anna, berta) = a_free_place(house, "Anna", "Berta")
    operator, case = house.as_("operator"), open_case(house, anna, "place_free")
    page = text_of(operator.get("/console/calls"))
    assert "Anna" in page and "+39 333 123 4567" in page and "A place is free at" in page
    assert operator.said(operator.post(f"/console/calls/{case}/take")) == "This call is yours."
    assert operator.said(operator.post(f"/console/calls/{case}/place", answer="yes")) == "The place is theirs."
    assert states(house, workshop)[anna] == "booked" and states(house, workshop)[berta] == "waiting"
    assert "Anna" not in text_of(operator.get("/console/calls"))  # they have been told: nobody calls them again


def test_a_place_is_given_once_however_many_say_yes(house: House) -> None:
    workshop, (anna, berta) = a_free_place(house, "Anna", "Berta")
    operator = house.as_("operator")
    both = [open_case(house, id, "place_free") for id in (anna, berta)]
    answers = [operator.post(f"/console/calls/{case}/place", answer="yes") for case in both]
    assert [one.status_code for one in answers] == [303, 409]
    assert "gone to another person" in text_of(answers[1])
    assert [states(house, workshop)[id] for id in (anna, berta)] == ["booked", "waiting"]


def test_who_does_not_want_it_leaves_the_line(house: House) -> None:
    workshop, (anna, berta) = a_free_place(house, "Anna", "Berta")
    operator, case = house.as_("operator"), open_case(house, anna, "place_free")
    said = operator.said(operator.post(f"/console/calls/{case}/place", answer="no"))
    assert said == "The place goes to the next person in line."
    assert states(house, workshop)[anna] == "cancelled_by_person" and states(house, workshop)[berta] == "waiting"
    assert "Berta" in text_of(operator.get("/console/calls"))


def test_two_cannot_make_one_call(house: House) -> None:
    _workshop, (anna,) = a_free_place(house, "Anna")
    case = open_case(house, anna, "place_free")
    house.as_("operator").post(f"/console/calls/{case}/take")
    answer = house.as_("counsellor").post(f"/console/calls/{case}/take")
    assert answer.status_code == 409 and "makes this call" in text_of(answer)
    answer = house.as_("counsellor").post(f"/console/calls/{case}/outcome", outcome="reached")
    assert answer.status_code == 409


def test_who_was_not_reached_is_called_another_day(house: House) -> None:
    _workshop, (anna,) = a_free_place(house, "Anna")
    operator, case = house.as_("operator"), open_case(house, anna, "place_free")
    day = (house.now + timedelta(days=2)).date().isoformat()
    operator.post(f"/console/calls/{case}/take")
    operator.post(f"/console/calls/{case}/outcome", outcome="not_reached", again_on=day)
    assert "Not today" in text_of(operator.get("/console/calls"))
    house.now += timedelta(days=2)
    operator = house.signed_in(operator.member.id)
    assert "Not today" not in text_of(operator.get("/console/calls"))
    answer = operator.post(f"/console/calls/{case}/outcome", outcome="reached")
    assert operator.said(answer) == "It is written down."
    with house.store() as store:
        assert store.cases.get(case).closed_at


def test_whom_no_reminder_reaches_is_called_before_the_day(house: House) -> None:
    with house.store() as store:
        workshop = store.workshops.open(house.now)[0]
        store.workshops.change(
            workshop.id, starts_at=house.now + timedelta(hours=20), ends_at=house.now + timedelta(hours=22)
        )
        anna = by_telephone(store, house, "Anna")
        booking = store.workshops.add_booking(
            workshop_id=workshop.id, person_id=anna, state="booked", booked_at=house.now, changed_at=house.now
        )
    operator = house.as_("operator")
    assert "Ask whether they come." in text_of(operator.get("/console/calls"))
    operator.post("/console/calls/reminder", booking=booking)
    case = open_case(house, anna, "reminder_24h")
    operator.post(f"/console/calls/{case}/outcome", outcome="reached")
    assert "Anna" not in text_of(operator.get("/console/calls"))


def test_somebody_of_another_area_is_not_on_the_list(house: House) -> None:
    _workshop, (anna,) = a_free_place(house, "Anna")
    case, tutor = open_case(house, anna, "place_free"), house.as_("tutor")
    with house.store() as store:
        store.people.change(anna, comune_istat="037006")
        store.staff.change(tutor.member.id, areas=["nowhere"], programmes=None)
    assert "Anna" not in text_of(tutor.get("/console/calls"))
    assert tutor.post(f"/console/calls/{case}/take").status_code == 404
