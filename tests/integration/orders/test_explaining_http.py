"""Over HTTP: staff see the whole search, a driver his own part of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.integration.board.test_board_http import Caller
from tests.served import LocalServer

ORDER = {
    "pickup_city": 1526384,
    "drop_city": 1526273,
    "cargo": "мука",
    "weight_kg": 20000,
    "volume_m3": 60,
    "body": "tent",
}


@pytest.fixture
async def server(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    local.provision(drivers=2, shippers=2, admins=1)
    yield local
    await local.stop()


@pytest.fixture
async def http(server: LocalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def test_the_search_is_explained_to_staff_and_each_driver_his_own_part(
    server: LocalServer, http: aiohttp.ClientSession
) -> None:
    staff, shipper = Caller(http, server.accounts["admins"][0]), Caller(http, server.accounts["shippers"][0])
    driver, other = (Caller(http, account) for account in server.accounts["drivers"])
    status, order = await shipper("POST", "/api/v1/orders", ORDER, {"Idempotency-Key": "explained"})
    assert status == 201, order
    number = order["order"]
    status, told = await staff("GET", f"/api/v1/admin/orders/{number}/dispatch", driver=driver.user)
    assert status == 200
    assert told["radii_m"] == list(server.services.policy.wave_radii_m)
    assert abs(sum(told["most"].values()) - 1) < 1e-9
    [judged] = told["drivers"]
    assert judged["driver"] == driver.user and "no_position" in judged["obstacles"]
    assert "score" not in judged or judged["score"] is None

    status, mine = await driver("GET", f"/api/v1/orders/{number}/why-not-me")
    assert status == 200 and "no_position" in mine["obstacles"]
    assert mine["eligible"] == 0 and mine["place"] is None
    assert "drivers" not in mine and "offers" not in mine

    assert (await shipper("GET", f"/api/v1/orders/{number}/why-not-me"))[0] == 403
    assert (await other("GET", f"/api/v1/admin/orders/{number}/dispatch"))[0] == 403
    assert (await staff("GET", f"/api/v1/admin/orders/{number + 1}/dispatch"))[0] == 404
    await server.services.pool.execute(
        "INSERT INTO blocks (made_by, shipper_id, driver_id, actor_id) VALUES ('shipper', $1, $2, $1)",
        shipper.user,
        other.user,
    )
    assert (await other("GET", f"/api/v1/orders/{number}/why-not-me"))[0] == 404
    assert (await shipper("POST", f"/api/v1/orders/{number}/cancel", {}))[0] in (200, 204)
    assert (await driver("GET", f"/api/v1/orders/{number}/why-not-me"))[1]["code"] == "order_closed"
