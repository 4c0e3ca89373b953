"""Every booking comes to zero, and says of money what finance expects."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import ledger
from billing.ledger import Act, Booking, Posting, balanced, sums
from billing.money import Currency, Money

INVOICE = UUID(int=1)
MONEY = st.builds(Money, st.integers(1, 10**12), st.sampled_from(Currency))


def all_of(money: Money) -> list[Booking]:
    return [
        ledger.paid("acq", "t1", 7, money, INVOICE),
        ledger.granted(7, money, INVOICE),
        ledger.refunded("acq", "r1", 7, money, INVOICE),
        ledger.double_received("acq", "t2", 7, money, INVOICE),
        ledger.double_returned("acq", "r2", 7, money, INVOICE),
        ledger.stray_received("acq", "t3", money),
        ledger.stray_returned("acq", "r3", money),
        ledger.fee("acq", "2026-11-28 line 4", money),
    ]


@given(MONEY)
def test_each_kind_of_booking_balances_and_has_a_key_of_its_own(money: Money) -> None:
    bookings = all_of(money)
    assert {booking.act for booking in bookings} == set(Act)
    assert len({booking.key for booking in bookings}) == len(bookings)
    assert all(balanced(booking.postings) for booking in bookings)


@given(st.lists(MONEY, max_size=20))
def test_the_books_come_to_zero_in_each_currency_whatever_is_booked(amounts: list[Money]) -> None:
    postings = [posting for money in amounts for booking in all_of(money) for posting in booking.postings]
    assert not any(sums(postings).values())


def test_what_was_paid_twice_and_returned_leaves_one_payment_and_no_debt() -> None:
    money = Money(100, Currency.KZT)
    left: dict[str, int] = {}
    for booking in all_of(money)[:2] + all_of(money)[3:5]:
        for posting in booking.postings:
            left[posting.account] = left.get(posting.account, 0) + posting.money.minor
    assert left == {"acquirer:acq": 100, "user:7": 0, "revenue:subscriptions": -100}


def test_a_transfer_is_the_bank_s_money() -> None:
    booking = ledger.paid(ledger.TRANSFER, "entry 9", 7, Money(100, Currency.KZT), INVOICE)
    assert {posting.account for posting in booking.postings} == {"bank:transfers", "user:7"}


def test_a_booking_that_does_not_balance_cannot_be_made() -> None:
    one, other = Money(100, Currency.KZT), Money(-100, Currency.RUB)
    for postings in ((), (Posting("a", one),), (Posting("a", one), Posting("b", other))):
        with pytest.raises(ValueError, match="zero"):
            Booking("k", Act.PAID, one, postings)
    with pytest.raises(ValueError, match="no amount"):
        ledger.fee("acq", "line", Money(0, Currency.KZT))
