# SPDX-License-Identifier: EUPL-1.2
"""What is going to happen by itself, and when: the same look for a clock that is moved and for those who wonder."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handlers.desk.hours import hours_for, hours_in
from handlers.desk.moments import lulls, places, still_new
from handlers.desk.offers import SENT_WITHIN
from handlers.moments import CLUB_PLACE, PLACE_OFFERED, PLANNED, Moment, Occasion, Push, due
from handlers.rules.opening import Hours, add_open_time
from handlers.talk import Words, _
from storage import Store
from storage.job_clubs import Membership
from storage.messages import UNSENT
from storage.workshops import Booking

JUST_AFTER = timedelta(milliseconds=1)  # an offer still stands in its last instant


@dataclass(frozen=True)
class Coming:
    """Something that is going to happen: when (aware, UTC), to whom, and in which words."""

    at: datetime
    person_id: int
    name: str  # of the moment; or offer_ends, given_back; or reply, notice: whatever waits in the outbox
    words: Words


def coming(store: Store, now: datetime, until: datetime) -> list[Coming]:
    """
    What comes after one instant and not after the other, as things stand, soonest first.

    What happens on the way may bring more: an offer that ends makes another one. Whoever moves a clock looks again
    after each.
    """
    found = [*_moments(store, now, until), *_outbox(store, now, until), *_offers(store, now, until)]
    found += _handovers(store, now, until)
    return sorted(found, key=lambda one: (one.at, one.person_id))


def _moments(store: Store, now: datetime, until: datetime) -> list[Coming]:
    hours: dict[str | None, Hours] = {}
    pushes: list[Push] = []
    for occasion, comune in places(store, now, until) + lulls(store, now, until):
        if any(moment.applies(occasion) for moment in PLANNED):
            hours[comune] = hours.get(comune) or hours_in(store, comune)
            pushes += _pushes(occasion, hours[comune], now, until)
    return [Coming(one.at, one.occasion.person_id, one.moment.name, one.words) for one in still_new(store, pushes)]


def _pushes(occasion: Occasion, hours: Hours, now: datetime, until: datetime) -> Iterator[Push]:
    """What this occasion brings in between, each as it will be found when its hour has come."""
    for moment in PLANNED:
        if moment.applies(occasion):
            at = moment.planned(occasion, hours)
            if at is not None and now < at <= until:
                yield from due(at, [replace(occasion, said_at=at)], hours, [moment])


def _outbox(store: Store, now: datetime, until: datetime) -> list[Coming]:
    return [
        Coming(one.due_at, one.person_id, (one.payload or {}).get("moment") or one.kind, one.text)
        for one in store.messages.waiting(now, until)
        if one.due_at
    ]


def _offers(store: Store, now: datetime, until: datetime) -> list[Coming]:
    """The offers that end, because nobody has answered or because they could not leave."""
    held: list[tuple[Booking | Membership, str, Moment]] = [
        *((one, f"booking:{one.id}", PLACE_OFFERED) for one in store.workshops.ended_offers(until)),
        *((one, f"membership:{one.id}", CLUB_PLACE) for one in store.job_clubs.ended_offers(until)),
    ]
    ends = [
        (one.person_id, end + JUST_AFTER) for one, subject, moment in held if (end := _end(store, one, subject, moment))
    ]
    words = _("An offer ends: the place goes to the next person.")
    return [Coming(end, person_id, "offer_ends", words) for person_id, end in ends if now < end <= until]


def _handovers(store: Store, now: datetime, until: datetime) -> list[Coming]:
    """Where the time is up for which somebody of the desk has taken over."""
    words = _("The program answers again.")
    return [Coming(at, who, "given_back", words) for at, who in store.dialogues.given_back_between(now, until)]


def _end(store: Store, place: Booking | Membership, subject: str, moment: Moment) -> datetime | None:
    """When an offer ends: when its time is over, or sooner if it has not left in half an hour of open time."""
    message = store.messages.newest_push(place.person_id, subject, moment.name)
    if message is None or message.state not in UNSENT:
        return place.offered_until
    left_by = add_open_time(message.at, SENT_WITHIN, hours_for(store, store.people.get(place.person_id)))
    return min(left_by, place.offered_until or left_by)
