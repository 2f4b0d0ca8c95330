# SPDX-License-Identifier: EUPL-1.2
"""The program as a larger town runs it: two web processes and two workers, which can be killed and started again."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.database import free_port

HOUSE = Path(__file__).resolve().parents[2]
PATIENCE = 8  # seconds, for a process that is asked to end


@dataclass
class Process:
    """``sportello web`` or ``sportello worker``."""

    kind: str
    environment: dict[str, str]
    log: IO[bytes]
    port: int = field(default_factory=free_port)
    running: "subprocess.Popen[bytes] | None" = None
    wanted: bool = False
    fell_over: int = 0

    def starts(self) -> None:
        self.wanted = True
        ours = {**os.environ, **self.environment, "PORT": str(self.port)}
        self.running = subprocess.Popen(
            [sys.executable, "-m", "bot", self.kind], env=ours, cwd=HOUSE, stdout=self.log, stderr=self.log
        )

    def is_told(self, how: signal.Signals) -> None:
        self.wanted = False
        if self.running:
            self.running.send_signal(how)

    def ends(self) -> None:
        """Wait until it has; one that takes too long is made to."""
        if self.running:
            try:
                self.running.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.is_told(signal.SIGKILL)
                self.running.wait(PATIENCE)
            self.running = None

    def is_killed(self) -> None:
        self.is_told(signal.SIGKILL)
        self.ends()


def stop(processes: "list[Process]") -> None:
    """As a platform stops them: they are asked, all at once."""
    for process in processes:
        process.is_told(signal.SIGTERM)
    for process in processes:
        process.ends()


class Program:
    """All processes of the desk."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log, self.environment = log, environment
        self._log = log.open("ab")
        self.webs = [Process("web", environment, self._log) for _ in range(2)]
        self.workers = [Process("worker", environment, self._log) for _ in range(2)]

    @property
    def all(self) -> list[Process]:
        return [*self.webs, *self.workers]

    def starts(self) -> None:
        for process in self.all:
            process.starts()

    def says(self, *words: str) -> None:
        """A command, as somebody types it."""
        subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env={**os.environ, **self.environment},
            cwd=HOUSE,
            stdout=self._log,
            stderr=self._log,
            check=True,
        )

    async def stays_up(self) -> None:
        """As a platform does: what ends by itself, as it does where the database is away, is started anew."""
        while True:
            await asyncio.sleep(0.5)
            for process in self.all:
                if process.wanted and process.running and process.running.poll() is not None:
                    process.fell_over += 1
                    process.starts()

    def close(self) -> None:
        for process in self.all:
            process.is_killed()
        self._log.close()
