"""What every acquirer's adapter owes, whichever company it speaks to: cases over one adapter and its local fake.

A `Bench` is an adapter with the fake behind it. `CALM` needs nothing but a working acquirer; `FAULTY` needs a fake
that can be told what goes wrong with its next answer. `test_acquirers.py` runs them for each bench.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol
from uuid import UUID, uuid4

import pytest

from billing.acquiring import (
    Acquirer,
    Advice,
    Answer,
    Forged,
    Kind,
    Malformed,
    Notification,
    Order,
    Redirect,
    Rejected,
    State,
    Unavailable,
    Unknown,
)
from billing.money import Currency, Money

BACK, FAILED = "https://desk.example/#/paid", "https://desk.example/#/not-paid"


class Fault(StrEnum):
    """What becomes of the next request to a fake. BEFORE: it does nothing; AFTER: it does it, and then..."""

    TOO_MANY = "429"
    DENIED = "401"
    DOWN_BEFORE = "503 before"
    CUT_BEFORE = "cut before"
    DOWN_AFTER = "500 after"
    CUT_AFTER = "cut after"
    HANG_AFTER = "no answer"
    GARBAGE_AFTER = "no JSON"


class Saved(StrEnum):
    """What a saved card is like when it is charged."""

    GOOD = "good"
    POOR = "no money"
    STOLEN = "stolen"


@dataclass(frozen=True)
class Signed:
    """A notification as an acquirer posts it to `/hooks/acquirers/{name}/{kind}`; header names in lower case."""

    kind: str
    headers: Mapping[str, str]
    raw: bytes


class Fake(Protocol):
    """A local acquirer that speaks the vendor's wire and remembers what it was asked."""

    def script(self, *faults: Fault) -> None:
        """What becomes of the next requests, in order."""

    async def saved_card(self, account: str, like: Saved) -> str:
        """A card that this payer has saved; its token."""

    async def pay(self, redirect: Redirect) -> Sequence[Signed]:
        """The payer pays on the page; what the acquirer posts to us, oldest first."""

    async def told(self, kind: Kind, transaction: str) -> Signed:
        """A notification of this kind about a transaction that the fake knows."""

    def forged(self, signed: Signed) -> Signed:
        """The same, signed with a key that is not the acquirer's."""

    def garbled(self, signed: Signed) -> Signed:
        """Signed by the acquirer, and nonsense."""

    async def taken(self, invoice: UUID) -> Sequence[Money]:
        """Payments that the fake has taken for an invoice."""

    async def given_back(self, invoice: UUID) -> Sequence[Money]:
        """Refunds that it has made for an invoice."""


@dataclass(frozen=True)
class Bench:
    """An adapter and what stands behind it."""

    acquirer: Acquirer
    fake: Fake


Case = Callable[[Bench], Awaitable[None]]
CALM: list[Case] = []
FAULTY: list[Case] = []


def calm(case: Case) -> Case:
    """A case for every acquirer."""
    CALM.append(case)
    return case


def faulty(case: Case) -> Case:
    """A case for fakes that can fail."""
    FAULTY.append(case)
    return case


def an_order(account: str = "4711", minor: int = 1_990_00, currency: Currency = Currency.KZT) -> Order:
    """A month of a driver's plan."""
    return Order(uuid4(), account, Money(minor, currency), "Водитель, 1 месяц", "ru", email="d@example.kz")


def of_kind(bench: Bench, sent: Sequence[Signed], kind: Kind) -> list[Notification]:
    """The notifications of this kind among what was posted."""
    said = [one for signed in sent for one in bench.acquirer.read(signed.kind, signed.headers, signed.raw)]
    return [one for one in said if one.kind is kind]


async def charged(bench: Bench, order: Order, like: Saved = Saved.GOOD) -> str:
    """A payment by a saved card; its id."""
    token = await bench.fake.saved_card(order.account, like)
    return (await bench.acquirer.charge(order, token, merchant=True, attempt=uuid4())).id


# -- what works ------------------------------------------------------------------------------------------------


