# SPDX-License-Identifier: EUPL-1.2
"""Keeps the search up with what is said: off everybody's path, a little at a time."""

from storage import Storage


def keep_up(storage: Storage) -> bool:
    """
    One step: look at some of what is new or has changed, or clear away some of what was deleted. False if no more is
    to be done, or another process is at it.

    Each step is a transaction of its own, and a short one: who writes meanwhile waits for no more than that.
    """
    with storage.reading() as store:
        if not store.search.is_behind():
            return False
    with storage.writing() as store:
        return store.search.catch_up() > 0 or store.search.sweep()
