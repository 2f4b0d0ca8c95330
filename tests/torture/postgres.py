# SPDX-License-Identifier: EUPL-1.2
"""A PostgreSQL server of our own, which can lose its power and be started again."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from secrets import token_hex

from tests.database import free_port, postgresql_binaries

SETTINGS = "-c listen_addresses=127.0.0.1 -c max_connections=120 -c shared_buffers=32MB -c fsync=off"
# A machine that stays up keeps what was written, also without fsync: only the server dies here, not the machine.


class Postgres:
    """One cluster in a folder of its own; it refuses to run as root, so there it runs as postgres."""

    def __init__(self) -> None:
        binaries = postgresql_binaries()
        assert binaries, "no PostgreSQL here: Debian's package is called postgresql"
        self.binaries = binaries
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        memory = Path("/dev/shm")
        self.folder = (memory if os.access(memory, os.W_OK) else Path("/tmp")) / f"sportello-torture-{token_hex(4)}"
        self.port = free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> "Postgres":
        self.folder.mkdir(parents=True)
        if self.as_user:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8")
        self.starts()
        return self

    def __exit__(self, *_trouble: object) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        return self.folder / "db"

    def starts(self) -> None:
        """Start; after a kill, the last of its old processes may take a moment to go."""
        options = f"-p {self.port} -c unix_socket_directories={self.folder} {SETTINGS}"
        log = str(self.folder / "log")
        for _ in range(40):
            done = self._run("pg_ctl", "-D", str(self.data), "-w", "-l", log, "-o", options, "start", check=False)
            if done.returncode == 0:
                return
            time.sleep(0.25)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def is_killed(self) -> None:
        """The power is gone: nothing is written, nothing is said."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def _run(self, program: str, *words: str, check: bool = True) -> "subprocess.CompletedProcess[bytes]":
        command = [*self.as_user, str(self.binaries / program), *words]
        return subprocess.run(
            command,
            check=check,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            timeout=60,
        )
