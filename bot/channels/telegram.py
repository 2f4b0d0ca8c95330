# SPDX-License-Identifier: EUPL-1.2
"""Telegram: what people write to our bot comes in here, and what we answer goes out."""

import asyncio
import hashlib
import hmac
import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from bot.channels.updates import NAME, read
from bot.clock import Clock
from bot.contract import DeliveryError, Hear
from bot.settings import Settings
from handlers.talk.messages import Incoming, Outgoing

Commands = Mapping[str, Sequence[tuple[str, str]]]
"""The commands of the menu and what they do, by language; the language "" is for everyone else."""

KINDS = ["message", "edited_message", "callback_query", "my_chat_member"]
LONG_POLL = 25
PATIENCE = 25.0  # an answer that comes late is better than a message nobody can account for
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 10.0
LARGEST_BODY = 1_000_000

# Without it the library warns at every "slow down" that whole seconds are going to be a timedelta.
os.environ.setdefault("PTB_TIMEDELTA", "1")

log = structlog.get_logger()


def from_settings(settings: Settings, clock: Clock, commands: Commands) -> "Telegram | None":
    """The channel as the environment describes it; None where there is no token."""
    token = settings.telegram_token.get_secret_value().strip()
    if not token:
        return None
    return Telegram(
        token,
        mode=settings.telegram_mode,
        api_url=settings.telegram_api_url,
        public_url=settings.public_url,
        webhook_secret=settings.telegram_webhook_secret.get_secret_value(),
        commands=commands,
        clock=clock,
    )


