"""A local OpenID issuer with its own keys: discovery, JWKS, tokens, revocation, and scripted faults."""

import asyncio
import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())  # ours, registered with Apple
APPLE_PEM = APPLE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def public_jwk(key: Any, kid: str, **changes: Any) -> dict[str, Any]:
    """The JWK of a key's public half."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        made = {"kty": "RSA", "alg": "RS256", "n": number(numbers.n), "e": number(numbers.e)}
    else:
        point = key.public_key().public_numbers()
        x, y = (b64(part.to_bytes(32, "big")) for part in (point.x, point.y))
        made = {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y}
    return {**made, "kid": kid, "use": "sig", **changes}


@dataclass
class Grant:
    """What a code is good for: the claims of its token, and with what it must be redeemed."""

    claims: dict[str, Any]
    client: str
    redirect: str | None
    challenge: str | None
    used: bool = False


@dataclass
class Issuer:
    """One provider. `faults` are taken one by one: an HTTP status, "hang", or a name that `_token` knows."""

    pkce: bool = True
    key: Any = RSA
    kid: str = "key-1"
    algorithm: str = "RS256"
    published: list[dict[str, Any]] = field(default_factory=list)
    faults: list[int | str] = field(default_factory=list)
    key_faults: list[int | str] = field(default_factory=list)
    discovery_faults: list[int | str] = field(default_factory=list)
    revoke_faults: list[int] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)  # client: its secret (Google)
    refresh: bool = False
    key_requests: int = 0
    max_age: str = "max-age=3600"
    asked: list[dict[str, str]] = field(default_factory=list)
    revoked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    _grants: dict[str, Grant] = field(default_factory=dict)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        app.router.add_post("/revoke", self._revoke)
        return app

    # -- what a person does at the provider's page ----------------------------------------------------------

    def visit(self, address: str, subject: str = "person-1", **claims: Any) -> dict[str, str]:
        """Says yes at the page that a browser was sent to; what the browser brings back."""
        parts = urlsplit(address)
        assert address.startswith(f"{self.url}/authorize?"), address
        asked = dict(parse_qsl(parts.query))
        code = b64(hashlib.sha256(f"{time.time_ns()}".encode()).digest())
        told = self.claims(asked["client_id"], subject, nonce=asked["nonce"], **claims)
        self._grants[code] = Grant(
            told, asked["client_id"], asked["redirect_uri"], asked.get("code_challenge")
        )
        back = {"state": asked["state"], "code": code}
        if "id_token" in asked["response_type"]:
            half = b64(hashlib.sha256(code.encode()).digest()[:16])
            back["id_token"] = self.sign({"c_hash": half, **told})
        return back

    def grant(self, client: str, claims: dict[str, Any]) -> str:
        """A code of an app's dialogue."""
        code = b64(hashlib.sha256(f"{time.time_ns()}".encode()).digest())
        self._grants[code] = Grant(claims, client, None, None)
        return code

    def claims(self, client: str, subject: str = "person-1", **changes: Any) -> dict[str, Any]:
        """What a token says."""
        now = int(time.time())
        made = {
            "iss": self.url,
            "aud": client,
            "sub": subject,
            "iat": now,
            "exp": now + 600,
            "email": f"{subject}@example.org",
            "email_verified": True,
        }
        return {name: value for name, value in {**made, **changes}.items() if value is not None}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A token with a true signature."""
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.kid, **header})

    # -- endpoints ------------------------------------------------------------------------------------------

    async def _discovery(self, request: web.Request) -> web.Response:
        fault = self.discovery_faults.pop(0) if self.discovery_faults else None
        if isinstance(fault, int):
            return web.Response(status=fault)
        document: dict[str, Any] = {
            "issuer": "https://other.example" if fault == "issuer" else self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "revocation_endpoint": f"{self.url}/revoke",
        }
        if self.pkce:
            document["code_challenge_methods_supported"] = ["plain", "S256"]
        return web.json_response(document)

    async def _keys(self, request: web.Request) -> web.Response:
        self.key_requests += 1
        fault = self.key_faults.pop(0) if self.key_faults else None
        if isinstance(fault, int):
            return web.Response(status=fault)
        keys = self.published or [public_jwk(self.key, self.kid)]
        return web.json_response({"keys": keys}, headers={"Cache-Control": self.max_age})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "slow":
            await asyncio.sleep(0.3)
        if isinstance(fault, int):
            return web.Response(status=fault, text="<html>")
        if not self._client_is_known(form):
            return web.json_response({"error": "invalid_client"}, status=401)
        grant = self._grants.get(form.get("code", ""))
        if grant is None or grant.used or grant.client != form.get("client_id"):
            return web.json_response({"error": "invalid_grant"}, status=400)
        if grant.redirect is not None and grant.redirect != form.get("redirect_uri"):
            return web.json_response({"error": "invalid_grant"}, status=400)
        if grant.challenge is not None:
            shown = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            if shown != grant.challenge:
                return web.json_response({"error": "invalid_grant"}, status=400)
        grant.used = True
        answer = {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(grant.claims, fault)}
        if self.refresh:
            answer["refresh_token"] = f"refresh-of-{grant.claims['sub']}"
        return web.json_response(answer)

    def _signed(self, claims: dict[str, Any], fault: str | None) -> str:
        now = int(time.time())
        if fault == "aud":
            claims = {**claims, "aud": "somebody-else"}
        elif fault == "nonce":
            claims = {**claims, "nonce": "another"}
        elif fault == "expired":
            claims = {**claims, "iat": now - 7200, "exp": now - 3600}
        elif fault == "subject":
            claims = {**claims, "sub": "another-person"}
        elif fault == "none":
            parts = ({"alg": "none", "kid": self.kid}, claims)
            return "".join(b64(json.dumps(part).encode()) + "." for part in parts)
        elif fault == "kid":
            return self.sign(claims, kid="never-heard-of")
        return self.sign(claims)

    def _client_is_known(self, form: dict[str, str]) -> bool:
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if self.secrets:
            return self.secrets.get(client) == secret
        try:
            claims = jwt.decode(secret, APPLE_KEY.public_key(), algorithms=["ES256"], audience=self.url)
        except jwt.InvalidTokenError:
            return False
        head = jwt.get_unverified_header(secret)
        return (claims["iss"], claims["sub"], head["kid"]) == ("TEAM123456", client, "KEY1234567")

    async def _revoke(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if self.revoke_faults:
            return web.Response(status=self.revoke_faults.pop(0))
        if not self._client_is_known(form):
            return web.json_response({"error": "invalid_client"}, status=401)
        self.revoked.append(form)
        return web.Response()
