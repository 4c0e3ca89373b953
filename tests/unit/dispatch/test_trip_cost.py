"""Fuel, tolls, borders, wear and profit an hour."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.fuel import DEFAULTS, FuelPrice, FuelPrices
from dispatch.journey import HOUR
from dispatch.pricing import BODY_CAPACITY
from dispatch.trip_cost import (
    BORDER_USD_IN,
    BORDER_USD_OUT,
    DEADHEAD_DETOUR,
    KZT_A_USD,
    LOADING_S,
    UNLOADING_S,
    Tables,
    Trip,
    TripCost,
    border_cost,
    profit_per_hour,
    trip_cost,
)
from dispatch.trucks import truck_of
from geo.crossings import Crossings
from geo.gazetteer import City, Gazetteer
from geo.heat import HeatBans
from geo.roads import RoadGraph
from geo.routing import Leg, ProviderRoute
from geo.tolls import TollTable
from geo.travel import Travel, travel_of

GAZETTEER = Gazetteer.load()
ROADS = RoadGraph.load(GAZETTEER)
CROSSINGS = Crossings.load()
TABLES = Tables(TollTable.load(), FuelPrices(), HeatBans.load())
WINTER = 1_769_900_000.0
bodies = st.sampled_from(sorted(BODY_CAPACITY))


def town(name: str, country: str = "KZ") -> City:
    return next(city for city in GAZETTEER.search(name, "en", 8) if city.country == country)


def way(*cities: City) -> Travel:
    graph = [ROADS.route(a.position, b.position) for a, b in pairwise(cities)]
    legs = tuple(Leg(one.distance_m, one.driving_s) for one in graph)
    metres, seconds = sum(leg.distance_m for leg in legs), sum(leg.duration_s for leg in legs)
    found = ProviderRoute(metres, seconds, None, "", 5, "embedded", legs, truck=True, drawable=True)
    return travel_of(graph, found, CROSSINGS)


ALMATY_ASTANA = way(town("Almaty"), town("Astana"))
TENT = truck_of("tent")


def trip(haul: Travel = ALMATY_ASTANA, **changes: object) -> TripCost:
    plain = Trip(haul, TENT, 22_000.0, 0.0, 50_000_000, WINTER)
    return trip_cost(replace(plain, **changes), TABLES)  # type: ignore[arg-type]  # passed on as written


def test_fuel_is_litres_by_weight_at_the_price_of_the_country() -> None:
    cost = trip()
    assert cost.fuel.litres == pytest.approx(ALMATY_ASTANA.distance_m / 1e5 * 34.0)
    assert cost.fuel.amount == pytest.approx(cost.fuel.litres * 330_00, abs=1)
    assert (cost.fuel.consumption_origin, cost.fuel.price_origin) == ("assumed", "default")
    light = trip(weight_kg=1.0)
    assert light.fuel.litres == pytest.approx(ALMATY_ASTANA.distance_m / 1e5 * 25.0, rel=1e-3)
    own = trip(truck=truck_of("tent", loaded_l=29.0))
    assert (own.fuel.litres_100km, own.fuel.consumption_origin) == (29.0, "vehicle")


def test_staff_prices_come_before_defaults_and_a_regions_before_its_countrys() -> None:
    staff = [FuelPrice("KZ", "", 300_00, 0, "staff"), FuelPrice("KZ", "12", 250_00, 0, "staff")]
    prices = FuelPrices(staff)
    assert prices.price("KZ", "12").amount == 250_00
    assert prices.price("KZ", "03") == staff[0]
    assert prices.price("RU", "55").origin == "default"
    assert prices.price("AF", "").country == "KZ"  # nobody priced it
    assert len(prices.all) == len(DEFAULTS) + 1
    cost = trip_cost(Trip(ALMATY_ASTANA, TENT, 22_000.0, 0.0, 1, WINTER), replace(TABLES, fuel=prices))
    assert cost.fuel.price_origin == "staff"
    assert 250_00 * cost.fuel.litres < cost.fuel.amount < 300_00 * cost.fuel.litres


def test_tolls_are_cheaper_in_advance_and_for_a_small_truck() -> None:
    early, late = trip().tolls, trip(prepaid=False).tolls
    assert {toll.section for toll in early.sections} >= {"astana-temirtau", "karaganda-balkhash"}
    assert early.amount == round(sum(toll.amount for toll in early.sections) * 100) < late.amount
    assert early.origin == "kazavtozhol-2026-assumed-km"
    small = trip(truck=truck_of("van", 1_000, 8), weight_kg=1_000.0).tolls
    assert small.amount < early.amount / 4
    free = trip(way(town("Aktobe"), town("Oral"))).tolls
    assert (free.amount, free.origin) == (0, "none")


def test_borders_cost_what_carec_counted_and_little_inside_the_customs_union() -> None:
    china = way(town("Horgos", "CN"), town("Almaty")).borders
    assert border_cost(china).amount == round(BORDER_USD_IN * KZT_A_USD * 100)
    out = way(town("Almaty"), town("Horgos", "CN")).borders
    russia = way(town("Orenburg", "RU"), town("Aktobe")).borders
    assert border_cost(out) == border_cost(russia) == (round(BORDER_USD_OUT * KZT_A_USD * 100), "carec-2022")
    assert border_cost([]) == (0, "none")


def test_profit_is_the_price_less_every_cost_over_every_hour() -> None:
    cost = trip(deadhead=way(town("Konaev"), town("Almaty")))
    profit = cost.profit
    assert profit.amount == profit.price - profit.fuel - profit.tolls - profit.borders - profit.wear
    assert profit.per_hour == pytest.approx(profit.amount / (profit.seconds / HOUR), abs=1)
    assert profit.deadhead_m == pytest.approx(75_000)
    assert profit.fuel > cost.fuel.amount and profit.tolls > cost.tolls.amount
    assert profit.seconds > cost.eta.typical.seconds + LOADING_S + UNLOADING_S


def test_a_stop_on_the_way_costs_its_service_time() -> None:
    through = way(town("Almaty"), town("Balkhash"), town("Astana"))
    plain, served = trip(through), trip(through, services=(2 * HOUR,))
    assert served.eta.typical.service_s == 2 * HOUR
    assert served.eta.typical.arrive_at >= plain.eta.typical.arrive_at + 1.25 * HOUR


def test_a_load_for_several_trucks_is_reckoned_for_one_of_them() -> None:
    one, three = trip(), trip(weight_kg=66_000.0, price=150_000_000)
    assert (one.trucks, three.trucks) == (1, 3)
    assert three.profit == one.profit and three.fuel == one.fuel


def test_in_summer_a_laden_truck_waits_for_the_evening() -> None:
    july = 1_782_900_000.0
    assert trip(depart_at=july).eta.typical.heat_s > 0
    assert trip(depart_at=july, weight_kg=2_000.0).eta.typical.heat_s == 0


@settings(max_examples=60)
@given(
    st.integers(0, 10**10),
    st.floats(0, 5e6),
    st.floats(0, 5e5),
    st.floats(1, 60_000),
    bodies,
    st.sampled_from([1, 2]),
)
def test_the_quick_profit_adds_up_and_never_gains_by_driving_empty(
    price: int, distance_m: float, deadhead_m: float, weight_kg: float, body: str, crew: int
) -> None:
    profit = profit_per_hour(price, distance_m, deadhead_m, weight_kg, body, crew=crew)
    assert profit.amount == profit.price - profit.fuel - profit.tolls - profit.borders - profit.wear
    assert profit.seconds >= LOADING_S + UNLOADING_S
    farther = profit_per_hour(price, distance_m, deadhead_m + 50_000, weight_kg, body, crew=crew)
    assert farther.amount < profit.amount and farther.seconds > profit.seconds
    assert profit_per_hour(price + 100, distance_m, deadhead_m, weight_kg, body, crew=crew) >= profit


@pytest.mark.parametrize("weight_kg", [3_000.0, 22_000.0])
def test_the_quick_profit_agrees_with_the_whole_reckoning_but_for_the_tolls(weight_kg: float) -> None:
    haul, empty = way(town("Aktobe"), town("Oral")), way(town("Alga"), town("Aktobe"))
    whole = trip_cost(Trip(haul, TENT, weight_kg, 0.0, 30_000_000, WINTER, deadhead=empty), TABLES).profit
    quick = profit_per_hour(
        30_000_000,
        haul.distance_m,
        empty.distance_m / DEADHEAD_DETOUR,
        weight_kg,
        "tent",
        tolls=whole.tolls,
    )
    assert quick.amount == pytest.approx(whole.amount, abs=5)
    assert quick.seconds == pytest.approx(whole.seconds, abs=1)
