"""What only CloudPayments has: its headers and fields, its refusals inside HTTP 200, its limits and its pages."""

import asyncio
import logging
import time
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from billing.acquiring import Advice, Kind, Rejected, State, Unavailable, Unknown
from billing.money import Currency, Money
from server.gateways.acquiring.cloudpayments import CloudPayments
from server.gateways.acquiring.settings import CloudPaymentsAccount
from server.gateways.breaker import Patience
from server.gateways.meters import VendorMeters

from .contract import BACK, FAILED, Fault, Saved, an_order, charged, of_kind
from .fake_cloudpayments import PUBLIC_ID, SECRET, FakeCloudPayments, opened


@pytest.fixture
def fake() -> FakeCloudPayments:
    return FakeCloudPayments()


async def test_a_page_is_asked_for_with_all_that_the_payer_sees(fake: FakeCloudPayments) -> None:
    async with opened(fake) as bench:
        order, attempt = replace(an_order(minor=1_990_50), lang="kk", phone="+77011234567"), uuid4()
        page = await bench.acquirer.checkout(order, BACK, FAILED, save_card=True, attempt=attempt)
        ((path, asked, name),) = fake.asked
    assert page.url == f"https://orders.cloudpayments.kz/d/{page.reference}"
    assert (path, name) == ("/orders/create", str(attempt))
    assert str(asked.pop("Amount")) == "1990.50"  # as it is written, no float
    assert asked == {
        "Currency": "KZT",
        "InvoiceId": str(order.invoice),
        "AccountId": "4711",
        "Description": "Водитель, 1 месяц",
        "Email": "d@example.kz",
        "Phone": "+77011234567",
        "RequireConfirmation": False,
        "SendEmail": False,
        "CultureName": "ru-RU",
        "SuccessRedirectUrl": BACK,
        "FailRedirectUrl": FAILED,
        "JsonData": '{"once":false}',
    }


async def test_a_card_that_is_not_to_be_kept_is_not_among_what_was_paid(fake: FakeCloudPayments) -> None:
    async with opened(fake) as bench:
        page = await bench.acquirer.checkout(an_order(), BACK, FAILED, save_card=False, attempt=uuid4())
        (paid,) = of_kind(bench, await bench.fake.pay(page), Kind.PAY)
        assert paid.transaction is not None and paid.transaction.card is None
        invoice = paid.transaction.invoice
        assert invoice is not None
        (found,) = await bench.acquirer.find(UUID(invoice))
        assert found.card is None


async def test_a_charge_by_the_schedule_says_so_and_one_of_the_payer_too(fake: FakeCloudPayments) -> None:
    async with opened(fake) as bench:
        token = await fake.saved_card("4711", Saved.GOOD)
        for merchant in (True, False):
            await bench.acquirer.charge(an_order(), token, merchant=merchant, attempt=uuid4())
        first, second = (asked for _, asked, _ in fake.asked)
    assert (first["TrInitiatorCode"], first["PaymentScheduled"], first["Token"]) == (0, 1, token)
    assert second["TrInitiatorCode"] == 1 and "PaymentScheduled" not in second


async def test_a_look_up_is_never_answered_out_of_what_was_kept(fake: FakeCloudPayments) -> None:
    """X-Request-ID would bring the answer of an hour ago."""
    async with opened(fake) as bench:
        await bench.acquirer.find(uuid4())
        await bench.acquirer.listed(time.time() - 60, time.time())
        assert [name for _, _, name in fake.asked] == [None, None]


async def test_refusals_inside_http_200_are_told_apart_from_declines(fake: FakeCloudPayments) -> None:
    async with opened(fake) as bench:
        order = an_order()
        with pytest.raises(Rejected, match="token is not found"):
            await bench.acquirer.charge(order, "tk_unknown", merchant=True, attempt=uuid4())
        with pytest.raises(Rejected, match="not found"):
            await bench.acquirer.refund("17", order.money, attempt=uuid4())
        with pytest.raises(Rejected):
            await bench.acquirer.refund("pi_not_theirs", order.money, attempt=uuid4())
        assert await fake.taken(order.invoice) == []


