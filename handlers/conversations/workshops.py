# SPDX-License-Identifier: EUPL-1.2
"""Workshops: see what is on near you, book a place, or wait for one."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.desk.workshops import Appointment, Listed
from handlers.moments import access, place_of
from handlers.rules.booking import (
    AlreadyBooked,
    AlreadyOffered,
    AlreadyWaiting,
    Booked,
    CalledOff,
    Full,
    TooEarly,
    TooLate,
    Waiting,
)
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

PAGE = 8


@dataclass
class Draft:
    door: str | None = None
    page: int = 0
    workshop: int | None = None


workshops = Conversation("workshops", Draft, words=p_("words", "workshops, workshop, courses, book, book a workshop"))


@workshops.starts
def beginning(c: Context) -> Move:
    return choose if c.draft.workshop is None else confirm


@workshops.step
def choose(c: Context) -> Asking | Move:
    found = behind(c.draft.door, c.desk.workshops.open())
    if not found:
        return done(_("No workshop is open now. Come back soon: new ones are coming."))
    shown, more = found[c.draft.page * PAGE :][:PAGE], len(found) > (c.draft.page + 1) * PAGE
    chosen = yield c.ask(
        _("These workshops are free. Which one do you like?"),
        Choice((*map(line, shown), *([Choosable("more", _("Show me others"))] if more else []))),
    )
    if chosen == "more":
        c.draft.page += 1
        return choose
    c.draft.workshop = int(chosen)
    return confirm


@workshops.step
def confirm(c: Context) -> Asking | Move:
    listed = c.desk.workshops.card(c.draft.workshop)
    if known := standing(c):
        return done(known)
    c.say(card(listed), apart=True)
    for other in c.desk.workshops.clashes(listed.workshop):
        c.say(clash(other))
    if not listed.places.free_at(c.now):
        return wait
    sure = yield c.ask(_("Shall I book your place?"), YesNo())
    if not sure:
        return another(c)
    return booked(c, or_wait=False) if c.person.registered_at else sign_up(c)


@workshops.step
def wait(c: Context) -> Asking:
    sure = yield c.ask(_("There are no free places now. Shall I put you on the waiting list?"), YesNo())
    if not sure:
        return another(c)
    return booked(c, or_wait=True) if c.person.registered_at else sign_up(c)


def sign_up(c: Context) -> Move:
    c.say(_("First I need a few things about you."))
    return go("registration", then="workshops", workshop=c.draft.workshop)


def another(c: Context) -> Move:
    c.draft.workshop = None
    return choose


def booked(c: Context, *, or_wait: bool) -> Move:
    """Ask the desk for a place, and say what it answered."""
    match c.desk.workshops.book(c.draft.workshop, or_wait=or_wait):
        case Booked():
            return done(quiet=True)  # the card that says so is on its way
        case Waiting(position=position):
            return done(in_line(c, position))
        case Full():
            return wait
        case AlreadyBooked() | AlreadyWaiting() | AlreadyOffered():
            return done(standing(c))
        case TooEarly(opens_at=opens_at):
            return done(_("Booking opens on {when}.", when=opens_at))
        case TooLate() | CalledOff():
            c.say(_("Sorry, this workshop takes no more bookings."))
            return another(c)


def standing(c: Context) -> Words | None:
    """What this person has here already, if anything."""
    mine = c.desk.workshops.mine(c.draft.workshop)
    match mine and mine.booking.state:
        case "booked":
            return _("You already have a place here. You find it in your agenda.")
        case "waiting":
            assert mine is not None
            return _("You are already on the waiting list, number {position}.", position=mine.position)
        case "offered":
            return _("A place is free for you. You find it in your agenda: please answer.")
        case _:
            return None


def in_line(c: Context, position: int) -> Words:
    """Where they stand, and how they will hear: nothing is written to someone who did not ask for it."""
    if c.desk.people.agreed("service_messages"):
        how = _("I will write if a place is free.")
    else:
        how = _("A person of the desk looks for you if a place is free.")
    return lines(_("You are number {position} on the waiting list.", position=position), how)


def clash(other: Appointment) -> Words:
    """What stands in the way, said before anything is decided; the choice stays theirs."""
    title = Local(other.workshop.title)
    if other.position:
        return _("You already wait for «{title}» at that time.", title=title)
    return _("You already have «{title}» at that time.", title=title)


def behind(door: str | None, found: list[Listed]) -> list[Listed]:
    """What stands behind a door of the menu; everything, if that would be nothing."""
    if door is None:
        return found
    return [one for one in found if one.workshop.counts_for_path == (door == "orientation")] or found


def line(listed: Listed) -> Choosable:
    workshop = listed.workshop
    where = _("online") if workshop.is_online else workshop.venue.comune
    words = {"title": Local(workshop.title), "when": workshop.starts_at, "where": where}
    full = not listed.free or listed.places.waiting
    label = _("{title}: {when}, {where} (full)", **words) if full else _("{title}: {when}, {where}", **words)
    return Choosable(str(workshop.id), label, Local(workshop.title))


def card(listed: Listed) -> Lines:
    """What one needs to know to come: what, when, where, how to get in."""
    workshop, venue = listed.workshop, listed.workshop.venue
    return lines(
        Local(workshop.title),
        Local(workshop.summary),
        _("When: {when}", when=workshop.starts_at),
        _("Where: {where}", where=place_of(workshop)),
        listed.map_url and _("Map: {url}", url=listed.map_url),
        venue.bus and not listed.workshop.is_online and _("By bus or train: {bus}", bus=venue.bus),
        access(venue, is_online=workshop.is_online),
        workshop.bring and Local(workshop.bring),
        listed.free and n_("{count} place is free.", "{count} places are free.", listed.free),
    )
