# SPDX-License-Identifier: EUPL-1.2
"""How a message of ours looks on WhatsApp: words, a form with buttons or a list, a pin on the map, or a file."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.contract import DeliveryError
from handlers.talk.messages import Attached, Outgoing

Link = Callable[[Outgoing], str | None]
"""Where Twilio, or the person, finds a message's file: a signed address; None without a public one."""

PREFIX = "whatsapp:"
LONGEST_LIFE = 36_000  # seconds; Twilio keeps nothing longer
NOTHING = "—"  # an empty variable would be refused
# What WhatsApp carries through Twilio (twilio.com/docs/whatsapp/guidance-whatsapp-media-messages). The rest is a link.
PICTURES = {"image/jpeg", "image/png", "image/webp"}
OFFICE = "application/vnd.openxmlformats-officedocument."
CARRIED = PICTURES | {
    "application/msword",
    "application/pdf",
    "audio/aac",
    "audio/amr",
    "audio/mpeg",
    "audio/ogg",
    "video/mp4",
    f"{OFFICE}presentationml.presentation",
    f"{OFFICE}spreadsheetml.sheet",
    f"{OFFICE}wordprocessingml.document",
}
LARGEST_PICTURE, LARGEST_FILE = 5_000_000, 16_000_000

# WhatsApp makes letters bold, slanted, struck out or of one width between two of these signs at the edges of words.
# It knows no way to say that a sign is only a sign, so those that would do it are replaced by others that look alike.
ALIKE = {"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"}
MARKS = re.compile(r"\*+|_+|~+|`+")
LINKS = re.compile(r"(?:https?://|www\.)\S+|[^\s@]+@[^\s@]+\.\w+")


def letter(message: Outgoing, *, sender: str, now: datetime, public_url: str = "", link: Link) -> dict[str, Any]:
    """What Twilio's Messages.create is called with. Raises DeliveryError where there is no way to show a file."""
    fields: dict[str, Any] = {"from_": PREFIX + sender, "to": chat(message)}
    if public_url:
        fields["status_callback"] = f"{public_url}/twilio/status?oid={message.id}"
    if message.not_after:
        left = int((message.not_after - now).total_seconds())
        fields["validity_period"] = min(max(left, 1), LONGEST_LIFE)
    return fields | _content(message, link)


def chat(message: Outgoing) -> str:
    """The chat as Twilio calls it: a number with its +, or the id of somebody with a user name, which has none."""
    return PREFIX + message.to.id.removeprefix(PREFIX)


def plain(message: Outgoing) -> Outgoing:
    """The same as words alone: the choices stand in the text with their numbers, and a file is a link."""
    return replace(message, form=None, options=(), plain=True)


def unmarked(text: str, *, alone: bool = True) -> str:
    """
    Words that WhatsApp shows as they were written. Links and addresses stay as they are: they must still open.

    A single sign does nothing and stays, unless the text is not ``alone``: others stand around what fills a form.
    """
    links = [found.span() for found in LINKS.finditer(text)]
    edges = [found for found in MARKS.finditer(text) if _is_at_an_edge(text, *found.span())]
    counted = [found.group()[0] for found in edges]
    pieces, end = [], 0
    for found in edges:
        start, sign = found.start(), found.group()[0]
        is_linked = any(first <= start < last for first, last in links)
        if is_linked or (alone and counted.count(sign) < 2):
            continue
        pieces += [text[end:start], ALIKE[sign] * len(found.group())]
        end = found.end()
    return "".join([*pieces, text[end:]])


def marked(text: str) -> str:
    """The same with the signs that were written."""
    return text.translate({ord(other): sign for sign, other in ALIKE.items()})


def _content(message: Outgoing, link: Link) -> dict[str, Any]:
    if message.file:
        return _file(message, message.file, link)
    if message.form and not message.plain:
        is_template = message.form.is_template
        filled = {name: _filled(words, is_template) for name, words in message.form.variables.items()}
        return {"content_sid": message.form.sid} | (
            {"content_variables": json.dumps(filled, ensure_ascii=False)} if filled else {}
        )
    if spot := message.spot:
        if message.plain or message.options:  # a pin has no room for choices
            return {"body": unmarked(message.text or f"{spot.title}\n{spot.address}")}
        pin = f"geo:{spot.latitude},{spot.longitude}|{' '.join(spot.title.split())}"
        return {"body": unmarked(spot.address or spot.title), "persistent_action": [pin]}
    return {"body": unmarked(message.text)}


def _file(message: Outgoing, file: Attached, link: Link) -> dict[str, Any]:
    address = link(message)
    if address is None:
        raise DeliveryError(
            "no_public_url", "WhatsApp fetches files from us. Set PUBLIC_URL.", elsewhere=True, alarm=True
        )
    if is_carried(file) and not message.plain:
        return {"media_url": [address]} | ({"body": unmarked(message.text)} if message.text else {})
    name = " ".join(file.name.split())
    return {"body": f"{unmarked(message.text or name)}\n{address}"}


def is_carried(file: Attached) -> bool:
    """Does WhatsApp show this file in the chat? Any other is a link in the text."""
    kind = file.kind.partition(";")[0].strip().lower()
    return kind in CARRIED and len(file.content) <= (LARGEST_PICTURE if kind in PICTURES else LARGEST_FILE)


def _filled(words: str, is_template: bool) -> str:
    """What stands in a form: never nothing, and in one line where the form is approved."""
    shown = " ".join(words.split()) if is_template else words.strip()
    return unmarked(shown, alone=False) or NOTHING


def _is_at_an_edge(text: str, start: int, end: int) -> bool:
    """Could a sign open or close something here: a word on one side of it only?"""
    before, after = text[start - 1 : start], text[end : end + 1]
    opens = not before.isalnum() and after.strip() != ""
    closes = before.strip() != "" and not after.isalnum()
    return opens or closes
