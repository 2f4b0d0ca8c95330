# SPDX-License-Identifier: EUPL-1.2
"""Which comune somebody means, however they spell it and whatever they write around it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import chain, combinations, pairwise

from rapidfuzz import fuzz, process

from handlers.talk.reading import folded

MOST = 5  # candidates: what a person can choose from at a glance
FARTHEST = 200  # characters of a message that are looked at
MOST_WORDS = 30  # of those, so that a look-up stays well under a millisecond
LONGEST = 5  # words of a name, the small ones not counted
LEAST = 3  # letters: "s" and "bo" name nothing
SURE = 6  # letters that mean one town even from the middle of its name, or misspelled: "persiceto", but not "cento"
LIKE, LIKE_A_WORD = 90, 85  # likeness out of 100 of what counts as the same word, misspelled
BEGUN = 5  # letters of an unfinished word that are not yet another town: "bari" is not Baricella


def _each(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What is left out of a name without making it another one.
SMALL = _each("d de dei del dell della delle di in nel nell")
SAINTS = _each("s ss san sant santa santo st")
# Half of Italy is called like this: in a sentence these words alone name no place.
COMMON = _each("alto borgo castel castello castiglione monte pieve sala san sasso val villa")
# A province is called like its chief town: "Casalecchio, Bologna" is one place, not two.
CHIEF = _each("bologna torino milano bo to")
PROVINCE = _each("provincia province prov metropolitana")
# "Vicino a Bologna", "non abito a Bologna" and "via Bologna" do not say where somebody lives.
ELSEWHERE = _each(
    """
    corso fuori largo lontano non piazza via viale vicina vicino vicolo
    near not outside aproape cerca langa loin pres
    """
)
# Words that part a place from the rest of a sentence, in the languages people write to us.
AROUND = _each(
    """
    a abita abitante abitiamo abito ad adesso al alla anche attualmente casa centro che chiama ciao citta comune con
    da dal dalla domicilio dove e ed frazione grazie ho i il io italia l la le lo ma mi mia mio nata nato o oggi
    oppure ora paese per periferia presso qui residente residenza risiedo sempre si siamo sono sta stiamo sto su sua
    suo tutti un una vado vengo vive viviamo vivo zona
    am and area at by centre center city come currently from hello here house is live lives living me my name now of
    or place please resident stay the town village we with
    chez ciudad en eu habite j je locuiesc oras orasul soy stau suis sunt ville yo
    """
).union(ELSEWHERE, PROVINCE)
APOSTROPHES = re.compile("['’‘ʼ`´′＇]")
WORD_OR_BREAK = re.compile(r"\w+|[,;:!?()\[\]/\n–—]")
ONE_LETTER_FOR_ANOTHER = str.maketrans("kqwyjx", "ccviis", "h")
DOUBLED = re.compile(r"(.)\1+")


@dataclass(frozen=True)
class Comune:
    """A town: its ISTAT code, its name, where it belongs, and other names people still use for it."""

    istat: str
    name: str
    union: str = ""
    area: str = ""
    also: tuple[str, ...] = ()


def find(text: str, comuni: Sequence[Comune]) -> list[Comune]:
    """
    The comuni a text may mean, best first: one when it is certain, two to five when it is not, none when it names none.

    Case, accents, apostrophes, abbreviations (S., Sant', "in P."), half names, small spelling mistakes and foreign
    spellings are forgiven. A town that is not on the list is never taken for one that only sounds a little like it.
    """
    atlas = _atlas(tuple(comuni))
    phrases = list(_phrases(text[:FARTHEST])) if len(folded(text)) >= LEAST else []
    for look in (_written, _misspelled, _begun):
        found = [hit for phrase in phrases for hit in look(phrase, atlas)]
        if found:
            return _meant(found)
    return []


class Part(IntEnum):
    """How much of a name somebody wrote; the first is the surest."""

    WHOLE = 0
    START = 1
    INSIDE = 2


@dataclass(frozen=True)
class Way:
    """One way to write a comune: some words of its name, in a row."""

    comune: Comune
    part: Part
    words: tuple[str, ...]

    @property
    def is_common(self) -> bool:
        """Whether it has only words that half of Italy is called."""
        return COMMON.issuperset(self.words)

    @property
    def has_common(self) -> bool:
        return not COMMON.isdisjoint(self.words)


@dataclass(frozen=True)
class Atlas:
    """All the ways to write the comuni, by their letters; and those a misspelling may come from, by their initial."""

    ways: Mapping[str, tuple[Way, ...]]
    by_initial: Mapping[str, tuple[str, ...]]
    whole: tuple[Way, ...]


@dataclass(frozen=True)
class Phrase:
    """Words in a row that may hold a name, and what was written between them and the phrase before."""

    words: tuple[str, ...]
    before: tuple[str, ...]
    position: int
    is_all: bool

    def windows(self) -> Iterator[tuple[int, int]]:
        """Every run of words, as where it starts and where it ends, the longest first."""
        runs = combinations(range(len(self.words) + 1), 2)
        return iter(sorted((run for run in runs if run[1] - run[0] <= LONGEST), key=lambda run: run[0] - run[1]))

    def letters(self, start: int, end: int) -> str:
        return "".join(self.words[start:end])

    def is_covered(self, start: int, end: int) -> bool:
        """Whether nothing else is said in this phrase, save the province."""
        return CHIEF.issuperset(self.words[:start] + self.words[end:])


@dataclass(frozen=True)
class Hit:
    """Comuni that some words of a phrase may mean, best first."""

    comuni: tuple[Comune, ...]
    phrase: Phrase
    start: int
    end: int

    @property
    def is_elsewhere(self) -> bool:
        return self.start == 0 and not ELSEWHERE.isdisjoint(self.phrase.before)

    @property
    def is_a_province(self) -> bool:
        return self.start == 0 and not PROVINCE.isdisjoint(self.phrase.before)

    def is_chief_town_of(self, other: "Hit") -> bool:
        """Whether it stands right behind another place, as a province does."""
        if not CHIEF.issuperset(self.phrase.words[self.start : self.end]):
            return False
        if self.phrase is other.phrase:
            return self.start == other.end
        at_the_edges = self.start == 0 and other.end == len(other.phrase.words)
        follows = self.phrase.position == other.phrase.position + 1 and {","}.issuperset(self.phrase.before)
        return at_the_edges and follows


def _phrases(text: str) -> Iterator[Phrase]:
    found = list(_runs(_said(text)))
    for position, (before, words) in enumerate(found):
        yield Phrase(words, before, position, is_all=len(found) == 1)


def _runs(said: Iterable[str]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What stands between names, and the words that may be one, in turns."""
    before: list[str] = []
    words: list[str] = []
    for word in (*said, ","):
        if word not in AROUND and word != ",":
            words += [] if word in SMALL else [word]
            continue
        if words:
            yield tuple(before), tuple(words)
            before, words = [], []
        before.append(word)


def _said(text: str) -> list[str]:
    """The words of a text, folded, saints in one spelling; a comma for every sign or number that parts them."""
    found = WORD_OR_BREAK.findall(APOSTROPHES.sub(" ", text))
    words = [_plain(word) for word in found[:MOST_WORDS]]
    return [_saint(*pair) for pair in pairwise([*words, ","])]


def _saint(word: str, following: str) -> str:
    # At the end "s." is the Savena of San Lazzaro.
    is_saint = word in SAINTS and (len(word) > 2 or following != ",")
    return "san" if is_saint else word


def _plain(word: str) -> str:
    plain = folded(word)
    return plain if plain.isalpha() else ","


def _sound(letters: str) -> str:
    """Letters as they sound, so that "bolonya", "colegno" and "kasalecchio" are right at once."""
    letters = letters.replace("gn", "ni").replace("gli", "li").replace("ph", "f")
    return DOUBLED.sub(r"\1", letters.translate(ONE_LETTER_FOR_ANOTHER))


# Only our own names are kept in memory, never what people write.
@lru_cache(maxsize=4096)
def _sound_of_name(name: str) -> str:
    return _sound(name)


@lru_cache(maxsize=16)
def _atlas(comuni: tuple[Comune, ...]) -> Atlas:
    ways: dict[str, list[Way]] = defaultdict(list)
    for way in chain.from_iterable(map(_ways, comuni)):
        for letters in _spellings("".join(way.words)):
            ways[letters].append(way)
    best_first = {letters: tuple(sorted(some, key=_order)) for letters, some in ways.items()}
    whole = {way for some in ways.values() for way in some if way.part is Part.WHOLE}
    return Atlas(best_first, _by_initial(best_first), tuple(sorted(whole, key=_order)))


def _ways(comune: Comune) -> Iterator[Way]:
    for name in (comune.name, *comune.also):
        said = tuple(word for word in _said(name) if word != ",")
        words = tuple(word for word in said if word not in SMALL)
        if words != said:
            yield Way(comune, Part.WHOLE, ("".join(said),))
        for start, end in combinations(range(len(words) + 1), 2):
            part = Part.INSIDE if start else Part.START if end < len(words) else Part.WHOLE
            yield Way(comune, part, words[start:end])


def _spellings(letters: str) -> tuple[str, ...]:
    """As it is written, and as it sounds if that is something else."""
    return tuple(dict.fromkeys((letters, _sound(letters))))


def _order(way: Way) -> tuple[int, str]:
    return way.part, way.comune.name


def _by_initial(ways: Mapping[str, tuple[Way, ...]]) -> dict[str, tuple[str, ...]]:
    initials: dict[str, list[str]] = defaultdict(list)
    for letters, some in ways.items():
        if some[0].part <= Part.START and not some[0].is_common:
            initials[letters[:1]].append(letters)
    return {initial: tuple(letters) for initial, letters in initials.items()}


def _written(phrase: Phrase, atlas: Atlas) -> list[Hit]:
    """The names and parts of names that are spelled as they sound; of two that overlap, the longer."""
    hits: list[Hit] = []
    for start, end in phrase.windows():
        ways = next((atlas.ways[it] for it in _spellings(phrase.letters(start, end)) if it in atlas.ways), ())
        if ways and _is_clear(ways, phrase, start, end) and not _overlaps(hits, start, end):
            hits.append(Hit(_comuni_of(ways) + _longer_ones(ways, phrase, atlas), phrase, start, end))
    return hits


def _is_clear(ways: Sequence[Way], phrase: Phrase, start: int, end: int) -> bool:
    """Whether so much of a name says which it is, among the other words around it."""
    best, is_covered = ways[0], phrase.is_covered(start, end)
    if best.part is Part.WHOLE:
        return True
    if best.part is Part.INSIDE and len(ways) == 1 and len("".join(best.words)) < SURE:
        return False
    if best.part is Part.INSIDE or best.is_common:
        return is_covered and phrase.is_all
    # "San Giovanni Valdarno" is not ours, though "San Giovanni" is: with a common word, nothing may be left over.
    return is_covered or not best.has_common


def _comuni_of(ways: Sequence[Way]) -> tuple[Comune, ...]:
    whole = [way.comune for way in ways if way.part is Part.WHOLE]
    return tuple(dict.fromkeys(whole or [way.comune for way in ways]))


def _longer_ones(ways: Sequence[Way], phrase: Phrase, atlas: Atlas) -> tuple[Comune, ...]:
    """Who only wrote "monte" may have begun to write Monterenzio."""
    may_go_on = phrase.is_all and ways[0].part is not Part.WHOLE
    return tuple(_starting_with("".join(phrase.words), atlas)) if may_go_on else ()


def _misspelled(phrase: Phrase, atlas: Atlas) -> list[Hit]:
    """The one name nearest to what was written, if it is near enough."""
    near = [
        (likeness, Hit(_comuni_of(ways), phrase, start, end))
        for start, end in phrase.windows()
        for ways, likeness in _closest(phrase.letters(start, end), atlas)
        # A word more is another town: San Benedetto Po.
        if end - start <= len(ways[0].words) and _is_clear(ways, phrase, start, end)
    ]
    return [max(near, key=lambda pair: pair[0])[1]] if near else []


def _closest(letters: str, atlas: Atlas) -> Iterator[tuple[tuple[Way, ...], float]]:
    """The ways most like these letters as they are written, and as they sound, with their likeness out of 100."""
    for spelling, enough in ((letters, _enough(letters)), (_sound(letters), LIKE)):
        # The first letter is hardly ever wrong, and tells Bologna from Polonia, Rivoli from Tivoli.
        candidates = atlas.by_initial.get(spelling[:1], ()) if len(spelling) >= SURE else ()
        if found := process.extractOne(spelling, candidates, scorer=fuzz.ratio, score_cutoff=enough):
            yield atlas.ways[found[0]], found[1]


def _enough(letters: str) -> float:
    """
    How alike two spellings must be.

    A short word becomes another town by one letter (Romano, Rodano), a long one by two (Casalmaggiore).
    """
    return LIKE_A_WORD if 7 <= len(letters) <= 9 else LIKE


def _begun(phrase: Phrase, atlas: Atlas) -> list[Hit]:
    """Names that were not written to the end: "s. giovanni in p.", "casalec", "cast. maggiore"."""
    letters = "".join(phrase.words)
    if len(letters) < BEGUN or letters in COMMON or not (phrase.is_all or len(phrase.words) > 1):
        return []
    begun = (*_starting_with(letters, atlas), *_abbreviated(phrase.words, atlas))
    # "Piano" may be Pianoro, but San Giorgio di Piano as well.
    others = _comuni_of(atlas.ways.get(letters, ()))
    return [Hit(begun + others, phrase, 0, len(phrase.words))] if begun else []


def _starting_with(letters: str, atlas: Atlas) -> list[Comune]:
    begins = _beginning(letters)
    return [way.comune for way in atlas.whole if begins("".join(way.words))]


def _abbreviated(words: Sequence[str], atlas: Atlas) -> list[Comune]:
    if not 2 <= len(words) <= LONGEST or max(map(len, words)) < 4:
        return []
    tests = [_beginning(word) for word in words]
    long_enough = [way for way in atlas.whole if len(way.words) >= len(words)]
    return [
        way.comune for way in long_enough if all(begins(name) for begins, name in zip(tests, way.words, strict=False))
    ]


def _beginning(letters: str) -> Callable[[str], bool]:
    """A test for what begins with these letters, or sounds as if it did."""
    sound = _sound(letters)
    # "Ahahah" sounds like "a", with which many names begin.
    is_enough = len(sound) >= LEAST
    return lambda name: name.startswith(letters) or (is_enough and _sound_of_name(name).startswith(sound))


def _overlaps(hits: Iterable[Hit], start: int, end: int) -> bool:
    return any(start < hit.end and hit.start < end for hit in hits)


def _meant(hits: list[Hit]) -> list[Comune]:
    """The places named, without those somebody does not live in and the provinces of the others."""
    here = sorted((hit for hit in hits if not hit.is_elsewhere), key=lambda hit: (hit.phrase.position, hit.start))
    here = [hit for hit in here if not hit.is_a_province] or here
    here = here[:1] + [hit for before, hit in pairwise(here) if not hit.is_chief_town_of(before)]
    return list(dict.fromkeys(comune for hit in here for comune in hit.comuni))[:MOST]
