# SPDX-License-Identifier: EUPL-1.2
"""Two chats of one person: joined by a code that is read in one and written in the other, and parted again."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from handlers.desk.merging import CannotMerge, Merging
from handlers.talk import Gone, Words, _, lines
from storage.links import Link
from storage.merges import Merge
from storage.people import Identity, Person

if TYPE_CHECKING:
    from handlers.desk import Desk

# Letters and digits that nobody takes for one another. Eight of them are 850 thousand million codes, of which a person
# has one, for a quarter of an hour: nobody finds one by writing.
SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH = 8
LIVES_FOR = timedelta(minutes=15)
# What looks like one of ours is read as well: who takes a letter for another is told that the code is not known.
A_CODE = re.compile(rf"([{SIGNS}ILO01]{{4}})\s?([-–— ]?)\s?([{SIGNS}ILO01]{{4}})", re.IGNORECASE)
CHANNELS = {"telegram": "Telegram", "whatsapp": "WhatsApp"}

UNKNOWN = lines(
    _("I do not know this code. A code works once, for 15 minutes."),
    _("For a new one, write MY CHATS in the other app."),
)
SAME_CHAT = _("This is the right code, but the wrong chat. Write it in the other app.")
JOINED = lines(
    _("Done: your two chats are joined now."),
    _("I write where you wrote last."),
    _("To separate them, write MY CHATS."),
    _("Write 0 for the menu, PERSON for a person."),
)
ALREADY = _("These two chats are yours already.")
NOT_NOW = _("That does not work at this moment. Please try again in a few minutes.")


class NoLink(Exception):
    """This code joins nothing here; ``why`` says the reason in plain words."""

    def __init__(self, why: Words) -> None:
        super().__init__("no link")
        self.why = why


@dataclass(frozen=True)
class Parted:
    """A chat that can be separated again: where it is, and the act that joined it."""

    merge_id: int
    channels: Sequence[str]


def code_in(text: str) -> str | None:
    """
    The code that somebody writes, in any case, with a dash, a blank, or nothing in the middle; None for other words.

    What has no digit is a word, such as the name of a town.
    """
    found = A_CODE.fullmatch(text.strip())
    code = (found[1] + found[3]).upper() if found else ""
    return code if any(sign.isdigit() for sign in code) else None


def is_surely_one(text: str) -> bool:
    """
    Does it look like a code and like nothing else? Without a dash it may be anything, such as a name and a year;
    without a letter it may be a telephone number.
    """
    found = A_CODE.fullmatch(text.strip())
    return bool(found and found[2].strip() and any(sign.isalpha() for sign in text))


class Linking:
    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def channels(self) -> list[str]:
        """Where we can write to this person, by name."""
        chats = self.store.people.identities(self.desk.person.id)
        return sorted(
            {CHANNELS[chat.channel] for chat in chats if chat.blocked_at is None and chat.channel in CHANNELS}
        )

    def make(self) -> str:
        """A code for this chat, in two groups; what was shown before opens nothing any more."""
        chat, now = self._chat(), self.desk.now
        code = ""
        while not code_in(code):
            code = "".join(secrets.choice(SIGNS) for _sign in range(LENGTH))
        self.store.links.make(
            person_id=self.desk.person.id,
            identity_id=chat.id,
            code_hash=_hash(code),
            at=now,
            expires_at=now + LIVES_FOR,
        )
        return f"{code[:4]}-{code[4:]}"

    def knows(self, code: str) -> bool:
        """Was this ever a code of ours, be it too late by now?"""
        return self.store.links.find(_hash(code)) is not None

    def whose(self, code: str) -> tuple[Person, str]:
        """Whose chat shows this code, and on which channel. Raises NoLink."""
        _link, chat = self._found(code)
        return self.store.people.get(chat.person_id), CHANNELS.get(chat.channel, chat.channel)

    def costs_a_place(self, code: str) -> bool:
        """Have both chats a place at the same, of which one is given up? Raises NoLink."""
        _link, chat = self._found(code)
        return self._merging().have_twice(*self._sides(chat.person_id, self.desk.person.id))

    def join(self, code: str) -> None:
        """
        They are one person: done when this turn has been written down, under the locks of both. Raises NoLink.

        Who is registered stays; of two alike, the one whose chat showed the code.
        """
        link, chat = self._found(code)
        stays, goes = self._sides(chat.person_id, self.desk.person.id)
        for id in sorted((stays, goes)):
            self.store.dialogues.lock_person(id)
        if self.store.people.identity(chat.id) != chat:  # while we waited, it became somebody else's
            return self.join(code)
        merging = self._merging()
        if merging.why_not(self.desk.of(stays), self.desk.of(goes)):  # in the words of the staff
            raise NoLink(NOT_NOW)
        if not self.store.links.use(link.id, self.desk.now):
            raise NoLink(UNKNOWN)
        self.desk.afterwards.append(lambda: self._merged(merging, stays, goes, chat))
        return None

    def joined(self) -> list[Parted]:
        """What the person can separate again by themselves."""
        merging, me = self._merging(), self.desk.person.id
        found = []
        for merge in self.store.merges.of(me):
            chats = [self.store.people.identity(id) for id in merge.moved.get("rows", {}).get("identities", [])]
            here = [chat for chat in chats if chat.person_id == me]
            if merging.can_be_undone(merge) and here:
                found.append(Parted(merge.id, [CHANNELS.get(chat.channel, chat.channel) for chat in here]))
        return found

    def part(self, merge_id: int) -> None:
        """They are two again, when this turn has been written down. Raises Gone, CannotMerge."""
        merge = self.store.merges.get(merge_id)
        if merge is None or merge_id not in {one.merge_id for one in self.joined()}:
            raise Gone
        merging = self._merging()
        if merging.why_stuck(self.desk, merge):
            raise CannotMerge(NOT_NOW)
        self.desk.afterwards.append(lambda: self._parted(merging, merge))

    def _sides(self, theirs: int, mine: int) -> tuple[int, int]:
        people = self.store.people
        is_known = [people.get(id).registered_at is not None for id in (theirs, mine)]
        return (mine, theirs) if is_known == [False, True] else (theirs, mine)

    def _found(self, code: str) -> tuple[Link, Identity]:
        link = self.store.links.find(_hash(code))
        if link is None or link.used_at or link.expires_at <= self.desk.now:
            raise NoLink(UNKNOWN)
        chat, here = self.store.people.identity(link.identity_id), self._chat()
        if chat.id == here.id:
            raise NoLink(SAME_CHAT)
        if chat.person_id == self.desk.person.id:
            raise NoLink(ALREADY)
        if chat.simulated != here.simulated:
            raise NoLink(UNKNOWN)
        return link, chat

    def _merged(self, merging: Merging, stays: int, goes: int, shown_in: Identity) -> None:
        merging.merge(stays, goes, {})
        self._note("merged", stays, goes)
        desk, chat = self.desk.of(stays), self.store.people.identity(shown_in.id)
        words = JOINED.render(desk.catalogues.reader(desk.person.language))
        desk.outbox.reply(chat, words, reply_to=None)

    def _parted(self, merging: Merging, merge: Merge) -> None:
        merging.undo(merge.id)
        self._note("parted", merge.person_id, merge.other_id)

    def _merging(self) -> Merging:
        return Merging(self.store, self.desk.now, self.desk.of)

    def _chat(self) -> Identity:
        assert self.desk.chat is not None, "only somebody who writes has a chat to join"
        return self.desk.chat

    def _note(self, action: str, stays: int, goes: int) -> None:
        for number in (stays, goes):
            self.store.records.note(
                at=self.desk.now,
                actor=f"person:{stays}",
                action=action,
                subject=f"person:{number}",
                details={"stays": stays, "goes": goes},
            )


def _hash(code: str) -> str:
    return hashlib.sha256(f"link:{code}".encode()).hexdigest()
