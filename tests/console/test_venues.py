# SPDX-License-Identifier: EUPL-1.2
"""The pages of venues: what is known of them, and telling people of a new address."""

from typing import Any

import pytest
from sqlalchemy import select

from storage.tables import messages, staff
from tests.console.office import House, text_of
from tests.console.planned import a_workshop, hidden, takes_a_place
from tests.stage import agreed

LIST = "/console/venues"
NEW = {
    "name": "Sala della Luna",
    "comune": "037006",
    "address": "Via Nuova 7",
    "step_free": "yes",
    "hearing_loop": "no",
    "toilet": "unknown",
    "bus": "20",
    "latitude": "44,4949",
    "longitude": "11.3426",
}


def told(house: House) -> list[Any]:
    with house.store() as store:
        keyed = messages.c.dedupe_key.like("workshop_moved:%")
        return list(store.read(select(messages).where(keyed).order_by(messages.c.id)))


def test_a_venue_is_opened_and_edited(house: House) -> None:
    visitor = house.as_("operator")
    assert visitor.post(f"{LIST}/new", **NEW).headers["Location"] == f"{LIST}/sala-della-luna"
    said = text_of(visitor.get(f"{LIST}/sala-della-luna"))
    assert "Via Nuova 7, Bologna" in said and "44.4949, 11.3426" in said and "Nothing is planned here." in said
    path = f"{LIST}/sala-della-luna/edit"
    done = visitor.post(path, seen=hidden(visitor.get(path)), **(NEW | {"note_it": "Suona", "note_en": "Ring"}))
    assert done.status_code == 303 and "Suona" in text_of(visitor.get(f"{LIST}/sala-della-luna"))
    assert "Sala della Luna" in text_of(visitor.get(LIST))
    assert len(house.audited("venue_created", "venue_edited")) == 2


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("address", "", "Write something here."),
        ("latitude", "north", "Write it like this: 44.4949"),
        ("longitude", "181", "Write it like this: 44.4949"),
        ("step_free", "maybe", "Choose one of these."),
        ("note_en", "Ring", "Write something here."),  # in both languages, or in none
        ("name", "x" * 121, "This is too long: 120 letters at the most."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(house: House, field: str, value: str, sentence: str) -> None:
    shown = house.as_("operator").post(f"{LIST}/new", **(NEW | {field: value}))
    assert shown.status_code == 422 and sentence in text_of(shown) and 'value="20"' in shown.text


def test_people_are_told_of_a_new_address_only_if_that_is_asked_for_and_after_a_look(house: House) -> None:
    id = a_workshop(house)
    takes_a_place(house, id, "j01")
    visitor, path = house.as_("operator"), f"{LIST}/v01/edit"
    assert visitor.post(path, seen=hidden(visitor.get(path)), **NEW).status_code == 303
    assert told(house) == []
    other = NEW | {"address": "Via Altra 1", "tell": "1"}
    shown = visitor.post(path, seen=hidden(visitor.get(path)), **other)
    assert "Via Altra 1" in text_of(shown) and "To 1 person" in text_of(shown) and told(house) == []
    done = visitor.post(path, seen=hidden(shown), sure="1", **other)
    assert visitor.said(done) == "It is done. 1 person is written to. 1 person is to be called."  # who is in the club
    assert ["Via Altra 1" in one.text for one in told(house)] == [True]


def test_members_of_a_job_club_hear_of_a_new_address_once(house: House) -> None:
    with house.store() as store:
        members = [one.person_id for one in store.job_clubs.members("jc2")]
        for one in members:
            store.people.record_consent(**agreed(one, "it", "telegram", house.now))
    visitor, path = house.as_("operator"), f"{LIST}/v03/edit"
    fields = NEW | {"comune": "001090", "tell": "1"}
    shown = visitor.post(path, seen=hidden(visitor.get(path)), **fields)
    assert visitor.post(path, seen=hidden(shown), sure="1", **fields).status_code == 303
    assert sorted(one.person_id for one in told(house)) == sorted(members)


def test_a_room_of_another_area_is_not_changed(house: House) -> None:
    with house.store() as store:
        found = store.read(select(staff.c.id).where(staff.c.role == "operator").order_by(staff.c.id))[1][0]
        store.staff.change(found, areas=["collegno"])
    visitor, path = house.signed_in(found), f"{LIST}/v01/edit"
    assert visitor.get(f"{LIST}/v01").status_code == 200
    assert visitor.post(path, seen=hidden(visitor.get(path)), **NEW).status_code == 409
    assert visitor.post(f"{LIST}/new", **NEW).status_code == 422  # Bologna is not theirs
