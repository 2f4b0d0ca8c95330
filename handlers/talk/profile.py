# SPDX-License-Identifier: EUPL-1.2
"""The questions about who somebody is: asked when they sign up, and again when they correct an answer."""

from collections.abc import Callable, Iterable, Sequence

from handlers.talk.answers import BirthYear, Choice, Choosable, Comune, Name, Sentence, YesNo
from handlers.talk.comuni import Comune as Town
from handlers.talk.conversation import Question
from handlers.talk.text import _, p_

Known = Callable[[], Sequence[Town]]

ELSEWHERE = Choosable("elsewhere", _("My town is not there"), p_("button", "Not there"))
UNSURE = Choosable("unsure", _("I do not know yet"), words=p_("words", "i don't know, don't know, not sure"))
LEVELS = {
    "A1": p_("Italian level", "A little"),
    "A2": p_("Italian level", "So so"),
    "B1": p_("Italian level", "Well"),
    "native": p_("Italian level", "It is my language"),
}


def birth_year() -> Question:
    return Question(_("What year were you born? For example: 1987."), BirthYear())


def of_age() -> Question:
    """For those who turn 18 this year: the year alone does not say."""
    return Question(_("Are you 18 already?"), YesNo())


def first_name() -> Question:
    return Question(_("What is your name? The first name is enough."), Name())


def comune(name: str | None, known: Known) -> Question:
    return Question(_("{name}, which town do you live in? Write its name.", name=name), Comune((ELSEWHERE,), known))


def which_comune(may_be: Iterable[tuple[str, str]], known: Known) -> Question:
    """One of several towns, each with its number and its name."""
    shown = (*(Choosable(istat, name) for istat, name in may_be), ELSEWHERE)
    return Question(_("Which one is it? If it is not there, write its full name."), Comune(shown, known))


def goal() -> Question:
    return Question(_("What job do you look for? Write one or two words."), Sentence((UNSURE,), most=80))


def italian_level() -> Question:
    levels = tuple(Choosable(level, words) for level, words in LEVELS.items())
    return Question(_("How well do you understand Italian?"), Choice(levels))


def town_in(found: list[Town] | str) -> tuple[str | None, list[str] | None]:
    """One town, or several that may be meant; a choice that was touched is a town already, or nowhere."""
    if isinstance(found, str):
        return found, None
    return (found[0].istat, None) if len(found) == 1 else (None, [town.istat for town in found])
