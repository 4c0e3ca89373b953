"""From a posted order to its driver: waves, the board and the loops, on the real database and live index."""

import asyncio
import logging
import random
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from dispatch.asked import Asked, AskedStop
from dispatch.cancelling import CallingOff
from dispatch.errors import Refusal
from dispatch.events import OfferEnded, OfferMade, OrderChanged
from dispatch.model import Actor, Load, Order, Party, Policy, Status
from dispatch.service import Dispatcher
from geo.distance import destination
from storage.postgres import Pool
from tests.integration.orders.market import CodedTariff, Market, city, gazetteer, quick_policy, roads

LOAD = Load("мука", 20_000.0, 40.0, "tent")


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


def dispatcher(market: Market, policy: Policy | None = None) -> Dispatcher:
    return Dispatcher(
        market.orders,
        market.live,
        market.heard,
        roads(),
        gazetteer(),
        CodedTariff(),
        policy or quick_policy(wave_interval_s=60.0),
    )


async def place(market: Market, desk: Dispatcher, load: Load = LOAD, *, drop: int | None = None) -> Order:
    ends = (AskedStop("pickup", city("Алматы")), AskedStop("drop", drop or city("Астана")))
    asked = Asked(ends, load.cargo, load.weight_kg, load.volume_m3, load.body, valid_s=3600.0)
    return await market.poster(desk).place(await market.shipper(), asked)


async def driver_at(market: Market, km: float, **truck: object) -> int:
    """A driver so far north of Almaty's centre."""
    centre = gazetteer().search("Алматы", "ru", 1)[0]
    lat, lon = destination(centre.lat, centre.lon, 0.0, km * 1000)
    return await market.driver(lat=lat, lon=lon, **truck)  # type: ignore[arg-type]  # passed on as written


async def due_now(market: Market) -> None:
    """The timer of every search runs out."""
    await market.pool.execute("UPDATE orders SET seek_at = clock_timestamp() WHERE seek_at IS NOT NULL")


