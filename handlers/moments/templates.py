# SPDX-License-Identifier: EUPL-1.2
"""Each moment in words that a network can approve: the same sentences, with the day and the hour always written out."""

from collections.abc import Mapping
from typing import Any

from handlers.moments.job_clubs import (
    ANSWER_NOW,
    CLUB_JOINED,
    CLUB_PLACE,
    CLUB_STILL_UNCONFIRMED,
    CLUB_TOMORROW,
    CLUB_UNCONFIRMED,
    MEETING_CALLED_OFF,
    MEETING_ON,
    MEETING_UNSURE,
    MISSED_MEETING,
    NEXT_MEETINGS,
    NOT_THIS_TIME,
    PATH_COMPLETED,
    TO_THE_CLUB,
)
from handlers.moments.lulls import (
    A_MONTH_OF_SILENCE,
    DELETE_NOW,
    FOUND_A_JOB,
    GO_ON,
    HALF_WAY,
    LAST_NOTICE,
    NO_MORE,
    NOT_NOW,
    STAY,
    STILL_LOOKING,
)
from handlers.moments.occasions import Occasion
from handlers.moments.places import place_of
from handlers.moments.pushes import Moment
from handlers.moments.workshops import (
    ACCEPT,
    ANOTHER,
    BOOKING_CONFIRMED,
    CALL,
    CANNOT,
    COMING,
    DECLINE,
    FINE,
    HOW_WAS_IT,
    LATE,
    MAP,
    MISSED_YOU,
    NOT_THERE,
    PLACE_OFFERED,
    REMINDER_2H,
    REMINDER_24H,
    SCORES,
    WORKSHOP_CALLED_OFF,
    WORKSHOP_MOVED,
    WORKSHOP_ONLINE,
)
from handlers.talk import Choosable, Local, Text, Words, _
from handlers.talk.templates import Slot, Template
from storage.workshops import Workshop

NAME, TITLE = Slot("name"), Slot("title")
WHAT = _("What: {title}", title=TITLE)
WHEN = _("When: {when}", when=Slot("when"))
NOW = _("Now: {when}", when=Slot("when"))
BEFORE = _("Before: {when}", when=Slot("before"))
WHERE = _("Where: {where}", where=Slot("where"))
ENTER = _("You enter from here: {link}", link=Slot("link"))
NEXT_ONE = _("The next one is on {when}.", when=Slot("next"))
NEXT_MEETING = _("The next meeting is on {when}.", when=Slot("next"))
ANSWER_BY = _("Please answer by {until}. Then the place goes to another person.", until=Slot("until"))
COMING_OR_NOT, IS_IT_FINE = _("Are you coming?"), _("Is it fine for you?")


def speaks(name: str, choices: tuple[Choosable, ...], *sentences: Text, buttons: tuple[str, ...] = ()) -> Template:
    """A template, the way it is read."""
    return Template(name, sentences, choices, buttons)


BOOKED = (
    _("{name}, your place is booked.", name=NAME),
    WHAT,
    WHEN,
    WHERE,
    _("It is free. If you cannot come, choose «I cannot come»."),
)
SOON = (_("{name}, your appointment is near.", name=NAME), WHAT, WHEN, WHERE, _("We expect you."))
CHANGED = _("{name}, there is a change.", name=NAME)
ONLINE = _("{name}, this meeting is now online.", name=NAME)
NO_INTERNET = _("No internet? Choose «Talk to a person».")
OFF = _("{name}, this meeting is called off.", name=NAME)
SORRY = _("We are sorry. Is it fine for you?")
MISSED = _("{name}, we did not see you at «{title}».", name=NAME, title=TITLE)
JOINED = _("Good news, {name}: you are in the Job Club.", name=NAME)
LONG_AGO = _("{name}, you have not written to me for a long time.", name=NAME)
STAY_OR_GO = _("Do you want to stay with us?")
UNSURE = speaks(
    "job_club_unconfirmed",
    (FINE, CALL),
    _("{name}, this meeting is not sure yet.", name=NAME),
    WHAT,
    WHEN,
    _("We look for a counsellor. If it takes place, I write to you."),
)

