# SPDX-License-Identifier: EUPL-1.2
"""A text in small letters without accents, for looking words up in it, that still knows where each letter came from."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

APOSTROPHES = dict.fromkeys(map(ord, "’‘‛ʼʹʻ`´′＇"), "'")
PARTS_WORDS = dict.fromkeys(map(ord, "_\u00a0\t\r"), " ")
ACCENTED = {code: parts[0] for code in range(0xC0, 0x180) if len(parts := unicodedata.normalize("NFD", chr(code))) == 2}
ONE_FOR_ONE = APOSTROPHES | PARTS_WORDS | ACCENTED


@dataclass(frozen=True)
class Plain:
    """The plain letters, for each the place it has in the original, and where that ends."""

    text: str
    places: list[int] | range

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a run of plain letters stands in the original."""
        return self.places[start], self.places[end]


def plain(text: str) -> Plain:
    """Small letters, no accents, one kind of apostrophe, one space between words; what cannot be seen is left out."""
    text = text.translate(ONE_FOR_ONE)
    if text.isascii() and "  " not in text:
        return Plain(text.lower(), range(len(text) + 1))
    letters: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        for part in unicodedata.normalize("NFKD", sign).casefold():
            if is_seen(part) and not (part == " " == "".join(letters[-1:])):
                letters.append(part)
                places.append(place)
    return Plain("".join(letters), [*places, len(text)])


def is_seen(sign: str) -> bool:
    return sign == "\n" or not (unicodedata.combining(sign) or unicodedata.category(sign) in ("Cf", "Cc"))


def any_of(listed: str, pieces: Mapping[str, str] | None = None) -> re.Pattern[str]:
    """
    Finds any of these phrases, as whole words. One stands on a line, or several parted by " | ".

    They are regular expressions over plain letters; <name> stands for a piece that several of them share.
    """
    phrases = [one.strip() for line in listed.splitlines() for one in line.split(" | ") if one.strip()]
    pattern = "|".join(_by_first_letter(sorted(phrases, key=len, reverse=True)))
    for name, piece in (pieces or {}).items():
        pattern = pattern.replace(f"<{name}>", piece)
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")


def _by_first_letter(phrases: list[str]) -> Iterator[str]:
    """Phrases that begin with the same letter, as one: of hundreds only a few are then tried at each word."""
    groups: dict[str, list[str]] = {}
    for phrase in phrases:
        groups.setdefault(phrase[0] if phrase[0].isalpha() and phrase[1:2] not in "?*+{" else "", []).append(phrase)
    for letter, group in groups.items():
        yield from [f"{letter}(?:{'|'.join(phrase[1:] for phrase in group)})"] if letter else group
