# SPDX-License-Identifier: EUPL-1.2
"""Starting again after a stop; every permission is asked for anew."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Conversation, Done, Move, YesNo, _, done, go, lines

REMINDERS, OFFERS = "service_messages", "opportunity_push"


@dataclass
class Draft:
    sure: bool = False
    topic: str | None = None  # reminders or offers: only these are taken up again


start = Conversation("start", Draft)


@start.starts
def beginning(c: Context) -> Move:
    if c.draft.topic:
        return only_this
    return again_together if c.draft.sure else shall_we


@start.step
def shall_we(c: Context) -> Asking:
    yes = yield c.ask(_("You asked me not to write any more. Shall we start again?"), YesNo())
    return again_together if yes else done(_("All right. I stay silent. Write HELLO to come back."), bare=True)


@start.step
def again_together(c: Context) -> Move:
    c.desk.people.start()
    c.say(
        lines(
            _("Welcome back."),
            c.desk.workshops.ahead() and _("I have kept your appointments: to see them, write AGENDA."),
        )
    )
    if not c.person.registered_at:
        return go("menu")
    return next_topic(c) if REMINDERS in c.desk.people.stopped_topics() else reminders


@start.step
def reminders(c: Context) -> Asking:
    yes = yield c.ask(c.desk.questions.consent(REMINDERS), YesNo(), exact=True)
    c.desk.people.consent(REMINDERS, yes, proof=c.proof())
    return answered(yes) if c.draft.topic else next_topic(c)


@start.step
def offers(c: Context) -> Asking:
    yes = yield c.ask(c.desk.questions.consent(OFFERS), YesNo(), exact=True)
    c.desk.people.consent(OFFERS, yes, proof=c.proof())
    return answered(yes) if c.draft.topic else go("menu")


@start.step
def only_this(c: Context) -> Move:
    if not c.person.registered_at:
        return go("registration")  # which asks for both
    if c.draft.topic == "reminders":
        agreed = _("You get reminders here already. Not any more? Write STOP REMINDERS.")
        return done(agreed) if c.desk.people.agreed(REMINDERS) else reminders
    agreed = _("You get new offers here already. Not any more? Write STOP OFFERS.")
    return done(agreed) if c.desk.people.agreed(OFFERS) else offers


def next_topic(c: Context) -> Move:
    """What somebody has stopped on its own stays stopped, until they ask for it."""
    return go("menu") if OFFERS in c.desk.people.stopped_topics() else offers


def answered(yes: bool) -> Done:
    return done(_("Good: from now on they arrive here.") if yes else _("All right, it stays as it is."))
