"""The board: who may read it, what is on it, page by page and circle by circle."""

import pytest

from dispatch.errors import Refusal
from dispatch.model import Actor, BoardSearch, Order, Party, Place
from geo.distance import destination, haversine_m
from storage.postgres import Pool
from tests.integration.orders.market import ALMATY, Market


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def boarded(market: Market, **changes: object) -> Order:
    order = await market.order(**changes)
    await market.pool.execute("UPDATE orders SET board_at = now(), seek_at = NULL WHERE id = $1", order.id)
    return order


async def ids(market: Market, driver: int, search: BoardSearch) -> list[int]:
    return [order.id for order in await market.orders.board(driver, search)]


async def test_only_a_paid_subscription_reads_the_board(market: Market) -> None:
    for driver in (await market.driver(paid_s=-1), await market.user("driver")):
        with pytest.raises(Refusal, match="subscription_expired"):
            await market.orders.board(driver, BoardSearch(10))


async def test_the_board_holds_open_unexpired_loads_that_left_the_waves_newest_first(market: Market) -> None:
    driver = await market.driver()
    first, second = await boarded(market), await boarded(market)
    await market.order()  # still in the waves
    await boarded(market, valid_s=-1.0)
    gone = await boarded(market)
    await market.orders.cancel(Party(gone.shipper, Actor.SHIPPER), gone.id)
    assert await ids(market, driver, BoardSearch(10)) == [second.id, first.id]
    assert await ids(market, driver, BoardSearch(1)) == [second.id]
    assert await ids(market, driver, BoardSearch(10, before=second.id)) == [first.id]


async def test_filters_leave_out_what_the_truck_cannot_carry(market: Market) -> None:
    driver = await market.driver()
    small = await boarded(market, weight_kg=1_000.0, volume_m3=5.0)
    heavy = await boarded(market, weight_kg=21_000.0, volume_m3=5.0)
    bulky = await boarded(market, weight_kg=1_000.0, volume_m3=80.0, body="reefer")
    assert await ids(market, driver, BoardSearch(10, max_weight_kg=5_000.0)) == [bulky.id, small.id]
    assert await ids(market, driver, BoardSearch(10, max_volume_m3=10.0)) == [heavy.id, small.id]
    assert await ids(market, driver, BoardSearch(10, body="reefer")) == [bulky.id]
    circle = (ALMATY.lat, ALMATY.lon, 1_000.0)
    assert await ids(market, driver, BoardSearch(10, circle, "tent", 5_000.0, 10.0)) == [small.id]


CENTRES = ((43.25, 76.95), (71.0, 25.8), (-33.9, 151.2), (66.0, 179.9), (-17.0, -179.95), (89.7, 10.0))


async def test_a_circle_holds_exactly_the_pickups_within_its_radius_also_at_the_edges_of_the_map(
    market: Market,
) -> None:
    driver = await market.driver()
    shipper = await market.shipper()
    for lat, lon in CENTRES:
        for radius_m in (1_000.0, 200_000.0, 2_000_000.0):
            await market.pool.execute("UPDATE orders SET board_at = NULL")
            inside = []
            for bearing in range(0, 360, 45):
                for share in (0.0, 0.999, 1.001):
                    at = destination(lat, lon, bearing, radius_m * share)
                    order = await market.order(shipper, pickup=Place(1, "x", at.lat, at.lon))
                    if haversine_m(lat, lon, at.lat, at.lon) <= radius_m:
                        inside.append(order.id)
            await market.pool.execute("UPDATE orders SET board_at = now() WHERE seek_at IS NOT NULL")
            await market.pool.execute("UPDATE orders SET seek_at = NULL")
            found = await ids(market, driver, BoardSearch(100, (lat, lon, radius_m)))
            assert len(inside) == 16 and found == inside[::-1], (lat, lon, radius_m)
