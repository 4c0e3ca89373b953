"""What a driver looks for on the board, and why a load suits him. Pure; `storage.board.store` finds the loads."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from geo.areas import Area
from geo.distance import haversine_m
from geo.plane import Route
from geo.roads import ROAD_SPEED
from geo.types import Position

from .matching import fits
from .model import Load, Money, Place, Terms, Vehicle, Window
from .payment_terms import Discipline
from .trip_cost import DEADHEAD_DETOUR, DEFAULT_LITRE, MINOR, Profit, profit_per_hour
from .trucks import Truck, truck_of

NEAR_M = 50_000.0  # a pickup so near is a reason to take a load
FILLED = 0.8  # so is a load that takes this share of the truck
DETOUR = 1.17  # great circle to road, as geo.roads and board_detour have it


class Sort(StrEnum):
    """In which order loads are shown. Equal ones by id, the younger first."""

    NEWEST = "newest"
    NEAREST = "nearest"  # great circle from the searcher to the pickup
    PER_KM = "per_km"  # the best paid kilometre first
    PROFIT = "profit"  # the driver's profit an hour, of the loads around
    PICKUP_DATE = "pickup_date"  # the earliest first; loads without a date can be picked up at once


class Reason(StrEnum):
    """Why a load suits who searches."""

    NEAR = "near"
    ON_THE_WAY = "on_the_way"
    DESTINATION = "destination"
    BODY = "body"
    FILLS_TRUCK = "fills_truck"
    PREPAID = "prepaid"
    WELL_RATED = "well_rated"


class Circle(NamedTuple):
    """Places within `radius_m` of one, by great circle."""

    lat: float
    lon: float
    radius_m: float

    def holds(self, place: Position) -> bool:
        """Whether the place is inside."""
        return haversine_m(self.lat, self.lon, *place) <= self.radius_m


class Box(NamedTuple):
    """A window on the map in degrees; `west` > `east` crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Corridor:
    """Loads along a route: picked up near it, dropped near it further on, for a detour of road metres at most."""

    route: Route
    max_detour_m: float

    @staticmethod
    def reach_m(max_detour_m: float) -> float:
        """How far off the line either end may lie: there and back is part of the detour."""
        return max_detour_m / DETOUR


@dataclass(frozen=True, slots=True)
class BoardSearch:
    """What is asked for; what is None or empty is not asked. Money in tiyn, lengths in metres, kg, m3.

    `vehicle`: only what this truck can carry. `pickup_after` and `pickup_before` are met by a load whose pickup
    window overlaps them. `dangerous`: only dangerous goods, or none. `rating_min` leaves unrated shippers out, its
    absence does not; `paid_min`, the share of hauls that were paid in time, likewise.
    """

    near: Circle | None = None
    to: Circle | None = None
    box: Box | None = None
    polygon: Area | None = None
    corridor: Corridor | None = None
    vehicle: Vehicle | None = None
    bodies: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    weight_min_kg: float | None = None
    weight_max_kg: float | None = None
    volume_max_m3: float | None = None
    price_min: int | None = None
    per_km_min: float | None = None
    pickup_after: float | None = None
    pickup_before: float | None = None
    dangerous: bool | None = None
    pricings: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    whens: tuple[str, ...] = ()
    vat: bool | None = None
    prepay_min: int | None = None
    rating_min: float | None = None
    paid_min: float | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """The driver who looks, or whom somebody looks for: active truck and last known place, if any."""

    driver: int
    vehicle: Vehicle | None = None
    at: Position | None = None


@dataclass(frozen=True, slots=True)
class Poster:
    """What everybody may know of a shipper. `rating` None: nobody has rated him yet."""

    name: str
    verified: bool
    rating: float | None
    ratings: int
    user: int
    payments: Discipline


@dataclass(frozen=True, slots=True)
class BoardLoad:
    """A load as the board shows it: towns, never addresses; the shipper's public name, never a number to call.

    `on_board` is False while waves of offers are still out for it.
    """

    order: int
    version: int
    pickup: Place
    drop: Place
    pickup_window: Window
    drop_window: Window
    stops: int
    load: Load
    distance_m: float
    duration_s: float
    estimate: bool
    price: Money
    terms: Terms
    created_at: float
    board_at: float | None
    until: float
    poster: Poster

    @property
    def on_board(self) -> bool:
        """Whether any subscribed driver may take it now."""
        return self.board_at is not None

    @property
    def per_km(self) -> int:
        """Minor units of the price for a kilometre of road."""
        return round(self.price.amount / max(self.distance_m / 1000, 0.001))


