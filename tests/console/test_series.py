# SPDX-License-Identifier: EUPL-1.2
"""The pages of series."""

from tests.console.office import House, text_of
from tests.console.planned import hidden

LIST = "/console/series"
NEW = {
    "name_it": "Città al lavoro",
    "name_en": "City at work",
    "kind": "semester",
    "programme": "bussola",
    "starts_on": "2027-04-01",
    "ends_on": "2027-09-30",
}


def test_a_series_is_begun_and_workshops_are_planned_in_it(house: House) -> None:
    visitor = house.as_("counsellor")
    done = visitor.post(f"{LIST}/new", **NEW)
    assert done.headers["Location"] == f"{LIST}/citta-al-lavoro"
    again = visitor.post(f"{LIST}/new", **NEW)
    assert again.headers["Location"] == f"{LIST}/citta-al-lavoro-2"
    said = text_of(visitor.get(f"{LIST}/citta-al-lavoro"))
    assert "City at work" in said and "There is no workshop in it yet." in said
    assert 'value="citta-al-lavoro" selected' in visitor.get("/console/workshops/new?series=citta-al-lavoro").text
    assert "0, 0 ahead" in text_of(visitor.get(LIST))
    assert [subject for _who, _what, subject in house.audited("series_created")] == [
        "series:citta-al-lavoro",
        "series:citta-al-lavoro-2",
    ]


def test_what_is_wrong_stands_beside_its_field(house: House) -> None:
    visitor = house.as_("operator")
    shown = visitor.post(f"{LIST}/new", **(NEW | {"ends_on": "2027-03-01", "programme": "none", "name_en": ""}))
    assert shown.status_code == 422
    for sentence in ("The last day comes before the first.", "Choose one of these.", "Write something here."):
        assert sentence in text_of(shown)
    assert "Città al lavoro" in shown.text


def test_names_and_days_are_edited_unless_somebody_was_quicker(house: House) -> None:
    visitor, path = house.as_("operator"), f"{LIST}/bussola/edit"
    opened = hidden(visitor.get(path))
    fields = {name: value for name, value in NEW.items() if name not in ("kind", "programme")}
    assert visitor.post(path, seen=opened, **fields).status_code == 303
    late = visitor.post(path, seen=opened, **(fields | {"name_en": "Mine"}))
    assert late.status_code == 422 and "City at work" in text_of(late) and 'value="Mine"' in late.text
    assert visitor.get(f"{LIST}/jc2").status_code == 404  # a Job Club has a page of its own
    assert visitor.get(f"{LIST}/a%00b").status_code == 404
