# SPDX-License-Identifier: EUPL-1.2
"""Coming in as somebody whom another service knows: a stand-in for it, and what it must not get away with."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.console.at_the_door import Stranger, in_as, member, set_up
from tests.console.office import House, text_of
from tests.database import MONDAY, free_port

CLIENT, SECRET = "sportello", "the secret of the client"


@dataclass
class Provider:
    """A service that knows people; ``says`` changes what it claims, ``key`` with what it signs."""

    port: int
    key: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    published: Any = None
    says: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    now: datetime = MONDAY
    asked: dict[str, list[str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/keys", self.keys),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def configuration(self, request: Request) -> JSONResponse:
        places = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
        return JSONResponse({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **places, **self.about})

    async def keys(self, request: Request) -> JSONResponse:
        published = self.published or self.key
        return JSONResponse(KeySet([published]).as_dict(private=False))

    async def token(self, request: Request) -> JSONResponse:
        """As strict as a real one: the client's secret, the address to come back to, the proof of who asked (PKCE)."""
        form = await request.form()
        verifier = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        known = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '%20')}".encode()).decode()
        is_known = request.headers.get("authorization") in (
            f"Basic {known}",
            f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}",
        )
        is_right = challenge == self.asked["code_challenge"][0] and form["code"] == "good"
        if not (is_known and is_right and form["redirect_uri"] == self.asked["redirect_uri"][0]):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        seconds = int(self.now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "42",
            "iat": seconds,
            "exp": seconds + 300,
            "nonce": self.asked["nonce"][0],
            "email": "T01@example.org",
            "email_verified": True,
        } | self.says
        header = {"alg": self.algorithm, "kid": "one"}
        token = jwt.encode(header, claims, self.key, algorithms=[self.algorithm])
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token})


