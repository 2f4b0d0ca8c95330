# SPDX-License-Identifier: EUPL-1.2
"""
A Telegram and a Twilio that only write down what they get, and when; in a process of its own, as cheap as can be.

It says its port on the first line of its output. Its clock is the machine's monotonic one, so that another process
on this machine may compare. ``GET /arrivals`` tells, for each chat, when something came.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs
from urllib.request import urlopen

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
BOT = {"id": 1, "is_bot": True, "first_name": "Sportello", "username": "sportello_bot"}
SENT_AT = 1_800_000_000
SENT_ON = "Fri, 15 Jan 2027 08:00:00 +0000"
SID = "SM" + "0" * 32
TAKEN = {
    "sid": SID,
    "account_sid": "AC" + "0" * 32,
    "api_version": "2010-04-01",
    "status": "queued",
    "direction": "outbound-api",
    "date_created": SENT_ON,
    "date_updated": SENT_ON,
    "date_sent": None,
    "error_code": None,
    "error_message": None,
    "messaging_service_sid": None,
    "num_media": "0",
    "num_segments": "1",
    "price": None,
    "price_unit": None,
    "uri": f"/2010-04-01/Accounts/AC{0:032}/Messages/{SID}.json",
    "subresource_uris": {"media": f"/2010-04-01/Accounts/AC{0:032}/Messages/{SID}/Media.json"},
}
Fields = dict[str, list[str]]


class Recorder(asyncio.Protocol):
    """One connection; calls come one after the other on it."""

    def __init__(self, arrivals: dict[str, list[float]]) -> None:
        self.arrivals, self.waiting = arrivals, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        head, found, rest = self.waiting.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        size = int(length[1]) if length else 0
        if found and len(rest) >= size:
            self.waiting = rest[size:]
            self.transport.write(self.answer(head, rest[:size]))

    def answer(self, head: bytes, body: bytes) -> bytes:
        words = json.dumps(self.said(head, parse_qs(body.decode()))).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(words) + words

    def said(self, head: bytes, fields: Fields) -> Any:
        if head.startswith(b"GET /arrivals"):
            return self.arrivals
        if head.startswith(b"POST /2010-04-01/"):
            return self.taken(fields)
        return {"ok": True, "result": self.sent(fields)}

    def sent(self, fields: Fields) -> dict[str, Any]:
        """As Telegram answers."""
        chat = fields.get("chat_id", ["0"])[0]
        self.arrivals[chat].append(time.monotonic())
        to = {"id": int(chat), "type": "private", "first_name": "P"}
        return {"message_id": 1, "date": SENT_AT, "chat": to, "from": BOT, "text": fields.get("text", [""])[0]}

    def taken(self, fields: Fields) -> dict[str, Any]:
        """As Twilio answers."""
        to = fields["To"][0]
        self.arrivals[to].append(time.monotonic())
        return TAKEN | {"to": to, "from": fields["From"][0], "body": fields.get("Body", [""])[0]}


async def serve() -> None:
    arrivals: dict[str, list[float]] = defaultdict(list)
    server = await asyncio.get_running_loop().create_server(lambda: Recorder(arrivals), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def recording() -> Iterator[str]:
    """The address of a recorder that lives as long as the block."""
    command = [sys.executable, "-m", "bot.bench.recorder"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def arrivals(url: str) -> dict[str, list[float]]:
    """When something came, for each chat."""
    with urlopen(f"{url}/arrivals") as answer:  # noqa: S310 - our own program on this machine
        return json.load(answer)  # type: ignore[no-any-return]


if __name__ == "__main__":
    asyncio.run(serve())
