"""Why a driver is offered a load, or is not: the rules of the search said one by one, for people."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .matching import Ranked, misfits, rank
from .model import Candidate, Order, Policy, Vehicle


class Obstacle(StrEnum):
    """What keeps a wave from a driver, in the order in which he would mend it."""

    BLOCKED = "blocked"
    SUBSCRIPTION = "subscription"
    NO_VEHICLE = "no_vehicle"
    UNFIT = "unfit"  # the truck; `misfits` say what of it
    HIDDEN = "hidden"  # shipper and driver keep apart, or the load is for invited drivers only
    OFF_DUTY = "off_duty"
    BUSY = "busy"  # carries a load
    OFFERED = "offered"  # this load, as it is, was offered before
    DECLINED = "declined"
    CARDS = "cards"  # as many live offers as a driver reads at once
    NO_POSITION = "no_position"
    STALE_POSITION = "stale_position"
    FAR = "far"  # beyond the widest circle


@dataclass(frozen=True, slots=True)
class Facts:
    """What the search looks at in one driver, for one order. `deadhead_m` great circle to the pickup and
    `fix_age_s` are None where nobody knows his position; times in epoch seconds."""

    driver: int
    name: str
    blocked: bool
    subscribed: bool
    on_duty: bool
    busy: bool
    offered: bool
    declined: bool
    live_offers: int
    visible: bool
    vehicle: Vehicle | None
    rating: float
    last_offer_at: float | None
    deadhead_m: float | None
    fix_age_s: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a wave would make of a driver now: his score and its terms, or what keeps it from him."""

    facts: Facts
    obstacles: tuple[Obstacle, ...]
    misfits: tuple[str, ...]
    ranked: Ranked | None


def judge(order: Order, found: Iterable[Facts], now: float, policy: Policy) -> list[Verdict]:
    """Those who would be offered the order, best first, then the others, the nearest first.

    What saved searches add to a score is not counted: they are asked once, when an order is new.
    """
    verdicts = [_verdict(order, facts, now, policy) for facts in found]
    return sorted(verdicts, key=_place)


def obstacles(order: Order, facts: Facts, policy: Policy) -> list[Obstacle]:
    """All that keeps a wave from this driver."""
    vehicle, metres, age_s = facts.vehicle, facts.deadhead_m, facts.fix_age_s
    stands = {
        Obstacle.BLOCKED: facts.blocked,
        Obstacle.SUBSCRIPTION: not facts.subscribed,
        Obstacle.NO_VEHICLE: vehicle is None,
        Obstacle.UNFIT: vehicle is not None and any(misfits(order.load, vehicle)),
        Obstacle.HIDDEN: not facts.visible,
        Obstacle.OFF_DUTY: not facts.on_duty,
        Obstacle.BUSY: facts.busy,
        Obstacle.OFFERED: facts.offered and not facts.declined,
        Obstacle.DECLINED: facts.declined,
        Obstacle.CARDS: facts.live_offers >= policy.max_live_offers,
        Obstacle.NO_POSITION: metres is None,
        Obstacle.STALE_POSITION: age_s is not None and age_s > policy.max_fix_age_s,
        Obstacle.FAR: metres is not None and metres > policy.wave_radii_m[-1],
    }
    return [obstacle for obstacle, there in stands.items() if there]


def _verdict(order: Order, facts: Facts, now: float, policy: Policy) -> Verdict:
    found = tuple(obstacles(order, facts, policy))
    vehicle, metres, age_s = facts.vehicle, facts.deadhead_m, facts.fix_age_s
    amiss = () if vehicle is None else tuple(misfits(order.load, vehicle))
    if vehicle is None or metres is None or age_s is None:
        return Verdict(facts, found, amiss, None)
    candidate = Candidate(facts.driver, metres, age_s, vehicle, facts.rating, facts.last_offer_at)
    ranked = rank(order, [candidate], now, policy)
    return Verdict(facts, found, amiss, ranked[0] if ranked else None)


def _place(verdict: Verdict) -> tuple[bool, float, float, int]:
    score = 0.0 if verdict.ranked is None else verdict.ranked.score
    metres = verdict.facts.deadhead_m
    far = float("inf") if metres is None else metres
    if verdict.obstacles:
        return True, 0.0, far, verdict.facts.driver
    return False, -score, far, verdict.facts.driver
