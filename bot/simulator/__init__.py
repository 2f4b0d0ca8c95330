# SPDX-License-Identifier: EUPL-1.2
"""Phones on a web page: in by the engine, out by the worker's claim; only the paper they are written on is ours."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.clock import Clock
from bot.contract import Hear
from bot.jobs.delivery import Deliverer
from handlers.talk import Address, Incoming, Outgoing, Tap
from handlers.talk.limits import LIMITS
from handlers.talk.messages import Option
from handlers.talk.rendering import shape
from storage import Storage
from storage.messages import Message

PAGE = Path(__file__).parent / "page.html"
LONGEST_WAIT = 15.0  # seconds until an answer that does not come is an error


class Paper:
    """The way out for simulated chats: the message is already in the log, and that is where the page reads it."""

    async def send(self, message: Outgoing) -> str:
        return f"paper:{message.id}"


def simulator_routes(hear: Hear, deliverer: Deliverer, storage: Storage, clock: Clock) -> list[Route]:
    phone = Phone(hear, deliverer, storage, clock)
    return [
        Route("/simulator", page),
        Route("/simulator/messages", phone.post, methods=["POST"]),
        Route("/simulator/messages", phone.get, methods=["GET"]),
    ]


async def page(request: Request) -> Response:
    return FileResponse(PAGE, headers={"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-store"})


class Phone:
    """What a simulated phone does: it writes, it touches, and it shows what arrives."""

    def __init__(self, hear: Hear, deliverer: Deliverer, storage: Storage, clock: Clock) -> None:
        self.hear, self.deliverer, self.storage, self.clock = hear, deliverer, storage, clock

    async def post(self, request: Request) -> Response:
        """Say something as somebody, and wait for what they would receive."""
        message = incoming(await body(request), self.clock)
        await self.hear([message])
        async with asyncio.timeout(LONGEST_WAIT):
            identity_id, row = await asyncio.to_thread(self._row, message)
            while await asyncio.to_thread(self._has_unsent, identity_id):
                if not await self.deliverer.run_once(identity_id=identity_id):
                    await asyncio.sleep(0.01)  # another worker has it in hand
        return JSONResponse({"messages": await asyncio.to_thread(self._shown, identity_id, row)})

    async def get(self, request: Request) -> Response:
        """What has arrived after a message, for a page that is only looking."""
        channel, who = request.query_params.get("channel", ""), request.query_params.get("from", "")
        after = request.query_params.get("after", "0")
        if not after.isdigit():
            raise HTTPException(400, "after is the number of a message")
        shown = await asyncio.to_thread(self._known, channel, who, int(after))
        return JSONResponse({"messages": shown})

    def _row(self, message: Incoming) -> tuple[int, int]:
        with self.storage.reading() as store:
            row = store.messages.by_update(message.sender.channel, message.update_id)
            assert row is not None, "what was heard is in the log"
            return row.identity_id, row.id

    def _has_unsent(self, identity_id: int) -> bool:
        with self.storage.reading() as store:
            return store.messages.has_unsent(identity_id, self.clock.now())

    def _shown(self, identity_id: int, after: int) -> list[dict[str, Any]]:
        with self.storage.reading() as store:
            return [in_json(message) for message in store.messages.shown_after(identity_id, after)]

    def _known(self, channel: str, who: str, after: int) -> list[dict[str, Any]]:
        with self.storage.reading() as store:
            found = store.people.at(channel, address(who))
        return self._shown(found[0].id, after) if found else []


async def body(request: Request) -> dict[str, Any]:
    try:
        found = await request.json()
    except ValueError as trouble:
        raise HTTPException(400, "the body is not JSON") from trouble
    if not isinstance(found, dict) or found.get("channel") not in LIMITS:
        raise HTTPException(400, f"channel is one of: {', '.join(LIMITS)}")
    if not isinstance(found.get("from"), str | int) or not 0 < len(str(found["from"])) <= 64:
        raise HTTPException(400, "from is an id of at most 64 letters")
    if not isinstance(found.get("text", ""), str) or not isinstance(found.get("tap"), str | None):
        raise HTTPException(400, "text and tap are text")
    return found


def incoming(found: dict[str, Any], clock: Clock) -> Incoming:
    """What a phone sent, as a channel would have read it."""
    number = secrets.token_hex(12)
    tap = found.get("tap")
    start = found.get("text", "").partition("/start ")[2].strip() or None
    return Incoming(
        sender=Address(found["channel"], address(str(found["from"])), simulated=True),
        update_id=number,
        message_id=number,
        at=clock.now(),
        kind="tap" if tap else found.get("kind") or "text",
        text="" if tap else "/start" if start else found.get("text", ""),
        tap=Tap.read(tap) if tap else None,
        language=found.get("language"),
        start=start,
    )


def address(who: str) -> str:
    """A simulated address cannot be mistaken for one on a network."""
    return f"sim:{who}"


def in_json(message: Message) -> dict[str, Any]:
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
