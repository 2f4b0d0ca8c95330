# SPDX-License-Identifier: EUPL-1.2
"""Putting messages that nobody asked for this minute into the outbox."""

from typing import TYPE_CHECKING

from handlers.moments import Push
from handlers.talk.limits import LIMITS
from handlers.talk.rendering import numbered_under, options_in_words, pieces, way_out
from handlers.talk.text import shown
from storage.people import Identity

if TYPE_CHECKING:
    from handlers.desk import Desk


class Outbox:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def push(self, push: Push, chat: Identity) -> bool:
        """Put what a moment says into the outbox; False if this very moment is there already."""
        reader = self.desk.catalogues.reader(self.desk.person.language)
        options = options_in_words(push.choices, reader)
        words = numbered_under(str(shown(push.words, reader)), options)
        out = way_out(options, takes_numbers=False)
        text = f"{words}\n\n{out.render(reader)}" if out else words
        *before, last = pieces(text, LIMITS[chat.channel], with_options=bool(options))
        for number, piece in enumerate(before):
            if self._row(push, chat, piece, options=None, key=f"{push.key}:{number}") is None:
                return False
        id = self._row(push, chat, last, options=[option.stored() for option in options] or None, key=push.key)
        return id is not None

    def reply(self, chat: Identity, text: str, *, reply_to: int) -> None:
        """An answer to what a person wrote, outside a turn."""
        self.store.messages.put_out(
            person_id=chat.person_id,
            identity_id=chat.id,
            channel=chat.channel,
            kind="reply",
            text=text,
            reply_to=reply_to,
            priority=0,
            at=self.desk.now,
            due_at=self.desk.now,
        )

    def chat(self) -> Identity | None:
        """Where a push reaches this person: the open chat they wrote from last."""
        return self.store.people.reachable(self.desk.person.id)

    def _row(self, push: Push, chat: Identity, text: str, *, options: object, key: str) -> int | None:
        return self.store.messages.put_out(
            person_id=chat.person_id,
            identity_id=chat.id,
            channel=chat.channel,
            kind="moment",
            text=text,
            options=options,
            answered_by=push.answered_by if options else None,
            subject=push.subject,
            payload={"moment": push.moment.name, "revision": push.revision},
            priority=push.moment.priority,
            dedupe_key=key,
            at=self.desk.now,
            due_at=max(push.at, self.desk.now) if push.moment.priority else self.desk.now,
            not_after=push.not_after,
        )
