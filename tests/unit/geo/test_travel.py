"""A provider's figures over the corridor graph: regions, borders, and the sum of the parts."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.crossings import Crossings
from geo.gazetteer import City, Gazetteer
from geo.roads import ROAD_SPEED, RoadGraph, Route
from geo.routing import Leg, ProviderRoute
from geo.travel import REGION_WAIT_S, Border, Piece, Travel, travel_of
from geo.types import Position

GAZETTEER = Gazetteer.load()
ROADS = RoadGraph.load(GAZETTEER)
CROSSINGS = Crossings.load()


def town(name: str, country: str = "KZ") -> City:
    return next(city for city in GAZETTEER.search(name, "en", 8) if city.country == country)


def given_by(legs: list[Leg], *, truck: bool = False, traffic: float | None = None) -> ProviderRoute:
    metres, seconds = sum(leg.distance_m for leg in legs), sum(leg.duration_s for leg in legs)
    return ProviderRoute(metres, seconds, traffic, "", 5, "google", tuple(legs), truck, drawable=False)


def over(*places: Position, stretch: float = 1.0, truck: bool = True, traffic: float | None = None) -> Travel:
    graph = [ROADS.route(a, b) for a, b in pairwise(places)]
    legs = [Leg(way.distance_m * stretch, way.driving_s * stretch) for way in graph]
    return travel_of(graph, given_by(legs, truck=truck, traffic=traffic), CROSSINGS)


cities = st.sampled_from(GAZETTEER.cities)


@settings(max_examples=60)
@given(cities, cities, cities, st.floats(0.8, 1.3))
def test_the_parts_of_a_way_add_up_to_what_the_provider_said(
    a: City, b: City, c: City, stretch: float
) -> None:
    way = over(a.position, b.position, c.position, stretch=stretch)
    pieces = [part for leg in way.legs for part in leg.parts if isinstance(part, Piece)]
    assert sum(piece.metres for piece in pieces) == pytest.approx(way.distance_m, abs=1)
    assert sum(piece.seconds for piece in pieces) == pytest.approx(way.driving_s, abs=1)
    assert way.duration_s == pytest.approx(way.driving_s + sum(border.wait_s for border in way.borders))
    countries = [a.country]
    for border in way.borders:
        assert border.leaves == countries[-1] != border.enters
        countries.append(border.enters)
    assert countries[-1] == c.country


def test_a_way_over_the_border_names_the_crossing_and_drives_on_both_sides_of_it() -> None:
    way = over(town("Almaty").position, town("Bishkek", "KG").position)
    [border] = way.borders
    assert border.crossing is not None and border.crossing.id == "korday"
    assert (border.leaves, border.enters, border.wait_s) == ("KZ", "KG", 4.0 * 3_600)
    parts = way.legs[0].parts
    behind = [part for part in parts[parts.index(border) :] if isinstance(part, Piece)]
    assert [piece.country for piece in behind] == ["KG"] and 10_000 < behind[0].metres < 30_000


def test_a_border_that_is_not_kazakhstans_has_the_mean_wait_of_the_region() -> None:
    [border] = over(town("Osh", "KG").position, town("Andijan", "UZ").position).borders
    assert border == Border("KG", "UZ", None)
    assert (border.wait_s, border.wait_origin) == (REGION_WAIT_S, "carec-region-mean")


def test_a_cars_time_becomes_a_trucks_and_a_trucks_stays() -> None:
    a, b = town("Almaty").position, town("Astana").position
    way = ROADS.route(a, b)
    car = Leg(way.distance_m, way.distance_m / 30.0)  # 108 km/h
    slow = Leg(way.distance_m, way.distance_m / 10.0)
    for leg, truck, seconds in (
        (car, False, way.distance_m / ROAD_SPEED),
        (car, True, car.duration_s),
        (slow, False, slow.duration_s),
    ):
        assert travel_of([way], given_by([leg], truck=truck), CROSSINGS).driving_s == pytest.approx(seconds)


def test_traffic_slows_every_leg_by_its_share() -> None:
    places = (town("Almaty").position, town("Konaev").position, town("Taldykorgan").position)
    calm = over(*places)
    busy = over(*places, traffic=calm.driving_s * 1.25)
    assert busy.driving_s == pytest.approx(calm.driving_s)
    assert busy.traffic_s == pytest.approx(calm.driving_s * 1.25)
    assert [leg.driving_s for leg in busy.legs] == pytest.approx([leg.driving_s * 1.25 for leg in calm.legs])


def test_the_own_line_is_drawn_where_the_providers_may_not_be() -> None:
    a, b = town("Almaty").position, town("Konaev").position
    way: Route = ROADS.route(a, b)
    found = given_by([Leg(80_000, 4_000)])
    own = travel_of([way], found, CROSSINGS)
    assert (own.line, own.line_origin, own.drawable) == (way.line, "embedded", False)
    theirs = travel_of([way], found, CROSSINGS, line=[a, Position(43.5, 77.0), b])
    assert theirs.line_origin == "google" and len(theirs.line) == 3


def test_a_provider_that_forgot_a_leg_is_not_believed() -> None:
    way = ROADS.route(town("Almaty").position, town("Konaev").position)
    with pytest.raises(ValueError, match="leg"):
        travel_of([way, way], given_by([Leg(1, 1)]), CROSSINGS)
