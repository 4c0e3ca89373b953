"""Who gets the offers of a wave, and why: a weighted sum whose every term is kept with the offer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .model import Candidate, Load, Order, Policy, Vehicle

# Which bodies can carry a load that asks for this one. A covered load may go colder or better closed, never
# the other way; open and special loads need their own kind.
CARRIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "tent": frozenset({"tent", "isotherm", "reefer", "van"}),
        "reefer": frozenset({"reefer"}),
        "isotherm": frozenset({"isotherm", "reefer"}),
        "flatbed": frozenset({"flatbed", "lowboy"}),
        "container": frozenset({"container", "flatbed"}),
        "tipper": frozenset({"tipper"}),
        "tank": frozenset({"tank"}),
        "lowboy": frozenset({"lowboy"}),
        "van": frozenset({"van", "tent", "isotherm", "reefer"}),
    }
)
SUBSTITUTE_BODY = 0.5  # of the body term, when the truck is not the kind that was asked for


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with a score in 0..1 and the terms that add up to it."""

    candidate: Candidate
    score: float
    reasons: dict[str, float]


def fits(load: Load, vehicle: Vehicle) -> bool:
    """Whether the truck can carry the load: body, kg and m3."""
    return (
        vehicle.body in CARRIES.get(load.body, frozenset())
        and load.weight_kg <= vehicle.capacity_kg
        and load.volume_m3 <= vehicle.volume_m3
    )


def rank(order: Order, candidates: Iterable[Candidate], now: float, policy: Policy) -> list[Ranked]:
    """The candidates that fit and whose position is fresh enough, best first; equal scores by driver id."""
    ranked = [
        _score(order.load, candidate, now, policy)
        for candidate in candidates
        if fits(order.load, candidate.vehicle) and candidate.fix_age_s <= policy.max_fix_age_s
    ]
    return sorted(ranked, key=lambda entry: (-entry.score, entry.candidate.driver))


def _score(load: Load, candidate: Candidate, now: float, policy: Policy) -> Ranked:
    vehicle = candidate.vehicle
    idle_s = policy.idle_full_s if candidate.last_offer_at is None else now - candidate.last_offer_at
    reasons = {
        # Half of the term at the radius of the first wave, and still telling 200 km from 300 km apart.
        "deadhead": policy.weight_deadhead / (1 + candidate.deadhead_m / policy.wave_radii_m[0]),
        "freshness": policy.weight_freshness * (1 - _unit(candidate.fix_age_s / policy.max_fix_age_s)),
        "body": policy.weight_body * (1.0 if vehicle.body == load.body else SUBSTITUTE_BODY),
        # A truck that the load fills: a 20-tonner sent for 500 kg is missing elsewhere.
        "capacity": policy.weight_capacity
        * _unit(max(load.weight_kg / vehicle.capacity_kg, load.volume_m3 / vehicle.volume_m3)),
        "rating": policy.weight_rating * _unit(candidate.rating / 5),
        "idle": policy.weight_idle * _unit(idle_s / policy.idle_full_s),
    }
    return Ranked(candidate, sum(reasons.values()), reasons)


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
