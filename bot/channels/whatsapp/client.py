# SPDX-License-Identifier: EUPL-1.2
"""How our calls reach Twilio: aiohttp under twilio's own library, with our time limits in place of none."""

import asyncio
import base64
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot.channels.whatsapp.troubles import NotSent, Refused, Unanswered

CONNECTING = 10.0  # seconds to find a free connection, or to make one
PATIENCE = 25.0  # an answer that comes late is better than a message nobody can account for
LARGEST_ANSWER = 4 * 2**20  # a page of a list; what Twilio says of one message is much shorter
JSON = "application/json"

NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.ClientHttpProxyError,
)
UNANSWERED = (aiohttp.ClientError, TimeoutError, OSError)


def client(account: str, token: str, calls: "Calls") -> Client:
    """Twilio's library on our connections. It logs addresses and bodies, so it is told to keep quiet."""
    hush()
    return Client(account, token, http_client=calls)


class Answer(Response):  # type: ignore[misc]
    """What Twilio says, as twilio's library wants it and as we do."""

    def json(self) -> Any:
        return json.loads(self.text)


class Calls(AsyncHttpClient):  # type: ignore[misc]  # twilio has no types
    """
    Connections to Twilio, or to ``api_url`` in place of all its hosts. They are made in the loop that first calls.

    A caller learns of a failure what counts and no more: ``NotSent`` never left us, ``Unanswered`` may have arrived,
    ``Refused`` is Twilio's no. Twilio's own exceptions carry its words, which repeat ours, and lose Retry-After.
    """

    def __init__(self, api_url: str = "", *, most: int = 64, patience: float = PATIENCE) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), True)
        self._api_url, self._most, self._patience = api_url, most, patience
        self.said_at: str | None = None  # what Twilio's clock said with its last answer
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Let go of all connections; a later call makes new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        *_timeouts: Any,
        **_more: Any,
    ) -> Answer:
        """An answer that says yes. How long we wait is ours to say, whatever the library asks."""
        headers = headers or {}
        address, body = self._placed(_with(url, params)), _body(data, headers)
        error: Exception
        try:
            return await self._answer(method, address, body, headers, auth)
        except NOT_SENT as cause:
            error = NotSent(type(cause).__name__)
        except UNANSWERED as cause:
            error = Unanswered(type(cause).__name__)
        raise error  # without its cause, which holds the address, and whom it is about

    async def _answer(
        self,
        method: str,
        address: str,
        body: bytes | None,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None,
    ) -> Answer:
        session = await self._here(address)
        async with session.request(
            method,
            address,
            data=body,
            headers={**headers, "Authorization": basic(*auth)} if auth else headers,
            allow_redirects=False,
        ) as answer:
            self.said_at = answer.headers.get("Date")
            content = await _content(answer)
            if not 200 <= answer.status < 300:
                raise _refusal(answer, content)
            return Answer(answer.status, content.decode(errors="replace"))

    def _placed(self, url: str) -> str:
        """The same address at the host that stands for Twilio's, if one does."""
        if not self._api_url:
            return url
        parts = urlsplit(url)
        return self._api_url + urlunsplit(("", "", parts.path, parts.query, ""))

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
        whole = CONNECTING + self._patience
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._most, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy(url),
            timeout=aiohttp.ClientTimeout(total=whole, connect=CONNECTING, sock_read=self._patience),
        )


def basic(account: str, token: str) -> str:
    """Credentials as a header says them; aiohttp's own class for it is on its way out."""
    return f"Basic {base64.b64encode(f'{account}:{token}'.encode()).decode()}"


def hush() -> None:
    """These libraries log addresses, people's numbers and what is written to them."""
    for name in ("aiohttp", "twilio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _with(url: str, params: Mapping[str, object] | None) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}" if params else url


def _body(data: Mapping[str, object] | None, headers: Mapping[str, str]) -> bytes | None:
    if not data:
        return None
    if headers.get("Content-Type") == JSON:
        return json.dumps(data).encode()
    return urlencode(data, doseq=True).encode()


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > LARGEST_ANSWER:
            answer.close()
            raise Unanswered("too long")
    return bytes(content)


def _refusal(answer: aiohttp.ClientResponse, content: bytes) -> Refused:
    """Twilio's no, in numbers. Whoever sends us elsewhere is not Twilio."""
    status = 404 if answer.status < 400 else answer.status
    return Refused(status, _code(content), _seconds(answer.headers.get("Retry-After", "")))


def _code(content: bytes) -> int | None:
    """Twilio's number for what went wrong; None where the answer is not in Twilio's own form."""
    try:
        said = json.loads(content)
        return int(said["code"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _seconds(said: str) -> float | None:
    return float(said) if said.isascii() and said.isdigit() else None


def _proxy(url: str) -> str | None:
    """The environment's proxy, looked up once: aiohttp would ask a thread for it before every call."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
