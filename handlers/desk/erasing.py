# SPDX-License-Identifier: EUPL-1.2
"""
Deleting what is known of those who asked for it, as a worker does it, once their receipt has arrived.

Their address becomes a fingerprint that only the holder of the key can make again. It answers one question, whether
somebody with this address was deleted here, and no other.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from handlers.desk import Desk
from handlers.talk.catalogues import Catalogues
from storage import Store

# So long a channel may bring once more what they wrote: once they are deleted nobody knows it again.
QUIET = timedelta(minutes=10)
TRIED = timedelta(hours=1)  # after the last try of a receipt that cannot be sent everything is deleted all the same
NEVER_TRIED = timedelta(hours=72)  # and after so long whatever happens
DOWNLOADED = timedelta(hours=1)  # then what was downloaded is not kept here any more


def due(store: Store, now: datetime) -> list[int]:
    """Those who have their receipt and say no more, or have waited for it long enough."""
    return store.erasures.due(now, quiet=QUIET, tried=TRIED, never_tried=NEVER_TRIED)


def any_downloads(store: Store, now: datetime) -> bool:
    """Are there files with somebody's data that have been sent, or cannot be?"""
    return store.my_data.any_ended(now - DOWNLOADED)


def forget_downloads(store: Store, now: datetime) -> int:
    """Throw those files away. Returns how many."""
    return store.my_data.forget_ended(now - DOWNLOADED)


def erase(store: Store, person_id: int, now: datetime, catalogues: Catalogues, key: bytes) -> bool:
    """Delete, in this one transaction. False if it is done already, or was never asked for."""
    store.dialogues.lock_person(person_id)
    asked = store.erasures.of(person_id)
    if asked is None or asked.done_at:
        return False
    Desk(store, store.people.get(person_id), now, catalogues).erasure.give_up()
    key = key or secrets.token_bytes(32)  # nobody can make it again: then a fingerprint says nothing of anybody
    chats = store.people.identities(person_id)
    store.erasures.erase(person_id, {one.id: fingerprint(one.channel, one.address, key) for one in chats}, now)
    return True


def erased_at(store: Store, channel: str, address: str, key: bytes) -> datetime | None:
    """When somebody with this address was deleted here; none, as far as anybody can say without the key of that day."""
    return store.erasures.last(channel, fingerprint(channel, address, key)) if key else None


def was_erased(store: Store, channel: str, address: str, key: bytes) -> bool:
    """Was somebody with this address deleted here?"""
    return erased_at(store, channel, address, key) is not None


def fingerprint(channel: str, address: str, key: bytes) -> str:
    return hmac.new(key, f"erased:{channel}:{address}".encode(), hashlib.sha256).hexdigest()
