"""Schemathesis against the running server, as everybody (control C35): no fault, nothing that the contract does
not say, nothing accepted that it refuses, nothing refused for its form that it allows."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.http.routes import ROUTES
from tests.integration.authz.matrix import expected_of_route, may_enter
from tests.integration.authz.rows import ROWS
from tests.integration.authz.world import World
from tests.served import LocalServer, Server

from . import cases
from .driving import AT_ONCE, Driver, Told

BY_LABEL = {f"{route.method} {route.path}": route for route in ROUTES}
KINDS = (
    "anonymous", "driver", "logistician", "shipper", "support", "moderator", "finance", "superadmin", "key",
)  # fmt: skip
# A longer run: so many cases an operation and kind of caller, all of them as everybody.
LONG = int(os.environ.get("DESK_SCHEMATHESIS_CASES", "0"))
EDGES, DRAWN = (10**6, LONG) if LONG else (24, 2)


@pytest.mark.timeout(7200 if LONG else 300)
async def test_every_answer_to_everybody_is_what_the_contract_says(
    dsn: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    only = os.environ.get("ONLY", "")
    t = time.time()
    every = {
        op.label: (op, cases.of(op, EDGES, DRAWN))
        for label, op in cases.operations().items()
        if only in label
    }
    print("gen", time.time() - t)
    local = LocalServer(dsn, redis_url, tmp_path)
    process = Server(dsn, redis_url, tmp_path, secrets=local.secrets)
    await asyncio.gather(local.start(), process.start())
    told = Told()
    driver = Driver(process.url, World(local), told)
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(operation: cases.Operation, thought_up: list[cases.Case]) -> None:
        async with turn:
            route, row = BY_LABEL[operation.label], ROWS[operation.label]
            admitted = [kind for kind in KINDS if may_enter(expected_of_route(route, row, kind, "own"))]
            for kind in KINDS:
                mine = (
                    [
                        case
                        for number, case in enumerate(thought_up)
                        if LONG or number // 2 % len(admitted) == admitted.index(kind)
                    ]
                    if kind in admitted
                    else thought_up[:1]
                )
                await driver.ask(operation, route, row, kind, mine)

    await asyncio.gather(*(one(*each) for each in every.values()))
    print(told.asked, told.asked.total())
    print(process.log.read_text()[-6000:])
    await process.stop()
    await local.stop()
    driver.close()
    assert not told.wrong, told.report()
