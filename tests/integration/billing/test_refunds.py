"""Money goes back once, as much as was asked and agreed, whatever happens to the answers."""

import pytest

from billing.acquiring import Kind
from billing.money import Currency
from billing.payments import InvoiceState
from dispatch.errors import Refusal
from storage.billing.refunds import Refund, RefundStore

from .conftest import PRICE, Till


async def asked(till: Till, minor: int | None = None) -> tuple[Refund, object]:
    invoice, payment = await till.paid()
    refund = await till.paying.refunds.request(till.staff[0], invoice.id, minor, "переплата")
    return refund, payment


async def state(till: Till, refund: Refund) -> str:
    return (await till.paying.refunds.one(refund.id)).state


async def test_a_small_refund_goes_at_once_and_takes_its_part_of_access_back(till: Till) -> None:
    refund, _ = await asked(till, 50_000)
    assert refund.state == "approved"
    assert await till.paying.refunding.once() == 1
    assert await state(till, refund) == "done"
    assert till.access.taken_back == [(refund.invoice, 50_000)]
    assert await till.balances() == {
        "acquirer:fake": PRICE.minor - 50_000,
        "revenue:subscriptions": 50_000 - PRICE.minor,
    }
    listed = await till.paying.invoices.one(refund.invoice)
    assert listed.state is InvoiceState.PARTLY_REFUNDED
    # The notification of it is no second one.
    back = till.acquirer.transactions[(await till.paying.refunds.one(refund.id)).reference or ""]
    assert (await till.tell(Kind.REFUND, back)).booked == ()
    assert till.access.taken_back == [(refund.invoice, 50_000)]


async def test_above_the_limit_a_second_one_of_the_staff_agrees(till: Till) -> None:
    till.paying.refunds = RefundStore(till.pool, {currency: 100_000 for currency in Currency})
    refund, _ = await asked(till)
    first, second = till.staff
    assert refund.state == "requested"
    assert await till.paying.refunding.once() == 0
    with pytest.raises(Refusal, match="second_approver"):
        await till.paying.refunds.approve(first, refund.id)
    approved = await till.paying.refunds.approve(second, refund.id)
    assert (approved.state, approved.approved_by) == ("approved", second)
    with pytest.raises(Refusal, match="refund_closed"):
        await till.paying.refunds.approve(second, refund.id)
    await till.paying.refunding.once()
    assert await state(till, refund) == "done"
    acts = await till.pool.fetch("SELECT staff_id, action FROM staff_actions ORDER BY id")
    assert [tuple(row) for row in acts] == [(first, "refund.request"), (second, "refund.approve")]


async def test_one_that_was_turned_down_leaves_room_for_another(till: Till) -> None:
    till.paying.refunds = RefundStore(till.pool, {currency: 100_000 for currency in Currency})
    refund, _ = await asked(till)
    assert (
        await till.paying.refunds.turn_down(till.staff[1], refund.id, "уже пользуется")
    ).state == "turned_down"
    assert await till.paying.refunding.once() == 0
    again = await till.paying.refunds.request(till.staff[0], refund.invoice, None, "снова")
    assert again.money == PRICE
    rows = await till.paying.refunds.page(None, None, 1)
    assert rows == [again]
    assert [row.id for row in await till.paying.refunds.page(None, again.id, 5)] == [refund.id]
    assert [row.id for row in await till.paying.refunds.page("requested", None, 5)] == [again.id]


async def test_never_more_than_was_paid_is_asked_back(till: Till) -> None:
    refund, payment = await asked(till, 150_000)
    for minor in (PRICE.minor, 50_000, 0, -1):
        with pytest.raises(Refusal, match="refund_too_much"):
            await till.paying.refunds.request(till.staff[0], refund.invoice, minor, "ещё")
    await till.paying.refunding.once()
    await till.tell(Kind.REFUND, till.acquirer.give_back(payment, 40_000))  # type: ignore[arg-type]
    rest = await till.paying.refunds.request(till.staff[0], refund.invoice, None, "остаток")
    assert rest.money.minor == PRICE.minor - 150_000 - 40_000
    await till.paying.refunding.once()
    assert (await till.paying.invoices.one(refund.invoice)).state is InvoiceState.REFUNDED
    assert await till.balances() == {}
    with pytest.raises(Refusal, match="refund_too_much"):
        await till.paying.refunds.request(till.staff[0], refund.invoice, None, "ещё")


async def test_what_was_never_paid_is_not_given_back(till: Till) -> None:
    invoice = await till.checkout()
    with pytest.raises(Refusal, match="invoice_closed"):
        await till.paying.refunds.request(till.staff[0], invoice.id, None, "нет")


@pytest.mark.parametrize(
    "orders", [["lost_after"], ["lost_before"], ["unavailable"], ["lost_before", "", "lost_after"]]
)
async def test_an_answer_that_was_lost_does_not_give_money_back_twice(till: Till, orders: list[str]) -> None:
    refund, _ = await asked(till)
    till.acquirer.misbehave = orders
    for _ in range(4):
        await till.paying.refunding.once()
        await till.later(300)
    assert await state(till, refund) == "done"
    backs = [each for each in till.acquirer.transactions.values() if each.refunds]
    assert len(backs) == 1 and till.access.taken_back == [(refund.invoice, PRICE.minor)]
    assert {attempt for _, attempt in till.acquirer.asked if _ == "refund"} == {refund.id}


