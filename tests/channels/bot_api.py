# SPDX-License-Identifier: EUPL-1.2
"""A Telegram of our own on this machine: it refuses what the real one refuses, and has phones to write with."""

import asyncio
import itertools
import json
import re
import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Params = dict[str, Any]

NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
OF_EVERY_MESSAGE = (
    "business_connection_id chat_id message_thread_id direct_messages_topic_id disable_notification protect_content "
    "allow_paid_broadcast message_effect_id suggested_post_parameters reply_parameters reply_markup "
)
PARAMETERS = {
    "getMe": "",
    "getUpdates": "offset limit timeout allowed_updates",
    "setWebhook": "url certificate ip_address max_connections allowed_updates drop_pending_updates secret_token",
    "deleteWebhook": "drop_pending_updates",
    "getWebhookInfo": "",
    "setMyCommands": "commands scope language_code",
    "getMyCommands": "scope language_code",
    "deleteMyCommands": "scope language_code",
    "sendMessage": OF_EVERY_MESSAGE + "text parse_mode entities link_preview_options",
    "sendVenue": OF_EVERY_MESSAGE + "latitude longitude title address foursquare_id foursquare_type google_place_id "
    "google_place_type",
    "sendDocument": OF_EVERY_MESSAGE + "document thumbnail caption parse_mode caption_entities "
    "show_caption_above_media disable_content_type_detection",
    "sendPhoto": OF_EVERY_MESSAGE + "photo caption parse_mode caption_entities show_caption_above_media has_spoiler",
    "editMessageReplyMarkup": "business_connection_id chat_id message_id inline_message_id reply_markup",
    "getFile": "file_id",
    "answerCallbackQuery": "callback_query_id text show_alert url cache_time",
}
MARKUP = {"inline_keyboard", "keyboard", "is_persistent", "resize_keyboard", "one_time_keyboard"}
MARKUP |= {"input_field_placeholder", "selective", "remove_keyboard", "force_reply"}
BUTTON = {"text", "callback_data", "url", "copy_text", "style", "request_contact", "request_location"}
DOWN, UP = 20 * 2**20, 50 * 2**20  # the largest file that a bot may fetch, and send
PHOTO, SIDES, RATIO = 10 * 2**20, 10_000, 20  # the largest photo, its width and height together, and how long it may be


class Refused(Exception):
    """An answer that is not ok."""

    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters

    def response(self) -> Response:
        body = {"ok": False, "error_code": self.status, "description": self.description}
        return JSONResponse(body | ({"parameters": self.parameters} if self.parameters else {}), self.status)


@dataclass(frozen=True)
class Fault:
    """
    What goes wrong with a call. ``delivered``: the call takes effect first, and then it goes wrong.

    With a delay alone nothing fails: the answer comes late, and so does the message unless it was delivered first.
    ``body`` is an answer of that many bytes and no more; ``missing`` are bytes that were promised and never come.
    """

    status: int = 0
    description: str = ""
    retry_after: int = 0
    body: bytes | None = None
    missing: int = 0
    hang_up: bool = False
    delay: float = 0.0
    delivered: bool = False

    def response(self) -> Response:
        if self.body is not None:
            length = str(len(self.body) + self.missing)
            return Response(self.body, self.status or 200, headers={"Content-Length": length})
        parameters = {"retry_after": self.retry_after} if self.retry_after else {}
        return Refused(self.status, self.description or f"Error {self.status}", **parameters).response()


@dataclass(frozen=True)
class Call:
    """A method that was called."""

    method: str
    params: Params
    at: float


@dataclass
class Update:
    """Something on its way to the bot; what shares a queue arrives one after the other."""

    body: Params
    queue: str
    again: bool = False

    @property
    def number(self) -> int:
        return int(self.body["update_id"])


@dataclass
class Query:
    """A tap, and whether the bot has stopped the clock on its button."""

    id: str
    user: int
    at: float
    answered: bool = False


@dataclass(frozen=True)
class Received:
    """A message of the bot's as a phone shows it."""

    message_id: int
    text: str
    rows: tuple[tuple[Params, ...], ...]
    raw: Params
    keyboard: tuple[tuple[Params, ...], ...] = ()  # in place of the phone's own
    paid: bool = False

    @property
    def buttons(self) -> list[Params]:
        return [button for row in self.rows for button in row]

    @property
    def labels(self) -> list[str]:
        return [button["text"] for button in self.buttons]


