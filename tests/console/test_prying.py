# SPDX-License-Identifier: EUPL-1.2
"""What somebody of the staff tries who may come in: to see other people's people, names behind masks, and twice."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.console.app import ROUTES
from bot.console.live import MOST, Live
from handlers.rules.roles import ROLES, ROOMS, may
from storage.tables import attachments, audit, bookings, cases, merges, messages, notes, sent_forms, workshops
from tests.console.office import House, Visitor, text_of

NAME = "Zoraida"
LIST = "/console/conversations"


@pytest.fixture(params=["house", "big_house"])
def either(request: pytest.FixtureRequest) -> House:
    found: House = request.getfixturevalue(request.param)
    return found


def in_two_areas(house: House) -> tuple[str, str, str]:
    """An area, a comune in it, and a comune in another one."""
    with house.store() as store:
        places = store.territories.places()
    here = places[0]
    there = next(one for one in places if one.area != here.area)
    return str(here.area), here.istat, there.istat


def living_in(house: House, who: str, name: str, comune: str) -> int:
    id = house.hear(who, "una persona per favore")
    values = {"first_name": name, "comune_istat": comune, "registered_at": house.now, "birth_year": 1990}
    with house.store() as store:
        store.people.change(id, phone="+393339998877", **values)
    return id


def of_one_area(house: House, area: str) -> Visitor:
    """Somebody who may do everything, for the people of one area."""
    with house.store() as store:
        member = next(one for one in store.staff.all() if one.role == "operator")
        store.staff.change(member.id, other_roles=sorted(set(ROLES) - {"operator"}), areas=[area])
    return house.signed_in(member.id)


class Abroad:
    """A person of another area, with a case, a place, a message that failed, a request and a merge."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.area, self.here, self.there = in_two_areas(house)
        self.person = living_in(house, "zoraida", NAME, self.there)
        self.other = living_in(house, "zoraida2", NAME, self.there)
        self.mine = living_in(house, "amina", "Amina", self.here)
        operator = house.as_("operator")
        with house.store() as store:
            self.workshop = store.workshops.open(house.now)[0].id
        operator.post(f"/console/people/{self.person}/book", workshop=str(self.workshop), or_wait="1")
        merged = operator.post(f"/console/people/{self.person}/merge", other=str(self.other))
        assert merged.status_code == 303, text_of(merged)
        officer = house.as_("privacy_officer")
        asked = {"kind": "access", "came_by": "letter", "asked_on": "2027-03-01"}
        made = officer.post("/console/rights/new", person=str(self.person), **asked)
        self.request = int(made.headers["Location"].rsplit("/", 1)[1])
        with house.store() as store:
            self.case = store.read(select(cases.c.id).where(cases.c.person_id == self.person))[0][0]
            self.booking = store.read(select(bookings.c.id).where(bookings.c.person_id == self.person))[0][0]
            out = select(messages.c.id).where(messages.c.person_id == self.person, messages.c.direction == "out")
            self.message = store.read(out)[0][0]
            store.messages.change(self.message, state="failed", reason="timeout")
            self.merge = store.read(select(merges.c.id))[0][0]
        self.visitor = of_one_area(house, self.area)

    def addresses(self) -> list[tuple[str, str]]:
        """Every page and form that names somebody, with the number of somebody abroad."""
        of_them = {
            "conversations": self.person,
            "people": self.person,
            "calls": self.case,
            "rights": self.request,
            "deliveries": self.message,
            "merges": self.merge,
        }
        found = []
        for entry in ROUTES:
            parts = entry.path.split("/")
            if "{" not in entry.path or parts[2] not in of_them or "{view}" in entry.path:
                continue
            for at, part in enumerate(parts):
                if part.startswith("{"):
                    parts[at] = str({"{case}": self.case, "{file}": 1}.get(part, of_them[parts[2]]))
                    if parts[at - 1] == "people":
                        parts[at] = str(self.person)
            found.append((entry.method, "/".join(parts)))
        return found


