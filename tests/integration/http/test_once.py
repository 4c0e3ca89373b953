"""Idempotency-Key over HTTP: one effect, one answer, and nothing half done."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from dispatch.events import OrderPlaced
from storage.idempotency import Claim
from storage.postgres import Pool
from tests.served import LocalServer, serving

ALMATY, KONAEV = 1526384, 1519948
ORDER = {"pickup_city": ALMATY, "drop_city": KONAEV, "cargo": "яблоки", "weight_kg": 300.0, "body": "van"}
KEY = "Idempotency-Key"
Reply = tuple[int, dict[str, str], bytes]


class Shipper:
    """Raw REST as one account."""

    def __init__(self, http: aiohttp.ClientSession, access: str) -> None:
        self._http = http
        self._bearer = {"Authorization": f"Bearer {access}"}

    async def send(self, method: str, path: str, key: str, body: object) -> Reply:
        headers = {**self._bearer, KEY: key, "Content-Type": "application/json"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._http.request(method, path, data=data, headers=headers) as answer:
            return answer.status, dict(answer.headers), await answer.read()

    async def post(self, key: str, **changes: object) -> Reply:
        return await self.send("POST", "/api/v1/orders", key, {**ORDER, "allow_duplicate": True, **changes})


@pytest.fixture
async def shipper(server: LocalServer) -> AsyncIterator[Shipper]:
    async with aiohttp.ClientSession(server.url) as http:
        yield Shipper(http, server.accounts["shippers"][0]["access"])


def code(reply: Reply) -> str:
    return str(json.loads(reply[2])["code"])


async def count(server: LocalServer, table: str) -> int:
    number: int = await server.services.pool.fetchval(f"SELECT count(*) FROM {table}")
    return number


async def test_thirty_parallel_posts_with_one_key_are_one_order_and_thirty_equal_answers(
    server: LocalServer, shipper: Shipper
) -> None:
    replies = await asyncio.gather(*(shipper.post("one") for _ in range(30)))
    assert {status for status, _, _ in replies} == {201}
    assert len({body for _, _, body in replies}) == 1
    assert len({headers["Location"] for _, headers, _ in replies}) == 1
    assert (
        sorted(headers.get("Idempotency-Replayed", "") for _, headers, _ in replies) == [""] + ["true"] * 29
    )
    assert await count(server, "orders") == await count(server, "order_events") == 1
    order = json.loads(replies[0][2])["order"]
    assert replies[0][1]["Location"] == f"/api/v1/orders/{order}"


async def test_two_workers_agree_on_one_order(
    dsn: str, pool: Pool, redis: Redis, redis_url: str, tmp_path: Any
) -> None:
    async with serving(dsn, redis_url, tmp_path, workers=2) as running:
        connector = aiohttp.TCPConnector(force_close=True)  # each request may meet the other worker
        async with aiohttp.ClientSession(running.url, connector=connector) as http:
            caller = Shipper(http, running.accounts["shippers"][0]["access"])
            replies = await asyncio.gather(*(caller.post("one") for _ in range(30)))
    assert {status for status, _, _ in replies} == {201} and len({body for _, _, body in replies}) == 1
    assert await pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_spaces_and_the_order_of_fields_do_not_make_another_request(shipper: Shipper) -> None:
    first = await shipper.post("one")
    again = json.dumps({"allow_duplicate": True, **dict(reversed(ORDER.items()))}, indent=4).encode()
    assert (await shipper.send("POST", "/api/v1/orders", "one", again))[2] == first[2]


async def test_the_key_with_another_request_is_a_conflict_and_anothers_own_matter(
    server: LocalServer, shipper: Shipper
) -> None:
    _, _, body = await shipper.post("one")
    number = json.loads(body)["order"]
    conflicts = [
        await shipper.post("one", cargo="груши"),
        await shipper.send("POST", f"/api/v1/orders/{number}/cancel", "one", {}),
        await shipper.send("POST", "/api/v1/orders?x=1", "one", ORDER),
    ]
    assert [(reply[0], code(reply)) for reply in conflicts] == [(409, "idempotency_conflict")] * 3
    async with aiohttp.ClientSession(server.url) as http:
        other = Shipper(http, server.accounts["shippers"][1]["access"])
        assert (await other.post("one"))[0] == 201
    assert await count(server, "orders") == 2


async def test_a_refused_request_leaves_its_key_free(server: LocalServer, shipper: Shipper) -> None:
    refused = await shipper.post("one", drop_city=10**9)
    assert code(refused) == "place_unknown" and await count(server, "idempotency_keys") == 0
    absent = await shipper.send("POST", "/api/v1/orders/999/cancel", "one", {})
    assert code(absent) == "not_found" and await count(server, "idempotency_keys") == 0
    assert (await shipper.post("one"))[0] == 201


@pytest.mark.parametrize("key", ["", "k" * 81, "ключ", "a\tb"])
async def test_a_key_is_short_and_printable(shipper: Shipper, key: str) -> None:
    assert code(await shipper.post(key)) == "bad_request"


async def test_any_unsafe_request_may_carry_a_key(server: LocalServer, shipper: Shipper) -> None:
    number = json.loads((await shipper.post("one"))[2])["order"]
    path = f"/api/v1/orders/{number}/cancel"
    first, again = [await shipper.send("POST", path, "two", {"reason": "sold"}) for _ in range(2)]
    assert first[0] == again[0] == 200 and first[2] == again[2]
    assert "Idempotency-Replayed" not in first[1] and again[1]["Idempotency-Replayed"] == "true"
    assert code(await shipper.send("POST", path, "three", {"reason": "sold"})) == "transition_forbidden"


async def test_sockets_are_told_of_an_order_after_the_answer_is_stored(
    server: LocalServer, shipper: Shipper, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    tell = server.services.notify._tell
    answer = Claim.answer

    async def answering(claim: Claim, kept: Any) -> None:
        await answer(claim, kept)
        seen.append(("stored", 1))

    def telling(event: Any) -> None:
        if isinstance(event, OrderPlaced):
            seen.append(("told", 1))
        tell(event)

    monkeypatch.setattr(server.services.notify, "_tell", telling)
    monkeypatch.setattr(Claim, "answer", answering)
    await asyncio.gather(*(shipper.post("one") for _ in range(3)))
    assert seen == [("stored", 1), ("told", 1)]


async def test_a_crash_between_effect_and_answer_leaves_neither(
    server: LocalServer, shipper: Shipper, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(server.services.notify, "_tell", told.append)
    answer = Claim.answer

    async def killed(claim: Claim, kept: Any) -> None:
        pool = server.services.pool
        assert await count(server, "orders") == 1  # the effect stands in this transaction
        pid = await pool.fetchval("SELECT pg_backend_pid()")
        await asyncio.create_task(pool.execute("SELECT pg_terminate_backend($1)", pid))
        await answer(claim, kept)

    with monkeypatch.context() as patched:
        patched.setattr(Claim, "answer", killed)
        assert code(await shipper.post("one")) == "unavailable"
    assert await count(server, "orders") == await count(server, "idempotency_keys") == 0 and not told
    assert (await shipper.post("one"))[0] == 201
    assert await count(server, "orders") == 1


async def test_a_client_that_hangs_up_gets_its_answer_on_the_next_try(
    server: LocalServer, shipper: Shipper
) -> None:
    access = server.accounts["shippers"][0]["access"]
    body = json.dumps(ORDER).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {access}\r\n{KEY}: one\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    writer.transport.abort()
    status, _, told = await shipper.post("one")
    assert status == 201
    assert await server.services.pool.fetchval("SELECT array_agg(id) FROM orders") == [
        json.loads(told)["order"]
    ]
    # The loops of the server are between two statements now and then; a forgotten transaction stays.
    idle = (
        "SELECT pid, xact_start FROM pg_stat_activity"
        " WHERE state LIKE 'idle in tr%' AND datname = current_database()"
    )
    found = set(await server.services.pool.fetch(idle))
    while found:
        await asyncio.sleep(0.01)
        found &= set(await server.services.pool.fetch(idle))


async def test_a_stored_answer_cannot_be_read_from_the_database(server: LocalServer) -> None:
    driver = server.accounts["drivers"][0]
    async with aiohttp.ClientSession(server.url) as http:
        caller = Shipper(http, driver["access"])
        replies = [await caller.send("POST", "/api/v1/devices", "one", {"label": "GPS"}) for _ in range(2)]
    assert replies[0][2] == replies[1][2]
    secret = json.loads(replies[0][2])["device_secret"]
    stored = await server.services.pool.fetchval("SELECT body FROM idempotency_keys")
    assert secret.encode() not in stored


async def test_keys_are_forgotten_after_a_day_and_not_before(server: LocalServer, shipper: Shipper) -> None:
    pool = server.services.pool
    for key, hours in (("old", 27), ("young", 25)):
        await shipper.post(key, weight_kg=hours * 10)
        await pool.execute(
            "UPDATE idempotency_keys SET created_at = now() - make_interval(hours => $2) WHERE key = $1",
            key, hours,
        )  # fmt: skip
    assert await server.services.idempotency.forget_old() == 1
    assert [row["key"] for row in await pool.fetch("SELECT key FROM idempotency_keys")] == ["young"]


async def test_a_key_of_the_first_release_is_a_conflict_not_a_second_order(
    server: LocalServer, shipper: Shipper
) -> None:
    await server.services.pool.execute(
        "INSERT INTO idempotency_keys (user_id, key, request_hash, order_id) VALUES ($1, 'one', 'x', 7)",
        server.accounts["shippers"][0]["user"],
    )
    assert code(await shipper.post("one")) == "idempotency_conflict"


async def test_many_keys_at_once_do_not_run_out_of_connections(server: LocalServer, shipper: Shipper) -> None:
    # Of different weights: two that look the same are one load too many.
    replies = await asyncio.gather(
        *(shipper.post(uuid.uuid4().hex, weight_kg=100 * 1.05**number) for number in range(60))
    )
    assert {status for status, _, _ in replies} == {201}
    assert await count(server, "orders") == 60
