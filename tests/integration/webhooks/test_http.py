"""A shipper's ERP posts loads with an API key and hears of them by webhook."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDictProxy
from redis.asyncio import Redis

from storage.api_keys import MAX_KEYS
from tests.served import Account, LocalServer

from .companies import company, join
from .receiver import receivers

ALMATY, KONAEV = 1526384, 1519948
ORDER = {"pickup_city": ALMATY, "drop_city": KONAEV, "cargo": "яблоки", "weight_kg": 300.0, "body": "van"}
KEYS, HOOKS = "/api/v1/company/keys", "/api/v1/company/webhooks"
ALL_SCOPES = ["orders:read", "orders:write", "places:read"]
Reply = tuple[int, dict[str, Any], "CIMultiDictProxy[str]"]


class Caller:
    """REST with some headers."""

    def __init__(self, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
        self._http = http
        self._headers = headers

    async def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        async with self._http.request(
            method, path, json=body, headers={**self._headers, **headers}
        ) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else {}, answer.headers

    async def order(self) -> Reply:
        return await self("POST", "/api/v1/orders", ORDER, **{"Idempotency-Key": uuid.uuid4().hex})


@pytest.fixture
async def server(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    local = LocalServer(dsn, redis_url, tmp_path)
    local.extra = {"DESK_WEBHOOK_ALLOW_PRIVATE": "1"}
    await local.start()
    yield local
    await local.stop()


@asynccontextmanager
async def calling(server: LocalServer, who: Account | str, header: str = "") -> AsyncIterator[Caller]:
    """As an account, or as an API key."""
    token = who if isinstance(who, str) else who["access"]
    headers = {header: token} if header else {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(server.url) as http:
        yield Caller(http, headers)


@pytest.fixture
async def owner(server: LocalServer) -> AsyncIterator[Caller]:
    account = server.accounts["shippers"][0]
    await company(server.services.pool, account["user"])
    async with calling(server, account) as caller:
        yield caller


async def key(owner: Caller, *scopes: str, **form: object) -> tuple[int, str]:
    status, made, headers = await owner(
        "POST", KEYS, {"name": "1С", "scopes": list(scopes) or ALL_SCOPES, **form}
    )
    assert status == 201 and "Location" not in headers, "a key is shown once"
    return made["key"], made["secret"]


async def test_an_erp_posts_loads_follows_them_and_hears_of_them(server: LocalServer, owner: Caller) -> None:
    async with receivers(1) as (erp,):
        status, hook, _ = await owner("POST", HOOKS, {"url": erp.url, "kinds": ["order.*"]})
        assert status == 201 and hook["secret"].startswith("whsec_")
        erp.secret = hook["secret"]
        _, secret = await key(owner)
        async with calling(server, secret) as program, calling(server, secret, "X-Api-Key") as other_way:
            status, order, headers = await program.order()
            assert status == 201 and headers["Location"] == f"/api/v1/orders/{order['order']}"
            for caller in (program, other_way):
                assert (await caller("GET", f"/api/v1/orders/{order['order']}"))[0] == 200
                assert (await caller("GET", "/api/v1/cities?q=алма"))[0] == 200
            status, _, _ = await program("POST", f"/api/v1/orders/{order['order']}/cancel", {})
            assert status == 200
            async with asyncio.timeout(10):
                while not any(event["type"] == "order.cancelled" for event in erp.events):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        assert erp.forged == 0
        status, page, _ = await owner("GET", f"{HOOKS}/{hook['webhook']}/deliveries")
        assert status == 200 and page["deliveries"][0]["kind"] == "order.cancelled"


async def test_a_key_is_taken_only_where_its_scope_says(server: LocalServer, owner: Caller) -> None:
    _, reader = await key(owner, "orders:read")
    async with calling(server, reader) as program:
        assert (await program("GET", "/api/v1/orders"))[0] == 200
        refused = [
            await program.order(),
            await program("GET", "/api/v1/cities?q=a"),
            await program("GET", "/api/v1/me"),
            await program("POST", "/api/v1/ws-ticket", {}),
            await program("POST", KEYS, {"name": "x", "scopes": ["orders:write"]}),
            await program("GET", HOOKS),
            await program("POST", "/api/v1/auth/sign-out"),
        ]
        assert [(status, body["code"]) for status, body, _ in refused] == [(403, "forbidden")] * len(refused)


async def test_a_key_is_shown_once_listed_by_its_beginning_and_dated_by_its_use(
    server: LocalServer, owner: Caller
) -> None:
    number, secret = await key(owner, "orders:read")
    status, listed, _ = await owner("GET", KEYS)
    (view,) = listed["keys"]
    assert status == 200 and secret not in json.dumps(listed)
    assert (view["key"], view["hint"], view["last_used_at"]) == (number, secret[:12], None)
    async with calling(server, secret) as program:
        await program("GET", "/api/v1/orders")
    view = (await owner("GET", KEYS))[1]["keys"][0]
    assert time.time() - view["last_used_at"] < 60
    stored = await server.services.pool.fetchrow("SELECT * FROM api_keys")
    assert secret not in str(stored)


async def test_a_key_ends_with_its_revocation_its_time_and_its_member(
    server: LocalServer, owner: Caller
) -> None:
    pool = server.services.pool
    number, secret = await key(owner)
    _, short = await key(owner, expires_at=time.time() + 3600)

    async def works(one: str) -> bool:
        async with calling(server, one) as program:
            status, body, _ = await program("GET", "/api/v1/orders")
            assert status == 200 or body["code"] == "unauthenticated"
            return status == 200

    assert await works(secret) and await works(short)
    assert (await owner("DELETE", f"{KEYS}/{number}"))[0] == 204
    assert (await owner("DELETE", f"{KEYS}/{number}"))[0] == 204
    assert not await works(secret) and await works(short)
    await pool.execute(
        "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE revoked_at IS NULL"
    )
    assert not await works(short)
    _, third = await key(owner)
    for end, again in (
        ("UPDATE users SET blocked = true WHERE id = $1", "UPDATE users SET blocked = false WHERE id = $1"),
        ("DELETE FROM company_members WHERE user_id = $1", None),
    ):
        assert await works(third)
        await pool.execute(end, server.accounts["shippers"][0]["user"])
        assert not await works(third)
        if again:
            await pool.execute(again, server.accounts["shippers"][0]["user"])


@pytest.mark.parametrize(
    "guess", ["tdk_", "tdk_x", "tdk_" + "A" * 43, "tdk_" + "ы" * 43, "tdk_" + "A" * 5000]
)
async def test_a_guessed_key_is_nobodys(server: LocalServer, guess: str) -> None:
    for header in ("", "X-Api-Key"):
        try:
            async with calling(server, guess, header) as program:
                status, body, _ = await program("GET", "/api/v1/orders")
        except ValueError:
            return  # not a header at all
        assert (status, body["code"]) == (401, "unauthenticated")


async def test_a_key_opens_no_socket(server: LocalServer, owner: Caller) -> None:
    _, secret = await key(owner)
    async with (
        aiohttp.ClientSession(server.url) as http,
        http.ws_connect("/ws", protocols=("desk.v1.json",)) as socket,
    ):
        await socket.send_json({"type": "hello", "version": 1, "token": secret})
        frame = json.loads((await socket.receive()).data)
        assert (frame["type"], frame["code"]) == ("error", "unauthenticated")


async def test_only_an_owner_manages_and_only_the_own_company(server: LocalServer, owner: Caller) -> None:
    pool, (first, second) = server.services.pool, server.accounts["shippers"][:2]
    number, _ = await key(owner)
    _, hook, _ = await owner("POST", HOOKS, {"url": "http://127.0.0.1:9/x", "kinds": ["order.*"]})
    async with calling(server, second) as stranger:
        for method, path, body in (
            ("GET", KEYS, None),
            ("GET", HOOKS, None),
            ("POST", KEYS, {"name": "x", "scopes": ALL_SCOPES}),
        ):
            status, problem, _ = await stranger(method, path, body)
            assert (status, problem["code"]) == (409, "company_required")
        mine = await pool.fetchval("SELECT company_id FROM company_members WHERE user_id = $1", first["user"])
        await join(pool, mine, second["user"], "manager")
        assert (await stranger("GET", KEYS))[1]["code"] == "forbidden"
        await pool.execute("DELETE FROM company_members WHERE user_id = $1", second["user"])
        await company(pool, second["user"])
        path = f"{HOOKS}/{hook['webhook']}"
        for method, target in (
            ("DELETE", f"{KEYS}/{number}"),
            ("GET", path),
            ("DELETE", path),
            ("POST", path + "/ping"),
            ("POST", path + "/secret"),
            ("GET", path + "/deliveries"),
        ):
            status, problem, _ = await stranger(method, target)
            assert (status, problem["code"]) == (404, "not_found"), target


async def test_a_company_has_so_many_live_keys(owner: Caller) -> None:
    made = [await key(owner, "orders:read") for _ in range(MAX_KEYS)]
    assert (await owner("POST", KEYS, {"name": "x", "scopes": ["orders:read"]}))[1]["code"] == "limit_reached"
    await owner("DELETE", f"{KEYS}/{made[0][0]}")
    await key(owner, "orders:read")


async def test_an_endpoint_is_edited_by_version_switched_off_pinged_and_sent_to_again(
    server: LocalServer, owner: Caller
) -> None:
    async with receivers(1) as (erp,):
        _, hook, _ = await owner("POST", HOOKS, {"url": erp.url, "kinds": ["order.*", "order.*"]})
        erp.secret, path = hook["secret"], f"{HOOKS}/{hook['webhook']}"
        status, view, headers = await owner("GET", path)
        assert (status, headers["ETag"], view["kinds"]) == (200, '"1"', ["order.*"])
        form = {"url": erp.url, "kinds": ["order.delivered"], "enabled": False}
        assert (await owner("PUT", path, form))[1]["code"] == "precondition_required"
        status, view, headers = await owner("PUT", path, form, **{"If-Match": '"1"'})
        assert (status, view["enabled"], view["disabled_why"], headers["ETag"]) == (
            200,
            False,
            "owner",
            '"2"',
        )
        assert (await owner("PUT", path, form, **{"If-Match": '"1"'}))[1]["code"] == "version_stale"
        await owner("PUT", path, {**form, "enabled": True}, **{"If-Match": '"2"'})
        status, queued, _ = await owner("POST", path + "/ping")
        assert status == 202
        for count in (1, 2):
            async with asyncio.timeout(10):
                while len(erp.events) < count:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            async with asyncio.timeout(5):
                while (await owner("GET", path + "/deliveries"))[1]["deliveries"][0]["state"] != "delivered":  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await owner("POST", f"{path}/deliveries/{queued['delivery']}/again")
        assert {event["delivery"] for event in erp.events} == {queued["delivery"]}
        assert (await owner("POST", f"{path}/deliveries/999999/again"))[0] == 404
        status, renewed, _ = await owner("POST", path + "/secret")
        assert status == 200 and renewed["secret"] != hook["secret"]
        assert (await owner("DELETE", path))[0] == 204
        assert (await owner("GET", path))[0] == 404


@pytest.mark.parametrize(
    "kinds", [[], ["order"], ["user.signed_in"], ["order.*; DROP"], ["order.A"], "order.*"]
)
async def test_kinds_are_those_of_orders(owner: Caller, kinds: object) -> None:
    assert (await owner("POST", HOOKS, {"url": "https://example.com/", "kinds": kinds}))[0] == 400


async def test_a_public_desk_takes_only_public_https_addresses(
    dsn: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    try:
        await company(local.services.pool, local.accounts["shippers"][0]["user"])
        async with calling(local, local.accounts["shippers"][0]) as caller:
            for url in (
                "http://example.com/",
                "https://127.0.0.1/",
                "https://localhost/",
                "https://169.254.169.254/latest",
                "https://2130706433/",
                "https://no-such-name.invalid/",
            ):
                status, problem, _ = await caller("POST", HOOKS, {"url": url, "kinds": ["order.*"]})
                assert (status, problem["code"], problem["path"]) == (400, "bad_request", "url"), url
    finally:
        await local.stop()
