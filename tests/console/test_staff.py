# SPDX-License-Identifier: EUPL-1.2
"""Staff and roles, as an administrator keeps them."""

import re
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from bot.main import back_office
from handlers.desk.office.staff import Entry, invited
from storage.tables import audit
from tests.console.at_the_door import PASSWORD, Stranger, in_as, member, set_up
from tests.console.office import House, Visitor, text_of

NEW = {"name": "Sara Bencivenni", "email": "Sara@Example.org", "role": "tutor", "languages": ["it", "ar"]}


def link_on(text: str) -> str:
    found = re.search(r"http://testserver(/console/link/[\w-]+)", text)
    assert found, text[:2000]
    return found[1]


def test_who_is_invited_chooses_a_password_and_comes_in(house: House) -> None:
    admin = house.as_("administrator")
    shown = admin.post("/console/staff/new", **NEW, other_roles=["operator"], areas=["bologna"])
    assert shown.status_code == 200 and "You see it only now." in text_of(shown)
    who = Stranger(house)
    assert who.post(link_on(shown.text), password=PASSWORD).status_code == 303 and who.is_in()
    with house.store() as store:
        found = store.staff.with_email("sara@example.org")
    assert found.roles == {"tutor", "operator"} and found.areas == ["bologna"] and found.languages == ["it", "ar"]
    assert "Sara Bencivenni" in text_of(admin.get("/console/staff"))
    assert "sara" not in details(house, "staff_invited").lower()


def details(house: House, action: str) -> str:
    with house.store() as store:
        return str([row.details for row in store.read(select(audit).where(audit.c.action == action))])


def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(house: House) -> None:
    admin = house.as_("administrator")
    wrong = admin.post(
        "/console/staff/new", name="Sara Bencivenni", email="t01@example.org", role="queen", areas=["mars"]
    )
    said = text_of(wrong)
    assert wrong.status_code == 422 and 'value="Sara Bencivenni"' in wrong.text
    for sentence in ("has this e-mail address already", "Choose a role.", "Choose among the areas of this service."):
        assert sentence in said
    assert "Write an e-mail address" in text_of(admin.post("/console/staff/new", **(NEW | {"email": "sara"})))


def test_another_role_is_written_down_with_the_one_before(house: House) -> None:
    admin, tutor = house.as_("administrator"), house.as_("tutor")
    fields = {"name": tutor.member.name, "email": tutor.member.email, "languages": ["it"]}
    assert admin.post(f"/console/staff/{tutor.member.id}", **fields, role="counsellor").status_code == 303
    assert "'before': {'role': 'tutor'" in details(house, "staff_changed")
    assert "'after': {'role': 'counsellor'" in details(house, "staff_changed")
    assert tutor.get("/console").status_code == 200  # a role without a second factor goes on


def test_who_leaves_is_out_at_once_and_what_they_had_is_free_again(house: House) -> None:
    admin, tutor = house.as_("administrator"), house.as_("tutor")
    person = house.hear("amina", "ciao")
    with house.store() as store:
        link = "/console/link/" + invited(store, Entry("X", "x@example.org", "tutor"), house.now)[1]
        x = store.staff.with_email("x@example.org")
        desk = office_of(house, store, tutor).desk_of(person)
        desk.cases.open("asked")
        desk.handover.take(tutor.member.id, tutor.member.name)
    for id in (tutor.member.id, x.id):
        assert admin.post(f"/console/staff/{id}/close").status_code == 303
    assert tutor.get("/console").status_code == 303 and Stranger(house).get(link).status_code == 410
    with house.store() as store:
        assert store.dialogues.get(person).taken_by is None
        assert {case.taken_by for case in store.cases.of(person)} == {None}
    assert Stranger(house).sign_in(tutor.member.email).status_code == 422
    assert tutor.member.name not in text_of(admin.get("/console/staff"))
    assert tutor.member.name in text_of(admin.get("/console/staff", closed="1"))


def office_of(house: House, store: object, visitor: Visitor) -> object:
    return back_office(house.desk).office(store, visitor.member)


def test_who_comes_back_chooses_a_new_password(house: House) -> None:
    admin, tutor = house.as_("administrator"), member(house, "tutor")
    admin.post(f"/console/staff/{tutor.id}/close")
    shown = admin.post(f"/console/staff/{tutor.id}/reopen")
    who = Stranger(house)
    assert who.sign_in(tutor.email).status_code == 422
    assert who.post(link_on(shown.text), password=PASSWORD).status_code == 303 and who.is_in()


def test_nobody_closes_or_demotes_themselves(house: House) -> None:
    admin = house.as_("administrator")
    id, fields = admin.member.id, {"name": "A", "email": admin.member.email, "role": "tutor"}
    assert admin.post(f"/console/staff/{id}/close").status_code == 409
    assert admin.post(f"/console/staff/{id}", **fields).status_code == 409
    assert (
        admin.post(f"/console/staff/{id}", **(fields | {"role": "operator"}), other_roles=["administrator"]).status_code
        == 303
    )


def test_two_administrators_who_close_one_another_at_the_same_time_leave_one(big_house: House) -> None:
    one = big_house.as_("administrator")
    with big_house.store() as store:
        other_id, _token = invited(store, Entry("B", "b@example.org", "administrator"), big_house.now)
    other = big_house.signed_in(other_id)

    def close(who: Visitor, id: int) -> int:
        return who.post(f"/console/staff/{id}/close").status_code

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(close, (one, other), (other_id, one.member.id)))
    assert answers[0] == 303 and answers[1] in (303, 409)
    with big_house.store() as store:
        assert len([who for who in store.staff.all() if who.role == "administrator" and not who.closed_at]) == 1


def test_a_lost_phone_is_taken_away_and_set_up_again(house: House) -> None:
    officer = in_as(house, "privacy_officer")
    set_up(house, officer)
    id = member(house, "privacy_officer").id
    house.as_("administrator").post(f"/console/staff/{id}/second-factor")
    assert not officer.is_in()
    again = Stranger(house)
    again.sign_in("d01@example.org")
    assert "<svg" in again.get("/console/second-factor").text
    assert house.audited("second_factor_forgotten")[0][2] == f"staff:{id}"


def test_a_long_list_is_gone_through_both_ways_and_misses_nobody(house: House) -> None:
    with house.store() as store:
        for number in range(120):
            store.staff.add(name=f"È {number:03}", email=f"n{number}@example.org", role="tutor", languages=["it"])
    admin, seen, path = house.as_("administrator"), [], "/console/staff"
    while path:
        page = admin.get(path)
        seen += re.findall(r'href="/console/staff/(\d+)"', page.text)
        found = re.search(r'href="(/console/staff\?after=\d+)"', page.text)
        path = found[1] if found else ""
    with house.store() as store:
        assert len(seen) == len(set(seen)) == len([one for one in store.staff.all() if not one.closed_at])
    back = re.search(r'href="(/console/staff\?before=\d+)"', page.text)
    assert back and admin.get(back[1]).text.count('scope="row"') == 50


def test_an_address_that_is_none_is_not_here(house: House) -> None:
    admin = house.as_("administrator")
    for id in ("999999", "x", "-1", "9" * 30):
        assert admin.get(f"/console/staff/{id}").status_code == 404
        assert admin.post(f"/console/staff/{id}/close").status_code == 404
