# SPDX-License-Identifier: EUPL-1.2
"""What is said to somebody who has stopped writing."""

from datetime import timedelta

from handlers.moments.occasions import Occasion
from handlers.moments.pushes import Moment
from handlers.moments.workshops import CALL, always
from handlers.talk import Choosable, Words, _, lines, p_

GO_ON = Choosable("on", p_("button", "Let us go on"), words=p_("words", "yes, go on"))
NOT_NOW = Choosable("later", p_("button", "Not now"), words=p_("words", "no, later, not now"))
STILL_LOOKING = Choosable("looking", p_("button", "I still look"))
FOUND_A_JOB = Choosable("job_found", p_("button", "I found a job"))
STAY = Choosable("stay", p_("button", "I stay"), words=p_("words", "yes, i stay, stay"))
DELETE_NOW = Choosable("delete", p_("button", "Delete now"), words=p_("words", "delete, delete now"))
NO_MORE = Choosable("stop", p_("button", "Stop messages"))


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


def last_notice_words(occasion: Occasion) -> Words:
    return lines(
        _("{name}, you have not written to me for a long time.", name=occasion.first_name),
        occasion.kept_until and _("On {day} I delete your data.", day=occasion.kept_until),
        _("Do you want to stay with us?"),
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
LAST_NOTICE = Moment(
    name="data_expiry_notice",
    anchor="silent_since",
    offset=timedelta(days=334),  # eleven months
    until=("silent_since", timedelta(days=364)),  # nobody is deleted before a year is over
    words=last_notice_words,
    choices=always(STAY, DELETE_NOW, CALL),
    conversation="silence",
    step="last_notice",
    about=("silent",),
)
