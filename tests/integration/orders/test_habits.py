"""Sniping and scraping against the real stores: counted with the deed, paused, flagged, lifted by the staff."""

import asyncio
import uuid

import pytest
from redis.asyncio import Redis

from dispatch.errors import Refusal
from dispatch.model import Actor, Order, Party, Policy
from dispatch.sniping import Flag, Watch
from server.habits import ReadHabits, ReadLimits
from server.limits import Limits
from storage.bids import BidStore
from storage.habits import FlagStore
from storage.orders import OrderStore
from storage.postgres import Pool
from storage.redis import Keys
from tests.integration.orders.market import Market

WATCH = Watch(
    fast_accepts=3, wins_a_day=4, cancels_a_day=2, answers=10, board_pages=(60, 20), candidate_lists=(60, 5)
)


@pytest.fixture
def market(pool: Pool) -> Market:
    made = Market(pool)
    made.orders = OrderStore(pool, WATCH)
    made.bids = BidStore(pool, Policy(), WATCH)
    return made


async def accept(market: Market, driver: int, *, age_s: float = 5.0, key: uuid.UUID | None = None) -> str:
    """One more load taken, so long after it was offered, and carried to its end at once."""
    order = await market.order()
    offers = await market.offer(order, [driver])
    back = "UPDATE offers SET made_at = clock_timestamp() - make_interval(secs => $1) WHERE id = $2"
    await market.pool.execute(back, age_s, offers[driver])
    try:
        await market.orders.accept(driver, offers[driver], key or uuid.uuid4())
    except Refusal as refusal:
        return refusal.code
    await market.pool.execute("UPDATE assignments SET ended_at = now() WHERE order_id = $1", order.id)
    return "won"


async def flags(market: Market) -> list[tuple[int, str, int]]:
    return [(flag.user, flag.kind.value, flag.count) for flag in await FlagStore(market.pool).open(10)]


async def test_a_bot_is_paused_and_flagged_and_an_honest_driver_beside_it_is_not(market: Market) -> None:
    bot, honest = await market.driver(), await market.driver()
    told = [await accept(market, bot, age_s=0.05) for _ in range(4)]
    assert told == ["won", "won", "won", "cooling_down"], "what was won before stays won"
    assert [await accept(market, honest, age_s=0.5) for _ in range(4)] == ["won"] * 4
    assert await flags(market) == [(bot, "fast_accepts", 1)]


async def test_the_pause_is_told_with_its_length_and_is_not_the_answer_for_ever(market: Market) -> None:
    bot = await market.driver()
    for _ in range(3):
        await accept(market, bot, age_s=0.0)
    order = await market.order()
    offers = await market.offer(order, [bot])
    key = uuid.uuid4()
    with pytest.raises(Refusal) as refusal:
        await market.orders.accept(bot, offers[bot], key)
    wait = refusal.value.values["wait"]
    assert refusal.value.code == "cooling_down" and isinstance(wait, int) and 890 <= wait <= 900
    board = await market.on_board(await market.order(pricing="negotiable"))
    for work in (market.orders.take(bot, board.id, uuid.uuid4()), market.bid(bot, board)):
        with pytest.raises(Refusal, match="cooling_down"):
            await work
    (flag,) = await FlagStore(market.pool).open(10)
    assert flag.paused_until is not None and flag.detail == {"accept": 3, "fast": 3, "win": 3}
    assert await FlagStore(market.pool).clear(flag.id, bot, "a test phone", lift=True) == bot
    await market.orders.accept(bot, offers[bot], key)
    with pytest.raises(Refusal, match="not_found"):
        await FlagStore(market.pool).clear(flag.id, bot, "", lift=True)


async def test_a_retry_of_a_win_is_answered_also_to_somebody_who_is_to_cool_down(market: Market) -> None:
    bot = await market.driver()
    order = await market.order()
    offers = await market.offer(order, [bot])
    key = uuid.uuid4()
    await market.orders.accept(bot, offers[bot], key)
    await market.pool.execute(
        "INSERT INTO cooldowns (user_id, reason, until) VALUES ($1, 'fast_accepts', now() + interval '1 hour')",
        bot,
    )
    won, events = await market.orders.accept(bot, offers[bot], key)
    assert won.driver == bot and events == []


