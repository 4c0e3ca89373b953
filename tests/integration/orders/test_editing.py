"""A posted load is edited: versions, offers of the load as it was, the search from the beginning, races."""

import asyncio
import uuid
from typing import Any

import pytest

from dispatch.asked import Asked
from dispatch.errors import Refusal
from dispatch.events import BidClosed, OfferEnded, OfferMade, OrderChanged
from dispatch.model import Actor, Order, Party, Policy, Status
from dispatch.posting import Poster
from dispatch.service import Dispatcher
from storage.invitations import InvitationStore
from storage.postgres import Pool
from tests.integration.orders.market import CONTENT, Market, city

LATER = 1_900_100_000.0


@pytest.fixture
def market(pool: Pool) -> Market:
    return Market(pool)


@pytest.fixture
def desk(market: Market) -> Dispatcher:
    return market.dispatcher()


@pytest.fixture
def poster(market: Market, desk: Dispatcher) -> Poster:
    return market.poster(desk, clock=lambda: 1_900_000_000.0)


def owner(order: Order) -> Party:
    return Party(order.shipper, Actor.SHIPPER)


def stops(**of_pickup: Any) -> list[dict[str, Any]]:
    pickup, drop = CONTENT["stops"]
    return [{**pickup, **of_pickup}, drop]


def asked() -> Asked:
    return Asked.of(CONTENT)


async def offered(market: Market, desk: Dispatcher) -> list[int]:
    """Drivers who got an offer in the waves that are due now."""
    before = len(market.heard.of(OfferMade))
    await market.pool.execute("UPDATE orders SET seek_at = clock_timestamp() WHERE seek_at IS NOT NULL")
    await desk.seek_due()
    return [made.driver for made in market.heard.of(OfferMade)[before:]]


async def test_an_edit_is_the_next_version_and_the_old_one_stays_to_be_read(
    market: Market, poster: Poster
) -> None:
    order = await market.order()
    edited = await poster.edit(owner(order), order.id, 1, {"price": 50_000_000, "comment": "тент без дыр"})
    assert (edited.version, edited.price.amount, edited.terms.comment) == (2, 50_000_000, "тент без дыр")
    assert edited.load == order.load and edited.seq == order.seq + 1
    first, second = await market.orders.versions(order.id)
    assert (first.version, first.content["price"], first.actor) == (1, order.price.amount, order.shipper)
    assert (second.version, second.content["comment"]) == (2, "тент без дыр")
    line = (await market.orders.history(order.id))[-1]
    assert (line.kind, line.status, line.role, line.actor) == ("edited", "open", "shipper", order.shipper)
    assert line.detail == {"version": 2, "fields": ["price", "comment"]}
    (event,) = market.heard.of(OrderChanged)
    assert (event.kind, event.fields) == ("edited", ("price", "comment"))
    missed = await market.orders.events_after({order.id: 1})
    assert [(e.kind, e.fields) for e in missed] == [("edited", ("price", "comment"))]
    edited = await poster.edit(owner(order), order.id, 2, {"comment": None})
    assert edited.terms.comment == "" and edited.version == 3
    assert len(await market.orders.versions(order.id)) == 3


async def test_an_edit_from_an_old_version_is_stale_and_of_two_at_once_one_is(
    market: Market, poster: Poster
) -> None:
    order = await market.order()
    told = await asyncio.gather(
        *(poster.edit(owner(order), order.id, 1, {"comment": f"{n}"}) for n in range(4)),
        return_exceptions=True,
    )
    codes = [each.code for each in told if isinstance(each, Refusal)]
    assert len(codes) == 3 and set(codes) <= {"version_stale", "busy"}
    with pytest.raises(Refusal, match="version_stale"):
        await poster.edit(owner(order), order.id, 1, {"comment": "x"})
    assert await market.count("SELECT version FROM orders") == 2


async def test_what_changes_nothing_makes_no_version(market: Market, poster: Poster) -> None:
    order = await market.order()
    before = await market.rows()
    same = await poster.edit(owner(order), order.id, 1, {"cargo": "мука", "price": order.price.amount})
    assert same == order
    assert await market.rows() == before


