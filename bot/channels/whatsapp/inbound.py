# SPDX-License-Identifier: EUPL-1.2
"""
What Twilio tells us of WhatsApp: a message as it comes in, one that we missed, and what became of one of ours.

It adds parameters without notice (twilio.com/docs/messaging/guides/webhook-request): one we do not know is kept, and
one we do know may be missing. Whoever has a user name on WhatsApp has no number here, but an id such as US.1349…
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.channels.telegram.updates import clean
from bot.channels.whatsapp.troubles import about
from bot.contract import DeliveryError, Report
from handlers.talk.messages import Address, Incoming, Tap

NAME = "whatsapp"
TWILIO = "https://api.twilio.com"
Words = Mapping[str, str]
"""What a form says, with the first value of each name."""

A_CHAT = re.compile(r"whatsapp:[\x21-\x7e]{1,200}")
A_LINK = re.compile(r"(?:start )?(src|in)_([A-Za-z0-9_-]{1,60})", re.IGNORECASE)  # a phone may begin with a capital
A_LINE_OF_OURS = re.compile(r"c(\d{1,2})", re.ASCII)  # what a button of an approved template brings back
A_CODE = re.compile(r"[1-9]\d{0,8}", re.ASCII)
A_NUMBER_OF_OURS = re.compile(
    r"\d{1,18}", re.ASCII
)  # no row has a longer one, and the database would refuse to look for it
NEVER_ARRIVED = ("failed", "undelivered")
NO_PICTURE = {"image/webp": "sticker"}
CARDS = ("text/vcard", "text/x-vcard", "text/directory")
MEDIA = {"image": "photo", "audio": "voice", "video": "video", "application": "document", "text": "document"}
UNREADABLE = ("reaction", "unsupported", "unknown", "system")  # their words, if any, are not the person's

# All that we read, and what says the same again, or who somebody is.
_KNOWN = """
    MessageSid SmsMessageSid SmsSid SmsStatus AccountSid ApiVersion From To Body MessageType NumMedia NumSegments
    ReferralNumMedia ButtonText ButtonPayload ListId ListTitle OriginalRepliedMessageSid OriginalRepliedMessageSender
    ExternalUserId WaId ProfileName ChannelMetadata Latitude Longitude Address Label MessagingServiceSid Forwarded
    FrequentlyForwarded
