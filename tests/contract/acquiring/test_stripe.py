"""What is Stripe's alone, beside the contract of acquirers: its parameters, events, lists and errors."""

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from billing.acquiring import Advice, Forged, Kind, Malformed, Order, Rejected, State, Unavailable, Unknown
from billing.money import Currency, Money
from server.gateways.acquiring.settings import StripeAccount
from server.gateways.acquiring.stripe import TOLERANCE_S, UNINDEXED_S, Stripe
from server.gateways.acquiring.stripe_objects import advice_of
from server.gateways.breaker import Patience

from . import fake_stripe
from .contract import BACK, FAILED, Bench, Fault, Saved, Signed, an_order, of_kind
from .fake_stripe import KEY, SECRET, FakeStripe, Refused, signed


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with fake_stripe.opened() as made:
        yield made


@pytest.fixture
def fake(bench: Bench) -> FakeStripe:
    assert isinstance(bench.fake, FakeStripe)
    return bench.fake


async def charged(
    bench: Bench, order: Order, like: Saved | str = Saved.GOOD, *, merchant: bool = True
) -> Any:
    assert isinstance(bench.fake, FakeStripe)
    token = await bench.fake.saved_card(order.account, like)
    return await bench.acquirer.charge(order, token, merchant=merchant, attempt=uuid4())


def read(bench: Bench, one: Signed) -> list[Any]:
    return list(bench.acquirer.read(one.kind, one.headers, one.raw))


# -- what is asked ---------------------------------------------------------------------------------------------


async def test_a_page_asks_for_one_sum_by_card_in_the_payer_s_language(
    bench: Bench, fake: FakeStripe
) -> None:
    order, attempt = an_order(), uuid4()
    page = await bench.acquirer.checkout(order, BACK, FAILED, save_card=True, attempt=attempt)
    (asked,) = fake.asked
    about = {"invoice": str(order.invoice), "account": order.account}
    assert asked.key == str(attempt) and page.reference.startswith("cs_")
    assert asked.params == {
        "mode": "payment",
        "allowed_payment_method_types": {"0": "card"},
        "line_items": {
            "0": {
                "quantity": "1",
                "price_data": {
                    "currency": "kzt",
                    "unit_amount": "199000",
                    "product_data": {"name": order.description},
                },
            }
        },
        "success_url": BACK,
        "cancel_url": FAILED,
        "client_reference_id": str(order.invoice),
        "metadata": about,
        "payment_intent_data": {
            "metadata": about,
            "description": order.description,
            "setup_future_usage": "off_session",
        },
        "adaptive_pricing": {"enabled": "false"},
        "locale": "ru",
        "customer_email": order.email,
        "customer_creation": "always",
    }


async def test_a_page_in_kazakh_is_in_russian_since_stripe_speaks_none(
    bench: Bench, fake: FakeStripe
) -> None:
    order = Order(uuid4(), "1", Money(100, Currency.KZT), "Айлық", "kk")
    await bench.acquirer.checkout(order, BACK, FAILED, save_card=False, attempt=uuid4())
    assert fake.asked[0].params["locale"] == "ru" and "customer_email" not in fake.asked[0].params


async def test_a_card_that_is_not_to_be_saved_cannot_be_charged_again(bench: Bench) -> None:
    page = await bench.acquirer.checkout(an_order(), BACK, FAILED, save_card=False, attempt=uuid4())
    (paid,) = of_kind(bench, await bench.fake.pay(page), Kind.PAY)
    assert paid.transaction is not None and paid.transaction.card is None


@pytest.mark.parametrize(
    ("merchant", "said"), [(True, {"off_session": "true"}), (False, {"error_on_requires_action": "true"})]
)
async def test_the_bank_is_told_whether_the_payer_is_there(
    bench: Bench, fake: FakeStripe, merchant: bool, said: dict[str, str]
) -> None:
    made = await charged(bench, an_order(), merchant=merchant)
    (asked,) = fake.asked
    told = {name: asked.params.get(name) for name in ("off_session", "error_on_requires_action")}
    assert {name: value for name, value in told.items() if value} == said
    assert made.card.last_four == "4242" and made.card.expires == "04/31" and made.test


