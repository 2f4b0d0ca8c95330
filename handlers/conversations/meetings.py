# SPDX-License-Identifier: EUPL-1.2
"""What members answer about a meeting of their Job Club: I come, not this time, and first: my week."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.moments import (
    CLUB_TOMORROW,
    CLUB_UNCONFIRMED,
    MEETING_CALLED_OFF,
    MEETING_ON,
    MISSED_MEETING,
    Moment,
)
from handlers.talk import Asking, Choice, Choosable, Conversation, Lines, Move, Question, YesNo, _, done, go, lines, p_
from storage.workshops import Workshop


@dataclass
class Draft:
    booking: int = 0
    meeting: int = 0
    comes: bool = False
    giving_up: bool = False
    is_off: bool = False


meetings = Conversation("meetings", Draft)

NOW = Choosable("now", p_("button", "I answer now"), words=p_("words", "yes, answer, i answer"))
LATER = Choosable("later", p_("button", "Not now"), words=p_("words", "no, later, not now"))


@meetings.starts
def beginning(c: Context) -> Move:
    if c.draft.giving_up:
        return gives_up
    if c.draft.is_off:
        return called_off
    if c.draft.booking:
        return coming
    if not c.draft.meeting:
        return go("agenda")
    return stays_away if c.draft.comes else comes_after_all


@meetings.step
def tomorrow(c: Context) -> Asking:
    occasion = c.desk.workshops.occasion(c.draft.booking)
    chosen = yield c.ask(CLUB_TOMORROW.words(occasion), Choice(CLUB_TOMORROW.choices(occasion)))
    match chosen:
        case "diary":
            return go("diary", club=occasion.event.series_id, then=c.draft.booking)
        case "coming":
            c.desk.workshops.confirm(c.draft.booking)
            c.say(_("Good, we expect you on {when}.", when=occasion.event.starts_at))
        case _:
            c.say(not_this_time(c, c.desk.workshops.cancel(c.draft.booking)))
    return your_week


@meetings.step
def coming(c: Context) -> Asking:
    """After the questions about the week, the one that is left."""
    occasion = c.desk.workshops.occasion(c.draft.booking)
    comes = yield c.ask(_("Do you come on {when}?", when=occasion.event.starts_at), YesNo())
    if not comes:
        return gives_up
    c.desk.workshops.confirm(c.draft.booking)
    return done(_("Good, we expect you on {when}.", when=occasion.event.starts_at))


@meetings.step
def your_week(c: Context) -> Asking:
    club = c.desk.workshops.memory(c.draft.booking).event.series_id
    chosen = yield c.ask(
        _("How was your week? There are six quick questions. You can skip them."), Choice((NOW, LATER))
    )
    return go("diary", club=club) if chosen == "now" else done(_("All right. See you soon."))


@meetings.step
def unconfirmed(c: Context) -> Asking:
    chosen = yield asked(c, CLUB_UNCONFIRMED)
    return go("person") if chosen == "person" else done(_("Thank you for your patience."))


@meetings.step
def is_on(c: Context) -> Asking:
    occasion = c.desk.workshops.occasion(c.draft.booking)
    chosen = yield c.ask(MEETING_ON.words(occasion), Choice(MEETING_ON.choices(occasion)))
    if chosen == "person":
        return go("person")
    if chosen == "cannot":
        return gives_up
    c.desk.workshops.confirm(c.draft.booking)
    return done(_("Good, we expect you on {when}.", when=occasion.event.starts_at))


@meetings.step
def called_off(c: Context) -> Asking:
    chosen = yield asked(c, MEETING_CALLED_OFF)
    c.desk.calendar.take_off(c.draft.booking)
    return go("person") if chosen == "person" else done(_("Thank you. See you at the next one."))


@meetings.step
def missed(c: Context) -> Asking:
    chosen = yield asked(c, MISSED_MEETING)
    next_one = c.desk.meetings.after(c.desk.workshops.memory(c.draft.booking).event.id)
    if chosen == "person":
        return go("person")
    if chosen == "fine" or next_one is None:
        return done(_("Thank you for telling me."))
    if chosen == "coming":
        c.desk.meetings.come_after_all(next_one.workshop.id)
        return done(_("Good, we expect you on {when}.", when=next_one.workshop.starts_at))
    if next_one.booking and next_one.is_expected:
        c.desk.workshops.cancel(next_one.booking.id)
    return done(not_this_time(c, next_one.workshop))


@meetings.step
def gives_up(c: Context) -> Move:
    return done(not_this_time(c, c.desk.workshops.cancel(c.draft.booking)))


@meetings.step
def stays_away(c: Context) -> Asking:
    one = c.desk.meetings.one(c.draft.meeting)
    comes = yield c.ask(_("Do you come on {when}?", when=one.workshop.starts_at), YesNo())
    if not one.booking or not one.is_expected:
        return done(_("All right, it stays as it is."))
    if comes:
        c.desk.workshops.confirm(one.booking.id)
        return done(_("Good, we expect you on {when}.", when=one.workshop.starts_at))
    return done(not_this_time(c, c.desk.workshops.cancel(one.booking.id)))


@meetings.step
def comes_after_all(c: Context) -> Asking:
    one = c.desk.meetings.one(c.draft.meeting)
    comes = yield c.ask(
        lines(
            _("You said that you do not come on {when}.", when=one.workshop.starts_at),
            _("Do you come after all?"),
        ),
        YesNo(),
    )
    if not comes:
        return done(_("All right, it stays as it is."))
    c.desk.meetings.come_after_all(c.draft.meeting)
    return done(_("Good, we expect you on {when}.", when=one.workshop.starts_at))


def asked(c: Context, moment: Moment) -> Question:
    occasion = c.desk.workshops.memory(c.draft.booking)
    return c.ask(moment.words(occasion), Choice(moment.choices(occasion)))


def not_this_time(c: Context, meeting: Workshop) -> Lines:
    """One meeting is given up; the place in the club stays."""
    next_one = c.desk.meetings.after(meeting.id)
    return lines(
        _("All right, we do not expect you on {when}.", when=meeting.starts_at),
        _("You stay in the club."),
        next_one and _("The next meeting is on {when}.", when=next_one.workshop.starts_at),
    )