async def test_a_bank_that_wants_to_see_the_payer_is_no_payment_and_no_decline(
    fake: FakeCloudPayments,
) -> None:
    fake.three_ds = True
    async with opened(fake) as bench:
        order = an_order()
        token = await fake.saved_card(order.account, Saved.GOOD)
        made = await bench.acquirer.charge(order, token, merchant=False, attempt=uuid4())
    assert (made.state, made.advice, made.money) == (State.PENDING, Advice.OTHER, order.money)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (5051, Advice.LATER),
        (5204, Advice.LATER),
        (5030, Advice.LATER),
        (5091, Advice.LATER),
        (5092, Advice.LATER),
        (5096, Advice.LATER),
        (5041, Advice.NEVER),
        (5043, Advice.NEVER),
        (5034, Advice.NEVER),
        (5054, Advice.NEVER),
        (5082, Advice.OTHER),
        (5206, Advice.OTHER),
        (5999, Advice.OTHER),
    ],
)
async def test_each_reason_has_its_advice(
    fake: FakeCloudPayments, monkeypatch: pytest.MonkeyPatch, code: int, advice: Advice
) -> None:
    monkeypatch.setitem(fake.declines, Saved.POOR, (code, "Scripted"))
    async with opened(fake) as bench:
        order = an_order()
        token = await fake.saved_card(order.account, Saved.POOR)
        made = await bench.acquirer.charge(order, token, merchant=True, attempt=uuid4())
        (found,) = await bench.acquirer.find(order.invoice)
    assert (made.state, made.advice, made.reason) == (State.DECLINED, advice, f"{code} Scripted")
    assert found == made


@pytest.mark.parametrize(
    "fault",
    [
        Fault.CUT_BEFORE,
        Fault.CUT_AFTER,
        Fault.DOWN_BEFORE,
        Fault.DOWN_AFTER,
        Fault.HANG_AFTER,
        Fault.GARBAGE_AFTER,
    ],
)
async def test_money_whose_fate_is_not_told_is_unknown_and_everything_else_may_be_asked_again(
    fake: FakeCloudPayments, fault: Fault
) -> None:
    async with opened(fake, timeout_s=0.3) as bench:
        order = an_order()
        payment, token = await charged(bench, order), await fake.saved_card(order.account, Saved.GOOD)
        for call in (
            lambda: bench.acquirer.charge(an_order(), token, merchant=True, attempt=uuid4()),
            lambda: bench.acquirer.refund(payment, Money(1_00, Currency.KZT), attempt=uuid4()),
        ):
            fake.script(fault)
            with pytest.raises(Unknown):
                await call()
        for other in (
            lambda: bench.acquirer.checkout(order, BACK, FAILED, save_card=False, attempt=uuid4()),
            lambda: bench.acquirer.find(order.invoice),
            lambda: bench.acquirer.listed(time.time() - 60, time.time() + 60),
        ):
            fake.script(fault)
            with pytest.raises(Unavailable):
                await other()


async def test_nobody_listening_means_that_nothing_was_charged(unused_tcp_port: int) -> None:
    for url in (f"http://127.0.0.1:{unused_tcp_port}", f"https://127.0.0.1:{unused_tcp_port}"):
        acquirer = CloudPayments(CloudPaymentsAccount(PUBLIC_ID, SECRET, url))
        with pytest.raises(Unavailable) as error:
            await acquirer.charge(an_order(), "tk_1", merchant=True, attempt=uuid4())
        assert SECRET not in str(error.value) and "127" not in str(error.value)
        await acquirer.close()


