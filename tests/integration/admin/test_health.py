"""How the desk itself is, asked over HTTP: workers by their vitals, queues, stores."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import aiohttp
import orjson
import pytest
from redis.asyncio import Redis

from server.protocol.rest.health import QueueName
from server.vitals import KEPT, SILENT_S, Vitals
from storage.health import QUEUES, database
from storage.postgres import Pool
from tests.integration.board.test_board_http import Caller
from tests.served import LocalServer

HEALTH = "/api/v1/admin/health"


@pytest.fixture
async def server(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    local.provision(drivers=1, admins=1)
    yield local
    await local.stop()


@pytest.fixture
async def staff(server: LocalServer) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(server.url) as session:
        yield Caller(session, server.accounts["admins"][0])


async def tell(server: LocalServer, worker: int, sample: dict[str, object]) -> None:
    services = server.services
    await services.redis.lpush(services.keys.vitals(worker), orjson.dumps(sample))
    await services.redis.sadd(services.keys.workers, worker)


def test_every_queue_has_its_name() -> None:
    assert set(QUEUES) == set(get_args(QueueName))


async def test_a_worker_tells_what_it_did_and_how_late_it_was(server: LocalServer, staff: Caller) -> None:
    vitals = Vitals(server.services, 7)
    server.services.metrics.commit_lag.observe(0.012)
    for _ in range(3):
        await staff("GET", "/api/v1/me")
    await tell(server, 7, vitals.take())
    status, told = await staff("GET", HEALTH)
    assert status == 200
    [worker] = [each for each in told["workers"] if each["worker"] == 7]
    assert worker["silent"] is False
    [sample] = worker["samples"]
    assert sample["requests_s"] > 0 and 10 < sample["commit_ms"] <= 20 and sample["offer_ms"] is None
    assert sample["memory"] > 10**7 and sample["sessions"] == {}
    assert told["database"]["connections"] >= 1 and told["redis"]["memory"] > 0
    again = vitals.take()
    assert again["commit_ms"] is None, "of the time since the last sample"


async def test_a_worker_that_says_nothing_any_more_is_silent(server: LocalServer, staff: Caller) -> None:
    vitals = Vitals(server.services, 8)
    for ago in range(3, 0, -1):
        sample = vitals.take()
        await tell(server, 8, {**sample, "at": server.services.now() - SILENT_S - ago})
    _, told = await staff("GET", HEALTH, samples=2)
    [worker] = [each for each in told["workers"] if each["worker"] == 8]
    assert worker["silent"] is True and len(worker["samples"]) == 2
    assert worker["samples"][0]["at"] > worker["samples"][1]["at"]
    assert (await staff("GET", HEALTH, samples=KEPT + 1))[0] == 400


async def test_what_waits_is_counted_with_the_age_of_its_first(pool: Pool) -> None:
    for key, ago in (("a", 90), ("b", 10), ("c", -60)):
        await pool.execute(
            "INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at, announced_at) "
            "VALUES (1, 'order.changed', '{}', $1, now() - make_interval(secs => $2), "
            "now() + interval '1 h', now())",
            key,
            ago,
        )
    _, queues = await database(pool)
    assert {queue.name for queue in queues} == set(QUEUES)
    [pushes] = [queue for queue in queues if queue.name == "pushes"]
    assert pushes.waiting == 2 and 90 <= pushes.oldest_s < 120
    assert all(queue.waiting == 0 and queue.oldest_s == 0 for queue in queues if queue.name != "pushes")


async def test_nobody_but_staff_is_told(server: LocalServer) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        assert (await Caller(session, server.accounts["drivers"][0])("GET", HEALTH))[0] == 403
