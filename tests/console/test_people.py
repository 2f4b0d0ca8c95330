# SPDX-License-Identifier: EUPL-1.2
"""The list of people, and who signs up at the desk or by telephone."""

from typing import Any

import pytest
from sqlalchemy import select

from storage.people import Wanted, in_scope
from storage.tables import audit, dialogues, identities, people
from tests.console.office import House, text_of

SIGNED_UP = {
    "first_name": "Zoë",
    "birth_year": "1987",
    "comune": "037006",
    "language": "it",
    "phone": "333 1234567",
    "how": "telephone",
    "notice": "1",
}


def found(house: House, **wanted: Any) -> list[str | None]:
    with house.store() as store:
        return [one.first_name for one in store.people.listed(Wanted(**wanted), in_scope(None, None), limit=50)]


@pytest.mark.parametrize("kind", ["house", pytest.param("big_house", marks=pytest.mark.postgres)])
def test_names_are_found_without_capitals_and_accents(kind: str, request: pytest.FixtureRequest) -> None:
    house: House = request.getfixturevalue(kind)
    amina = house.person("j01")
    with house.store() as store:
        store.people.change(amina, first_name="Zoë Élise D’Amico")
    for name in ("zoe", "elise", "zo el", "amico"):
        assert found(house, is_search=True, name=name) == ["Zoë Élise D’Amico"], name
    assert found(house, is_search=True, name="lise") == []  # a word begins so, or it is not the word
    assert found(house, is_search=True, name="%") == []


def test_a_search_may_mean_a_number_a_code_or_a_telephone(house: House) -> None:
    amina = house.person("j01")
    with house.store() as store:
        store.people.change(amina, phone="+393331234567", first_name="Amina")
    operator = house.as_("operator")
    for words in (f"Person {amina}", str(amina), "j01", "333 123 45", "+39 3331234567", "amina"):
        answer = operator.get("/console/people", q=words)
        assert f"Amina ({amina})" in text_of(answer), words
    assert "Nobody is found like this." in text_of(operator.get("/console/people", q="333 9999999"))


def test_only_who_follows_people_reads_and_looks_for_names(house: House) -> None:
    amina = house.person("j01")
    with house.store() as store:
        name = store.people.get(amina).first_name
    officer = house.as_("privacy_officer")
    page = text_of(officer.get("/console/people"))
    assert f"Person {amina}" in page and str(name) not in page
    assert "Nobody is found like this." in text_of(officer.get("/console/people", q=name))
    assert str(name) not in text_of(officer.get(f"/console/people/{amina}"))


def test_a_tutor_sees_the_people_of_their_area_only(house: House) -> None:
    tutor, amina = house.as_("tutor"), house.person("j01")
    with house.store() as store:
        store.staff.change(tutor.member.id, areas=["nowhere"], programmes=None)
        store.people.change(amina, first_name="Elsewhere", comune_istat="037006")
    assert "Elsewhere" not in text_of(tutor.get("/console/people"))
    assert tutor.get(f"/console/people/{amina}").status_code == 404


def test_filters_narrow_the_list(house: House) -> None:
    amina = house.person("j01")
    with house.store() as store:
        store.people.change(amina, stopped_at=house.now)
        assert [one.id for one in store.people.listed(Wanted(stopped=True), in_scope(None, None), limit=50)] == [amina]
        some = store.people.get(amina)
        istat = some.comune_istat
        all_of_town = store.people.listed(Wanted(comune=istat), in_scope(None, None), limit=50)
        assert amina in [one.id for one in all_of_town]
        area = store.territories.place(istat).area
        assert amina in [one.id for one in store.people.listed(Wanted(area=area), in_scope(None, None), limit=50)]
        assert store.people.listed(Wanted(area="nowhere"), in_scope(None, None), limit=50) == []
    operator = house.as_("operator")
    for query in ({"registered": "no"}, {"programme": "x"}, {"club": "x"}, {"language": "xx"}, {"quiet": "1"}):
        assert operator.get("/console/people", **query).status_code == 200


def test_the_list_goes_on_both_ways(house: House) -> None:
    with house.store() as store:
        for number in range(120):
            id = store.people.enter("it", "0", house.now)
            store.people.change(id, first_name=f"N{number}")
    operator, seen = house.as_("operator"), []
    page = operator.get("/console/people", q="n")
    pages = 0
    while True:
        pages += 1
        seen += [word for word in text_of(page).split() if word.startswith("N") and word[1:].isdigit()]
        older = (
            page.text.split('rel="next"')[0].rsplit('href="', 1)[-1].split('"')[0] if 'rel="next"' in page.text else ""
        )
        if not older:
            break
        page = operator.get("/console/people" + older.replace("&amp;", "&"))
    assert seen == [f"N{number}" for number in reversed(range(120))] and pages == 3
    back = page.text.split('rel="prev"')[0].rsplit('href="', 1)[-1].split('"')[0]
    assert "N69" in text_of(operator.get("/console/people" + back.replace("&amp;", "&")))


def test_somebody_without_a_chat_signs_up_by_telephone(house: House) -> None:
    operator = house.as_("operator")
    answer = operator.post("/console/people/new", **SIGNED_UP)
    assert operator.said(answer) == "They are signed up."
    id = int(answer.headers["Location"].rsplit("/", 1)[-1])
    with house.store() as store:
        row = store.read(select(people).where(people.c.id == id))[0]
        assert (row.first_name, row.phone, row.birth_year) == ("Zoë", "+393331234567", 1987)
        assert store.read(select(identities).where(identities.c.person_id == id)) == []
        assert store.read(select(dialogues).where(dialogues.c.person_id == id))
        assert store.people.consents(id) == {}  # nobody gives permissions for somebody else
        noted = store.read(select(audit).where(audit.c.action == "signed_up_for_them"))[0]
        assert noted.details["how"] == "telephone" and noted.details["notice"] == store.questions.notice().version
    assert "they are telephoned" in text_of(operator.get(f"/console/people/{id}"))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("birth_year", "2015", "Under 14 nobody can sign up."),
        ("birth_year", "2011", "From 14 to 17 they only get information."),
        ("birth_year", "2009", "If they are 18 already, tick it below."),
        ("notice", None, "Read the privacy notice out first, then tick here."),
        ("phone", "12", "Write one telephone number"),
        ("how", "", "Choose one of these."),
        ("comune", "999999", "Choose one of these."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(house: House, field: str, value: str | None, sentence: str) -> None:
    answer = house.as_("operator").post("/console/people/new", **{**SIGNED_UP, field: value})
    assert answer.status_code == 422 and sentence in text_of(answer) and "Zoë" in answer.text
    with house.store() as store:
        assert store.read(select(people.c.id).where(people.c.first_name == "Zoë")) == []


def test_every_look_is_written_down_and_not_what_was_looked_for(house: House) -> None:
    operator = house.as_("operator")
    operator.get("/console/people", q="amina")
    assert house.audited("people_listed") == [(f"staff:{operator.member.id}", "people_listed", "people")]
    with house.store() as store:
        assert "amina" not in str(store.read(select(audit.c.details)))
