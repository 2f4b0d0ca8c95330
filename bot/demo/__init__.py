# SPDX-License-Identifier: EUPL-1.2
"""The demonstration: content that is invented, around territories that are real."""

from pathlib import Path

from bot.clock import Clock
from handlers.desk import loading
from handlers.talk.text import ROME
from storage import Storage, migration


def prepare(storage: Storage, clock: Clock, folder: Path) -> None:
    """Tables and example content, if they are not there yet. Dates are counted from the day of loading."""
    migration.upgrade(storage)
    now = clock.now()
    today = now.astimezone(ROME).date()
    with storage.writing() as store:
        if store.questions.settings().get("demo_loaded_on") != today.isoformat():
            loading.load(store, loading.read(folder), today=today, now=now)
            store.questions.set("demo_loaded_on", today.isoformat())
