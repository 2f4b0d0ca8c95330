# SPDX-License-Identifier: EUPL-1.2
"""Which question people are asking, in their own words."""

from itertools import chain
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from handlers.talk.phrases import Entry, find

FAQ = Path(__file__).parents[2] / "bot" / "demo" / "services_faq.yaml"


def read(path: Path) -> list[Entry]:
    entries = yaml.safe_load(path.read_text("utf-8"))["entries"]
    return [Entry(entry["id"], tuple(chain(*entry.get("keywords", {}).values()))) for entry in entries]


ENTRIES = read(FAQ)
LOST_JOB = "faq-02"


@pytest.mark.parametrize(
    "text",
    [
        "ho perso il lavoro",
        "Ho perso il lavoro.",
        "HO PERSO IL LAVORO",
        "HO PERSO IL LAVOROOO",
        "ho  perso\nil lavoro",
        "ieri ho perso il mio lavoro",
        "ho perso il lavoro ieri",
        "Buongiorno, ho perso il lavoro. Che cosa faccio?",
        "ho perzo il lavoro",
        "mi hanno licenziata!!",
        "mi hanno licenziato",
        "Mi anno licenziato",
        "sono disocupato",
        "sono disoccupatooo",
        "l'azienda ha chiuso",
        "l’azienda ha chiuso",
        "l azienda ha chiuso",
        "lazienda ha chiuso",
        "non ho piu lavoro",
        "e finito il contratto",
        "sono senza lavoro da due anni e non so che cosa fare",
        "I lost my job",
        "i've lost my job yesterday",
        "I was fired",
        "fired",
        "unemployd",
    ],
)
def test_somebody_who_lost_their_job_is_understood(text: str) -> None:
    assert find(text, ENTRIES) == LOST_JOB


@pytest.mark.parametrize(
    "text",
    [
        "grazie",
        "ok",
        "ciao",
        "",
        "👍",
        "lavoro",
        "cerco lavoro",
        "voglio un lavoro",
        "ho preso il lavoro",
        "No, job club",
        "licenza",
        "ho perso il treno per andare al lavoro",
        "verso il lavoro",
        "fried",
        "1",
    ],
)
def test_what_asks_nothing_finds_nothing(text: str) -> None:
    assert find(text, ENTRIES) is None


CLUB, CURRICULUM, DID, EMPTY = (
    Entry("club", ("job club", "club")),
    Entry("cv", ("cv", "scrivere il cv per il job club")),
    Entry("did", ("DID", "dichiarazione di disponibilità")),
    Entry("empty", ("", "!!", "  ")),
)


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("job club", "club"),
        ("vorrei entrare nel job club", "club"),
        ("job-club?", "club"),
        ("mi aiuti a scrivere il cv per il job club", "cv"),  # the longest phrase wins
        ("cv", "cv"),
        ("il mio CV!", "cv"),
        ("did", "did"),
        ("che cos'è la DID?", "did"),
        ("what did you do to my friend", None),  # a short word in a long message
        ("dichiarazione di disponibilita", "did"),
        ("dichiarazone di disponibilta", "did"),
        ("clubs", None),  # whole words only
        ("clab", None),  # too short to be forgiven
    ],
)
def test_a_phrase_is_found_as_whole_words_and_the_longest_wins(text: str, id: str | None) -> None:
    assert find(text, [CLUB, CURRICULUM, DID, EMPTY]) == id


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert find(text, ENTRIES) in (LOST_JOB, None)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_phrase_of_the_demo_finds_its_own_entry(entry: Entry) -> None:
    assert {find(keyword, ENTRIES) for keyword in entry.keywords} <= {entry.id}
