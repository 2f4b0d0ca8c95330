# SPDX-License-Identifier: EUPL-1.2
"""A desk with an outbox, and phones that write down what arrives."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

import storage
from bot.clock import Clock
from bot.jobs.bucket import Buckets
from bot.jobs.delivery import Deliverer
from handlers.desk.delivery import Delivery
from handlers.talk import Outgoing
from handlers.talk.catalogues import Catalogues
from storage.messages import Claimed, Room
from storage.tables import messages
from tests.database import MONDAY

CATALOGUES = Catalogues()
REPLY, REMINDER, BULK = 0, 1, 2
A_SECOND = timedelta(seconds=1)


@dataclass
class Phones:
    """Where messages arrive. Some come through only after so many troubles; before each, something may happen."""

    arrived: list[Outgoing] = field(default_factory=list)
    troubles: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    before: Callable[[Outgoing], Awaitable[None]] | None = None

    async def send(self, message: Outgoing) -> str:
        if self.before:
            await self.before(message)
        if self.troubles[message.text]:
            raise self.troubles[message.text].pop()
        self.arrived.append(message)
        return f"number {len(self.arrived)}"

    def refuses(self, text: str, trouble: Exception, times: int = 1) -> None:
        """The next times, this message does not come through."""
        self.troubles[text] = [trouble] * times

    def texts(self) -> list[str]:
        return [message.text for message in self.arrived]


class Office:
    """An outbox on a database, and a moment that stands still until it is moved."""

    def __init__(self, url: str, now: datetime = MONDAY) -> None:
        self.found, self.now = storage.open(url), now
        self.clock = Clock(real=lambda: self.now)
        self.delivery = Delivery(self.found, self.clock, CATALOGUES)
        self.telegram: Any = Phones()
        self.whatsapp = Phones()
        self.worker = self.another_worker()

    def another_worker(self, buckets: Buckets | None = None) -> Deliverer:
        transports = {"telegram": self.telegram, "whatsapp": self.whatsapp}
        return Deliverer(self.delivery, transports, self.telegram, buckets or Buckets({}))

    def close(self) -> None:
        self.found.close()

    def meets(self, who: str, channel: str = "telegram") -> int:
        """A chat; on WhatsApp, of somebody who has just written, so that we may."""
        known = {"simulated": False, "language": "it", "release": "1", "now": self.now}
        with self.found.writing() as store:
            chat = store.people.meet(channel, who, **known)[0].id  # type: ignore[arg-type]
        if channel == "whatsapp":
            self.hears(chat)
        return chat

    def hears(self, chat: int) -> None:
        """Somebody writes in a chat."""
        with self.found.writing() as store:
            identity = store.people.identity(chat)
            whose = {"person_id": identity.person_id, "identity_id": chat, "channel": identity.channel}
            nothing = dict.fromkeys(("update_key", "message_key", "payload", "dialogue_version"))
            said = {"kind": "text", "text": "ciao", "state": "handled", "at": self.now}
            store.messages.take_in(**whose, **nothing, **said)
            store.messages.window_opened(chat, self.now)

    def puts(self, chat: int, text: str, priority: int = REPLY, **more: Any) -> int:
        """A message for a chat; of whatever class, an answer: the checks of a push have tests of their own."""
        with self.found.writing() as store:
            identity = store.people.identity(chat)
            values = {"kind": "reply", "at": self.now, "due_at": self.now, "priority": priority, **more}
            whose = {"person_id": identity.person_id, "identity_id": chat, "channel": identity.channel}
            id = store.messages.put_out(text=text, **whose, **values)
        assert id is not None
        return id

    def row(self, id: int) -> Any:
        with self.found.reading() as store:
            return store.read(select(messages).where(messages.c.id == id))[0]

    def moments(self) -> list[Any]:
        """Every push there is, oldest first."""
        with self.found.reading() as store:
            return list(store.read(select(messages).where(messages.c.kind == "moment").order_by(messages.c.id)))

    def fate(self, id: int) -> tuple[str, str | None]:
        """What has become of a message, and why."""
        return self.row(id).state, self.row(id).reason

    def claims(self, limit: int = 30) -> list[str]:
        return [claimed.text for claimed in self.delivery.claim(Room(limit, limit))]

    def takes(self, text: str) -> Claimed:
        """Claim what is due; of that, this."""
        return next(claimed for claimed in self.delivery.claim() if claimed.text == text)

    def sends(self) -> None:
        asyncio.run(self.worker.drain())

    def later(self, by: timedelta) -> None:
        self.now += by
