# SPDX-License-Identifier: EUPL-1.2
"""What people answer when a workshop was moved, went online or was called off."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.moments import WORKSHOP_CALLED_OFF, WORKSHOP_MOVED, WORKSHOP_ONLINE, Moment
from handlers.talk import Asking, Choice, Conversation, Move, Question, _, done, go


@dataclass
class Draft:
    booking: int = 0
    is_off: bool = False


changes = Conversation("changes", Draft)


@changes.starts
def beginning(c: Context) -> Move:
    return called_off if c.draft.is_off else go("agenda")


@changes.step
def moved(c: Context) -> Asking:
    chosen = yield asked(c, WORKSHOP_MOVED)
    return answered(c, chosen)


@changes.step
def online(c: Context) -> Asking:
    chosen = yield asked(c, WORKSHOP_ONLINE)
    return answered(c, chosen)


@changes.step
def called_off(c: Context) -> Asking:
    occasion = c.desk.workshops.memory(c.draft.booking)
    chosen = yield c.ask(WORKSHOP_CALLED_OFF.words(occasion), Choice(WORKSHOP_CALLED_OFF.choices(occasion)))
    c.desk.calendar.take_off(c.draft.booking)
    return go("person") if chosen == "person" else go("workshops")


def asked(c: Context, moment: Moment) -> Question:
    occasion = c.desk.workshops.occasion(c.draft.booking)
    return c.ask(moment.words(occasion), Choice(moment.choices(occasion)))


def answered(c: Context, chosen: str) -> Move:
    if chosen == "person":
        return go("person")
    if chosen == "cannot":
        return go("reminders", booking=c.draft.booking, giving_up=True)
    c.desk.workshops.confirm(c.draft.booking)
    event = c.desk.workshops.occasion(c.draft.booking).event
    if not event.is_confirmed:
        return done(_("Thank you. If it takes place, I write to you."))
    return done(_("Good, we expect you on {when}.", when=event.starts_at))
