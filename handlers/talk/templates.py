# SPDX-License-Identifier: EUPL-1.2
"""What may be said to somebody who has not written for a day: sentences that a network has approved beforehand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from handlers.talk.answers import Choosable
from handlers.talk.forms import FILLED, Described, Line
from handlers.talk.limits import WHATSAPP
from handlers.talk.messages import Option
from handlers.talk.rendering import numbered_under, options_in_words, short, way_out, width
from handlers.talk.text import Local, Reader, Text, _, shown

Category = Literal["utility", "marketing"]

GREETING = _("Hello, I write from the job desk.")  # nothing approved may begin with what changes
NOTHING = "—"  # what is filled in may not be empty
VALUE = 250  # letters; more is taken, and advised against
LEAST = 40  # letters; with less of it nobody knows what is meant
BUTTONS = 3
# What those who approve a template see in it.
SAMPLES: Mapping[str, Any] = {
    "name": "Amina",
    "title": Local({"it": "Scrivere il curriculum", "en": "Writing a CV"}),
    "when": datetime(2027, 3, 9, 9, 0, tzinfo=UTC),
    "where": "Sala Rossa, Via Roma 1, Ferrara",
    "link": "https://meet.example.org/sala-rossa",
    "until": datetime(2027, 3, 5, 17, 0, tzinfo=UTC),
    "before": datetime(2027, 3, 8, 9, 0, tzinfo=UTC),
    "next": datetime(2027, 3, 16, 9, 0, tzinfo=UTC),
    "day": date(2027, 4, 30),
}


@dataclass(frozen=True)
class Slot:
    """Where something stands that is filled in, by the name of what it is."""

    name: str

    def __str__(self) -> str:
        return f"{{{{{self.name}}}}}"


@dataclass(frozen=True)
class Template:
    """
    Sentences with slots, and the choices below them: they read as the moment itself would, on whatever day.

    ``buttons`` are the ids of the choices that have one; none are named: the first three. All can be answered by
    number.
    """

    name: str
    sentences: tuple[Text, ...]
    choices: tuple[Choosable, ...]
    buttons: tuple[str, ...] = ()
    category: Category = "utility"

    @property
    def slots(self) -> frozenset[str]:
        """What is filled in."""
        found = (value for sentence in self.sentences for value in sentence.params.values())
        return frozenset(value.name for value in found if isinstance(value, Slot))

    def options(self, reader: Reader) -> tuple[Option, ...]:
        return options_in_words(self.choices, reader)

    def described(self, reader: Reader) -> Described:
        """The form that is handed in for approval in this language."""
        options = self.options(reader)
        words = "\n".join(sentence.render(reader) for sentence in (GREETING, *self.sentences))
        out = way_out(options, takes_numbers=False)
        words = numbered_under(words, options) + (f"\n\n{out.render(reader)}" if out else "")
        slots = list(dict.fromkeys(FILLED.findall(words)))  # in the order of this language
        with_button = self.buttons or tuple(option.id for option in options[:BUTTONS])
        return Described(
            name=self.name,
            language=reader.language,
            kind="buttons",
            body=FILLED.sub(lambda found: str(Slot(str(slots.index(found[1]) + 1))), words),
            lines=tuple(Line(one.short, f"c{at}") for at, one in enumerate(options) if one.id in with_button),
            gaps={str(number): slot for number, slot in enumerate(slots, start=1)},
            samples={str(number): value(SAMPLES[slot], reader) for number, slot in enumerate(slots, start=1)},
            category=self.category,
        )


def value(words: Any, reader: Reader) -> str:
    """Something as it may be filled in: in one line, not too long, never empty."""
    flat = re.sub(r"\s+", " ", str(shown(words, reader))).strip()
    return (flat if _holds_link(flat) else short(flat, VALUE)) or NOTHING


def filled(form: Described, values: Mapping[str, str]) -> dict[str, str] | None:
    """What stands for {{1}}, {{2}} in this form, the longer words cut until all fits; None if it cannot be said."""
    found = {number: values.get(slot, "") for number, slot in form.gaps.items()}
    if not all(found.values()):
        return None
    for most in range(VALUE, LEAST, -10):
        found = {number: words if _holds_link(words) else short(words, most) for number, words in found.items()}
        if width(said(form, found)) <= WHATSAPP.text_with_options:
            return found
    return None


def said(form: Described, found: Mapping[str, str]) -> str:
    """The whole text as a person reads it."""
    return FILLED.sub(lambda gap: found[gap[1]], form.body)


def _holds_link(words: str) -> bool:
    """Half a link leads nowhere."""
    return "://" in words
