"""A route on its plane against great circles walked in small steps."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.distance import destination, haversine_m
from geo.plane import locate, project, route
from geo.types import Position

lats, lons = st.floats(-60, 65), st.floats(-180, 180)
places = st.builds(Position, lats, lons)


def line_from(start: Position, legs: list[tuple[float, float]]) -> list[Position]:
    """A line of legs (bearing, metres)."""
    line = [start]
    for bearing, metres in legs:
        line.append(destination(*line[-1], bearing, metres))
    return line


def walked(line: list[Position], place: Position) -> float:
    """Metres from the line by brute force: a step every two kilometres."""
    best = haversine_m(*line[0], *place)
    for a, b in pairwise(line):
        metres = haversine_m(*a, *b)
        bearing = _bearing(a, b)
        for step in range(int(metres // 2_000) + 1):
            best = min(best, haversine_m(*destination(*a, bearing, step * 2_000), *place))
        best = min(best, haversine_m(*b, *place))
    return best


def _bearing(a: Position, b: Position) -> float:
    from geo.distance import bearing_deg

    return bearing_deg(*a, *b)


legs = st.lists(st.tuples(st.floats(-60, 60), st.floats(20_000, 400_000)), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(places, st.floats(0, 360), legs, st.floats(0, 1), st.floats(-1, 1))
def test_how_far_off_a_place_lies_is_what_walking_the_line_finds(
    start: Position, course: float, turns: list[tuple[float, float]], share: float, side: float
) -> None:
    line = line_from(start, [(course + turn, metres) for turn, metres in turns])
    on = route(line, 1_000_000.0, 100_000.0)
    leg = int(share * (len(line) - 1.0001))
    beside = destination(*line[leg], course + 90 * (1 if side > 0 else -1), abs(side) * 150_000)
    off, along = locate(on, beside)
    assert off == pytest.approx(walked(line, beside), rel=0.03, abs=2_500)
    assert 0 <= along <= 1_000_000.0 + 1e-6


@settings(max_examples=60, deadline=None)
@given(places, st.floats(0, 360), legs)
def test_the_ends_lie_on_the_line_and_it_is_as_long_as_the_road(
    start: Position, course: float, turns: list[tuple[float, float]]
) -> None:
    line = line_from(start, [(course + turn, metres) for turn, metres in turns])
    on = route(line, 777_000.0, 10_000.0)
    assert on.points[0][2] == 0 and on.points[-1][2] == pytest.approx(777_000.0)
    assert locate(on, line[0])[0] < 1 and locate(on, line[-1])[0] < 1
    measures = [measure for *_, measure in on.points]
    assert measures == sorted(measures)


@settings(max_examples=100, deadline=None)
@given(places, st.floats(0, 360), legs, st.floats(0, 1), st.floats(0, 360), st.floats(0, 1))
def test_the_boxes_hold_every_place_within_reach(
    start: Position, course: float, turns: list[tuple[float, float]], share: float, bearing: float, out: float
) -> None:
    line = line_from(start, [(course + turn, metres) for turn, metres in turns])
    on = route(line, 1_000_000.0, 80_000.0)
    place = destination(*line[int(share * (len(line) - 0.001))], bearing, out * 79_000)
    if walked(line, place) > 80_000:
        return
    assert any(
        south <= place.lat <= north and west <= place.lon <= east for west, south, east, north in on.boxes
    )


def test_the_middle_is_nowhere_and_distances_from_it_are_true() -> None:
    centre = Position(48.0, 67.0)
    assert project(centre, centre) == (0.0, 0.0)
    for bearing in range(0, 360, 30):
        there = destination(*centre, bearing, 1_500_000)
        x, y = project(centre, there)
        assert (x * x + y * y) ** 0.5 == pytest.approx(1_500_000, rel=1e-9)


def test_a_route_needs_two_places() -> None:
    with pytest.raises(ValueError, match="two places"):
        route([Position(43.0, 77.0), Position(43.0, 77.0)], 1.0, 1.0)
