# SPDX-License-Identifier: EUPL-1.2
"""The demonstration as a stranger starts it: one command, a new database, a port that is free."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.database import free_port

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE_URL", "PORT", "SIMULATOR", "TELEGRAM_", "TWILIO_", "PUBLIC_URL", "DEFAULT_LANGUAGE")
PATIENCE = 40  # seconds


class Demo:
    """`sportello demo` in a process of its own; what it prints is kept in a file."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.prints = folder / "prints"
        settings = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        with self.prints.open("w") as prints:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "demo", "--port", str(self.port)],
                cwd=ROOT,
                env={**settings, "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite'}"},
                stdout=prints,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> "Demo":
        try:
            self._wait()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def __exit__(self, *_trouble: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def said(self) -> str:
        return self.prints.read_text(encoding="utf-8")

    @property
    def memory(self) -> int:
        """How many MB of memory it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert self.process.poll() is None, f"the demonstration ended:\n{self.said}"
            assert time.monotonic() < until, f"the demonstration is not ready after {PATIENCE} s:\n{self.said}"
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
