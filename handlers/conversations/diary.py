# SPDX-License-Identifier: EUPL-1.2
"""My week in the Job Club: six short questions, each of which can be skipped, and a picture of how it goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from handlers.context import Context
from handlers.desk.diary import HOURS, about
from handlers.moments.workshops import SCORES
from handlers.rules.trend import span
from handlers.talk import (
    Answer,
    Asking,
    Choice,
    Choosable,
    Conversation,
    Local,
    Move,
    Note,
    Number,
    Question,
    Step,
    Text,
    Words,
    _,
    done,
    go,
    lines,
    p_,
)

MOST = 200  # of anything in a week
HARD = 2  # up to here it was a hard week


@dataclass
class Draft:
    club: str | None = None
    week: date | None = None
    asked: list[str] = field(default_factory=list)  # what has been asked about this club and this week
    asked_of: str | None = None
    then: int | None = None  # the booking of the meeting these questions came with


diary = Conversation("diary", Draft, words=p_("words", "diary, my diary, my week, check-in, check in"), keeps=True)

# Each answer is kept when it is given: who stops in the middle has told what they have told, and it stands nowhere
# else. The draft only knows what has been asked, so that the rest is asked when they come back within the week.

SKIP = Choosable("skip", p_("button", "Skip"), words=p_("words", "skip, skip it, next, -"))
KEEP = Choosable("skip", p_("button", "Leave it so"), words=SKIP.words)
TAKE_OUT = Choosable("take_out", p_("button", "Take it out"))


@diary.starts
@diary.step
def opening(c: Context) -> Move:
    """Which club it is about; a week that is over is not asked about any more."""
    mine = c.desk.diary.clubs()
    if not mine:
        c.say(_("These questions are for the members of a Job Club."))
        return go("job_club")
    if c.draft.club not in {club.id for club in mine}:
        c.draft.club = mine[0].id if len(mine) == 1 else None
    return which if c.draft.club is None else begun


@diary.step
def which(c: Context) -> Asking:
    clubs = tuple(Choosable(club.id, Local(club.name)) for club in c.desk.diary.clubs())
    c.draft.club = yield c.ask(_("Which Job Club is it about?"), Choice(clubs))
    return begun


@diary.step
def begun(c: Context) -> Move:
    d, this = c.draft, c.desk.diary.this_week
    if d.asked and d.asked_of == d.club and d.week == this:
        return onward(c)
    if d.week and d.week != this:
        c.say(_("It is a new week now: we begin again."))
    d.week, d.asked, d.asked_of = this, [], d.club
    c.say(_("Six short questions about your week. To skip one, write SKIP."))
    c.say(readers(c))
    return onward(c)


def onward(c: Context) -> Step:
    """The first question that has not been asked yet."""
    still_open = (name for name in QUESTIONS if name not in c.draft.asked)
    return diary.steps[next(still_open, "finish")]


@diary.step
def applications(c: Context) -> Asking:
    given = yield question(c, "applications", _("How many applications did you send? Write a number."), count)
    return told(c, "applications", given)


@diary.step
def calls(c: Context) -> Asking:
    given = yield question(c, "calls", _("How many firms did you call? Write a number."), count)
    return told(c, "calls", given)


@diary.step
def interviews(c: Context) -> Asking:
    given = yield question(c, "interviews", _("How many job interviews did you have? Write a number."), count)
    return told(c, "interviews", given)


@diary.step
def hours(c: Context) -> Asking:
    given = yield question(c, "hours", _("How many hours did you look for work? Write a number."), hours_of_a_week)
    return told(c, "hours", span(given) if isinstance(given, int) else given)


@diary.step
def mood(c: Context) -> Asking:
    given = yield question(c, "mood", _("How do you feel?"), feeling)
    if given.isdigit() and int(given) <= HARD:
        c.say(_("I am sorry. If you like to talk, write PERSON."))
    return told(c, "mood", int(given) if given.isdigit() else given)


@diary.step
def next_step(c: Context) -> Asking:
    given = yield question(c, "next_step", _("What will you do next week? Write a few words."), few_words)
    return told(c, "next_step", given)


@diary.step
def finish(c: Context) -> Move:
    """Thanks, whatever was told; and the picture, once there is something to compare."""
    thanks = lines(
        _("Thank you, {name}.", name=c.person.first_name) if c.person.first_name else _("Thank you."),
        _("Every week is different. Talk about yours in the group, if you like."),
    )
    if not c.desk.diary.send_trend(c.draft.club, thanks):
        c.say(thanks)
    return afterwards(c)


def afterwards(c: Context) -> Move:
    """What comes once the week is told."""
    if c.draft.then and c.desk.meetings.is_unanswered(c.draft.then):
        return go("meetings", booking=c.draft.then)
    return done(_("To read what you told me, write MY ANSWERS."))


QUESTIONS = ("applications", "calls", "interviews", "hours", "mood", "next_step")


def question(c: Context, name: str, words: Text, kind: Callable[[tuple[Choosable, ...]], Answer]) -> Question:
    """A question that can be skipped; who has answered it already can leave that as it is, or take it out."""
    known = name in c.desk.diary.told(c.draft.club, c.draft.week)
    c.about = about(c.draft.club)
    beside = (KEEP, TAKE_OUT) if known else (SKIP,)
    return c.ask(lines(known and _("You have told me this already."), words), kind(beside))


def told(c: Context, name: str, given: int | str) -> Move:
    if c.draft.week != c.desk.diary.this_week:
        return begun
    if given != SKIP.id:
        c.desk.diary.tell(c.draft.club, c.draft.week, name, None if given == TAKE_OUT.id else given)
    c.draft.asked.append(name)
    return onward(c)


def count(beside: tuple[Choosable, ...]) -> Answer:
    return Number(beside, most=MOST)


def hours_of_a_week(beside: tuple[Choosable, ...]) -> Answer:
    """Who writes 4 means four hours, not the fourth line."""
    return Number((*HOURS, *beside), most=7 * 24)


def feeling(beside: tuple[Choosable, ...]) -> Answer:
    return Choice((*SCORES, *beside))


def few_words(beside: tuple[Choosable, ...]) -> Answer:
    return Note(beside, most=140)


def readers(c: Context) -> Words:
    """Who reads what is told."""
    club = c.desk.job_clubs.club(c.draft.club)
    if club.counsellor:
        return _("Only you and your counsellor, {name}, read your answers.", name=club.counsellor)
    return _("Only you and the counsellor of the club read your answers.")
