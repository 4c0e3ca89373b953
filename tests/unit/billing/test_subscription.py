"""The agreement: where it stands, what the clock does next, what the rest of a period is worth."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.access import DAY_S, NONE, Access
from billing.money import Currency, Money
from billing.subscription import TRIES_DAYS, Due, State, Step, Subscription, credit, due, may_pause, state

T = 1_800_000_000.0
MONTH = 30 * DAY_S
GRACE = 7
HELD = Subscription("driver-month", "KZ", Currency.KZT, renews=True, card=1)
PAID = Access(T + MONTH, T + MONTH)


@pytest.mark.parametrize(
    ("held", "access", "at", "is_"),
    [
        (None, NONE, 0.0, State.NONE),
        (HELD, replace(PAID, trial=True), 1.0, State.TRIAL),
        (HELD, PAID, 1.0, State.ACTIVE),
        (None, PAID, 1.0, State.ACTIVE),
        (replace(HELD, renews=False), PAID, 1.0, State.CANCELLED),
        (HELD, Access(T + MONTH, T + MONTH + GRACE * DAY_S), MONTH + 1, State.PAST_DUE),
        (HELD, PAID, MONTH, State.EXPIRED),
        (HELD, Access(T, T, 5.0), 1.0, State.PAUSED),
    ],
)
def test_a_state_is_read_from_the_ledger_and_the_agreement(
    held: Subscription | None, access: Access, at: float, is_: State
) -> None:
    assert state(held, access, T + at) is is_


def test_a_card_is_charged_a_day_before_the_end() -> None:
    assert due(HELD, PAID, GRACE) == Due(Step.CHARGE, T + MONTH - DAY_S)


def test_who_has_no_card_is_warned_and_then_told_that_it_has_ended() -> None:
    held = replace(HELD, card=None)
    assert due(held, PAID, GRACE) == Due(Step.WARN, T + MONTH - 3 * DAY_S)
    held = replace(held, warned_to=PAID.until)
    assert due(held, PAID, GRACE) == Due(Step.EXPIRE, T + MONTH)
    assert due(replace(held, ended_to=PAID.until), PAID, GRACE) is None


def test_a_renewal_that_fails_is_tried_on_the_days_of_the_schedule_and_the_driver_works_on_through_the_grace() -> (
    None
):
    held, access, steps, now = HELD, PAID, list[tuple[Step, float]](), T
    for _ in range(20):
        next_ = due(held, access, GRACE)
        if next_ is None:
            break
        now = max(now, next_.at)
        steps.append((next_.step, (now - PAID.paid_to) / DAY_S))
        match next_.step:
            case Step.CHARGE:
                held = replace(held, failures=held.failures + 1, failed_at=now)
            case Step.GRACE:
                access = replace(access, until=access.paid_to + GRACE * DAY_S)
            case Step.WARN:
                held = replace(held, warned_to=access.until)
            case _:
                held = replace(held, ended_to=access.until)
    assert steps == [
        (Step.CHARGE, -1.0), (Step.GRACE, 0.0), (Step.CHARGE, 0.0), (Step.CHARGE, 2.0), (Step.CHARGE, 5.0),
        (Step.WARN, 5.0), (Step.EXPIRE, 7.0),
    ]  # fmt: skip


def test_while_a_charge_is_not_known_to_have_failed_no_other_one_is_made() -> None:
    held = replace(HELD, charging=True)
    assert due(held, PAID, GRACE) == Due(Step.GRACE, PAID.paid_to)
    assert due(held, replace(PAID, until=PAID.paid_to + DAY_S), GRACE) is None


def test_a_card_that_will_never_pay_is_not_asked_again() -> None:
    next_ = due(replace(HELD, failures=1, failed_at=T, hopeless=True), PAID, GRACE)
    assert next_ is not None and next_.step is Step.WARN


def test_a_pause_ends_when_it_was_said_to() -> None:
    paused = Access(T, T, 5 * DAY_S)
    assert due(replace(HELD, paused_until=T + 9.0), paused, GRACE) == Due(Step.RESUME, T + 9.0)
    assert due(HELD, paused, GRACE) is None


def test_the_rest_of_a_period_is_worth_its_share_and_a_trial_nothing() -> None:
    paid = Money(300_000, Currency.KZT)
    assert credit(PAID, paid, MONTH, T + 10 * DAY_S) == (Money(200_000, Currency.KZT), 20 * DAY_S)
    assert credit(replace(PAID, trial=True), paid, MONTH, T) == (Money(0, Currency.KZT), MONTH)
    assert credit(PAID, paid, MONTH, T + 2 * MONTH) == (Money(0, Currency.KZT), 0.0)


def test_pauses_are_for_who_pays_at_least_a_week_and_two_months_a_year_at_most() -> None:
    assert may_pause(7, 0.0, State.ACTIVE) and may_pause(60, 0.0, State.ACTIVE)
    assert not may_pause(6, 0.0, State.ACTIVE)
    assert not may_pause(31, 30.0, State.ACTIVE)
    assert not any(may_pause(7, 0.0, each) for each in State if each is not State.ACTIVE)


@given(
    st.integers(0, len(TRIES_DAYS)),
    st.floats(-40, 40),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 30),
)
def test_the_clock_always_comes_to_rest(
    failures: int, failed: float, renews: bool, hopeless: bool, charging: bool, grace: int
) -> None:
    """Each step, once done, leads to a later one or to none: no agreement keeps a loop busy."""
    held = replace(
        HELD,
        renews=renews,
        hopeless=hopeless,
        failures=failures,
        failed_at=T + failed * DAY_S,
        charging=charging,
    )
    access, now, seen = PAID, T - 100 * DAY_S, 0
    while (next_ := due(held, access, grace)) is not None:
        seen += 1
        assert seen < 12
        now = max(now, next_.at)
        match next_.step:
            case Step.CHARGE:
                held = replace(held, failures=held.failures + 1, failed_at=now)
            case Step.GRACE:
                access = replace(access, until=access.paid_to + grace * DAY_S)
            case Step.WARN:
                held = replace(held, warned_to=access.until)
            case _:
                held = replace(held, ended_to=access.until)
