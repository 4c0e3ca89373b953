"""Two words on one payment: whoever speaks first, they end in one mark; what is confirmed stays."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dispatch.errors import Refusal
from dispatch.model import Status, Terms
from dispatch.payment_terms import AGAIN_S, DAY_S, Discipline, due_at, open_until, remind_at
from dispatch.remittance import (
    ARGUED,
    Account,
    Mark,
    MarkState,
    RemittanceKind,
    RemittanceState,
    Said,
    confirmed,
    contested,
    marked,
    received,
    unpaid,
    withdrawn,
    worth_telling,
)

PRICE = 500
PAYMENT, PREPAYMENT = RemittanceKind.PAYMENT, RemittanceKind.PREPAYMENT
W, C, X, T = MarkState.WAITING, MarkState.CONFIRMED, MarkState.CONTESTED, MarkState.WITHDRAWN
S = RemittanceState


def said(amount: int | None = None, kind: RemittanceKind = PAYMENT, paid_at: float = 10.0) -> Said:
    return Said(kind, amount, "transfer", paid_at)


def stored(account: Account) -> Account:
    """With ids, as the database gives them."""
    known = max((mark.id for mark in account.marks), default=0)
    marks = []
    for mark in account.marks:
        known += not mark.id
        marks.append(mark if mark.id else replace(mark, id=known))
    return replace(account, marks=tuple(marks))


def refused(code: str, act: object) -> None:
    with pytest.raises(Refusal) as refusal:
        act()  # type: ignore[operator]
    assert refusal.value.code == code


def states(account: Account) -> list[MarkState]:
    return [mark.state for mark in account.marks]


def untimed(account: Account) -> list[tuple[object, ...]]:
    return [(mark.kind, mark.amount, mark.state, mark.shipper_at is None, mark.driver_at is None)
            for mark in account.marks]  # fmt: skip


def test_a_payment_is_marked_and_confirmed() -> None:
    account = stored(marked(Account(PRICE), said(), 1.0))
    assert (account.state, account.outstanding, account.paid_at) == (S.MARKED, PRICE, 10.0)
    account = confirmed(account, 1, 2.0)
    assert (account.state, account.outstanding, account.received) == (S.PAID, 0, PRICE)
    assert confirmed(account, 1, 3.0) == account  # said twice
    refused("payment_settled", lambda: marked(account, said(), 4.0))
    refused("payment_settled", lambda: contested(account, 1, "other", "", 4.0))
    refused("payment_settled", lambda: withdrawn(account, 1))
    refused("payment_settled", lambda: unpaid(account, "", 4.0))
    refused("not_found", lambda: confirmed(account, 7, 4.0))


def test_a_part_in_advance_leaves_the_rest_and_no_more_than_the_price() -> None:
    account = stored(marked(Account(PRICE, prepay_percent=30), said(None, PREPAYMENT), 1.0))
    assert [mark.amount for mark in account.marks] == [150]
    refused("payment_amount", lambda: marked(account, said(351, PREPAYMENT), 2.0))
    refused("payment_amount", lambda: marked(account, said(None, PREPAYMENT), 2.0))  # all of it is marked
    account = confirmed(account, 1, 2.0)
    assert (account.state, account.outstanding) == (S.PREPAID, 350)
    account = stored(marked(account, said(), 3.0))
    assert account.marks[-1].amount == 350
    refused("payment_waits", lambda: marked(account, said(350), 3.0))
    assert confirmed(account, 2, 4.0).state is S.PAID


def test_prepayments_of_the_whole_price_are_the_payment() -> None:
    account = stored(marked(Account(PRICE), said(PRICE, PREPAYMENT), 1.0))
    assert account.paid_at == 10.0
    assert confirmed(account, 1, 2.0).state is S.PAID


def test_confirming_the_payment_confirms_prepayments_that_waited() -> None:
    account = stored(marked(Account(PRICE), said(100, PREPAYMENT), 1.0))
    account = stored(marked(account, said(), 2.0))
    after = confirmed(account, 2, 3.0)
    assert states(after) == [C, C] and after.received == PRICE


def test_the_same_money_marked_twice_is_not_received_twice() -> None:
    account = stored(marked(Account(PRICE), said(PRICE, PREPAYMENT), 1.0))
    account = stored(marked(account, said(PRICE), 2.0))
    after = confirmed(account, 1, 3.0)
    assert states(after) == [C, T] and after.received == PRICE


def test_what_is_contested_waits_for_another_mark_or_for_the_money() -> None:
    account = contested(stored(marked(Account(PRICE), said(), 1.0)), 1, "not_received", "нет", 2.0)
    assert (account.state, account.paid_at) == (S.CONTESTED, None)
    assert confirmed(account, 1, 3.0).state is S.PAID  # it has come after all
    again = stored(marked(account, said(), 3.0))
    assert states(again) == [T, W] and again.state is S.MARKED
    taken_back = withdrawn(account, 1)
    assert taken_back.state is S.OPEN and not taken_back.spoken_of
    refused("payment_withdrawn", lambda: confirmed(taken_back, 1, 4.0))
    refused("payment_withdrawn", lambda: contested(taken_back, 1, "other", "", 4.0))


def test_a_driver_names_another_amount_than_the_shipper_only_by_contesting() -> None:
    account = stored(marked(Account(PRICE), said(), 1.0))
    refused("payment_differs", lambda: received(account, said(PRICE - 1), 2.0))
    after = received(contested(account, 1, "wrong_amount", "", 2.0), said(PRICE - 1), 3.0)
    assert states(after) == [T, C] and after.state is S.PAID


def test_nothing_has_come_may_be_said_once_it_is_due() -> None:
    refused("payment_early", lambda: unpaid(Account(PRICE), "", 5.0))
    account = Account(PRICE, due_at=5.0)
    refused("payment_early", lambda: unpaid(account, "", 5.0))
    missed = unpaid(account, "they do not answer", 6.0)
    assert missed.state is S.CONTESTED and missed.spoken_of and missed.overdue(6.0)
    assert (missed.unpaid_at, missed.unpaid_note) == (6.0, "they do not answer")
    assert unpaid(missed, "", 7.0) == missed
    assert unpaid(missed, "still nothing", 7.0) == replace(missed, unpaid_note="still nothing")
    refused("payment_waits", lambda: unpaid(stored(marked(account, said(), 1.0)), "", 6.0))
    after = stored(marked(missed, said(), 8.0))
    assert (after.state, after.unpaid_at, after.unpaid_note) == (S.MARKED, None, "")


def test_a_missed_payment_is_told_when_it_is_said_first_and_then_at_most_once_an_hour() -> None:
    fresh = Account(PRICE, due_at=5.0)
    missed = unpaid(fresh, "", 6.0)
    assert worth_telling(fresh, None, 6.0)
    assert worth_telling(fresh, 5.0, 6.0)  # money had come in between: this is another statement
    assert not worth_telling(missed, 6.0, 6.0 + 3_599)
    assert worth_telling(missed, 6.0, 6.0 + 3_600)


def test_a_haul_that_was_called_off_owes_nothing() -> None:
    account = Account(PRICE, void=True, due_at=5.0)
    assert (account.state, account.outstanding, account.overdue(9.0)) == (S.VOID, 0, False)
    refused("payment_void", lambda: marked(account, said(), 6.0))
    refused("payment_void", lambda: received(account, said(), 6.0))
    refused("payment_void", lambda: unpaid(account, "", 6.0))


def test_marks_have_a_bound() -> None:
    account = Account(PRICE)
    for _ in range(20):
        account = stored(marked(account, said(1, PREPAYMENT), 1.0))
    refused("limit_reached", lambda: marked(account, said(1, PREPAYMENT), 1.0))


@given(
    kind=st.sampled_from(RemittanceKind),
    amount=st.integers(1, PRICE),
    unsaid=st.tuples(st.booleans(), st.booleans()),
    prepay=st.integers(0, 100),
)
def test_two_words_that_cross_each_other_end_in_one_mark(
    kind: RemittanceKind, amount: int, unsaid: tuple[bool, bool], prepay: int
) -> None:
    start = Account(PRICE, prepay_percent=prepay)
    agreed = start.in_advance if kind is PREPAYMENT else PRICE
    whole = amount if not any(unsaid) else agreed
    if not whole:
        return
    by_shipper, by_driver = (said(None if silent else whole, kind) for silent in unsaid)
    one = stored(received(stored(marked(start, by_shipper, 1.0)), by_driver, 2.0))
    other = stored(marked(stored(received(start, by_driver, 1.0)), by_shipper, 2.0))
    assert untimed(one) == untimed(other) and one.state is other.state
    assert [(mark.state, mark.amount) for mark in one.marks] == [(C, whole)]


class Argument(RuleBasedStateMachine):
    """Both sides say anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account(PRICE, prepay_percent=30, due_at=50.0)
        self.now = 0.0
        self.confirmed: dict[int, Mark] = {}
        self.paid_by: tuple[Mark, ...] | None = None

    def attempt(self, act: object) -> None:
        self.now += 7.0
        try:
            self.account = stored(act())  # type: ignore[operator]
        except Refusal as refusal:
            assert refusal.code in {
                "payment_settled", "payment_waits", "payment_differs", "payment_withdrawn", "payment_early",
                "payment_amount", "limit_reached", "not_found",
            }  # fmt: skip

    @rule(kind=st.sampled_from(RemittanceKind), amount=st.none() | st.integers(1, 600), driver=st.booleans())
    def speak(self, kind: RemittanceKind, amount: int | None, driver: bool) -> None:
        change = received if driver else marked
        self.attempt(lambda: change(self.account, said(amount, kind, self.now), self.now))

    @rule(number=st.integers(1, 8))
    def confirm(self, number: int) -> None:
        self.attempt(lambda: confirmed(self.account, number, self.now))

    @rule(number=st.integers(1, 8))
    def contest(self, number: int) -> None:
        self.attempt(lambda: contested(self.account, number, "other", "", self.now))

    @rule(number=st.integers(1, 8))
    def withdraw(self, number: int) -> None:
        self.attempt(lambda: withdrawn(self.account, number))

    @rule(note=st.sampled_from(["", "they do not answer"]))
    def miss(self, note: str) -> None:
        self.attempt(lambda: unpaid(self.account, note, self.now))

    @invariant()
    def what_is_confirmed_stays_confirmed(self) -> None:
        for number, before in self.confirmed.items():
            mark = self.account.mark(number)
            assert mark.state is C and mark.amount == before.amount and mark.driver_at == before.driver_at
        self.confirmed = {mark.id: mark for mark in self.account.marks if mark.state is C}

    @invariant()
    def paid_is_the_end_and_leaves_no_argument(self) -> None:
        account = self.account
        assert (account.state is S.PAID) == (account.outstanding == 0)
        if account.state is S.PAID:
            assert not any(mark.state in ARGUED for mark in account.marks) and account.unpaid_at is None
            assert account.paid_at is not None and remind_at(account, 0) is None
            amounts = tuple(replace(mark, shipper_at=None, reference="") for mark in account.marks)
            assert self.paid_by is None or self.paid_by == amounts
            self.paid_by = amounts
        else:
            assert self.paid_by is None

    @invariant()
    def at_most_one_payment_counts_and_prepayments_never_pass_the_price(self) -> None:
        standing = [mark for mark in self.account.marks if mark.stands]
        assert sum(mark.kind is PAYMENT for mark in standing) <= 1
        assert sum(mark.amount for mark in standing if mark.kind is PREPAYMENT) <= PRICE

    @invariant()
    def words_of_a_missed_payment_go_with_it(self) -> None:
        assert self.account.unpaid_at is not None or self.account.unpaid_note == ""

    @invariant()
    def each_mark_was_said_by_somebody_and_is_due_or_not(self) -> None:
        for mark in self.account.marks:
            assert mark.shipper_at is not None or mark.driver_at is not None
            assert (mark.state is not C) or mark.driver_at is not None
        assert self.account.overdue(self.now) == (self.now > 50.0 and self.account.paid_at is None)


