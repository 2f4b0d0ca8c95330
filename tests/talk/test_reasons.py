# SPDX-License-Identifier: EUPL-1.2
"""Whatever a message's row says about why it was not sent, an operator can read it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from handlers.talk import Reader
from handlers.talk.reasons import REASONS, UNKNOWN, why

HOUSE = Path(__file__).resolve().parents[2]
PLACES = ("bot/channels", "bot/jobs", "handlers/desk", "handlers/engine", "handlers/rules", "storage")
# Where in these calls the code stands; elsewhere it is given by its name.
SAID_BY = {"DeliveryError": 0, "Refusal": 1, "Drop": 1, "_record": 2, "_ends": 3, "_give_up": 2}
# These carry a reason of their own kind: why somebody said stop, why a file was not kept, why a person is waited for.
OF_OTHERS = {"stop", "stopped_because", "_shut", "blocked", "_end", "lost", "open"}


def trees() -> Iterator[tuple[ast.Module, dict[str, str]]]:
    """Every file that may store a reason, with its constants."""
    for path in sorted(path for place in PLACES for path in (HOUSE / place).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            one.targets[0].id: one.value.value
            for one in tree.body
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
            if isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)
        }
        yield tree, named


def codes() -> set[str]:
    found = set()
    for tree, named in trees():
        for node in ast.walk(tree):
            for value in said_in(node):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found |= {value.value} - {""}  # what deleting leaves of a reason is none
                elif isinstance(value, ast.Name) and value.id in named:
                    found.add(named[value.id])
    return found


def said_in(node: ast.AST) -> Iterator[ast.expr]:
    """What stands where a reason stands."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "reason")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        place = SAID_BY.get(name)
        if place is not None and place < len(node.args):
            yield node.args[place]
        if name not in OF_OTHERS:
            yield from (one.value for one in node.keywords if one.arg == "reason")


def test_every_reason_that_is_ever_written_down_has_its_words() -> None:
    found = codes()
    assert {"blocked", "refused", "worker_gone", "person_stopped", "too_late", "nothing_to_edit"} <= found  # it looks
    assert sorted(found - REASONS.keys()) == []


def test_a_reason_nobody_foresaw_has_words_too() -> None:
    assert why("KeyError") is UNKNOWN
    assert why("KeyError").render(Reader()) == "It did not work. A technician must look."


def test_no_two_reasons_are_told_in_the_same_words() -> None:
    words = [one.render(Reader()) for one in (*(one for one in REASONS.values() if one is not UNKNOWN), UNKNOWN)]
    assert len(words) == len(set(words))
