# SPDX-License-Identifier: EUPL-1.2
"""Somebody at the door of the console with a browser of their own, and what they try."""

import re
from datetime import timedelta
from functools import cache
from typing import Any

import pyotp
from httpx2 import Response
from starlette.testclient import TestClient

from handlers.desk.office import passwords
from handlers.desk.office.coming_in import new_link
from storage.staff import Member
from tests.console.office import House

PASSWORD = "tre gatti sul tetto"


@cache
def hash_of_it() -> str:
    return passwords.hash_of(PASSWORD)


def member(house: House, role: str, password: str | None = PASSWORD) -> Member:
    """Somebody of the demonstration who has this role; with a password, unless none is wanted."""
    with house.store() as store:
        found = next(one for one in store.staff.all() if one.role == role)
        kept = None if password is None else hash_of_it() if password == PASSWORD else passwords.hash_of(password)
        store.staff.change(found.id, password=kept, language="en")
        changed = store.staff.get(found.id)
    assert changed
    return changed


class Stranger:
    """A browser that nobody is signed in with yet."""

    def __init__(self, house: House, **client: Any) -> None:
        self.house = house
        self.browser = TestClient(house.web, headers={"accept-language": "en"}, **client)

    def get(self, path: str) -> Response:
        return self.browser.get(path, follow_redirects=False)

    def post(self, path: str, key: str | None = None, **fields: Any) -> Response:
        """Fill in the form on a page and send it, with the key that stands in it."""
        data = {"form_key": self.key_on(path) if key is None else key, **fields}
        return self.browser.post(path, data=data, follow_redirects=False)

    def key_on(self, path: str) -> str:
        found = re.search(r'name="form_key" value="([^"]*)"', self.get(path).text)
        return found[1] if found else ""

    def sign_in(self, email: str, password: str = PASSWORD, **fields: Any) -> Response:
        return self.post("/console/sign-in", email=email, password=password, **fields)

    def give(self, code: str) -> Response:
        return self.post("/console/second-factor", code=code)

    def is_in(self) -> bool:
        return self.get("/console").status_code == 200


def in_as(house: House, role: str) -> Stranger:
    """Signed in with a password, as far as that goes."""
    found = Stranger(house)
    assert found.sign_in(member(house, role).email).status_code == 303
    return found


def secret_on(response: Response) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", response.text)
    assert found, response.text[:3000]
    return found[1].replace(" ", "")


def sealed_on(response: Response) -> str:
    found = re.search(r'name="sealed" value="([^"]+)"', response.text)
    assert found
    return found[1]


def code_now(house: House, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(house.now + timedelta(seconds=30 * steps))


def set_up(house: House, who: Stranger) -> tuple[str, list[str]]:
    """They set up their second factor: its secret, and the recovery codes."""
    page = who.get("/console/second-factor")
    secret = secret_on(page)
    fields = {"sealed": sealed_on(page), "code": code_now(house, secret), "form_key": key_in(page)}
    shown = who.browser.post("/console/second-factor/set-up", data=fields, follow_redirects=False)
    assert shown.status_code == 200, shown.text[:3000]
    codes = re.findall(r"<li><code>([a-z0-9-]+)</code></li>", shown.text)
    return secret, codes


def key_in(response: Response) -> str:
    found = re.search(r'name="form_key" value="([^"]*)"', response.text)
    assert found
    return found[1]


def link_for(house: House, role: str, kind: str) -> str:
    with house.store() as store:
        found = next(one for one in store.staff.all() if one.role == role)
        return f"/console/link/{new_link(store, found, kind, house.now)}"
