# SPDX-License-Identifier: EUPL-1.2
"""What nobody understood: seen in the order of how often, and taught with one click."""

from tests.console.office import House, text_of

WORDS = "blu bla blo"


def puzzle(house: House, who: str, text: str = WORDS) -> str:
    """Somebody who is at the menu writes this. Returns the last thing they are told."""
    person = house.hear(who, text)
    with house.store() as store:
        return [one.text for one in store.messages.of(person) if one.direction == "out"][-1]


def at_the_menu(house: House, who: str) -> None:
    for text in ("ciao", "menu", "menu"):
        house.hear(who, text)


def test_the_most_frequent_comes_first(house: House) -> None:
    for who in ("a", "b"):
        at_the_menu(house, who)
        puzzle(house, who)
    puzzle(house, "a", "tra la la")
    page = text_of(house.as_("operator").get("/console/misread"))
    assert page.index(WORDS) < page.index("tra la la") and "2 times" in page


def test_what_is_taught_is_understood_from_the_next_message_on(house: House) -> None:
    operator = house.as_("operator")
    at_the_menu(house, "a")
    at_the_menu(house, "b")
    assert puzzle(house, "a") != (expected := puzzle(house, "b", "laboratori"))
    answer = operator.post("/console/misread/teach", words=WORDS, means="conversation:workshops")
    assert operator.said(answer) == "Learned. It counts from the next message on."
    assert puzzle(house, "a") == expected
    page = text_of(operator.get("/console/misread"))
    assert "Everything was understood." in page and WORDS in page  # among what was taught
    operator.post("/console/misread/unteach", words=WORDS)
    assert "Nothing yet." in text_of(operator.get("/console/misread"))


def test_a_meaning_that_does_not_exist_is_refused(house: House) -> None:
    for means in ("", "conversation:nothing", "anytime:dance", "question:faq-999", "x"):
        assert house.as_("operator").post("/console/misread/teach", words=WORDS, means=means).status_code == 409


def test_words_become_one_more_way_to_ask_a_question(house: House) -> None:
    operator = house.as_("operator")
    at_the_menu(house, "a")
    puzzle(house, "a")
    operator.post("/console/misread/question", words=WORDS, question="faq-02", language="it")
    with house.store() as store:
        found = store.questions.get("faq-02")
        assert found and WORDS in found.keywords["it"]
        answer = found.answer["it"]
    house.hear("a", WORDS)
    with house.store() as store:
        chat = store.people.at("telegram", "a")
        assert chat
        assert any(answer in one.text for one in store.messages.of(chat[1].id) if one.direction == "out")


def test_a_note_goes_to_the_developers_as_a_file(house: House) -> None:
    operator = house.as_("operator")
    at_the_menu(house, "a")
    puzzle(house, "a")
    operator.post("/console/misread/settle", words=WORDS, **{"as": "developers"})
    assert "Everything was understood." in text_of(operator.get("/console/misread"))
    notes = operator.get("/console/misread/developers.json").json()["notes"]
    assert [(one["words"], one["times"]) for one in notes] == [(WORDS, 1)]


def test_what_people_write_stays_text(house: House) -> None:
    at_the_menu(house, "a")
    puzzle(house, "a", "<img src=x onerror=alert>")
    page = house.as_("operator").get("/console/misread").text
    assert "<img src=x" not in page
