# SPDX-License-Identifier: EUPL-1.2
"""What is said about a workshop: the place, the reminders, changes, and how it was."""

from collections.abc import Callable
from datetime import datetime, timedelta

from handlers.moments.occasions import Occasion, rome_day
from handlers.moments.places import entrance, map_of, place_of
from handlers.moments.pushes import Moment
from handlers.talk import Choosable, Local, Words, _, lines, p_


def confirmed_words(occasion: Occasion) -> Words:
    workshop = occasion.event
    return lines(
        _("{name}, your place is booked.", name=occasion.first_name),
        Local(workshop.title),
        workshop.starts_at,
        place_of(workshop),
        entrance(workshop),
        _("It is free. If you cannot come, choose «I cannot come»."),
        reminding(occasion),
    )


def reminding(occasion: Occasion) -> Words:
    """What to expect before the day; nothing is promised that will not come."""
    if occasion.reminds:
        return _("I will write to you the day before.")
    if not occasion.is_time_left:
        return _("It is soon: write down the day.")
    return _("Write down the day: you chose no reminders.")


def reminder_words(occasion: Occasion) -> Words:
    workshop = occasion.event
    return lines(
        _("{name}, you have an appointment.", name=occasion.first_name),
        Local(workshop.title),
        day_of(occasion),
        place_of(workshop),
        entrance(workshop),
        _("Are you coming?"),
    )


def soon_words(occasion: Occasion) -> Words:
    workshop = occasion.event
    return lines(
        _("{name}, your appointment is near.", name=occasion.first_name),
        Local(workshop.title),
        day_of(occasion),
        place_of(workshop),
        entrance(workshop),
        _("We expect you."),
    )


def day_of(occasion: Occasion) -> Words | datetime:
    """The day in words; «today» and «tomorrow» only where they are true when it is said."""
    starts_at = occasion.event.starts_at
    if occasion.said_at is None:
        return starts_at
    ahead = (rome_day(starts_at) - rome_day(occasion.said_at)).days
    if ahead == 0:
        return _("Today, {when}", when=starts_at)
    return _("Tomorrow, {when}", when=starts_at) if ahead == 1 else starts_at


def offered_words(occasion: Occasion) -> Words:
    workshop = occasion.event
    return lines(
        _("Good news, {name}: a place is free for you.", name=occasion.first_name),
        Local(workshop.title),
        workshop.starts_at,
        place_of(workshop),
        _("Please answer by {until}. Then the place goes to another person.", until=occasion.offered_until),
    )


def moved_words(occasion: Occasion) -> Words:
    workshop = occasion.event
    return lines(
        _("{name}, there is a change.", name=occasion.first_name),
        Local(workshop.title),
        occasion.before and occasion.before != workshop.starts_at and _("Before: {when}", when=occasion.before),
        _("Now: {when}", when=workshop.starts_at),
        place_of(workshop),
        entrance(workshop),
        _("Is it fine for you?"),
    )


def online_words(occasion: Occasion) -> Words:
    workshop = occasion.event
    return lines(
        _("{name}, this meeting is now online.", name=occasion.first_name),
        Local(workshop.title),
        workshop.starts_at,
        entrance(workshop),
        _("No internet? Choose «Talk to a person»."),
        _("Is it fine for you?"),
    )


def called_off_words(occasion: Occasion) -> Words:
    workshop = occasion.event
    return lines(
        _("{name}, this appointment is called off.", name=occasion.first_name),
        Local(workshop.title),
        workshop.starts_at,
        _("We are sorry. Would you like another date?"),
    )


def how_was_it_words(occasion: Occasion) -> Words:
    return _("{name}, how was «{title}»?", name=occasion.first_name, title=Local(occasion.event.title))


def missed_words(occasion: Occasion) -> Words:
    return lines(
        _("{name}, we did not see you at «{title}».", name=occasion.first_name, title=Local(occasion.event.title)),
        _("Is everything all right? You can choose another date."),
    )


