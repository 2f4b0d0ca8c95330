# SPDX-License-Identifier: EUPL-1.2
"""One simulated phone: it writes, it touches, and it shows what arrives."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.clock import Clock
from bot.contract import Deliverer, Hear
from bot.simulator.said import address, incoming, message_number, said, whose
from handlers.talk import Incoming, Tap
from handlers.talk.limits import LIMITS
from handlers.talk.messages import Option
from handlers.talk.rendering import shape
from storage import Storage, Store
from storage.messages import SHOWN, Message
from storage.people import Identity, Person

Json = dict[str, Any]

UNSEEN = ("blocked", "unblocked")  # the channel tells us; nobody wrote it


class Phone:
    """Every answer is read from the log, so the page and the people of the desk see the same conversation."""

    def __init__(self, hear: Hear, deliverer: Deliverer, storage: Storage, clock: Clock) -> None:
        self.hear, self.deliverer, self.storage, self.clock = hear, deliverer, storage, clock

    async def messages(self, request: Request) -> Response:
        """Say something and wait for what comes back; or, without saying anything, see what has arrived."""
        return await (self._say(request) if request.method == "POST" else self._look(request))

    async def conversation(self, request: Request) -> Response:
        """All that was said, by both sides: what a page shows when it is opened again."""
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


def met(store: Store, channel: str, who: str) -> tuple[Identity, Person] | tuple[None, None]:
    """The simulated phone of that name, if it has written before."""
    found = store.people.at(channel, address(who))
    return found if found and found[0].simulated else (None, None)


def answer(messages: Iterable[Json], person: Person | None) -> Json:
    """Messages, and the language they are in now."""
    return {"messages": list(messages), "language": person.language if person else None}


def is_seen(message: Message) -> bool:
    return message.state in SHOWN if message.direction == "out" else message.kind not in UNSEEN


def when(message: Message) -> tuple[datetime, int]:
    """When it was said: what waits in the outbox is said when it is due."""
    return max(message.at, message.due_at or message.at), message.id


def line(message: Message, found: Sequence[Message]) -> Json:
    """A message of either side, as the page shows it."""
    if message.direction == "out":
        return {"by": "desk", **in_json(message)}
    text = touched(message, found) if message.kind == "tap" else message.text
    return {"by": "person", "id": message.id, "kind": message.kind, "text": text}


def touched(message: Message, found: Sequence[Message]) -> str:
    """The words on the button that was touched; none if there is no such button."""
    tap = Tap.read((message.payload or {}).get("tap", ""))
    shown = next((one for one in found if tap and one.id == tap.message), None)
    options = (shown.options or []) if shown else []
    return options[tap.index]["short"] if tap and tap.index < len(options) else ""


def in_json(message: Message) -> Json:
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
