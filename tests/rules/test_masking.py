# SPDX-License-Identifier: EUPL-1.2
"""What says who somebody is, is taken out of their words; what they say is not."""

import pytest

from handlers.rules.masking import MASK, hidden, masked, parts


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("scrivimi a amina.diallo@posta.example, grazie", "scrivimi a ●●●, grazie"),
        ("il mio numero è +39 333 123 4567", "il mio numero è ●●●"),
        ("chiama 333-1234567 o 0511234567", "chiama ●●● o ●●●"),
        ("CF: dlimna87a41z330x", "CF: ●●●"),
        ("codice DLI MNA 87A41 Z330X qui", "codice ●●● qui"),
        ("IBAN IT60 X054 2811 1010 0000 0123 456", "IBAN ●●●"),
        ("it60x0542811101000000123456", "●●●"),
        ("carta CA12345AB, passaporto YA1234567", "carta ●●●, passaporto ●●●"),
        ("permesso I15123456", "permesso ●●●"),
        ("nata il 12/05/1987", "nata il ●●●"),
        ("رقمي ٠٥١١٢٣٤٥٦٧", "رقمي ●●●"),
        ("https://lavoro.example/calendar/Zm9vYmFyYmF6cXV4cXV1eA_-x", "https://lavoro.example/calendar/●●●"),
    ],
)
def test_numbers_addresses_and_documents_are_taken_out(said: str, left: str) -> None:
    assert masked(said) == left


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("ciao, sono Amina", "ciao, sono ●●●"),
        ("AMINA! amina? Amína…", "●●●! ●●●? ●●●…"),
        ("l'amina di D'Angelo", "l'●●● di D'●●●"),
        ("Animazione e Aminata restano", "Animazione e Aminata restano"),
        ("我叫小明，你好", "我叫●●●，你好"),
        ("أنا فاطمة", "أنا ●●●"),
    ],
)
def test_names_that_are_known_are_taken_out_however_they_are_written(said: str, left: str) -> None:
    assert masked(said, names=["Amina", "D'Angelo", "小明", "فاطمة"]) == left


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("mi chiamo amina e cerco lavoro", "mi chiamo ●●● e cerco lavoro"),
        ("Mi chiamo Amina Diallo. Cerco lavoro", "Mi chiamo ●●● ●●●. Cerco lavoro"),
        ("my name is Bob, I look for work", "my name is ●●●, I look for work"),
        ("اسمي فاطمة", "اسمي ●●●"),
    ],
)
def test_who_says_their_name_is_not_named(said: str, left: str) -> None:
    assert masked(said) == left


@pytest.mark.parametrize(
    "said",
    [
        "1. Un aiuto\n2. Orientamento",
        "martedì 12 maggio alle 10:30, posti 8 su 12",
        "via Immaginaria 10, 40121 Bologna",
        "it20 persone vengono oggi con noi",
        "",
        "dal 2019 al 2022",
    ],
)
def test_what_says_nothing_about_who_they_are_stays(said: str) -> None:
    assert masked(said, names=["Amina", "A"]) == said


def test_a_mark_never_shows_what_is_masked() -> None:
    said = "sono Amina, Amina cerca lavoro"
    spans = hidden(said, names=["Amina"])
    marks = [(5, 10), (12, 17), (24, 30)]
    assert parts(said, spans, marks) == [
        ("sono ", False),
        (MASK, False),
        (", ", False),
        (MASK, False),
        (" cerca ", False),
        ("lavoro", True),
    ]


def test_a_long_text_is_masked_at_once() -> None:
    assert masked("a" * 50_000 + " 333 1234567 " + "1-" * 20_000, names=["Amina"]).count(MASK) == 1
