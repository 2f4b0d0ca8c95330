# SPDX-License-Identifier: EUPL-1.2
"""The demonstration: content that is invented, around territories that are real."""

from datetime import date, timedelta
from pathlib import Path

from bot.clock import Clock
from handlers.desk import loading
from handlers.talk.text import ROME
from storage import Storage, migration

KEEPS_FOR = timedelta(days=7)  # loading again moves every workshop, and who booked one meanwhile would wonder


def prepare(storage: Storage, clock: Clock, folder: Path) -> bool:
    """
    Tables and example content, if they are not there yet or more than a week old: dates count from the loading.

    False, and nothing is touched, where the database holds somebody's own content.
    """
    if migration.is_current(storage) and holds_own_content(storage):
        return False
    migration.upgrade(storage)
    now = clock.now()
    today = now.astimezone(ROME).date()
    with storage.writing() as store:
        loaded_on = store.questions.settings().get("demo_loaded_on")
        if loaded_on is None or today - date.fromisoformat(loaded_on) > KEEPS_FOR:
            loading.load(store, loading.read(folder), today=today, now=now)
            store.questions.set("demo_loaded_on", today.isoformat())
    return True


def holds_own_content(storage: Storage) -> bool:
    """Has a desk of its own been loaded here?"""
    with storage.reading() as store:
        return store.questions.notice() is not None and "demo_loaded_on" not in store.questions.settings()
