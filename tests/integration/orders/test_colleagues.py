"""Who acts for whom: colleagues for their company's orders, a logistician for the drivers of the fleet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from dispatch.model import Status
from tests.integration.orders.market import Market
from tests.integration.orders.test_http import calling, post
from tests.integration.webhooks.companies import company
from tests.served import LocalServer


@pytest.fixture
async def local(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    """A server in this test's loop, so that the test has its stores."""
    served = LocalServer(dsn, redis_url, tmp_path)
    await served.start()
    yield served
    await served.stop()


async def test_colleagues_share_their_companys_orders_and_drafts_while_they_are_in_it(
    local: LocalServer,
) -> None:
    pool = local.services.pool
    first, second = local.accounts["shippers"][:2]
    owned = await company(pool, first["user"])
    await pool.execute("INSERT INTO company_members VALUES ($1, $2, 'manager')", second["user"], owned)
    async with calling(local, first) as poster, calling(local, second) as colleague:
        _, order = await post(poster)
        assert order["company"] == owned
        at = f"/api/v1/orders/{order['order']}"
        assert [each["order"] for each in (await colleague("GET", "/api/v1/orders"))[1]["orders"]] == [
            order["order"]
        ]
        status, edited = await colleague("PATCH", at, {"comment": "звоните мне"}, **{"If-Match": '"1"'})
        assert (status, edited["comment"]) == (200, "звоните мне")
        line = (await poster("GET", at))[1]["events"][-1]
        assert (line["kind"], line["actor"]) == ("edited", second["user"])
        status, problem = await post(colleague)
        assert (status, problem["code"]) == (409, "order_duplicate")
        _, draft = await colleague("POST", "/api/v1/orders/drafts", {"cargo": "рис"})
        assert (await poster("GET", f"/api/v1/orders/drafts/{draft['order']}"))[0] == 200
        assert (await colleague("POST", f"{at}/cancel", {"code": "mistake"}))[0] == 200
        await pool.execute("DELETE FROM company_members WHERE user_id = $1", second["user"])
        assert (await colleague("GET", at))[0] == 404
        assert (await colleague("GET", "/api/v1/orders"))[1]["orders"] == []


async def test_a_logistician_acts_for_the_driver_of_the_fleet_and_for_no_other(local: LocalServer) -> None:
    pool, market = local.services.pool, Market(local.services.pool)
    boss, shipper = local.accounts["logisticians"][0], local.accounts["shippers"][0]
    fleet = await company(pool, boss["user"])
    order, _, driver = await market.haul(Status.ASSIGNED, shipper["user"])
    await pool.execute("INSERT INTO fleet_drivers (company_id, driver_id) VALUES ($1, $2)", fleet, driver)
    foreign, *_ = await market.haul(Status.ASSIGNED, shipper["user"])
    at = f"/api/v1/orders/{order}"
    async with calling(local, boss) as logistician, calling(local, shipper) as owner:
        _, page = await logistician("GET", "/api/v1/orders")
        assert [each["order"] for each in page["orders"]] == [order]
        _, detail = await logistician("GET", at)
        assert [contact["role"] for contact in detail["contacts"]] == ["shipper"]
        assert (await logistician("GET", f"/api/v1/orders/{foreign}"))[0] == 404
        step = {"status": "at_pickup"}
        assert (await logistician("POST", f"/api/v1/orders/{foreign}/advance", step))[0] == 404
        assert (await logistician("POST", f"{at}/advance", step))[1]["status"] == "at_pickup"
        line = (await owner("GET", at))[1]["events"][-1]
        assert (line["kind"], line["actor"], line["role"]) == ("at_pickup", boss["user"], "logistician")
        assert (await logistician("POST", f"{at}/cancel", {"code": "breakdown"}))[0] == 200
        line = (await owner("GET", at))[1]["events"][-1]
        assert (line["fault"], line["role"]) == ("driver", "logistician")
        await pool.execute("UPDATE fleet_drivers SET left_at = now()")
        assert (await logistician("GET", at))[0] == 404


async def test_a_companys_key_posts_edits_and_follows_but_only_as_far_as_its_scopes_go(
    local: LocalServer,
) -> None:
    pool, shipper = local.services.pool, local.accounts["shippers"][0]
    owned = await company(pool, shipper["user"])
    keys = local.services.api_keys
    _, writes = await keys.add(owned, shipper["user"], "ERP", ["orders:read", "orders:write"], None)
    _, reads = await keys.add(owned, shipper["user"], "BI", ["orders:read"], None)
    async with (
        calling(local, {**shipper, "access": writes}) as erp,
        calling(local, {**shipper, "access": reads}) as reader,
    ):
        status, order = await post(erp)
        assert (status, order["company"]) == (201, owned)
        at = f"/api/v1/orders/{order['order']}"
        assert (await reader("GET", at))[0] == 200
        edit = {"comment": "из учётной системы"}
        assert (await reader("PATCH", at, edit, **{"If-Match": '"1"'}))[1]["code"] == "forbidden"
        assert (await erp("PATCH", at, edit, **{"If-Match": '"1"'}))[0] == 200
        assert (await erp("POST", f"{at}/confirm"))[0] == 200
        assert (await erp("POST", f"{at}/cancel", {"code": "plans_changed"}))[0] == 200
        assert (await erp("GET", f"{at}/attachments"))[1]["code"] == "forbidden"
