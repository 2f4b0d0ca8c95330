# SPDX-License-Identifier: EUPL-1.2
"""Somebody wants to be deleted: what they had is given up at once, and they get a receipt."""

import secrets
from typing import TYPE_CHECKING

from handlers.talk import Lines, Time, _, lines
from handlers.talk.text import ROME
from storage.erasures import RECEIPT

if TYPE_CHECKING:
    from handlers.desk import Desk

CLEAR = "ABCDEFGHJKMNPQRTUVWXYZ234679"  # what nobody takes for something else, read or heard


class Erasure:
    """One person's wish to be forgotten."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def receipt(self) -> str | None:
        """The number on the receipt of somebody who has asked already."""
        asked = self.store.erasures.of(self.desk.person.id)
        return asked.receipt if asked else None

    def ask(self) -> str:
        """From now on nothing is done for this person and nothing more is kept. Returns the number of the receipt."""
        is_new = self.desk.person.stopped_at is None
        stop = self.desk.people.stop()
        if is_new:
            self.desk.people.stopped_because(stop, "data_deleted")
        self.give_up()
        self.desk.calendar.shut()
        receipt = f"S-{drawn(CLEAR, 4)}-{drawn(CLEAR, 4)}"
        self.store.erasures.ask(self.desk.person.id, receipt=receipt, now=self.desk.now)
        self._note("erasure_asked")
        return receipt

    def ask_for_them(self) -> str:
        """The same, where it is not the person who asks in the chat: the receipt goes to where they wrote last."""
        chat, receipt = self.desk.outbox.chat(), self.ask()
        if chat:
            words = self.words(receipt).render(self.desk.catalogues.reader(self.desk.person.language))
            self.desk.outbox.reply(chat, words, reply_to=None, subject=RECEIPT)
        return receipt

    def words(self, receipt: str) -> Lines:
        """The receipt: when it was asked for, what goes, what stays, and whom to ask."""
        phone, dpo, now = self.desk.setting("phone"), self.desk.setting("dpo_email"), self.desk.now
        return lines(
            _("Your receipt: {number}. Keep this message.", number=receipt),
            _(
                "You asked on {day}, at {hour}. In a few minutes everything is deleted.",
                day=now.astimezone(ROME).date(),
                hour=Time(now),
            ),
            _("Deleted: your name, your numbers, your answers, your files, all messages."),
            _("It stays: numbers without a name, the proof of your permissions, a code in place of this chat."),
            phone and _("Questions? Call {phone}.", phone=phone),
            dpo and _("Or write to {email}.", email=dpo),
        )

    def give_up(self) -> None:
        """Clubs, places and places in line go to whoever comes next, and nobody need look after this person."""
        for membership in sorted(self.desk.job_clubs.mine_all(), key=lambda one: one.club_id):
            self.desk.job_clubs.leave(membership.club_id)
        for one in sorted(self.desk.workshops.ahead(), key=lambda one: one.workshop.id):  # as everybody locks them
            self.desk.workshops.cancel(one.booking.id)
        self.store.cases.close_all(self.desk.person.id, self.desk.now)

    def _note(self, action: str) -> None:
        who = f"person:{self.desk.person.id}"
        self.store.records.note(at=self.desk.now, actor=self.desk.actor, action=action, subject=who)


def drawn(characters: str, length: int) -> str:
    """So many of these characters, by chance."""
    return "".join(secrets.choice(characters) for _place in range(length))
