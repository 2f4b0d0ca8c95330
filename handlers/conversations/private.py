# SPDX-License-Identifier: EUPL-1.2
"""Health, money and trials are no matter for this chat: a person of the desk calls, if somebody wants."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import (
    Asking,
    Choosable,
    Conversation,
    Done,
    Move,
    Phone,
    Words,
    YesNo,
    _,
    again,
    done,
    lines,
    p_,
    phones,
)


@dataclass
class Draft:
    about: str = "health"  # or placement, money, law


private = Conversation("private", Draft)

YES, NO = (one.words for one in YesNo().options)
SHARE = Choosable("phone", p_("button", "Share my number"), words=YES)
NO_CALL = Choosable("no", p_("button", "No call"), words=NO)


@private.starts
def beginning(c: Context) -> Move:
    return told


@private.step
def told(c: Context) -> Move:
    c.say(better_not(c.draft.about))
    if c.draft.about == "health" and c.desk.workshops.ahead():  # "I am ill, I cannot come" has cancelled nothing
        c.say(_("Your appointments stay: to cancel one, write AGENDA."))
    if c.desk.cases.is_open("private_call"):
        return done(_("A person knows already that you are waiting."))
    return call


@private.step
def call(c: Context) -> Asking:
    yes = yield c.ask(_("Shall a person call you?"), YesNo())
    if not yes:
        return done(_("All right. If you change your mind, write PERSON."), home=True)
    c.desk.cases.open("private_call")
    return called(c) if c.desk.people.can_be_called() else number


@private.step
def number(c: Context) -> Asking:
    given = yield c.ask(_("At which number? Share yours, or write it."), Phone((SHARE, NO_CALL)))
    if given == "no":
        c.desk.cases.withdraw("private_call")
        return done(_("All right. You can also come to the desk."), home=True)
    if given == "phone":
        return again(_("Write your number here, for example 333 1234567."))
    c.desk.people.call_at(given)
    return called(c)


def better_not(about: str) -> Words:
    match about:
        case "placement":
            return _("About this list only a person talks with you, never this chat.")
        case "money":
            return _("I never ask about money here. A person can help you.")
        case "law":
            return _("I never ask about trials or sentences. A person can help you.")
        case _:
            return lines(
                _("Better not to write about health here. I keep no trace of it."),
                _("A person of the desk can talk about it with you."),
            )


def called(c: Context) -> Done:
    hours, phone = c.desk.setting("answer_hours", "24"), c.person.phone
    return done(
        lines(
            _("Thank you. A person can call you at {phone}.", phone=phones.in_groups(phone))
            if phone
            else _("Thank you. A person calls you."),
            _("They answer within {hours} working hours.", hours=hours),
        ),
        home=True,
    )
