# SPDX-License-Identifier: EUPL-1.2
"""Your permissions, one by one: what you agreed to and since when, giving one, and taking one back."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.desk.export import PERMISSIONS
from handlers.talk import Asking, Choice, Choosable, Conversation, Lines, Words, YesNo, _, done, go, lines, p_
from handlers.talk.text import ROME
from storage.people import Permission

REMINDERS = "service_messages"


@dataclass
class Draft:
    purpose: str | None = None


permissions = Conversation("permissions", Draft)

SHORT = {
    "service_messages": p_("button", "My reminders"),
    "opportunity_push": p_("button", "New offers"),
    "follow_up": p_("button", "How it goes"),
}
KEEP = Choosable("keep", _("Leave everything as it is"), p_("button", "Leave it"))


@permissions.starts
@permissions.step
def which(c: Context) -> Asking:
    found = c.desk.people.permissions()
    shown = tuple(Choosable(purpose, line(c, purpose, given), SHORT.get(purpose)) for purpose, given in found.items())
    c.say(explained(c))
    purpose = yield c.ask(_("These are your permissions. Choose one to change it."), Choice((*shown, KEEP)))
    if purpose == "keep":
        return done(_("All right, it stays as it is."))
    if c.desk.people.agreed(purpose):
        c.desk.people.stop_topic(purpose)
        return done(taken_back(c, purpose))
    if c.person.stopped_at:
        return go("start")  # as long as nothing is written to them, no permission changes anything
    c.draft.purpose = purpose
    return consent


@permissions.step
def consent(c: Context) -> Asking:
    yes = yield c.ask(c.desk.questions.consent(c.draft.purpose), YesNo(), exact=True)
    c.desk.people.consent(c.draft.purpose, yes, proof=c.proof())
    if not yes:
        return done(_("All right, it stays as it is."))
    return done(_("Good: you have given this permission. To take it back, write MY DATA."))


def line(c: Context, purpose: str, found: Permission | None) -> Words:
    named = {"permission": PERMISSIONS.get(purpose, c.desk.questions.consent(purpose))}
    if found is None:
        return _("{permission}: no", **named)
    since = found.since.astimezone(ROME).date()
    if found.given:
        return _("{permission}: yes, since {day}", day=since, **named)
    return _("{permission}: no, since {day}", day=since, **named)


def explained(c: Context) -> Lines:
    """What is asked at each use, and what only a person asks."""
    notice = c.desk.questions.notice()
    said = notice.consents.values() if notice else ()
    return lines(
        any(one.get("per_use") for one in said)
        and _("Before your profile goes to a firm, or your story is told, I ask you each time."),
        any(one.get("channel") for one in said)
        and _("About health and disability only a person asks you, never this chat."),
    )


def taken_back(c: Context, purpose: str) -> Lines:
    return lines(
        _("Done: you have taken back this permission."),
        purpose == REMINDERS
        and c.desk.workshops.ahead()
        and _("Your appointments stay. I do not write if they change: to see them, write AGENDA."),
        not c.desk.people.consents() and _("I do not write to you by myself any more."),
        _("To give it again, write MY DATA."),
    )