FILLED = {
    **{"reason": "ten letters or more", "because": "ten letters or more", "label": "x", "note": "x", "text": "x"},
    **{"how": "telephone", "outcome": "closed", "answer": "yes", "sure": "1", "club": "x", "workshop": "1", "to": ""},
    **{"booking": "1", "message": "1", "newest": "1", "minutes": "30", "first_name": "X", "birth_year": "1990"},
    **{"comune": "elsewhere", "language": "it", "notice": "1", "phone": "3331234567", "listed": "yes"},
    **{"checked_by": "x", "expires_on": "2027-12-01", "code": "1", "refuse": "because", "longer": "because"},
}


def test_people_of_another_area_are_behind_no_address(house: House) -> None:
    abroad = Abroad(house)
    addresses = abroad.addresses()
    assert len(addresses) > 45
    for method, path in addresses:
        other = {"other": str(abroad.mine)} if path.endswith("/merge") else {}
        visitor = abroad.visitor
        answer = visitor.get(path, **other) if method == "GET" else visitor.post(path, **FILLED, **other)
        assert answer.status_code == 404, (method, path, answer.status_code, text_of(answer)[-300:])
        assert NAME not in answer.text, path


def test_people_of_another_area_are_behind_no_field_of_a_form(house: House) -> None:
    abroad = Abroad(house)
    visitor, mine, theirs = abroad.visitor, abroad.mine, abroad.person
    operator_case = f"{LIST}/{mine}/cases/{abroad.case}"
    asked = {"kind": "access", "came_by": "letter", "asked_on": "2027-03-01"}
    with house.store() as store:
        club = store.job_clubs.all()[0].id
        before = store.read(select(func.count()).select_from(cases).where(cases.c.taken_by.is_not(None)))
    tried = [
        visitor.post(f"/console/people/{mine}/merge", other=str(theirs)),
        visitor.get(f"/console/people/{mine}/merge", other=str(theirs)),
        visitor.post(f"/console/people/{mine}/cancel", booking=str(abroad.booking)),
        visitor.post(f"/console/people/{mine}/hold-back", message=str(abroad.message)),
        visitor.post("/console/calls/reminder", booking=str(abroad.booking)),
        visitor.post("/console/rights/new", person=str(theirs), **asked),
        visitor.post(f"/console/job-clubs/{club}/let-in", person=str(theirs), because="ten letters or more"),
        *(visitor.post(f"{operator_case}/{act}") for act in ("take", "let-go", "close")),
    ]
    for one in tried:
        assert one.status_code in (404, 409, 422) and NAME not in one.text, (one.url, one.status_code)
    with house.store() as store:
        booking = store.read(select(bookings.c.state).where(bookings.c.id == abroad.booking))[0][0]
        assert booking in ("booked", "waiting")
        assert store.read(select(func.count()).select_from(cases).where(cases.c.taken_by.is_not(None))) == before
        assert len(store.rights.of(theirs)) == 1


def test_people_of_another_area_stand_on_no_list(house: House) -> None:
    abroad = Abroad(house)
    with house.store() as store:
        club = store.job_clubs.all()[0].id
    pages = [entry.path for entry in ROUTES if entry.method == "GET" and "{" not in entry.path]
    pages += [f"/console/workshops/{abroad.workshop}", f"/console/job-clubs/{club}?who={NAME}"]
    pages += [f"/console/people?q={one}" for one in (NAME, "3339998877", abroad.person)]
    pages += [f"/console/rights?view={one}" for one in ("chat", "closed", "receipts")]
    pages += [f"{LIST}?view=waiting", f"/console/audit?person={abroad.person}", "/console/search?q=favore"]
    for path in pages:
        answer = abroad.visitor.get(path)
        assert NAME not in text_of(answer), path
        assert f"/console/people/{abroad.person}" not in answer.text, path
        assert f"{LIST}/{abroad.person}" not in answer.text, path


