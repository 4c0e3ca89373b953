"""What a haul costs and leaves: time, fuel, tolls, borders, wear, and money an hour. Pure.

Every figure carries its origin. Amounts are minor units of the tariff's currency (tiyn).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from geo.roads import ROAD_SPEED
from geo.tolls import Toll, TollTable
from geo.travel import Border, Piece, Travel, TravelLeg

from .fuel import FuelPrices
from .journey import Bans, Drive, Eta, Journey, Queue, Rules, Service, Step, arrival, rules_of, travel
from .trucks import Truck, truck_of

CURRENCY = "KZT"
MINOR = 100

# CAREC 2022, mean costs at a crossing of Kazakhstan: 19 USD to leave, 504 to enter, 317 over all. The rouble
# neighbours and Kyrgyzstan are in one customs union with it, where nothing is cleared: the lower figure, assumed.
BORDER_USD_OUT, BORDER_USD_IN, BORDER_USD_MEAN = 19.0, 504.0, 317.0
# 480-540 from 2024-02 to 2026-03.
KZT_A_USD = 510.0
CUSTOMS_UNION = frozenset({"KZ", "RU", "KG"})
# Mean of all crossings of Kazakhstan (CAREC), for the estimate without a road.
BORDER_WAIT_S = 4.3 * 3_600

# At each end, waiting for the gate included. Assumed.
LOADING_S = UNLOADING_S = 2.5 * 3_600
# No haul lasts longer, and no empty run before it.
LONGEST_S = 45 * 86_400.0
# Great circle to road, as geo.roads has it.
DEADHEAD_DETOUR = 1.17


class Figure(NamedTuple):
    """An amount and where it comes from."""

    amount: int
    origin: str


class FuelCost(NamedTuple):
    """Litres and their price; `litres_100km` of the loaded truck."""

    litres: float
    litres_100km: float
    consumption_origin: str
    amount: int
    price_origin: str


class TollCost(NamedTuple):
    """The sections passed and what they add up to."""

    sections: tuple[Toll, ...]
    amount: int
    prepaid: bool
    origin: str


class Profit(NamedTuple):
    """What is left for the driver of one truck, and the hours that it takes: from where the truck stands to
    the empty trailer. Amounts in minor units; `per_hour` too."""

    amount: int
    per_hour: int
    seconds: float
    price: int
    fuel: int
    tolls: int
    borders: int
    wear: int
    deadhead_m: float
    loading_s: float
    unloading_s: float
    rest_s: float


@dataclass(frozen=True, slots=True)
class TripCost:
    """Everything reckoned about a haul. `trucks`: how many of that size the load fills; the figures are of one."""

    trucks: int
    eta: Eta
    fuel: FuelCost
    tolls: TollCost
    borders: Figure
    profit: Profit


@dataclass(frozen=True, slots=True)
class Tables:
    """What the reckoning looks up."""

    tolls: TollTable
    fuel: FuelPrices
    bans: Bans | None = None


@dataclass(frozen=True, slots=True)
class Trip:
    """A haul to reckon. `price` for the whole load; `services`: seconds at each stop between the ends.

    `depart_at`: when the loaded truck leaves the first pickup. `deadhead`: the way of the empty truck to there.
    """

    haul: Travel
    truck: Truck
    weight_kg: float
    volume_m3: float
    price: int
    depart_at: float
    crew: int = 1
    prepaid: bool = True
    services: tuple[float, ...] = ()
    deadhead: Travel | None = None
    loading_s: float = LOADING_S
    unloading_s: float = UNLOADING_S


def trip_cost(trip: Trip, tables: Tables) -> TripCost:
    """The haul with all its costs."""
    truck = trip.truck
    trucks = max(1, ceil(max(trip.weight_kg / truck.capacity_kg, trip.volume_m3 / truck.volume_m3) - 1e-9))
    weight_kg = trip.weight_kg / trucks
    rules, axle_kg = rules_of(trip.crew), truck.axle_kg(weight_kg)
    steps = tuple(steps_of(trip.haul.legs, trip.services))
    bans = tables.bans
    if bans is not None and not bans.concern(axle_kg, trip.depart_at - LONGEST_S, trip.depart_at + LONGEST_S):
        bans = None
    eta = arrival(steps, trip.depart_at, rules, axle_kg=axle_kg, bans=bans)
    fuel = _fuel(trip.haul, truck, weight_kg, tables.fuel)
    tolls = _tolls(trip.haul, truck, trip.prepaid, tables.tolls)
    borders = border_cost(trip.haul.borders)
    empty = trip.deadhead
    empty_fuel = 0 if empty is None else _fuel(empty, truck, 0.0, tables.fuel).amount
    empty_tolls = 0 if empty is None else _tolls(empty, truck, trip.prepaid, tables.tolls).amount
    empty_borders = 0 if empty is None else border_cost(empty.borders).amount
    deadhead_m = 0.0 if empty is None else empty.distance_m
    whole = _whole(trip, steps, rules, axle_kg, bans)
    profit = _profit(
        price=trip.price // trucks,
        fuel=fuel.amount + empty_fuel,
        tolls=tolls.amount + empty_tolls,
        borders=borders.amount + empty_borders,
        wear=_wear(truck, trip.haul.distance_m + deadhead_m),
        deadhead_m=deadhead_m,
        loading_s=trip.loading_s,
        unloading_s=trip.unloading_s,
        journey=whole,
    )
    return TripCost(trucks, eta, fuel, tolls, borders, profit)


def border_cost(borders: Sequence[Border]) -> Figure:
    """What the crossings cost."""
    usd = 0.0
    for border in borders:
        inward = border.enters == "KZ" and not {border.leaves, border.enters} <= CUSTOMS_UNION
        usd += BORDER_USD_IN if inward else BORDER_USD_OUT
    return Figure(round(usd * KZT_A_USD * MINOR), "carec-2022" if borders else "none")


def profit_per_hour(
    price: int,
    distance_m: float,
    deadhead_m: float,
    weight_kg: float,
    body: str,
    *,
    volume_m3: float = 0.0,
    truck: Truck | None = None,
    driving_s: float | None = None,
    borders: int = 0,
    tolls: int = 0,
    crew: int = 1,
    litre: int | None = None,
    loading_s: float = LOADING_S,
    unloading_s: float = UNLOADING_S,
) -> Profit:
    """The driver's profit by the default tables alone: no road, no database; about 20 us.

    `price`, `tolls` and `litre` in tiyn; `deadhead_m` great circle; `borders` how many are crossed. Without
    `tolls` it is a little too good on toll roads; what is compared by it is too good alike.
    """
    truck = truck or truck_of(body, weight_kg, volume_m3)
    trucks = max(1, ceil(max(weight_kg / truck.capacity_kg, volume_m3 / truck.volume_m3) - 1e-9))
    litre = DEFAULT_LITRE if litre is None else litre
    empty_m = deadhead_m * DEADHEAD_DETOUR
    litres = truck.litres_100km(weight_kg / trucks) * distance_m / 1e5 + truck.empty_l * empty_m / 1e5
    steps: list[Step] = [Drive(empty_m / ROAD_SPEED, "KZ", ""), Service(loading_s)]
    steps.append(Drive(distance_m / ROAD_SPEED if driving_s is None else driving_s, "KZ", ""))
    steps += [Queue(BORDER_WAIT_S)] * borders
    steps.append(Service(unloading_s))
    return _profit(
        price=price // trucks,
        fuel=round(litres * litre),
        tolls=tolls,
        borders=round(borders * BORDER_USD_MEAN * KZT_A_USD * MINOR),
        wear=_wear(truck, distance_m + empty_m),
        deadhead_m=empty_m,
        loading_s=loading_s,
        unloading_s=unloading_s,
        journey=travel(steps, 0.0, rules_of(crew)),
    )


DEFAULT_LITRE = FuelPrices().price("KZ", "").amount


def _profit(
    *,
    price: int,
    fuel: int,
    tolls: int,
    borders: int,
    wear: int,
    deadhead_m: float,
    loading_s: float,
    unloading_s: float,
    journey: Journey,
) -> Profit:
    amount = price - fuel - tolls - borders - wear
    return Profit(
        amount=amount,
        per_hour=round(amount / (journey.seconds / 3_600)) if journey.seconds else 0,
        seconds=journey.seconds,
        price=price,
        fuel=fuel,
        tolls=tolls,
        borders=borders,
        wear=wear,
        deadhead_m=deadhead_m,
        loading_s=loading_s,
        unloading_s=unloading_s,
        rest_s=journey.rest_s + journey.heat_s,
    )


def _whole(trip: Trip, steps: Sequence[Step], rules: Rules, axle_kg: float, bans: Bans | None) -> Journey:
    """From where the empty truck stands until it is empty again; it leaves early enough to depart in time."""
    empty: tuple[Step, ...] = () if trip.deadhead is None else tuple(steps_of(trip.deadhead.legs, ()))
    before = travel((*empty, Service(trip.loading_s)), 0.0, rules).seconds
    through = (*empty, Service(trip.loading_s), *steps, Service(trip.unloading_s))
    return travel(through, trip.depart_at - before, rules, axle_kg=axle_kg, bans=bans)


def steps_of(legs: Sequence[TravelLeg], services: Sequence[float]) -> Iterator[Step]:
    """As few as tell the same: the pieces of one region that follow each other are one drive."""
    ahead: Drive | None = None
    for number, leg in enumerate(legs):
        for part in leg.parts:
            if isinstance(part, Border):
                if ahead is not None:
                    yield ahead
                ahead = None
                yield Queue(part.wait_s)
            elif ahead is not None and (ahead.country, ahead.region) == (part.country, part.region):
                ahead = ahead._replace(seconds=ahead.seconds + part.seconds)
            else:
                if ahead is not None:
                    yield ahead
                ahead = Drive(part.seconds, part.country, part.region)
        if number < len(services):
            if ahead is not None:
                yield ahead
            ahead = None
            yield Service(services[number])
    if ahead is not None:
        yield ahead


def _fuel(way: Travel, truck: Truck, weight_kg: float, prices: FuelPrices) -> FuelCost:
    burns = truck.litres_100km(weight_kg)
    litres = cost = 0.0
    origins: list[str] = []
    for leg in way.legs:
        for part in leg.parts:
            if not isinstance(part, Piece):
                continue
            here = part.metres / 1e5 * burns
            price = prices.price(part.country, part.region)
            litres += here
            cost += here * price.amount
            origins.append(price.origin)
    # One assumed price makes the sum an assumption.
    origin = "default" if "default" in origins or not origins else origins[0]
    return FuelCost(litres, burns, truck.consumption_origin, round(cost), origin)


def _tolls(way: Travel, truck: Truck, prepaid: bool, table: TollTable) -> TollCost:
    sections: dict[str, Toll] = {}
    for leg in way.legs:
        for toll in table.on(leg.towns, truck.capacity_kg, prepaid):
            before = sections.get(toll.section)
            sections[toll.section] = toll if before is None else before.plus(toll)
    amount = round(sum(toll.amount for toll in sections.values()) * MINOR)
    assumed = any(toll.assumed for toll in sections.values())
    origin = f"kazavtozhol-{table.year}" + ("-assumed-km" if assumed else "")
    return TollCost(tuple(sections.values()), amount, prepaid, origin if sections else "none")


def _wear(truck: Truck, metres: float) -> int:
    return round(truck.wear * metres / 1_000 * MINOR)
