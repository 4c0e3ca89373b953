"""One question, everything about a haul: who asks, for an order or for a look, gets the same figures."""

import time
from dataclasses import dataclass

from dispatch.errors import Refusal
from dispatch.model import Load, Money
from dispatch.price_range import Haulage, PriceRange, price_range
from dispatch.tariffs import Priced, Tariffs, run_of
from dispatch.trip_cost import Tables, Trip, TripCost, trip_cost
from dispatch.trucks import Truck, truck_of
from geo.gazetteer import Gazetteer
from geo.heat import HeatBans
from geo.tolls import TollTable
from geo.travel import Travel
from geo.types import Position
from storage.fuel_prices import FuelPriceStore
from storage.lanes import LaneStore

from .gateways.routes.ways import Ways

OWN_ORIGINS = frozenset({"embedded", "great-circle"})


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the truck halts: the place, the town that it counts to, seconds of service (not at the ends)."""

    at: Position
    city: int
    service_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked. `spots` in order of driving, at least two; None is what usually is.

    `depart_at`: when the loaded truck leaves the first of them. `price` (minor units) is what the profit
    is of; the
    quoted one without it. `driver_at`: where the empty truck stands.
    """

    spots: tuple[Spot, ...]
    load: Load
    truck: Truck | None = None
    depart_at: float | None = None
    driver_at: Position | None = None
    price: int | None = None
    crew: int = 1
    prepaid: bool = True


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The answer. `price` is the tariff's, `priced` says of which; `range` may rest on the lane's own history."""

    way: Travel
    priced: Priced
    range: PriceRange
    cost: TripCost
    deadhead: Travel | None

    @property
    def price(self) -> Money:
        """The tariff's price."""
        return self.priced.price


class Calculator:
    """Roads from whoever knows them, tables, and what the database remembers of the lane."""

    def __init__(
        self, ways: Ways, gazetteer: Gazetteer, fuel: FuelPriceStore, lanes: LaneStore, tariffs: Tariffs
    ) -> None:
        self._ways = ways
        self._gazetteer = gazetteer
        self._fuel = fuel
        self._lanes = lanes
        self._tariffs = tariffs
        self._tolls = TollTable.load()
        self._bans = HeatBans.load()

    def spot(self, field: str, city: int | None, at: Position | None, service_s: float = 0.0) -> Spot:
        """A city of the gazetteer, or a place with the town nearest to it.

        Refusals `bad_request` and `place_unknown`, at the field of the form that names it.
        """
        if city is None:
            if at is None:
                raise Refusal("bad_request", "a stop needs a city, or lat and lon").at(field)
            return Spot(at, self._gazetteer.nearest(*at).id, service_s)
        found = self._gazetteer.city(city)
        if found is None:
            raise Refusal("place_unknown", "no city has the number {city}", city=city).at(field)
        return Spot(found.position if at is None else at, city, service_s)

    async def quote(self, wish: Wish) -> Reckoned:
        """All figures of a haul. Vendors have their budget; then the corridor graph answers."""
        load, spots = wish.load, wish.spots
        truck = wish.truck or truck_of(load.body, load.weight_kg, load.volume_m3)
        depart_at = time.time() if wish.depart_at is None else wish.depart_at
        profile = truck.profile(load.weight_kg, hazmat=load.adr is not None)
        way = await self._ways.way([spot.at for spot in spots], profile, wish.depart_at)
        deadhead = None
        if wish.driver_at is not None:
            deadhead = await self._deadhead(wish.driver_at, spots[0].at, truck, way)
        now, prices = time.time(), await self._tariffs.now()
        run = run_of(way, load, spots[0].city, spots[-1].city, direct=len(spots) == 2)
        priced = prices.price(run, now)
        price = priced.price
        history = await self._lanes.finished(spots[0].city, spots[-1].city, prices.coded.currency)

        def anew(haul: Haulage) -> Money:
            same = run._replace(
                distance_m=haul.distance_m,
                weight_kg=haul.weight_kg,
                volume_m3=haul.volume_m3,
                body=haul.body,
                kind=haul.kind,
            )
            return prices.price(same, now).price

        span = price_range(price, history, prices.coded, anew)
        cost = trip_cost(
            Trip(
                haul=way,
                truck=truck,
                weight_kg=load.weight_kg,
                volume_m3=load.volume_m3,
                price=price.amount if wish.price is None else wish.price,
                depart_at=depart_at,
                crew=wish.crew,
                prepaid=wish.prepaid,
                services=tuple(spot.service_s for spot in spots[1:-1]),
                deadhead=deadhead,
            ),
            Tables(self._tolls, await self._fuel.in_force(), self._bans),
        )
        return Reckoned(way, priced, span, cost, deadhead)

    async def _deadhead(self, start: Position, pickup: Position, truck: Truck, haul: Travel) -> Travel:
        """The empty run. When no vendor answered for the haul, none is waited for a second time."""
        if haul.origin in OWN_ORIGINS:
            return self._ways.own([start, pickup])
        return await self._ways.way([start, pickup], truck.profile(0.0))