async def test_a_server_without_tls_where_tls_is_wanted_was_told_nothing(fake: FakeCloudPayments) -> None:
    server = TestServer(fake.app())
    await server.start_server()
    acquirer = CloudPayments(CloudPaymentsAccount(PUBLIC_ID, SECRET, f"https://127.0.0.1:{server.port}"))
    with pytest.raises(Unavailable):
        await acquirer.charge(an_order(), "tk_1", merchant=True, attempt=uuid4())
    assert fake.asked == []
    await acquirer.close()
    await server.close()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Unknown),
        (400, Rejected),
        (403, Rejected),
        (404, Rejected),
        (408, Unknown),
        (409, Unknown),
        (429, Unavailable),
        (500, Unknown),
        (502, Unknown),
        (504, Unknown),
    ],
)
async def test_each_status_of_a_charge_has_one_meaning(status: int, outcome: type[Exception]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"}, text="<html>")

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    acquirer = CloudPayments(CloudPaymentsAccount(PUBLIC_ID, SECRET, f"http://127.0.0.1:{server.port}"))
    with pytest.raises(outcome):
        await acquirer.charge(an_order(), "tk_1", merchant=True, attempt=uuid4())
    await acquirer.close()
    await server.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"Success": true}',
        '{"Success": true, "Model": null}',
        '{"Success": true, "Model": {}}',
        '{"Success": true, "Model": {"TransactionId": 1}}',
        '{"Success": true, "Model": {"TransactionId": 1, "Amount": 1.005, "Currency": "KZT",'
        ' "Status": "Completed", "CreatedDateIso": "2026-11-02T09:30:00"}}',
        '{"Success": true, "Model": {"TransactionId": 1, "Amount": 1, "Currency": "EUR",'
        ' "Status": "Completed", "CreatedDateIso": "2026-11-02T09:30:00"}}',
        '{"Success": true, "Model": "paid"}',
    ],
)
async def test_an_answer_to_a_charge_that_says_nothing_is_unknown(text: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    acquirer = CloudPayments(CloudPaymentsAccount(PUBLIC_ID, SECRET, f"http://127.0.0.1:{server.port}"))
    with pytest.raises(Unknown):
        await acquirer.charge(an_order(), "tk_1", merchant=True, attempt=uuid4())
    await acquirer.close()
    await server.close()


async def test_a_state_that_nobody_has_told_us_of_is_neither_money_nor_a_decline(
    fake: FakeCloudPayments,
) -> None:
    async with opened(fake) as bench:
        order = an_order()
        await charged(bench, order)
        fake.rows[-1]["Status"] = "Settling"
        (found,) = await bench.acquirer.find(order.invoice)
    assert found.state is State.PENDING


async def test_a_payment_is_found_behind_a_later_decline_of_the_same_invoice(fake: FakeCloudPayments) -> None:
    """The service shows the last operation only; taking that for all would charge twice."""
    async with opened(fake) as bench:
        order = an_order()
        payment = await charged(bench, order)
        await charged(bench, order, Saved.POOR)
        found = await bench.acquirer.find(order.invoice)
    assert [(one.id == payment, one.state) for one in found] == [(True, State.PAID), (False, State.DECLINED)]


async def test_a_payment_is_found_behind_a_refund_of_months_later(fake: FakeCloudPayments) -> None:
    async with opened(fake) as bench:
        order = an_order()
        payment = await charged(bench, order)
        fake.rows[-1]["CreatedDateIso"] = "2026-03-09T11:12:54"
        back = await bench.acquirer.refund(payment, order.money, attempt=uuid4())
        found = await bench.acquirer.find(order.invoice)
    assert [one.id for one in found] == [payment, back.id]


async def test_a_list_goes_through_all_its_pages_and_leaves_payouts_out(fake: FakeCloudPayments) -> None:
    async with opened(fake) as bench:
        began = time.time()
        ids = [await charged(bench, an_order()) for _ in range(7)]
        fake.rows[3]["Type"] = 2
        listed = await bench.acquirer.listed(began - 1, time.time() + 1)
        assert [one.id for one in listed] == ids[:3] + ids[4:]
        pages = [asked["PageNumber"] for path, asked, _ in fake.asked if path == "/v2/payments/list"]
        assert pages == [1, 2, 3, 4]


async def test_lists_that_follow_each_other_have_everything_once(fake: FakeCloudPayments) -> None:
    async with opened(fake) as bench:
        ids = [await charged(bench, an_order()) for _ in range(4)]
        for second, row in enumerate(fake.rows):
            row["CreatedDateIso"] = f"2026-11-02T09:30:0{second}"
        begin = 1_793_611_800.0  # 09:30:00
        halves = [(begin - 0.7, begin + 1.9), (begin + 1.9, begin + 2.0), (begin + 2.0, begin + 9.0)]
        listed = [one.id for since, until in halves for one in await bench.acquirer.listed(since, until)]
        assert listed == ids


async def test_no_more_requests_run_at_once_than_the_contract_allows(fake: FakeCloudPayments) -> None:
    fake.bank_s = 0.02
    async with opened(fake, timeout_s=10.0, parallel=3) as bench:
        token = await fake.saved_card("4711", Saved.GOOD)
        await asyncio.gather(
            *(bench.acquirer.charge(an_order(), token, merchant=True, attempt=uuid4()) for _ in range(40))
        )
        assert 1 < fake.most_at_once <= 3


async def test_a_service_that_fails_again_and_again_is_left_alone_for_a_while(
    fake: FakeCloudPayments, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(fake, patience=Patience(failures=3, first_s=0.2)) as bench:
        order = an_order()
        token = await fake.saved_card(order.account, Saved.GOOD)
        fake.script(*[Fault.DOWN_BEFORE] * 3)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await bench.acquirer.find(order.invoice)
        with pytest.raises(Unavailable, match="left alone"):
            await bench.acquirer.charge(order, token, merchant=True, attempt=uuid4())
        assert fake.asked == [] and "acquirer.left_alone" in caplog.messages
        await asyncio.sleep(0.25)
        made = await bench.acquirer.charge(order, token, merchant=True, attempt=uuid4())
        assert made.state is State.PAID


async def test_its_secret_is_in_no_repr_and_no_log(
    fake: FakeCloudPayments, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(fake) as bench:
        fake.script(Fault.DENIED)
        with pytest.raises(Rejected):
            await charged(bench, an_order())
    assert SECRET not in repr(CloudPaymentsAccount(PUBLIC_ID, SECRET))
    assert SECRET not in caplog.text and "acquirer.refuses" in caplog.messages


async def test_calls_are_counted_by_their_outcome(fake: FakeCloudPayments) -> None:
    registry = CollectorRegistry()
    server = TestServer(fake.app())
    await server.start_server()
    account = CloudPaymentsAccount(PUBLIC_ID, SECRET, f"http://127.0.0.1:{server.port}")
    acquirer = CloudPayments(account, meters=VendorMeters(registry, 0))
    await acquirer.find(uuid4())
    fake.script(Fault.TOO_MANY)
    with pytest.raises(Unavailable):
        await acquirer.find(uuid4())
    for outcome in ("declined", "too many"):
        labels = {"worker": "0", "kind": "acquiring", "vendor": "cloudpayments", "outcome": outcome}
        assert registry.get_sample_value("desk_vendor_calls_total", labels) == 1
    await acquirer.close()
    await server.close()


async def test_notifications_as_json_say_the_same_as_forms(fake: FakeCloudPayments) -> None:
    async with opened(fake) as bench:
        payment = await charged(bench, an_order(minor=1_990_07))
        said = []
        for fake.notes_as_json in (False, True):
            signed = await fake.told(Kind.PAY, payment)
            said.append(bench.acquirer.read(signed.kind, signed.headers, signed.raw))
        assert said[0] == said[1]
