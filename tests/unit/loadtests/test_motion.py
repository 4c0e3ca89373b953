from itertools import pairwise
from random import Random

import pytest

from geo.distance import haversine_m
from geo.types import Position
from loadtests.motion import DEMO, REAL, Driving, Truck, Way

ALMATY, KONAEV, TALDYKORGAN = Position(43.25, 76.95), Position(43.87, 77.06), Position(45.0, 78.4)


def drive(driving: Driving, seed: int, seconds: int, line: list[Position]) -> list[tuple[Position, float]]:
    truck = Truck(line[0], driving, Random(seed))
    truck.go(line[1:])
    seen = []
    for _ in range(seconds):
        truck.advance(1)
        seen.append((truck.place, truck.speed))
        if truck.arrived:
            break
    return seen


@pytest.mark.parametrize("driving", [REAL, DEMO], ids=["real", "demo"])
@pytest.mark.parametrize("seed", range(5))
def test_a_truck_never_moves_faster_than_its_kind_drives(driving: Driving, seed: int) -> None:
    seen = drive(driving, seed, 20_000, [ALMATY, KONAEV, TALDYKORGAN])
    for (a, _), (b, speed) in pairwise(seen):
        assert haversine_m(*a, *b) <= driving.cruise[1] + 35  # the last step may close the gap at its end
        assert 0 <= speed <= driving.cruise[1]
    assert max(speed for _, speed in seen) > driving.cruise[0] - 1


@pytest.mark.parametrize("driving", [REAL, DEMO], ids=["real", "demo"])
def test_every_step_stays_below_the_speed_that_the_desk_takes_for_a_jump(driving: Driving) -> None:
    for (a, _), (b, _) in pairwise(drive(driving, 3, 20_000, [ALMATY, KONAEV, TALDYKORGAN])):
        assert haversine_m(*a, *b) < 68


def test_speed_changes_no_faster_than_a_truck_can() -> None:
    speeds = [0.0] + [speed for _, speed in drive(REAL, 1, 20_000, [ALMATY, KONAEV, TALDYKORGAN])]
    for before, after in pairwise(speeds[:-1]):
        assert -REAL.brake - 1e-9 <= after - before <= REAL.accelerate + 1e-9


def test_a_truck_is_slow_in_the_towns_that_it_passes() -> None:
    seen = drive(REAL, 2, 20_000, [ALMATY, KONAEV, TALDYKORGAN])
    inside = [speed for place, speed in seen if haversine_m(*place, *KONAEV) < REAL.town_radius_m - 300]
    outside = [speed for place, speed in seen if 20_000 < haversine_m(*place, *KONAEV) < 30_000]
    assert inside
    assert max(inside) <= REAL.town + 0.5
    assert max(outside) > 20


def test_a_truck_arrives_where_it_was_sent_and_stands() -> None:
    seen = drive(DEMO, 4, 20_000, [ALMATY, KONAEV])
    place, speed = seen[-1]
    assert haversine_m(*place, *KONAEV) < 1
    assert speed == 0


def test_a_truck_that_rests_stands_still_and_goes_on() -> None:
    restless = Driving(
        cruise=(22, 25), town=12, town_radius_m=1000, accelerate=0.5, brake=1, rest_every_s=300,
        rest_s=(60, 60), handling_s=(1, 1), pause_s=(1, 1), far_m=1,
    )  # fmt: skip
    speeds = [speed for _, speed in drive(restless, 5, 20_000, [ALMATY, KONAEV])]
    assert speeds.count(0.0) > 100
    assert speeds[-2] > 0


def test_the_same_seed_drives_the_same_way_and_another_does_not() -> None:
    line = [ALMATY, KONAEV]
    assert drive(REAL, 6, 3000, line) == drive(REAL, 6, 3000, line)
    assert drive(REAL, 6, 3000, line) != drive(REAL, 7, 3000, line)


def test_a_truck_sent_to_where_it_stands_has_arrived() -> None:
    truck = Truck(ALMATY, REAL, Random(1))
    truck.go([ALMATY])
    assert truck.arrived


def test_a_new_errand_starts_from_where_the_truck_is() -> None:
    truck = Truck(ALMATY, DEMO, Random(1))
    truck.go([TALDYKORGAN])
    truck.advance(60)
    turned = truck.place
    truck.go([ALMATY])
    truck.advance(1)
    assert haversine_m(*truck.place, *turned) < 70


def test_a_way_gives_places_and_headings_along_its_legs() -> None:
    way = Way([Position(0, 0), Position(0, 0), Position(1, 0), Position(1, 1)], REAL)
    assert way.length == pytest.approx(2 * 111_195, rel=1e-3)
    assert way.heading(10) == pytest.approx(0)
    assert way.heading(way.length - 10) == pytest.approx(90, abs=0.1)
    assert haversine_m(*way.place(way.length), 1, 1) < 1
    assert haversine_m(*way.place(-5), 0, 0) < 1