async def test_a_token_is_a_customer_and_a_card_of_theirs(bench: Bench, fake: FakeStripe) -> None:
    for token in ("", "cus_1", ":pm_1", "cus_1:"):
        with pytest.raises(Rejected):
            await bench.acquirer.charge(an_order(), token, merchant=True, attempt=uuid4())
    assert fake.asked == []
    mine, another = [await fake.saved_card("1", Saved.GOOD) for _ in range(2)]
    mixed = mine.split(":")[0] + ":" + another.split(":")[1]
    with pytest.raises(Rejected, match="404 resource_missing payment_method"):
        await bench.acquirer.charge(an_order(), mixed, merchant=True, attempt=uuid4())


async def test_one_attempt_is_for_one_thing(bench: Bench, fake: FakeStripe) -> None:
    attempt, token = uuid4(), await fake.saved_card("4711", Saved.GOOD)
    order, dearer = an_order(), an_order(minor=2_990_00)
    await bench.acquirer.charge(order, token, merchant=True, attempt=attempt)
    with pytest.raises(Rejected):
        await bench.acquirer.charge(dearer, token, merchant=True, attempt=attempt)
    assert await fake.taken(dearer.invoice) == []


# -- declines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "decline_code", "network", "advice"),
    [
        ("card_declined", "insufficient_funds", None, Advice.LATER),
        ("card_declined", "issuer_not_available", None, Advice.LATER),
        ("processing_error", None, None, Advice.LATER),
        ("card_declined", "lost_card", None, Advice.NEVER),
        ("expired_card", None, None, Advice.NEVER),
        ("card_declined", "generic_decline", None, Advice.OTHER),
        ("authentication_required", "authentication_required", None, Advice.OTHER),
        ("card_declined", None, None, Advice.OTHER),
        (None, None, None, Advice.OTHER),
        ("card_declined", "generic_decline", "try_again_later", Advice.LATER),
        ("card_declined", "generic_decline", "do_not_try_again", Advice.NEVER),
        ("card_declined", "insufficient_funds", "do_not_try_again", Advice.NEVER),
        ("card_declined", "insufficient_funds", "confirm_card_data", Advice.OTHER),
        ("card_declined", "insufficient_funds", "a_new_word", Advice.LATER),
    ],
)
def test_a_decline_has_one_advice_and_the_network_s_own_goes_first(
    code: str | None, decline_code: str | None, network: str | None, advice: Advice
) -> None:
    assert advice_of(code, decline_code, network) is advice


async def test_a_bank_that_wants_to_see_the_payer_declines_and_the_payer_must_act(bench: Bench) -> None:
    made = await charged(bench, an_order(), "authentication_required")
    assert (made.state, made.advice) == (State.DECLINED, Advice.OTHER)
    assert made.reason == "card_declined authentication_required"


@pytest.mark.parametrize("network", [None, "do_not_try_again"])
async def test_answer_event_and_list_tell_the_same_of_a_decline(
    bench: Bench, fake: FakeStripe, network: str | None
) -> None:
    fake.advice = network
    order = an_order()
    made = await charged(bench, order, "generic_decline")
    (told,) = read(bench, await fake.told(Kind.FAIL, made.id))
    (found,) = await bench.acquirer.find(order.invoice)
    assert made == told.transaction == found
    assert made.advice is (Advice.OTHER if network is None else Advice.NEVER)


async def test_each_decline_of_one_payment_is_told_for_itself(bench: Bench, fake: FakeStripe) -> None:
    made = await charged(bench, an_order(), Saved.POOR)
    twice = [read(bench, await fake.told(Kind.FAIL, made.id))[0] for _ in range(2)]
    assert twice[0].key != twice[1].key and twice[0].transaction == twice[1].transaction


# -- events ----------------------------------------------------------------------------------------------------


async def test_of_all_that_stripe_tells_of_a_payment_one_event_counts(bench: Bench) -> None:
    page = await bench.acquirer.checkout(an_order(), BACK, FAILED, save_card=True, attempt=uuid4())
    told = [[one.kind for one in read(bench, event)] for event in await bench.fake.pay(page)]
    assert told == [[], [Kind.PAY], [], []]


