"""What a truck uses up, by its size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.pricing import BODY_CAPACITY
from dispatch.trucks import SIZES, truck_of


@pytest.mark.parametrize("body", sorted(BODY_CAPACITY))
def test_every_body_has_a_usual_truck(body: str) -> None:
    truck = truck_of(body)
    assert (truck.capacity_kg, truck.volume_m3) == ((1_500, 16) if body == "van" else BODY_CAPACITY[body])
    assert 10 < truck.empty_l < truck.loaded_l < 60
    assert truck.consumption_origin == "assumed"


def test_a_small_load_in_a_van_takes_the_small_one_and_a_larger_the_five_tonner() -> None:
    assert truck_of("van", 800, 8).capacity_kg == 1_500
    assert truck_of("van", 800, 30).capacity_kg == truck_of("van", 4_000, 8).capacity_kg == 5_000


def test_what_the_owner_says_is_taken_and_the_rest_follows_the_size() -> None:
    truck = truck_of("reefer", capacity_kg=9_000, loaded_l=24.0, height_m=3.5, axle_kg=7_500)
    assert (truck.loaded_l, truck.consumption_origin, truck.height_m) == (24.0, "vehicle", 3.5)
    assert truck.length_m == SIZES[2].length_m and truck.axle_loaded_kg == 7_500


def test_consumption_and_axle_grow_with_the_load_up_to_full() -> None:
    truck = truck_of("tent")
    litres = [truck.litres_100km(kg) for kg in (0, 11_000, 22_000, 40_000)]
    assert litres == [25.0, 29.5, 34.0, 34.0]
    assert truck.axle_kg(0) == 5_500 and truck.axle_kg(99_000) == 10_000


def test_a_router_is_told_whole_tonnes_so_that_like_loads_share_a_route() -> None:
    truck = truck_of("tent")
    assert truck.profile(20_100).weight_t == truck.profile(20_900).weight_t == 37.0
    assert truck.profile(500, hazmat=True).hazmat


@given(st.floats(1, 100_000), st.floats(0, 500), st.sampled_from(sorted(BODY_CAPACITY)))
def test_a_truck_is_filled_by_weight_or_by_room_and_never_more_than_full(
    kg: float, m3: float, body: str
) -> None:
    truck = truck_of(body, kg, m3)
    assert 0 <= truck.filled(kg, m3) <= 1
    assert (truck.filled(kg, m3) == 1) == (kg >= truck.capacity_kg or m3 >= truck.volume_m3)
