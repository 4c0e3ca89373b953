import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web
from fake_desk import FakeDesk, make_order, problem

from tracking_desk_client import ApiError, OperatorClient, ShipperClient, viewport
from tracking_desk_client.messages import (
    AreaCells,
    AreaDensity,
    AreaMoved,
    AreaSnapshot,
    AreaUnwatch,
    AreaWatch,
    Error,
    Ok,
    OrderChanged,
    OrderForm,
    OrderMoved,
    OrderSnapshot,
    OrderUnwatch,
    OrderWatch,
    Truck,
)

pytestmark = pytest.mark.usefixtures("impatient")


def changed(offset: int, status: str = "open", epoch: str = "e", order: int = 70) -> OrderChanged:
    return OrderChanged(order, epoch, offset, status, status, time.time())


def moved(at: float) -> OrderMoved:
    return OrderMoved(70, truck(at))


def truck(at: float = 1.0, driver: int = 5) -> Truck:
    return Truck(driver, at, 43, 76, 20, 90, False)


async def read(iterator: AsyncIterator[Any], count: int) -> list[Any]:
    async with asyncio.timeout(5):
        return [await anext(iterator) for _ in range(count)]


async def test_a_watched_order_starts_with_a_snapshot_and_ends_with_delivery(desk: FakeDesk) -> None:
    async with desk.api() as api, ShipperClient(api) as shipper:
        await shipper.connection.wait_connected()
        async with aclosing(shipper.watch(70)) as news:
            assert isinstance((await read(news, 1))[0], OrderSnapshot)
            await desk.send(changed(4, "assigned"))
            await desk.send(moved(1))
            await desk.send(changed(5, "delivered"))
            kinds = [type(item) for item in await read(news, 3)]
            assert kinds == [OrderChanged, OrderMoved, OrderChanged]
            with pytest.raises(StopAsyncIteration):
                await anext(news)
        await desk.until(lambda: desk.of(OrderUnwatch))


@pytest.mark.parametrize("event", [changed(6), changed(4, epoch="other")], ids=["hole", "foreign epoch"])
async def test_missing_events_mean_a_new_snapshot_and_never_a_partial_replay(
    desk: FakeDesk, event: OrderChanged
) -> None:
    async with desk.api() as api, ShipperClient(api) as shipper:
        await shipper.connection.wait_connected()
        async with aclosing(shipper.watch(70)) as news:
            await read(news, 1)
            await desk.send(event)
            assert isinstance((await read(news, 1))[0], OrderSnapshot)
            assert len(desk.of(OrderWatch)) == 2


async def test_events_already_in_the_snapshot_are_not_told_twice(desk: FakeDesk) -> None:
    async with desk.api() as api, ShipperClient(api) as shipper:
        await shipper.connection.wait_connected()
        async with aclosing(shipper.watch(70)) as news:
            await read(news, 1)
            await desk.send(changed(2))
            await desk.send(changed(3))
            await desk.send(changed(4, "assigned"))
            assert (await read(news, 1))[0].offset == 4
            assert len(desk.of(OrderWatch)) == 1


async def test_after_a_reconnect_every_watch_is_renewed(desk: FakeDesk) -> None:
    async with desk.api() as api, ShipperClient(api) as shipper:
        await shipper.connection.wait_connected()
        async with aclosing(shipper.watch(70)) as one, aclosing(shipper.watch(71)) as two:
            await read(one, 1)
            await read(two, 1)
            desk.cut()
            assert isinstance((await read(one, 1))[0], OrderSnapshot)
            assert isinstance((await read(two, 1))[0], OrderSnapshot)
            assert [watch.order for watch in desk.of(OrderWatch)] == [70, 71, 70, 71]


async def test_a_watch_begun_without_a_connection_starts_when_there_is_one(desk: FakeDesk) -> None:
    async with desk.api() as api, ShipperClient(api) as shipper:
        async with aclosing(shipper.watch(70)) as news:
            assert isinstance((await read(news, 1))[0], OrderSnapshot)


async def test_a_slow_reader_finds_only_the_newest_place_of_the_truck(desk: FakeDesk) -> None:
    async with desk.api() as api, ShipperClient(api) as shipper:
        await shipper.connection.wait_connected()
        async with aclosing(shipper.watch(70)) as news:
            await read(news, 1)
            for at in range(50):
                await desk.send(moved(at))
            await desk.send(changed(4, "assigned"))
            await desk.send(moved(99))
            await shipper.connection.command(lambda id: OrderUnwatch(id, 1))
            items = await read(news, 3)
            assert [getattr(item, "offset", None) or item.truck.at for item in items] == [49, 4, 99]


