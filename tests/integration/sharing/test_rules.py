"""A driver's own rules: hidden between hauls, seen on duty only, and for how long after a haul."""

import time
from typing import Any

import pytest

from dispatch.sharing import EVERYTHING, Sharing
from tests.e2e.socket.wire import signed_in
from tests.served import Account, LocalServer

from .road import HERE, advance, ask, assigned, drive, quiet, until

ALL = {"on_duty_only": False, "after_trip_min": 5}
AREA = {"west": 76.0, "south": 43.0, "east": 78.0, "north": 44.0}


async def rules(server: LocalServer, driver: Account, **changes: object) -> Any:
    answer = await ask(server, driver, "PUT", "/me/sharing", {**ALL, **changes})
    assert answer.status == 200, answer.body
    return answer.body


def near(server: LocalServer) -> list[int]:
    """Whom a search for drivers at Almaty finds."""
    return [driver for driver, _, _ in server.services.live.near(*HERE, 10, 100_000.0)]


def nearest(server: LocalServer) -> list[int]:
    """Who of all drivers, whose saved search finds a load at Almaty, is asked."""
    everybody = [account["user"] for account in server.accounts["drivers"]]
    return [driver for driver, _, _ in server.services.live.nearest_of(everybody, *HERE, 10)]


async def test_a_paused_driver_is_not_found_for_loads_nor_counted_on_maps_but_operators_see_him(
    server: LocalServer,
) -> None:
    driver, mine, admin = (server.accounts[who][0] for who in ("drivers", "shippers", "admins"))
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, mine) as shipper,
        signed_in(server, admin) as operator,
    ):
        await drive(truck, 1)
        await until(lambda: near(server) == [driver["user"]])
        assert (await shipper.command("area.watch", **AREA))["result"]["cells"]
        told = await rules(server, driver, pause_until=time.time() + 3600)
        assert told["pause_until"] > time.time()
        assert near(server) == nearest(server) == []
        await drive(truck, 2, 43.2503)  # moving changes nothing
        while (await shipper.receive("area.cells"))["cells"]:
            pass
        assert (await shipper.command("area.watch", **AREA))["result"]["cells"] == []
        assert near(server) == nearest(server) == []
        trucks = (await operator.command("area.watch", **AREA))["result"]["trucks"]
        assert [truck[0] for truck in trucks] == [driver["user"]]
        assert (await rules(server, driver))["pause_until"] is None
        assert near(server) == nearest(server) == [driver["user"]]
        while not (await shipper.receive("area.cells"))["cells"]:
            pass


async def test_a_pause_ends_by_the_clock(server: LocalServer) -> None:
    driver = server.accounts["drivers"][0]
    async with signed_in(server, driver, stream=True) as truck:
        await drive(truck, 1)
        await until(lambda: near(server) == [driver["user"]])
        await rules(server, driver, pause_until=time.time() + 3.0)
        assert near(server) == []
        await until(lambda: near(server) == [driver["user"]])
        assert (await ask(server, driver, "GET", "/me/sharing")).body == {**ALL, "pause_until": None}


async def test_what_the_bus_lost_or_a_worker_slept_through_is_read_from_the_database(
    server: LocalServer,
) -> None:
    driver = server.accounts["drivers"][0]["user"]
    services = server.services
    hours = Sharing(on_duty_only=True, pause_until=float(round(time.time()) + 7200), after_trip_s=60.0)
    await services.sharing_rules.set(driver, hours)  # by a worker whose message did not come
    assert services.sharing.of(driver) == EVERYTHING
    await until(lambda: services.sharing.of(driver) == hours)
    assert services.live.hidden == {driver}
    # A worker that starts later knows it before it shows anything.
    services.sharing.put(driver, EVERYTHING, time.time())
    await services.sharing.load(time.time())
    assert services.sharing.of(driver) == hours


async def test_a_load_in_hand_is_no_time_to_hide(server: LocalServer) -> None:
    driver = server.accounts["drivers"][0]
    async with signed_in(server, driver, stream=True) as truck:
        await assigned(server, truck, driver)
        pause = {**ALL, "pause_until": time.time() + 3600}
        assert (await ask(server, driver, "PUT", "/me/sharing", pause)).body["code"] == "driver_busy"
        assert (await rules(server, driver, on_duty_only=True))["on_duty_only"]  # the rest is his to say
    far = await ask(server, driver, "PUT", "/me/sharing", {**ALL, "pause_until": time.time() + 8 * 86_400})
    assert (far.status, far.body["code"], far.body["path"]) == (422, "window_invalid", "pause_until")
    assert (await ask(server, driver, "PUT", "/me/sharing", {"after_trip_min": 6})).status == 400


@pytest.mark.parametrize("before", [True, False])
async def test_the_shipper_sees_the_truck_after_the_haul_no_longer_than_its_driver_says(
    server: LocalServer, before: bool
) -> None:
    driver, mine, admin = (server.accounts[who][0] for who in ("drivers", "shippers", "admins"))
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, mine) as shipper,
        signed_in(server, admin) as operator,
    ):
        order = await assigned(server, truck, driver)
        for watcher in (shipper, operator):
            await watcher.command("order.watch", order=order)
        if before:
            await rules(server, driver, after_trip_min=0)
        await advance(truck, order, "delivered")
        while (await shipper.receive("order.changed"))["status"] != "delivered":
            pass
        if not before:
            await drive(truck, 2, 43.2503)
            await shipper.receive("order.moved")  # the five minutes that there are without a word
            await rules(server, driver, after_trip_min=0)
        await drive(truck, 2 if before else 3, 43.2506)
        while (await operator.receive("order.moved"))["truck"][2] != 43.2506:
            pass
        assert await quiet(server, shipper)


async def test_who_shares_on_duty_only_is_not_seen_by_the_fleet_off_duty_and_empty(
    server: LocalServer,
) -> None:
    driver, boss = server.accounts["drivers"][0], server.accounts["logisticians"][0]
    pool = server.services.pool
    company = await pool.fetchval(
        "INSERT INTO companies (legal_name, bin, country) VALUES ('Парк', '940740000911', 'KZ') RETURNING id"
    )
    await pool.execute(
        "INSERT INTO company_members (company_id, user_id, role) VALUES ($1, $2, 'owner')",
        company,
        boss["user"],
    )
    await pool.execute(
        "INSERT INTO fleet_drivers (company_id, driver_id, shares_position) VALUES ($1, $2, true)",
        company,
        driver["user"],
    )

    async def position() -> Any:
        found = (await ask(server, boss, "GET", "/fleet/drivers")).body["drivers"]
        return found[0]["position"]

    async with signed_in(server, driver, stream=True) as truck:
        order = await assigned(server, truck, driver)
        await until(position)
        await rules(server, driver, on_duty_only=True)
        await truck.command("shift.set", on_duty=False)
        assert await position()  # with a load on
        await advance(truck, order, "delivered")
        assert await position() is None
        await truck.command("shift.set", on_duty=True)
        assert await position()
        await rules(server, driver, pause_until=time.time() + 60)
        assert await position() is None
        await rules(server, driver)
        await truck.command("shift.set", on_duty=False)
        assert await position()
