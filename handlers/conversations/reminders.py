# SPDX-License-Identifier: EUPL-1.2
"""What people answer to a confirmation or a reminder."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.moments import BOOKING_CONFIRMED, PLACE_OFFERED, REMINDER_2H, REMINDER_24H, way_there
from handlers.talk import Asking, Choice, Conversation, Local, Move, YesNo, _, done, go


@dataclass
class Draft:
    booking: int = 0
    offered: bool = False
    giving_up: bool = False


reminders = Conversation("reminders", Draft)


@reminders.starts
def beginning(c: Context) -> Move:
    if c.draft.giving_up:
        return gives_up
    return offered if c.draft.offered else go("agenda")


@reminders.step
def coming(c: Context) -> Asking:
    occasion = c.desk.workshops.occasion(c.draft.booking)
    chosen = yield c.ask(REMINDER_24H.words(occasion), Choice(REMINDER_24H.choices(occasion)))
    if chosen == "person":
        return go("person")
    if chosen == "cannot":
        return given_up(c)
    c.desk.workshops.confirm(c.draft.booking)
    return done(_("Good, we expect you on {when}.", when=occasion.event.starts_at))


@reminders.step
def soon(c: Context) -> Asking:
    occasion = c.desk.workshops.occasion(c.draft.booking)
    chosen = yield c.ask(REMINDER_2H.words(occasion), Choice(REMINDER_2H.choices(occasion)))
    if chosen == "cannot":
        return given_up(c)
    if chosen == "map":
        c.desk.outbox.spot(c.identity, occasion.event)
        return done(way_there(occasion.event))
    c.desk.workshops.late(c.draft.booking)
    return done(_("All right, I tell the desk. Come when you can."))


@reminders.step
def booked(c: Context) -> Asking:
    occasion = c.desk.workshops.occasion(c.draft.booking)
    chosen = yield c.ask(BOOKING_CONFIRMED.words(occasion), Choice(BOOKING_CONFIRMED.choices(occasion)))
    if chosen == "cannot":
        return sure
    c.desk.outbox.spot(c.identity, occasion.event)
    return done(way_there(occasion.event))


@reminders.step
def sure(c: Context) -> Asking:
    occasion = c.desk.workshops.occasion(c.draft.booking)
    yes = yield c.ask(_("Do you give up «{title}»?", title=Local(occasion.event.title)), YesNo())
    return given_up(c) if yes else done(_("All right, it stays in your agenda."))


@reminders.step
def offered(c: Context) -> Asking:
    occasion = c.desk.workshops.occasion(c.draft.booking)
    chosen = yield c.ask(PLACE_OFFERED.words(occasion), Choice(PLACE_OFFERED.choices(occasion)))
    if chosen == "decline":
        c.desk.offers.decline(c.draft.booking)
        return done(_("All right. I offer the place to somebody else."))
    c.desk.offers.accept(c.draft.booking)
    return done(quiet=True)  # the card that says so is on its way


@reminders.step
def gives_up(c: Context) -> Move:
    return given_up(c)


def given_up(c: Context) -> Move:
    if c.desk.workshops.memory(c.draft.booking).event.is_meeting:
        return go("meetings", booking=c.draft.booking, giving_up=True)
    workshop = c.desk.workshops.cancel(c.draft.booking)
    return done(_("All right. I have cancelled «{title}». Thank you for telling me.", title=Local(workshop.title)))
