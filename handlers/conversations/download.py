# SPDX-License-Identifier: EUPL-1.2
"""Everything we keep of you, as two files, once we know that it is you who asks."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Conversation, Move, Number, _, again, done, go

TRIES = 2


@dataclass
class Draft:
    code: str | None = None
    wrong: int = 0


download = Conversation("download", Draft)


@download.starts
def beginning(c: Context) -> Move:
    if c.desk.my_data.is_on_its_way():
        return done(_("Your two files are on their way already: please wait a little."))
    return code if c.draft.code else go("my_data")


@download.step
def code(c: Context) -> Asking:
    if not c.draft.wrong:
        c.say(_("I send you two files here: one to read, and the same for a computer."))
    given = yield c.ask(_("To be sure that it is you, write this number: {code}", code=c.draft.code), CODE)
    if str(given) != c.draft.code:
        c.draft.wrong += 1
        if c.draft.wrong < TRIES:
            return again(_("That is another number."))
        return done(_("That is another number: I send nothing. Write MY DATA to begin again."))
    c.desk.my_data.send()
    return done(quiet=True)  # the files are the answer


CODE = Number(least=1000, most=9999)
