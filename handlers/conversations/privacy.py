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
    found = c.desk.questions.notice()
    if found is None:
        return done(_("The privacy notice is not here yet: I ask you nothing until it is."))
    for part in found.layer_2:
        c.say(lines(c.desk.questions.filled(part["title"]), c.desk.questions.filled(part["text"])))
    return done()
