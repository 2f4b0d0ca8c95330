# SPDX-License-Identifier: EUPL-1.2
"""How our calls reach Telegram: aiohttp under python-telegram-bot, at a tenth of what its own client costs."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from telegram.error import BadRequest
from telegram.request import BaseRequest, RequestData

from bot.channels.telegram.troubles import NotSent, Unanswered
from handlers.talk.messages import Attached

CONNECTING = 10.0  # seconds to find a free connection, or to make one
WITH_A_FILE = 40.0  # seconds at the most for a call that carries a file: two tries fit into a claim's lease
LARGEST_ANSWER = 20 * 2**20  # what Telegram lets a bot fetch; anything else it says is much shorter
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

UNDERSTOOD = {403, 404, 409, 429}
NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.ClientHttpProxyError,
)
UNANSWERED = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True)
class Form:
    """What a call carries, with the names that python-telegram-bot's own RequestData has for it."""

    json_parameters: Mapping[str, str]
    multipart_data: Mapping[str, tuple[str, bytes, str]] = field(default_factory=dict)

    @property
    def contains_files(self) -> bool:
        return bool(self.multipart_data)


class Calls(BaseRequest):
    """
    Connections to Telegram. They are made in the loop that first calls, so nobody has to open anything.

    The one thing a caller must know of a failure is kept: ``NotSent`` never left us, ``Unanswered`` may have arrived.
    """

    def __init__(self, most: int, *, patience: float) -> None:
        self._most, self._patience = most, patience
        self.said_at: str | None = None  # what Telegram's clock said with its last answer
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def read_timeout(self) -> float:
        return self._patience

    async def initialize(self) -> None:
        """Nothing to do before the first call."""

    async def shutdown(self) -> None:
        """Let go of all connections; a later call makes new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def call(self, url: str, fields: Mapping[str, Any], files: Mapping[str, Attached] | None = None) -> Any:
        """
        A method of the Bot API and its result, as JSON. Raises what python-telegram-bot raises.

        Its Bot would make an object of every field on the way out and back: twice the cost of the call itself.
        """
        words = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        form = Form(words, {name: (file.name, file.content, file.kind) for name, file in (files or {}).items()})
        return await self.post(url, cast(RequestData, form))

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_timeouts: Any, **_more: Any
    ) -> tuple[int, bytes]:
        """The status and the body of an answer. How long we wait is ours to say, whatever the library asks."""
        body, headers = _body(request_data)
        timeout = self._timeout(with_a_file=method == "GET" or isinstance(body, aiohttp.FormData))
        session = await self._here(url)
        try:
            async with session.request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                self.said_at = answer.headers.get("Date")
                return _status(answer.status), await _content(answer)
        except NOT_SENT as error:
            raise NotSent(type(error).__name__) from error
        except UNANSWERED as error:
            raise Unanswered(type(error).__name__) from error

    async def _here(self, url: str) -> aiohttp.ClientSession:
        """The connections of this loop; those of a loop that has ended are of no use to anybody."""
        loop, before = asyncio.get_running_loop(), self._session
        if before is not None and self._loop is loop and not before.closed:
            return before
        self._loop, self._session = loop, self._opened(url)
        session = self._session
        if before is not None:
            await before.close()
        return session

    def _opened(self, url: str) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._most, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self.USER_AGENT},
            proxy=_proxy(url),
        )

    def _timeout(self, *, with_a_file: bool) -> aiohttp.ClientTimeout:
        whole = WITH_A_FILE if with_a_file else CONNECTING + self._patience
        return aiohttp.ClientTimeout(total=whole, connect=CONNECTING, sock_read=self._patience)


def _body(data: RequestData | None) -> tuple[bytes | aiohttp.FormData | None, Mapping[str, str] | None]:
    if data is None:
        return None, None
    if not data.contains_files:
        return urlencode(data.json_parameters).encode(), FORM
    form = aiohttp.FormData(quote_fields=False)  # Telegram would show a name with %20 in it
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (file_name, content, kind) in data.multipart_data.items():
        form.add_field(name, BytesIO(cast(bytes, content)), filename=file_name, content_type=kind)
    return form, None


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > LARGEST_ANSWER:
            answer.close()
            raise BadRequest("file is too big")
    return bytes(content)


def _status(status: int) -> int:
    """python-telegram-bot loses the number of an answer it has no exception for; no was said all the same."""
    if 300 <= status < 400:
        return 404  # whoever sends us elsewhere is not Telegram
    return 400 if 401 < status < 500 and status not in UNDERSTOOD else status


def _proxy(url: str) -> str | None:
    """The environment's proxy, looked up once: aiohttp would ask a thread for it before every call."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