def test_no_page_leads_where_its_reader_may_not_go(house: House) -> None:
    """A link or a button that a page offers is never answered with: your role does not include this."""
    living_in(house, "amina", "Amina", in_two_areas(house)[1])
    with house.store() as store:
        out = select(messages.c.id).where(messages.c.direction == "out").limit(1)
        store.messages.change(store.read(out)[0][0], state="failed", reason="timeout")
        crowded = store.read(select(bookings.c.workshop_id).where(bookings.c.state == "booked").limit(1))[0][0]
        cards = {f"/console/workshops/{crowded}"}
        cards |= {f"/console/job-clubs/{one.id}" for one in store.job_clubs.all()}
    routes = [(entry, entry.path.split("/")) for entry in ROUTES]

    def entry_at(method: str, path: str) -> Any:
        parts = path.split("?")[0].split("#")[0].split("/")
        fits = [
            entry
            for entry, its in routes
            if entry.method == method
            and len(its) == len(parts)
            and all(one == part or one.startswith("{") for one, part in zip(its, parts, strict=True))
        ]
        return min(fits, key=lambda one: one.path.count("{"), default=None)

    for role in ("tutor", "privacy_officer", "administrator"):
        visitor = house.as_(role)
        first = [entry.path for entry in ROUTES if entry.method == "GET" and "{" not in entry.path]
        seen = {path for path in first if (found := entry_at("GET", path)) and may({role}, found.room, found.action)}
        for path in sorted(seen | cards):
            page = visitor.get(path).text
            led = [("GET", one) for one in re.findall(r'href="(/console[^"]*)"', page)]
            led += [("POST", one) for one in re.findall(r'<form method="post" action="([^"]*)"', page)]
            for method, to in led:
                found = entry_at(method, to)
                assert found is None or may({role}, found.room, found.action), (role, path, method, to)


def test_every_room_has_pages() -> None:
    assert {entry.room for entry in ROUTES} == set(ROOMS)


# ---- looking without being seen


def test_a_part_of_a_page_is_read_unseen_by_nobody(house: House) -> None:
    id = house.hear("amina", "ciao")
    tutor = house.as_("tutor")
    as_a_part = {"HX-Request": "true"}
    page = tutor.browser.get(f"{LIST}/{id}?seen=999999999999999", headers=as_a_part)
    assert "ciao" in page.text and len(house.audited("conversation_read")) == 1
    tutor.browser.get(LIST, headers=as_a_part)
    assert len(house.audited("conversations_listed")) == 1
    tutor.browser.get(LIST, headers=as_a_part)
    assert len(house.audited("conversations_listed")) == 1  # the same page, still open
    house.now += timedelta(minutes=31)
    tutor.browser.get(LIST, headers=as_a_part)
    assert len(house.audited("conversations_listed")) == 2


def test_whoever_reads_of_people_is_written_down(house: House) -> None:
    person = living_in(house, "amina", "Amina", in_two_areas(house)[1])
    looks = [
        ("operator", "/console/deliveries"),
        ("operator", "/console/misread"),
        ("operator", "/console/misread/developers.json"),
        ("operator", f"/console/people/{person}/profile"),
        ("operator", f"{LIST}/{person}/chat"),
        ("l68_operator", "/console/protected"),
        ("l68_operator", f"/console/people/{person}/protected"),
        ("privacy_officer", "/console/rights"),
        ("privacy_officer", f"/console/rights/people/{person}"),
        ("privacy_officer", f"/console/rights/people/{person}/erasure"),
        ("privacy_officer", "/console/audit"),
    ]
    for role, path in looks:
        with house.store() as store:
            before = store.read(select(func.count()).select_from(audit))[0][0]
        assert house.as_(role).get(path).status_code == 200, path
        with house.store() as store:
            assert store.read(select(func.count()).select_from(audit))[0][0] > before, path


# ---- names behind masks


def test_the_name_of_who_turned_out_to_be_the_same_stays_hidden(house: House) -> None:
    here = in_two_areas(house)[1]
    stays, goes = living_in(house, "amina", "Amina", here), living_in(house, "zoraida", NAME, here)
    operator = house.as_("operator")
    house.hear("zoraida", f"scrivo ancora, {NAME}")
    assert operator.post(f"/console/people/{stays}/merge", other=str(goes)).status_code == 303
    shown = [operator.get(f"{LIST}/{stays}"), operator.get(f"{LIST}/{stays}/chat"), operator.get(LIST)]
    shown += [operator.get("/console/search", q="scrivo"), operator.post(f"{LIST}/export", kind="json")]
    for one in shown:
        assert "scrivo" in one.text and NAME not in one.text, one.url


def test_a_name_somebody_gives_is_not_counted_among_what_was_misread(house: House) -> None:
    house.hear("amina", "ciao")
    house.hear("amina", f"mi chiamo {NAME} e vorrei una cosa mai sentita")
    page = house.as_("operator").get("/console/misread")
    assert NAME.lower() not in page.text.lower()


