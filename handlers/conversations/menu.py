# SPDX-License-Identifier: EUPL-1.2
"""The menu: three doors, your agenda, and a person."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Choice, Choosable, Conversation, _, go, p_


@dataclass
class Draft:
    pass


menu = Conversation("menu", Draft)

SUPPORT = Choosable("support", _("Help: questions, desks near you"), p_("button", "Help"))
ORIENTATION = Choosable("orientation", _("Orientation: find your way to a job"), p_("button", "Orientation"))
TRAINING = Choosable(
    "training", _("Training: free workshops"), p_("button", "Training"), words=p_("words", "courses, learn")
)
SIGN_UP = Choosable("registration", p_("button", "Sign up"))
AGENDA = Choosable("agenda", p_("button", "My agenda"))
PERSON = Choosable("person", p_("button", "Talk to a person"))


@menu.starts
@menu.step
def door(c: Context) -> Asking:
    rest = (AGENDA, PERSON) if c.person.registered_at else (SIGN_UP, AGENDA, PERSON)
    chosen = yield c.ask(_("What do you need?"), Choice((SUPPORT, ORIENTATION, TRAINING, *rest)))
    match chosen:
        case "support":
            return support
        case "orientation":
            return orientation
        case "training":
            return go("workshops", door=chosen)
        case _:
            return go(chosen)


@menu.step
def orientation(c: Context) -> Asking:
    chosen = yield c.ask(
        _("How do you want to look for work?"),
        Choice(
            (
                Choosable("workshops", _("Group meetings: find your way"), p_("button", "Group meetings")),
                Choosable("job_club", _("Job Club: we look for work together"), p_("button", "Job Club")),
                PERSON,
            )
        ),
    )
    return go("workshops", door="orientation") if chosen == "workshops" else go(chosen)


@menu.step
def support(c: Context) -> Asking:
    chosen = yield c.ask(
        _("What can I help you with?"),
        Choice(
            (
                Choosable("questions", _("I have a question"), p_("button", "Questions")),
                Choosable("desks", _("I look for a desk near me"), p_("button", "Find a desk")),
                PERSON,
            )
        ),
    )
    return go(chosen)
