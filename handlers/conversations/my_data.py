# SPDX-License-Identifier: EUPL-1.2
"""What we know of you, in plain words, and everything you can do with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import (
    Asking,
    Choice,
    Choosable,
    Conversation,
    Lines,
    Words,
    _,
    done,
    go,
    lines,
    n_,
    p_,
    phones,
)
from handlers.talk.profile import LEVELS
from handlers.talk.text import ROME
from storage.files import Attachment


@dataclass
class Draft:
    pass


my_data = Conversation("my_data", Draft)


NONE_OF_THEM = Choosable("none", p_("button", "No, thanks"))
SIGN_UP = Choosable("registration", p_("button", "Sign up"))
CORRECT = Choosable("corrections", _("Correct something"), p_("button", "Correct"))
PERMISSIONS = Choosable("permissions", p_("button", "My permissions"))
DOWNLOAD = Choosable("download", _("Download my data"), p_("button", "Download"))
FILES = Choosable("files", p_("button", "My files"))
CHATS = Choosable("links", p_("button", "My chats"))
DELETE = Choosable("erasure", _("Delete my data"), p_("button", "Delete"))
NOTHING = Choosable("nothing", p_("button", "Nothing"), words=p_("words", "nothing, no, no thanks, it is fine"))

KINDS = {"photo": p_("file", "Photo"), "voice": p_("file", "Voice message")}


@my_data.starts
@my_data.step
def what(c: Context) -> Asking:
    c.say(about(c))
    chosen = yield c.ask(_("What do you want to do?"), Choice((*doors(c), NOTHING)))
    match chosen:
        case "nothing":
            return done(_("All right, it stays as it is."))
        case "files":
            return file
        case "download":
            return go("download", code=c.desk.my_data.new_code())
        case _:
            return go(chosen)


@my_data.step
def file(c: Context) -> Asking:
    shown = tuple(Choosable(str(one.id), title(one), name(one)) for one in c.desk.files.newest())
    chosen = yield c.ask(_("Shall I send you a file of yours?"), Choice((*shown, NONE_OF_THEM)))
    if chosen == "none":
        return done(_("All right, it stays as it is."))
    c.desk.files.give_back(int(chosen))
    return done(quiet=True)  # the file itself is the answer


def doors(c: Context) -> Iterator[Choosable]:
    """What can be done with what there is."""
    if c.person.registered_at is None:
        yield SIGN_UP
    if c.person.registered_at or c.person.phone:
        yield CORRECT
    if c.person.registered_at or any(c.desk.people.permissions().values()):
        yield PERMISSIONS
    yield DOWNLOAD
    if c.desk.files.count():
        yield FILES
    yield CHATS
    yield DELETE


def about(c: Context) -> Lines:
    person = c.person
    place = c.desk.territories.place(person.comune_istat)
    agreed, ahead, files = c.desk.people.consents(), len(c.desk.workshops.ahead()), c.desk.files.count()
    if not (person.registered_at or person.phone or files or agreed):
        return lines(_("I keep only this chat: what you write and what I answer. You have not signed up."))
    return lines(
        _("This is what I know of you:"),
        person.first_name and _("Name: {name}", name=person.first_name),
        person.birth_year and _("Year of birth: {year}", year=str(person.birth_year)),
        place and _("Town: {town}", town=place.name),
        person.phone and _("Telephone: {phone}", phone=phones.in_groups(person.phone)),
        person.italian_level and _("Your Italian: {level}", level=LEVELS[person.italian_level]),
        person.goal and _("Job you look for: {goal}", goal=person.goal),
        ahead and n_("You have {count} appointment.", "You have {count} appointments.", ahead),
        files and n_("I keep {count} file of yours.", "I keep {count} files of yours.", files),
        _("Reminders here: yes") if "service_messages" in agreed else _("Reminders here: no"),
        _("New offers here: yes") if "opportunity_push" in agreed else _("New offers here: no"),
        _("To read the notice, write PRIVACY."),
    )


def title(found: Attachment) -> Words:
    return p_("a file and its day", "{name}, {day}", name=name(found), day=found.at.astimezone(ROME).date())


def name(found: Attachment) -> Words:
    return found.name or KINDS.get(found.kind, p_("file", "File"))
