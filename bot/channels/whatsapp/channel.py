# SPDX-License-Identifier: EUPL-1.2
"""WhatsApp, through Twilio: what people write to our number comes in here, and what we answer goes out."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import structlog
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.channels.whatsapp.checkup import about_us, noted
from bot.channels.whatsapp.inbound import NAME, TWILIO, listed, read, report, sent_at
from bot.clock import Clock
from bot.contract import Checked, DeliveryError, Hear, Learn
from bot.media import link_out
from bot.metrics import WEBHOOKS
from bot.settings import Settings
from handlers.talk.messages import Incoming, Outgoing

SHORTEST_WAIT, LONGEST_WAIT = 0.5, 10.0
LARGEST_BODY = 200_000
MOST_WORDS = 500
# Twilio may still be calling us about a message that is younger; heard from the list, its button would be lost.
JUST_NOW = timedelta(seconds=30)
A_PAGE, MOST_PAGES = 200, 250
REMEMBERED = 2_000  # messages of which we know what files they carried
FETCHED = ("photo", "voice", "document")  # kinds of messages whose files the desk wants to have
A_SENDER = re.compile(r"\+[1-9]\d{5,14}", re.ASCII)
A_SID = re.compile(r"\w{1,64}", re.ASCII)
THANK_YOU = "<Response/>"
MESSAGING, SENDERS = "https://messaging.twilio.com", "/v2/Channels/Senders?Channel=whatsapp&PageSize=100"

Words = ImmutableMultiDict[str, str]
"""What a form says, with what is blank and what is said twice: all of it is signed."""

Take = Callable[[Mapping[str, str], Request], Awaitable[str]]
"""Takes in what is signed and ours; the outcome, in a word."""

log = structlog.get_logger()


def from_settings(settings: Settings, clock: Clock, _commands: object) -> "WhatsApp | None":
    """The channel as the environment describes it; None where there is no account, token, number or library."""
    account, token = settings.twilio_account_sid.strip(), settings.twilio_auth_token.get_secret_value().strip()
    sender = settings.twilio_whatsapp_from.strip().removeprefix("whatsapp:")
    if not (account and token and sender):
        return None
    if find_spec("twilio") is None:
        log.error("whatsapp_not_installed", sentence="Run: pip install 'sportello[whatsapp]'")
        return None

    def link(message: Outgoing) -> str | None:
        return link_out(settings, message.id, clock.real()) if settings.public_url else None

    return WhatsApp(
        account,
        token,
        sender=sender,
        public_url=settings.public_url,
        api_url=settings.twilio_api_url,
        webhook_key=settings.twilio_webhook_key.get_secret_value().strip(),
        unsigned=settings.twilio_signature,
        link=link,
        clock=clock,
    )


class WhatsApp:
    """
    The channel. Twilio calls us once about each message and hardly ever again: what we did not hear, we ask for.

    Sending needs no ``open()``: a process that only delivers may be closed to the world.
    """

    name = NAME
    can_edit = False

    def __init__(
        self,
        account: str,
        token: str,
        *,
        sender: str,
        public_url: str,
        clock: Clock,
        link: Callable[[Outgoing], str | None] = lambda message: None,
        api_url: str = "",
        webhook_key: str = "",
        unsigned: Literal["enforce", "report"] = "enforce",
        patience: float | None = None,
    ) -> None:
        # aiohttp and Twilio's library take a while to load; only who has a channel waits for them.
        from bot.channels.whatsapp.client import PATIENCE, Calls, client
        from bot.channels.whatsapp.contents import Contents
        from bot.channels.whatsapp.media import Media
        from bot.channels.whatsapp.sending import Sending
        from bot.channels.whatsapp.signature import Keys, is_signed

        self._account, self._sender, self._clock = account, sender, clock
        self._public_url = public_url
        self._is_signed, self._is_strict = partial(is_signed, Keys(token, webhook_key)), unsigned == "enforce"
        patience = PATIENCE if patience is None else patience
        self._calls = Calls(api_url, patience=patience)
        self._client = client(account, token, self._calls)
        self.contents = Contents(self._client)
        self._sending = Sending(self._client, sender=sender, public_url=public_url, link=link, clock=clock)
        self._media = Media(account, token, api_url, patience=patience)
        self._carried: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()
        self._dropping: set[asyncio.Task[None]] = set()
        self._turned_away_at: datetime | None = None  # when we last could not keep what Twilio brought

    # ---- getting ready

    async def open(self) -> None:
        """Get ready, however long Twilio is away. Raises DeliveryError where our settings are at fault."""
        if not A_SENDER.fullmatch(self._sender):
            raise DeliveryError("sender", "TWILIO_WHATSAPP_FROM is no number such as +390511234567.", halt=True)
        wait, before = SHORTEST_WAIT, ""
        while trouble := await self._hindrance():
            if trouble.retry_in is None:
                raise replace(trouble, halt=True)
            if trouble.code != before:
                log.warning("whatsapp_trouble", code=trouble.code, sentence=trouble.sentence)
            before = trouble.code
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        if before:
            log.info("whatsapp_back")

    async def _hindrance(self) -> DeliveryError | None:
        account, trouble = await self._asked(f"/2010-04-01/Accounts/{self._account}.json")
        if trouble is None and account.get("status", "active") != "active":
            return DeliveryError("account", "Our Twilio account is not active. Look at it at twilio.com.", halt=True)
        return trouble

    async def close(self) -> None:
        """Let go of connections; what is being dropped gets a moment more."""
        if self._dropping:
            _done, late = await asyncio.wait(self._dropping, timeout=2)
            for one in late:
                one.cancel()
        await self._calls.close()

    def address(self, start: str) -> str | None:
        """A link that opens a chat with us; what it brings along is written already, and has only to be sent."""
        return f"https://wa.me/{self._sender.removeprefix('+')}?{urlencode({'text': start})}"

    # ---- the way in

    async def listen(self, _hear: Hear) -> None:
        """Twilio calls us."""

    def routes(self, hear: Hear, learn: Learn) -> list[Route]:
        """Where Twilio calls us."""

        async def heard(words: Mapping[str, str], _request: Request) -> str:
            if words.get("To") != f"whatsapp:{self._sender}":
                return "foreign"
            incoming = read(words, self._clock.real())
            if incoming is None:
                return "ignored"
            await hear([incoming])
            self._drop(words, incoming)
            return "kept"

        async def learnt(words: Mapping[str, str], request: Request) -> str:
            if not words.get("MessageStatus"):
                return "ignored"
            await learn(report(words, request.query_params.get("oid", "")))
            return "kept"

        return [
            Route("/twilio/inbound", self._door(heard), methods=["POST"]),
            Route("/twilio/status", self._door(learnt), methods=["POST"]),
        ]

    def _door(self, take: Take) -> Callable[[Request], Awaitable[Response]]:
        async def door(request: Request) -> Response:
            return await self._called(request, take)

        return door

    async def _called(self, request: Request, take: Take) -> Response:
        body = await _body(request)
        if body is None:
            return refused("too_large", 413)
        words = _words(request, body)
        if words is None:
            return refused("malformed", 400)
        if not self._is_twilio(request, words):
            return refused("forged", 403)
        said = {name: words.getlist(name)[0] for name in words}
        if not A_SID.fullmatch(said.get("MessageSid", "")):
            return refused("malformed", 400)
        if said.get("AccountSid") != self._account:
            return refused("foreign", 403)
        return await self._taken(said, request, take)

    def _is_twilio(self, request: Request, words: Words) -> bool:
        """Signed; or, while the signature is only looked at, let in all the same and said so."""
        query = request.scope["query_string"].decode("latin-1")
        address = self._public_url + request.url.path + (f"?{query}" if query else "")
        if self._is_signed(address, words, request.headers):
            return True
        if not self._is_strict:
            _count("unsigned")
            log.warning("whatsapp_webhook_unsigned", path=request.url.path)
        return not self._is_strict

    async def _taken(self, words: Mapping[str, str], request: Request, take: Take) -> Response:
        try:
            outcome = await take(words, request)
        except Exception as error:  # Twilio tries once more, elsewhere; what is lost all the same we ask for
            self._turned_away_at = self._clock.real()
            return refused("unavailable", 503, error=type(error).__name__)
        _count(outcome)
        return Response(THANK_YOU, media_type="text/xml")

    def _drop(self, words: Mapping[str, str], incoming: Incoming) -> None:
        """Files that nobody here will ever fetch, such as a film or somebody's card, need not lie there, either."""
        wanted = incoming.payload.get("file_id") if incoming.kind in FETCHED else None
        for name, address in words.items():
            if name.startswith("MediaUrl") and address != wanted:
                dropping = asyncio.create_task(self._dropped(address))
                self._dropping.add(dropping)
                dropping.add_done_callback(self._dropping.discard)

    async def _dropped(self, address: str) -> None:
        try:
            await self.release(address)
        except DeliveryError as trouble:
            log.warning("whatsapp_file_not_dropped", code=trouble.code)

    @property
    def has_missed(self) -> bool:
        """Do we know of something that we did not hear, and that may be asked for by now?"""
        return self._turned_away_at is not None and self._turned_away_at <= self._clock.real() - JUST_NOW

    async def missed(self, since: datetime) -> Sequence[Incoming]:
        """What people have written since then, oldest first, heard or not. Raises DeliveryError, and nothing else."""
        until, found = self._clock.real() - JUST_NOW, []
        for message in await self._messages(since):
            at = sent_at(message)
            if at and since <= at <= until and (incoming := await self._listed(message)):
                found.append(incoming)
        if self._turned_away_at and self._turned_away_at <= until:
            self._turned_away_at = None
        return sorted(reversed(found), key=lambda incoming: incoming.at)

    async def _messages(self, since: datetime) -> list[Mapping[str, Any]]:
        """What Twilio lists, newest first, page by page, as far back as we need. It knows days, no hours."""
        wanted = {"To": f"whatsapp:{self._sender}", "DateSent>": f"{since:%Y-%m-%d}", "PageSize": A_PAGE}
        path: str | None = f"/2010-04-01/Accounts/{self._account}/Messages.json?{urlencode(wanted)}"
        found: list[Mapping[str, Any]] = []
        for _page in range(MOST_PAGES):
            page, trouble = await self._asked(path)
            if trouble:
                raise trouble
            found += page.get("messages") or []
            path = page.get("next_page_uri")
            dates = [at for message in page.get("messages") or [] if (at := sent_at(message))]
            if not path or (dates and max(dates) < since):
                return found
        log.error("whatsapp_missed_too_many", pages=MOST_PAGES)
        return found

    async def _listed(self, message: Mapping[str, Any]) -> Incoming | None:
        try:
            return listed(message, await self._files(message))
        except DeliveryError:
            raise
        except Exception as error:  # it would be just as unreadable next time
            log.warning("whatsapp_message_unreadable", error=type(error).__name__)
            return None

    async def _files(self, message: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a message carried. It is asked for once: the same messages are listed again a minute later."""
        sid = str(message["sid"])
        path = (message.get("subresource_uris") or {}).get("media")
        if not path or str(message.get("num_media") or "0") == "0":
            return []
        if sid not in self._carried:
            page, trouble = await self._asked(path)
            if trouble and trouble.code != "not_found":
                raise trouble
            self._carried[sid] = page.get("media_list") or []
            if len(self._carried) > REMEMBERED:
                self._carried.popitem(last=False)
        return self._carried[sid]

    async def _asked(self, path: str | None, host: str = TWILIO) -> tuple[dict[str, Any], DeliveryError | None]:
        """What stands at a path of Twilio's. Trouble is returned, so that our token does not hang on it."""
        from bot.channels.whatsapp.troubles import about_a_question, told

        try:
            answer = await self._client.request_async("GET", f"{host}{path}")
            return dict(answer.json()), None
        except Exception as error:
            return {}, about_a_question(told(error))

    # ---- the way out

    async def send(self, message: Outgoing) -> str:
        """Twilio's number of the message. Raises DeliveryError, and nothing else."""
        return await self._sending.send(message)

    async def find(self, message: Outgoing, since: datetime, known: Container[str] = ()) -> str | None:
        """Twilio's number of a message, if it has been sent. Raises DeliveryError, and nothing else."""
        return await self._sending.find(message, since, known)

    # ---- how it stands

    async def checkup(self) -> list[Checked]:
        """Does Twilio know us, and what has to be looked at there? Only asks."""
        account, trouble = await self._asked(f"/2010-04-01/Accounts/{self._account}.json")
        senders, unknown = ({}, trouble) if trouble else await self._asked(SENDERS, MESSAGING)
        return about_us(
            account,
            trouble,
            None if unknown else noted(senders, self._sender),
            sender=self._sender,
            public_url=self._public_url,
            is_strict=self._is_strict,
            said_at=self._calls.said_at,
            now=self._clock.real(),
        )

    # ---- files

    async def fetch(self, provider_id: str) -> bytes:
        """A file that somebody sent us. Raises DeliveryError, and nothing else."""
        return await self._media.fetch(provider_id)

    async def release(self, provider_id: str) -> None:
        """Twilio need keep a file no longer. Raises DeliveryError, and nothing else."""
        await self._media.release(provider_id)


# ---- small print


async def _body(request: Request) -> bytes | None:
    """What was sent; None where it is longer than anything Twilio sends."""
    body = bytearray()
    with suppress(ClientDisconnect):  # what is cut off is not what was signed
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                return None
    return bytes(body)


def _words(request: Request, body: bytes) -> Words | None:
    """What a form says; None where it is no form. What is blank, or said twice, is signed as well."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    try:
        said = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_WORDS)
    except ValueError:  # not in UTF-8, or more than anybody says
        return None
    return ImmutableMultiDict(said)


def refused(outcome: str, status: int, **more: str) -> Response:
    """No, in the log and for whoever counts; without a word of what was brought."""
    _count(outcome)
    log.warning("whatsapp_webhook_refused", why=outcome, status=status, **more)
    return Response(status_code=status)


def _count(outcome: str) -> None:
    WEBHOOKS.labels(NAME, outcome).inc()
