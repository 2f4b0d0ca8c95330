# SPDX-License-Identifier: EUPL-1.2
"""What Sportello remembers: opened by ``storage.open(url)``."""

from pathlib import Path

from storage.store import Storage, Store, normal
from storage.transaction import ChangedWhileLooking, Contested, Unavailable

__all__ = ["ChangedWhileLooking", "Contested", "Storage", "Store", "Unavailable", "open"]


def open(url: str) -> Storage:
    """The database behind this URL; the folder of a SQLite file is made if it is missing."""
    path = normal(url).removeprefix("sqlite:///")
    if path != normal(url) and path not in ("", ":memory:"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Storage(url)
