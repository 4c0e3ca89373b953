"""Our webhook, as far as an acquirer can tell: it remembers what was posted and answers as it is told."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from .contract import Signed

ACCEPTED = {"code": 0}
Reply = Callable[[str], web.StreamResponse | dict[str, int]]


@dataclass
class Receiver:
    """`posted`: everything, in order. `reply` answers by kind."""

    posted: list[Signed] = field(default_factory=list)
    reply: Reply = lambda kind: ACCEPTED

    def add(self, app: web.Application) -> None:
        """The webhook's address, as the real one has it."""
        app.router.add_post("/hooks/acquirers/{name}/{kind}", self._take)

    def kinds(self) -> list[str]:
        """What was posted."""
        return [signed.kind for signed in self.posted]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        kind = request.match_info["kind"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.posted.append(Signed(kind, headers, await request.read()))
        answer = self.reply(kind)
        return web.json_response(answer) if isinstance(answer, dict) else answer


@asynccontextmanager
async def receiving(port: int, *parts: Callable[[web.Application], None]) -> AsyncIterator[Receiver]:
    """A receiver on this port; `parts` add other things to the same server."""
    receiver, app = Receiver(), web.Application()
    receiver.add(app)
    for add in parts:
        add(app)
    server = TestServer(app, port=port)
    await server.start_server(shutdown_timeout=0.1)
    try:
        yield receiver
    finally:
        await server.close()