@pytest.mark.parametrize(
    "name",
    [
        "payment_intent.succeeded",
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "charge.failed",
        "charge.refunded",
        "customer.created",
        "something.new",
    ],
)
async def test_what_another_event_tells_better_or_nobody_asked_for_means_nothing(
    bench: Bench, fake: FakeStripe, name: str
) -> None:
    assert read(bench, fake.event(name, {"id": "x", "object": "x"})) == []


async def test_a_page_whose_time_is_over_ends_its_try(bench: Bench, fake: FakeStripe) -> None:
    order = an_order()
    page = await bench.acquirer.checkout(order, BACK, FAILED, save_card=False, attempt=uuid4())
    about = {name: value for name, value in fake.pages[page.reference].items() if name != "params"}
    (told,) = read(bench, fake.event("checkout.session.expired", {**about, "status": "expired", "url": None}))
    assert (told.kind, told.key, told.transaction.state) == (Kind.FAIL, page.reference, State.CANCELLED)
    assert (told.transaction.invoice, told.transaction.money) == (str(order.invoice), order.money)


async def test_a_dispute_calls_a_person(
    bench: Bench, fake: FakeStripe, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(bench, fake.event("charge.dispute.created", {"id": "dp_1", "object": "dispute"})) == []
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "stripe.disputed")
    ]


async def test_a_payment_that_is_only_held_is_not_paid(bench: Bench, fake: FakeStripe) -> None:
    made = await charged(bench, an_order())
    charge = {**fake.charge_of(made.id), "captured": False}
    (told,) = read(bench, fake.event("charge.succeeded", charge))
    assert told.transaction.state is State.HELD


async def test_a_signature_is_good_for_five_minutes_and_a_second_secret_does_no_harm(bench: Bench) -> None:
    raw = (await bench.fake.told(Kind.PAY, (await charged(bench, an_order())).id)).raw
    old = signed(raw, at=time.time() - TOLERANCE_S - 5)
    with pytest.raises(Forged):
        read(bench, old)
    assert read(bench, signed(raw, at=time.time() - TOLERANCE_S + 60))
    one, other = signed(raw), signed(raw, secret="whsec_new")
    both = one.headers["stripe-signature"] + "," + other.headers["stripe-signature"].partition(",")[2]
    assert read(bench, Signed("events", {"stripe-signature": both}, raw))


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=00", "t=x,v1=00", "t=1,v1=ключ", "=,=,=", "t=" + "9" * 5000 + ",v1=0", "\udcff"]
)
def test_what_is_no_signature_is_forged(header: str) -> None:
    stripe = unopened()
    with pytest.raises(Forged):
        stripe.read("events", {"stripe-signature": header}, b"{}")
    with pytest.raises(Forged):
        stripe.read("events", {"stripe-signature": signed(b"{}").headers["stripe-signature"]}, b"\xff")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"id": "evt_1", "type": "charge.succeeded", "livemode": false, "data": {"object": {}}}',
        b'{"id": "evt_1", "type": "charge.succeeded", "livemode": false, "data": {"object": "ch_1"}}',
        b'{"id": "evt_1", "type": 5, "livemode": false, "data": {"object": {}}}',
    ],
)
def test_what_is_signed_and_no_event_is_malformed(raw: bytes) -> None:
    one = signed(raw)
    with pytest.raises(Malformed):
        unopened().read("events", one.headers, raw)


async def test_money_of_another_currency_is_malformed_rather_than_guessed(
    bench: Bench, fake: FakeStripe
) -> None:
    made = await charged(bench, an_order())
    with pytest.raises(Malformed):
        read(bench, fake.event("charge.succeeded", {**fake.charge_of(made.id), "currency": "jpy"}))


async def test_another_address_than_that_of_events_is_malformed(bench: Bench) -> None:
    one = await bench.fake.told(Kind.PAY, (await charged(bench, an_order())).id)
    with pytest.raises(Malformed):
        bench.acquirer.read("pay", one.headers, one.raw)


def test_the_fake_signs_as_the_library_does() -> None:
    import stripe

    ours = signed(b'{"a": "\xd1\x8f"}', at=1.8e9).headers["stripe-signature"]
    assert ours == stripe.WebhookSignature.generate_signature_header('{"a": "я"}', SECRET, 1_800_000_000)


# -- refunds ---------------------------------------------------------------------------------------------------


