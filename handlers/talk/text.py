# SPDX-License-Identifier: EUPL-1.2
"""Sentences that know how to be translated, and wait until we know for whom."""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from gettext import NullTranslations
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time

ROME = ZoneInfo("Europe/Rome")


@dataclass(frozen=True)
class Reader:
    """Whom we write for: a language, a zone, and the catalogue that goes with them."""

    language: str = "en"
    zone: ZoneInfo = ROME
    catalogue: NullTranslations = field(default_factory=NullTranslations)


@dataclass(frozen=True)
class Text:
    """A sentence not yet in words."""

    # A sentence is the same sentence when its words are: its values are not what a dictionary looks it up by.
    def __hash__(self) -> int:
        return hash((self.msgid, self.plural, self.context))

    msgid: str
    params: Mapping[str, Any] = field(default_factory=dict)
    plural: str | None = None
    count: int = 0
    context: str | None = None

    def render(self, reader: Reader) -> str:
        words = self._words(reader.catalogue)
        if not self.params:
            return words
        return _formatter.vformat(words, (), {name: shown(value, reader) for name, value in self.params.items()})

    def _words(self, catalogue: NullTranslations) -> str:
        if self.plural is not None:
            return catalogue.ngettext(self.msgid, self.plural, self.count)
        if self.context is not None:
            return catalogue.pgettext(self.context, self.msgid)
        return catalogue.gettext(self.msgid)


@dataclass(frozen=True)
class Lines:
    """Sentences and words one under the other."""

    parts: tuple[Any, ...]

    def render(self, reader: Reader) -> str:
        return "\n".join(words for part in self.parts if (words := shown(part, reader)))


@dataclass(frozen=True)
class Local:
    """Words that were written once per language, such as the title of a workshop."""

    words: Mapping[str, str]

    def render(self, reader: Reader) -> str:
        return self.words.get(reader.language) or self.words.get("it") or next(iter(self.words.values()), "")


@dataclass(frozen=True)
class Time:
    """Only the hour of a moment: 10:00."""

    at: datetime

    def render(self, reader: Reader) -> str:
        return format_time(self.at, "HH:mm", tzinfo=reader.zone, locale=locale_of(reader.language))


Words = Text | Lines | Local | Time | str


class _Plain(string.Formatter):
    """Names only: no attributes, no indexes, so that a sentence can never reach into an object."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        return kwargs[field_name], field_name


_formatter = _Plain()


def shown(value: Any, reader: Reader) -> Any:
    """A value as this reader expects to see it; moments in the reader's zone, dates in words."""
    match value:
        case Text() | Lines() | Local() | Time():
            return value.render(reader)
        case datetime():
            return _moment(value, reader)
        case date():
            return format_date(value, "d MMMM y", locale=locale_of(reader.language))
        case _:
            return str(value)


def _moment(at: datetime, reader: Reader) -> str:
    local = at.astimezone(reader.zone)
    hour = format_time(local, "HH:mm", tzinfo=reader.zone, locale=locale_of(reader.language))
    return p_("a day and an hour", "{day}, {hour}", day=day_in_words(local.date(), reader), hour=hour).render(reader)


def day_in_words(day: date, reader: Reader) -> str:
    """The weekday, the day and the month, all in words, in this language's own order: martedì 12 maggio."""
    return format_date(day, _day_pattern(reader.language), locale=locale_of(reader.language))


def locale_of(language: str) -> str:
    """Where a language is written as people here expect it: English puts the day before the month."""
    return "en_GB" if language == "en" else language.replace("-", "_")


@cache
def _day_pattern(language: str) -> str:
    # No language has a pattern for exactly these three in full, so the short one is widened, as ICU does.
    pattern = Locale.parse(locale_of(language)).datetime_skeletons["MMMEd"].pattern
    return re.sub(r"M{3,}", "MMMM", re.sub(r"E+|c+", "EEEE", pattern))


def _(msgid: str, /, **params: Any) -> Text:
    """A sentence."""
    return Text(msgid, params)


def n_(one: str, many: str, count: int, /, **params: Any) -> Text:
    """A sentence that depends on a number."""
    return Text(one, {"count": count} | params, plural=many, count=count)


def p_(context: str, msgid: str, /, **params: Any) -> Text:
    """A short word that needs a context to be translated, such as a button."""
    return Text(msgid, params, context=context)


def lines(*parts: Any) -> Lines:
    """Parts one under the other; what is empty, None or False takes no line."""
    return Lines(tuple(part for part in parts if part))
