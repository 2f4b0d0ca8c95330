# SPDX-License-Identifier: EUPL-1.2
"""The first words: who writes, what happens to your data, and in which languages we can talk."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Conversation, Move, _, done


@dataclass
class Draft:
    pass


hello = Conversation("hello", Draft)


@hello.starts
def first_words(c: Context) -> Move:
    notice = c.desk.questions.notice()
    if notice is None:
        c.say(_("Hello. I am a program. This desk is not open yet: please come back in a few days."), apart=True)
        return done()
    c.say(c.desk.questions.filled(notice.layer_1), apart=True)
    for reader in c.catalogues.readers():
        if reader.language != c.person.language:
            c.say(_("Shall we speak English? Write ENGLISH.").render(reader))
    return done()
