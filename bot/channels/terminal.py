# SPDX-License-Identifier: EUPL-1.2
"""The chat in your terminal; what is said can be kept as a transcript."""

import asyncio
import secrets
from typing import Any

from bot.clock import Clock
from bot.contract import Deliverer, Hear
from handlers.talk import Address, Incoming
from storage import Storage
from storage.messages import Message


class Terminal:
    """One person, one keyboard. Write words or the number of a choice; an empty line or Ctrl+D ends it."""

    def __init__(
        self,
        hear: Hear,
        deliverer: Deliverer,
        storage: Storage,
        clock: Clock,
        *,
        name: str,
        channel: str,
        language: str,
    ) -> None:
        self.hear, self.deliverer, self.storage, self.clock = hear, deliverer, storage, clock
        self.name, self.channel, self.language = name, channel, language
        self.address = Address(channel, f"chat:{name}", simulated=True)
        self.lines: list[str] = []

    async def talk(self) -> None:
        print("You are talking to Sportello. Write «ciao». An empty line ends it.")
        while words := await asyncio.to_thread(self._ask):
            self.lines.append(f"{self.name}: {words}")
            for message in await self.say(words):
                self._show(message)

    async def say(self, words: str) -> list[Message]:
        """Say something, and return what comes back."""
        number = secrets.token_hex(12)
        message = Incoming(
            self.address, number, self.clock.now(), message_id=number, text=words, language=self.language
        )
        await self.hear([message])
        with self.storage.reading() as store:
            row = store.messages.by_update(self.channel, number)
        assert row is not None, "what was heard is in the log"
        await self.deliverer.drain(row.identity_id)
        with self.storage.reading() as store:
            return store.messages.shown_after(row.identity_id, row.id)

    def transcript(self) -> str:
        """The conversation as a play, in the form of tests/transcripts."""
        return "\n".join([f"# {self.name} talks to Sportello on {self.channel}.", "", *self.lines, ""])

    def _ask(self) -> str:
        try:
            return input("\n> ").strip()
        except EOFError:
            return ""

    def _show(self, message: Message) -> None:
        print("\n" + message.text)
        options: list[dict[str, Any]] = message.options or []
        if options:
            print("  " + " ".join(f"[{option['short']}]" for option in options))
        self.lines += said(message, self.name)


def said(message: Message, who: str) -> list[str]:
    """A message of ours as lines of a transcript."""
    first, *rest = message.text.split("\n")
    lines = [f"Sportello to {who}: {first}", *(f"    {line}" for line in rest if line)]
    if message.options:
        lines.append("    " + " ".join(f"[{option['short']}]" for option in message.options))
    return lines