async def test_a_refund_that_takes_its_time_is_pending_and_told_when_it_is_made(
    bench: Bench, fake: FakeStripe
) -> None:
    order = an_order()
    made = await charged(bench, order)
    fake.refund_status = "pending"
    back = await bench.acquirer.refund(made.id, order.money, attempt=uuid4())
    assert (back.state, back.invoice, back.account) == (State.PENDING, str(order.invoice), order.account)
    assert read(bench, await fake.told(Kind.REFUND, back.id)) == []
    (refund,) = fake.refunds
    (told,) = read(bench, fake.event("refund.updated", {**refund, "status": "succeeded"}))
    assert (told.kind, told.key, told.transaction.refunds) == (Kind.REFUND, back.id, made.id)


async def test_a_refund_that_a_bank_refuses_is_refused(bench: Bench, fake: FakeStripe) -> None:
    order = an_order()
    made = await charged(bench, order)
    fake.refund_status = "failed"
    with pytest.raises(Rejected, match="expired_or_canceled_card"):
        await bench.acquirer.refund(made.id, order.money, attempt=uuid4())
    (_, back) = await bench.acquirer.find(order.invoice)
    assert back.state is State.CANCELLED


# -- looking up ------------------------------------------------------------------------------------------------


async def test_an_old_payment_is_found_by_the_search_and_a_young_one_by_the_list(
    bench: Bench, fake: FakeStripe
) -> None:
    order = an_order()
    old, young = await charged(bench, order), await charged(bench, order)
    charge = fake.charge_of(old.id)
    charge["created"] -= int(UNINDEXED_S) + 60
    assert [one.id for one in await bench.acquirer.find(order.invoice)] == [young.id]
    fake.indexed = {one["id"] for one in fake.charges}  # the young one is in both
    assert [one.id for one in await bench.acquirer.find(order.invoice)] == [old.id, young.id]


async def test_a_payment_of_several_tries_is_one_and_paid_if_one_try_was(
    bench: Bench, fake: FakeStripe
) -> None:
    order = an_order()
    made = await charged(bench, order, Saved.POOR)
    paid = {**fake.charge_of(made.id), "id": "ch_paid", "status": "succeeded", "captured": True, "paid": True}
    failed = {**fake.charge_of(made.id), "id": "ch_late"}
    fake.charges += [paid, failed]
    (found,) = await bench.acquirer.find(order.invoice)
    assert (found.id, found.state) == (made.id, State.PAID)
    assert [one.state for one in await bench.acquirer.listed(0, 2e9)] == [State.PAID]


async def test_a_list_is_read_to_its_end_and_to_its_bounds(bench: Bench, fake: FakeStripe) -> None:
    for number in range(250):
        await charged(bench, an_order())
        fake.charges[-1]["created"] = 1_700_000_000 + number
    fake.asked.clear()
    listed = await bench.acquirer.listed(1_700_000_000.5, 1_700_000_249.0)
    assert [one.at for one in listed] == [1_700_000_000.0 + number for number in range(1, 249)]
    assert [asked.path for asked in fake.asked] == ["/v1/charges"] * 3 + ["/v1/refunds"]


async def test_a_list_without_end_is_no_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.gateways.acquiring.stripe.MOST", 2)
    for _ in range(3):
        await charged(bench, an_order())
    for call in (bench.acquirer.listed(0, 2e9), bench.acquirer.find(uuid4())):
        with pytest.raises(Rejected):
            await call


async def test_listed_refunds_know_the_invoice_of_their_payment(bench: Bench) -> None:
    order = an_order()
    made = await charged(bench, order)
    await bench.acquirer.refund(made.id, order.money, attempt=uuid4())
    paid, back = await bench.acquirer.listed(time.time() - 60, time.time() + 60)
    assert (back.refunds, back.invoice, back.account) == (paid.id, paid.invoice, paid.account)


async def test_what_is_in_a_currency_of_nobody_s_is_left_out_and_told(
    bench: Bench, fake: FakeStripe, caplog: pytest.LogCaptureFixture
) -> None:
    made = await charged(bench, an_order())
    fake.charges.append(
        {**fake.charge_of(made.id), "id": "ch_jpy", "payment_intent": "pi_2", "currency": "jpy"}
    )
    assert [one.id for one in await bench.acquirer.listed(0, 2e9)] == [made.id]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "stripe.foreign_currency")
    ]


