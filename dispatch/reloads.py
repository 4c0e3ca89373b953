"""The next load near the drop, in time: when a driver will be free, and which open loads suit him then. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from geo.distance import haversine_m
from geo.roads import ROAD_SPEED
from geo.types import Position

from .journey import Drive, Service, Step, rules_of, travel
from .matching import fits
from .model import Order, Status, Vehicle
from .trip_cost import DEADHEAD_DETOUR, LOADING_S, UNLOADING_S, Profit, profit_per_hour
from .trucks import truck_of

MAX_WAIT_S = 24 * 3600.0  # for a pickup window to open: longer, and another load would be carried meanwhile
HOMEWARD = 0.3  # a load that goes all the way home counts as if it paid so much more, one away so much less
# Of an order in hand, what is still to be done at its stops.
_TO_LOAD = frozenset({Status.ASSIGNED, Status.AT_PICKUP})
_ON_THE_WAY = frozenset({Status.ASSIGNED, Status.AT_PICKUP, Status.LOADED})


class Free(NamedTuple):
    """When (epoch seconds) and where a driver has an empty truck again."""

    at: float
    where: Position


@dataclass(frozen=True, slots=True)
class Reload:
    """An open load for afterwards. `per_hour` in minor units, the empty run and the wait counted in.

    `homeward`: how much of the way home it saves, 1 all of it, negative when it leads away.
    """

    order: Order
    deadhead_m: float
    arrive_at: float
    wait_s: float
    profit: Profit
    per_hour: int
    homeward: float
    score: float


def free_after(orders: Sequence[Order], here: Position | None, now: float) -> Free | None:
    """When these loads, in the order in which they will be carried, are all delivered.

    `here` is where the truck stands, None when nobody knows. None: no load, and no place to start from.
    """
    at, where = now, here
    for order in orders:
        haul = order.haul
        pickup, drop = haul.pickup.position, haul.drop.position
        steps: list[Step] = []
        if order.status is Status.ASSIGNED and where is not None:
            steps.append(_drive(_road_m(where, pickup), haul.distance_m, haul.duration_s))
        if order.status in _TO_LOAD:
            steps.append(Service(LOADING_S))
        if order.status in _ON_THE_WAY or where is None:
            steps.append(_drive(haul.distance_m, haul.distance_m, haul.duration_s))
        elif order.status is Status.IN_TRANSIT:
            left_m = min(_road_m(where, drop), haul.distance_m)
            steps.append(_drive(left_m, haul.distance_m, haul.duration_s))
        steps.append(Service(UNLOADING_S))
        at += travel(steps, 0.0, rules_of(1)).seconds
        where = drop
    return None if where is None else Free(at, where)


def suggest(
    found: Iterable[Order], free: Free, vehicle: Vehicle, home: Position | None, limit: int
) -> list[Reload]:
    """Of these open loads, those that fit the truck and can be reached in time, best first."""
    scored = [reload for order in found if (reload := _reload(order, free, vehicle, home)) is not None]
    scored.sort(key=lambda entry: (-entry.score, entry.order.id))
    return scored[:limit]


def circles(free: Free, home: Position | None, radius_m: float) -> list[tuple[float, float, float]]:
    """Where to look: around the drop, and in a chain of smaller circles along the way home."""
    around = [(free.where.lat, free.where.lon, radius_m)]
    if home is None:
        return around
    away_m = haversine_m(*free.where, *home)
    small_m = radius_m / 2
    steps = min(12, int(away_m / (2 * small_m)))
    for step in range(1, steps + 1):
        share = step / (steps + 1)
        around.append(
            (
                free.where.lat + (home.lat - free.where.lat) * share,
                free.where.lon + (home.lon - free.where.lon) * share,
                small_m,
            )
        )
    return around


def _reload(order: Order, free: Free, vehicle: Vehicle, home: Position | None) -> Reload | None:
    if not fits(order.load, vehicle):
        return None
    haul, load = order.haul, order.load
    pickup, drop = haul.pickup.position, haul.drop.position
    deadhead_m = haversine_m(*free.where, *pickup)
    empty = [_drive(deadhead_m * DEADHEAD_DETOUR, haul.distance_m, haul.duration_s)]
    arrive_at = free.at + travel(empty, 0.0, rules_of(1)).seconds
    opens, closes = haul.stops[0].window if haul.stops else (None, None)
    if closes is not None and arrive_at > closes:
        return None
    wait_s = max(0.0, (opens or arrive_at) - arrive_at)
    if wait_s > MAX_WAIT_S:
        return None
    truck = truck_of(vehicle.body, capacity_kg=vehicle.capacity_kg, room_m3=vehicle.volume_m3)
    profit = profit_per_hour(
        order.price.amount,
        haul.distance_m,
        deadhead_m,
        load.weight_kg,
        vehicle.body,
        volume_m3=load.volume_m3,
        truck=truck,
        driving_s=haul.duration_s,
    )
    per_hour = round(profit.amount / ((profit.seconds + wait_s) / 3600))
    homeward = 0.0 if home is None else _homeward(free.where, drop, home)
    # What loses money is not made good by its direction.
    score = per_hour * (1 + HOMEWARD * homeward) if per_hour > 0 else float(per_hour)
    return Reload(order, deadhead_m, arrive_at, wait_s, profit, per_hour, homeward, score)


def _homeward(start: Position, end: Position, home: Position) -> float:
    """The share of the way home that is behind the truck afterwards; -1 at worst."""
    before, after = haversine_m(*start, *home), haversine_m(*end, *home)
    if before < 1_000.0:  # at home already: only away leads anywhere
        return 0.0 if after < 50_000.0 else -1.0
    return max(-1.0, min(1.0, (before - after) / before))


def _road_m(start: Position, end: Position) -> float:
    return haversine_m(*start, *end) * DEADHEAD_DETOUR


def _drive(metres: float, haul_m: float, haul_s: float) -> Drive:
    """At the pace of the haul, which knows its roads; at the usual one when it says nothing."""
    pace = haul_m / haul_s if haul_m > 0 and haul_s > 0 else ROAD_SPEED
    return Drive(metres / pace, "KZ", "")
