# SPDX-License-Identifier: EUPL-1.2
"""Two who are the same become one, and are parted again: nothing is lost, nothing is doubled, no promise is broken."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.verify import verify
from handlers.desk import Desk
from handlers.desk.delivery import Delivery
from handlers.desk.erasing import erase
from handlers.desk.office import Office
from handlers.desk.office.merging import Merging
from handlers.talk import Address, Incoming
from handlers.talk.catalogues import Catalogues
from storage import Contested, Store
from storage.merges import MOVED
from storage.tables import bookings, messages, people
from tests.console.office import House, text_of
from tests.console.test_person import meets, select_rows

CATALOGUES = Catalogues()
ON_BOTH = ["house", pytest.param("big_house", marks=pytest.mark.postgres)]


@pytest.fixture(params=ON_BOTH)
def either(request: pytest.FixtureRequest) -> Iterator[House]:
    """The same on each database."""
    yield request.getfixturevalue(request.param)


def person(house: House, name: str) -> int:
    with house.store() as store:
        return meets(store, house, name)


def books(house: House, id: int, workshop: int) -> None:
    with house.store() as store:
        Desk(store, store.people.get(id), house.now, CATALOGUES).workshops.book(workshop, or_wait=True)


def workshops(house: House, *places: int) -> list[int]:
    with house.store() as store:
        found = store.workshops.open(house.now)[: len(places)]
        for one, capacity in zip(found, places, strict=True):
            counts = store.workshops.counts(one.id)
            store.workshops.change(one.id, capacity=capacity + counts.booked + counts.offered)
    return [one.id for one in found]


def merging(house: House, store: Store) -> Merging:
    member = store.staff.get(1)
    assert member
    return Office(store, member, house.now, house.now, CATALOGUES).merging


def merge(house: House, stays: int, goes: int, **chosen: str) -> int:
    with house.store() as store:
        return merging(house, store).merge(stays, goes, chosen)


def undo(house: House, merge_id: int) -> None:
    with house.store() as store:
        merging(house, store).undo(merge_id)


def owned(house: House, id: int) -> dict[str, list[int]]:
    """By table, the numbers of the rows somebody has."""
    with house.store() as store:
        return {
            table.name: [row[0] for row in store.read(select(table.c.id).where(table.c.person_id == id))]
            for table in MOVED
        }


def states(house: House, workshop: int) -> dict[int, str]:
    with house.store() as store:
        rows = store.read(select(bookings.c.person_id, bookings.c.state).where(bookings.c.workshop_id == workshop))
    return {row[0]: row[1] for row in rows}


def broken(house: House, but: tuple[str, ...] = ("consents_proved",)) -> list[tuple[str, list[int]]]:
    """Promises that do not hold; the consents of these tests were given without a question."""
    found = verify(house.storage, house.desk.engine.clock)  # type: ignore[arg-type]
    return [(one.invariant.name, one.ids) for one in found if one.ids and one.invariant.name not in but]


def test_all_that_is_theirs_moves_and_moves_back(either: House) -> None:
    house = either
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    house.hear("sim:Nadja", "ciao")
    (first, second) = workshops(house, 5, 5)
    books(house, stays, first)
    books(house, goes, second)
    before = owned(house, stays), owned(house, goes)
    id = merge(house, stays, goes)
    assert all(ids == [] for ids in owned(house, goes).values())
    assert {name: sorted(ids) for name, ids in owned(house, stays).items()} == {
        name: sorted(before[0][name] + before[1][name]) for name in before[0]
    }
    assert states(house, first)[stays] == states(house, second)[stays] == "booked" and broken(house) == []
    undo(house, id)
    assert (owned(house, stays), owned(house, goes)) == before and broken(house) == []
    assert house.hear("sim:Nadja", "ciao") == goes


def test_of_two_places_in_one_workshop_the_older_stays_and_the_other_goes_to_the_line(either: House) -> None:
    house = either
    stays, goes, waits = (person(house, name) for name in ("Nadia", "Nadja", "Wanda"))
    (workshop,) = workshops(house, 2)
    books(house, goes, workshop)
    house.now += timedelta(minutes=5)
    books(house, stays, workshop)
    books(house, waits, workshop)
    with house.store() as store:
        says = merging(house, store).compare(stays, goes).conflicts
    assert len(says) == 1
    before = states(house, workshop)
    id = merge(house, stays, goes)
    with house.store() as store:
        mine = store.workshops.booking_of(stays, workshop)
        assert mine.booked_at == house.now - timedelta(minutes=5)
    assert states(house, workshop)[waits] == "offered" and broken(house) == []
    undo(house, id)
    after = states(house, workshop)
    assert (after[goes], after[stays], after[waits]) == ("booked", "cancelled_by_person", "offered")
    taken = [state for state in after.values() if state in ("booked", "offered")]
    assert len(taken) == len([state for state in before.values() if state in ("booked", "offered")])
    assert broken(house) == []


def test_in_one_job_club_one_place_is_left_and_its_meetings_go_with_it(house: House) -> None:
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    with house.store() as store:
        club = store.job_clubs.all()[0].id
        counsellor = next(one.id for one in store.staff.all() if one.role == "counsellor")
        store.job_clubs.change(club, capacity=50)
        for id in (goes, stays):
            desk = Desk(store, store.people.get(id), house.now, CATALOGUES)
            desk.job_clubs.let_in(club, staff_id=counsellor, because="they were here before")
        seats = store.job_clubs.seats(club).members
    assert broken(house) == []
    id = merge(house, stays, goes)
    with house.store() as store:
        assert store.job_clubs.seats(club).members == seats - 1
        assert [one.club_id for one in store.job_clubs.memberships_of(stays)] == [club]
    assert broken(house) == []
    undo(house, id)
    with house.store() as store:
        assert store.job_clubs.seats(club).members == seats - 1  # who gave it up may be let in again
    assert broken(house) == []


def test_the_newer_answer_counts_and_a_stop_stays_a_stop(house: House) -> None:
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    house.now += timedelta(hours=1)
    with house.store() as store:
        store.people.withdraw(goes, ["service_messages"], by=None, now=house.now)
    id = merge(house, stays, goes)
    with house.store() as store:
        assert store.people.consents(stays) == {}
    undo(house, id)
    with house.store() as store:
        assert set(store.people.consents(stays)) == {"service_messages"} and store.people.consents(goes) == {}
        Desk(store, store.people.get(goes), house.now, CATALOGUES).people.stop()
    id = merge(house, stays, goes)
    with house.store() as store:
        assert store.people.get(stays).stopped_at
    assert broken(house) == []
    undo(house, id)
    with house.store() as store:
        assert store.people.get(stays).stopped_at is None and store.people.get(goes).stopped_at


def test_names_are_chosen_and_come_back(house: House) -> None:
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    with house.store() as store:
        store.people.change(goes, phone="+393331234567", birth_year=1990)
        store.people.change(stays, birth_year=1991)
    id = merge(house, stays, goes, first_name="goes")
    with house.store() as store:
        found = store.people.get(stays)
        assert (found.first_name, found.phone, found.birth_year) == ("Nadja", "+393331234567", 1991)
        store.people.change(stays, birth_year=1992)
    undo(house, id)
    with house.store() as store:
        found = store.people.get(stays)
        assert (found.first_name, found.phone, found.birth_year) == ("Nadia", None, 1992)  # what changed since stays
        assert store.people.get(goes).first_name == "Nadja"


def test_one_is_met_on_both_chats_and_the_other_by_nobody(house: House) -> None:
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    merge(house, stays, goes)
    assert house.hear("sim:Nadja", "ciao") == stays == house.hear("sim:Nadia", "ciao")
    operator = house.as_("operator")
    assert operator.get(f"/console/people/{goes}").headers["Location"] == f"/console/people/{stays}"
    assert operator.post(f"/console/people/{goes}/stop", how="telephone").status_code == 404
    assert f"({goes})" not in text_of(operator.get("/console/people", q="nadja"))
    again = operator.post(f"/console/people/{stays}/merge", other=goes)
    assert again.status_code == 404


def test_what_is_said_after_it_goes_back_with_the_chat(either: House) -> None:
    house = either
    stays, goes, waits = (person(house, name) for name in ("Nadia", "Nadja", "Wanda"))
    (workshop,) = workshops(house, 1)
    books(house, waits, workshop)
    books(house, stays, workshop)
    id = merge(house, stays, goes)
    house.hear("sim:Nadja", "ciao")  # from now on pushes go there
    with house.store() as store:
        mine = store.workshops.booking_of(waits, workshop)
        Desk(store, store.people.get(waits), house.now, CATALOGUES).workshops.cancel(mine.id)
    assert states(house, workshop)[stays] == "offered" and broken(house) == []
    undo(house, id)
    heard = [row for row in select_rows(house, goes) if row.direction == "in"]
    assert [row.text for row in heard] == ["ciao"] and states(house, workshop)[stays] == "offered"
    offer = next(row for row in select_rows(house, stays) if (row.payload or {}).get("moment") == "place_offered")
    with house.store() as store:
        assert store.people.identity(offer.identity_id).person_id == stays  # it had not left: it goes to their own chat
    assert broken(house) == []


def test_what_was_written_for_them_at_that_very_moment_leaves_for_the_one_who_stays(house: House) -> None:
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    with house.store() as store:
        chat = store.people.reachable(goes)
    merge(house, stays, goes)
    with house.store() as store:
        values = {"kind": "reply", "priority": 0, "at": house.now, "due_at": house.now}
        whose = {"person_id": goes, "identity_id": chat.id, "channel": chat.channel}
        id = store.messages.put_out(text="ciao", **whose, **values)
    delivery = Delivery(house.storage, house.desk.engine.clock, CATALOGUES)
    assert [delivery.begin(one) for one in delivery.claim()] == [None]
    leaves = [delivery.begin(one) for one in delivery.claim()]
    assert [one.id for one in leaves if one] == [id]
    assert [row.id for row in select_rows(house, stays) if row.id == id] == [id]


def test_after_a_month_it_stays_as_it_is(house: House) -> None:
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    id, operator = merge(house, stays, goes), house.as_("operator")
    house.now += timedelta(days=31)
    answer = house.signed_in(operator.member.id).post(f"/console/merges/{id}/undo")
    assert answer.status_code == 409 and "more than 30 days ago" in text_of(answer)


def test_erasing_one_erases_both(house: House) -> None:
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    merge(house, stays, goes)
    with house.store() as store:
        Desk(store, store.people.get(stays), house.now, CATALOGUES).erasure.ask()
        assert erase(store, stays, house.now, CATALOGUES, b"key")
        rows = store.read(select(people.c.first_name, people.c.erased_at).where(people.c.id.in_([stays, goes])))
        assert [(row.first_name, row.erased_at is not None) for row in rows] == [(None, True)] * 2
        assert [one.moved for one in store.merges.of(stays)] == [{}]
    assert broken(house) == []


def test_on_the_page_one_sees_both_and_undoes_it(house: House) -> None:
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    operator = house.as_("operator")
    page = text_of(operator.get(f"/console/people/{stays}/merge", other=f"Person {goes}"))
    assert f"Stays: Nadia ({stays})" in page and f"Joins them: Nadja ({goes})" in page
    assert operator.get(f"/console/people/{stays}/merge", other="nobody").status_code == 422
    operator.said(operator.post(f"/console/people/{stays}/merge", other=goes))
    assert "Became one with" in text_of(operator.get(f"/console/people/{stays}"))
    with house.store() as store:
        id = store.merges.of(stays)[0].id
    assert operator.said(operator.post(f"/console/merges/{id}/undo")) == "They are two people again."
    assert operator.post(f"/console/merges/{id}/undo").status_code == 409
    assert [one[1] for one in house.audited("merged", "parted")] == ["merged", "merged", "parted", "parted"]


@pytest.mark.postgres
def test_messages_that_arrive_meanwhile_are_lost_by_neither(big_house: House) -> None:
    """Both write on their chats, again and again, while the desk makes them one and two."""
    house = big_house
    stays, goes = person(house, "Nadia"), person(house, "Nadja")
    gate, written, rounds = Barrier(3), 12, 4

    def writes(who: str) -> None:
        gate.wait(60)
        for number in range(written):
            key = f"{who}-{number}"
            house.desk.engine.hear(
                [Incoming(Address("telegram", f"sim:{who}", True), key, house.now, key, text=f"{who} {number}")]
            )

    def desk_changes_its_mind() -> None:
        gate.wait(60)
        for _round in range(rounds):
            id = until_it_works(partial(merge, house, stays, goes))
            until_it_works(partial(undo, house, id))

    threads = [Thread(target=writes, args=(who,)) for who in ("Nadia", "Nadja")]
    threads.append(Thread(target=desk_changes_its_mind))
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    for who, id in (("Nadia", stays), ("Nadja", goes)):
        heard = [row.text for row in select_rows(house, id) if row.direction == "in"]
        assert heard == [f"{who} {number}" for number in range(written)]
    with house.store() as store:
        answered = select(func.count()).where(messages.c.direction == "in", messages.c.state != "handled")
        assert store.read(answered)[0][0] == 0
    assert broken(house) == []


def until_it_works(act: Callable[[], Any]) -> Any:
    """A message may hold what the desk wants, while it waits for what the desk holds: then one of them begins anew."""
    try:
        return act()
    except Contested:
        return until_it_works(act)
