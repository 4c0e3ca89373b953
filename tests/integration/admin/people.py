"""Staff of every grade and users of every role, as callers of one server."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp

from tests.served import Account, LocalServer


class Answer(NamedTuple):
    """What was answered."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def tag(self) -> str:
        """Its ETag, to edit it with."""
        return self.headers["ETag"]

    @property
    def code(self) -> str:
        """That of a refusal."""
        return str(self.body["code"])


class Person:
    """One account."""

    def __init__(self, http: aiohttp.ClientSession, account: Account, url: str = "") -> None:
        self._http = http
        self._url = url
        self._access = account["access"]
        self.user: int = account["user"]

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Asks; `if_match="1"` quotes itself, other headers are sent as they are called."""
        sent = {"Authorization": f"Bearer {self._access}"}
        for name, value in headers.items():
            known = {"if_match": "If-Match", "lang": "Accept-Language", "key": "Idempotency-Key"}
            sent[known[name]] = f'"{value}"' if name == "if_match" and not value.startswith('"') else value
        async with self._http.request(method, f"{self._url}/api/v1{path}", json=body, headers=sent) as answer:
            told = await answer.json(content_type=None) if answer.status not in (204, 304) else None
            return Answer(answer.status, told, answer.headers)

    async def get(self, path: str, **headers: str) -> Any:
        """The body of a GET that succeeds."""
        answer = await self.ask("GET", path, **headers)
        assert answer.status == 200, answer
        return answer.body

    async def done(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """An answer of success."""
        answer = await self.ask(method, path, body, **headers)
        assert answer.status < 300, answer
        return answer


class People:
    """Everybody of one server."""

    def __init__(self, server: LocalServer, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http
        self.pool = server.services.pool
        staff = {each["grade"]: each for each in server.accounts["admins"]}
        self.finance, self.support, self.moderator, self.chief = (
            Person(http, staff[grade]) for grade in ("finance", "support", "moderator", "superadmin")
        )
        self.shippers = [Person(http, each) for each in server.accounts["shippers"]]
        self.drivers = [Person(http, each) for each in server.accounts["drivers"]]
        self.logistician = Person(http, server.accounts["logisticians"][0])
        self.shipper = self.shippers[0]

    async def log(self, action: str) -> list[tuple[int, str, dict[str, str]]]:
        """What the audit log says of an action: who, why, and what was and is."""
        rows = await self.pool.fetch(
            "SELECT staff_id, reason, detail FROM staff_actions WHERE action = $1 ORDER BY id", action
        )
        return [(row["staff_id"], row["reason"], row["detail"]) for row in rows]
