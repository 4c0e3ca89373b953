"""Conversations over real sockets: stored before `ok`, heard by both sides wherever they are connected."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from storage.postgres import Pool
from tests.e2e.socket.wire import Wire, signed_in
from tests.integration.orders.market import Market
from tests.integration.orders.test_http import calling
from tests.served import Account, LocalServer, Server, serving


async def haul(pool: Pool, accounts: dict[str, list[Account]]) -> int:
    """A load of the first shipper's that the first driver carries."""
    market, driver = Market(pool), accounts["drivers"][0]
    order = await market.order(
        accounts["shippers"][0]["user"], body=driver["body"], weight_kg=100.0, volume_m3=1.0
    )
    offers = await market.offer(order, [driver["user"]])
    await market.orders.accept(driver["user"], offers[driver["user"]], uuid.uuid4())
    return order.id


@pytest.fixture
async def order(server: LocalServer) -> int:
    return await haul(server.services.pool, server.accounts)


@pytest.fixture
async def shipper(server: LocalServer, order: int) -> AsyncIterator[Wire]:
    async with signed_in(server, server.accounts["shippers"][0], lang="kk") as wire:
        yield wire


@pytest.fixture
async def driver(server: LocalServer, order: int) -> AsyncIterator[Wire]:
    async with signed_in(server, server.accounts["drivers"][0], lang="zh") as wire:
        yield wire


async def say(wire: Wire, order: int, text: str = "", **fields: Any) -> dict[str, Any]:
    """Sends a message and returns what it was answered."""
    id = fields.pop("message_id", None) or str(uuid.uuid4())
    return await wire.command("chat.send", order=order, message_id=id, text=text, **fields)


async def heard(wire: Wire, count: int) -> list[dict[str, Any]]:
    """The next so many messages that a socket is told of."""
    return [(await wire.receive("chat.message"))["message"] for _ in range(count)]


async def test_ok_means_stored_and_the_other_side_hears_it(
    server: LocalServer, order: int, shipper: Wire, driver: Wire
) -> None:
    answer = await say(driver, order, "Стою у ворот")
    assert answer["type"] == "ok"
    entry = answer["result"]["message"]
    row = await server.services.pool.fetchrow("SELECT seq, text, side FROM chat_messages")
    assert tuple(row) == (1, "Стою у ворот", "driver") and entry["seq"] == 1
    assert await heard(shipper, 1) == [entry]


async def test_a_resend_after_a_lost_answer_is_heard_once(
    server: LocalServer, order: int, shipper: Wire
) -> None:
    id, account = str(uuid.uuid4()), server.accounts["drivers"][0]
    async with signed_in(server, account) as lost:
        await lost.send("chat.send", id=1, order=order, message_id=id, text="да")
        await heard(shipper, 1)
    async with signed_in(server, account) as driver:
        again = [await say(driver, order, "да", message_id=id) for _ in range(3)]
        assert [answer["result"]["message"]["seq"] for answer in again] == [1, 1, 1]
        other = await say(driver, order, "нет", message_id=id)
        assert other["code"] == "idempotency_conflict"
        await say(driver, order, "второе")
    assert [entry["seq"] for entry in await heard(shipper, 1)] == [2]


async def test_both_sides_writing_at_once_hear_the_same_without_a_hole(
    server: LocalServer, order: int, shipper: Wire, driver: Wire
) -> None:
    told: dict[str, list[int]] = {"shipper": [], "driver": []}

    async def write(name: str, wire: Wire) -> None:
        """Writes without waiting and listens until everything was heard."""
        for number in range(8):
            await wire.send(
                "chat.send", id=number, order=order, message_id=str(uuid.uuid4()), text=f"{name} {number}"
            )
        while len(told[name]) < 16:
            told[name] += [entry["seq"] for entry in await heard(wire, 1)]

    await asyncio.gather(write("shipper", shipper), write("driver", driver))
    assert sorted(told["shipper"]) == sorted(told["driver"]) == list(range(1, 17))
    # What one socket says without waiting stays in its order.
    texts = await server.services.pool.fetch("SELECT side, text FROM chat_messages ORDER BY seq")
    for name in told:
        said = [row["text"] for row in texts if row["side"] == name]
        assert said == [f"{name} {number}" for number in range(8)]


async def test_a_phrase_is_told_to_each_in_his_language_and_kept_by_its_key(
    server: LocalServer, order: int, shipper: Wire, driver: Wire
) -> None:
    answer = await say(driver, order, phrase="at_gate")
    mine = answer["result"]["message"]
    (theirs,) = await heard(shipper, 1)
    assert (mine["phrase"], mine["text"]) == ("at_gate", "我已到大门口。")
    assert (theirs["phrase"], theirs["text"]) == ("at_gate", "Қақпаның алдындамын.")
    assert await server.services.pool.fetchval("SELECT text FROM chat_messages") == ""
    assert (await say(driver, order, phrase="drive_in"))["code"] == "bad_request"  # it is the shipper's
    assert (await say(driver, order, "текст", phrase="thanks"))["code"] == "bad_request"
    id = str(uuid.uuid4())
    await driver.send("chat.send", id=99, order=order, message_id=id, phrase="no_such_phrase")
    assert (await driver.receive("error"))["code"] == "bad_frame"


