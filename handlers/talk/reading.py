# SPDX-License-Identifier: EUPL-1.2
"""How what people write becomes a number, a year, a day, a name: in any language, and never with an error."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta

OLDEST = 110  # years: nobody who writes to us is older
GROWN = range(14, 100)  # ages at which a year of two digits makes sense
LONGEST = 1000  # characters: past it, it is a letter, not an answer

KEYCAP = "\u20e3"
TEN = "\U0001f51f"
# What turns text round or hides in it; the joiners that Persian and emoji are written with are not among them.
UNSEEN = dict.fromkeys(
    map(ord, "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
)
VARIANTS = dict.fromkeys(range(0xFE00, 0xFE10))
APOSTROPHES = dict.fromkeys(map(ord, "'’‘‛ʼʹʻ`´′＇"))

ONLY_A_NUMBER = re.compile(
    r"[\s(\[#«\"*_]*(?:(?:numero|number|num|nr|no|n|opzione|option|il|la|the)(?![^\W\d])[.°º]?)?"
    r"\s*(\d{1,18})[\s.)\]:;,!°ªº»\"*_]*"
)
FOUR_DIGITS = re.compile(r"(?<!\d)\d{4}(?!\d)")
EIGHT_DIGITS = re.compile(r"\s*(\d{2})(\d{2})(\d{4})\s*")
BORN = r"\W*(?:(?:io|sono|i was|born|nat[oaə]|classe|dell?|nell?|l|il|in|anno|year|the|on)\W+)*"
SHORT_YEAR = re.compile(BORN + r"(?:\d{1,2}\s?[/.\-]\s?\d{1,2}\s?[/.\-]\s?|\d{1,2}\s[^\W\d]+\s)?(\d{2})\W*")
YEARS = "anni|anno|years?|yrs?|y\\W?o|ans|años|ani|років|роки|рік|лет|год|года|سنة|سنوات|عام|عاما|سال|岁|歲|বছর"
I_AM = r"(?:io\s)?(?:ho|i\W?a?m|j\W?ai|tengo|am|мені|мне|عمري)\s"
AGE = re.compile(rf"\W*(?:{I_AM})?(\d{{1,3}})\s?(?:de\s)?(?:{YEARS})(?:\sold)?\W*|\W*{I_AM}(\d{{1,3}})\W*")

YEAR_FIRST = re.compile(r"(?<![\d/.\-])(?P<year>\d{4})[/.\-](?P<month>\d{1,2})[/.\-](?P<day>\d{1,2})(?![\d/\-])")
# "10.30" and "9-12" in a sentence are hours: only a slash makes a date without a year there.
DAY_FIRST = re.compile(
    r"(?<![\d/.\-])(?P<day>\d{1,2})\s?(?:/\s?(?P<month>\d{1,2})(?:\s?/\s?(?P<year>\d{4}|\d{2}))?"
    r"|[.\-]\s?(?P<month_>\d{1,2})\s?[.\-]\s?(?P<year_>\d{4}|\d{2}))(?![\d/\-])"
)
ONLY_DAY_AND_MONTH = re.compile(r"(?P<day>\d{1,2})\s?[.\-]\s?(?P<month>\d{1,2})\W*")
NOT_IN_A_NAME = re.compile(r"[<>{}\[\]\\/@|=]|\bwww\.|\.(?:com|it|net|org|eu|me|io)\b", re.IGNORECASE)


def words(text: str) -> str:
    """The text as it was meant: one space between words, no control or direction-changing signs, composed (NFC)."""
    text = "".join(" " if sign.isspace() else sign for sign in text)
    kept = "".join(sign for sign in text.translate(UNSEEN) if unicodedata.category(sign) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def folded(text: str) -> str:
    """Only what counts when two phrases are compared: no case, accents, punctuation, emoji or apostrophes (NFKC)."""
    plain = unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).casefold()
    letters = (_bare(sign) for sign in unicodedata.normalize("NFD", plain.translate(VARIANTS)))
    return unicodedata.normalize("NFC", " ".join("".join(letters).split()))


def key(text: str) -> str:
    """What a phrase is looked up by; signs without letters, such as a dash, are looked up as they are."""
    return folded(text) or words(text)


def same(a: str, b: str) -> bool:
    """Whether two phrases say the same; signs without letters, such as emoji, are compared as they are."""
    return folded(a) == folded(b) if folded(a) or folded(b) else words(a) == words(b)


def number(text: str) -> int | None:
    """The number, if the text is nothing but a number: "2", "2.", "n. 2", "2️⃣", "٢". None for "12 anni fa"."""
    found = ONLY_A_NUMBER.fullmatch(_digits(text))
    return int(found[1]) if found else None


def birth_year(text: str, today: date) -> int | None:
    """
    The year somebody was born, from a year, a date, or an age; None when unclear, in the future, or over 110 years ago.

    A year of two digits is the one that makes a person of 14 to 99 years: in 2027, "39" is 1939, not an age. From an
    age we take the year in which the birthday of ``today``'s year would fit ("ho 39 anni" in 2027 is 1988), though it
    may have been the year before.
    """
    said = _digits(text)
    for read in (_full_year, _year_of_age, _short_year):
        if (year := read(said, today)) is not None:
            return year if 0 <= today.year - year <= OLDEST else None
    return None


def day(
    text: str, today: date, month_names: Mapping[str, int], weekday_names: Mapping[str, int], words: Mapping[str, int]
) -> date | None:
    """
    The day somebody means: "14/3", "14/03/2027", "2027-03-14", "14 marzo", "martedì", "domani"; None if there is none.

    Months count from 1, weekdays from Monday = 0, ``words`` are days from ``today``; their names may be in any
    language. Without a year it is the next such day, today included; a weekday is always after today. Day comes
    before month. None too for impossible days and for two different ones.
    """
    said = _digits(text)
    dates = [*_written_days(said, today), *_named_days(folded(said), today, _folded_names(month_names))]
    dates = dates or [*_near_days(folded(said), today, weekday_names, words)]
    return dates[0] if len(set(dates)) == 1 else None


def is_name(text: str) -> bool:
    """Whether this can be a first name, in any alphabet: letters, up to 60 characters, no digits, address or markup."""
    name = words(text)
    if not 1 <= len(name) <= 60 or any(sign.isnumeric() and not sign.isalpha() for sign in name):
        return False
    return any(sign.isalpha() for sign in name) and not NOT_IN_A_NAME.search(name)


def _bare(sign: str) -> str:
    """A letter or digit as it is; nothing for an accent; a space for whatever parts words."""
    kind = unicodedata.category(sign)
    # Vowel signs of the Indian scripts are marks too, but of class 0: they are letters, and stay.
    if unicodedata.combining(sign) or kind in ("Cf", "Me"):
        return ""
    return " " if kind[0] in "PSCZ" else sign


def _digits(text: str) -> str:
    """The start of a text with every digit of every script, keycaps included, as 0 to 9, and in small letters."""
    plain = unicodedata.normalize("NFKC", words(text[:LONGEST])).replace(TEN, "10").replace(KEYCAP, "")
    return "".join(_digit(sign) for sign in plain.translate(VARIANTS)).casefold()


def _digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)


def _full_year(said: str, today: date) -> int | None:
    if together := EIGHT_DIGITS.fullmatch(said):
        day, month, year = map(int, together.groups())
        return year if _date(year, month, day) else None
    years = {int(year) for year in FOUR_DIGITS.findall(said)}
    return years.pop() if len(years) == 1 else None


def _year_of_age(said: str, today: date) -> int | None:
    found = AGE.fullmatch(said)
    return today.year - int(found[1] or found[2]) if found else None


def _short_year(said: str, today: date) -> int | None:
    found = SHORT_YEAR.fullmatch(said)
    years = [century + int(found[1]) for century in (1900, 2000)] if found else []
    return next((year for year in years if today.year - year in GROWN), None)


def _written_days(said: str, today: date) -> Iterator[date | None]:
    """Days in digits."""
    alone = ONLY_DAY_AND_MONTH.fullmatch(said)
    for found in [alone] if alone else [*YEAR_FIRST.finditer(said), *DAY_FIRST.finditer(said)]:
        part = found.groupdict()
        yield _nearest(part["day"], part["month"] or part["month_"], part.get("year") or part.get("year_"), today)


def _named_days(said: str, today: date, months: Mapping[str, int]) -> Iterator[date | None]:
    """Days with the name of a month, before it or after."""
    name = _one_of(months)
    day_first = rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|o|er)?\s(?:di\s|de\s|of\s)?{name}(?:\s(?:del?\s)?(\d{{4}})(?!\d))?"
    month_first = rf"{name}\s(\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:\s(\d{{4}})(?!\d))?"
    for found in re.finditer(f"{day_first}|{month_first}", said) if months else ():
        number, month, year, month_, number_, year_ = found.groups()
        yield _nearest(number or number_, str(months[month or month_]), year or year_, today)


def _near_days(
    said: str, today: date, weekday_names: Mapping[str, int], words: Mapping[str, int]
) -> Iterator[date | None]:
    """Days named by their weekday or by how near they are; of two phrases at one point the longer counts."""
    ahead = {name: (weekday - today.weekday() - 1) % 7 + 1 for name, weekday in _folded_names(weekday_names).items()}
    ahead |= _folded_names(words)
    for found in re.finditer(_one_of(ahead), said) if ahead else ():
        yield today + timedelta(days=ahead[found[1]])


def _folded_names(names: Mapping[str, int]) -> dict[str, int]:
    return {folded(name): number for name, number in names.items() if folded(name)}


def _one_of(names: Mapping[str, int]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    return rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)"


def _nearest(day: str, month: str, year: str | None, today: date) -> date | None:
    """With a year, that day; without, this year's or, if it is past, next year's; None if there is no such day."""
    if year:
        return _date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    is_past = (int(month), int(day)) < (today.month, today.day)
    return _date(today.year + is_past, int(month), int(day))


def _date(year: int, month: int, day: int) -> date | None:
    with suppress(ValueError):
        return date(year, month, day)
    return None
