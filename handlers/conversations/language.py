# SPDX-License-Identifier: EUPL-1.2
"""Choose the language we speak."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Asking, Choice, Choosable, Conversation, Move, _, done, lines
from handlers.talk.anytime import LANGUAGE_NAME


@dataclass
class Draft:
    chosen: str | None = None


language = Conversation("language", Draft)


@language.starts
def beginning(c: Context) -> Move:
    return which if c.draft.chosen is None else speak


@language.step
def which(c: Context) -> Asking:
    readers = c.catalogues.readers()
    c.draft.chosen = yield c.ask(
        lines(*(_("Which language do you prefer?").render(reader) for reader in readers)),
        Choice(tuple(Choosable(reader.language, LANGUAGE_NAME.render(reader).split(",")[0]) for reader in readers)),
    )
    return speak


@language.step
def speak(c: Context) -> Move:
    c.desk.people.speak(c.draft.chosen)
    return done(_("All right: from now on I write in English."), home=True)
