# SPDX-License-Identifier: EUPL-1.2
"""Talk to a person: the desk is told, and you know when to expect an answer."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Conversation, Local, Move, _, done, lines


@dataclass
class Draft:
    pass


person = Conversation("person", Draft)


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
    return done(
        lines(
            said,
            phone and _("You can also call {phone}.", phone=phone),
            isinstance(opening, dict) and _("The desk is open: {opening}.", opening=Local(opening)),
        )
    )
