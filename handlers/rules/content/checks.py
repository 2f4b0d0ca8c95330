# SPDX-License-Identifier: EUPL-1.2
"""What one field of a row can get wrong: nothing, or the rest of a sentence that begins with the field's name."""

import re
from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches
from typing import Any

from handlers.rules.content.rows import Check, Fields, Known, Row
from handlers.rules.opening import Hours


def text(value: Any, known: Known) -> str | None:
    if not isinstance(value, str):
        return "must be text: put it in quotes"
    return None if value.strip() else "is empty"


def like(pattern: str, example: str) -> Check:
    """Text of a certain form."""

    def check(value: Any, known: Known) -> str | None:
        right = isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII)
        return None if right else f"must be {example}"

    return check


def whole(at_least: int, at_most: int) -> Check:
    def check(value: Any, known: Known) -> str | None:
        if type(value) is not int or value < at_least:
            return f"must be a whole number of at least {at_least}"
        return None if value <= at_most else f"must be at most {at_most}"

    return check


def degrees(at_most: int) -> Check:
    """A latitude or a longitude."""

    def check(value: Any, known: Known) -> str | None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        right = is_number and abs(value) <= at_most
        return None if right else f"must be a number of degrees, from -{at_most} to {at_most}"

    return check


def truth(value: Any, known: Known) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def invented(value: Any, known: Known) -> str | None:
    return None if value is True else "must be true: a file never holds a real person who looks for work"


def one_of(*choices: str) -> Check:
    def check(value: Any, known: Known) -> str | None:
        return None if value in choices else f"must be one of: {', '.join(choices)}"

    return check


def among(noun: str) -> Check:
    """The id of a row that is in this folder, or was loaded before."""

    def check(value: Any, known: Known) -> str | None:
        found = isinstance(value, str) and value in known.ids.get(noun, ())
        return None if found else f"names “{value}”, which is not among the {noun}"

    return check


def every(check: Check, at_most: int = 1000) -> Check:
    """A list, each item of which is right."""

    def all_of_them(value: Any, known: Known) -> str | None:
        if not isinstance(value, list):
            return "must be a list"
        if len(value) > at_most:
            return f"has {len(value)} items, and {at_most} is the most"
        return next((wrong for item in value if (wrong := check(item, known))), None)

    return all_of_them


def a_row(value: Any, known: Known) -> str | None:
    return None if isinstance(value, Row) else "must be made of fields, each with its name"


def made_of(must: Fields, may: Fields | None = None) -> Check:
    """Fields inside a field."""

    def check(value: Any, known: Known) -> str | None:
        if not isinstance(value, Row):
            return a_row(value, known)
        inside = next(wrong_fields(value, must, may or {}, known), None)
        return inside and f"has a mistake: {inside}"

    return check


def words(value: Any, known: Known) -> str | None:
    """Italian and English text; that neither is missing is asked of every file, in ``_words``."""
    if not isinstance(value, Row) or not value.keys() & {"it", "en"}:
        return "must be written in Italian (it) and in English (en)"
    return next((wrong for said in value.values() if said and (wrong := text(said, known))), None)


def words_with(*placeholders: str) -> Check:
    """Text in which only these names stand in braces."""

    def check(value: Any, known: Known) -> str | None:
        if wrong := words(value, known):
            return wrong
        braces = re.findall(r"{[^{}]*}|[{}]", "\n".join(said for said in value.values() if said))
        strange = next((found for found in braces if found[1:-1] not in placeholders), None)
        return strange and f"has {strange}, and only these can be filled in: {', '.join(placeholders)}"

    return check


def label(value: Any, known: Known) -> str | None:
    if wrong := text(value, known):
        return wrong
    return f"“{value}” is longer than 20 characters" if len(value) > 20 else None


def keyword(value: Any, known: Known) -> str | None:
    if wrong := text(value, known):
        return wrong
    return None if value == value.lower() else f"must be in small letters: “{value}”"


def keywords(value: Any, known: Known) -> str | None:
    if not isinstance(value, Row):
        return "must be lists of words, by language"
    return next((wrong for said in value.values() if said and (wrong := every(keyword)(said, known))), None)


def province_of_patron(value: Any, known: Known) -> str | None:
    if wrong := province(value, known):
        return wrong
    try:
        Hours(subdivision=value).rests(date(2000, 1, 1))
    except ValueError:
        return f"names “{value}”, a province whose patron's day we do not know"
    return None


many = every(a_row)
code = like(r"[A-Za-z0-9][A-Za-z0-9_-]*", "one word of letters, digits, - and _, in quotes if it is all digits")
istat = like(r"\d{6}", 'six digits in quotes, like "037006"')
cadastral = like(r"[A-Z]\d{3}", "a letter and three digits, like A944")
province = like(r"[A-Z]{2}", "the two letters of a province")
language = like(r"[a-z]{2,3}", "the letters of a language, like it or en")
month_and_day = like(r"(0[1-9]|1[0-2])-([0-2]\d|3[01])", 'a month and a day in quotes, like "09-24"')
clock = like(r"([01]\d|2[0-3]):[0-5]\d", 'a time in quotes, like "10:00"')
email = like(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")
phone = like(r"\+?\d[\d ]{4,19}", 'a phone number in quotes, like "+39 000 000 0101"')
web = like(r"https?://\S+", "a web address, like https://example.org")
days = whole(-3660, 3660)
hours = whole(0, 720)


def wrong_fields(row: Row, must: Fields, may: Fields, known: Known) -> Iterator[str]:
    strangers = [str(name) for name in row if name not in must and name not in may]
    for name, check in {**must, **may}.items():
        if row.get(name) is None:
            yield from _absent(name, name in must, get_close_matches(name, strangers, 1, 0.8))
        elif wrong := check(row[name], known):
            yield f"{name} {wrong}"


def _absent(name: str, needed: bool, misspelt: list[str]) -> Iterator[str]:
    if misspelt:
        yield f"{misspelt[0]} is not a field here; is {name} meant?"
    elif needed:
        yield f"{name} is missing"
