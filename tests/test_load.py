# SPDX-License-Identifier: EUPL-1.2
"""A folder of content comes into the database whole, or not at all; and coming twice it changes nothing."""

import re
import shutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import storage
from handlers.desk.changes import Changes
from handlers.desk.hours import hours_in
from handlers.desk.loading import BadContent, Content, Report, load, problems, read, reading
from handlers.moments import MOMENTS
from handlers.rules.content import Row, instant, working_day
from handlers.talk.catalogues import Catalogues
from storage import Storage
from storage.content import Content as Stored
from storage.invariants import look
from storage.looking import Present
from storage.tables import metadata

DEMO = Path(__file__).parent.parent / "bot" / "demo"
MONDAY = date(2026, 3, 2)
ROME = ZoneInfo("Europe/Rome")
as_it_is = reading._parsed


@pytest.fixture
def database(storage_url: str) -> Iterator[Storage]:
    opened = storage.open(storage_url)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demo programme, to be changed."""
    return Path(shutil.copytree(DEMO, tmp_path / "content", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder with nothing but the Job Clubs of the demo, to be changed."""
    shutil.copy(DEMO / "job_clubs.yaml", tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most files of a test are those of the demonstration: what has been read before is copied, not read again."""
    monkeypatch.setattr(reading, "_parsed", lambda raw: deepcopy(parsed(raw)))


@cache
def parsed(raw: bytes) -> Row:
    return as_it_is(raw)


@cache
def demo() -> Content:
    return read(DEMO)


def put_in(database: Storage, folder: Path | None = None, today: date = MONDAY) -> Report:
    content = read(folder) if folder else demo()
    now = datetime(today.year, today.month, today.day, 9, tzinfo=UTC)
    with database.writing() as store:
        return load(store, content, today=today, now=now)


def rows(database: Storage, table: str) -> dict[str, dict[str, Any]]:
    """What a table holds, by the name that content gives to each row."""
    with database.reading() as store:
        found = Stored(store).rows(table)
    return {row.get("code") or row.get("id") or row.get("istat") or row.get("key"): row for row in found}


def outcomes(report: Report) -> set[str]:
    return {outcome for nouns in report.loaded.values() for counter in nouns.values() for outcome in counter}


def change(file: Path, old: str, new: str, after: str = "") -> int:
    """Write something else in a file, the first time it stands after something; the line of that something."""
    written = file.read_text("utf-8")
    start = written.index(after)
    assert old in written[start:], f"{file.name} does not say {old}"
    file.write_text(written[:start] + written[start:].replace(old, new, 1), "utf-8")
    return written.count("\n", 0, start) + 1


# ---- the whole demo


def test_the_whole_demo_is_loaded(database: Storage) -> None:
    put_in(database)
    expected = {
        "areas": 3,
        "unions": 10,
        "comuni": 68,
        "programmes": 32,
        "venues": 8,
        "organisations": 67,
        "staff": 13,
        "people": 14,
        "identities": 14,
        "dialogues": 14,
        "paths": 1,
        "path_records": 7,
        "series": 6,
        "job_clubs": 3,
        "workshops": 56,
        "memberships": 5,
        "questions": 10,
        "notices": 1,
        "settings": 10,
        "bookings": 48,
    }
    with database.reading() as store:
        assert {table: len(Stored(store).rows(table)) for table in expected} == expected


def test_the_report_says_what_became_of_each_file(database: Storage) -> None:
    lines = str(put_in(database)).splitlines()
    assert lines[:12] == [
        "territories.yaml: areas 3 new; unions 10 new; comuni 68 new",
        "programmes.yaml: programmes 32 new",
        "organisations.yaml: venues 8 new; organisations 67 new",
        "people.yaml: staff 13 new; jobseekers 14 new; path_records 7 new",
        "workshops.yaml: paths 1 new; series 3 new; workshops 20 new",
        "job_clubs.yaml: job_clubs 3 new; meetings 36 new; members 4 new; former members 1 new",
        "services_faq.yaml: questions 10 new",
        "privacy_notice.yaml: notices 1 new",
        "service.yaml: settings 10 new",
        "workshops.yaml: work_design, w21, w22, w23, w24, w25: validated, not loaded (no place for it yet)",
        "job_clubs.yaml: equipment, equipment_slots, monitoring_form: validated, not loaded (no place for it yet)",
        "opportunities.yaml: validated, not loaded (no place for it yet)",
    ]
    files = {line.split(":")[0] for line in lines}
    assert files == {path.name for path in DEMO.glob("*.yaml")}


def test_what_is_loaded_can_be_read_by_those_who_need_it(database: Storage) -> None:
    put_in(database)
    with database.reading() as store:
        place = store.territories.place("037006")
        assert place is not None and (place.name, place.area) == ("Bologna", "bologna")
        assert store.territories.programmes("est_milano")[0].id == "cal"
        desk = next(desk for desk in store.territories.desks() if desk.id == "p02")
        assert (desk.phone, desk.email) == ("+39 000 000 0102", "desk2@example.org")
        assert desk.opening is not None and desk.opening.keys() == {"it", "en"}
        question = store.questions.get("faq-02")
        assert question is not None and "ho perso il lavoro" in question.keywords["it"]
        assert question.keywords["en"][0] == "i lost my job" and question.review_on == date(2026, 8, 29)
        notice = store.questions.notice()
        assert notice is not None and "{service_name}" in notice.layer_1["it"]
        assert notice.consents["follow_up"]["text"]["en"].startswith("May we ask")
        assert store.questions.settings()["answer_hours"] == 8
        assert store.questions.settings()["quiet_hours"] == {"from": "20:00", "to": "08:00"}
        first = store.workshops.open(datetime(2026, 3, 2, 9, tzinfo=UTC))[0]
        assert (first.code, first.venue.name) == ("w01", "Casa Lumetta (demo)")
        assert (first.line, first.revision, first.cancelled_at) == (0, 0, None)


def test_people_of_the_demo_are_registered_and_never_reach_a_real_network(database: Storage) -> None:
    put_in(database)
    with database.reading() as store:
        found = store.people.at("whatsapp", "demo:j01")
        assert found is not None
        identity, person = found
        assert store.dialogues.get(person.id).conversation is None
    assert identity.simulated
    assert (person.first_name, person.birth_year, person.language) == ("Amina", 1992, "fr")
    assert (person.comune_istat, person.italian_level, person.goal) == ("037006", "A2", None)
    assert person.registered_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_workshop_has_its_times_and_its_tutor(database: Storage) -> None:
    put_in(database)
    workshop, tutor = rows(database, "workshops")["w01"], rows(database, "staff")["t01"]
    assert workshop["starts_at"] == datetime(2026, 3, 9, 10, tzinfo=ROME)
    assert workshop["ends_at"] == datetime(2026, 3, 9, 12, tzinfo=ROME)
    assert workshop["opens_at"] == datetime(2026, 2, 9, 8, tzinfo=ROME)
    assert workshop["closes_at"] == datetime(2026, 3, 8, 22, tzinfo=ROME)
    assert workshop["tutor_id"] == tutor["id"]


# ---- loading again


def test_loading_twice_on_one_day_changes_nothing(database: Storage) -> None:
    put_in(database)
    before = {table.name: rows(database, table.name) for table in metadata.sorted_tables}
    assert outcomes(put_in(database)) == {"unchanged"}
    assert {table.name: rows(database, table.name) for table in metadata.sorted_tables} == before


def test_on_the_next_day_only_days_change(database: Storage) -> None:
    put_in(database)
    report = put_in(database, today=MONDAY + timedelta(days=1))
    changed = {noun for nouns in report.loaded.values() for noun, counter in nouns.items() if "changed" in counter}
    assert changed == {"series", "workshops", "questions"}
    assert "new" not in outcomes(report)
    workshop = rows(database, "workshops")["w01"]
    assert workshop["starts_at"] == datetime(2026, 3, 10, 10, tzinfo=ROME)
    assert workshop["revision"] == 1


def test_a_workshop_that_moves_keeps_its_bookings(database: Storage, folder: Path) -> None:
    put_in(database)
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    workshop, person = rows(database, "workshops")["w02"], rows(database, "people")["j01"]
    with database.writing() as store:
        store.workshops.add_booking(workshop_id=workshop["id"], person_id=person["id"], state="booked", changed_at=now)
        store.workshops.change(workshop["id"], line=4)
    change(folder / "workshops.yaml", 'time: "10:00"', 'time: "11:30"', after="id: w02")
    report = put_in(database, folder)
    assert report.loaded["workshops"]["workshops"] == {"changed": 1, "unchanged": 19}
    moved = rows(database, "workshops")["w02"]
    assert moved["starts_at"] == datetime(2026, 3, 23, 11, 30, tzinfo=ROME)
    assert (moved["id"], moved["line"], moved["revision"]) == (workshop["id"], 4, 1)
    with database.reading() as store:
        assert [booking.person_id for booking in store.workshops.booked(workshop["id"])] == [person["id"]]
        assert store.cases.open_reasons(person["id"]) == ["workshop_moved"]  # no reminders wanted: they are called


def test_a_workshop_that_is_called_off_in_a_file_stays_called_off(database: Storage, folder: Path) -> None:
    put_in(database)
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    workshop, person = rows(database, "workshops")["w02"], rows(database, "people")["j01"]
    with database.writing() as store:
        booking = store.workshops.add_booking(
            workshop_id=workshop["id"], person_id=person["id"], state="booked", changed_at=now
        )
    change(folder / "workshops.yaml", "capacity: 20", "cancelled: true\n    capacity: 20", after="id: w02")
    put_in(database, folder)
    report = put_in(database)
    assert "w02: was called off and stays so; to hold it again, give it a new id" in str(report)
    assert rows(database, "workshops")["w02"]["cancelled_at"] == now
    with database.reading() as store:
        ended = store.workshops.booking(booking)
        assert ended and ended.state == "called_off"


def test_a_workshop_goes_online_and_a_town_keeps_its_feast(database: Storage, folder: Path) -> None:
    change(folder / "territories.yaml", '"015175"  # Pioltello', '"001090"  # Collegno')
    change(folder / "territories.yaml", '"11-30"', '"01-22"')
    online = "mode: online\n    link: https://meet.example.org/w03\n    capacity: 12"
    change(folder / "workshops.yaml", "capacity: 12", online, after="id: w03")
    put_in(database, folder)
    workshop = rows(database, "workshops")["w03"]
    assert (workshop["mode"], workshop["link"]) == ("online", "https://meet.example.org/w03")
    with database.reading() as store:
        assert hours_in(store, "001090").rests(date(2027, 1, 22))
        assert not hours_in(store, "037006").rests(date(2027, 1, 22))


def test_what_follows_from_a_change_is_said(database: Storage, folder: Path) -> None:
    put_in(database)
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    workshop, people = rows(database, "workshops")["w03"], rows(database, "people")
    with database.writing() as store:
        for code in ("j01", "j02"):
            person = people[code]["id"]
            store.workshops.add_booking(workshop_id=workshop["id"], person_id=person, state="booked", changed_at=now)
    change(folder / "workshops.yaml", "capacity: 12", "capacity: 1", after="id: w03")
    assert "w03: 2 have a place or an offer; nobody loses it" in str(put_in(database, folder))


def test_who_goes_online_says_where_one_enters(database: Storage, folder: Path) -> None:
    change(folder / "workshops.yaml", "capacity: 12", "mode: online\n    capacity: 12", after="id: w03")
    with pytest.raises(BadContent, match="w03: link is missing"):
        put_in(database, folder)


def test_a_workshop_that_only_grows_has_not_moved(database: Storage, folder: Path) -> None:
    put_in(database)
    change(folder / "workshops.yaml", "capacity: 20", "capacity: 24", after="id: w02")
    put_in(database, folder)
    workshop = rows(database, "workshops")["w02"]
    assert (workshop["capacity"], workshop["revision"]) == (24, 0)


def test_what_people_have_told_us_since_is_not_overwritten(database: Storage) -> None:
    put_in(database)
    with database.writing() as store:
        store.people.change(rows(database, "people")["j01"]["id"], language="it", goal="sarta")
    put_in(database, today=date(2027, 1, 4))
    person = rows(database, "people")["j01"]
    assert (person["language"], person["goal"], person["birth_year"]) == ("it", "sarta", 1992)
    assert len(rows(database, "identities")) == 14


def test_staff_who_came_by_email_are_recognised(database: Storage) -> None:
    with database.writing() as store:
        member = {"email": "o01@example.org", "name": "Milena", "role": "administrator", "languages": ["it"]}
        Stored(store).put("staff", ("email",), member)
    report = put_in(database)
    assert report.loaded["people"]["staff"] == {"changed": 1, "new": 12}
    assert rows(database, "staff")["o01"]["name"] == "Milena Orsatti"


# ---- Job Clubs


def test_a_club_is_a_series_with_its_meetings(database: Storage) -> None:
    put_in(database)
    with database.reading() as store:
        club = store.job_clubs.get("jc2")
        assert club is not None
        assert (club.name["it"], club.area_id, club.programme_id) == ("Job Club Fontenera", "collegno", "jobclub")
        assert (club.counsellor, club.venue.comune, club.path_id) == ("Carla Menzio", "Collegno", "ras_base")
        assert (club.weekday, club.time, club.minutes, club.capacity, club.line) == (2, "14:30", 120, 10, 0)
        assert (club.first_on, club.meetings) == (date(2026, 3, 11), 12)
        first = store.workshops.get(store.job_clubs.meetings("jc2", datetime(2026, 3, 2, tzinfo=UTC))[0])
        assert first is not None
    assert (first.code, first.kind, first.is_meeting, first.is_confirmed) == ("jc2-1", "job_club", True, True)
    assert (first.title["en"], first.capacity, first.languages) == ("Job Club Fontenera", 10, ["it"])
    assert first.summary["en"].startswith("I tell about my week. I look with the group")
    assert first.starts_at == first.closes_at == datetime(2026, 3, 11, 14, 30, tzinfo=ROME)
    assert first.ends_at == datetime(2026, 3, 11, 16, 30, tzinfo=ROME)
    assert first.opens_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert (first.counts_for_path, first.mode, first.line, first.revision) == (False, "in_person", 0, 0)


def test_meetings_leave_out_holidays_and_keep_their_hour_through_the_change_of_clocks(database: Storage) -> None:
    put_in(database, today=date(2027, 10, 18))
    meetings = [row["starts_at"].astimezone(ROME) for row in meetings_of(database, "jc2")]
    on = "10-27 11-03 11-10 11-17 11-24 12-01 12-15 12-22 12-29 01-05 01-12 01-19"  # not on 8 December
    assert " ".join(f"{at:%m-%d}" for at in meetings) == on
    assert {f"{at:%a %H:%M}" for at in meetings} == {"Wed 14:30"}
    assert rows(database, "series")["jc2"]["ends_on"] == date(2028, 1, 19)


def test_a_club_does_not_meet_on_the_feast_of_the_town_where_it_meets(database: Storage, folder: Path) -> None:
    change(folder / "job_clubs.yaml", "weekday: TH", "weekday: TU", after="- id: jc3")
    put_in(database, folder, today=date(2027, 11, 8))
    days = [row["starts_at"].astimezone(ROME).date() for row in meetings_of(database, "jc3")]
    assert days[:2] == [date(2027, 11, 23), date(2027, 12, 14)]  # not on 30 November in Pioltello, nor on Saint Ambrose


def test_a_club_without_a_counsellor_has_no_confirmed_meeting(database: Storage, folder: Path) -> None:
    change(folder / "job_clubs.yaml", "    counsellor: t03\n", "")
    put_in(database, folder)
    with database.reading() as store:
        ids = store.job_clubs.meetings("jc2", datetime(2026, 3, 2, tzinfo=UTC))
        assert len(ids) == 12
        assert not any(meeting.is_confirmed for meeting in map(store.workshops.get, ids) if meeting)


def test_members_of_the_demo_have_a_place_at_every_meeting(database: Storage) -> None:
    put_in(database)
    people = {row["id"]: code for code, row in rows(database, "people").items()}
    with database.reading() as store:
        members = {
            club.id: [people[one.person_id] for one in store.job_clubs.members(club.id)]
            for club in store.job_clubs.all()
        }
        assert members == {"jc1": ["j02"], "jc2": ["j05", "j06"], "jc3": ["j09"]}
        joined = store.job_clubs.members("jc2")[0]
        assert (joined.admitted_by, joined.joined_at) == ("path", datetime(2026, 3, 2, 9, tzinfo=UTC))
        assert {len(store.workshops.booked(row["id"])) for row in meetings_of(database, "jc2")} == {2}
        left = store.job_clubs.history_of(rows(database, "people")["j14"]["id"])
        assert [(one.club_id, one.state, one.joined_at) for one in left] == [("jc1", "left", None)]
        assert left[0].left_at == datetime(2025, 11, 27, 9, tzinfo=UTC)


def test_what_people_have_done_on_a_path_is_on_record(database: Storage) -> None:
    put_in(database)
    people = rows(database, "people")
    with database.reading() as store:
        path = store.job_clubs.path("ras_base")
        assert path is not None and (path.group_meetings, path.interviews) == (3, 2)
        done = {code: store.job_clubs.done(people[code]["id"], "ras_base") for code in ("j05", "j03", "j01")}
    assert done == {"j05": (3, 2), "j03": (2, 1), "j01": (0, 0)}


def test_what_is_on_record_here_is_not_undone_by_a_file(database: Storage) -> None:
    put_in(database)
    person = rows(database, "people")["j03"]["id"]
    with database.writing() as store:
        more = {"person_id": person, "path_id": "ras_base", "interviews": 2}
        Stored(store).put("path_records", ("person_id", "path_id"), more)
    assert put_in(database).loaded["people"]["path_records"] == {"unchanged": 7}
    with database.reading() as store:
        assert store.job_clubs.done(person, "ras_base") == (2, 2)


def test_the_meetings_of_a_club_keep_their_days_whenever_it_is_loaded_again(database: Storage) -> None:
    put_in(database)
    before, had = meetings_of(database, "jc2"), rows(database, "job_clubs")
    report = put_in(database, today=MONDAY + timedelta(days=30))
    assert report.loaded["job_clubs"] == {
        "job_clubs": {"unchanged": 3},
        "meetings": {"unchanged": 36},
        "members": {"unchanged": 4},
        "former members": {"unchanged": 1},
    }
    assert (meetings_of(database, "jc2"), rows(database, "job_clubs")) == (before, had)
    assert "jc2" not in str(report)
    assert "jc2: all its meetings are over" in str(put_in(database, today=date(2026, 8, 3)))


def test_a_club_with_more_meetings_goes_on_and_with_fewer_keeps_them(database: Storage, alone: Path) -> None:
    put_in(database)
    before = meetings_of(database, "jc2")
    file = alone / "job_clubs.yaml"
    change(file, "meetings: 12", "meetings: 14", after="- id: jc2")
    report = put_in(database, alone, today=MONDAY + timedelta(days=30))
    assert report.loaded["job_clubs"]["meetings"] == {"unchanged": 36, "new": 2}
    after = meetings_of(database, "jc2")
    assert after[:12] == before
    assert [(row["code"], row["starts_at"].astimezone(ROME).date()) for row in after[12:]] == [
        ("jc2-13", date(2026, 6, 3)),
        ("jc2-14", date(2026, 6, 10)),
    ]
    with database.reading() as store:
        assert len(store.workshops.booked(after[13]["id"])) == 2
    change(file, "meetings: 14", "meetings: 3", after="- id: jc2")
    assert "jc2: 14 meetings are planned and stay; the desk can call them off" in str(put_in(database, alone))
    assert meetings_of(database, "jc2") == after


def test_a_club_that_is_over_goes_on_after_today(database: Storage, alone: Path) -> None:
    put_in(database)
    change(alone / "job_clubs.yaml", "meetings: 12", "meetings: 13", after="- id: jc2")
    put_in(database, alone, today=date(2026, 9, 9))
    assert meetings_of(database, "jc2")[-1]["starts_at"] == datetime(2026, 9, 16, 14, 30, tzinfo=ROME)


def test_what_the_desk_did_about_a_meeting_stays_as_it_is(database: Storage, alone: Path) -> None:
    put_in(database)
    first, second, third = meetings_of(database, "jc2")[:3]
    person, other = rows(database, "people")["j05"]["id"], rows(database, "staff")["t01"]["id"]
    with database.writing() as store:
        desk = Changes(store, datetime(2026, 3, 3, 9, tzinfo=UTC), Catalogues(), actor="staff:1")
        desk.move(first["id"], first["starts_at"] + timedelta(days=1))
        desk.call_off(second["id"])
        desk.entrust(third["id"], other)
        mine = store.workshops.booking_of(person, third["id"])
        assert mine is not None
        store.workshops.change_booking(mine.id, state="cancelled_by_person", changed_at=desk.now)
    change(alone / "job_clubs.yaml", "counsellor: t03", "counsellor: t02", after="- id: jc2")
    put_in(database, alone)
    found = {row["code"]: row for row in meetings_of(database, "jc2")}
    assert found["jc2-1"]["starts_at"] == first["starts_at"] + timedelta(days=1)
    assert found["jc2-2"]["cancelled_at"] is not None
    staff = rows(database, "staff")
    tutors = [found[f"jc2-{number}"]["tutor_id"] for number in (1, 2, 3, 4)]
    assert tutors == [staff[code]["id"] for code in ("t02", "t03", "t01", "t02")]
    with database.reading() as store:
        assert store.workshops.booking_of(person, third["id"]) is None  # who does not come is not signed up again


def test_members_hear_once_of_another_venue_before_they_stand_at_the_old_one(database: Storage, alone: Path) -> None:
    put_in(database)
    later, person = date(2026, 4, 27), rows(database, "people")["j05"]["id"]
    with database.writing() as store:  # who does not come to the next meeting hears of the one after it
        next_one, after_it, *_ = store.job_clubs.meetings("jc2", datetime(2026, 4, 27, 9, tzinfo=UTC))
        mine = store.workshops.booking_of(person, next_one)
        assert mine is not None
        store.workshops.change_booking(mine.id, state="cancelled_by_person")
    change(alone / "job_clubs.yaml", "venue: v03", "venue: v07", after="- id: jc2")
    report = put_in(database, alone, today=later)
    assert report.loaded["job_clubs"]["job_clubs"] == {"changed": 1, "unchanged": 2}
    found = meetings_of(database, "jc2")
    ahead = [row for row in found if row["starts_at"].date() > later]
    assert 2 < len(ahead) < 12
    assert [row["venue_id"] for row in found] == ["v03"] * (12 - len(ahead)) + ["v07"] * len(ahead)
    assert {row["revision"] for row in ahead} == {1}
    assert [note for note in report.notes if note.startswith("jc2")] == [
        f"{ahead[0]['code']}: 0 people are written to, 1 are to be called",
        f"{ahead[1]['code']}: 0 people are written to, 2 are to be called",
    ]
    assert (ahead[0]["id"], ahead[1]["id"]) == (next_one, after_it)


def test_a_club_that_is_made_smaller_loses_nobody(database: Storage, alone: Path) -> None:
    put_in(database)
    file = alone / "job_clubs.yaml"
    change(file, "demo_members:", "none_any_more:")
    change(file, "capacity: 10", "capacity: 1", after="- id: jc2")
    change(file, "meetings: 12", "meetings: 13", after="- id: jc2")
    report = put_in(database, alone)
    assert report.loaded["job_clubs"]["meetings"] == {"changed": 12, "unchanged": 24, "new": 1}
    with database.reading() as store:
        club = store.job_clubs.get("jc2")
        assert club is not None and club.capacity == 1
        assert store.job_clubs.seats("jc2").members == 2
        assert {len(store.workshops.booked(row["id"])) for row in meetings_of(database, "jc2")} == {2}
    assert broken(database) == []


def test_who_has_left_a_club_is_not_brought_back(database: Storage) -> None:
    put_in(database)
    person = rows(database, "people")["j05"]["id"]
    with database.writing() as store:
        mine = store.job_clubs.membership_of(person, "jc2")
        assert mine is not None
        store.job_clubs.change_membership(mine.id, state="left")
    put_in(database)
    with database.reading() as store:
        assert [one.state for one in store.job_clubs.history_of(person)] == ["left"]


def test_members_of_the_demo_take_nobodys_place(database: Storage, alone: Path) -> None:
    put_in(database)
    file = alone / "job_clubs.yaml"
    change(file, "capacity: 10", "capacity: 2", after="- id: jc2")
    change(file, "[j05, j06]", "[j05, j11]")
    assert "jc2: j11 is not a member, for there is no free place" in str(put_in(database, alone))


def test_a_club_is_not_too_small_for_its_members(folder: Path) -> None:
    line = change(folder / "job_clubs.yaml", "capacity: 10", "capacity: 1", after="- id: jc2")
    line = change(folder / "job_clubs.yaml", "club: jc2", "club: jc2", after="{club: jc2")
    assert problems(read(folder)) == [f"job_clubs.yaml:{line}: jc2: has 1 places, and demo_members names 2 people"]


def test_the_clubs_can_be_loaded_by_themselves(database: Storage, alone: Path) -> None:
    put_in(database)
    change(alone / "job_clubs.yaml", "it: Job Club Fontenera", "it: Job Club di Collegno")
    report = put_in(database, alone)
    assert report.loaded["job_clubs"]["job_clubs"] == {"changed": 1, "unchanged": 2}
    assert {row["title"]["it"] for row in meetings_of(database, "jc2")} == {"Job Club di Collegno"}


def test_a_deployment_without_clubs_gets_them_when_it_is_loaded_again(database: Storage) -> None:
    with database.writing() as store:
        earlier = Content({name: file for name, file in demo().files.items() if name != "job_clubs"})
        load(store, earlier, today=MONDAY, now=datetime(2026, 3, 2, 9, tzinfo=UTC))
    report = put_in(database, today=MONDAY + timedelta(days=8))
    assert report.loaded["job_clubs"]["meetings"] == {"new": 36}


def test_the_database_is_whole_after_loading(database: Storage) -> None:
    put_in(database)
    put_in(database, today=MONDAY + timedelta(days=8))
    assert broken(database) == []


def meetings_of(database: Storage, club_id: str) -> list[dict[str, Any]]:
    """In the order of their numbers."""
    found = [row for row in rows(database, "workshops").values() if row["series_id"] == club_id]
    return sorted(found, key=lambda row: int(row["code"].rpartition("-")[2]))


def broken(database: Storage) -> list[str]:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    purposes = {moment.name: moment.consent for moment in MOMENTS if moment.consent}
    with database.reading() as store:
        return [finding.invariant.name for finding in look(store, Present(now, now, purposes)) if finding.ids]


# ---- all or nothing

NOT_A_WEEKDAY = "recurrence has a mistake: weekday "

BAD_ROWS = [
    # file, where the row begins, what it says, what it says instead, what is wrong with that
    ("workshops", "- id: w02", "capacity: 20", "capacity: 0", "w02: capacity must be a whole number of at least 1"),
    ("workshops", "- id: w02", "capacity: 20", "capacity: many", "w02: capacity must be a whole number of at least 1"),
    ("workshops", "- id: w02", "capacity: 20", "capacty: 20", "w02: capacty is not a field here; is capacity meant?"),
    (
        "workshops",
        "- id: w02",
        "series: bussola",
        "series: busola",
        "w02: series names “busola”, which is not among the series",
    ),
    ("workshops", "- id: w02", "venue: v05", "venue: v50", "w02: venue names “v50”, which is not among the venues"),
    ("workshops", "- id: w02", "tutor: t01", "tutor: j01", "w02: tutor names “j01”, which is not among the staff"),
    ("workshops", "- id: w02", 'time: "10:00"', "time: 10:00", 'w02: time must be a time in quotes, like "10:00"'),
    ("workshops", "- id: w02", 'time: "10:00"', 'time: "25:00"', 'w02: time must be a time in quotes, like "10:00"'),
    (
        "workshops",
        "- id: w02",
        "day_offset: 21",
        "day_offset: 2026-05-01",
        "w02: day_offset must be a whole number of at least -3660",
    ),
    (
        "workshops",
        "- id: w02",
        "opens_day_offset: -7",
        "opens_day_offset: 21",
        "w02: booking has a mistake: it closes before it opens",
    ),
    (
        "workshops",
        "- id: w02",
        ", closes_hours_before: 12",
        "",
        "w02: booking has a mistake: closes_hours_before is missing",
    ),
    ("workshops", "- id: w02", "languages: [it, en]", "languages: it", "w02: languages must be a list"),
    (
        "workshops",
        "- id: w02",
        "counts_for_path: false",
        "counts_for_path: 'no'",
        "w02: counts_for_path must be true or false",
    ),
    ("workshops", "- id: w03", "- id: w03", "- id: w02", "w02: id “w02” is already on line "),
    ("workshops", "it: LinkedIn", "en: LinkedIn and your online profile", "en: ''", "w02: title has no English (en)"),
    (
        "workshops",
        "- id: gruppi_collegno",
        "ends_day_offset: 60",
        "ends_day_offset: 1",
        "gruppi_collegno: ends_day_offset must be greater than starts_day_offset",
    ),
    (
        "territories",
        '{istat: "037006"',
        '"037006"',
        "037006",
        'comuni_non_in_unione: istat must be six digits in quotes, like "037006"',
    ),
    (
        "territories",
        '{istat: "037008"',
        '"037008"',
        "037008",
        'unione_terre_di_pianura: istat must be six digits in quotes, like "037006"',
    ),
    (
        "territories",
        "- id: bologna",
        "patron_subdivision: BO",
        "patron_subdivision: QQ",
        "bologna: patron_subdivision names “QQ”, a province whose patron's day we do not know",
    ),
    (
        "programmes",
        "- id: cil",
        "area: collegno",
        "area: torino",
        "cil: area names “torino”, which is not among the areas",
    ),
    (
        "organisations",
        "- id: p01",
        'comune_istat: "037006"',
        'comune_istat: "999999"',
        "p01: comune_istat names “999999”, which is not among the comuni",
    ),
    ("organisations", "- id: p01", "email: desk1@example.org", "email: desk1", "p01: email must be an e-mail address"),
    ("organisations", "- {id: e01", "id: e01", "id: p01", "p01: id “p01” is already on line "),
    (
        "people",
        "- id: t02",
        "t02@example.org",
        "t01@example.org",
        "t02: email “t01@example.org” is already on line ",
    ),
    (
        "people",
        "- id: t02",
        "role: counsellor",
        "role: king",
        "t02: role must be one of: "
        "jobseeker, tutor, counsellor, operator, l68_operator, privacy_officer, administrator",
    ),
    (
        "people",
        "- id: j01",
        "fictional: true",
        "fictional: false",
        "j01: fictional must be true: a file never holds a real person who looks for work",
    ),
    ("people", "- id: j01", "age: 34", "age: 340", "j01: age must be at most 110"),
    (
        "services_faq",
        "- id: faq-02",
        "ho perso il lavoro]",
        "Ho perso il lavoro]",
        "faq-02: tags must be in small letters: “Ho perso il lavoro”",
    ),
    (
        "services_faq",
        "- id: faq-02",
        "[i lost my job",
        "[I lost my job",
        "faq-02: keywords must be in small letters: “I lost my job”",
    ),
    (
        "services_faq",
        "- id: faq-02",
        "en: Find the desk",
        "en: Find the desk in my town",
        "faq-02: buttons has a mistake: en “Find the desk in my town” is longer than 20 characters",
    ),
    (
        "privacy_notice",
        "schema_version",
        "Sono un programma.",
        "Sono un programma. " * 20,
        "informativa-v1: layer_1 (it) has 7",
    ),
    (
        "privacy_notice",
        "schema_version",
        "di {service_name}",
        "di {servce_name}",
        "informativa-v1: layer_1 has {servce_name}, and only these can be filled in: "
        "service_name, phone, address, controller_name, dpo_email",
    ),
    (
        "privacy_notice",
        "schema_version",
        "version: '1.0'",
        "version: 1.0",
        "informativa-v1: version must be text: put it in quotes",
    ),
    (
        "service",
        "schema_version",
        "answer_hours: 8",
        "answer_hours: soon",
        "answer_hours must be a whole number of at least 1",
    ),
    (
        "service",
        "schema_version",
        "from: '20:00'",
        "from: '07:00'",
        "quiet_hours must begin in the evening and end the next morning",
    ),
    (
        "service",
        "schema_version",
        "monday: [{from: '09:00', to: '13:00'}]",
        "monday: [{from: '14:00', to: '13:00'}]",
        "opening_hours: on monday the desk closes before it opens",
    ),
    ("job_clubs", "- id: jc1", "- id: jc1", "- id: jc2", "jc2: id “jc2” is already on line "),
    ("job_clubs", "- id: jc2", "- id: jc2", "- id: bussola", "bussola: id “bussola” is already that of a series of "),
    ("job_clubs", "- id: jc2", "area: collegno", "area: x", "jc2: area names “x”, which is not among the areas"),
    ("job_clubs", "- id: jc2", "venue: v03", "venue: v33", "jc2: venue names “v33”, which is not among the venues"),
    (
        "job_clubs",
        "- id: jc2",
        "counsellor: t03",
        "counsellor: o01",  # an operator
        "jc2: counsellor names “o01”, which is not among the counsellors",
    ),
    (
        "job_clubs",
        "- id: jc2",
        "weekday: WE",
        "weekday: SU",
        f"jc2: {NOT_A_WEEKDAY}is SU, and Sunday is a day of rest: choose another day",
    ),
    (
        "job_clubs",
        "- id: jc2",
        "weekday: WE",
        "weekday: Wednesday",
        f"jc2: {NOT_A_WEEKDAY}must be one of: MO, TU, WE, TH, FR, SA",
    ),
    (
        "job_clubs",
        "- id: jc2",
        'time: "14:30"',
        'time: "2 pm"',
        'jc2: recurrence has a mistake: time must be a time in quotes, like "10:00"',
    ),
    (
        "job_clubs",
        "- id: jc2",
        "meetings: 12",
        "meetings: 0",
        "jc2: recurrence has a mistake: meetings must be a whole",
    ),
    ("job_clubs", "- id: jc2", "capacity: 10", "capacity: 0", "jc2: capacity must be a whole number of at least 1"),
    (
        "job_clubs",
        "- id: jc2",
        "path: ras_base",
        "path: ras_top",
        "jc2: admission has a mistake: path names “ras_top”, which is not among the paths",
    ),
    (
        "job_clubs",
        "- id: jc1",
        "same_format_as: jc2",
        "same_format_as: w01",
        "jc1: same_format_as names “w01”, which is not among the job_clubs",
    ),
    (
        "job_clubs",
        "schema_version",
        "{id: mood, type: scale_1_5",
        "{id: mood, type: text_140",
        "monitoring_form must ask",
    ),
    ("job_clubs", "schema_version", "{id: calls, type: integer", "{id: visits, type: integer", "monitoring_form must "),
    ("job_clubs", "schema_version", "[0-2, 3-5", "[0-5", "monitoring_form has a mistake: the choices of hours are "),
    ("job_clubs", "{club: jc2, people", "[j05, j06]", "[j05, j04]", "jc2: demo_members names “j04”, who has not comp"),
    ("job_clubs", "{club: jc2, people", "[j05, j06]", "[j05, j66]", "people names “j66”, which is not among the jobse"),
    ("job_clubs", "{club: jc1, person", "club: jc1", "club: jc9", "club names “jc9”, which is not among the job_clubs"),
    (
        "workshops",
        "path_definition",
        "group_meetings: 3",
        "group_meetings: few",
        "ras_base: group_meetings must be a who",
    ),
    (
        "people",
        "- id: j03",
        "{group_meetings: 2",
        "{group_meetings: two",
        "j03: path has a mistake: group_meetings must be a whole number of at least 0",
    ),
    ("opportunities", "- id: job-02", "- id: job-02", "- id: job-01", "job-01: id “job-01” is already on line "),
    ("microcopy", "- {id: saved", ", en: Done.", "", "saved: has no English (en)"),
]


@pytest.mark.parametrize(("file", "row", "old", "new", "wrong"), BAD_ROWS, ids=[row[-1][:60] for row in BAD_ROWS])
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, file: str, row: str, old: str, new: str, wrong: str) -> None:
    path = Path(shutil.copy(DEMO / f"{file}.yaml", tmp_path))
    line = change(path, old, new, after=row)
    found = problems(Content(demo().files | read(tmp_path).files))
    assert any(problem.startswith(f"{file}.yaml:{line}: {wrong}") for problem in found), found


def test_content_that_is_half_bad_is_not_loaded_at_all(database: Storage, folder: Path) -> None:
    change(folder / "workshops.yaml", "capacity: 20", "capacity: none", after="id: w02")
    change(folder / "microcopy.yaml", "en: Done.", "en: ''")
    with pytest.raises(BadContent) as refused:
        put_in(database, folder)
    assert [re.sub(r"\d+", "N", problem, count=1) for problem in refused.value.problems] == [
        "microcopy.yaml:N: saved: has no English (en)",
        "workshops.yaml:N: w02: capacity must be a whole number of at least 1",
    ]
    assert {table.name for table in metadata.sorted_tables if rows(database, table.name)} == set()


BROKEN_FILES = [
    ("areas: [", "1: a bracket is opened here and never closed"),
    ("areas:\n  - name: 'Bologna\n", "2: a quote is opened here and never closed"),
    (
        "areas:\n\t- name: Bologna\n",
        "2: there is a tab, or a sign such as @ or %; use spaces, and put the text in quotes",
    ),
    ("areas:\n  - id: a\n    name: Bologna: la città\n", "3: there is a colon inside a text; put the text in quotes"),
    ("areas:\n  - id: a\n   name: Bologna\n", "3: this line is not indented like the lines around it"),
    ("areas:\n  - id: a\n    name Bologna\n    region: x\n", "3: there is no colon after the name of this field"),
    ("areas:\n  - id: a\n    id: b\n", "3: id is said twice"),
    ("areas: []\n---\nareas: []\n", "2: --- begins a second document; one file holds one"),
    ("- areas\n", "1: the file must be made of fields, each with its name"),
    ("", "1: the file must be made of fields, each with its name"),
    ("areas: []\nnote: \x07\n", "2: there is a character that cannot be shown"),
]


@pytest.mark.parametrize(("written", "wrong"), BROKEN_FILES)
def test_broken_yaml_is_explained_in_plain_words(folder: Path, written: str, wrong: str) -> None:
    (folder / "territories.yaml").write_text(written, "utf-8")
    assert problems(read(folder)) == [f"territories.yaml:{wrong}"]


def test_a_file_that_is_not_utf_8_is_explained_too(folder: Path) -> None:
    (folder / "territories.yaml").write_bytes("areas: []\nnote: Unità".encode("latin-1"))
    assert problems(read(folder)) == ["territories.yaml:2: this is not UTF-8 text; save the file as UTF-8"]


@pytest.mark.parametrize(
    "written",
    [
        "workshops: 3",
        "workshops: [3]",
        "workshops: [{id: [w01], title: [x]}]",
        "rules: 3",
        "rules: {path_definition: [{id: [a]}]}",
        "yes: no",
    ],
)
def test_content_of_any_shape_is_refused_without_a_crash(folder: Path, written: str) -> None:
    (folder / "workshops.yaml").write_text(written, "utf-8")
    (folder / "job_clubs.yaml").unlink()  # they lead to a path of that file
    assert all(problem.startswith("workshops.yaml:1: ") for problem in problems(read(folder)))
    assert problems(read(folder))


@pytest.mark.parametrize(
    "written",
    [
        "job_clubs: 3",
        "job_clubs: [3]",
        "job_clubs: [{id: [jc2], recurrence: [WE], admission: [x], capacity: [1]}]",
        "{job_clubs: [], demo_members: [{club: [jc2], people: j05}]}",
        "{job_clubs: [], demo_former_members: {club: jc2, person: [j14], left_day_offset: x}}",
        "{job_clubs: [], meeting_agenda: [3], monitoring_form: [{id: [mood], type: {}}]}",
    ],
)
def test_so_are_clubs_of_any_shape(folder: Path, written: str) -> None:
    (folder / "job_clubs.yaml").write_text(written, "utf-8")
    assert problems(read(folder))
    assert all(problem.startswith("job_clubs.yaml:1: ") for problem in problems(read(folder)))


def test_a_colleague_keeps_their_email(database: Storage, folder: Path) -> None:
    put_in(database)
    change(folder / "people.yaml", "id: t01", "id: t91", after="- id: t01")
    with pytest.raises(BadContent, match=r"people.yaml:\d+: t91: email is already that of t01"):
        put_in(database, folder)


# ---- folders of a real town


def test_a_folder_with_some_files_refers_to_what_is_there(database: Storage, folder: Path) -> None:
    put_in(database)
    for path in folder.iterdir():
        if path.name != "workshops.yaml":
            path.unlink()
    change(folder / "workshops.yaml", "capacity: 20", "capacity: 25", after="id: w02")
    assert put_in(database, folder).loaded["workshops"]["workshops"] == {"changed": 1, "unchanged": 19}


def test_a_folder_with_some_files_is_refused_where_nothing_is_there_yet(database: Storage, folder: Path) -> None:
    (folder / "organisations.yaml").unlink()
    with pytest.raises(BadContent, match="w02: venue names “v05”, which is not among the venues"):
        put_in(database, folder)


def test_the_length_of_the_notice_counts_what_was_set_before(database: Storage, folder: Path) -> None:
    put_in(database)
    with database.writing() as store:
        store.questions.set("address", "Via Lunga " * 60)
    for path in folder.iterdir():
        if path.name != "privacy_notice.yaml":
            path.unlink()
    with pytest.raises(BadContent, match=r"layer_1 \(it\) has \d+ characters once filled in"):
        put_in(database, folder)


def test_a_file_nobody_knows_is_left_alone_and_named(database: Storage, folder: Path) -> None:
    (folder / "workshop.yaml").write_text("{", "utf-8")
    (folder / "pact.yaml").rename(folder / "pact.yml")
    assert str(put_in(database, folder)).splitlines()[-2:] == [
        "pact.yml: not a file we know, not read; is pact.yaml meant?",
        "workshop.yaml: not a file we know, not read; is workshops.yaml meant?",
    ]


def test_a_folder_without_content_says_so(tmp_path: Path) -> None:
    assert problems(read(tmp_path / "nowhere")) == [f"{tmp_path}/nowhere: there is no content here"]


# ---- names


def test_an_invented_body_is_shown_as_invented(database: Storage) -> None:
    put_in(database)
    named = rows(database, "organisations") | rows(database, "venues")
    assert {row["name"].count("(demo)") for row in named.values()} == {1}
    assert named["p01"]["name"] == "Sportello Lavoro Bologna (demo)"
    assert named["v05"]["name"] == "Online (video call) (demo)"


def test_a_real_body_is_not(database: Storage, folder: Path) -> None:
    change(folder / "organisations.yaml", "fictional: true", "fictional: false")
    change(folder / "organisations.yaml", "fictional: true", "fictional: false", after="- id: f01")
    put_in(database, folder)
    assert rows(database, "organisations")["f01"]["name"] == "Officine Zabrel"
    assert rows(database, "organisations")["f02"]["name"] == "Pastificio Ondalba (demo)"
    assert rows(database, "venues")["v01"]["name"] == "Casa Lumetta"


def test_a_body_belongs_to_an_area(database: Storage) -> None:
    put_in(database)
    organisations = rows(database, "organisations")
    assert {organisations[id]["area_id"] for id in ("p02", "f11", "e29")} == {"collegno"}
    assert organisations["e01"]["area_id"] == "bologna" and organisations["e01"]["kind"] == "training_body"


# ---- days and times


def test_a_workshop_at_ten_is_at_ten_on_both_sides_of_the_clock_change(database: Storage) -> None:
    """On 29 March 2026 the clocks of Rome go forward, on 25 October back."""
    for today, hours in ((date(2026, 3, 2), {"w01": 9, "w04": 8}), (date(2026, 10, 1), {"w01": 8, "w04": 9})):
        put_in(database, today=today)
        workshops = rows(database, "workshops")
        for id, hour in hours.items():
            assert workshops[id]["starts_at"].hour == hour
            assert workshops[id]["starts_at"].astimezone(ROME).hour == 10


@pytest.mark.parametrize(
    ("today", "offset", "patron", "day"),
    [
        (date(2026, 3, 2), 5, "BO", date(2026, 3, 7)),  # a Saturday is a working day
        (date(2026, 3, 2), 6, "BO", date(2026, 3, 9)),  # a Sunday is not
        (date(2026, 4, 30), 1, "BO", date(2026, 5, 2)),
        (date(2026, 12, 24), 1, "BO", date(2026, 12, 28)),  # Christmas, Saint Stephen's Day, a Sunday
        (date(2026, 6, 24), 0, "TO", date(2026, 6, 25)),  # Saint John is of Turin
        (date(2026, 6, 24), 0, "BO", date(2026, 6, 24)),
        (date(2026, 6, 24), 0, None, date(2026, 6, 24)),
    ],
)
def test_what_falls_on_a_day_of_rest_moves_to_the_next_working_day(
    today: date, offset: int, patron: str | None, day: date
) -> None:
    assert working_day(today, offset, patron) == day


def test_a_time_is_that_of_the_clocks_of_rome() -> None:
    assert instant(date(2026, 3, 28), "10:00") == datetime(2026, 3, 28, 9, tzinfo=UTC)
    assert instant(date(2026, 3, 30), "10:00") == datetime(2026, 3, 30, 8, tzinfo=UTC)


def test_each_area_keeps_the_day_of_its_own_patron(database: Storage) -> None:
    """Saint John, 24 June, is a day of rest in Collegno, not in Segrate."""
    put_in(database, today=date(2026, 6, 11))
    workshops = rows(database, "workshops")
    assert workshops["w14"]["starts_at"] == datetime(2026, 6, 25, 10, tzinfo=ROME)
    put_in(database, today=date(2026, 6, 9))
    assert rows(database, "workshops")["w18"]["starts_at"] == datetime(2026, 6, 24, 14, 30, tzinfo=ROME)
