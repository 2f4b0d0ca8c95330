# SPDX-License-Identifier: EUPL-1.2
"""The pages of workshops: what is on, new ones on many days, and changes that are shown before they are done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from storage.tables import bookings, cases, messages, staff, workshops
from tests.console.office import House, Visitor, text_of
from tests.console.planned import a_workshop, hidden, takes_a_place, twice

LIST = "/console/workshops"
WORDS = {
    "title_it": "Il colloquio",
    "title_en": "The interview",
    "summary_it": "Prova un colloquio.",
    "summary_en": "Try an interview.",
}
NEW = {
    **WORDS,
    "series": "bussola",
    "mode": "in_person",
    "venue": "v01",
    "capacity": "10",
    "languages": "it",
    "day": "2027-03-22",
    "time": "10:00",
    "minutes": "90",
    "every": "week",
    "times": "3",
    "closes_hours": "2",
}


def rows(house: House, table: Any, *where: Any) -> list[Any]:
    with house.store() as store:
        return list(store.read(select(table).where(*where).order_by(table.c.id)))


def planned(house: House) -> list[str]:
    found = rows(house, workshops, workshops.c.code.is_(None))
    return [f"{one.starts_at:%d %b %H:%M}" for one in sorted(found, key=lambda one: one.starts_at)]


def moved(house: House, person_id: int | None = None) -> list[Any]:
    found = rows(house, messages, messages.c.dedupe_key.like("workshop_%"))
    return [one for one in found if person_id in (None, one.person_id)]


# ---- the list


def test_what_is_ahead_stands_by_day_with_its_places(house: House) -> None:
    takes_a_place(house, a_workshop(house), "j01", "j02", "j03")
    said = text_of(house.as_("operator").get(LIST, series="bussola"))
    assert "Thursday 4 March 2027" in said and "2 of 2 taken, 1 waits · full" in said


def test_three_hundred_workshops_are_read_page_by_page_in_both_directions(house: House) -> None:
    for number in range(300):
        a_workshop(house, 3 + number // 3, title={"it": f"Numero {number}.", "en": f"Number {number}."})
    visitor, path, seen = house.as_("operator"), LIST + "?series=bussola&what=workshops", []
    while path:
        shown = visitor.get(path)
        seen.append([one for one in range(300) if f">Number {one}.<" in shown.text])
        path, last = link(shown.text, "next"), shown
    assert sorted(one for page in seen for one in page) == list(range(300)) and max(map(len, seen)) <= 50
    back = visitor.get(link(last.text, "prev"))
    assert [one for one in range(300) if f">Number {one}.<" in back.text] == seen[-2]


def link(page: str, rel: str) -> str:
    before, found, _after = page.partition(f'" rel="{rel}"')
    return before.rpartition('href="')[2].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize(
    ("asked", "is_shown"),
    [
        ({"places": "full"}, True),
        ({"places": "free"}, False),
        ({"state": "off"}, False),
        ({"state": "on"}, True),
        ({"venue": "v01"}, True),
        ({"venue": "v02"}, False),
        ({"area": "collegno"}, False),
        ({"counts": "1"}, False),
        ({"what": "meetings"}, False),
        ({"when": "past"}, False),
        ({"series": "\x00", "tutor": "9" * 40, "after": "1-x", "before": "x"}, True),
    ],
)
def test_filters(house: House, asked: dict[str, str], is_shown: bool) -> None:
    takes_a_place(house, a_workshop(house), "j01", "j02")
    shown = house.as_("operator").get(LIST, **asked)
    assert shown.status_code == 200 and (">The interview<" in shown.text) == is_shown


def test_whoever_answers_for_one_area_meets_nothing_of_another(house: House) -> None:
    id = a_workshop(house)
    with house.store() as store:
        found = store.read(select(staff.c.id).where(staff.c.role == "operator").order_by(staff.c.id))[1][0]
        store.staff.change(found, areas=["collegno"])
    visitor = house.signed_in(found)
    assert ">The interview<" not in visitor.get(LIST).text
    for path in (f"{LIST}/{id}", f"{LIST}/{id}/move", f"{LIST}/{id}/edit", "/console/series/bussola"):
        assert visitor.get(path).status_code == 404
    assert visitor.post(f"{LIST}/{id}/call-off", sure="1").status_code == 404
    assert visitor.post(f"{LIST}/new", **NEW).status_code == 422  # the series is not theirs


# ---- one workshop


def test_who_comes_stands_in_order_by_name_only_for_those_who_follow_people(house: House) -> None:
    id = a_workshop(house, capacity=1)
    first, second, third = takes_a_place(house, id, "j01", "j02", "j03")
    with house.store() as store:
        names = [store.people.get(one).first_name for one in (first, second, third)]
    said = text_of(house.as_("operator").get(f"{LIST}/{id}"))
    places = [f"{name} ({id})" for name, id in zip(names, (first, second, third), strict=True)]
    assert [said.index(one) for one in places] == sorted(said.index(one) for one in places)
    assert "number 1 in line" in said and "number 2 in line" in said and "Ticket 2." in said
    said = text_of(house.as_("administrator").get(f"{LIST}/{id}"))
    assert f"Person {first}" in said and str(names[0]) not in said
    assert house.audited("attenders_read") == [
        (f"staff:{house.as_('operator').member.id}", "attenders_read", f"workshop:{id}")
    ]


def test_what_somebody_wrote_stays_words(house: House) -> None:
    id = a_workshop(house, title={"it": "<script>alert(1)</script>", "en": "<b>x</b>" + "y" * 10_000})
    for path in (LIST, f"{LIST}/{id}", f"{LIST}/{id}/edit", f"{LIST}/{id}/move"):
        shown = house.as_("operator").get(path)
        assert shown.status_code == 200 and "<script>alert" not in shown.text and "<b>x</b>" not in shown.text


# ---- new ones


def test_a_workshop_that_comes_again_is_shown_day_by_day_and_then_planned_but_for_what_is_left_out(
    house: House,
) -> None:
    visitor = house.as_("operator")
    shown = text_of(visitor.post(f"{LIST}/new", **NEW))
    assert "Monday 29 March 2027 left out: a public holiday" in shown and "Monday 12 April 2027" in shown
    assert planned(house) == []
    done = visitor.post(f"{LIST}/new", **NEW, sure="1", without="2027-04-05")
    assert visitor.said(done) == "2 workshops are planned."
    assert planned(house) == ["22 Mar 09:00", "12 Apr 08:00"]  # ten in the morning, on both sides of the change
    found = rows(house, workshops, workshops.c.code.is_(None))[0]
    assert found.ends_at - found.starts_at == timedelta(minutes=90)
    assert found.starts_at - found.closes_at == timedelta(hours=2) and found.opens_at == house.now
    assert len(house.audited("workshop_created")) == 2


def test_a_room_and_a_tutor_that_are_taken_are_shown_before_anything_is_planned(house: House) -> None:
    tutor = house.as_("tutor").member.id
    at = datetime(2027, 3, 22, 10, 0, tzinfo=UTC)
    a_workshop(house, starts_at=at, ends_at=at + timedelta(hours=1), tutor_id=tutor)
    shown = text_of(house.as_("operator").post(f"{LIST}/new", **NEW, tutor=tutor))
    assert "Tutor and room are taken: The interview" in shown
    online = NEW | {"mode": "online", "link": "https://example.org/room"}
    assert "The tutor is taken: The interview" in text_of(
        house.as_("operator").post(f"{LIST}/new", **online, tutor=tutor)
    )


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("title_en", "", "Write something here."),
        ("capacity", "many", "Write a number from 0 to 500."),
        ("day", "2027-02-30", "Write a day like this: 2027-03-24"),
        ("day", "2027-02-01", "That is over."),
        ("link", "javascript:alert(1)", "Write an address that begins with https://"),
        ("series", "jc2", "Choose one of these."),
        ("venue", "\x00v01", None),
        ("languages", "xx", "Choose one or more of these."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    house: House, field: str, value: str, sentence: str | None
) -> None:
    shown = house.as_("operator").post(f"{LIST}/new", **(NEW | {field: value}))
    assert shown.status_code == (422 if sentence else 200)
    if sentence:
        assert f'<p class="hint wrong" id="{field}-hint">{sentence}</p>' in shown.text
        assert "Prova un colloquio." in shown.text
    assert planned(house) == []


def test_the_hour_that_the_clocks_jump_over_cannot_be_chosen_and_the_one_that_comes_twice_is_explained(
    house: House,
) -> None:
    visitor = house.as_("operator")
    jumped = visitor.post(f"{LIST}/new", **(NEW | {"day": "2027-03-28", "time": "02:30", "every": "once"}))
    assert jumped.status_code == 422 and "the clocks go forward" in text_of(jumped)
    twice_shown = visitor.post(f"{LIST}/new", **(NEW | {"day": "2027-10-31", "time": "02:30", "every": "once"}))
    assert "The clocks show this hour twice that night" in text_of(twice_shown)


def test_a_copy_is_filled_in_but_for_its_day(house: House) -> None:
    id = a_workshop(house)
    shown = house.as_("operator").get(f"{LIST}/{id}/copy").text
    assert 'value="The interview"' in shown and 'id="day" name="day" type="date" value=""' in shown


# ---- words and facts


def test_two_people_who_edit_at_once_do_not_undo_each_other(house: House) -> None:
    id = a_workshop(house)
    fields = {**WORDS, "series": "bussola", "languages": "it", "minutes": "120"}
    fields |= {"opens": "2027-03-01 09:00", "closes": "2027-03-04T08:00"}
    hers, his = house.as_("operator"), house.as_("counsellor")
    opened = hidden(his.get(f"{LIST}/{id}/edit"))
    assert hers.post(f"{LIST}/{id}/edit", seen=opened, **(fields | {"title_en": "Hers"})).status_code == 303
    late = his.post(f"{LIST}/{id}/edit", seen=opened, **(fields | {"title_en": "His"}))
    said = text_of(late)
    assert late.status_code == 422 and "Somebody has changed this meanwhile." in said
    assert "Title in English Hers" in said and 'value="His"' in late.text
    assert his.post(f"{LIST}/{id}/edit", seen=hidden(late), **(fields | {"title_en": "His"})).status_code == 303
    assert rows(house, workshops, workshops.c.id == id)[0].title["en"] == "His"
    assert len(house.audited("workshop_edited")) == 2


# ---- changes that people hear of


def test_before_a_move_everybody_sees_what_will_be_said_and_nothing_has_happened(house: House) -> None:
    id = a_workshop(house)
    written, silent = takes_a_place(house, id, "j01", "j02", silent=("j02",))
    visitor, to = house.as_("operator"), {"day": "2027-03-05", "time": "15:00", "venue": "v01"}
    shown, done = twice(visitor, f"{LIST}/{id}/move", **to)
    said = text_of(shown)
    assert "[…], c’è un cambiamento." in said
    assert "venerdì 5 marzo, ore 15:00" in said and "To 1 person" in said and "It leaves at once." in said
    assert "Who is to be called" in said and "There is a change" in said
    assert "Thursday 4 March 2027, 15:00" in said  # the reminder of the new time
    assert visitor.said(done) == "It is done. 1 person is written to. 1 person is to be called."
    assert [one.person_id for one in moved(house)] == [written]
    assert [one.person_id for one in rows(house, cases)] == [silent]
    who = f"staff:{visitor.member.id}"
    assert house.audited("moved") == [(who, "moved", f"workshop:{id}")]


def test_what_is_only_shown_leaves_no_trace(house: House) -> None:
    id = a_workshop(house)
    takes_a_place(house, id, "j01", "j02", "j03", silent=("j02",))
    visitor = house.as_("operator")

    def all_of_it() -> list[Any]:
        return [rows(house, table) for table in (workshops, bookings, messages, cases)]

    before = all_of_it()
    to = {"day": "2027-03-05", "time": "15:00", "venue": "v02", "mode": "online", "link": "https://example.org/room"}
    for what, more in (("move", {}), ("switch", {}), ("resize", {"capacity": "5"}), ("call-off", {})):
        path = f"{LIST}/{id}/{what}"
        assert visitor.post(path, seen=hidden(visitor.get(path)), **(to | more)).status_code == 200
    assert all_of_it() == before and house.audited("moved", "called_off", "capacity_raised", "changed") == []


def test_in_the_evening_the_page_says_until_when_a_message_waits(house: House) -> None:
    id = a_workshop(house, 4)
    takes_a_place(house, id, "j01")
    house.now = house.now.replace(hour=20, minute=30)
    path = f"{LIST}/{id}/call-off"
    visitor = house.as_("operator")
    said = text_of(visitor.post(path, seen=hidden(visitor.get(path))))
    assert "It waits for the quiet hours to end, or for the next free day: Tuesday 2 March, 08:00" in said


def test_called_off_is_told_and_stays_so(house: House) -> None:
    id = a_workshop(house)
    person = takes_a_place(house, id, "j01")[0]
    shown, done = twice(house.as_("counsellor"), f"{LIST}/{id}/call-off")
    assert "It is called off" in text_of(shown) and "None goes out any more." in text_of(shown)
    assert done.status_code == 303 and len(moved(house, person)) == 1
    assert house.as_("counsellor").get(f"{LIST}/{id}").status_code == 200
    assert house.as_("counsellor").post(f"{LIST}/{id}/move", day="2027-03-08", time="10:00").status_code == 409


def test_more_places_show_who_is_offered_one_and_fewer_take_nothing(house: House) -> None:
    id = a_workshop(house, capacity=1)
    _has, waits = takes_a_place(house, id, "j01", "j02")
    visitor = house.as_("operator")
    shown, _done = twice(visitor, f"{LIST}/{id}/resize", capacity="2")
    assert "Who is offered a place" in text_of(shown) and f"/console/people/{waits}" in shown.text
    assert [one.state for one in rows(house, bookings, bookings.c.workshop_id == id)] == ["booked", "offered"]
    shown, done = twice(visitor, f"{LIST}/{id}/resize", capacity="0")
    assert "Nobody loses theirs" in text_of(shown) and done.status_code == 303
    assert [one.state for one in rows(house, bookings, bookings.c.workshop_id == id)] == ["booked", "offered"]


def test_onto_the_web_and_back_into_a_room(house: House) -> None:
    id = a_workshop(house)
    person = takes_a_place(house, id, "j01")[0]
    visitor, path = house.as_("operator"), f"{LIST}/{id}/switch"
    shown, _done = twice(visitor, path, mode="online", link="https://example.org/room", venue="v01")
    assert "It is online now" in text_of(shown) and "https://example.org/room" in text_of(shown)
    shown, _done = twice(visitor, path, mode="both", link="https://example.org/room", venue="v01")
    assert "There is a change" in text_of(shown)
    shown, _done = twice(visitor, path, mode="in_person", link="", venue="v01")
    assert "There is a change" in text_of(shown)  # who meant to stay at home must hear it
    assert len(moved(house, person)) == 3


def test_another_room_at_another_hour_is_one_message(house: House) -> None:
    id = a_workshop(house)
    person = takes_a_place(house, id, "j01")[0]
    twice(house.as_("operator"), f"{LIST}/{id}/move", day="2027-03-05", time="15:00", venue="v02")
    assert len(moved(house, person)) == 1 and "venerdì 5 marzo, ore 15:00" in moved(house, person)[0].text
    found = rows(house, workshops, workshops.c.id == id)[0]
    assert found.venue_id == "v02" and found.ends_at - found.starts_at == timedelta(hours=2)
    assert found.starts_at - found.closes_at == timedelta(hours=2)


def test_a_change_that_somebody_else_has_overtaken_is_not_done(house: House) -> None:
    id = a_workshop(house)
    visitor, path = house.as_("operator"), f"{LIST}/{id}/move"
    opened = hidden(visitor.get(path))
    twice(house.as_("counsellor"), path, day="2027-03-05", time="15:00", venue="v01")
    late = visitor.post(path, seen=opened, sure="1", day="2027-03-08", time="15:00", venue="v01")
    assert late.status_code == 422 and "Somebody has changed this meanwhile." in text_of(late)
    assert "Friday 5 March 2027, 15:00" in text_of(late)
    assert rows(house, workshops, workshops.c.id == id)[0].starts_at.day == 5


def test_a_meeting_of_a_job_club_does_not_move_to_a_day_of_rest_and_is_entrusted(house: House) -> None:
    visitor = house.as_("operator")
    with house.store() as store:
        meeting = store.job_clubs.meetings("jc2", house.now)[0]
    path = f"{LIST}/{meeting}/move"
    sunday = visitor.post(path, seen=hidden(visitor.get(path)), day="2027-03-14", time="15:00", venue="v03")
    assert sunday.status_code == 422 and "A Job Club does not meet on a day of rest." in text_of(sunday)
    _shown, done = twice(visitor, f"{LIST}/{meeting}/entrust", tutor="")
    assert done.status_code == 303 and rows(house, workshops, workshops.c.id == meeting)[0].tutor_id is None
    assert "Nobody holds it yet" in text_of(visitor.get(f"{LIST}/{meeting}"))


def test_the_same_on_the_other_database(big_house: House) -> None:
    id = a_workshop(big_house)
    takes_a_place(big_house, id, "j01", "j02", "j03", silent=("j02",))
    visitor: Visitor = big_house.as_("operator")
    assert "1 waits · full" in text_of(visitor.get(LIST, series="bussola", places="full", area="bologna"))
    shown, done = twice(visitor, f"{LIST}/{id}/move", day="2027-03-05", time="15:00", venue="v02")
    assert "To 1 person" in text_of(shown)
    assert visitor.said(done) == "It is done. 1 person is written to. 1 person is to be called."
    twice(visitor, f"{LIST}/{id}/resize", capacity="4")
    assert visitor.said(visitor.post(f"{LIST}/new", **NEW, sure="1")) == "3 workshops are planned."
    for path in (
        f"{LIST}/{id}",
        f"{LIST}/{id}/edit",
        "/console/series",
        "/console/venues",
        "/console/job-clubs/jc2?who=A",
    ):
        assert visitor.get(path).status_code == 200
