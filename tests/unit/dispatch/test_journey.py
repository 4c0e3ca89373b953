"""Driving, rest, borders and heat on one clock."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.journey import (
    HOUR,
    PAIR,
    SINGLE,
    Drive,
    Journey,
    Queue,
    Service,
    Step,
    _queues,
    arrival,
    rules_of,
    travel,
)
from geo.heat import HeatBans

BANS = HeatBans.load()
# 1 February, noon in Kazakhstan: no ban for months.
WINTER = datetime(2026, 2, 1, 7, tzinfo=UTC).timestamp()
SUMMER = datetime(2026, 7, 1, 1, tzinfo=UTC).timestamp()  # 06:00 in Kazakhstan


def road(hours: float) -> Drive:
    return Drive(hours * HOUR, "KZ", "01")


def hours(journey: Journey) -> tuple[float, float]:
    return round(journey.seconds / HOUR, 6), round(journey.rest_s / HOUR, 6)


@pytest.mark.parametrize(
    ("driving", "whole", "rest"),
    [
        (4.5, 4.5, 0.0),
        (4.6, 5.35, 0.75),
        (9.0, 9.75, 0.75),
        (9.1, 9.1 + 0.75 + 11, 11.75),
        (18.0, 18 + 2 * 0.75 + 11, 12.5),
        (27.0, 27 + 3 * 0.75 + 2 * 11, 24.25),
    ],
)
def test_one_driver_breaks_after_four_and_a_half_hours_and_sleeps_after_nine(
    driving: float, whole: float, rest: float
) -> None:
    assert hours(travel([road(driving)], WINTER)) == (pytest.approx(whole), pytest.approx(rest))


def test_two_drivers_go_on_for_eighteen_hours() -> None:
    assert hours(travel([road(18)], WINTER, PAIR)) == (18, 0)
    assert hours(travel([road(20)], WINTER, PAIR)) == (29, 9)
    assert (rules_of(1), rules_of(2)) == (SINGLE, PAIR)


def test_after_56_hours_at_the_wheel_comes_the_rest_of_the_week() -> None:
    within, beyond = travel([road(56)], WINTER), travel([road(57)], WINTER)
    assert beyond.rest_s - within.rest_s == pytest.approx(45 * HOUR)


def test_a_long_queue_at_the_border_is_the_night_and_a_short_one_a_break() -> None:
    assert travel([road(9), Queue(11 * HOUR), road(4)], WINTER).rest_s == 0.75 * HOUR
    assert travel([road(4.4), Queue(1 * HOUR), road(4.4)], WINTER).rest_s == 0
    assert travel([road(4.4), Queue(0.5 * HOUR), road(4.4)], WINTER).rest_s == 0.75 * HOUR


def test_loading_is_work_and_eats_the_day_of_thirteen_hours() -> None:
    assert travel([road(4), Service(2 * HOUR), road(4)], WINTER).rest_s == 0.75 * HOUR
    long = travel([road(4), Service(8 * HOUR), road(4)], WINTER)
    assert long.rest_s == pytest.approx(0.75 * HOUR + 11 * HOUR) or long.rest_s == pytest.approx(11 * HOUR)
    night = travel([road(9), Service(12 * HOUR), road(4)], WINTER)
    assert (night.rest_s, night.service_s) == (0.75 * HOUR, 12 * HOUR)


def test_a_heavy_axle_stands_through_the_heat_and_sleeps_meanwhile() -> None:
    hot = travel([road(8)], SUMMER, axle_kg=10_000, bans=BANS)
    # From 06:00 to 10:00, then to 22:00 in the shade, and 4 hours more without any rest by law.
    assert (hot.heat_s, hot.rest_s, hot.seconds) == (12 * HOUR, 0, 20 * HOUR)
    assert travel([road(8)], SUMMER, axle_kg=7_000, bans=BANS).heat_s == 0


steps = st.lists(
    st.one_of(
        st.builds(Drive, st.floats(0, 40 * HOUR), st.just("KZ"), st.sampled_from(["01", "03", "17"])),
        st.builds(Queue, st.floats(0, 60 * HOUR)),
        st.builds(Service, st.floats(0, 20 * HOUR)),
    ),
    max_size=6,
)


@settings(max_examples=80)
@given(steps, st.floats(1.76e9, 1.8e9), st.sampled_from([1, 2]), st.sampled_from([0.0, 10_000.0]))
def test_every_second_of_a_journey_has_its_reason(
    steps: list[Step], depart_at: float, crew: int, axle_kg: float
) -> None:
    journey = travel(steps, depart_at, rules_of(crew), axle_kg=axle_kg, bans=BANS)
    parts = (
        journey.driving_s,
        journey.rest_s,
        journey.border_s,
        journey.service_s,
        journey.heat_s,
    )
    assert min(parts) >= 0 and sum(parts) == pytest.approx(journey.seconds, abs=1)
    assert journey.driving_s == pytest.approx(
        sum(step.seconds for step in steps if isinstance(step, Drive)), abs=1e-3
    )
    # Nobody drives more than the law lets them: 9 h in each 9.75 + 11 h, 18 h in each 18 + 9 h.
    day, night = (9, 11) if crew == 1 else (18, 9)
    stood = journey.rest_s + journey.heat_s + journey.border_s + journey.service_s
    assert journey.driving_s <= (stood / (night * HOUR) + 1) * day * HOUR + 1


@settings(max_examples=25)
@given(steps, st.floats(1.76e9, 1.8e9), st.sampled_from([0.0, 10_000.0]))
def test_the_window_holds_the_typical_arrival(steps: list[Step], depart_at: float, axle_kg: float) -> None:
    eta = arrival(steps, depart_at, axle_kg=axle_kg, bans=BANS if axle_kg else None)
    assert depart_at <= eta.early_at <= eta.typical.arrive_at <= eta.late_at
    assert eta == arrival(steps, depart_at, axle_kg=axle_kg, bans=BANS if axle_kg else None)


def test_a_border_widens_the_window_and_more_borders_less_than_twice_as_much() -> None:
    widths = [
        (eta.late_at - eta.early_at) / HOUR
        for eta in (arrival([road(4), *[Queue(4 * HOUR)] * n], WINTER) for n in (0, 1, 2, 4))
    ]
    assert all(a < b for a, b in pairwise(widths))
    assert widths[2] - widths[0] < 2 * (widths[1] - widths[0])


@pytest.mark.parametrize("borders", [1, 2, 5])
def test_equally_likely_queues_have_the_mean_that_was_measured(borders: int) -> None:
    factors = _queues(borders)
    # The mean of mid-quantiles misses some of the long tail.
    assert 0.85 < sum(factors) / len(factors) < 1.0 and list(factors) == sorted(factors)


def test_a_hot_day_moves_only_the_late_end() -> None:
    heavy = arrival([road(8)], SUMMER, axle_kg=10_000, bans=BANS)
    light = arrival([road(8)], SUMMER)
    assert heavy.early_at == light.early_at
    assert heavy.late_at > light.late_at + 6 * HOUR
