"""Loads that nobody confirms leave the board; hauls that nobody disputes are closed: once, on any worker."""

import asyncio
import uuid
from typing import Any

import pytest

from dispatch.asked import Asked
from dispatch.disputes import Complaint
from dispatch.errors import Refusal
from dispatch.events import OfferEnded, OrderChanged
from dispatch.model import Actor, Order, Party, Status
from dispatch.posting import Poster
from dispatch.service import Dispatcher
from storage.postgres import Pool
from tests.integration.orders.market import CONTENT, Market, new_order

DAY = 86_400.0


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


@pytest.fixture
def desk(market: Market) -> Dispatcher:
    return market.dispatcher()


@pytest.fixture
def poster(market: Market, desk: Dispatcher) -> Poster:
    return market.poster(desk, confirm_s=DAY)


async def place(market: Market, poster: Poster, **said: Any) -> Order:
    asked = Asked.of({**CONTENT, "valid_s": 7 * DAY, **said})
    return await poster.place(await market.shipper(), asked, allow_duplicate=True)


def owner(order: Order) -> Party:
    return Party(order.shipper, Actor.SHIPPER)


async def pass_by(market: Market, seconds: float) -> None:
    """So much time goes by for every load."""
    await market.pool.execute(
        "UPDATE orders SET check_at = check_at - make_interval(secs => $1), "
        "confirm_by = confirm_by - make_interval(secs => $1), expires_at = expires_at - make_interval(secs => $1)",
        seconds,
    )


async def test_a_load_that_expires_before_it_would_have_to_be_confirmed_need_not_be(
    market: Market, poster: Poster
) -> None:
    short = await place(market, poster, valid_s=DAY)
    assert short.confirm_by is None
    assert await market.count("SELECT count(*) FROM orders WHERE check_at IS NOT NULL") == 0
    long = await place(market, poster)
    assert long.confirm_by == pytest.approx(long.created_at + DAY)
    often = await place(market, poster, confirm_s=7200.0)
    assert often.confirm_by == pytest.approx(often.created_at + 7200)
    before = await market.rows()
    assert await poster.confirm(owner(short), short.id) == short
    assert await market.rows() == before


async def test_the_shipper_is_reminded_once_and_the_load_leaves_the_board_until_it_is_confirmed(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    driver = await market.driver()
    order = await place(market, poster)
    reminders = "SELECT count(*) FROM outbox WHERE kind = 'order.confirm' AND user_id = $1"
    assert await poster.tend_due() == 0
    await pass_by(market, DAY - 3 * 3600 + 1)
    await asyncio.gather(*(poster.tend_due() for _ in range(4)))
    assert await market.count(reminders, order.shipper) == 1
    assert (await poster.tend_due(), market.heard.of(OrderChanged)) == (0, [])
    offers = await market.offer(order, [driver])
    await pass_by(market, 3 * 3600)
    await asyncio.gather(*(poster.tend_due() for _ in range(4)))
    assert [event.kind for event in market.heard.of(OrderChanged)] == ["lapsed"]
    assert [(e.offer, e.reason) for e in market.heard.of(OfferEnded)] == [(offers[driver], "withdrawn")]
    await market.pool.execute("UPDATE orders SET seek_at = clock_timestamp()")
    assert await desk.seek_due() == 0, "it is offered to nobody"
    await market.pool.execute("UPDATE orders SET seek_at = NULL, board_at = now()")
    assert await market.on_the_board(driver) == []
    with pytest.raises(Refusal, match="offer_expired"):
        await market.orders.take(driver, order.id, uuid.uuid4())
    confirmed = await poster.confirm(owner(order), order.id)
    assert confirmed.confirm_by is not None and confirmed.stands(confirmed.created_at)
    assert await market.on_the_board(driver) == [order.id]
    assert [line.kind for line in await market.orders.history(order.id)] == ["placed", "lapsed", "confirmed"]


async def test_a_load_that_lapsed_in_the_middle_of_its_search_is_searched_for_again(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    await market.driver()
    order = await place(market, poster)
    await pass_by(market, DAY + 1)
    await poster.tend_due()
    await poster.tend_due()
    assert await desk.seek_due() == 0
    await poster.confirm(owner(order), order.id)
    assert await desk.seek_due() == 1
    assert await market.count("SELECT count(*) FROM offers WHERE status = 'live'") == 1


async def test_only_the_shipper_confirms_and_only_what_is_open(market: Market, poster: Poster) -> None:
    for status in Status:
        if status is Status.DRAFT:
            continue
        number, shipper, driver = await market.haul(status)
        before = await market.rows()
        for party in (Party(driver, Actor.DRIVER), Party(0, Actor.ADMIN), Party(shipper, Actor.SHIPPER)):
            if status is Status.OPEN and party.actor is Actor.SHIPPER:
                continue
            with pytest.raises(Refusal) as refusal:
                await poster.confirm(party, number)
            assert refusal.value.code in ("order_closed", "not_found")
        with pytest.raises(Refusal, match="not_found"):
            await poster.confirm(Party(await market.shipper(), Actor.SHIPPER), number)
        after = await market.rows()
        assert after == before


async def test_a_taken_load_is_not_reminded_of(market: Market, poster: Poster) -> None:
    driver = await market.driver()
    order = await place(market, poster)
    await market.orders.accept(driver, (await market.offer(order, [driver]))[driver], uuid.uuid4())
    await pass_by(market, DAY)
    assert await poster.tend_due() == 1
    assert await poster.tend_due() == 0
    assert await market.count("SELECT count(*) FROM outbox WHERE kind = 'order.confirm'") == 0


async def test_a_delivered_haul_that_nobody_disputes_is_closed_once(market: Market, poster: Poster) -> None:
    old, *_ = await market.haul(Status.DELIVERED)
    fresh, *_ = await market.haul(Status.DELIVERED)
    disputed, shipper, _ = await market.haul(Status.DELIVERED)
    await market.orders.dispute(Party(shipper, Actor.SHIPPER), disputed, Complaint("damage", "мокрая мука"))
    back = "UPDATE orders SET ended_at = now() - interval '73 hours' WHERE id = ANY($1)"
    await market.pool.execute(back, [old, disputed])
    await asyncio.gather(*(poster.tend_due() for _ in range(4)))
    states = {row["id"]: row["status"] for row in await market.pool.fetch("SELECT id, status FROM orders")}
    assert states == {old: "closed", fresh: "delivered", disputed: "disputed"}
    assert [(e.order, e.kind) for e in market.heard.of(OrderChanged)] == [(old, "closed")]


async def test_a_load_is_not_offered_after_the_time_it_was_to_be_picked_up(
    market: Market, poster: Poster
) -> None:
    order = new_order(await market.shipper())
    placed = await market.orders.add(order)
    closes = placed.created_at + 1800.0
    pickup, drop = CONTENT["stops"]
    edited = await poster.edit(
        owner(placed), placed.id, 1, {"stops": [{**pickup, "window_to": closes}, drop]}
    )
    assert edited.expires_at == pytest.approx(closes)
    again = await place(market, poster, stops=[{**pickup, "window_to": closes}, drop])
    assert again.expires_at == pytest.approx(closes)
    longer = await poster.edit(owner(placed), placed.id, 2, {"stops": CONTENT["stops"], "valid_s": 7200.0})
    assert longer.expires_at > closes
