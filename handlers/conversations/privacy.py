# SPDX-License-Identifier: EUPL-1.2
"""The whole privacy notice, in plain words."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Conversation, Move, _, done, lines


@dataclass
class Draft:
    pass


privacy = Conversation("privacy", Draft)


@privacy.starts
def notice(c: Context) -> Move:
    found = c.desk.questions.whole_notice()
    if not found:
        return done(_("The privacy notice is not here yet: I ask you nothing until it is."))
    for title, text in found:
        c.say(lines(title, text))
    return done()
