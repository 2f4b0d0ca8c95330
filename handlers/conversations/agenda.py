# SPDX-License-Identifier: EUPL-1.2
"""My agenda: what is ahead, saying that one comes, the way there, one's own calendar, and giving up a place."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.desk.job_clubs import Card
from handlers.desk.workshops import Appointment
from handlers.moments import COMING, MAP, entrance, map_of, place_of, way_there
from handlers.talk import (
    Asking,
    Choice,
    Choosable,
    Conversation,
    Local,
    Move,
    Step,
    Words,
    YesNo,
    _,
    done,
    go,
    lines,
    p_,
)


@dataclass
class Draft:
    booking: int | None = None


agenda = Conversation(
    "agenda",
    Draft,
    words=p_("words", "bookings, cancel a booking, my place, my position, waiting list, leave the list"),
)

MOST, CLUB = 9, "club:"
GIVE_UP = Choosable("cancel", _("I cannot come: cancel it"), p_("button", "Cancel it"))
NOT_THIS_TIME = Choosable("cancel", p_("button", "I cannot come"))
LEAVE = Choosable("cancel", _("Leave the waiting list"), p_("button", "Leave the list"))
CALENDAR = Choosable("calendar", _("Put it in my calendar"), p_("button", "In my calendar"))
FOLLOW = Choosable("follow", _("Follow my agenda in my calendar"), p_("button", "Follow my agenda"))
TAKE_BACK = Choosable("take_back", _("Take the address back"), p_("button", "Take it back"))
AGENDA = Choosable("agenda", p_("button", "My agenda"))
KEEP = Choosable("keep", _("Keep it"), p_("button", "Keep it"))


@agenda.starts
@agenda.step
def ahead(c: Context) -> Asking | Move:
    found, clubs = c.desk.workshops.upcoming(), club_lines(c)
    if not found and not clubs:
        return nothing
    shown = [Choosable(str(one.booking.id), line(one), Local(one.workshop.title)) for one in found]
    chosen = yield c.ask(
        _("This is your agenda. Choose a line to see more or to cancel it."),
        Choice((*clubs, *shown[: MOST - len(clubs)], *following(c))),
    )
    if chosen == FOLLOW.id:
        return followed(c)
    if chosen.startswith(CLUB):
        return go("job_club", club=chosen.removeprefix(CLUB))
    c.draft.booking = int(chosen)
    if any(one.booking.id == c.draft.booking and one.booking.state == "offered" for one in found):
        return go("reminders", booking=c.draft.booking, offered=True)
    if off := next((one for one in found if one.booking.id == c.draft.booking and one.workshop.cancelled_at), None):
        return go("meetings" if off.workshop.is_meeting else "changes", booking=c.draft.booking, is_off=True)
    return one


@agenda.step
def nothing(c: Context) -> Asking:
    chosen = yield c.ask(
        _("You have no appointments now."),
        Choice(
            (
                Choosable("workshops", _("See the workshops"), p_("button", "See the workshops")),
                *following(c),
                Choosable("menu", p_("button", "Menu")),
            )
        ),
    )
    return followed(c) if chosen == FOLLOW.id else go(chosen)


def following(c: Context) -> tuple[Choosable, ...]:
    """One line more than the nine appointments, which makes the ten that a list holds."""
    return (FOLLOW,) if c.desk.calendar.can_be_followed else ()


def followed(c: Context) -> Step:
    c.desk.calendar.open()
    return subscription


@agenda.step
def subscription(c: Context) -> Asking | Move:
    address = c.desk.calendar.address()
    if address is None:
        return ahead
    chosen = yield c.ask(
        lines(
            _("Your calendar can follow your agenda: what you book or cancel here changes there."),
            _("In your calendar, add a calendar from this address:"),
            address,
            _("Whoever has this address sees your agenda. Do not pass it on."),
        ),
        Choice((TAKE_BACK, AGENDA)),
    )
    if chosen == AGENDA.id:
        return ahead
    c.desk.calendar.shut()
    return done(_("Done: that address shows nothing any more. In your agenda you can ask for a new one."))


@agenda.step
def one(c: Context) -> Asking:
    appointment = c.desk.workshops.appointment(c.draft.booking)
    workshop = appointment.workshop
    chosen = yield c.ask(details(appointment), Choice(choices(appointment)))
    match chosen:
        case "coming":
            c.desk.workshops.confirm(c.draft.booking)
            return done(_("Good, we expect you on {when}.", when=workshop.starts_at))
        case "map":
            c.desk.outbox.spot(c.identity, workshop)
            return done(way_there(workshop))
        case "calendar":
            c.desk.calendar.send(c.draft.booking)
            return done(quiet=True)  # the file is the answer
        case "cancel":
            return sure
        case _:
            return done(_("All right, it stays in your agenda."))


@agenda.step
def sure(c: Context) -> Asking:
    appointment = c.desk.workshops.appointment(c.draft.booking)
    named = {"title": Local(appointment.workshop.title)}
    if appointment.workshop.is_meeting:
        asked = _("Do you stay away on {when}?", when=appointment.workshop.starts_at)
    elif appointment.position:
        asked = _("Do you leave the waiting list of «{title}»?", **named)
    else:
        asked = _("Do you give up «{title}»?", **named)
    yes = yield c.ask(asked, YesNo())
    if not yes:
        return done(_("All right, it stays in your agenda."))
    if appointment.workshop.is_meeting:
        return go("meetings", booking=c.draft.booking, giving_up=True)
    c.desk.workshops.cancel(c.draft.booking)
    if appointment.position:
        return done(_("Done: you are no longer on the waiting list."))
    return done(_("Done: it is cancelled. Somebody else can have your place."))


def club_lines(c: Context) -> list[Choosable]:
    """Clubs where this person waits for a place, or is offered one."""
    found = []
    for one in c.desk.job_clubs.mine_all():
        if one.state != "member":
            card = c.desk.job_clubs.card(one.club_id)
            found.append(Choosable(f"{CLUB}{one.club_id}", club_line(card), Local(card.club.name)))
    return found


def club_line(card: Card) -> Words:
    name = Local(card.club.name)
    if card.position:
        return _("{club}: waiting list, number {position}", club=name, position=card.position)
    return _("{club}: a place is free for you: please answer", club=name)


def line(appointment: Appointment) -> Words:
    words = {"title": Local(appointment.workshop.title), "when": appointment.workshop.starts_at}
    if appointment.workshop.cancelled_at:
        return _("{title}: {when}, called off", **words)
    if appointment.booking.state == "offered":
        return _("{title}: {when}, a place is free for you: please answer", **words)
    if appointment.position is not None:
        return _("{title}: {when} (waiting list, number {position})", position=appointment.position, **words)
    if not appointment.workshop.is_confirmed:
        return _("{title}: {when}, not sure yet", **words)
    return _("{title}: {when}, your place is booked", **words)


def choices(appointment: Appointment) -> tuple[Choosable, ...]:
    """What one can do about a line of the agenda; who only waits has no place to confirm or to write down."""
    way = (MAP,) if map_of(appointment.workshop) else ()
    if appointment.position:
        return (*way, LEAVE, KEEP)
    coming = () if appointment.booking.confirmed_at else (COMING,)
    return (*coming, *way, CALENDAR, NOT_THIS_TIME if appointment.workshop.is_meeting else GIVE_UP, KEEP)


def details(appointment: Appointment) -> Words:
    workshop = appointment.workshop
    url = map_of(workshop)
    return lines(
        Local(workshop.title),
        workshop.starts_at,
        place_of(workshop),
        entrance(workshop),
        url and _("Map: {url}", url=url),
        appointment.position and _("You are number {position} on the waiting list.", position=appointment.position),
    )