async def test_after_fifty_minutes_a_refund_is_only_looked_for_and_then_given_to_a_person(till: Till) -> None:
    refund, _ = await asked(till)
    till.acquirer.misbehave = ["lost_before"]
    await till.paying.refunding.once()
    await till.later(51 * 60)
    await till.paying.refunding.once()
    assert [what for what, _ in till.acquirer.asked].count("refund") == 1
    assert await state(till, refund) == "unknown"
    await till.later(24 * 3600)
    await till.paying.refunding.once()
    assert (await state(till, refund), till.alerts("refund_failed")) == ("failed", 1)


async def test_what_the_acquirer_refuses_is_a_person_s(till: Till) -> None:
    refund, _ = await asked(till)
    till.acquirer.misbehave = ["rejected"]
    await till.paying.refunding.once()
    assert (await state(till, refund), till.alerts("refund_failed")) == ("failed", 1)
    assert till.access.taken_back == []


async def test_a_second_payment_goes_back_by_itself_and_touches_no_access(till: Till) -> None:
    invoice, _ = await till.paid()
    second = till.acquirer.take(invoice)
    await till.tell(Kind.PAY, second)
    await till.tell(Kind.PAY, second, key="the same once more")
    assert await till.paying.refunding.once() == 1
    (refund,) = await till.paying.refunds.of_invoice(invoice.id)
    assert (refund.state, refund.requested_by) == ("done", None)
    assert await till.balances() == {"acquirer:fake": PRICE.minor, "revenue:subscriptions": -PRICE.minor}
    assert (till.access.paid_for, till.access.taken_back) == ([invoice.id], [])
    assert await till.state(invoice) is InvoiceState.PAID


async def test_a_second_payment_that_could_not_be_returned_is_tried_again_when_staff_say_so(
    till: Till,
) -> None:
    invoice, _ = await till.paid()
    await till.tell(Kind.PAY, till.acquirer.take(invoice))
    till.acquirer.misbehave = ["rejected"]
    await till.paying.refunding.once()
    (failed,) = await till.paying.refunds.of_invoice(invoice.id)
    assert failed.state == "failed"
    again = await till.paying.refunds.again(till.staff[0], failed.id, "терминал починили")
    with pytest.raises(Refusal, match="refund_closed"):
        await till.paying.refunds.again(till.staff[0], failed.id, "дважды")
    await till.paying.refunding.once()
    assert await state(till, again) == "done" and again.id != failed.id
    assert (await till.balances())["acquirer:fake"] == PRICE.minor


async def test_what_somebody_has_given_back_in_the_cabinet_is_not_given_back_again(till: Till) -> None:
    invoice, _ = await till.paid()
    second = till.acquirer.take(invoice)
    await till.tell(Kind.PAY, second)
    back = till.acquirer.give_back(second)
    await till.tell(Kind.REFUND, back)
    await till.paying.refunding.once()
    (refund,) = await till.paying.refunds.of_invoice(invoice.id)
    assert (refund.state, refund.reference) == ("done", back.id)
    assert [what for what, _ in till.acquirer.asked if what == "refund"] == []
    assert (await till.balances())["acquirer:fake"] == PRICE.minor


async def test_a_transfer_is_believed_by_finance_s_word_once_and_returned_by_it(till: Till) -> None:
    bill = till.bill(provider="transfer")
    invoice = await till.paying.invoices.add(_new(bill))
    first, second = till.staff
    for _ in range(2):
        await till.paying.transfers.received(first, invoice.id, "entry 17", "чек Kaspi")
    assert till.access.paid_for == [invoice.id]
    assert await till.balances() == {"bank:transfers": PRICE.minor, "revenue:subscriptions": -PRICE.minor}
    refund = await till.paying.refunds.request(first, invoice.id, None, "передумал")
    assert await till.paying.refunding.once() == 0  # no acquirer takes it
    done = await till.paying.transfers.returned(second, refund.id, "entry 18")
    assert (done.state, await till.balances()) == ("done", {})
    with pytest.raises(Refusal, match="refund_closed"):
        await till.paying.transfers.returned(second, refund.id, "entry 19")
    other, _ = await till.paid()
    with pytest.raises(Refusal, match="invoice_closed"):
        await till.paying.transfers.received(first, other.id, "entry 20", "чек")
    assert await till.pool.fetchval("SELECT count(*) FROM staff_actions") == 3


def _new(bill: object) -> object:
    from uuid import uuid4

    from server.paying.cashier import Bill
    from storage.billing.invoices import NewInvoice

    assert isinstance(bill, Bill)
    return NewInvoice(
        uuid4(), bill.user, bill.provider, bill.money, bill.lives_s, bill.purpose, bill.plan, bill.plan_version,
        bill.region, bill.period_s, bill.description, bill.lang,
    )  # fmt: skip
