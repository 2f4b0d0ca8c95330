# SPDX-License-Identifier: EUPL-1.2
"""A page of the console as the function that answers it sees it, and the door in front of every page."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

import structlog
from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.bell import Bell
from bot.clock import Clock
from bot.console import door
from bot.console.rendering import environment, words, written_for
from bot.contract import Channel
from bot.settings import Settings
from handlers.desk.calendar import Links
from handlers.desk.health import Alarm, standing
from handlers.desk.office import Office, Refused
from handlers.desk.sealing import Seal
from handlers.rules.roles import ROOMS, may
from handlers.talk import Gone, _
from handlers.talk.catalogues import Catalogues
from handlers.talk.text import Reader, Words
from storage import Storage, Unavailable
from storage.staff import Member, Session

log = structlog.get_logger()
NOT_HERE = _("This is not here, or no longer.")
SAID = "sportello_said"  # a sentence on its way to the next page
LOOKS, PAUSE = 40, 0.05  # how often, and after how many seconds, a second click looks what became of the first
LARGEST_FORM = 25 * 1024 * 1024  # bytes; a file of 20 megabytes and what is around it


@dataclass(frozen=True)
class Console:
    """All that the pages need of the house."""

    settings: Settings
    storage: Storage
    clock: Clock
    catalogues: Catalogues
    bell: Bell
    links: Links | None = None
    seal: Seal | None = None  # None where no key is set
    knock: Callable[[], None] = lambda: None  # something may be due right now
    channels: Callable[[], Sequence[Channel]] = tuple  # new ones, to ask the networks with
    addresses: Callable[[str], Mapping[str, str | None]] = lambda start: {}  # by channel: a link that brings this
    templates: Environment = field(default_factory=environment)

    @property
    def is_secure(self) -> bool:
        """Do browsers reach us over HTTPS?"""
        return self.settings.public_url.startswith("https://")

    def reader(self, request: Request, member: Member | None = None) -> Reader:
        """The language somebody has chosen; else the first of their browser's that we speak; else the desk's own."""
        chosen = [member.language] if member and member.language else []
        accepted = [one.split(";")[0].strip()[:2] for one in request.headers.get("accept-language", "").split(",")]
        known = [one for one in [*chosen, *accepted] if one in self.catalogues.languages]
        return self.catalogues.reader(known[0] if known else self.catalogues.default)

    def office(self, store: Any, member: Member) -> Office:
        return Office(store, member, self.clock.now(), self.clock.real(), self.catalogues, self.links, self.seal)


class SentTwice(Exception):
    """A button was clicked twice: what it asks for is done, or is being done."""


@dataclass
class Page:
    """One request of somebody who is signed in and may make it."""

    console: Console
    request: Request
    member: Member
    session: Session
    form: FormData
    reader: Reader
    room: str
    sent: str = ""  # what tells this form from all others
    is_begun: bool = False  # something that it asks for is written
    alarms: Sequence[Alarm] = ()  # channels at which somebody must look, for who looks after them

    @contextmanager
    def reading(self) -> Iterator[Office]:
        """The desk in a transaction in which nothing changes."""
        with self.console.storage.reading() as store:
            yield self.console.office(store, self.member)

    @contextmanager
    def writing(self) -> Iterator[Office]:
        """
        The desk in a transaction that commits at its end; then the worker and the open pages have a look.

        Raises SentTwice for a form that was sent a moment ago.
        """
        with self.console.storage.writing() as store:
            if self.sent and not self.is_begun and not store.staff.begin_form(self.sent, self.console.clock.real()):
                raise SentTwice
            yield self.console.office(store, self.member)
        self.is_begun = bool(self.sent)
        self.console.knock()
        self.console.bell.ring()

    @property
    def is_fragment(self) -> bool:
        """Does a page that is open ask for a part of itself?"""
        return self.request.headers.get("hx-request") == "true"

    def may(self, room: str, action: str) -> bool:
        return may(self.member.roles, room, action)

    def id(self, name: str = "id") -> int:
        """A number in the address. Raises Gone for what is none."""
        given = str(self.request.path_params[name])
        if not (given.isascii() and given.isdigit() and len(given) <= 15):
            raise Gone
        return int(given)

    def asked(self, name: str, default: str = "") -> str:
        """What stands behind the question mark of the address, without the blanks around it."""
        return self.request.query_params.get(name, default).strip()

    def number(self, name: str) -> int | None:
        """A number behind the question mark; None for what is none."""
        given = self.asked(name)
        return int(given) if given.isascii() and given.isdigit() and len(given) <= 15 else None

    def given(self, name: str, default: str = "") -> str:
        """What was written in a field of the form, without the blanks around it."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def chosen(self, name: str) -> list[str]:
        """All that was ticked under one name."""
        return [one for one in self.form.getlist(name) if isinstance(one, str)]

    def words(self, text: Words) -> str:
        """A sentence in this reader's language."""
        with written_for(self.reader):
            return words(text)

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, or with a name that begins with an underscore the part of one."""
        with written_for(self.reader):
            found = self.console.templates.get_template(template).render(page=self, said=self.said, **values)
        response = HTMLResponse(found, status_code=status)
        if self.said and not self.is_fragment:
            response.delete_cookie(SAID, path="/console")
        return response

    @property
    def said(self) -> str:
        """What the page before had to say, once."""
        return "" if self.is_fragment else unquote(self.request.cookies.get(SAID, ""))[:500]

    def go(self, path: str, said: Words | None = None, **query: Any) -> Response:
        """On to another page (after a form: so that reloading does not send it twice), with a sentence for it."""
        asked = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        to = f"{path}?{asked}" if asked else path
        if self.is_fragment:
            response: Response = Response(headers={"HX-Redirect": to})
        else:
            response = RedirectResponse(to, status_code=303)
        if said is not None:
            self._send_ahead(response, self.words(said))
        return response

    @staticmethod
    def once() -> str:
        """Another one for every form of every page."""
        return secrets.token_urlsafe(12)

    def end(self, response: Response) -> None:
        """What led to another page is done; everything else may be sent again."""
        if self.is_begun:
            with self.console.storage.writing() as store:
                store.staff.end_form(self.sent, response.headers.get("Location"))

    def as_before(self) -> Response | None:
        """Where the first of two clicks led; None if it led nowhere, so that the second one counts."""
        went_to = None
        for _look in range(LOOKS):
            with self.console.storage.reading() as store:
                is_known, went_to = store.staff.form_went_to(self.sent)
            if not is_known:
                return None
            if went_to:
                break
            time.sleep(PAUSE)
        return self.go(went_to or "/console", _("This was sent twice. It is done once."))

    def _send_ahead(self, response: Response, sentence: str) -> None:
        kept = {"path": "/console", "max_age": 60, "httponly": True, "samesite": "lax"}
        response.set_cookie(SAID, quote(sentence), secure=self.console.is_secure, **kept)  # type: ignore[arg-type]


Answer = Callable[[Page], Response]


class Entry(NamedTuple):
    """A page: where it is, what answers it, and what one must be allowed to do."""

    path: str
    answer: Answer
    room: str
    action: str
    method: str
    half_way: bool = False  # also before the second factor has been given


def get(path: str, room: str, action: str, answer: Answer, *, half_way: bool = False) -> Entry:
    """A page to look at."""
    return Entry(path, answer, room, action, "GET", half_way)


def post(path: str, room: str, action: str, answer: Answer, *, half_way: bool = False) -> Entry:
    """A form of ours that is sent."""
    return Entry(path, answer, room, action, "POST", half_way)


def guarded(console: Console, entry: Entry) -> Callable[[Request], Awaitable[Response]]:
    """The page behind its door: signed in, allowed, from a form of ours; else a page that says which of them fails."""
    assert entry.action in ROOMS[entry.room], f"{entry.path}: nobody may {entry.action} {entry.room}"

    async def answer(request: Request) -> Response:
        try:
            response = await opened(console, entry, request)
        except Unavailable:
            response = trouble(console, request, 503, _("The database does not answer. Try again in a moment."))
        for name, value in door.HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return answer


async def opened(console: Console, entry: Entry, request: Request) -> Response:
    found = await asyncio.to_thread(who, console, request)
    if found is None:
        return to_sign_in(request)
    session, member = found
    if not session.is_whole and not entry.half_way:
        return elsewhere(request, f"/console/second-factor?next={quote(request.url.path)}")
    if not may(member.roles, entry.room, entry.action):
        await asyncio.to_thread(note_refusal, console, member, entry, request)
        return trouble(console, request, 403, _("Your role does not include this page."), member)
    form = FormData()
    if entry.method == "POST":
        length = request.headers.get("content-length", "")
        # Every browser says how long its form is.
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST_FORM:
            return trouble(console, request, 413, _("This is too big to be sent."), member)
        form = door.without_zeros(await request.form(max_files=5, max_fields=2000))
        key = request.headers.get("x-form-key") or form.get("form_key")
        if not (door.is_from_here(request) and door.has_key(key, session.form_key)):
            await form.close()
            return trouble(console, request, 403, _("This form is too old. Open the page again and repeat."), member)
    if any("\0" in str(one) for one in request.path_params.values()):
        await form.close()
        return trouble(console, request, 404, NOT_HERE, member)
    door.ask_without_zeros(request)
    sent = door.sent_as(session, request, form)
    page = Page(console, request, member, session, form, console.reader(request, member), entry.room, sent)
    if may(member.roles, "health", "read") and not page.is_fragment:
        page.alarms = await asyncio.to_thread(alarms, console)
    try:
        return await asyncio.to_thread(answered, entry, page)
    finally:
        await form.close()  # the files in it


def answered(entry: Entry, page: Page) -> Response:
    try:
        response = entry.answer(page)
    except SentTwice:
        return page.as_before() or answered(entry, page)
    except Gone as gone:
        response = trouble(page.console, page.request, 404, gone.why or NOT_HERE, page.member)
    except Refused as refused:
        response = trouble(page.console, page.request, 409, refused.why, page.member)
    page.end(response)
    return response


def who(console: Console, request: Request) -> tuple[Session, Member] | None:
    """Whose session it is; that it is in use is written down once a minute."""
    token, real = request.cookies.get(door.cookie_name(console.is_secure), ""), console.clock.real()
    with console.storage.reading() as store:
        found = door.whose(store, token, real)
    if found and real - found[0].seen_at > door.SEEN_EVERY:
        with console.storage.writing() as store:
            store.staff.change_session(found[0].id, seen_at=real)
    return found


def alarms(console: Console) -> list[Alarm]:
    with console.storage.reading() as store:
        return standing(store)


def note_refusal(console: Console, member: Member, entry: Entry, request: Request) -> None:
    with console.storage.writing() as store:
        console.office(store, member).note("forbidden", f"console:{entry.room}", wanted=entry.action)


def to_sign_in(request: Request) -> Response:
    """The way to the door, and back to this page afterwards."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return elsewhere(
        request, f"/console/sign-in?next={quote(asked)}" if request.method == "GET" else "/console/sign-in"
    )


def elsewhere(request: Request, path: str) -> Response:
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": path})
    return RedirectResponse(path, status_code=303)


def trouble(console: Console, request: Request, status: int, why: Words, member: Member | None = None) -> Response:
    """A page that says what is wrong, and where to go on."""
    with written_for(console.reader(request, member)):
        template = "_trouble.html" if request.headers.get("hx-request") == "true" else "trouble.html"
        found = console.templates.get_template(template).render(why=why, status=status)
    return HTMLResponse(found, status_code=status)
