# SPDX-License-Identifier: EUPL-1.2
"""What is said about a Job Club: its meetings, and a place in it that has become free."""

from datetime import time, timedelta

from handlers.moments.occasions import Occasion
from handlers.moments.places import entrance, place_of
from handlers.moments.pushes import Moment
from handlers.moments.workshops import ACCEPT, CALL, COMING, DECLINE, FINE, always, day_of
from handlers.talk import Choosable, Local, Words, _, lines, p_

EVENING = time(18)


def tomorrow_words(occasion: Occasion) -> Words:
    meeting = occasion.event
    return lines(
        _("{name}, your Job Club meets.", name=occasion.first_name),
        Local(meeting.title),
        day_of(occasion),
        place_of(meeting),
        entrance(meeting),
        _("First, six quick questions about your week. You can skip them."),
    )


def unconfirmed_words(occasion: Occasion) -> Words:
    meeting = occasion.event
    return lines(
        _("{name}, this meeting is not sure yet.", name=occasion.first_name),
        Local(meeting.title),
        day_of(occasion),
        _("We look for a counsellor. If it takes place, I write to you."),
    )


def meeting_on_words(occasion: Occasion) -> Words:
    meeting = occasion.event
    return lines(
        _("{name}, this meeting takes place.", name=occasion.first_name),
        Local(meeting.title),
        meeting.starts_at,
        place_of(meeting),
        entrance(meeting),
        _("Are you coming?"),
    )


def meeting_called_off_words(occasion: Occasion) -> Words:
    meeting = occasion.event
    return lines(
        _("{name}, this meeting is called off.", name=occasion.first_name),
        Local(meeting.title),
        meeting.starts_at,
        occasion.next_at and _("The next one is on {when}.", when=occasion.next_at),
        _("We are sorry. Is it fine for you?"),
    )


def missed_meeting_words(occasion: Occasion) -> Words:
    return lines(
        _("{name}, we did not see you at «{title}».", name=occasion.first_name, title=Local(occasion.event.title)),
        occasion.next_at and _("The next meeting is on {when}.", when=occasion.next_at),
        _("Are you coming?") if occasion.next_at else _("Is everything all right?"),
    )


def missed_meeting_choices(occasion: Occasion) -> tuple[Choosable, ...]:
    return (COMING, NOT_THIS_TIME, CALL) if occasion.next_at else (FINE, CALL)


def club_place_words(occasion: Occasion) -> Words:
    assert occasion.club is not None, "it is about a club"
    return lines(
        _("Good news, {name}: a place in the Job Club is free for you.", name=occasion.first_name),
        Local(occasion.club.name),
        _("Please answer by {until}. Then the place goes to another person.", until=occasion.offered_until),
    )


def joined_words(occasion: Occasion) -> Words:
    assert occasion.club is not None, "it is about a club"
    return lines(
        _("Good news, {name}: you are in the Job Club.", name=occasion.first_name),
        Local(occasion.club.name),
        occasion.next_at and _("The next meeting is on {when}.", when=occasion.next_at),
    )


def path_completed_words(occasion: Occasion) -> Words:
    return lines(
        _("Well done, {name}: your path is completed.", name=occasion.first_name),
        _("You can ask for a place in a Job Club now."),
    )


TO_THE_CLUB = Choosable("job_club", p_("button", "Job Club"), words=p_("words", "job club, yes, the club"))
NEXT_MEETINGS = Choosable("meetings", _("See the next meetings"), p_("button", "Next meetings"))
ANSWER_NOW = Choosable("diary", p_("button", "I answer now"), words=p_("words", "answer, i answer, questions"))
NOT_THIS_TIME = Choosable(
    "cannot", p_("button", "I cannot come"), words=p_("words", "i cannot, i can't, i can not come, i'm not coming")
)

CLUB_TOMORROW = Moment(
    name="job_club_weekly",
    anchor="starts_at",
    offset=timedelta(days=-1),
    hour=EVENING,
    until=("starts_at", timedelta(hours=-2)),
    moves="lapses",
    words=tomorrow_words,
    choices=always(ANSWER_NOW, COMING, NOT_THIS_TIME),
    conversation="meetings",
    step="tomorrow",
    about=("expected",),
)
CLUB_UNCONFIRMED = Moment(
    name="job_club_unconfirmed",
    anchor="starts_at",
    offset=timedelta(days=-1),
    hour=EVENING,
    until=("starts_at", timedelta(hours=-2)),
    moves="earlier",
    words=unconfirmed_words,
    choices=always(FINE, CALL),
    conversation="meetings",
    step="unconfirmed",
    about=("unconfirmed",),
)
CLUB_STILL_UNCONFIRMED = Moment(
    name="job_club_unconfirmed_2h",
    anchor="starts_at",
    offset=timedelta(hours=-2),
    until=("starts_at", timedelta(0)),
    moves="never",
    words=unconfirmed_words,
    choices=always(FINE, CALL),
    conversation="meetings",
    step="unconfirmed",
    about=("unconfirmed",),
)
MEETING_UNSURE = Moment(
    name="meeting_unsure",
    anchor="changed_at",
    offset=timedelta(0),
    until=("starts_at", timedelta(0)),
    critical=True,
    words=unconfirmed_words,
    choices=always(FINE, CALL),
    conversation="meetings",
    step="unconfirmed",
    about=("unconfirmed",),
)
MEETING_ON = Moment(
    name="meeting_on",
    anchor="changed_at",
    offset=timedelta(0),
    until=("starts_at", timedelta(0)),
    critical=True,
    words=meeting_on_words,
    choices=always(COMING, NOT_THIS_TIME, CALL),
    conversation="meetings",
    step="is_on",
    about=("expected",),
)
MEETING_CALLED_OFF = Moment(
    name="meeting_called_off",
    anchor="changed_at",
    offset=timedelta(0),
    until=("starts_at", timedelta(0)),
    critical=True,
    words=meeting_called_off_words,
    choices=always(FINE, CALL),
    conversation="meetings",
    step="called_off",
    about=("meeting_called_off",),
)
MISSED_MEETING = Moment(
    name="missed_meeting",
    anchor="absent_at",
    offset=timedelta(hours=3),
    until=("absent_at", timedelta(days=3)),
    words=missed_meeting_words,
    choices=missed_meeting_choices,
    conversation="meetings",
    step="missed",
    about=("missed",),
)
CLUB_PLACE = Moment(
    name="club_place_offered",
    anchor="changed_at",
    offset=timedelta(0),
    until=("changed_at", timedelta(days=30)),
    critical=True,
    words=club_place_words,
    choices=always(ACCEPT, DECLINE),
    conversation="job_club",
    step="offered",
    about=("offered",),
)
CLUB_JOINED = Moment(
    name="club_joined",
    anchor="changed_at",
    offset=timedelta(0),
    until=("changed_at", timedelta(days=7)),
    words=joined_words,
    choices=always(NEXT_MEETINGS, CALL),
    conversation="job_club",
    step="let_in",
    about=("member",),
)
PATH_COMPLETED = Moment(
    name="path_completed",
    anchor="changed_at",
    offset=timedelta(0),
    until=("changed_at", timedelta(days=7)),
    words=path_completed_words,
    choices=always(TO_THE_CLUB, CALL),
    conversation="job_club",
    step="path_completed",
    about=("path_done",),
)
