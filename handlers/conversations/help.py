# SPDX-License-Identifier: EUPL-1.2
"""What you can write at any time."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Conversation, Move, _, done, lines


@dataclass
class Draft:
    pass


help = Conversation("help", Draft)


@help.starts
def words(c: Context) -> Move:
    return done(
        lines(
            _("I am a program. I help you find workshops, desks and answers."),
            _("Touch a button, or write its number. You can also write these words:"),
            _("MENU: all I can do. BACK: the question before. CANCEL: we stop here."),
            _("AGENDA: your appointments. LANGUAGE: another language."),
            _("MY DATA: what I know of you. PRIVACY: the notice."),
            _("STOP: no more messages. PERSON: a person answers you."),
            _("STOP OFFERS or STOP REMINDERS: only those end."),
        )
    )
