# SPDX-License-Identifier: EUPL-1.2
"""Reads the catalogues of every language and says what is missing, broken, too long, or too hard to read."""

import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[1]
KEYWORDS = {"_": None, "n_": (1, 2), "p_": ((1, "c"), 2)}
WRITTEN_IN = [("**.py", "python"), ("**.html", "jinja2")]
BUTTON = 20  # letters: the tightest channel, WhatsApp's quick replies
WORDS_IN_A_SENTENCE = 15
NOT_SENTENCES = ("words", "the name of this language, in this language", "a day and an hour")


def main() -> int:
    found = [*problems()]
    for problem in found:
        print(problem)
    print(f"catalogues: {len(languages())} languages, {len(found)} problems")
    return bool(found)


def languages() -> list[str]:
    return sorted(path.parent.parent.name for path in ROOT.glob("locales/*/LC_MESSAGES/messages.po"))


def problems() -> Iterator[str]:
    wanted = in_the_code()
    for language in languages():
        path = ROOT / "locales" / language / "LC_MESSAGES" / "messages.po"
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        found = {key_of(message): message for message in catalogue if message.id}
        yield from (f"{language}: missing: {key}" for key in wanted - set(found))
        yield from (f"{language}: no longer said: {key}" for key in set(found) - wanted)
        for message in found.values():
            yield from (f"{language}: {trouble}: {message.id!r}" for trouble in troubles(message, catalogue))


def in_the_code() -> set[tuple[str | None, str]]:
    """Every sentence of the program, as Babel finds it."""
    return {
        (context, messages[0] if isinstance(messages, tuple) else messages)
        for folder in ("bot", "handlers")
        for _file, _line, messages, _comments, context in extract_from_dir(ROOT / folder, WRITTEN_IN, keywords=KEYWORDS)
    }


def key_of(message: Message) -> tuple[str | None, str]:
    return message.context, message.id[0] if isinstance(message.id, tuple | list) else message.id


def troubles(message: Message, catalogue: Catalog) -> Iterator[str]:
    forms = list(message.string) if isinstance(message.string, tuple | list) else [message.string]
    if not all(forms) or (isinstance(message.id, tuple | list) and len(forms) != catalogue.num_plurals):
        yield "a form is empty"
        return
    if message.fuzzy:
        yield "fuzzy"
    ids = list(message.id) if isinstance(message.id, tuple | list) else [message.id]
    allowed = set().union(*map(names, ids))
    if any(names(form) != allowed for form in forms):
        yield "not the same names in braces"
    if message.context == "button" and any(len(form) > BUTTON for form in forms):
        yield f"longer than a button, {BUTTON} letters"
    if message.context not in NOT_SENTENCES and catalogue.locale and catalogue.locale.language == "it":
        yield from (f"a sentence of {count} words" for form in forms for count in long_sentences(form))
    if "diversamente abil" in " ".join(forms).casefold():
        yield "say: persone con disabilità"


def names(sentence: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(sentence) if name is not None}


def long_sentences(text: str) -> Iterator[int]:
    for sentence in re.split(r"[.?!:]+(?:\s|$)", text):
        count = len(sentence.split())
        if count > WORDS_IN_A_SENTENCE:
            yield count


if __name__ == "__main__":
    sys.exit(main())
