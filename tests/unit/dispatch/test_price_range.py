"""Low, typical, high."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.model import Money
from dispatch.price_range import FEWEST, Haulage, price_range
from dispatch.pricing import Tariff, quote

TARIFF = Tariff()
QUOTED = quote(1e6, 20_000, 0, "tent", TARIFF)


def anew(haul: Haulage) -> Money:
    """By the coded tariff, within one country."""
    return quote(haul.distance_m, haul.weight_kg, haul.volume_m3, haul.body, TARIFF)


def hauls(*factors: float) -> list[Haulage]:
    return [Haulage(round(QUOTED.amount * factor), 1e6, 20_000.0, 0.0, "tent") for factor in factors]


def test_without_history_the_trades_span_stands_around_the_quote() -> None:
    found = price_range(QUOTED, hauls(*[3.0] * (FEWEST - 1)), TARIFF, anew)
    assert (found.typical, found.origin, found.hauls) == (QUOTED, "tariff", 0)
    assert found.low.amount / QUOTED.amount == pytest.approx(270 / 380, rel=0.01)
    assert found.high.amount / QUOTED.amount == pytest.approx(550 / 380, rel=0.01)


def test_ten_finished_hauls_make_the_lanes_own_percentiles() -> None:
    found = price_range(QUOTED, hauls(*[0.8] * 5, *[0.9] * 5), TARIFF, anew)
    assert (found.origin, found.hauls) == ("lane", 10)
    assert found.low.amount / QUOTED.amount == pytest.approx(0.8, rel=0.01)
    assert found.typical.amount / QUOTED.amount == pytest.approx(0.85, rel=0.01)
    assert found.high.amount / QUOTED.amount == pytest.approx(0.9, rel=0.01)


def test_hauls_of_other_bodies_count_against_their_own_quote() -> None:
    reefers = [Haulage(quote(5e5, 8_000, 0, "reefer", TARIFF).amount, 5e5, 8_000.0, 0.0, "reefer")] * 12
    found = price_range(QUOTED, reefers, TARIFF, anew)
    assert found.low == found.typical == found.high == QUOTED


@given(st.lists(st.floats(0.1, 10), max_size=40))
def test_low_is_never_above_typical_nor_typical_above_high(factors: list[float]) -> None:
    found = price_range(QUOTED, hauls(*factors), TARIFF, anew)
    assert Money(1, "KZT") <= found.low <= found.typical <= found.high
    assert found.typical.amount % 10_000 == 0
