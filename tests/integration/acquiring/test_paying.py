"""The sandbox's pages over real HTTP: what a payer can do there, and what is never kept of him."""

import asyncio
import logging
import re
from dataclasses import replace
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from billing.acquiring import Advice, Kind, Rejected, State
from storage.postgres import Pool
from tests.contract.acquiring.contract import BACK, FAILED, Saved, an_order
from tests.contract.acquiring.sandbox import (
    DECLINED,
    GOOD,
    POOR_LATER,
    REFUSED_BY_3DS,
    WITH_3DS,
    BehindSandbox,
    opened,
)

REAL = "5555 5555 5555 4444"  # the form of a real number, and none of the test cards

# -- paying ----------------------------------------------------------------------------------------------------


async def test_the_shop_is_asked_first_and_told_afterwards_of_the_same_transaction(
    desk: BehindSandbox,
) -> None:
    where = await desk.page()
    status, text = await desk.act(where, do="pay", number=GOOD)
    assert status == 200 and 'data-testid="paid"' in text and BACK in text
    await desk.brought()
    check, pay = (desk.read(signed) for signed in desk.receiver.posted)
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
    where = await desk.page()
    status, text = await desk.act(where, do="pay", number=GOOD)
    assert status == 200 and 'data-testid="problem"' in text
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "fail"] and await desk.states(where) == (State.DECLINED,)


async def test_a_shop_that_nobody_answers_for_is_not_paid(pool: Pool, unused_tcp_port: int) -> None:
    async with opened(pool, own_url=f"http://127.0.0.1:{unused_tcp_port}") as desk:
        where = await desk.page()
        _, text = await desk.act(where, do="pay", number=GOOD)
        assert 'data-testid="problem"' in text and await desk.states(where) == (State.DECLINED,)


async def test_the_bank_asks_and_a_yes_pays_once_however_often_it_is_said(desk: BehindSandbox) -> None:
    where = await desk.page()
    _, text = await desk.act(where, do="pay", number=WITH_3DS)
    assert "3-D Secure" in text and await desk.states(where) == (State.PENDING,)
    await asyncio.gather(*(desk.act(where, do="confirm") for _ in range(5)))
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "pay"] and await desk.states(where) == (State.PAID,)


@pytest.mark.parametrize(("card", "said"), [(WITH_3DS, "refuse"), (REFUSED_BY_3DS, "confirm")])
async def test_a_payment_that_is_not_confirmed_is_declined_and_the_page_can_be_tried_again(
    desk: BehindSandbox, card: str, said: str
) -> None:
    where = await desk.page()
    await desk.act(where, do="pay", number=card)
    _, text = await desk.act(where, do=said)
    assert 'data-testid="problem"' in text
    await desk.act(where, do="pay", number=GOOD)
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "check", "fail", "pay"]
    fail = next(desk.read(one) for one in desk.receiver.posted if one.kind == "fail")
    assert fail.transaction is not None
    assert (fail.transaction.advice, fail.transaction.reason) == (Advice.OTHER, "5206 3dSecureAuthFailed")
    assert await desk.states(where) == (State.DECLINED, State.PAID)


async def test_what_nobody_confirms_in_time_was_declined_and_cannot_be_paid_any_more(
    desk: BehindSandbox,
) -> None:
    where = await desk.page()
    await desk.act(where, do="pay", number=WITH_3DS)
    await desk.pool.execute("UPDATE sandbox_transactions SET created_at = now() - interval '31 minutes'")
    assert await desk.states(where) == (State.DECLINED,)
    await desk.act(where, do="confirm")
    await desk.brought()
    assert desk.receiver.kinds() == ["check"] and await desk.states(where) == (State.DECLINED,)


@pytest.mark.parametrize("press", [{"do": "decline"}, {"do": "pay", "number": DECLINED}])
async def test_the_bank_declines_on_demand(desk: BehindSandbox, press: dict[str, str]) -> None:
    where = await desk.page()
    _, text = await desk.act(where, **press)
    assert 'data-testid="problem"' in text and FAILED in text
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "fail"]


async def test_two_who_pay_on_one_page_at_once_pay_once(desk: BehindSandbox) -> None:
    where = await desk.page()
    await asyncio.gather(*(desk.act(where, do="pay", number=GOOD) for _ in range(8)))
    await desk.brought()
    states = await desk.states(where)
    assert states.count(State.PAID) == 1 and set(states) <= {State.PAID, State.DECLINED}
    assert desk.receiver.kinds().count("pay") == 1


