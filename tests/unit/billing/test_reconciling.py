"""Two lists of the same money: what stands in one of them only, or otherwise, is named."""

from dataclasses import replace

from billing.acquiring import Kind, State
from billing.money import Currency, Money
from billing.reconciling import Difference, Ours, compare, totals

from .facts import NOW, PRICE, WHOLE, transaction

SINCE, UNTIL = NOW - 100, NOW + 100
PAID = transaction(Kind.PAY)
BACK = transaction(Kind.REFUND, "r1", of="t1", minor=5)
OUR_PAID = Ours("t1", False, WHOLE, NOW)
OUR_BACK = Ours("r1", True, Money(5, Currency.KZT), NOW)


def test_two_lists_that_agree_have_no_difference() -> None:
    assert compare([PAID, BACK], [OUR_PAID, OUR_BACK], SINCE, UNTIL) == []
    assert totals([PAID, BACK], {Currency.KZT: PRICE - 5}, "span") == []


def test_what_moves_no_money_is_no_difference() -> None:
    quiet = [
        replace(PAID, id=f"q{state}", state=state)
        for state in State
        if state not in (State.PAID, State.REFUNDED)
    ]
    assert compare(quiet, [], SINCE, UNTIL) == []


def test_each_direction_and_each_amount_is_named() -> None:
    assert compare([PAID], [], SINCE, UNTIL) == [Difference("missing_here", "t1", Currency.KZT, None, PRICE)]
    assert compare([], [OUR_PAID], SINCE, UNTIL) == [
        Difference("missing_there", "t1", Currency.KZT, PRICE, None)
    ]
    assert compare([], [replace(OUR_PAID, at=UNTIL)], SINCE, UNTIL) == []  # not this time's
    other = replace(OUR_PAID, money=Money(1, Currency.KZT))
    assert compare([PAID], [other], SINCE, UNTIL) == [
        Difference("other_amount", "t1", Currency.KZT, 1, PRICE)
    ]


def test_a_payment_and_a_refund_of_the_same_number_are_two() -> None:
    assert [each.kind for each in compare([BACK], [Ours("r1", False, BACK.money, NOW)], SINCE, UNTIL)] == [
        "missing_here",
        "missing_there",
    ]


def test_sums_are_compared_by_currency() -> None:
    rubles = replace(PAID, id="t2", money=Money(7, Currency.RUB))
    assert totals([PAID, rubles], {Currency.KZT: PRICE, Currency.USD: 3}, "span") == [
        Difference("total", "span", Currency.RUB, 0, 7),
        Difference("total", "span", Currency.USD, 3, 0),
    ]
