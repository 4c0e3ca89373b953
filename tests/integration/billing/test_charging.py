"""Control C49: between our request and its answer nobody is charged twice, and nothing is guessed."""

import asyncio

import pytest

from billing.acquiring import Advice, Kind
from billing.payments import AttemptState, InvoiceState
from dispatch.errors import Refusal
from server.paying import cashier
from storage.unit import unit

from .conftest import PRICE, Till


async def attempts(till: Till, invoice: object) -> list[AttemptState]:
    return [row.state for row in await till.paying.attempts.of_invoice(invoice.id)]  # type: ignore[attr-defined]


async def test_a_charge_of_a_saved_card_is_paid_at_once_and_its_notification_changes_nothing(
    till: Till,
) -> None:
    invoice, card = await till.with_card()
    charged = await till.charge(invoice, card)
    assert charged.state is AttemptState.DONE
    assert await till.state(invoice) is InvoiceState.PAID
    (payment,) = till.acquirer.transactions.values()
    assert not (await till.tell(Kind.PAY, payment)).new
    assert (till.access.paid_for, till.access.cards, till.access.ended) == ([invoice.id], [card], [])
    assert till.acquirer.asked == [("charge", charged.attempt)]


async def test_a_declined_card_says_why_and_what_to_do(till: Till) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["declined"]
    charged = await till.charge(invoice, card)
    assert (charged.state, charged.reason, charged.advice) == (AttemptState.DECLINED, "5051", "later")
    assert till.access.ended == [(invoice.id, AttemptState.DECLINED, Advice.LATER)]
    assert await till.state(invoice) is InvoiceState.FAILED
    assert (await till.charge(invoice, card)).state is AttemptState.DONE
    assert await till.state(invoice) is InvoiceState.PAID


@pytest.mark.parametrize("order", ["unavailable", "rejected"])
async def test_what_was_surely_not_taken_may_be_tried_again_at_once(till: Till, order: str) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = [order]
    charged = await till.charge(invoice, card)
    assert charged.state.value == order
    assert till.access.ended == [(invoice.id, charged.state, None)]
    assert till.alerts("rejected") == (order == "rejected")
    assert await till.state(invoice) is InvoiceState.CREATED
    assert (await till.charge(invoice, card)).state is AttemptState.DONE


async def test_an_answer_that_was_cut_is_looked_for_and_found_and_nothing_is_sent_again(till: Till) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["lost_after"]
    assert (await till.charge(invoice, card)).state is AttemptState.UNKNOWN
    listed = await till.paying.invoices.one(invoice.id)
    assert (listed.state, till.access.paid_for) == (InvoiceState.PENDING, [])
    with pytest.raises(Refusal) as refused:
        await till.charge(invoice, card)
    assert refused.value.code == "payment_under_way"
    await till.later(10)
    assert await till.paying.lookups.once() == 1
    assert await attempts(till, invoice) == [AttemptState.DONE]
    assert till.access.paid_for == [invoice.id]
    assert len(till.acquirer.asked) == len(till.acquirer.transactions) == 1


async def test_a_request_that_never_arrived_is_sent_again_under_the_same_id(till: Till) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["lost_before"]
    charged = await till.charge(invoice, card)
    await till.later(10)
    await till.paying.lookups.once()
    assert till.acquirer.asked == [("charge", charged.attempt)] * 2
    assert await attempts(till, invoice) == [AttemptState.DONE]
    assert len(till.acquirer.transactions) == 1


async def test_a_request_is_sent_again_under_its_id_even_when_the_answer_is_lost_each_time(
    till: Till,
) -> None:
    invoice, card = await till.with_card()
    # Arrives at the third time; the look-ups in between find nothing, or do not get through.
    till.acquirer.misbehave = ["lost_before", "", "lost_before", "lost_before", "", "lost_after"]
    charged = await till.charge(invoice, card)
    for _ in range(4):
        await till.later(600)
        await till.paying.lookups.once()
    assert await attempts(till, invoice) == [AttemptState.DONE]
    assert {attempt for _, attempt in till.acquirer.asked} == {charged.attempt}
    assert len(till.acquirer.transactions) == 1
    assert till.access.paid_for == [invoice.id]


async def test_after_fifty_minutes_it_is_only_looked_for_and_after_a_day_given_up_with_an_alert(
    till: Till,
) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["lost_before"]
    await till.charge(invoice, card)
    await till.later(51 * 60)
    await till.paying.lookups.once()
    assert len(till.acquirer.asked) == 1
    assert await attempts(till, invoice) == [AttemptState.UNKNOWN]
    assert await till.state(invoice) is InvoiceState.PENDING  # also when its time is over
    await till.later(24 * 3600)
    await till.paying.lookups.once()
    assert len(till.acquirer.asked) == 1
    assert await attempts(till, invoice) == [AttemptState.UNAVAILABLE]
    assert till.access.ended == [(invoice.id, AttemptState.UNAVAILABLE, None)]
    assert till.alerts("given_up") == 1


async def test_a_charge_that_the_bank_is_at_is_waited_for_and_never_sent_again(till: Till) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["pending"]
    assert (await till.charge(invoice, card)).state is AttemptState.UNKNOWN
    await till.later(10)
    await till.paying.lookups.once()
    assert len(till.acquirer.asked) == 1 and await attempts(till, invoice) == [AttemptState.UNKNOWN]
    (waiting,) = till.acquirer.transactions.values()
    paid = till.acquirer.take(invoice, id=waiting.id, at=waiting.at)
    await till.later(60)
    await till.paying.lookups.once()
    assert await attempts(till, invoice) == [AttemptState.DONE]
    assert till.access.paid_for == [invoice.id] and paid.id == waiting.id


