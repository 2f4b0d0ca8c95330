# SPDX-License-Identifier: EUPL-1.2
"""Talk to a person: the desk is told, and you know when to expect an answer, here or by a call."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Choosable, Conversation, Local, Move, Phone, YesNo, _, again, done, lines, p_, phones


@dataclass
class Draft:
    pass


person = Conversation("person", Draft)

YES, NO = (one.words for one in YesNo().options)
SHARE = Choosable("phone", p_("button", "Share my number"), words=YES)
HERE = Choosable("here", p_("button", "No, write to me here"), words=NO)


@person.starts
def beginning(c: Context) -> Move:
    return asked


@person.step
def asked(c: Context) -> Move:
    is_new = c.desk.cases.open("asked")
    hours = c.desk.setting("answer_hours", "24")
    phone, opening = c.desk.setting("phone"), c.desk.settings.get("opening")
    said = (
        _("I put you in touch with a person. They answer within {hours} working hours.", hours=hours)
        if is_new
        else _("A person knows already that you are waiting. They answer within {hours} working hours.", hours=hours)
    )
    c.say(
        lines(
            said,
            phone and _("You can also call {phone}.", phone=phone),
            isinstance(opening, dict) and _("The desk is open: {opening}.", opening=Local(opening)),
        )
    )
    return number if is_new and may_ask(c) else done()


@person.step
def number(c: Context) -> Asking:
    given = yield c.ask(_("May a person call you? Share your number, or write it."), Phone((SHARE, HERE)))
    if given == "here":
        return done(_("All right, the answer comes here."))
    if given == "phone":
        return again(_("Write your number here, for example 333 1234567."))
    c.desk.people.call_at(given)
    return done(_("Thank you. A person can call you at {phone}.", phone=phones.in_groups(given)))


def may_ask(c: Context) -> bool:
    """One question more, where nothing else waits for an answer and we do not know the number."""
    return not c.aside and not c.person.stopped_at and not c.desk.people.can_be_called()
