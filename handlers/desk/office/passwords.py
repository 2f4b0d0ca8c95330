# SPDX-License-Identifier: EUPL-1.2
"""Passwords: what is kept of one, whether somebody knows it, and what is wrong with a new one."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from handlers.rules.passwords import LEAST, MOST, Weakness, weakness
from handlers.talk import Text, _
from storage.staff import Member

# OWASP's first choice for argon2id: some 40 ms and 19 MB a try, which a small server can afford and a thief cannot.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

WEAK: dict[Weakness, Text] = {
    "too_short": _("Take at least {least} characters: three or four words are easy to remember.", least=LEAST),
    "too_long": _("This is too long: {most} characters at most.", most=MOST),
    "own_name": _("This is your own name or e-mail. Take something nobody knows of you."),
    "too_common": _("Many people take this one. Take three or four words of your own."),
}


def hash_of(password: str) -> str:
    return HASHER.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Is it this password? Where there is none it takes as long, so that nobody learns who has an account."""
    stand_in = _of_nobody()
    try:
        return HASHER.verify(kept or stand_in, password[: MOST + 1]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_old(kept: str) -> bool:
    """Was it made with weaker settings than today's?"""
    return HASHER.check_needs_rehash(kept)


def wrong_with(password: str, member: Member) -> Text | None:
    """Why this cannot be their password, in a sentence for them."""
    why = weakness(password, (member.name, member.email))
    return WEAK[why] if why else None


@cache
def _of_nobody() -> str:
    return HASHER.hash("nobody knows this one")