CANNOT = Choosable(
    "cannot", p_("button", "I cannot come"), words=p_("words", "i cannot, i can't, i can not come, i'm not coming")
)
MAP = Choosable("map", p_("button", "How to get there"))
LATE = Choosable("late", p_("button", "I will be late"), words=p_("words", "late, i am late, i'm late"))
COMING = Choosable(
    "coming", p_("button", "I'm coming"), words=p_("words", "i come, i will come, i am coming, coming, yes")
)
FINE = Choosable("fine", p_("button", "It is fine"), words=p_("words", "fine, ok, all right, yes, i come"))
ANOTHER = Choosable("another", p_("button", "Another date"), words=p_("words", "another date, other date, yes"))
ACCEPT = Choosable("accept", p_("button", "Yes, I come"), words=p_("words", "yes, yes i come, i come, i want it"))
DECLINE = Choosable("decline", p_("button", "No, thanks"), words=p_("words", "no, no thanks, no thank you"))
CALL = Choosable("person", p_("button", "Talk to a person"))
SCORES = (
    Choosable("1", p_("button", "Very bad")),
    Choosable("2", p_("button", "Not good")),
    Choosable("3", p_("button", "So-so")),
    Choosable("4", p_("button", "Good")),
    Choosable("5", p_("button", "Very good")),
)
NOT_THERE = Choosable("absent", p_("button", "I was not there"))


def confirmed_choices(occasion: Occasion) -> tuple[Choosable, ...]:
    # The way there first: an impatient second "1" must not touch the place that was just booked.
    return (MAP, CANNOT) if map_of(occasion.event) else (CANNOT,)


def soon_choices(occasion: Occasion) -> tuple[Choosable, ...]:
    return (MAP, LATE, CANNOT) if map_of(occasion.event) else (LATE, CANNOT)


def always(*choices: Choosable) -> Callable[[Occasion], tuple[Choosable, ...]]:
    """The same choices on every occasion."""
    return lambda occasion: choices


BOOKING_CONFIRMED = Moment(
    name="booking_confirmed",
    anchor="booked_at",
    offset=timedelta(0),
    until=("starts_at", timedelta(0)),
    priority=0,
    consent=None,
    moves="never",
    words=confirmed_words,
    choices=confirmed_choices,
    conversation="reminders",
    step="booked",
)
REMINDER_24H = Moment(
    name="reminder_24h",
    anchor="starts_at",
    offset=timedelta(hours=-24),
    until=("starts_at", timedelta(hours=-2)),
    moves="earlier",
    critical=True,
    words=reminder_words,
    choices=always(COMING, CANNOT, CALL),
    conversation="reminders",
    step="coming",
)
REMINDER_2H = Moment(
    name="reminder_2h",
    anchor="starts_at",
    offset=timedelta(hours=-2),
    until=("starts_at", timedelta(minutes=-15)),
    moves="never",
    critical=True,
    words=soon_words,
    choices=soon_choices,
    conversation="reminders",
    step="soon",
    about=("booked", "expected"),
)
PLACE_OFFERED = Moment(
    name="place_offered",
    anchor="changed_at",
    offset=timedelta(0),
    until=("starts_at", timedelta(hours=-3)),
    critical=True,
    words=offered_words,
    choices=always(ACCEPT, DECLINE),
    conversation="reminders",
    step="offered",
    about=("offered",),
)
WORKSHOP_MOVED = Moment(
    name="workshop_moved",
    anchor="changed_at",
    offset=timedelta(0),
    until=("starts_at", timedelta(0)),
    critical=True,
    words=moved_words,
    choices=always(FINE, CANNOT, CALL),
    conversation="changes",
    step="moved",
    about=("booked", "expected", "unconfirmed"),
)
WORKSHOP_ONLINE = Moment(
    name="workshop_online",
    anchor="changed_at",
    offset=timedelta(0),
    until=("starts_at", timedelta(0)),
    critical=True,
    words=online_words,
    choices=always(FINE, CANNOT, CALL),
    conversation="changes",
    step="online",
    about=("booked", "expected", "unconfirmed"),
)
WORKSHOP_CALLED_OFF = Moment(
    name="workshop_called_off",
    anchor="changed_at",
    offset=timedelta(0),
    until=("starts_at", timedelta(0)),
    critical=True,
    words=called_off_words,
    choices=always(ANOTHER, CALL),
    conversation="changes",
    step="called_off",
    about=("called_off",),
)
HOW_WAS_IT = Moment(
    name="how_was_it",
    anchor="ends_at",
    offset=timedelta(hours=1),
    until=("ends_at", timedelta(days=4)),
    words=how_was_it_words,
    choices=always(*SCORES, NOT_THERE),
    conversation="feedback",
    step="score",
)
MISSED_YOU = Moment(
    name="missed_you",
    anchor="absent_at",
    offset=timedelta(hours=3),
    until=("absent_at", timedelta(days=3)),
    words=missed_words,
    choices=always(ANOTHER, CALL),
    conversation="feedback",
    step="missed",
    about=("absent",),
)
