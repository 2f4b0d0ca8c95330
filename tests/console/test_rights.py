# SPDX-License-Identifier: EUPL-1.2
"""What people ask about their data, from the day it comes to the answer: in time, to the right person, in full."""

import hashlib
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from handlers.desk import Desk, erasing
from handlers.rules.deadlines import due
from storage.tables import consents, messages, protected
from tests.console.office import House, Visitor, text_of
from tests.database import MONDAY

HOME = "/console/rights"


def asks(house: House, person: int, **fields: Any) -> str:
    """Somebody asks, and the officer writes it down; returns the address of the request."""
    usual = {"kind": "access", "came_by": "telephone", "asked_on": "2027-03-01", "note": "All of it"}
    answer = officer(house).post(f"{HOME}/new", person=person, **(usual | fields))
    assert answer.status_code == 303, text_of(answer)
    return str(answer.headers["Location"])


def officer(house: House) -> Visitor:
    return house.as_("privacy_officer")


def later(house: House, days: int) -> None:
    """Days pass, and everybody signs in again."""
    house.now += timedelta(days=days)
    house._visitors.clear()


def said_to(house: House, person: int) -> list[str]:
    with house.store() as store:
        return [one.text for one in store.messages.of(person) if one.direction == "out"]


@pytest.mark.parametrize(
    ("asked", "answered_by"),
    [
        (date(2027, 3, 1), date(2027, 4, 1)),
        (date(2026, 8, 31), date(2026, 9, 30)),  # September has no 31st
        (date(2027, 1, 31), date(2027, 3, 1)),  # nor February a 30th, and its 28th is a Sunday
        (date(2026, 11, 25), date(2026, 12, 28)),  # Christmas, Santo Stefano, Sunday
        (date(2026, 3, 4), date(2026, 4, 7)),  # a Saturday, Easter, and the Monday after
        (date(2026, 12, 15), date(2027, 1, 15)),
    ],
)
def test_an_answer_is_due_on_the_same_day_of_the_next_month_or_the_next_working_day(
    asked: date, answered_by: date
) -> None:
    assert due(asked) == answered_by


def test_two_months_more_count_from_the_day_it_was_asked() -> None:
    assert due(date(2027, 3, 1), 3) == date(2027, 6, 1)


def test_a_request_runs_from_the_day_it_came_and_is_late_in_words(house: House) -> None:
    person = house.hear("amina", "ciao")
    asks(house, person, asked_on="2027-02-15")
    asks(house, person, kind="correction", asked_on="2027-02-01")
    page = text_of(officer(house).get(HOME))
    assert page.index("To correct something") < page.index("To know what we keep")
    assert "1 Mar 2027 : Today is the last day" in page and "15 Mar 2027 : 14 days left" in page
    later(house, 20)
    page = text_of(officer(house).get(HOME))
    assert "20 days late" in page and "6 days late" in page


def test_a_form_that_is_not_right_comes_back_as_it_was_written(house: House) -> None:
    answer = officer(house).post(
        f"{HOME}/new", person="x", kind="", came_by="desk", asked_on="2027-03-02", note="Words"
    )
    assert answer.status_code == 422
    page = text_of(answer)
    assert "Write the number of the person" in page and "Choose what the person asks for." in page
    assert "This day is still to come." in page and "Words" in page
    nobody = officer(house).post(f"{HOME}/new", person="99999", kind="access", came_by="desk", asked_on="2027-03-01")
    assert nobody.status_code == 422 and "Nobody has this number." in text_of(nobody)


def test_more_time_is_taken_once_within_the_month_and_the_person_is_told_why(house: House) -> None:
    person = house.hear("amina", "ciao")
    request = asks(house, person)
    without = officer(house).post(f"{request}/longer", longer=" ")
    assert without.status_code == 422 and "Write why." in text_of(without)
    officer(house).post(f"{request}/longer", longer="The archive is large")
    assert "1 Jun 2027 : 92 days left" in text_of(officer(house).get(request))
    assert "The archive is large" in said_to(house, person)[-1] and "1 giugno 2027" in said_to(house, person)[-1]
    again = officer(house).post(f"{request}/longer", longer="Once more")
    assert again.status_code == 422 and "only once" in text_of(again)


def test_after_the_first_month_no_more_time_can_be_taken(house: House) -> None:
    request = asks(house, house.hear("amina", "ciao"))
    later(house, 32)
    late = officer(house).post(f"{request}/longer", longer="We forgot it")
    assert late.status_code == 422 and "The first month is over" in text_of(late) and "We forgot it" in late.text


def test_a_refusal_needs_a_reason_and_says_who_else_can_be_asked(house: House) -> None:
    person = house.hear("amina", "ciao")
    request = asks(house, person, kind="objection")
    assert officer(house).post(f"{request}/refuse", refuse="").status_code == 422
    officer(house).post(f"{request}/refuse", refuse="A law asks us to keep it")
    assert "A law asks us to keep it" in said_to(house, person)[-1] and "Garante" in said_to(house, person)[-1]
    page = text_of(officer(house).get(f"{HOME}?view=closed"))
    assert "refused" in page and officer(house).member.name in page
    assert officer(house).post(f"{request}/done").status_code == 422  # it is closed