@calm
async def a_page_that_is_paid_is_told_with_invoice_account_amount_and_a_card_that_can_be_charged(
    bench: Bench,
) -> None:
    order = an_order()
    page = await bench.acquirer.checkout(order, BACK, FAILED, save_card=True, attempt=uuid4())
    assert page.url.startswith("http") and page.reference
    (paid,) = of_kind(bench, await bench.fake.pay(page), Kind.PAY)
    made = paid.transaction
    assert made is not None and made.state is State.PAID and made.money == order.money
    assert (made.invoice, made.account) == (str(order.invoice), order.account)
    assert abs(made.at - time.time()) < 60
    assert made.card is not None and len(made.card.last_four) == 4
    again = replace(order, invoice=uuid4())
    renewed = await bench.acquirer.charge(again, made.card.token, merchant=True, attempt=uuid4())
    assert renewed.state is State.PAID and renewed.money == order.money
    assert await bench.fake.taken(again.invoice) == [order.money]


@calm
async def a_page_that_is_asked_for_twice_in_one_attempt_is_one_page(bench: Bench) -> None:
    order, attempt = an_order(), uuid4()
    first = await bench.acquirer.checkout(order, BACK, FAILED, save_card=False, attempt=attempt)
    assert await bench.acquirer.checkout(order, BACK, FAILED, save_card=False, attempt=attempt) == first


@calm
async def a_saved_card_is_charged_once_an_attempt_and_once_more_in_another(bench: Bench) -> None:
    order, attempt = an_order(), uuid4()
    token = await bench.fake.saved_card(order.account, Saved.GOOD)
    for merchant in (True, True):
        made = await bench.acquirer.charge(order, token, merchant=merchant, attempt=attempt)
        assert made.state is State.PAID and made.money == order.money
    assert await bench.fake.taken(order.invoice) == [order.money]
    second = await bench.acquirer.charge(order, token, merchant=False, attempt=uuid4())
    assert second.id != made.id
    assert await bench.fake.taken(order.invoice) == [order.money, order.money]


@calm
async def a_card_without_money_is_declined_and_may_be_tried_later(bench: Bench) -> None:
    order = an_order()
    token = await bench.fake.saved_card(order.account, Saved.POOR)
    made = await bench.acquirer.charge(order, token, merchant=True, attempt=uuid4())
    assert made.state is State.DECLINED and made.advice is Advice.LATER and made.reason
    assert await bench.fake.taken(order.invoice) == []


@calm
async def a_stolen_card_is_declined_for_ever(bench: Bench) -> None:
    order = an_order()
    token = await bench.fake.saved_card(order.account, Saved.STOLEN)
    made = await bench.acquirer.charge(order, token, merchant=True, attempt=uuid4())
    assert made.state is State.DECLINED and made.advice is Advice.NEVER


@calm
async def a_payment_is_given_back_in_parts_and_never_more_than_it_was(bench: Bench) -> None:
    order, attempt = an_order(), uuid4()
    payment = await charged(bench, order)
    part = Money(500_00, Currency.KZT)
    for _ in range(2):
        back = await bench.acquirer.refund(payment, part, attempt=attempt)
        assert (back.state, back.money, back.refunds) == (State.REFUNDED, part, payment)
    assert await bench.fake.given_back(order.invoice) == [part]
    rest = order.money - part
    await bench.acquirer.refund(payment, rest, attempt=uuid4())
    with pytest.raises(Rejected):
        await bench.acquirer.refund(payment, part, attempt=uuid4())
    assert await bench.fake.given_back(order.invoice) == [part, rest]


@calm
async def an_invoice_is_found_with_its_payment_and_an_unknown_one_is_not(bench: Bench) -> None:
    order = an_order()
    assert list(await bench.acquirer.find(order.invoice)) == []
    payment = await charged(bench, order)
    (found,) = await bench.acquirer.find(order.invoice)
    assert (found.id, found.state, found.money) == (payment, State.PAID, order.money)
    assert (found.invoice, found.account) == (str(order.invoice), order.account)


