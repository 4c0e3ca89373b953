import time
from typing import Any

import pytest
from aiohttp import web
from fake_desk import ALMATY, KONAEV, FakeDesk, make_order

from tracking_desk_client import ApiError, DeskError, DriverClient, PointQueue, ShipperClient
from tracking_desk_client.messages import (
    Assigned,
    BidAcceptCounter,
    BidChanged,
    BidClosed,
    BidCounter,
    BidDecline,
    BidForm,
    BidMade,
    BidPick,
    BidPlace,
    BidSeen,
    BidStands,
    BidState,
    BidWithdraw,
    BoardLoad,
    Error,
    Money,
    Ok,
    OwnBid,
    OwnBids,
)

pytestmark = pytest.mark.usefixtures("impatient")


def make_bid(
    version: int = 1, status: str = "live", amount: int = 500, counter: int | None = None
) -> BidState:
    now = time.time()
    return BidState(
        9, 70, 5, status, version, 1, Money(amount, "KZT"), now, now, now + 60,
        counter=None if counter is None else Money(counter, "KZT"),
    )  # fmt: skip


def driver_of(desk: FakeDesk) -> DriverClient:
    return DriverClient(desk.api(), 5, "secret", PointQueue())


def cut_first(desk: FakeDesk, kind: type, then: Any) -> None:
    """The first command of this kind loses its answer with the connection."""
    answers = iter([None])

    def script(message: Any) -> Any:
        if next(answers, 1) is None:
            desk.cut()
            return None
        return then(message)

    desk.script[kind] = script


async def test_a_bid_is_placed_and_its_news_are_kept_until_it_ends(desk: FakeDesk) -> None:
    desk.script[BidPlace] = lambda m: Ok(m.id, BidStands(make_bid(m.version + 1, amount=m.amount)))
    heard: list[tuple[int, str]] = []
    async with driver_of(desk) as driver:
        driver.bids.on_news = lambda bid: heard.append((bid.version, bid.status))
        bid = await driver.bids.place(70, 500, message="today")
        assert driver.bids.live == {9: bid}
        again = await driver.bids.place(70, 450, instead_of=bid)
        first, second = desk.of(BidPlace)
        assert (first.version, second.version, second.amount) == (0, 1, 450)
        assert again.version == 2
        await desk.send(BidMade(again))
        await desk.send(BidChanged(make_bid(3, "countered", counter=400)))
        await desk.send(BidClosed(make_bid(3, "lost")))
        await driver.bids.seen(again)
        assert heard == [(2, "live"), (3, "countered"), (3, "lost")]
        assert driver.bids.live == {}
        assert desk.of(BidSeen)[0].version == 2
    await driver.api.close()


async def test_a_first_bid_whose_answer_was_lost_is_found_again(desk: FakeDesk) -> None:
    cut_first(desk, BidPlace, lambda m: Error("bid_exists", "", False, m.id))
    load = BoardLoad(70, ALMATY, KONAEV, "c", 1, 1, "tent", 1, Money(500, "KZT"), 1)
    own = OwnBids([OwnBid(make_bid(), load)]).to_wire()
    desk.rest["GET", "/api/v1/bids"] = lambda body: web.json_response(own)
    async with driver_of(desk) as driver:
        assert (await driver.bids.place(70, 500)).bid == 9
        assert len(desk.of(BidPlace)) == 2
    await driver.api.close()
    cut_first(desk, BidPlace, lambda m: Error("bid_exists", "", False, m.id))
    async with driver_of(desk) as driver:
        with pytest.raises(ApiError, match="bid_exists"):
            await driver.bids.place(70, 999)  # the live one is another
    await driver.api.close()


async def test_a_bid_that_exists_at_the_first_try_is_the_callers_to_know(desk: FakeDesk) -> None:
    desk.script[BidPlace] = lambda m: Error("bid_exists", "", False, m.id)
    async with driver_of(desk) as driver:
        with pytest.raises(ApiError, match="bid_exists"):
            await driver.bids.place(70, 500)
        assert desk.requests == []
    await driver.api.close()