def test_who_has_stopped_is_not_written_to_and_the_officer_knows(house: House) -> None:
    person = house.hear("amina", "ciao")
    request = asks(house, person)
    house.hear("amina", "stop")
    before = said_to(house, person)
    answer = officer(house).post(f"{request}/done")
    assert "cannot be written to" in officer(house).said(answer) and said_to(house, person) == before


def test_a_number_read_out_on_the_telephone_shows_who_is_asking(house: House) -> None:
    person = house.hear("amina", "ciao")
    request = asks(house, person)
    officer(house).post(f"{request}/code")
    found = re.search(r"\b\d{6}\b", said_to(house, person)[-1])
    assert found
    code = found[0]
    wrong = "000000" if code != "000000" else "111111"
    assert officer(house).post(f"{request}/check", code=wrong).status_code == 422
    assert officer(house).post(f"{request}/check", code=f"{code[:3]} {code[3:]}").status_code == 303
    assert "made sure on" in text_of(officer(house).get(request))
    assert [action for _who, action, _whom in house.audited("code_sent", "code_wrong", "identified")] == [
        *("code_sent", "code_wrong", "identified")
    ]
    with house.store() as store:
        kept = store.rights.of(person)[0]
    assert kept.code is None and kept.identified_at == MONDAY


def test_a_number_ends_after_three_tries_or_ten_minutes_and_is_not_kept_in_clear(house: House) -> None:
    person = house.hear("amina", "ciao")
    request = asks(house, person)
    officer(house).post(f"{request}/code")
    code = re.findall(r"\b\d{6}\b", said_to(house, person)[-1])[0]
    with house.store() as store:
        assert code not in json.dumps(store.rights.of(person)[0].code)
    for _try in range(3):
        assert officer(house).post(f"{request}/check", code="1").status_code == 422
    over = officer(house).post(f"{request}/check", code=code)
    assert over.status_code == 409 and "Send another one" in text_of(over)
    officer(house).post(f"{request}/code")
    code = re.findall(r"\b\d{6}\b", said_to(house, person)[-1])[0]
    house.now += timedelta(minutes=11)
    assert officer(house).post(f"{request}/check", code=code).status_code == 409


def test_what_people_do_in_the_chat_is_here_by_itself(house: House) -> None:
    person = house.hear("amina", "ciao", channel="telegram")
    for words in ("my data", "delete my data", "yes"):
        house.hear("amina", words)
    code = re.findall(r"\b\d{4}\b", said_to(house, person)[-1])[-1]
    house.hear("amina", code)
    going_on = text_of(officer(house).get(f"{HOME}?view=chat"))
    assert "To be deleted" in going_on and "going on" in going_on
    assert "Deletions that are going on by themselves" in text_of(officer(house).get(HOME))
    with house.store() as store:
        store.write(update(messages).where(messages.c.person_id == person).values(state="sent", provider_id="1"))
        erasing.erase(store, person, house.now, house.desk.engine.play.catalogues, b"key")
    page = text_of(officer(house).get(f"{HOME}?view=chat"))
    assert "To be deleted" in page and "going on" not in page.split("What people asked for")[1]
    assert "Receipts of deletions" in text_of(officer(house).get(f"{HOME}?view=receipts"))
    with house.store() as store:
        assert store.rights.of(person) == []  # there is no second truth


def test_all_data_is_handed_over_for_a_reason_with_what_the_desk_wrote(house: House) -> None:
    person = house.hear("amina", "ciao <b>a tutti</b>")
    seal = house.as_("l68_operator")
    flag = {"listed": "yes", "checked_by": "Ufficio di Bologna", "expires_on": "2027-12-01", "note": ""}
    assert seal.post(f"/console/people/{person}/protected", **flag).status_code == 303
    home = f"{HOME}/people/{person}/download"
    assert officer(house).post(home, form="json", because="").status_code == 422
    answer = officer(house).post(home, form="json", because="She asked at the desk")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    found = json.loads(answer.text)
    assert found["messages"][0]["text"] == "ciao <b>a tutti</b>"
    assert found["protected"][0]["says"] == {"listed": True, "checked_by": "Ufficio di Bologna", "note": ""}
    page = officer(house).post(home, form="page", because="She asked at the desk").text
    assert "Ufficio di Bologna" in page and "ciao &lt;b&gt;a tutti&lt;/b&gt;" in page and "<b>a tutti" not in page
    assert len(house.audited("data_handed_over")) == len(house.audited("protected_read")) == 2


def test_in_the_chat_it_is_only_said_that_there_is_something_protected(house: House) -> None:
    person = house.hear("amina", "ciao")
    flag = {"listed": "yes", "checked_by": "Ufficio di Bologna", "expires_on": "2027-12-01"}
    house.as_("l68_operator").post(f"/console/people/{person}/protected", **flag)
    with house.store() as store:
        sealed = store.read(select(protected.c.sealed))[0][0]
        catalogues = house.desk.engine.play.catalogues
        mine = Desk(store, store.people.get(person), house.now, catalogues).my_data.everything()
    assert mine["protected"] == [{"at": MONDAY}] and "Bologna" not in sealed


