"""Who gets the offers of a wave, and why: a weighted sum whose every term is kept with the offer."""

from collections.abc import Iterable, Iterator, Mapping
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
MISFITS = ("body", "weight", "volume", "size", "sides", "adr", "temperature")
SUBSTITUTE_BODY = 0.5  # of the body term, when the truck is not the kind that was asked for


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with a score in 0..1 and the terms that add up to it."""

    candidate: Candidate
    score: float
    reasons: dict[str, float]


def carriers_of(load: Load) -> frozenset[str]:
    """The bodies that can carry this load: those of every body it asks for, and what stands in for them."""
    return frozenset().union(*(CARRIES.get(body, frozenset()) for body in load.bodies))


def misfits(load: Load, vehicle: Vehicle) -> Iterator[str]:
    """What of the load this truck cannot carry, by the words of MISFITS: body, kg, m3, the largest piece, loading
    sides, ADR, temperature.

    What a vehicle leaves unsaid stands in no load's way, but for ADR: without the class it may not go.
    """
    if vehicle.body not in carriers_of(load):
        yield "body"
    if load.weight_kg > vehicle.capacity_kg:
        yield "weight"
    if load.volume_m3 > vehicle.volume_m3:
        yield "volume"
    if not (
        _at_most(load.length_m, vehicle.length_m)
        and _at_most(load.width_m, vehicle.width_m)
        and _at_most(load.height_m, vehicle.height_m)
    ):
        yield "size"
    if vehicle.sides and "full" not in vehicle.sides and not set(load.sides) <= set(vehicle.sides):
        yield "sides"
    if load.adr is not None and load.adr not in vehicle.adr:
        yield "adr"
    if not (_at_most(vehicle.temp_min_c, load.temp_max_c) and _at_most(load.temp_min_c, vehicle.temp_max_c)):
        yield "temperature"


def fits(load: Load, vehicle: Vehicle) -> bool:
    """Whether the truck can carry the load: nothing is amiss."""
    return next(misfits(load, vehicle), None) is None


def rank(order: Order, candidates: Iterable[Candidate], now: float, policy: Policy) -> list[Ranked]:
    """The candidates that fit and whose position is fresh enough, best first; equal scores by driver id."""
    ranked = [
        _score(order.load, candidate, now, policy)
        for candidate in candidates
        if fits(order.load, candidate.vehicle) and candidate.fix_age_s <= policy.max_fix_age_s
    ]
    return sorted(ranked, key=lambda entry: (-entry.score, entry.candidate.driver))


def most(policy: Policy) -> dict[str, float]:
    """What each term of a score comes to at most; together 1."""
    return {
        "deadhead": policy.weight_deadhead,
        "freshness": policy.weight_freshness,
        "body": policy.weight_body,
        "capacity": policy.weight_capacity,
        "rating": policy.weight_rating,
        "idle": policy.weight_idle,
        "search": policy.weight_search,
    }


def _score(load: Load, candidate: Candidate, now: float, policy: Policy) -> Ranked:
    vehicle = candidate.vehicle
    idle_s = policy.idle_full_s if candidate.last_offer_at is None else now - candidate.last_offer_at
    reasons = {
        # Half of the term at the radius of the first wave, and still telling 200 km from 300 km apart.
        "deadhead": policy.weight_deadhead / (1 + candidate.deadhead_m / policy.wave_radii_m[0]),
        "freshness": policy.weight_freshness * (1 - _unit(candidate.fix_age_s / policy.max_fix_age_s)),
        "body": policy.weight_body * (1.0 if vehicle.body in load.bodies else SUBSTITUTE_BODY),
        # A truck that the load fills: a 20-tonner sent for 500 kg is missing elsewhere.
        "capacity": policy.weight_capacity
        * _unit(max(load.weight_kg / vehicle.capacity_kg, load.volume_m3 / vehicle.volume_m3)),
        "rating": policy.weight_rating * _unit(candidate.rating / 5),
        "idle": policy.weight_idle * _unit(idle_s / policy.idle_full_s),
        "search": policy.weight_search * candidate.searched,
    }
    return Ranked(candidate, sum(reasons.values()), reasons)


def _at_most(low: float | None, high: float | None) -> bool:
    return low is None or high is None or low <= high


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))
