# SPDX-License-Identifier: EUPL-1.2
"""Starting again after a stop; reminders are asked for anew."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Conversation, Move, YesNo, _, done, go


@dataclass
class Draft:
    sure: bool = False


start = Conversation("start", Draft)


@start.starts
def beginning(c: Context) -> Move:
    return again_together if c.draft.sure else shall_we


@start.step
def shall_we(c: Context) -> Asking:
    yes = yield c.ask(_("You asked me not to write any more. Shall we start again?"), YesNo())
    return again_together if yes else done(_("All right. I stay silent. Write HELLO to come back."), bare=True)


@start.step
def again_together(c: Context) -> Move:
    c.desk.people.start()
    c.say(_("Welcome back."))
    return reminders if c.person.registered_at else go("menu")


@start.step
def reminders(c: Context) -> Asking:
    yes = yield c.ask(c.desk.questions.consent("service_messages"), YesNo(), exact=True)
    c.desk.people.consent("service_messages", yes, proof=c.proof())
    return go("menu")
