"""Control C49: an answer that was lost is looked for; the same id is sent again within 50 minutes, never later."""

from dataclasses import replace

import pytest

from billing.acquiring import Kind, State, Transaction
from billing.trying import CLOCKS_S, GIVE_UP_S, RESEND_S, Step, charge, refund, step, wait_s

from .facts import NOW, WHOLE, transaction


def one(number: str, state: State, at: float = NOW + 1, of: str | None = None) -> Transaction:
    return replace(transaction(Kind.PAY, number, state=state, of=of), at=at)


@pytest.mark.parametrize(
    ("age", "wanted"),
    [
        (0, Step.RESEND),
        (RESEND_S - 1, Step.RESEND),
        (RESEND_S, Step.LOOK_AGAIN),
        (GIVE_UP_S - 1, Step.LOOK_AGAIN),
        (GIVE_UP_S, Step.GIVE_UP),
    ],
)
def test_what_nothing_is_known_of_is_sent_again_then_looked_for_then_given_up(
    age: float, wanted: Step
) -> None:
    assert step(age) is wanted
    assert charge([], [], NOW, NOW + age).step is wanted
    assert refund([], [], "t1", WHOLE, NOW, NOW + age).step is wanted


def test_a_charge_knows_its_own_transaction_among_others() -> None:
    old = one("t0", State.DECLINED, NOW - CLOCKS_S - 1)
    others = one("t1", State.DECLINED)
    own = one("t2", State.DECLINED)
    assert charge([old, others], ["t1"], NOW, NOW + 10) == charge([], [], NOW, NOW + 10)
    assert charge([old, others, own], ["t1"], NOW, NOW + 10).transaction is own
    taken = one("t3", State.PAID)
    assert charge([own, taken], [], NOW, NOW + 10).transaction is taken


def test_a_charge_that_the_bank_is_still_at_is_never_sent_again() -> None:
    found = charge([one("t2", State.PENDING)], [], NOW, NOW + 10)
    assert found.transaction is None and found.step is Step.LOOK_AGAIN


def test_an_invoice_that_was_paid_another_way_is_not_charged_again() -> None:
    found = charge([one("t1", State.PAID)], ["t1"], NOW, NOW + 10)
    assert found.transaction is None and found.step is Step.GIVE_UP


def test_a_refund_knows_its_own_by_payment_amount_and_what_others_have() -> None:
    listed = [
        one("t1", State.PAID),
        one("r0", State.REFUNDED, of="t0"),
        one("r1", State.REFUNDED, of="t1"),
        one("r2", State.REFUNDED, of="t1"),
    ]
    assert refund(listed, ["r1"], "t1", WHOLE, NOW, NOW + 10).transaction is listed[3]
    assert refund(listed, ["r1", "r2"], "t1", WHOLE, NOW, NOW + 10).transaction is None
    part = replace(WHOLE, minor=5)
    assert refund(listed, [], "t1", part, NOW, NOW + 10).transaction is None


def test_looks_come_at_growing_distances_and_stay_bounded() -> None:
    waits = [wait_s(looks) for looks in range(20)]
    assert waits == sorted(waits) and waits[-1] == 1800.0
