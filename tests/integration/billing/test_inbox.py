"""What acquirers say, on a real database: one effect a fact, in whatever order, number and parallelism."""

import asyncio
import itertools
import random
from dataclasses import replace
from uuid import uuid4

import pytest

from billing.acquiring import Answer, Kind, Notification, State
from billing.ledger import Act
from billing.money import Currency
from billing.payments import InvoiceState, Verdict
from storage.billing.inbox import Receipt

from .acquirer import body_of, notice
from .conftest import PRICE, Till

SEED = 20_261_128


async def test_a_payment_is_booked_granted_and_told_once(till: Till) -> None:
    invoice = await till.checkout()
    assert await till.state(invoice) is InvoiceState.PENDING
    payment = till.acquirer.take(invoice)
    assert (await till.tell(Kind.CHECK, payment)).answer is Answer.ACCEPTED
    receipt = await till.tell(Kind.PAY, payment)
    assert (receipt.verdict, receipt.new) == (Verdict.APPLIED, True)
    assert [booking.act for booking in receipt.booked] == [Act.PAID, Act.GRANTED]
    again = await till.tell(Kind.PAY, payment)
    assert (again.answer, again.new, again.booked) == (receipt.answer, False, ())
    assert await till.state(invoice) is InvoiceState.PAID
    assert till.access.paid_for == [invoice.id]
    assert await till.balances() == {"acquirer:fake": PRICE.minor, "revenue:subscriptions": -PRICE.minor}


async def test_a_thousand_parallel_copies_of_one_pay_have_one_effect_and_every_reply_follows_the_commit(
    till: Till,
) -> None:
    """Control C46."""
    invoice = await till.checkout()
    payment = till.acquirer.take(invoice)

    async def copy() -> Receipt:
        receipt = await till.tell(Kind.PAY, payment)
        # What was answered is committed: another connection sees the books.
        assert await till.pool.fetchval("SELECT count(*) FROM ledger_transactions") == 2
        return receipt

    receipts = await asyncio.gather(*(copy() for _ in range(1000)))
    assert sum(receipt.new for receipt in receipts) == 1
    assert {receipt.answer for receipt in receipts} == {Answer.ACCEPTED}
    assert await till.pool.fetchval("SELECT count(*) FROM payment_inbox") == 1
    assert till.access.paid_for == [invoice.id]


@pytest.mark.parametrize("pay", [State.PAID, State.HELD])
async def test_sampled_sequences_of_the_seven_kinds_end_in_the_model_s_state(till: Till, pay: State) -> None:
    """Control C47 on PostgreSQL; tests/unit/billing/test_payments.py goes through all of them."""
    from tests.unit.billing.test_payments import expected

    chance = random.Random(SEED)
    sequences = [chance.choices(list(Kind), k=chance.randint(1, 6)) for _ in range(60)]
    back = 70_000
    kept = 0
    for sequence in sequences:
        invoice = await till.paying.cashier.bill(till.bill())
        payment = replace(till.acquirer.take(invoice), state=pay)
        refund = till.acquirer.give_back(payment, back)
        for kind in sequence:
            if kind is Kind.RECURRENT:
                told = Notification(kind, f"sc_{invoice.id}", None)
                await till.paying.inbox.receive("fake", told)
            else:
                await till.tell(kind, refund if kind is Kind.REFUND else payment)
        state, balances = expected(frozenset(sequence), pay, back)
        assert await till.state(invoice) is state, sequence
        kept += balances.get("acquirer:acq", 0)
    assert await till.balances() == {"acquirer:fake": kept, "revenue:subscriptions": -kept}


async def test_messages_of_one_invoice_in_parallel_end_where_they_end_one_by_one(till: Till) -> None:
    for _ in range(15):
        invoice = await till.paying.cashier.bill(till.bill())
        payment = till.acquirer.take(invoice)
        second = till.acquirer.take(invoice)
        part, rest = till.acquirer.give_back(payment, 1000), till.acquirer.give_back(second)
        told = [
            (Kind.CHECK, payment), (Kind.PAY, payment), (Kind.FAIL, payment), (Kind.PAY, second),
            (Kind.REFUND, part), (Kind.REFUND, rest), (Kind.PAY, payment), (Kind.REFUND, part),
        ]  # fmt: skip
        await asyncio.gather(*(till.tell(kind, transaction) for kind, transaction in told))
        balances = await till.balances()
        assert sum(balances.values()) == 0
        lines = await till.paying.ledger.lines(None, 100, invoice=invoice.id)
        taken = sum(
            posting.money.minor
            for line in lines
            for posting in line.booking.postings
            if posting.account == "acquirer:fake"
        )
        assert taken == PRICE.minor - 1000
        assert till.access.paid_for.count(invoice.id) == 1
        back = sum(minor for number, minor in till.access.taken_back if number == invoice.id)
        assert back in (1000, PRICE.minor)


