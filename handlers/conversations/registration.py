# SPDX-License-Identifier: EUPL-1.2
"""Signing up: seven short questions, the permissions each on its own, and nothing that is not needed."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.rules.ages import Allowed, allowed, may_be_18
from handlers.talk import Asking, Conversation, Go, Move, Step, YesNo, _, done, go, p_, profile

REMINDERS, OFFERS = "service_messages", "opportunity_push"


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
    club: str | None = None
    key: str | None = None


registration = Conversation(
    "registration", Draft, words=p_("words", "sign up, register, registration, join"), keeps=True
)


@registration.starts
def beginning(c: Context) -> Move:
    if c.desk.questions.notice() is None:
        return done(_("The desk is not open yet. Please come back in a few days."))
    if c.person.registered_at:
        return done(_("You have signed up already. To change something, write MY DATA."))
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
    year = yield profile.birth_year()
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
    c.draft.of_age = yield profile.of_age()
    return onward(c) if c.draft.of_age else minor(c)


@registration.step
def first_name(c: Context) -> Asking:
    c.draft.first_name = yield profile.first_name()
    return onward(c)


@registration.step
def comune(c: Context) -> Asking:
    found = yield profile.comune(c.draft.first_name, c.desk.territories.comuni)
    c.draft.comune, c.draft.candidates = profile.town_in(found)
    return onward(c)


@registration.step
def which_comune(c: Context) -> Asking:
    towns = [town for istat in c.draft.candidates if (town := c.desk.territories.place(istat))]
    found = yield profile.which_comune([(one.istat, one.name) for one in towns], c.desk.territories.comuni)
    c.draft.comune, c.draft.candidates = profile.town_in(found)
    return onward(c)


@registration.step
def goal(c: Context) -> Asking:
    c.draft.goal = yield profile.goal()
    return onward(c)


@registration.step
def italian_level(c: Context) -> Asking:
    c.draft.italian_level = yield profile.italian_level()
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


def next_door(c: Context) -> Go:
    """Where the person was going before we asked all this."""
    if c.draft.then == "workshops":
        return go("workshops", workshop=c.draft.workshop)
    if c.draft.then == "job_club":
        return go("job_club", club=c.draft.club)
    if c.draft.then == "check_in":
        return go("check_in", key=c.draft.key)
    return go("menu")


def is_doubtful(c: Context) -> bool:
    """Only the year is known: those who turn 18 this year may be of age already, or not yet."""
    return bool(c.draft.birth_year and may_be_18(c.draft.birth_year, c.today))


def too_young(c: Context) -> Move:
    return done(_("You are too young to sign up here. Talk about it with an adult you trust."))


def minor(c: Context) -> Move:
    c.say(_("You are under 18: you can ask me for information."))
    return done(_("To sign up, come to the desk with an adult."))
