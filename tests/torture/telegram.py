# SPDX-License-Identifier: EUPL-1.2
"""A Telegram that has bad days, and writes down everything that reached it."""

import asyncio
import itertools
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tests.torture.outdoors import FOREVER, Outdoors, Params


@dataclass(frozen=True)
class Sent:
    """A message that reached a phone. ``began``: when the request was here, in seconds of the monotonic clock."""

    began: float
    chat: int | str
    text: str
    buttons: list[Params]
    number: int | str
    row: int = 0  # our own number, where the network knows it


@dataclass
class Telegram(Outdoors):
    """The server. ``blocked``: chats whose owner has shut them."""

    token: str = "1234567:a-token-that-opens-nothing"
    sent: list[Sent] = field(default_factory=list)
    refused: list[tuple[float, int]] = field(default_factory=list)  # to chats that are shut
    blocked: set[int | str] = field(default_factory=set)
    news: dict[int | str, asyncio.Event] = field(default_factory=dict)
    shown: dict[int | str, list[Sent]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    # ---- a request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = getattr(getattr(send, "__self__", None), "transport", None)
        request = Request(scope, receive)
        params = await parameters(request)
        method = "file" if request.url.path.startswith("/file/") else request.url.path.rpartition("/")[2].lower()
        self.open_now += 1
        try:
            await (await self._answer(method, params, line))(scope, receive, send)
        finally:
            self.open_now -= 1

    async def _answer(self, method: str, params: Params, line: Any) -> Any:
        began = time.monotonic()
        is_message = method.startswith("send") and method != "sendchataction"
        fault = self.what_goes_wrong()
        if not is_message and fault != "slow":
            fault = ""
        if fault:
            self.faults[fault] += 1
        if fault == "slow":
            await asyncio.sleep(self.random.uniform(0.2, 3))
        if fault == "flood":
            return refusal(429, "Too Many Requests: retry after 1", parameters={"retry_after": 1})
        answer: Response | None = None
        if not fault.endswith("lost"):
            answer = self._delivered(params, began) if is_message else known(method)
        if fault.startswith("error"):
            return refusal(self.random.choice((500, 502)), "Internal Server Error")
        if fault.startswith("silence"):
            await asyncio.sleep(FOREVER)
        if fault.startswith(("hang up", "silence")):
            return Cut(line, b"")
        if fault.startswith("half") and answer:
            return Cut(line, bytes(answer.body))
        return answer

    def _delivered(self, params: Params, began: float) -> JSONResponse:
        chat = int(params.get("chat_id", 0))
        if chat in self.blocked:
            self.refused.append((began, chat))
            return refusal(403, "Forbidden: bot was blocked by the user")
        rows = decoded(params.get("reply_markup", {})).get("inline_keyboard", [])
        text = str(params.get("text") or params.get("caption") or params.get("title") or "").strip()
        sent = Sent(began, chat, text, [button for row in rows for button in row], next(self._numbers))
        self.sent.append(sent)
        self.shown.setdefault(chat, []).append(sent)
        if chat in self.news:
            self.news[chat].set()
        body = {
            "message_id": sent.number,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private"},
            "text": text,
        }
        return JSONResponse({"ok": True, "result": body})


class Cut(Response):
    """The connection ends before the answer does."""

    def __init__(self, line: Any, body: bytes) -> None:
        super().__init__(body)
        self.line, self.half = line, body[: len(body) // 2]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.half:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self.half, "more_body": True})
        if self.line:
            self.line.close()
        await asyncio.sleep(0.02)
        with suppress(Exception):
            await send({"type": "http.response.body", "body": b""})


def known(method: str) -> Response:
    """What is neither a message nor worth a fault."""
    match method:
        case "file":
            return Response(b"OggS" + bytes(60))
        case "getfile":
            result: Any = {"file_id": "v", "file_unique_id": "v", "file_size": 64, "file_path": "voice/1.oga"}
        case "getme":
            result = {"id": 1234567, "is_bot": True, "first_name": "Sportello", "username": "sportello_stand_in_bot"}
        case _:
            result = True
    return JSONResponse({"ok": True, "result": result})


def refusal(status: int, description: str, **more: Any) -> JSONResponse:
    return JSONResponse({"ok": False, "error_code": status, "description": description, **more}, status)


async def parameters(request: Request) -> Params:
    """From a form or JSON, as the real one takes them. Read whole first: a request that is cut leaves no file open."""
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        return dict(json.loads(body))
    if kind.startswith("multipart/form-data"):
        async with request.form() as form:
            return dict(form)
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def decoded(value: Any) -> Params:
    return dict(json.loads(value)) if isinstance(value, str) else dict(value)
