"""One load at a time, but for the last kilometres: a driver at the drop may take the next one."""

import asyncio
import uuid

import pytest

from dispatch.errors import Refusal
from dispatch.model import Actor, Order, Party, Status
from storage.drivers import DriverStore
from storage.postgres import Pool
from tests.integration.orders.market import Market

TO_THE_DROP = (Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP)


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def take(market: Market, driver: int, order: Order) -> str:
    while True:
        try:
            await market.orders.take(driver, order.id, uuid.uuid4())
            return "won"
        except Refusal as refusal:
            if refusal.code != "busy":
                return refusal.code


async def board(market: Market) -> Order:
    return await market.on_board(await market.order())


async def drive(market: Market, driver: int, order: Order, upto: Status = Status.AT_DROP) -> None:
    for step in TO_THE_DROP[: TO_THE_DROP.index(upto) + 1]:
        await market.orders.advance(driver, order.id, step)


async def test_a_driver_takes_the_next_load_when_this_one_is_at_its_drop_and_not_before(
    market: Market,
) -> None:
    driver, first, second = await market.driver(), await board(market), await board(market)
    assert await take(market, driver, first) == "won"
    for step in TO_THE_DROP:
        assert await take(market, driver, second) == "driver_busy"
        await market.orders.advance(driver, first.id, step)
    assert await take(market, driver, second) == "won"
    third = await board(market)
    assert await take(market, driver, third) == "driver_busy", "two hands, no more"
    await market.orders.advance(driver, first.id, Status.DELIVERED)
    assert await take(market, driver, third) == "driver_busy", "the next one is not at its drop"
    await drive(market, driver, second)
    assert await take(market, driver, third) == "won"
    slots = await market.pool.fetch(
        "SELECT order_id, slot FROM assignments WHERE ended_at IS NULL ORDER BY 1"
    )
    assert [tuple(row) for row in slots] == [(second.id, 1), (third.id, 0)]


async def test_the_load_in_hand_is_the_one_taken_first(market: Market) -> None:
    driver, first, second = await market.driver(), await board(market), await board(market)
    await take(market, driver, first)
    await drive(market, driver, first)
    await take(market, driver, second)
    standing = DriverStore(market.pool).standing
    assert (await standing(driver)).order == first.id
    await market.orders.advance(driver, first.id, Status.DELIVERED)
    assert (await standing(driver)).order == second.id


async def test_a_next_load_that_falls_through_frees_the_hand(market: Market) -> None:
    driver, first, second = await market.driver(), await board(market), await board(market)
    await take(market, driver, first)
    await drive(market, driver, first)
    await take(market, driver, second)
    await market.orders.cancel(Party(second.shipper, Actor.SHIPPER), second.id)
    assert await take(market, driver, await board(market)) == "won"


async def test_accepts_of_one_driver_while_he_delivers_win_one_load(market: Market) -> None:
    for _ in range(10):
        driver, first = await market.driver(), await board(market)
        await take(market, driver, first)
        await drive(market, driver, first)
        others = [await board(market) for _ in range(4)]
        told = await asyncio.gather(
            *(take(market, driver, order) for order in others[:2]),
            market.orders.advance(driver, first.id, Status.DELIVERED),
            *(take(market, driver, order) for order in others[2:]),
        )
        assert sum(answer == "won" for answer in told) == 1
        active = "SELECT count(*) FROM assignments WHERE driver_id = $1 AND ended_at IS NULL"
        assert await market.count(active, driver) == 1


async def test_waves_leave_a_driver_alone_until_he_is_empty(market: Market) -> None:
    from dispatch.model import Policy

    driver, first = await market.driver(), await board(market)
    await take(market, driver, first)
    await drive(market, driver, first)
    await market.order()
    async with market.orders.claim_due() as claim:
        assert claim is not None
        assert await claim.eligible([(driver, 0.0, 0.0)], Policy()) == []
