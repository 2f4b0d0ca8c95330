# SPDX-License-Identifier: EUPL-1.2
"""A Twilio of our own on this machine: it refuses what the real one refuses, and keeps the phones it delivers to."""

import asyncio
import base64
import hmac
import itertools
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.channels.bot_api import _hang_up, _served

Params = dict[str, Any]

DAY = timedelta(hours=24)
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
WORDS_OF_CREATE = (
    "To From Body MediaUrl ContentSid ContentVariables StatusCallback ValidityPeriod PersistentAction "
    "MessagingServiceSid ProvideFeedback MaxPrice ContentRetention AddressRetention SmartEncoded SendAt ScheduleType "
    "ForceDelivery ShortenUrls RiskCheck"
)
CREATE = set(WORDS_OF_CREATE.split())
FILTERS = {"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"}
A_PERSON = re.compile(r"whatsapp:(\+[1-9]\d{6,14}|[A-Z]{2}(?:\.ENT)?\.[A-Za-z0-9]{1,128})")
GAP = re.compile(r"\{\{(\w{1,16})\}\}")
CARRIED = re.compile(r"image/(jpeg|png|webp)|audio/|video/mp4|application/(pdf|msword|vnd\.)")
LARGEST = 16 * 2**20


def sign(key: str, url: str, params: Iterable[tuple[str, str]], algorithm: str = "sha1") -> str:
    """
    X-Twilio-Signature: of the address and every word of the form, by name, each pair once
    (twilio.com/docs/usage/security).
    """
    words = "".join(name + value for name, value in sorted(set(params)))
    return base64.b64encode(hmac.new(key.encode(), (url + words).encode(), algorithm).digest()).decode()


