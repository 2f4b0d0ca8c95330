# SPDX-License-Identifier: EUPL-1.2
"""A person on one screen: what is known, what comes next, and what the desk does on their behalf."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select

from handlers.desk import Desk
from handlers.desk import moments as ticking
from handlers.desk.delivery import Delivery
from handlers.desk.office import Office, Refused
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.tables import audit, cases, messages
from tests.console.office import House, text_of
from tests.stage import agreed

CATALOGUES = Catalogues()


def meets(store: Store, house: House, name: str, *, agrees: bool = True) -> int:
    """Somebody with a chat who has signed up."""
    known: dict[str, Any] = {"simulated": True, "language": "en", "release": "1", "now": house.now}
    identity, person = store.people.meet("telegram", f"sim:{name}", **known)
    store.people.change(person.id, first_name=name, registered_at=house.now)
    if agrees:
        store.people.record_consent(**agreed(person.id, "en", identity.channel, house.now))
    return person.id


def workshop_in(store: Store, house: House, **ahead: float) -> int:
    """An open workshop, moved to so much from now."""
    one = store.workshops.open(house.now)[0]
    at = house.now + timedelta(**ahead)
    store.workshops.change(one.id, starts_at=at, ends_at=at + timedelta(hours=2), closes_at=at, capacity=20)
    return int(one.id)


def booked(house: House, *, agrees: bool = True, **ahead: float) -> tuple[int, int]:
    """Somebody who has a place at a workshop so far ahead."""
    with house.store() as store:
        person, workshop = meets(store, house, "Nadia", agrees=agrees), workshop_in(store, house, **ahead)
        Desk(store, store.people.get(person), house.now, CATALOGUES).workshops.book(workshop)
    return person, workshop


def coming(house: House, person: int) -> list[Any]:
    member = house.as_("operator").member
    with house.store() as store:
        office = Office(store, member, house.now, house.now, CATALOGUES)
        return office.future.of(office.desk_of(person))


def planned(house: House, person: int) -> list[str]:
    return [one.key.partition(":")[0] for one in coming(house, person) if one.key]


def pushes(house: House, person: int) -> list[Any]:
    with house.store() as store:
        mine = messages.c.person_id == person, messages.c.kind == "moment"
        return [row for row in store.read(select(messages).where(*mine).order_by(messages.c.id)) if row.options]


def tick(house: House) -> None:
    with house.store() as store:
        ticking.put(store, house.now, CATALOGUES, ticking.due_now(store, house.now))


def test_what_comes_next_is_what_the_tick_puts_out(house: House) -> None:
    person, _workshop = booked(house, days=3)
    seen = [one for one in coming(house, person) if one.key]
    assert [one.key.partition(":")[0] for one in seen][:3] == ["reminder_24h", "reminder_2h", "how_was_it"]
    house.now = seen[0].at
    tick(house)
    put = next(row for row in pushes(house, person) if row.dedupe_key == seen[0].key)
    assert (put.text, put.due_at) == (seen[0].words, seen[0].at)
    assert "reminder_24h" not in planned(house, person)


def test_it_says_what_holds_it_back_and_where_it_moves(house: House) -> None:
    person, _workshop = booked(house, agrees=False, days=6)  # on a Sunday
    first = next(one for one in coming(house, person) if one.key)
    page = text_of(house.as_("operator").get(f"/console/people/{person}"))
    assert "The person has not agreed to messages like this." in page and "Reminder, the day before" in page
    assert first.held
    with house.store() as store:
        Desk(store, store.people.get(person), house.now, CATALOGUES).people.stop()
    assert "The person asked for no more messages." in text_of(house.as_("operator").get(f"/console/people/{person}"))
    asked = next(one for one in coming(house, person) if one.key and one.key.startswith("how_was_it"))
    assert asked.moved_from and asked.moved_from < asked.at  # from Sunday to Monday morning


def test_what_is_held_back_is_never_planned_again(house: House) -> None:
    person, _workshop = booked(house, days=3)
    key = next(one for one in coming(house, person) if one.key).key
    answer = house.as_("operator").post(f"/console/people/{person}/hold-back", key=key)
    assert house.as_("operator").said(answer) == "This message is not sent."
    assert "reminder_24h" not in planned(house, person) and "reminder_2h" in planned(house, person)
    house.now += timedelta(days=2, hours=1)
    tick(house)
    rows = [row for row in select_rows(house, person) if row.dedupe_key == key]
    assert [(row.state, row.reason) for row in rows] == [("suppressed", "cancelled_by_staff")], rows
    assert house.audited("message_held_back")[0][2] == f"person:{person}"
    operator = house.signed_in(house.as_("operator").member.id)  # it is another day
    again = operator.post(f"/console/people/{person}/hold-back", key=key)
    assert again.status_code == 409 and "It has left already" in text_of(again), text_of(again)


def select_rows(house: House, person: int) -> list[Any]:
    with house.store() as store:
        return list(store.read(select(messages).where(messages.c.person_id == person).order_by(messages.c.id)))


@pytest.mark.postgres
def test_of_the_desk_and_the_worker_exactly_one_wins(big_house: House) -> None:
    person, _workshop = booked(big_house, days=3)
    key = next(one for one in coming(big_house, person) if one.key).key
    big_house.now += timedelta(days=2)
    tick(big_house)
    id = next(row.id for row in pushes(big_house, person) if row.dedupe_key == key)
    delivery = Delivery(big_house.storage, big_house.desk.engine.clock, CATALOGUES)
    claimed = next(one for one in delivery.claim() if one.id == id)
    member, gate, won = big_house.as_("operator").member, Barrier(2), []

    def desk_holds_it_back() -> None:
        gate.wait(30)
        try:
            with big_house.store() as store:
                Office(store, member, big_house.now, big_house.now, CATALOGUES).future.hold_back(person, message_id=id)
            won.append("desk")
        except Refused:
            pass

    def worker_sends() -> None:
        gate.wait(30)
        if delivery.begin(claimed):
            won.append("worker")

    threads = [Thread(target=desk_holds_it_back), Thread(target=worker_sends)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    row = next(row for row in pushes(big_house, person) if row.id == id)
    assert won == (["worker"] if row.state == "sending" else ["desk"])
    assert row.state in ("sending", "suppressed")


def test_the_desk_books_by_the_rules_of_the_chat(house: House) -> None:
    operator = house.as_("operator")
    with house.store() as store:
        nadia, workshop = meets(store, house, "Nadia"), workshop_in(store, house, days=3)
        others = [meets(store, house, f"Other{number}") for number in range(2)]
        other = store.workshops.open(house.now)[1]
        at = store.workshops.get(workshop)
        store.workshops.change(other.id, starts_at=at.starts_at, ends_at=at.ends_at, closes_at=at.starts_at)
    path = f"/console/people/{nadia}"
    assert "on its way" in operator.said(operator.post(f"{path}/book", workshop=workshop))
    assert [row.subject is not None and row.payload["moment"] for row in pushes(house, nadia)] == ["booking_confirmed"]
    assert operator.post(f"{path}/book", workshop=workshop).status_code == 409  # they have a place already
    clash = operator.post(f"{path}/book", workshop=other.id)
    assert clash.status_code == 409 and "Book it all the same?" in text_of(clash)
    operator.said(operator.post(f"{path}/book", workshop=other.id, despite="1"))
    with house.store() as store:
        store.workshops.change(workshop, capacity=1)
    full = operator.post(f"/console/people/{others[0]}/book", workshop=workshop)
    assert full.status_code == 409 and "Shall they go on the waiting list?" in text_of(full)
    waits = operator.post(f"/console/people/{others[0]}/book", workshop=workshop, or_wait="1")
    assert "number" in operator.said(waits)
    with house.store() as store:
        mine = store.workshops.booking_of(nadia, workshop)
    operator.post(f"{path}/cancel", booking=mine.id)
    with house.store() as store:
        assert store.workshops.booking_of(others[0], workshop).state in ("offered", "waiting")
    assert [one[1] for one in house.audited("booked_for_them", "cancelled_for_them")][-1] == "cancelled_for_them"


def test_who_cannot_be_written_to_is_called_about_their_place(house: House) -> None:
    operator = house.as_("operator")
    with house.store() as store:
        nadia, workshop = meets(store, house, "Nadia", agrees=False), workshop_in(store, house, days=3)
    said = operator.said(operator.post(f"/console/people/{nadia}/book", workshop=workshop))
    assert "they are on the call list" in said and pushes(house, nadia) == []
    with house.store() as store:
        rows = store.read(select(cases.c.reason, cases.c.subject).where(cases.c.person_id == nadia))
    assert [tuple(row) for row in rows] == [("booking_confirmed", f"workshop:{workshop}")]


def test_what_is_put_right_says_by_whom_and_how(house: House) -> None:
    operator = house.as_("operator")
    with house.store() as store:
        nadia = meets(store, house, "Nadia")
        store.people.change(nadia, birth_year=1990, comune_istat="037006")
    right = {"first_name": "Nadja", "birth_year": "1991", "comune": "037006", "language": "it", "how": "telephone"}
    assert operator.post(f"/console/people/{nadia}/profile", **{**right, "how": ""}).status_code == 422
    assert operator.post(f"/console/people/{nadia}/profile", **{**right, "birth_year": "2015"}).status_code == 422
    operator.said(operator.post(f"/console/people/{nadia}/profile", **right))
    page = text_of(operator.get(f"/console/people/{nadia}"))
    assert "Nadja" in page and "Was put right (Year of birth, First name, Language)" in page
    assert f"{operator.member.name}. By telephone" in page
    with house.store() as store:
        noted = store.read(select(audit.c.details).where(audit.c.subject == f"person:{nadia}"))
        assert "Nadja" not in str(noted)


def test_a_stop_on_the_telephone_is_a_stop(house: House) -> None:
    operator = house.as_("operator")
    with house.store() as store:
        nadia = meets(store, house, "Nadia")
    assert operator.post(f"/console/people/{nadia}/stop", how="").status_code == 409
    operator.said(operator.post(f"/console/people/{nadia}/stop", how="telephone"))
    with house.store() as store:
        assert store.people.get(nadia).stopped_at and store.people.consents(nadia) == {}