@calm
async def an_invoice_that_was_given_back_is_found_with_both(bench: Bench) -> None:
    order = an_order()
    payment = await charged(bench, order)
    back = await bench.acquirer.refund(payment, order.money, attempt=uuid4())
    found = await bench.acquirer.find(order.invoice)
    assert [(one.id, one.state) for one in found] == [(payment, State.PAID), (back.id, State.REFUNDED)]
    assert found[1].refunds == payment


@calm
async def a_list_has_what_happened_within_its_bounds_and_nothing_else(bench: Bench) -> None:
    began = time.time()
    ids = [await charged(bench, an_order()) for _ in range(3)]
    listed = await bench.acquirer.listed(began - 60, time.time() + 60)
    assert [one.id for one in listed if one.id in ids] == ids
    assert list(await bench.acquirer.listed(began - 7_200, began - 3_600)) == []


@calm
async def what_is_told_twice_has_the_same_key_and_two_payments_have_two(bench: Bench) -> None:
    keys = []
    for payment in [await charged(bench, an_order()) for _ in range(2)]:
        signed = await bench.fake.told(Kind.PAY, payment)
        (first,) = of_kind(bench, [signed], Kind.PAY)
        (second,) = of_kind(bench, [signed], Kind.PAY)
        assert first == second
        keys.append(first.key)
    assert keys[0] != keys[1]


@calm
async def a_refund_is_told_with_the_payment_that_it_gives_back(bench: Bench) -> None:
    order = an_order()
    payment = await charged(bench, order)
    back = await bench.acquirer.refund(payment, order.money, attempt=uuid4())
    (told,) = of_kind(bench, [await bench.fake.told(Kind.REFUND, back.id)], Kind.REFUND)
    assert told.transaction is not None and told.transaction.refunds == payment
    assert told.transaction.state is State.REFUNDED and told.transaction.money.minor == order.money.minor


@calm
async def a_decline_is_told_with_its_advice(bench: Bench) -> None:
    declined = await charged(bench, an_order(), Saved.POOR)
    (told,) = of_kind(bench, [await bench.fake.told(Kind.FAIL, declined)], Kind.FAIL)
    assert told.transaction is not None and told.transaction.advice is Advice.LATER


@calm
async def what_another_has_signed_is_forged_and_what_is_signed_nonsense_is_malformed(bench: Bench) -> None:
    signed = await bench.fake.told(Kind.PAY, await charged(bench, an_order()))
    with pytest.raises(Forged):
        bench.acquirer.read(signed.kind, {}, signed.raw)
    bad = bench.fake.forged(signed)
    with pytest.raises(Forged):
        bench.acquirer.read(bad.kind, bad.headers, bad.raw)
    with pytest.raises(Forged):
        bench.acquirer.read(signed.kind, signed.headers, signed.raw + b" ")
    nonsense = bench.fake.garbled(signed)
    with pytest.raises(Malformed):
        bench.acquirer.read(nonsense.kind, nonsense.headers, nonsense.raw)


@calm
async def whatever_is_answered_is_a_body_with_a_status(bench: Bench) -> None:
    for answer in Answer:
        status, kind, _ = bench.acquirer.reply(answer)
        assert 200 <= status < 500 and "/" in kind


@calm
async def amounts_are_exact_to_the_last_minor_unit(bench: Bench) -> None:
    for minor in (1, 10, 29, 1_00, 1_15, 1_990_07, 99_999_999_99):
        order = an_order(minor=minor)
        await charged(bench, order)
        assert await bench.fake.taken(order.invoice) == [order.money]
        (found,) = await bench.acquirer.find(order.invoice)
        assert found.money == order.money


# -- what fails ------------------------------------------------------------------------------------------------


@faulty
async def too_many_at_once_means_that_nothing_was_charged(bench: Bench) -> None:
    order = an_order()
    token = await bench.fake.saved_card(order.account, Saved.GOOD)
    bench.fake.script(*[Fault.TOO_MANY] * 9)  # more than any client tries again by itself
    with pytest.raises(Unavailable):
        await bench.acquirer.charge(order, token, merchant=True, attempt=uuid4())
    bench.fake.script()
    assert await bench.fake.taken(order.invoice) == []