class BotApi:
    """
    The server; use it in a ``with``. Everything may be called from any thread. Phones work without it, too.

    ``chat_rate``: messages a second that a chat may get, None for as many as you like.
    """

    def __init__(
        self,
        token: str = "1234567:a-token-that-opens-nothing",
        *,
        chat_rate: int | None = None,
        retry_after: int = 1,
        webhook_wait: float = 0.05,
        tap_lifetime: float = 150.0,
    ) -> None:
        self.token = token
        self.chat_rate, self.retry_after = chat_rate, retry_after
        self.webhook_wait, self.tap_lifetime = webhook_wait, tap_lifetime
        self.url = ""
        self.webhook: Params = {}
        self.allowed: list[str] = []
        self.commands: dict[str, list[Params]] = {}
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.posts: list[tuple[int, int]] = []  # update, and the status that the webhook answered (0: none)
        self.offsets: list[int] = []
        self.phones: dict[int, Phone] = {}
        self.queries: dict[str, Query] = {}
        self.files: dict[str, bytes] = {}
        self.moved: dict[int, int] = {}  # groups that have a new number
        self.next_update = 100_000_001
        self._message_ids = itertools.count(1)
        self._query_ids = itertools.count(4_611_686_018_427_387_904)
        self._pending: list[Update] = []
        self._faults: list[tuple[str, Fault]] = []
        self._sent_at: defaultdict[int, deque[float]] = defaultdict(deque)
        self._poller = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._busy: set[str] = set()
        self._deliveries: set[asyncio.Task[None]] = set()
        self.changed = threading.Condition(threading.RLock())

    # ---- starting and stopping

    def __enter__(self) -> "BotApi":
        started = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(started),), daemon=True)
        self._thread.start()
        assert started.wait(10), "the server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._in_the_loop(self._stop.set)
        self._thread.join(10)

    async def _run(self, started: threading.Event) -> None:
        self._stop, self._news = asyncio.Event(), asyncio.Event()
        routes = [
            Route("/bot{token}/{method}", self._serve, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._download),
        ]
        self._app = Starlette(routes=routes, exception_handlers={404: _not_found})
        async with httpx.AsyncClient(timeout=60, trust_env=False) as self._client, _served(self) as self.url:
            self._loop = asyncio.get_running_loop()
            started.set()
            await self._stop.wait()
            for delivery in list(self._deliveries):
                delivery.cancel()

    def _in_the_loop(self, do: Callable[[], None]) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(do)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette has no word for hanging up; the server's own line is still in reach here.
        scope["line"] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)

    # ---- what a test can do

    def phone(self, user_id: int, first_name: str = "Amina", language_code: str | None = "it") -> "Phone":
        """Somebody's phone. The bot may write to it only after it has written to the bot."""
        self.phones[user_id] = Phone(self, user_id, first_name, language_code)
        return self.phones[user_id]

    def fails(self, fault: Fault, *, times: int = 1, method: str = "sendMessage") -> None:
        """The next calls of this method go wrong."""
        with self.changed:
            self._faults += [(method, fault)] * times

    def happens(self, kind: str, body: Params, queue: str = "other") -> Params:
        """Something happens on Telegram; the bot hears of it if it asked for this kind."""
        with self.changed:
            update = Update({"update_id": self.next_update, kind: body}, queue)
            self.next_update += 1
            if kind in self.allowed or (not self.allowed and kind not in NOT_BY_DEFAULT):
                self._pending.append(update)
        self._stir()
        return update.body

    def repeats(self, body: Params, queue: str, times: int = 1) -> None:
        """The same update, delivered again."""
        with self.changed:
            self._pending += [Update(body, queue, again=True) for _ in range(times)]
        self._stir()

    def waits_for(self, what: Callable[[], Any], timeout: float = 5.0) -> None:
        """Wait until something is so; AssertionError if it never is."""
        with self.changed:
            assert self.changed.wait_for(what, timeout), f"not within {timeout} s"

    def called(self, method: str) -> list[Params]:
        """What this method was called with, in order."""
        with self.changed:
            return [call.params for call in self.calls if call.method == method]

    @property
    def waiting(self) -> list[int]:
        """Numbers of the updates that the bot has not confirmed."""
        with self.changed:
            return [update.number for update in self._pending]

    def next_message(self) -> int:
        return next(self._message_ids)

    def query(self, user: int) -> Query:
        query = Query(str(next(self._query_ids)), user, time.monotonic())
        self.queries[query.id] = query
        return query

    # ---- the calls

    async def _serve(self, request: Request) -> Response:
        token, asked = request.path_params["token"], request.path_params["method"]
        method = {name.lower(): name for name in PARAMETERS}.get(asked.lower(), "")
        try:
            self._knows(token, method)
            params = await _parameters(request)
            self._record(method, params)
            return await self._answer(method, params, request)
        except Refused as refusal:
            return refusal.response()

    def _knows(self, token: str, method: str) -> None:
        if not re.fullmatch(r"\d+:.+", token):
            raise Refused(404, "Not Found")
        if token != self.token:
            raise Refused(401, "Unauthorized")
        if not method:
            raise Refused(404, "Not Found: method not found")

    def _record(self, method: str, params: Params) -> None:
        with self.changed:
            self.calls.append(Call(method, params, time.monotonic()))
            self.changed.notify_all()
            for name in params.keys() - set(PARAMETERS[method].split()):
                self._violation(f"{method}: unknown parameter {name}")

    def _violation(self, what: str) -> None:
        self.violations.append(what)
        raise Refused(400, f"Bad Request: {what}")

    async def _answer(self, method: str, params: Params, request: Request) -> Response:
        fault = self._fault(method)
        if fault is None:
            return await self._done(method, params)
        early = await self._done(method, params) if fault.delivered else None
        await asyncio.sleep(fault.delay)
        if fault.hang_up:
            return await _hang_up(request)
        if fault.status or fault.body is not None:
            return fault.response()
        return early or await self._done(method, params)

    def _fault(self, method: str) -> Fault | None:
        with self.changed:
            at = next((at for at, (name, _) in enumerate(self._faults) if name == method), None)
            return None if at is None else self._faults.pop(at)[1]

    async def _done(self, method: str, params: Params) -> Response:
        handlers: dict[str, Callable[[Params], Any]] = {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
            "setMyCommands": self._set_my_commands,
            "getMyCommands": self._get_my_commands,
            "deleteMyCommands": self._delete_my_commands,
            "sendMessage": self._send_message,
            "sendVenue": self._send_venue,
            "sendDocument": self._send_document,
            "sendPhoto": self._send_photo,
            "editMessageReplyMarkup": self._edit_message_reply_markup,
            "getFile": self._get_file,
            "answerCallbackQuery": self._answer_callback_query,
        }
        with self.changed:
            result = handlers[method](params)
            self.changed.notify_all()
        if isinstance(result, Awaitable):
            result = await result
        return JSONResponse({"ok": True, "result": result})

    def _get_me(self, _: Params) -> Params:
        return {
            "id": int(self.token.split(":")[0]),
            "is_bot": True,
            "first_name": "Sportello",
            "username": "sportello_stand_in_bot",
            "can_join_groups": False,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    # ---- updates, fetched

    async def _get_updates(self, params: Params) -> list[Params]:
        self._not_with_a_webhook()
        offset, limit = int(params.get("offset", 0)), min(max(int(params.get("limit", 100)), 1), 100)
        until = time.monotonic() + min(max(float(params.get("timeout", 0)), 0), 50)
        self._remember_kinds(params)
        self.offsets.append(offset)
        self._poller += 1
        turn = self._poller
        self._stir()
        while not (updates := self._taken(offset, limit)) and time.monotonic() < until:
            await self._news_before(until)
            self._not_twice(turn)
        return updates

    def _not_with_a_webhook(self) -> None:
        if self.webhook:
            reason = (
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
            raise Refused(409, f"Conflict: {reason}")

    def _not_twice(self, turn: int) -> None:
        if self.webhook:
            raise Refused(409, "Conflict: terminated by setWebhook request")
        if turn != self._poller:
            reason = "terminated by other getUpdates request; make sure that only one bot instance is running"
            raise Refused(409, f"Conflict: {reason}")

    def _taken(self, offset: int, limit: int) -> list[Params]:
        """The next updates; what lies before the offset is forgotten, and a repetition once it was shown."""
        with self.changed:
            # As the real server: an offset far beyond the newest update is no offset at all.
            if offset < 0:
                self._pending = self._pending[offset:]
            elif offset <= self.next_update + 10:
                self._pending = [update for update in self._pending if update.again or update.number >= offset]
            shown, rest = self._pending[:limit], self._pending[limit:]
            self._pending = [update for update in shown if not update.again] + rest
            return [update.body for update in shown]

    async def _news_before(self, until: float) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), max(until - time.monotonic(), 0))
        except TimeoutError:
            return

    def _remember_kinds(self, params: Params) -> None:
        if "allowed_updates" in params:
            self.allowed = _decoded(params["allowed_updates"])

    def _stir(self) -> None:
        """Something is new: for whoever is fetching, and for the webhook."""
        self._in_the_loop(self._stirred)

    def _stirred(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
        with self.changed:
            for queue in {update.queue for update in self._pending} - self._busy if self.webhook else ():
                self._busy.add(queue)
                delivery = asyncio.create_task(self._deliver(queue))
                self._deliveries.add(delivery)
                delivery.add_done_callback(self._deliveries.discard)

    # ---- updates, brought

    async def _deliver(self, queue: str) -> None:
        """One queue in order; the head is tried until it is taken."""
        try:
            while self.webhook and (update := self._head(queue)):
                if await self._post(update):
                    self._forget(update)
                else:
                    await asyncio.sleep(self.webhook_wait)
        finally:
            self._busy.discard(queue)

    def _head(self, queue: str) -> Update | None:
        with self.changed:
            return next((update for update in self._pending if update.queue == queue), None)

    def _forget(self, update: Update) -> None:
        with self.changed:
            self._pending = [other for other in self._pending if other is not update]
            self.changed.notify_all()

    async def _post(self, update: Update) -> bool:
        secret = self.webhook.get("secret_token")
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        try:
            response = await self._client.post(self.webhook["url"], json=update.body, headers=headers)
            status = response.status_code
        except httpx.HTTPError:
            status = 0
        with self.changed:
            self.posts.append((update.number, status))
            self.changed.notify_all()
        return 200 <= status < 300

    def _set_webhook(self, params: Params) -> bool:
        url, secret = params.get("url", ""), params.get("secret_token", "")
        if not url:
            return self._delete_webhook(params)
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if len(secret) > 256:
            raise Refused(400, "Bad Request: secret token is too long")
        if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        self._remember_kinds(params)
        self._drop(params)
        self.webhook = params
        self._stir()
        return True

    def _delete_webhook(self, params: Params) -> bool:
        self._drop(params)
        self.webhook = {}
        return True

    def _drop(self, params: Params) -> None:
        if str(params.get("drop_pending_updates", "")).lower() == "true":
            self._pending.clear()

    def _get_webhook_info(self, _: Params) -> Params:
        return {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self._pending),
            "allowed_updates": self.allowed,
        }

    # ---- commands

    def _set_my_commands(self, params: Params) -> bool:
        commands = _decoded(params.get("commands", "[]"))
        if len(commands) > 100:
            raise Refused(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise Refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[self._language(params)] = commands
        return True

    def _get_my_commands(self, params: Params) -> list[Params]:
        return self.commands.get(self._language(params), [])

    def _delete_my_commands(self, params: Params) -> bool:
        self.commands.pop(self._language(params), None)
        return True

    def _language(self, params: Params) -> str:
        language = str(params.get("language_code", ""))
        if language and not re.fullmatch(r"[a-z]{2}", language):
            raise Refused(400, "Bad Request: invalid language code specified")
        return language

    # ---- messages

    def _send_message(self, params: Params) -> Params:
        phone = self._recipient(params.get("chat_id", ""))
        return self._shown(phone, params, {"text": _text(params.get("text", ""))})

    def _send_venue(self, params: Params) -> Params:
        phone = self._recipient(params.get("chat_id", ""))
        for name in ("latitude", "longitude", "title", "address"):
            if not str(params.get(name, "")).strip():
                raise Refused(400, f"Bad Request: {name} is empty")
        location = {name: float(params[name]) for name in ("latitude", "longitude")}
        if abs(location["latitude"]) > 90 or abs(location["longitude"]) > 180:
            raise Refused(400, "Bad Request: wrong latitude or longitude specified")
        venue = {"location": location, "title": params["title"], "address": params["address"]}
        return self._shown(phone, params, {"venue": venue, "location": location})

    def _send_document(self, params: Params) -> Params:
        phone, caption = self._recipient(params.get("chat_id", "")), _caption(params)
        return self._shown(phone, params, {"document": self._sent(params, "document")} | caption)

    def _send_photo(self, params: Params) -> Params:
        """What a phone shows is a photo of its own making, in several sizes and without a name."""
        phone, caption = self._recipient(params.get("chat_id", "")), _caption(params)
        sent = self._sent(params, "photo")
        width, height = _sides(self.files[sent["file_id"]])
        photo = {name: value for name, value in sent.items() if name.startswith("file_") and name != "file_name"}
        return self._shown(phone, params, {"photo": [photo | {"width": width, "height": height}]} | caption)

    def _sent(self, params: Params, what: str) -> Params:
        """A file that comes with the call, or one that is here by the name we gave it."""
        given: Any = params.get(what, "")
        if not given:
            raise Refused(400, f"Bad Request: there is no {what} in the request")
        if not isinstance(given, tuple):
            if given not in self.files:
                raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")
            return self.keeps(str(given), self.files[given])
        name, kind, content = given
        if not content:
            raise Refused(400, "Bad Request: file must be non-empty")
        if len(content) > UP:
            raise Refused(413, "Request Entity Too Large")
        return self.keeps(f"sent-{len(self.files)}", content) | {"file_name": name, "mime_type": kind}

    def keeps(self, file_id: str, content: bytes) -> Params:
        """A file as a message shows it; what is in it waits here."""
        self.files[file_id] = content
        return {"file_id": file_id, "file_unique_id": f"unique-{file_id}", "file_size": len(content)}

    def _shown(self, phone: "Phone", params: Params, content: Params) -> Params:
        """The message on its phone."""
        markup = self._markup(params)
        self._not_too_fast(phone.id)
        message: Params = {
            "message_id": self.next_message(),
            "from": {key: value for key, value in self._get_me({}).items() if not key.startswith(("can", "supp"))},
            "chat": phone.chat,
            "date": int(time.time()),
            **content,
        }
        rows, keyboard = markup.get("inline_keyboard", []), markup.get("keyboard", [])
        if rows:
            message["reply_markup"] = {"inline_keyboard": rows}
        received = Received(
            message["message_id"],
            content.get("text") or content.get("caption", ""),
            tuple(map(tuple, rows)),
            message,
            tuple(map(tuple, keyboard)),
            str(params.get("allow_paid_broadcast", "")).lower() == "true",
        )
        phone.messages.append(received)
        return message

    def _markup(self, params: Params) -> Params:
        markup: Params = _decoded(params.get("reply_markup", "{}"))
        for name in markup.keys() - MARKUP:
            self._violation(f"reply_markup: unknown field {name}")
        if len(markup.keys() & {"inline_keyboard", "keyboard", "remove_keyboard", "force_reply"}) > 1:
            self._violation("reply_markup: one keyboard or the other")
        rows = markup.get("inline_keyboard", []) + markup.get("keyboard", [])
        for name in {name for row in rows for button in row for name in button} - BUTTON:
            self._violation(f"button: unknown field {name}")
        _sound_rows(markup)
        return markup

    def _edit_message_reply_markup(self, params: Params) -> Params:
        phone = self._recipient(params.get("chat_id", ""))
        if not str(params.get("message_id", "")):
            raise Refused(400, "Bad Request: message identifier is not specified")
        markup, number = self._markup(params), int(params["message_id"])
        at = next((at for at, one in enumerate(phone.messages) if one.message_id == number), None)
        if at is None:
            raise Refused(400, "Bad Request: message to edit not found")
        if "keyboard" in markup:
            raise Refused(400, "Bad Request: inline keyboard expected")
        message, rows = phone.messages[at], tuple(map(tuple, markup.get("inline_keyboard", [])))
        if rows == message.rows:
            reason = "specified new message content and reply markup are exactly the same as a current content"
            raise Refused(400, f"Bad Request: message is not modified: {reason} and reply markup of the message")
        raw = {key: value for key, value in message.raw.items() if key != "reply_markup"}
        raw |= {"reply_markup": {"inline_keyboard": rows}} if rows else {}
        phone.messages[at] = replace(message, rows=rows, raw=raw)
        return raw

    # ---- files

    def _get_file(self, params: Params) -> Params:
        file_id = str(params.get("file_id", ""))
        if file_id not in self.files:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self.files[file_id]) > DOWN:
            raise Refused(400, "Bad Request: file is too big")
        return self.keeps(file_id, self.files[file_id]) | {"file_path": f"documents/{file_id}"}

    async def _download(self, request: Request) -> Response:
        token, file_id = request.path_params["token"], request.path_params["path"].removeprefix("documents/")
        with self.changed:
            self.calls.append(Call("download", {"file_id": file_id}, time.monotonic()))
            content = self.files.get(file_id) if token == self.token else None
        fault = self._fault("download")
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.hang_up:
                return await _hang_up(request)
            if fault.status or fault.body is not None:
                return fault.response()
        return Refused(404, "Not Found").response() if content is None else Response(content)

    def _recipient(self, chat_id: Any) -> "Phone":
        if not str(chat_id):
            raise Refused(400, "Bad Request: chat_id is empty")
        if moved := self.moved.get(int(chat_id)) if re.fullmatch(r"-?\d+", str(chat_id)) else None:
            reason = "group chat was upgraded to a supergroup chat"
            raise Refused(400, f"Bad Request: {reason}", migrate_to_chat_id=moved)
        phone = self.phones.get(int(chat_id)) if re.fullmatch(r"-?\d+", str(chat_id)) else None
        if phone is None:
            raise Refused(400, "Bad Request: chat not found")
        if phone.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if not phone.has_written:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
        return phone

    def _not_too_fast(self, chat: int) -> None:
        if self.chat_rate is None:
            return
        sent, now = self._sent_at[chat], time.monotonic()
        while sent and sent[0] <= now - 1:
            sent.popleft()
        if len(sent) >= self.chat_rate:
            raise Refused(429, f"Too Many Requests: retry after {self.retry_after}", retry_after=self.retry_after)
        sent.append(now)

    def _answer_callback_query(self, params: Params) -> bool:
        query = self.queries.get(str(params.get("callback_query_id", "")))
        if query is None or time.monotonic() - query.at > self.tap_lifetime:
            reason = "query is too old and response timeout expired or query ID is invalid"
            raise Refused(400, f"Bad Request: {reason}")
        if len(params.get("text", "")) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        query.answered = True
        return True


