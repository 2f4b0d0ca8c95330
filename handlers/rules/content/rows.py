# SPDX-License-Identifier: EUPL-1.2
"""What the files of a programme are made of: rows, what they may refer to, and what can be wrong with them."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any


class Row(dict[str, Any]):
    """Some fields and what they say; and the line of the file where they begin."""

    line = 1

    @property
    def id(self) -> str:
        return self["id"] if isinstance(self.get("id"), str) else ""


@dataclass(frozen=True)
class Content:
    """The files of a folder; those that cannot be read, and why; those that nobody here knows."""

    files: dict[str, Row]
    broken: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Known:
    """
    What a row may refer to: ids by noun, whose e-mail address is whose, what the service says of itself.

    ``paths`` are the group meetings and interviews that complete each path; ``done`` are those of a person on a path.
    """

    ids: Mapping[str, Set[str]] = field(default_factory=dict)
    emails: Mapping[str, str | None] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    paths: dict[str, tuple[int, int]] = field(default_factory=dict)
    done: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


NOTHING = Known()


@dataclass(frozen=True, order=True)
class Problem:
    """Where something is wrong, and what."""

    file: str
    line: int
    row: str
    says: str

    def __str__(self) -> str:
        return ": ".join(part for part in (f"{self.file}.yaml:{self.line}", self.row, self.says) if part)


# What one field can get wrong: nothing, or the rest of a sentence that begins with the field's name.
Check = Callable[[Any, Known], str | None]
Fields = Mapping[str, Check]
# What the fields of a row can get wrong together: nothing, or a sentence.
Rule = Callable[[Row, Known], str | None]


@dataclass(frozen=True)
class Kind:
    """A kind of row: in which file it stands and where, what it must say and may."""

    file: str
    path: tuple[str, ...]
    must: Fields = field(default_factory=dict)
    may: Fields = field(default_factory=dict)
    noun: str = ""
    unique: tuple[str, ...] = ("id",)  # the first one is what others call the row
    rules: tuple[Rule, ...] = ()
    only: Callable[[Row], bool] = lambda row: True

    def found_in(self, content: Content) -> list[tuple[str, Row]]:
        """The rows of this kind, each under the id that a reader will look for."""
        found = [(content.files[self.file].id, content.files[self.file])] if self.file in content.files else []
        for name in self.path:
            found = [(row.id or id, row) for id, parent in found for row in children(parent.get(name))]
        return [(id, row) for id, row in found if self.only(row)]


def children(value: Any) -> list[Row]:
    return [row for row in (value if isinstance(value, list) else [value]) if isinstance(row, Row)]
