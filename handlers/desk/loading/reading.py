# SPDX-License-Identifier: EUPL-1.2
"""The files of a programme as they are written: read, each row with its line, or explained in plain words."""

import re
from pathlib import Path
from typing import Any, cast

import yaml

from handlers.rules.content import FILES, Content, Row


def read(folder: Path) -> Content:
    """The files of the folder that we know, each row with its line; what is wrong with them is in ``problems``."""
    content = Content({})
    for path in sorted(path for path in folder.glob("*.y*ml") if path.is_file()):
        if path.suffix == ".yaml" and path.stem in FILES:
            _read(path, content)
        else:
            content.unknown.append(path.name)
    if not content.files and not content.broken:
        content.broken.append(f"{folder}: there is no content here")
    return content


def _read(path: Path, content: Content) -> None:
    try:
        content.files[path.stem] = _parsed(path.read_bytes())
    except _Unreadable as trouble:
        content.broken.append(f"{path.name}:{trouble.line}: {trouble}")


class _Unreadable(Exception):
    def __init__(self, line: int, says: str) -> None:
        super().__init__(says)
        self.line = line


def _parsed(raw: bytes) -> Row:
    try:
        found = yaml.load(raw.decode("utf-8-sig"), _Yaml)  # noqa: S506 a SafeLoader
    except UnicodeDecodeError as trouble:
        raise _Unreadable(_line(raw, trouble.start), "this is not UTF-8 text; save the file as UTF-8") from trouble
    except yaml.reader.ReaderError as trouble:
        before = raw.decode("utf-8-sig")[: trouble.position].encode()
        raise _Unreadable(_line(before, len(before)), "there is a character that cannot be shown") from trouble
    except yaml.MarkedYAMLError as trouble:
        raise _plainly(trouble) from trouble
    if not isinstance(found, Row):
        raise _Unreadable(1, "the file must be made of fields, each with its name")
    return found


def _line(raw: bytes, position: int) -> int:
    return raw.count(b"\n", 0, position) + 1


class _Yaml(yaml.SafeLoader):
    """YAML in which every mapping knows its line and says each field once, and a date stays as it was written."""


def _row(loader: _Yaml, node: yaml.MappingNode) -> Row:
    names: list[Any] = []
    for name, _ in node.value:
        if name.value in names:
            raise yaml.constructor.ConstructorError(None, None, f"{name.value} is said twice", name.start_mark)
        names.append(name.value)
    row = Row(cast(dict[str, Any], loader.construct_mapping(node, deep=True)))
    row.line = node.start_mark.line + 1
    return row


def _number(loader: _Yaml, node: yaml.ScalarNode) -> int:
    # To YAML 037006 is an octal number and 037008 is text; here both are numbers somebody forgot to quote.
    said = str(node.value)
    return int(said) if re.fullmatch(r"0\d+", said) else loader.construct_yaml_int(node)


_DATE, _INTEGER = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int"
_Yaml.yaml_implicit_resolvers = {
    letter: [(tag, form) for tag, form in forms if tag != _DATE]
    for letter, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver(_INTEGER, re.compile(r"^0\d+$"), ["0"])
_Yaml.add_constructor(_INTEGER, _number)
_Yaml.add_constructor("tag:yaml.org,2002:map", _row)

_PLAINLY = {
    "that cannot start any token": "there is a tab, or a sign such as @ or %; use spaces, and put the text in quotes",
    "mapping values are not allowed": "there is a colon inside a text; put the text in quotes",
    "expected <block end>": "this line is not indented like the lines around it",
    "expected a single document": "--- begins a second document; one file holds one",
}
_PLAINLY_FROM_THE_START = {
    "could not find expected ':'": "there is no colon after the name of this field",
    "unexpected end of stream": "a quote is opened here and never closed",
    "expected ',' or": "a bracket is opened here and never closed",
    "but found '<stream end>'": "a bracket is opened here and never closed",
}


def _plainly(trouble: yaml.MarkedYAMLError) -> _Unreadable:
    """What is wrong and where; some mistakes are noticed far below the line where they begin."""
    said = " ".join(part for part in (trouble.context, trouble.problem) if part)
    start = next((sentence for sign, sentence in _PLAINLY_FROM_THE_START.items() if sign in said), None)
    mark = trouble.context_mark if start and trouble.context_mark else trouble.problem_mark
    here = next((sentence for sign, sentence in _PLAINLY.items() if sign in said), trouble.problem or said)
    return _Unreadable(mark.line + 1 if mark else 1, start or here)
