"""What our webhook hears of the sandbox and when; and that its books are another company's."""

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from aiohttp import web

from billing.acquiring import Rejected, State, Unavailable
from billing.money import Money
from server.gateways.acquiring.sandbox.acquirer import Sandbox
from storage.postgres import Pool, unit
from storage.sandbox.rows import Delivery
from tests.contract.acquiring.contract import BACK, FAILED, Saved, an_order
from tests.contract.acquiring.sandbox import (
    GOOD,
    SECRET,
    WITH_3DS,
    BehindSandbox,
)

# -- how it is told --------------------------------------------------------------------------------------------


async def test_told_twice_means_the_same_bytes_twice(desk: BehindSandbox) -> None:
    await desk.act(await desk.page(), do="pay", number=GOOD, deliver="twice")
    await desk.brought()
    _, first, second = desk.receiver.posted
    assert first.kind == second.kind == "pay"
    assert (first.raw, first.headers["content-hmac"]) == (second.raw, second.headers["content-hmac"])


async def test_told_late_means_not_yet(desk: BehindSandbox) -> None:
    await desk.act(await desk.page(), do="pay", number=GOOD, deliver="late")
    await desk.brought()
    assert desk.receiver.kinds() == ["check"]
    await desk.make_due()
    assert desk.receiver.kinds() == ["check", "pay"]


async def test_told_out_of_order_means_after_the_next_of_the_same_invoice(desk: BehindSandbox) -> None:
    where = await desk.page()
    await desk.act(where, do="decline", deliver="shuffled")
    await desk.act(await desk.page(), do="pay", number=GOOD)  # of another invoice: nothing to do with it
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "check", "pay"]
    await desk.act(where, do="pay", number=GOOD, deliver="once")
    await desk.brought()
    assert desk.receiver.kinds()[3:] == ["check", "pay", "fail"]


async def test_what_is_held_for_an_order_that_never_comes_goes_by_itself(desk: BehindSandbox) -> None:
    await desk.act(await desk.page(), do="pay", number=GOOD, deliver="shuffled")
    await desk.brought()
    assert desk.receiver.kinds() == ["check"]
    await desk.make_due()
    assert desk.receiver.kinds() == ["check", "pay"]


async def test_told_never_means_that_only_a_look_up_knows(desk: BehindSandbox) -> None:
    where = await desk.page()
    await desk.act(where, do="pay", number=GOOD, deliver="never")
    await desk.make_due()
    assert desk.receiver.kinds() == ["check"] and await desk.states(where) == (State.PAID,)


async def test_the_operator_s_rule_is_for_all_and_a_page_s_wish_goes_before_it(desk: BehindSandbox) -> None:
    await desk.sandbox.deliver(Delivery.NEVER)
    where = await desk.page()
    await desk.sandbox.deliver(Delivery.TWICE, page=where.reference)
    await desk.act(where, do="pay", number=GOOD)
    token = await desk.saved_card("4711", Saved.GOOD)
    await desk.sandbox.charge(an_order(), token, merchant=True, attempt=uuid4())
    await desk.make_due()
    assert desk.receiver.kinds() == ["check", "pay", "pay"]
    await desk.sandbox.deliver(Delivery.LATE, late_s=0)
    await desk.sandbox.charge(an_order(), token, merchant=True, attempt=uuid4())
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "pay", "pay", "pay"]


async def test_the_address_of_a_page_can_name_the_wish(desk: BehindSandbox) -> None:
    where = await desk.page()
    await desk.act(replace(where, url=where.url + "?deliver=never"), do="pay", number=GOOD)
    await desk.make_due()
    assert desk.receiver.kinds() == ["check"]


async def test_what_the_shop_does_not_take_is_brought_again_as_the_vendor_does(desk: BehindSandbox) -> None:
    await desk.act(await desk.page(), do="pay", number=GOOD)
    answers: list[web.Response | dict[str, int]] = [
        web.Response(status=500),
        {"code": 13},
        web.Response(text="ok"),
        web.Response(status=302, headers={"Location": "/"}),
        {"code": 1},
        {"code": 1},
    ]
    desk.receiver.reply = lambda kind: answers.pop(0) if answers else {"code": 0}
    for minutes in (1, 2, 5, 10, 30, 30):
        await desk.make_due()
        (row,) = await desk.pool.fetch(
            "SELECT state, round(extract(epoch FROM due_at - now()) / 60)::int AS minutes FROM sandbox_deliveries"
        )
        assert (row["state"], row["minutes"]) == ("due", minutes)
    await desk.make_due()
    assert await desk.pool.fetchval("SELECT state FROM sandbox_deliveries") == "delivered"
    assert desk.receiver.kinds() == ["check", *["pay"] * 7]
    assert len({signed.raw for signed in desk.receiver.posted[1:]}) == 1


