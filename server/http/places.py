"""Towns, addresses and border crossings."""

from dispatch.errors import Refusal
from geo.distance import haversine_m
from geo.gazetteer import Gazetteer
from geo.geocoding import Found
from geo.types import Position
from server import views
from server.protocol.rest.places import (
    Cities,
    CityQuery,
    CrossingQuery,
    Crossings,
    CrossingView,
    PinQuery,
    PlaceQuery,
    Places,
    PlaceView,
)

from .route import Call, Route


async def cities(call: Call[None, CityQuery]) -> Cities:
    """City search; names in the asked language, else in the caller's."""
    query, lang = call.query, call.query.lang or call.lang
    found = call.services.gazetteer.search(query.q, lang, query.limit, _near(query))
    return Cities([views.city_view(city, lang) for city in found])


async def search(call: Call[None, PlaceQuery]) -> Places:
    """Addresses, towns and crossings by text."""
    query, lang = call.query, call.query.lang or call.lang
    found = await call.services.places.search(query.q, lang, _near(query), query.limit)
    return Places([_view(each, call.services.gazetteer, lang) for each in found])


async def reverse(call: Call[None, PinQuery]) -> PlaceView:
    """The address of a pin."""
    query, lang = call.query, call.query.lang or call.lang
    found = await call.services.places.reverse(Position(query.lat, query.lon), lang)
    return _view(found, call.services.gazetteer, lang)


async def crossings(call: Call[None, CrossingQuery]) -> Crossings:
    """The border crossings of Kazakhstan."""
    query, lang = call.query, call.query.lang or call.lang
    return Crossings(
        [
            CrossingView(
                crossing=each.id,
                name=each.names[lang],
                neighbour=each.neighbour,
                opposite=each.opposite,
                lat=each.lat,
                lon=each.lon,
                kind="multilateral" if each.kind == "multilateral" else "bilateral",
                trucks=each.trucks,
                wait_out_s=each.wait_out_s,
                wait_in_s=each.wait_in_s,
                wait_origin=each.wait_origin,
            )
            for each in call.services.crossings.all
            if query.neighbour in (None, each.neighbour)
        ]
    )


def _near(query: CityQuery | PlaceQuery) -> Position | None:
    if (query.lat is None) != (query.lon is None):
        raise Refusal("bad_request", "lat and lon go together").at("lat")
    return None if query.lat is None or query.lon is None else Position(query.lat, query.lon)


def _view(found: Found, gazetteer: Gazetteer, lang: str) -> PlaceView:
    town = gazetteer.nearest(found.lat, found.lon)
    return PlaceView(
        label=found.label,
        lat=found.lat,
        lon=found.lon,
        precision=found.precision,  # type: ignore[arg-type]  # geo.geocoding.PRECISIONS, compared in a test
        kind=found.kind,  # type: ignore[arg-type]
        origin=found.origin,
        country=found.country,
        city=town.id,
        city_name=town.names.get(lang, town.names["en"]),
        city_m=haversine_m(found.lat, found.lon, town.lat, town.lon),
        crossing=found.id if found.kind == "crossing" else None,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/cities",
        cities,
        "Find a city by name",
        "places",
        query=CityQuery,
        response=Cities,
        scope="places:read",
    ),
    Route(
        "GET",
        "/api/v1/places/search",
        search,
        "Find an address, a town or a border crossing",
        "places",
        scope="places:read",
        query=PlaceQuery,
        response=Places,
        bucket="heavy",
    ),
    Route(
        "GET",
        "/api/v1/places/reverse",
        reverse,
        "The address of a place on the map",
        "places",
        scope="places:read",
        query=PinQuery,
        response=PlaceView,
        bucket="heavy",
    ),
    Route(
        "GET",
        "/api/v1/crossings",
        crossings,
        "Border crossings of Kazakhstan",
        "places",
        scope="places:read",
        query=CrossingQuery,
        response=Crossings,
    ),
)
