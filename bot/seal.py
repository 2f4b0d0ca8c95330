# SPDX-License-Identifier: EUPL-1.2
"""The seal made with the desk's own key, from the environment: a copy of the database alone does not open it."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.settings import Settings
from handlers.desk.sealing import BrokenSeal, Seal


class KeySeal:
    """Closes with the first of its keys, and opens what any of them has closed, so that a key can be replaced."""

    def __init__(self, keys: list[bytes]) -> None:
        self.keys = keys

    def close(self, text: str, about: str) -> str:
        return self._lock(about).encrypt(text.encode()).decode()

    def open(self, sealed: str, about: str) -> str:
        try:
            return self._lock(about).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise BrokenSeal(about) from None

    def _lock(self, about: str) -> MultiFernet:
        """A lock of its own for each thing: what is copied from one row into another does not open there."""
        return MultiFernet([Fernet(derived(key, about)) for key in self.keys])


def derived(key: bytes, about: str) -> bytes:
    found = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sportello seal:" + about.encode()).derive(key)
    return base64.urlsafe_b64encode(found)


def seal_of(settings: Settings) -> Seal | None:
    """None where no key is set: then nothing can be sealed, and the pages say so."""
    return KeySeal(settings.seal_keys) if settings.seal_keys else None
