# SPDX-License-Identifier: EUPL-1.2
"""Forms that a channel keeps for us: the same few buttons and lists for every question, filled anew each time."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from handlers.talk.limits import WHATSAPP
from handlers.talk.messages import Option
from handlers.talk.rendering import shape, short, width
from handlers.talk.text import p_

ANY = "any"  # the language of a form in which everything is filled in
DESCRIPTION = 72  # letters under a line of a list
OPENER = p_("button", "Choose")
FILLED = re.compile(r"\{\{(\w+)\}\}")
# Five blanks in a row in something filled in, and the message is refused (63013).
BLANKS = re.compile(r"[^\S\n]+")


@dataclass(frozen=True)
class Line:
    """A choice as a form has it: a button, or a line of a list with what stands under it."""

    title: str
    id: str
    description: str = ""


@dataclass(frozen=True)
class Described:
    """
    A form in words that belong to no channel: {{1}}, {{2}} stand for what is filled in when it is sent.

    ``kind`` is buttons or list; a list is opened by ``opener``. ``gaps`` say by number what is filled in, ``samples``
    show it. What has a ``category`` is a template: it needs the network's approval, and may then go out at any time.
    """

    name: str
    language: str
    kind: Literal["buttons", "list"]
    body: str
    lines: tuple[Line, ...]
    gaps: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)
    opener: str = ""
    category: Literal["utility", "marketing"] | None = None

    @property
    def is_template(self) -> bool:
        return self.category is not None

    @property
    def hash(self) -> str:
        """Of all that is in it but the samples: with another word it is another form."""
        lines = [[line.title, line.id, line.description] for line in self.lines]
        parts = [self.name, self.language, self.kind, self.category, self.body, self.opener, lines]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]

    @property
    def friendly_name(self) -> str:
        """What the channel calls it: small letters, digits and underscores, as approvals want it."""
        plain = re.sub(r"[^a-z0-9]+", "_", f"{self.name}_{self.language}".lower())
        return f"sportello_{plain}_{self.hash[:8]}"


def form_name(options: Sequence[Option]) -> str | None:
    """Which form shows these choices; None: none does, and numbers in the text must do."""
    lines = titles(options)
    if not lines or "" in lines or len(set(lines)) < len(lines):  # two buttons that say the same are refused
        return None
    match shape(options, WHATSAPP):
        case "buttons":
            return f"buttons-{len(options)}"
        case "list":
            return f"list-{len(options)}-described" if _say_more(options, lines) else f"list-{len(options)}"
        case _:
            return None


def titles(options: Sequence[Option]) -> list[str]:
    """What stands on each button, or in each line of a list."""
    if shape(options, WHATSAPP) == "buttons":
        return [short(_flat(option.short), WHATSAPP.button_label) for option in options]
    return [_row(option) for option in options]


def values(token_of: Callable[[int], str], text: str, options: Sequence[Option], opener: str) -> dict[str, str] | None:
    """What is filled into the form of these choices; None where it does not fit."""
    name, body = form_name(options), BLANKS.sub(" ", text).strip()
    if name is None or not body or width(body) > WHATSAPP.text_with_options:
        return None
    filled = [body] if name.startswith("buttons") else [body, opener]
    for index, (option, title) in enumerate(zip(options, titles(options), strict=True)):
        filled += [title, token_of(index)]
        if name.endswith("described"):
            filled.append(short(f"{index + 1}. {_flat(option.label)}", DESCRIPTION))
    return {str(number): words for number, words in enumerate(filled, start=1)}


def generic() -> list[Described]:
    """Every form that is filled in whole: one to three buttons, lists of one to ten lines."""
    buttons = [_blank(f"buttons-{count}", count) for count in range(1, WHATSAPP.buttons + 1)]
    rows = range(1, WHATSAPP.rows + 1)
    lists = [_blank(f"list-{count}", count, "opener") for count in rows]
    return [*buttons, *lists, *(_blank(f"list-{count}-described", count, "opener", "description") for count in rows)]


def _blank(name: str, count: int, *more: str) -> Described:
    """A form with nothing in it but gaps; ``more``: it has an opener, and descriptions."""
    asked = [one for one in ("title", "id", "description") if one != "description" or one in more]
    head = ["text", *(one for one in more if one == "opener")]
    gaps = [*head, *(f"{one} {number}" for number in range(1, count + 1) for one in asked)]
    at = {gap: f"{{{{{number}}}}}" for number, gap in enumerate(gaps, start=1)}
    return Described(
        name,
        ANY,
        "list" if "opener" in more else "buttons",
        at["text"],
        tuple(Line(at[f"title {n}"], at[f"id {n}"], at.get(f"description {n}", "")) for n in range(1, count + 1)),
        gaps={str(number): gap for number, gap in enumerate(gaps, start=1)},
        samples={str(number): gap for number, gap in enumerate(gaps, start=1)},
        opener=at.get("opener", ""),
    )


def _row(option: Option) -> str:
    label = _flat(option.label)
    return label if width(label) <= WHATSAPP.row_label else short(_flat(option.short), WHATSAPP.row_label)


def _say_more(options: Sequence[Option], rows: Sequence[str]) -> bool:
    """Is there a line that does not say all its choice says? Then all are explained: none may be empty."""
    return any(row != _flat(option.label) for option, row in zip(options, rows, strict=True))


def _flat(words: str) -> str:
    return " ".join(words.split())


GENERIC = {form.name: form for form in generic()}
