# SPDX-License-Identifier: EUPL-1.2
"""The console with the whole demonstration in it, and a browser for each role at its door."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from bot.clock import Clock
from bot.console import door
from bot.main import Sportello, build, web
from bot.settings import Settings
from handlers.desk import loading
from handlers.talk import Address, Incoming
from handlers.talk.text import ROME
from storage import Storage
from storage.staff import Member
from storage.tables import audit
from tests.database import DEMO, MONDAY


def load_demo(found: Storage) -> None:
    """All of the demonstration, as it is loaded on the Monday of the tests."""
    with found.writing() as store:
        content = loading.read(DEMO)
        loading.load(store, content, today=MONDAY.astimezone(ROME).date(), now=MONDAY)


@dataclass
class Visitor:
    """Somebody of the staff with a browser, signed in."""

    browser: TestClient
    member: Member
    form_key: str

    def get(self, path: str, **query: Any) -> Response:
        return self.browser.get(path, params=query or None, follow_redirects=False)

    def post(self, path: str, files: Any = None, **fields: Any) -> Response:
        """Send a form of ours, with its key."""
        data = {"form_key": self.form_key, **{name: value for name, value in fields.items() if value is not None}}
        return self.browser.post(path, data=data, files=files, follow_redirects=False)

    def said(self, response: Response) -> str:
        """The sentence that a form sends ahead to the next page."""
        assert response.status_code == 303, (response.status_code, response.text[:2000])
        return unquote(response.cookies.get("sportello_said", ""))


class House:
    """A desk with the demonstration, without a worker; ``now`` may be moved by a test."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.now: datetime = MONDAY
        self._written = 0
        usual = {"database_url": url, "public_url": "http://testserver", "encryption_key": "a key for tests"}
        self.settings = Settings(**{**usual, **settings})
        self.desk: Sportello = build(self.settings, Clock(real=lambda: self.now), transports={})
        self.web = web(self.desk, with_worker=False)
        self._visitors: dict[str, Visitor] = {}

    @property
    def storage(self) -> Storage:
        return self.desk.storage

    def store(self) -> Any:
        """A transaction to look at what is there, or to make it so."""
        return self.storage.writing()

    def as_(self, role: str, language: str = "en") -> Visitor:
        """Somebody of the demonstration who has this role, and the browser they are signed in with."""
        if role not in self._visitors:
            with self.store() as store:
                member = next(one for one in store.staff.all() if one.role == role)
            self._visitors[role] = self.signed_in(member.id, language)
        return self._visitors[role]

    def signed_in(self, staff_id: int, language: str = "en") -> Visitor:
        with self.store() as store:
            store.staff.change(staff_id, language=language)
            member = store.staff.get(staff_id)
            assert member
            token = door.begin(store, member, self.now, is_whole=True, device="test")
            session = door.whose(store, token, self.now)
            assert session
        browser = TestClient(self.web, cookies={door.cookie_name(False): token})
        return Visitor(browser, member, session[0].form_key)

    def stranger(self) -> TestClient:
        return TestClient(self.web)

    def hear(self, who: str, text: str, channel: str = "telegram", **more: Any) -> int:
        """Somebody writes to the desk; returns who they are."""
        self._written += 1
        address = Address(channel, who, simulated=True)
        number = f"test-{self._written}"
        self.desk.engine.hear([Incoming(address, number, self.now, number, text=text, **more)])
        with self.store() as store:
            found = store.people.at(channel, who)
            assert found
            return int(found[1].id)

    def person(self, code: str) -> int:
        """An invented person of the demonstration, such as j01."""
        with self.store() as store:
            return next(one.id for one, chat in store.people.demonstration() if chat.address == f"demo:{code}")

    def audited(self, *actions: str) -> list[tuple[str, str, str]]:
        """Who did what to whom, of these actions, oldest first."""
        with self.store() as store:
            rows = store.read(select(audit).order_by(audit.c.id))
        return [(row.actor, row.action, row.subject) for row in rows if row.action in actions]

    def close(self) -> None:
        self.desk.close()


def text_of(response: Response) -> str:
    """What somebody reads on a page: without markup, blanks folded."""
    body = re.sub(r"(?s)<(script|style).*?</\1>", " ", response.text)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())
