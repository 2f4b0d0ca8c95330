# SPDX-License-Identifier: EUPL-1.2
"""How the staff come in: with a password, by a link that opens once, or as somebody another service knows."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handlers.desk.office import passwords
from handlers.rules.guessing import ACCOUNT, ADDRESS, BROWSER, Patience, free_from
from handlers.rules.roles import needs_second_factor
from storage import Store
from storage.staff import Link, Member

# How long a link opens. A way in is for somebody who looks at the screen now; an invitation waits for its reader.
OPENS_FOR = {"invitation": timedelta(days=7), "reset": timedelta(hours=1), "sign_in": timedelta(hours=24)}


def hashed(token: str) -> str:
    """What the database keeps of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_link(store: Store, member: Member, kind: str, real: datetime) -> str:
    """The token of a link that opens once; only its hash is kept. ``real`` is real time, aware, UTC."""
    token = secrets.token_urlsafe(32)
    store.staff.put_link(
        staff_id=member.id, kind=kind, token_hash=hashed(token), at=real, expires_at=real + OPENS_FOR[kind]
    )
    return token


def password_link(store: Store, member: Member, real: datetime) -> str:
    """A link to choose a password: the first one, or a new one. Their links from before open no more."""
    store.staff.end_links(member.id, real)
    return new_link(store, member, "reset" if member.password else "invitation", real)


def is_whole_at_once(member: Member) -> bool:
    """Do they come in with one thing they know? Not where a second one is needed, nor where they have chosen it."""
    return member.second_factor is None and not needs_second_factor(member.roles)


# ---- tries, counted before it is known whether they are right: many at once are no way around it


@dataclass(frozen=True)
class Try:
    """Somebody tries: what was counted of it, or from when on they may."""

    counted: tuple[int, ...] = ()
    wait_until: datetime | None = None


def tried(store: Store, who: Sequence[tuple[str, Patience]], real: datetime) -> Try:
    """Count a try for each of these; or none of it, and until when to wait. Commit before looking at the password."""
    kept = sorted((hashed(name), patience) for name, patience in who)
    for name, _patience in kept:
        store.staff.one_at_a_time(name)
    waits = [free_from(store.staff.attempts(name, real - patience.within), patience) for name, patience in kept]
    longest = max((wait for wait in waits if wait), default=None)
    if longest and longest > real:
        return Try(wait_until=longest)
    return Try(tuple(store.staff.attempted(name, real) for name, _patience in kept))


# ---- by e-mail address and password


@dataclass(frozen=True)
class Knock:
    """Somebody at the door with an address and a password; from where; and what their browser keeps from before."""

    email: str
    password: str
    address: str
    browser: str = ""


@dataclass(frozen=True)
class Answer:
    """Who may come in; or nobody, and perhaps not before a moment."""

    member: Member | None = None
    wait_until: datetime | None = None


class Entrance:
    """The three steps of coming in with a password: count it, compare it with no transaction open, open the door."""

    def __init__(self, knock: Knock, real: datetime) -> None:
        self.knock, self.real = knock, real
        self.member: Member | None = None
        self.attempt = Try()

    def count(self, store: Store) -> datetime | None:
        """Until when they wait; None if they may try now."""
        found = store.staff.with_email(self.knock.email)
        self.member = found if found and found.closed_at is None else None
        self.attempt = tried(store, [self._theirs(), (f"address:{self.knock.address}", ADDRESS)], self.real)
        return self.attempt.wait_until

    def compare(self) -> tuple[bool, str | None]:
        """Is it their password, and what to keep of it from now on, if that changes."""
        kept = self.member.password if self.member else None
        is_right = passwords.is_right(kept, self.knock.password)
        is_old = is_right and kept is not None and passwords.is_old(kept)
        return is_right, passwords.hash_of(self.knock.password) if is_old else None

    def open(self, store: Store, is_right: bool, kept: str | None) -> Member | None:
        """Who comes in. What was true when the password was compared must still be."""
        before = self.member
        member = store.staff.lock(before.id) if before and is_right else None
        if before is None or member is None or member.closed_at or member.password != before.password:
            subject = f"staff:{before.id}" if before else "console:sign-in"
            note(store, self.real, "stranger", "sign_in_refused", subject, by="password")
            return None
        store.staff.take_back(self.attempt.counted)
        store.staff.forget_attempts(hashed(self._theirs()[0]))
        if kept:
            store.staff.change(member.id, password=kept)
        return store.staff.get(member.id)

    def _theirs(self) -> tuple[str, Patience]:
        """A browser they came in with before has a count of its own, so that nobody else can make them wait."""
        if self.member and is_known_browser(self.knock.browser, self.member):
            return f"browser:{self.knock.browser}", BROWSER
        return f"account:{self.knock.email.strip().lower()}", ACCOUNT


def browser_token(member: Member) -> str:
    """What a browser keeps once they have come in with it; a new password makes it worth nothing."""
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{_signed(nonce, member)}"


def is_known_browser(token: str, member: Member) -> bool:
    nonce, _dot, mark = token.partition(".")
    return bool(member.password) and hmac.compare_digest(mark.encode(), _signed(nonce, member).encode())


def _signed(nonce: str, member: Member) -> str:
    # The hash of the password is known to nobody else; so no further key is needed.
    key, about = (member.password or "").encode(), f"browser:{member.id}:{nonce}".encode()
    return hmac.new(key, about, hashlib.sha256).hexdigest()


# ---- by a link


def behind(store: Store, token: str, real: datetime) -> tuple[Link, Member] | None:
    """What a link opens, and for whom; nothing is used up by looking."""
    link = store.staff.link(hashed(token), real)
    member = store.staff.get(link.staff_id) if link else None
    return (link, member) if link and member and member.closed_at is None else None


def use(store: Store, token: str, real: datetime, password: str | None = None) -> tuple[Link, Member] | None:
    """
    Whom the link lets in, once; with the hash of a new password it is theirs from now on, and every other way in ends.
    """
    found = behind(store, token, real)
    member = store.staff.lock(found[1].id) if found else None
    if found is None or member is None or member.closed_at or not store.staff.use_link(found[0].id, real):
        return None
    if password is not None:
        store.staff.change(member.id, password=password)
        store.staff.end_sessions(member.id, real)
        store.staff.end_links(member.id, real)
        store.staff.forget_attempts(hashed(f"account:{member.email}"))
        note(store, real, f"staff:{member.id}", "password_set", f"staff:{member.id}", by=found[0].kind)
        member = store.staff.get(member.id)
        assert member
    return found[0], member


def note(store: Store, real: datetime, actor: str, action: str, subject: str, **details: Any) -> None:
    """Write down who came in, and who could not; never the address that was typed where it is nobody's."""
    store.records.note(at=real, actor=actor, action=action, subject=subject, details=details or None)
