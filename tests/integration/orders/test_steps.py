"""Placing, the table of steps, ownership and expiry, on the real database."""

import asyncio
import uuid

import pytest

from dispatch.cancelling import CallingOff
from dispatch.errors import Refusal
from dispatch.events import OfferEnded, OrderChanged
from dispatch.model import Actor, Party, Status, allowed
from storage.order_rows import lock_order, step
from storage.postgres import Pool, transaction
from tests.integration.orders.market import Market, new_order

STEPS = (Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP, Status.DELIVERED)


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def win(market: Market) -> tuple[int, int, int]:
    """(order, shipper, driver) of an order that is assigned."""
    driver = await market.driver()
    order = await market.order()
    await market.orders.accept(driver, (await market.offer(order, [driver]))[driver], uuid.uuid4())
    return order.id, order.shipper, driver


async def test_a_stored_order_comes_back_as_it_was_placed(market: Market) -> None:
    shipper = await market.shipper()
    form = new_order(shipper)
    order = await market.orders.add(form)
    assert (order.haul, order.load, order.price) == (form.haul, form.load, form.price)
    assert (order.status, order.seq, order.driver) == (Status.OPEN, 1, None)
    assert order.expires_at - order.created_at == pytest.approx(form.valid_s)
    assert await market.orders.visible(order.id, shipper, "shipper") == order


async def test_a_haul_goes_step_by_step_to_delivered_and_frees_the_driver(market: Market) -> None:
    order, shipper, driver = await win(market)
    for status in STEPS:
        moved, events = await market.orders.advance(driver, order, status)
        assert moved.status is status
        assert [(e.kind, e.driver, e.shipper) for e in events if isinstance(e, OrderChanged)] == [
            (status, driver, shipper)
        ]
    assert moved.ended_at is not None
    history = await market.orders.history(order)
    assert [line.seq for line in history] == list(range(1, 8))
    assert [line.kind for line in history] == ["placed", "assigned", *STEPS]
    another = await market.order()
    offer = (await market.offer(another, [driver]))[driver]
    await market.orders.accept(driver, offer, uuid.uuid4())


@pytest.mark.parametrize("actor", [Actor.SHIPPER, Actor.DRIVER, Actor.ADMIN])
async def test_what_the_table_does_not_allow_is_refused_and_changes_no_row(
    market: Market, actor: Actor
) -> None:
    for status in Status:
        order, shipper, driver = await win(market)
        async with transaction(market.pool) as connection:
            locked = await lock_order(connection, order)
            assert locked is not None
            await step(connection, locked, status, actor=None, driver=driver)
        party = Party({"shipper": shipper, "driver": driver}.get(actor, 0), actor)
        tries = [(Status.CANCELLED, market.orders.cancel(party, order))]
        if actor is Actor.DRIVER:
            tries += [(then, market.orders.advance(driver, order, then)) for then in STEPS]
        for then, attempt in tries:
            before = await market.rows()
            if allowed(status, then, actor):
                moved, _ = await attempt
                assert moved.status is then
                status = then
                continue
            with pytest.raises(Refusal, match="transition_forbidden"):
                await attempt
            assert await market.rows() == before
        # One load a driver: let the next turn of the loop have fresh hands.
        await market.pool.execute("UPDATE assignments SET ended_at = now() WHERE order_id = $1", order)


async def test_calling_an_order_off_withdraws_its_offers_and_frees_its_driver(market: Market) -> None:
    drivers = [await market.driver() for _ in range(3)]
    order = await market.order()
    offers = await market.offer(order, drivers)
    cancelled, events = await market.orders.cancel(Party(order.shipper, Actor.SHIPPER), order.id)
    assert cancelled.status is Status.CANCELLED and cancelled.ended_at is not None
    ended = [(e.driver, e.offer, e.reason) for e in events if isinstance(e, OfferEnded)]
    assert sorted(ended) == sorted((d, offers[d], "withdrawn") for d in drivers)
    with pytest.raises(Refusal, match="order_closed"):
        await market.orders.accept(drivers[0], offers[drivers[0]], uuid.uuid4())

    taken, shipper, driver = await win(market)
    await market.orders.cancel(Party(driver, Actor.DRIVER), taken, CallingOff("breakdown", "the axle"))
    free = "SELECT count(*) FROM assignments WHERE driver_id = $1 AND ended_at IS NULL"
    assert await market.count(free, driver) == 0
    detail = "SELECT detail FROM order_events WHERE order_id = $1 ORDER BY seq DESC LIMIT 1"
    assert await market.pool.fetchval(detail, taken) == {
        "code": "breakdown", "reason": "the axle", "fault": "nobody", "free": True,
    }  # fmt: skip
    told = (
        "SELECT user_id FROM outbox WHERE kind = 'order.changed' "
        "AND payload->>'status' = 'cancelled' AND user_id = ANY($1)"
    )
    assert [row["user_id"] for row in await market.pool.fetch(told, [shipper, driver])] == [shipper]


