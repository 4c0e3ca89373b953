"""A desk in the test's own loop, seen through HTTP, and the phones of the people who sign in to it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from dispatch.errors import Refusal
from server.services import Services

Client = TestClient[web.Request, web.Application]
WEB = {"X-Desk-Client": "web"}
Content = dict[str, Any]


@dataclass
class Phones:
    """What every phone has received; `refuse` is what the provider of SMS says instead."""

    received: list[tuple[str, str, str]] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    refuse: str | None = None

    async def send(self, phone: str, code: str, lang: str) -> None:
        if self.refuse is not None:
            raise Refusal(self.refuse)
        self.received.append((phone, code, lang))

    async def close(self) -> None:
        pass

    @property
    def code(self) -> str:
        """The newest code."""
        return self.received[-1][1]


@dataclass
class Desk:
    """The services of one worker and a client that talks to them."""

    services: Services
    client: Client
    phones: Phones

    async def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        **rest: Any,
    ) -> ClientResponse:
        """One request, as whom the token says."""
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        return await self.client.request(method, f"/api/v1{path}", headers=sent, **rest)

    async def ok(
        self, method: str, path: str, token: str | None = None, status: int = 200, **rest: Any
    ) -> Content:
        """The answer to a request that must succeed."""
        answer = await self.call(method, path, token, **rest)
        content: Content = await answer.json() if answer.status != 204 else {}
        assert answer.status == status, content
        return content

    async def refused(self, method: str, path: str, token: str | None = None, **rest: Any) -> str:
        """The code of a refusal."""
        return await code_of(await self.call(method, path, token, **rest))

    async def ask(self, phone: str, role: str = "driver") -> Content:
        """Asks for a code: the request and the code that came."""
        asked = await self.ok("POST", "/auth/otp", status=201, json={"phone": phone, "role": role})
        return {"request": asked["request"], "code": self.phones.code}

    async def sign_in(self, phone: str, role: str = "driver", status: int = 200, **form: Any) -> Content:
        """Signs in by a code, or halfway (202)."""
        asked = await self.ask(phone, role)
        # A second sign-in of the same number need not wait.
        await self.services.pool.execute("UPDATE otp_requests SET created_at = created_at - interval '61 s'")
        return await self.ok("POST", "/auth/verify", status=status, json={**asked, **form})


async def code_of(answer: ClientResponse) -> str:
    """The stable code of a problem document, which must agree with the status."""
    content = await answer.json(content_type="application/problem+json")
    assert content["status"] == answer.status
    code: str = content["code"]
    return code
