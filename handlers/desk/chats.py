# SPDX-License-Identifier: EUPL-1.2
"""The chats of one person: in which of them we may write now, and what goes to another one instead."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from handlers.desk.contents import Templated, template_of
from handlers.talk.limits import LIMITS
from handlers.talk.rendering import pieces
from storage.messages import Message
from storage.people import Identity

if TYPE_CHECKING:
    from handlers.desk import Desk

MARGIN = timedelta(minutes=10)  # the network's clock and ours, and the way there
OTHER_CHANNEL = "other_channel"
# What a copy in another chat says anew, or has nothing to do with.
OF_THE_FIRST = ("form", "in_full", "plain", "no_template", "went_as", "because")
SAME = ("person_id", "kind", "subject", "priority", "not_after", "answered_by", "reply_to", "at")


class Chats:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def is_open(self, chat: Identity) -> bool:
        """
        May we write here what we like? On WhatsApp for a day after their last word or touch; elsewhere always, and
        where there is no network that minds.
        """
        window = window_of(chat.channel)
        if window is None or chat.simulated:
            return True
        since = self.desk.now - window + MARGIN
        since = max(since, chat.window_shut_at) if chat.window_shut_at else since
        return self.store.messages.heard_since(chat.person_id, chat.id, since)

    def template(self, message: Message) -> Templated | None:
        """What says the same as a message, and may be sent where we may not write what we like."""
        if not is_push(message) or (message.payload or {}).get("no_template"):
            return None
        catalogues, language = self.desk.catalogues, self.desk.person.language
        return template_of(self.store, message, catalogues, language)

    def move(self, message: Message, because: str) -> bool:
        """
        A push that cannot arrive where it was meant to goes to another chat of the same person's.

        False if there is none that is open, has not been tried, and in which it may be said now. The caller holds the
        message; an answer belongs where the question was, and stays there.
        """
        whole = in_full(message)
        chat = self._other(whole) if is_push(message) and message.dedupe_key else None
        new = self._copy(whole, chat) if chat else None
        if new is None:
            return False
        facts = {**(message.payload or {}), "went_as": new, "because": because}
        ends: dict[str, Any] = {"state": "superseded", "reason": OTHER_CHANNEL, "payload": facts}
        self.store.messages.change(message.id, **ends, lease=None, lease_until=None)
        return True

    def _other(self, message: Message) -> Identity | None:
        """Where else it can be said now; of several, where they wrote last."""
        chats = self.store.people.identities(self.desk.person.id)
        mine = next((one for one in chats if one.id == message.identity_id), None)
        tried = {message.identity_id, *(message.payload or {}).get("tried", ())}
        shut = {stop.identity_id for stop in self.store.people.stops(self.desk.person.id) if stop.ended_at is None}
        fit = [
            one
            for one in chats
            if mine and one.simulated == mine.simulated and one.id not in tried | shut and one.blocked_at is None
        ]
        written = [one for one in fit if self.is_open(one) or self.template(_as_new(message))]
        return max(written, key=self._last_word, default=None)

    def _last_word(self, chat: Identity) -> float:
        heard = self.store.messages.heard(chat.person_id, chat.id, 1)
        return heard[0][0].timestamp() if heard else 0

    def _copy(self, message: Message, chat: Identity) -> int | None:
        """The same for another chat, within its limits and under a key that can exist only once."""
        payload = message.payload or {}
        facts = {name: value for name, value in payload.items() if name not in OF_THE_FIRST}
        facts |= {"fell_from": message.id, "tried": [*payload.get("tried", ()), message.identity_id]}
        key, options = key_in(str(message.dedupe_key), chat), message.options
        if "leads_to" in facts:
            facts["leads_to"] = key_in(facts["leads_to"], chat)
        *before, last = pieces(message.text, LIMITS[chat.channel], with_options=bool(options))
        if before:  # what leaves in pieces cannot be said anew at the last moment
            words = facts.pop("timeless", message.text)
            *before, last = pieces(words, LIMITS[chat.channel], with_options=bool(options))
        row: dict[str, Any] = {name: getattr(message, name) for name in SAME}
        row |= {"identity_id": chat.id, "channel": chat.channel, "due_at": self.desk.now}
        for number, piece in enumerate(before):
            alone = {"options": None, "answered_by": None, "payload": {**facts, "leads_to": key}}
            self.store.messages.put_out(**{**row, **alone}, text=piece, dedupe_key=f"{key}:{number}")
        return self.store.messages.put_out(**row, options=options, payload=facts, text=last, dedupe_key=key)


def window_of(channel: str) -> timedelta | None:
    """For how long after a person's last word we may write what we like; none: always."""
    limits = LIMITS.get(channel)
    return limits.window if limits else None


def settles(channel: str, *, simulated: bool) -> bool:
    """Can this channel be asked whether a message has arrived?"""
    limits = LIMITS.get(channel)
    return limits is not None and limits.settles and not simulated


def is_push(message: Message) -> bool:
    return message.kind not in ("reply", "retired")


def in_full(message: Message) -> Message:
    """The message as it was written, if it was to leave as a template, which says less."""
    said = (message.payload or {}).get("in_full")
    return replace(message, text=said["text"], options=said["options"]) if said else message


def key_in(key: str, chat: Identity) -> str:
    """The key of the same message in another chat: there is one for each."""
    return f"{re.sub(r':on:[0-9]+', '', key)}:on:{chat.id}"


def _as_new(message: Message) -> Message:
    """What the first channel would not take as a template another one may."""
    facts = {name: value for name, value in (message.payload or {}).items() if name not in OF_THE_FIRST}
    return replace(message, payload=facts)


def later_of(one: datetime | None, other: datetime) -> datetime:
    return max(one, other) if one else other
