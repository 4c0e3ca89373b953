"""A desk that does as it is told: real sockets and msgpack, and a memory of all it was asked."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any, Self

import msgpack
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from tracking_desk_client import Api, Tokens
from tracking_desk_client.messages import (
    AreaSnapshot,
    AreaWatch,
    ClientMessage,
    Error,
    Hello,
    Money,
    OfferAccept,
    OfferCard,
    Ok,
    OrderSnapshot,
    OrderState,
    OrderWatch,
    Place,
    Point,
    PositionAck,
    PositionGap,
    PositionReport,
    Rejection,
    ServerMessage,
    StreamResume,
    StreamResumed,
    Welcome,
    parse_client,
)

Answer = ServerMessage | int | None
ALMATY = Place(1526384, "Almaty", 43.25, 76.95)
KONAEV = Place(1524325, "Konaev", 43.87, 77.06)


def make_token(life_s: float = 900, issued: float | None = None, name: str = "one") -> str:
    """An unsigned token: the client reads only its life."""
    issued = time.time() if issued is None else issued
    claims = json.dumps({"iat": issued, "exp": issued + life_s, "jti": name}).encode()
    return "e30." + base64.urlsafe_b64encode(claims).rstrip(b"=").decode() + ".sig"


def make_offer(offer: int = 7, order: int = 70, lasts_s: float = 30) -> OfferCard:
    """An offer that is live from now."""
    return OfferCard(
        offer, order, ALMATY, KONAEV, "мука", 20000, 60, "tent", 76e3, 1200, Money(3_000_000, "KZT"),
        time.time() + lasts_s, 1,
    )  # fmt: skip


def make_order(order: int = 70, status: str = "open") -> OrderState:
    """An order as its parties see it."""
    return OrderState(
        order, status, 1, ALMATY, KONAEV, "мука", 20000, 60, "tent", 76e3, 4000, False,
        Money(3_000_000, "KZT"), time.time(),
    )  # fmt: skip


class FakeDesk:
    """Speaks the wire. `script[type]` answers instead of the default: a message, a close code, or nothing."""

    def __init__(self) -> None:
        self.heard: list[ClientMessage] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.stored: dict[str, dict[int, Point]] = {}
        self.upto: dict[str, int] = {}
        self.rejected: dict[int, str] = {}
        self.credit = 1000
        self.acking = True
        self.connects = 0
        self.heartbeat_s = 20.0
        self.welcomes = True
        self.script: dict[type, Callable[[Any], Answer]] = {}
        self.rest: dict[tuple[str, str], Callable[[Any], web.Response]] = {}
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/ws", self._socket)
        app.router.add_route("*", "/api/v1/{rest:.*}", self._rest)
        self._server = TestServer(app)
        await self._server.start_server()
        self.url = str(self._server.make_url("")).rstrip("/")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close(1001)
        await self._server.close()

    def api(self, token: str | None = None, refresh: str | None = None, **more: Any) -> Api:
        """A signed-in client of this desk."""
        return Api(self.url, Tokens.stored(token or make_token(), refresh), **more)

    # -- what a test does -----------------------------------------------------------------------------------

    def of(self, kind: type) -> list[Any]:
        """All messages of a kind heard so far, on any connection."""
        return [message for message in self.heard if isinstance(message, kind)]

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until a condition on this desk's memory holds."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(true)

    async def send(self, message: ServerMessage) -> None:
        """Say something on the newest socket."""
        await self.sockets[-1].send_bytes(msgpack.packb(message.to_wire()))

    async def close(self, code: int) -> None:
        """Close every socket with this code."""
        sockets, self.sockets = self.sockets, []
        for socket in sockets:
            await socket.close(code=code)

    def cut(self) -> None:
        """Break every connection without a word."""
        sockets, self.sockets = self.sockets, []
        for socket in sockets:
            assert socket._req is not None and socket._req.transport is not None
            socket._req.transport.abort()

    def seqs(self, stream: str) -> list[int]:
        """Numbers stored of a stream."""
        return sorted(self.stored.get(stream, {}))

    # -- the wire -------------------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        self.connects += 1
        ws = web.WebSocketResponse(protocols=("desk.v1.msgpack",))
        await ws.prepare(request)
        self.sockets.append(ws)
        stream = ""
        async for frame in ws:
            assert frame.type is WSMsgType.BINARY
            message = parse_client(msgpack.unpackb(frame.data))
            if isinstance(message, StreamResume):
                stream = message.stream
            script = self.script.get(type(message))
            answer = script(message) if script else self._answer(message, stream)
            if isinstance(answer, int):
                await ws.close(code=answer)
            elif answer is not None and not ws.closed:
                await ws.send_bytes(msgpack.packb(answer.to_wire()))
            async with self._news:
                self.heard.append(message)
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()
        return ws

    def _answer(self, message: ClientMessage, stream: str) -> Answer:
        match message:
            case Hello():
                welcome = Welcome(1, 1, "s", 5, "driver", self.heartbeat_s, time.time())
                return welcome if self.welcomes else None
            case StreamResume():
                self.upto.setdefault(stream, 0)
                return StreamResumed(stream, self.upto[stream], self.credit)
            case PositionReport():
                return self._store(stream, message.points)
            case PositionGap():
                self.upto[stream] = max(self.upto[stream], message.upto)
                return None
            case OfferAccept():
                return Error("offer_taken", "Another driver has taken this load.", False, message.id)
            case OrderWatch():
                return Ok(message.id, OrderSnapshot("e", 3, make_order(message.order)))
            case AreaWatch():
                return Ok(message.id, AreaSnapshot("e", 10, []))
            case _ if (id := getattr(message, "id", None)) is not None:
                return Ok(id)
            case _:
                return None

    def _store(self, stream: str, points: list[Point]) -> Answer:
        for point in points:
            if point.seq > self.upto[stream] + 1:
                return Error("seq_gap", "Points are missing before this one.", True)
            self.stored.setdefault(stream, {})[point.seq] = point
            self.upto[stream] = max(self.upto[stream], point.seq)
        gone = [Rejection(p.seq, self.rejected[p.seq]) for p in points if p.seq in self.rejected]
        return PositionAck(stream, self.upto[stream], self.credit, gone) if self.acking else None

    async def _rest(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path, body, dict(request.headers)))
        script = self.rest.get((request.method, request.path))
        return script(body) if script else problem("not_found", 404, False)


def problem(code: str, status: int, retry: bool, **headers: str) -> web.Response:
    """RFC 9457, as the desk answers."""
    body = {
        "type": f"/docs/errors#{code}", "title": code, "status": status, "code": code, "detail": "",
        "retry": retry,
    }  # fmt: skip
    return web.json_response(body, status=status, content_type="application/problem+json", headers=headers)
