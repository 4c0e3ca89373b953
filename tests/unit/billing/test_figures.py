"""Recurring revenue, churn, conversion and worth, by hand-made numbers."""

from datetime import UTC, datetime

import pytest

from billing.access import DAY_S
from billing.figures import (
    Moves,
    Priced,
    Recurring,
    Trials,
    Worth,
    arpu,
    ltv,
    months,
    recurring,
    share,
    worth,
)
from billing.money import Currency

KZT, USD = Currency.KZT, Currency.USD


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]


def test_months_begin_where_the_reader_lives_and_the_running_one_ends_now() -> None:
    now = at(2026, 1, 31, 20)  # the first of February already in Almaty, five hours ahead
    found = months(now, "Asia/Almaty", 3)
    assert [month.name for month in found] == ["2025-12", "2026-01", "2026-02"]
    assert found[1].begins == at(2025, 12, 31, 19) and found[1].ends == at(2026, 1, 31, 19)
    assert found[0].ends == found[1].begins and found[2].ends == now
    assert [month.name for month in months(now, "UTC", 1)] == ["2026-01"]


@pytest.mark.parametrize(
    ("minor", "days", "month"),
    [
        (499_000, 30, 499_000),
        (1_299_000, 90, 433_000),
        (4_490_000, 365, 369_041),  # 4,490,000 x 30 / 365 = 369,041.09
        (70_000, 7, 300_000),
        (1, 60, 1),  # half a tiyn is one
    ],
)
def test_every_price_counts_as_its_thirty_days(minor: int, days: int, month: int) -> None:
    assert recurring([Priced("p", KZT, minor, days * DAY_S, 1)]) == [Recurring("p", KZT, 1, month)]


def test_payers_of_one_plan_add_up_whatever_they_paid_and_currencies_stay_apart() -> None:
    found = recurring(
        [
            Priced("driver-month", KZT, 499_000, 30 * DAY_S, 3),
            Priced("driver-month", KZT, 399_000, 30 * DAY_S, 2),  # locked
            Priced("driver-month", USD, 1_000, 30 * DAY_S, 1),
            Priced("driver-year", KZT, 3_650_000, 365 * DAY_S, 1),
        ]
    )
    assert found == [
        Recurring("driver-month", KZT, 5, 3 * 499_000 + 2 * 399_000),
        Recurring("driver-month", USD, 1, 1_000),
        Recurring("driver-year", KZT, 1, 300_000),
    ]


def test_a_payer_is_worth_his_monthly_revenue_times_the_mean_stay() -> None:
    now = [Recurring("driver-month", KZT, 10, 5_000_000), Recurring("driver-month", USD, 1, 1_000)]
    moves = [
        Moves("2026-01", KZT, at_start=100, churned=3),
        Moves("2026-02", KZT, at_start=100, churned=7),
        Moves("2026-02", USD, at_start=1),
    ]
    assert worth(now, moves) == [
        Worth(KZT, 10, 5_000_000, 500_000, 0.05, 10_000_000),  # 5 % leave each month: 20 months
        Worth(USD, 1, 1_000, 1_000, 0.0, None),
    ]


def test_shares_of_nothing_are_no_figures() -> None:
    assert share(0, 0) is None and share(1, 4) == 0.25
    assert arpu(100, 0) is None and arpu(1_000, 3) == 333
    assert ltv(None, 0.1) is None and ltv(1_000, None) is None and ltv(1_000, 0.0) is None
    assert Moves("2026-01", KZT, churned=0).churn is None
    assert Moves("2026-01", KZT, at_start=8, churned=2).churn == 0.25


def test_trials_that_still_run_have_not_failed_to_convert() -> None:
    assert Trials("2026-01", begun=10, converted=3, running=4).conversion == 0.5
    assert Trials("2026-01", begun=4, converted=0, running=4).conversion is None
