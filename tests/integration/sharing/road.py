"""A haul that is under way on a served desk, and how it is asked about."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp

from tests.e2e.socket.test_frames import point
from tests.e2e.socket.test_watching import assigned
from tests.e2e.socket.wire import Wire
from tests.served import Account, LocalServer, Server

STEPS = ("at_pickup", "loaded", "in_transit", "at_drop", "delivered")
HERE = (43.25, 76.91)


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any


async def ask(
    server: Server, account: Account | None, method: str, path: str, json: object = None, **headers: str
) -> Answer:
    """One request as this account, or as nobody."""
    who = {} if account is None else {"Authorization": f"Bearer {account['access']}"}
    async with (
        aiohttp.ClientSession(headers={**who, "Accept-Language": "en"}) as session,
        session.request(method, f"{server.url}/api/v1{path}", json=json, headers=headers) as answer,
    ):
        told = await answer.json(content_type=None) if answer.status != 204 else None
        return Answer(answer.status, told, answer.headers)


async def until(true: Callable[[], Any]) -> None:
    """Waits for what another loop does: the database and the bus tell nobody here when they are done."""
    async with asyncio.timeout(10):
        while not (await got if inspect.isawaitable(got := true()) else got):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def drive(truck: Wire, seq: int, lat: float = HERE[0]) -> None:
    """The truck's next point, a moment after the last one."""
    await truck.send("position.report", points=[point(seq, time.time() + seq, lat, HERE[1])])
    await truck.receive("position.ack")


async def advance(truck: Wire, order: int, upto: str) -> None:
    """Steps of the haul up to this one."""
    for step in STEPS[: STEPS.index(upto) + 1]:
        assert (await truck.command("order.advance", order=order, status=step))["type"] == "ok"


async def quiet(server: LocalServer, watcher: Wire) -> bool:
    """Whether two ticks bring this socket no position: the answer to a ping is its very next frame."""
    await asyncio.sleep(3 * server.services.config.tick_s)
    await watcher.send("ping", id=9_999)
    while (frame := await watcher.receive())["type"] != "ok":
        if frame["type"] == "order.moved":
            return False
    return True


__all__ = ["HERE", "STEPS", "Answer", "advance", "ask", "assigned", "drive", "quiet", "until"]
