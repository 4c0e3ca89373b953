"""Bids in the database: placed, answered, taken, ended, and who is told."""

import asyncio
import uuid
from typing import Any

import pytest

from dispatch.bids import BidStatus
from dispatch.errors import Refusal
from dispatch.events import BidChanged, BidClosed, BidMade, OfferEnded, OrderChanged
from dispatch.model import Actor, Order, Party, Status
from storage.postgres import Pool
from tests.integration.orders.market import Market

KZT = "KZT"
ASKED = 46_360_000


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


def shipper_of(order: Order) -> Party:
    return Party(order.shipper, Actor.SHIPPER)


async def load(market: Market, pricing: str = "negotiable", **changes: Any) -> Order:
    """A load on the board that may be bid on."""
    return await market.on_board(await market.order(pricing=pricing, **changes))


async def refused(work: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        await work
    return refusal.value.code


async def status(market: Market, bid: int) -> str:
    found: str = await market.pool.fetchval("SELECT status FROM bids WHERE id = $1", bid)
    return found


async def due(market: Market, user: int) -> list[str]:
    """The pushes that wait for this user."""
    rows = await market.pool.fetch(
        "SELECT kind FROM outbox WHERE user_id = $1 AND state = 'due' ORDER BY id", user
    )
    return [row["kind"] for row in rows]


# -- placing ------------------------------------------------------------------------------------------------


async def test_a_bid_is_placed_changed_and_every_version_is_kept(market: Market) -> None:
    driver, order = await market.driver(), await load(market)
    bid, told = await market.bids.place(driver, order.id, terms := _terms(40_000_000, message="сегодня"))
    assert (bid.status, bid.version, bid.price.amount, bid.shipper) == (
        "live",
        1,
        terms.amount,
        order.shipper,
    )
    (made,) = told
    assert isinstance(made, BidMade) and made.bidder.body == "tent" and made.bidder.hauls == 0
    changed = await market.bid(driver, order, 39_000_000, changes=1)
    assert (changed.id, changed.version, changed.price.amount) == (bid.id, 2, 39_000_000)
    found, versions = await market.bids.one(Party(driver, Actor.DRIVER), bid.id)
    assert found == changed
    assert [(v.version, v.side, v.price.amount) for v in versions] == [
        (1, "driver", 40_000_000),
        (2, "driver", 39_000_000),
    ]
    assert versions[0].message == "сегодня"


def _terms(amount: int, valid_s: float = 3600.0, **more: Any) -> Any:
    from dispatch.bids import Terms

    return Terms(amount, valid_s, **more)


async def test_one_live_bid_a_driver_and_load_and_a_change_names_the_version_it_changes(
    market: Market,
) -> None:
    driver, order = await market.driver(), await load(market)
    await market.bid(driver, order)
    assert await refused(market.bid(driver, order)) == "bid_exists"
    assert await refused(market.bid(driver, order, changes=2)) == "version_stale"
    await market.bid(driver, order, changes=1)
    assert await market.count("SELECT count(*) FROM bids") == 1


async def test_parallel_first_bids_of_one_driver_make_one_bid(market: Market) -> None:
    driver, order = await market.driver(), await load(market)

    async def place() -> str:
        while True:
            try:
                await market.bid(driver, order)
                return "placed"
            except Refusal as refusal:
                if refusal.code != "busy":
                    return refusal.code

    told = await asyncio.gather(*(place() for _ in range(8)))
    assert sorted(told) == ["bid_exists"] * 7 + ["placed"]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("fixed", "bids_refused"),
        ("low", "bid_out_of_range"),
        ("high", "bid_out_of_range"),
        ("stale", "version_stale"),
        ("cancelled", "order_closed"),
        ("assigned", "offer_taken"),
        ("late", "order_closed"),
        ("lapsed", "order_closed"),
        ("unpaid", "subscription_expired"),
        ("unfit", "vehicle_unfit"),
        ("truckless", "vehicle_required"),
        ("banned", "forbidden"),
        ("hidden", "not_found"),
        ("unboarded", "not_found"),
        ("private", "not_found"),
    ],
)
async def test_what_keeps_a_driver_from_bidding_stores_nothing(market: Market, how: str, code: str) -> None:
    driver = await market.driver(paid_s=-1 if how == "unpaid" else 3600)
    order = await load(market, "fixed" if how == "fixed" else "bids")
    pool = market.pool
    seen = 1
    amount = {"low": ASKED // 11, "high": ASKED * 11}.get(how, ASKED)
    if how == "stale":
        await pool.execute("UPDATE orders SET version = 2")
    if how == "cancelled":
        await market.orders.cancel(shipper_of(order), order.id)
    if how == "assigned":
        other = await market.driver()
        bid = await market.bid(other, order)
        await market.bids.pick(shipper_of(order), bid.id, uuid.uuid4(), 1)
    if how == "late":
        await pool.execute("UPDATE orders SET expires_at = now()")
    if how == "lapsed":
        await pool.execute("UPDATE orders SET confirm_by = now()")
    if how == "unfit":
        await pool.execute("UPDATE vehicles SET capacity_kg = 10")
    if how == "truckless":
        await pool.execute("DELETE FROM vehicles")
    if how == "banned":
        await pool.execute("UPDATE users SET blocked = true WHERE id = $1", driver)
    if how == "hidden":
        await pool.execute(
            "INSERT INTO blocks (made_by, shipper_id, driver_id, actor_id) VALUES ('carrier', $1, $2, $2)",
            order.shipper,
            driver,
        )
    if how == "unboarded":
        await pool.execute("UPDATE orders SET board_at = NULL")
    if how == "private":
        await pool.execute("UPDATE orders SET private = true")
    before = await pool.fetch("SELECT * FROM bids UNION ALL SELECT * FROM bids")
    assert await refused(market.bid(driver, order, amount, seen_order=seen)) == code
    assert await pool.fetch("SELECT * FROM bids UNION ALL SELECT * FROM bids") == before


async def test_a_driver_may_bid_on_what_was_offered_to_him_before_it_is_on_the_board(market: Market) -> None:
    driver = await market.driver()
    order = await market.order(pricing="bids")
    await market.offer(order, [driver])
    assert (await market.bid(driver, order)).status is BidStatus.LIVE


async def test_an_invited_driver_bids_on_a_private_load_and_goes_on_after_the_invitation_is_over(
    market: Market,
) -> None:
    driver = await market.driver()
    order = await market.order(pricing="negotiable")
    offers = await market.offer(order, [driver])
    await market.pool.execute("UPDATE orders SET private = true")
    await market.pool.execute("UPDATE offers SET kind = 'invitation', wave = 0")
    bid = await market.bid(driver, order)
    await market.orders.decline(driver, offers[driver])
    await market.bid(driver, order, 41_000_000, changes=1)
    won, _ = await market.bids.pick(shipper_of(order), bid.id, uuid.uuid4(), 2)
    assert (won.driver, won.price.amount) == (driver, 41_000_000)


async def test_live_bids_of_one_driver_are_counted(market: Market) -> None:
    driver = await market.driver()
    limit = 10
    for _ in range(limit):
        await market.bid(driver, await load(market))
    order = await load(market)
    assert await refused(market.bid(driver, order)) == "bids_too_many"
    ended = await market.pool.fetchval("SELECT min(id) FROM bids")
    await market.bids.withdraw(driver, ended)
    await market.bid(driver, order)


async def test_a_driver_on_a_haul_bids_for_later_only(market: Market) -> None:
    driver, order = await market.driver(), await load(market)
    await _busy(market, driver)
    assert await refused(market.bid(driver, order)) == "driver_busy"
    assert await refused(market.bid(driver, order, available_from=1.0)) == "driver_busy"
    later = 4_000_000_000.0
    assert (await market.bid(driver, order, available_from=later)).available_from == later


async def _busy(market: Market, driver: int) -> Order:
    earlier = await market.order()
    offers = await market.offer(earlier, [driver])
    won, _ = await market.orders.accept(driver, offers[driver], uuid.uuid4())
    return won


# -- haggling -----------------------------------------------------------------------------------------------


async def test_the_shipper_counters_and_the_driver_takes_the_counter(market: Market) -> None:
    driver, rival, order = await market.driver(), await market.driver(), await load(market, "bids")
    offered = await market.driver()
    offers = await market.offer(order, [offered])
    bid, other = await market.bid(driver, order, 50_000_000), await market.bid(rival, order, 49_000_000)
    countered, told = await market.bids.counter(shipper_of(order), bid.id, 45_000_000, 600, "?", 1)
    assert (countered.status, countered.version, countered.asked.amount) == ("countered", 2, 45_000_000)
    assert told == [BidChanged(countered)]
    assert await refused(market.bids.accept(rival, bid.id, uuid.uuid4(), 2)) == "not_found"
    assert await refused(market.bids.pick(shipper_of(order), bid.id, uuid.uuid4(), 2)) == "bid_turn"
    won, told = await market.bids.accept(driver, bid.id, uuid.uuid4(), 2)
    assert (won.status, won.driver, won.price.amount) == (Status.ASSIGNED, driver, 45_000_000)
    assert [event.bid.status for event in told if isinstance(event, BidClosed)] == ["accepted", "lost"]
    assert [event.offer for event in told if isinstance(event, OfferEnded)] == [offers[offered]]
    assert [event.kind for event in told if isinstance(event, OrderChanged)] == ["assigned"]
    assert await status(market, other.id) == "lost"
    row = await market.pool.fetchrow(
        "SELECT detail, actor_id FROM order_events WHERE order_id = $1 AND kind = 'assigned'", order.id
    )
    assert row["detail"] == {"asked": ASKED, "agreed": 45_000_000, "bid": bid.id}
    assert row["actor_id"] == driver


async def test_the_driver_answers_a_counter_with_another_price_and_the_shipper_picks_it(
    market: Market,
) -> None:
    driver, order = await market.driver(), await load(market, "bids")
    bid = await market.bid(driver, order, 50_000_000)
    await market.bids.counter(shipper_of(order), bid.id, 45_000_000, 600, "", 1)
    again = await market.bid(driver, order, 47_000_000, changes=2)
    assert (again.status, again.version, again.counter) == ("live", 3, None)
    assert await refused(market.bids.accept(driver, bid.id, uuid.uuid4(), 3)) == "bid_turn"
    won, _ = await market.bids.pick(shipper_of(order), bid.id, uuid.uuid4(), 3)
    assert won.price.amount == 47_000_000
    row = await market.pool.fetchrow("SELECT * FROM assignments WHERE order_id = $1", order.id)
    assert (row["driver_id"], row["bid_id"], row["acted_by"]) == (driver, bid.id, order.shipper)
    offer = await market.pool.fetchrow("SELECT * FROM offers WHERE id = $1", row["offer_id"])
    assert (offer["status"], offer["kind"], offer["driver_id"]) == ("accepted", "bid", driver)


async def test_nobody_agrees_to_a_price_they_have_not_seen(market: Market) -> None:
    driver, order = await market.driver(), await load(market, "bids")
    bid = await market.bid(driver, order, 40_000_000)
    await market.bid(driver, order, 60_000_000, changes=1)
    pick = uuid.uuid4()
    assert await refused(market.bids.pick(shipper_of(order), bid.id, pick, 1)) == "bid_changed"
    assert await refused(market.bids.counter(shipper_of(order), bid.id, ASKED, 600, "", 1)) == "version_stale"
    await market.bids.counter(shipper_of(order), bid.id, 50_000_000, 600, "", 2)
    await market.bids.counter(shipper_of(order), bid.id, 30_000_000, 600, "", 3)
    assert await refused(market.bids.accept(driver, bid.id, uuid.uuid4(), 3)) == "bid_changed"
    # The lost pick is remembered, whatever the bid is worth now.
    assert await refused(market.bids.pick(shipper_of(order), bid.id, pick, 1)) == "bid_changed"


async def test_a_declined_bid_says_why_and_the_driver_may_bid_again_a_few_times(market: Market) -> None:
    driver, order = await market.driver(), await load(market, "bids")
    for _ in range(5):
        bid = await market.bid(driver, order)
        ended, told = await market.bids.decline(shipper_of(order), bid.id, "price")
        assert (ended.status, ended.reason, told) == ("declined", "price", [BidClosed(ended)])
        assert await market.bids.decline(shipper_of(order), bid.id, "late") == (ended, [])
    assert await refused(market.bid(driver, order)) == "bids_too_many"
    assert await refused(market.bids.withdraw(driver, bid.id)) == "bid_closed"
    assert await refused(market.bids.pick(shipper_of(order), bid.id, uuid.uuid4(), 1)) == "bid_closed"


async def test_a_withdrawn_bid_cannot_be_picked_and_the_shipper_hears_of_it(market: Market) -> None:
    driver, order = await market.driver(), await load(market, "bids")
    bid = await market.bid(driver, order)
    ended, told = await market.bids.withdraw(driver, bid.id)
    assert ended.status is BidStatus.WITHDRAWN and told == [BidClosed(ended)]
    assert await market.bids.withdraw(driver, bid.id) == (ended, [])
    assert await due(market, order.shipper) == ["bid.closed"]
    assert await refused(market.bids.pick(shipper_of(order), bid.id, uuid.uuid4(), 1)) == "bid_closed"


async def test_foreign_bids_and_absent_ones_look_the_same(market: Market) -> None:
    driver, thief, order = await market.driver(), await market.driver(), await load(market)
    other = Party(await market.shipper(), Actor.SHIPPER)
    bid = await market.bid(driver, order)
    for number in (bid.id, 10**9):
        assert await refused(market.bids.withdraw(thief, number)) == "not_found"
        assert await refused(market.bids.accept(thief, number, uuid.uuid4(), 1)) == "not_found"
        assert await refused(market.bids.pick(other, number, uuid.uuid4(), 1)) == "not_found"
        assert await refused(market.bids.counter(other, number, ASKED, 600, "", 1)) == "not_found"
        assert await refused(market.bids.decline(other, number, "price")) == "not_found"
        assert await refused(market.bids.one(other, number)) == "not_found"
        assert await refused(market.bids.one(Party(thief, Actor.DRIVER), number)) == "not_found"
        assert await refused(market.bids.seen(thief, number, 1)) == "not_found"
        assert await refused(market.bids.seen(other.user, number, 1)) == "not_found"
    assert await refused(market.bids.of_order(other, order.id)) == "not_found"
    assert await refused(market.bids.open_bidding(other, order.id, True)) == "not_found"
    assert await status(market, bid.id) == "live"


# -- the pick -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["unpaid", "unfit", "banned", "busy", "truckless"])
async def test_a_shipper_is_not_told_why_a_driver_cannot_take_the_load(market: Market, how: str) -> None:
    driver, order = await market.driver(), await load(market)
    bid = await market.bid(driver, order)
    if how == "unpaid":
        await market.pay(driver, -1)
    if how == "unfit":
        await market.pool.execute("UPDATE vehicles SET capacity_kg = 10")
    if how == "banned":
        await market.pool.execute("UPDATE users SET blocked = true WHERE id = $1", driver)
    if how == "busy":
        await market.pool.execute("UPDATE bids SET available_from = now() + interval '1 hour'")
        await _busy(market, driver)
    if how == "truckless":
        await market.pool.execute("DELETE FROM vehicles")
    pick = uuid.uuid4()
    assert await refused(market.bids.pick(shipper_of(order), bid.id, pick, 1)) == "driver_unavailable"
    assert await refused(market.bids.pick(shipper_of(order), bid.id, pick, 1)) == "driver_unavailable"
    assert await status(market, bid.id) == "live"


async def test_a_pick_of_a_bid_on_an_edited_load_loses_and_the_edit_ends_the_bid(market: Market) -> None:
    from storage.bid_rows import close_bids

    driver, order = await market.driver(), await load(market)
    bid = await market.bid(driver, order)
    await market.pool.execute("UPDATE orders SET version = 2")
    assert await refused(market.bids.pick(shipper_of(order), bid.id, uuid.uuid4(), 1)) == "bid_closed"
    async with market.pool.acquire() as connection, connection.transaction():
        (closed,) = await close_bids(connection, order.id, BidStatus.OUTDATED)
    assert isinstance(closed, BidClosed) and closed.bid.status is BidStatus.OUTDATED
    again = await market.bid(driver, order, seen_order=2)
    assert (again.order_version, again.version) == (2, 1) and again.id != bid.id


@pytest.mark.parametrize("how", ["cancelled", "expired"])
async def test_bids_end_with_their_load(market: Market, how: str) -> None:
    driver, order = await market.driver(), await load(market)
    bid = await market.bid(driver, order)
    if how == "cancelled":
        _, told = await market.orders.cancel(shipper_of(order), order.id)
    else:
        await market.pool.execute("UPDATE orders SET expires_at = now()")
        told = await market.orders.expire_orders(10)
    (closed,) = (event for event in told if isinstance(event, BidClosed))
    assert (closed.bid.id, closed.bid.status, closed.bid.reason) == (bid.id, "lost", how)
    assert "bid.closed" in await due(market, driver)


async def test_a_win_elsewhere_takes_back_what_was_bid_for_now_and_leaves_what_was_bid_for_later(
    market: Market,
) -> None:
    driver = await market.driver()
    now, later, own = await load(market), await load(market), await load(market)
    soon, then = await market.bid(driver, now), await market.bid(driver, later, available_from=4e9)
    moot = await market.bid(driver, own)
    won, told = await market.orders.take(driver, own.id, uuid.uuid4())
    assert (won.driver, won.price.amount) == (driver, ASKED)
    ended = {
        event.bid.id: (event.bid.status, event.bid.reason) for event in told if isinstance(event, BidClosed)
    }
    assert ended == {soon.id: ("withdrawn", "busy"), moot.id: ("withdrawn", "taken")}
    assert await status(market, then.id) == "live"
    assert "bid.closed" in await due(market, now.shipper)


async def test_a_load_for_bids_only_has_no_price_to_accept(market: Market) -> None:
    driver, other = await market.driver(), await market.driver()
    order = await load(market, "bids")
    offers = await market.offer(order, [driver])
    assert await refused(market.orders.accept(driver, offers[driver], uuid.uuid4())) == "bids_only"
    assert await refused(market.orders.take(other, order.id, uuid.uuid4())) == "bids_only"


# -- time ---------------------------------------------------------------------------------------------------


async def test_a_bid_is_good_until_it_expires_by_the_databases_clock(market: Market) -> None:
    driver, order = await market.driver(), await load(market)
    bid = await market.bid(driver, order, valid_s=0.0)
    assert bid.status is BidStatus.LIVE
    party = Party(driver, Actor.DRIVER)
    assert (await market.bids.one(party, bid.id))[0].status is BidStatus.EXPIRED, "judged on read"
    assert await refused(market.bids.pick(shipper_of(order), bid.id, uuid.uuid4(), 1)) == "bid_expired"
    assert await refused(market.bids.counter(shipper_of(order), bid.id, ASKED, 60, "", 1)) == "bid_expired"
    assert await status(market, bid.id) == "live"
    (told,) = await market.bids.expire(10)
    assert isinstance(told, BidClosed) and told.bid.status is BidStatus.EXPIRED
    assert await status(market, bid.id) == "expired" and await market.bids.expire(10) == []


async def test_a_new_bid_may_follow_an_expired_one_before_the_sweep_comes_by(market: Market) -> None:
    driver, order = await market.driver(), await load(market)
    old = await market.bid(driver, order, valid_s=0.0)
    new, told = await market.bids.place(driver, order.id, _terms(41_000_000))
    assert new.id != old.id and [type(event) for event in told] == [BidClosed, BidMade]


async def test_a_bid_never_outlives_its_load(market: Market) -> None:
    driver, order = await market.driver(), await load(market, valid_s=60.0)
    bid = await market.bid(driver, order, valid_s=86_400.0)
    assert bid.expires_at == pytest.approx(order.expires_at)


# -- who is told --------------------------------------------------------------------------------------------


async def test_a_push_goes_to_the_side_that_must_answer_once_a_version_and_not_when_it_was_seen(
    market: Market,
) -> None:
    driver, order = await market.driver(), await load(market, "bids")
    bid = await market.bid(driver, order, 50_000_000)
    assert await due(market, order.shipper) == ["bid.made"]
    await market.bid(driver, order, 49_000_000, changes=1)
    assert await due(market, order.shipper) == ["bid.changed"]
    assert await market.bids.seen(order.shipper, bid.id, 1) == [], "an older version was on the screen"
    (told,) = await market.bids.seen(order.shipper, bid.id, 2)
    assert isinstance(told, BidChanged) and told.bid.seen_at is not None
    assert await due(market, order.shipper) == [] and await due(market, driver) == []
    assert await market.bids.seen(order.shipper, bid.id, 2) == []
    await market.bids.counter(shipper_of(order), bid.id, ASKED, 600, "", 2)
    assert await due(market, driver) == ["bid.changed"]
    await market.bids.seen(driver, bid.id, 3)
    assert await due(market, driver) == []
    await market.bids.decline(shipper_of(order), bid.id, "price")
    assert await due(market, driver) == ["bid.closed"]


async def test_bids_are_sealed_unless_the_shipper_lets_bidders_know_that_they_were_outbid(
    market: Market,
) -> None:
    low, high, order = await market.driver(), await market.driver(), await load(market, "bids")
    first = await market.bid(high, order, 45_000_000)
    assert not first.outbid
    second, told = await market.bids.place(low, order.id, _terms(44_000_000))
    assert [type(event) for event in told] == [BidMade]
    (flipped,) = await market.bids.open_bidding(shipper_of(order), order.id, True)
    assert isinstance(flipped, BidChanged) and flipped.driver_only
    assert (flipped.bid.id, flipped.bid.outbid) == (first.id, True)
    changed, told = await market.bids.place(high, order.id, _terms(43_000_000), changes=1)
    assert not changed.outbid
    assert {event.bid.id: event.bid.outbid for event in told if isinstance(event, BidChanged)} == {
        first.id: False,
        second.id: True,
    }
    _, told = await market.bids.withdraw(high, first.id)
    assert [event.bid.id for event in told if isinstance(event, BidChanged)] == [second.id]
    assert not await market.count("SELECT count(*) FROM bids WHERE outbid")
    await market.bid(high, order, 42_000_000)
    assert await market.count("SELECT count(*) FROM bids WHERE outbid") == 1
    (sealed,) = await market.bids.open_bidding(shipper_of(order), order.id, False)
    assert isinstance(sealed, BidChanged) and not sealed.bid.outbid


async def test_the_shipper_compares_bids_by_who_makes_them(market: Market) -> None:
    good, new, order = await market.driver(), await market.driver(), await load(market, "bids")
    await market.pool.execute("UPDATE users SET name = 'Ерлан' WHERE id = $1", good)
    await market.pool.execute(
        "INSERT INTO user_ratings (user_id, part, four, five) VALUES ($1, 'driver', 1, 1)", good
    )
    for last in (Status.DELIVERED, Status.DELIVERED, Status.DELIVERED, Status.CANCELLED):
        haul = await _busy(market, good)
        if last is Status.CANCELLED:
            await market.orders.cancel(Party(good, Actor.DRIVER), haul.id)
            continue
        for step in (Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP, last):
            await market.orders.advance(good, haul.id, step)
    high, low = await market.bid(good, order, 45_000_000), await market.bid(new, order, 44_000_000)
    _, found = await market.bids.of_order(shipper_of(order), order.id)
    assert [(bid.id, bidder.driver) for bid, bidder in found] == [(low.id, new), (high.id, good)]
    (_, fresh), (_, known) = found
    assert (known.name, known.rating, known.hauls, known.reliability) == ("Ерлан", 4.5, 3, 0.75)
    assert (known.ratings, fresh.rating, fresh.ratings) == (2, None, 0)
    assert (fresh.hauls, fresh.reliability) == (0, None)
    mine = await market.bids.of_driver(good, None, 10)
    assert [(bid.id, about.id) for bid, about in mine] == [(high.id, order.id)]
