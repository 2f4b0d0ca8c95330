# SPDX-License-Identifier: EUPL-1.2
"""What became of each file of a programme: what is new, changed or unchanged, and what somebody may not have meant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from handlers.rules.content import FILES

NO_PLACE_YET = "validated, not loaded (no place for it yet)"


@dataclass
class Report:
    """What became of each file."""

    loaded: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)  # by file, then by noun
    without_place: dict[str, list[str]] = field(default_factory=dict)  # ids, by file; none: the whole file
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what somebody may not have meant, and who is told of changes

    def count(self, file: str, noun: str, outcome: str) -> None:
        self.loaded.setdefault(file, {}).setdefault(noun, Counter())[outcome] += 1

    def __str__(self) -> str:
        loaded = [f"{file}.yaml: {_counted(nouns)}" for file, nouns in self.loaded.items()]
        aside = [f"{file}.yaml: {_listed(ids)}{NO_PLACE_YET}" for file, ids in self.without_place.items()]
        return "\n".join(loaded + aside + [_unknown(name) for name in self.unknown] + self.notes)


def _counted(nouns: Mapping[str, Counter[str]]) -> str:
    return "; ".join(f"{noun} {_outcomes(counter)}" for noun, counter in nouns.items())


def _outcomes(counter: Counter[str]) -> str:
    outcomes = [f"{counter[outcome]} {outcome}" for outcome in ("new", "changed", "unchanged") if counter[outcome]]
    return ", ".join(outcomes)


def _listed(ids: list[str]) -> str:
    return f"{', '.join(ids)}: " if ids else ""


def _unknown(name: str) -> str:
    meant = get_close_matches(name, [f"{file}.yaml" for file in FILES], 1, 0.8)
    return f"{name}: not a file we know, not read" + (f"; is {meant[0]} meant?" if meant else "")
