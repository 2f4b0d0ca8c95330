# SPDX-License-Identifier: EUPL-1.2
"""
A Telegram that only writes down what it gets, and when; it runs in a process of its own, as cheap as it can be.

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
        said = self.arrivals if head.startswith(b"GET /arrivals") else {"ok": True, "result": self.sent(body)}
        words = json.dumps(said).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(words) + words

    def sent(self, body: bytes) -> dict[str, Any]:
        fields = parse_qs(body.decode())
        chat = fields.get("chat_id", ["0"])[0]
        self.arrivals[chat].append(time.monotonic())
        to = {"id": int(chat), "type": "private", "first_name": "P"}
        return {"message_id": 1, "date": SENT_AT, "chat": to, "from": BOT, "text": fields.get("text", [""])[0]}


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