async def test_lost_accepts_count_as_the_won_ones_do(market: Market) -> None:
    bot, winner = await market.driver(), await market.driver()
    for _ in range(3):
        order = await market.order()
        offers = await market.offer(order, [bot, winner])
        await market.pool.execute(
            "UPDATE offers SET made_at = made_at - interval '3 s' WHERE driver_id = $1", winner
        )
        await market.orders.accept(winner, offers[winner], uuid.uuid4())
        await market.pool.execute("UPDATE assignments SET ended_at = now()")
        with pytest.raises(Refusal, match="offer_taken"):
            await market.orders.accept(bot, offers[bot], uuid.uuid4())
    assert await accept(market, bot) == "cooling_down"
    assert await flags(market) == [(bot, "fast_accepts", 1)]


async def test_the_days_caps_end_with_the_day(market: Market) -> None:
    driver = await market.driver()
    assert [await accept(market, driver) for _ in range(5)] == ["won"] * 4 + ["cooling_down"]
    assert await flags(market) == [(driver, "many_wins", 1)]
    await market.pool.execute("UPDATE habits SET day = day - 1")
    await market.pool.execute("DELETE FROM cooldowns")  # it would have ended at midnight
    assert await accept(market, driver) == "won"


async def test_a_driver_who_takes_loads_and_calls_them_off_may_take_no_more_today(market: Market) -> None:
    driver, shipper = await market.driver(), await market.shipper()

    async def won() -> Order:
        order = await market.order(shipper)
        offers = await market.offer(order, [driver])
        await market.pool.execute("UPDATE offers SET made_at = made_at - interval '3 s'")
        return (await market.orders.accept(driver, offers[driver], uuid.uuid4()))[0]

    await market.orders.cancel(Party(shipper, Actor.SHIPPER), (await won()).id)
    await market.orders.cancel(Party(driver, Actor.DRIVER), (await won()).id)
    assert await flags(market) == [], "what the shipper calls off is not the driver's doing"
    await market.orders.cancel(Party(driver, Actor.DRIVER), (await won()).id)
    with pytest.raises(Refusal, match="cooling_down"):
        await won()
    assert await flags(market) == [(driver, "many_cancels", 1)]


async def test_who_only_declines_is_flagged_and_goes_on(market: Market) -> None:
    driver = await market.driver()
    for _ in range(11):
        order = await market.order()
        offers = await market.offer(order, [driver])
        await market.orders.decline(driver, offers[driver], "price")
    assert await flags(market) == [(driver, "only_declines", 2)]
    assert await accept(market, driver) == "won"


async def test_parallel_accepts_of_one_bot_are_all_counted(market: Market) -> None:
    bot = await market.driver()
    orders = [await market.order() for _ in range(6)]
    offers = [(await market.offer(order, [bot]))[bot] for order in orders]

    async def one(offer: int) -> str:
        while True:
            try:
                await market.orders.accept(bot, offer, uuid.uuid4())
                return "won"
            except Refusal as refusal:
                if refusal.code != "busy":
                    return refusal.code

    told = await asyncio.gather(*(one(offer) for offer in offers))
    assert told.count("won") == 1
    counted = "SELECT coalesce(sum(count), 0) FROM habits WHERE kind = 'accept'"
    assert await market.count(counted) == sum(answer != "cooling_down" for answer in told)


@pytest.mark.parametrize(
    ("what", "flag", "pages"), [("board", "board_scraped", 20), ("candidates", "candidates_scraped", 5)]
)
async def test_a_scraper_waits_and_is_flagged_once(
    market: Market, redis: Redis, what: str, flag: str, pages: int
) -> None:
    scraper, reader = await market.driver(), await market.driver()
    store = FlagStore(market.pool)
    limits = Limits(redis, Keys("habits"), ReadLimits.by(WATCH), lambda: None)
    habits = ReadHabits(limits, store)
    for _ in range(pages):
        await habits.read(what, scraper)
    for _ in range(3):
        with pytest.raises(Refusal, match="cooling_down") as refusal:
            await habits.read(what, scraper)
    assert 50 <= int(str(refusal.value.values["wait"])) <= 60
    await habits.read(what, reader)
    assert await flags(market) == [(scraper, flag, 1)]
    await ReadHabits(None, store).read(what, scraper)


async def test_an_eager_driver_who_scrolls_the_board_all_day_is_no_scraper() -> None:
    """Twenty pages in a row every four minutes, against the real limits, on a clock of its own."""
    from storage.buckets import spend

    limit, full_at = ReadLimits.by(Watch()).board, 0.0
    for minute in range(0, 600, 4):
        for page in range(20):
            taken, full_at = spend(full_at, minute * 60 + page * 2.0, limit, 1)
            assert taken.allowed


def test_every_flag_is_a_word_of_the_contract() -> None:
    from server.protocol.rest.flags import FlagKind

    assert set(FlagKind.__args__) == set(Flag)  # type: ignore[attr-defined]