# Of several, the first one that fits: with the choices of the occasion, and nothing to fill in that is not known.
TEMPLATES: Mapping[str, tuple[Template, ...]] = {
    BOOKING_CONFIRMED.name: (
        speaks("booking_confirmed", (MAP, CANNOT), *BOOKED),
        speaks("booking_confirmed_no_map", (CANNOT,), *BOOKED),
    ),
    REMINDER_24H.name: (
        speaks(
            "reminder_24h",
            (COMING, CANNOT, CALL),
            _("{name}, you have an appointment.", name=NAME),
            WHAT,
            WHEN,
            WHERE,
            COMING_OR_NOT,
        ),
    ),
    REMINDER_2H.name: (
        speaks("reminder_2h", (MAP, LATE, CANNOT), *SOON),
        speaks("reminder_2h_no_map", (LATE, CANNOT), *SOON),
    ),
    PLACE_OFFERED.name: (
        speaks(
            "place_offered",
            (ACCEPT, DECLINE),
            _("Good news, {name}: a place is free for you.", name=NAME),
            WHAT,
            WHEN,
            WHERE,
            ANSWER_BY,
        ),
    ),
    WORKSHOP_MOVED.name: (
        speaks("workshop_moved", (FINE, CANNOT, CALL), CHANGED, WHAT, BEFORE, NOW, WHERE, IS_IT_FINE),
        speaks("workshop_moved_same_hour", (FINE, CANNOT, CALL), CHANGED, WHAT, NOW, WHERE, IS_IT_FINE),
    ),
    WORKSHOP_ONLINE.name: (
        speaks("workshop_online", (FINE, CANNOT, CALL), ONLINE, WHAT, WHEN, ENTER, NO_INTERNET, IS_IT_FINE),
        speaks("workshop_online_no_link", (FINE, CANNOT, CALL), ONLINE, WHAT, WHEN, NO_INTERNET, IS_IT_FINE),
    ),
    WORKSHOP_CALLED_OFF.name: (
        speaks(
            "workshop_called_off",
            (ANOTHER, CALL),
            _("{name}, this appointment is called off.", name=NAME),
            WHAT,
            WHEN,
            _("We are sorry. Would you like another date?"),
        ),
    ),
    HOW_WAS_IT.name: (
        speaks(
            "how_was_it",
            (*SCORES, NOT_THERE),
            _("{name}, how was «{title}»?", name=NAME, title=TITLE),
            buttons=("2", "3", "4"),  # a button for the worst and none for the best would weigh on the answer
        ),
    ),
    MISSED_YOU.name: (
        speaks("missed_you", (ANOTHER, CALL), MISSED, _("Is everything all right? You can choose another date.")),
    ),
    CLUB_TOMORROW.name: (
        speaks(
            "job_club_weekly",
            (ANSWER_NOW, COMING, NOT_THIS_TIME),
            _("{name}, your Job Club meets.", name=NAME),
            WHAT,
            WHEN,
            WHERE,
            _("First, six quick questions about your week. You can skip them."),
        ),
    ),
    CLUB_UNCONFIRMED.name: (UNSURE,),
    CLUB_STILL_UNCONFIRMED.name: (UNSURE,),
    MEETING_UNSURE.name: (UNSURE,),
    MEETING_ON.name: (
        speaks(
            "meeting_on",
            (COMING, NOT_THIS_TIME, CALL),
            _("{name}, this meeting takes place.", name=NAME),
            WHAT,
            WHEN,
            WHERE,
            COMING_OR_NOT,
        ),
    ),
    MEETING_CALLED_OFF.name: (
        speaks("meeting_called_off", (FINE, CALL), OFF, WHAT, WHEN, NEXT_ONE, SORRY),
        speaks("meeting_called_off_last", (FINE, CALL), OFF, WHAT, WHEN, SORRY),
    ),
    MISSED_MEETING.name: (
        speaks("missed_meeting", (COMING, NOT_THIS_TIME, CALL), MISSED, NEXT_MEETING, COMING_OR_NOT),
        speaks("missed_meeting_last", (FINE, CALL), MISSED, _("Is everything all right?")),
    ),
    CLUB_PLACE.name: (
        speaks(
            "club_place_offered",
            (ACCEPT, DECLINE),
            _("Good news, {name}: a place in the Job Club is free for you.", name=NAME),
            WHAT,
            ANSWER_BY,
        ),
    ),
    CLUB_JOINED.name: (
        speaks("club_joined", (NEXT_MEETINGS, CALL), JOINED, WHAT, NEXT_MEETING),
        speaks("club_joined_no_date", (NEXT_MEETINGS, CALL), JOINED, WHAT),
    ),
    PATH_COMPLETED.name: (
        speaks(
            "path_completed",
            (TO_THE_CLUB, CALL),
            _("Well done, {name}: your path is completed.", name=NAME),
            _("You can ask for a place in a Job Club now."),
        ),
    ),
    HALF_WAY.name: (
        speaks(
            "half_way",
            (GO_ON, NOT_NOW, CALL),
            _("You began to sign up with me. I still have what you wrote."),
            _("Shall we go on?"),
        ),
    ),
    A_MONTH_OF_SILENCE.name: (
        speaks(
            "a_month_of_silence",
            (STILL_LOOKING, FOUND_A_JOB, CALL, NO_MORE),
            _("{name}, it is a month since you wrote.", name=NAME),
            _("How is it going?"),
            buttons=("looking", "job_found", "stop"),  # whoever wants no more of it finds that at once
        ),
    ),
    LAST_NOTICE.name: (
        speaks(
            "data_expiry_notice",
            (STAY, DELETE_NOW, CALL),
            LONG_AGO,
            _("On {day} I delete your data.", day=Slot("day")),
            STAY_OR_GO,
        ),
    ),
}
TEMPLATE = {template.name: template for templates in TEMPLATES.values() for template in templates}


