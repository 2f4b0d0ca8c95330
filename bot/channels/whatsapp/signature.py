# SPDX-License-Identifier: EUPL-1.2
"""Whether it is Twilio that calls us: it signs the address it calls and every word it brings."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlparse

from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    add_port,
    get_signature_algorithm,
    remove_port,
)


@dataclass(frozen=True)
class Keys:
    """With what Twilio signs: the token of the account, or a key that is only for this."""

    token: str
    shared: str = ""

    def named_by(self, algorithm: str) -> str:
        """The key of an algorithm; empty where we have none, or have never heard of it."""
        return {HMAC_SHA1: self.token, HMAC_SHA256: self.shared}.get(algorithm, "")


def is_signed(keys: Keys, address: str, words: ImmutableMultiDict[str, str], headers: Mapping[str, str]) -> bool:
    """
    Was this signed with one of our keys? The address is the one that Twilio was given, as the whole world knows it.

    There is no time in a signature: an old request that is sent again is signed as well.
    """
    algorithm = get_signature_algorithm(headers.get(SIGNATURE_SETTINGS_HEADER)).upper()
    key = keys.named_by(algorithm)
    if not key:  # without a key, anybody could sign
        return False
    given, signer = headers.get(SIGNATURE_HEADER, "").encode(), RequestValidator(key)
    right = (signer.compute_signature(one, words, algorithm) for one in _spellings(address))
    return any([hmac.compare_digest(one.encode(), given) for one in right])


def _spellings(address: str) -> tuple[str, str]:
    """With its port and without it: Twilio signs either."""
    parts = urlparse(address)
    return remove_port(parts), add_port(parts)
