"""Telling users: from the row that an event writes to the item at an open socket, and to the push at a vendor.

Events are written by `POST /api/v1/admin/notices/{kind}/test`, each about the one who asks: half of the readers
hold a socket and say that they have seen each item, half have only a phone, behind a vendor that speaks FCM's
wire and answers at once. Times count from when PostgreSQL began the transaction that wrote the row.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import aiohttp
from aiohttp import web

from .environment import Environment, environment
from .histogram import Histogram
from .measure import Figures, Stage, Stretch, verdict
from .openloop import OpenLoop
from .requests import Answers, Tasks, client
from .sockets import Account, Health, Lane, connect, leave
from .wire import Message, Msgpack

EVENT = {"word": "loaded"}  # a step of a haul: nothing that must be heard, so no SMS follows
PATH = "/api/v1/admin/notices/order.changed/test"
DRAIN_S = 5.0
WRITTEN = """
SELECT id, extract(epoch FROM created_at)::float8 AS at FROM outbox
WHERE user_id = ANY($1::bigint[]) AND channel = 'push' AND created_at >= to_timestamp($2)
    AND created_at < to_timestamp($3)
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered."""

    readers: int  # half with a socket, half with a phone
    rate: float  # events/s, all together
    seconds: float
    warm_s: float
    seed: int


@dataclass(slots=True)
class Vendor:
    """A push service on this machine, which remembers when it got which item."""

    got: dict[int, float] = field(default_factory=dict)  # item -> time.time()
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        """`POST /v1/projects/{project}/messages:send`."""
        now = time.time()
        message = (await request.json())["message"]
        self.got.setdefault(int(message["data"]["item"]), now)
        return web.json_response({"name": f"projects/demo/messages/{len(self.got)}"})


class ReaderLane(Lane):
    """An open app: notes when an item came, and says that it is on the screen."""

    def __init__(self, account: Account, health: Health, heard: dict[int, float]) -> None:
        super().__init__(account, Msgpack(), health)
        self._heard = heard
        self._numbers = itertools.count(1 << 40)  # apart from those of commands that are waited for

    def on_event(self, kind: str, message: Message) -> None:
        """An item is seen at once."""
        if kind == "inbox.item":
            item = message["entry"]["item"]
            self._heard.setdefault(item, time.time())
            self.send({"type": "inbox.seen", "id": next(self._numbers), "items": [item]})


async def run(load: Load) -> Figures:
    """The whole bench; see loadtests/README.md for how to read the figures."""
    random = Random(load.seed)
    with Stage() as stage:
        async with environment() as env, AsyncExitStack() as stack:
            vendor = await stack.enter_async_context(_vendor())
            env.environ["DESK_FCM_URL"] = vendor.url
            with stage.step("accounts"):
                readers = (await env.provision(admins=load.readers)).admins
            server = await stack.enter_async_context(env.server())
            session = await stack.enter_async_context(client(server.url))
            watching, away = readers[::2], readers[1::2]
            await asyncio.gather(*(_phone(session, account) for account in away))
            heard: dict[int, float] = {}
            health, tasks, answers = Health(), Tasks(), Answers()
            lanes = [ReaderLane(account, health, heard) for account in watching]
            with stage.step("sockets", len(lanes)) as step:
                await connect(lanes, server.socket_url, tell=step.at)

            def happen(source: int, intended: float) -> None:
                tasks.start(_happen(session, readers[source], intended, answers))

            loop = OpenLoop(len(readers), load.rate, random)
            with stage.step("warming up"):
                await loop.run(happen, load.warm_s)
            with stage.step("measuring"):
                answers.since, answers.until = time.monotonic(), time.monotonic() + load.seconds
                since, stretch = time.time(), await Stretch.begin(env, server)
                kept = await loop.run(happen, load.seconds)
                cost, until = await stretch.end(), time.time()
            with stage.step("the last of them"):
                await tasks.finish(DRAIN_S)
                await asyncio.sleep(DRAIN_S)
            sockets = await _lags(env, watching, since, until, heard)
            pushes = await _lags(env, away, since, until, vendor.got)
            await leave(lanes)
            faults = health.faults() + [f"{count} x {what}" for what, count in tasks.failures.items()]
            refused = {status: count for status, count in answers.statuses.items() if status != "204"}
            faults += [f"{count} events were answered {status}" for status, count in refused.items()]
            return {
                "bench": "notices",
                "readers": len(readers),
                "seconds": load.seconds,
                "events": sockets.events + pushes.events,
                "events_per_s": round((sockets.events + pushes.events) / cost.wall_s, 1),
                **sockets.lag.figures("outbox_to_socket"),
                **pushes.lag.figures("outbox_to_push"),
                **answers.lag.figures("event_post"),
                "lost": sockets.lost + pushes.lost,
                "server_cpu": round(cost.server_s / cost.wall_s, 3),
                "postgres_cpu": None if cost.postgres_s is None else round(cost.postgres_s / cost.wall_s, 3),
            } | verdict(faults, cost, kept)


@dataclass(slots=True)
class Told:
    """How events of a stretch arrived; `lost` never did."""

    lag: Histogram
    events: int
    lost: int


async def _lags(
    env: Environment, who: list[Account], since: float, until: float, arrived: dict[int, float]
) -> Told:
    rows = await env.database.fetch(WRITTEN, [account.user for account in who], since, until)
    lag = Histogram()
    for row in rows:
        if row["id"] in arrived:
            lag.record(arrived[row["id"]] - row["at"])
    return Told(lag, len(rows), len(rows) - lag.count)


async def _happen(
    session: aiohttp.ClientSession, account: Account, intended: float, answers: Answers
) -> None:
    headers = {"Authorization": f"Bearer {account.access}"}
    async with session.post(PATH, json=EVENT, headers=headers) as answer:
        await answer.read()
    if answers.timed(intended):
        answers.lag.record(time.monotonic() - intended)
        answers.statuses[str(answer.status)] += 1


async def _phone(session: aiohttp.ClientSession, account: Account) -> None:
    headers = {"Authorization": f"Bearer {account.access}"}
    form = {"kind": "fid", "address": f"bench-{account.user}"}
    async with session.post("/api/v1/push/endpoints", json=form, headers=headers) as answer:
        answer.raise_for_status()


@asynccontextmanager
async def _vendor() -> AsyncIterator[Vendor]:
    vendor, app = Vendor(), web.Application()
    app.router.add_post("/v1/projects/{project}/messages:send", vendor.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        vendor.url = f"http://{host}:{port}"
        yield vendor
    finally:
        await runner.cleanup()
