# SPDX-License-Identifier: EUPL-1.2
"""Put right what you told us, one thing at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

from handlers.context import Context
from handlers.rules.ages import Allowed, allowed, may_be_18
from handlers.talk import (
    Asking,
    Choice,
    Choosable,
    Conversation,
    Move,
    Phone,
    Step,
    Words,
    _,
    again,
    done,
    go,
    p_,
    phones,
    profile,
)
from handlers.talk.profile import LEVELS


@dataclass
class Draft:
    birth_year: int | None = None
    candidates: list[str] | None = None


corrections = Conversation("corrections", Draft)

SHARE = Choosable("phone", p_("button", "Share my number"))
FORGET = Choosable("forget", _("Delete the number I gave you"), p_("button", "Delete the number"))
NOTHING = Choosable("nothing", p_("button", "Nothing"), words=p_("words", "nothing, no, no thanks, it is fine"))


@corrections.starts
def beginning(c: Context) -> Move:
    return which if c.person.registered_at or c.person.phone else go("registration")


@corrections.step
def which(c: Context) -> Asking:
    chosen = yield c.ask(_("What is not right?"), Choice((*known(c), NOTHING)))
    return STEPS[chosen] if chosen in STEPS else done(_("All right."))


@corrections.step
def first_name(c: Context) -> Asking:
    given = yield profile.first_name()
    c.desk.people.correct(first_name=given)
    c.say(_("Done. Your name is {name}.", name=given))
    return which


@corrections.step
def birth_year(c: Context) -> Asking:
    year = yield profile.birth_year()
    if may_be_18(year, c.today):
        c.draft.birth_year = year
        return of_age
    match allowed(year, c.today):
        case Allowed.TOO_YOUNG | Allowed.INFORMATION_ONLY:
            return minor(c)
        case _:
            return born_in(c, year)


@corrections.step
def of_age(c: Context) -> Asking:
    yes = yield profile.of_age()
    return born_in(c, c.draft.birth_year) if yes else minor(c)


@corrections.step
def comune(c: Context) -> Asking:
    found = yield profile.comune(c.person.first_name, c.desk.territories.comuni)
    return moved(c, *profile.town_in(found))


@corrections.step
def which_comune(c: Context) -> Asking:
    towns = [town for istat in c.draft.candidates or () if (town := c.desk.territories.place(istat))]
    found = yield profile.which_comune([(one.istat, one.name) for one in towns], c.desk.territories.comuni)
    return moved(c, *profile.town_in(found))


@corrections.step
def goal(c: Context) -> Asking:
    given = yield profile.goal()
    sought = None if given == "unsure" else given
    c.desk.people.correct(goal=sought)
    unsure = _("Done. You do not know yet which job you look for.")
    c.say(_("Done. The job you look for: {goal}", goal=sought) if sought else unsure)
    return which


@corrections.step
def italian_level(c: Context) -> Asking:
    level = yield profile.italian_level()
    c.desk.people.correct(italian_level=level)
    c.say(_("Done. Your Italian: {level}", level=LEVELS[level]))
    return which


@corrections.step
def phone(c: Context) -> Asking:
    rest = (FORGET,) if c.person.phone else (NOTHING,)
    given = yield c.ask(_("Which number can a person call? Share it, or write it."), Phone((SHARE, *rest)))
    if given == "phone":
        return again(_("Write your number here, for example 333 1234567."))
    if given == "nothing":
        return which
    c.desk.people.correct(phone=None if given == "forget" else given)
    if given == "forget":
        c.say(_("Done. I have deleted your number: nobody can call you."))
    else:
        c.say(_("Done. A person can call you at {phone}.", phone=phones.in_groups(given)))
    return which if c.person.registered_at else done()


STEPS: dict[str, Step] = {step.name: step for step in (first_name, birth_year, comune, goal, italian_level, phone)}


def known(c: Context) -> Iterator[Choosable]:
    """What can be put right, with what we believe so far."""
    person = c.person
    place = c.desk.territories.place(person.comune_istat)
    level = LEVELS.get(person.italian_level or "")
    if person.registered_at:
        year = str(person.birth_year or "")
        yield line("first_name", _("Name: {name}", name=person.first_name), p_("button", "Name"), person.first_name)
        yield line("birth_year", _("Year of birth: {year}", year=year), p_("button", "Year of birth"), year)
        yield line("comune", _("Town: {town}", town=place.name if place else ""), p_("button", "Town"), place)
        yield line("goal", _("Job you look for: {goal}", goal=person.goal), p_("button", "Job"), person.goal)
        yield line("italian_level", _("Your Italian: {level}", level=level), p_("button", "My Italian"), level)
    number = phones.in_groups(person.phone) if person.phone else ""
    yield line("phone", _("Telephone: {phone}", phone=number), p_("button", "Telephone"), number)


def line(id: str, words: Words, short: Words, value: object) -> Choosable:
    """What we believe; only its name where we know nothing."""
    return Choosable(id, words, short) if value else Choosable(id, short)


def moved(c: Context, istat: str | None, candidates: list[str] | None) -> Move:
    """Another town, and what follows from it; or one of several, still to be told apart."""
    if istat is None:
        c.draft.candidates = candidates
        return which_comune
    before = c.desk.people.programme(c.person.comune_istat)
    programme = c.desk.people.move(None if istat == "elsewhere" else istat)
    place = c.desk.territories.place(c.person.comune_istat)
    c.say(_("Done. Your town is {town}.", town=place.name) if place else _("Done. Your town is not in our area."))
    if programme is None:
        c.say(_("There is no programme in your town yet. A person can help you: write PERSON."))
    elif programme != before:
        c.say(_("Your programme is now «{programme}».", programme=programme.name))
    return which


def born_in(c: Context, year: int) -> Move:
    c.desk.people.correct(birth_year=year)
    c.say(_("Done. Your year of birth is {year}.", year=str(year)))
    return which


def minor(c: Context) -> Move:
    """Somebody under age signed up with another year: a person of the desk talks to them, no program decides."""
    c.desk.cases.open("under_age")
    c.say(_("If you are under 18, you sign up at the desk with an adult."))
    return done(_("I have not changed the year. A person of the desk will write to you."))
