# SPDX-License-Identifier: EUPL-1.2
"""The Job Club: what it is and where, asking to join, waiting for a place, its meetings, and leaving it."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.desk.job_clubs import Card
from handlers.desk.meetings import Meeting
from handlers.moments import (
    CLUB_JOINED,
    CLUB_PLACE,
    NEXT_MEETINGS,
    PATH_COMPLETED,
    access,
    club_place,
    map_to,
    path_done,
    place_in,
)
from handlers.rules.booking import AlreadyOffered, AlreadyWaiting, Full, Waiting
from handlers.rules.job_clubs import AlreadyMember, Joined, Missing, NotYet
from handlers.talk import (
    Asking,
    Choice,
    Choosable,
    Conversation,
    Lines,
    Local,
    Move,
    Words,
    YesNo,
    _,
    done,
    go,
    lines,
    n_,
    p_,
)
from storage.job_clubs import JobClub

MOST = 8  # lines to choose from


@dataclass
class Draft:
    club: str | None = None
    membership: int = 0
    meeting: int | None = None


job_club = Conversation("job_club", Draft, words=p_("words", "job club, the job club, club, my club"))

WEEK = Choosable("diary", _("Tell about my week"), p_("button", "My week"))
WAY = Choosable("map", p_("button", "How to get there"))
LEAVE = Choosable("leave", _("Leave the Job Club"), p_("button", "Leave the club"))
PERSON = Choosable("person", p_("button", "Talk to a person"))
KEEP = Choosable("keep", _("Stay on the waiting list"), p_("button", "Stay on the list"))
OUT = Choosable("out", _("Leave the waiting list"), p_("button", "Leave the list"))


@job_club.starts
def beginning(c: Context) -> Move:
    return standing if c.draft.club else nearest(c)


def nearest(c: Context) -> Move:
    """Theirs, or those near them."""
    mine = c.desk.job_clubs.mine_all()
    known = [one.club_id for one in mine] or [club.id for club in c.desk.job_clubs.near()]
    if not known:
        return done(_("There is no Job Club near you yet. A person can help you: write PERSON."))
    c.draft.club = known[0] if len(known) == 1 else None
    return standing if c.draft.club else which


@job_club.step
def which(c: Context) -> Asking:
    mine = [c.desk.job_clubs.club(one.club_id) for one in c.desk.job_clubs.mine_all()]
    found = mine or c.desk.job_clubs.near()
    c.draft.club = yield c.ask(_("Which Job Club?"), Choice(tuple(map(line, found[:MOST]))))
    return standing


@job_club.step
def standing(c: Context) -> Move:
    """What somebody can do about a club depends on what they are there."""
    card = c.desk.job_clubs.card(c.draft.club)
    match card.mine and card.mine.state:
        case "member":
            return member
        case "waiting":
            return join if card.position == 1 and card.seats.empty else in_line
        case "offered":
            assert card.mine is not None
            c.draft.membership = card.mine.id
            return offered
        case _:
            c.say(facts(card), apart=True)
            return to_join(card)


def to_join(card: Card) -> Move:
    """The path comes first; then a place, or the line."""
    if card.missing:
        return not_yet
    return join if card.seats.free else wait


@job_club.step
def not_yet(c: Context) -> Asking:
    left = c.desk.job_clubs.card(c.draft.club).missing
    wants = yield c.ask(
        lines(
            _("To join the Job Club you need a path first. You still need:"),
            *to_do(left),
            _("Do you want to start now?"),
        ),
        YesNo(),
    )
    if not wants:
        return done(_("All right. Come back when you want: write JOB CLUB."))
    return go("workshops", door="orientation") if left.group_meetings else by_person(c)


@job_club.step
def join(c: Context) -> Asking:
    wants = yield c.ask(_("Would you like to join this Job Club?"), YesNo())
    return asked_to_join(c, or_wait=False) if wants else done(_("All right. Come back when you want: write JOB CLUB."))


@job_club.step
def wait(c: Context) -> Asking:
    wants = yield c.ask(_("The club is full now. Shall I put you on the waiting list?"), YesNo())
    return asked_to_join(c, or_wait=True) if wants else done(_("All right. Come back when you want: write JOB CLUB."))


def asked_to_join(c: Context, *, or_wait: bool) -> Move:
    """Ask the desk for a place, and say what it answered."""
    if not c.person.registered_at:
        c.say(_("First I need a few things about you."))
        return go("registration", then="job_club", club=c.draft.club)
    match c.desk.job_clubs.join(c.draft.club, or_wait=or_wait):
        case Joined() | AlreadyMember():
            return done(welcome(c))
        case Waiting(position=position) | AlreadyWaiting(position=position):
            return done(waiting(c, position))
        case Full():
            return wait
        case AlreadyOffered():
            return standing
        case NotYet():
            return not_yet


@job_club.step
def in_line(c: Context) -> Asking:
    card = c.desk.job_clubs.card(c.draft.club)
    chosen = yield c.ask(waiting(c, card.position), Choice((OUT, KEEP)))
    if chosen == "keep":
        return done(_("All right, it stays as it is."))
    c.desk.job_clubs.leave(c.draft.club)
    return done(_("Done: you are no longer on the waiting list."))


@job_club.step
def offered(c: Context) -> Asking:
    place, club = c.desk.job_clubs.place(c.draft.membership)
    about = club_place(place, club, c.person.first_name or "", changed_at=c.now)
    chosen = yield c.ask(CLUB_PLACE.words(about), Choice(CLUB_PLACE.choices(about)))
    c.draft.club = club.id
    if chosen == "decline":
        c.desk.job_clubs.offers.decline(c.draft.membership)
        return done(_("All right. I offer the place to somebody else."))
    c.desk.job_clubs.offers.accept(c.draft.membership)
    return done(welcome(c))


@job_club.step
def let_in(c: Context) -> Asking:
    about = c.desk.job_clubs.member_of(c.draft.membership)
    chosen = yield c.ask(CLUB_JOINED.words(about), Choice(CLUB_JOINED.choices(about)))
    assert about.club is not None, "it is about a club"
    c.draft.club = about.club.id
    return ahead if chosen == "meetings" else go("person")


@job_club.step
def path_completed(c: Context) -> Asking:
    about = path_done(c.desk.person.id, c.desk.person.first_name, "", c.desk.now)
    chosen = yield c.ask(PATH_COMPLETED.words(about), Choice(PATH_COMPLETED.choices(about)))
    return nearest(c) if chosen == "job_club" else go("person")


# ---- for members


@job_club.step
def member(c: Context) -> Asking:
    card = c.desk.job_clubs.card(c.draft.club)
    chosen = yield c.ask(
        lines(
            _("You are in «{club}».", club=Local(card.club.name)),
            card.next_meeting and _("The next meeting is on {when}.", when=card.next_meeting.starts_at),
            _("What would you like to do?"),
        ),
        Choice((NEXT_MEETINGS, WEEK, WAY, LEAVE, PERSON)),
    )
    match chosen:
        case "meetings":
            return ahead
        case "diary":
            return go("diary", club=c.draft.club)
        case "map":
            return done(way_to(card.club))
        case "leave":
            return leave
        case _:
            return go("person")


@job_club.step
def ahead(c: Context) -> Asking | Move:
    found = c.desk.meetings.ahead(c.draft.club)
    if not found:
        return done(_("No meeting is planned now. Look here again in some days."))
    chosen = yield c.ask(
        _("These are the next meetings. Choose one to say if you come."), Choice(tuple(map(meeting_line, found[:MOST])))
    )
    c.draft.meeting = int(chosen)
    expected = {one.workshop.id for one in found if one.is_expected}
    return go("meetings", meeting=c.draft.meeting, comes=c.draft.meeting in expected)


@job_club.step
def leave(c: Context) -> Asking:
    club = c.desk.job_clubs.club(c.draft.club)
    sure = yield c.ask(_("Do you leave «{club}»? Your place goes to another person.", club=Local(club.name)), YesNo())
    if not sure:
        return done(_("All right, it stays as it is."))
    c.desk.job_clubs.leave(c.draft.club)
    c.say(_("Done: you have left the club. To come back, write JOB CLUB."))
    return why


FOUND = Choosable("job_found", p_("button", "I found a job"), words=p_("words", "i have found a job, i found work"))
REASONS = (
    FOUND,
    Choosable("hours", p_("button", "The hour is bad")),
    Choosable("not_for_me", p_("button", "It is not for me")),
    Choosable("other", p_("button", "Another reason")),
)


@job_club.step
def why(c: Context) -> Asking:
    reason = yield c.ask(_("If you want, tell me why:"), Choice(REASONS), optional=True)
    c.desk.job_clubs.left_because(c.draft.club, reason)
    if reason == "job_found":
        return done(_("Congratulations! That is good news."))
    return done(_("Thank you for telling me."))


# ---- words


def line(club: JobClub) -> Choosable:
    return Choosable(
        club.id, _("{club}, {town}", club=Local(club.name), town=club.venue.comune or ""), Local(club.name)
    )


def meeting_line(meeting: Meeting) -> Choosable:
    when = meeting.workshop.starts_at
    return Choosable(str(meeting.workshop.id), said_of(meeting), p_("a day on a button", "{when}", when=when.date()))


def said_of(meeting: Meeting) -> Words:
    when = meeting.workshop.starts_at
    if not meeting.is_expected:
        return _("{when}: you do not come", when=when)
    if not meeting.workshop.is_confirmed:
        return _("{when}: not sure yet", when=when)
    return _("{when}: we expect you", when=when)


def facts(card: Card) -> Lines:
    """What one needs to know before joining: what, when, with whom, where, how to get in (B09a)."""
    club = card.club
    return lines(
        Local(club.name),
        _("A small group: we look for work together, every week."),
        club.counsellor and _("With {name}, orientation counsellor.", name=club.counsellor),
        card.next_meeting and _("Next meeting: {when}", when=card.next_meeting.starts_at),
        *where(club),
        access(club.venue, is_online=False),
        places_left(card),
    )


def places_left(card: Card) -> Words:
    if card.seats.free:
        return n_("{count} place is free.", "{count} places are free.", card.seats.free)
    return _("There is no free place now.")


def where(club: JobClub) -> tuple[Words | None, ...]:
    url = map_to(club.venue)
    return (
        _("Where: {where}", where=place_in(club.venue)),
        url and _("Map: {url}", url=url),
        club.venue.bus and _("By bus or train: {bus}", bus=club.venue.bus),
    )


def way_to(club: JobClub) -> Lines:
    return lines(*where(club))


def to_do(left: Missing) -> tuple[Words | None, ...]:
    """What is missing on the path, one thing a line."""
    return (
        n_("{count} group meeting", "{count} group meetings", left.group_meetings) if left.group_meetings else None,
        n_("{count} interview", "{count} interviews", left.interviews) if left.interviews else None,
    )


def by_person(c: Context) -> Move:
    """Only interviews are left, and those are agreed with a person."""
    c.say(_("Interviews are agreed with a person of the desk."))
    return go("person")


def welcome(c: Context) -> Lines:
    card = c.desk.job_clubs.card(c.draft.club)
    return lines(
        _("Welcome to «{club}».", club=Local(card.club.name)),
        card.next_meeting and _("The next meeting is on {when}.", when=card.next_meeting.starts_at),
        clash(c),
        _("You find all the meetings in your agenda."),
        _("I will write to you the day before.") if c.desk.people.agreed("service_messages") else None,
    )


def clash(c: Context) -> Words | None:
    """The first meeting at which this person has something else; the choice stays theirs."""
    for meeting in c.desk.meetings.ahead(c.draft.club):
        if others := c.desk.workshops.clashes(meeting.workshop):
            title = Local(others[0].workshop.title)
            return _("On {when} you also have «{title}».", when=meeting.workshop.starts_at, title=title)
    return None


def waiting(c: Context, position: int) -> Lines:
    """Where they stand, and how they will hear: nothing is written to someone who did not ask for it."""
    if c.desk.people.agreed("service_messages"):
        how = _("I will write if a place is free.")
    else:
        how = _("A person of the desk looks for you if a place is free.")
    return lines(_("You are number {position} on the waiting list.", position=position), how)
