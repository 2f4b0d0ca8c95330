# SPDX-License-Identifier: EUPL-1.2
"""How what people write becomes a number, a year, a day, a name."""

import unicodedata
from datetime import date

import pytest
from babel.dates import get_day_names, get_month_names
from hypothesis import given
from hypothesis import strategies as st

from handlers.talk import reading

TODAY = date(2027, 5, 12)  # a Wednesday

MONTHS = {
    name: number
    for language in ("it", "en", "ro", "ar", "hi")
    for width in ("wide", "abbreviated")
    for number, name in get_month_names(width, locale=language).items()
}
WEEKDAYS = {name: number for language in ("it", "en") for number, name in get_day_names(locale=language).items()}
NEAR = {"oggi": 0, "domani": 1, "dopodomani": 2, "today": 0, "tomorrow": 1, "the day after tomorrow": 2, "明天": 1}


def day(text: str) -> date | None:
    return reading.day(text, TODAY, MONTHS, WEEKDAYS, NEAR)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("0", 0),
        ("007", 7),
        (" 2 ", 2),
        ("1.", 1),
        ("1)", 1),
        ("(1)", 1),
        ("[3]", 3),
        ("#3", 3),
        ("3!", 3),
        ("*3*", 3),
        ("«2»", 2),
        ("n. 3", 3),
        ("N.3", 3),
        ("n3", 3),
        ("n° 3", 3),
        ("nº 3", 3),
        ("№ 3", 3),
        ("numero 3", 3),
        ("Number 3", 3),
        ("opzione 2", 2),
        ("la 2", 2),
        ("1️⃣", 1),
        ("1⃣", 1),
        ("0️⃣", 0),
        ("🔟", 10),
        ("①", 1),
        ("\u200f٢", 2),
        ("٢", 2),
        ("۲", 2),
        ("१२", 12),
        ("১", 1),
        ("１２", 12),
        ("120", 120),
    ],
)
def test_a_number_is_read_in_every_script(text: str, number: int) -> None:
    assert reading.number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "12 anni fa",
        "1 e 2",
        "1,5",
        "1.000",
        "1-2",
        "1/2",
        "½",
        "-3",
        "3?",
        "10:30",
        "uno",
        "3 grazie",
        "abc",
        "n.",
        "",
        " ",
        "😀",
        "⃣",
        "1" * 19,
        "1" * 5000,
    ],
)
def test_what_is_not_only_a_number_is_none(text: str) -> None:
    assert reading.number(text) is None


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("1987", 1987),
        (" 1987. ", 1987),
        ("nel 1987", 1987),
        ("sono nata nel 1987", 1987),
        ("I was born in 1987", 1987),
        ("classe 1987", 1987),
        ("١٩٨٧", 1987),
        ("۱۹۸۷", 1987),
        ("１９８７", 1987),
        ("12/03/1987", 1987),
        ("12.3.1987", 1987),
        ("1987-03-12", 1987),
        ("12 marzo 1987", 1987),
        ("12031987", 1987),
        ("12/03/87", 1987),
        ("12 marzo 87", 1987),
        ("2027", 2027),
        ("2020", 2020),
        ("1917", 1917),
        # two digits
        ("87", 1987),
        ("'87", 1987),
        ("nell'87", 1987),
        ("nel 87", 1987),
        ("classe ’87", 1987),
        ("sono del 99", 1999),
        ("05", 2005),
        ("00", 2000),
        ("13", 2013),
        ("28", 1928),
        ("٨٧", 1987),
        # ages
        ("ho 39 anni", 1988),
        ("Ho 39 anni!", 1988),
        ("39 anni", 1988),
        ("io ho 39", 1988),
        ("I am 39", 1988),
        ("I'm 39", 1988),
        ("im 39", 1988),
        ("I am 39 years old", 1988),
        ("39 years old", 1988),
        ("39 y.o.", 1988),
        ("J'ai 39 ans", 1988),
        ("tengo 39 años", 1988),
        ("am 39 de ani", 1988),
        ("мені 39 років", 1988),
        ("39岁", 1988),
        ("عمري ٣٩ سنة", 1988),
        ("ho 5 anni", 2022),
        ("ho 100 anni", 1927),
    ],
)
def test_a_birth_year_is_read_from_years_dates_and_ages(text: str, year: int) -> None:
    assert reading.birth_year(text, TODAY) == year


