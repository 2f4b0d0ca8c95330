# SPDX-License-Identifier: EUPL-1.2
"""The settings of the service, and that they hold from the next message on."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from handlers.desk.hours import hours_in, opening_hours
from handlers.desk.office.settings import hours_of, read
from handlers.rules.opening import is_open
from handlers.rules.sending import Facts, Send, Wait, may_send
from tests.console.office import House, text_of

PATH = "/console/settings"
ASKED = [
    ("phone", "call me", "Write a telephone number"),
    ("service_name", " ", "This is needed"),
    ("opening_it", "x" * 201, "This is too long"),
    ("hours_monday", "9-13, 12-17", "Write the times like this"),
    ("hours_tuesday", "nine", "Write the times like this"),
    ("answer_hours", "0", "from 1 to 200"),
    ("quiet_from", "25:00", "Write a time"),
    ("quiet_to", "21:00", "Quiet begins in the evening"),
    ("closed_days", "24 December", "Write one day on each line"),
    ("pushes_a_day", "4", "from 1 to 3"),
    ("web", "javascript:alert(1)", "Write a whole web address"),
    ("web", "http://example.org", "Write a whole web address"),
]


def kept(house: House) -> dict[str, Any]:
    with house.store() as store:
        found: dict[str, Any] = store.questions.settings()
    return found


@pytest.mark.parametrize(("name", "given", "sentence"), ASKED)
def test_what_cannot_be_is_said_in_a_sentence_and_nothing_changes(
    house: House, name: str, given: str, sentence: str
) -> None:
    before, refused = kept(house), house.as_("administrator").post(PATH, **{name: given, "address": "Via Nuova 1"})
    assert refused.status_code == 422 and sentence in text_of(refused) and "Via Nuova 1" in refused.text
    assert kept(house) == before


def test_what_is_set_is_kept_shown_and_written_down_with_what_it_was(house: House) -> None:
    admin = house.as_("administrator")
    fields = {
        "phone": "+39 051 123 4567",
        "hours_monday": "9-13, 14:30-17.00",
        "hours_tuesday": "",
        "closed_days": "24/12/2027\n2027-12-31\n24/12/2027",
        "quiet_from": "19:30",
        "pushes_a_day": "2",
        "web": "",
    }
    assert admin.post(PATH, **fields).status_code == 303
    now = kept(house)
    assert now["opening_hours"]["monday"] == [{"from": "09:00", "to": "13:00"}, {"from": "14:30", "to": "17:00"}]
    assert "tuesday" not in now["opening_hours"]
    assert now["closed_days"] == ["2027-12-24", "2027-12-31"] and now["pushes_a_day"] == 2 and now["web"] == ""
    assert now["quiet_hours"] == {"from": "19:30", "to": "08:00"}
    page = admin.get(PATH)
    assert 'value="09:00-13:00, 14:30-17:00"' in page.text and "2027-12-24" in page.text
    changed = {subject for _actor, _action, subject in house.audited("setting_changed")}
    names = ("phone", "opening_hours", "closed_days", "quiet_hours", "pushes_a_day", "web")
    assert changed == {f"setting:{name}" for name in names}


def test_quiet_hours_closed_days_and_the_limit_hold_at_once(house: House) -> None:
    house.as_("administrator").post(PATH, quiet_from="18:00", closed_days="2027-03-02", pushes_a_day="1")
    with house.store() as store:
        hours = hours_in(store, None)
    assert hours.quiet_from == time(18) and hours.pushes_a_day == 1 and hours.rests(date(2027, 3, 2))
    assert not is_open(datetime(2027, 3, 2, 10, tzinfo=UTC), hours)
    at = datetime(2027, 3, 3, 10, tzinfo=UTC)
    assert is_open(at, hours)
    first = Facts(at, at, is_push=True, is_answer=False, stopped_at=None, blocked=False)
    assert may_send(first, hours) == Send() and isinstance(may_send(replace(first, pushes_today=1), hours), Wait)


def test_the_hours_of_the_desk_are_counted_as_they_were_written(house: House) -> None:
    admin = house.as_("administrator")
    assert 'value="09:00-13:00"' in admin.get(PATH).text  # as the desk counts before anybody sets anything
    assert admin.post(PATH, hours_wednesday="15-18").status_code == 303
    with house.store() as store:
        spans = opening_hours(store).spans(date(2027, 3, 3))
    assert spans == [(datetime(2027, 3, 3, 14, tzinfo=UTC), datetime(2027, 3, 3, 17, tzinfo=UTC))]


def test_the_next_message_says_the_new_telephone_number(house: House) -> None:
    house.as_("administrator").post(PATH, phone="+39 051 123 4567")
    person = house.hear("amina", "person")
    with house.store() as store:
        said = " ".join(str(message.text) for message in store.messages.of(person))
    assert "051 123 4567" in said


@pytest.mark.parametrize("given", ["13-9", "9-9", "9", "9-13-14", "-", "9-24", "9-13,13-17"])
def test_times_that_are_none_are_refused(given: str) -> None:
    with pytest.raises(ValueError):
        hours_of(given)


def test_too_many_closed_days_are_a_mistake() -> None:
    days = "\n".join(date.fromordinal(date(2027, 1, 1).toordinal() + day).isoformat() for day in range(101))
    assert "closed_days" in read({"closed_days": days})[1]
