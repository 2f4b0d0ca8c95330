# SPDX-License-Identifier: EUPL-1.2
"""One simulated phone: it writes, it touches, and it shows what arrives."""

import asyncio
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.clock import Clock
from bot.contract import Deliverer, Hear
from bot.simulator.bubbles import Json, in_json, is_seen, met, touched, when
from bot.simulator.said import incoming, message_number, said, whose
from handlers.talk import Incoming
from storage import Storage
from storage.messages import Message
from storage.people import Person


class Phone:
    """Every answer is read from the log, so the page and the people of the desk see the same conversation."""

    def __init__(self, hear: Hear, deliverer: Deliverer, storage: Storage, clock: Clock) -> None:
        self.hear, self.deliverer, self.storage, self.clock = hear, deliverer, storage, clock

    async def messages(self, request: Request) -> Response:
        """Say something and wait for what comes back; or, without saying anything, see what has arrived."""
        return await (self._say(request) if request.method == "POST" else self._look(request))

    async def conversation(self, request: Request) -> Response:
        """All that was said, by both sides, in words."""
        return JSONResponse(await asyncio.to_thread(self._all, *whose(request.query_params)))

    async def _say(self, request: Request) -> Response:
        message = incoming(await said(request), self.clock)
        await self.hear([message])
        row = await asyncio.to_thread(self._row, message)
        while await asyncio.to_thread(self._has_unsent, row.identity_id):
            if not await self.deliverer.run_once(identity_id=row.identity_id):
                await asyncio.sleep(0.01)  # another worker has it in hand
        return JSONResponse(await asyncio.to_thread(self._after, row))

    async def _look(self, request: Request) -> Response:
        channel, who = whose(request.query_params)
        after = message_number(request.query_params.get("after") or "0")
        return JSONResponse(await asyncio.to_thread(self._arrived, channel, who, after))

    def _row(self, message: Incoming) -> Message:
        with self.storage.reading() as store:
            row = store.messages.by_update(message.sender.channel, message.update_id)
            assert row is not None, "what was heard is in the log"
            return row

    def _has_unsent(self, identity_id: int) -> bool:
        with self.storage.reading() as store:
            return store.messages.has_unsent(identity_id, self.clock.now())

    def _after(self, row: Message) -> Json:
        """What was shown after something that was said."""
        with self.storage.reading() as store:
            shown = store.messages.shown_after(row.identity_id, row.id)
            return answer(map(in_json, shown), store.people.get(row.person_id))

    def _arrived(self, channel: str, who: str, after: int) -> Json:
        """What was shown after a message."""
        with self.storage.reading() as store:
            identity, person = met(store, channel, who)
            shown = store.messages.shown_after(identity.id, 0) if identity else []
        numbers = [message.id for message in shown]
        if after in numbers:  # a reminder is numbered when it is planned: what came later may have a lower number
            return answer(map(in_json, shown[numbers.index(after) + 1 :]), person)
        return answer((in_json(message) for message in shown if message.id > after), person)

    def _all(self, channel: str, who: str) -> Json:
        with self.storage.reading() as store:
            identity, person = met(store, channel, who)
            found = store.messages.of(person.id) if person else []
        seen = [one for one in found if identity and one.identity_id == identity.id and is_seen(one)]
        return answer((line(one, seen) for one in sorted(seen, key=when)), person)


def answer(messages: Iterable[Json], person: Person | None) -> Json:
    """Messages, and the language they are in now."""
    return {"messages": list(messages), "language": person.language if person else None}


def line(message: Message, found: list[Message]) -> Json:
    """A message of either side, in words."""
    if message.direction == "out":
        return {"by": "desk", **in_json(message)}
    text = touched(message, found) if message.kind == "tap" else message.text
    return {"by": "person", "id": message.id, "kind": message.kind, "text": text}
