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
    if chosen == "support":
        return support
    return go("workshops", door=chosen) if chosen in ("orientation", "training") else go(chosen)


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
