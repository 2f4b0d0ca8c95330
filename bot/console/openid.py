# SPDX-License-Identifier: EUPL-1.2
"""Coming in as somebody whom another service knows, such as the municipality's own sign-in (OpenID Connect)."""

import asyncio
import hmac
import secrets
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.console import door
from bot.console.arriving import let_in, protected
from bot.console.page import Console, trouble
from handlers.desk.office.coming_in import is_whole_at_once, note
from handlers.talk import Text, _
from storage import Unavailable

log = structlog.get_logger()
HERE, BACK = "/console/sign-in/openid", "/console/sign-in/openid/back"
# Signatures with a key of theirs; none that a secret we both know could make.
ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES384",
    "EdDSA",
    "Ed25519",
]
PATIENCE = 10.0  # seconds for each answer of theirs
LEEWAY = 60  # seconds by which their clock may be wrong
# What services say of who came in with more than a password (RFC 8176; SPID's second and third level).
MORE_THAN_A_PASSWORD = {"mfa", "https://www.spid.gov.it/SpidL2", "https://www.spid.gov.it/SpidL3"}

AWAY = _("The other service does not answer. Try again, or come in with your password.")
REFUSED = _("The other service did not let you in. Try again, or come in with your password.")
UNKNOWN = _("Nobody of the staff has the e-mail address it knows you by. Ask an administrator.")
UNVERIFIED = _("The other service does not vouch for your e-mail address. Come in with your password.")


class Untrue(Exception):
    """What came back is not what the service would say; ``why`` is for whoever stands at the door."""

    def __init__(self, why: Text = REFUSED, reason: str = "untrue") -> None:
        super().__init__(reason)
        self.why, self.reason = why, reason


class OpenID:
    """Out to the other service with a question only it can answer, and back with an answer only it can give."""

    def __init__(self, console: Console) -> None:
        self.console, self.settings = console, console.settings

    def routes(self) -> list[BaseRoute]:
        return [Route(HERE, self.go, methods=["GET"]), Route(BACK, self.back, methods=["GET"])]

    async def go(self, request: Request) -> Response:
        """Off to the other service; what it must come back with stays in this browser."""
        kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "code_verifier")}
        try:
            async with self._client(request) as client:
                about = await self._about(client)
                url, _state = client.create_authorization_url(about["authorization_endpoint"], **kept)
        except (httpx2.HTTPError, ValueError, KeyError) as failed:
            log.warning("openid_away", error=type(failed).__name__)
            return protected(trouble(self.console, request, 502, AWAY))
        response = RedirectResponse(url, status_code=303)
        kept["next"] = door.ours(request.query_params.get("next", ""))
        door.give_way_back(response, quote(urlencode(kept)), is_secure=self.console.is_secure)
        return protected(response)

    async def back(self, request: Request) -> Response:
        kept = dict(parse_qsl(unquote(request.cookies.get(door.way_back_name(self.console.is_secure), ""))))
        try:
            claims = await self._claims(request, kept)
            response = await asyncio.to_thread(self._let_in, request, claims, kept.get("next", ""))
        except Untrue as untrue:
            await asyncio.to_thread(self._note_refusal, untrue.reason)
            response = trouble(self.console, request, 403, untrue.why)
        except (httpx2.HTTPError, Unavailable) as failed:
            log.warning("openid_away", error=type(failed).__name__)
            response = trouble(self.console, request, 502, AWAY)
        door.take_way_back(response, is_secure=self.console.is_secure)
        return protected(response)

    async def _claims(self, request: Request, kept: dict[str, str]) -> dict[str, Any]:
        """Who it says they are. Raises Untrue."""
        asked = request.query_params
        if not kept or not hmac.compare_digest(asked.get("state", "").encode(), kept.get("state", "").encode()):
            raise Untrue(reason="state")
        is_them = asked.get("iss", self.settings.oidc_issuer).rstrip("/") == self.settings.oidc_issuer  # RFC 9207
        if asked.get("error") or not asked.get("code") or not is_them:
            raise Untrue(reason="refused there")
        try:
            async with self._client(request) as client:
                about = await self._about(client)
                verifier = kept["code_verifier"]
                token = await client.fetch_token(about["token_endpoint"], code=asked["code"], code_verifier=verifier)
                keys = (await client.request("GET", about["jwks_uri"], withhold_token=True)).raise_for_status().json()
            return self._read(token, keys, about["issuer"], kept["nonce"])
        except (OAuthError, JoseError, ValueError, KeyError) as wrong:
            log.warning("openid_untrue", error=type(wrong).__name__)
            raise Untrue from wrong

    def _read(self, token: dict[str, Any], keys: Any, issuer: str, nonce: str) -> dict[str, Any]:
        """The claims of a token that is signed by them, meant for us, asked for by this browser, and still fresh."""
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        read = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=ALGORITHMS, registry=registry)
        must = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": self.settings.oidc_client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        given = {"nonce": nonce, "client_id": self.settings.oidc_client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(read.claims, read.header, must, given)
        claims.validate(now=int(self.console.clock.real().timestamp()), leeway=LEEWAY)
        return dict(claims)

    def _let_in(self, request: Request, claims: dict[str, Any], to: str) -> Response:
        if claims.get("email_verified") is not True or not isinstance(claims.get("email"), str):
            raise Untrue(UNVERIFIED, "e-mail not verified")
        with self.console.storage.writing() as store:
            found = store.staff.with_email(claims["email"])
            member = store.staff.lock(found.id) if found else None
            if member and member.closed_at is None:
                is_whole = is_whole_at_once(member) or self._has_second_factor(claims)
                return let_in(self.console, store, request, member, "openid", is_whole=is_whole, to=to)
        raise Untrue(UNKNOWN, "unknown")

    def _has_second_factor(self, claims: dict[str, Any]) -> bool:
        """Did they come in there with more than a password? Believed only where the service is trusted with it."""
        said = {claims.get("acr"), *(claims.get("amr") or ())}
        return self.settings.oidc_mfa and not said.isdisjoint(MORE_THAN_A_PASSWORD)

    def _note_refusal(self, reason: str) -> None:
        with self.console.storage.writing() as store:
            real = self.console.clock.real()
            note(store, real, "stranger", "sign_in_refused", "console:sign-in", by="openid", why=reason)

    async def _about(self, client: Any) -> dict[str, Any]:
        """What the service says of itself, which must be the one we asked."""
        url = f"{self.settings.oidc_issuer}/.well-known/openid-configuration"
        about: dict[str, Any] = (await client.request("GET", url, withhold_token=True)).raise_for_status().json()
        if about.get("issuer", "").rstrip("/") != self.settings.oidc_issuer:
            raise ValueError("another issuer")
        return about

    def _client(self, request: Request) -> Any:
        here = self.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
        return AsyncOAuth2Client(
            client_id=self.settings.oidc_client_id,
            client_secret=self.settings.oidc_client_secret.get_secret_value(),
            scope="openid email profile",
            redirect_uri=f"{here}{BACK}",
            code_challenge_method="S256",
            timeout=PATIENCE,
        )
