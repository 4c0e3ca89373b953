"""One winner, whatever the race (invariants I3 and I4)."""

import asyncio
import uuid
from collections import Counter

import pytest

from dispatch.errors import Refusal
from dispatch.model import Actor, Party, Status
from storage.postgres import Pool
from tests.integration.orders.market import Market

ROUNDS = 30
ACCEPTORS = 64


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def answer(market: Market, driver: int, offer: int, accept_id: uuid.UUID) -> str:
    """What the driver is told in the end: `won` or a code. `busy` decides nothing and is sent again."""
    while True:
        try:
            await market.orders.accept(driver, offer, accept_id)
            return "won"
        except Refusal as refusal:
            if refusal.code != "busy":
                return refusal.code


async def test_of_64_drivers_who_accept_at_once_exactly_one_wins_round_after_round(market: Market) -> None:
    shipper = await market.shipper()
    drivers = [await market.driver() for _ in range(ACCEPTORS)]
    for _ in range(ROUNDS):
        order = await market.order(shipper)
        offers = await market.offer(order, drivers)
        ids = {driver: uuid.uuid4() for driver in drivers}
        told = await asyncio.gather(*(answer(market, d, offers[d], ids[d]) for d in drivers))
        assert Counter(told) == {"won": 1, "offer_taken": ACCEPTORS - 1}
        winner = drivers[told.index("won")]
        row = await market.pool.fetchrow("SELECT * FROM assignments WHERE order_id = $1", order.id)
        assert row["driver_id"] == winner and row["offer_id"] == offers[winner]
        again = await asyncio.gather(*(answer(market, d, offers[d], ids[d]) for d in [*drivers[:8], winner]))
        assert again == [*told[:8], "won"]
        statuses = await market.pool.fetch(
            "SELECT status, count(*) AS n FROM offers WHERE order_id = $1 GROUP BY 1", order.id
        )
        assert {row["status"]: row["n"] for row in statuses} == {"accepted": 1, "lost": ACCEPTORS - 1}
        await market.orders.cancel(Party(shipper, Actor.SHIPPER), order.id)


async def test_retries_of_one_accept_at_the_same_moment_get_the_same_answer(market: Market) -> None:
    driver, rival = await market.driver(), await market.driver()
    order = await market.order()
    offers = await market.offer(order, [driver, rival])
    accept_id = uuid.uuid4()
    told = await asyncio.gather(*(answer(market, driver, offers[driver], accept_id) for _ in range(10)))
    assert set(told) == {"won"}
    assert await market.count("SELECT count(*) FROM accepts") == 1
    assert await market.count("SELECT count(*) FROM order_events WHERE order_id = $1", order.id) == 2


async def test_a_loss_is_remembered_even_when_the_order_could_be_won_later(market: Market) -> None:
    driver = await market.driver(paid_s=-1)
    order = await market.order()
    offers = await market.offer(order, [driver])
    accept_id = uuid.uuid4()
    assert await answer(market, driver, offers[driver], accept_id) == "subscription_expired"
    await market.pay(driver, 3600)
    assert await answer(market, driver, offers[driver], accept_id) == "subscription_expired"
    assert await answer(market, driver, offers[driver], uuid.uuid4()) == "won"


async def test_one_driver_who_accepts_two_orders_at_once_gets_one_of_them(market: Market) -> None:
    for _ in range(10):
        driver = await market.driver()
        orders = [await market.order() for _ in range(3)]
        offers = [(await market.offer(order, [driver]))[driver] for order in orders]
        told = await asyncio.gather(*(answer(market, driver, offer, uuid.uuid4()) for offer in offers))
        assert told.count("won") == 1
        assert set(told) <= {"won", "driver_busy", "offer_closed"}
        active = "SELECT count(*) FROM assignments WHERE driver_id = $1 AND ended_at IS NULL"
        assert await market.count(active, driver) == 1
        assigned = "SELECT count(*) FROM orders WHERE status = 'assigned' AND id = ANY($1)"
        assert await market.count(assigned, [order.id for order in orders]) == 1


