# SPDX-License-Identifier: EUPL-1.2
"""The public desk near you: where, when, and how to reach it. Nothing you write here is kept."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Choice, Choosable, Comune, Conversation, Local, Move, Words, _, done, lines, p_
from storage.territories import Organisation

ELSEWHERE = Choosable("elsewhere", _("Another town"), p_("button", "Another town"))


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
    found = yield c.ask(_("Which town do you live in?"), Comune((ELSEWHERE,), c.desk.territories.comuni))
    if isinstance(found, str) or len(found) == 1:
        c.draft.comune = found if isinstance(found, str) else found[0].istat
        return near
    c.draft.candidates = [one.istat for one in found]
    return which


@desks.step
def which(c: Context) -> Asking:
    towns = [town for istat in c.draft.candidates or [] if (town := c.desk.territories.place(istat))]
    c.draft.comune = yield c.ask(
        _("Which one is it?"), Choice((*(Choosable(town.istat, town.name) for town in towns), ELSEWHERE))
    )
    return near


@desks.step
def near(c: Context) -> Move:
    found = c.desk.territories.desks(c.draft.comune)[:3]
    for one in found:
        c.say(card(one))
    return done(_("You can go there, call or write. It is free."))


def card(desk: Organisation) -> Words:
    return lines(
        desk.name,
        desk.address and _("Where: {where}", where=desk.address),
        desk.phone and _("Telephone: {phone}", phone=desk.phone),
        desk.email and _("E-mail: {email}", email=desk.email),
        desk.opening and _("Open: {opening}", opening=Local(desk.opening)),
    )