@dataclass(frozen=True, slots=True)
class Card:
    """A load and what it is to the one who looks."""

    load: BoardLoad
    deadhead_m: float | None  # great circle from where the truck was last
    detour_m: float | None  # of road, off the route that was asked for
    profit: Profit | None  # of the whole truck; None when the price is in another currency
    fits: bool | None  # None without a truck
    reasons: tuple[Reason, ...]


def card(load: BoardLoad, viewer: Viewer, search: BoardSearch, detour_m: float | None = None) -> Card:
    """What this load is to this driver, in the light of what was asked for."""
    vehicle = search.vehicle or viewer.vehicle
    origin = viewer.at
    if origin is None and search.near is not None:
        origin = Position(search.near.lat, search.near.lon)
    deadhead = None if origin is None else haversine_m(*origin, *load.pickup.position)
    profit = None
    if load.price.currency == "KZT":
        profit = profit_per_hour(
            load.price.amount,
            load.distance_m,
            deadhead or 0.0,
            load.load.weight_kg,
            load.load.body,
            volume_m3=load.load.volume_m3,
            truck=truck_for(vehicle) if vehicle else None,
        )
    fit = None if vehicle is None else fits(load.load, vehicle)
    reasons = tuple(_reasons(load, vehicle if fit else None, search, deadhead, detour_m))
    return Card(load, deadhead, detour_m, profit, fit, reasons)


def _reasons(
    load: BoardLoad,
    vehicle: Vehicle | None,
    search: BoardSearch,
    deadhead: float | None,
    detour_m: float | None,
) -> Iterator[Reason]:
    if deadhead is not None and deadhead <= NEAR_M:
        yield Reason.NEAR
    if detour_m is not None:
        yield Reason.ON_THE_WAY
    if search.to is not None and search.to.holds(load.drop.position):
        yield Reason.DESTINATION
    if vehicle is not None:
        if vehicle.body in load.load.bodies:
            yield Reason.BODY
        share = max(load.load.weight_kg / vehicle.capacity_kg, load.load.volume_m3 / vehicle.volume_m3)
        if share >= FILLED:
            yield Reason.FILLS_TRUCK
    if load.terms.prepay_percent:
        yield Reason.PREPAID
    if load.poster.rating is not None and load.poster.rating >= 4.5:
        yield Reason.WELL_RATED


def truck_for(vehicle: Vehicle) -> Truck:
    """The truck that a vehicle is to the calculator."""
    return truck_of(vehicle.body, capacity_kg=vehicle.capacity_kg, room_m3=vehicle.volume_m3)


class ProfitTerms(NamedTuple):
    """The profit an hour as sums that a database can do, for one truck: tiyn a metre and seconds by driving time.

    The same terms as `trip_cost.profit_per_hour`, but that the seconds under way (rests by law included) are read
    from a table of half hours at the wheel.
    """

    capacity_kg: float
    empty: float  # tiyn a metre, unladen
    laden: float  # more, a metre, when full
    speed: float  # m/s
    seconds: tuple[float, ...]  # by half hours of driving, from none on

    def per_hour(self, price: float, weight_kg: float, distance_m: float, deadhead_m: float) -> float:
        """Tiyn an hour; `storage.board.sorts` writes the same in SQL."""
        road = distance_m + deadhead_m * DEADHEAD_DETOUR
        burnt = self.empty * road + self.laden * min(1.0, weight_kg / self.capacity_kg) * distance_m
        step = min(len(self.seconds) - 1, int(road / self.speed / HALF_HOUR_S))
        return (price - burnt) / (self.seconds[step] / 3600.0)


HALF_HOUR_S = 1800.0
LONGEST_HALF_HOURS = 400  # 200 hours at the wheel: Lisbon to Vladivostok


def profit_terms(vehicle: Vehicle | None) -> ProfitTerms:
    """Of this truck, or of the usual one."""
    truck = truck_for(vehicle) if vehicle else truck_of("tent")
    wear = truck.wear / 1_000 * MINOR
    burns = DEFAULT_LITRE / 1e5
    return ProfitTerms(
        truck.capacity_kg,
        truck.empty_l * burns + wear,
        (truck.loaded_l - truck.empty_l) * burns,
        ROAD_SPEED,
        _seconds_by_half_hours(),
    )


@cache
def _seconds_by_half_hours() -> tuple[float, ...]:
    # In the middle of each half hour, so that the table is neither early nor late.
    return tuple(
        profit_per_hour(0, (step + 0.5) * HALF_HOUR_S * ROAD_SPEED, 0.0, 0.0, "tent").seconds
        for step in range(LONGEST_HALF_HOURS)
    )
