# SPDX-License-Identifier: EUPL-1.2
"""Questions people ask, with an answer and a next step; nobody has to sign up for this."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Choice, Choosable, Conversation, Local, Move, _, done, go, lines, p_

DOORS = {"menu": "menu", "desk": "desks", "workshops": "workshops", "my_data": "my_data", "privacy": "privacy"}


@dataclass
class Draft:
    entry: str | None = None


questions = Conversation(
    "questions", Draft, words=p_("words", "questions, question, i have a question, information, info")
)


@questions.starts
def beginning(c: Context) -> Move:
    return which if c.draft.entry is None else answer


@questions.step
def which(c: Context) -> Asking | Move:
    found = c.desk.questions.all()
    if not found:
        return done(_("I have no answers yet. Ask a person: they can help you."))
    c.draft.entry = yield c.ask(
        _("Choose a question, or write yours in your own words."),
        Choice(tuple(Choosable(one.id, Local(one.question)) for one in found[:10])),
    )
    return answer


@questions.step
def answer(c: Context) -> Asking | Move:
    entry = c.desk.questions.get(c.draft.entry)
    if entry is None:
        return which
    c.say(lines(Local(entry.question), Local(entry.answer)))
    chosen = yield c.ask(_("What do you want to do now?"), Choice((*doors(entry.buttons), OTHER, PERSON)))
    if chosen == "other":
        c.draft.entry = None
        return which
    return go(chosen)


OTHER = Choosable("other", _("Another question"), p_("button", "Another question"))
PERSON = Choosable("person", p_("button", "Talk to a person"))


def doors(buttons: list[dict[str, str]]) -> list[Choosable]:
    """The next steps an answer proposes, as far as they are open."""
    return [
        Choosable(DOORS[button["action"]], Local({k: v for k, v in button.items() if k != "action"}))
        for button in buttons
        if button["action"] in DOORS
    ]
