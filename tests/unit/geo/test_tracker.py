"""The live position of one device."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from geo.cells import cell_of
from geo.distance import destination, haversine_m
from geo.tracker import Tracker
from geo.types import Fix, Movement, Reason

NOW = 1_800_000_000.0
HERE = Fix(NOW - 600, 43.2525, 76.9115)


def later(seconds: float, metres: float = 0.0, course: float = 45) -> Fix:
    lat, lon = destination(HERE.lat, HERE.lon, course, metres)
    return Fix(HERE.at + seconds, lat, lon)


def test_a_believed_fix_comes_back_with_its_cell() -> None:
    tracker = Tracker()
    assert tracker.observe(HERE, NOW) == Movement(HERE, cell_of(HERE.lat, HERE.lon))
    assert tracker.last == HERE


def test_a_parked_truck_keeps_reporting_the_same_place() -> None:
    tracker = Tracker()
    for second in range(5):
        assert isinstance(tracker.observe(later(second), NOW), Movement)


def test_a_late_fix_never_moves_live_state_back() -> None:
    tracker = Tracker(HERE)
    assert tracker.observe(later(0, 10), NOW) is Reason.LATE
    assert tracker.observe(later(-5, 10), NOW) is Reason.LATE
    assert tracker.last == HERE


def test_a_single_stray_fix_is_refused_and_forgotten() -> None:
    tracker = Tracker(HERE)
    assert tracker.observe(later(10, 50_000), NOW) is Reason.JUMP
    assert isinstance(tracker.observe(later(20, 200), NOW), Movement)
    assert tracker.observe(later(30, 50_000), NOW) is Reason.JUMP


def test_a_jump_that_the_next_fix_confirms_is_followed() -> None:
    tracker = Tracker(HERE)
    assert tracker.observe(later(10, 50_000), NOW) is Reason.JUMP
    there = later(20, 50_200)
    assert tracker.observe(there, NOW) == Movement(there, cell_of(there.lat, there.lon))
    assert tracker.observe(later(30, 0), NOW) is Reason.JUMP


def test_two_jumps_to_different_places_confirm_nothing() -> None:
    tracker = Tracker(HERE)
    assert tracker.observe(later(10, 50_000, course=0), NOW) is Reason.JUMP
    assert tracker.observe(later(20, 50_000, course=180), NOW) is Reason.JUMP
    assert isinstance(tracker.observe(later(30, 50_100, course=180), NOW), Movement)


def test_a_jump_older_than_the_remembered_one_confirms_nothing() -> None:
    tracker = Tracker(HERE)
    assert tracker.observe(later(20, 50_000), NOW) is Reason.JUMP
    assert tracker.observe(later(10, 50_000), NOW) is Reason.JUMP
    assert isinstance(tracker.observe(later(30, 50_000), NOW), Movement)


def test_a_receiver_without_a_position_never_confirms_itself() -> None:
    tracker = Tracker()
    for second in range(3):
        assert tracker.observe(Fix(HERE.at - 10 + second, 0.0, 0.0), NOW) is Reason.INACCURATE
    assert isinstance(tracker.observe(HERE, NOW), Movement)
    for second in range(1, 4):
        assert tracker.observe(Fix(HERE.at + second, 0.0, 0.0), NOW) is Reason.JUMP
    assert tracker.last == HERE


def test_an_inaccurate_fix_confirms_no_jump() -> None:
    tracker = Tracker(HERE)
    away = later(20, 50_000)
    assert tracker.observe(later(10, 50_000), NOW) is Reason.JUMP
    assert tracker.observe(Fix(away.at, away.lat, away.lon, accuracy=900), NOW) is Reason.INACCURATE
    assert tracker.last == HERE


class Device(RuleBasedStateMachine):
    """Any sequence of true, stray, late and broken fixes."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = Tracker()
        self.now = NOW
        self.newest = float("-inf")
        self.refused: list[Fix] = []

    @rule(
        seconds=st.floats(-200, 400),
        lat=st.sampled_from([0.0, 43.0, 43.001, 43.2, 51.0]),
        lon=st.sampled_from([0.0, 76.9, 76.9005, 77.5, 179.9999, -179.9999]),
        accuracy=st.sampled_from([None, 5.0, 150.0, 500.0]),
        wait=st.floats(0, 900),
    )
    def report(self, seconds: float, lat: float, lon: float, accuracy: float | None, wait: float) -> None:
        self.now += wait
        before = self.tracker.last
        fix = Fix(self.now + seconds, lat, lon, accuracy=accuracy)
        verdict = self.tracker.observe(fix, self.now)
        if isinstance(verdict, Movement):
            assert verdict.fix is fix is self.tracker.last
            assert verdict.cell == cell_of(lat, lon)
            assert fix.at > self.newest
            assert fix.at <= self.now + 120
            assert accuracy is None or accuracy <= 200
            assert (lat, lon) != (0.0, 0.0)
            believed = [before] if before is not None else []
            assert not believed or any(self.reachable(old, fix) for old in believed + self.refused)
            self.newest = fix.at
            self.refused = []
        else:
            assert self.tracker.last is before
            if verdict is Reason.JUMP:
                self.refused.append(fix)

    @staticmethod
    def reachable(old: Fix, fix: Fix) -> bool:
        slack = max(50.0, (old.accuracy or 0) + (fix.accuracy or 0))
        return haversine_m(old.lat, old.lon, fix.lat, fix.lon) <= 70 * (fix.at - old.at) + slack

    @invariant()
    def live_state_is_the_newest_believed_fix(self) -> None:
        assert self.tracker.last is None or self.tracker.last.at == self.newest


Device.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestDevice = Device.TestCase
