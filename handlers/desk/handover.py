# SPDX-License-Identifier: EUPL-1.2
"""Somebody of the desk writes to a person themselves; meanwhile the program keeps what comes in, and is silent."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from handlers.desk.chats import Chats
from handlers.rules.files import claimed, looked_into, name_to_save, refused
from handlers.talk import Option, Text, _
from handlers.talk.limits import LIMITS
from handlers.talk.reasons import REASONS
from handlers.talk.rendering import numbered, pieces, way_out, width
from storage.dialogues import Dialogue
from storage.messages import Message
from storage.people import Identity

if TYPE_CHECKING:
    from handlers.desk import Desk

MINUTES = 30  # so long the program stays silent after the last thing somebody of the desk did
MOST_PIECES = 3  # messages that one answer may become
REMEMBERED = timedelta(days=7)  # after that nobody knows what the question was
WANTS_A_PERSON = ("asked", "private_call", "urgent")

Because = Literal["by_hand", "time", "stopped", "erasure"]

TOO_LATE = _("On WhatsApp we may write for 24 hours after the person’s last message. Call them instead.")
EMPTY = _("There is nothing to send: write something, or choose a file.")
TOO_LONG = _("This is too long for one answer. Please make it shorter.")
NO_FILE = _("This kind of file cannot be sent. Choose a PDF, a Word file, a photo or a recording under 20 megabytes.")


class NotYours(Exception):
    """Somebody else of the desk writes to this person, or nobody does; ``name`` says who."""

    def __init__(self, name: str | None) -> None:
        super().__init__(name or "nobody")
        self.name = name


class CannotWrite(Exception):
    """This cannot be sent to the person; ``why`` says the reason in plain words."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.msgid)
        self.why = why


@dataclass(frozen=True)
class Enclosed:
    """A file that somebody of the desk sends along, and what their browser says it is."""

    name: str
    content: bytes
    kind: str | None = None


def why_not(desk: "Desk") -> Text | None:
    """Why this person cannot be written to now; None if they can."""
    if desk.erasure.receipt():
        return REASONS["person_erased"]
    if desk.person.stopped_at:
        return REASONS["person_stopped"]
    chat = chat_to_write_in(desk)
    if chat is None:
        return REASONS["chat_blocked"]
    return TOO_LATE if is_past_its_window(desk, chat) else None


def chat_to_write_in(desk: "Desk") -> Identity | None:
    """Where they wrote last, if we may write what we like there; else another chat of theirs in which we may."""
    last = desk.outbox.chat()
    if last is None or not is_past_its_window(desk, last):
        return last
    others = [one for one in desk.store.people.identities(desk.person.id) if one.blocked_at is None]
    fit = [one for one in others if one.simulated == last.simulated and not is_past_its_window(desk, one)]
    return fit[0] if fit else last


def is_past_its_window(desk: "Desk", chat: Identity) -> bool:
    """Some channels let us write freely only for a while after the person's own last message there."""
    window = LIMITS[chat.channel].window
    if window is None:
        return False
    wrote = desk.store.messages.heard(desk.person.id, chat.id, 1)
    return not wrote or desk.now - wrote[0][0] >= window or not Chats(desk).is_open(chat)


