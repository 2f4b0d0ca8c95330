# SPDX-License-Identifier: EUPL-1.2
"""What we know of you, in plain words."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Conversation, Move, _, done, lines, n_, p_


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


@my_data.starts
def known(c: Context) -> Move:
    person = c.person
    place = c.desk.territories.place(person.comune_istat)
    agreed, ahead = c.desk.people.consents(), len(c.desk.workshops.agenda())
    if not person.registered_at:
        return done(_("I keep only this chat: what you write and what I answer. You have not signed up."))
    c.say(
        lines(
            _("This is what I know of you:"),
            _("Name: {name}", name=person.first_name),
            _("Year of birth: {year}", year=str(person.birth_year)),
            place and _("Town: {town}", town=place.name),
            person.italian_level and _("Your Italian: {level}", level=LEVELS[person.italian_level]),
            person.goal and _("Job you look for: {goal}", goal=person.goal),
            ahead and n_("You have {count} appointment.", "You have {count} appointments.", ahead),
            _("Reminders here: yes") if "service_messages" in agreed else _("Reminders here: no"),
            _("New offers here: yes") if "opportunity_push" in agreed else _("New offers here: no"),
        )
    )
    return done(_("To correct or delete something, write PERSON. To read the notice, write PRIVACY."))
