# SPDX-License-Identifier: EUPL-1.2
"""Stop: no more messages, at once, and a way back."""

from dataclasses import dataclass

from handlers.context import Context
from handlers.talk import Conversation, Move, _, done, lines


@dataclass
class Draft:
    pass


stop = Conversation("stop", Draft)


@stop.starts
def beginning(c: Context) -> Move:
    return stopped


@stop.step
def stopped(c: Context) -> Move:
    c.desk.people.stop()
    return done(
        lines(
            _("All right. I will not write to you here any more."),
            c.desk.workshops.agenda() and _("Your appointments stay: to see or cancel them, write AGENDA."),
            _("Come back when you want: write HELLO."),
        ),
        bare=True,
    )
