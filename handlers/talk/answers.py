# SPDX-License-Identifier: EUPL-1.2
"""The kinds of answer a question accepts, and how each is read from what people write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Protocol

from babel.dates import get_day_names, get_month_names

import handlers.talk.comuni as comuni
import handlers.talk.phones as phones
import handlers.talk.reading as reading
from handlers.talk.catalogues import Catalogues
from handlers.talk.messages import Option
from handlers.talk.text import Text, Words, _, p_


class NotUnderstood(Exception):
    """The words do not answer the question; ``hint`` says, kindly, what would."""

    def __init__(self, hint: Text) -> None:
        super().__init__(hint.msgid)
        self.hint = hint


@dataclass(frozen=True)
class Choosable:
    """A choice before it is in words: its line, and a shorter form for its button where the line is long."""

    id: str
    label: Words
    short: Words | None = None
    words: Text | None = None  # other phrases that mean this choice, parted by commas


@dataclass(frozen=True)
class Said:
    """What a person did, beside what they had been shown."""

    text: str
    chosen: str | None  # the id of the choice they touched, or whose number they typed
    offered: Sequence[Option]
    catalogues: Catalogues
    today: date


class Answer(Protocol):
    takes_numbers: ClassVar[bool]

    @property
    def options(self) -> tuple[Choosable, ...]: ...

    def read(self, said: Said) -> Any:
        """The value. Raises NotUnderstood."""


@dataclass(frozen=True)
class Free:
    """What the answers that are written, not chosen, have in common."""

    takes_numbers: ClassVar[bool] = False
    options: tuple[Choosable, ...] = ()

    def chosen(self, said: Said) -> str | None:
        """The choice beside the free answer, if that is what was touched or written out."""
        return said.chosen or (worded(said, self.options) if self.options else None)


@dataclass(frozen=True)
class Sentence(Free):
    """A few words of the person's own."""

    most: int = 200

    def read(self, said: Said) -> str:
        if chosen := self.chosen(said):
            return chosen
        words = reading.words(said.text)
        if not any(letter.isalnum() for letter in words):
            raise NotUnderstood(_("Please write one or two words."))
        if len(words) > self.most:
            raise NotUnderstood(_("That is a bit long. Please write at most {most} letters.", most=self.most))
        return words


@dataclass(frozen=True)
class Note(Sentence):
    """A remark to be kept as it is: what it speaks of opens no door."""


@dataclass(frozen=True)
class Name(Free):
    """A first name, in any alphabet."""

    def read(self, said: Said) -> str:
        words = reading.words(said.text)
        if len(words) > 60 or len(words.split()) > 4:
            raise NotUnderstood(_("That is a bit long. The first name is enough."))
        if not reading.is_name(words):
            raise NotUnderstood(_("I did not understand the name. Please write only your first name."))
        return words


NOBODY = p_("words", "none, zero, nobody, no one, not one")


@dataclass(frozen=True)
class Number(Free):
    """A whole number; or the id of a choice, which is touched or written out: a number is always the answer."""

    takes_numbers: ClassVar[bool] = True
    least: int = 0
    most: int = 100

    def read(self, said: Said) -> int | str:
        if chosen := self.chosen(said):
            return chosen
        value = 0 if is_one_of(said, NOBODY) else reading.number(said.text)
        if value is None or not self.least <= value <= self.most:
            raise NotUnderstood(_("Please write a number from {least} to {most}.", least=self.least, most=self.most))
        return value


@dataclass(frozen=True)
class BirthYear(Free):
    """The year a person was born."""

    takes_numbers: ClassVar[bool] = True

    def read(self, said: Said) -> int:
        value = reading.birth_year(said.text, said.today)
        if value is None:
            raise NotUnderstood(_("I did not understand the year. Write it with four digits, for example 1987."))
        return value


