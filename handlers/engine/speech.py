# SPDX-License-Identifier: EUPL-1.2
"""What is said in a turn, as messages that fit the channel."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handlers.context import Saying
from handlers.talk import Choosable, Option, Phone, Question, Reader, p_
from handlers.talk.limits import LIMITS
from handlers.talk.rendering import numbered_under, options_in_words, pieces, way_out
from handlers.talk.text import shown
from storage import Store
from storage.people import Identity

PERSON = Choosable("person", p_("button", "Talk to a person"))


@dataclass(frozen=True)
class Asked:
    """The question that is open when a turn ends."""

    id: int
    kind: str
    hash: str


def hash_of(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


class Speech:
    """Puts what was said into the outbox, as replies to one message."""

    def __init__(
        self, store: Store, identity: Identity, reply_to: int, now: datetime, subject: str | None = None
    ) -> None:
        self.store, self.identity, self.reply_to, self.now = store, identity, reply_to, now
        self.subject = subject

    def out(
        self,
        said: Sequence[Saying],
        question: Question | None,
        reader: Reader,
        *,
        offer_person: bool,
        bare: bool,
        answered_by: dict[str, Any] | None = None,
    ) -> Asked | None:
        """Put everything out; the last message carries the question and its choices, and may name who answers them."""
        groups = grouped(said, reader)
        options = self._options(question, reader, offer_person)
        words = str(shown(question.text, reader)) if question else ""
        takes_numbers = question is not None and question.answer.takes_numbers
        # Where a number is the answer, it cannot choose a line as well.
        last = [*groups.pop(), *([numbered_under(words, () if takes_numbers else options)] if question else [])]
        if not groups and not last:
            return None  # what there was to say has gone out as a message of its own
        out = None if bare else way_out(options, takes_numbers=takes_numbers)
        if out is not None:
            last.append(out.render(reader))
        for group in groups:
            self._put("\n\n".join(group), ())
        facts = {"asks_phone": True} if question and isinstance(question.answer, Phone) else None
        id = self._put("\n\n".join(part for part in last if part), options, answered_by, facts)
        return Asked(id, type(question.answer).__name__, hash_of(words)) if question else None

    def _options(self, question: Question | None, reader: Reader, offer_person: bool) -> tuple[Option, ...]:
        if question is None:
            return ()
        offered = question.answer.options
        # Under a question that takes a number, the number of a button would be taken for the answer.
        can_add = offer_person and not question.answer.takes_numbers
        add = can_add and "person" not in {option.id for option in offered}
        return options_in_words((*offered, PERSON) if add else offered, reader)

    def _put(
        self,
        text: str,
        options: tuple[Option, ...],
        answered_by: dict[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> int:
        *before, last = pieces(text, LIMITS[self.identity.channel], with_options=bool(options))
        for piece in before:
            self._row(piece, ())
        return self._row(last, options, answered_by, facts)

    def _row(
        self,
        text: str,
        options: tuple[Option, ...],
        answered_by: dict[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> int:
        id = self.store.messages.put_out(
            person_id=self.identity.person_id,
            identity_id=self.identity.id,
            channel=self.identity.channel,
            kind="reply",
            text=text,
            options=[option.stored() for option in options] or None,
            answered_by=answered_by,
            subject=self.subject,
            payload=facts,
            reply_to=self.reply_to,
            priority=0,
            at=self.now,
            due_at=self.now,
        )
        assert id is not None, "a reply has no dedupe key to collide with"
        return id


def grouped(said: Sequence[Saying], reader: Reader) -> list[list[str]]:
    """What was said, in messages: together unless it asked to stand apart. The last one is still open."""
    groups: list[list[str]] = [[]]
    for saying in said:
        words = str(shown(saying.text, reader))
        if saying.apart:
            groups[-1:] = [*([groups[-1]] if groups[-1] else []), [words], []]
        elif words:
            groups[-1].append(words)
    return groups
