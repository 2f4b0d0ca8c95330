# SPDX-License-Identifier: EUPL-1.2
"""What did not arrive: seen with its reason, sent again once, and never to who said stop."""

import threading

import pytest
from sqlalchemy import select, update

from storage.tables import identities, messages, people
from tests.console.crowd import fill
from tests.console.office import House, text_of


def failed(house: House, person: int) -> int:
    with house.store() as store:
        return next(one.id for one in store.messages.of(person) if one.state == "failed")


def sent_again(house: House, person: int) -> int:
    """How many copies of it wait to leave."""
    with house.store() as store:
        return sum(one.state == "pending" and "again" in (one.payload or {}) for one in store.messages.of(person))


def test_a_failure_stands_there_with_its_reason_and_without_a_name(house: House) -> None:
    fill(house, 1)
    page = text_of(house.as_("operator").get("/console/deliveries"))
    assert "It did not arrive" in page and "This person has blocked our chat." in page
    assert "Nome0" not in page


def test_it_is_sent_again_once_however_often_one_asks(house: House) -> None:
    operator, person = house.as_("operator"), fill(house, 1)[0]
    message = failed(house, person)
    assert operator.said(operator.post(f"/console/deliveries/{message}/again")) == "It is on its way again."
    assert operator.post(f"/console/deliveries/{message}/again").status_code == 409
    assert sent_again(house, person) == 1
    assert "Everything has arrived." in text_of(operator.get("/console/deliveries"))
    assert "It was sent again." in text_of(operator.get("/console/deliveries", settled=1))


def test_two_who_ask_at_once_send_it_once(big_house: House) -> None:
    person = fill(big_house, 1)[0]
    message, answers = failed(big_house, person), []
    visitors = [big_house.as_("operator"), big_house.as_("administrator")]
    threads = [
        threading.Thread(target=lambda one=one: answers.append(one.post(f"/console/deliveries/{message}/again")))
        for one in visitors
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.status_code for one in answers) == [303, 409] and sent_again(big_house, person) == 1


@pytest.mark.parametrize("why", ["stopped", "blocked", "too late"])
def test_what_cannot_arrive_is_not_sent_again(house: House, why: str) -> None:
    person = fill(house, 1)[0]
    message = failed(house, person)
    with house.store() as store:
        match why:
            case "stopped":
                store.write(update(people).where(people.c.id == person).values(stopped_at=house.now))
            case "blocked":
                store.write(update(identities).where(identities.c.person_id == person).values(blocked_at=house.now))
            case _:
                store.write(update(messages).where(messages.c.id == message).values(not_after=house.now))
    assert house.as_("operator").post(f"/console/deliveries/{message}/again").status_code == 409
    assert sent_again(house, person) == 0


def test_what_is_left_at_that_goes_off_the_list(house: House) -> None:
    operator, person = house.as_("operator"), fill(house, 1)[0]
    operator.post(f"/console/deliveries/{failed(house, person)}/settle")
    assert "Everything has arrived." in text_of(operator.get("/console/deliveries"))
    assert sent_again(house, person) == 0


def test_a_message_that_arrived_cannot_be_sent_again(house: House) -> None:
    fill(house, 1)
    with house.store() as store:
        arrived = store.read(select(messages.c.id).where(messages.c.state == "sent"))[0][0]
    assert house.as_("operator").post(f"/console/deliveries/{arrived}/again").status_code == 404


def test_the_list_is_paged_both_ways(house: House) -> None:
    fill(house, 60)
    operator = house.as_("operator")
    first = operator.get("/console/deliveries").text
    assert first.count("It did not arrive") == 50 and "Newer" not in first
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = operator.get(older.replace("&amp;", "&")).text
    assert second.count("It did not arrive") == 10 and "Older" not in second
    newer = second.split('rel="prev"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert operator.get(newer.replace("&amp;", "&")).text.count("It did not arrive") == 50


def test_what_waits_for_somebodys_next_word_is_seen(house: House) -> None:
    person = fill(house, 1)[0]
    message, operator = failed(house, person), house.as_("operator")
    assert "Waiting for the person to write" not in text_of(operator.get("/console/deliveries"))
    with house.store() as store:
        store.write(update(messages).where(messages.c.id == message).values(state="pending", reason="window_shut"))
    page = text_of(operator.get("/console/deliveries"))
    assert "Waiting for the person to write" in page and f"Person {person}" in page