async def test_who_was_offered_the_load_as_it_was_is_told_and_offered_it_as_it_is(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    driver = await market.driver()
    order = await poster.place(await market.shipper(), asked())
    assert await offered(market, desk) == [driver]
    old = market.heard.of(OfferMade)[-1].offer.id
    await poster.edit(owner(order), order.id, 1, {"weight_kg": 21_000.0})
    assert [(e.offer, e.reason) for e in market.heard.of(OfferEnded)] == [(old, "changed")]
    assert await offered(market, desk) == [driver]
    new = market.heard.of(OfferMade)[-1].offer.id
    with pytest.raises(Refusal, match="offer_closed"):
        await market.orders.accept(driver, old, uuid.uuid4())
    won, _ = await market.orders.accept(driver, new, uuid.uuid4())
    assert won.load.weight_kg == 21_000.0
    assert await market.count("SELECT version FROM offers WHERE id = $1", new) == 2


async def test_who_has_declined_is_asked_again_only_for_more_money_or_another_way(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    driver = await market.driver()
    order = await poster.place(await market.shipper(), asked())
    assert await offered(market, desk) == [driver]
    price = order.price.amount
    for said, again in (
        ({"comment": "срочно"}, False),
        ({"price": price - 100_000}, False),
        ({"price": price + 100_000}, True),
        ({"comment": ""}, False),
        ({"stops": [CONTENT["stops"][0], {"kind": "drop", "city": city("Караганда")}]}, True),
    ):
        live = await market.orders.live_offers(driver)
        if live:
            await desk.decline(driver, live[0].offer.id)
        current = await market.orders.visible_to(owner(order), order.id)
        await poster.edit(owner(order), order.id, current.version, said)
        assert await offered(market, desk) == ([driver] if again else []), said


async def test_what_no_driver_can_see_leaves_the_offers_alive(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    driver = await market.driver()
    order = await poster.place(await market.shipper(), asked())
    await offered(market, desk)
    offer = market.heard.of(OfferMade)[-1].offer.id
    edited = await poster.edit(owner(order), order.id, 1, {"stops": stops(contact_phone="+77010000009")})
    assert edited.version == 2
    assert market.heard.of(OfferEnded) == []
    won, _ = await market.orders.accept(driver, offer, uuid.uuid4())
    assert won.haul.stops[0].contact_phone == "+77010000009"


async def test_the_search_begins_again_with_the_first_wave_and_the_board_keeps_the_load(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    order = await poster.place(await market.shipper(), asked())
    await desk.seek_due()
    boarded = await market.orders.visible_to(owner(order), order.id)
    assert boarded.board_at is not None
    edited = await poster.edit(owner(order), order.id, 1, {"weight_kg": 19_000.0})
    assert (edited.wave, edited.board_at) == (0, boarded.board_at)
    driver = await market.driver()
    assert await offered(market, desk) == [driver]
    assert market.heard.of(OfferMade)[-1].offer.wave == 1


async def test_bids_on_the_load_as_it_was_are_outdated_but_not_by_what_no_driver_can_see(
    market: Market, poster: Poster
) -> None:
    driver = await market.driver()
    order = await market.on_board(await market.order(pricing="negotiable"))
    bid = await market.bid(driver, order)
    await poster.edit(owner(order), order.id, 1, {"stops": stops(note="ворота 3")})
    assert await market.count("SELECT order_version FROM bids WHERE status = 'live'") == 2
    await poster.edit(owner(order), order.id, 2, {"weight_kg": 12_000.0})
    (closed,) = market.heard.of(BidClosed)
    assert (closed.bid.id, closed.bid.status) == (bid.id, "outdated")
    again = await market.bid(driver, order, seen_order=3)
    with pytest.raises(Refusal, match="bid_closed"):
        await market.bids.pick(owner(order), bid.id, uuid.uuid4(), 1)
    won, _ = await market.bids.pick(owner(order), again.id, uuid.uuid4(), 1)
    assert won.driver == driver


async def test_who_was_asked_by_name_is_asked_once_more_for_the_load_as_it_is(
    market: Market, poster: Poster
) -> None:
    driver = await market.driver()
    asked_for = Asked.of({**CONTENT, "private": True})
    order = await poster.place(await market.shipper(), asked_for)
    invitations = InvitationStore(market.pool, Policy())
    await invitations.invite(owner(order), order.id, [driver], 600, "")
    await poster.edit(owner(order), order.id, 1, {"weight_kg": 12_000.0})
    assert [(e.driver, e.reason) for e in market.heard.of(OfferEnded)] == [(driver, "changed")]
    (made,) = await invitations.resolve(10)
    assert isinstance(made, OfferMade) and made.driver == driver
    won, _ = await market.orders.accept(driver, made.offer.id, uuid.uuid4())
    assert won.load.weight_kg == 12_000.0


async def test_an_edit_and_an_accept_at_once_never_give_a_load_that_its_driver_did_not_see(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    for _ in range(12):
        driver = await market.driver()
        order = await market.order()
        offer = (await market.offer(order, [driver]))[driver]

        async def accept(driver: int = driver, offer: int = offer) -> str:
            try:
                won, _ = await market.orders.accept(driver, offer, uuid.uuid4())
            except Refusal as refusal:
                return refusal.code
            return f"won {won.load.weight_kg:.0f}"

        async def edit(order: Order = order) -> str:
            try:
                edited = await poster.edit(owner(order), order.id, 1, {"weight_kg": 10_000.0})
            except Refusal as refusal:
                return refusal.code
            return edited.status

        told = await asyncio.gather(accept(), edit())
        assert tuple(told) in {
            ("won 20000", "edit_forbidden"), ("offer_closed", "open"), ("busy", "open"), ("won 20000", "busy"),
        }  # fmt: skip
        await market.pool.execute("UPDATE assignments SET ended_at = now()")


async def test_a_taken_load_keeps_its_deal_but_not_its_times_and_the_driver_agrees_to_those(
    market: Market, poster: Poster
) -> None:
    number, shipper, driver = await market.haul(Status.ASSIGNED)
    party = Party(shipper, Actor.SHIPPER)
    for said, path in (
        ({"price": 1_000_000}, "price"),
        ({"cargo": "рис"}, "cargo"),
        ({"stops": stops(city=city("Караганда"))}, "stops[0].city"),
        ({"stops": [*stops(), {"kind": "drop", "city": city("Караганда")}]}, "stops"),
    ):
        before = await market.rows()
        with pytest.raises(Refusal, match="edit_forbidden") as refusal:
            await poster.edit(party, number, 1, said)
        assert refusal.value.path == path
        assert await market.rows() == before
    edited = await poster.edit(party, number, 1, {"stops": stops(contact_phone="+77010000009")})
    assert edited.ack_due is None
    edited = await poster.edit(party, number, 2, {"stops": stops(window_to=LATER)})
    assert (edited.version, edited.ack_due, edited.status) == (3, 3, Status.ASSIGNED)
    told = "SELECT kind FROM outbox WHERE user_id = $1 ORDER BY id DESC LIMIT 1"
    assert await market.pool.fetchval(told, driver) == "order.edited"
    with pytest.raises(Refusal, match="acknowledge_required"):
        await market.orders.advance(driver, number, Status.AT_PICKUP)
    with pytest.raises(Refusal, match="version_stale"):
        await poster.acknowledge(Party(driver, Actor.DRIVER), number, 2)
    with pytest.raises(Refusal, match="not_found"):
        await poster.acknowledge(Party(await market.driver(), Actor.DRIVER), number, 3)
    for _ in range(2):
        agreed = await poster.acknowledge(Party(driver, Actor.DRIVER), number, 3)
        assert agreed.ack_due is None
    kinds = [line.kind for line in await market.orders.history(number)]
    assert kinds == ["placed", "assigned", "edited", "edited", "acknowledged"]
    moved, _ = await market.orders.advance(driver, number, Status.AT_PICKUP)
    assert moved.status is Status.AT_PICKUP


async def test_who_may_not_edit_is_refused_and_changes_no_row(market: Market, poster: Poster) -> None:
    number, *_ = await market.haul(Status.ASSIGNED)
    stranger, rival = await market.shipper(), await market.driver()
    before = await market.rows()
    for party in (Party(stranger, Actor.SHIPPER), Party(rival, Actor.DRIVER)):
        with pytest.raises(Refusal, match="not_found"):
            await poster.edit(party, number, 1, {"comment": "x"})
    assert await market.rows() == before


async def test_a_load_that_an_edit_makes_suspicious_goes_off_the_board_until_somebody_has_looked(
    market: Market, desk: Dispatcher, poster: Poster
) -> None:
    await market.driver()
    order = await poster.place(await market.shipper(), asked())
    await offered(market, desk)
    edited = await poster.edit(owner(order), order.id, 1, {"comment": "звоните 8 701 123 45 67"})
    assert edited.status is Status.MODERATION
    assert [e.reason for e in market.heard.of(OfferEnded)] == ["withdrawn"]
    assert await offered(market, desk) == []
    (case,) = await market.cases.of_order(order.id)
    assert (case.kind, case.state, case.grounds) == ("held", "waiting", ("contacts",))
    mended = await poster.edit(owner(order), order.id, 2, {"comment": "звоните через площадку"})
    assert mended.status is Status.OPEN
    assert len(await offered(market, desk)) == 1
    kinds = [line.kind for line in await market.orders.history(order.id)]
    assert kinds == ["placed", "edited", "held", "edited", "approved"]
    assert [(c.state) for c in await market.cases.of_order(order.id)] == ["dropped"]