@pytest.mark.parametrize(
    "text",
    [
        "2028",  # to come
        "1916",  # over 110 years ago
        "1850",
        "0000",
        "9999",
        "20",  # seven years old, or 107
        "1",
        "198",
        "19877",
        "1987 o 1988",
        "39 anni fa",
        "39 years ago",
        "lavoro da 10 anni",
        "ho 2 figli",
        "ho 999 anni",
        "ho 111 anni",
        "33121987",
        "millenovecento",
        "non lo so",
        "3331234567",
        "",
        "😀",
    ],
)
def test_what_is_no_birth_year_is_none(text: str) -> None:
    assert reading.birth_year(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("14/3/2027", date(2027, 3, 14)),
        ("14/03/2027", date(2027, 3, 14)),
        ("14-03-2027", date(2027, 3, 14)),
        ("14.3.2027", date(2027, 3, 14)),
        ("14/03/28", date(2028, 3, 14)),
        ("2027-06-14", date(2027, 6, 14)),
        ("2027/6/14", date(2027, 6, 14)),
        ("il 14/6 va bene", date(2027, 6, 14)),
        ("١٤/٦", date(2027, 6, 14)),
        # without a year: the next one
        ("14/6", date(2027, 6, 14)),
        ("14.6", date(2027, 6, 14)),
        ("14-6", date(2027, 6, 14)),
        ("14/3", date(2028, 3, 14)),
        ("12/5", date(2027, 5, 12)),
        ("11/5", date(2028, 5, 11)),
        ("29/2", date(2028, 2, 29)),
        # with the name of the month
        ("14 giugno", date(2027, 6, 14)),
        ("Lunedì 14 Giugno", date(2027, 6, 14)),
        ("il 14 giugno 2028", date(2028, 6, 14)),
        ("14 giu", date(2027, 6, 14)),
        ("1º giugno", date(2027, 6, 1)),
        ("14 marzo", date(2028, 3, 14)),
        ("June 14", date(2027, 6, 14)),
        ("June 14th, 2028", date(2028, 6, 14)),
        ("14th of June", date(2027, 6, 14)),
        ("14 iunie", date(2027, 6, 14)),
        ("14 يونيو", date(2027, 6, 14)),
        ("١٤ يونيو", date(2027, 6, 14)),
        ("14 जून", date(2027, 6, 14)),
        # by weekday: always ahead
        ("giovedì", date(2027, 5, 13)),
        ("giovedi prossimo", date(2027, 5, 13)),
        ("martedì", date(2027, 5, 18)),
        ("mercoledì", date(2027, 5, 19)),
        ("on Friday please", date(2027, 5, 14)),
        # near days
        ("oggi", TODAY),
        ("domani", date(2027, 5, 13)),
        ("Domani alle 10.30", date(2027, 5, 13)),
        ("domani 9-12", date(2027, 5, 13)),
        ("DOPODOMANI!", date(2027, 5, 14)),
        ("the day after tomorrow", date(2027, 5, 14)),
        ("明天", date(2027, 5, 13)),
        ("domani, giovedì", date(2027, 5, 13)),
    ],
)
def test_a_day_is_read_as_people_write_it(text: str, found: date) -> None:
    assert day(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "31/2",
        "30/2/2027",
        "29/2/2027",
        "0/3",
        "14/13",
        "32 marzo",
        "31 aprile",
        "14/03/0000",
        "lunedì 31/2",
        "14/6 o 15/6",
        "lunedì o martedì",
        "oggi o domani",
        "marzo",
        "14",
        "10:30",
        "10.30",
        "1/2/3/4",
        "boh",
        "",
        "domanina",
    ],
)
def test_an_impossible_or_unclear_day_is_none(text: str) -> None:
    assert day(text) is None