async def test_two_drivers_with_crossed_offers_never_wait_for_each_other(market: Market) -> None:
    for _ in range(15):
        left, right = await market.driver(), await market.driver()
        first, second = await market.order(), await market.order()
        of_first, of_second = (
            await market.offer(first, [left, right]),
            await market.offer(second, [left, right]),
        )
        told = await asyncio.gather(
            answer(market, left, of_first[left], uuid.uuid4()),
            answer(market, right, of_second[right], uuid.uuid4()),
        )
        assert told == ["won", "won"]


async def test_the_winners_other_offers_are_withdrawn_and_their_orders_look_again_at_once(
    market: Market,
) -> None:
    driver, other = await market.driver(), await market.driver()
    wanted, alone, shared = await market.order(), await market.order(), await market.order()
    offers = await market.offer(wanted, [driver])
    await market.offer(alone, [driver])
    await market.offer(shared, [driver, other])
    later = "UPDATE orders SET seek_at = clock_timestamp() + interval '1 hour' WHERE id = ANY($1)"
    await market.pool.execute(later, [alone.id, shared.id])
    assert await answer(market, driver, offers[driver], uuid.uuid4()) == "won"
    live = await market.pool.fetch("SELECT order_id, driver_id FROM offers WHERE status = 'live'")
    assert [tuple(row) for row in live] == [(shared.id, other)]
    due = await market.pool.fetch("SELECT id FROM orders WHERE seek_at <= clock_timestamp()")
    assert [row["id"] for row in due] == [alone.id]


async def test_an_offer_is_good_until_it_expires_by_the_databases_clock(market: Market) -> None:
    driver = await market.driver()
    order = await market.order()
    offers = await market.offer(order, [driver], ttl_s=0.0)
    before = await market.rows()
    assert await answer(market, driver, offers[driver], uuid.uuid4()) == "offer_expired"
    assert await market.rows() == before
    await market.orders.expire_offers(10)
    assert await answer(market, driver, offers[driver], uuid.uuid4()) == "offer_expired"


async def test_accepts_around_the_expiry_win_or_expire_and_nothing_between(market: Market) -> None:
    for step in range(12):
        driver = await market.driver()
        order = await market.order()
        offers = await market.offer(order, [driver], ttl_s=0.03)
        await asyncio.sleep(0.02 + step * 0.001)
        told, _ = await asyncio.gather(
            answer(market, driver, offers[driver], uuid.uuid4()), market.orders.expire_offers(10)
        )
        row = await market.pool.fetchrow(
            "SELECT f.status AS offer, o.status AS status, f.ended_at <= f.expires_at AS early "
            "FROM offers f JOIN orders o ON o.id = f.order_id WHERE f.id = $1",
            offers[driver],
        )
        if told == "won":
            assert (row["offer"], row["status"]) == ("accepted", "assigned")
        else:
            assert told == "offer_expired" and row["status"] == "open"
            assert row["offer"] in ("live", "expired")


@pytest.mark.parametrize(
    "how", ["subscription_expired", "vehicle_required", "vehicle_unfit", "driver_busy", "forbidden"]
)
async def test_a_driver_who_may_not_take_the_load_changes_no_row(market: Market, how: str) -> None:
    driver = await market.driver(paid_s=-1 if how == "subscription_expired" else 60.0)
    if how == "vehicle_required":
        await market.pool.execute("DELETE FROM vehicles WHERE driver_id = $1", driver)
    if how == "vehicle_unfit":
        await market.pool.execute("UPDATE vehicles SET capacity_kg = 100 WHERE driver_id = $1", driver)
    if how == "driver_busy":
        earlier = await market.order()
        await market.orders.accept(driver, (await market.offer(earlier, [driver]))[driver], uuid.uuid4())
    if how == "forbidden":
        await market.pool.execute("UPDATE users SET blocked = true WHERE id = $1", driver)
    order = await market.order()
    offers = await market.offer(order, [driver])
    before = await market.rows()
    assert await answer(market, driver, offers[driver], uuid.uuid4()) == how
    assert await market.rows() == before


