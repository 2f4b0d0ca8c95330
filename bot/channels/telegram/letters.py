# SPDX-License-Identifier: EUPL-1.2
"""How a message of ours looks on Telegram: a text, a pin on the map or a file, and the buttons under it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from handlers.talk.messages import Attached, Option, Outgoing

PHONE = "phone"  # the option whose button shares the person's own number


@dataclass(frozen=True)
class Letter:
    """A method of the Bot API and what it is called with. Never any markup: what people write must stay words."""

    method: str
    fields: Mapping[str, Any]
    files: Mapping[str, Attached] = field(default_factory=dict)


def letter(message: Outgoing, *, pays: bool = False) -> Letter:
    """``pays``: what goes to many may be sent faster than Telegram does for nothing."""
    common: dict[str, Any] = {"chat_id": message.to.id}
    if markup := keyboard(message):
        common["reply_markup"] = markup
    if pays and message.bulk:
        common["allow_paid_broadcast"] = True
    if spot := message.spot:
        place = {"title": spot.title, "address": spot.address, "latitude": spot.latitude, "longitude": spot.longitude}
        return Letter("sendVenue", common | place)
    if message.file:
        return _file(message.file, common | ({"caption": message.text} if message.text else {}))
    return Letter("sendMessage", common | {"text": message.text, "link_preview_options": {"is_disabled": True}})


def _file(file: Attached, fields: dict[str, Any]) -> Letter:
    """A picture of ours is seen at once. Any other file is a document, photos too: as it is, and under its own name."""
    method, field = ("sendPhoto", "photo") if file.is_picture else ("sendDocument", "document")
    if file.provider_id:
        return Letter(method, fields | {field: file.provider_id})
    return Letter(method, fields, {field: replace(file, name=file_name(file.name))})


def file_name(name: str) -> str:
    """A name that fits into one line of a form."""
    return "".join(letter for letter in name if letter.isprintable())[:120] or "file"


def retired(message: Outgoing) -> Letter:
    """An edit that leaves no buttons."""
    chat, _colon, number = (message.edits or "").rpartition(":")
    return Letter("editMessageReplyMarkup", {"chat_id": chat, "message_id": number})


def plain(message: Outgoing) -> Outgoing:
    """The same in the simplest form there is. The choices stand in the text with their numbers, so nothing is lost."""
    spot, file = message.spot, message.file
    if spot:
        return replace(message, text=message.text or f"{spot.title}\n{spot.address}", spot=None, options=())
    if file and file.content:
        file = replace(file, provider_id=None, is_picture=False)
    return replace(message, file=file, options=())


def keyboard(message: Outgoing) -> dict[str, Any] | None:
    """The choices as buttons under the message; or in place of the keyboard, where one of them shares the number."""
    if message.asks_phone and any(option.id == PHONE for option in message.options):
        rows = [[_typed(option)] for option in message.options]
        return {"keyboard": rows, "one_time_keyboard": True, "resize_keyboard": True}
    buttons = [
        {"text": option.short, "callback_data": message.token(index)} for index, option in enumerate(message.options)
    ]
    across = 2 if all(len(option.short) <= 10 for option in message.options) else 1
    rows = [buttons[start : start + across] for start in range(0, len(buttons), across)]
    return {"inline_keyboard": rows} if rows else None


def _typed(option: Option) -> dict[str, Any]:
    """A button that types its label for the person; one of them shares their number instead."""
    return {"text": option.short} | ({"request_contact": True} if option.id == PHONE else {})