def test_who_is_deleted_by_the_desk_gets_the_same_receipt_and_is_gone_minutes_later(house: House) -> None:
    person = house.hear("amina", "ciao")
    home = f"{HOME}/people/{person}/erasure"
    before = text_of(officer(house).get(home))
    assert "What goes" in before and "What stays" in before
    assert officer(house).post(home, because="At the desk, with her card").status_code == 422
    answer = officer(house).post(home, because="At the desk, with her card", sure="1")
    receipt = re.findall(r"S-\w{4}-\w{4}", officer(house).said(answer))[0]
    assert receipt in said_to(house, person)[-1]
    assert house.audited("erasure_asked") == [
        (f"staff:{officer(house).member.id}", "erasure_asked", f"person:{person}")
    ]
    assert "To be deleted" not in text_of(officer(house).get(f"{HOME}?view=chat"))  # it was not they, in the chat
    with house.store() as store:
        assert erasing.due(store, house.now) == []  # the receipt first
        store.write(update(messages).where(messages.c.person_id == person).values(state="sent", sent_at=house.now))
    house.now += timedelta(minutes=11)
    assert house.desk.worker.erase() == 1
    assert "Deleted on" in text_of(officer(house).get(f"{HOME}/people/{person}"))


def test_a_proof_of_consent_is_shown_whole_and_checked_against_its_hash(house: House) -> None:
    person, text = house.hear("amina", "ciao"), "Vuoi i promemoria?"
    with house.store() as store:
        asked = {"question_id": 1, "answer_id": 2, "provider_id": "77", "at": MONDAY, "version": "1", "language": "it"}
        text_hash = hashlib.sha256(text.encode()).hexdigest()
        known = {"purpose": "service_messages", "given": True, "text": text, "text_hash": text_hash}
        store.people.record_consent(person_id=person, channel="telegram", **known, **asked)
    page = text_of(officer(house).get(f"{HOME}/people/{person}/consents"))
    assert text in page and "77" in page and "the words are those that were shown" in page
    with house.store() as store:
        store.write(update(consents).where(consents.c.person_id == person).values(text="You win a car"))
    assert "the words are not those that were shown" in text_of(officer(house).get(f"{HOME}/people/{person}/consents"))
    found = json.loads(officer(house).get(f"{HOME}/people/{person}/consents.json").text)
    assert found["consents"][0]["hash_is_right"] is False and found["consents"][0]["text"] == "You win a car"
    assert len(house.audited("proofs_read")) == 3


def test_who_answers_for_one_area_sees_the_requests_of_that_area_only(house: House) -> None:
    with house.store() as store:
        milan = next(one.id for one in store.staff.all() if one.role == "privacy_officer")
    near, far = house.person("j01"), house.hear("amina", "ciao")
    request = asks(house, near)
    with house.store() as store:
        place = store.territories.place(store.people.get(near).comune_istat)
        others = sorted({"bologna", "collegno", "est_milano"} - {place.area})
        store.staff.change(milan, areas=others)
    later(house, 0)
    assert "Nobody waits for an answer." in text_of(officer(house).get(HOME))
    assert officer(house).get(request).status_code == 404
    assert officer(house).get(f"{HOME}/people/{far}").status_code == 200  # who lives nowhere is everybody's


@pytest.mark.postgres
def test_every_list_works_on_postgresql_for_who_answers_for_one_area(big_house: House) -> None:
    person = big_house.hear("amina", "ciao")
    request = asks(big_house, person)
    officer(big_house).post(f"{request}/done")
    asks(big_house, person, kind="erasure")
    flag = {"listed": "no", "checked_by": "Ufficio di Bologna", "expires_on": "2027-03-20"}
    assert big_house.as_("l68_operator").post(f"/console/people/{person}/protected", **flag).status_code == 303
    officer(big_house).post(f"{HOME}/people/{person}/erasure", because="At the desk", sure="1")
    with big_house.store() as store:
        for member in store.staff.all():
            store.staff.change(member.id, areas=["bologna"])
    later(big_house, 0)
    assert f"Person {person}" in text_of(officer(big_house).get(HOME))
    for view in ("chat", "closed", "receipts"):
        for where in ({}, {"before": "100000"}, {"after": "0"}):
            assert officer(big_house).get(HOME, view=view, **where).status_code == 200
    assert f"Person {person}" in text_of(officer(big_house).get(HOME, view="closed"))
    assert "asked to be deleted" in text_of(officer(big_house).get("/console/audit", person=str(person)))
    assert officer(big_house).get("/console/audit/file", day="2027-03-01").status_code == 200
    assert "Now it would be" in text_of(officer(big_house).get("/console/retention"))
    assert f"Person {person}" in text_of(big_house.as_("l68_operator").get("/console/protected"))
