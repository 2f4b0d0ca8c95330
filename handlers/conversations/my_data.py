# SPDX-License-Identifier: EUPL-1.2
"""What we know of you, in plain words, and what you sent us, to have back."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Choice, Choosable, Conversation, Lines, Move, Words, _, done, lines, n_, p_, phones
from handlers.talk.text import ROME
from storage.files import Attachment


@dataclass
class Draft:
    pass


my_data = Conversation("my_data", Draft)


LEVELS = {
    "A1": p_("Italian level", "A little"),
    "A2": p_("Italian level", "So so"),
    "B1": p_("Italian level", "Well"),
    "native": p_("Italian level", "It is my language"),
}
NONE_OF_THEM = Choosable("none", p_("button", "No, thanks"))


KINDS = {"photo": p_("file", "Photo"), "voice": p_("file", "Voice message")}


@my_data.starts
def beginning(c: Context) -> Move:
    if c.person.registered_at or c.person.phone or c.desk.files.count():
        return known
    return done(_("I keep only this chat: what you write and what I answer. You have not signed up."))


@my_data.step
def known(c: Context) -> Move:
    c.say(about(c))
    c.say(_("To correct or delete something, write PERSON. To read the notice, write PRIVACY."))
    return file if c.desk.files.count() else done()


@my_data.step
def file(c: Context) -> Asking:
    shown = tuple(Choosable(str(one.id), title(one), name(one)) for one in c.desk.files.newest())
    chosen = yield c.ask(_("Shall I send you a file of yours?"), Choice((*shown, NONE_OF_THEM)))
    if chosen == "none":
        return done(_("All right, it stays as it is."))
    c.desk.files.give_back(int(chosen))
    return done(quiet=True)  # the file itself is the answer


def about(c: Context) -> Lines:
    person = c.person
    place = c.desk.territories.place(person.comune_istat)
    agreed, ahead, files = c.desk.people.consents(), len(c.desk.workshops.ahead()), c.desk.files.count()
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
    )


def title(found: Attachment) -> Words:
    return p_("a file and its day", "{name}, {day}", name=name(found), day=found.at.astimezone(ROME).date())


def name(found: Attachment) -> Words:
    return found.name or KINDS.get(found.kind, p_("file", "File"))
