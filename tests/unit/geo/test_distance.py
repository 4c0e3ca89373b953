"""Great-circle geometry."""

from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.distance import EARTH_RADIUS_M, arc_m, bearing_deg, chord, destination, haversine_m, unit

lats = st.floats(-89.9, 89.9)
lons = st.floats(-180, 180)


def test_a_degree_of_latitude_is_111_km_and_half_the_globe_20015_km() -> None:
    assert haversine_m(43, 77, 44, 77) == pytest.approx(111_195, abs=1)
    assert haversine_m(0, 0, 0, 180) == pytest.approx(20_015_115, abs=10)


def test_almaty_to_astana_is_970_km_as_the_crow_flies() -> None:
    assert haversine_m(43.2525, 76.9115, 51.1801, 71.446) == pytest.approx(970_000, rel=0.01)


def test_the_antimeridian_is_no_wall() -> None:
    assert haversine_m(0, 179.9, 0, -179.9) == pytest.approx(22_239, abs=1)


@pytest.mark.parametrize(("lat", "lon", "course"), [(1, 0, 0), (0, 1, 90), (-1, 0, 180), (0, -1, 270)])
def test_bearings_run_clockwise_from_north(lat: float, lon: float, course: float) -> None:
    assert bearing_deg(0, 0, lat, lon) == pytest.approx(course)


@given(lats, lons, lats, lons)
def test_a_bearing_stays_below_360(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    assert 0 <= bearing_deg(lat1, lon1, lat2, lon2) < 360


@given(st.floats(-85, 85), lons, st.floats(0, 359.9), st.floats(1, 5_000_000))
def test_going_a_distance_arrives_at_that_distance(
    lat: float, lon: float, course: float, metres: float
) -> None:
    end = destination(lat, lon, course, metres)
    assert -180 <= end.lon < 180
    assert haversine_m(lat, lon, end.lat, end.lon) == pytest.approx(metres, rel=1e-6, abs=0.01)


@given(lats, lons, lats, lons)
def test_the_straight_line_through_the_earth_measures_the_same_arc(
    lat1: float, lon1: float, lat2: float, lon2: float
) -> None:
    straight = dist(unit(lat1, lon1), unit(lat2, lon2))
    # Near antipodes both formulas lose digits: half a metre there, micrometres elsewhere.
    assert arc_m(straight) == pytest.approx(haversine_m(lat1, lon1, lat2, lon2), rel=1e-6, abs=1e-3)


@given(st.floats(0, 20_000_000))
def test_chord_and_arc_undo_each_other(metres: float) -> None:
    assert arc_m(chord(metres)) == pytest.approx(metres, rel=1e-6, abs=1e-3)


def test_no_chord_is_longer_than_the_diameter() -> None:
    assert chord(1e9) == chord(EARTH_RADIUS_M * 4) == 2.0