@dataclass
class Phone:
    """Somebody's phone, with the bot's chat open."""

    api: BotApi
    id: int
    first_name: str
    language_code: str | None
    messages: list[Received] = field(default_factory=list)
    has_written: bool = False
    blocked: bool = False
    _last: tuple[Params, str] = field(default=({}, ""), repr=False)
    _looked: int = 0

    @property
    def user(self) -> Params:
        user: Params = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        return user | ({"language_code": self.language_code} if self.language_code else {})

    @property
    def chat(self) -> Params:
        return {"id": self.id, "type": "private", "first_name": self.first_name}

    # ---- writing

    def writes(self, text: str) -> Params:
        """Send a text; a link to the bot sends "/start " and what it carries."""
        command = re.match(r"/\w+(@\w+)?", text)
        entity = {"type": "bot_command", "offset": 0, "length": command.end()} if command else None
        return self.sends(text=text, **({"entities": [entity]} if entity else {}))

    def sends(self, **content: Any) -> Params:
        """Send anything, given as the fields of a message."""
        if self.blocked:
            self.unblocks()
        self.has_written = True
        return self._happens("message", self._message(content), str(self.id))

    def sends_photo(self, caption: str = "") -> Params:
        sizes = [{**self._file("photo", side), "width": side, "height": side} for side in (90, 320, 1280)]
        return self.sends(photo=sizes, **({"caption": caption} if caption else {}))

    def sends_voice(self) -> Params:
        return self.sends(voice={**self._file("voice"), "duration": 3, "mime_type": "audio/ogg"})

    def sends_sticker(self) -> Params:
        looks = {"type": "regular", "is_animated": False, "is_video": False}
        return self.sends(sticker={**self._file("sticker"), **looks, "width": 512, "height": 512, "emoji": "👍"})

    def sends_location(self, latitude: float = 45.07, longitude: float = 7.69) -> Params:
        return self.sends(location={"latitude": latitude, "longitude": longitude})

    def sends_contact(self, own: bool = True) -> Params:
        whose = self.id if own else self.id + 1
        return self.sends(contact={"phone_number": "+390000000000", "first_name": "Amina", "user_id": whose})

    def sends_document(
        self, name: str = "cv.pdf", caption: str = "", content: bytes | None = None, kind: str = "application/pdf"
    ) -> Params:
        document = {**self._file("document", content=content), "file_name": name, "mime_type": kind}
        return self.sends(document=document, **({"caption": caption} if caption else {}))

    def edits(self, text: str) -> Params:
        """Change the message written last."""
        written = self._last[0].get("message") or self._last[0].get("edited_message") or self._message({})
        now = int(time.time())
        return self._happens("edited_message", {**written, "text": text, "edit_date": now}, str(self.id))

    def taps(self, choice: str | int, message: Received | None = None) -> Params:
        """Touch a button, by its label or its place from 0, of the newest message with buttons or of a given one."""
        shown = message or next((shown for shown in reversed(self.messages) if shown.buttons), None)
        assert shown, "there is nothing to tap"
        place = shown.labels.index(choice) if isinstance(choice, str) else choice
        return self._taps(shown.buttons[place]["callback_data"], shown.raw)

    def _taps(self, data: str, message: Params) -> Params:
        query = self.api.query(self.id)
        body = {"id": query.id, "from": self.user, "message": message, "chat_instance": "1", "data": data}
        return self._happens("callback_query", body, f"tap {self.id}")

    def presses(self, label: str) -> Params:
        """Touch a key of the keyboard the bot has put in place of the phone's own."""
        keys = next((shown.keyboard for shown in reversed(self.messages) if shown.keyboard), ())
        key = next(key for row in keys for key in row if key["text"] == label)
        return self.sends_contact() if key.get("request_contact") else self.writes(label)

    def blocks(self) -> Params:
        self.blocked = True
        return self._member("member", "kicked")

    def unblocks(self) -> Params:
        self.blocked = False
        return self._member("kicked", "member")

    def repeat_last(self, times: int = 1) -> None:
        """What this phone did last reaches the bot again: the same update, with the same number."""
        self.api.repeats(*self._last, times=times)

    # ---- reading

    def waits_for(self, more: int = 1, timeout: float = 5.0) -> list[Received]:
        """The next messages, not counting those waited for before; AssertionError if they do not come."""
        start, self._looked = self._looked, self._looked + more
        came = f"{self.first_name} got {len(self.messages) - start} of {more} messages"
        with self.api.changed:
            arrived = self.api.changed.wait_for(lambda: len(self.messages) >= start + more, timeout)
            assert arrived, came
            return self.messages[start : start + more]

    # ---- the small print

    def _file(self, kind: str, number: int = 1, content: bytes | None = None) -> Params:
        """Each file with content of its own has a name of its own."""
        own = f"{self.id}-{self.api.next_message()}" if content is not None else str(number)
        return self.api.keeps(f"{kind}-{own}", bytes(1000 * number) if content is None else content)

    def _message(self, content: Params) -> Params:
        number = self.api.next_message()
        return {"message_id": number, "from": self.user, "chat": self.chat, "date": int(time.time()), **content}

    def _member(self, before: str, after: str) -> Params:
        bot = {"id": int(self.api.token.split(":")[0]), "is_bot": True, "first_name": "Sportello"}
        old, new = ({"user": bot, "status": status, "until_date": 0} for status in (before, after))
        body = {"chat": self.chat, "from": self.user, "date": int(time.time())}
        return self._happens(
            "my_chat_member", {**body, "old_chat_member": old, "new_chat_member": new}, f"member {self.id}"
        )

    def _happens(self, kind: str, body: Params, queue: str) -> Params:
        update = self.api.happens(kind, body, queue)
        self._last = (update, queue)
        return update


