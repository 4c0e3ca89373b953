"""A company's server: a real HTTP endpoint that checks signatures, can misbehave, and remembers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tracking_desk_client.webhooks import BadSignature, verify


@dataclass
class Receiver:
    """What arrives at one path. `secret` as the company was shown it; `says` are the next statuses,
    `says_of` those about an order: what is sent at once arrives in either order."""

    url: str
    secret: str = ""
    says: list[int] = field(default_factory=list)
    says_of: dict[int, list[int]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)
    tries: int = 0
    forged: int = 0
    cookies: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.tries += 1
        self.cookies.append(request.headers.get("Cookie", ""))
        if self.hangs:
            await asyncio.sleep(30)
        try:
            event = verify(self.secret, request.headers["Desk-Signature"], await request.read())
        except BadSignature:
            self.forged += 1
            return web.Response(status=401)
        assert request.headers["Desk-Delivery"] == str(event["delivery"])
        assert request.headers["Desk-Event"] == event["type"]
        says = self.says_of.get(event["data"].get("order", 0)) or self.says
        status = says.pop(0) if says else 200
        if status == 200:
            self.events.append(event)
        return web.Response(status=status, headers={"Set-Cookie": "tenant=1", **self.headers})


@asynccontextmanager
async def receivers(count: int) -> AsyncIterator[list[Receiver]]:
    app = web.Application()
    made: list[Receiver] = []
    for number in range(count):
        receiver = Receiver(f"/hook/{number}")
        app.router.add_post(receiver.url, receiver.take)
        made.append(receiver)
    server = TestServer(app, handler_cancellation=True)
    await server.start_server()
    for receiver in made:
        receiver.url = str(server.make_url(receiver.url))
    try:
        yield made
    finally:
        await server.close()
