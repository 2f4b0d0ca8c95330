# SPDX-License-Identifier: EUPL-1.2
"""What every channel promises, and how it says that a message did not arrive."""

from collections.abc import Awaitable, Callable, Container, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from starlette.routing import Route

from handlers.talk.forms import Described
from handlers.talk.messages import Incoming, Outgoing
from handlers.talk.text import Text

Hear = Callable[[Sequence[Incoming]], Awaitable[None]]
"""Takes in what arrived and returns once it is committed; raises if it could not be kept."""


Move = Callable[[datetime], Coroutine[Any, Any, int]]
"""Moves the day on to a moment, past all that is due on the way; raises ValueError for a step back."""


@dataclass(eq=False)
class DeliveryError(Exception):
    """
    A message did not go out, and this is what to do about it.

    Exactly one of these holds: ``retry_in`` says when to try again (and whether that counts as an attempt),
    ``uncertain`` that it may have arrived, neither that it never will. ``blocked`` ends the chat until the person
    writes again; ``moved_to`` is the number the chat has from now on; ``halt`` stops the whole channel because of its
    settings. ``sentence`` is for operators.

    Where it never will in this form, what may help: ``window_shut`` as an approved template, ``plainer`` in the
    simplest form (Outgoing.plain), ``elsewhere`` on another channel of the same person. ``form_off``: nothing may be
    sent in this form until somebody has looked at it. Of a wait: ``up_to`` says that it grows with every try, as far
    as that; ``for_all`` that it holds for the whole channel. ``alarm``: whoever looks after the service must know.
    """

    code: str
    sentence: str
    retry_in: timedelta | None = None
    counts: bool = True
    uncertain: bool = False
    blocked: bool = False
    halt: bool = False
    moved_to: str | None = None
    window_shut: bool = False
    plainer: bool = False
    elsewhere: bool = False
    form_off: bool = False
    up_to: timedelta | None = None
    for_all: bool = False
    alarm: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


@dataclass(frozen=True)
class Report:
    """
    What a network says of a message of ours after it has taken it.

    ``status`` is its own word. ``message_id`` is our number, where the network brings it back; else ``provider_id``
    says which it is. ``trouble`` is what to do about one that did not arrive.
    """

    channel: str
    provider_id: str
    status: str
    message_id: int | None = None
    trouble: DeliveryError | None = None


Learn = Callable[[Report], Awaitable[None]]
"""Takes in a report and returns once it is committed; raises if it could not be kept."""


class Transport(Protocol):
    """
    The way out of a channel. One that can take the buttons off a message says ``can_edit = True``; one that stands in
    for several names those that can.
    """

    async def send(self, message: Outgoing) -> str:
        """The provider's number of the message. Raises DeliveryError, and nothing else."""


class Fetches(Protocol):
    """A channel that keeps the files people send, until somebody asks for them."""

    async def fetch(self, provider_id: str) -> bytes:
        """What is in a file. Raises DeliveryError, and nothing else; it is never uncertain."""


class Releases(Protocol):
    """A channel that keeps the files people send until we say that we have them."""

    async def release(self, provider_id: str) -> None:
        """We have it: the channel need keep it no longer. Raises DeliveryError, and nothing else."""


class Settles(Protocol):
    """A channel that can be asked whether it has taken a message of which nobody heard."""

    async def find(self, message: Outgoing, since: datetime, known: Container[str] = ()) -> str | None:
        """
        The provider's number of the message, if it is there; never one of those ``known`` for others. Raises
        DeliveryError, and nothing else.
        """


class Remembers(Protocol):
    """A channel that brings a message only once, but can be asked for those we did not hear."""

    @property
    def has_missed(self) -> bool:
        """Do we know of something that we did not hear, and that may be asked for by now?"""

    async def missed(self, since: datetime) -> Sequence[Incoming]:
        """What people have written since then, oldest first, heard or not. Raises DeliveryError, and nothing else."""


State = Literal["ok", "warning", "bad"]


@dataclass(frozen=True)
class Checked:
    """
    Something that was looked at: how it is, in a sentence, and what to do if it is not well.

    ``name`` is for programs, and does not change. Nothing secret and nothing about a person is in it.
    """

    name: str
    state: State
    what: Text
    advice: Text | None = None


class Examined(Protocol):
    """A channel that can say how it stands with its network."""

    async def checkup(self) -> Sequence[Checked]:
        """Ask the network: does it know us, does it call us where we listen? Raises nothing but what is cancelled."""


class Approval(Protocol):
    """
    What a network says of a form: unsubmitted, received, pending, approved, rejected, paused, disabled; and why.
    """

    @property
    def status(self) -> str: ...

    @property
    def reason(self) -> str: ...


class KeepsForms(Protocol):
    """A network that keeps forms for us. Every method may be called again, and raises DeliveryError, nothing else."""

    async def listed(self) -> Mapping[str, str]:
        """The numbers of the forms that it keeps, by name."""

    async def make(self, form: Described) -> str:
        """The number of a new form."""

    async def submit(self, sid: str, name: str, category: str) -> Approval:
        """Ask for approval."""

    async def approval(self, sid: str) -> Approval:
        """What is said of it now."""


class Channel(Transport, Protocol):
    """A network on which people write to us."""

    name: str

    def address(self, start: str) -> str | None:
        """A link that opens a chat with us and brings ``start`` along; None while we do not know our own name."""

    async def open(self) -> None:
        """Get ready: check the token, tell the network where we listen."""

    async def listen(self, hear: Hear) -> None:
        """Fetch what arrives until cancelled; returns at once where the network calls us instead."""

    def routes(self, hear: Hear, learn: Learn) -> Sequence[Route]:
        """Where the network calls us; none where we fetch."""

    async def close(self) -> None:
        """Let go of connections."""


class Deliverer(Protocol):
    """Empties the outbox, or one chat's part of it."""

    async def run_once(self, limit: int = 30, identity_id: int | None = None) -> int:
        """Send what is due now. Returns how many messages were claimed."""

    async def drain(self, identity_id: int | None = None) -> None:
        """Send until nothing is due."""
