# SPDX-License-Identifier: EUPL-1.2
"""Who comes in: the cookie a browser holds, the form it sends, and whether it is ours."""

import hashlib
import hmac
import ipaddress
import json
import re
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from handlers.desk.office.coming_in import hashed
from storage import Store
from storage.staff import Member, Session

LIVES_FOR = timedelta(hours=12)  # a working day, from the moment of signing in
RESTS_FOR = timedelta(hours=2)  # a browser that nobody has touched for so long is nobody's
REMEMBERED_FOR = timedelta(days=180)  # that somebody came in with this browser
VISIT = timedelta(hours=1)  # as long a form before the session may stay open
AWAY = timedelta(minutes=10)  # as long another service may take to know somebody
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


def renew(store: Store, session: Session, member: Member, now: datetime, *, is_whole: bool) -> str:
    """Another session in the place of this one: whoever knew the old token knows nothing."""
    store.staff.change_session(session.id, ended_at=now)
    return begin(store, member, now, is_whole=is_whole, device=session.device or "")


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


def without_zeros(form: FormData) -> FormData:
    """No keyboard writes a zero byte, and not every database takes one."""
    return FormData(
        [(name, one.replace("\0", "") if isinstance(one, str) else one) for name, one in form.multi_items()]
    )


def ask_without_zeros(request: Request) -> None:
    """The same for what stands behind the question mark of the address."""
    while b"%00" in request.scope["query_string"]:
        request.scope["query_string"] = request.scope["query_string"].replace(b"%00", b"")


def sent_as(session: Session, request: Request, form: FormData) -> str:
    """The same for two clicks on one button, and for nothing else: a form of that page, with the same in it."""
    once = form.get("once")
    if not isinstance(once, str) or not 8 <= len(once) <= 64:
        return ""
    said = [(name, one if isinstance(one, str) else (one.filename, one.size)) for name, one in form.multi_items()]
    return hashlib.sha256(json.dumps([session.id, request.url.path, said]).encode()).hexdigest()


# ---- before there is a session: a form is ours if it carries what the browser of its visitor holds


def visit_name(is_secure: bool) -> str:
    return f"{cookie_name(is_secure)}_visit"


def visit_of(request: Request, *, is_secure: bool) -> str:
    """The key of the forms of this visit, the one the browser holds already if it does."""
    given = request.cookies.get(visit_name(is_secure), "")
    return given if re.fullmatch(r"[A-Za-z0-9_-]{32}", given) else secrets.token_urlsafe(24)


def give_visit(response: Response, key: str, *, is_secure: bool) -> None:
    _give(response, visit_name(is_secure), key, VISIT, is_secure=is_secure)


def is_of_this_visit(request: Request, given: object, *, is_secure: bool) -> bool:
    key = request.cookies.get(visit_name(is_secure), "")
    return bool(key) and is_from_here(request) and has_key(given, key)


# ---- that somebody came in with this browser before


def browser_name(is_secure: bool) -> str:
    return f"{cookie_name(is_secure)}_browser"


def remember_browser(response: Response, token: str, *, is_secure: bool) -> None:
    _give(response, browser_name(is_secure), token, REMEMBERED_FOR, is_secure=is_secure)


# ---- on the way to another service that knows them, and back


def way_back_name(is_secure: bool) -> str:
    return f"{cookie_name(is_secure)}_way_back"


def give_way_back(response: Response, kept: str, *, is_secure: bool) -> None:
    _give(response, way_back_name(is_secure), kept, AWAY, is_secure=is_secure)


def take_way_back(response: Response, *, is_secure: bool) -> None:
    response.delete_cookie(way_back_name(is_secure), path="/", secure=is_secure, httponly=True, samesite="lax")


# ---- what a request says of itself


def ours(path: str) -> str:
    """Where to go on, if it is a page of the console; else its first one: nobody is led elsewhere from our door."""
    is_ours = re.fullmatch(r"/console(?:/[\w-]+)*(?:\?[\w=&%.+:~-]*)?", path, re.ASCII) is not None
    is_the_door = path.startswith(("/console/sign-", "/console/link", "/console/second-factor"))
    return path if is_ours and not is_the_door else "/console"


def address_of(request: Request) -> str:
    """Where somebody is: their address, and of the newer ones the part that belongs to one household."""
    given = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return given
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    *((name, name) for name in ("Android", "iPhone", "iPad", "Windows")),
    *(("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


def device_of(request: Request) -> str:
    """A browser and what it runs on, so that its owner knows it again: Firefox, Windows."""
    agent = request.headers.get("user-agent", "")
    found = [next((name for mark, name in known if mark in agent), "") for known in (BROWSERS, SYSTEMS)]
    return ", ".join(one for one in found if one) or agent[:40]


# ---- the cookies


def give_cookie(response: Response, token: str, *, is_secure: bool) -> None:
    _give(response, cookie_name(is_secure), token, LIVES_FOR, is_secure=is_secure)


def _give(response: Response, name: str, value: str, lives_for: timedelta, *, is_secure: bool) -> None:
    seconds = int(lives_for.total_seconds())
    response.set_cookie(name, value, max_age=seconds, path="/", secure=is_secure, httponly=True, samesite="lax")


def take_cookie(response: Response, *, is_secure: bool) -> None:
    response.delete_cookie(cookie_name(is_secure), path="/", secure=is_secure, httponly=True, samesite="lax")