class Handover:
    """One person's chat, in the hands of the desk or of the program."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def taken_by(self) -> str | None:
        """Who of the desk writes to this person now."""
        dialogue = self.store.dialogues.get(self.desk.person.id)
        return self._name(dialogue.taken_by) if dialogue.taken_by is not None else None

    def take(self, staff_id: int, staff_name: str, *, minutes: int = MINUTES) -> None:
        """
        From now on this member of the staff writes, and the person is told so by name. What they waited for is theirs.

        Raises NotYours if somebody else writes already, CannotWrite if nobody may.
        """
        dialogue = self._lock()
        if self._is_with_another(dialogue, staff_id):
            raise NotYours(self._name(dialogue.taken_by))
        chat = self._chat()
        id, now = self.desk.person.id, self.desk.now
        if dialogue.taken_by is not None and dialogue.taken_by != staff_id:  # whose time is up
            self.store.cases.let_go_of_all(id, dialogue.taken_by)
        self.store.cases.take_all(id, staff_id, now)
        self.store.dialogues.change(id, taken_by=staff_id, taken_at=now, taken_until=now + timedelta(minutes=minutes))
        if dialogue.taken_by == staff_id:
            return
        words = _("{name} of the desk writes to you now. The program is silent.", name=staff_name)
        self._row(chat, self._said(words), dialogue, {})
        self._note(staff_id, "taken_over", minutes=minutes)

    def reply(self, staff_id: int, text: str, *, file: Enclosed | None = None, minutes: int = MINUTES) -> int:
        """
        An answer of theirs; the last message's number. The program stays silent for a while longer.

        Raises NotYours if it is not they who write now, CannotWrite if this cannot be sent.
        """
        dialogue = self._mine(staff_id)
        chat, text = self._chat(), text.strip()
        carried, limits = self._carried(file), LIMITS[chat.channel]
        under = carried and width(text) <= limits.caption
        parts = pieces(text, limits, with_options=False) if text and not under else []
        if not parts and not carried:
            raise CannotWrite(EMPTY)
        if len(parts) > MOST_PIECES:
            raise CannotWrite(TOO_LONG)
        by = {"by": staff_id}
        ids = [self._row(chat, text if under else "", dialogue, by | carried)] if carried else []
        ids += [self._row(chat, part, dialogue, by) for part in parts]
        self._prolong(dialogue, minutes)
        return ids[-1]

    def extend(self, staff_id: int, *, minutes: int = MINUTES) -> None:
        """They need more time. Raises NotYours."""
        self._prolong(self._mine(staff_id), minutes)

    def give_back(self, staff_id: int | None, *, because: Because, close_cases: bool = False) -> bool:
        """
        The program answers again, and asks what it had asked. False if there was nothing to give back, or not yet.

        Without ``staff_id`` it gives itself back, when its time is up or the person wants no more messages. With
        ``close_cases`` what they looked after is done; when the time is up it waits for anybody again. Raises NotYours.
        """
        dialogue = self._lock()
        if staff_id is not None and dialogue.taken_by != staff_id:
            raise NotYours(self._name(dialogue.taken_by))
        if dialogue.taken_by is None or (because == "time" and not self._is_over(dialogue)):
            return False
        id, now = self.desk.person.id, self.desk.now
        if because == "by_hand" and close_cases:
            self.store.cases.close_taken(id, dialogue.taken_by, now)
        elif because != "by_hand":
            self.store.cases.let_go_of_all(id, dialogue.taken_by)
        self.store.dialogues.change(id, taken_by=None, taken_at=None, taken_until=None)
        self._note(staff_id, "given_back", because=because)
        if dialogue.taken_until is not None:
            self.store.messages.hurry(id, dialogue.taken_until, now)
        if because in ("by_hand", "time") and why_not(self.desk) is None:
            self._go_on(dialogue)
        return True

    def to_call(self, staff_id: int) -> bool:
        """Put the person on the list of those to be called; False if they are on it. For who cannot be written to."""
        is_new = self.desk.cases.open("to_call")
        if is_new:
            self._note(staff_id, "to_call")
        return is_new

    # ---- whose it is

    def _lock(self) -> Dialogue:
        dialogue = self.store.dialogues.lock_person(self.desk.person.id)
        self.desk.refresh()
        return dialogue

    def _mine(self, staff_id: int) -> Dialogue:
        dialogue = self._lock()
        if dialogue.taken_by != staff_id:
            raise NotYours(self._name(dialogue.taken_by))
        return dialogue

    def _is_with_another(self, dialogue: Dialogue, staff_id: int) -> bool:
        return dialogue.taken_by not in (None, staff_id) and not self._is_over(dialogue)

    def _is_over(self, dialogue: Dialogue) -> bool:
        return dialogue.taken_until is None or dialogue.taken_until <= self.desk.now

    def _prolong(self, dialogue: Dialogue, minutes: int) -> None:
        until = self.desk.now + timedelta(minutes=minutes)
        self.store.dialogues.change(self.desk.person.id, taken_until=max(until, dialogue.taken_until or until))

    def _name(self, staff_id: int | None) -> str | None:
        member = self.store.staff.get(staff_id) if staff_id is not None else None
        return member.name if member else None

    # ---- what is said

    def _chat(self) -> Identity:
        """Where they wrote from last. Raises CannotWrite."""
        if reason := why_not(self.desk):
            raise CannotWrite(reason)
        chat = chat_to_write_in(self.desk)
        assert chat is not None, "else there was a reason"
        return chat

    def _said(self, words: Text) -> str:
        return words.render(self.desk.catalogues.reader(self.desk.person.language))

    def _carried(self, file: Enclosed | None) -> dict[str, Any]:
        """The file as the message carries it: only what we would take from anybody, too. Raises CannotWrite."""
        if file is None:
            return {}
        found = None
        if refused("document", file.name, file.kind, len(file.content)) is None:
            found = looked_into(file.content, claimed("document", file.name, file.kind))
        if found is None or isinstance(found, str):
            raise CannotWrite(NO_FILE)
        id = self.store.files.keep(file.content, kind=found.mime, at=self.desk.now)
        return {"file": id, "name": name_to_save(file.name, found.mime, id), "is_picture": found.family == "picture"}

    def _go_on(self, dialogue: Dialogue) -> None:
        """Say that the program is there again, and ask the open question once more, as it was shown."""
        chat, open_question = self._chat(), self._open_question(dialogue)
        waits = any(map(self.desk.cases.is_open, WANTS_A_PERSON))
        known = _("A person knows already that you are waiting.") if waits else None
        said = [self._said(words) for words in (_("The program answers again."), known) if words]
        if open_question is None:
            out = way_out((), takes_numbers=False)
            self._row(chat, "\n\n".join(["\n".join(said), *([self._said(out)] if out else [])]), dialogue, {})
            return
        text = "\n\n".join(["\n".join(said), asked_in(open_question, dialogue.question_hash)])
        *before, last = pieces(text, LIMITS[chat.channel], with_options=bool(open_question.options))
        for piece in before:
            self._row(chat, piece, dialogue, {})
        again = self._row(chat, last, dialogue, open_question.payload, options=open_question.options)
        self.store.dialogues.change(
            self.desk.person.id,
            question_id=again,
            identity_id=chat.id,
            changed_at=self.desk.now,
            version=dialogue.version + 1,
        )

    def _open_question(self, dialogue: Dialogue) -> Message | None:
        is_forgotten = self.desk.now - dialogue.changed_at > REMEMBERED
        return self.store.messages.get(dialogue.question_id) if dialogue.question_id and not is_forgotten else None

    def _row(
        self,
        chat: Identity,
        text: str,
        dialogue: Dialogue,
        payload: Mapping[str, Any] | None,
        *,
        options: list[dict[str, str]] | None = None,
    ) -> int:
        id = self.store.messages.put_out(
            person_id=chat.person_id,
            identity_id=chat.id,
            channel=chat.channel,
            kind="reply",
            text=text,
            options=options,
            payload=payload or None,
            reply_to=dialogue.heard_id,
            priority=0,
            at=self.desk.now,
            due_at=self.desk.now,
        )
        assert id is not None, "a reply has no dedupe key to collide with"
        return id

    def _note(self, staff_id: int | None, action: str, **details: Any) -> None:
        self.store.records.note(
            at=self.desk.now,
            actor="system" if staff_id is None else f"staff:{staff_id}",
            action=action,
            subject=f"person:{self.desk.person.id}",
            details=details or None,
        )


def asked_in(message: Message, hash: str | None) -> str:
    """The question in a message, without what was said before it: known by the hash of its words."""
    options = tuple(Option(**option) for option in message.options or ())
    lines = f"\n{numbered(options)}" if options else ""
    parts = message.text.split("\n\n")
    for start in range(len(parts)):
        for end in range(len(parts), start, -1):
            words = "\n\n".join(parts[start:end]).removesuffix(lines)
            if hashlib.sha256(words.encode()).hexdigest() == hash:
                return "\n\n".join(parts[start:])
    return message.text
