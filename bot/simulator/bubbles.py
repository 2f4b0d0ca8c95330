# SPDX-License-Identifier: EUPL-1.2
"""Messages as a phone shows them: choices in the form of their app, ticks, what a bubble carries."""

import mimetypes
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bot.simulator.said import address
from handlers.desk.contents import template_of
from handlers.moments import rome_day
from handlers.talk import Reader, Tap, Time
from handlers.talk.catalogues import Catalogues
from handlers.talk.limits import LIMITS
from handlers.talk.messages import Option
from handlers.talk.rendering import shape, width
from handlers.talk.text import day_in_words
from storage import Store
from storage.messages import SHOWN, Message
from storage.people import Identity, Person

Json = dict[str, Any]

UNSEEN = ("blocked", "unblocked", "retired")  # the channel tells us, or we tell it; nobody wrote it
PICTURES = ("image/png", "image/jpeg")


class Bubbles:
    """The bubbles of one phone. Times are in the words of whoever looks at the page."""

    def __init__(
        self,
        store: Store,
        identity: Identity,
        reader: Reader,
        found: Sequence[Message],
        catalogues: Catalogues,
        language: str,
    ) -> None:
        self.store, self.identity, self.reader = store, identity, reader
        self.catalogues, self.language = catalogues, language  # the person's, not the page's
        self.seen = sorted((one for one in found if is_seen(one)), key=when)
        # Telegram takes the buttons off a message; WhatsApp has no such thing.
        self.retired = {(one.payload or {}).get("edits") for one in found if one.kind == "retired" and is_sent(one)}
        self.heard = [one for one in self.seen if one.direction == "in"]

    def all(self) -> list[Json]:
        return [self.bubble(one) for one in self.seen]

    def bubble(self, message: Message) -> Json:
        at = happened(message)
        times = {
            "at": at.isoformat(),
            "time": Time(at).render(self.reader),
            "day": day_in_words(rome_day(at), self.reader),
        }
        return (self._theirs(message) if message.direction == "out" else self._ours(message)) | times

    def _theirs(self, message: Message) -> Json:
        payload, options = message.payload or {}, [Option(**option) for option in message.options or ()]
        is_retired = message.id in self.retired
        template = self._template(message)
        # On a real network an approved template would have gone out in its place.
        said = template and template_of(self.store, message, self.catalogues, self.language, simulated=True)
        return {
            **in_json(message),
            **({"text": said.text} if said else {}),
            "by": "desk",
            "kind": message.kind,
            "shape": "none" if is_retired else shape(options, LIMITS[message.channel]),
            "rows": [row_of(option, LIMITS[message.channel].row_label) for option in options],
            "retired": is_retired,
            "template": template,
            "spot": payload.get("spot"),
            "file": self._file(message) if "file" in payload else None,
        }

    def _ours(self, message: Message) -> Json:
        text = touched(message, self.seen) if message.kind == "tap" else message.text
        number = (message.message_key or "").rpartition(":")[2]
        is_read = message.state not in ("failed", "waiting")
        known = {"by": "person", "id": message.id, "kind": message.kind, "text": text}
        return known | {"number": number, "tick": "read" if is_read else "sent"}

    def _template(self, message: Message) -> str | None:
        """What an unasked message has to go out as on WhatsApp, once the person has not written for a day."""
        is_asked = message.kind == "reply" or message.priority == 0
        if message.channel != "whatsapp" or is_asked or self.window_at(happened(message)):
            return None
        return str((message.payload or {}).get("moment") or message.kind)

    def window_at(self, at: datetime) -> datetime | None:
        """Until when we may write freely, seen from a moment; None where the window is shut."""
        last = max((one.at for one in self.heard if one.at <= at), default=None)
        window = LIMITS[self.identity.channel].window
        return last + window if last and window and at < last + window else None

    def _file(self, message: Message) -> Json:
        name = (message.payload or {}).get("name") or "file"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        who = urlencode({"channel": message.channel, "from": holder(self.identity.address)})
        return {"name": name, "is_picture": kind in PICTURES, "url": f"/simulator/files/{message.id}?{who}"}


def met(store: Store, channel: str, who: str) -> tuple[Identity, Person] | tuple[None, None]:
    """The simulated phone of that name, if it has written before."""
    found = store.people.at(channel, address(who))
    return found if found and found[0].simulated else (None, None)


def holder(address: str) -> str:
    """Who holds the phone of this address: what the page calls ``from``."""
    return address.removeprefix("sim:")


def is_seen(message: Message) -> bool:
    return message.kind not in UNSEEN and (message.direction == "in" or message.state in SHOWN)


def is_sent(message: Message) -> bool:
    return message.state in SHOWN


def happened(message: Message) -> datetime:
    return message.sent_at or message.at


def when(message: Message) -> tuple[datetime, int]:
    """In the order in which a phone shows them: what waited in the outbox stands where it left it."""
    return happened(message), message.id


def touched(message: Message, found: Sequence[Message]) -> str:
    """The words on the button that was touched; none if there is no such button."""
    tap = Tap.read((message.payload or {}).get("tap", ""))
    shown = next((one for one in found if tap and one.id == tap.message), None)
    options = (shown.options or []) if shown else []
    return options[tap.index]["short"] if tap and tap.index < len(options) else ""


def in_json(message: Message) -> Json:
    """A message as the contract has it: the words, and what can be touched."""
    options = [Option(**option) for option in message.options or ()]
    can_touch = shape(options, LIMITS[message.channel]) != "numbers"
    return {
        "id": message.id,
        "text": message.text,
        "options": [
            {"id": Tap(message.id, index).token(), "label": option.short}
            for index, option in enumerate(options if can_touch else [])
        ],
    }


def row_of(option: Option, most: int) -> Json:
    """A line of a list: a title that fits, and the whole words under it where they say more."""
    title = option.label if width(option.label) <= most else option.short
    return {"title": title, "note": option.label if option.label != title else ""}
