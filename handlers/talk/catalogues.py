# SPDX-License-Identifier: EUPL-1.2
"""The words of each language: a language is a folder under locales/."""

import io
from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from handlers.talk.reading import key
from handlers.talk.text import Reader, Text

FOLDER = Path(__file__).resolve().parents[2] / "locales"


class Catalogues:
    """Readers by language. A language nobody has translated is read in the default one."""

    def __init__(self, folder: Path = FOLDER, default: str = "it") -> None:
        self.folder, self.default = folder, default
        self.languages = sorted(path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/messages.po"))
        self._readers = {language: Reader(language, catalogue=_read(folder, language)) for language in self.languages}
        self._phrases: dict[Text, dict[str, str]] = {}
        self._lookups: dict[int, dict[str, str]] = {}

    def reader(self, language: str) -> Reader:
        return self._readers.get(language) or self._readers.get(language.split("-")[0]) or self._readers[self.default]

    def readers(self) -> list[Reader]:
        return list(self._readers.values())

    def phrases(self, words: Text) -> dict[str, str]:
        """The phrases of a comma-separated sentence in every language, folded → the language they belong to."""
        if words not in self._phrases:
            self._phrases[words] = {
                key(phrase): reader.language for reader in self.readers() for phrase in words.render(reader).split(",")
            }
        return self._phrases[words]

    def lookup(self, words: Mapping[str, Text]) -> dict[str, str]:
        """All phrases of several sentences at once: a folded phrase → the name of its sentence; the first one wins."""
        found = self._lookups.get(id(words))
        if found is None:
            pairs = [(phrase, name) for name, text in words.items() for phrase in self.phrases(text)]
            found = self._lookups[id(words)] = dict(reversed(pairs))
        return found


@cache
def _read(folder: Path, language: str) -> NullTranslations:
    with (folder / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
