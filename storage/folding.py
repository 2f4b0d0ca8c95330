# SPDX-License-Identifier: EUPL-1.2
"""What counts of a word when somebody looks for it: no capitals, no accents; and where such words stand in a text."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

LONGEST = 40  # signs of a word that count; nobody writes longer ones to find them again


class _Folding(dict[int, str]):
    """What becomes of each sign: letters and digits small and bare, nothing of accents, a space of all that parts."""

    def __missing__(self, code: int) -> str:
        self[code] = found = "".join(map(_bare, unicodedata.normalize("NFKD", chr(code)).casefold()))
        return found


def _bare(sign: str) -> str:
    kind = unicodedata.category(sign)
    # Vowel signs of the Indian scripts are marks too, but of class 0: they are letters, and stay.
    if unicodedata.combining(sign) or kind in ("Cf", "Me"):
        return ""
    return sign if kind[0] in "LNM" else " "


class _Even(dict[int, str]):
    """The same for signs that become one sign each; of the others a mark that stands in no text."""

    def __missing__(self, code: int) -> str:
        one = _folding[code]
        self[code] = found = one if len(one) == 1 else ODD
        return found


ODD = "\ufffe"
_folding, _even = _Folding(), _Even()


def words(text: str) -> list[str]:
    """The words of a text in their order, folded."""
    return [word[:LONGEST] for word in text.translate(_folding).split()]


def places(text: str) -> Iterator[tuple[str, int, int]]:
    """Every word of a text, folded, with where it begins and ends in the text as it was written."""
    word, start, end = "", 0, 0
    for place, sign in enumerate(text):
        for letter in _folding[ord(sign)]:
            if letter != " ":
                start, end, word = (start if word else place), place, word + letter
            elif word:
                yield word[:LONGEST], start, _with_marks(text, end)
                word = ""
    if word:
        yield word[:LONGEST], start, _with_marks(text, end)


def _with_marks(text: str, last: int) -> int:
    """Where a word ends whose last letter stands here: an accent of its own belongs to it."""
    end = last + 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end


def found(text: str, sought: tuple[str, ...], is_unfinished: bool) -> Iterator[tuple[int, int, int]]:
    """Which of the words stand in a text, from where to where; the last of them may only be the beginning of one."""
    pattern, even = _pattern(sought, is_unfinished), text.translate(_even)
    if ODD not in even:  # nearly always: then every sign stands where it stood
        yield from ((one.lastindex or 0, one.start(), one.end()) for one in pattern.finditer(even))
        return
    for word, start, end in places(text):
        if one := pattern.fullmatch(word):
            yield one.lastindex or 0, start, end


@lru_cache(maxsize=100)
def _pattern(sought: tuple[str, ...], is_unfinished: bool) -> re.Pattern[str]:
    """A group for each word; signs of a text have become letters and blanks by then."""
    last = len(sought) - 1
    begins = [len(word) == LONGEST or (is_unfinished and place == last) for place, word in enumerate(sought)]
    groups = (f"({re.escape(word)}{'[^ ]*' if more else ''})" for word, more in zip(sought, begins, strict=True))
    return re.compile(f"(?<![^ ])(?:{'|'.join(groups)})(?![^ ])")