@asynccontextmanager
async def _served(app: Any) -> AsyncIterator[str]:
    """The app on a free port. Uvicorn's own way to stop takes a fifth of a second, and tests stop it all the time."""
    quiet: Params = {
        "log_config": None,
        "log_level": "critical",
        "lifespan": "off",
        "ws": "none",
        "proxy_headers": False,
    }
    server = uvicorn.Server(uvicorn.Config(app, port=0, **quiet))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    # Every server says what time it is; uvicorn would in a loop of its own, which is not run here.
    server.server_state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.servers[0].close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


@contextmanager
def closed_port() -> Iterator[str]:
    """An address of this machine where nobody answers."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


async def _parameters(request: Request) -> Params:
    """From the address, a form or JSON, as the real one takes them."""
    params: Params = dict(request.query_params)
    body = await request.body()  # read whole first: a request that is cut leaves no file of a form open
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        return params | dict(json.loads(body))
    if kind.startswith("multipart/form-data"):
        async with request.form() as form:
            given = {name: await _given(value) for name, value in form.items()}
        return params | given
    return params | dict(parse_qsl(body.decode(), keep_blank_values=True))


async def _given(value: Any) -> Any:
    """A part of a form: words, or a file's name, kind and content."""
    return value if isinstance(value, str) else (value.filename, value.content_type, await value.read())


