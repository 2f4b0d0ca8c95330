# SPDX-License-Identifier: EUPL-1.2
"""Delete everything we know of you: what goes, what stays, a number to be sure, and a receipt."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Conversation, Number, YesNo, _, again, done, lines, p_

TRIES = 2
CODE = Number(least=1000, most=9999)


@dataclass
class Draft:
    code: str | None = None
    wrong: int = 0


erasure = Conversation(
    "erasure", Draft, words=p_("words", "delete my data, delete all my data, erase my data, delete everything")
)


@erasure.starts
@erasure.step
def sure(c: Context) -> Asking:
    c.say(
        lines(
            _("I delete what I know of you: your name, your numbers, your answers, your files, all messages."),
            _("Numbers without a name stay, and the proof of your permissions."),
            (c.desk.workshops.ahead() or c.desk.job_clubs.mine_all())
            and _("You lose your places: somebody else gets them."),
            _("Nobody can undo it."),
        )
    )
    yes = yield c.ask(_("Do you want to delete everything?"), YesNo())
    if not yes:
        return done(_("All right, it stays as it is."))
    c.draft.code, c.draft.wrong = c.desk.my_data.new_code(), 0
    return code


@erasure.step
def code(c: Context) -> Asking:
    given = yield c.ask(_("To delete everything, write this number: {code}", code=c.draft.code), CODE)
    if str(given) != c.draft.code:
        c.draft.wrong += 1
        if c.draft.wrong < TRIES:
            return again(_("That is another number."))
        return done(_("That is another number: I delete nothing. Write MY DATA to begin again."))
    return done(c.desk.erasure.words(c.desk.erasure.ask()), bare=True, leaves=True)
