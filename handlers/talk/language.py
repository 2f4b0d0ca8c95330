# SPDX-License-Identifier: EUPL-1.2
"""Which language somebody writes to us in, from how they greet us and from the alphabet they use."""

import re
from collections.abc import Sequence

from handlers.talk.reading import folded

FARTHEST = 300  # characters of a message that are looked at
GREETING, ORDINARY = 3, 1  # how much a greeting and an ordinary word say about a language


def _each(words: str) -> frozenset[str]:
    return frozenset(words.split())


GREETINGS = {
    "it": _each("ciao buongiorno buonasera buonpomeriggio salve grazie aiuto piacere arrivederci"),
    "en": _each("hello hi thanks thank please morning evening afternoon greetings goodbye bye"),
    "ro": _each("buna salutare salut multumesc ajutor neata noroc"),
    "es": _each("hola buenos buenas gracias ayuda saludos"),
    "fr": _each("bonjour bonsoir salut merci coucou aide"),
    "uk": _each("привіт вітаю добрии добридень дякую доброго"),
    "ru": _each("привет здравствуите спасибо здрасте"),
    "ar": _each("مرحبا اهلا شكرا عليكم صباح مساء"),
    "ur": _each("سلام شکریہ خوش آداب ہیلو علیکم"),
}
# Words that are frequent in one of these languages and in no other, nor in the names of our programmes.
WORDS = {
    "it": _each(
        """
        abito anche anni avere cerco che chi cosa della devo dove essere faccio gli ho il lavorare lavoro mia mio
        nella non perche perso posso quando quanto questo sei sono voglio vorrei
        """
    ),
    "en": _each(
        """
        about and are can could do does english find for from have help how looking lost my need of the this to want
        what when where with would you your am im
        """
    ),
    "ro": _each("ajuta caut cum locuiesc lucru munca nu pentru sunt unde vreau loc limba romana"),
    "es": _each("busco como donde el empleo espanol estoy necesito para puedo que quiero soy tengo trabajo vivo y yo"),
    "fr": _each("aider besoin cherche comment dans emploi est francais habite je les mon ou pour suis travail vous"),
}
# Arabic letters that only Urdu uses, Cyrillic ones that only Ukrainian or only Russian does.
SIGNS = (
    ("ur", re.compile("[ٹڈڑںےہھۓ]")),
    ("fa", re.compile("[پچژگ]")),
    ("ar", re.compile("[\u0620-\u064a]")),
    ("uk", re.compile("[іїєґ]", re.IGNORECASE)),
    ("ru", re.compile("[ыэъё]", re.IGNORECASE)),
    ("uk", re.compile("[\u0400-\u04ff]")),
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
)


def guess(text: str, hint: str | None, known: Sequence[str]) -> str | None:
    """
    The language to answer in, one of ``known``; None when nothing tells.

    What is written counts first, then ``hint``, the language of the phone or app ("it-IT", "en"): somebody who writes
    "hello" on an Italian phone wants English. A language we do not speak is never answered with another guess than
    the hint.
    """
    hinted = _hinted(hint, known)
    written = [language for language in _written(text[:FARTHEST]) if language in known]
    if hinted in written or not written:
        return hinted
    return written[0] if len(written) == 1 else None


def _hinted(hint: str | None, known: Sequence[str]) -> str | None:
    spelled = (hint or "").replace("_", "-").lower()
    return next((language for language in (spelled, spelled.split("-")[0]) if language in known), None)


def _written(text: str) -> list[str]:
    """The languages a text may be in: those with the most words in it, or else the one of its alphabet."""
    said = folded(text).split()
    scores = {language: _score(said, language) for language in GREETINGS}
    best = max(scores.values())
    if best:
        return [language for language, score in scores.items() if score == best]
    return [language for language, sign in SIGNS if sign.search(text)][:1]


def _score(said: Sequence[str], language: str) -> int:
    greetings = sum(GREETING for word in said if word in GREETINGS[language])
    return greetings + sum(ORDINARY for word in said if word in WORDS.get(language, ()))