async def test_foreign_and_absent_orders_look_the_same_to_everybody_but_staff(market: Market) -> None:
    order, shipper, driver = await win(market)
    stranger, rival = await market.shipper(), await market.driver()
    before = await market.rows()
    for user, role, number in (
        (stranger, "shipper", order),
        (rival, "driver", order),
        (shipper, "driver", order),
        (shipper, "shipper", 10**9),
        (shipper, "admin", 10**9),
    ):
        with pytest.raises(Refusal, match=r"^not_found$"):
            await market.orders.visible(number, user, role)
        with pytest.raises(Refusal, match=r"^not_found$"):
            await market.orders.cancel(Party(user, Actor(role)), number)
    with pytest.raises(Refusal, match=r"^not_found$"):
        await market.orders.advance(rival, order, Status.AT_PICKUP)
    assert await market.rows() == before
    for user, role in ((shipper, "shipper"), (driver, "driver"), (0, "admin")):
        assert (await market.orders.visible(order, user, role)).id == order


async def test_pages_show_own_orders_newest_first_without_gaps(market: Market) -> None:
    shipper, driver = await market.shipper(), await market.driver()
    ids = [(await market.order(shipper)).id for _ in range(5)]
    foreign = await market.order()
    await market.orders.accept(driver, (await market.offer(foreign, [driver]))[driver], uuid.uuid4())

    async def walk(party: Party) -> list[int]:
        seen: list[int] = []
        while page := await market.orders.page(party, seen[-1] if seen else None, 2):
            seen += [order.id for order in page]
        return seen

    assert await walk(Party(shipper, Actor.SHIPPER)) == ids[::-1]
    assert await walk(Party(driver, Actor.DRIVER)) == [foreign.id]
    assert await walk(Party(0, Actor.ADMIN)) == [foreign.id, *ids[::-1]]


async def test_watchers_get_exactly_the_events_they_missed(market: Market) -> None:
    order, shipper, driver = await win(market)
    other, *_ = await win(market)
    await market.orders.advance(driver, order, Status.AT_PICKUP)
    missed = await market.orders.events_after({order: 1, other: 2, 10**9: 0})
    assert [(e.order, e.seq, e.kind, e.shipper, e.driver) for e in missed] == [
        (order, 2, "assigned", shipper, driver),
        (order, 3, "at_pickup", shipper, driver),
    ]


async def test_expired_offers_end_once_and_a_decided_order_is_left_alone(market: Market) -> None:
    drivers = [await market.driver() for _ in range(3)]
    order, long = await market.order(), await market.order()
    offers = await market.offer(order, drivers, ttl_s=0.0)
    await market.offer(long, drivers)
    async with market.pool.acquire() as holder, holder.transaction():
        await holder.execute("SELECT FROM orders WHERE id = $1 FOR UPDATE", order.id)
        assert await market.orders.expire_offers(10) == []
    sweeps = await asyncio.gather(*(market.orders.expire_offers(10) for _ in range(4)))
    ended = [event for events in sweeps for event in events]
    assert sorted((e.driver, e.offer, e.reason) for e in ended if isinstance(e, OfferEnded)) == sorted(
        (driver, offers[driver], "expired") for driver in drivers
    )
    assert await market.count("SELECT count(*) FROM offers WHERE status = 'live'") == 3


async def test_an_open_order_past_its_time_expires_with_its_offers(market: Market) -> None:
    driver = await market.driver()
    order = await market.order(valid_s=-1.0)
    fresh = await market.order()
    await market.offer(order, [driver])
    events = await market.orders.expire_orders(10)
    assert [(type(e).__name__, e.order) for e in events] == [
        ("OrderChanged", order.id),
        ("OfferEnded", order.id),
    ]
    assert await market.orders.expire_orders(10) == []
    assert (await market.orders.visible(order.id, order.shipper, "shipper")).status is Status.EXPIRED
    assert (await market.orders.visible(fresh.id, fresh.shipper, "shipper")).status is Status.OPEN


async def test_declining_is_final_and_harmless_to_repeat(market: Market) -> None:
    driver, thief = await market.driver(), await market.driver()
    order = await market.order()
    offer = (await market.offer(order, [driver]))[driver]
    with pytest.raises(Refusal, match="not_found"):
        await market.orders.decline(thief, offer)
    assert await market.orders.decline(driver, offer) == [OfferEnded(offer, order.id, driver, "declined")]
    assert await market.orders.decline(driver, offer) == []
    with pytest.raises(Refusal, match="offer_closed"):
        await market.orders.accept(driver, offer, uuid.uuid4())
    assert await market.orders.live_offers(driver) == []


async def test_an_offer_seen_on_the_screen_is_not_pushed(market: Market) -> None:
    driver, thief = await market.driver(), await market.driver()
    order = await market.order()
    offer = (await market.offer(order, [driver]))[driver]
    await market.pool.execute(
        "INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at) "
        "VALUES ($1, 'offer.made', '{}', $2, now() + interval '1 minute')",
        driver,
        f"offer:{offer}",
    )
    with pytest.raises(Refusal, match="not_found"):
        await market.orders.seen(thief, offer)
    assert await market.pool.fetchval("SELECT state FROM outbox") == "due"
    await market.orders.seen(driver, offer)
    assert await market.pool.fetchval("SELECT state FROM outbox") == "cancelled"
    assert await market.pool.fetchval("SELECT seen_at IS NOT NULL FROM offers WHERE id = $1", offer)
    assert [made.offer.id for made in await market.orders.live_offers(driver)] == [offer]
