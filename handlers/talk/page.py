# SPDX-License-Identifier: EUPL-1.2
"""A page of HTML to keep: it needs no network, has no program in it, and reads well on paper and aloud."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from handlers.talk.text import Lines, Local, Reader, Text, Time, Words, _, shown

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto; padding: 1rem;
  max-width: 60rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { border: 1px solid #767676; padding: .4rem .6rem; text-align: start; vertical-align: top; }
td { white-space: pre-line; }
thead th { background: #eee; }
@media (max-width: 40rem) { th, td { padding: .2rem; font-size: .85rem; hyphens: auto; } }
@media print { body { max-width: none; padding: 0; } tr { break-inside: avoid; } }
"""

Value = Words | datetime | int | None


@dataclass(frozen=True)
class Section:
    """A heading, and a table. With ``columns`` each row is a record; without, a name and what it is."""

    title: Words
    rows: Sequence[Sequence[Any]]
    columns: Sequence[Words] = ()


def page(title: Words, at: datetime, sections: Iterable[Section], reader: Reader) -> str:
    """The whole page, in the reader's language. Every word is escaped, whoever wrote it."""
    heading, day = _words(title, reader), _words(_("Made on {when}", when=dated(at, reader)), reader)
    tables = "\n".join(_section(one, reader) for one in sections if one.rows)
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(reader.language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{heading}</h1>\n<p>{day}</p>\n{tables}\n</main>\n</body>\n</html>\n"
    )


def dated(at: datetime, reader: Reader) -> str:
    """A moment with its year: years later, «Tuesday 2 March» says nothing."""
    local = at.astimezone(reader.zone)
    return f"{shown(local.date(), reader)}, {Time(local).render(reader)}"


def _section(section: Section, reader: Reader) -> str:
    caption = f"<h2>{_words(section.title, reader)}</h2>"
    if not section.columns:
        facts = "\n".join(
            f'<tr><th scope="row">{_words(name, reader)}</th>{_cell(value, reader)}</tr>'
            for name, value in section.rows
        )
        return f"{caption}\n<table>\n{facts}\n</table>"
    heads = "".join(f'<th scope="col">{_words(name, reader)}</th>' for name in section.columns)
    rows = "\n".join(f"<tr>{''.join(_cell(value, reader) for value in row)}</tr>" for row in section.rows)
    return f"{caption}\n<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _cell(value: Value, reader: Reader) -> str:
    return f'<td dir="auto">{_words(value, reader)}</td>'


def _words(value: Value, reader: Reader) -> str:
    match value:
        case None:
            return "–"
        case Text() | Lines() | Local() | Time():
            return escape(value.render(reader))
        case datetime():
            return escape(dated(value, reader))
        case _:
            return escape(str(shown(value, reader)))
