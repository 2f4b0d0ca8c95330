# SPDX-License-Identifier: EUPL-1.2
"""Today at the desk: who waits, how the channels are, what takes place; each role sees what is its own."""

from datetime import timedelta

from sqlalchemy import update

from storage.tables import cases, messages, reviews, staff, workshops
from tests.console.crowd import fill
from tests.console.office import House, text_of


def today(house: House, role: str = "operator") -> str:
    return text_of(house.as_(role).get("/console"))


def test_a_desk_where_nothing_has_happened_says_so(house: House) -> None:
    page = today(house)
    assert "Nobody waits." in page and "Nothing takes place today." in page


def test_who_waits_is_counted_and_who_waits_too_long_is_named_late(house: House) -> None:
    fill(house, 3)
    assert "3 · Wants to talk to a person." in today(house)
    assert "Nobody has waited longer than promised." in today(house)
    with house.store() as store:
        store.write(update(cases).where(cases.c.person_id > 0).values(opened_at=house.now - timedelta(days=9)))
    assert "3 have waited longer than promised." in today(house)


def test_somebody_who_cries_for_help_stands_out(house: House) -> None:
    fill(house, 1)
    with house.store() as store:
        store.write(update(cases).values(reason="urgent"))
    assert "1 is urgent: read it at once." in today(house)


def test_what_takes_place_today_is_listed_for_who_answers_for_it(house: House) -> None:
    member = house.as_("tutor").member
    with house.store() as store:
        soon = store.workshops.open(house.now)[0]
        values = {"starts_at": house.now + timedelta(hours=2), "ends_at": house.now + timedelta(hours=4)}
        store.write(update(workshops).where(workshops.c.id == soon.id).values(**values))
        store.write(update(staff).where(staff.c.id == member.id).values(areas=["nowhere"]))
    assert soon.title["en"] in today(house)
    assert soon.title["en"] not in today(house, "tutor")


def test_a_channel_from_which_nothing_leaves_is_named(house: House) -> None:
    fill(house, 2)
    assert "It works, but 2 messages did not arrive since yesterday." in today(house)
    with house.store() as store:
        stuck = {"state": "pending", "due_at": house.now - timedelta(minutes=30), "sent_at": None}
        store.write(update(messages).where(messages.c.direction == "out").values(**stuck))
    assert "Nothing leaves." in today(house)


def test_the_drawing_and_its_table_say_the_same(house: House) -> None:
    fill(house, 2, talk=3)
    page = house.as_("operator").get("/console").text
    assert page.count('<rect class="bar-0" x=') == 2  # messages, and places
    assert "<td>6</td><td>8</td>" in page  # what failed was on its way, too


def test_each_role_sees_what_is_its_own(house: House) -> None:
    fill(house, 1)
    assert "Who waits for a person" not in today(house, "administrator")
    assert "Channels" not in today(house, "tutor")
    assert "Channels" in today(house, "administrator")


def test_the_live_part_asks_for_itself(house: House) -> None:
    part = house.as_("operator").browser.get("/console", headers={"HX-Request": "true"})
    assert part.status_code == 200 and "<html" not in part.text and "Nobody waits." in part.text


def test_what_is_for_oneself_stands_there(house: House) -> None:
    people = fill(house, 2)
    with house.store() as store:
        store.write(update(reviews).where(reviews.c.person_id == people[0]).values(follow_up_on=house.now.date()))
    page = today(house)
    assert "2 notes call you by name" in page and "1 person to look at again today" in page
    assert "look at again" not in today(house, "tutor")  # she is the operator's


def test_the_privacy_officer_sees_which_requests_wait(house: House) -> None:
    assert "Nobody waits for an answer." in today(house, "privacy_officer")
    fill(house, 2)
    assert "Rights requests 2" in today(house, "privacy_officer")
