# SPDX-License-Identifier: EUPL-1.2
"""Questions and answers: written at the desk, checked, shown, taken away; nothing typed is lost."""

from tests.console.office import House, text_of

GOOD = {
    "question_it": "Dove parcheggio?",
    "question_en": "Where do I park?",
    "answer_it": "Davanti alla sede.",
    "answer_en": "In front of the building.",
    "keywords_it": "parcheggio, Dove lascio l’auto",
    "keywords_en": "parking",
    "review_on": "2027-09-01",
}


def answer_to(house: House, text: str) -> str:
    """What somebody new is told who asks this."""
    person = house.hear(f"someone {text}", text)
    with house.store() as store:
        return "\n".join(one.text for one in store.messages.of(person) if one.direction == "out")


def test_an_answer_written_at_the_desk_is_given_in_chat(house: House) -> None:
    operator = house.as_("operator")
    assert "Davanti alla sede." not in answer_to(house, "dove lascio l’auto?")
    assert operator.said(operator.post("/console/questions/new", **GOOD)) == "The answer is there for everybody now."
    assert "Davanti alla sede." in answer_to(house, "ma dove lascio l’auto?")
    assert "desk-01" in operator.get("/console/questions").text
    assert house.audited("question_added") == [(f"staff:{operator.member.id}", "question_added", "question:desk-01")]


def test_what_was_taken_away_is_not_given_any_more_and_can_come_back(house: House) -> None:
    operator = house.as_("operator")
    operator.post("/console/questions/new", **GOOD)
    operator.post("/console/questions/desk-01/close")
    assert "Davanti alla sede." not in answer_to(house, "dove parcheggio?")
    assert "taken away" in text_of(operator.get("/console/questions"))
    operator.post("/console/questions/desk-01/reopen")
    assert "Davanti alla sede." in answer_to(house, "e dove parcheggio?")


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(house: House) -> None:
    answer = house.as_("operator").post(
        "/console/questions/new", **{**GOOD, "answer_en": "", "review_on": "2027-03-01"}
    )
    assert answer.status_code == 422
    assert "Write it in both languages." in answer.text and "This day is over." in answer.text
    assert "Davanti alla sede." in answer.text and 'aria-invalid="true"' in answer.text


def test_the_order_is_the_order_in_chat(house: House) -> None:
    operator = house.as_("operator")
    with house.store() as store:
        first, second = [one.id for one in store.questions.all()][:2]
    operator.post(f"/console/questions/{second}/move", to="up")
    with house.store() as store:
        assert [one.id for one in store.questions.all()][:2] == [second, first]
    assert operator.post(f"/console/questions/{second}/move", to="up").status_code == 409


def test_markup_in_an_answer_stays_text(house: House) -> None:
    operator = house.as_("operator")
    operator.post("/console/questions/new", **{**GOOD, "question_en": "<b>x</b><script>alert(1)</script>"})
    page = operator.get("/console/questions").text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_a_question_that_is_not_there_is_not_found(house: House) -> None:
    operator = house.as_("operator")
    assert operator.get("/console/questions/nobody").status_code == 404
    assert operator.get("/console/questions/no%20body").status_code == 404
