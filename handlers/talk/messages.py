# SPDX-License-Identifier: EUPL-1.2
"""What comes in and what goes out, whatever the channel; this file imports nothing of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Address:
    """A chat on a channel. A simulated one lives on our own page and never reaches a network."""

    channel: str
    id: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Tap:
    """A touch on a choice: which of our messages showed it, and which line it was, counted from 0."""

    message: int
    index: int

    def token(self) -> str:
        """The tap as it travels through a channel: at most 30 characters of digits and a dot."""
        return f"{self.message}.{self.index}"

    @classmethod
    def read(cls, token: str) -> "Tap | None":
        """The tap a token stands for; None for anything we never wrote."""
        message, dot, index = token.partition(".")
        sound = dot and message.isascii() and message.isdigit() and index.isascii() and index.isdigit()
        # No row of ours has a number this long, and the database would refuse to look for it.
        return cls(int(message), int(index)) if sound and len(message) <= 18 and len(index) <= 3 else None


@dataclass(frozen=True, slots=True)
class Incoming:
    """
    Something a person did in a chat.

    ``kind`` is text, tap, photo, voice, video, sticker, document, location, contact, edited, other;
    or blocked and unblocked, which the channel tells us and nobody wrote. ``at`` is aware, in UTC.
    """

    sender: Address
    update_id: str  # the provider's number of the delivery
    at: datetime
    message_id: str | None = None  # the provider's number of the message, unique on the channel
    kind: str = "text"
    text: str = ""
    tap: Tap | None = None
    language: str | None = None  # what the app says of its owner: a first guess, no more
    start: str | None = None  # what a link carried, such as src_biblioteca
    payload: Mapping[str, Any] = field(default_factory=dict)  # a file; for a tap, our message as the channel calls it
    masked: bool = False  # what it said of somebody's health has been taken out
    alias: str | None = None  # what the channel calls the same chat as well
    late: bool = False  # it was fetched after the channel could not reach us: others may have been heard since


@dataclass(frozen=True, slots=True)
class Option:
    """One choice as a person sees it: its line in the text, and the short words on its button."""

    id: str
    label: str
    short: str

    def stored(self) -> dict[str, str]:
        """The choice as its message's row keeps it."""
        return {"id": self.id, "label": self.label, "short": self.short}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to go to, as a pin on a map; degrees, as on any map."""

    title: str
    address: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Attached:
    """
    A file that goes with a message. ``provider_id``: the channel has it already, and knows it by this name.

    ``is_picture``: it is to be looked at in the chat, with the text as its caption; any other file arrives as it is.
    """

    name: str
    kind: str  # a MIME type
    content: bytes
    provider_id: str | None = None
    is_picture: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a message that the channel keeps under a number of its own, and what stands for {{1}}, {{2}} in it."""

    sid: str
    variables: Mapping[str, str]
    is_template: bool = False  # approved: it may go out at any time


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    One message of ours, already in words and already within its channel's limits.

    ``kind`` is reply, moment, notice; or retired, which sends nothing: it takes the buttons off the message that the
    channel knows as ``edits``. ``asks_phone``: the channel may offer a button that shares the person's own number.
    """

    id: int
    to: Address
    text: str
    options: tuple[Option, ...] = ()
    kind: str = "reply"
    spot: Spot | None = None
    file: Attached | None = None
    edits: str | None = None
    asks_phone: bool = False
    bulk: bool = False  # one of many alike, which may be sent at a bulk rate
    form: Form | None = None  # with it the channel shows buttons or a list, or may write at all
    not_after: datetime | None = None  # from then on it makes no sense to deliver it
    plain: bool = False  # the channel refused a richer form: the choices stand in the text, a file is a link

    def token(self, index: int) -> str:
        """What a tap on this message's choice number ``index`` (from 0) brings back."""
        return Tap(self.id, index).token()