def _decoded(value: Any) -> Any:
    """Structures arrive as JSON inside a form, or as they are inside JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refused(400, "Bad Request: can't parse JSON object") from None


def _caption(params: Params) -> Params:
    caption = params.get("caption", "")
    if len(caption.encode("utf-16-le")) // 2 > 1024:
        raise Refused(400, "Bad Request: message caption is too long")
    return {"caption": caption} if caption else {}


def _sides(content: bytes) -> tuple[int, int]:
    """The width and height of a PNG that may be sent as a photo; the only kind that we send."""
    if len(content) > PHOTO:
        reason = f"file of size {len(content)} bytes is too big for a photo; the maximum size is {PHOTO} bytes"
        raise Refused(400, f"Bad Request: {reason}")
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or len(content) < 24:
        raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    if not (width and height) or width + height > SIDES or max(width, height) > RATIO * min(width, height):
        raise Refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
    return width, height


def _text(text: str) -> str:
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > 4096:
        raise Refused(400, "Bad Request: message is too long")
    if not text.strip():
        raise Refused(400, "Bad Request: text must be non-empty")
    return text.strip()


def _sound_rows(markup: Params) -> None:
    for name, sound in (("inline_keyboard", _sound), ("keyboard", _sound_key)):
        rows: list[list[Params]] = markup.get(name, [])
        if any(len(row) > (8 if name == "inline_keyboard" else 12) for row in rows) or sum(map(len, rows)) > 100:
            raise Refused(400, "Bad Request: reply markup is too long")
        for row in rows:
            for button in row:
                sound(button)


def _sound_key(button: Params) -> None:
    if not button.get("text", "").strip():
        raise Refused(400, "Bad Request: keyboard button text must be non-empty")
    if "callback_data" in button or "url" in button:
        raise Refused(400, "Bad Request: can't parse keyboard button: it belongs to an inline keyboard")


def _sound(button: Params) -> None:
    if not button.get("text", "").strip():
        raise Refused(400, "Bad Request: inline keyboard button text must be non-empty")
    if button.get("url"):
        return
    if "callback_data" not in button:
        raise Refused(
            400, "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if not 1 <= len(button["callback_data"].encode()) <= 64:
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")


async def _not_found(request: Request, error: Exception) -> Response:
    return Refused(404, "Not Found").response()


async def _hang_up(request: Request) -> Response:
    request.scope["line"].close()
    await asyncio.sleep(0.02)  # until the server has noticed, so that it does not answer after all
    return Response()