async def test_a_foreign_order_is_refused_to_its_watcher(desk: FakeDesk) -> None:
    desk.script[OrderWatch] = lambda message: Error("not_found", "", False, message.id)
    async with desk.api() as api, ShipperClient(api) as shipper:
        await shipper.connection.wait_connected()
        with pytest.raises(ApiError, match="not_found"):
            await anext(shipper.watch(70))


async def test_a_lost_answer_to_a_posted_load_is_asked_again_under_the_same_key(desk: FakeDesk) -> None:
    answers = iter([problem("unavailable", 503, True), web.json_response(make_order().to_wire(), status=201)])
    desk.rest["POST", "/api/v1/orders"] = lambda body: next(answers)
    async with desk.api() as api, ShipperClient(api) as shipper:
        order = await shipper.place(OrderForm("мука", 20000, 1, 2))
        assert order.order == 70
        keys = [headers["Idempotency-Key"] for *_, headers in desk.requests]
        assert len(keys) == 2
        assert len(set(keys)) == 1


async def test_a_refused_load_is_posted_once(desk: FakeDesk) -> None:
    desk.rest["POST", "/api/v1/orders"] = lambda body: problem("place_unknown", 422, False)
    async with desk.api() as api, ShipperClient(api) as shipper:
        with pytest.raises(ApiError) as refused:
            await shipper.place(OrderForm("мука", 20000, 1, 2))
        assert (refused.value.code, refused.value.status, refused.value.retry) == (
            "place_unknown",
            422,
            False,
        )
        assert len(desk.requests) == 1


async def test_an_area_gives_a_snapshot_then_what_moved(desk: FakeDesk) -> None:
    async with desk.api() as api, OperatorClient(api) as operator:
        await operator.connection.wait_connected()
        async with aclosing(operator.watch_area(60, 40, 80, 50)) as area:
            assert isinstance((await read(area, 1))[0], AreaSnapshot)
            await desk.send(AreaMoved("e", 11, [truck()]))
            await desk.send(AreaMoved("e", 12, [], [5]))
            first, second = await read(area, 2)
            assert (first.trucks, second.gone) == ([truck()], [5])
        await desk.until(lambda: desk.of(AreaUnwatch))


async def test_another_epoch_of_an_area_means_a_new_snapshot_and_a_quiet_moment_does_not(
    desk: FakeDesk,
) -> None:
    async with desk.api() as api, OperatorClient(api) as operator:
        await operator.connection.wait_connected()
        async with aclosing(operator.watch_area(60, 40, 80, 50)) as area:
            await read(area, 1)
            await desk.send(AreaMoved("e", 9, [truck()]))  # before the snapshot: already in it
            await desk.send(AreaMoved("e", 13, [truck()]))
            await desk.send(AreaMoved("e", 13, [], [5]))  # the same tick
            assert [(m.offset, m.gone) for m in await read(area, 2)] == [(13, []), (13, [5])]
            await desk.send(AreaMoved("other", 14, [truck()]))
            assert isinstance((await read(area, 1))[0], AreaSnapshot)
            assert len(desk.of(AreaWatch)) == 2


async def test_a_reader_of_an_area_who_falls_far_behind_gets_a_new_snapshot(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewport, "UNREAD", 5)
    async with desk.api() as api, OperatorClient(api) as operator:
        await operator.connection.wait_connected()
        async with aclosing(operator.watch_area(60, 40, 80, 50)) as area:
            await read(area, 1)
            for offset in range(11, 20):
                await desk.send(AreaMoved("e", offset, [truck()]))
            await desk.until(lambda: len(desk.of(AreaWatch)) == 2)
            assert isinstance((await read(area, 1))[0], AreaSnapshot)


async def test_a_new_viewport_ends_the_one_before(desk: FakeDesk) -> None:
    async with desk.api() as api, OperatorClient(api) as operator:
        await operator.connection.wait_connected()
        one, two = operator.watch_area(60, 40, 80, 50), operator.watch_area(60, 40, 70, 50)
        await read(one, 1)
        await read(two, 1)
        with pytest.raises(StopAsyncIteration):
            await anext(one)
        desk.cut()
        await read(two, 1)
        assert [watch.east for watch in desk.of(AreaWatch)] == [80, 70, 70]
        await two.aclose()


async def test_a_shipper_sees_cells_and_no_trucks(desk: FakeDesk) -> None:
    desk.script[AreaWatch] = lambda message: Ok(message.id, AreaDensity([("8526", 3)]))
    async with desk.api() as api, ShipperClient(api) as shipper:
        await shipper.connection.wait_connected()
        async with aclosing(shipper.watch_cells(60, 40, 80, 50)) as cells:
            assert await read(cells, 1) == [[("8526", 3)]]
            await desk.send(AreaCells([("8526", 4)]))
            assert await read(cells, 1) == [[("8526", 4)]]