TestArgument = Argument.TestCase


@pytest.mark.parametrize(
    ("when", "days", "step", "due"),
    [
        ("on_loading", 0, Status.LOADED, DAY_S),
        ("on_loading", 0, Status.DELIVERED, None),
        ("on_delivery", 0, Status.LOADED, None),
        ("on_delivery", 0, Status.DELIVERED, DAY_S),
        ("deferred", 1, Status.DELIVERED, DAY_S),
        ("deferred", 14, Status.DELIVERED, 14 * DAY_S),
    ],
)
def test_it_is_due_as_the_terms_say(when: str, days: int, step: Status, due: float | None) -> None:
    assert due_at(Terms(when=when, days=days), step, 0.0) == due


def test_both_sides_are_reminded_on_the_due_date_and_a_week_later_and_no_more() -> None:
    account = Account(PRICE, due_at=100.0)
    assert [remind_at(account, often) for often in (0, 1, 2)] == [100.0, 100.0 + AGAIN_S, None]
    assert remind_at(Account(PRICE), 0) is None and remind_at(replace(account, void=True), 0) is None


def test_the_clock_leaves_a_haul_open_whose_payment_is_not_due_or_argued_about() -> None:
    soon, later = Terms(), Terms(when="deferred", days=30)
    account = Account(PRICE, due_at=100.0)
    assert open_until(account, soon, 0.0) is None and open_until(Account(PRICE), later, 0.0) is None
    assert open_until(account, later, 0.0) == 100.0 + AGAIN_S
    argued = stored(marked(account, said(), 1.0))
    assert open_until(argued, soon, 200.0) == 200.0 + 30 * DAY_S
    assert open_until(confirmed(argued, 1, 2.0), later, 200.0) is None


def test_a_share_is_told_from_three_hauls_on() -> None:
    assert Discipline(2, 2, None).share is None
    assert Discipline(4, 3, 2.0).share == 0.75