def template_for(moment: Moment, occasion: Occasion) -> tuple[Template, dict[str, Any]] | None:
    """What says this moment to somebody who has not written for a day, and what is filled in; None: nothing fits."""
    known = known_of(occasion)
    choices = [choice.id for choice in moment.choices(occasion)]
    for template in TEMPLATES.get(moment.name, ()):
        if [choice.id for choice in template.choices] == choices and template.slots <= known.keys():
            return template, {slot: known[slot] for slot in sorted(template.slots)}
    return None


def known_of(occasion: Occasion) -> dict[str, Any]:
    """What an occasion can fill in, by the name of the slot."""
    workshop, club = occasion.workshop, occasion.club
    found: dict[str, Any] = {
        "name": occasion.first_name,
        "until": occasion.offered_until,
        "next": occasion.next_at,
        "day": occasion.kept_until,
        "title": Local(workshop.title) if workshop else Local(club.name) if club else None,
    }
    if workshop:
        found |= {
            "when": workshop.starts_at,
            "where": where(workshop),
            "link": link_of(workshop),
            "before": occasion.before if occasion.before != workshop.starts_at else None,
        }
    return {slot: value for slot, value in found.items() if value is not None}


def where(workshop: Workshop) -> Words:
    """Where it is and how one enters, in one line."""
    place, link = place_of(workshop), link_of(workshop)
    if place:
        return f"{place}, {link}" if link else place
    return _("online, {link}", link=link) if link else _("online")


def link_of(workshop: Workshop) -> str | None:
    """Where one enters what is online."""
    return workshop.link if workshop.link and workshop.mode != "in_person" else None