async def test_a_counter_offer_is_taken_with_one_accept_id_however_often_it_is_tried(desk: FakeDesk) -> None:
    cut_first(desk, BidAcceptCounter, lambda m: Ok(m.id, Assigned(make_order(status="assigned"))))
    async with driver_of(desk) as driver:
        order = await driver.bids.accept_counter(make_bid(2, "countered", counter=400))
        assert order.status == "assigned"
        first, second = desk.of(BidAcceptCounter)
        assert first.accept_id == second.accept_id and second.version == 2
        other = driver.bids.accept_id(make_bid(3, "countered", counter=300))
        assert other != first.accept_id, "another version is another agreement"
    await driver.api.close()


async def test_a_withdrawn_bid_is_forgotten(desk: FakeDesk) -> None:
    desk.script[BidWithdraw] = lambda m: Ok(m.id, BidStands(make_bid(1, "withdrawn")))
    async with driver_of(desk) as driver:
        await driver.connection.wait_connected()
        await desk.send(BidMade(make_bid()))
        assert (await driver.bids.withdraw(make_bid())).status == "withdrawn"
        assert driver.bids.live == {}
    await driver.api.close()


async def test_a_shipper_counters_declines_and_picks(desk: FakeDesk) -> None:
    desk.script[BidCounter] = lambda m: Ok(m.id, BidStands(make_bid(2, "countered", counter=m.amount)))
    desk.script[BidDecline] = lambda m: Ok(m.id, BidStands(make_bid(1, "declined")))
    desk.script[BidPick] = lambda m: Ok(m.id, Assigned(make_order(status="assigned")))
    async with desk.api() as api, ShipperClient(api) as shipper:
        countered = await shipper.bids.counter(make_bid(), 400, message="?")
        assert countered.counter == Money(400, "KZT") and shipper.bids.live == {9: countered}
        assert (await shipper.bids.decline(make_bid(), "price")).status == "declined"
        assert desk.of(BidDecline)[0].reason == "price"
        assert (await shipper.bids.pick(make_bid(3))).status == "assigned"
        assert desk.of(BidPick)[0].version == 3


async def test_a_counter_whose_answer_was_lost_is_found_again(desk: FakeDesk) -> None:
    cut_first(desk, BidCounter, lambda m: Error("version_stale", "", False, m.id))
    detail = {"bid": make_bid(2, "countered", counter=400).to_wire(), "versions": []}
    desk.rest["GET", "/api/v1/bids/9"] = lambda body: web.json_response(detail)
    async with desk.api() as api, ShipperClient(api) as shipper:
        assert (await shipper.bids.counter(make_bid(), 400)).version == 2


async def test_an_answer_of_another_kind_is_a_fault(desk: FakeDesk) -> None:
    desk.script[BidPlace] = lambda m: Ok(m.id)
    desk.script[BidAcceptCounter] = lambda m: Ok(m.id)
    async with driver_of(desk) as driver:
        with pytest.raises(DeskError):
            await driver.bids.place(70, 500)
        with pytest.raises(DeskError):
            await driver.bids.accept_counter(make_bid(2, "countered", counter=400))
    await driver.api.close()


async def test_rest_names_the_version_that_was_on_the_screen(desk: FakeDesk) -> None:
    desk.rest["PUT", "/api/v1/bids/9"] = lambda body: web.json_response(make_bid(3).to_wire())
    order = make_order(status="assigned").to_wire()
    desk.rest["POST", "/api/v1/bids/9/pick"] = lambda body: web.json_response(order)
    async with desk.api() as api:
        assert (await api.change_bid(9, 2, BidForm(450))).version == 3
        assert (await api.pick_bid(9, 3, "0191d5c3-7a1e-7c44-9b6f-3e8d52a0c911")).status == "assigned"
        assert [headers["If-Match"] for *_, headers in desk.requests] == ['"2"', '"3"']
