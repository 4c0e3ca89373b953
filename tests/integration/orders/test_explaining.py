"""Why a load goes to whom it goes: what the explanation says is what the search then does."""

import pytest

from dispatch.explaining import Facts, Obstacle, judge
from dispatch.model import Order, Policy
from storage.explaining import ExplainingStore
from storage.postgres import Pool

from .market import ASTANA, Market, quick_policy

POLICY = quick_policy(wave_interval_s=60.0)


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def facts(market: Market, order: Order, drivers: list[int]) -> dict[int, Facts]:
    seen = dict.fromkeys(drivers, (1000.0, 1.0))
    return {each.driver: each for each in await ExplainingStore(market.pool).facts(order.id, seen)}


async def said(
    market: Market, order: Order, drivers: list[int], policy: Policy = POLICY
) -> dict[int, list[str]]:
    found = judge(order, (await facts(market, order, drivers)).values(), 0.0, policy)
    return {verdict.facts.driver: list(verdict.obstacles) for verdict in found}


async def test_who_has_no_obstacle_is_asked_and_nobody_else(market: Market) -> None:
    order = await market.order()
    ready = [await market.driver() for _ in range(2)]
    unpaid, off_duty = await market.driver(paid_s=-5.0), await market.driver(on_duty=False)
    tank, busy, blocked = await market.driver(body="tank"), await market.driver(), await market.driver()
    taken = await market.order()
    await market.pool.execute("UPDATE orders SET seek_at = NULL WHERE id = $1", taken.id)
    await market.pool.execute(
        "INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id) "
        "SELECT $1, $2, v.id, $3 FROM vehicles v WHERE v.driver_id = $2",
        taken.id,
        busy,
        (await market.offer(taken, [busy]))[busy],
    )
    await market.pool.execute("UPDATE offers SET status = 'accepted' WHERE driver_id = $1", busy)
    await market.pool.execute("UPDATE users SET blocked = true WHERE id = $1", blocked)
    walker = await market.user("driver")
    everybody = [*ready, unpaid, off_duty, tank, busy, blocked, walker]
    assert await said(market, order, everybody) == {
        **{driver: [] for driver in ready},
        unpaid: [Obstacle.SUBSCRIPTION],
        off_duty: [Obstacle.OFF_DUTY],
        tank: [Obstacle.UNFIT],
        busy: [Obstacle.BUSY],
        blocked: [Obstacle.BLOCKED],
        walker: [Obstacle.SUBSCRIPTION, Obstacle.NO_VEHICLE],
    }
    await market.dispatcher(POLICY).seek_due()
    offers = await ExplainingStore(market.pool).offers(order.id, 20)
    assert {offered.offer.driver for offered in offers} == set(ready)
    assert all(offered.offer.reasons["deadhead"] > 0 for offered in offers)
    course = await ExplainingStore(market.pool).course(order.id)
    assert course.wave == 1 and course.seek_at is not None and course.board_at is None
    assert set((await said(market, order, ready)).values().__iter__().__next__()) == {Obstacle.OFFERED}


async def test_a_declined_offer_and_a_block_between_two_sides_are_said(market: Market) -> None:
    shipper = await market.shipper()
    order = await market.order(shipper)
    refuser, avoided = await market.driver(), await market.driver()
    offer = (await market.offer(order, [refuser]))[refuser]
    await market.orders.decline(refuser, offer)
    await market.pool.execute(
        "INSERT INTO blocks (made_by, shipper_id, driver_id, actor_id) VALUES ('shipper', $1, $2, $1)",
        shipper,
        avoided,
    )
    assert await said(market, order, [refuser, avoided]) == {
        refuser: [Obstacle.DECLINED],
        avoided: [Obstacle.HIDDEN],
    }
    [told] = await ExplainingStore(market.pool).offers(order.id, 20)
    assert (told.offer.driver, told.offer.status, told.decline_reason) == (refuser, "declined", "unsaid")
    assert told.ended_at is not None and told.seen_at is None


async def test_a_driver_in_another_town_is_judged_when_he_is_asked_for(market: Market) -> None:
    order = await market.order()
    far = await market.driver(lat=ASTANA.lat, lon=ASTANA.lon)
    found = await ExplainingStore(market.pool).facts(order.id, {far: (970_000.0, 3.0)})
    [verdict] = judge(order, found, 0.0, POLICY)
    assert verdict.obstacles == (Obstacle.FAR,) and verdict.ranked is not None
