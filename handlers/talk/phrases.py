# SPDX-License-Identifier: EUPL-1.2
"""Which question of ours somebody is asking, in their own words."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA, Hamming

from handlers.talk.reading import folded

FARTHEST = 300  # characters of a message that are looked at
SHORT = 4  # letters of a keyword that are too few to mean something in a long sentence
FEW = 4  # words of a message in which even a short keyword counts
FORGIVEN = 8  # letters from which a phrase may be misspelled
ROOMY = 3  # words from which a phrase may have another word inside: "ho perso il (mio) lavoro"

DRAWN_OUT = re.compile(r"(\w)\1{2,}")
ELIDED = re.compile(r"\b([ld]|all|dall|dell|nell|sull) (?=[aeiou])")  # "l azienda", as "l'azienda" is when folded
END_OF_SENTENCE = re.compile(r"[.,;:!?…]+")


@dataclass(frozen=True)
class Entry:
    """A question with an answer, and the phrases people ask it with, in any language."""

    id: str
    keywords: tuple[str, ...]


def find(text: str, entries: Iterable[Entry]) -> str | None:
    """
    The id of the entry one of whose phrases is in the text, or None. The longest phrase wins.

    A phrase is found as whole words, whatever the case, accents and punctuation. From 8 letters on a word may be a
    little misspelled; from 3 words on another word may stand inside. One short word counts only in a short message.
    """
    sentences = [words for words in map(_words, END_OF_SENTENCE.split(text[:FARTHEST])) if words]
    said = sum(map(len, sentences))
    found = [
        (len("".join(phrase)), entry.id)
        for entry in entries
        for phrase in map(_phrase, entry.keywords)
        if phrase and _counts(phrase, said) and any(_is_in(words, phrase) for words in sentences)
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


# Only our own phrases are kept in memory, never what people write.
@lru_cache(maxsize=4096)
def _phrase(keyword: str) -> tuple[str, ...]:
    return _words(keyword)


def _words(text: str) -> tuple[str, ...]:
    plain = folded(DRAWN_OUT.sub(r"\1", text))
    return tuple(ELIDED.sub(r"\1", plain).split())


def _counts(phrase: Sequence[str], said: int) -> bool:
    return len(phrase) > 1 or len(phrase[0]) > SHORT or said <= FEW


def _is_in(words: Sequence[str], phrase: Sequence[str]) -> bool:
    forgiving = len("".join(phrase)) >= FORGIVEN
    return any(
        all(_same(word, said, forgiving) for word, said in zip(phrase, run, strict=True))
        for run in _runs(words, len(phrase))
    )


def _runs(words: Sequence[str], length: int) -> Iterator[Sequence[str]]:
    """Every run of so many words; for long ones also those with one word left out inside."""
    for start in range(len(words) - length + 1):
        yield words[start : start + length]
        if length >= ROOMY and start + length < len(words):
            yield from (
                (*words[start:gap], *words[gap + 1 : start + length + 1]) for gap in range(start + 1, start + length)
            )


def _same(word: str, said: str, forgiving: bool) -> bool:
    """
    Whether two words are the same but for a slip.

    Short words must be exact. In one of five letters only a letter may be another, so that "ho preso il lavoro" (I took
    the job) is not "ho perso il lavoro" (I lost it).
    """
    if word == said or not forgiving or word[0] != said[0] or len(word) < 5:
        return word == said
    if len(word) == 5:
        return len(said) == 5 and Hamming.distance(word, said) <= 1
    return OSA.distance(word, said, score_cutoff=2) <= (1 if len(word) < 9 else 2)