async def test_a_page_that_is_paid_stays_so_and_takes_nothing_more(desk: BehindSandbox) -> None:
    where = await desk.page()
    await desk.act(where, do="pay", number=GOOD)
    for press in ({"do": "pay", "number": GOOD}, {"do": "decline"}, {"do": "confirm"}):
        _, text = await desk.act(where, **press)
        assert 'data-testid="paid"' in text
    assert await desk.states(where) == (State.PAID,)


async def test_a_card_is_kept_only_when_the_shop_asked_for_it(desk: BehindSandbox) -> None:
    for save_card in (True, False):
        where = await desk.page(save_card=save_card)
        await desk.act(where, do="pay", number=GOOD)
        await desk.brought()
        paid = desk.read(desk.receiver.posted[-1]).transaction
        assert paid is not None and (paid.card is not None) is save_card


async def test_the_card_whose_later_charges_fail_pays_once_and_then_has_no_money(desk: BehindSandbox) -> None:
    where = await desk.page()
    await desk.act(where, do="pay", number=POOR_LATER, expires="0131")
    await desk.brought()
    paid = desk.read(desk.receiver.posted[-1]).transaction
    assert paid is not None and paid.card is not None and paid.card.expires == "01/31"
    made = await desk.sandbox.charge(an_order(), paid.card.token, merchant=True, attempt=uuid4())
    assert (made.state, made.advice) == (State.DECLINED, Advice.LATER)
    await desk.brought()
    assert desk.read(desk.receiver.posted[-1]).transaction == replace(made, at=float(int(made.at)))


async def test_another_payer_s_card_is_not_charged(desk: BehindSandbox) -> None:
    token = await desk.saved_card("4711", Saved.GOOD)
    with pytest.raises(Rejected):
        await desk.sandbox.charge(an_order(account="4712"), token, merchant=True, attempt=uuid4())


# -- what is never kept ----------------------------------------------------------------------------------------


async def test_a_real_card_is_refused_and_is_in_no_table_no_log_and_no_answer(
    desk: BehindSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    where = await desk.page()
    for number in (REAL, REAL.replace(" ", ""), REAL.replace(" ", "-"), "4242424242424241", "x" * 5_000):
        status, text = await desk.act(where, do="pay", number=number, expires="11/29", cvc="987")
        assert status == 422 and "987" not in text
        assert number not in text and number.replace(" ", "") not in text
    assert desk.receiver.posted == [] and await desk.states(where) == ()
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
    for where in ((await desk.page(lang=lang)).url, f"{(await desk.page()).url}?lang={lang}"):
        async with desk.http.get(where) as answer:
            text = await answer.text()
        assert f'<html lang="{tag}">' in text and title in text
        assert "990" in text and "₸" in text


async def test_a_page_loads_nothing_runs_nothing_and_is_kept_nowhere(desk: BehindSandbox) -> None:
    where = await desk.page(description='<img src=x onerror="alert(1)">')
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
    where = await desk.page()
    await desk.pool.execute("UPDATE sandbox_checkouts SET created_at = now() - interval '25 hours'")
    for url in (where.url, where.url[:-32] + "0" * 32):
        async with desk.http.get(url) as answer:
            assert answer.status == 404 and "<main" in await answer.text()
    status, _ = await desk.act(where, do="pay", number=GOOD)
    assert status == 404 and desk.receiver.posted == []


@pytest.mark.parametrize("form", [{}, {"do": "give"}, {"number": GOOD}])
async def test_a_form_without_a_button_is_refused(desk: BehindSandbox, form: dict[str, str]) -> None:
    status, _ = await desk.act(await desk.page(), **form)
    assert status == 400 and desk.receiver.posted == []


async def test_reloading_after_a_payment_sends_nothing_again(desk: BehindSandbox) -> None:
    where = await desk.page()
    async with desk.http.post(where.url, data={"do": "pay", "number": GOOD}, allow_redirects=False) as answer:
        assert answer.status == 303 and answer.headers["Location"].startswith("/sandbox-pay/p/")
    async with aiohttp.ClientSession() as other, other.get(where.url) as answer:
        assert 'data-testid="paid"' in await answer.text()
