# SPDX-License-Identifier: EUPL-1.2
"""After a workshop: how it was, what next; and a word for whoever was missed."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.moments import HOW_WAS_IT, MISSED_YOU, NOT_THERE
from handlers.talk import Asking, Choice, Choosable, Conversation, Move, _, done, go, p_


@dataclass
class Draft:
    booking: int = 0
    score: int | None = None


feedback = Conversation("feedback", Draft)

BAD = 2  # up to here a person of the desk is told
ANOTHER = Choosable("workshops", _("Another workshop"), p_("button", "Another workshop"))
PERSON = Choosable("person", p_("button", "Talk to a person"))
NOTHING = Choosable("nothing", p_("button", "Nothing for now"), words=p_("words", "nothing, no, no thanks"))


@feedback.starts
def beginning(c: Context) -> Move:
    return go("agenda")


@feedback.step
def score(c: Context) -> Asking:
    occasion = c.desk.workshops.memory(c.draft.booking)
    chosen = yield c.ask(HOW_WAS_IT.words(occasion), Choice(HOW_WAS_IT.choices(occasion)))
    if chosen == NOT_THERE.id:
        c.desk.attendance.was_not_there(c.draft.booking)
        c.say(_("All right, thank you for telling me."))
        return another_date
    c.draft.score = int(chosen)
    c.desk.workshops.rate(c.draft.booking, c.draft.score)
    if c.draft.score <= BAD:
        c.desk.cases.open("unhappy", subject=f"workshop:{occasion.event.id}")
        c.say(_("I am sorry. A person of the desk will read your answer."))
    else:
        c.say(_("Thank you."))
    return next_step


@feedback.step
def next_step(c: Context) -> Asking:
    chosen = yield c.ask(_("What would you like next?"), Choice((ANOTHER, PERSON, NOTHING)))
    c.desk.workshops.wish(c.draft.booking, chosen)
    return done(_("All right. See you soon.")) if chosen == NOTHING.id else go(chosen)


@feedback.step
def missed(c: Context) -> Asking:
    occasion = c.desk.workshops.memory(c.draft.booking)
    chosen = yield c.ask(MISSED_YOU.words(occasion), Choice(MISSED_YOU.choices(occasion)))
    return go("person") if chosen == "person" else go("workshops")


@feedback.step
def another_date(c: Context) -> Asking:
    chosen = yield c.ask(_("Would you like another date?"), Choice((ANOTHER, PERSON, NOTHING)))
    return done(_("All right. See you soon.")) if chosen == NOTHING.id else go(chosen)
