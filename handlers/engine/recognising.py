# SPDX-License-Identifier: EUPL-1.2
"""Who writes, where a channel calls one chat by two names; and which button was touched, where it says only that."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from handlers.desk import Desk
from handlers.desk.merging import CannotMerge, Merging
from handlers.talk import Address, Gone, Incoming, Tap
from handlers.talk.catalogues import Catalogues
from handlers.talk.limits import LIMITS
from storage import Store
from storage.dialogues import Dialogue
from storage.people import Identity

A_NUMBER = re.compile(r"whatsapp:\+[0-9]+")  # any other name is an id, and an id is never given to somebody else

# Where somebody is in a conversation, apart from the number of the turn.
ASKED = (
    *("conversation", "step", "draft", "trail", "paused", "kept", "misses", "changed_at", "identity_id"),
    *("question_id", "question_kind", "question_hash"),
)

log = structlog.get_logger()


class Recognising:
    """
    People on WhatsApp are known by a telephone number, by an id, or by both.

    A message that carries both names shows that they are one chat: whom we took for two people becomes one, for good.
    A number can go to somebody else, together with another id: then the chat we know keeps its id, and whoever writes
    is somebody new.
    """

    def __init__(self, store: Store, catalogues: Catalogues, now: datetime) -> None:
        self.store, self.catalogues, self.now = store, catalogues, now

    def known(self, message: Incoming) -> Incoming:
        """The message as it comes from a chat that we know, if we do."""
        sender = message.sender
        if sender.simulated or not LIMITS[sender.channel].has_aliases:
            return message
        names = tuple(dict.fromkeys(name for name in (sender.id, message.alias) if name))
        chats = [chat for chat in self.store.people.known_as(sender.channel, names) if not self._is_other(chat, names)]
        if not chats:
            return message
        chat = self._one(chats, names)
        return replace(message, sender=Address(sender.channel, chat.address))

    def learn(self, chat: Identity, message: Incoming) -> None:
        """Somebody we have just met: what else their chat is called."""
        if message.alias and LIMITS[chat.channel].has_aliases and not chat.simulated:
            self.store.people.change_identity(chat.id, alias=message.alias)

    def _is_other(self, chat: Identity, names: Sequence[str]) -> bool:
        """Has the number of this chat gone to somebody with another id? Then the chat goes by its own id alone."""
        known, said = ids((chat.address, chat.alias)), ids(names)
        if not known or not said or known & said:
            return False
        self.store.people.change_identity(chat.id, address=known.pop(), alias=None)
        return True

    def _one(self, chats: Sequence[Identity], said: Sequence[str]) -> Identity:
        """The one chat that these are, called as the message calls it; if they cannot be one yet, the one so called."""
        name, (stays, *others) = said[0], sorted(chats, key=self._seniority)
        if not all(self._unite(stays, one) for one in others):
            return next((chat for chat in chats if chat.address == name), stays)
        known = {found for chat in chats for found in (chat.address, chat.alias) if found}
        # What the message says first: what else we know may be older.
        other = next((found for found in (*said, *sorted(known)) if found != name and _differ(found, name)), None)
        if (stays.address, stays.alias) != (name, other):
            self.store.people.change_identity(stays.id, address=name, alias=other)
        return replace(stays, address=name)

    def _seniority(self, chat: Identity) -> tuple[bool, int, int]:
        person = self.store.people.get(chat.person_id)
        return person.registered_at is None, person.id, chat.id

    def _unite(self, stays: Identity, goes: Identity) -> bool:
        """Two chats that are one: their people are one, too. False if that has to wait."""
        if stays.person_id != goes.person_id and not self._merge(stays.person_id, goes.person_id):
            return False
        self.store.dialogues.lock_person(stays.person_id)  # before their messages, as everywhere
        self.store.people.unite(stays.id, goes.id)
        self.store.merges.keep_together(stays.person_id, (stays.id, goes.id))
        return True

    def _merge(self, stays: int, goes: int) -> bool:
        desk = Desk(self.store, self.store.people.get(stays), self.now, self.catalogues)
        try:
            Merging(self.store, self.now, desk.of).merge(stays, goes, {}, for_good=True)
        except (CannotMerge, Gone):  # somebody of the desk writes to one of them; the next message tries again
            log.info("not_united", person=stays)
            return False
        self._take_up(stays, self.store.dialogues.get(goes))
        for number in (stays, goes):
            self.store.records.note(
                at=self.now, actor="channel", action="merged", subject=f"person:{number}", details={"stays": stays}
            )
        return True

    def _take_up(self, stays: int, left: Dialogue) -> None:
        """The newer of two questions is the one on the screen, and can still be answered."""
        before = self.store.dialogues.get(stays)
        if left.question_id is not None and left.changed_at > before.changed_at:
            asked = {name: getattr(left, name) for name in ASKED}
            self.store.dialogues.change(stays, **asked, version=before.version + 1)


def ids(names: Iterable[str | None]) -> set[str]:
    return {name for name in names if name and not A_NUMBER.fullmatch(name)}


def _differ(one: str, other: str) -> bool:
    """A number and an id: two numbers, or two ids, are never one chat's two names."""
    return bool(ids([one])) != bool(ids([other]))


def touched(store: Store, message: Incoming) -> Incoming:
    """A button of an approved form says only which one it was; which message showed it, the channel says by number."""
    carried = message.payload
    if message.kind != "tap" or message.tap is not None or "choice" not in carried:
        return message
    shown = store.messages.known_as(message.sender.channel, str(carried.get("shown")))
    return replace(message, tap=Tap(shown, int(carried["choice"]))) if shown else message
