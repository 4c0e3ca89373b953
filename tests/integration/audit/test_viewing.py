"""Looks of staff at where people are: each is a row, many of the same are one, and none goes unwritten."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from server.audit.viewing import WINDOW_S, Viewing, Viewport
from storage.postgres import Pool
from tests.e2e.socket.test_frames import point
from tests.e2e.socket.test_watching import assigned
from tests.e2e.socket.wire import signed_in
from tests.served import Account, LocalServer

ALMATY = Viewport(76.7, 43.1, 77.1, 43.4)
WORLD: dict[str, float] = {"west": -180.0, "south": -90.0, "east": 180.0, "north": 90.0}


async def rows(pool: Pool) -> list[tuple[str, int, int | None, dict[str, str]]]:
    found = await pool.fetch("SELECT action, staff_id, user_id, detail FROM staff_actions ORDER BY id")
    return [tuple(row.values()) for row in found]  # type: ignore[misc]  # the four of the statement


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_the_same_stretch_of_the_map_is_one_row_in_five_minutes(
    pool: Pool,
) -> None:
    clock = Clock()
    viewing = Viewing(pool, clock)
    for nudge in (0.0, 0.001, 0.002):
        await viewing.area(1, ALMATY._replace(west=ALMATY.west + nudge), lambda: 7)
    sides = {"west": "76.7000", "south": "43.1000", "east": "77.1000", "north": "43.4000"}
    assert await rows(pool) == [("map.view", 1, None, {**sides, "trucks": "7"})]
    clock.now = WINDOW_S
    await viewing.area(1, ALMATY, lambda: 9)
    detail = (await rows(pool))[-1][3]
    assert (detail["trucks"], detail["repeats"]) == ("9", "2")


@pytest.mark.parametrize(
    "other",
    [
        ALMATY._replace(south=51.0, north=51.3, west=71.3, east=71.6),
        ALMATY._replace(west=70.0, east=84.0),
        Viewport(179.0, 60.0, -179.0, 62.0),
    ],
)
async def test_another_place_or_another_zoom_is_another_row(pool: Pool, other: Viewport) -> None:
    viewing = Viewing(pool)
    await viewing.area(1, ALMATY, lambda: 0)
    await viewing.area(1, other, lambda: 0)
    await viewing.area(2, ALMATY, lambda: 0)
    assert [row[1] for row in await rows(pool)] == [1, 1, 2]


async def test_looks_at_the_same_moment_are_one_row(pool: Pool) -> None:
    viewing = Viewing(pool)
    await asyncio.gather(*(viewing.area(1, ALMATY, lambda: 0) for _ in range(20)))
    assert len(await rows(pool)) == 1


async def test_a_look_that_cannot_be_written_down_is_refused_and_not_remembered(pool: Pool) -> None:
    viewing = Viewing(pool)
    await pool.execute("ALTER TABLE staff_actions RENAME TO away")
    try:
        with pytest.raises(Exception, match="staff_actions"):
            await viewing.area(1, ALMATY, lambda: 0)
    finally:
        await pool.execute("ALTER TABLE away RENAME TO staff_actions")
    await viewing.area(1, ALMATY, lambda: 0)
    assert len(await rows(pool)) == 1


async def test_the_open_map_of_an_operator_is_written_down_with_the_viewport_and_what_it_held(
    server: LocalServer,
) -> None:
    driver, admin, shipper = (server.accounts[who][0] for who in ("drivers", "admins", "shippers"))
    pool = server.services.pool
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, admin) as operator,
        signed_in(server, shipper) as stranger,
    ):
        await truck.send("position.report", points=[point(1, time.time(), 43.25, 76.91)])
        await truck.receive("position.ack")
        while server.services.live.get(driver["user"]) is None:  # noqa: ASYNC110 - a tick of the index
            await asyncio.sleep(0.01)
        assert (await operator.command("area.watch", **WORLD))["type"] == "ok"
        assert (await stranger.command("area.watch", **ALMATY._asdict()))[
            "type"
        ] == "ok"  # counts, not positions
        [(what, staff, _, detail)] = await rows(pool)
        assert (what, staff, detail["trucks"]) == ("map.view", admin["user"], "1")
        [(who, viewport, trucks)] = server.services.hub.maps_of_staff()
        assert (who, viewport, trucks()) == (admin["user"], Viewport(**WORLD), 1)
        assert (await operator.command("area.unwatch"))["type"] == "ok"
        assert server.services.hub.maps_of_staff() == []


async def get(server: LocalServer, account: Account, path: str) -> Any:
    headers = {"Authorization": f"Bearer {account['access']}"}
    url = f"{server.url}/api/v1{path}"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as got:
        assert got.status == 200, await got.text()
        return await got.json()


async def test_the_truck_of_an_order_is_written_down_for_staff_alone(server: LocalServer) -> None:
    driver, admin, shipper = (server.accounts[who][0] for who in ("drivers", "admins", "shippers"))
    async with signed_in(server, driver, stream=True) as truck, signed_in(server, admin) as operator:
        order = await assigned(server, truck, driver)
        await get(server, shipper, f"/orders/{order}")
        assert await rows(server.services.pool) == []
        assert (await operator.command("order.watch", order=order))["type"] == "ok"
        await get(server, admin, f"/orders/{order}")  # the same look
    look = ("truck.view", admin["user"], driver["user"], {"order": str(order)})
    assert await rows(server.services.pool) == [look]


async def test_staff_read_the_log_by_who_whom_what_and_when_and_check_its_chain(server: LocalServer) -> None:
    top, support = server.accounts["admins"][:2]
    viewing, pool = server.services.viewing, server.services.pool
    await viewing.area(support["user"], ALMATY, lambda: 3)
    await viewing.truck(support["user"], 77, 5)
    await viewing.truck(top["user"], 78, 6)
    seals = server.services.seals
    while (await seals.head()).number < 3:  # the server seals too: None may also mean that it is at it
        await seals.seal()

    async def found(query: str) -> list[int]:
        lines = (await get(server, top, f"/admin/audit?{query}"))["lines"]
        return [line["action"] for line in lines]

    assert await found("") == [3, 2, 1]
    assert await found(f"staff={support['user']}") == [2, 1]
    assert await found("user=78") == [3]
    assert await found(f"user=78&staff={support['user']}") == []
    assert await found("what=truck") == await found("what=truck.view") == [3, 2]
    assert await found(f"since={time.time() + 60}") == await found("until=1000") == []
    first = await get(server, top, "/admin/audit?limit=2")
    assert first["next"] == 2
    assert await found(f"before={first['next']}") == [1]
    line = first["lines"][0]
    assert (line["seal"], line["detail"], len(line["hash"])) == (3, {"order": "6"}, 64)

    check = await get(server, top, "/admin/audit/verification?limit=2")
    assert (check["checked"], check["next"], check["broken"]) == (2, 2, 0)
    async with pool.acquire() as owner, owner.transaction():
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute("UPDATE staff_actions SET staff_id = 1 WHERE id = 3")
    check = await get(server, top, "/admin/audit/verification?after=2")
    assert (check["checked"], check.get("next"), check["head"]) == (1, None, 3)
    assert check["faults"] == [{"kind": "changed", "seal": 3, "action": 3}]


async def test_two_staff_who_edit_the_same_account_are_told_of_each_other(server: LocalServer) -> None:
    top, shipper = server.accounts["admins"][0], server.accounts["shippers"][0]
    headers = {"Authorization": f"Bearer {top['access']}"}
    url = f"{server.url}/api/v1/admin/users/{shipper['user']}"
    form = {"role": "admin", "grade": "support", "reason": "joins the team"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(url) as seen:
            tag = seen.headers["ETag"]
        async with session.put(f"{url}/role", json=form, headers={"If-Match": tag}) as first:
            assert first.status == 200
            assert first.headers["ETag"] != tag
        async with session.put(
            f"{url}/role", json={**form, "grade": "finance"}, headers={"If-Match": tag}
        ) as second:
            assert (second.status, (await second.json(content_type=None))["code"]) == (412, "version_stale")
        async with session.post(f"{url}/block", json={"reason": "fraud"}, headers={"If-Match": tag}) as third:
            assert third.status == 412
        async with session.get(url) as now:
            assert (await now.json())["grade"] == "support"


def test_a_viewport_may_be_anything_that_a_socket_lets_through() -> None:
    for viewport in (Viewport(-180, -90, 180, 90), Viewport(180, 90, -180, 90), Viewport(0, 0, 0, 0)):
        assert viewport.stretch
