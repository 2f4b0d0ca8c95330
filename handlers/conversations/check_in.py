# SPDX-License-Identifier: EUPL-1.2
"""In the room: whoever reads the code that hangs there says that they have come."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.rules.attendance import Decision, Kept, NotYet, Over, SaidAlready
from handlers.talk import (
    Asking,
    Choice,
    Choosable,
    Conversation,
    Gone,
    Lines,
    Local,
    Move,
    Words,
    YesNo,
    _,
    done,
    go,
    lines,
    p_,
)
from handlers.talk.text import Time
from storage.workshops import Workshop


@dataclass
class Draft:
    key: str = ""


check_in = Conversation("check_in", Draft)

SIGN_UP = Choosable("sign_up", p_("button", "Sign up"))
PERSON = Choosable("desk", p_("button", "Talk to a person"))
ASK = _("Ask the tutor in the room.")


@check_in.starts
def beginning(c: Context) -> Move:
    return arrived


@check_in.step
def arrived(c: Context) -> Move:
    try:
        decision, workshop = c.desk.attendance.check_in(c.draft.key)
    except Gone:
        return without_a_place(c)
    return done(outcome(decision, workshop))


def without_a_place(c: Context) -> Move:
    """The code was passed on, or somebody walked in: what there is for them here."""
    try:
        room = c.desk.attendance.room(c.draft.key)
    except Gone:
        return done(lines(_("This code does not count any more."), ASK))
    if room.workshop.cancelled_at:
        return done(_("I am sorry, «{title}» is called off.", title=Local(room.workshop.title)))
    if isinstance(room.closed, NotYet) and not room.workshop.is_meeting:
        return go("workshops", workshop=room.workshop.id)
    if room.closed:
        return done(outcome(room.closed, room.workshop))
    if not room.is_free:
        return done(no_place(room.workshop))
    return stay if c.person.registered_at else welcome


@check_in.step
def stay(c: Context) -> Asking:
    room = c.desk.attendance.room(c.draft.key)
    if not room.is_free:
        return done(no_place(room.workshop))
    c.say(_("You have no place at «{title}» yet, and one is free.", title=Local(room.workshop.title)))
    yes = yield c.ask(_("Shall I book it and check you in?"), YesNo())
    if not yes:
        return done(lines(_("All right, I book nothing."), ASK))
    try:
        decision, workshop = c.desk.attendance.walk_in(c.draft.key)
    except Gone:
        return arrived  # somebody else was quicker, or it is over by now
    return done(outcome(decision, workshop))


@check_in.step
def welcome(c: Context) -> Asking:
    room = c.desk.attendance.room(c.draft.key)
    c.say(_("Welcome to «{title}».", title=Local(room.workshop.title)))
    chosen = yield c.ask(_("I do not know you yet. How shall we go on?"), Choice((SIGN_UP, PERSON)))
    return go("person") if chosen == "desk" else go("registration", then="check_in", key=c.draft.key)


def outcome(decision: Decision, workshop: Workshop) -> Words:
    """What came of it. Who else is there is nobody's to read."""
    title = Local(workshop.title)
    match decision:
        case Kept():
            until = Time(workshop.ends_at)
            return _("You are checked in at «{title}», until {until}. Thank you.", title=title, until=until)
        case SaidAlready():
            return _("You are checked in at «{title}» already.", title=title)
        case NotYet(opens=opens):
            return lines(
                _("It is too early for «{title}».", title=title),
                _("You can check in on {when}, with the same code.", when=opens),
            )
        case Over():
            return lines(
                _("«{title}» is over: nobody can check in any more.", title=title),
                _("Were you there? A person can note it: write PERSON."),
            )
        case _:
            return lines(_("The desk has noted something else for «{title}».", title=title), ASK)


def no_place(workshop: Workshop) -> Lines:
    return lines(_("You have no place at «{title}», and none is free.", title=Local(workshop.title)), ASK)
