"""A driver holds the exact position of a haul back from its shipper's side: within a tick and at every worker."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from dispatch.model import Order, Party
from geo.cells import COARSE_RES, cell_of, to_text
from tests.e2e.socket.wire import signed_in
from tests.served import LocalServer

from .road import HERE, advance, ask, assigned, drive, quiet, until

PAUSE = {"paused": True, "minutes": 30}


@pytest.fixture
async def other(server: LocalServer, dsn: str, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    """A second worker on the same stores."""
    (tmp_path / "other").mkdir()
    second = LocalServer(dsn, redis_url, tmp_path / "other", secrets=server.secrets)
    await second.start()
    server.accounts = second.accounts  # signed in anew
    await until(lambda: server.services.bus.connected and second.services.bus.connected)
    yield second
    await second.stop()


async def test_a_paused_order_hides_the_truck_from_its_shipper_and_from_nobody_else(
    server: LocalServer,
) -> None:
    driver, mine, admin = (server.accounts[who][0] for who in ("drivers", "shippers", "admins"))
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, mine) as shipper,
        signed_in(server, admin) as operator,
    ):
        order = await assigned(server, truck, driver)
        for watcher in (shipper, operator):
            assert (await watcher.command("order.watch", order=order))["result"]["state"]["truck"]
        path = f"/orders/{order}/sharing"

        held = await ask(server, driver, "POST", path, PAUSE)
        assert (held.status, held.body["paused"]) == (200, True)
        assert 29 * 60 < held.body["until"] - held.body["since"] <= 30 * 60 + 1e-3  # as floats tell it
        assert (await shipper.receive("order.changed"))["event"] == "sharing_paused"
        await drive(truck, 2, 43.2503)
        assert (await operator.receive("order.moved"))["truck"][2] == 43.2503
        assert await quiet(server, shipper)

        # What is told instead: since when, and a town and a cell of 8 km where it was then.
        cell = cell_of(*HERE, COARSE_RES)
        state = (await shipper.command("order.watch", order=order))["result"]["state"]
        told = {"since": held.body["since"], "until": held.body["until"], "cell": to_text(cell)}
        assert "truck" not in state
        assert state["sharing_paused"] == {**told, "city": server.services.gazetteer.nearest(*HERE).id}
        detail = (await ask(server, mine, "GET", f"/orders/{order}")).body
        assert "truck" not in detail["order"] and detail["order"]["sharing_paused"] == state["sharing_paused"]
        assert (detail["events"][-1]["kind"], detail["events"][-1]["until"]) == (
            "sharing_paused",
            held.body["until"],
        )
        assert "truck" not in (await ask(server, mine, "GET", "/orders")).body["orders"][0]
        for sees in (driver, admin):
            assert (await ask(server, sees, "GET", f"/orders/{order}")).body["order"]["truck"][2] == 43.2503

        assert (await ask(server, driver, "POST", path, {"paused": False})).body["paused"] is False
        assert (await shipper.receive("order.changed"))["event"] == "sharing_resumed"
        # It may stand still: where it is comes at once.
        assert (await shipper.receive("order.moved"))["truck"][2] == 43.2503
        await drive(truck, 3, 43.2506)
        assert (await shipper.receive("order.moved"))["truck"][2] == 43.2506
        assert (await ask(server, mine, "GET", f"/orders/{order}")).body["order"]["truck"][2] == 43.2506


async def test_the_shipper_hears_of_it_also_without_watching_and_by_push(server: LocalServer) -> None:
    driver, mine = (server.accounts[who][0] for who in ("drivers", "shippers"))
    async with signed_in(server, driver, stream=True) as truck, signed_in(server, mine) as shipper:
        order = await assigned(server, truck, driver)
        await ask(server, driver, "POST", f"/orders/{order}/sharing", PAUSE)
        while (await shipper.receive("order.changed"))["event"] != "sharing_paused":
            pass
        pushed = "SELECT count(*) FROM outbox WHERE user_id = $1 AND payload->>'event' = 'sharing_paused'"
        assert await server.services.pool.fetchval(pushed, mine["user"]) == 1


async def test_a_pause_holds_at_every_worker(server: LocalServer, other: LocalServer) -> None:
    driver, mine = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with signed_in(server, driver, stream=True) as truck, signed_in(other, mine) as shipper:
        order = await assigned(server, truck, driver)
        await until(lambda: other.services.live.get(driver["user"]))
        assert (await shipper.command("order.watch", order=order))["result"]["state"]["truck"]
        await ask(server, driver, "POST", f"/orders/{order}/sharing", PAUSE)
        assert (await shipper.receive("order.changed"))["event"] == "sharing_paused"
        await drive(truck, 2, 43.2503)
        await until(lambda: other.services.live.get(driver["user"]).lat == 43.2503)  # type: ignore[union-attr]
        assert await quiet(other, shipper)
        await ask(other, driver, "POST", f"/orders/{order}/sharing", {"paused": False})
        assert (await shipper.receive("order.moved"))["truck"][2] == 43.2503


async def test_a_pause_that_the_bus_never_brought_is_read_from_the_database(
    server: LocalServer, other: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, mine = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with signed_in(server, driver, stream=True) as truck, signed_in(other, mine) as shipper:
        order = await assigned(server, truck, driver)
        await until(lambda: other.services.live.get(driver["user"]))
        await shipper.command("order.watch", order=order)
        monkeypatch.setattr(server.services.bus, "publish_event", lambda payload: None)
        await ask(server, driver, "POST", f"/orders/{order}/sharing", PAUSE)
        assert (await shipper.receive("order.changed", within=8))["event"] == "sharing_paused"
        await drive(truck, 2, 43.2503)
        assert await quiet(other, shipper)


async def test_a_snapshot_that_was_read_before_a_pause_shows_no_truck_after_it(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, mine = server.accounts["drivers"][0], server.accounts["shippers"][0]
    orders = server.services.orders
    read = orders.visible_to
    async with signed_in(server, driver, stream=True) as truck, signed_in(server, mine) as shipper:
        order = await assigned(server, truck, driver)

        async def slow(party: Party, number: int) -> Order:
            found = await read(party, number)
            await ask(server, driver, "POST", f"/orders/{order}/sharing", PAUSE)
            return found

        monkeypatch.setattr(orders, "visible_to", slow)
        snapshot = (await shipper.command("order.watch", order=order))["result"]
        assert "truck" not in snapshot["state"]
        await drive(truck, 2, 43.2503)
        assert await quiet(server, shipper)


async def test_a_pause_ends_by_itself_and_the_shipper_is_told(server: LocalServer) -> None:
    driver, mine = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with signed_in(server, driver, stream=True) as truck, signed_in(server, mine) as shipper:
        order = await assigned(server, truck, driver)
        await shipper.command("order.watch", order=order)
        await ask(server, driver, "POST", f"/orders/{order}/sharing", PAUSE)
        await shipper.receive("order.changed")
        await server.services.pool.execute("UPDATE orders SET unshared_until = now() WHERE id = $1", order)
        assert (await shipper.receive("order.changed"))["event"] == "sharing_resumed"
        events = (await ask(server, mine, "GET", f"/orders/{order}")).body["events"]
        assert [event.get("role", "system") for event in events[-2:]] == ["driver", "system"]


async def test_prolonging_a_pause_tells_no_newer_place(server: LocalServer) -> None:
    driver, mine = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with signed_in(server, driver, stream=True) as truck:
        order = await assigned(server, truck, driver)
        path = f"/orders/{order}/sharing"
        first = (await ask(server, driver, "POST", path, {"paused": True, "minutes": 1})).body
        server.services.live.get(driver["user"]).lat = 51.17  # type: ignore[union-attr]
        again = (await ask(server, driver, "POST", path, {"paused": True, "minutes": 120})).body
        assert again["since"] == first["since"] and again["until"] > first["until"]
        told: dict[str, Any] = (await ask(server, mine, "GET", f"/orders/{order}")).body["order"]
        assert told["sharing_paused"]["cell"] == to_text(cell_of(*HERE, COARSE_RES))


async def test_only_the_driver_of_a_haul_that_is_under_way_may_pause_it(server: LocalServer) -> None:
    driver, rival = server.accounts["drivers"][:2]
    async with signed_in(server, driver, stream=True) as truck:
        order = await assigned(server, truck, driver)
        path = f"/orders/{order}/sharing"
        assert (await ask(server, rival, "POST", path, PAUSE)).body["code"] == "not_found"
        for wrong in (0, 121):
            refused = await ask(server, driver, "POST", path, {"paused": True, "minutes": wrong})
            assert refused.body["code"] == "bad_request"
        # Nothing is paused: nothing happens, and nobody is told.
        before = await server.services.pool.fetchval("SELECT seq FROM orders WHERE id = $1", order)
        assert (await ask(server, driver, "POST", path, {"paused": False})).status == 200
        assert await server.services.pool.fetchval("SELECT seq FROM orders WHERE id = $1", order) == before
        await advance(truck, order, "delivered")
        assert (await ask(server, driver, "POST", path, PAUSE)).body["code"] == "order_closed"


async def test_a_pause_that_outlives_the_haul_is_no_event_of_it(server: LocalServer, redis: Redis) -> None:
    driver = server.accounts["drivers"][0]
    async with signed_in(server, driver, stream=True) as truck:
        order = await assigned(server, truck, driver)
        await ask(server, driver, "POST", f"/orders/{order}/sharing", PAUSE)
        await advance(truck, order, "delivered")
        pool = server.services.pool
        await pool.execute("UPDATE orders SET unshared_until = now() WHERE id = $1", order)
        await until(lambda: pool.fetchval("SELECT unshared_at IS NULL FROM orders WHERE id = $1", order))
        events = await server.services.orders.history(order)
        assert [line.kind for line in events][-1] == "delivered"