@pytest.mark.parametrize(
    ("said", "verdict", "answer"),
    [
        ({"money": replace(PRICE, minor=1)}, Verdict.WRONG_AMOUNT, Answer.WRONG_AMOUNT),
        ({"money": replace(PRICE, currency=Currency.RUB)}, Verdict.WRONG_CURRENCY, Answer.WRONG_AMOUNT),
        ({"account": "999999"}, Verdict.WRONG_ACCOUNT, Answer.WRONG_ACCOUNT),
        ({"invoice": str(uuid4())}, Verdict.UNKNOWN_INVOICE, Answer.UNKNOWN_INVOICE),
        ({"invoice": "order 7"}, Verdict.UNKNOWN_INVOICE, Answer.UNKNOWN_INVOICE),
        ({"invoice": None}, Verdict.UNKNOWN_INVOICE, Answer.UNKNOWN_INVOICE),
    ],
)
async def test_what_does_not_fit_is_refused_stored_and_grants_nothing(
    till: Till, said: dict[str, object], verdict: Verdict, answer: Answer
) -> None:
    """Control C48."""
    invoice = await till.checkout()
    payment = till.acquirer.take(invoice, **said)
    assert (await till.tell(Kind.CHECK, payment)).answer is answer
    receipt = await till.tell(Kind.PAY, payment)
    assert (receipt.answer, receipt.verdict) == (Answer.ACCEPTED, verdict)
    assert await till.state(invoice) is InvoiceState.PENDING
    assert till.access.paid_for == []
    alerts = await till.paying.notices.page(None, 10, alerts=True)
    assert [(row.kind, row.verdict) for row in alerts] == [("pay", verdict), ("check", verdict)]
    minor = payment.money.minor
    assert await till.balances() == {"acquirer:fake": minor, "suspense": -minor}
    await till.tell(Kind.REFUND, till.acquirer.give_back(payment))
    assert await till.balances() == {}


async def test_play_money_counts_only_where_it_is_allowed(till: Till) -> None:
    till.paying.inbox.test_allowed = False
    invoice = await till.checkout()
    payment = till.acquirer.take(invoice, test=True)
    assert (await till.tell(Kind.CHECK, payment)).answer is Answer.NOT_NOW
    assert (await till.tell(Kind.PAY, payment)).verdict is Verdict.TEST
    assert (await till.balances(), till.access.paid_for) == ({}, [])


async def test_a_refund_that_names_no_invoice_finds_its_payment_before_and_after_it(till: Till) -> None:
    for order in itertools.permutations((Kind.PAY, Kind.REFUND)):
        invoice = await till.checkout()
        payment = till.acquirer.take(invoice)
        refund = replace(till.acquirer.give_back(payment), invoice=None, account=None)
        for kind in order:
            await till.tell(kind, payment if kind is Kind.PAY else refund)
        assert (await till.balances(), till.access.taken_back[-1]) == ({}, (invoice.id, PRICE.minor))


async def test_a_payment_belongs_to_the_invoice_that_it_named_first(till: Till) -> None:
    first, second = await till.checkout(), await till.checkout()
    payment = till.acquirer.take(first)
    await till.tell(Kind.PAY, payment)
    receipt = await till.tell(Kind.CONFIRM, replace(payment, invoice=str(second.id)))
    assert receipt.verdict is Verdict.UNKNOWN_INVOICE
    assert till.access.paid_for == [first.id]
    assert await till.state(second) is InvoiceState.PENDING


async def test_a_second_payment_is_owed_back_and_queued_for_return(till: Till) -> None:
    invoice, _ = await till.paid()
    second = till.acquirer.take(invoice)
    receipt = await till.tell(Kind.PAY, second)
    assert [booking.act for booking in receipt.booked] == [Act.DOUBLE_RECEIVED]
    assert till.access.paid_for == [invoice.id]
    (refund,) = await till.paying.refunds.of_invoice(invoice.id)
    assert (refund.cause, refund.state, refund.payment) == ("double", "approved", second.id)
    assert (await till.balances())[f"user:{till.user}"] == -PRICE.minor


async def test_money_that_comes_after_the_invoice_has_run_out_counts(till: Till) -> None:
    invoice = await till.checkout()
    await till.later(7200)
    await till.paying.invoices.expire()
    assert await till.state(invoice) is InvoiceState.EXPIRED
    payment = till.acquirer.take(invoice)
    assert (await till.tell(Kind.CHECK, payment)).answer is Answer.EXPIRED
    await till.tell(Kind.PAY, payment)
    assert await till.state(invoice) is InvoiceState.PAID


async def test_a_consequence_that_fails_leaves_nothing_behind_and_the_next_delivery_does_all_of_it(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = await till.checkout()
    payment = till.acquirer.take(invoice)
    with monkeypatch.context() as patch:

        async def breaks(*_: object) -> None:
            raise RuntimeError("a bug")

        patch.setattr(till.access, "paid", breaks)
        with pytest.raises(RuntimeError):
            await till.tell(Kind.PAY, payment)
    assert await till.pool.fetchval("SELECT count(*) FROM payment_inbox") == 0
    assert await till.balances() == {}
    assert (await till.tell(Kind.PAY, payment)).new
    assert till.access.paid_for == [invoice.id]


async def test_a_card_is_kept_only_when_its_owner_agreed_and_its_token_is_sealed(till: Till) -> None:
    await till.paid()
    assert await till.paying.cards.of_user(till.user) == []
    await till.paid(save_card=True)
    await till.paid(save_card=True)
    (card,) = await till.paying.cards.of_user(till.user)
    assert till.access.cards == [None, card.id, card.id]
    assert (card.last_four, card.brand, card.expires) == ("4242", "Visa", "12/30")
    assert await till.paying.cards.opened(card.id) == (card, "tok_9f8a7b")
    assert b"tok_9f8a7b" not in await till.pool.fetchval("SELECT token FROM saved_cards")
    await till.paying.cards.remove(till.user, card.id)
    assert await till.paying.cards.of_user(till.user) == []
    assert await till.pool.fetchval("SELECT token FROM saved_cards") == b""


async def test_a_body_is_read_again_as_it_came_and_lies_sealed(till: Till) -> None:
    invoice = await till.checkout()
    payment = till.acquirer.take(invoice)
    await till.tell(Kind.PAY, payment)
    (row,) = await till.paying.notices.page(None, 10)
    assert (await till.paying.notices.body(row.id)).raw == body_of(notice(Kind.PAY, payment))
    raw = await till.pool.fetchval("SELECT raw FROM payment_inbox")
    assert b"tok_9f8a7b" not in raw and payment.id.encode() not in raw
