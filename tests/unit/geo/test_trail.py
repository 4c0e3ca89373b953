"""A trail tells the way driven, whatever the receiver made of it."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.distance import METRES_PER_DEGREE
from geo.trail import AGREEING, HALT_S, Trail, trail_of
from geo.types import Fix

METRE = 1 / METRES_PER_DEGREE


def north(metres: float, at: float, **more: float) -> Fix:
    """A fix so far north of 43 degrees."""
    return Fix(at, 43.0 + metres * METRE, 77.0, **more)


def driving(seconds: int, speed: float = 20.0, *, since: float = 0.0, start: float = 0.0) -> list[Fix]:
    return [north(start + at * speed, since + at) for at in range(seconds + 1)]


def test_a_drive_is_as_long_as_it_is() -> None:
    assert trail_of(driving(600)).metres == pytest.approx(12_000, rel=0.002)


def test_a_parked_truck_drives_nowhere_however_its_fixes_wander() -> None:
    dice = random.Random(1)
    parked = [north(dice.gauss(0, 8), float(at)) for at in range(3_600)]
    trail = trail_of(parked)
    assert trail.metres == 0
    (halt,) = trail.halts
    assert halt.until - halt.since == pytest.approx(3_599, abs=1)


def test_a_halt_between_two_drives_is_told_with_its_times() -> None:
    there = driving(300)
    stood = [north(6_000, 300.0 + at) for at in range(1, 401)]
    back = driving(300, since=701.0, start=6_000.0)
    trail = trail_of(there + stood + back)
    assert [(round(halt.since, -1), round(halt.until, -1)) for halt in trail.halts] == [(300, 700)]
    assert trail.metres == pytest.approx(12_000, rel=0.01)


def test_a_wait_at_a_light_is_no_halt() -> None:
    stood = [north(6_000, 300.0 + at) for at in range(1, int(HALT_S) - 10)]
    assert trail_of(driving(300) + stood + driving(300, since=410.0, start=6_000.0)).halts == []


@pytest.mark.parametrize("metres", [300.0, 5_000.0, 900_000.0])
def test_a_stray_fix_adds_nothing(metres: float) -> None:
    fixes = driving(600)
    for at in range(50, 600, 50):
        fixes[at] = fixes[at]._replace(lon=77.0 + metres * METRE)
    assert trail_of(fixes).metres == pytest.approx(12_000, rel=0.005)


@pytest.mark.parametrize("length", [2, AGREEING, 60])
def test_an_excursion_that_comes_back_was_none(length: int) -> None:
    fixes = driving(600)
    for at in range(200, 200 + length):
        fixes[at] = fixes[at]._replace(lon=77.5)
    trail = trail_of(fixes)
    assert trail.metres == pytest.approx(12_000, rel=0.01)
    assert all(spot.lon == 77.0 for spot in trail.line)


def test_a_truck_that_really_is_elsewhere_is_followed_there_and_the_leap_is_not_counted() -> None:
    trail = trail_of(driving(300) + driving(300, since=301.0, start=500_000.0))
    assert trail.metres == pytest.approx(12_000, rel=0.01)


def test_a_gap_of_an_hour_is_counted_straight() -> None:
    trail = trail_of(driving(300) + driving(300, since=3_900.0, start=70_000.0))
    assert trail.metres == pytest.approx(76_000, rel=0.01)


def test_coarse_fixes_and_the_receivers_nowhere_are_passed_over() -> None:
    fixes = driving(300)
    bad = [(north(9_000, fix.at + 0.5, accuracy=500.0), Fix(fix.at + 0.6, 0.0, 0.0)) for fix in fixes]
    mixed = [each for fix, more in zip(fixes, bad, strict=True) for each in (fix, *more)]
    assert trail_of(mixed).metres == pytest.approx(trail_of(fixes).metres)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.floats(0.5, 60.0), st.floats(-60.0, 60.0), st.sampled_from([0.0, 0.0, 0.0, 400.0, 50_000.0])
        ),
        min_size=2,
        max_size=80,
    ),
    cut=st.integers(1, 79),
)
def test_a_trail_goes_on_from_its_stored_state_as_if_it_had_never_stopped(
    steps: list[tuple[float, float, float]], cut: int
) -> None:
    fixes, at, metres = [], 0.0, 0.0
    for seconds, moved, stray in steps:
        at += seconds
        metres += moved
        fixes.append(north(metres + stray, at))
    whole, halts = trail_of(fixes), []
    trail = Trail()
    for fix in fixes[:cut]:
        trail.observe(fix)
    taken = trail.take_halts()
    trail = Trail.of(json.loads(json.dumps(trail.state())))
    for fix in fixes[cut:]:
        trail.observe(fix)
    trail.finish()
    halts = taken + trail.halts
    assert trail.metres == pytest.approx(whole.metres)
    # Only a halt that an excursion takes back after it was told can differ.
    assert len(halts) >= len(whole.halts)