"""
KNOWN = frozenset(_KNOWN.split())
A_MEDIUM = re.compile(r"Media(Url|ContentType)\d{1,3}")
MOST_MORE, LONGEST_MORE = 30, 500


def read(words: Words, now: datetime) -> Incoming | None:
    """What somebody did in a chat with us; None where it is not WhatsApp. It has no date: it is ``now``."""
    sid, sender = words["MessageSid"], words.get("From", "")
    if not A_CHAT.fullmatch(sender):
        return None
    kind, text, tap, start, payload = _content(words)
    return Incoming(
        sender=Address(NAME, sender),
        update_id=f"in:{sid}",
        at=now,
        message_id=sid,
        kind=kind,
        text=text,
        tap=tap,
        start=start,
        payload={**payload, **_shown(words), **_more(words)},
        alias=_alias(words, sender),
    )


def listed(message: Mapping[str, Any], media: Sequence[Mapping[str, Any]]) -> Incoming | None:
    """
    The same of a message that Twilio lists, with what it carried. What was touched is not listed, only its words.

    None for what is ours, not WhatsApp, or has no date.
    """
    at = sent_at(message)
    if at is None or message.get("direction") != "inbound":
        return None
    words = {
        "MessageSid": str(message["sid"]),
        "From": str(message.get("from") or ""),
        "Body": str(message.get("body") or ""),
    }
    for number, one in enumerate(media):
        words[f"MediaUrl{number}"] = TWILIO + str(one["uri"]).removesuffix(".json")
        words[f"MediaContentType{number}"] = str(one.get("content_type") or "")
    found = read(words, at)
    return found and replace(found, late=True)


def sent_at(message: Mapping[str, Any]) -> datetime | None:
    """When a listed message was sent, as far as Twilio says it."""
    try:
        return parsedate_to_datetime(str(message.get("date_sent") or message.get("date_created"))).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def report(words: Words, number: str) -> Report:
    """What became of a message of ours; ``number`` is what its address had for us, if anything."""
    return Report(
        channel=NAME,
        provider_id=words["MessageSid"],
        status=clean(words.get("MessageStatus"))[:40],
        message_id=int(number) if A_NUMBER_OF_OURS.fullmatch(number) else None,
        trouble=_trouble(words),
    )


def _trouble(words: Words) -> DeliveryError | None:
    code = int(words["ErrorCode"]) if A_CODE.fullmatch(words.get("ErrorCode", "")) else None
    return about(code) if code or words.get("MessageStatus") in NEVER_ARRIVED else None


Content = tuple[str, str, Tap | None, str | None, dict[str, Any]]
"""The kind of a message, its words, what was touched, what a link carried, and what it has beside words."""


def _content(words: Words) -> Content:
    text = clean(words.get("Body"))
    if touched := _touched(words):
        return touched
    if words.get("MediaUrl0"):
        kind, payload = _medium(words)
        return kind, text, None, None, payload
    if spot := _spot(words):
        return "location", text, None, None, spot
    if words.get("MessageType", "").lower() in UNREADABLE or not text:
        return "other", "", None, None, {}
    if link := A_LINK.fullmatch(text.strip()):
        return "text", "/start", None, f"{link[1].lower()}_{link[2]}", {}
    return "text", text, None, None, {}


def _touched(words: Words) -> Content | None:
    """
    A button or a line of a list: ours brings our own token back, an approved template's only its place among the
    buttons. What is neither is as good as its words.
    """
    payload = words.get("ButtonPayload") or words.get("ListId") or ""
    label = clean(words.get("ButtonText") or words.get("ListTitle") or words.get("Body"))
    if tap := Tap.read(payload):
        return "tap", "", tap, None, {}
    line = A_LINE_OF_OURS.fullmatch(payload)
    if line and words.get("OriginalRepliedMessageSid"):
        return "tap", label, None, None, {"choice": int(line[1])}
    return ("text", label, None, None, {}) if payload and label else None


def _shown(words: Words) -> dict[str, Any]:
    """The message that was answered, as the channel calls it."""
    shown = clean(words.get("OriginalRepliedMessageSid"))
    return {"shown": shown[:64]} if shown else {}


def _medium(words: Words) -> tuple[str, dict[str, Any]]:
    """The first file. WhatsApp carries one a message; should there be more, their number is kept."""
    declared = clean(words.get("MediaContentType0")).partition(";")[0].strip().lower()
    if declared in CARDS:
        return "contact", {"own": False}  # whose card it is, nobody says: it is not ours to keep
    many = sum(1 for name in words if name.startswith("MediaUrl"))
    carried: dict[str, Any] = {"file_id": clean(words["MediaUrl0"])[:1000], "message": words["MessageSid"]}
    carried |= {"mime_type": declared[:100]} if declared else {}
    kind = NO_PICTURE.get(declared) or MEDIA.get(declared.partition("/")[0], "document")
    return kind, carried | ({"files": many} if many > 1 else {})


def _spot(words: Words) -> dict[str, float] | None:
    try:
        lat, lon = float(words.get("Latitude") or "x"), float(words.get("Longitude") or "x")
    except ValueError:
        return None
    return {"lat": lat, "lon": lon} if math.isfinite(lat) and math.isfinite(lon) else None


def _alias(words: Words, sender: str) -> str | None:
    other = words.get("ExternalUserId", "")
    return other if other != sender and A_CHAT.fullmatch(other) else None


def _more(words: Words) -> dict[str, Any]:
    """What Twilio has begun to say since we last looked, unless it says who somebody is."""
    who = [who for name in ("ProfileName", "WaId", "From", "ExternalUserId") if len(who := words.get(name, "")) > 2]
    more = {
        clean(name)[:100]: clean(value)[:LONGEST_MORE]
        for name, value in words.items()
        if value and name not in KNOWN and not A_MEDIUM.fullmatch(name) and not any(one in value for one in who)
    }
    return {"more": dict(list(more.items())[:MOST_MORE])} if more else {}