@faulty
async def a_key_that_is_refused_is_our_mistake_and_no_outage(bench: Bench) -> None:
    order = an_order()
    token = await bench.fake.saved_card(order.account, Saved.GOOD)
    for call in (
        lambda: bench.acquirer.checkout(order, BACK, FAILED, save_card=False, attempt=uuid4()),
        lambda: bench.acquirer.charge(order, token, merchant=True, attempt=uuid4()),
        lambda: bench.acquirer.find(order.invoice),
    ):
        bench.fake.script(Fault.DENIED)
        with pytest.raises(Rejected):
            await call()


@faulty
async def a_charge_whose_answer_is_lost_is_found_and_never_made_twice(bench: Bench) -> None:
    for fault in (Fault.CUT_AFTER, Fault.HANG_AFTER, Fault.GARBAGE_AFTER, Fault.DOWN_AFTER):
        order, attempt = an_order(), uuid4()
        token = await bench.fake.saved_card(order.account, Saved.GOOD)
        bench.fake.script(fault)
        try:
            made = await bench.acquirer.charge(order, token, merchant=True, attempt=attempt)
        except Unknown:
            (made,) = await bench.acquirer.find(order.invoice)
        assert made.state is State.PAID
        again = await bench.acquirer.charge(order, token, merchant=True, attempt=attempt)
        assert again.id == made.id
        assert await bench.fake.taken(order.invoice) == [order.money]


@faulty
async def a_charge_that_may_have_arrived_is_never_called_unavailable(bench: Bench) -> None:
    for fault in (Fault.CUT_BEFORE, Fault.DOWN_BEFORE, Fault.CUT_AFTER, Fault.DOWN_AFTER, Fault.HANG_AFTER):
        order, attempt = an_order(), uuid4()
        token = await bench.fake.saved_card(order.account, Saved.GOOD)
        bench.fake.script(fault)
        try:
            await bench.acquirer.charge(order, token, merchant=True, attempt=attempt)
        except Unknown:
            await bench.acquirer.charge(order, token, merchant=True, attempt=attempt)
        assert await bench.fake.taken(order.invoice) == [order.money]


@faulty
async def a_refund_whose_answer_is_lost_is_never_made_twice(bench: Bench) -> None:
    order, attempt = an_order(), uuid4()
    payment = await charged(bench, order)
    bench.fake.script(Fault.CUT_AFTER)
    try:
        await bench.acquirer.refund(payment, order.money, attempt=attempt)
    except Unknown:
        await bench.acquirer.refund(payment, order.money, attempt=attempt)
    assert await bench.fake.given_back(order.invoice) == [order.money]


@faulty
async def a_page_whose_answer_is_lost_may_be_asked_for_again(bench: Bench) -> None:
    for fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.DOWN_AFTER, Fault.GARBAGE_AFTER, Fault.HANG_AFTER):
        order, attempt = an_order(), uuid4()
        bench.fake.script(fault)
        try:
            page = await bench.acquirer.checkout(order, BACK, FAILED, save_card=False, attempt=attempt)
        except (Unavailable, Unknown):
            page = await bench.acquirer.checkout(order, BACK, FAILED, save_card=False, attempt=attempt)
        assert of_kind(bench, await bench.fake.pay(page), Kind.PAY)
        assert await bench.fake.taken(order.invoice) == [order.money]


@faulty
async def looking_up_during_an_outage_says_so_and_invents_no_answer(bench: Bench) -> None:
    order = an_order()
    await charged(bench, order)
    for fault in (Fault.CUT_BEFORE, Fault.DOWN_BEFORE, Fault.GARBAGE_AFTER, Fault.TOO_MANY):
        bench.fake.script(*[fault] * 9)
        with pytest.raises((Unavailable, Unknown)):
            await bench.acquirer.find(order.invoice)
        bench.fake.script(*[fault] * 9)
        with pytest.raises((Unavailable, Unknown)):
            await bench.acquirer.listed(time.time() - 60, time.time() + 60)
    bench.fake.script()
    assert len(await bench.acquirer.find(order.invoice)) == 1
