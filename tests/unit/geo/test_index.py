"""The nearest drivers, against looking at every one of them."""

from math import dist
from random import Random

import h3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from geo.cells import cell_of
from geo.distance import chord, haversine_m, unit
from geo.index import CellIndex

Placed = dict[int, tuple[float, float, int]]

PENTAGONS = sorted(h3.cell_to_latlng(cell) for cell in h3.get_pentagons(8))
# Where the grid or the numbers are odd, then a dense city, a road through the steppe, and anywhere.
CENTRES = [
    *PENTAGONS[:4],
    (0.0, 180.0),
    (64.0, -179.99),
    (89.99, 0.0),
    (-90.0, 0.0),
    (43.25, 76.91),
    (47.0, 62.0),
]


@st.composite
def fleets(draw: st.DrawFn) -> tuple[Placed, float, float]:
    """Drivers strewn around a place from some metres to the whole globe, and a place to ask from."""
    random = Random(draw(st.integers(0, 2**32)))
    lat, lon = draw(st.sampled_from(CENTRES))
    spread = draw(st.sampled_from([0.0005, 0.02, 0.5, 5.0, 60.0]))

    def somewhere() -> tuple[float, float]:
        north = max(-90.0, min(90.0, random.gauss(lat, spread)))
        return north, (random.gauss(lon, spread) + 180) % 360 - 180

    placed = {driver: (*somewhere(), random.randrange(8)) for driver in range(draw(st.integers(0, 300)))}
    return placed, *somewhere()


def brute(
    placed: Placed, lat: float, lon: float, count: int, radius_m: float, flags_all: int, flags_none: int
) -> list[int]:
    here, limit = unit(lat, lon), chord(radius_m)
    away = sorted(
        (dist(here, unit(north, east)), driver)
        for driver, (north, east, flags) in placed.items()
        if flags & flags_all == flags_all and not flags & flags_none
    )
    return [driver for metres, driver in away if metres <= limit][:count]


def filled(placed: Placed) -> CellIndex:
    index = CellIndex()
    for driver, (lat, lon, flags) in placed.items():
        index.put(driver, lat, lon, flags)
    return index


@settings(max_examples=150)
@given(
    fleets(),
    st.integers(1, 40),
    st.sampled_from([50.0, 2_000.0, 30_000.0, 500_000.0, 3e7]),
    st.integers(0, 7),
    st.integers(0, 7),
)
def test_the_nearest_are_those_that_a_look_at_all_drivers_finds(
    fleet: tuple[Placed, float, float], count: int, radius_m: float, flags_all: int, flags_none: int
) -> None:
    placed, lat, lon = fleet
    found = filled(placed).near(lat, lon, count, radius_m, flags_all, flags_none)
    assert [driver for driver, _ in found] == brute(placed, lat, lon, count, radius_m, flags_all, flags_none)
    for driver, metres in found:
        assert metres == pytest.approx(haversine_m(lat, lon, *placed[driver][:2]), rel=1e-6, abs=1e-3)


def test_trucks_tens_of_kilometres_apart_are_found_like_those_of_a_city() -> None:
    steppe = {number: (46.0 + number * 0.3, 60.0 + number * 0.4, 0) for number in range(20)}
    assert filled(steppe).near(45.9, 60.0, 3, 500_000) == [
        (number, pytest.approx(haversine_m(45.9, 60.0, *steppe[number][:2]))) for number in range(3)
    ]


def test_drivers_on_one_spot_come_in_the_order_of_their_numbers() -> None:
    index = filled({driver: (43.25, 76.91, 0) for driver in (5, 3, 9, 1)})
    assert index.near(43.25, 76.91, 3, 100) == [(1, 0.0), (3, 0.0), (5, 0.0)]


def test_nobody_is_asked_for_and_nobody_comes() -> None:
    index = filled({1: (43.25, 76.91, 3)})
    assert index.near(43.25, 76.91, 0, 100) == []
    assert index.near(43.25, 76.91, 5, -1) == []
    assert index.near(43.25, 76.91, 5, 100, flags_all=1, flags_none=1) == []
    assert CellIndex().near(43.25, 76.91, 5, 1e7) == []


def test_a_cell_that_the_caller_knows_gives_the_same_index() -> None:
    index = CellIndex()
    index.put(1, 43.25, 76.91, 0, cell_of(43.25, 76.91))
    index.put(2, 43.26, 76.92, 0)
    assert [driver for driver, _ in index.near(43.25, 76.91, 2, 5_000)] == [1, 2]


def test_a_driver_that_left_is_no_longer_found() -> None:
    index = filled({1: (43.25, 76.91, 0), 2: (43.25, 76.91, 0)})
    index.remove(1)
    index.remove(1)
    assert index.get(1) is None and 1 not in index and len(index) == 1
    assert [driver for driver, _ in index.near(43.25, 76.91, 5, 100)] == [2]


def test_a_search_does_not_open_the_cells_of_drivers_that_do_not_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = Random(4)
    busy = {n: (43.25 + random.gauss(0, 0.1), 76.91 + random.gauss(0, 0.1), 2) for n in range(5_000)}
    index = filled(busy | {9_999: (51.18, 71.45, 1)})
    measured = 0

    def counted(a: tuple[float, ...], b: tuple[float, ...]) -> float:
        nonlocal measured
        measured += 1
        return dist(a, b)

    monkeypatch.setattr("geo.index.dist", counted)
    assert [driver for driver, _ in index.near(43.25, 76.91, 16, 2e6, flags_all=1)] == [9_999]
    assert measured < 200


class Fleet(RuleBasedStateMachine):
    """Drivers come, drive, change their flags and leave; the index agrees with a plain dict throughout."""

    def __init__(self) -> None:
        super().__init__()
        self.index = CellIndex()
        self.placed: Placed = {}

    @rule(
        driver=st.integers(0, 12),
        lat=st.sampled_from([43.25, 43.2501, 43.4, 51.18, -33.0]),
        lon=st.sampled_from([76.91, 76.93, 80.0, 179.999, -179.999]),
        flags=st.integers(0, 3),
    )
    def put(self, driver: int, lat: float, lon: float, flags: int) -> None:
        self.index.put(driver, lat, lon, flags)
        self.placed[driver] = (lat, lon, flags)

    @rule(driver=st.integers(0, 12))
    def remove(self, driver: int) -> None:
        self.index.remove(driver)
        self.placed.pop(driver, None)

    @rule(flags=st.integers(0, 3), lon=st.sampled_from([76.9, 180.0]))
    def ask(self, flags: int, lon: float) -> None:
        found = self.index.near(43.3, lon, 5, 3e7, flags_all=flags)
        assert [driver for driver, _ in found] == brute(self.placed, 43.3, lon, 5, 3e7, flags, 0)

    @invariant()
    def every_driver_is_where_it_was_put(self) -> None:
        assert len(self.index) == len(self.placed)
        for driver in range(13):
            assert self.index.get(driver) == self.placed.get(driver)

    def teardown(self) -> None:
        for driver in list(self.placed):
            self.index.remove(driver)
        # Nothing may stay behind of drivers that left: cells would pile up over months.
        assert not (self.index._leaves or self.index._nodes or self.index._top)


Fleet.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestFleet = Fleet.TestCase
