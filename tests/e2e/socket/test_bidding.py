"""Haggling over live sockets: both sides see every step, and the load goes to one of them."""

import uuid
from typing import Any

from redis.asyncio import Redis

from dispatch.bids import Terms
from tests.integration.orders.market import Market
from tests.served import LocalServer, serving

from .wire import Wire, signed_in

KONAEV_VAN = {"weight_kg": 100.0, "volume_m3": 1.0}


async def load(server: LocalServer, shipper: int, body: str, pricing: str = "bids") -> int:
    market = Market(server.services.pool)
    order = await market.order(shipper, pricing=pricing, body=body, **KONAEV_VAN)
    return (await market.on_board(order)).id


async def placed(driver: Wire, order: int, amount: int, **more: object) -> dict[str, Any]:
    answer = await driver.command("bid.place", order=order, amount=amount, **more)
    assert answer["type"] == "ok", answer
    bid: dict[str, Any] = answer["result"]["bid"]
    return bid


async def test_a_price_is_found_in_three_messages_and_the_rival_hears_that_the_load_is_gone(
    server: LocalServer,
) -> None:
    first, second = server.accounts["drivers"][0], server.accounts["drivers"][1]
    owner = server.accounts["shippers"][0]
    body = first["body"]
    await server.services.pool.execute("UPDATE vehicles SET body = $1", body)
    order = await load(server, owner["user"], body)
    async with (
        signed_in(server, first) as driver,
        signed_in(server, second) as rival,
        signed_in(server, owner) as shipper,
    ):
        bid = await placed(driver, order, 50_000_000, message="заберу сегодня")
        made = await shipper.receive("bid.made")
        assert made["bid"]["bid"] == bid["bid"] and made["bidder"]["driver"] == first["user"]
        assert "phone" not in made["bidder"]
        other = await placed(rival, order, 49_000_000)
        await shipper.receive("bid.made")
        assert (await shipper.command("bid.seen", bid=bid["bid"], version=1))["type"] == "ok"
        assert (await driver.receive("bid.changed"))["bid"]["seen"] is True
        countered = await shipper.command("bid.counter", bid=bid["bid"], version=1, amount=45_000_000)
        assert countered["result"]["bid"]["status"] == "countered"
        news = await driver.receive("bid.changed")
        assert news["bid"]["counter"] == {"amount": 45_000_000, "currency": "KZT"}
        key = str(uuid.uuid4())
        for _ in range(2):
            won = await driver.command("bid.accept_counter", bid=bid["bid"], version=2, accept_id=key)
            assert won["result"]["order"]["price"]["amount"] == 45_000_000
        closed = await rival.receive("bid.closed")
        assert closed["bid"] | {"status": "lost", "reason": "taken"} == closed["bid"]
        assert closed["bid"]["bid"] == other["bid"]
        assert (await shipper.receive("bid.closed"))["bid"]["status"] == "accepted"
        late = await shipper.command("bid.pick", bid=other["bid"], version=1, accept_id=str(uuid.uuid4()))
        assert late["code"] == "offer_taken"


async def test_a_shipper_picks_and_the_driver_hears_it_on_his_socket(server: LocalServer) -> None:
    driver_account, owner = server.accounts["drivers"][0], server.accounts["shippers"][0]
    order = await load(server, owner["user"], driver_account["body"], "negotiable")
    async with signed_in(server, driver_account) as driver, signed_in(server, owner) as shipper:
        bid = await placed(driver, order, 40_000_000)
        changed = await placed(driver, order, 39_000_000, version=1)
        assert (await shipper.receive("bid.changed"))["bid"]["price"]["amount"] == 39_000_000
        stale = await shipper.command("bid.pick", bid=bid["bid"], version=1, accept_id=str(uuid.uuid4()))
        assert (stale["code"], stale["retry"]) == ("bid_changed", False)
        picked = await shipper.command("bid.pick", bid=bid["bid"], version=2, accept_id=str(uuid.uuid4()))
        assert picked["result"]["order"]["driver"] == driver_account["user"]
        closed = await driver.receive("bid.closed")
        assert (closed["bid"]["status"], closed["bid"]["version"]) == ("accepted", changed["version"])


