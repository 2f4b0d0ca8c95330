# SPDX-License-Identifier: EUPL-1.2
"""Putting messages that nobody asked for this minute into the outbox."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handlers.moments import Push, rome_day, template_for
from handlers.talk.limits import LIMITS
from handlers.talk.messages import Option
from handlers.talk.rendering import numbered_under, options_in_words, pieces, way_out, width
from handlers.talk.templates import value
from handlers.talk.text import Reader, Words, shown
from storage.people import Identity
from storage.workshops import Workshop

if TYPE_CHECKING:
    from handlers.desk import Desk


class Outbox:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def push(self, push: Push, chat: Identity, **facts: Any) -> bool:
        """Put what a moment says into the outbox, with what else is known of it; False if it is there already."""
        reader = self.desk.catalogues.reader(self.desk.person.language)
        options = options_in_words(push.choices, reader)
        text = self._text(push.words, options, reader)
        timeless = self._text(push.timeless_words, options, reader)
        *before, last = pieces(text, LIMITS[chat.channel], with_options=bool(options))
        if before:  # what leaves in pieces cannot be said anew at the last moment
            *before, last = pieces(timeless, LIMITS[chat.channel], with_options=bool(options))
        is_dated = text != timeless and not before
        dated = {"day": str(rome_day(self.desk.now)), "timeless": timeless} if is_dated else {}
        for number, piece in enumerate(before):
            leads = {"leads_to": push.key}
            if self._row(push, chat, piece, options=None, key=f"{push.key}:{number}", facts=leads) is None:
                return False
        shown_options = [option.stored() for option in options] or None
        known = {**dated, **self._templated(push), **facts}
        return self._row(push, chat, last, options=shown_options, key=push.key, facts=known) is not None

    def _templated(self, push: Push) -> dict[str, Any]:
        """What a template of it would fill in, in every language: how it leaves is known only when it does."""
        found = template_for(push.moment, push.occasion)
        if found is None:
            return {}
        template, slots = found
        values = {
            reader.language: {slot: value(words, reader) for slot, words in slots.items()}
            for reader in self.desk.catalogues.readers()
        }
        return {"template": {"name": template.name, "values": values}}

    def words_of(self, push: Push) -> str:
        """What it says, in the person's language, as it would be sent."""
        reader = self.desk.catalogues.reader(self.desk.person.language)
        return self._text(push.words, options_in_words(push.choices, reader), reader)

    @staticmethod
    def _text(words: Words, options: tuple[Option, ...], reader: Reader) -> str:
        text = numbered_under(str(shown(words, reader)), options)
        out = way_out(options, takes_numbers=False)
        return f"{text}\n\n{out.render(reader)}" if out else text

    def spot(self, chat: Identity, workshop: Workshop) -> None:
        """Where a workshop takes place, as a pin on the map, if somebody has looked it up."""
        venue = workshop.venue
        if workshop.is_online or venue.latitude is None or venue.longitude is None:
            return
        address = ", ".join(part for part in (venue.address, venue.comune) if part)
        pin = {"title": venue.name, "address": address, "latitude": venue.latitude, "longitude": venue.longitude}
        self.reply(chat, f"{venue.name}\n{address}", reply_to=self.desk.message_id, carries={"spot": pin})

    def forget(self, subject: str, *, reason: str) -> None:
        """Something is over, or has changed: what was going to be said about it is not, and its buttons go."""
        self.store.messages.supersede(self.desk.person.id, subject, reason=reason)
        self._retire(subject)

    def _retire(self, subject: str) -> None:
        """
        Take the buttons off what was shown about something that is over, on the channels that can.

        A button somebody touches nevertheless is answered with what is true by now.
        """
        for message in self.store.messages.with_buttons(self.desk.person.id, subject):
            self.store.messages.put_out(
                person_id=message.person_id,
                identity_id=message.identity_id,
                channel=message.channel,
                kind="retired",
                text="",
                payload={"edits": message.id},
                priority=2,
                dedupe_key=f"retired:{message.id}",
                at=self.desk.now,
                due_at=self.desk.now,
            )

    def reply(
        self,
        chat: Identity,
        text: str,
        *,
        reply_to: int | None,
        subject: str | None = None,
        carries: Mapping[str, Any] | None = None,
    ) -> None:
        """
        An answer to what a person wrote, outside a turn or beside it; ``carries`` is a file, or a pin on the map.

        Words too long to stand under what is carried come after it.
        """
        limits = LIMITS[chat.channel]
        if carries and text and width(text) > limits.caption:
            self.reply(chat, "", reply_to=reply_to, subject=subject, carries=carries)
            for piece in pieces(text, limits, with_options=False):
                self.reply(chat, piece, reply_to=reply_to, subject=subject)
            return
        self.store.messages.put_out(
            person_id=chat.person_id,
            identity_id=chat.id,
            channel=chat.channel,
            kind="reply",
            text=text,
            subject=subject,
            payload=carries,
            reply_to=reply_to,
            priority=0,
            at=self.desk.now,
            due_at=self.desk.now,
        )

    def chat(self) -> Identity | None:
        """Where a push reaches this person: the open chat they wrote from last."""
        return self.store.people.reachable(self.desk.person.id)

    def _row(
        self,
        push: Push,
        chat: Identity,
        text: str,
        *,
        options: object,
        key: str,
        facts: Mapping[str, Any] | None = None,
    ) -> int | None:
        return self.store.messages.put_out(
            person_id=chat.person_id,
            identity_id=chat.id,
            channel=chat.channel,
            kind="moment",
            text=text,
            options=options,
            answered_by=push.answered_by if options else None,
            subject=push.subject,
            payload={**push.facts, **(facts or {})},
            priority=push.moment.priority,
            dedupe_key=key,
            at=self.desk.now,
            due_at=max(push.at, self.desk.now) if push.moment.priority else self.desk.now,
            not_after=push.not_after,
        )
