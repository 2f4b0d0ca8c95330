# SPDX-License-Identifier: EUPL-1.2
"""One person on two channels: a code joins two chats, and what was joined can be separated."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.desk.links import NoLink, Parted
from handlers.desk.merging import CannotMerge
from handlers.talk import Asking, Choice, Choosable, Conversation, Gone, Move, Words, YesNo, _, done, go, lines, p_


@dataclass
class Draft:
    code: str | None = None
    merge_id: int | None = None


links = Conversation(
    "links",
    Draft,
    words=p_("words", "my chats, my channels, link, link my chats, join my chats, another chat, telegram, whatsapp"),
)

ADD = Choosable("add", p_("button", "Add another chat"))
SEPARATE = Choosable("separate", p_("button", "Separate a chat"))
NOTHING = Choosable("nothing", p_("button", "Nothing"), words=p_("words", "nothing, no, no thanks, it is fine"))
AS_IT_IS = _("All right, it stays as it is.")


@links.starts
def beginning(c: Context) -> Move:
    return is_it_you if c.draft.code else what


@links.step
def what(c: Context) -> Asking:
    joined = c.desk.linking.joined()
    c.say(lines(_("I can write to you here: {channels}.", channels=", ".join(c.desk.linking.channels()))))
    can_separate = len(c.desk.linking.channels()) > 1
    chosen = yield c.ask(_("What do you want to do?"), Choice((ADD, *([SEPARATE] if can_separate else []), NOTHING)))
    match chosen:
        case "add":
            return code
        case "separate" if not joined:  # too long ago, or joined by somebody of the desk
            c.say(_("For this you need a person of the desk."))
            return go("person")
        case "separate" if len(joined) > 1:
            return which
        case "separate":
            c.draft.merge_id = joined[0].merge_id
            return sure
        case _:
            return done(AS_IT_IS)


@links.step
def code(c: Context) -> Move:
    c.say(lines(_("Open Sportello in the other app, Telegram or WhatsApp."), _("Write this code there:")))
    c.say(c.desk.linking.make(), apart=True)
    return done(lines(_("It works once, for 15 minutes."), _("Give it to nobody: it opens your chat.")))


@links.step
def is_it_you(c: Context) -> Asking:
    try:
        person, channel = c.desk.linking.whose(c.draft.code)
        costs_a_place = c.desk.linking.costs_a_place(c.draft.code)
    except NoLink as trouble:
        return done(trouble.why)
    you = person.first_name or c.person.first_name
    c.say(
        _("{name}, you write to me on {channel}, too.", name=you, channel=channel)
        if you
        else _("You write to me on {channel}, too.", channel=channel)
    )
    if costs_a_place:
        c.say(_("Both have a place at the same appointment: you keep one."))
    yes = yield c.ask(_("Are both chats yours? Then I put them together."), YesNo())
    if not yes:
        return done(AS_IT_IS)
    try:
        c.desk.linking.join(c.draft.code)
    except NoLink as trouble:
        return done(trouble.why)
    return done(
        lines(
            _("Done: your two chats are joined now."),
            _("I write where you wrote last."),
            _("To separate them, write MY CHATS."),
        )
    )


@links.step
def which(c: Context) -> Asking:
    joined = c.desk.linking.joined()
    shown = tuple(Choosable(str(one.merge_id), place(one)) for one in joined)
    chosen = yield c.ask(_("Which chat do you want to separate?"), Choice((*shown, NOTHING)))
    if chosen == "nothing":
        return done(AS_IT_IS)
    c.draft.merge_id = int(chosen)
    return sure


@links.step
def sure(c: Context) -> Asking:
    c.say(
        lines(
            _("Then your chats know nothing of each other any more."),
            _("Places that were given up do not come back."),
        )
    )
    yes = yield c.ask(_("Shall I separate the chats?"), YesNo())
    if not yes:
        return done(AS_IT_IS)
    try:
        c.desk.linking.part(c.draft.merge_id)
    except Gone:
        return go("person")
    except CannotMerge as trouble:
        return done(trouble.why)
    return done(_("Done: the chats are separate again."))


def place(joined: Parted) -> Words:
    return ", ".join(joined.channels)
