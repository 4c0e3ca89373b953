"""For staff: how the desk itself is."""

import time

from server import vitals
from server.protocol.rest.health import (
    DatabaseHealth,
    DeskHealth,
    HealthQuery,
    QueueHealth,
    QueueName,
    RedisHealth,
    WorkerHealth,
)
from storage import health, postgres, redis

from .route import Call, Route


async def desk(call: Call[None, HealthQuery]) -> DeskHealth:
    """Workers, queues, stores."""
    now = call.services.now()
    database, queues = await _database(call)
    store, workers = await _redis(call, now)
    return DeskHealth(at=now, workers=workers, queues=queues, database=database, redis=store)


async def _database(call: Call[None, HealthQuery]) -> tuple[DatabaseHealth | None, list[QueueHealth]]:
    asked = time.perf_counter()
    try:
        state, queues = await health.database(call.services.pool)
    except postgres.Unreachable:
        return None, []
    told = DatabaseHealth(
        answer_ms=_ms(asked),
        connections=state.connections,
        most_connections=state.most,
        size=state.size,
        longest_s=round(state.longest_s, 3),
    )
    return told, [QueueHealth(_name(queue.name), queue.waiting, round(queue.oldest_s, 1)) for queue in queues]


async def _redis(call: Call[None, HealthQuery], now: float) -> tuple[RedisHealth | None, list[WorkerHealth]]:
    client, asked = call.services.redis, time.perf_counter()
    try:
        await client.ping()
        answer_ms = _ms(asked)
        memory, clients = await client.info("memory"), await client.info("clients")
        found = await vitals.samples(client, call.services.keys, call.query.samples)
    except redis.Unreachable:
        return None, []
    workers = [
        WorkerHealth(worker, now - samples[0].at > vitals.SILENT_S, samples)
        for worker, samples in found.items()
    ]
    return RedisHealth(answer_ms, memory["used_memory"], clients["connected_clients"]), workers


def _ms(since: float) -> float:
    return round((time.perf_counter() - since) * 1e3, 2)


# The names are those of storage.health.QUEUES; a test compares.
def _name(word: str) -> QueueName:
    return word  # type: ignore[return-value]


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/health",
        desk,
        "How the desk itself is",
        "administration",
        query=HealthQuery,
        response=DeskHealth,
        roles=frozenset({"admin"}),
    ),
)
