"""Who may know of a load: the one predicate, on the real schema, and the decisions that ask it."""

import uuid
from typing import Any

import pytest

from dispatch.errors import Refusal
from dispatch.events import BidClosed, OfferEnded
from dispatch.model import Actor, Order, Party, Policy
from storage.blocks import MOST, BlockStore, Target
from storage.postgres import Pool
from storage.visibility import sees, unhidden
from tests.integration.orders.market import Market

SEES = f"SELECT {sees('$1::bigint')} FROM orders o WHERE o.id = $2"
UNHIDDEN = f"SELECT {unhidden('$1::bigint')} FROM orders o WHERE o.id = $2"


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def may_see(market: Market, driver: int, order: Order, query: str = SEES) -> bool:
    found: bool = await market.pool.fetchval(query, driver, order.id)
    return found


async def block(market: Market, actor: int, made_by: str, **pair: Any) -> None:
    names = ", ".join(pair)
    marks = ", ".join(f"${n}" for n in range(3, 3 + len(pair)))
    await market.pool.execute(
        f"INSERT INTO blocks (made_by, actor_id, {names}) VALUES ($1, $2, {marks})",
        made_by,
        actor,
        *pair.values(),
    )


async def invite(market: Market, driver: int, order: Order, ttl_s: float = 60.0) -> int:
    offer = (await market.offer(order, [driver], ttl_s))[driver]
    await market.pool.execute("UPDATE offers SET kind = 'invitation', wave = 0 WHERE id = $1", offer)
    return offer


async def test_without_a_block_everybody_sees_an_open_load(market: Market) -> None:
    assert await may_see(market, await market.driver(), await market.order())


@pytest.mark.parametrize("made_by", ["shipper", "carrier"])
async def test_a_block_hides_the_loads_whichever_side_put_it_up(market: Market, made_by: str) -> None:
    driver, other = await market.driver(), await market.driver()
    shipper, stranger = await market.shipper(), await market.shipper()
    order, foreign = await market.order(shipper), await market.order(stranger)
    await block(market, driver, made_by, shipper_id=shipper, driver_id=driver)
    assert not await may_see(market, driver, order)
    assert await may_see(market, driver, foreign) and await may_see(market, other, order)


async def test_a_block_of_a_company_hides_what_any_of_its_shippers_posts(market: Market) -> None:
    driver = await market.driver()
    order, private = await market.order(), await market.order()
    await market.pool.execute("UPDATE orders SET company_id = 7 WHERE id = $1", order.id)
    await block(market, driver, "carrier", company_id=7, driver_id=driver)
    assert not await may_see(market, driver, order)
    assert await may_see(market, driver, private)


async def test_a_private_load_is_seen_by_invited_drivers_only_and_as_long_as_the_invitation_lives(
    market: Market,
) -> None:
    driver, other, late = await market.driver(), await market.driver(), await market.driver()
    order = await market.order()
    await market.pool.execute("UPDATE orders SET private = true WHERE id = $1", order.id)
    offers = await market.offer(order, [other])
    await invite(market, driver, order)
    await invite(market, late, order, ttl_s=0.0)
    assert await may_see(market, driver, order)
    assert not await may_see(market, late, order)
    assert offers and not await may_see(market, other, order), "an offer of a wave is no invitation"
    assert await may_see(market, late, order, UNHIDDEN)


async def test_hidden_drivers_get_no_offer_and_cannot_win(market: Market) -> None:
    driver, other = await market.driver(), await market.driver()
    order = await market.order()
    await block(market, order.shipper, "shipper", shipper_id=order.shipper, driver_id=driver)
    async with market.orders.claim_due() as claim:
        assert claim is not None
        seen = [(driver, 0.0, 0.0), (other, 0.0, 0.0)]
        assert [found.driver for found in await claim.eligible(seen, Policy())] == [other]
        await claim.open_board()
    with pytest.raises(Refusal, match="not_found"):
        await market.orders.take(driver, order.id, uuid.uuid4())
    offers = await market.offer(order, [driver])
    with pytest.raises(Refusal, match="offer_closed"):
        await market.orders.accept(driver, offers[driver], uuid.uuid4())


async def test_an_offer_of_an_older_version_of_the_load_cannot_win(market: Market) -> None:
    driver = await market.driver()
    order = await market.order()
    offers = await market.offer(order, [driver])
    await market.pool.execute("UPDATE orders SET version = 2 WHERE id = $1", order.id)
    with pytest.raises(Refusal, match="offer_closed"):
        await market.orders.accept(driver, offers[driver], uuid.uuid4())


# -- putting up and taking down -------------------------------------------------------------------------------


async def test_a_block_ends_what_is_live_between_the_two_and_is_put_up_once(market: Market) -> None:
    blocks = BlockStore(market.pool)
    driver, other = await market.driver(), await market.driver()
    order = await market.on_board(await market.order(pricing="negotiable"))
    foreign = await market.on_board(await market.order(pricing="negotiable"))
    bid, kept = await market.bid(driver, order), await market.bid(driver, foreign)
    offers = await market.offer(order, [driver, other])
    side = await blocks.side_of(driver, order.id)
    assert side == Target(shipper=order.shipper)
    made, told = await blocks.put_up(Party(driver, Actor.DRIVER), None, side, "не платит")
    ended = [event.bid.id for event in told if isinstance(event, BidClosed)]
    assert (ended, told[-1]) == ([bid.id], OfferEnded(offers[driver], order.id, driver, "withdrawn"))
    statuses = await market.pool.fetch("SELECT id, status FROM bids ORDER BY id")
    assert [tuple(row) for row in statuses] == [(bid.id, "withdrawn"), (kept.id, "live")]
    assert (await blocks.put_up(Party(driver, Actor.DRIVER), None, side, "again"))[0] == made
    with pytest.raises(Refusal, match="not_found"):
        await market.bid(driver, order)
    with pytest.raises(Refusal, match="not_found"):
        await blocks.side_of(driver, order.id)


async def test_only_the_side_that_put_a_block_up_sees_it_and_takes_it_down(market: Market) -> None:
    blocks = BlockStore(market.pool)
    driver, order = await market.driver(), await market.order()
    shipper, carrier = Party(order.shipper, Actor.SHIPPER), Party(driver, Actor.DRIVER)
    made, _ = await blocks.put_up(shipper, None, Target(driver=driver), "опоздал")
    assert await blocks.of(shipper, None) == [made] and await blocks.of(carrier, None) == []
    for thief in (carrier, Party(await market.shipper(), Actor.SHIPPER)):
        with pytest.raises(Refusal, match="not_found"):
            await blocks.take_down(thief, None, made.id)
    assert not await may_see(market, driver, order)
    await blocks.take_down(shipper, None, made.id)
    assert await may_see(market, driver, order)


async def test_the_list_is_bounded_and_ids_that_nobody_has_are_taken_like_others(market: Market) -> None:
    blocks, shipper = BlockStore(market.pool), Party(await market.shipper(), Actor.SHIPPER)
    for number in range(MOST):
        await blocks.put_up(shipper, None, Target(driver=10**9 + number), "")
    with pytest.raises(Refusal, match="at most 200"):
        await blocks.put_up(shipper, None, Target(driver=1), "")