async def test_an_acquirer_that_hangs_is_an_answer_that_was_lost(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cashier, "CALL_S", 0.05)
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["hang"]
    assert (await till.charge(invoice, card)).state is AttemptState.UNKNOWN
    await till.later(10)
    await till.paying.lookups.once()
    assert await attempts(till, invoice) == [AttemptState.DONE]


async def test_a_worker_that_dies_between_row_and_answer_leaves_an_attempt_that_another_one_finds(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["hang"]
    charging = asyncio.create_task(till.charge(invoice, card))
    while not till.acquirer.transactions:  # noqa: ASYNC110 - the fake has no event
        await asyncio.sleep(0.01)
    charging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await charging
    assert await attempts(till, invoice) == [AttemptState.STARTED]
    assert await till.paying.lookups.once() == 0  # its worker may still be at it
    await till.later(130)
    assert await till.paying.lookups.once() == 1
    assert await attempts(till, invoice) == [AttemptState.DONE]
    assert till.access.paid_for == [invoice.id]


async def test_two_workers_never_look_for_the_same_attempt_at_once(till: Till) -> None:
    for _ in range(6):
        invoice, card = await till.with_card()
        till.acquirer.misbehave = ["lost_before"]
        await till.charge(invoice, card)
    await till.later(10)
    looked = await asyncio.gather(*(till.paying.lookups.once() for _ in range(4)))
    assert sum(looked) == 6
    assert len(till.acquirer.transactions) == len(till.access.paid_for) == 6


async def test_the_notification_of_a_charge_whose_answer_was_lost_pays_it(till: Till) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["lost_after"]
    await till.charge(invoice, card)
    (payment,) = till.acquirer.transactions.values()
    await till.tell(Kind.PAY, payment)
    assert await till.state(invoice) is InvoiceState.PAID
    await till.later(10)
    await till.paying.lookups.once()
    assert await attempts(till, invoice) == [AttemptState.DONE]
    assert till.access.paid_for == [invoice.id]


async def test_a_card_that_is_not_the_payer_s_or_was_removed_is_not_charged(till: Till) -> None:
    invoice, card = await till.with_card()
    theirs = await till.paying.cashier.bill(till.bill(user=till.staff[0]))
    with pytest.raises(Refusal, match="not_found"):
        await till.charge(theirs, card)
    await till.paying.cards.remove(till.user, card)
    with pytest.raises(Refusal, match="not_found"):
        await till.charge(invoice, card)
    assert till.acquirer.asked == []


async def test_a_card_removed_meanwhile_is_looked_for_and_not_sent_again(till: Till) -> None:
    invoice, card = await till.with_card()
    till.acquirer.misbehave = ["lost_before"]
    await till.charge(invoice, card)
    await till.paying.cards.remove(till.user, card)
    await till.later(10)
    await till.paying.lookups.once()
    assert len(till.acquirer.asked) == 1 and await attempts(till, invoice) == [AttemptState.UNKNOWN]


@pytest.mark.parametrize("order", ["unavailable", "lost_before", "lost_after", "rejected"])
async def test_a_checkout_with_the_acquirer_away_is_refused_nothing_charged_nothing_lost(
    till: Till, order: str
) -> None:
    till.acquirer.misbehave = [order]
    with pytest.raises(Refusal, match="payment_unavailable"):
        await till.checkout()
    (listed,) = await till.paying.invoices.of_user(till.user, None, 10)
    assert listed.state is InvoiceState.CREATED
    (attempt,) = await till.paying.attempts.of_invoice(listed.invoice.id)
    assert attempt.state is (AttemptState.REJECTED if order == "rejected" else AttemptState.UNAVAILABLE)
    assert till.acquirer.transactions == {} and await till.balances() == {}
    assert await till.state(await till.checkout()) is InvoiceState.PENDING


async def test_a_checkout_asks_for_what_the_acquirer_takes_and_never_inside_a_transaction(till: Till) -> None:
    from billing.money import Currency, Money

    for provider, currency, code in (
        ("nobody", Currency.KZT, "payment_unavailable"),
        ("fake", Currency.USD, "currency_refused"),
    ):
        with pytest.raises(Refusal, match=code):
            await till.checkout(provider=provider, money=Money(1, currency))
    with pytest.raises(RuntimeError):
        async with unit(till.pool):
            await till.checkout()
    assert await till.paying.invoices.of_user(till.user, None, 10) == []


async def test_a_payer_who_is_back_before_the_notification_is_believed_by_the_acquirer_s_word_only(
    till: Till,
) -> None:
    invoice = await till.checkout()
    await till.paying.cashier.look(invoice.id)
    assert await till.state(invoice) is InvoiceState.PENDING
    payment = till.acquirer.take(invoice)
    await till.paying.cashier.look(invoice.id)
    assert await till.state(invoice) is InvoiceState.PAID
    assert not (await till.tell(Kind.PAY, payment)).new
    assert till.access.paid_for == [invoice.id]


async def test_a_paid_invoice_and_one_whose_time_is_over_take_no_attempt(till: Till) -> None:
    invoice, card = await till.with_card()
    await till.charge(invoice, card)
    over, _ = await till.with_card()
    await till.later(7200)
    for closed in (invoice, over):
        with pytest.raises(Refusal, match="invoice_closed"):
            await till.charge(closed, card)
    assert (await till.balances())["acquirer:fake"] == PRICE.minor


async def test_pages_of_invoices_go_on_behind_the_last_one(till: Till) -> None:
    made = [await till.paying.cashier.bill(till.bill()) for _ in range(5)]
    first = await till.paying.invoices.of_user(till.user, None, 3)
    rest = await till.paying.invoices.of_user(till.user, first[-1].invoice.id, 3)
    assert [each.invoice.id for each in first + rest] == [each.id for each in reversed(made)]
