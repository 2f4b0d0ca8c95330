# SPDX-License-Identifier: EUPL-1.2
"""Who looked at what: found by member, person, action and day, page by page; and who looks is found as well."""

import csv
import io
from datetime import timedelta

import pytest

from handlers.desk.office.audit import ACTIONS
from tests.console.office import House, text_of
from tests.database import MONDAY

HOME = "/console/audit"


def noted(
    house: House, many: int, action: str = "person_seen", actor: str = "staff:1", subject: str = "person:7"
) -> None:
    with house.store() as store:
        for number in range(many):
            at = MONDAY + timedelta(minutes=number)
            store.records.note(at=at, actor=actor, action=action, subject=subject, details={"n": number})


def rows(house: House, **asked: str) -> list[str]:
    page = house.as_("privacy_officer").get(HOME, **asked)
    assert page.status_code == 200
    return [text_of_row for text_of_row in page.text.split("<tr>")[2:]]


def test_looking_at_the_record_is_in_the_record(house: House) -> None:
    officer = house.as_("privacy_officer")
    officer.get(HOME)
    page = text_of(officer.get(HOME, person="7"))
    assert "Nothing is written down that fits." in page
    assert house.audited("audit_read") == [(f"staff:{officer.member.id}", "audit_read", "audit")] * 2
    assert "looked at this record" in text_of(officer.get(HOME))


def test_a_long_record_is_read_page_by_page_both_ways(house: House) -> None:
    noted(house, 120)
    officer = house.as_("privacy_officer")
    first = officer.get(HOME, action="person_seen")
    assert first.text.count("n: ") == 50 and "n: 119" in first.text and "Newer" not in first.text
    second = officer.get(link(first.text, "next"))
    assert "n: 69" in second.text and "n: 20" in second.text and "n: 70" not in second.text
    third = officer.get(link(second.text, "next"))
    assert third.text.count("n: ") == 20 and 'rel="next"' not in third.text
    back = officer.get(link(officer.get(link(third.text, "prev")).text, "prev"))
    assert "n: 119" in back.text and "n: 70" in back.text and 'rel="prev"' not in back.text


def link(page: str, rel: str) -> str:
    return page.split(f'" rel="{rel}"')[0].rpartition('href="')[2].replace("&amp;", "&")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"member": "2"}, 1),
        ({"person": "7"}, 3),
        ({"person": "8"}, 1),
        ({"action": "protected_read"}, 1),
        ({"day": "2027-03-01"}, 4),
        ({"day": "2027-03-02"}, 0),
        ({"member": "2", "person": "7"}, 0),
    ],
)
def test_filters_find_a_member_a_person_an_action_a_day(house: House, asked: dict[str, str], found: int) -> None:
    noted(house, 2)
    noted(house, 1, action="stopped", actor="person:7")
    noted(house, 1, action="protected_read", actor="staff:2", subject="person:8")
    house.now += timedelta(days=3)
    house.as_("privacy_officer")
    assert (
        house.as_("privacy_officer").get(HOME, **asked).text.count("n: 0")
        + house.as_("privacy_officer").get(HOME, **asked).text.count("n: 1")
        == found
    )


def test_the_file_for_a_spreadsheet_holds_no_formula(house: House) -> None:
    noted(house, 1, action="=HYPERLINK(1)", subject="+39 000")
    answer = house.as_("privacy_officer").get(f"{HOME}/file", day="2027-03-01")
    found = list(csv.reader(io.StringIO(answer.text)))
    assert found[0] == ["at", "actor", "action", "subject", "details"]
    assert ["2027-03-01 10:00:00", "staff:1", "'=HYPERLINK(1)", "'+39 000", "n=0"] in found
    assert answer.headers["Content-Disposition"] == 'attachment; filename="who-did-what.csv"'
    assert len(house.audited("audit_exported")) == 1


def test_what_cannot_be_a_filter_finds_everything_and_breaks_nothing(house: House) -> None:
    noted(house, 1)
    officer = house.as_("privacy_officer")
    for asked in ({"member": "x"}, {"person": "' or 1=1"}, {"day": "31/12"}, {"before": "-1"}, {"after": "x"}):
        assert "n: 0" in officer.get(HOME, **asked).text, asked


def test_words_for_actions_are_short() -> None:
    assert [name for name, words in ACTIONS.items() if len(words.msgid.split()) > 9] == []
