"""The sandbox over real HTTP: what a payer can do on its pages, and what our webhook hears of it, and when."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qs
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from billing.acquiring import Advice, Kind, Notification, Redirect, Rejected, State, Unavailable
from billing.money import Money
from server.gateways.acquiring.sandbox.acquirer import Sandbox
from storage.postgres import Pool, unit
from storage.sandbox.books import Delivery
from tests.contract.acquiring.contract import BACK, FAILED, Saved, Signed, an_order
from tests.contract.acquiring.sandbox import (
    DECLINED,
    GOOD,
    POOR_LATER,
    REFUSED_BY_3DS,
    SECRET,
    WITH_3DS,
    BehindSandbox,
    opened,
)

REAL = "5555 5555 5555 4444"  # the form of a real number, and none of the test cards


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[BehindSandbox]:
    async with opened(pool) as behind:
        yield behind


async def page(desk: BehindSandbox, *, save_card: bool = True, **changed: object) -> Redirect:
    order = replace(an_order(), **changed)  # type: ignore[arg-type]  # fields of an order by their names
    return await desk.sandbox.checkout(order, BACK, FAILED, save_card=save_card, attempt=uuid4())


async def invoice_of(desk: BehindSandbox, where: Redirect) -> tuple[State, ...]:
    """The states of all that was tried on a page."""
    found = await desk.pool.fetch("SELECT invoice FROM sandbox_checkouts WHERE token = $1", where.reference)
    return tuple(one.state for one in await desk.sandbox.find(found[0]["invoice"]))


def read(desk: BehindSandbox, signed: Signed) -> Notification:
    (one,) = desk.sandbox.read(signed.kind, signed.headers, signed.raw)
    return one


async def make_due(desk: BehindSandbox) -> None:
    """The time of everything that waits has come."""
    await desk.pool.execute("UPDATE sandbox_deliveries SET due_at = now() WHERE state = 'due'")
    await desk.brought()


# -- paying ----------------------------------------------------------------------------------------------------


async def test_the_shop_is_asked_first_and_told_afterwards_of_the_same_transaction(
    desk: BehindSandbox,
) -> None:
    where = await page(desk)
    status, text = await desk.act(where, do="pay", number=GOOD)
    assert status == 200 and 'data-testid="paid"' in text and BACK in text
    await desk.brought()
    check, pay = (read(desk, signed) for signed in desk.receiver.posted)
    assert (check.kind, pay.kind) == (Kind.CHECK, Kind.PAY) and check.key == pay.key
    assert pay.transaction is not None and pay.transaction.state is State.PAID and pay.transaction.test


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 10},
        {"code": 13},
        {"code": 20},
        {},
        web.json_response([0]),
        web.Response(text="0"),
        web.json_response({"code": 0}, status=500),
        web.json_response({"code": "0"}),
    ],
    ids=str,
)
async def test_a_shop_that_does_not_say_yes_is_not_paid(
    desk: BehindSandbox, answer: dict[str, int] | web.Response
) -> None:
    desk.receiver.reply = lambda kind: answer if kind == "check" else {"code": 0}
    where = await page(desk)
    status, text = await desk.act(where, do="pay", number=GOOD)
    assert status == 200 and 'data-testid="problem"' in text
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "fail"] and await invoice_of(desk, where) == (State.DECLINED,)


async def test_a_shop_that_nobody_answers_for_is_not_paid(pool: Pool, unused_tcp_port: int) -> None:
    async with opened(pool, own_url=f"http://127.0.0.1:{unused_tcp_port}") as desk:
        where = await page(desk)
        _, text = await desk.act(where, do="pay", number=GOOD)
        assert 'data-testid="problem"' in text and await invoice_of(desk, where) == (State.DECLINED,)


async def test_the_bank_asks_and_a_yes_pays_once_however_often_it_is_said(desk: BehindSandbox) -> None:
    where = await page(desk)
    _, text = await desk.act(where, do="pay", number=WITH_3DS)
    assert "3-D Secure" in text and await invoice_of(desk, where) == (State.PENDING,)
    await asyncio.gather(*(desk.act(where, do="confirm") for _ in range(5)))
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "pay"] and await invoice_of(desk, where) == (State.PAID,)


@pytest.mark.parametrize(("card", "said"), [(WITH_3DS, "refuse"), (REFUSED_BY_3DS, "confirm")])
async def test_a_payment_that_is_not_confirmed_is_declined_and_the_page_can_be_tried_again(
    desk: BehindSandbox, card: str, said: str
) -> None:
    where = await page(desk)
    await desk.act(where, do="pay", number=card)
    _, text = await desk.act(where, do=said)
    assert 'data-testid="problem"' in text
    await desk.act(where, do="pay", number=GOOD)
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "check", "fail", "pay"]
    fail = next(read(desk, one) for one in desk.receiver.posted if one.kind == "fail")
    assert fail.transaction is not None
    assert (fail.transaction.advice, fail.transaction.reason) == (Advice.OTHER, "5206 3dSecureAuthFailed")
    assert await invoice_of(desk, where) == (State.DECLINED, State.PAID)


async def test_what_nobody_confirms_in_time_was_declined_and_cannot_be_paid_any_more(
    desk: BehindSandbox,
) -> None:
    where = await page(desk)
    await desk.act(where, do="pay", number=WITH_3DS)
    await desk.pool.execute("UPDATE sandbox_transactions SET created_at = now() - interval '31 minutes'")
    assert await invoice_of(desk, where) == (State.DECLINED,)
    await desk.act(where, do="confirm")
    await desk.brought()
    assert desk.receiver.kinds() == ["check"] and await invoice_of(desk, where) == (State.DECLINED,)


@pytest.mark.parametrize("press", [{"do": "decline"}, {"do": "pay", "number": DECLINED}])
async def test_the_bank_declines_on_demand(desk: BehindSandbox, press: dict[str, str]) -> None:
    where = await page(desk)
    _, text = await desk.act(where, **press)
    assert 'data-testid="problem"' in text and FAILED in text
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "fail"]


async def test_two_who_pay_on_one_page_at_once_pay_once(desk: BehindSandbox) -> None:
    where = await page(desk)
    await asyncio.gather(*(desk.act(where, do="pay", number=GOOD) for _ in range(8)))
    await desk.brought()
    states = await invoice_of(desk, where)
    assert states.count(State.PAID) == 1 and set(states) <= {State.PAID, State.DECLINED}
    assert desk.receiver.kinds().count("pay") == 1


async def test_a_page_that_is_paid_stays_so_and_takes_nothing_more(desk: BehindSandbox) -> None:
    where = await page(desk)
    await desk.act(where, do="pay", number=GOOD)
    for press in ({"do": "pay", "number": GOOD}, {"do": "decline"}, {"do": "confirm"}):
        _, text = await desk.act(where, **press)
        assert 'data-testid="paid"' in text
    assert await invoice_of(desk, where) == (State.PAID,)


async def test_a_card_is_kept_only_when_the_shop_asked_for_it(desk: BehindSandbox) -> None:
    for save_card in (True, False):
        where = await page(desk, save_card=save_card)
        await desk.act(where, do="pay", number=GOOD)
        await desk.brought()
        paid = read(desk, desk.receiver.posted[-1]).transaction
        assert paid is not None and (paid.card is not None) is save_card


async def test_the_card_whose_later_charges_fail_pays_once_and_then_has_no_money(desk: BehindSandbox) -> None:
    where = await page(desk)
    await desk.act(where, do="pay", number=POOR_LATER, expires="0131")
    await desk.brought()
    paid = read(desk, desk.receiver.posted[-1]).transaction
    assert paid is not None and paid.card is not None and paid.card.expires == "01/31"
    made = await desk.sandbox.charge(an_order(), paid.card.token, merchant=True, attempt=uuid4())
    assert (made.state, made.advice) == (State.DECLINED, Advice.LATER)
    await desk.brought()
    assert read(desk, desk.receiver.posted[-1]).transaction == replace(made, at=float(int(made.at)))


async def test_another_payer_s_card_is_not_charged(desk: BehindSandbox) -> None:
    token = await desk.saved_card("4711", Saved.GOOD)
    with pytest.raises(Rejected):
        await desk.sandbox.charge(an_order(account="4712"), token, merchant=True, attempt=uuid4())


# -- what is never kept ----------------------------------------------------------------------------------------


async def test_a_real_card_is_refused_and_is_in_no_table_no_log_and_no_answer(
    desk: BehindSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    where = await page(desk)
    for number in (REAL, REAL.replace(" ", ""), REAL.replace(" ", "-"), "4242424242424241", "x" * 5_000):
        status, text = await desk.act(where, do="pay", number=number, expires="11/29", cvc="987")
        assert status == 422 and "987" not in text
        assert number not in text and number.replace(" ", "") not in text
    assert desk.receiver.posted == [] and await invoice_of(desk, where) == ()
    await desk.act(where, do="pay", number=GOOD, cvc="987")
    await desk.brought()
    digits = re.compile(r"(?:\d[ -]?){13,19}")
    tables = await desk.pool.fetch("SELECT tablename FROM pg_tables WHERE tablename LIKE 'sandbox%'")
    assert len(tables) == 5
    for (table,) in tables:
        for row in await desk.pool.fetch(f"SELECT t::text FROM {table} AS t"):
            kept = re.sub(r"[0-9a-f]{32}|[0-9a-f-]{36}", "", row[0])
            assert not digits.search(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.?\d*\+00", "", kept))
            assert "4444" not in kept and "987" not in kept
    for secret in (REAL, REAL.replace(" ", ""), GOOD):
        assert secret not in caplog.text
    assert all(GOOD.encode() not in signed.raw for signed in desk.receiver.posted)


# -- how it is told --------------------------------------------------------------------------------------------


async def test_told_twice_means_the_same_bytes_twice(desk: BehindSandbox) -> None:
    await desk.act(await page(desk), do="pay", number=GOOD, deliver="twice")
    await desk.brought()
    _, first, second = desk.receiver.posted
    assert first.kind == second.kind == "pay"
    assert (first.raw, first.headers["content-hmac"]) == (second.raw, second.headers["content-hmac"])


async def test_told_late_means_not_yet(desk: BehindSandbox) -> None:
    await desk.act(await page(desk), do="pay", number=GOOD, deliver="late")
    await desk.brought()
    assert desk.receiver.kinds() == ["check"]
    await make_due(desk)
    assert desk.receiver.kinds() == ["check", "pay"]


async def test_told_out_of_order_means_after_the_next_of_the_same_invoice(desk: BehindSandbox) -> None:
    where = await page(desk)
    await desk.act(where, do="decline", deliver="shuffled")
    await desk.act(await page(desk), do="pay", number=GOOD)  # of another invoice: nothing to do with it
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "check", "pay"]
    await desk.act(where, do="pay", number=GOOD, deliver="once")
    await desk.brought()
    assert desk.receiver.kinds()[3:] == ["check", "pay", "fail"]


async def test_what_is_held_for_an_order_that_never_comes_goes_by_itself(desk: BehindSandbox) -> None:
    await desk.act(await page(desk), do="pay", number=GOOD, deliver="shuffled")
    await desk.brought()
    assert desk.receiver.kinds() == ["check"]
    await make_due(desk)
    assert desk.receiver.kinds() == ["check", "pay"]


async def test_told_never_means_that_only_a_look_up_knows(desk: BehindSandbox) -> None:
    where = await page(desk)
    await desk.act(where, do="pay", number=GOOD, deliver="never")
    await make_due(desk)
    assert desk.receiver.kinds() == ["check"] and await invoice_of(desk, where) == (State.PAID,)


async def test_the_operator_s_rule_is_for_all_and_a_page_s_wish_goes_before_it(desk: BehindSandbox) -> None:
    await desk.sandbox.deliver(Delivery.NEVER)
    where = await page(desk)
    await desk.sandbox.deliver(Delivery.TWICE, page=where.reference)
    await desk.act(where, do="pay", number=GOOD)
    token = await desk.saved_card("4711", Saved.GOOD)
    await desk.sandbox.charge(an_order(), token, merchant=True, attempt=uuid4())
    await make_due(desk)
    assert desk.receiver.kinds() == ["check", "pay", "pay"]
    await desk.sandbox.deliver(Delivery.LATE, late_s=0)
    await desk.sandbox.charge(an_order(), token, merchant=True, attempt=uuid4())
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "pay", "pay", "pay"]


async def test_the_address_of_a_page_can_name_the_wish(desk: BehindSandbox) -> None:
    where = await page(desk)
    await desk.act(replace(where, url=where.url + "?deliver=never"), do="pay", number=GOOD)
    await make_due(desk)
    assert desk.receiver.kinds() == ["check"]


async def test_what_the_shop_does_not_take_is_brought_again_as_the_vendor_does(desk: BehindSandbox) -> None:
    await desk.act(await page(desk), do="pay", number=GOOD)
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
        await make_due(desk)
        (row,) = await desk.pool.fetch(
            "SELECT state, round(extract(epoch FROM due_at - now()) / 60)::int AS minutes FROM sandbox_deliveries"
        )
        assert (row["state"], row["minutes"]) == ("due", minutes)
    await make_due(desk)
    assert await desk.pool.fetchval("SELECT state FROM sandbox_deliveries") == "delivered"
    assert desk.receiver.kinds() == ["check", *["pay"] * 7]
    assert len({signed.raw for signed in desk.receiver.posted[1:]}) == 1


async def test_after_a_hundred_attempts_it_gives_up(desk: BehindSandbox) -> None:
    await desk.act(await page(desk), do="pay", number=GOOD)
    desk.receiver.reply = lambda kind: {"code": 1}
    await desk.pool.execute("UPDATE sandbox_deliveries SET attempts = 99")
    await make_due(desk)
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
    await make_due(desk)  # its lease is over
    assert desk.receiver.kinds() == ["pay"]
    await desk.sandbox.queue.missed(lost, None, "too late", 0.0)  # it was not dead after all
    await desk.brought()
    assert desk.receiver.kinds() == ["pay"]


async def test_pages_and_what_is_owed_outlive_a_restart(desk: BehindSandbox, pool: Pool) -> None:
    where = await page(desk)
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


# -- the page --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "tag", "title"),
    [
        ("ru", "ru", "Тестовый платёж"),
        ("kk", "kk", "Сынақ төлем"),
        ("en", "en", "Test payment"),
        ("zh", "zh-Hans", "测试付款"),
    ],
)
async def test_a_page_speaks_the_payer_s_language_and_the_one_he_picks(
    desk: BehindSandbox, lang: str, tag: str, title: str
) -> None:
    for where in ((await page(desk, lang=lang)).url, f"{(await page(desk)).url}?lang={lang}"):
        async with desk.http.get(where) as answer:
            text = await answer.text()
        assert f'<html lang="{tag}">' in text and title in text
        assert "990" in text and "₸" in text


async def test_a_page_loads_nothing_runs_nothing_and_is_kept_nowhere(desk: BehindSandbox) -> None:
    where = await page(desk, description='<img src=x onerror="alert(1)">')
    async with desk.http.get(where.url) as answer:
        text = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
    assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert "<script" not in text and "<img" not in text and "&lt;img" in text
    assert set(re.findall(r'https?://[^"<> ]+', text)) == {FAILED}


async def test_no_page_and_a_page_of_yesterday_say_so(desk: BehindSandbox) -> None:
    where = await page(desk)
    await desk.pool.execute("UPDATE sandbox_checkouts SET created_at = now() - interval '25 hours'")
    for url in (where.url, where.url[:-32] + "0" * 32):
        async with desk.http.get(url) as answer:
            assert answer.status == 404 and "<main" in await answer.text()
    status, _ = await desk.act(where, do="pay", number=GOOD)
    assert status == 404 and desk.receiver.posted == []


@pytest.mark.parametrize("form", [{}, {"do": "give"}, {"number": GOOD}])
async def test_a_form_without_a_button_is_refused(desk: BehindSandbox, form: dict[str, str]) -> None:
    status, _ = await desk.act(await page(desk), **form)
    assert status == 400 and desk.receiver.posted == []


async def test_reloading_after_a_payment_sends_nothing_again(desk: BehindSandbox) -> None:
    where = await page(desk)
    async with desk.http.post(where.url, data={"do": "pay", "number": GOOD}, allow_redirects=False) as answer:
        assert answer.status == 303 and answer.headers["Location"].startswith("/sandbox-pay/p/")
    async with aiohttp.ClientSession() as other, other.get(where.url) as answer:
        assert 'data-testid="paid"' in await answer.text()
