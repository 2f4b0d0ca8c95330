# SPDX-License-Identifier: EUPL-1.2
"""The protected tab: yes or no and nothing more, sealed, opened for a reason, by one role."""

from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select

from storage.tables import audit, protected
from tests.console.office import House, text_of

FLAG = {"listed": "yes", "checked_by": "Ufficio di via Todaro", "expires_on": "2027-09-01", "note": "Con il bus 13"}


def home(person: int) -> str:
    return f"/console/people/{person}/protected"


def keep(house: House, person: int, **fields: Any) -> Response:
    return house.as_("l68_operator").post(home(person), **(FLAG | fields))


def test_it_is_sealed_and_opens_only_for_a_reason_that_is_written_down(house: House) -> None:
    person = house.person("j01")
    assert keep(house, person).status_code == 303
    with house.store() as store:
        sealed = store.read(select(protected.c.sealed))[0][0]
    assert "via Todaro" not in sealed and "true" not in sealed
    role = house.as_("l68_operator")
    closed = role.get(home(person)).text
    assert "via Todaro" not in closed and "bus 13" not in closed
    assert role.post(f"{home(person)}/open", because="").status_code == 422 and house.audited("protected_read") == []
    opened = role.post(f"{home(person)}/open", because="A firm has a place")
    assert "Ufficio di via Todaro" in opened.text and "Con il bus 13" in opened.text
    assert house.audited("protected_read") == [(f"staff:{role.member.id}", "protected_read", f"person:{person}")]
    with house.store() as store:
        rows = store.read(select(audit.c.action, audit.c.details).where(audit.c.action.startswith("protected")))
    assert [tuple(row) for row in rows] == [
        ("protected_kept", None),
        ("protected_seen", None),
        ("protected_read", {"because": "A firm has a place"}),
    ]


@pytest.mark.parametrize("role", ["tutor", "counsellor", "operator", "privacy_officer", "administrator"])
def test_for_everybody_else_it_is_shut_and_that_they_tried_is_written_down(house: House, role: str) -> None:
    visitor = house.as_(role)
    assert visitor.get(home(1)).status_code == visitor.post(home(1), **FLAG).status_code == 403
    assert visitor.post(f"{home(1)}/open", because="I am curious").status_code == 403
    assert len(house.audited("forbidden")) == 3


@pytest.mark.parametrize(
    "words", ["invalidità 46%", "46 per cento", "al 75 percento", "67/100", "soffre di epilessia", "diagnosi: sclerosi"]
)
@pytest.mark.parametrize("field", ["note", "checked_by"])
def test_no_percentage_and_no_illness_is_kept_and_nothing_typed_is_lost(house: House, words: str, field: str) -> None:
    answer = keep(house, 1, **{field: words})
    assert answer.status_code == 422 and "only yes or no is kept" in text_of(answer) and words in answer.text
    with house.store() as store:
        assert store.read(select(protected.c.id)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"listed": ""},
        {"checked_by": ""},
        {"expires_on": "2027-03-01"},
        {"expires_on": "2040-01-01"},
        {"note": "x" * 301},
    ],
)
def test_a_form_that_is_not_whole_seals_nothing(house: House, wrong: dict[str, str]) -> None:
    assert keep(house, 1, **wrong).status_code == 422
    with house.store() as store:
        assert store.read(select(protected.c.id)) == []


def test_what_is_closed_is_gone_and_can_be_kept_anew(house: House) -> None:
    person, role = house.person("j01"), house.as_("l68_operator")
    keep(house, person)
    assert role.post(f"{home(person)}/close").status_code == 303
    with house.store() as store:
        assert store.read(select(protected.c.sealed))[0][0] == ""
    assert role.post(f"{home(person)}/close").status_code == 404
    assert role.post(f"{home(person)}/open", because="Once more").status_code == 404
    assert keep(house, person, listed="no").status_code == 303
    with house.store() as store:
        assert len(store.read(select(protected.c.id))) == 1


def test_what_ends_within_a_month_is_listed_the_oldest_first(house: House) -> None:
    for person, day in ((house.person("j01"), "2027-03-20"), (house.person("j02"), "2027-03-10")):
        keep(house, person, expires_on=day)
    keep(house, house.person("j03"))
    house.now += timedelta(hours=1)
    page = text_of(house.as_("l68_operator").get("/console/protected"))
    first, second = f"Person {house.person('j02')}", f"Person {house.person('j01')}"
    assert page.index(first) < page.index(second) and f"Person {house.person('j03')}" not in page


def test_what_is_copied_to_somebody_else_does_not_open_there(house: House) -> None:
    one, other = house.person("j01"), house.person("j02")
    keep(house, one)
    keep(house, other, listed="no")
    with house.store() as store:
        theirs = store.protected.get(one, "l68")
        store.protected.seal(store.protected.get(other, "l68").id, theirs.sealed)
    answer = house.as_("l68_operator").post(f"{home(other)}/open", because="To look")
    assert answer.status_code == 422 and "cannot be opened" in text_of(answer)


def test_without_a_key_nothing_is_kept_and_the_page_says_what_to_set(house: House) -> None:
    bare = House(house.settings.database_url, encryption_key="")
    page = bare.as_("l68_operator").get(home(1))
    assert page.status_code == 200 and "ENCRYPTION_KEY" in page.text
    assert bare.as_("l68_operator").post(home(1), **FLAG).status_code == 422
    bare.close()
