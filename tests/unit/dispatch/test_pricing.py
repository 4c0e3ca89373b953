"""The price of a haul: known points of the tariff, and that it never falls when the haul grows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.matching import CARRIES
from dispatch.pricing import Tariff, quote

TARIFF = Tariff()
BODIES = sorted(TARIFF.bodies)
metres = st.floats(0, 6e6)
kilos = st.floats(0.1, 100_000)
cubes = st.floats(0, 500)


def tenge(distance_km: float, weight_kg: float, volume_m3: float = 0.0, body: str = "tent") -> float:
    return quote(distance_km * 1000, weight_kg, volume_m3, body, TARIFF).amount / 100


def test_a_full_tent_costs_380_tenge_a_kilometre() -> None:
    assert tenge(1000, 22_000) == 380_000
    assert quote(1e6, 22_000, 0, "tent", TARIFF).currency == "KZT"


@pytest.mark.parametrize(
    ("body", "weight_kg", "factor"),
    [("reefer", 20_000, 1.25), ("isotherm", 20_000, 1.1), ("flatbed", 22_000, 1.15), ("lowboy", 40_000, 1.8),
     ("tank", 25_000, 1.2), ("van", 5_000, 0.65), ("van", 1_500, 0.45)],
)  # fmt: skip
def test_bodies_cost_their_multiple_of_a_tent(body: str, weight_kg: float, factor: float) -> None:
    assert tenge(1000, weight_kg, 0, body) == pytest.approx(380_000 * factor, abs=50)


def test_short_hauls_cost_thirty_per_cent_more_and_never_less_than_the_floor() -> None:
    assert tenge(150, 22_000) == pytest.approx(150 * 380 * 1.3, abs=50)
    assert tenge(1, 22_000) == tenge(10, 22_000) == 80 * 380


def test_a_part_load_pays_for_its_share_of_the_truck() -> None:
    assert tenge(1000, 5_500) == pytest.approx(380_000 * 0.25 * 1.3, abs=50)
    assert tenge(1000, 100, 43) == pytest.approx(380_000 * 0.5 * 1.3, abs=50)
    assert tenge(1000, 44_000) == 2 * 380_000


def test_every_body_that_can_be_asked_for_has_a_price_and_a_truck() -> None:
    assert TARIFF.bodies.keys() == TARIFF.capacity.keys() == CARRIES.keys()


@given(metres, metres, kilos, kilos, cubes, cubes, st.sampled_from(BODIES))
def test_more_way_or_more_load_never_costs_less(
    way: float, more_way: float, kg: float, more_kg: float, m3: float, more_m3: float, body: str
) -> None:
    price = quote(way, kg, m3, body, TARIFF).amount
    assert price > 0 and price % 10_000 == 0
    assert quote(max(way, more_way), kg, m3, body, TARIFF).amount >= price
    assert quote(way, max(kg, more_kg), m3, body, TARIFF).amount >= price
    assert quote(way, kg, max(m3, more_m3), body, TARIFF).amount >= price


def test_a_haul_abroad_is_priced_as_the_trade_does_in_dollars() -> None:
    inland, abroad = (quote(1e6, 22_000, 0, "tent", TARIFF, abroad=far).amount for far in (False, True))
    assert abroad == pytest.approx(inland * 2.1, rel=0.001)
    assert 1.2 * 480 < abroad / 100 / 1_000 < 2.0 * 540
