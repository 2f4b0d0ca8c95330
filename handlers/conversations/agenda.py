# SPDX-License-Identifier: EUPL-1.2
"""My agenda: what is ahead, saying that one comes, the way there, one's own calendar, and giving up a place."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.desk.workshops import Appointment
from handlers.moments import COMING, MAP, entrance, map_of, place_of, way_there
from handlers.talk import Asking, Choice, Choosable, Conversation, Local, Move, Words, YesNo, _, done, go, lines, p_


@dataclass
class Draft:
    booking: int | None = None


agenda = Conversation(
    "agenda",
    Draft,
    words=p_("words", "bookings, cancel a booking, my place, my position, waiting list, leave the list"),
)

GIVE_UP = Choosable("cancel", _("I cannot come: cancel it"), p_("button", "Cancel it"))
LEAVE = Choosable("cancel", _("Leave the waiting list"), p_("button", "Leave the list"))
CALENDAR = Choosable("calendar", _("Put it in my calendar"), p_("button", "In my calendar"))
KEEP = Choosable("keep", _("Keep it"), p_("button", "Keep it"))


@agenda.starts
@agenda.step
def ahead(c: Context) -> Asking | Move:
    found = c.desk.workshops.agenda()
    if not found:
        return nothing
    chosen = yield c.ask(
        _("This is your agenda. Choose a line to see more or to cancel it."),
        Choice(tuple(Choosable(str(one.booking.id), line(one), Local(one.workshop.title)) for one in found[:9])),
    )
    c.draft.booking = int(chosen)
    if any(one.booking.id == c.draft.booking and one.booking.state == "offered" for one in found):
        return go("reminders", booking=c.draft.booking, offered=True)
    if any(one.booking.id == c.draft.booking and one.workshop.cancelled_at for one in found):
        return go("changes", booking=c.draft.booking, is_off=True)
    return one


@agenda.step
def nothing(c: Context) -> Asking:
    chosen = yield c.ask(
        _("You have no appointments now."),
        Choice(
            (
                Choosable("workshops", _("See the workshops"), p_("button", "See the workshops")),
                Choosable("menu", p_("button", "Menu")),
            )
        ),
    )
    return go(chosen)


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
    if appointment.position:
        asked = _("Do you leave the waiting list of «{title}»?", **named)
    else:
        asked = _("Do you give up «{title}»?", **named)
    yes = yield c.ask(asked, YesNo())
    if not yes:
        return done(_("All right, it stays in your agenda."))
    c.desk.workshops.cancel(c.draft.booking)
    if appointment.position:
        return done(_("Done: you are no longer on the waiting list."))
    return done(_("Done: it is cancelled. Somebody else can have your place."))


def line(appointment: Appointment) -> Words:
    words = {"title": Local(appointment.workshop.title), "when": appointment.workshop.starts_at}
    if appointment.workshop.cancelled_at:
        return _("{title}: {when}, called off", **words)
    if appointment.booking.state == "offered":
        return _("{title}: {when}, a place is free for you: please answer", **words)
    if appointment.position is not None:
        return _("{title}: {when} (waiting list, number {position})", position=appointment.position, **words)
    return _("{title}: {when}, your place is booked", **words)


def choices(appointment: Appointment) -> tuple[Choosable, ...]:
    """What one can do about a line of the agenda; who only waits has no place to confirm or to write down."""
    way = (MAP,) if map_of(appointment.workshop) else ()
    if appointment.position:
        return (*way, LEAVE, KEEP)
    coming = () if appointment.booking.confirmed_at else (COMING,)
    return (*coming, *way, CALENDAR, GIVE_UP, KEEP)


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
