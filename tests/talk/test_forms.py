# SPDX-License-Identifier: EUPL-1.2
"""The forms that show choices: which one fits, and what is filled in, within what WhatsApp takes."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some

from handlers.talk.forms import DESCRIPTION, GENERIC, OPENER, form_name, values
from handlers.talk.limits import WHATSAPP
from handlers.talk.messages import Option
from handlers.talk.rendering import short, width

LONG = "Bologna e la sua città metropolitana, con tutti i comuni della pianura e della montagna"


def options(*labels: str) -> list[Option]:
    return [Option(str(number), label, short(label)) for number, label in enumerate(labels)]


def filled(choices: Sequence[Option], text: str = "Where?") -> dict[str, str] | None:
    return values(lambda index: f"7.{index}", text, choices, "Choose")


def test_there_are_three_forms_with_buttons_and_ten_lists_twice() -> None:
    names = [f"buttons-{n}" for n in (1, 2, 3)] + [f"list-{n}" for n in range(1, 11)]
    assert list(GENERIC) == names + [f"list-{n}-described" for n in range(1, 11)]
    assert len({form.friendly_name for form in GENERIC.values()}) == 23


@pytest.mark.parametrize("form", GENERIC.values(), ids=GENERIC.keys())
def test_every_gap_of_a_form_is_named_and_has_a_sample(form) -> None:  # type: ignore[no-untyped-def]
    shown = " ".join([form.body, form.opener, *(f"{one.title} {one.id} {one.description}" for one in form.lines)])
    gaps = re.findall(r"\{\{(\d+)\}\}", shown)
    assert sorted(gaps, key=int) == [str(number) for number in range(1, len(gaps) + 1)]
    assert list(form.gaps) == list(form.samples) == sorted(gaps, key=int)
    assert all(form.samples.values()) and len(gaps) <= 100
    assert not form.is_template


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        (options(), None),
        (options("Yes"), "buttons-1"),
        (options("Yes", "No", "Perhaps"), "buttons-3"),
        (options(*"abcd"), "list-4"),
        (options(*"abc", LONG), "list-4-described"),
        (options(*"abcdefghij"), "list-10"),
        (options(*"abcdefghijk"), None),
        (options("Yes", "Yes"), None),
        (options("Yes", " "), None),
    ],
    ids=["none", "one", "three", "four", "a long one", "ten", "eleven", "twice the same", "without words"],
)
def test_the_form_follows_from_how_many_choices_there_are_and_how_long_they_are(
    choices: list[Option], name: str | None
) -> None:
    assert form_name(choices) == name


def test_buttons_are_filled_in_with_words_and_what_a_tap_brings_back() -> None:
    assert filled(options("Yes", "No")) == {"1": "Where?", "2": "Yes", "3": "7.0", "4": "No", "5": "7.1"}


def test_a_list_is_opened_in_the_persons_language() -> None:
    found = values(lambda index: f"7.{index}", "Dove?", options(*"abcd"), "Scegli")
    assert found and (found["1"], found["2"], found["3"], found["4"]) == ("Dove?", "Scegli", "a", "7.0")
    assert width(OPENER.msgid) <= 20


def test_what_does_not_fit_in_a_line_stands_whole_below_it_and_so_do_the_others() -> None:
    """None may be empty; the numbers are those of the text."""
    label = "Bologna e la sua città metropolitana"
    found = filled([Option("b", label, "Bologna"), *options("Ferrara", "Modena", "Parma")])
    assert found and (found["3"], found["5"]) == ("Bologna", f"1. {label}")
    assert (found["6"], found["8"]) == ("Ferrara", "2. Ferrara")


def test_a_text_that_is_too_long_or_empty_has_no_form() -> None:
    assert filled(options("Yes"), "x" * 1024)
    assert filled(options("Yes"), "x" * 1025) is None
    assert filled(options("Yes"), " \n") is None


def test_many_blanks_in_a_row_are_one_and_lines_stay() -> None:
    found = filled(options("Yes", "No  way"), "One      two\n\nthree")
    assert found and (found["1"], found["4"]) == ("One two\n\nthree", "No way")


@given(some.lists(some.text(min_size=1, max_size=120), min_size=1, max_size=12))
def test_whatever_the_choices_say_what_is_filled_in_is_within_the_limits(labels: list[str]) -> None:
    choices = options(*labels)
    name, found = form_name(choices), filled(choices)
    if name is None or found is None:
        return
    form = GENERIC[name]
    assert found.keys() == form.gaps.keys()
    most = {"title": WHATSAPP.button_label if form.kind == "buttons" else WHATSAPP.row_label}
    most |= {"description": DESCRIPTION, "id": 200, "opener": 20, "text": 1024}
    for number, gap in form.gaps.items():
        assert 1 <= width(found[number]) <= most[gap.split()[0]]
        assert found[number].strip() and not re.search(r"[^\S\n]{5}", found[number])
    titles = [found[number] for number, gap in form.gaps.items() if gap.startswith("title")]
    assert len(set(titles)) == len(titles)
