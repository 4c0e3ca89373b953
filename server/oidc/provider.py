"""One identity provider: where it is, whom its tokens are for, and the three things that we ask of it."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from dispatch.errors import Refusal
from server.auth import base64url
from server.gateways import http
from server.gateways.http import NoAnswer, json_object

from .idtoken import Expected, Untrusted, Vouched, verify
from .jwks import KeyCache

log = logging.getLogger("desk.oidc")

TIMEOUT_S = 8.0
DISCOVERED_S = 86400.0  # endpoints move less often than keys
AGAIN_S = 10.0  # after a failure


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What the issuer's discovery document says of itself."""

    authorize: str
    token: str
    keys: str
    revoke: str | None
    pkce: bool


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What the token endpoint gave for a code."""

    id_token: str
    refresh: str | None


class Provider:
    """What Google and Apple have in common. `web` is the page's client id, `audiences` are all of ours."""

    name = ""
    scope = "openid email profile"

    def __init__(self, issuer: str, web: str, audiences: frozenset[str], redirect: str) -> None:
        self.issuer = issuer
        self.web = web
        self.audiences = audiences
        self.redirect = redirect
        self._session = http.client(TIMEOUT_S)
        self._endpoints: Endpoints | None = None
        self._look_again_at = float("-inf")
        self._looking = asyncio.Lock()
        self._keys = KeyCache(self._fetch_keys, time.monotonic)

    # -- what Google and Apple do each their way ------------------------------------------------------------

    @property
    def issuers(self) -> frozenset[str]:
        """The ways in which its tokens name the issuer."""
        return frozenset({self.issuer})

    def client_secret(self, client: str, now: float) -> str | None:
        """How we prove to the token endpoint that we are this client; None for a client that need not."""
        raise NotImplementedError

    def request(self, state: str, nonce: str) -> dict[str, str]:
        """What the page asks of the authorization endpoint, beside what every provider is asked."""
        return {"response_type": "code", "scope": self.scope, "state": state, "nonce": nonce}

    def native_nonces(self, nonce: str) -> frozenset[str]:
        """The forms in which an app's token gives the nonce back."""
        return frozenset({nonce})

    # -- the page's way -------------------------------------------------------------------------------------

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises NoAnswer while the provider cannot be reached."""
        endpoints = await self._where()
        query = {"client_id": self.web, "redirect_uri": self.redirect, **self.request(state, nonce)}
        if endpoints.pkce:
            challenge = base64url(hashlib.sha256(verifier.encode()).digest())
            query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        joint = "&" if urlsplit(endpoints.authorize).query else "?"
        return f"{endpoints.authorize}{joint}{urlencode(query)}"

    async def exchange(self, code: str, client: str, now: float, verifier: str | None = None) -> Exchanged:
        """What a code is good for. Raises NoAnswer when it may be tried again, Untrusted when it is refused."""
        endpoints = await self._where()
        form = {"grant_type": "authorization_code", "code": code, "client_id": client}
        secret = self.client_secret(client, now)
        if secret is not None:
            form["client_secret"] = secret
        if verifier is not None:
            form["redirect_uri"] = self.redirect
            if endpoints.pkce:
                form["code_verifier"] = verifier
        status, raw, _ = await http.ask(self._session, "POST", endpoints.token, form=form)
        if status == 429 or status >= 500:
            raise NoAnswer(f"token endpoint: HTTP {status}")
        answer = json_object(raw)
        if status != 200:
            error = str(answer.get("error", ""))[:40]
            # Our own registration is wrong: nobody can sign in until a person has mended it.
            level = logging.ERROR if error in ("invalid_client", "unauthorized_client") else logging.INFO
            log.log(level, "oidc.refused", extra={"provider": self.name, "error": error})
            raise Untrusted(f"token endpoint: {error}")
        id_token, refresh = answer.get("id_token"), answer.get("refresh_token")
        if not isinstance(id_token, str):
            raise Untrusted("no ID token")
        return Exchanged(id_token, refresh if isinstance(refresh, str) else None)

    # -- tokens ---------------------------------------------------------------------------------------------

    async def vouched(
        self,
        token: str,
        nonces: frozenset[str],
        audiences: frozenset[str],
        now: float,
        code: str | None = None,
    ) -> Vouched:
        """Whom this token vouches for. Raises Untrusted, NoAnswer."""
        expected = Expected(self.issuers, audiences, nonces, code)
        return await verify(token, self._keys.get, expected, now)

    async def revoke(self, token: str, client: str, now: float) -> None:
        """Gives a refresh token back. Raises NoAnswer when that must be tried again."""
        endpoints = await self._where()
        if endpoints.revoke is None:
            return
        form = {"token": token, "token_type_hint": "refresh_token", "client_id": client}
        secret = self.client_secret(client, now)
        if secret is not None:
            form["client_secret"] = secret
        status, _, _ = await http.ask(self._session, "POST", endpoints.revoke, form=form)
        # 400 says that it knows this token no more, which is what we wanted (RFC 7009, 2.2).
        if status not in (200, 400):
            raise NoAnswer(f"revocation endpoint: HTTP {status}")

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()

    # -- where it is ----------------------------------------------------------------------------------------

    async def _where(self) -> Endpoints:
        if time.monotonic() < self._look_again_at and self._endpoints is not None:
            return self._endpoints
        async with self._looking:
            if time.monotonic() < self._look_again_at:
                if self._endpoints is None:
                    raise NoAnswer("discovery failed a moment ago")
                return self._endpoints
            try:
                status, raw, _ = await http.ask(
                    self._session, "GET", self.issuer + "/.well-known/openid-configuration"
                )
                if status != 200:
                    raise NoAnswer(f"discovery: HTTP {status}")
                self._endpoints = self._read(json_object(raw))
            except NoAnswer as error:
                log.warning("oidc.no_discovery", extra={"provider": self.name, "error": str(error)})
                self._look_again_at = time.monotonic() + AGAIN_S
                if self._endpoints is None:
                    raise
            else:
                self._look_again_at = time.monotonic() + DISCOVERED_S
            return self._endpoints

    def _read(self, document: Mapping[str, Any]) -> Endpoints:
        if document.get("issuer") != self.issuer:
            raise NoAnswer("discovery of another issuer")
        secure = self.issuer.startswith("https:")

        def address(name: str) -> str | None:
            value = document.get(name)
            return value if isinstance(value, str) and (value.startswith("https:") or not secure) else None

        found = [address(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        authorize, token, keys = found
        if authorize is None or token is None or keys is None:
            raise NoAnswer("discovery lacks an endpoint")
        methods = document.get("code_challenge_methods_supported")
        pkce = isinstance(methods, list) and "S256" in methods
        return Endpoints(authorize, token, keys, address("revocation_endpoint"), pkce)

    async def _fetch_keys(self) -> tuple[dict[str, Any], Mapping[str, str]]:
        endpoints = await self._where()
        status, raw, headers = await http.ask(self._session, "GET", endpoints.keys)
        if status != 200:
            raise NoAnswer(f"keys: HTTP {status}")
        return json_object(raw), headers


def told(provider: str, error: Untrusted | NoAnswer) -> Refusal:
    """What the caller is told of a sign-in that did not work; why, is for our log."""
    log.info("oidc.failed", extra={"provider": provider, "error": str(error)})
    return Refusal("provider_unavailable" if isinstance(error, NoAnswer) else "provider_refused")
