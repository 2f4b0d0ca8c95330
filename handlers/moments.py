# SPDX-License-Identifier: EUPL-1.2
"""Every message Sportello sends by itself: when, to whom, in which words, and until when it makes sense."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from handlers.rules.opening import Hours, last_open, next_open
from handlers.talk import Choosable, Local, Words, _, lines, p_
from handlers.talk.text import ROME
from storage.workshops import Booking, Workshop

# A reminder that has to move earlier keeps clear of the last minute: many move to the same evening.
EARLIER = timedelta(hours=2)
# A change of what begins so soon is told at any hour; a shift shorter than that does not repeat a reminder.
SOON = timedelta(hours=24)
SMALL_SHIFT = timedelta(minutes=60)
AN_HOUR = timedelta(hours=1)
AHEAD = timedelta(days=5)  # a reminder moves earlier over a long week-end, never by more than this

Anchor = Literal["booked_at", "starts_at", "ends_at", "changed_at", "absent_at", "left_at", "silent_since"]


@dataclass(frozen=True)
class Occasion:
    """
    What a moment can be about: a person, mostly their place at a workshop, and the instants it hangs from.

    ``times`` holds only the anchors that apply. ``state`` is the booking's, absent for who did not come, or half_way
    or silent for people who have left a form or have not written for long. ``revision`` tells one time of a workshop,
    or one silence, from the next. All times are aware, in UTC.
    """

    person_id: int
    first_name: str
    state: str
    times: Mapping[str, datetime]
    booking_id: int = 0
    revision: int | str = 0
    workshop: Workshop | None = None
    offered_until: datetime | None = None
    before: datetime | None = None  # when it was going to start until it was moved
    said_at: datetime | None = None  # when these words are said, for «tomorrow»; none: say the day only
    reminds: bool = True  # will a reminder come?
    is_time_left: bool = True  # is there still time for one?

    @property
    def event(self) -> Workshop:
        """The workshop, where there is one."""
        assert self.workshop is not None, "not every occasion is about a workshop"
        return self.workshop

    @property
    def id(self) -> str:
        return str(self.booking_id) if self.booking_id else f"person:{self.person_id}"

    @property
    def subject(self) -> str:
        return f"booking:{self.booking_id}" if self.booking_id else f"person:{self.person_id}"


@dataclass(frozen=True)
class Moment:
    """
    A push as data: so long after (or before) its anchor, in these words, until so long after another anchor.

    ``consent`` is the purpose a person must have agreed to; none for the answer to what they have just done.
    Priority 0 goes out with replies, 1 before bulk. What falls in closed time moves ``earlier`` or ``later`` into open
    time, or ``never`` moves. A ``critical`` one that may not have arrived is sent a second time, and says so. ``about``
    are the states of the occasion in which this is true.
    """

    name: str
    anchor: Anchor
    offset: timedelta
    until: tuple[Anchor, timedelta]
    words: Callable[[Occasion], Words]
    choices: Callable[[Occasion], tuple[Choosable, ...]]
    conversation: str
    step: str
    about: tuple[str, ...] = ("booked",)
    priority: int = 1
    consent: str | None = "service_messages"
    moves: Literal["earlier", "later", "never"] = "later"
    critical: bool = False

    @property
    def minds_the_hour(self) -> bool:
        return self.moves != "never"

    def planned(self, occasion: Occasion, hours: Hours) -> datetime:
        """When it should go out. What falls in closed time moves into open time, earlier or later."""
        if not self.offset:
            return occasion.times[self.anchor]  # at once; the send check knows whether the hour is right
        at = on_the_wall(occasion.times[self.anchor], self.offset)
        if self.moves == "never":
            return at
        if self.moves == "later":
            return next_open(at, hours)
        latest = last_open(at, hours)
        return at if latest == at else latest - EARLIER

    def ends(self, occasion: Occasion) -> datetime:
        """From when on it makes no sense any more."""
        anchor, offset = self.until
        return occasion.times[anchor] + offset

    def applies(self, occasion: Occasion) -> bool:
        return occasion.state in self.about and self.anchor in occasion.times

    def may_be_due(self, occasion: Occasion, now: datetime) -> bool:
        """A first look, without the hours: can it have come, and is it not over?"""
        earliest = occasion.times[self.anchor] + self.offset - (AHEAD if self.moves == "earlier" else timedelta(0))
        return earliest - AN_HOUR <= now < self.ends(occasion)  # the clocks may change in between


def occasion_of(
    booking: Booking,
    workshop: Workshop,
    first_name: str,
    *,
    offered_until: datetime | None = None,
    changed_at: datetime | None = None,
    before: datetime | None = None,
    said_at: datetime | None = None,
) -> Occasion:
    """
    Somebody's place at a workshop. ``changed_at`` is when the workshop was moved or called off, if that is news, and
    ``before`` when it was going to start until then.
    """
    known = {
        "booked_at": booking.booked_at or workshop.opens_at,
        "starts_at": workshop.starts_at,
        "ends_at": workshop.ends_at,
        "changed_at": changed_at,
        "absent_at": booking.attendance_at if booking.attendance == "absent" else None,
    }
    return Occasion(
        person_id=booking.person_id,
        first_name=first_name,
        state=state_of(booking, workshop),
        times={name: at for name, at in known.items() if at},
        booking_id=booking.id,
        revision=workshop.revision,
        workshop=workshop,
        offered_until=offered_until or booking.offered_until,
        said_at=said_at,
        before=before,
    )


def state_of(booking: Booking, workshop: Workshop) -> str:
    """What holds of a place: that the workshop is called off, that its person did not come, or what the row says."""
    if workshop.cancelled_at and booking.state == "booked":
        return "called_off"
    return "absent" if booking.attendance == "absent" else booking.state


def half_way(person_id: int, first_name: str | None, left_at: datetime) -> Occasion:
    """Somebody who began to sign up and stopped writing; they hear of it once."""
    return Occasion(person_id, first_name or "", "half_way", {"left_at": left_at}, revision="once")


def silence(person_id: int, first_name: str | None, since: datetime) -> Occasion:
    """Somebody we know who has not written for long."""
    return Occasion(person_id, first_name or "", "silent", {"silent_since": since}, revision=str(rome_day(since)))


def map_of(workshop: Workshop) -> str | None:
    """A link to a public map, where there is a place to find."""
    venue = workshop.venue
    if workshop.is_online or not venue.address:
        return None
    return "https://www.openstreetmap.org/search?query=" + quote(f"{venue.address}, {venue.comune}")


def on_the_wall(at: datetime, offset: timedelta) -> datetime:
    """So much earlier or later on a clock in Rome: a day before 10:00 is 10:00, also when the clocks change."""
    local = at.astimezone(ROME).replace(tzinfo=None) + offset
    return local.replace(tzinfo=ROME).astimezone(UTC)


def rome_day(at: datetime) -> date:
    return at.astimezone(ROME).date()


@dataclass(frozen=True)
class Push:
    """A moment that has come, for one occasion."""

    moment: Moment
    occasion: Occasion
    at: datetime
    not_after: datetime

    @property
    def key(self) -> str:
        return f"{self.moment.name}:{self.occasion.id}:{self.occasion.revision}"

    @property
    def subject(self) -> str:
        return self.occasion.subject

    @property
    def words(self) -> Words:
        return self.moment.words(self.occasion)

    @property
    def timeless_words(self) -> Words:
        """The same without «today» and «tomorrow», in case it is another day by the time it leaves."""
        return self.moment.words(replace(self.occasion, said_at=None))

    @property
    def choices(self) -> tuple[Choosable, ...]:
        return self.moment.choices(self.occasion)

    @property
    def answered_by(self) -> dict[str, Any]:
        draft = {"booking": self.occasion.booking_id} if self.occasion.booking_id else {}
        return {"conversation": self.moment.conversation, "step": self.moment.step, "draft": draft}

    @property
    def facts(self) -> dict[str, Any]:
        """What the send check compares, and what the person has been told once this is sent."""
        told = told_of(self.occasion.workshop) if self.occasion.workshop else {}
        return {"moment": self.moment.name, "revision": self.occasion.revision, **told}


def told_of(workshop: Workshop) -> dict[str, str]:
    """When and where, as a message about a workshop tells it."""
    return {"starts_at": workshop.starts_at.isoformat(), "where": place_of(workshop)}


def due(
    now: datetime, occasions: Iterable[Occasion], hours: Hours, moments: "Iterable[Moment] | None" = None
) -> list[Push]:
    """What has come and is not stale. Who booked after the hour of a reminder does not get it."""
    pushes = [
        push_of(moment, occasion, hours)
        for occasion in occasions
        for moment in (PLANNED if moments is None else moments)
        if moment.applies(occasion) and moment.may_be_due(occasion, now)
    ]
    return [push for push in pushes if push.at <= now < push.not_after and not _came_too_late(push)]


def _came_too_late(push: Push) -> bool:
    booked_at = push.occasion.times.get("booked_at")
    return push.moment.anchor == "starts_at" and booked_at is not None and booked_at >= push.at


def push_of(moment: Moment, occasion: Occasion, hours: Hours) -> Push:
    return Push(moment, occasion, moment.planned(occasion, hours), moment.ends(occasion))


def is_repeat(push: Push, told: Mapping[str, Any] | None) -> bool:
    """Has the same reminder gone out already, for a time so near that it need not come again?"""
    if told is None or "starts_at" not in told:
        return False
    return abs(datetime.fromisoformat(told["starts_at"]) - push.occasion.event.starts_at) < SMALL_SHIFT


def still_stands(moment: Moment, occasion: Occasion, revision: int | str | None) -> bool:
    """Is what a message says still true: the same state, the same time?"""
    return moment.applies(occasion) and occasion.revision == revision


def at_any_hour(moment: Moment, told: Mapping[str, Any], occasion: Occasion, now: datetime) -> bool:
    """May it go out in closed time too? Yes where it must, and for news of what begins, or began, within a day."""
    if not moment.minds_the_hour:
        return True
    if "before" not in told:
        return False
    starts = (datetime.fromisoformat(told["before"]), occasion.times["starts_at"])
    return any(now - SOON <= start <= now + SOON for start in starts)


# ---- words


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


def half_way_words(occasion: Occasion) -> Words:
    return lines(
        _("You began to sign up with me. I still have what you wrote."),
        _("Shall we go on?"),
    )


def silence_words(occasion: Occasion) -> Words:
    return lines(
        _("{name}, it is a month since you wrote.", name=occasion.first_name),
        _("How is it going?"),
    )


def place_of(workshop: Workshop) -> str:
    """Where it is, in one line; nothing for what is only online, whose room is not where anybody meets."""
    venue = workshop.venue
    if workshop.is_online and venue.comune_istat:
        return ""
    return ", ".join(part for part in (venue.name, venue.address, venue.comune) if part)


def entrance(workshop: Workshop) -> Words | None:
    """Where one enters what is online."""
    return (
        _("You enter from here: {link}", link=workshop.link) if workshop.link and workshop.mode != "in_person" else None
    )


def way_there(workshop: Workshop) -> Words:
    """How to find it, by name, by bus and on a map."""
    url = map_of(workshop)
    return lines(
        _("Where: {where}", where=place_of(workshop)),
        workshop.venue.bus and _("By bus or train: {bus}", bus=workshop.venue.bus),
        url and _("Map: {url}", url=url),
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
GO_ON = Choosable("on", p_("button", "Let us go on"), words=p_("words", "yes, go on"))
NOT_NOW = Choosable("later", p_("button", "Not now"), words=p_("words", "no, later, not now"))
STILL_LOOKING = Choosable("looking", p_("button", "I still look"))
FOUND_A_JOB = Choosable("job_found", p_("button", "I found a job"))
NO_MORE = Choosable("stop", p_("button", "Stop messages"))


def confirmed_choices(occasion: Occasion) -> tuple[Choosable, ...]:
    # The way there first: an impatient second "1" must not touch the place that was just booked.
    return (MAP, CANNOT) if map_of(occasion.event) else (CANNOT,)


def soon_choices(occasion: Occasion) -> tuple[Choosable, ...]:
    return (MAP, LATE, CANNOT) if map_of(occasion.event) else (LATE, CANNOT)


def always(*choices: Choosable) -> Callable[[Occasion], tuple[Choosable, ...]]:
    """The same choices on every occasion."""
    return lambda occasion: choices


# ---- the moments

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
HALF_WAY = Moment(
    name="half_way",
    anchor="left_at",
    offset=timedelta(hours=20),
    until=("left_at", timedelta(days=6)),  # what was written is kept for seven days
    consent=None,  # it goes on with what the person has begun, and comes once
    words=half_way_words,
    choices=always(GO_ON, NOT_NOW, CALL),
    conversation="silence",
    step="unfinished",
    about=("half_way",),
)
A_MONTH_OF_SILENCE = Moment(
    name="a_month_of_silence",
    anchor="silent_since",
    offset=timedelta(days=30),
    until=("silent_since", timedelta(days=37)),
    words=silence_words,
    choices=always(STILL_LOOKING, FOUND_A_JOB, CALL, NO_MORE),
    conversation="silence",
    step="a_month",
    about=("silent",),
)

# Those that come with time, and those that follow at once from what somebody does.
PLANNED = (REMINDER_24H, REMINDER_2H, HOW_WAS_IT, MISSED_YOU, HALF_WAY, A_MONTH_OF_SILENCE)
NEWS = (WORKSHOP_MOVED, WORKSHOP_ONLINE, WORKSHOP_CALLED_OFF)  # what people must hear, by telephone if need be
AT_ONCE = (BOOKING_CONFIRMED, PLACE_OFFERED, *NEWS)
MOMENTS = PLANNED + AT_ONCE
BY_NAME = {moment.name: moment for moment in MOMENTS}