async def test_marks_are_told_to_both_sides_and_never_go_back(
    server: LocalServer, order: int, shipper: Wire, driver: Wire
) -> None:
    for number in range(3):
        await say(driver, order, f"{number}")
    user = server.accounts["shippers"][0]["user"]
    for upto in (2, 1, 3, 2):
        assert (await shipper.command("chat.read", order=order, upto=upto))["type"] == "ok"
    marks = [await driver.receive("chat.marked") for _ in range(2)]
    assert [(mark["user"], mark["side"], mark["upto"]) for mark in marks] == [
        (user, "shipper", 2),
        (user, "shipper", 3),
    ]
    assert await server.services.pool.fetchval("SELECT upto FROM chat_reads") == 3


async def test_a_third_party_gets_not_found_and_hears_nothing(
    server: LocalServer, order: int, driver: Wire
) -> None:
    async with (
        signed_in(server, server.accounts["shippers"][1]) as stranger,
        signed_in(server, server.accounts["drivers"][1]) as another,
    ):
        await say(driver, order, "между нами")
        for wire in (stranger, another):
            for number in (order, 10**9):
                assert (await say(wire, number, "я тут"))["code"] == "not_found"
                refused = await wire.command("chat.read", order=number, upto=1)
                assert refused["code"] == "not_found"
            # A ping behind it all: nothing else was said to this socket.
            await wire.send("ping", id=999)
            assert (await wire.receive())["id"] == 999
        async with calling(server, server.accounts["shippers"][1]) as call:
            for path in ("", "/files/1"):
                assert (await call("GET", f"/api/v1/orders/{order}/chat{path}"))[1]["code"] == "not_found"
            assert (await call("GET", "/api/v1/chats"))[1]["chats"] == []


async def test_staff_write_nothing(server: LocalServer, order: int) -> None:
    async with signed_in(server, server.accounts["admins"][0]) as staff:
        assert (await say(staff, order, "да"))["code"] == "forbidden"
        assert (await staff.command("chat.read", order=order, upto=1))["code"] == "forbidden"


async def test_a_conversation_that_is_closed_refuses_in_the_readers_language(
    server: LocalServer, order: int, shipper: Wire
) -> None:
    await server.services.pool.execute(
        "UPDATE orders SET status = 'closed', ended_at = now() - interval '31 days' WHERE id = $1", order
    )
    refused = await say(shipper, order, "ещё здесь?")
    assert (refused["code"], refused["retry"]) == ("chat_closed", False)
    assert refused["message"] == "рейс әлдеқашан аяқталған"


async def test_a_blocked_user_is_not_heard_any_more(server: LocalServer, order: int, driver: Wire) -> None:
    """Blocked without the news: before the socket is ended, the database already says no."""
    await server.services.pool.execute(
        "UPDATE users SET blocked = true WHERE id = $1", server.accounts["drivers"][0]["user"]
    )
    assert (await say(driver, order, "да"))["code"] == "account_blocked"


async def test_whoever_writes_too_much_is_told_to_wait(order: int, driver: Wire) -> None:
    answers = [await say(driver, order, f"{number}") for number in range(21)]
    assert [answer["type"] for answer in answers] == ["ok"] * 20 + ["error"]
    assert (answers[-1]["code"], answers[-1]["retry"]) == ("rate_limited", True)


async def test_a_view_of_an_account_hears_nothing_and_marks_nothing(
    server: LocalServer, order: int, driver: Wire
) -> None:
    support = next(each for each in server.accounts["admins"] if each["grade"] == "support")
    user = server.accounts["shippers"][0]["user"]
    async with calling(server, support) as staff:
        why = {"reason": "asks for help"}
        _, view = await staff("POST", f"/api/v1/admin/users/{user}/view", why)
    looker = {"access": view["access"], "user": user}
    async with signed_in(server, looker) as wire, calling(server, looker) as call:
        await say(driver, order, "да")
        status, page = await call("GET", f"/api/v1/orders/{order}/chat")
        assert (status, [entry["text"] for entry in page["messages"]]) == (200, ["да"])
        assert (await wire.command("chat.read", order=order, upto=1))["code"] == "forbidden"
        assert (await say(wire, order, "за него"))["code"] == "forbidden"
        status, refused = await call("POST", f"/api/v1/orders/{order}/chat/read", {"upto": 1})
        assert (status, refused["code"]) == (403, "forbidden")
        await wire.send("ping", id=999)
        assert (await wire.receive())["id"] == 999  # no chat.message came before it
    assert await server.services.pool.fetchval("SELECT count(*) FROM chat_reads") == 0


@pytest.fixture
async def two(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[list[Server]]:
    """Two servers on one database and one Redis, each its own worker; the second knows the first's accounts."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(serving(dsn, redis_url, tmp_path))
        second = Server(dsn, redis_url, tmp_path, secrets=first.secrets, accounts=first.accounts)
        await second.start()
        stack.push_async_callback(second.stop)
        yield [first, second]


async def test_the_other_side_hears_it_on_another_worker(two: list[Server], pool: Pool) -> None:
    here, there = two
    order = await haul(pool, here.accounts)
    async with (
        signed_in(here, here.accounts["drivers"][0]) as driver,
        signed_in(there, here.accounts["shippers"][0], lang="en") as shipper,
    ):
        entry = (await say(driver, order, phrase="late_hour"))["result"]["message"]
        assert await heard(shipper, 1) == [entry | {"text": "I am running an hour late."}]
        await say(shipper, order, "Ждём")
        assert [told["seq"] for told in await heard(driver, 1)] == [2]
        await shipper.command("chat.read", order=order, upto=1)
        assert (await driver.receive("chat.marked"))["upto"] == 1
