# SPDX-License-Identifier: EUPL-1.2
"""A word to those who have stopped writing: half-way through the form, for a month, or for so long that we forget."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.moments import (
    A_MONTH_OF_SILENCE,
    DELETE_NOW,
    FOUND_A_JOB,
    GO_ON,
    HALF_WAY,
    LAST_NOTICE,
    NO_MORE,
    Moment,
    Occasion,
)
from handlers.moments import silence as silence_of
from handlers.talk import Asking, Choice, Conversation, Move, Question, _, done, go


@dataclass
class Draft:
    pass


silence = Conversation("silence", Draft)


@silence.starts
def beginning(c: Context) -> Move:
    return go("menu")


@silence.step
def unfinished(c: Context) -> Asking:
    chosen = yield asked(c, HALF_WAY)
    if chosen == "person":
        return go("person")
    if chosen == GO_ON.id:
        return go("registration")
    return done(_("All right. Write SIGN UP when you want to go on."), leaves=True)


@silence.step
def a_month(c: Context) -> Asking:
    chosen = yield asked(c, A_MONTH_OF_SILENCE)
    if chosen == FOUND_A_JOB.id:
        c.desk.people.found_a_job()
        return done(_("Congratulations! I am glad. If you need us, write HELLO."))
    if chosen == NO_MORE.id:
        return go("stop")
    return go("person") if chosen == "person" else go("menu")


@silence.step
def last_notice(c: Context) -> Asking:
    chosen = yield asked(c, LAST_NOTICE)
    if chosen == DELETE_NOW.id:
        return go("erasure")
    if chosen == "person":
        return go("person")
    return done(_("I am glad: I keep your data. Write HELLO when you need us."), leaves=True)


def asked(c: Context, moment: Moment) -> Question:
    occasion: Occasion = silence_of(c.person.id, c.person.first_name, c.now)
    return c.ask(moment.words(occasion), Choice(moment.choices(occasion)))