@pytest.fixture(scope="module")
def listening() -> Iterator[Provider]:
    provider = Provider(free_port())
    server = uvicorn.Server(uvicorn.Config(provider.app(), port=provider.port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield provider
    server.should_exit = True
    thread.join()


@pytest.fixture
def provider(listening: Provider) -> Provider:
    listening.says, listening.about, listening.published, listening.algorithm = {}, {}, None, "RS256"
    if not isinstance(listening.key, RSAKey):
        listening.key = RSAKey.generate_key(2048, {"kid": "one"})
    return listening


@pytest.fixture
def open_house(house: House, provider: Provider) -> Iterator[House]:
    found = with_it(house, provider)
    yield found
    found.close()


def with_it(house: House, provider: Provider, **settings: Any) -> House:
    given = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    return House(house.settings.database_url, **given, oidc_name="Comune di Prova", **settings)


def leave(who: Stranger, provider: Provider, to: str = "/console/account") -> dict[str, list[str]]:
    """Off to the other service: what it is asked."""
    away = who.get(f"/console/sign-in/openid?next={to}")
    assert away.status_code == 303 and away.headers["Location"].startswith(f"{provider.issuer}/authorization?")
    provider.asked = parse_qs(urlsplit(away.headers["Location"]).query)
    return provider.asked


def back(who: Stranger, provider: Provider, **query: str) -> Response:
    given = {"code": "good", "state": provider.asked["state"][0]} | query
    return who.browser.get("/console/sign-in/openid/back", params=given, follow_redirects=False)


def come_in(who: Stranger, provider: Provider, **query: str) -> Response:
    leave(who, provider)
    return back(who, provider, **query)


def test_whom_the_other_service_knows_comes_in_without_a_password(open_house: House, provider: Provider) -> None:
    who = Stranger(open_house)
    assert "Come in with Comune di Prova" in text_of(who.get("/console/sign-in"))
    asked = leave(who, provider)
    assert asked["code_challenge_method"] == ["S256"] and asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == ["http://testserver/console/sign-in/openid/back"] and "openid" in asked["scope"][0]
    done = back(who, provider)
    assert done.headers["Location"] == "/console/account" and who.is_in()
    assert len(open_house.audited("signed_in")) == 1


LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "of another visit"},
    "no nonce": {"nonce": ""},
    "another issuer": {"iss": "https://elsewhere.example"},
    "for another client": {"aud": "somebody else"},
    "for several, asked by another": {"aud": [CLIENT, "somebody else"], "azp": "somebody else"},
    "too old": {"iat": int(MONDAY.timestamp()) - 900, "exp": int(MONDAY.timestamp()) - 600},
    "an e-mail nobody has verified": {"email_verified": False},
    "an e-mail said to be verified in words": {"email_verified": "false"},
    "an e-mail of nobody": {"email": "nobody@example.org"},
    "no e-mail": {"email": None},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_it_may_not_say(open_house: House, provider: Provider, lie: str) -> None:
    provider.says, who = LIES[lie], Stranger(open_house)
    assert come_in(who, provider).status_code == 403 and not who.is_in()
    assert [subject for *_who, subject in open_house.audited("sign_in_refused")] == ["console:sign-in"]


def test_a_token_signed_by_somebody_else_lets_nobody_in(open_house: House, provider: Provider) -> None:
    provider.published, who = RSAKey.generate_key(2048, {"kid": "one"}), Stranger(open_house)
    assert come_in(who, provider).status_code == 403 and not who.is_in()
    provider.key, provider.algorithm = OctKey.import_key(SECRET, {"kid": "one"}), "HS256"  # a secret we both know
    assert come_in(who, provider).status_code == 403 and not who.is_in()


def test_the_way_back_opens_only_for_the_browser_that_left(open_house: House, provider: Provider) -> None:
    victim, thief = Stranger(open_house), Stranger(open_house)
    leave(thief, provider)
    assert back(victim, provider).status_code == 403 and not victim.is_in()
    assert back(thief, provider, state="guessed").status_code == 403
    assert back(thief, provider).status_code == 403 and not thief.is_in()  # one way back, one try
    assert come_in(thief, provider, code="stolen").status_code == 403
    assert come_in(thief, provider, iss="https://elsewhere.example").status_code == 403
    assert come_in(thief, provider, error="access_denied").status_code == 403 and not thief.is_in()


def test_a_service_that_names_another_one_or_is_away_is_said_so(house: House, provider: Provider) -> None:
    found = with_it(house, provider)
    provider.about = {"issuer": "https://elsewhere.example"}
    assert Stranger(found).get("/console/sign-in/openid").status_code == 502
    found.close()
    away = with_it(house, Provider(free_port(), key=provider.key))
    page = Stranger(away).get("/console/sign-in/openid")
    assert page.status_code == 502 and "does not answer" in text_of(page)
    away.close()


@pytest.mark.parametrize(
    ("trusted", "says", "whole"),
    [
        (True, {"amr": ["pwd", "mfa"]}, True),
        (True, {"acr": "https://www.spid.gov.it/SpidL2"}, True),
        (True, {"amr": ["pwd"]}, False),
        (False, {"amr": ["pwd", "mfa"]}, False),
    ],
)
def test_its_second_factor_counts_only_where_it_is_trusted_with_it(
    house: House, provider: Provider, trusted: bool, says: dict[str, Any], whole: bool
) -> None:
    found = with_it(house, provider, oidc_mfa=trusted)
    provider.says = {"email": "a01@example.org", **says}
    who = Stranger(found)
    assert come_in(who, provider).status_code == 303 and who.is_in() is whole
    found.close()


def test_who_has_a_second_factor_here_is_asked_for_it(open_house: House, provider: Provider) -> None:
    set_up(open_house, in_as(open_house, "tutor"))
    who = Stranger(open_house)
    assert come_in(who, provider).headers["Location"].startswith("/console/second-factor") and not who.is_in()


def test_who_is_closed_stays_out(open_house: House, provider: Provider) -> None:
    tutor = member(open_house, "tutor")
    open_house.as_("administrator").post(f"/console/staff/{tutor.id}/close")
    assert come_in(Stranger(open_house), provider).status_code == 403


def test_without_it_there_is_no_such_door(house: House) -> None:
    assert "openid" not in Stranger(house).get("/console/sign-in").text
    assert Stranger(house).get("/console/sign-in/openid").status_code == 404
