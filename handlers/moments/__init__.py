# SPDX-License-Identifier: EUPL-1.2
"""Every message Sportello sends by itself: when, to whom, in which words, and until when it makes sense."""

from handlers.moments.job_clubs import (
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
    PATH_COMPLETED,
)
from handlers.moments.lulls import A_MONTH_OF_SILENCE, DELETE_NOW, FOUND_A_JOB, GO_ON, HALF_WAY, LAST_NOTICE, NO_MORE
from handlers.moments.occasions import (
    Occasion,
    club_place,
    half_way,
    occasion_of,
    on_the_wall,
    path_done,
    rome_day,
    silence,
    told_of,
)
from handlers.moments.places import access, entrance, map_of, map_to, place_in, place_of, way_there
from handlers.moments.pushes import AHEAD, SMALL_SHIFT, Moment, Push, at_any_hour, due, is_repeat, push_of, still_stands
from handlers.moments.templates import TEMPLATE, TEMPLATES, template_for
from handlers.moments.workshops import (
    BOOKING_CONFIRMED,
    COMING,
    HOW_WAS_IT,
    MAP,
    MISSED_YOU,
    NOT_THERE,
    PLACE_OFFERED,
    REMINDER_2H,
    REMINDER_24H,
    WORKSHOP_CALLED_OFF,
    WORKSHOP_MOVED,
    WORKSHOP_ONLINE,
)

__all__ = [
    "AHEAD",
    "AT_ONCE",
    "A_MONTH_OF_SILENCE",
    "BOOKING_CONFIRMED",
    "BY_NAME",
    "CLUB_JOINED",
    "CLUB_PLACE",
    "CLUB_STILL_UNCONFIRMED",
    "CLUB_TOMORROW",
    "CLUB_UNCONFIRMED",
    "COMING",
    "DELETE_NOW",
    "FOUND_A_JOB",
    "GO_ON",
    "HALF_WAY",
    "HOW_WAS_IT",
    "LAST_NOTICE",
    "MAP",
    "MEETING_CALLED_OFF",
    "MEETING_ON",
    "MEETING_UNSURE",
    "MISSED_MEETING",
    "MISSED_YOU",
    "MOMENTS",
    "NEWS",
    "NEXT_MEETINGS",
    "NOT_THERE",
    "NO_MORE",
    "OFFERS",
    "PATH_COMPLETED",
    "PLACE_OFFERED",
    "PLANNED",
    "REMINDER_2H",
    "REMINDER_24H",
    "SMALL_SHIFT",
    "TEMPLATE",
    "TEMPLATES",
    "WORKSHOP_CALLED_OFF",
    "WORKSHOP_MOVED",
    "WORKSHOP_ONLINE",
    "Moment",
    "Occasion",
    "Push",
    "access",
    "at_any_hour",
    "club_place",
    "due",
    "entrance",
    "half_way",
    "is_repeat",
    "map_of",
    "map_to",
    "occasion_of",
    "on_the_wall",
    "path_done",
    "place_in",
    "place_of",
    "push_of",
    "rome_day",
    "silence",
    "still_stands",
    "template_for",
    "told_of",
    "way_there",
]

# Those that come with time, and those that follow at once from what somebody does.
PLANNED = (
    REMINDER_24H,
    REMINDER_2H,
    HOW_WAS_IT,
    MISSED_YOU,
    CLUB_TOMORROW,
    CLUB_UNCONFIRMED,
    CLUB_STILL_UNCONFIRMED,
    MISSED_MEETING,
    HALF_WAY,
    A_MONTH_OF_SILENCE,
    LAST_NOTICE,
)
# What people must hear, by telephone if need be.
NEWS = (WORKSHOP_MOVED, WORKSHOP_ONLINE, WORKSHOP_CALLED_OFF, MEETING_CALLED_OFF, MEETING_UNSURE, MEETING_ON)
OFFERS = (PLACE_OFFERED, CLUB_PLACE)  # they hold a place, and end
AT_ONCE = (BOOKING_CONFIRMED, PLACE_OFFERED, CLUB_PLACE, CLUB_JOINED, PATH_COMPLETED, *NEWS)
MOMENTS = PLANNED + AT_ONCE
BY_NAME = {moment.name: moment for moment in MOMENTS}