class Telegram:
    """
    The channel. Messages are sent without any markup, so nothing a person wrote can become a link or a button.

    Sending needs no ``open()``: a process that only delivers may leave the webhook alone.
    """

    name = NAME

    def __init__(
        self,
        token: str,
        *,
        mode: Literal["polling", "webhook"],
        api_url: str,
        public_url: str,
        webhook_secret: str,
        commands: Commands,
        clock: Clock,
        patience: float = PATIENCE,
    ) -> None:
        _hush()
        self._mode = mode
        self._address = f"{public_url}/telegram/webhook"
        self._secret = webhook_secret or _secret_of(token)
        self._commands = commands
        self._clock = clock
        self._poll = HTTPXRequest(2, read_timeout=LONG_POLL + 10, connect_timeout=10, pool_timeout=5)
        self._calls = HTTPXRequest(
            64, read_timeout=patience, write_timeout=patience, connect_timeout=10, pool_timeout=5
        )
        self._bot = Bot(token, base_url=f"{api_url}/bot", request=self._calls, get_updates_request=self._poll)
        self._line = _Line()
        self._answers: set[asyncio.Task[None]] = set()

    # ---- getting ready

    async def open(self) -> None:
        """Get ready, however long Telegram is away. Raises DeliveryError where our settings are at fault."""
        while trouble := await self._hindrance():
            if trouble.retry_in is None and not trouble.uncertain:
                raise replace(trouble, halt=True)
            await self._line.rest(trouble)
        self._line.clear()

    async def _hindrance(self) -> DeliveryError | None:
        try:
            await self._prepare()
        except Exception as error:
            return _trouble(error)
        return None

    async def _prepare(self) -> None:
        await self._bot.initialize()
        await self._offer_commands()
        if self._mode == "polling":
            await self._bot.delete_webhook(drop_pending_updates=False)
        else:
            await self._bot.set_webhook(
                self._address,
                secret_token=self._secret,
                allowed_updates=KINDS,
                max_connections=40,
                drop_pending_updates=False,
            )

    async def _offer_commands(self) -> None:
        for language, commands in self._commands.items():
            try:
                await self._bot.set_my_commands(commands, language_code=language or None)
            except (BadRequest, InvalidToken) as error:  # a menu that looks wrong is no reason to be silent
                log.error("telegram_commands_refused", language=language, code=told(error).code)

    async def close(self) -> None:
        """Let go of connections; a tap that is being answered gets a moment more."""
        if self._answers:
            _, late = await asyncio.wait(self._answers, timeout=2)
            for answer in late:
                answer.cancel()
        await self._bot.shutdown()
        await self._poll.shutdown()  # the bot forgets connections made without open()
        await self._calls.shutdown()

    # ---- the way in

    async def listen(self, hear: Hear) -> None:
        """
        Fetch what arrives until cancelled. Telegram forgets a batch only when we ask for the one after it, and we ask
        only once ``hear`` has returned.
        """
        if self._mode == "webhook":
            return
        after: int | None = None
        while True:
            try:
                updates = await self._fetch(after)
                await self._take_in(updates, hear)
            except Exception as error:
                trouble = _trouble(error)
            else:
                self._line.clear()
                after = updates[-1]["update_id"] + 1 if updates else after
                continue
            await self._line.rest(trouble)

    async def _fetch(self, after: int | None) -> list[dict[str, Any]]:
        # Bot.get_updates reads a batch as a whole: one update it cannot read would hold up all the others for ever.
        asked = {"timeout": LONG_POLL, "allowed_updates": json.dumps(KINDS)}
        if after is not None:
            asked["offset"] = after
        updates = await self._poll.post(f"{self._bot.base_url}/getUpdates?{urlencode(asked)}")
        return updates if isinstance(updates, list) else []

    def routes(self, hear: Hear) -> list[Route]:
        """Where Telegram calls us; nowhere while we fetch ourselves."""

        async def webhook(request: Request) -> Response:
            return await self._called(request, hear)

        return [Route("/telegram/webhook", webhook, methods=["POST"])] if self._mode == "webhook" else []

    async def _called(self, request: Request, hear: Hear) -> Response:
        if not self._is_telegram(request):
            return Response(status_code=403)
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        update = _update(body)
        if update is None:
            return Response(status_code=400)
        return await self._kept(update, hear)

    def _is_telegram(self, request: Request) -> bool:
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        return hmac.compare_digest(given.encode(), self._secret.encode())

    async def _kept(self, update: dict[str, Any], hear: Hear) -> Response:
        try:
            await self._take_in([update], hear)
        except Exception as error:
            self._line.note(_trouble(error))
            return Response(status_code=503, headers={"Retry-After": "1"})
        self._line.clear()
        return Response(status_code=200)

    async def _take_in(self, updates: Sequence[dict[str, Any]], hear: Hear) -> None:
        heard = [incoming for update in updates if (incoming := self._understood(update))]
        if heard:
            await hear(heard)

    def _understood(self, raw: dict[str, Any]) -> Incoming | None:
        try:
            self._acknowledge(raw.get("callback_query"))
            return read(raw, self._clock.real())
        except Exception as error:  # it would be just as unreadable next time
            log.warning("telegram_update_unreadable", error=type(error).__name__)
            return None

    def _acknowledge(self, query: Mapping[str, Any] | None) -> None:
        """Stop the little clock on the button; the answer itself may take longer than Telegram waits."""
        if query:
            answer = asyncio.create_task(self._answer(str(query["id"])))
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)

    async def _answer(self, query_id: str) -> None:
        with suppress(TelegramError):  # a late tap: the message that follows is what counts
            await self._bot.answer_callback_query(query_id)

    # ---- the way out

    async def send(self, message: Outgoing) -> str:
        """The number of the message in its chat. Raises DeliveryError, and nothing else."""
        if message.to.simulated or message.to.channel != NAME:
            raise DeliveryError("misdirected", "This message was not meant for Telegram.")
        try:
            sent = await self._send(message)
        except Exception as error:
            trouble = _trouble(error)
        else:
            return f"{message.to.id}:{sent.message_id}"
        raise trouble  # out here, so that neither the token nor the text hangs on it and ends in a log

    async def _send(self, message: Outgoing) -> Message:
        return await self._bot.send_message(
            message.to.id,
            message.text,
            reply_markup=keyboard(message),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )


def keyboard(message: Outgoing) -> InlineKeyboardMarkup | None:
    """The choices as buttons: one in a row, or two where all of them are short."""
    buttons = [
        InlineKeyboardButton(option.short, callback_data=message.token(index))
        for index, option in enumerate(message.options)
    ]
    across = 2 if all(len(option.short) <= 10 for option in message.options) else 1
    rows = [buttons[start : start + across] for start in range(0, len(buttons), across)]
    return InlineKeyboardMarkup(rows) if rows else None