def test_without_names_only_digits_are_days() -> None:
    assert reading.day("14 giugno", TODAY, {}, {}, {}) is None
    assert reading.day("14/6", TODAY, {}, {}, {}) == date(2027, 6, 14)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  Anna \t\n Maria ", "Anna Maria"),
        ("Anna\u00a0Maria", "Anna Maria"),
        ("Anna\u0000\u0007", "Anna"),
        ("evil\u202egnp", "evilgnp"),
        ("\u2066Anna\u2069\u200b\ufeff", "Anna"),
        ("e\u0301", "é"),
        ("أمينة بنت", "أمينة بنت"),
        ("שרה", "שרה"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian is written with this joiner
        ("👩\u200d💻", "👩\u200d💻"),
        ("\ud800x", "x"),
        ("", ""),
    ],
)
def test_words_keep_what_was_meant(text: str, kept: str) -> None:
    assert reading.words(text) == kept


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Sì!", "si"),
        ("  Perché NO? ", "perche no"),
        ("D'Angelo", "dangelo"),
        ("D’Angelo", "dangelo"),
        ("l'azienda", "lazienda"),
        ("job-club", "job club"),
        ("my_data", "my data"),
        ("Straße", "strasse"),
        ("ＦＵＬＬ", "full"),
        ("1️⃣ Sì 👍", "1 si"),
        ("أهلًا", "اهلا"),
        ("मार्च", "मारच"),
        ("...", ""),
    ],
)
def test_folding_leaves_what_counts(text: str, plain: str) -> None:
    assert reading.folded(text) == plain


@pytest.mark.parametrize(
    ("a", "b", "are_same"),
    [
        ("Sì", "si", True),
        ("SÌ!", "sì", True),
        ("Parla con una persona", "parla  con una PERSONA.", True),
        ("Che cos’è?", "che cos'è", True),
        ("Sì 👍", "sì", True),
        ("👍", "👍", True),
        ("👍", "👎", False),
        ("sì", "no", False),
        ("", "👍", False),
    ],
)
def test_labels_are_the_same_whatever_their_dress(a: str, b: str, are_same: bool) -> None:
    assert reading.same(a, b) is are_same


@pytest.mark.parametrize(
    "text",
    [
        "Anna",
        "Anna Maria",
        "D'Angelo",
        "D’Angelo",
        "Jean-Luc",
        "M. Luisa",
        "José",
        "أمينة",
        "李",
        "三",
        "Олена",
        "नेहा",
        "O",
        "x" * 60,
    ],
)
def test_names_of_every_alphabet_are_names(text: str) -> None:
    assert reading.is_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "12345",
        "Anna2",
        "٢",
        "½",
        "😀",
        "...",
        "'",
        "http://x",
        "www.example.it",
        "example.com",
        "anna@example.org",
        "@anna",
        "/start",
        "<b>",
        "<script>",
        "**",
        "[x]",
        "x" * 61,
    ],
)
def test_what_is_not_a_name_is_not(text: str) -> None:
    assert not reading.is_name(text)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    number, year = reading.number(text), reading.birth_year(text, TODAY)
    assert number is None or number >= 0
    assert year is None or 0 <= TODAY.year - year <= 110
    assert isinstance(reading.folded(text), str)
    assert reading.same(text, text)
    day(text)
    reading.is_name(text)


@given(st.text(st.sampled_from("0123456789/.- anifholde'٣۲१")))
def test_any_text_that_looks_like_a_date_is_read_without_an_error(text: str) -> None:
    reading.number(text)
    reading.birth_year(text, TODAY)
    day(text)


@given(st.text())
def test_words_are_clean_and_stay_as_they_are(text: str) -> None:
    words = reading.words(text)
    assert reading.words(words) == words
    assert words == words.strip()
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in words)


@given(st.integers(0, 10**17))
def test_every_number_is_read_back(number: int) -> None:
    assert reading.number(str(number)) == number


@given(st.integers(1917, 2027))
def test_every_plausible_year_is_read_back(year: int) -> None:
    assert reading.birth_year(str(year), TODAY) == year


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_every_day_is_read_back(any_day: date) -> None:
    for written in (any_day.isoformat(), f"{any_day:%d/%m/%Y}", f"{any_day:%d.%m.%y}"):
        assert day(written) == any_day