def test_a_file_on_the_page_of_a_person_is_opened_by_a_way_that_is_written_down(house: House) -> None:
    operator, person = house.as_("operator"), living_in(house, "amina", "Amina", in_two_areas(house)[1])
    with house.store() as store:
        said = store.messages.of(person)[0]
        file = store.files.keep(b"%PDF-1.4", kind="application/pdf", at=house.now)
        values = {"name": "cv.pdf", "provider_id": "x", "file_id": file, "state": "stored", "attempts": 1}
        store.write(attachments.insert().values(person_id=person, message_id=said.id, at=house.now, **values))
    page = operator.get(f"/console/people/{person}").text
    found = re.search(rf'href="({LIST}/{person}/files/\d+)"', page)
    assert found and "/media/" not in page
    assert operator.get(found[1]).status_code == 303 and len(house.audited("file_opened")) == 1


# ---- twice


def replies(house: House, person: int) -> list[str]:
    with house.store() as store:
        found = store.messages.of(person)
    return [one.text for one in found if one.direction == "out" and (one.payload or {}).get("by")]


def test_a_button_clicked_twice_does_once_what_it_does(house: House) -> None:
    person = house.hear("amina", "una persona per favore")
    operator, once = house.as_("operator"), {"once": "one-page-only-1"}
    operator.post(f"{LIST}/{person}/take")
    first = operator.post(f"{LIST}/{person}/reply", text="Buongiorno", **once)
    second = operator.post(f"{LIST}/{person}/reply", text="Buongiorno", **once)
    assert first.headers["Location"] == second.headers["Location"] == f"{LIST}/{person}"
    assert "done once" in operator.said(second) and replies(house, person) == ["Buongiorno"]
    operator.post(f"{LIST}/{person}/reply", text="Buongiorno a te", **once)  # somebody went back, and wrote another
    operator.post(f"{LIST}/{person}/reply", text="Buongiorno", once="one-page-only-2")  # said again, on purpose
    assert replies(house, person) == ["Buongiorno", "Buongiorno a te", "Buongiorno"]


def test_what_came_to_nothing_may_be_sent_again(house: House) -> None:
    operator, once = house.as_("operator"), {"once": "one-page-only-1"}
    person = house.hear("amina", "ciao")
    empty = [operator.post(f"{LIST}/{person}/notes", note="", **once).status_code for _click in range(2)]
    assert empty == [422, 422]
    exported = [operator.post(f"{LIST}/export", kind="csv", **once).status_code for _click in range(2)]
    assert exported == [200, 200]
    gone = [operator.post(f"{LIST}/999999/notes", note="x", **once).status_code for _click in range(2)]
    assert gone == [404, 404]
    with house.store() as store:
        assert store.read(select(sent_forms.c.id)) == []


def test_of_two_clicks_at_the_same_time_one_counts(either: House) -> None:
    person = either.hear("amina", "ciao")
    operator = either.as_("operator")
    browsers = [either.signed_in(operator.member.id)] * 4
    key, here = browsers[0].form_key, f"{LIST}/{person}/notes"
    cookie = {"sportello": browsers[0].browser.cookies["sportello"]}

    def click(_number: int) -> str:
        data = {"form_key": key, "once": "one-page-only-1", "note": "Da richiamare"}
        answer = Visitor(type(operator.browser)(either.web, cookies=cookie), operator.member, key)
        return answer.browser.post(here, data=data, follow_redirects=False).headers["Location"]

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {f"{LIST}/{person}"}
    with either.store() as store:
        assert store.read(select(func.count()).select_from(notes)) == [(1,)]


def test_every_form_says_which_page_it_stands_on(house: House) -> None:
    person = living_in(house, "amina", "Amina", in_two_areas(house)[1])
    for path in (f"{LIST}/{person}", f"/console/people/{person}", "/console/people/new", "/console/workshops/new"):
        page = house.as_("operator").get(path).text
        assert page.count('name="form_key"') == page.count('name="once"') > 1


