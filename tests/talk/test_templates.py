# SPDX-License-Identifier: EUPL-1.2
"""What may be said to somebody who has not written for a day: every moment, every language, every limit."""

import re
from dataclasses import replace
from gettext import NullTranslations

import pytest

from handlers.moments import MOMENTS, TEMPLATE, TEMPLATES
from handlers.talk.catalogues import Catalogues
from handlers.talk.forms import Described
from handlers.talk.rendering import width
from handlers.talk.templates import NOTHING, SAMPLES, Slot, Template, filled, said, value
from handlers.talk.text import Reader, Text, _
from tests.check_catalogues import long_sentences

READERS = {reader.language: reader for reader in Catalogues().readers()}
ALL = [(name, language) for name in TEMPLATE for language in READERS]
EVERY = pytest.mark.parametrize(("name", "language"), ALL)


def form_of(name: str, language: str) -> Described:
    return TEMPLATE[name].described(READERS[language])


def test_every_moment_has_words_for_whoever_has_not_written_for_a_day() -> None:
    assert TEMPLATES.keys() == {moment.name for moment in MOMENTS}
    assert all(templates for templates in TEMPLATES.values())


def test_no_two_templates_have_one_name() -> None:
    different = {id(template): template.name for templates in TEMPLATES.values() for template in templates}
    assert sorted(different.values()) == sorted(TEMPLATE)
    names = [form_of(*one).friendly_name for one in ALL]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[a-z0-9_]{1,512}", name) for name in names)


@EVERY
def test_a_template_neither_begins_nor_ends_with_what_changes_nor_has_two_side_by_side(
    name: str, language: str
) -> None:
    body = form_of(name, language).body
    assert not re.match(r"\W*\{\{", body) and not re.search(r"\}\}\W*$", body)
    assert not re.search(r"\}\}\W*\{\{", body)


@EVERY
def test_what_changes_is_numbered_from_one_each_number_once_and_has_a_sample(name: str, language: str) -> None:
    form = form_of(name, language)
    gaps = re.findall(r"\{\{(\w+)\}\}", form.body)
    assert gaps == [str(number) for number in range(1, len(gaps) + 1)] == list(form.gaps) == list(form.samples)
    assert set(form.gaps.values()) == TEMPLATE[name].slots <= SAMPLES.keys()
    assert all(form.samples.values()) and len(gaps) <= 100


@EVERY
def test_with_the_longest_words_it_is_within_the_limit_and_nothing_is_empty(name: str, language: str) -> None:
    form, reader = form_of(name, language), READERS[language]
    longest = {slot: value("Sala molto lunga " * 30, reader) for slot in TEMPLATE[name].slots}
    found = filled(form, longest)
    assert found is not None and all(found.values())
    assert width(said(form, found)) <= 1024 and all(width(one) <= 250 for one in found.values())
    assert "{{" not in said(form, found)


@EVERY
def test_one_to_three_buttons_fit_and_bring_back_the_line_they_stand_for(name: str, language: str) -> None:
    form, options = form_of(name, language), TEMPLATE[name].options(READERS[language])
    assert 1 <= len(form.lines) <= 3
    for line in form.lines:
        option = options[int(line.id.removeprefix("c"))]
        assert line.title == option.short and 1 <= width(line.title) <= 20
        assert f"\n{options.index(option) + 1}. {option.label}\n" in f"{form.body}\n"
    assert len({line.title for line in form.lines}) == len(form.lines)


@EVERY
def test_a_person_can_be_reached_from_every_template(name: str, language: str) -> None:
    ids = {choice.id for choice in TEMPLATE[name].choices}
    way_out = {"en": "PERSON for a person.", "it": "PERSONA per una persona."}[language]
    assert "person" in ids or form_of(name, language).body.endswith(way_out)


@pytest.mark.parametrize("name", TEMPLATE)
def test_no_italian_sentence_is_longer_than_fifteen_words(name: str) -> None:
    form = form_of(name, "it")
    for line in said(form, form.samples).splitlines():
        assert list(long_sentences(line)) == []


@EVERY
def test_nothing_is_said_that_is_true_on_one_day_only(name: str, language: str) -> None:
    words = form_of(name, language).body.casefold()
    assert not re.search(r"\b(today|tomorrow|yesterday|hours|oggi|domani|ieri)\b", words)


class Changed(NullTranslations):
    """A catalogue in which one sentence reads otherwise."""

    def gettext(self, message: str) -> str:
        return "Will you be there?" if message == "Are you coming?" else message


def test_a_changed_sentence_is_another_form_and_only_there() -> None:
    before, after = Reader("en"), Reader("en", catalogue=Changed())
    changed = [name for name, one in TEMPLATE.items() if one.described(before).hash != one.described(after).hash]
    assert changed == ["reminder_24h", "meeting_on", "missed_meeting"]


def test_other_buttons_another_category_and_another_language_are_other_forms_and_other_samples_are_not() -> None:
    template = TEMPLATE["reminder_24h"]
    form = form_of("reminder_24h", "en")
    others = [
        replace(template, buttons=("coming",)).described(READERS["en"]),
        replace(template, category="marketing").described(READERS["en"]),
        replace(form, language="it"),
        replace(form, name="reminder"),
    ]
    assert form.hash not in {other.hash for other in others}
    assert replace(form, samples={"1": "Joy"}).hash == form.hash


class Backwards(NullTranslations):
    """A language that says the end first."""

    def gettext(self, message: str) -> str:
        return "At «{title}» we missed you, {name}." if message.startswith("{name}, we") else message


def test_what_changes_is_numbered_in_the_order_of_each_language() -> None:
    template = TEMPLATE["missed_you"]
    here, there = template.described(Reader()), template.described(Reader("xx", catalogue=Backwards()))
    assert (here.gaps, there.gaps) == ({"1": "name", "2": "title"}, {"1": "title", "2": "name"})
    values = {"name": "Amina", "title": "CV"}
    assert filled(there, values) == {"1": "CV", "2": "Amina"}
    assert "At «CV» we missed you, Amina." in said(there, filled(there, values) or {})


def test_what_is_filled_in_is_one_line_not_too_long_and_never_empty() -> None:
    reader = Reader()
    assert value("Sala  Rossa\n\n\t Bologna ", reader) == "Sala Rossa Bologna"
    assert value("", reader) == value(" \n", reader) == NOTHING
    cut = value("parola " * 60, reader)
    assert width(cut) <= 250 and cut.endswith("parola…")


def one_with(*sentences: Text) -> Described:
    return Template("one", sentences, TEMPLATE["reminder_24h"].choices).described(Reader())


def test_a_link_is_never_cut_in_two() -> None:
    link = "https://meet.example.org/" + "x" * 300
    form = one_with(_("A {title} b", title=Slot("title")), _("C {link} d", link=Slot("link")))
    reader = Reader()
    found = filled(form, {"title": value("parola " * 200, reader), "link": value(link, reader)})
    assert found and link in said(form, found)
    names = ("title", "where", "link")
    for many, fits in ((names[:2], True), (names, False)):
        form = one_with(*(Text(f"{name} {{it}} e", {"it": Slot(name)}) for name in many))
        assert (filled(form, dict.fromkeys(many, value(link, reader))) is not None) is fits


def test_without_one_of_its_values_it_is_not_said() -> None:
    assert filled(form_of("missed_you", "en"), {"name": "Amina"}) is None
