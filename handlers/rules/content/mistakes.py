# SPDX-License-Identifier: EUPL-1.2
"""What is wrong with the files of a programme, in one clear line for each thing."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from handlers.rules.content.checks import wrong_fields
from handlers.rules.content.job_clubs import wrong_members
from handlers.rules.content.kinds import KINDS, NOUNS
from handlers.rules.content.rows import NOTHING, Content, Kind, Known, Problem, Row, children


def problems(content: Content, known: Known = NOTHING) -> list[str]:
    """One clear line for each thing that is wrong; ``known`` is what has been loaded before."""
    if content.broken:  # what refers to a file that cannot be read would all be called wrong
        return content.broken
    known = _with(known, content)
    found = [problem for kind in KINDS for problem in _of_kind(kind, content, known)]
    found += [problem for noun in NOUNS for problem in _of_noun(noun, content)]
    found += [problem for file, whole_file in content.files.items() for problem in _of_file(file, whole_file)]
    found = found or list(wrong_members(content, known))
    return [str(problem) for problem in sorted(set(found))]


def _with(known: Known, content: Content) -> Known:
    """What is known once this content is there too."""
    ids = {noun: set(there) for noun, there in known.ids.items()}
    for kind in KINDS:
        named = [row.get(kind.unique[0]) for _, row in kind.found_in(content)]
        ids.setdefault(kind.noun, set()).update(name for name in named if isinstance(name, str))
    return replace(known, ids=ids, settings={**known.settings, **content.files.get("service", {})})


def _of_kind(kind: Kind, content: Content, known: Known) -> Iterator[Problem]:
    for id, row in kind.found_in(content):
        wrong = list(wrong_fields(row, kind.must, kind.may, known))
        wrong = wrong or [sentence for rule in kind.rules if (sentence := rule(row, known))]
        yield from (Problem(kind.file, row.line, id, sentence) for sentence in wrong)


def _of_noun(noun: str, content: Content) -> Iterator[Problem]:
    """Rows of one noun may stand in several lists, and still no two have one name."""
    kinds = [kind for kind in KINDS if kind.noun == noun]
    rows = [row for kind in kinds for row in kind.found_in(content)]
    for name in kinds[0].unique:
        yield from _twice(kinds[0].file, name, rows)


def _twice(file: str, name: str, rows: list[tuple[str, Row]]) -> Iterator[Problem]:
    first: dict[str, Row] = {}
    for id, row in rows:
        value = row.get(name)
        if isinstance(value, str) and first.setdefault(value, row) is not row:
            yield Problem(file, row.line, id, f"{name} “{value}” is already on line {first[value].line}")


def _of_file(file: str, row: Row, id: str = "", path: str = "") -> Iterator[Problem]:
    """What every file is asked, also one that has no place yet."""
    for sentence in (*_words(row, path), *_letters(row)):
        yield Problem(file, row.line, id, sentence)
    for name, value in row.items():
        inner = [(child.id or id, child) for child in children(value)]
        yield from _twice(file, "id", inner)
        for inner_id, child in inner:
            yield from _of_file(file, child, inner_id, "" if child.id else f"{path} {name}".strip())


def _words(row: Row, path: str) -> Iterator[str]:
    """Nothing is said in one language only."""
    if not row.keys() & {"it", "en"}:
        return
    for name, language_name in (("it", "Italian"), ("en", "English")):
        if not row.get(name):
            yield f"{path} has no {language_name} ({name})".strip()
    if row.get("it") and row.get("en") and type(row["it"]) is not type(row["en"]):
        yield f"{path} must be the same in Italian (it) and English (en): both text, or both a list".strip()


def _letters(row: Row) -> Iterator[str]:
    """No field's name is taken for something else, and nothing in a text cannot be stored or shown."""
    for name, value in row.items():
        if not isinstance(name, str):
            yield f"{name} cannot be the name of a field: put it in quotes"
        said = value if isinstance(value, list) else [value]
        if any(_cannot_be_shown(letter) for item in said if isinstance(item, str) for letter in item):
            yield f"{name} has a character that cannot be shown"


def _cannot_be_shown(letter: str) -> bool:
    return letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cs")
