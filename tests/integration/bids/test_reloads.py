"""Open loads near where a driver will be free, from the real board."""

import time
import uuid

import pytest

from dispatch.errors import Refusal
from dispatch.model import Place, Status
from dispatch.reloads import circles, free_after
from storage.postgres import Pool
from storage.reloads import ReloadStore
from tests.integration.orders.market import ALMATY, ASTANA, Market

KARAGANDA = Place(3, "Караганда", 49.80, 73.10)
TARAZ = Place(4, "Тараз", 42.90, 71.37)


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def test_a_driver_under_way_is_shown_open_loads_near_the_drop_and_along_the_way_home(
    market: Market,
) -> None:
    store = ReloadStore(market.pool)
    driver, shipper = await market.driver(), await market.shipper()
    haul = await market.order()
    offers = await market.offer(haul, [driver])
    await market.orders.accept(driver, offers[driver], uuid.uuid4())
    hand = await store.in_hand(driver)
    assert [order.id for order in hand.orders] == [haul.id]
    at_drop = await market.on_board(await market.order(shipper, pickup=ASTANA))
    on_the_way = await market.on_board(await market.order(shipper, pickup=KARAGANDA))
    await market.on_board(await market.order(shipper, pickup=TARAZ))
    await market.order(shipper, pickup=ASTANA)  # not on the board yet
    heavy = await market.on_board(await market.order(shipper, pickup=ASTANA, weight_kg=23_000.0))
    over = await market.on_board(await market.order(shipper, pickup=ASTANA))
    await market.pool.execute("UPDATE orders SET pickup_to = now() WHERE id = $1", over.id)
    hidden = await market.on_board(await market.order(pickup=ASTANA))
    await market.pool.execute(
        "INSERT INTO blocks (made_by, shipper_id, driver_id, actor_id) VALUES ('carrier', $1, $2, $2)",
        hidden.shipper,
        driver,
    )
    free = free_after(hand.orders, None, time.time())
    assert free is not None and free.where == ASTANA.position
    near = await store.around(driver, hand.vehicle, circles(free, None, 150_000.0), free.at)
    assert [order.id for order in near] == [at_drop.id], (heavy.id, over.id, hidden.id)
    along = await store.around(driver, hand.vehicle, circles(free, ALMATY.position, 150_000.0), free.at)
    assert {order.id for order in along} >= {at_drop.id, on_the_way.id}


async def test_who_could_not_take_a_load_is_told_why(market: Market) -> None:
    store = ReloadStore(market.pool)
    unpaid, truckless = await market.driver(paid_s=-1), await market.driver()
    await market.pool.execute("DELETE FROM vehicles WHERE driver_id = $1", truckless)
    for driver, code in ((unpaid, "subscription_expired"), (truckless, "vehicle_required")):
        with pytest.raises(Refusal, match=code):
            await store.in_hand(driver)


async def test_a_bid_for_later_is_won_when_the_truck_is_free_and_not_before(market: Market) -> None:
    from dispatch.model import Actor, Party

    driver, haul = await market.driver(), await market.order()
    offers = await market.offer(haul, [driver])
    await market.orders.accept(driver, offers[driver], uuid.uuid4())
    next_load = await market.on_board(await market.order(pickup=ASTANA, pricing="bids"))
    bid = await market.bid(driver, next_load, available_from=time.time() + 86_400)
    party = Party(next_load.shipper, Actor.SHIPPER)
    for step in (Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP):
        with pytest.raises(Refusal, match="driver_unavailable"):
            await market.bids.pick(party, bid.id, uuid.uuid4(), 1)
        await market.orders.advance(driver, haul.id, step)
    won, _ = await market.bids.pick(party, bid.id, uuid.uuid4(), 1)
    assert won.driver == driver