class Refused(Exception):
    """A no, as Twilio says it."""

    def __init__(self, status: int, code: int, message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message or f"Error {code}"

    def response(self) -> Response:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return JSONResponse(
            {"code": self.code, "message": self.message, "more_info": more, "status": self.status}, self.status
        )


@dataclass(frozen=True)
class Fault:
    """
    What goes wrong with a call. ``taken``: the call takes effect first, and then it goes wrong.

    With a delay alone nothing fails: the answer comes late. ``body`` is an answer of just that.
    """

    status: int = 0
    code: int = 0
    retry_after: int | None = None
    body: bytes | None = None
    location: str = ""
    hang_up: bool = False
    delay: float = 0.0
    taken: bool = False

    def response(self) -> Response:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.location:
            headers["Location"] = self.location
        if self.body is not None:
            return Response(self.body, self.status or 201, headers=headers)
        answer = Refused(self.status, self.code or self.status * 100).response()
        answer.headers.update(headers)
        return answer


@dataclass(frozen=True)
class Call:
    """A call that was made: its method, its path without the account, and what it carried."""

    method: str
    path: str
    params: Params
    at: float


@dataclass(frozen=True)
class Received:
    """A message of ours as a phone shows it. ``rows`` are buttons, or the lines of a list, as (id, words)."""

    sid: str
    text: str
    rows: tuple[tuple[str, str], ...] = ()
    descriptions: tuple[str, ...] = ()
    opener: str = ""
    media: tuple[str, ...] = ()
    pin: str = ""
    template: bool = False

    @property
    def labels(self) -> list[str]:
        return [words for _, words in self.rows]


@dataclass
class Phone:
    """Somebody's phone, by its address: whatsapp:+39…, or whatsapp:US.… of somebody with a user name."""

    address: str
    wrote_at: datetime | None = None
    blocked: bool = False
    messages: list[Received] = field(default_factory=list)

    def wrote(self, at: datetime) -> None:
        """Its owner has written to us: for a day we may write what we like."""
        self.wrote_at = at


@dataclass
class Content:
    """A form that is kept here, and what WhatsApp says of it."""

    sid: str
    friendly_name: str
    language: str
    variables: dict[str, str]
    types: Params
    status: str = "unsubmitted"
    reason: str = ""
    name: str = ""
    category: str = ""

    @property
    def kind(self) -> str:
        return next(iter(self.types))

    @property
    def shape(self) -> Params:
        found: Params = self.types[self.kind]
        return found

    def shown(self) -> Params:
        keys = ("sid", "friendly_name", "language", "variables", "types")
        return {key: getattr(self, key) for key in keys} | {"date_created": _iso(), "date_updated": _iso()}

    def approval(self) -> Params:
        return {
            "name": self.name,
            "category": self.category,
            "content_type": self.kind,
            "status": self.status,
            "rejection_reason": self.reason,
            "type": "whatsapp",
        }


class TwilioApi:
    """
    The server; use it in a ``with``. Everything may be called from any thread.

    ``now``: by whose clock a day has passed since somebody wrote. ``reaches``: where our public address really is.
    ``reports``: what becomes of a message that arrives is said by callback; ``early`` before the call is answered,
    ``order`` in another order. ``at_once``: what does not arrive is refused instead of being taken and reported.
    """

    def __init__(
        self,
        account: str = "AC" + "0" * 32,
        token: str = "a-token-that-opens-nothing",
        sender: str = "+390511234567",
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        rate: int = 80,
    ) -> None:
        self.account, self.token, self.sender, self.now, self.rate = account, token, sender, now, rate
        self.url = ""
        self.reaches: dict[str, str] = {}
        self.reports: Sequence[str] = ()
        self.early = self.at_once = self.approves = False
        self.order: Callable[[list[str]], list[str]] = list
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.posts: list[tuple[str, str, int]] = []  # message, its status, and what we answered (0: nothing)
        self.phones: dict[str, Phone] = {}
        self.messages: list[Params] = []  # as Twilio keeps them, in and out, oldest first
        self.contents: dict[str, Content] = {}
        self.noted: Params = {}  # what else is noted down of the sender
        self.media: dict[str, tuple[str, bytes]] = {}  # by path
        self.moved: dict[str, str] = {}  # media that lie elsewhere
        self._urls: dict[str, str] = {}  # where each message's reports go
        self._waiting: dict[str, tuple[Received, int]] = {}  # taken, and what will be wrong with it
        self._numbers = itertools.count(1)
        self._faults: list[tuple[str, Fault]] = []
        self._fails: deque[int] = deque()
        self._sent_at: deque[float] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.changed = threading.Condition(threading.RLock())

    # ---- starting and stopping

    def __enter__(self) -> "TwilioApi":
        started = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(started),), daemon=True)
        self._thread.start()
        assert started.wait(10), "the server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _run(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._app = self._application()
        async with httpx.AsyncClient(timeout=30, trust_env=False) as self._client, _served(self) as self.url:
            self._loop = asyncio.get_running_loop()
            started.set()
            await self._stop.wait()
            for task in list(self._tasks):
                task.cancel()

    def _application(self) -> Starlette:
        account, every = "/2010-04-01/Accounts/{account}", ["GET", "POST", "PUT", "DELETE"]
        paths: dict[str, Callable[[Request, Params], Response]] = {
            f"{account}.json": self._account,
            f"{account}/Messages.json": self._messages,
            f"{account}/Messages/{{sid}}.json": self._message,
            f"{account}/Messages/{{sid}}/Media.json": self._media_list,
            f"{account}/Messages/{{sid}}/Media/{{medium}}": self._medium,
            "/v1/Content": self._contents,
            "/v1/Content/{sid}": self._content,
            "/v1/Content/{sid}/ApprovalRequests": self._approval,
            "/v1/Content/{sid}/ApprovalRequests/whatsapp": self._submitted,
            "/v2/Channels/Senders": self._senders,
        }
        routes = [Route(path, self._served(answer), methods=every) for path, answer in paths.items()]
        routes.append(Route("/storage/{name}", self._storage))
        return Starlette(routes=routes, exception_handlers={404: self._nowhere})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["line"] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)

    # ---- what a test can do

    def phone(self, address: str, wrote_at: datetime | None = None) -> Phone:
        """A phone with WhatsApp on it."""
        self.phones[address] = Phone(address, wrote_at)
        return self.phones[address]

    def fails(self, fault: Fault, *, times: int = 1, path: str = "Messages.json") -> None:
        """The next calls whose path ends so go wrong."""
        with self.changed:
            self._faults += [(path, fault)] * times

    def loses(self, code: int, times: int = 1) -> None:
        """The next messages are taken, and do not arrive: reported with this code, or refused if it is ``at_once``."""
        with self.changed:
            self._fails += [code] * times

    def waits_for(self, what: Callable[[], Any], timeout: float = 5.0) -> None:
        """Wait until something is so; AssertionError if it never is."""
        with self.changed:
            assert self.changed.wait_for(what, timeout), f"not within {timeout} s"

    def called(self, method: str, path: str = "Messages.json") -> list[Params]:
        """What the calls whose path ends so carried, in order."""
        with self.changed:
            return [call.params for call in self.calls if call.method == method and call.path.endswith(path)]

    def sid(self, kind: str = "SM") -> str:
        return f"{kind}{next(self._numbers):032x}"

    def takes_in(self, sender: str, body: str, *, media: Sequence[tuple[str, bytes]] = (), **more: Any) -> Params:
        """Somebody has written to us: Twilio keeps it, and lists it. Who calls our webhook is not this server."""
        sid = self.sid("MM" if media else "SM")
        record = self._record(sid, sender, f"whatsapp:{self.sender}", body, "received", "inbound", len(media))
        with self.changed:
            self.messages.append(record | more)
            for kind, content in media:
                self.keeps(sid, kind, content)
            if sender in self.phones:
                self.phones[sender].wrote(self.now())
            self.changed.notify_all()
        return self.messages[-1]

    def keeps(self, message: str, kind: str, content: bytes) -> str:
        """A medium of a message, and its address as a webhook says it."""
        path = f"/2010-04-01/Accounts/{self.account}/Messages/{message}/Media/{self.sid('ME')}"
        self.media[path] = (kind, content)
        return f"https://api.twilio.com{path}"

    def decides(self, sid: str, status: str, reason: str = "") -> None:
        """WhatsApp has made up its mind about a form."""
        self.contents[sid].status, self.contents[sid].reason = status, reason

    def report(self, sid: str, status: str, code: int | None = None) -> None:
        """Say what became of a message, now."""
        assert self._loop
        asyncio.run_coroutine_threadsafe(self._post(sid, status, code), self._loop).result(10)

    # ---- the calls

    def _served(self, answer: Callable[[Request, Params], Response]) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            try:
                params = await _parameters(request)
                self._opened(request)
                self._note(request, params)
                return await self._answered(request, lambda: answer(request, params))
            except Refused as refusal:
                return refusal.response()

        return serve

    def _opened(self, request: Request) -> None:
        expected = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            raise Refused(401, 20003, "Authenticate")
        if request.path_params.get("account", self.account) != self.account:
            raise Refused(404, 20404, "The requested resource was not found")

    async def _nowhere(self, request: Request, _: Exception) -> Response:
        """Whoever does not say who they are learns nothing, not even that there is nothing."""
        try:
            self._opened(request)
        except Refused as refusal:
            return refusal.response()
        return Refused(404, 20404, "The requested resource was not found").response()

    def _note(self, request: Request, params: Params) -> None:
        with self.changed:
            self.calls.append(Call(request.method, request.url.path, params, time.monotonic()))
            self.changed.notify_all()

    async def _answered(self, request: Request, do: Callable[[], Response]) -> Response:
        fault = self._fault(request.url.path)
        if fault is None:
            return await self._done(do)
        early = await self._done(do) if fault.taken else None
        await asyncio.sleep(fault.delay)
        if fault.hang_up:
            return await _hang_up(request)
        if fault.status or fault.body is not None:
            return fault.response()
        return early or await self._done(do)

    async def _done(self, do: Callable[[], Response]) -> Response:
        with self.changed:
            before = len(self.messages)
            answer = do()
            new = [one for one in self.messages[before:] if one["direction"] == "outbound-api"]
            self.changed.notify_all()
        for one in new:
            await self._delivered(one)
        return answer

    def _fault(self, path: str) -> Fault | None:
        with self.changed:
            at = next((at for at, (end, _) in enumerate(self._faults) if path.endswith(end)), None)
            return None if at is None else self._faults.pop(at)[1]

    def _violation(self, what: str, code: int = 63021, status: int = 400) -> Refused:
        """Something that we should never ask for: whoever looks after the test hears of it."""
        self.violations.append(what)
        return Refused(status, code, what)

    # ---- messages

    def _messages(self, request: Request, params: Params) -> Response:
        return self._listed(request, params) if request.method == "GET" else self._created(params)

    def _listed(self, request: Request, params: Params) -> Response:
        if unknown := params.keys() - FILTERS:
            raise self._violation(f"unknown filters {unknown}")
        found = [one for one in reversed(self.messages) if _is_meant(one, params)]
        size, page = int(params.get("PageSize", 50)), int(params.get("Page", 0))
        shown, more = found[page * size : (page + 1) * size], len(found) > (page + 1) * size
        path = request.url.path
        following = f"{path}?{urlencode(params | {'Page': page + 1, 'PageToken': f'PA{page + 1}'})}" if more else None
        place = {"page": page, "page_size": size, "start": page * size, "end": page * size + max(len(shown) - 1, 0)}
        pages = {"uri": path, "first_page_uri": path, "previous_page_uri": None, "next_page_uri": following}
        return JSONResponse({"messages": shown, **place, **pages})

    def _message(self, request: Request, _: Params) -> Response:
        found = self._by_sid(request.path_params["sid"])
        if request.method == "DELETE":
            self.messages.remove(found)
            return Response(status_code=204)
        return JSONResponse(found)

    def _by_sid(self, sid: str) -> Params:
        found = next((one for one in self.messages if one["sid"] == sid), None)
        if found is None:
            raise Refused(404, 20404, f"The requested resource /Messages/{sid}.json was not found")
        return found

    def _created(self, params: Params) -> Response:
        self._not_too_fast()
        if unknown := params.keys() - CREATE:
            raise self._violation(f"unknown fields {unknown}")
        self._from_and_to(params)
        self._sound(params)
        received = self._rendered(params)
        lost = self._lost(params, received)
        if lost and self.at_once:
            raise Refused(400, lost)
        record = self._record(
            received.sid,
            f"whatsapp:{self.sender}",
            params["To"],
            received.text,
            "queued",
            "outbound-api",
            len(received.media),
        )
        self._urls[received.sid] = params.get("StatusCallback", "")
        self.messages.append(record)
        self._waiting[received.sid] = (received, lost)
        return JSONResponse(record, 201)

    def _not_too_fast(self) -> None:
        now = time.monotonic()
        while self._sent_at and self._sent_at[0] <= now - 1:
            self._sent_at.popleft()
        if len(self._sent_at) >= self.rate:
            raise Refused(429, 20429, "Too Many Requests")
        self._sent_at.append(now)

    def _from_and_to(self, params: Params) -> None:
        sender, to = params.get("From", ""), params.get("To", "")
        if not to:
            raise Refused(400, 21604, "A 'To' phone number is required.")
        if to.startswith("whatsapp:") != sender.startswith("whatsapp:"):
            raise Refused(400, 21910, "Invalid From and To pair. From and To should be of the same channel")
        if sender != f"whatsapp:{self.sender}":
            raise Refused(400, 63007, "Twilio could not find a Channel with the specified From address")
        if not A_PERSON.fullmatch(to):
            raise Refused(400, 21211, f"The 'To' number {to} is not a valid phone number.")

    def _sound(self, params: Params) -> None:
        body, media, content = params.get("Body"), params.get("MediaUrl"), params.get("ContentSid")
        if not (body and body.strip()) and not media and not content:
            raise Refused(400, 21602, "Message body is required.")
        if len(body or "") > 1600:
            raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if content and (body or media):
            raise self._violation("a form goes out alone")
        if "ContentVariables" in params and not content:
            raise Refused(400, 21654, "ContentSid Required")
        if callback := params.get("StatusCallback"):
            self._address(callback, 21609)
        if media:
            self._address(media, 21620)
        if not 1 <= int(params.get("ValidityPeriod", 1)) <= 36_000:
            raise self._violation(f"ValidityPeriod {params['ValidityPeriod']}")
        pin = params.get("PersistentAction")
        if pin and not re.fullmatch(r"geo:-?\d+(\.\d+)?,-?\d+(\.\d+)?\|.+", pin):
            raise self._violation(f"PersistentAction {pin}")

    def _address(self, url: str, code: int) -> None:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not is_local and (parts.scheme != "https" or "." not in (parts.hostname or "")):
            raise Refused(400, code, f"{url} is not a valid URL")

    def _rendered(self, params: Params) -> Received:
        sid = self.sid("MM" if "MediaUrl" in params else "SM")
        if "ContentSid" not in params:
            media = (params["MediaUrl"],) if "MediaUrl" in params else ()
            return Received(sid, params.get("Body", ""), media=media, pin=params.get("PersistentAction", ""))
        content = self.contents.get(params["ContentSid"])
        if content is None:
            raise Refused(400, 21655, "The ContentSid is Invalid")
        return self._filled(sid, content, self._variables(params, content))

    def _variables(self, params: Params, content: Content) -> dict[str, str]:
        try:
            given = json.loads(params.get("ContentVariables", "{}"))
        except ValueError:
            raise Refused(400, 21656, "The ContentVariables Parameter is invalid") from None
        if not isinstance(given, dict) or not all(isinstance(one, str) and one.strip() for one in given.values()):
            raise Refused(400, 21656, "The ContentVariables Parameter is invalid")
        wanted = set(GAP.findall(json.dumps(content.types)))
        if given.keys() != wanted:
            raise self._violation(f"variables {sorted(given)} for {sorted(wanted)}", 63028)
        if content.status == "approved" and any(re.search(r"\s{5,}|\n|\t", one) for one in given.values()):
            raise self._violation("a template's variable is one line, without five blanks in a row", 63013)
        return given

    def _filled(self, sid: str, content: Content, given: dict[str, str]) -> Received:
        def fill(text: str) -> str:
            return GAP.sub(lambda gap: given[gap.group(1)], text)

        shape, template = content.shape, content.status == "approved"
        text = fill(shape["body"])
        if content.kind == "twilio/text":
            self._short("body", [text], 1024 if template else 1600)
            return Received(sid, text, template=template)
        self._short("body", [text], 1024)
        if content.kind == "twilio/list-picker":
            items = shape["items"]
            rows = tuple((fill(one["id"]), fill(one["item"])) for one in items)
            descriptions = tuple(fill(one["description"]) for one in items if "description" in one)
            opener = fill(shape["button"])
            self._short("opener", [opener], 20)
            self._short("item", [words for _, words in rows], 24)
            self._short("description", descriptions, 72)
            self._apart(rows)
            return Received(sid, text, rows, descriptions, opener)
        rows = tuple((fill(one["id"]), fill(one["title"])) for one in shape["actions"])
        if len(rows) > (10 if template else 3):
            raise self._violation(f"{len(rows)} buttons in a session")
        self._short("title", [words for _, words in rows], 20)
        self._apart(rows)
        return Received(sid, text, rows, template=template)

    def _short(self, what: str, words: Iterable[str], most: int) -> None:
        for one in words:
            if not 1 <= len(one) <= most:
                raise self._violation(f"{what} of {len(one)} characters")

    def _apart(self, rows: Sequence[tuple[str, str]]) -> None:
        ids, words = zip(*rows, strict=True)
        if len(set(ids)) < len(ids) or len(set(words)) < len(words) or any(len(id) > 200 for id in ids):
            raise self._violation("two choices look the same, or an id is too long")

    def _lost(self, params: Params, received: Received) -> int:
        """The code with which it does not arrive; 0 if it does."""
        if self._fails:
            return self._fails.popleft()
        phone = self.phones.get(params["To"])
        if phone is None:
            return 63024
        is_open = phone.wrote_at is not None and self.now() - phone.wrote_at < DAY
        return 0 if is_open or received.template else 63016

    def _record(self, sid: str, sender: str, to: str, body: str, status: str, direction: str, media: int) -> Params:
        at = format_datetime(self.now().astimezone(UTC))
        uri = f"/2010-04-01/Accounts/{self.account}/Messages/{sid}"
        return {
            "sid": sid,
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "from": sender,
            "to": to,
            "body": body,
            "status": status,
            "direction": direction,
            "date_created": at,
            "date_sent": at,
            "date_updated": at,
            "error_code": None,
            "error_message": None,
            "messaging_service_sid": None,
            "num_media": str(media),
            "num_segments": "1",
            "price": None,
            "price_unit": None,
            "uri": f"{uri}.json",
            "subresource_uris": {"media": f"{uri}/Media.json"},
        }

    # ---- what becomes of a message

    async def _delivered(self, record: Params) -> None:
        received, lost = self._waiting.pop(record["sid"])
        lost = lost or await self._unfetched(received)
        phone = self.phones.get(record["to"])
        if not lost and phone and not phone.blocked:
            with self.changed:
                phone.messages.append(received)
                self.changed.notify_all()
        statuses = ["undelivered"] if lost else ["sent"] if phone and phone.blocked else list(self.reports)
        if not self._urls[record["sid"]] or not (lost or self.reports):
            with self.changed:
                record.update(status=statuses[-1] if statuses else "sent", error_code=lost or None)
            return
        telling = self._tell(record["sid"], self.order(statuses), lost or None)
        if self.early:
            await telling
        else:
            task = asyncio.create_task(telling)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _unfetched(self, received: Received) -> int:
        """Twilio fetches the file that goes with a message; here only from this machine."""
        for url in received.media:
            place = self._reached(url)
            if urlsplit(place).hostname not in LOOPBACK:
                continue
            try:
                answer = await self._client.get(place)
            except httpx.HTTPError:
                return 63019
            kind = answer.headers.get("content-type", "")
            if answer.status_code != 200 or len(answer.content) > LARGEST or not CARRIED.match(kind):
                return 63019
        return 0

    async def _tell(self, sid: str, statuses: Sequence[str], code: int | None) -> None:
        for status in statuses:
            await self._post(sid, status, code)

    async def _post(self, sid: str, status: str, code: int | None) -> None:
        record, url = self._by_sid(sid), self._urls[sid]
        record.update(status=status, error_code=code)
        said = {
            "ApiVersion": "2010-04-01",
            "MessageSid": sid,
            "SmsSid": sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "AccountSid": self.account,
            "From": record["from"],
            "To": record["to"],
            "ChannelPrefix": "whatsapp",
            "ChannelToAddress": record["to"].removeprefix("whatsapp:"),
        } | ({"ErrorCode": str(code), "ChannelStatusMessage": ""} if code else {})
        headers = {"X-Twilio-Signature": sign(self.token, url, said.items())}
        try:
            answered = (await self._client.post(self._reached(url), data=said, headers=headers)).status_code
        except httpx.HTTPError:
            answered = 0
        with self.changed:
            self.posts.append((sid, status, answered))
            self.changed.notify_all()

    def _reached(self, url: str) -> str:
        """Where a public address of ours really is."""
        for public, real in self.reaches.items():
            if url.startswith(public):
                return real + url.removeprefix(public)
        return url

    # ---- media

    def _media_list(self, request: Request, _: Params) -> Response:
        path = request.url.path.removesuffix(".json")
        listed = [
            {"sid": one.rsplit("/", 1)[1], "content_type": kind, "uri": f"{one}.json", "account_sid": self.account}
            | {"parent_sid": request.path_params["sid"], "date_created": format_datetime(self.now().astimezone(UTC))}
            | {"date_updated": format_datetime(self.now().astimezone(UTC))}
            for one, (kind, _content) in self.media.items()
            if one.startswith(f"{path}/")
        ]
        uris = {"uri": request.url.path, "first_page_uri": request.url.path}
        pages = {"page": 0, "page_size": 50, "start": 0, "end": len(listed), "next_page_uri": None}
        return JSONResponse({"media_list": listed, "previous_page_uri": None, **uris, **pages})

    def _medium(self, request: Request, _: Params) -> Response:
        path = request.url.path.removesuffix(".json")
        if path not in self.media:
            raise Refused(404, 20404, "The requested resource was not found")
        if request.method == "DELETE":
            del self.media[path]
            return Response(status_code=204)
        if path in self.moved:
            return Response(status_code=307, headers={"Location": f"{self.url}/storage/{path.rsplit('/', 1)[1]}"})
        kind, content = self.media[path]
        return Response(content, media_type=kind)

    async def _storage(self, request: Request) -> Response:
        """Where media lie; it wants no credentials, and is not to be given any."""
        if "authorization" in request.headers:
            self.violations.append("our credentials went to the storage")
        found = [one for path, one in self.media.items() if path.endswith(request.path_params["name"])]
        return Response(found[0][1], media_type=found[0][0]) if found else Response(status_code=404)

    # ---- forms

    def _contents(self, request: Request, params: Params) -> Response:
        if request.method == "POST":
            return self._made(params)
        size, page = int(params.get("PageSize", 50)), int(params.get("Page", 0))
        found = list(reversed(self.contents.values()))
        shown, more = found[page * size : (page + 1) * size], len(found) > (page + 1) * size
        following = f"https://content.twilio.com/v1/Content?PageSize={size}&Page={page + 1}" if more else None
        meta = {"page": page, "page_size": size, "next_page_url": following, "key": "contents"}
        return JSONResponse({"contents": [one.shown() for one in shown], "meta": meta})

    def _made(self, params: Params) -> Response:
        if unknown := params.keys() - {"friendly_name", "language", "variables", "types"}:
            raise self._violation(f"unknown in a form: {unknown}")
        types = params.get("types") or {}
        if not re.fullmatch(r"[a-z]{2}(_[A-Z]{2})?", params.get("language", "")) or len(types) != 1:
            raise self._violation("a form has a language and one type")
        given = Content(self.sid("HX"), params["friendly_name"], params["language"], params["variables"], types)
        self._sound_form(given)
        self.contents[given.sid] = given
        return JSONResponse(given.shown(), 201)

    def _sound_form(self, content: Content) -> None:
        shape, gaps = content.shape, set(GAP.findall(json.dumps(content.types)))
        allowed = {
            "twilio/text": {"body"},
            "twilio/quick-reply": {"body", "actions"},
            "twilio/list-picker": {"body", "button", "items"},
        }
        if shape.keys() != allowed.get(content.kind):
            raise self._violation(f"{content.kind} with {sorted(shape)}")
        if content.variables.keys() != gaps or not all(content.variables.values()) or len(gaps) > 100:
            raise self._violation(f"samples for {sorted(content.variables)} where {sorted(gaps)} are wanted")
        lines: list[Params] = shape.get("actions") or shape.get("items") or []
        keys = {"type", "title", "id"} if "actions" in shape else {"item", "id", "description"}
        if (lines or content.kind != "twilio/text") and not 1 <= len(lines) <= 10:
            raise self._violation(f"{len(lines)} choices")
        if any(line.keys() - keys for line in lines):
            raise self._violation("unknown in a choice")

    def _content(self, request: Request, _: Params) -> Response:
        content = self._kept(request)
        if request.method == "DELETE":
            del self.contents[content.sid]
            return Response(status_code=204)
        return JSONResponse(content.shown())

    def _kept(self, request: Request) -> Content:
        found = self.contents.get(request.path_params["sid"])
        if found is None:
            raise Refused(404, 20404, "The requested resource was not found")
        return found

    def _approval(self, request: Request, _: Params) -> Response:
        content = self._kept(request)
        return JSONResponse({"sid": content.sid, "whatsapp": content.approval()})

    def _submitted(self, request: Request, params: Params) -> Response:
        content = self._kept(request)
        body = content.shape["body"].strip()
        if content.kind == "twilio/list-picker":
            raise self._violation("a list is never approved")
        if params.keys() - {"name", "category", "allow_category_change"}:
            raise self._violation("unknown in a request for approval")
        if not re.fullmatch(r"[a-z0-9_]{1,512}", params["name"]) or params["category"] not in ("UTILITY", "MARKETING"):
            raise self._violation("an approval's name or category")
        if re.match(GAP, body) or re.search(GAP.pattern + r"$", body) or re.search(GAP.pattern + r"\s*\{\{", body):
            raise self._violation("a template neither starts nor ends with a variable, nor has two side by side")
        content.name, content.category = params["name"], params["category"]
        content.status = "approved" if self.approves else "received"
        return JSONResponse(content.approval(), 201)

    # ---- the account

    def _account(self, _request: Request, _params: Params) -> Response:
        return JSONResponse(
            {"sid": self.account, "friendly_name": "Sportello", "status": "active", "type": "Full"}
            | {"date_created": format_datetime(self.now()), "date_updated": format_datetime(self.now())}
        )

    def _senders(self, _request: Request, _params: Params) -> Response:
        sender = {"sid": "XE" + "0" * 32, "sender_id": f"whatsapp:{self.sender}", "status": "ONLINE"} | self.noted
        return JSONResponse({"senders": [sender], "meta": {"key": "senders", "next_page_url": None}})


def _is_meant(record: Params, params: Params) -> bool:
    if any(name in params and params[name] != record[name.lower()] for name in ("To", "From")):
        return False
    sent = parsedate_to_datetime(record["date_sent"])
    after, before, on = (params.get(name) for name in ("DateSent>", "DateSent<", "DateSent"))
    if on and sent.date().isoformat() != on[:10]:
        return False
    return not (after and sent < _moment(after)) and not (before and sent > _moment(before))


def _moment(said: str) -> datetime:
    found = datetime.fromisoformat(said.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _iso() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _parameters(request: Request) -> Params:
    """From the address, a form or JSON, as the real one takes them."""
    params: Params = dict(parse_qsl(request.url.query, keep_blank_values=True))
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        return params | dict(json.loads(body))
    return params | dict(parse_qsl(body.decode(), keep_blank_values=True))
