"""Sockets hear of an event with its COMMIT, and their receipts silence the rest. On a served desk."""

import asyncio
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.e2e.socket.test_frames import point
from tests.e2e.socket.test_watching import assigned, place
from tests.e2e.socket.wire import Wire, signed_in
from tests.integration.admin.people import People
from tests.served import LocalServer


async def item(wire: Wire, kind: str) -> dict[str, Any]:
    """The next item of this kind."""
    while (entry := (await wire.receive("inbox.item"))["entry"])["kind"] != kind:
        pass
    return dict(entry)


async def until(people: People, query: str, *arguments: object) -> None:
    async with asyncio.timeout(10):
        while not await people.pool.fetchval(query, *arguments):  # noqa: ASYNC110 (a row is no event)
            await asyncio.sleep(0.02)


async def test_an_order_s_steps_are_items_of_the_shipper_in_the_language_of_each_socket(
    people: People, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.notices.announcing.POLL_S", 3600.0)  # they are told, not found
    driver, shipper = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, shipper, lang="en") as phone,
        signed_in(server, shipper, lang="zh") as page,
    ):
        order = await assigned(server, truck, driver)
        taken = await item(phone, "order.changed")
        assert taken["body"] == "The order has its driver. Open the app for the details."
        assert taken["link"] == f"/orders/{order}" and taken["urgent"] is True
        await truck.command("order.advance", order=order, status="at_pickup")
        there = await item(phone, "order.changed")
        assert there["body"] == "The truck is at the pickup." and "urgent" not in there
        await item(page, "order.changed")
        chinese = await item(page, "order.changed")
        assert chinese["item"] == there["item"] and chinese["body"] != there["body"]


async def test_a_receipt_of_an_offer_is_one_wherever_it_comes_from(
    people: People, server: LocalServer
) -> None:
    driver = server.accounts["drivers"][0]
    offered = "SELECT seen_at IS NOT NULL FROM offers WHERE id = $1"
    async with signed_in(server, driver, stream=True) as truck, signed_in(server, driver) as other:
        await truck.send("position.report", points=[point(1, time.time(), 43.25, 76.91)])
        await truck.receive("position.ack")
        await asyncio.sleep(0.25)  # so long until the live index knows
        await place(server, driver["body"])
        entry = await item(truck, "offer.made")
        offer = entry["ids"]["offer"]
        assert entry["over_at"] > entry["at"] and entry["urgent"] is True
        # By the inbox: the offer is seen, its push is called off.
        assert (await truck.command("inbox.seen", items=[entry["item"]]))["type"] == "ok"
        assert await people.pool.fetchval(offered, offer)
        state = "SELECT state = 'cancelled' FROM outbox WHERE dedupe_key = 'offer:' || $1::bigint"
        assert await people.pool.fetchval(state, offer)
        # By the card: the item is read, on every device.
        await truck.command("offer.seen", offer=offer)
        marked = await other.receive("inbox.marked")
        assert marked["items"] == [entry["item"]] and marked["unread"] == 0


async def test_a_conversation_that_is_read_is_read_in_the_inbox_too(
    people: People, server: LocalServer
) -> None:
    driver, shipper = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, shipper) as phone,
        signed_in(server, shipper) as page,
    ):
        order = await assigned(server, truck, driver)
        message = "6f1b7c9e-2d3a-4b5c-8d7e-9f0a1b2c3d4e"
        await truck.command("chat.send", order=order, message_id=message, text="Стою у ворот")
        entry = await item(phone, "chat.message")
        assert entry["ids"]["chat"] == order and "ворот" not in str(entry)
        await phone.command("chat.read", order=order, upto=1)
        marked = await page.receive("inbox.marked")
        assert entry["item"] in marked["items"]


async def test_a_user_on_another_worker_hears_over_the_bus(
    server: LocalServer, people: People, redis: Redis, dsn: str, redis_url: str
) -> None:
    driver = server.accounts["drivers"][0]
    beside = LocalServer(dsn, redis_url, server.folder, secrets=server.secrets)
    # The accounts of the first: making them again would end their sign-ins.
    beside.accounts_again = lambda: asyncio.sleep(0, server.accounts)  # type: ignore[method-assign]
    await beside.start()
    try:
        beside.services.announcing.once = lambda: asyncio.sleep(0, 0)  # type: ignore[method-assign]
        async with asyncio.timeout(10):
            while not (server.services.bus.connected and beside.services.bus.connected):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        async with signed_in(beside, driver, lang="en") as wire:
            await people.pool.execute(
                "INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at) VALUES"
                """ ($1, 'export.ready', '{"export": 3}', 'x', now() + interval '1 day')""",
                driver["user"],
            )
            server.services.announcing.wake()
            assert (await item(wire, "export.ready"))["title"] == "Your data"
    finally:
        await beside.stop()


async def test_staff_who_look_as_a_user_neither_hear_nor_answer_for_them(server: LocalServer) -> None:
    from server.protocol.messages import InboxSeen
    from server.ws.handlers import VIEWED, reads_only

    assert VIEWED[InboxSeen] is reads_only
