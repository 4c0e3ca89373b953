"""Amounts: integers, written as acquirers write them, never rounded in silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import Currency, Money, read_decimal

amounts = st.integers(0, 10**12)


@given(amounts, st.sampled_from(Currency))
def test_what_is_written_reads_back(minor: int, currency: Currency) -> None:
    money = Money(minor, currency)
    assert read_decimal(money.decimal(), currency) == money


@pytest.mark.parametrize("text", ["", "abc", "1.005", "NaN", "Infinity", "1e30", "1,50", "0x10"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        read_decimal(text, Currency.KZT)


@pytest.mark.parametrize(("text", "minor"), [("10", 1000), ("10.5", 1050), ("10.00", 1000), ("1E+1", 1000)])
def test_amounts_are_read_in_every_way_that_acquirers_write_them(text: str, minor: int) -> None:
    assert read_decimal(text, Currency.KZT).minor == minor


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Money(1, Currency.KZT) + Money(1, Currency.USD)


@given(amounts, st.integers(1, 1000))
def test_shares_of_a_sum_come_to_the_sum_to_half_a_unit_each(minor: int, whole: int) -> None:
    money = Money(minor, Currency.KZT)
    shares = [money.share(1, whole).minor for _ in range(whole)]
    assert abs(sum(shares) - minor) <= whole / 2
    assert money.share(whole, whole) == money
