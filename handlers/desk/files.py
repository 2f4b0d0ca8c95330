# SPDX-License-Identifier: EUPL-1.2
"""Files that people send: taken or refused, opened at the desk, and given back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from handlers.rules.files import Refusal, name_to_save, refused
from handlers.talk import Gone, Reader, Text, _
from storage import Store
from storage.files import Attachment
from storage.people import Identity

if TYPE_CHECKING:
    from handlers.desk import Desk

SHOWN = 5  # files to choose from


class Files:
    """The files of one person."""

    def __init__(self, desk: "Desk") -> None:
        self.desk, self.store = desk, desk.store

    def receive(self, message_kind: str, media: Mapping[str, Any]) -> Refusal | None:
        """Take what a message carries, and tell the desk; or say why not. Either way it is noted."""
        name, size = media.get("name"), media.get("size")
        reason = refused(message_kind, name, media.get("mime_type"), size)
        self.store.files.attach(
            message_id=self.desk.message_id,
            person_id=self.desk.person.id,
            provider_id=media["file_id"],
            name=name,
            state="refused" if reason else "waiting",
            reason=reason,
            at=self.desk.now,
        )
        if reason is None:
            self.desk.cases.open("voice" if message_kind == "voice" else "file")
        return reason

    def newest(self) -> Sequence[Attachment]:
        """What we keep of what this person sent, the newest first."""
        return self.store.files.of(self.desk.person.id, SHOWN)

    def count(self) -> int:
        return len(self.store.files.of(self.desk.person.id))

    def give_back(self, id: int) -> None:
        """Send a person what they sent us, in the chat they ask from. Raises Gone."""
        chat, found = self.desk.chat, self.store.files.attachment(id)
        if chat is None or found is None or found.person_id != self.desk.person.id or found.inside is None:
            raise Gone
        name = name_to_save(found.name, found.inside, found.id)
        words = _("Here is your file: {name}", name=name).render(self._reader())
        carries = {"file": found.file_id, "name": name, "provider_id": known_to(chat, found)}
        self.desk.outbox.reply(chat, words, reply_to=self.desk.message_id, carries=carries)

    def _reader(self) -> Reader:
        return self.desk.catalogues.reader(self.desk.person.language)


def known_to(chat: Identity, found: Attachment) -> str | None:
    """The chat's own name for it: a channel sends again as a document only what came to it as a document."""
    return found.provider_id if found.channel == chat.channel and found.kind == "document" else None


@dataclass(frozen=True)
class Opened:
    """A file on its way to somebody of the desk."""

    name: str
    kind: str  # a MIME type
    content: bytes


def opened(store: Store, id: int, now: datetime) -> Opened | None:
    """What an attachment holds, for somebody of the desk who opens it; that it was opened is written down."""
    found = store.files.attachment(id)
    file = store.files.content(found.file_id) if found and found.file_id else None
    if found is None or file is None:
        return None
    store.records.note(at=now, actor="link", action="file_opened", subject=f"attachment:{id}")
    return Opened(name_to_save(found.name, file.kind, found.id), file.kind, file.content)


def enclosed(store: Store, message_id: int) -> Opened | None:
    """The file that a message of ours carries, for the channel that fetches it or the person who opens its link."""
    message = store.messages.get(message_id)
    carried = (message.payload or {}) if message and message.direction == "out" else {}
    file = store.files.content(carried["file"]) if "file" in carried else None
    return Opened(carried.get("name") or "file", file.kind, file.content) if file else None


def why(reason: Refusal, message_kind: str) -> Text:
    """What a person is told whose file we do not keep, and what to do instead."""
    match reason:
        case "size":
            return _("This file is too big: please send one under 20 megabytes.")
        case "name":
            return _("The name of this file is unusual. Please give it a simple name and send it again.")
        case "contents":
            return _("I could not open your file. Please send it again as a PDF or a photo.")
        case "dangerous":
            return _("I have not kept your file: there is a small program in it. Please send it as a photo.")
        case _ if message_kind == "voice":
            return _("I cannot keep this kind of recording. Please record a voice message here.")
        case _:
            return _("I cannot keep this kind of file. Please send a PDF, a Word file or a photo.")
