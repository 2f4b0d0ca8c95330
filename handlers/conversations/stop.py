# SPDX-License-Identifier: EUPL-1.2
"""Stop: no more messages, or none of one kind, at once; why, if somebody wants to say; and a way back."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Choice, Choosable, Conversation, Lines, Move, NotUnderstood, _, done, lines, p_
from handlers.talk.answers import Said, worded

REMINDERS, OFFERS = "service_messages", "opportunity_push"
TOPICS = {"reminders": REMINDERS, "offers": OFFERS}


STAYS = _("Your appointments stay. I do not write if they change: to see them, write AGENDA.")


@dataclass
class Draft:
    topic: str | None = None  # reminders or offers; none: everything
    stop: int = 0


stop = Conversation("stop", Draft)


@stop.starts
def beginning(c: Context) -> Move:
    return only_this if c.draft.topic else stopped


@stop.step
def stopped(c: Context) -> Move:
    is_new = c.person.stopped_at is None
    c.draft.stop = c.desk.people.stop()
    c.say(
        lines(
            _("All right. I will not write to you here any more."),
            len(c.desk.linking.channels()) > 1 and _("I stop in all your chats: {channels}.", channels=channels(c)),
            c.desk.workshops.ahead() and STAYS,
            _("Come back when you want: write HELLO."),
        )
    )
    return why if is_new else done(bare=True)


def channels(c: Context) -> str:
    return ", ".join(c.desk.linking.channels())


@stop.step
def why(c: Context) -> Asking:
    reason = yield c.ask(_("If you want, tell me why:"), Reason(REASONS), optional=True)
    c.desk.people.stopped_because(c.draft.stop, reason)
    if reason == "job_found":
        more = _("A person of the desk is glad to hear more: write PERSON.")
        return done(lines(_("Congratulations! That is good news."), more), bare=True)
    return done(_("Thank you for telling me."), bare=True)


@stop.step
def only_this(c: Context) -> Move:
    c.desk.people.stop_topic(TOPICS[c.draft.topic])
    return done(no_more_reminders(c) if c.draft.topic == "reminders" else no_more_offers(c))


@dataclass(frozen=True)
class Reason(Choice):
    """A reason as it was shown, and no part of one: who writes «work» after a stop may be looking for some."""

    def read(self, said: Said) -> str:
        chosen = said.chosen or worded(said, self.options)
        if chosen is None:
            raise NotUnderstood(_("I did not understand. Choose a number."))
        return chosen


REASONS = (
    Choosable(
        "job_found",
        p_("button", "I found a job"),
        words=p_("words", "i have found a job, i found work, i have a job now, i work now"),
    ),
    Choosable("too_many", p_("button", "Too many messages")),
    Choosable("not_for_me", p_("button", "They do not help me")),
    Choosable("other", p_("button", "Another reason")),
)


def no_more_reminders(c: Context) -> Lines:
    return lines(
        _("All right: no more reminders."),
        c.desk.workshops.ahead() and STAYS,
        c.desk.people.agreed(OFFERS) and _("You still get new offers."),
        not c.desk.people.consents() and _("I do not write to you by myself any more."),
        _("To get them again, write REMINDERS."),
    )


def no_more_offers(c: Context) -> Lines:
    return lines(
        _("All right: no more new offers."),
        c.desk.people.agreed(REMINDERS) and _("You still get reminders."),
        not c.desk.people.consents() and _("I do not write to you by myself any more."),
        _("To get them again, write OFFERS."),
    )
