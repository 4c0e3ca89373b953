"""Why a driver is offered a load: what is said is what the search would do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.explaining import Facts, Obstacle, judge, obstacles
from dispatch.matching import MISFITS, fits, misfits, most, rank
from dispatch.model import Candidate, Load, Policy, Vehicle

from .test_matching import NOW, ORDER, POLICY

TRUCK = Vehicle(1, "tent", 20_000.0, 90.0)
READY = Facts(
    driver=7,
    name="Ерлан",
    blocked=False,
    subscribed=True,
    on_duty=True,
    busy=False,
    offered=False,
    declined=False,
    live_offers=0,
    visible=True,
    vehicle=TRUCK,
    rating=4.5,
    last_offer_at=None,
    deadhead_m=12_000.0,
    fix_age_s=4.0,
)
metres = st.none() | st.floats(0.1, 30)
loads = st.builds(
    Load,
    cargo=st.just("мука"),
    weight_kg=st.sampled_from([500.0, 20_000.0, 25_000.0]),
    volume_m3=st.sampled_from([1.0, 90.0, 120.0]),
    body=st.sampled_from(["tent", "reefer", "tank"]),
    length_m=metres,
    sides=st.sampled_from([(), ("side",), ("rear", "top")]),
    adr=st.sampled_from([None, "3"]),
    temp_min_c=st.sampled_from([None, -18.0]),
    temp_max_c=st.sampled_from([None, -10.0]),
)
vehicles = st.builds(
    Vehicle,
    id=st.just(1),
    body=st.sampled_from(["tent", "reefer", "tank"]),
    capacity_kg=st.sampled_from([1_500.0, 20_000.0]),
    volume_m3=st.sampled_from([16.0, 90.0]),
    length_m=metres,
    sides=st.sampled_from([(), ("side",), ("full",)]),
    adr=st.sampled_from([(), ("3",)]),
    temp_min_c=st.sampled_from([None, -25.0, 2.0]),
    temp_max_c=st.sampled_from([None, -15.0, 25.0]),
)


@given(loads, vehicles)
def test_a_truck_fits_when_nothing_of_the_load_is_amiss(load: Load, vehicle: Vehicle) -> None:
    amiss = list(misfits(load, vehicle))
    assert fits(load, vehicle) is (not amiss)
    assert set(amiss) <= set(MISFITS) and len(amiss) == len(set(amiss))


def test_the_terms_at_their_most_are_the_whole_score() -> None:
    best = Candidate(1, 0.0, 0.0, replace(TRUCK, capacity_kg=10_000.0), 5.0, None, searched=True)
    [ranked] = rank(ORDER, [best], NOW, POLICY)
    assert ranked.reasons == pytest.approx(most(POLICY))
    assert sum(most(POLICY).values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"blocked": True}, [Obstacle.BLOCKED]),
        ({"subscribed": False}, [Obstacle.SUBSCRIPTION]),
        ({"vehicle": None}, [Obstacle.NO_VEHICLE]),
        ({"vehicle": replace(TRUCK, body="tank")}, [Obstacle.UNFIT]),
        ({"visible": False}, [Obstacle.HIDDEN]),
        ({"on_duty": False}, [Obstacle.OFF_DUTY]),
        ({"busy": True}, [Obstacle.BUSY]),
        ({"offered": True}, [Obstacle.OFFERED]),
        ({"offered": True, "declined": True}, [Obstacle.DECLINED]),
        ({"live_offers": POLICY.max_live_offers}, [Obstacle.CARDS]),
        ({"deadhead_m": None, "fix_age_s": None}, [Obstacle.NO_POSITION]),
        ({"fix_age_s": POLICY.max_fix_age_s + 1}, [Obstacle.STALE_POSITION]),
        ({"deadhead_m": POLICY.wave_radii_m[-1] + 1}, [Obstacle.FAR]),
        ({"subscribed": False, "on_duty": False}, [Obstacle.SUBSCRIPTION, Obstacle.OFF_DUTY]),
    ],
)
def test_each_obstacle_is_said_and_no_other(change: dict[str, object], said: list[Obstacle]) -> None:
    assert obstacles(ORDER, replace(READY, **change), POLICY) == said  # type: ignore[arg-type]


def test_who_would_be_asked_comes_first_by_score_and_the_others_by_distance() -> None:
    people = [
        replace(READY, driver=1, deadhead_m=200_000.0),
        replace(READY, driver=2, deadhead_m=100.0, subscribed=False),
        replace(READY, driver=3, deadhead_m=1_000.0),
        replace(READY, driver=4, deadhead_m=None, fix_age_s=None),
        replace(READY, driver=5, deadhead_m=50.0, vehicle=None),
    ]
    verdicts = judge(ORDER, people, NOW, Policy())
    assert [verdict.facts.driver for verdict in verdicts] == [3, 1, 5, 2, 4]
    assert [verdict.ranked is None for verdict in verdicts] == [False, False, True, False, True]


def test_a_truck_that_does_not_suit_is_told_what_of_the_load_it_is() -> None:
    [verdict] = judge(ORDER, [replace(READY, vehicle=Vehicle(1, "tank", 500.0, 90.0))], NOW, POLICY)
    assert verdict.misfits == ("body", "weight") and verdict.ranked is None
