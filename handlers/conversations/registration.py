# SPDX-License-Identifier: EUPL-1.2
"""Signing up: seven short questions, the permissions each on its own, and nothing that is not needed."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.rules.ages import Allowed, allowed
from handlers.talk import (
    Asking,
    BirthYear,
    Choice,
    Choosable,
    Comune,
    Conversation,
    Go,
    Move,
    Name,
    Sentence,
    Step,
    YesNo,
    _,
    done,
    go,
    p_,
)
from handlers.talk.comuni import Comune as Town

REMINDERS, OFFERS = "service_messages", "opportunity_push"
ELSEWHERE = Choosable("elsewhere", _("My town is not there"), p_("button", "Not there"))


@dataclass
class Draft:
    birth_year: int | None = None
    of_age: bool | None = None
    first_name: str | None = None
    comune: str | None = None
    candidates: list[str] | None = None
    goal: str | None = None
    italian_level: str | None = None
    reminders: bool | None = None
    offers: bool | None = None
    then: str | None = None
    workshop: int | None = None


registration = Conversation(
    "registration", Draft, words=p_("words", "sign up, register, registration, join"), keeps=True
)


@registration.starts
def beginning(c: Context) -> Move:
    if c.desk.questions.notice() is None:
        return done(_("The desk is not open yet. Please come back in a few days."))
    if c.person.registered_at:
        return done(_("You have signed up already. To change something, talk to a person."))
    return onward(c)


def onward(c: Context) -> Step:
    """The first question still open, in the order people meet them. The year comes first: minors are asked no more."""
    d = c.draft
    if d.birth_year is None:
        return birth_year
    if is_doubtful(c) and d.of_age is None:
        return of_age
    if d.first_name is None:
        return first_name
    if d.comune is None:
        return which_comune if d.candidates else comune
    if d.goal is None:
        return goal
    if d.italian_level is None:
        return italian_level
    return reminders if d.reminders is None else offers


@registration.step
def birth_year(c: Context) -> Asking:
    year = yield c.ask(_("What year were you born? For example: 1987."), BirthYear())
    c.draft.birth_year = year
    match allowed(year, c.today):
        case Allowed.TOO_YOUNG:
            return too_young(c)
        case Allowed.INFORMATION_ONLY if not is_doubtful(c):
            return minor(c)
        case _:
            return onward(c)


@registration.step
def of_age(c: Context) -> Asking:
    c.draft.of_age = yield c.ask(_("Are you 18 already?"), YesNo())
    return onward(c) if c.draft.of_age else minor(c)


@registration.step
def first_name(c: Context) -> Asking:
    c.draft.first_name = yield c.ask(_("What is your name? The first name is enough."), Name())
    return onward(c)


@registration.step
def comune(c: Context) -> Asking:
    question = _("{name}, which town do you live in? Write its name.", name=c.draft.first_name)
    found = yield c.ask(question, Comune((ELSEWHERE,), c.desk.territories.comuni))
    return found_town(c, found)


@registration.step
def which_comune(c: Context) -> Asking:
    towns = [town for istat in c.draft.candidates if (town := c.desk.territories.place(istat))]
    shown = (*(Choosable(town.istat, town.name) for town in towns), ELSEWHERE)
    question = _("Which one is it? If it is not there, write its full name.")
    found = yield c.ask(question, Comune(shown, c.desk.territories.comuni))
    return found_town(c, found)


@registration.step
def goal(c: Context) -> Asking:
    unsure = Choosable("unsure", _("I do not know yet"), words=p_("words", "i don't know, don't know, not sure"))
    c.draft.goal = yield c.ask(_("What job do you look for? Write one or two words."), Sentence((unsure,), most=80))
    return onward(c)


@registration.step
def italian_level(c: Context) -> Asking:
    c.draft.italian_level = yield c.ask(
        _("How well do you understand Italian?"),
        Choice(
            (
                Choosable("A1", p_("Italian level", "A little")),
                Choosable("A2", p_("Italian level", "So so")),
                Choosable("B1", p_("Italian level", "Well")),
                Choosable("native", p_("Italian level", "It is my language")),
            )
        ),
    )
    return onward(c)


@registration.step
def reminders(c: Context) -> Asking:
    c.draft.reminders = yield c.ask(c.desk.questions.consent(REMINDERS), YesNo(), exact=True)
    c.desk.people.consent(REMINDERS, c.draft.reminders, proof=c.proof())
    return onward(c)


@registration.step
def offers(c: Context) -> Asking:
    c.draft.offers = yield c.ask(c.desk.questions.consent(OFFERS), YesNo(), exact=True)
    c.desk.people.consent(OFFERS, c.draft.offers, proof=c.proof())
    return finish


@registration.step
def finish(c: Context) -> Move:
    d = c.draft
    programme = c.desk.people.register(
        first_name=d.first_name,
        birth_year=d.birth_year,
        comune=None if d.comune == "elsewhere" else d.comune,
        goal=None if d.goal == "unsure" else d.goal,
        italian_level=d.italian_level,
    )
    c.say(_("Thank you, {name}. You are signed up.", name=d.first_name))
    if programme:
        c.say(_("Your programme is «{programme}».", programme=programme.name))
    else:
        c.say(_("There is no programme in your town yet. A person can help you: write PERSON."))
    return next_door(c)


def found_town(c: Context, found: "list[Town] | str") -> Step:
    """One town, several that may be meant, or a choice that was touched."""
    if isinstance(found, str):
        c.draft.comune = found
    elif len(found) == 1:
        c.draft.comune = found[0].istat
    else:
        c.draft.candidates = [one.istat for one in found]
    return onward(c)


def next_door(c: Context) -> Go:
    """Where the person was going before we asked all this."""
    if c.draft.then == "workshops":
        return go("workshops", workshop=c.draft.workshop)
    return go("menu")


def is_doubtful(c: Context) -> bool:
    """Only the year is known: those who turn 18 this year may be of age already, or not yet."""
    return bool(c.draft.birth_year and c.today.year - c.draft.birth_year == 18)


def too_young(c: Context) -> Move:
    return done(_("You are too young to sign up here. Talk about it with an adult you trust."))


def minor(c: Context) -> Move:
    c.say(_("You are under 18: you can ask me for information."))
    return done(_("To sign up, come to the desk with an adult."))
