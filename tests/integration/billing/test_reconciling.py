"""The look at the acquirer's list: what was never told is applied, and every difference is named once."""

import pytest

from billing.acquiring import Kind, State, Unavailable
from billing.payments import InvoiceState
from dispatch.errors import Refusal
from server.paying.reconciling import LAG_S, OVERLAP_S
from storage.billing.verify import verify

from .conftest import PRICE, Till


async def looked(till: Till) -> list[str]:
    """A look a little later; the kinds of what differed."""
    await till.later(LAG_S + 1)
    await till.pool.execute("UPDATE reconciliations SET due_at = now()")
    found = await till.paying.reconciling.once(till.acquirer)
    assert found is not None
    return [each.kind for each in found]


async def test_two_sides_that_agree_have_no_difference(till: Till) -> None:
    """Control C50: the comparison with the acquirer's list is empty."""
    _, payment = await till.paid()
    await till.tell(Kind.REFUND, till.acquirer.give_back(payment, 500))
    await till.checkout()
    assert await looked(till) == []
    assert await looked(till) == []  # the overlap brings them once more
    (mark,) = await till.paying.reconciliations.marks()
    assert (mark.provider, mark.listed, mark.differences) == ("fake", 2, 0)


async def test_a_lost_notification_is_made_good_and_named(till: Till) -> None:
    invoice = await till.checkout()
    payment = till.acquirer.take(invoice)
    assert await looked(till) == ["missing_here"]
    assert await till.state(invoice) is InvoiceState.PAID
    assert till.access.paid_for == [invoice.id]
    assert till.alerts("difference") == 1
    (row,) = await till.paying.reconciliations.page(None, 10, only_open=False)
    assert (row.transaction, row.theirs, row.healed) == (payment.id, PRICE.minor, True)
    assert await till.paying.reconciliations.page(None, 10, only_open=True) == []
    assert await looked(till) == [] and till.alerts("difference") == 1
    # What comes a day late is no news.
    assert not (await till.tell(Kind.PAY, payment)).new
    till.acquirer.give_back(payment)
    assert await looked(till) == ["missing_here"]
    assert (await till.balances(), (await verify(till.pool)).faults) == ({}, [])


async def test_a_held_amount_that_was_taken_without_a_word_is_made_good(till: Till) -> None:
    invoice = await till.checkout()
    held = till.acquirer.take(invoice, state=State.HELD)
    await till.tell(Kind.PAY, held)
    assert await till.state(invoice) is InvoiceState.PENDING
    till.acquirer.take(invoice, id=held.id, at=held.at)
    assert await looked(till) == ["missing_here"]
    assert await till.state(invoice) is InvoiceState.PAID


async def test_a_decline_that_was_never_told_is_no_difference_and_is_learnt(till: Till) -> None:
    invoice = await till.checkout()
    till.acquirer.take(invoice, state=State.DECLINED)
    assert await looked(till) == []
    assert await till.state(invoice) is InvoiceState.FAILED


async def test_what_the_acquirer_does_not_list_is_named_unless_it_finds_it(till: Till) -> None:
    invoice, payment = await till.paid()
    _, late = await till.paid()
    await till.pool.execute("ALTER TABLE payment_inbox DISABLE TRIGGER append_only")
    await till.pool.execute("UPDATE payment_inbox SET happened_at = happened_at - interval '400 seconds'")
    await till.pool.execute("ALTER TABLE payment_inbox ENABLE TRIGGER append_only")
    till.acquirer.unlisted = {payment.id, late.id}
    del till.acquirer.transactions[payment.id]
    assert await looked(till) == ["missing_there"]
    (row,) = await till.paying.reconciliations.page(None, 10, only_open=True)
    assert (row.transaction, row.ours, row.theirs) == (payment.id, PRICE.minor, None)
    await till.paying.reconciliations.settle(till.staff[0], row.id, "отменено банком")
    assert await till.paying.reconciliations.count_open() == 0
    with pytest.raises(Refusal, match="not_found"):
        await till.paying.reconciliations.settle(till.staff[0], row.id, "ещё раз")
    assert await till.state(invoice) is InvoiceState.PAID


async def test_another_amount_is_named_by_its_transaction_and_by_the_sum_of_its_currency(till: Till) -> None:
    invoice, payment = await till.paid()
    till.acquirer.take(invoice, id=payment.id, money=PRICE - payment.money.share(1, 10), at=payment.at)
    assert await looked(till) == ["other_amount", "total"]
    rows = await till.paying.reconciliations.page(None, 10, only_open=True)
    assert {(row.kind, row.ours, row.theirs) for row in rows} == {
        ("other_amount", PRICE.minor, PRICE.minor * 9 // 10),
        ("total", PRICE.minor, PRICE.minor * 9 // 10),
    }


async def test_money_of_an_invoice_that_nobody_knows_is_booked_as_nobody_s_and_stays_open(till: Till) -> None:
    invoice = await till.checkout()
    till.acquirer.take(invoice, invoice="an order of another shop")
    assert await looked(till) == ["missing_here"]
    assert await till.balances() == {"acquirer:fake": PRICE.minor, "suspense": -PRICE.minor}
    assert await till.paying.reconciliations.count_open() == 1
    assert await looked(till) == []


async def test_an_acquirer_that_is_away_is_looked_at_again_from_where_it_was_left(till: Till) -> None:
    invoice = await till.checkout()
    till.acquirer.take(invoice)
    await till.later(LAG_S + 1)
    till.acquirer.misbehave = ["unavailable"]
    with pytest.raises(Unavailable):
        await till.paying.reconciling.once(till.acquirer)
    assert await till.paying.reconciling.once(till.acquirer) is None  # left alone for a while
    assert await looked(till) == ["missing_here"]


async def test_play_money_is_not_compared_where_only_real_money_counts(till: Till) -> None:
    till.paying.inbox.test_allowed = False
    invoice = await till.checkout()
    till.acquirer.take(invoice, test=True)
    assert await looked(till) == []
    assert till.access.paid_for == []


async def test_two_workers_do_not_look_at_once(till: Till) -> None:
    import asyncio

    looks = await asyncio.gather(*(till.paying.reconciling.once(till.acquirer) for _ in range(4)))
    assert [look for look in looks if look is not None] == [[]]
    assert OVERLAP_S > LAG_S