# ---- what went wrong, and what to do about it

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.InvalidURL)
NO_SUCH_CHAT = ("chat not found", "user not found", "peer_id_invalid", "chat_id_invalid")
SOON = timedelta(seconds=5)


def told(error: TelegramError) -> DeliveryError:
    """
    What an error of the library asks of us. The order counts: for the library, a refusal and a time-out
    are both network errors.
    """
    match error:
        case RetryAfter():
            return _flood(error.retry_after)
        case Forbidden():
            return DeliveryError("blocked", "The person has blocked us on Telegram or left it.", blocked=True)
        case ChatMigrated():
            return DeliveryError("migrated", "This chat has become a group with another number.")
        case InvalidToken():
            return DeliveryError("token", "Telegram does not accept our token.", halt=True)
        case Conflict():
            return DeliveryError("conflict", "Another program is fetching our messages.", retry_in=SOON)
        case BadRequest():
            return _refusal(error.message)
        case _:
            return _no_answer(error)


def _flood(wait: timedelta | float) -> DeliveryError:
    pause = wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
    return DeliveryError("flood", "Telegram asks us to slow down.", retry_in=pause, counts=False)


def _refusal(reason: str) -> DeliveryError:
    if any(phrase in reason.lower() for phrase in NO_SUCH_CHAT):
        return DeliveryError("no_chat", "Telegram does not know this chat.")
    log.error("telegram_refused", reason=reason[:120])
    return DeliveryError("refused", "Telegram refused what we asked for.")


def _no_answer(error: TelegramError) -> DeliveryError:
    if isinstance(error.__cause__, NOT_SENT):
        return DeliveryError(
            "unreachable", "Telegram cannot be reached; nothing was sent.", retry_in=SOON, counts=False
        )
    if isinstance(error.__cause__, UnicodeError):
        return _refusal("not text")
    if error.message.lower().startswith("too many requests"):
        return _flood(SOON)
    return DeliveryError("no_answer", "Telegram did not confirm the message; it may have arrived.", uncertain=True)


def _trouble(error: Exception) -> DeliveryError:
    """Whatever went wrong, without the words of its message: they may be a person's."""
    if isinstance(error, TelegramError):
        return told(error)
    return DeliveryError(type(error).__name__, "Something unexpected went wrong.", uncertain=True)


class _Line:
    """How things stand with Telegram: waits that grow while they are bad, and one log line per change."""

    def __init__(self) -> None:
        self._trouble = ""
        self._wait = SHORTEST_WAIT

    def clear(self) -> None:
        if self._trouble:
            log.info("telegram_back")
        self._trouble, self._wait = "", SHORTEST_WAIT

    def note(self, trouble: DeliveryError) -> None:
        if trouble.code != self._trouble:
            log.warning("telegram_trouble", code=trouble.code, sentence=trouble.sentence)
        self._trouble = trouble.code

    async def rest(self, trouble: DeliveryError) -> None:
        """Wait before the next try. Raises the trouble itself where no try will help."""
        self.note(trouble)
        if trouble.halt:
            raise trouble
        asked = trouble.retry_in.total_seconds() if trouble.code == "flood" and trouble.retry_in else 0
        await asyncio.sleep(max(asked, self._wait))
        self._wait = min(self._wait * 2, LONGEST_WAIT)


# ---- small print


async def _body(request: Request) -> bytes | None:
    """What was sent; None where it is longer than anything Telegram sends."""
    body = bytearray()
    with suppress(ClientDisconnect):
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                return None
    return bytes(body)


def _update(body: bytes) -> dict[str, Any] | None:
    """The update in a body; None where there is none."""
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return update if isinstance(update, dict) and isinstance(update.get("update_id"), int) else None


def _secret_of(token: str) -> str:
    """A secret for the webhook where none is set: the same in every process, and useless for finding the token."""
    return hmac.new(token.encode(), b"telegram webhook", hashlib.sha256).hexdigest()


def _hush() -> None:
    """These libraries log addresses with our token in them, and what people wrote."""
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