async def test_after_a_hundred_attempts_it_gives_up(desk: BehindSandbox) -> None:
    await desk.act(await desk.page(), do="pay", number=GOOD)
    desk.receiver.reply = lambda kind: {"code": 1}
    await desk.pool.execute("UPDATE sandbox_deliveries SET attempts = 99")
    await desk.make_due()
    row = await desk.pool.fetchrow("SELECT state, error FROM sandbox_deliveries")
    assert row is not None and tuple(row) == ("dead", "code 1")


async def test_couriers_of_several_workers_bring_everything_once(desk: BehindSandbox, pool: Pool) -> None:
    token = await desk.saved_card("4711", Saved.GOOD)
    made = [await desk.sandbox.charge(an_order(), token, merchant=True, attempt=uuid4()) for _ in range(60)]
    others = [Sandbox(pool, SECRET, public_url=desk.url, own_url=desk.url) for _ in range(3)]
    loops = [asyncio.create_task(one.courier.run()) for one in others]
    async with asyncio.timeout(30):
        while len(desk.receiver.posted) < len(made):  # noqa: ASYNC110 - posts of another server
            await asyncio.sleep(0.05)
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    for one in others:
        await one.close()
    ids = [parse_qs(signed.raw.decode())["TransactionId"][0] for signed in desk.receiver.posted]
    assert sorted(ids) == sorted(one.id for one in made)


async def test_a_courier_that_died_on_the_way_leaves_nothing_behind(desk: BehindSandbox) -> None:
    token = await desk.saved_card("4711", Saved.GOOD)
    await desk.sandbox.charge(an_order(), token, merchant=True, attempt=uuid4())
    (lost,) = await desk.sandbox.queue.claim(10)  # and then it dies
    await desk.brought()
    assert desk.receiver.posted == []
    await desk.make_due()  # its lease is over
    assert desk.receiver.kinds() == ["pay"]
    await desk.sandbox.queue.missed(lost, None, "too late", 0.0)  # it was not dead after all
    await desk.brought()
    assert desk.receiver.kinds() == ["pay"]


async def test_pages_and_what_is_owed_outlive_a_restart(desk: BehindSandbox, pool: Pool) -> None:
    where = await desk.page()
    await desk.act(where, do="pay", number=WITH_3DS)
    await desk.sandbox.close()
    again = Sandbox(pool, SECRET, public_url=desk.url, own_url=desk.url)
    await desk.act(where, do="confirm")
    while await again.courier.drain():
        pass
    assert desk.receiver.kinds() == ["check", "pay"]
    (found,) = await again.find(await pool.fetchval("SELECT invoice FROM sandbox_checkouts"))
    assert found.state is State.PAID
    await again.close()


# -- another company's books -----------------------------------------------------------------------------------


async def test_what_it_has_done_is_not_undone_with_our_transaction(desk: BehindSandbox, pool: Pool) -> None:
    token = await desk.saved_card("4711", Saved.GOOD)
    order = an_order()
    with pytest.raises(ZeroDivisionError):
        async with unit(pool):
            await pool.execute("INSERT INTO sandbox_settings (delivery, late_s) VALUES ('once', 1)")
            await desk.sandbox.charge(order, token, merchant=True, attempt=uuid4())
            raise ZeroDivisionError
    assert await pool.fetchval("SELECT count(*) FROM sandbox_settings") == 0
    assert await desk.taken(order.invoice) == [order.money]


async def test_refunds_that_meet_give_back_no_more_than_there_was(desk: BehindSandbox) -> None:
    order = an_order(minor=2_000)
    token = await desk.saved_card(order.account, Saved.GOOD)
    payment = await desk.sandbox.charge(order, token, merchant=True, attempt=uuid4())
    part = Money(500, order.money.currency)
    ends = await asyncio.gather(
        *(desk.sandbox.refund(payment.id, part, attempt=uuid4()) for _ in range(9)), return_exceptions=True
    )
    assert sum(isinstance(end, Rejected) for end in ends) == 5
    assert await desk.given_back(order.invoice) == [part] * 4


async def test_one_attempt_that_comes_many_times_at_once_is_one_charge(desk: BehindSandbox) -> None:
    order, attempt = an_order(), uuid4()
    token = await desk.saved_card(order.account, Saved.GOOD)
    made = await asyncio.gather(
        *(desk.sandbox.charge(order, token, merchant=True, attempt=attempt) for _ in range(20))
    )
    assert len({one.id for one in made}) == 1 and await desk.taken(order.invoice) == [order.money]
    await desk.brought()
    assert desk.receiver.kinds() == ["pay"]


async def test_without_its_database_it_is_unavailable(desk: BehindSandbox, pool: Pool) -> None:
    pool.terminate()
    with pytest.raises(Unavailable):
        await desk.sandbox.find(uuid4())
    assert await desk.sandbox.courier.drain() == 0


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/relative", ""])
async def test_a_page_leads_back_to_an_address_and_to_nothing_else(desk: BehindSandbox, url: str) -> None:
    for back, failed in ((url, FAILED), (BACK, url)):
        with pytest.raises(Rejected):
            await desk.sandbox.checkout(an_order(), back, failed, save_card=False, attempt=uuid4())
