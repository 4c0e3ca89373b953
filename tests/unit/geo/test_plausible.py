"""The plausibility gate of a single fix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.distance import destination, haversine_m
from geo.plausible import Limits, why_reject
from geo.types import Fix, Reason

NOW = 1_800_000_000.0
LIMITS = Limits()
ALMATY = Fix(NOW - 60, 43.2525, 76.9115, accuracy=10)


def later(seconds: float, metres: float = 0.0, accuracy: float | None = 10, course: float = 45) -> Fix:
    lat, lon = destination(ALMATY.lat, ALMATY.lon, course, metres)
    return Fix(ALMATY.at + seconds, lat, lon, accuracy=accuracy)


def reason(fix: Fix, previous: Fix | None = ALMATY) -> Reason | None:
    return why_reject(previous, fix, NOW, LIMITS)


def test_a_truck_on_the_road_is_believed() -> None:
    assert reason(later(10, 250)) is None
    assert reason(ALMATY, previous=None) is None


def test_a_parked_truck_may_repeat_its_place() -> None:
    assert reason(later(1)) is None


@pytest.mark.parametrize(("ahead", "verdict"), [(120, None), (120.5, Reason.FUTURE), (86_400, Reason.FUTURE)])
def test_a_clock_may_run_two_minutes_ahead(ahead: float, verdict: Reason | None) -> None:
    assert reason(Fix(NOW + ahead, 43, 77), previous=None) is verdict


def test_a_fix_older_than_a_week_is_poison() -> None:
    week = 7 * 86_400
    assert reason(Fix(NOW - week, 43, 77), previous=None) is None
    assert reason(Fix(NOW - week - 1, 43, 77), previous=None) is Reason.TOO_OLD
    assert reason(Fix(NOW - week - 1, 43, 77)) is Reason.TOO_OLD


@pytest.mark.parametrize("seconds", [0, -0.001, -3_600])
def test_a_fix_not_newer_than_the_last_is_late(seconds: float) -> None:
    assert reason(later(seconds)) is Reason.LATE


def test_a_fix_of_a_cell_tower_is_inaccurate() -> None:
    assert reason(later(10, 0, accuracy=200)) is None
    assert reason(later(10, 0, accuracy=201)) is Reason.INACCURATE
    assert reason(later(10, 0, accuracy=None)) is None


def test_a_fix_faster_than_any_truck_is_a_jump() -> None:
    assert reason(later(10, 10 * 70 + 45)) is None
    assert reason(later(10, 10 * 70 + 55)) is Reason.JUMP


def test_the_accuracy_of_both_fixes_is_forgiven() -> None:
    assert reason(later(1, 70 + 150)) is Reason.JUMP
    assert reason(later(1, 70 + 150, accuracy=150)) is None


def test_crossing_the_antimeridian_is_no_jump() -> None:
    west = Fix(NOW - 60, 65.0, 179.9995)
    assert why_reject(west, Fix(NOW - 50, 65.0, -179.9995), NOW, LIMITS) is None


def test_null_island_is_never_believed_even_after_days_of_silence() -> None:
    assert reason(Fix(NOW, 0.0, 0.0), previous=None) is Reason.INACCURATE
    silent = Fix(NOW - 6 * 86_400, 43, 77)
    assert reason(Fix(NOW, 0.0, 0.0), previous=silent) is Reason.JUMP
    assert reason(Fix(NOW, 0.0, 76.9), previous=None) is None


@given(
    st.floats(-89, 89),
    st.floats(-180, 180),
    st.floats(0, 360),
    st.floats(0.1, 100_000),
    st.floats(0.1, 86_400),
    st.one_of(st.none(), st.floats(0, 200)),
)
def test_the_short_cut_without_trigonometry_never_changes_the_verdict(
    lat: float, lon: float, course: float, metres: float, seconds: float, accuracy: float | None
) -> None:
    before = Fix(NOW - 86_400, lat, lon)
    end = destination(lat, lon, course, metres)
    fix = Fix(before.at + seconds, end.lat, end.lon, accuracy=accuracy)
    allowed = LIMITS.max_speed * seconds + max(50.0, accuracy or 0.0)
    way = haversine_m(lat, lon, end.lat, end.lon)
    assert why_reject(before, fix, NOW, LIMITS) is (Reason.JUMP if way > allowed else None)
