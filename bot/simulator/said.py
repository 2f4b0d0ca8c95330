# SPDX-License-Identifier: EUPL-1.2
"""What a phone sends, read with suspicion."""

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from bot.clock import Clock
from handlers.talk import Address, Incoming, Tap
from handlers.talk.limits import LIMITS

MOST_BYTES = 64 * 1024
MOST_LETTERS = 64  # of an id
FILES = ("photo", "voice", "video", "sticker", "document")
KINDS = ("text", *FILES, "location", "contact", "edited", "other", "blocked", "unblocked")
UNHEARD_OF = re.compile("[\0\ud800-\udfff]")  # no phone sends these, and no database keeps them
OWN_NUMBER = re.compile(r"[A-Za-z0-9-]{8,64}")  # no colon, which parts it from whose it is
INVENTED = re.compile(r"demo:[a-z][0-9]{1,6}")
MESSAGE_NUMBER = re.compile(r"[0-9]{1,18}")  # what a 64-bit column holds


async def said(request: Request) -> dict[str, Any]:
    """What the body says. Raises HTTPException where it says nothing a phone could have said."""
    return checked(await in_an_object(request))


async def in_an_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises HTTPException where it is none."""
    try:
        found = json.loads(await body(request))
    except (ValueError, RecursionError) as bad:
        raise HTTPException(400, "the body is not JSON") from bad
    if not isinstance(found, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return found


async def body(request: Request) -> bytes:
    """The body, given up as soon as it is too long, whatever length it was announced with."""
    whole = bytearray()
    async for part in request.stream():
        whole += part
        if len(whole) > MOST_BYTES:
            raise HTTPException(413, f"a body has at most {MOST_BYTES} bytes")
    return bytes(whole)


def checked(found: dict[str, Any]) -> dict[str, Any]:
    channel, who = whose(found)
    for name in ("text", "tap", "kind", "language", "id"):
        if not is_text(found.get(name)):
            raise HTTPException(400, f"{name} is text that can be written down")
    if found.get("kind") not in (None, *KINDS):
        raise HTTPException(400, f"kind is one of: {', '.join(KINDS)}")
    if len(found.get("language") or "") > MOST_LETTERS:
        raise HTTPException(400, "language is a code such as it")
    if found.get("id") is not None and not OWN_NUMBER.fullmatch(found["id"]):
        raise HTTPException(400, "id has 8 to 64 letters, digits and hyphens")
    return {**found, "channel": channel, "from": who}


def whose(found: Mapping[str, Any]) -> tuple[str, str]:
    """Which phone this is: the channel, and who holds it."""
    channel, who = found.get("channel"), found.get("from")
    if not isinstance(channel, str) or channel not in LIMITS:
        raise HTTPException(400, f"channel is one of: {', '.join(LIMITS)}")
    if isinstance(who, bool) or not isinstance(who, str | int) or not is_text(str(who)):
        raise HTTPException(400, "from is an id: text or a number")
    if not str(who).strip() or len(str(who)) > MOST_LETTERS:
        raise HTTPException(400, f"from has 1 to {MOST_LETTERS} letters")
    return channel, str(who)


def holders(found: Mapping[str, Any]) -> dict[str, str]:
    """Who holds the phones of the page: one phone as ``channel`` and ``from``, or one or both by their channel."""
    if "channel" in found:
        return dict([whose(found)])
    named = dict(whose({"channel": channel, "from": found[channel]}) for channel in LIMITS if channel in found)
    if not named:
        raise HTTPException(400, f"say who holds which phone: {', '.join(LIMITS)}")
    return named


def language_of(found: Mapping[str, Any]) -> str:
    """The language of the page; the catalogues know what to do with one they have not got."""
    return str(found.get("lang") or "")[:MOST_LETTERS]


def is_text(found: object) -> bool:
    return found is None or (isinstance(found, str) and not UNHEARD_OF.search(found))


def message_number(words: str) -> int:
    if not MESSAGE_NUMBER.fullmatch(words):
        raise HTTPException(400, "after is the number of a message")
    return int(words)


def incoming(found: Mapping[str, Any], clock: Clock) -> Incoming:
    """What a phone sent, as a channel would have read it."""
    # A phone that heard no answer sends the same again under the same number, and is then answered, not heard twice.
    # On a channel's own network no number begins like this.
    number = f"sim:{found['from']}:{found.get('id') or secrets.token_hex(12)}"
    text, tap = found.get("text") or "", found.get("tap")
    start = text.strip().partition("/start ")[2].strip() if text.startswith("/start ") else ""
    return Incoming(
        sender=Address(found["channel"], address(found["from"]), simulated=True),
        update_id=number,
        message_id=number,
        at=clock.now(),
        kind="tap" if tap else found.get("kind") or "text",
        text="" if tap else "/start" if start else text,
        tap=Tap.read(tap) if tap else None,
        language=found.get("language"),
        start=start or None,
    )


def address(who: str) -> str:
    """A simulated address cannot be mistaken for one on a network. Invented people have theirs from their file."""
    return who if INVENTED.fullmatch(who) else f"sim:{who}"
