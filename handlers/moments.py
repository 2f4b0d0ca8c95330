# SPDX-License-Identifier: EUPL-1.2
"""Every message Sportello sends by itself: when, to whom, in which words, and until when it makes sense."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from handlers.rules.opening import Hours, last_open
from handlers.talk import Choosable, Local, Words, _, lines, p_
from handlers.talk.text import ROME
from storage.workshops import Booking, Workshop

# A reminder that has to move earlier keeps clear of the last minute: many move to the same evening.
EARLIER = timedelta(hours=2)


@dataclass(frozen=True)
class Occasion:
    """What a moment can be about: a person's place at a workshop. Times are aware, in UTC."""

    booking_id: int
    person_id: int
    first_name: str
    booked_at: datetime
    workshop: Workshop
    map_url: str | None
    offered_until: datetime | None = None
    reminds: bool = True  # will a reminder come?
    is_time_left: bool = True  # is there still time for one?


@dataclass(frozen=True)
class Moment:
    """
    A push as data: so long after (or before) its anchor, in these words, not after so long before the start.

    ``consent`` is the purpose a person must have agreed to; none for the answer to what they have just done.
    Priority 0 goes out with replies, 1 before bulk.
    """

    name: str
    anchor: Literal["booked_at", "starts_at"]
    offset: timedelta
    stale: timedelta
    priority: int
    consent: str | None
    words: Callable[[Occasion], Words]
    choices: Callable[[Occasion], tuple[Choosable, ...]]
    conversation: str
    step: str
    about: str = "booked"  # the state a booking must be in for this to be true

    def planned(self, occasion: Occasion, hours: Hours) -> datetime:
        """When it should go out. A reminder that falls in closed time moves earlier, into open time."""
        if self.anchor == "booked_at":
            return occasion.booked_at + self.offset
        at = on_the_wall(occasion.workshop.starts_at, self.offset)
        latest = last_open(at, hours)
        return at if latest == at else latest - EARLIER


def occasion_of(
    booking: Booking,
    workshop: Workshop,
    first_name: str,
    *,
    offered_until: datetime | None = None,
) -> Occasion:
    return Occasion(
        booking_id=booking.id,
        person_id=booking.person_id,
        first_name=first_name,
        booked_at=booking.booked_at or workshop.opens_at,
        workshop=workshop,
        map_url=map_of(workshop),
        offered_until=offered_until or booking.offered_until,
    )


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


@dataclass(frozen=True)
class Push:
    """A moment that has come, for one occasion."""

    moment: Moment
    occasion: Occasion
    at: datetime
    not_after: datetime

    @property
    def key(self) -> str:
        return f"{self.moment.name}:{self.occasion.booking_id}:{self.revision}"

    @property
    def revision(self) -> int:
        return self.occasion.workshop.revision

    @property
    def subject(self) -> str:
        return f"booking:{self.occasion.booking_id}"

    @property
    def words(self) -> Words:
        return self.moment.words(self.occasion)

    @property
    def choices(self) -> tuple[Choosable, ...]:
        return self.moment.choices(self.occasion)

    @property
    def answered_by(self) -> dict[str, Any]:
        draft = {"booking": self.occasion.booking_id}
        return {"conversation": self.moment.conversation, "step": self.moment.step, "draft": draft}


def due(
    now: datetime, occasions: Iterable[Occasion], hours: Hours, moments: "Iterable[Moment] | None" = None
) -> list[Push]:
    """What has come and is not stale. Who booked after the hour of a reminder does not get it."""
    pushes = [push_of(moment, occasion, hours) for occasion in occasions for moment in moments or MOMENTS]
    return [
        push
        for push in pushes
        if push.at <= now < push.not_after and (push.moment.anchor == "booked_at" or push.occasion.booked_at < push.at)
    ]


def push_of(moment: Moment, occasion: Occasion, hours: Hours) -> Push:
    return Push(moment, occasion, moment.planned(occasion, hours), occasion.workshop.starts_at - moment.stale)


def confirmed_words(occasion: Occasion) -> Words:
    workshop = occasion.workshop
    return lines(
        _("{name}, your place is booked.", name=occasion.first_name),
        Local(workshop.title),
        workshop.starts_at,
        place_of(workshop),
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
    workshop = occasion.workshop
    return lines(
        _("{name}, you have an appointment.", name=occasion.first_name),
        Local(workshop.title),
        workshop.starts_at,
        place_of(workshop),
        _("Are you coming?"),
    )


def offered_words(occasion: Occasion) -> Words:
    workshop = occasion.workshop
    return lines(
        _("Good news, {name}: a place is free for you.", name=occasion.first_name),
        Local(workshop.title),
        workshop.starts_at,
        place_of(workshop),
        _("Please answer by {until}. Then the place goes to another person.", until=occasion.offered_until),
    )


def place_of(workshop: Workshop) -> str:
    """Where it is, in one line."""
    venue = workshop.venue
    return ", ".join(part for part in (venue.name, venue.address, venue.comune) if part)


CANNOT = Choosable(
    "cannot", p_("button", "I cannot come"), words=p_("words", "i cannot, i can't, i can not come, i'm not coming")
)
MAP = Choosable("map", p_("button", "How to get there"))
COMING = Choosable(
    "coming", p_("button", "I'm coming"), words=p_("words", "i come, i will come, i am coming, coming, yes")
)
ACCEPT = Choosable("accept", p_("button", "Yes, I come"), words=p_("words", "yes, yes i come, i come, i want it"))
DECLINE = Choosable("decline", p_("button", "No, thanks"), words=p_("words", "no, no thanks, no thank you"))
CALL = Choosable("person", p_("button", "Talk to a person"))


def confirmed_choices(occasion: Occasion) -> tuple[Choosable, ...]:
    # The way there first: an impatient second "1" must not touch the place that was just booked.
    return (MAP, CANNOT) if occasion.map_url else (CANNOT,)


def reminder_choices(occasion: Occasion) -> tuple[Choosable, ...]:
    return (COMING, CANNOT, CALL)


def offered_choices(occasion: Occasion) -> tuple[Choosable, ...]:
    return (ACCEPT, DECLINE)


BOOKING_CONFIRMED = Moment(
    name="booking_confirmed",
    anchor="booked_at",
    offset=timedelta(0),
    stale=timedelta(0),
    priority=0,
    consent=None,
    words=confirmed_words,
    choices=confirmed_choices,
    conversation="reminders",
    step="booked",
)
REMINDER_24H = Moment(
    name="reminder_24h",
    anchor="starts_at",
    offset=timedelta(hours=-24),
    stale=timedelta(hours=2),
    priority=1,
    consent="service_messages",
    words=reminder_words,
    choices=reminder_choices,
    conversation="reminders",
    step="coming",
)

PLACE_OFFERED = Moment(
    name="place_offered",
    anchor="booked_at",
    offset=timedelta(0),
    stale=timedelta(hours=3),
    priority=1,
    consent="service_messages",
    words=offered_words,
    choices=offered_choices,
    conversation="reminders",
    step="offered",
    about="offered",
)

MOMENTS = (BOOKING_CONFIRMED, REMINDER_24H, PLACE_OFFERED)
BY_NAME = {moment.name: moment for moment in MOMENTS}
