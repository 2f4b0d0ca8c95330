# SPDX-License-Identifier: EUPL-1.2
"""A list of who was there, as it comes out of a spreadsheet: line by line, who is meant and what is said. Pure."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from handlers.rules.attendance import Said

MOST_LINES, MOST_LETTERS = 500, 100_000
Column = Literal["number", "name", "said"]
Fault = Literal["formula", "nobody", "no_state"]

HEADS: Mapping[str, Column] = {
    **dict.fromkeys(("number", "no", "no.", "n", "n.", "nr", "id", "person", "numero", "num", "persona"), "number"),
    **dict.fromkeys(("name", "first name", "nome", "nome e cognome"), "name"),
    **dict.fromkeys(("state", "status", "attendance", "stato", "presenza", "presenze"), "said"),
}
STATES: Mapping[str, Said] = {
    **dict.fromkeys(("present", "presente", "p", "x", "yes", "sì", "si"), "present"),
    **dict.fromkeys(("late", "in ritardo", "ritardo", "l", "r"), "late"),
    **dict.fromkeys(("absent", "assente", "a", "no"), "absent"),
    **dict.fromkeys(("excused", "giustificato", "giustificata", "assente giustificato", "e", "g"), "excused"),
    **dict.fromkeys(("assente giustificata", "giustificati"), "excused"),
}
FORMULA = re.compile(r"\s*[=+@\t\r＝＋＠-]")
NUMBER = re.compile(r"(?:person|persona|#)?\s*(\d{1,15})", re.IGNORECASE)


@dataclass(frozen=True)
class Unreadable:
    """It is no such list: it has no head, or is too long."""

    why: Literal["empty", "no_head", "too_long"]


@dataclass(frozen=True)
class Line:
    """A line under the head: who is meant, by number or name, and what is said; or what is wrong with it."""

    number: int  # of the line, counted with the head
    who: str
    person_id: int | None
    said: Said | None
    fault: Fault | None = None


def read(text: str) -> list[Line] | Unreadable:
    """Every line that has something in it. Nothing in it is ever worked out: a cell that is a formula is a fault."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return Unreadable("empty")
    if len(text) > MOST_LETTERS:
        return Unreadable("too_long")
    head, _newline, _rest = text.lstrip().partition("\n")
    sign = max(",;\t", key=head.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=sign) if any(row)]
    except csv.Error:
        return Unreadable("no_head")
    if not rows:
        return Unreadable("empty")
    columns = {HEADS[name]: at for at, cell in enumerate(rows[0]) if (name := plain(cell)) in HEADS}
    if "said" not in columns or not columns.keys() & {"number", "name"}:
        return Unreadable("no_head")
    if len(rows) - 1 > MOST_LINES:
        return Unreadable("too_long")
    return [line(at, row, columns) for at, row in enumerate(rows[1:], 2)]


def line(at: int, row: list[str], columns: Mapping[Column, int]) -> Line:
    def cell(name: Column) -> str:
        place = columns.get(name)
        found = row[place] if place is not None and place < len(row) else ""
        return found.strip().removeprefix("'").strip()

    number, name, said = cell("number"), cell("name"), cell("said")
    who, digits = number or name, NUMBER.fullmatch(number)
    state = STATES.get(plain(said))
    if any(FORMULA.match(one) for one in (number, name, said)):
        return Line(at, who, None, None, "formula")
    if (number and not digits) or not who:
        return Line(at, who, None, None, "nobody")
    return Line(at, who, int(digits[1]) if digits else None, state, None if state else "no_state")


def plain(cell: str) -> str:
    return " ".join(cell.strip().removeprefix("'").lower().split())
