"""One winner, whichever way a load is taken: offers, the board, picks and counter-offers in one race (I3, I4)."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from dispatch.bids import BidStatus
from dispatch.errors import Refusal
from dispatch.model import Actor, OfferStatus, Order, Party, Status
from storage.bid_rows import close_bids
from storage.deciding import deciding
from storage.order_rows import end_offers, lock_order
from storage.postgres import Pool
from tests.integration.orders.market import Market

RACERS = 64
ROUNDS = 12
WON = "won"
Try = Callable[[], Awaitable[object]]


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


async def told(attempt: Try) -> str:
    """What the caller hears in the end: `won` or a code. `busy` decides nothing and is sent again."""
    while True:
        try:
            await attempt()
            return WON
        except Refusal as refusal:
            if refusal.code != "busy":
                return refusal.code


async def racers(market: Market, order: Order, drivers: list[int]) -> list[Try]:
    """A quarter each: an offer, the board, a bid that the shipper picks, a counter-offer that the driver takes."""
    offered, boarded, picked, countered = (drivers[n::4] for n in range(4))
    party = Party(order.shipper, Actor.SHIPPER)
    offers = await market.offer(order, offered)
    bids = {driver: await market.bid(driver, order) for driver in (*picked, *countered)}
    for driver in countered:
        await market.bids.counter(party, bids[driver].id, 45_000_000, 600, "", 1)

    def accept(driver: int, key: uuid.UUID) -> Try:
        return lambda: market.orders.accept(driver, offers[driver], key)

    def take(driver: int, key: uuid.UUID) -> Try:
        return lambda: market.orders.take(driver, order.id, key, seen_version=order.version)

    def pick(driver: int, key: uuid.UUID) -> Try:
        return lambda: market.bids.pick(party, bids[driver].id, key, 1)

    def agree(driver: int, key: uuid.UUID) -> Try:
        return lambda: market.bids.accept(driver, bids[driver].id, key, 2)

    ways = ((offered, accept), (boarded, take), (picked, pick), (countered, agree))
    return [way(driver, uuid.uuid4()) for group, way in ways for driver in group]


async def check(market: Market, order: Order, won: int) -> None:
    """What the database must say of a race that `won` racers were told to have won."""
    row = await market.pool.fetchrow(
        "SELECT o.status, o.price_amount, a.driver_id, f.status AS offer, f.driver_id AS offered, b.status AS bid,"
        " coalesce(b.counter_amount, b.amount) AS agreed"
        " FROM orders o LEFT JOIN assignments a ON a.order_id = o.id LEFT JOIN offers f ON f.id = a.offer_id"
        " LEFT JOIN bids b ON b.id = a.bid_id WHERE o.id = $1",
        order.id,
    )
    assert (row["driver_id"] is not None) == bool(won)
    if won:
        assert (row["offer"], row["offered"]) == ("accepted", row["driver_id"])
        assert row["bid"] in (None, "accepted")
        assert row["price_amount"] == (row["agreed"] or order.price.amount)
    accepted = "SELECT count(*) FROM {} WHERE order_id = $1 AND status = 'accepted'"
    assert await market.count(accepted.format("offers"), order.id) == won
    assert await market.count(accepted.format("bids"), order.id) == (row["bid"] is not None)
    live = "SELECT count(*) FROM {} WHERE order_id = $1 AND status IN ('live', 'countered')"
    for table in ("offers", "bids"):
        assert await market.count(live.format(table), order.id) == 0
    assert (
        await market.count("SELECT count(*) FROM accepts WHERE order_id = $1 AND outcome = 'won'", order.id)
        == won
    )


async def free(market: Market, order: Order) -> None:
    """Ends the haul, so that its driver can race again."""
    found = await market.orders.visible(order.id, order.shipper, "shipper")
    if found.status is Status.ASSIGNED:
        await market.orders.cancel(Party(order.shipper, Actor.SHIPPER), order.id)


async def test_of_64_takers_in_four_ways_exactly_one_wins_round_after_round_and_retries_hear_the_same(
    market: Market,
) -> None:
    shipper = await market.shipper()
    drivers = [await market.driver() for _ in range(RACERS)]
    for _ in range(ROUNDS):
        order = await market.on_board(await market.order(shipper, pricing="negotiable"))
        attempts = await racers(market, order, drivers)
        # Each is sent twice at once, as by a phone whose line breaks, and once more when all is over.
        answers = await asyncio.gather(*(told(attempt) for attempt in (*attempts, *attempts)))
        first, second = answers[:RACERS], answers[RACERS:]
        assert first == second
        assert Counter(first) == {WON: 1, "offer_taken": RACERS - 1}
        await check(market, order, 1)
        again = await asyncio.gather(*(told(attempt) for attempt in attempts[::9]))
        assert again == first[::9]
        await free(market, order)


async def test_a_cancel_in_the_race_leaves_one_winner_or_none(market: Market) -> None:
    shipper = await market.shipper()
    drivers = [await market.driver() for _ in range(24)]
    for turn in range(ROUNDS):
        order = await market.on_board(await market.order(shipper, pricing="negotiable"))
        attempts = await racers(market, order, drivers)
        cancel = partial(market.orders.cancel, Party(shipper, Actor.SHIPPER), order.id)
        mixed = [*attempts[: 2 * turn], cancel, *attempts[2 * turn :]]
        answers = await asyncio.gather(*(told(attempt) for attempt in mixed))
        del answers[2 * turn]
        won = answers.count(WON)
        assert won <= 1
        # After the cancel nobody hears that somebody was faster.
        assert set(answers) <= ({WON, "offer_taken", "order_closed"} if won else {"order_closed"})
        await check(market, order, won)


async def test_an_edit_in_the_race_leaves_one_winner_or_takers_who_must_look_again(market: Market) -> None:
    shipper = await market.shipper()
    drivers = [await market.driver() for _ in range(24)]

    async def edit(number: int) -> None:
        async with deciding(market.pool) as connection:
            locked = await lock_order(connection, number)
            if locked is None or locked.status is not Status.OPEN:
                raise Refusal("offer_taken")
            await connection.execute("UPDATE orders SET version = version + 1 WHERE id = $1", number)
            await end_offers(connection, number, OfferStatus.WITHDRAWN, "edited")
            await close_bids(connection, number, BidStatus.OUTDATED)

    for turn in range(ROUNDS):
        order = await market.on_board(await market.order(shipper, pricing="negotiable"))
        attempts = await racers(market, order, drivers)
        mixed = [*attempts[: 2 * turn], partial(edit, order.id), *attempts[2 * turn :]]
        answers = await asyncio.gather(*(told(attempt) for attempt in mixed))
        edited = answers.pop(2 * turn) == WON
        won = answers.count(WON)
        assert won == (0 if edited else 1)
        closed = {"offer_closed", "bid_closed"}
        assert set(answers) == closed if edited else set(answers) == {WON, "offer_taken"}
        await check(market, order, won)
        await free(market, order)


async def test_a_driver_whose_bids_are_picked_by_many_shippers_at_once_gets_one_load(market: Market) -> None:
    for _ in range(ROUNDS):
        driver = await market.driver()
        orders = [await market.on_board(await market.order(pricing="bids")) for _ in range(6)]
        bids = [await market.bid(driver, order) for order in orders]

        def pick(order: Order, bid: int) -> Try:
            key = uuid.uuid4()
            return lambda: market.bids.pick(Party(order.shipper, Actor.SHIPPER), bid, key, 1)

        answers = await asyncio.gather(
            *(told(pick(order, bid.id)) for order, bid in zip(orders, bids, strict=True))
        )
        assert answers.count(WON) == 1
        assert set(answers) <= {WON, "driver_unavailable", "bid_closed"}
        active = "SELECT count(*) FROM assignments WHERE driver_id = $1 AND ended_at IS NULL"
        assert await market.count(active, driver) == 1
