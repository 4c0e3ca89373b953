"""Who sees which truck, from when until when, and that nobody sees it go back or stand still unseen."""

import asyncio
import time
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from server.ws.hub import GRACE_S
from storage.postgres import Pool
from tests.served import Account, LocalServer, Server, serving
from tracking_desk_client.messages import OrderForm, OrderState

from .test_frames import point
from .wire import Wire, signed_in

ALMATY, KONAEV = 1526384, 1519948


async def place(server: Server, body: str, shipper: int = 0) -> OrderState:
    async with server.api(server.accounts["shippers"][shipper]) as api:
        return await api.place(
            OrderForm(
                pickup_city=ALMATY,
                drop_city=KONAEV,
                cargo="яблоки",
                weight_kg=300.0,
                volume_m3=1.0,
                body=body,
            )
        )


async def assigned(server: Server, wire: Wire, driver: Account) -> int:
    """The driver, at Almaty, wins a fresh order; returns its id."""
    await wire.send("position.report", points=[point(1, time.time(), 43.25, 76.91)])
    await wire.receive("position.ack")
    await asyncio.sleep(0.25)
    order = await place(server, driver["body"])
    offer = (await wire.receive("offer.made"))["offer"]
    won = await wire.command(
        "offer.accept", offer=offer["offer"], accept_id="00000000-0000-4000-8000-000000000001"
    )
    assert won["result"]["type"] == "assigned"
    return int(order.order)


async def test_a_shipper_follows_their_truck_and_nobody_elses(server: Server) -> None:
    driver = server.accounts["drivers"][0]
    mine, foreign = server.accounts["shippers"][:2]
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, mine) as shipper,
        signed_in(server, foreign) as stranger,
    ):
        order = await assigned(server, truck, driver)
        absent = await stranger.command("order.watch", order=order + 1000)
        refused = await stranger.command("order.watch", order=order)
        assert {k: refused[k] for k in ("code", "message")} == {k: absent[k] for k in ("code", "message")}
        assert refused["code"] == "not_found"
        snapshot = (await shipper.command("order.watch", order=order))["result"]
        assert snapshot["state"]["status"] == "assigned"
        assert snapshot["state"]["truck"][0] == driver["user"]
        await truck.send("position.report", points=[point(2, time.time() + 1, 43.2503, 76.91)])
        moved = await shipper.receive("order.moved")
        assert (moved["order"], moved["truck"][2]) == (order, 43.2503)


async def test_events_of_a_watched_order_come_in_sequence_behind_the_snapshot(server: Server) -> None:
    driver = server.accounts["drivers"][0]
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, server.accounts["shippers"][0]) as shipper,
    ):
        order = await assigned(server, truck, driver)
        snapshot = (await shipper.command("order.watch", order=order))["result"]
        steps = ("at_pickup", "loaded", "in_transit", "at_drop", "delivered")
        for status in steps:
            assert (await truck.command("order.advance", order=order, status=status))["type"] == "ok"
        events = [await shipper.receive("order.changed") for _ in steps]
        assert [event["status"] for event in events] == list(steps)
        first = snapshot["offset"] + 1
        assert [event["offset"] for event in events] == list(range(first, first + 5))
        assert {event["epoch"] for event in events} == {snapshot["epoch"]}


async def test_an_event_that_the_bus_never_brought_is_repaired_from_the_database(
    server: Server, pool: Pool
) -> None:
    driver = server.accounts["drivers"][0]
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, server.accounts["shippers"][0]) as shipper,
    ):
        order = await assigned(server, truck, driver)
        offset = (await shipper.command("order.watch", order=order))["result"]["offset"]
        # Another process writes and dies before it can tell anybody.
        await pool.execute(
            "WITH o AS (UPDATE orders SET seq = seq + 1, status = 'at_pickup' WHERE id = $1 RETURNING id, seq)"
            " INSERT INTO order_events (order_id, seq, kind, status)"
            " SELECT id, seq, 'at_pickup', 'at_pickup' FROM o",
            order,
        )
        event = await shipper.receive("order.changed", within=8)
        assert (event["offset"], event["status"]) == (offset + 1, "at_pickup")


