"""Schemathesis against the running server, as everybody (control C35): no fault, nothing that the contract does
not say, nothing accepted that it refuses, nothing refused for its form that it allows.

What it thinks up goes round the kinds of callers, each request to one of them. DESK_SCHEMATHESIS_CASES=50 draws so
many more of each and sends everything as everybody; DESK_SCHEMATHESIS_ONLY=saved-places narrows either run.
"""

import asyncio
import os
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.http.routes import ROUTES
from tests.integration.authz.matrix import expected_of_route, may_enter
from tests.integration.authz.rows import ROWS
from tests.integration.authz.world import World
from tests.served import LocalServer, Server

from . import cases
from .driving import Driver, Told
from .meaning import NEVER

BY_LABEL = {f"{route.method} {route.path}": route for route in ROUTES}
KINDS = (
    "anonymous", "driver", "logistician", "shipper", "support", "moderator", "finance", "superadmin", "key",
)  # fmt: skip
# A longer run: so many drawn cases an operation, these and all edges as everybody.
LONG = int(os.environ.get("DESK_SCHEMATHESIS_CASES", "0"))
ONLY = os.environ.get("DESK_SCHEMATHESIS_ONLY", "")  # a part of the operation's method and path
EDGES, DRAWN = (10**6, LONG) if LONG else (36, 3)
AT_ONCE = 3  # threads: one core judges answers while another gives them


@pytest.mark.timeout(4 * 3600 if LONG else 300)
async def test_every_answer_to_everybody_is_what_the_contract_says(
    dsn: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    local = LocalServer(dsn, redis_url, tmp_path)
    # Everybody asks from one network address: its share of codes would end before the last of them has asked.
    codes = {"DESK_OTP_PER_ADDRESS_HOUR": "99999", "DESK_OTP_PER_NETWORK_HOUR": "99999"}
    process = Server(dsn, redis_url, tmp_path, secrets=local.secrets, extra=codes)
    starting = asyncio.create_task(process.start())
    # At rest, in one thread: what is drawn must not depend on who else asks for chance.
    chosen = [op for label, op in cases.operations().items() if ONLY in label and label in ROWS]
    thought_up = {op.label: cases.of(op, EDGES, DRAWN) for op in chosen}
    await starting
    await local.start()
    told, turn = Told(), asyncio.Semaphore(AT_ONCE)
    driver = Driver(process.url, World(local), told)

    async def ask(op: cases.Operation) -> None:
        route, row = BY_LABEL[op.label], ROWS[op.label]
        admitted = [kind for kind in KINDS if may_enter(expected_of_route(route, row, kind, "own"))]
        shares = _shares(thought_up[op.label], admitted)
        for kind in KINDS:
            async with turn:
                await driver.ask(op, route, row, kind, shares.get(kind, thought_up[op.label][:1]))

    try:
        async with asyncio.TaskGroup() as group:
            for op in chosen:
                group.create_task(ask(op))
    finally:
        driver.close()
        await local.stop()
        await process.stop()
    faults = [line for line in process.log.read_text().splitlines() if '"level":"ERROR"' in line]
    assert not told.wrong, told.report() + "\n\n" + "\n".join(faults[:5])
    assert not faults, "\n".join(faults[:5])
    assert ONLY or told.followed
    _check_successes(told, [op.label for op in chosen])


def _shares(thought_up: list[cases.Case], kinds: list[str]) -> dict[str, list[cases.Case]]:
    """Each request goes to one kind of caller, in a longer run to all. Pairs: good and bad ones stand by turns."""
    if LONG:
        return dict.fromkeys(kinds, thought_up)
    return {
        kind: [case for number, case in enumerate(thought_up) if number // 2 % len(kinds) == place]
        for place, kind in enumerate(kinds)
    }


def _check_successes(told: Told, labels: list[str]) -> None:
    """Answers of success were judged too: each operation succeeded for everybody who may use it."""
    missing, needless = [], []
    for label in labels:
        done = [kind for kind in KINDS if told.succeeded(label, kind)]
        must = [
            kind
            for kind in KINDS
            if isinstance(expected_of_route(BY_LABEL[label], ROWS[label], kind, "own"), int)
        ]
        if label in NEVER:
            needless += [label] if done else []
        elif not done or (left := [kind for kind in must if kind not in done]):
            missing.append(f"{label} never succeeded for {left or 'anybody'}")
    assert not missing, "\n".join(missing)
    assert not needless, f"these do succeed: {needless}"