# -- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (Refused(400, "invalid_request_error", code="amount_too_small", param="amount"), Rejected),
        (Refused(400, "idempotency_error"), Rejected),
        (Refused(400, "invalid_request_error", code="rate_limit"), Unavailable),
        (Refused(401, "invalid_request_error"), Rejected),
        (Refused(402, "card_error", code="card_declined"), Rejected),  # and no payment: what is it about?
        (Refused(403, "invalid_request_error"), Rejected),
        (Refused(404, "invalid_request_error", code="resource_missing"), Rejected),
        (Refused(409, "idempotency_error", code="idempotency_key_in_use"), Unknown),
        (Refused(429, "invalid_request_error", code="lock_timeout"), Unavailable),
        (Refused(500, "api_error"), Unknown),
        (Refused(502, "api_error"), Unknown),
        (Refused(503, "api_error"), Unknown),
    ],
)
async def test_each_error_has_one_meaning_and_is_not_tried_again_here(
    bench: Bench, fake: FakeStripe, refusal: Refused, outcome: type[Exception]
) -> None:
    token = await fake.saved_card("4711", Saved.GOOD)
    fake.refusal = refusal
    with pytest.raises(outcome) as raised:
        await bench.acquirer.charge(an_order(), token, merchant=True, attempt=uuid4())
    assert type(raised.value) is outcome and len(fake.asked) == 1
    assert "req_1" in str(raised.value) and "scripted" not in str(raised.value)


async def test_nobody_listening_means_that_nothing_was_sent() -> None:
    stripe = Stripe(StripeAccount(KEY, SECRET, "http://127.0.0.1:1"))
    for call in (
        stripe.charge(an_order(), "cus_1:pm_1", merchant=True, attempt=uuid4()),
        stripe.checkout(an_order(), BACK, FAILED, save_card=False, attempt=uuid4()),
        stripe.find(uuid4()),
    ):
        with pytest.raises(Unavailable):
            await call
    await stripe.close()


async def test_an_answer_that_is_cut_in_its_body_is_unknown() -> None:
    # The library reads the body outside of what it catches: this guards that we catch it.
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id": "pi_1",')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    stripe = Stripe(StripeAccount(KEY, SECRET, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    with pytest.raises(Unknown):
        await stripe.charge(an_order(), "cus_1:pm_1", merchant=True, attempt=uuid4())
    await stripe.close()
    server.close()


async def test_an_answer_of_another_form_is_none(bench: Bench, fake: FakeStripe) -> None:
    made = await charged(bench, an_order())
    fake.charge_of(made.id)["amount"] = "many"
    with pytest.raises(Unavailable):
        await bench.acquirer.listed(0, 2e9)


async def test_an_acquirer_that_keeps_failing_is_left_alone(fake: FakeStripe) -> None:
    stripe = Stripe(StripeAccount(KEY, SECRET, fake.url), patience=Patience(failures=2))
    fake.script(*[Fault.DOWN_BEFORE] * 2)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await stripe.find(uuid4())
    assert len(fake.asked) == 2
    # Declines and refusals are answers: they leave nobody alone.
    other = Stripe(StripeAccount(KEY, SECRET, fake.url), patience=Patience(failures=2))
    token = await fake.saved_card("4711", Saved.POOR)
    for _ in range(5):
        await other.charge(an_order(), token, merchant=True, attempt=uuid4())
    for opened in (stripe, other):
        await opened.close()


async def test_a_live_key_makes_live_transactions(bench: Bench, fake: FakeStripe) -> None:
    made = await charged(bench, an_order())
    live = {**fake.charge_of(made.id), "livemode": True}
    (told,) = read(bench, fake.event("charge.succeeded", live))
    assert not told.transaction.test and made.test


def test_the_library_is_only_imported_by_who_uses_it() -> None:
    script = "import server.gateways.acquiring.stripe, sys; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


async def test_the_library_says_nothing_of_a_payer_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await charged(bench, an_order())
    assert not any("d@example.kz" in json.dumps(vars(record), default=str) for record in caplog.records)


def unopened() -> Stripe:
    """One for reading alone, without a connection."""
    stripe = Stripe.__new__(Stripe)
    import stripe as library

    stripe._lib, stripe._account = library, StripeAccount(KEY, SECRET)
    return stripe
