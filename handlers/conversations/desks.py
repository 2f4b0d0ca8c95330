# SPDX-License-Identifier: EUPL-1.2
"""The public desk near you: where it is, when it opens, how to reach it; nothing you write here is kept."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Choosable, Comune, Conversation, Local, Move, Step, Words, _, done, lines, p_
from handlers.talk.comuni import Comune as Town
from storage.territories import Organisation

ELSEWHERE = Choosable("elsewhere", _("My town is not there"), p_("button", "Not there"))


@dataclass
class Draft:
    comune: str | None = None
    candidates: list[str] | None = None


desks = Conversation("desks", Draft, words=p_("words", "desk, desks, office, find a desk, job centre, where are you"))


@desks.starts
def beginning(c: Context) -> Move:
    if not c.desk.territories.desks(None):
        return done(_("I know no desk yet. Ask a person: they can help you."))
    if c.draft.comune is None:
        c.draft.comune = c.person.comune_istat
    return where if c.draft.comune is None else near


@desks.step
def where(c: Context) -> Asking:
    question = _("Which town do you live in? Write its name.")
    found = yield c.ask(question, Comune((ELSEWHERE,), c.desk.territories.comuni))
    return found_town(c, found)


@desks.step
def which(c: Context) -> Asking:
    towns = [town for istat in c.draft.candidates or [] if (town := c.desk.territories.place(istat))]
    shown = (*(Choosable(town.istat, town.name) for town in towns), ELSEWHERE)
    question = _("Which one is it? If it is not there, write its full name.")
    found = yield c.ask(question, Comune(shown, c.desk.territories.comuni))
    return found_town(c, found)


@desks.step
def near(c: Context) -> Move:
    found = c.desk.territories.desks(c.draft.comune)[:3]
    if c.draft.comune == "elsewhere":
        c.say(_("These are our desks."))
    for one in found:
        c.say(card(one))
    return done(_("You can go there, call or write. It is free."))


def found_town(c: Context, found: "list[Town] | str") -> Step:
    """One town, several that may be meant, or a choice that was touched."""
    if isinstance(found, str) or len(found) == 1:
        c.draft.comune = found if isinstance(found, str) else found[0].istat
        return near
    c.draft.candidates = [one.istat for one in found]
    return which


def card(desk: Organisation) -> Words:
    return lines(
        desk.name,
        desk.address and _("Where: {where}", where=desk.address),
        desk.phone and _("Telephone: {phone}", phone=desk.phone),
        desk.email and _("E-mail: {email}", email=desk.email),
        desk.opening and _("Open: {opening}", opening=Local(desk.opening)),
    )