def test_a_workshop_is_planned_once_with_two_clicks(house: House) -> None:
    """The page that asks whether one is sure carries on what was typed, and a mark of its own."""
    counsellor = house.as_("operator")
    with house.store() as store:
        like = store.workshops.open(house.now)[0].id
        before = store.read(select(func.count()).select_from(workshops))[0][0]
    form = counsellor.get(f"/console/workshops/{like}/copy").text
    fields = filled_in(form) | {"day": "2027-04-14", "time": "10:00"}
    preview = counsellor.post("/console/workshops/new", **fields)
    sure = filled_in(preview.text, action="/console/workshops/new") | {"sure": "1"}
    assert sure["once"] != fields["once"]
    done = [counsellor.post("/console/workshops/new", **sure) for _click in range(2)]
    assert [one.status_code for one in done] == [303, 303], text_of(done[0])
    assert done[0].headers["Location"] == done[1].headers["Location"]
    with house.store() as store:
        assert store.read(select(func.count()).select_from(workshops))[0][0] == before + 1


def filled_in(page: str, action: str = "/console/workshops/new") -> dict[str, Any]:
    """The fields of a form, as a browser sends them."""

    class Form(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.fields: dict[str, Any] = {}
            self.inside, self.named, self.select = False, "", ""

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            given = dict(attrs)
            if tag == "form":
                self.inside = given.get("action") == action
            if not self.inside:
                return
            if tag == "input" and given.get("name") and (given.get("type") != "checkbox" or "checked" in given):
                self.fields.setdefault(given["name"], []).append(given.get("value") or "")
            if tag == "textarea":
                self.named = given["name"]
                self.fields[self.named] = [""]
            if tag == "select":
                self.select = given["name"]
            if tag == "option" and "selected" in given:
                self.fields[self.select] = [given["value"]]

        def handle_data(self, data: str) -> None:
            if self.named:
                self.fields[self.named][0] += data.lstrip("\n")

        def handle_endtag(self, tag: str) -> None:
            if tag == "textarea":
                self.named = ""
            if tag == "form":
                self.inside = False

    form = Form()
    form.feed(page)
    return {
        name: values[0] if len(values) == 1 else values for name, values in form.fields.items() if name != "form_key"
    }


# ---- what no browser sends


def test_a_zero_byte_a_day_out_of_the_calendar_and_a_number_of_nobody_break_nothing(either: House) -> None:
    person = either.hear("amina", "ciao")
    operator = either.as_("operator")
    zero = [
        operator.post(f"{LIST}/{person}/notes", note="a\0b"),
        operator.post(f"{LIST}/views", name="x", comune="\0"),
        operator.get("/console/people", comune="\0"),
        operator.get("/console/questions/%00"),
        either.stranger().get("/console/people", params={"comune": "\0"}, follow_redirects=False),
    ]
    assert [one.status_code for one in zero] == [303, 303, 200, 404, 303]
    for day in ("9999-12-31", "0001-01-01"):
        for path in (LIST, "/console/search", "/console/calls"):
            more = {"q": "ciao", "before": f"{day}T00:00:00+14:00~1", "after": f"{day}T00:00:00-12:00_1"}
            assert operator.get(path, **{"from": day, "to": day}, **more).status_code == 200, (path, day)
        assert either.as_("privacy_officer").get("/console/audit", day=day).status_code == 200
    assert operator.get("/console/search", q="ciao", channel="a-b").status_code == 200
    assert operator.get(f"/console/people/{person}/merge", other=str(person)).status_code == 200
    for act in ("cancel", "club", "club/leave", "stop", "profile", "book", "hold-back"):
        fields = {"booking": "1", "club": "x", "how": "desk", "workshop": "1", "message": "1"}
        assert operator.post(f"/console/people/999999999999999/{act}", **fields).status_code == 404, act
    assert operator.post(f"/console/people/{person}/merge", other="999999999999999").status_code == 404


def test_nobody_keeps_more_pages_open_than_they_can_read(house: House) -> None:
    tutor = house.as_("tutor")
    live = next(route for route in house.web.routes if getattr(route, "path", "") == "/console/live")
    listening = live.endpoint.__self__  # type: ignore[attr-defined]
    assert isinstance(listening, Live)
    listening.listening[tutor.member.id] = MOST
    assert tutor.get("/console/live").status_code == 429
