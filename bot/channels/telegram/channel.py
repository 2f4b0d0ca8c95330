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
from typing import Any, Literal
from urllib.parse import quote, urlencode

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot
from telegram.error import BadRequest, InvalidToken, TelegramError

from bot.channels.telegram.checkup import about_the_queue, about_us, about_where
from bot.channels.telegram.letters import Letter, letter, plain, retired
from bot.channels.telegram.troubles import REFUSED, about_a_file, about_an_edit, is_done_already, told
from bot.channels.telegram.updates import NAME, read
from bot.clock import Clock
from bot.contract import Checked, DeliveryError, Hear, Learn
from bot.doctor import about_the_clock, http_date
from bot.settings import Settings
from handlers.talk.messages import Incoming, Outgoing

Commands = Mapping[str, Sequence[tuple[str, str]]]
"""The commands of the menu and what they do, by language; the language "" is for everyone else."""

KINDS = ["message", "edited_message", "callback_query", "my_chat_member"]
LONG_POLL = 25
PATIENCE = 25.0  # an answer that comes late is better than a message nobody can account for
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 10.0
LARGEST_BODY = 1_000_000
FREE_RATE = 30  # messages a second that Telegram lets a bot send for nothing (core.telegram.org/bots/faq)

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
        rate=settings.telegram_rate,
    )


class Telegram:
    """
    The channel. A message that Telegram refuses for its form is sent once more in the simplest one.

    Sending needs no ``open()``: a process that only delivers may leave the webhook alone.
    """

    name = NAME
    can_edit = True

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
        rate: float = FREE_RATE,
        patience: float = PATIENCE,
    ) -> None:
        from bot.channels.telegram.calls import (
            Calls,  # aiohttp takes a while to load; only who has a channel waits for it
        )

        _hush()
        self._mode = mode
        self._address = f"{public_url}/telegram/webhook"
        self._secret = webhook_secret or _secret_of(token)
        self._commands = commands
        self._clock = clock
        self._pays = rate > FREE_RATE
        self._poll = Calls(2, patience=LONG_POLL + 10)
        self._calls = Calls(64, patience=patience)
        self._bot = Bot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=self._calls,
            get_updates_request=self._poll,
        )
        self._username: str | None = None  # as Telegram calls us, which it says when we open
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
            return told(error)
        return None

    async def _prepare(self) -> None:
        await self._bot.initialize()
        self._username = self._bot.username
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

    def address(self, start: str) -> str | None:
        """A link that opens a chat with us and brings ``start`` along; None while we do not know our own name."""
        return f"https://t.me/{self._username}?{urlencode({'start': start})}" if self._username else None

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
                trouble = told(error)
            else:
                self._line.clear()
                after = updates[-1]["update_id"] + 1 if updates else after
                continue
            await self._line.rest(trouble)

    async def _fetch(self, after: int | None) -> list[dict[str, Any]]:
        # Bot.get_updates reads a batch as a whole: one update it cannot read would hold up all the others for ever.
        asked = {"timeout": LONG_POLL, "allowed_updates": KINDS} | ({} if after is None else {"offset": after})
        updates = await self._poll.call(f"{self._bot.base_url}/getUpdates", asked)
        return updates if isinstance(updates, list) else []

    def routes(self, hear: Hear, _learn: Learn) -> list[Route]:
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
            self._line.note(told(error))
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
            await self._call(Letter("answerCallbackQuery", {"callback_query_id": query_id}))

    # ---- the way out

    async def send(self, message: Outgoing) -> str:
        """The number of the message in its chat. Raises DeliveryError, and nothing else."""
        if message.to.simulated or message.to.channel != NAME:
            raise DeliveryError("misdirected", "This message was not meant for Telegram.")
        number, trouble = await self._tried(message)
        if trouble and trouble.code == REFUSED and (simpler := plain(message)) != message:
            number, trouble = await self._tried(simpler)
        if trouble:
            raise trouble
        return number

    async def _tried(self, message: Outgoing) -> tuple[str, DeliveryError | None]:
        """Trouble is returned, so that neither the token nor the text hangs on it and ends in a log."""
        try:
            return await (self._retire(message) if message.kind == "retired" else self._post(message)), None
        except Exception as error:
            trouble = told(error)
        return "", about_an_edit(trouble) if message.kind == "retired" else trouble

    async def _post(self, message: Outgoing) -> str:
        sent = await self._call(letter(message, pays=self._pays))
        return f"{message.to.id}:{sent['message_id']}"

    async def _retire(self, message: Outgoing) -> str:
        """Take the buttons off a message. Once or twice is the same, so this may always be tried again."""
        try:
            await self._call(retired(message))
        except BadRequest as error:
            if not is_done_already(error):
                raise
        return message.edits or ""

    async def _call(self, what: Letter) -> Any:
        return await self._calls.call(f"{self._bot.base_url}/{what.method}", what.fields, what.files)

    # ---- how it stands

    async def checkup(self) -> list[Checked]:
        """Does Telegram know us, and does it bring us what people write? Only asks."""
        try:
            bot = await self._call(Letter("getMe", {}))
            ours, theirs = self._clock.real(), http_date(self._calls.said_at)
            webhook = await self._call(Letter("getWebhookInfo", {}))
        except Exception as error:
            return [about_us(told(error))]
        clock = [about_the_clock(NAME, theirs, ours)] if theirs else []
        is_here = about_where(webhook, self._address if self._mode == "webhook" else "")
        return [about_us(None, str(bot.get("username"))), is_here, *about_the_queue(webhook, ours), *clock]

    # ---- files

    async def fetch(self, provider_id: str) -> bytes:
        """A file that somebody sent us. Raises DeliveryError, and nothing else."""
        content, trouble = await self._fetched(provider_id)
        if trouble:
            raise trouble
        return content

    async def _fetched(self, provider_id: str) -> tuple[bytes, DeliveryError | None]:
        try:
            found = await self._call(Letter("getFile", {"file_id": provider_id}))
            return await self._downloaded(found["file_path"]), None
        except Exception as error:
            trouble = told(error)
        return b"", about_a_file(trouble)

    async def _downloaded(self, path: str) -> bytes:
        try:
            return await self._calls.retrieve(f"{self._bot.base_file_url}/{quote(path)}")
        except InvalidToken:  # it was good a moment ago: the link has run out
            raise BadRequest("file not found") from None


# ---- small print


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
            loud = log.error if trouble.halt or trouble.code == "conflict" else log.warning
            loud("telegram_trouble", code=trouble.code, sentence=trouble.sentence)
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
    for name in ("aiohttp", "telegram"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
