# SPDX-License-Identifier: EUPL-1.2
"""Files that people send over WhatsApp: Twilio keeps them until we have them, and hands them over only to us."""

import re
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from bot.channels.whatsapp.client import CONNECTING, PATIENCE, basic
from bot.channels.whatsapp.inbound import TWILIO
from bot.channels.whatsapp.troubles import SOON, NotSent, Refused, Unanswered, about_a_question, told
from bot.contract import DeliveryError

LARGEST = 20 * 2**20  # WhatsApp lets people send 16
WHOLE = 40.0  # seconds at the most: all of it fits into a file's lease
MOST_MOVES = 3
FOREIGN = DeliveryError("foreign_file", "This file does not lie with Twilio, so it was left there.")
TOO_BIG = DeliveryError("file_too_big", "The file is too large: at most 20 MB.")
AWAY = DeliveryError("file_away", "Twilio does not find this file at the moment.", retry_in=SOON)
NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
UNANSWERED = (aiohttp.ClientError, TimeoutError, OSError)


class Media:
    """
    The files of one account. Our credentials go to Twilio alone, and to nothing of it but a file of a message: the
    address of a file comes from outside.
    """

    def __init__(self, account: str, token: str, api_url: str, *, patience: float = PATIENCE) -> None:
        self._auth = {"Authorization": basic(account, token)}
        self._api_url = api_url or TWILIO
        a_file = rf"/2010-04-01/Accounts/{re.escape(account)}/Messages/\w{{1,64}}/Media/\w{{1,64}}"
        self._ours = re.compile(rf"(?:{re.escape(TWILIO)}|{re.escape(self._api_url)})({a_file})", re.ASCII)
        self._timeout = aiohttp.ClientTimeout(total=WHOLE, connect=CONNECTING, sock_read=patience)

    async def fetch(self, address: str) -> bytes:
        """What is in a file. Raises DeliveryError, and nothing else."""
        content, trouble = await self._done("GET", address)
        if trouble:
            raise replace(AWAY) if trouble.code in ("not_found", "turned_away") else trouble
        return content

    async def release(self, address: str) -> None:
        """Twilio need keep it no longer; one that is gone already is as good. Raises DeliveryError."""
        _content, trouble = await self._done("DELETE", address)
        if trouble and trouble.code != "not_found":
            raise trouble

    async def _done(self, method: str, address: str) -> tuple[bytes, DeliveryError | None]:
        """Trouble is returned, so that our credentials do not hang on it and end in a log."""
        found = self._ours.fullmatch(address)
        if found is None:
            return b"", replace(FOREIGN)
        try:
            return await self._asked(method, self._api_url + found[1]), None
        except DeliveryError as trouble:
            return b"", trouble
        except NOT_SENT:
            return b"", told(NotSent())
        except UNANSWERED:
            return b"", about_a_question(told(Unanswered()))
        except Exception as error:
            return b"", about_a_question(told(error))

    async def _asked(self, method: str, address: str) -> bytes:
        """The answer, from wherever Twilio sends us: there nobody is told who we are."""
        headers = self._auth
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), timeout=self._timeout, trust_env=True
        ) as session:
            for _move in range(MOST_MOVES + 1):
                there = URL(address, encoded=True)  # byte for byte: it may be signed
                async with session.request(method, there, headers=headers, allow_redirects=False) as answer:
                    if not 300 <= answer.status < 400:
                        return await _content(answer)
                    address, headers = self._moved(method, address, answer), {}
        raise replace(AWAY)

    def _moved(self, method: str, address: str, answer: aiohttp.ClientResponse) -> str:
        """Where it lies instead. Raises DeliveryError where nobody should go."""
        there = urljoin(address, answer.headers.get("Location", ""))
        if method != "GET" or urlsplit(there).scheme not in {"https", urlsplit(self._api_url).scheme}:
            raise replace(AWAY)
        return there


async def _content(answer: aiohttp.ClientResponse) -> bytes:
    if answer.status >= 400:
        raise Refused(answer.status)
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > LARGEST:
            answer.close()
            raise replace(TOO_BIG)
    return bytes(content)
