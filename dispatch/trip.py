"""A trip: where the truck is on its order's way, what that suggests, how long it waits, when it arrives. Pure.

Arrivals and departures are judged by fences around the stops, never by one fix: a truck that passes a gate has not
arrived, and one that turns round in the yard has not left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from geo.travel import Travel
from geo.types import Position

from .journey import Eta, Rules, Service, Step, arrival, rules_of
from .model import Order, Status, Stop
from .trip_cost import LOADING_S, steps_of

# A fence: 300 m around a pin, 6 km around the middle of a town that is all that is known of the stop. Whoever is
# inside for a minute has arrived; whoever is beyond 1.3 times its radius for a minute has left, so that a truck
# parked at the rim does not come and go with every fix.
PIN_M, TOWN_M = 300.0, 6_000.0
RIM = 1.3
DWELL_S = 60.0
# Loading time in the price, of KZ haulage contracts (freight-facts.md): what is beyond it is detention.
FREE_S = 2 * 3_600.0
# The shipper hears of a delay when it reaches half an hour, and again with each further hour.
DELAY_S, DELAY_MORE_S = 1_800.0, 3_600.0

UNDER_WAY = frozenset({Status.ASSIGNED, Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP})
# The trip goes on: the truck is followed, also while the parties dispute.
FOLLOWED = UNDER_WAY | {Status.DISPUTED}


@dataclass(frozen=True, slots=True)
class Visit:
    """What the stream says of one stop; times in epoch seconds. `inside` and `outside` since: not yet believed."""

    arrived_at: float | None = None
    left_at: float | None = None
    inside_since: float | None = None
    outside_since: float | None = None

    def observe(self, at: float, *, inside: bool, beyond: bool) -> "Visit":
        """One fix at `at`: inside the fence, or beyond its rim."""
        if self.left_at is not None:
            return self
        if self.arrived_at is None:
            if not inside:
                return self if self.inside_since is None else replace(self, inside_since=None)
            since = at if self.inside_since is None else self.inside_since
            if at - since >= DWELL_S:
                return Visit(arrived_at=since)
            return self if self.inside_since is not None else replace(self, inside_since=since)
        if not beyond:
            return self if self.outside_since is None else replace(self, outside_since=None)
        since = at if self.outside_since is None else self.outside_since
        if at - since >= DWELL_S:
            return Visit(self.arrived_at, since)
        return self if self.outside_since is not None else replace(self, outside_since=since)


class Waiting(NamedTuple):
    """The clock at a stop: since when it counts, how long it ran, and what of that is beyond the free time."""

    since: float
    until: float | None
    seconds: float
    detention_s: float


class Arrival(NamedTuple):
    """When a stop ahead is reached: nine of ten after `early_at`, nine of ten before `late_at`; `late_s` behind
    the end of its window, 0 in time or without one."""

    stop: int
    early_at: float
    at: float
    late_at: float
    late_s: float
    distance_m: float


def stops_of(order: Order) -> tuple[Stop, ...]:
    """Every stop in order of driving, also of an order that was posted with its two ends only."""
    haul = order.haul
    return haul.stops or (Stop("pickup", haul.pickup), Stop("drop", haul.drop))


def fence_of(stop: Stop) -> tuple[Position, float]:
    """Middle and radius in metres."""
    return (stop.place.position, TOWN_M) if stop.exact is None else (stop.exact, PIN_M)


def suggestion(status: Status, stops: Sequence[Stop], visits: Sequence[Visit]) -> Status | None:
    """The step that the stream says is due, for the driver to confirm."""
    pickups = [visit for stop, visit in zip(stops, visits, strict=True) if stop.kind == "pickup"]
    last = visits[-1]
    if status is Status.ASSIGNED and pickups[0].arrived_at is not None:
        return Status.AT_PICKUP
    if status is Status.AT_PICKUP and pickups[-1].left_at is not None:
        return Status.LOADED
    if status is Status.LOADED and pickups[-1].left_at is not None:
        return Status.IN_TRANSIT
    if status is Status.IN_TRANSIT and last.arrived_at is not None:
        return Status.AT_DROP
    if status is Status.AT_DROP and last.left_at is not None:
        return Status.DELIVERED
    return None


def waiting(stop: Stop, visit: Visit, now: float) -> Waiting | None:
    """The waiting clock: whoever comes before the appointment waits at no one's cost until it begins."""
    if visit.arrived_at is None:
        return None
    opens = stop.window.opens
    since = visit.arrived_at if opens is None else max(visit.arrived_at, opens)
    seconds = max((now if visit.left_at is None else visit.left_at) - since, 0.0)
    return Waiting(since, visit.left_at, seconds, max(seconds - FREE_S, 0.0))


