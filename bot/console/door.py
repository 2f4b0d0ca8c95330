# SPDX-License-Identifier: EUPL-1.2
"""Who comes in: the cookie a browser holds, the form it sends, and whether it is ours."""

import hmac
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from handlers.desk.office.coming_in import hashed
from storage import Store
from storage.staff import Member, Session

LIVES_FOR = timedelta(hours=12)  # a working day, from the moment of signing in
RESTS_FOR = timedelta(hours=2)  # a browser that nobody has touched for so long is nobody's
SEEN_EVERY = timedelta(minutes=1)  # it is written down that a session is in use no more often than this

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


def cookie_name(is_secure: bool) -> str:
    """With the prefix __Host- a browser takes it only over HTTPS, and from this host alone (RFC 6265bis)."""
    return "__Host-sportello" if is_secure else "sportello"


def begin(store: Store, member: Member, now: datetime, *, is_whole: bool, device: str) -> str:
    """A new session; returns the token that only the browser will hold. ``now`` is real time, aware, UTC."""
    token = secrets.token_urlsafe(32)
    store.staff.begin_session(
        staff_id=member.id,
        token_hash=hashed(token),
        form_key=secrets.token_urlsafe(24),
        is_whole=is_whole,
        device=device[:120],
        at=now,
        seen_at=now,
        expires_at=now + LIVES_FOR,
    )
    return token


def whose(store: Store, token: str, now: datetime) -> tuple[Session, Member] | None:
    """Whose session this is, if it is open and in use. ``now`` is real time."""
    found = store.staff.session(hashed(token), now) if token else None
    return found if found and now - found[0].seen_at <= RESTS_FOR else None


def is_from_here(request: Request) -> bool:
    """Browsers say which site a form comes from; what says neither is no browser, and needs the form's key anyway."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def has_key(given: object, key: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), key.encode())


def give_cookie(response: Response, token: str, *, is_secure: bool) -> None:
    response.set_cookie(
        cookie_name(is_secure),
        token,
        max_age=int(LIVES_FOR.total_seconds()),
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )


def take_cookie(response: Response, *, is_secure: bool) -> None:
    response.delete_cookie(cookie_name(is_secure), path="/", secure=is_secure, httponly=True, samesite="lax")