async def test_another_drivers_offer_and_no_offer_look_the_same(market: Market) -> None:
    driver, thief = await market.driver(), await market.driver()
    offers = await market.offer(await market.order(), [driver])
    before = await market.rows()
    assert await answer(market, thief, offers[driver], uuid.uuid4()) == "not_found"
    assert await answer(market, thief, 10**9, uuid.uuid4()) == "not_found"
    assert await market.rows() == before
    assert await market.count("SELECT count(*) FROM accepts") == 0


async def test_an_accept_id_used_for_something_else_is_refused(market: Market) -> None:
    driver, thief = await market.driver(), await market.driver()
    first, second = await market.order(), await market.order()
    offer = (await market.offer(first, [driver]))[driver]
    offers = await market.offer(second, [driver, thief])
    accept_id = uuid.uuid4()
    assert await answer(market, driver, offer, accept_id) == "won"
    assert await answer(market, driver, offers[driver], accept_id) == "idempotency_conflict"
    assert await answer(market, thief, offers[thief], accept_id) == "idempotency_conflict"


async def test_an_accept_that_cannot_get_the_lock_is_busy_and_decides_nothing(market: Market) -> None:
    driver = await market.driver()
    order = await market.order()
    offers = await market.offer(order, [driver])
    accept_id = uuid.uuid4()
    async with market.pool.acquire() as holder, holder.transaction():
        await holder.execute("SELECT FROM orders WHERE id = $1 FOR UPDATE", order.id)
        with pytest.raises(Refusal) as refusal:
            await market.orders.accept(driver, offers[driver], accept_id)
        assert refusal.value.code == "busy"
    assert await answer(market, driver, offers[driver], accept_id) == "won"


async def test_a_load_on_the_board_is_won_once_by_drivers_who_were_never_offered_it(market: Market) -> None:
    drivers = [await market.driver() for _ in range(20)]
    order = await market.order()
    with pytest.raises(Refusal, match="not_found"):
        await market.orders.take(drivers[0], order.id, uuid.uuid4())
    async with market.orders.claim_due() as claim:
        assert claim is not None
        await claim.open_board()
    offers = await market.offer(order, drivers[:2])

    async def take(driver: int) -> str:
        while True:
            try:
                won, _ = await market.orders.take(driver, order.id, uuid.uuid4())
                assert won.driver == driver and won.status is Status.ASSIGNED
                return "won"
            except Refusal as refusal:
                if refusal.code != "busy":
                    return refusal.code

    told = Counter(await asyncio.gather(*(take(driver) for driver in drivers)))
    assert told == {"won": 1, "offer_taken": 19}
    accepted = await market.pool.fetch("SELECT id, driver_id, reasons FROM offers WHERE status = 'accepted'")
    assert len(accepted) == 1
    if accepted[0]["driver_id"] in offers:
        assert accepted[0]["id"] == offers[accepted[0]["driver_id"]]
    assert await market.count("SELECT count(*) FROM offers WHERE status = 'live'") == 0


async def test_every_loser_has_a_notice_and_no_push_of_an_ended_offer_stays_due(market: Market) -> None:
    drivers = [await market.driver() for _ in range(3)]
    order = await market.order()
    offers = await market.offer(order, drivers)
    await market.pool.execute(
        "INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at) "
        "SELECT driver_id, 'offer.made', '{}', 'offer:' || id, expires_at FROM offers"
    )
    await market.orders.accept(drivers[0], offers[drivers[0]], uuid.uuid4())
    rows = await market.pool.fetch("SELECT user_id, kind, state, payload, dedupe_key FROM outbox ORDER BY id")
    made = [row for row in rows if row["kind"] == "offer.made"]
    assert {row["state"] for row in made} == {"cancelled"} and len(made) == 3
    closed = {row["user_id"]: row for row in rows if row["kind"] == "offer.closed"}
    assert closed.keys() == set(drivers[1:])
    for driver, row in closed.items():
        assert row["payload"] == {"offer": offers[driver], "order": order.id, "reason": "taken"}
    changed = [row for row in rows if row["kind"] == "order.changed"]
    assert [(row["user_id"], row["payload"]["status"]) for row in changed] == [(order.shipper, "assigned")]