async def test_refusals_name_what_was_wrong(server: LocalServer) -> None:
    driver_account, owner = server.accounts["drivers"][0], server.accounts["shippers"][0]
    order = await load(server, owner["user"], driver_account["body"])
    async with signed_in(server, driver_account) as driver, signed_in(server, owner) as shipper:
        tiny = await driver.command("bid.place", order=order, amount=1)
        assert tiny["code"] == "bid_out_of_range" and "46 360 ₸" in tiny["message"].replace("\u00a0", " ")
        assert (await shipper.command("bid.place", order=order, amount=40_000_000))["code"] == "forbidden"
        bid = await placed(driver, order, 40_000_000)
        assert (await driver.command("bid.place", order=order, amount=1))["code"] == "bid_out_of_range"
        again = await driver.command("bid.place", order=order, amount=41_000_000)
        assert again["code"] == "bid_exists"
        turn = await driver.command(
            "bid.accept_counter", bid=bid["bid"], version=1, accept_id=str(uuid.uuid4())
        )
        assert turn["code"] == "bid_turn"
        declined = await shipper.command("bid.decline", bid=bid["bid"], reason="price")
        assert declined["result"]["bid"]["status"] == "declined"
        assert (await driver.receive("bid.closed"))["bid"]["reason"] == "price"
        assert (await driver.command("bid.withdraw", bid=bid["bid"]))["code"] == "bid_closed"


async def test_an_invited_driver_hears_it_with_the_note_and_again_on_every_connect(
    server: LocalServer,
) -> None:
    driver_account, owner = server.accounts["drivers"][0], server.accounts["shippers"][0]
    market = Market(server.services.pool)
    order = await market.order(owner["user"], body=driver_account["body"], **KONAEV_VAN)
    await market.pool.execute("UPDATE orders SET private = true, seek_at = NULL WHERE id = $1", order.id)
    async with signed_in(server, driver_account) as driver:
        async with server.api(owner) as api:
            await api._call(
                "POST",
                f"/api/v1/orders/{order.id}/invitations",
                {"drivers": [driver_account["user"]], "note": "?"},
            )
        made = (await driver.receive("offer.made"))["offer"]
        assert (made["kind"], made["note"], made["order"]) == ("invitation", "?", order.id)
    async with signed_in(server, driver_account) as driver:
        assert (await driver.receive("offer.made"))["offer"]["note"] == "?"
        won = await driver.command("offer.accept", offer=made["offer"], accept_id=str(uuid.uuid4()))
        assert won["result"]["order"]["driver"] == driver_account["user"]


async def test_bids_reach_sockets_on_another_worker(
    server: LocalServer, redis: Redis, redis_url: str
) -> None:
    async with serving(server.dsn, redis_url, server.folder, extra=server.secrets) as other:
        driver_account, owner = other.accounts["drivers"][0], other.accounts["shippers"][0]
        order = await load(server, owner["user"], driver_account["body"])
        async with signed_in(server, driver_account) as driver, signed_in(other, owner) as shipper:
            bid = await placed(driver, order, 40_000_000)
            assert (await shipper.receive("bid.made"))["bid"]["bid"] == bid["bid"]
            await shipper.command("bid.decline", bid=bid["bid"])
            assert (await driver.receive("bid.closed"))["bid"]["status"] == "declined"


async def test_every_bid_ends_once_and_within_a_second_of_its_time(server: LocalServer) -> None:
    """I5, for bids: by the real loop, on the database's clock, both sides told."""
    market = Market(server.services.pool)
    driver_account, owner = server.accounts["drivers"][0], server.accounts["shippers"][0]
    loads = [await load(server, owner["user"], driver_account["body"]) for _ in range(5)]
    async with signed_in(server, driver_account) as driver, signed_in(server, owner) as shipper:
        for number, order in enumerate(loads):
            terms = Terms(40_000_000, 0.2 + number / 10)
            await market.bids.place(driver_account["user"], order, terms)
        ended = [(await wire.receive("bid.closed"))["bid"] for _ in loads for wire in (driver, shipper)]
        assert {bid["status"] for bid in ended} == {"expired"}
        assert sorted(bid["order"] for bid in ended) == sorted(loads * 2)
    late = "SELECT count(*) FROM bids WHERE ended_at > expires_at + interval '1 s' OR ended_at < expires_at"
    assert await market.count(late) == 0
