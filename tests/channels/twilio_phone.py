# SPDX-License-Identifier: EUPL-1.2
"""A phone with WhatsApp on it, and Twilio's calls to our webhooks about what its owner does, signed as Twilio signs."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from starlette.types import ASGIApp

from tests.channels.twilio_api import sign

ACCOUNT = "AC" + "0" * 32
TOKEN = "a-token-that-opens-nothing"
SENDER = "+390511234567"
PUBLIC_URL = "https://sportello.example.org"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
Words = dict[str, str]

_numbers = itertools.count(1)


@dataclass
class Phone:
    """
    What Twilio says when its owner does something, every parameter as recorded, blank ones as well.

    Since 2026 everybody has an id beside the number; whoever has a user name shows that id alone.
    """

    number: str | None = "+393331234567"
    id: str | None = "IT.13491208655302741918"
    name: str = "Amina B."
    more: Mapping[str, str] = field(default_factory=dict)  # what Twilio has begun to say

    @property
    def address(self) -> str:
        return f"whatsapp:{self.number or self.id}"

    def writes(self, text: str, *, sid: str = "", **more: str) -> Words:
        sid = sid or f"SM{next(_numbers):032x}"
        digits = (self.number or "").removeprefix("+")
        context = {"ProfileName": self.name} | ({"WaId": digits} if digits else {})
        return {
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "ProfileName": self.name,
            "MessageType": "text",
            "SmsSid": sid,
            **({"WaId": digits} if digits else {}),
            **({"ExternalUserId": f"whatsapp:{self.id}"} if self.id else {}),
            "SmsStatus": "received",
            "Body": text,
            "To": f"whatsapp:{SENDER}",
            "NumSegments": "1",
            "ReferralNumMedia": "0",
            "MessageSid": sid,
            "AccountSid": ACCOUNT,
            "ChannelMetadata": json.dumps({"type": "whatsapp", "data": {"context": context}}),
            "From": self.address,
            "ApiVersion": "2010-04-01",
            **self.more,
            **more,
        }

    def taps(self, token: str, label: str, shown: str = "MM" + "a" * 32, **more: str) -> Words:
        """A quick reply: its label is the body as well."""
        touched = {"ButtonText": label, "ButtonPayload": token, "MessageType": "interactive", "Forwarded": "false"}
        return self.writes(label, **touched, **_replied(shown), FrequentlyForwarded="false", **more)

    def picks(self, token: str, title: str, shown: str = "MM" + "a" * 32, **more: str) -> Words:
        """A line of a list."""
        picked = {"ListId": token, "ListTitle": title, "MessageType": "interactive"}
        return self.writes(title, **picked, **_replied(shown), **more)

    def sends(self, kind: str, *urls: str, caption: str = "", message_type: str = "", **more: str) -> Words:
        """A picture, a recording, a document, which Twilio keeps."""
        media = {f"MediaUrl{number}": url for number, url in enumerate(urls)}
        kinds = {f"MediaContentType{number}": kind for number in range(len(urls))}
        named = message_type or kind.partition("/")[0].replace("application", "document")
        sid = {"sid": urls[0].split("/Messages/")[1].split("/")[0]} if "/Messages/" in urls[0] else {}
        return self.writes(caption, **sid, **media, **kinds, NumMedia=str(len(urls)), MessageType=named, **more)

    def shares(self, latitude: str, longitude: str, **more: str) -> Words:
        """A place on the map."""
        place = {"Latitude": latitude, "Longitude": longitude, "Address": "Via Emilia 1", "Label": ""}
        return self.writes("", **place, MessageType="location", **more)


def _replied(shown: str) -> Words:
    return {"OriginalRepliedMessageSender": f"whatsapp:{SENDER}", "OriginalRepliedMessageSid": shown} if shown else {}


@dataclass
class Line:
    """Twilio, calling the webhooks of an application about what happens on WhatsApp."""

    app: ASGIApp
    public_url: str = PUBLIC_URL
    token: str = TOKEN

    async def brings(self, words: Mapping[str, str] | Sequence[tuple[str, str]], **changes: Any) -> httpx.Response:
        """Call /twilio/inbound."""
        return await self.calls("/twilio/inbound", words, **changes)

    async def says(self, sid: str, status: str, number: int | str = "", **more: str) -> httpx.Response:
        """Call /twilio/status: what became of a message of ours."""
        words = {"MessageSid": sid, "MessageStatus": status, "SmsSid": sid, "SmsStatus": status, "AccountSid": ACCOUNT}
        words |= {"From": f"whatsapp:{SENDER}", "To": Phone().address, "ApiVersion": "2010-04-01", "ErrorCode": ""}
        return await self.calls(f"/twilio/status?oid={number}", words | more)

    async def calls(
        self,
        path: str,
        words: Mapping[str, str] | Sequence[tuple[str, str]],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> httpx.Response:
        """A signed call; with other headers or another body, what somebody has made of it on the way."""
        said = list(words.items()) if isinstance(words, Mapping) else list(words)
        signed = self.signed(path, said) if headers is None else headers
        content = urlencode(said).encode() if body is None else body
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.post(path, content=content, headers={"Content-Type": FORM, **signed})

    def signed(self, path: str, words: Iterable[tuple[str, str]]) -> dict[str, str]:
        return {"X-Twilio-Signature": sign(self.token, self.public_url + path, words)}

    def signed_with_a_key(self, key: str, path: str, words: Iterable[tuple[str, str]]) -> dict[str, str]:
        """As Twilio signs where the account has a key for that."""
        return {
            "X-Twilio-Signature": sign(key, self.public_url + path, words, "sha256"),
            "X-Twilio-Webhooks-Signature-Settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
        }
