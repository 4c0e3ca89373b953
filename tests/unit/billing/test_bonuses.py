"""The price of the trial stays; a well rated driver gets a month, and everybody is told what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.access import Access
from billing.bonuses import (
    Lack,
    LockState,
    Missing,
    PriceLock,
    RatingBonus,
    RatingTerms,
    price_lock,
    rating_bonus,
)
from billing.money import Currency, Money

GRACE = 30.0
TERMS = RatingTerms(480, 10, 90.0, 30.0)


def kzt(minor: int) -> Money:
    return Money(minor, Currency.KZT)


OLD, NEW = kzt(4_990), kzt(6_990)


def test_no_rise_of_the_tariff_reaches_who_has_paid_in_the_trial() -> None:
    running = Access(100.0, 100.0)
    assert price_lock(OLD, NEW, running, 50.0, GRACE) == PriceLock(LockState.HELD, OLD, 130.0)
    assert price_lock(NEW, OLD, running, 50.0, GRACE).price == OLD  # the tariff has fallen


def test_the_lock_lasts_as_long_as_the_subscription_goes_on() -> None:
    ended = Access(100.0, 100.0)
    assert price_lock(OLD, NEW, ended, 130.0, GRACE).state is LockState.HELD
    assert price_lock(OLD, NEW, ended, 130.1, GRACE) == PriceLock(LockState.LAPSED, NEW)
    paused = Access(40.0, 40.0, left_s=60.0)
    assert price_lock(OLD, NEW, paused, 900.0, GRACE) == PriceLock(LockState.HELD, OLD)


def test_who_is_in_the_trial_is_told_until_when_the_price_can_be_kept() -> None:
    assert price_lock(None, NEW, Access(100.0, 100.0, trial=True), 50.0, GRACE) == PriceLock(
        LockState.OPEN, NEW, 100.0
    )
    assert price_lock(None, NEW, Access(100.0, 100.0, trial=True), 101.0, GRACE).state is LockState.NONE
    assert price_lock(None, NEW, Access(100.0, 100.0), 50.0, GRACE).state is LockState.NONE


def test_a_lock_is_of_one_currency() -> None:
    rubles = Money(900, Currency.RUB)
    assert price_lock(OLD, rubles, Access(100.0, 100.0), 50.0, GRACE) == PriceLock(LockState.NONE, rubles)


@pytest.mark.parametrize(
    ("stars", "given_at", "missing"),
    [
        ((0, 0, 0, 2, 8), (), ()),  # 4.8 exactly
        ((0, 0, 0, 3, 7), (), (Missing(Lack.RATING, 470, 480),)),
        ((0, 0, 0, 205, 795), (), (Missing(Lack.RATING, 479, 480),)),  # 4.795 is no 4.8
        ((0, 0, 0, 0, 7), (), (Missing(Lack.ORDERS, 7, 10),)),
        ((0, 0, 0, 1, 0), (), (Missing(Lack.ORDERS, 1, 10), Missing(Lack.RATING, 400, 480))),
        ((0, 0, 0, 0, 0), (), (Missing(Lack.ORDERS, 0, 10), Missing(Lack.RATING, 0, 480))),
        ((0, 0, 0, 0, 10), (50.0,), (Missing(Lack.TIME, 100.0, 140.0),)),
        ((0, 0, 0, 0, 10), (10.0,), ()),  # a whole period ago
    ],
)
def test_a_month_for_a_good_rating_or_what_is_missing_for_it(
    stars: tuple[int, int, int, int, int], given_at: tuple[float, ...], missing: tuple[Missing, ...]
) -> None:
    found = rating_bonus(stars, given_at, TERMS, 100.0)
    assert found.missing == missing
    assert found.cause == (None if missing else f"rating:{len(given_at) + 1}")


@given(
    st.tuples(*[st.integers(0, 40)] * 5),
    st.lists(st.floats(0, 1_000), max_size=6),
    st.integers(100, 500),
    st.integers(1, 30),
)
def test_it_is_given_exactly_when_nothing_is_missing_and_never_twice_in_a_period(
    stars: tuple[int, int, int, int, int], asked: list[float], least: int, orders: int
) -> None:
    terms, given_at = RatingTerms(least, orders, 90.0, 30.0), list[float]()
    causes = set()
    for now in sorted(asked):
        found: RatingBonus = rating_bonus(stars, given_at, terms, now)
        assert (found.cause is None) == bool(found.missing)
        if found.cause is not None:
            causes.add(found.cause)
            assert all(now - before >= 90.0 for before in given_at)
            given_at.append(now)
    assert len(causes) == len(given_at)
    good = sum(stars) >= orders and sum(n * often for n, often in enumerate(stars, 1)) * 100 >= least * sum(
        stars
    )
    assert bool(given_at) == (good and bool(asked))
