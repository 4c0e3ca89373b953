"""A desk with Google and Apple set up, both of them local issuers, and a browser that goes there and back."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import ClientResponse

from server.signing_in import AppleIds, GoogleIds
from tests.contract.oidc.issuer import APPLE_PEM, Issuer

from .desk import Content, Desk, code_of

WEB, ANDROID, IOS = "web.apps", "android.apps", "ios.apps"
SERVICES_ID, BUNDLE_ID = "kz.desk.web", "kz.desk.app"
PHONE = "+77011234567"
PUBLIC = "https://desk.example.org"


def google_ids(issuer: Issuer) -> GoogleIds:
    return GoogleIds(issuer.url, (WEB, ANDROID, IOS), "google-secret")


def apple_ids(issuer: Issuer) -> AppleIds:
    return AppleIds(issuer.url, SERVICES_ID, BUNDLE_ID, "TEAM123456", "KEY1234567", APPLE_PEM)


@dataclass
class Browser:
    """A page of ours in one browser: it keeps the verifier, and no cookie."""

    desk: Desk
    issuers: dict[str, Issuer]
    verifier: str = ""
    redirect: str = ""

    async def start(self, provider: str, token: str | None = None, purpose: str = "sign_in") -> str:
        """Begins; where the browser is to go."""
        self.verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        form = {"challenge": challenge, "purpose": purpose}
        started = await self.desk.ok("POST", f"/auth/{provider}/start", token, status=201, json=form)
        assert started["nonce"] is None
        self.redirect = started["redirect"]
        return self.redirect

    async def back(self, provider: str, given: dict[str, str]) -> ClientResponse:
        """Comes back with what the provider gave: Apple's page posts a form from its own site."""
        if provider == "apple":
            headers = {"Origin": self.issuers["apple"].url, "Sec-Fetch-Site": "cross-site"}
            return await self.desk.call(
                "POST", "/auth/apple/callback", data=given, headers=headers, allow_redirects=False
            )
        return await self.desk.call(
            "GET",
            f"/auth/{provider}/callback",
            params=given | {"scope": "x", "authuser": "0"},
            allow_redirects=False,
        )

    async def finish(self, flow: str, verifier: str | None = None) -> ClientResponse:
        """The page asks how it ended."""
        form = {"flow": flow, "verifier": self.verifier if verifier is None else verifier}
        return await self.desk.call("POST", "/auth/finish", json=form)

    async def travel(self, provider: str, subject: str = "person-1", **claims: Any) -> ClientResponse:
        """There and back, and how it ended."""
        given = self.issuers[provider].visit(await self.start(provider), subject, **claims)
        return await self.finish(told(await self.back(provider, given))["flow"])

    async def joined(self, provider: str, subject: str = "person-1", phone: str = PHONE) -> Content:
        """Somebody new, who confirms a phone: the tokens of the new account."""
        waiting = await content(await self.travel(provider, subject), 202)
        return await self.desk.sign_in(phone, identity=waiting["identity"])


def told(answer: ClientResponse) -> dict[str, str]:
    """What the address says that the browser is sent on to."""
    assert answer.status == 303, answer.status
    address = answer.headers["Location"]
    assert address.startswith(f"{PUBLIC}/#/enter?")
    return dict(parse_qsl(urlsplit(address).fragment.partition("?")[2]))


async def content(answer: ClientResponse, status: int = 200) -> Content:
    """The body of an answer that must have this status."""
    body: Content = await answer.json(content_type=None)
    assert answer.status == status, body
    return body


async def problem(answer: ClientResponse) -> str:
    """The code of a refusal."""
    return await code_of(answer)


def user_field(first: str, last: str) -> str:
    """Apple's field `user`, as it comes the first time."""
    return json.dumps({"name": {"firstName": first, "lastName": last}, "email": "a@example.org"})
