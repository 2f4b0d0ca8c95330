# SPDX-License-Identifier: EUPL-1.2
"""What says who somebody is, taken out of their words: names, numbers, addresses, documents."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

MASK = "●●●"
LEAST = 2  # letters of a name; one alone says nothing and stands everywhere

Span = tuple[int, int]

# Each of these is one thing. Where two of them meet, both are taken out.
_EMAIL = r"(?<![^\s@<>()\[\],;:])[^\s@<>()\[\],;:]+@[^\s@<>()\[\],;:]+\.\w+"
_KEY = r"(?<=/)[\w-]{20,}"  # the private end of a link, such as the one of an agenda
_FISCAL_CODE = (
    r"\b[A-Z]{3}\s?[A-Z]{3}\s?[0-9LMNPQRSTUV]{2}[A-EHLMPRST][0-9LMNPQRSTUV]{2}\s?[A-Z][0-9LMNPQRSTUV]{3}[A-Z]\b"
)
_IBAN = r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"
_CARD = r"\b[A-Z]{2}\s?\d{5}\s?[A-Z]{2}\b"  # an Italian identity card: CA12345AB
_NUMBER = r"\+?\(?\d(?:[\s./()-]{0,2}\d){5,}"  # six digits or more, however they are parted
_LONG_WORD = r"\b\w*\d{6}\w*\b"  # a passport, a residence permit: letters and many digits
_THINGS = re.compile("|".join((_EMAIL, _KEY, _FISCAL_CODE, _CARD, _NUMBER, _LONG_WORD)), re.IGNORECASE)
_ACCOUNT = re.compile(_IBAN, re.IGNORECASE)
_DIGITS_OF_AN_ACCOUNT = 8  # with fewer it is a few short words

_WORD = re.compile(r"[^\s.,;:!?¿¡()\[\]{}<>«»\"'’‘“”/\\|@#*_…،؛؟-]+")
# «Mi chiamo Amina Diallo»: whoever says so gives a name, also one that is not known yet.
_I_AM = re.compile(
    r"\b(?:mi chiamo|il mio nome (?:è|e'|e)|my name is|je m['’]appelle|mon nom est|me llamo|mi nombre es"
    r"|ich hei(?:ß|ss)e|numele meu este|mă numesc|ma numesc|أنا اسمي|اسمي)\s+",
    re.IGNORECASE,
)
_MOST_NAMES = 3  # words after it that may be a name


def masked(text: str, *, names: Collection[str] = ()) -> str:
    """The same words, with ●●● where something says who somebody is; ``names`` are those that are known."""
    return without(text, hidden(text, names=names))


def without(text: str, spans: Sequence[Span]) -> str:
    """A text with ●●● for each of these places, which are in order and do not meet."""
    return "".join(part for part, _is_marked in parts(text, spans, ()))


def parts(text: str, spans: Sequence[Span], marked: Sequence[Span]) -> list[tuple[str, bool]]:
    """A text with ●●● for ``spans``, in pieces: those that are to be marked and those that are not."""
    marks = [one for one in marked if not any(start < one[1] and one[0] < end for start, end in spans)]
    found: list[tuple[str, bool]] = []
    at = 0
    for start, end, is_marked in sorted([(*one, False) for one in spans] + [(*one, True) for one in marks]):
        found.append((text[at:start], False))
        found.append((text[start:end], True) if is_marked else (MASK, False))
        at = end
    return [part for part in [*found, (text[at:], False)] if part[0]]


def hidden(text: str, *, names: Collection[str] = ()) -> list[Span]:
    """From where to where something says who somebody is; in order, and no two of them meet."""
    spans = [found.span() for found in _THINGS.finditer(text)]
    spans += [found.span() for found in _ACCOUNT.finditer(text) if _digits(found[0]) >= _DIGITS_OF_AN_ACCOUNT]
    spans += _introduced(text)
    if names:
        spans += _named(text, names)
    return _joined(spans)


def _named(text: str, names: Collection[str]) -> Iterator[Span]:
    """Where a name stands, in whatever way it is written; where words are not parted, also inside of them."""
    known = {_folded(part[0]) for name in names for part in _WORD.finditer(name) if len(part[0]) >= LEAST}
    unparted = [name for name in known if ord(name[0]) >= 0x0E00]
    for word in _WORD.finditer(text):
        if _folded(word[0]) in known:
            yield word.span()
        for name in unparted:
            for found in re.finditer(re.escape(name), word[0]):
                yield word.start() + found.start(), word.start() + found.end()


def _introduced(text: str) -> Iterator[Span]:
    """The first word after «my name is», and the next ones as long as they are written large."""
    for found in _I_AM.finditer(text):
        end = found.end()
        for number, word in enumerate(islice(_WORD.finditer(text, end), _MOST_NAMES)):
            is_apart = bool(set(".,;:!?\n") & set(text[end : word.start()]))
            if is_apart or (number and not word[0][0].isupper()):
                break
            yield word.span()
            end = word.end()


def _joined(spans: Collection[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _folded(word: str) -> str:
    bare = unicodedata.normalize("NFKD", word)
    return "".join(sign for sign in bare if not unicodedata.combining(sign)).casefold()


def _digits(words: str) -> int:
    return sum(sign.isdigit() for sign in words)
