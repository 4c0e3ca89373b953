"""Simulated people haggle within reason."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loadtests import haggling
from loadtests.haggling import STEP, Answer

prices = st.integers(STEP, 10**10)


@given(st.integers(0, 2**32), prices)
def test_a_price_is_whole_steps_and_near_the_guide(seed: int, guide: int) -> None:
    asked = haggling.asked(Random(seed), guide)
    assert asked >= STEP and asked % STEP == 0
    low, high = haggling.ASKS
    assert low * guide - STEP <= asked <= high * guide + STEP


@given(st.integers(0, 2**32), prices)
def test_nobody_turns_down_a_price_at_the_guide(seed: int, guide: int) -> None:
    assert haggling.judged(Random(seed), guide, guide) in (Answer.PICK, Answer.WAIT)


@given(prices, prices)
def test_a_counter_offer_lies_between_both_prices(amount: int, guide: int) -> None:
    counter = haggling.between(amount, guide)
    assert min(amount, guide) - STEP <= counter <= max(amount, guide) + STEP


@given(st.integers(0, 2**32), prices)
def test_a_driver_takes_a_counter_offer_at_his_own_price(seed: int, amount: int) -> None:
    assert haggling.agrees(Random(seed), amount, amount)


def test_every_kind_of_price_is_drawn_and_only_fixed_ones_are_never_haggled_over() -> None:
    random = Random(1)
    assert {haggling.pricing(random) for _ in range(200)} == set(haggling.PRICING)
    assert haggling.bids_instead(random, "bids") and not haggling.bids_instead(random, "fixed")
    assert {haggling.bids_instead(random, "negotiable") for _ in range(50)} == {True, False}
