# SPDX-License-Identifier: EUPL-1.2
"""The pages of Job Clubs: members and line, meetings, letting somebody in, and the weeks that one counsellor reads."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from storage.tables import job_clubs, messages, staff, workshops
from tests.console.office import House, Visitor, text_of
from tests.console.planned import desk, hidden, twice
from tests.stage import agreed

LIST = "/console/job-clubs"
NEW = {
    "name_it": "Job Club Nuovo",
    "name_en": "New Job Club",
    "summary_it": "Cerchiamo lavoro insieme.",
    "summary_en": "We look for work together.",
    "programme": "jobclub",
    "venue": "v03",
    "weekday": "0",
    "time": "10:00",
    "minutes": "120",
    "day": "2027-03-16",
    "count": "3",
    "capacity": "6",
}


def meetings(house: House, club: str) -> list[Any]:
    with house.store() as store:
        found = select(workshops).where(workshops.c.series_id == club).order_by(workshops.c.starts_at)
        return list(store.read(found))


def counsellor_of(house: House, club: str) -> Visitor:
    with house.store() as store:
        found = store.read(select(job_clubs.c.counsellor_id).where(job_clubs.c.id == club))[0][0]
    return house.signed_in(found)


def members(house: House, club: str = "jc2") -> list[int]:
    with house.store() as store:
        return [one.person_id for one in store.job_clubs.members(club)]


def test_the_list_and_a_club_say_who_is_in_it_and_when_it_meets(house: House) -> None:
    visitor = house.as_("tutor")
    assert "Job Club Fontenera" in text_of(visitor.get(LIST))
    said = text_of(visitor.get(f"{LIST}/jc2"))
    inside = members(house)
    with house.store() as store:
        names = [store.people.get(one).first_name for one in inside]
    assert names and all(str(name) in said for name in names) and "Totals are shown once five people" in said
    hidden_names = text_of(house.as_("administrator").get(f"{LIST}/jc2"))
    assert all(str(name) not in hidden_names for name in names) and f"Person {members(house)[0]}" in hidden_names
    assert len(house.audited("members_read")) == 1


def test_somebody_is_let_in_for_a_reason_by_who_may(house: House) -> None:
    visitor, path = house.as_("counsellor"), f"{LIST}/jc2/let-in"
    person = house.person("j01")
    with house.store() as store:
        name = store.people.get(person).first_name
    assert f'value="{person}"' in visitor.get(f"{LIST}/jc2", who=name).text
    assert f'value="{person}"' in visitor.get(f"{LIST}/jc2", who=person).text
    assert "Nobody of yours" in text_of(visitor.get(f"{LIST}/jc2", who="%"))
    without = visitor.post(path, person=person, because=" ")
    assert without.status_code == 422 and "Write something here." in text_of(without)
    done = visitor.post(path, person=person, because="She knows the path from another town.")
    assert visitor.said(done) == "They are in the Job Club now." and person in members(house)
    assert house.audited("let_in") == [(f"staff:{visitor.member.id}", "let_in", f"person:{person}")]
    assert "She knows the path" in text_of(visitor.get(f"{LIST}/jc2"))
    assert "She knows the path" not in text_of(house.as_("administrator").get(f"{LIST}/jc2"))
    assert house.as_("operator").post(path, person=person, because="x").status_code == 403


def test_when_nobody_holds_the_club_the_members_are_told_of_their_next_meetings_as_they_hear_them(house: House) -> None:
    inside = members(house)
    with house.store() as store:
        for one in inside:
            store.people.record_consent(**agreed(one, "it", "telegram", house.now))
    visitor, path = house.as_("operator"), f"{LIST}/jc2/entrust"
    shown, done = twice(visitor, path, counsellor="")
    assert "Nobody yet" in text_of(shown) and done.status_code == 303
    assert {one.tutor_id for one in meetings(house, "jc2")} == {None}
    assert house.audited("club_entrusted") == [(f"staff:{visitor.member.id}", "club_entrusted", "job_club:jc2")]
    tutor = next(str(one) for one in counsellors(house))
    _shown, done = twice(visitor, path, counsellor=tutor)
    assert {one.tutor_id for one in meetings(house, "jc2")} == {int(tutor)}
    nobody = visitor.post(path, seen=hidden(visitor.get(path)), counsellor="999")
    assert nobody.status_code == 422 and "Choose one of these." in text_of(nobody)


def counsellors(house: House) -> list[int]:
    with house.store() as store:
        return [row[0] for row in store.read(select(staff.c.id).where(staff.c.role == "counsellor"))]


def test_a_club_with_more_places_offers_them_to_its_line(house: House) -> None:
    visitor, path = house.as_("operator"), f"{LIST}/jc2/resize"
    twice(visitor, path, capacity=str(len(members(house))))
    counsellor = counsellors(house)[0]
    with house.store() as store:
        waits = desk(house, store, "j01")
        store.people.record_consent(**agreed(waits.person.id, "it", "telegram", house.now))
        waits.job_clubs.let_in("jc2", staff_id=counsellor, because="A reason.")
    assert "number 1 in line" in text_of(visitor.get(f"{LIST}/jc2"))
    shown, done = twice(visitor, path, capacity="9")
    assert "Who is offered a place" in text_of(shown) and f"/console/people/{house.person('j01')}" in shown.text
    assert done.status_code == 303 and "is offered a place" in text_of(visitor.get(f"{LIST}/jc2"))
    with house.store() as store:
        offers = messages.c.dedupe_key.like("club_place_offered:%")
        assert len(store.read(select(messages.c.id).where(offers))) == 1


def test_more_meetings_are_shown_before_they_are_planned_and_every_member_has_a_place(house: House) -> None:
    visitor, path = house.as_("operator"), f"{LIST}/jc2/prolong"
    before = meetings(house, "jc2")
    shown = visitor.post(path, seen=hidden(visitor.get(f"{LIST}/jc2")), count="2")
    assert shown.status_code == 200 and len(meetings(house, "jc2")) == len(before)
    done = visitor.post(path, seen=hidden(shown), count="2", sure="1")
    after = meetings(house, "jc2")
    assert visitor.said(done) == "2 meetings are planned." and len(after) == len(before) + 2
    assert after[-1].title == before[-1].title and after[-1].tutor_id == before[-1].tutor_id
    inside = members(house)
    with house.store() as store:
        assert store.workshops.counts(after[-1].id).booked == len(inside)
    late = visitor.post(path, seen=hidden(shown), count="2", sure="1")
    assert late.status_code == 422 and len(meetings(house, "jc2")) == len(before) + 2


def test_one_more_meeting_on_a_day_of_its_own_but_not_on_a_day_of_rest(house: House) -> None:
    visitor, path = house.as_("operator"), f"{LIST}/jc2/meetings"
    fields = {"seen": hidden(visitor.get(f"{LIST}/jc2")), "time": "09:00", "minutes": "60"}
    sunday = visitor.post(path, **fields, day="2027-03-14")
    assert sunday.status_code == 422 and "A Job Club does not meet on a day of rest." in text_of(sunday)
    done = visitor.post(path, **fields, day="2027-03-12")
    id = int(done.headers["Location"].rpartition("/")[2])
    inside = members(house)
    with house.store() as store:
        assert store.workshops.counts(id).booked == len(inside)


def test_a_new_club_has_its_series_and_its_meetings(house: House) -> None:
    visitor = house.as_("counsellor")
    shown = visitor.post(f"{LIST}/new", **NEW)
    assert "Monday 29 March 2027 left out: a public holiday" in text_of(shown)
    done = visitor.post(f"{LIST}/new", **NEW, sure="1")
    assert done.headers["Location"] == f"{LIST}/job-club-nuovo"
    found = meetings(house, "job-club-nuovo")
    assert [f"{one.starts_at:%d %b}" for one in found] == ["22 Mar", "05 Apr", "12 Apr"]
    assert "no meeting is sure to take place" in text_of(visitor.get(f"{LIST}/job-club-nuovo"))
    wrong = visitor.post(f"{LIST}/new", **(NEW | {"programme": "none", "capacity": "0"}))
    assert wrong.status_code == 422 and "Cerchiamo lavoro insieme." in wrong.text


def test_the_weeks_of_the_members_are_read_by_their_own_counsellor_and_each_look_is_noted(house: House) -> None:
    person, week = members(house)[0], date(2027, 2, 15)
    with house.store() as store:
        for more in range(2):
            told = {"applications": 3 + more, "mood": 4, "next_step": "<i>Call</i>"}
            store.diaries.tell(person, "jc2", week + timedelta(weeks=more), house.now, **told)
    own = counsellor_of(house, "jc2")
    shown = own.get(f"{LIST}/jc2/diaries")
    said = text_of(shown)
    assert (
        "22 Feb 2027 4 – – – 4 <i>Call</i>".replace("<", "&lt;").replace(">", "&gt;") in said and "<svg" in shown.text
    )
    other = counsellor_of(house, "jc1")
    assert other.member.id != own.member.id and other.get(f"{LIST}/jc2/diaries").status_code == 403
    assert house.audited("diaries_read", "forbidden") == [
        (f"staff:{own.member.id}", "diaries_read", "job_club:jc2"),
        (f"staff:{other.member.id}", "forbidden", "job_club:jc2"),
    ]


def test_whoever_answers_for_one_area_meets_no_club_of_another(house: House) -> None:
    with house.store() as store:
        found = store.read(select(staff.c.id).where(staff.c.role == "operator").order_by(staff.c.id))[1][0]
        store.staff.change(found, areas=["collegno"])
    visitor = house.signed_in(found)
    assert "Job Club Lumetta" not in visitor.get(LIST).text and visitor.get(f"{LIST}/jc1").status_code == 404
    assert visitor.get(f"{LIST}/jc2").status_code == 200 and visitor.get(f"{LIST}/a%00").status_code == 404
