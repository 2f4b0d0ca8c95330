# SPDX-License-Identifier: EUPL-1.2
"""Finds the moments that have come and puts them into the outbox, each once."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from handlers.desk import Desk
from handlers.desk.attendance import completed
from handlers.desk.hours import hours_in
from handlers.moments import (
    A_MONTH_OF_SILENCE,
    AHEAD,
    BY_NAME,
    HALF_WAY,
    HOW_WAS_IT,
    LAST_NOTICE,
    MEETING_ON,
    MEETING_UNSURE,
    PLANNED,
    WORKSHOP_MOVED,
    Moment,
    Occasion,
    Push,
    at_any_hour,
    club_place,
    due,
    half_way,
    is_repeat,
    occasion_of,
    path_done,
    rome_day,
    silence,
    still_stands,
)
from handlers.rules.opening import Hours
from handlers.rules.retention import PROFILES, SETTING, days_of
from handlers.talk.catalogues import Catalogues
from storage import Store
from storage.job_clubs import Membership
from storage.messages import SHOWN, UNSENT, Message
from storage.workshops import Booking, Workshop

BEHIND = HOW_WAS_IT.until[1] + timedelta(days=1)  # what is asked afterwards is asked within these days
FORM = "registration"

Lives = tuple[Occasion, str | None]
"""An occasion, and the comune whose hours and feasts count for it."""


def due_now(store: Store, now: datetime) -> list[Push]:
    """What has come at the workshops of these days and is not in the outbox yet, for those who want it."""
    return _new(store, now, places(store, now))


def due_quiet(store: Store, now: datetime) -> list[Push]:
    """The same for those who have stopped writing; it looks at everybody, and is asked less often."""
    return _new(store, now, lulls(store, now))


def put(store: Store, now: datetime, catalogues: Catalogues, pushes: Iterable[Push]) -> int:
    """Put these into the outbox; what is there already is not put twice. Returns how many were new."""
    return sum(_put(store, now, catalogues, push) for push in pushes)


def lapse(store: Store, now: datetime, catalogues: Catalogues, booking: Booking) -> bool:
    """End an offer whose time is over or which never reached anybody; False if it stands."""
    return Desk(store, store.people.get(booking.person_id), now, catalogues).offers.lapse(booking.id)


def offer_free_places(store: Store, now: datetime, catalogues: Catalogues, workshop_id: int, first: int) -> None:
    """
    Offer what is free to those who wait; ``first`` is the person at the head of the line.

    Places also become free without anybody giving one up, when a workshop gets more of them.
    """
    if workshop := store.workshops.lock(workshop_id):
        Desk(store, store.people.get(first), now, catalogues).offers.free_places(workshop)


def lapse_club_place(store: Store, now: datetime, catalogues: Catalogues, place: Membership) -> bool:
    """The same for a place in a Job Club."""
    return Desk(store, store.people.get(place.person_id), now, catalogues).job_clubs.offers.lapse(place.id)


def offer_free_club_places(store: Store, now: datetime, catalogues: Catalogues, club_id: str, first: int) -> None:
    """The same for the places of a Job Club."""
    if club := store.job_clubs.lock(club_id):
        Desk(store, store.people.get(first), now, catalogues).job_clubs.offers.free_places(club)


def places(store: Store, now: datetime, until: datetime | None = None, person_id: int | None = None) -> list[Lives]:
    """
    Every place at a workshop of these days (``until`` then, if not now), and where its person lives; everybody's, or
    one person's.
    """
    found = store.workshops.places(now - BEHIND, (until or now) + AHEAD, person_id)
    known = store.workshops.several({booking.workshop_id for booking, _name, _comune in found})
    clubs = {one.series_id for one in known.values() if one.is_meeting}
    starts = store.job_clubs.starts(clubs, now - BEHIND) if clubs else {}
    members = store.job_clubs.members_of(clubs) if clubs else set()
    return [
        (occasion_of(booking, workshop, name or "", said_at=now, next_at=_next(workshop, starts)), comune)
        for booking, name, comune in found
        if (workshop := known[booking.workshop_id])
        and (not workshop.is_meeting or (workshop.series_id, booking.person_id) in members)
    ]


def _next(meeting: Workshop, starts: Mapping[str, list[datetime]]) -> datetime | None:
    """When the same Job Club meets next."""
    return next((at for at in starts.get(meeting.series_id, ()) if at > meeting.starts_at), None)


def is_member(store: Store, booking: Booking, meeting: Workshop) -> bool:
    """Is somebody still in the club whose meeting it is?"""
    mine = store.job_clubs.membership_of(booking.person_id, meeting.series_id)
    return mine is not None and mine.state == "member"


def lulls(store: Store, now: datetime, until: datetime | None = None, person_id: int | None = None) -> list[Lives]:
    """
    Those who left the form half-way, and those who have been silent for a month or for eleven (``until`` then, if not
    by now), with where they live; of all, or of one person.
    """
    by = until or now
    left = store.dialogues.half_way(FORM, now - HALF_WAY.until[1], by - HALF_WAY.offset, person_id)
    silent = {
        one.person_id: one
        for moment in (A_MONTH_OF_SILENCE, LAST_NOTICE)
        for one in store.dialogues.silent(now - moment.until[1], by - moment.offset, by, person_id)
    }
    kept = timedelta(days=days_of(PROFILES, store.questions.settings().get(SETTING))) if silent else timedelta(0)
    return [(half_way(one.person_id, one.first_name, one.since), one.comune_istat) for one in left] + [
        (silence(one.person_id, one.first_name, one.since, rome_day(one.since + kept)), one.comune_istat)
        for one in silent.values()
    ]


def _new(store: Store, now: datetime, occasions: list[Lives]) -> list[Push]:
    hours: dict[str | None, Hours] = {}
    pushes: list[Push] = []
    for occasion, comune in occasions:
        if any(moment.applies(occasion) and moment.may_be_due(occasion, now) for moment in PLANNED):
            hours[comune] = hours.get(comune) or hours_in(store, comune)
            pushes += due(now, [occasion], hours[comune], PLANNED)
    return still_new(store, pushes)


def still_new(store: Store, pushes: list[Push]) -> list[Push]:
    """Those that are not in the outbox yet, that their person has agreed to, and that tell something new."""
    known = store.messages.known_keys([push.key for push in pushes])
    return [
        push
        for push in _wanted(store, [push for push in pushes if push.key not in known])
        if not is_told_already(store, push)
    ]


def _wanted(store: Store, pushes: list[Push]) -> list[Push]:
    """Those that their person has agreed to, where that is needed."""
    purposes = {push.moment.consent for push in pushes if push.moment.consent}
    people = {push.occasion.person_id for push in pushes}
    agreed = {purpose: store.people.who_agreed(purpose, people) for purpose in purposes}
    return [
        push for push in pushes if push.moment.consent is None or push.occasion.person_id in agreed[push.moment.consent]
    ]


def is_told_already(store: Store, push: Push) -> bool:
    """Has the same reminder gone out for nearly the same time, or does the news of a change say it anyway?"""
    if push.moment.anchor != "starts_at" or not push.occasion.revision:
        return False
    id, subject = push.occasion.person_id, push.subject
    if is_repeat(push, store.messages.told(id, subject, push.moment.name)):
        return True
    told = [
        store.messages.newest_push(id, subject, moment.name) for moment in (WORKSHOP_MOVED, MEETING_ON, MEETING_UNSURE)
    ]
    return any(_says_it(news, push) for news in told if news)


def _says_it(news: Message, push: Push) -> bool:
    """Is the news of the time that there is now, and not older than the hour of the reminder?"""
    is_of_now = (news.payload or {}).get("revision") == push.occasion.revision
    return is_of_now and news.at >= push.at and news.state in (*SHOWN, *UNSENT)


def _put(store: Store, now: datetime, catalogues: Catalogues, push: Push) -> bool:
    desk = Desk(store, store.people.get(push.occasion.person_id), now, catalogues)
    chat = desk.outbox.chat()
    return bool(chat and desk.outbox.push(push, chat))


# ---- what the send check asks


def still_true(store: Store, message: Message, moment: Moment) -> bool:
    """Does what a push is about still stand, unmoved?"""
    occasion = occasion_in(store, message)
    return occasion is not None and still_stands(moment, occasion, (message.payload or {}).get("revision"))


def any_hour(store: Store, message: Message, moment: Moment, now: datetime) -> bool:
    """May this push go out in closed time too?"""
    occasion = occasion_in(store, message)
    return occasion is not None and at_any_hour(moment, message.payload or {}, occasion, now)


def occasion_in(store: Store, message: Message) -> Occasion | None:
    """What a push is about, as it stands now; None if it is about nothing any more."""
    noun, _colon, id = (message.subject or "").partition(":")
    if noun == "booking":
        booking = store.workshops.booking(int(id))
        workshop = store.workshops.get(booking.workshop_id) if booking else None
        if booking and workshop and workshop.is_meeting and not is_member(store, booking, workshop):
            return None
        return occasion_of(booking, workshop, "", changed_at=message.at) if booking and workshop else None
    if noun == "membership":
        place = store.job_clubs.membership(int(id))
        club = store.job_clubs.get(place.club_id) if place else None
        return club_place(place, club, "", changed_at=message.at) if place and club else None
    if noun == "path":
        return _path_in(store, message, id.partition(":")[2])
    return _lull_in(store, message) if noun == "person" else None


def _path_in(store: Store, message: Message, path_id: str) -> Occasion | None:
    """Is it still completed, or has somebody corrected who was there?"""
    done = completed(store, message.person_id)
    return path_done(message.person_id, None, path_id, message.at) if path_id in done else None


def _lull_in(store: Store, message: Message) -> Occasion | None:
    """Has the person written, or signed up, since?"""
    dialogue, person = store.dialogues.get(message.person_id), store.people.get(message.person_id)
    facts: Mapping[str, Any] = message.payload or {}
    if dialogue.changed_at > message.at or person.stopped_at:
        return None
    if BY_NAME.get(facts.get("moment", "")) is not HALF_WAY:
        return silence(person.id, None, dialogue.changed_at)
    return half_way(person.id, None, dialogue.changed_at) if person.registered_at is None else None