async def test_shippers_see_only_how_many_trucks_a_coarse_cell_holds(server: Server) -> None:
    driver = server.accounts["drivers"][0]
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, server.accounts["shippers"][0]) as shipper,
    ):
        await truck.send("position.report", points=[point(1, time.time())])
        await truck.receive("position.ack")
        await asyncio.sleep(0.25)
        ok = await shipper.command("area.watch", west=76, south=43, east=78, north=44)
        assert ok["result"]["type"] == "area.density"
        assert [count for _, count in ok["result"]["cells"]] == [1]
        cell = int(ok["result"]["cells"][0][0], 16)
        assert (cell >> 52) & 0xF == 5  # H3 resolution: edges of 8 km
        # A whole country is counted in larger cells, and never refused.
        wide = await shipper.command("area.watch", west=46, south=40, east=88, north=56)
        assert (int(wide["result"]["cells"][0][0], 16) >> 52) & 0xF == 3
        await shipper.command("area.watch", west=76, south=43, east=78, north=44)
        again: dict[str, Any] = await shipper.receive("area.cells")
        assert again["cells"] == ok["result"]["cells"]


async def test_drivers_may_not_watch_the_map(server: Server) -> None:
    async with signed_in(server, server.accounts["drivers"][0]) as wire:
        refused = await wire.command("area.watch", west=76, south=43, east=78, north=44)
        assert refused["code"] == "forbidden"


async def test_a_truck_that_leaves_the_viewport_is_seen_leaving(server: Server) -> None:
    now = time.time()
    async with (
        signed_in(server, server.accounts["drivers"][0], stream=True) as truck,
        signed_in(server, server.accounts["admins"][0]) as operator,
    ):
        await truck.send("position.report", points=[point(1, now - 7200, 43.25, 76.95)])
        await truck.receive("position.ack")
        await operator.command("area.watch", west=76.9, south=43.2, east=77.0, north=43.3)
        await truck.send("position.report", points=[point(2, now, 45.2, 78.1)])
        moved = await operator.receive("area.moved")
        assert [truck[2:4] for truck in moved["trucks"]] == [[45.2, 78.1]]


async def test_two_servers_with_different_ports_show_each_other_everything(
    server: Server, dsn: str, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    other = Server(dsn, redis_url, tmp_path / "b", secrets=server.secrets)
    await other.start()
    try:
        driver = server.accounts["drivers"][0]
        async with (
            signed_in(server, driver, stream=True) as truck,
            signed_in(other, server.accounts["admins"][0]) as operator,
            signed_in(other, server.accounts["shippers"][0]) as shipper,
        ):
            await operator.command("area.watch", west=70, south=40, east=80, north=50)
            order = await assigned(server, truck, driver)
            moved = await operator.receive("area.moved")
            assert moved["trucks"][0][0] == driver["user"]
            await shipper.command("order.watch", order=order)
            await truck.command("order.advance", order=order, status="at_pickup")
            assert (await shipper.receive("order.changed"))["status"] == "at_pickup"
            # The order is placed at the other server and found by a driver of the first.
            await truck.command("order.advance", order=order, status="loaded")
            async with signed_in(other, driver, stream=True):
                assert await truck.close_code() == 4409
    finally:
        await other.stop()


async def test_several_workers_share_one_port(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(dsn, redis_url, tmp_path, workers=2) as running:
        async with signed_in(running, running.accounts["drivers"][0], stream=True) as truck:
            await truck.send("position.report", points=[point(1, time.time())])
            await truck.receive("position.ack")
            # The kernel spreads connections by hash: among ten, both workers are met. One that starts after the
            # point was sent has it from the Redis copy, a moment later.
            for _ in range(10):
                async with asyncio.timeout(10), signed_in(running, running.accounts["admins"][0]) as operator:
                    seen = 0
                    while not seen:
                        ok = await operator.command("area.watch", west=76, south=43, east=78, north=44)
                        seen = len(ok["result"]["trucks"])
                        await asyncio.sleep(0.1)


async def test_the_view_of_a_truck_ends_with_the_grace_after_delivery(server: LocalServer) -> None:
    driver = server.accounts["drivers"][0]
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, server.accounts["shippers"][0]) as shipper,
    ):
        order = await assigned(server, truck, driver)
        await shipper.command("order.watch", order=order)
        for status in ("at_pickup", "loaded", "in_transit", "at_drop", "delivered"):
            await truck.command("order.advance", order=order, status=status)
        while (await shipper.receive("order.changed"))["status"] != "delivered":
            pass
        now = time.time()
        await truck.send("position.report", points=[point(2, now + 1, 43.2503, 76.91)])
        await shipper.receive("order.moved")
        server.services.hub.end_rights(now + GRACE_S + 1)
        await truck.send("position.report", points=[point(3, now + 20, 43.2510, 76.91)])
        await truck.receive("position.ack")
        await asyncio.sleep(0.3)
        await shipper.send("ping", id=4242)
        assert (await shipper.receive())["type"] == "ok"  # the very next frame: no order.moved before it
        again = (await shipper.command("order.watch", order=order))["result"]
        assert "truck" not in again["state"] or again["state"]["truck"] is None
