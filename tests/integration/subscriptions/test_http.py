"""Plans and subscriptions over HTTP, and rights that change on open sockets."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.integration.authz.world import Person, World
from tests.integration.board.test_board_http import Caller
from tests.served import LocalServer
from tracking_desk_client import Fix
from tracking_desk_client import messages as sdk

MINE = "/api/v1/me/subscription"


@pytest.fixture
async def server(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    local.provision(drivers=2, shippers=1, admins=1)
    yield local
    await local.stop()


@pytest.fixture
async def http(server: LocalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
def driver(server: LocalServer, http: aiohttp.ClientSession) -> Caller:
    return Caller(http, server.accounts["drivers"][0])


@pytest.fixture
def staff(server: LocalServer, http: aiohttp.ClientSession) -> Caller:
    return Caller(http, server.accounts["admins"][0])


async def ends(staff: Caller, driver: int, in_s: float) -> None:
    form = {"paid_until": time.time() + in_s, "note": "по заявке"}
    assert (await staff("PUT", f"/api/v1/admin/drivers/{driver}/subscription", form))[0] == 200


async def test_plans_are_told_in_the_readers_language_at_his_price(driver: Caller) -> None:
    status, told = await driver("GET", "/api/v1/plans", headers={"Accept-Language": "kk"})
    assert status == 200 and told["trial"]
    month = next(plan for plan in told["plans"] if plan["plan"] == "driver-month")
    assert month["name"] == "Жүргізуші, ай" and month["price"] == {"amount": 499_000, "currency": "KZT"}
    assert month["regular"] is None and month["trial_days"] == 14
    _, in_dollars = await driver("GET", "/api/v1/plans", currency="USD")
    assert {plan["price"]["currency"] for plan in in_dollars["plans"]} == {"USD"}
    assert not [plan for plan in told["plans"] if not plan["plan"].startswith("driver-")]


async def test_the_free_days_open_the_board(driver: Caller, staff: Caller) -> None:
    await ends(staff, driver.user, -1)
    status, refused = await driver("GET", "/api/v1/board")
    assert (status, refused["code"]) == (402, "subscription_expired")
    status, now = await driver("POST", f"{MINE}/trial", {"plan": "driver-month"})
    assert status == 200 and now["state"] == "trial" and now["entitled"] and now["price"]["amount"] == 499_000
    assert (await driver("GET", "/api/v1/board"))[0] == 200
    status, again = await driver("POST", f"{MINE}/trial", {"plan": "driver-year"})
    assert (status, again["code"]) == (409, "trial_used")
    _, told = await driver("GET", f"{MINE}/entries")
    newest = told["entries"][0]
    assert (newest["kind"], newest["cause"]) == ("trial", "trial")


async def test_a_renewal_is_chosen_from_the_state_that_was_read(driver: Caller) -> None:
    status, refused = await driver(
        "PUT", MINE, {"plan": "driver-month", "renews": False}, {"If-Match": '"0"'}
    )
    assert (status, refused["code"]) == (404, "not_found")
    await driver("POST", f"{MINE}/trial", {"plan": "driver-month"})
    await driver("GET", MINE)
    tag = driver.answer_headers["ETag"]
    status, now = await driver("PUT", MINE, {"plan": "driver-quarter", "renews": False}, {"If-Match": tag})
    assert status == 200 and now["plan"] == "driver-quarter" and not now["renews"]
    status, refused = await driver("PUT", MINE, {"plan": "driver-month", "renews": True}, {"If-Match": tag})
    assert (status, refused["code"]) == (412, "version_stale")


async def test_staff_set_a_plan_and_users_are_told_its_price(staff: Caller, driver: Caller) -> None:
    form: dict[str, Any] = {
        "role": "driver",
        "days": 30,
        "prices": [
            {"currency": "KZT", "amount": 600_000},
            {"currency": "KZT", "amount": 650_000, "country": "RU"},
        ],
        "names": {"ru": "Месяц", "kk": "Ай", "en": "Month", "zh": "月"},
    }
    path = "/api/v1/admin/plans/driver-month"
    status, view = await staff("PUT", path, form, {"If-Match": '"0"'})
    assert status == 200 and view["version"] == 1 and view["set_by"] == staff.user
    assert (await staff("PUT", path, form, {"If-Match": '"0"'}))[1]["code"] == "version_stale"
    twice = {**form, "prices": form["prices"] * 2}
    assert (await staff("PUT", path, twice, {"If-Match": '"1"'}))[0] == 400
    _, told = await driver("GET", "/api/v1/plans")
    assert (
        next(plan for plan in told["plans"] if plan["plan"] == "driver-month")["price"]["amount"] == 600_000
    )
    later = {**form, "valid_from": time.time() + 86_400, "prices": [{"currency": "KZT", "amount": 700_000}]}
    assert (await staff("PUT", path, later, {"If-Match": '"1"'}))[0] == 200
    _, listed = await staff("GET", "/api/v1/admin/plans")
    assert [each["version"] for each in listed["plans"] if each["plan"] == "driver-month"] == [1, 2]
    _, again = await driver("GET", "/api/v1/plans")
    assert again == told


async def test_an_open_socket_is_told_when_access_changes_and_when_it_ends(
    server: LocalServer, driver: Caller, staff: Caller
) -> None:
    told: asyncio.Queue[object] = asyncio.Queue()

    async def next_change() -> sdk.AccessChanged:
        while not isinstance(message := await asyncio.wait_for(told.get(), 10), sdk.AccessChanged):
            pass
        return message

    async with server.driver(0) as client:
        client.connection.on_message = told.put_nowait
        await ends(staff, driver.user, 2.0)
        assert (await next_change()).entitled
        assert not (await next_change()).entitled, "the clock, without a request"
        assert (await driver("GET", "/api/v1/board"))[0] == 402
        await ends(staff, driver.user, 3600.0)
        assert (await next_change()).entitled
        assert (await driver("GET", "/api/v1/board"))[0] == 200
        assert len(server.services.access_ends) == 1
    await ends(staff, driver.user, 2.0)


async def test_a_load_in_hand_goes_on_after_access_has_ended(
    server: LocalServer, driver: Caller, staff: Caller
) -> None:
    """Nobody is cut off on the road: steps and positions count, only new loads are not to be had."""
    world = World(server)
    account = server.accounts["drivers"][0]
    order = await world.taken(Person("driver", "driver", account))
    await ends(staff, driver.user, -1)
    async with server.driver(0) as client:
        await client.advance(order, "at_pickup")
        await client.report(Fix(at=time.time(), lat=43.24, lon=76.89))
        await client.drained()
    _, now = await driver("GET", f"/api/v1/orders/{order}")
    assert now["order"]["status"] == "at_pickup"
    assert await server.services.pool.fetchval("SELECT count(*) FROM positions") == 1
    assert (await driver("GET", "/api/v1/board"))[0] == 402
