# SPDX-License-Identifier: EUPL-1.2
"""From sentences to what a channel can show: numbered choices, pieces that fit, buttons or a list."""

from collections.abc import Sequence
from typing import Literal

from handlers.talk.answers import Choosable
from handlers.talk.limits import Limits
from handlers.talk.messages import Option
from handlers.talk.text import Reader, Text, _, shown

Shape = Literal["none", "buttons", "list", "numbers"]


def options_in_words(choosable: Sequence[Choosable], reader: Reader) -> tuple[Option, ...]:
    """Choices as this reader sees them, with a short form that fits every channel's button."""
    return tuple(
        Option(one.id, label, short(str(shown(one.short, reader)) if one.short is not None else label))
        for one in choosable
        if (label := str(shown(one.label, reader)))
    )


def numbered_under(words: str, options: Sequence[Option]) -> str:
    """Words with their choices below."""
    return f"{words}\n{numbered(options)}" if options else words


def way_out(options: Sequence[Option], *, takes_numbers: bool) -> Text | None:
    """How to leave, and how to reach a person, on every screen that does not show it already."""
    if "person" in {option.id for option in options}:
        return None
    if takes_numbers:
        return _("Write MENU for the menu, PERSON for a person.")
    return _("Write 0 for the menu, PERSON for a person.")


def numbered(options: Sequence[Option]) -> str:
    """The choices as lines of text, so that a number can always be typed."""
    return "\n".join(f"{number}. {option.label}" for number, option in enumerate(options, start=1))


def shape(options: Sequence[Option], limits: Limits) -> Shape:
    """How this channel can offer these choices beside the numbers in the text."""
    if not options:
        return "none"
    if len(options) <= limits.buttons:
        return "buttons"
    return "list" if len(options) <= limits.rows else "numbers"


def pieces(text: str, limits: Limits, *, with_options: bool) -> list[str]:
    """The text in pieces that fit: the last one carries the choices. Nothing is cut away."""
    if width(text) <= (limits.text_with_options if with_options else limits.text):
        return [text]
    head, tail = _parted(text, limits.text_with_options if with_options else limits.text)
    return [*pieces(head, limits, with_options=False), tail]


def width(text: str) -> int:
    """Length in UTF-16 units, as Telegram counts it; never less than the number of characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def short(label: str, most: int = 20) -> str:
    """Words for a button: whole words where they fit, and an ellipsis where they do not."""
    if width(label) <= most:
        return label
    cut = label
    while width(cut) > most - 1:
        cut = cut[:-1]
    whole = cut.rsplit(" ", 1)[0]
    return (whole if len(whole) > most // 2 else cut).rstrip(" ,.;:-–") + "…"


def _parted(text: str, room: int) -> tuple[str, str]:
    """The text in two, the second part as long as fits, parted at a blank line, a line, a word, or anywhere."""
    start = len(text)
    left = room
    while start and left >= width(text[start - 1]):
        start -= 1
        left -= width(text[start])
    for mark in ("\n\n", "\n", " "):
        at = text.find(mark, start)
        if 0 < at < len(text) - len(mark):
            return text[:at], text[at + len(mark) :]
    return text[:start], text[start:]