def reported(
    stops: Sequence[Stop], visits: Sequence[Visit], steps: Sequence[tuple[Status, float]]
) -> list[Visit]:
    """The visits with what the driver has said where the stream says nothing: `steps` are (status, when)."""
    told = dict(reversed(steps))  # the first time of each
    first = next((number for number, stop in enumerate(stops) if stop.kind == "pickup"), 0)
    last_pickup = max((number for number, stop in enumerate(stops) if stop.kind == "pickup"), default=0)
    whole = list(visits)
    for number, came, went in (
        (first, told.get(Status.AT_PICKUP), told.get(Status.LOADED) if first == last_pickup else None),
        (len(stops) - 1, told.get(Status.AT_DROP), told.get(Status.DELIVERED)),
    ):
        visit = whole[number]
        arrived = visit.arrived_at if visit.arrived_at is not None else came
        left = visit.left_at if visit.left_at is not None else went
        if arrived is not None and left is not None and left < arrived:
            arrived = left
        whole[number] = replace(visit, arrived_at=arrived, left_at=left if arrived is not None else None)
    return whole


def ahead(status: Status, stops: Sequence[Stop], visits: Sequence[Visit]) -> list[int]:
    """The stops that the truck still has to serve; what the driver has said of his load counts, too."""
    left = [
        number
        for number, (stop, visit) in enumerate(zip(stops, visits, strict=True))
        if visit.left_at is None
        and not (stop.kind == "pickup" and status in (Status.IN_TRANSIT, Status.AT_DROP))
    ]
    # A stop that was left behind without a visit is done when a later one was visited.
    reached = max((number for number, visit in enumerate(visits) if visit.arrived_at is not None), default=-1)
    return [number for number in left if number >= reached]


def arrivals(
    way: Travel, numbers: Sequence[int], stops: Sequence[Stop], visits: Sequence[Visit], now: float,
    rules: Rules | None = None,
) -> list[Arrival]:  # fmt: skip
    """When each stop ahead is reached. `way` leads from the truck through the stops `numbers`, a leg to each.

    At each stop between, LOADING_S of service; at the one where the truck stands, what is left of it. The
    driver is taken as rested: nobody tells us his tachograph.
    """
    found: list[Arrival] = []
    steps: list[Step] = []
    metres = 0.0
    for number, leg in zip(numbers, way.legs, strict=True):
        visit, stop = visits[number], stops[number]
        metres += leg.distance_m
        if visit.arrived_at is not None:
            steps.append(Service(max(LOADING_S - (now - visit.arrived_at), 0.0)))
            continue
        steps += steps_of((leg,), ())
        eta = arrival(tuple(steps), now, rules or rules_of(1))
        found.append(_arrival(number, stop, eta, metres))
        steps.append(Service(LOADING_S))
    return found


def worth_telling(told_s: float, late_s: float) -> bool:
    """Whether the shipper should hear of this delay, after the one that was told (0: none)."""
    return late_s >= DELAY_S and late_s >= told_s + (DELAY_MORE_S if told_s else 0.0)


def _arrival(number: int, stop: Stop, eta: Eta, metres: float) -> Arrival:
    at, closes = eta.typical.arrive_at, stop.window.closes
    late = 0.0 if closes is None else max(at - closes, 0.0)
    return Arrival(number, eta.early_at, at, eta.late_at, late, metres)