@dataclass(frozen=True)
class Day(Free):
    """A day to come."""

    takes_numbers: ClassVar[bool] = True

    def read(self, said: Said) -> date:
        value = reading.day(said.text, said.today, *_calendar(said.catalogues))
        if value is None or value < said.today:
            raise NotUnderstood(_("I did not understand the day. Write it like 14 March, or 14/3."))
        return value


@dataclass(frozen=True)
class Comune(Free):
    """A comune, however it is spelled: the ones that may be meant, best first; or the id of a choice."""

    known: Callable[[], Sequence[comuni.Comune]] = tuple

    def read(self, said: Said) -> list[comuni.Comune] | str:
        if chosen := self.chosen(said):
            return chosen
        if len(said.text) <= 200 and (found := comuni.find(said.text, self.known())):
            return found
        raise NotUnderstood(
            _("I do not know this town: it may not be in our area. Write its full name, or choose the line below.")
        )


@dataclass(frozen=True)
class Phone(Free):
    """A telephone number, in the international form; or the id of a choice. Where the channel can, it may be shared."""

    def read(self, said: Said) -> str:
        if found := self.chosen(said) or phones.find(said.text):
            return found
        raise NotUnderstood(_("I cannot read this number. Write all its digits, for example 333 1234567."))


@dataclass(frozen=True)
class Choice:
    """One of several lines; by touch, by number, or by words."""

    options: tuple[Choosable, ...]
    takes_numbers: ClassVar[bool] = False

    def read(self, said: Said) -> str:
        chosen = said.chosen or worded(said, self.options) or _nearly(said)
        if chosen is None:
            raise NotUnderstood(_("I did not understand. Choose a number."))
        return chosen


@dataclass(frozen=True)
class YesNo:
    """Yes or no; nothing that is not clearly a yes counts as one."""

    takes_numbers: ClassVar[bool] = False

    @property
    def options(self) -> tuple[Choosable, ...]:
        return (
            Choosable("yes", p_("button", "Yes"), words=p_("words", "yes, y, ok, okay, sure, of course, yes please")),
            Choosable("no", p_("button", "No"), words=p_("words", "no, n, no thanks, no thank you, not now")),
        )

    def read(self, said: Said) -> bool:
        try:
            return Choice(self.options).read(said) == "yes"
        except NotUnderstood:
            raise NotUnderstood(_("I did not understand. Write 1 for yes or 2 for no.")) from None


def worded(said: Said, options: Sequence[Choosable]) -> str | None:
    """The choice whose label, or another phrase that means it, was written out."""
    for option in said.offered:
        if reading.same(said.text, option.label) or reading.same(said.text, option.short):
            return option.id
    return next((one.id for one in options if one.words and is_one_of(said, one.words)), None)


def is_one_of(said: Said, phrases: Text) -> bool:
    """Was one of these phrases written, in any language?"""
    return len(said.text) <= 60 and reading.key(said.text) in said.catalogues.phrases(phrases)


def _nearly(said: Said) -> str | None:
    """The one choice whose words contain what was written; None if there are several or none."""
    text = reading.folded(said.text) if len(said.text) <= 60 else ""
    found = [option.id for option in said.offered if len(text) >= 4 and text in reading.folded(option.label)]
    return found[0] if len(found) == 1 else None


def _calendar(catalogues: Catalogues) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """The names of months, weekdays (Monday is 0) and near days, in every language we speak."""
    months = {
        reading.folded(name): number
        for language in catalogues.languages
        for width in ("wide", "abbreviated")
        for number, name in get_month_names(width, locale=language).items()
    }
    weekdays = {
        reading.folded(name): number
        for language in catalogues.languages
        for number, name in get_day_names("wide", locale=language).items()
    }
    near = {0: p_("words", "today"), 1: p_("words", "tomorrow"), 2: p_("words", "the day after tomorrow")}
    return months, weekdays, {phrase: days for days, words in near.items() for phrase in catalogues.phrases(words)}
