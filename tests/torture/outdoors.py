# SPDX-License-Identifier: EUPL-1.2
"""What the servers of the networks have in common: they stand outdoors, in all weathers, and can be shut."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import uvicorn

Params = dict[str, Any]

FOREVER = 27.0  # seconds: longer than the program waits for an answer

# How likely each fault is, in each weather. After a comma stands what the program cannot know: "lost" is what was never
# delivered, "kept" is what was.
WEATHERS: dict[str, dict[str, float]] = {
    "clear": {"flood": 0.01, "error, lost": 0.003, "error, kept": 0.003},
    "slow": {"slow": 0.7},
    "flapping": {"hang up, lost": 0.2, "hang up, kept": 0.1},
    "errors": {"error, lost": 0.2, "error, kept": 0.1},
    "flood": {"flood": 0.4},
    "half answers": {"half, kept": 0.25},
    "silent": {"silence, kept": 0.04, "silence, lost": 0.02, "slow": 0.3},
    "down": {},
}


@dataclass
class Outdoors:
    """An application in the open, always at the same port."""

    random: random.Random
    weather: str = "clear"
    url: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    open_now: int = 0
    _server: Any = None
    _port: int = 0

    @property
    def never_confirmed(self) -> int:
        """How often the program could not know what became of its message."""
        return sum(count for fault, count in self.faults.items() if "," in fault)

    async def opens(self) -> None:
        if self._server is None:
            quiet: Params = {"log_config": None, "log_level": "critical", "lifespan": "off", "ws": "none"}
            app: Any = self
            config = uvicorn.Config(app, host="127.0.0.1", port=self._port, proxy_headers=False, **quiet)
            self._server = uvicorn.Server(config)
            config.load()
            self._server.lifespan = config.lifespan_class(config)
            await self._server.startup()
            self._port = self._server.servers[0].sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{self._port}"

    async def closes(self) -> None:
        """Nobody answers any more, and what was open is cut."""
        if self._server is not None:
            self._server.servers[0].close()
            connections = list(self._server.server_state.connections)
            self.faults["cut off, lost or kept"] += len(connections)  # on each of them something may be under way
            for connection in connections:
                connection.transport.abort()
            self._server = None
            await asyncio.sleep(0)

    async def turns(self, weather: str) -> None:
        self.weather = weather
        await (self.closes() if weather == "down" else self.opens())

    def what_goes_wrong(self) -> str:
        """A fault of this weather, or none."""
        drawn = self.random.random()
        for fault, chance in WEATHERS[self.weather].items():
            drawn -= chance
            if drawn < 0:
                return fault
        return ""