@asynccontextmanager
async def running(desk: Dispatcher) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(desk.run_seek()), asyncio.create_task(desk.run_expire())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    """Waits for what the loops do by themselves; the limit only ends a test that has failed."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (what is waited for are rows and a plain list)
            await asyncio.sleep(0.005)


async def test_an_order_is_quoted_placed_offered_and_won(market: Market) -> None:
    near, far = await driver_at(market, 2), await driver_at(market, 20)
    desk = dispatcher(market)
    order = await place(market, desk)
    assert order.price == (await desk.quote(city("Алматы"), city("Астана"), LOAD)).price
    assert await desk.seek_due() == 1
    made = market.heard.of(OfferMade)
    assert [event.driver for event in made] == [near, far]
    assert made[0].offer.deadhead_m == pytest.approx(2000, rel=0.01)
    assert sum(made[0].offer.reasons.values()) == pytest.approx(made[0].offer.score)
    stored = await market.orders.live_offers(near)
    assert stored[0].offer == made[0].offer
    won = await desk.accept(near, made[0].offer.id, uuid.uuid4())
    assert (won.status, won.driver) == (Status.ASSIGNED, near)
    assert [(e.driver, e.reason) for e in market.heard.of(OfferEnded)] == [(far, "taken")]
    assert [e.kind for e in market.heard.of(OrderChanged)] == ["assigned"]
    assert await desk.seek_due() == 0


async def test_a_city_that_is_not_in_the_gazetteer_is_refused_and_stores_nothing(market: Market) -> None:
    with pytest.raises(Refusal, match="place_unknown"):
        await place(market, dispatcher(market), drop=10**9)
    assert await market.count("SELECT count(*) FROM orders") == 0


async def test_only_drivers_who_may_take_the_load_are_offered_it(market: Market) -> None:
    good = await driver_at(market, 30)
    await driver_at(market, 1, paid_s=-1)
    await driver_at(market, 1, on_duty=False)
    await driver_at(market, 1, body="tank")
    await driver_at(market, 1, capacity_kg=5_000)
    await driver_at(market, 1, volume_m3=30)
    blocked = await driver_at(market, 1)
    await market.pool.execute("UPDATE users SET blocked = true WHERE id = $1", blocked)
    busy, crowded = await driver_at(market, 1), await driver_at(market, 1)
    earlier = await market.order(weight_kg=22_000.0)
    await market.orders.accept(busy, (await market.offer(earlier, [busy]))[busy], uuid.uuid4())
    for _ in range(3):
        await market.offer(await market.order(), [crowded])
    await market.pool.execute("UPDATE orders SET seek_at = NULL")
    desk = dispatcher(market)
    await place(market, desk)
    await desk.seek_due()
    assert [event.driver for event in market.heard.of(OfferMade)] == [good]


async def test_an_order_that_finds_nobody_looks_again_before_it_goes_to_the_board(market: Market) -> None:
    desk = dispatcher(market, quick_policy(patience_s=3600.0, look_again_s=30.0))
    order = await place(market, desk)
    assert await desk.seek_due() == 1
    assert await desk.seek_due() == 0  # not due again yet
    assert market.heard.of(OrderChanged) == []
    late = await driver_at(market, 10)
    await due_now(market)
    await desk.seek_due()
    assert [event.driver for event in market.heard.of(OfferMade)] == [late]
    impatient = dispatcher(market, quick_policy())
    other = await place(market, impatient, Load("Станки", 90_000.0, 1.0, "lowboy"))
    await impatient.seek_due()
    assert other.id in [event.order for event in market.heard.of(OrderChanged)]
    assert order.id != other.id


async def test_waves_widen_and_end_on_the_board(market: Market) -> None:
    near, middle, far, beyond = [await driver_at(market, km) for km in (10, 100, 300, 600)]
    desk = dispatcher(market)
    order = await place(market, desk)
    for wave, driver in ((1, near), (2, middle), (3, far)):
        await desk.seek_due()
        last = market.heard.of(OfferMade)[-1]
        assert (last.driver, last.offer.wave) == (driver, wave)
        await due_now(market)
    await desk.seek_due()
    assert len(market.heard.of(OfferMade)) == 3
    assert [e.kind for e in market.heard.of(OrderChanged)] == ["boarded"]
    won = await desk.take(beyond, order.id, uuid.uuid4())
    assert won.driver == beyond
    assert {e.driver for e in market.heard.of(OfferEnded)} == {near, middle, far}


async def test_a_wave_holds_the_best_eight_and_the_next_one_has_only_new_drivers(market: Market) -> None:
    drivers = [await driver_at(market, km) for km in range(1, 13)]
    desk = dispatcher(market)
    await place(market, desk)
    await desk.seek_due()
    assert [e.driver for e in market.heard.of(OfferMade)] == drivers[:8]
    await due_now(market)
    await desk.seek_due()
    assert [e.driver for e in market.heard.of(OfferMade)[8:]] == drivers[8:]


async def test_waves_with_nobody_in_them_are_passed_over_at_once(market: Market) -> None:
    far = await driver_at(market, 300)
    desk = dispatcher(market)
    await place(market, desk)
    assert await desk.seek_due() == 1
    assert [(e.driver, e.offer.wave) for e in market.heard.of(OfferMade)] == [(far, 3)]


async def test_a_crowd_that_cannot_take_the_load_does_not_hide_a_driver_farther_out(market: Market) -> None:
    for _ in range(5):
        await driver_at(market, 1, body="tank")
    far = await driver_at(market, 120)
    desk = dispatcher(market, quick_policy(wave_interval_s=60.0, nearby=5))
    await place(market, desk)
    await desk.seek_due()
    assert [e.driver for e in market.heard.of(OfferMade)] == [far]


async def test_when_the_last_driver_declines_the_next_wave_does_not_wait(market: Market) -> None:
    near, far = await driver_at(market, 10), await driver_at(market, 100)
    desk = dispatcher(market)
    await place(market, desk)
    await desk.seek_due()
    assert await desk.seek_due() == 0
    await desk.decline(near, market.heard.of(OfferMade)[0].offer.id)
    assert await desk.seek_due() == 1
    assert [e.driver for e in market.heard.of(OfferMade)] == [near, far]


@pytest.mark.parametrize("how", ["declined", "expired"])
async def test_a_driver_is_never_offered_the_same_order_twice(market: Market, how: str) -> None:
    driver = await driver_at(market, 10)
    desk = dispatcher(
        market, quick_policy(wave_interval_s=60.0, offer_ttl_s=0.0 if how == "expired" else 60.0)
    )
    await place(market, desk)
    await desk.seek_due()
    if how == "declined":
        await desk.decline(driver, market.heard.of(OfferMade)[0].offer.id)
    else:
        await desk.expire_due()
    for _ in range(4):
        await due_now(market)
        await desk.seek_due()
    assert len(market.heard.of(OfferMade)) == 1
    assert [e.reason for e in market.heard.of(OfferEnded)] == [how]


async def test_every_offer_has_its_push_due_two_seconds_later_with_the_whole_card(market: Market) -> None:
    drivers = [await driver_at(market, km) for km in (1, 2)]
    desk = dispatcher(market)
    order = await place(market, desk)
    await desk.seek_due()
    rows = await market.pool.fetch(
        "SELECT b.user_id, b.payload, b.kind, b.expires_at = f.expires_at AS same_end, "
        "extract(epoch FROM b.due_at - f.made_at)::float8 AS wait, f.id, s.last_offer_at = f.made_at AS met "
        "FROM offers f JOIN outbox b ON b.dedupe_key = 'offer:' || f.id "
        "JOIN driver_states s ON s.driver_id = f.driver_id ORDER BY f.id"
    )
    assert [row["user_id"] for row in rows] == drivers
    for row, made in zip(rows, market.heard.of(OfferMade), strict=True):
        assert (row["kind"], row["same_end"], row["wait"], row["met"]) == ("offer.made", True, 2.0, True)
        assert row["payload"]["offer"] == made.offer.id and row["payload"]["order"] == order.id
        assert row["payload"]["expires_at"] == pytest.approx(made.offer.expires_at, abs=1e-3)
        assert row["payload"]["pickup"]["name"] == "Алматы"
        assert row["payload"]["price"] == order.price._asdict()


async def test_many_seekers_share_the_due_orders_without_offering_any_twice(market: Market) -> None:
    for km in range(1, 9):
        await driver_at(market, km)
    desk = dispatcher(market, quick_policy(wave_interval_s=60.0, max_live_offers=100))
    for _ in range(20):
        await place(market, desk)
    looked_at = await asyncio.gather(*(desk.seek_due() for _ in range(5)))
    assert sum(looked_at) == 20
    assert await market.count("SELECT count(*) FROM offers WHERE status = 'live'") == 160
    assert await market.count("SELECT count(DISTINCT (order_id, driver_id)) FROM offers") == 160


async def test_the_loops_offer_at_once_widen_by_themselves_and_end_every_offer(market: Market) -> None:
    await driver_at(market, 10)
    await driver_at(market, 100)
    desk = dispatcher(market, quick_policy(offer_ttl_s=0.2))
    async with running(desk):
        order = await place(market, desk)
        await until(lambda: len(market.heard.of(OfferEnded)) == 2)
        await until(lambda: market.heard.of(OrderChanged))
    assert [e.offer.wave for e in market.heard.of(OfferMade)] == [1, 2]
    stored = await market.orders.visible(order.id, order.shipper, "shipper")
    assert stored.board_at is not None
    assert await market.count("SELECT count(*) FROM offers WHERE status = 'live'") == 0


async def test_the_loops_live_through_a_lost_database_connection(
    market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    await driver_at(market, 10)
    desk = dispatcher(market)
    async with running(desk):
        with caplog.at_level(logging.CRITICAL, "asyncpg"):
            await market.pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await place(market, desk)
        await until(lambda: market.heard.of(OfferMade))


@pytest.mark.parametrize("seed", range(6))
async def test_after_any_history_each_offer_has_one_end_and_each_order_at_most_one_driver(
    market: Market, seed: int
) -> None:
    chance = random.Random(seed)
    drivers = [await driver_at(market, chance.uniform(1, 350)) for _ in range(12)]
    desk = dispatcher(market, quick_policy(wave_interval_s=0.0, offer_ttl_s=0.05, wave_size=3))
    orders: list[Order] = []

    async def one(action: str) -> None:
        driver = chance.choice(drivers)
        offers = await market.orders.live_offers(driver)
        try:
            if action == "place":
                orders.append(await place(market, desk))
            elif action == "seek":
                await desk.seek_due()
            elif action == "expire":
                await desk.expire_due()
            elif action == "cancel" and orders:
                order = chance.choice(orders)
                await desk.cancel(Party(order.shipper, Actor.SHIPPER), order.id, CallingOff())
            elif action == "take" and orders:
                await desk.take(driver, chance.choice(orders).id, uuid.uuid4())
            elif action == "accept" and offers:
                await desk.accept(driver, offers[0].offer.id, uuid.uuid4())
            elif action == "decline" and offers:
                await desk.decline(driver, offers[0].offer.id)
        except Refusal:
            pass  # the other side of a race: what counts is what the tables say in the end

    actions = ["place", "seek", "seek", "expire", "cancel", "take", "accept", "accept", "decline"]
    for _ in range(12):
        await asyncio.gather(*(one(chance.choice(actions)) for _ in range(6)))
    await asyncio.sleep(0.06)
    await desk.expire_due()
    assert await market.count("SELECT count(*) FROM offers WHERE status = 'live'") == 0
    assert await market.count("SELECT count(*) FROM offers WHERE ended_at IS NULL") == 0
    winners = "SELECT count(*) FROM offers WHERE status = 'accepted'"
    assert await market.count(winners) == await market.count("SELECT count(*) FROM assignments")
    assert await market.count("SELECT count(*) FROM accepts WHERE outcome = 'won'") == await market.count(
        winners
    )
    holes = (
        "SELECT count(*) FROM orders o WHERE seq <> (SELECT count(*) FROM order_events WHERE order_id = o.id)"
    )
    assert await market.count(holes) == 0
    made = {event.offer.id for event in market.heard.of(OfferMade)}
    ended = [event.offer for event in market.heard.of(OfferEnded)]
    assert len(ended) == len(set(ended)) and set(ended) <= made


async def test_an_order_that_cannot_be_computed_with_does_not_stop_the_search(
    market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    desk = dispatcher(market)
    poisoned, sound = await place(market, desk), await place(market, desk)
    # No form lets such a weight in; a row could still have it, and the board's columns cannot hold it.
    await market.pool.execute("UPDATE orders SET weight_kg = 5e-324 WHERE id = $1", poisoned.id)
    await due_now(market)
    await desk.seek_due()
    board = "SELECT board_at IS NOT NULL AS on_board, seek_at > now() AS later FROM orders WHERE id = $1"
    assert dict(await market.pool.fetchrow(board, poisoned.id)) == {"on_board": False, "later": True}
    assert (await market.pool.fetchrow(board, sound.id))["on_board"]
    assert [record.order for record in caplog.records if record.message == "seek.put_aside"] == [poisoned.id]  # type: ignore[attr-defined]
