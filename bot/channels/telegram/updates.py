# SPDX-License-Identifier: EUPL-1.2
"""
What Telegram's updates say, read straight from its JSON (core.telegram.org/bots/api#update).

python-telegram-bot would make an object of every field first, which costs a tenth of a whole turn; and an object that
a new release of the Bot API no longer fits is a message lost. Here a field we do not know is a field we do not read.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from handlers.talk.messages import Address, Incoming, Tap

NAME = "telegram"
Fields = Mapping[str, Any]

MEDIA = {
    "voice": "voice",
    "audio": "voice",
    "video_note": "video",
    "animation": "video",  # before document: Telegram shows it as both
    "video": "video",
    "sticker": "sticker",
    "document": "document",
    "live_photo": "photo",
}
ABOUT_THE_CHAT = (
    "pinned_message",
    "message_auto_delete_timer_changed",
    "chat_background_set",
    "write_access_allowed",
    "connected_website",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
)
TO_A_BOT = re.compile(r"(/\w{1,32})@\w+", re.ASCII)
START = re.compile(r"/start(?:\s+([A-Za-z0-9_-]{1,64}))?\s*")


def read(update: Fields, now: datetime) -> Incoming | None:
    """What somebody did in a private chat with us; None for everything else. A tap has no date: it is ``now``."""
    number = str(update["update_id"])
    if message := update.get("message"):
        return _written(message, number)
    if message := update.get("edited_message"):
        return _edited(message, number)
    if query := update.get("callback_query"):
        return _tapped(query, number, now)
    if change := update.get("my_chat_member"):
        return _member(change, number)
    return None


def _written(message: Fields, number: str) -> Incoming | None:
    chat = message["chat"]
    if chat["type"] != "private" or any(message.get(name) for name in ABOUT_THE_CHAT):
        return None
    kind, payload = _content(message)
    text, start = _words(message["text"]) if message.get("text") else (clean(message.get("caption")), None)
    return Incoming(
        sender=Address(NAME, str(chat["id"])),
        update_id=number,
        at=_moment(message["date"]),
        message_id=f"{chat['id']}:{message['message_id']}",
        kind=kind,
        text=text,
        language=_language(message.get("from")),
        start=start,
        payload=payload,
    )


def _edited(message: Fields, number: str) -> Incoming | None:
    """An edit has no number of its own. A moving location is edited every few seconds, and says nothing new."""
    written = _written(message, number)
    if written is None or written.kind == "location":
        return None
    return replace(written, kind="edited", message_id=None, at=_moment(message.get("edit_date") or message["date"]))


def _tapped(query: Fields, number: str, now: datetime) -> Incoming | None:
    chat = (query.get("message") or {}).get("chat")
    if chat is None or chat["type"] != "private":
        return None
    return Incoming(
        sender=Address(NAME, str(chat["id"])),
        update_id=number,
        at=now,
        message_id=f"cb:{query['id']}",
        kind="tap",
        tap=Tap.read(query.get("data") or ""),
        payload={"shown": f"{chat['id']}:{query['message']['message_id']}"},
        language=_language(query.get("from")),
    )


def _member(change: Fields, number: str) -> Incoming | None:
    kinds = {"kicked": "blocked", "left": "blocked", "member": "unblocked"}
    kind = kinds.get(change["new_chat_member"]["status"])
    if change["chat"]["type"] != "private" or kind is None:
        return None
    return Incoming(
        sender=Address(NAME, str(change["chat"]["id"])),
        update_id=number,
        at=_moment(change["date"]),
        kind=kind,
        language=_language(change.get("from")),
    )


def _content(message: Fields) -> tuple[str, dict[str, Any]]:
    """The kind of a message, and what it carries beside words."""
    if message.get("text") is not None:
        return "text", {}
    if photos := message.get("photo"):
        return "photo", _file(photos[-1])  # the largest
    for name, kind in MEDIA.items():
        if media := message.get(name):
            return kind, _file(media)
    if location := message.get("location"):
        return "location", {"lat": location["latitude"], "lon": location["longitude"]}
    if contact := message.get("contact"):
        return "contact", _card(contact, message.get("from"))
    return "other", {}


def _file(media: Fields) -> dict[str, Any]:
    names = {"file_id": "file_id", "file_unique_id": "file_unique_id", "mime_type": "mime_type"}
    known = {ours: media.get(theirs) for ours, theirs in {**names, "size": "file_size", "name": "file_name"}.items()}
    return {key: clean(value) if isinstance(value, str) else value for key, value in known.items() if value}


def _card(contact: Fields, sender: Fields | None) -> dict[str, Any]:
    """Whether it is the sender's own card; a number of somebody else is not ours to keep."""
    own = sender is not None and contact.get("user_id") == sender["id"]
    return {"own": True, "phone": clean(contact["phone_number"])} if own else {"own": False}


def _language(person: Fields | None) -> str | None:
    return clean((person or {}).get("language_code")) or None


def _words(text: str) -> tuple[str, str | None]:
    """What was written, and what a link carried: "/start src_biblioteca" is "/start" and "src_biblioteca"."""
    words = clean(text)
    if addressed := TO_A_BOT.match(words):
        words = addressed[1] + words[addressed.end() :]
    link = START.fullmatch(words)
    return ("/start", link[1]) if link else (words, None)


def _moment(seconds: int) -> datetime:
    """Telegram counts seconds since 1970, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def clean(text: str | None) -> str:
    """Without the two things that no database keeps: NUL, and half a character."""
    return (text or "").replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
