"""Ranking: explained term by term, and fair in each of them."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dispatch.matching import CARRIES, fits, rank
from dispatch.model import Candidate, Haul, Load, Money, Order, Place, Policy, Status, Vehicle

POLICY = Policy()
NOW = 1_800_000_000.0
HERE = Place(1, "Алматы", 43.25, 76.95)
ORDER = Order(
    id=1,
    shipper=1,
    status=Status.OPEN,
    seq=1,
    haul=Haul(HERE, HERE, 1e6, 5e4, "embedded"),
    load=Load("мука", 10_000.0, 40.0, "tent"),
    price=Money(1, "KZT"),
    created_at=NOW,
    expires_at=NOW + 3600,
)
vehicles = st.builds(
    Vehicle,
    id=st.just(1),
    body=st.sampled_from(sorted(CARRIES["tent"])),
    capacity_kg=st.floats(10_000, 40_000),
    volume_m3=st.floats(40, 120),
)
candidates = st.builds(
    Candidate,
    driver=st.integers(1, 1000),
    deadhead_m=st.floats(0, 400_000),
    fix_age_s=st.floats(0, POLICY.max_fix_age_s),
    vehicle=vehicles,
    rating=st.floats(0, 5),
    last_offer_at=st.none() | st.floats(NOW - 10_000, NOW),
)


def score(candidate: Candidate) -> float:
    [ranked] = rank(ORDER, [candidate], NOW, POLICY)
    return ranked.score


@given(candidates)
def test_the_terms_add_up_to_a_score_between_nothing_and_one(candidate: Candidate) -> None:
    [ranked] = rank(ORDER, [candidate], NOW, POLICY)
    assert set(ranked.reasons) == {"deadhead", "freshness", "body", "capacity", "rating", "idle", "search"}
    assert all(term >= 0 for term in ranked.reasons.values())
    assert ranked.score == sum(ranked.reasons.values())
    assert 0 <= ranked.score <= 1 + 1e-9


@given(candidates, st.floats(0, 400_000))
def test_nearer_is_never_worse(candidate: Candidate, metres: float) -> None:
    nearer = replace(candidate, deadhead_m=min(candidate.deadhead_m, metres))
    assert score(nearer) >= score(candidate)


@given(candidates, st.floats(0, POLICY.max_fix_age_s))
def test_a_fresher_position_is_never_worse(candidate: Candidate, age: float) -> None:
    assert score(replace(candidate, fix_age_s=min(candidate.fix_age_s, age))) >= score(candidate)


@given(candidates, st.floats(0, 5))
def test_a_better_rating_is_never_worse(candidate: Candidate, rating: float) -> None:
    assert score(replace(candidate, rating=max(candidate.rating, rating))) >= score(candidate)


@given(candidates, st.floats(NOW - 10_000, NOW))
def test_a_longer_wait_for_an_offer_is_never_worse(candidate: Candidate, offered: float) -> None:
    waited = None if candidate.last_offer_at is None else min(candidate.last_offer_at, offered)
    assert score(replace(candidate, last_offer_at=waited)) >= score(candidate)


@given(candidates)
def test_the_body_that_was_asked_for_and_a_fuller_truck_are_never_worse(candidate: Candidate) -> None:
    vehicle = candidate.vehicle
    assert score(replace(candidate, vehicle=replace(vehicle, body="tent"))) >= score(candidate)
    snug = replace(vehicle, capacity_kg=ORDER.load.weight_kg, volume_m3=ORDER.load.volume_m3)
    assert score(replace(candidate, vehicle=snug)) >= score(candidate)


@given(st.lists(candidates, max_size=12, unique_by=lambda c: c.driver), st.randoms())
def test_the_order_of_arrival_does_not_matter(crowd: list[Candidate], random: object) -> None:
    ranked = rank(ORDER, crowd, NOW, POLICY)
    shuffled = list(crowd)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own Random
    assert rank(ORDER, shuffled, NOW, POLICY) == ranked
    assert [entry.score for entry in ranked] == sorted((entry.score for entry in ranked), reverse=True)


@given(candidates)
def test_who_cannot_carry_it_or_was_not_seen_lately_is_not_ranked(candidate: Candidate) -> None:
    for change in (
        {"vehicle": replace(candidate.vehicle, capacity_kg=9_999.0)},
        {"vehicle": replace(candidate.vehicle, volume_m3=39.9)},
        {"vehicle": replace(candidate.vehicle, body="tank")},
        {"fix_age_s": POLICY.max_fix_age_s + 1},
    ):
        assert rank(ORDER, [replace(candidate, **change)], NOW, POLICY) == []


@pytest.mark.parametrize(
    ("asked", "body", "carried"),
    [("tent", "reefer", True), ("reefer", "tent", False), ("flatbed", "lowboy", True), ("tank", "tent", False),
     ("van", "tent", True), ("container", "flatbed", True), ("isotherm", "reefer", True)],
)  # fmt: skip
def test_a_load_goes_on_its_own_body_or_a_better_closed_one(asked: str, body: str, carried: bool) -> None:
    assert fits(Load("x", 1.0, 0.0, asked), Vehicle(1, body, 20_000.0, 80.0)) is carried


def test_every_body_carries_what_asks_for_it() -> None:
    assert all(body in bodies for body, bodies in CARRIES.items())


@given(candidates, candidates)
def test_a_nearby_driver_beats_one_who_is_better_in_nothing(near: Candidate, far: Candidate) -> None:
    assume(near.driver != far.driver)
    twin = replace(near, driver=far.driver, deadhead_m=near.deadhead_m + 1000)
    assert [r.candidate for r in rank(ORDER, [twin, near], NOW, POLICY)] == [near, twin]


PLAIN_TRUCK = Vehicle(1, "tent", 20_000.0, 86.0)
ASKED = Load("мука", 10_000.0, 40.0, "tent")


@pytest.mark.parametrize(
    ("load", "vehicle", "carried"),
    [
        ({}, {}, True),
        ({"length_m": 13.0}, {}, True),  # an unmeasured body stands in no load's way
        ({"length_m": 13.0}, {"length_m": 13.6}, True),
        ({"length_m": 13.7}, {"length_m": 13.6}, False),
        ({"height_m": 2.8}, {"height_m": 2.5}, False),
        ({"sides": ("top",)}, {"sides": ("rear", "side")}, False),
        ({"sides": ("top",)}, {"sides": ("full",)}, True),
        ({"adr": "3"}, {}, False),  # dangerous goods need a truck that says it may
        ({"adr": "3"}, {"adr": ("3", "8")}, True),
        ({"temp_min_c": 2.0, "temp_max_c": 6.0}, {"temp_min_c": -25.0, "temp_max_c": 25.0}, True),
        ({"temp_min_c": -20.0, "temp_max_c": -18.0}, {"temp_min_c": -10.0, "temp_max_c": 25.0}, False),
        ({"body": "flatbed"}, {}, False),
        ({"body": "flatbed", "other_bodies": ("tent",)}, {}, True),
    ],
)
def test_a_truck_fits_by_size_sides_danger_class_temperature_and_any_body_asked_for(
    load: dict[str, object], vehicle: dict[str, object], carried: bool
) -> None:
    assert fits(replace(ASKED, **load), replace(PLAIN_TRUCK, **vehicle)) is carried  # type: ignore[arg-type]
