"""Rate limits: exact over many workers, kept without Redis, told in headers, cheap under a flood."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.asyncio import Redis

from server.limits import AWAY_S, Limits, RateLimits
from storage.buckets import Buckets, Limit, spend
from storage.redis import Keys, connect
from tests.served import LocalServer

KEYS = Keys("limits")


class Away:
    """A Redis that cannot be reached, and counts how often that was tried."""

    tried = 0

    async def execute_command(self, *arguments: object) -> object:
        self.tried += 1
        raise ConnectionRefusedError

    script_load = execute_command


class Hanging(Away):
    """A Redis that accepts and never answers."""

    async def execute_command(self, *arguments: object) -> object:
        self.tried += 1
        await asyncio.sleep(60)
        raise AssertionError


def limits(redis: Any, **changes: Limit) -> Limits:
    return Limits(redis, KEYS, RateLimits()._replace(**changes), lambda: None)


async def test_many_workers_admit_what_one_bucket_holds_and_no_more(redis: Redis, redis_url: str) -> None:
    limit = Limit(rate=200.0, burst=300)

    async def clock() -> float:
        seconds, micros = await redis.time()
        return float(seconds) + float(micros) / 1e6

    async def worker() -> int:
        client = connect(redis_url)
        bucket = Buckets(client, KEYS)
        got = sum([(await bucket.take("shared", limit, 1)).allowed for _ in range(250)])
        await client.aclose()
        return got

    started = await clock()
    admitted = sum(await asyncio.gather(*(worker() for _ in range(16))))
    took = await clock() - started
    assert limit.burst <= admitted <= limit.burst + limit.rate * took + 1


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 500),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5)), max_size=80),
)
@example(rate=0.32493335498619663, burst=1, steps=[(0.0, 1), (0.0, 1)])
def test_a_bucket_never_gives_more_than_it_held_and_got_back(
    rate: float, burst: int, steps: list[tuple[float, int]]
) -> None:
    limit, full_at, now, given_out = Limit(rate, burst), 0.0, 1000.0, 0
    for pause, cost in steps:
        now += pause
        taken, full_at = spend(full_at, now, limit, cost)
        if taken.allowed:
            given_out += cost
            assert given_out <= burst + rate * (now - 1000.0) + 1e-6 * max(1, given_out)
            assert 0 <= taken.remaining <= burst and taken.wait_s == 0
        elif cost <= burst:
            again, _ = spend(full_at, now + taken.wait_s + 1e-6, limit, cost)
            assert again.allowed, "the time to wait is the time after which it works"


async def test_memory_and_redis_count_alike(redis: Redis) -> None:
    shared, limit, full_at = Buckets(redis, KEYS), Limit(rate=0.001, burst=10), 0.0
    for cost in (1, 3, 5, 2, 1, 1):
        ours, full_at = spend(full_at, time.monotonic(), limit, cost)
        theirs = await shared.take("alike", limit, cost)
        assert (ours.allowed, ours.remaining) == (theirs.allowed, theirs.remaining)


async def test_a_full_bucket_leaves_nothing_in_redis(redis: Redis) -> None:
    await Buckets(redis, KEYS).take("short", Limit(rate=1000, burst=5), 1)
    await asyncio.sleep(0.05)
    assert await redis.keys("*short*") == []


@pytest.mark.parametrize("kind", [Away, Hanging])
async def test_without_redis_each_worker_counts_by_itself_and_soon_stops_asking(kind: type[Away]) -> None:
    redis = kind()
    one = limits(redis, read=Limit(0.001, 50))
    taken = [(await one.take("read", "7", 1))[1].allowed for _ in range(80)]
    assert taken == [True] * 50 + [False] * 30
    assert redis.tried == 1
    assert (await one.take("read", "8", 1))[1].allowed, "another caller has a bucket of their own"


async def test_redis_is_asked_again_after_a_while(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    one = limits(Away(), read=Limit(0.001, 2))
    await one.take("read", "7", 1)
    one._shared = Buckets(redis, KEYS)
    await one.take("read", "7", 1)
    assert await redis.keys("*rate*") == []
    loop = asyncio.get_running_loop()
    clock = loop.time
    monkeypatch.setattr(loop, "time", lambda: clock() + AWAY_S + 0.1)
    await one.take("read", "9", 1)
    assert len(await redis.keys("*rate*")) == 1


async def test_a_redis_that_was_emptied_learns_the_script_again(redis: Redis) -> None:
    one = limits(redis)
    await one.take("read", "7", 1)
    await redis.script_flush()
    assert (await one.take("read", "7", 1))[1].allowed


async def test_a_flood_costs_no_round_trips(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    take = Buckets.take

    async def counting(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return await take(*arguments)

    monkeypatch.setattr(Buckets, "take", counting)
    one = limits(redis, read=Limit(0.01, 5))
    assert sum([(await one.take("read", "7", 1))[1].allowed for _ in range(1000)]) == 5
    assert asked == 6


@pytest.fixture
async def server(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    local = LocalServer(dsn, redis_url, tmp_path)
    local.extra = {"DESK_RATE_LIMITS": "read=0.5/4,write=0.01/2,anonymous=0.01/3"}
    await local.start()
    yield local
    await local.stop()


async def test_answers_tell_what_is_left_and_a_refusal_how_long_to_wait(server: LocalServer) -> None:
    bearer = {"Authorization": f"Bearer {server.accounts['drivers'][0]['access']}"}
    async with aiohttp.ClientSession(server.url, headers=bearer) as http:
        left = []
        for _ in range(4):
            async with http.get("/api/v1/offers") as answer:
                assert answer.status == 200 and answer.headers["RateLimit-Limit"] == "4"
                left.append((answer.headers["RateLimit-Remaining"], answer.headers["RateLimit-Reset"]))
        assert left == [("3", "2"), ("2", "4"), ("1", "6"), ("0", "8")]
        async with http.get("/api/v1/offers") as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, problem["code"], problem["retry"]) == (429, "rate_limited", True)
            assert (
                answer.headers["RateLimit-Remaining"] == "0" and 1 <= int(answer.headers["Retry-After"]) <= 2
            )
        # Another class of routes, and another user, have buckets of their own.
        async with http.post("/api/v1/devices", json={}) as answer:
            assert answer.status == 201 and answer.headers["RateLimit-Limit"] == "2"
    other = {"Authorization": f"Bearer {server.accounts['drivers'][1]['access']}"}
    async with aiohttp.ClientSession(server.url, headers=other) as http, http.get("/api/v1/offers") as answer:
        assert answer.status == 200


async def test_guessing_tokens_costs_the_network_address(server: LocalServer) -> None:
    codes = []
    async with aiohttp.ClientSession(server.url) as http:
        for number in range(5):
            guess = {"Authorization": f"Bearer guess-{number}"}
            async with http.get("/api/v1/offers", headers=guess) as answer:
                codes.append((await answer.json(content_type=None))["code"])
    assert codes == ["unauthenticated"] * 3 + ["rate_limited"] * 2


async def test_a_forged_forwarding_header_buys_no_other_bucket(server: LocalServer) -> None:
    statuses = []
    async with aiohttp.ClientSession(server.url) as http:
        for number in range(5):
            forged = {
                "X-Forwarded-For": f"192.0.2.{number}",
                "X-Real-IP": f"192.0.2.{number}",
                "Forwarded": f"for=192.0.2.{number}",
            }
            async with http.post("/api/v1/auth/refresh", json={}, headers=forged) as answer:
                statuses.append(answer.status)
    assert statuses == [401] * 3 + [429] * 2


async def test_limits_stand_while_redis_is_away(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.services.limits, "_shared", Buckets(Away(), KEYS))  # type: ignore[arg-type]
    bearer = {"Authorization": f"Bearer {server.accounts['drivers'][0]['access']}"}
    async with aiohttp.ClientSession(server.url, headers=bearer) as http:
        statuses = [(await http.get("/api/v1/offers")).status for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2
    assert server.services.counts.limits_local >= 5
