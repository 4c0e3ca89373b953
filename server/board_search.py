"""What a client asks of the board as the domain understands it: towns become places, codes become lines."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import polyline

from dispatch.board import DETOUR, BoardSearch, Box, Circle, Corridor
from dispatch.errors import Refusal
from dispatch.model import Vehicle
from geo.areas import Area, BadArea, area
from geo.distance import haversine_m
from geo.gazetteer import Gazetteer
from geo.plane import route
from geo.roads import RoadGraph
from geo.types import Position
from server.protocol.rest.board import BoardFilters

MOST_ROUTE_POINTS = 500
LONGEST_ROUTE_M = 8_000_000.0  # of great circles
DRAWN_M = 20_000.0  # a longer piece of a client's line is a straight stroke, not a drawn road
DANGEROUS = {"any": None, "none": False, "only": True}


class BoardSearches:
    """Makes searches of forms. Knows the towns and the roads between them."""

    def __init__(self, gazetteer: Gazetteer, roads: RoadGraph) -> None:
        self._gazetteer = gazetteer
        self._roads = roads
        # Drivers ask for the same few corridors page after page; one costs 2 ms.
        self._along = lru_cache(maxsize=512)(self._along_towns)

    def search(self, form: BoardFilters, vehicle: Vehicle | None) -> BoardSearch:
        """The search of a form. `vehicle`: whose fitting loads are meant, when the form says so.

        Refusal `bad_request` for halves of pairs, `place_unknown`, `area_invalid`.
        """
        return BoardSearch(
            near=self._circle(form.from_city, form.lat, form.lon, form.radius_m, ("lat", "lon", "from_city")),
            to=self._circle(
                form.to_city, form.to_lat, form.to_lon, form.to_radius_m, ("to_lat", "to_lon", "to_city")
            ),
            box=_box(form.bbox),
            polygon=_polygon(form.polygon),
            corridor=self._corridor(form),
            vehicle=vehicle if form.fits else None,
            bodies=tuple(form.bodies),
            kinds=tuple(form.kinds),
            weight_min_kg=form.weight_min_kg,
            weight_max_kg=form.weight_max_kg,
            volume_max_m3=form.volume_max_m3,
            price_min=form.price_min,
            per_km_min=form.price_per_km_min,
            pickup_after=form.pickup_after,
            pickup_before=form.pickup_before,
            dangerous=DANGEROUS[form.adr],
            pricings=tuple(form.pricings),
            methods=tuple(form.payment_methods),
            whens=tuple(form.payment_whens),
            vat=form.vat,
            prepay_min=form.prepay_min,
            rating_min=form.rating_min,
            paid_min=form.paid_min,
        )

    def _circle(
        self, city: int | None, lat: float | None, lon: float | None, radius_m: float, names: tuple[str, ...]
    ) -> Circle | None:
        if (lat is None) != (lon is None):
            raise Refusal("bad_request", "{a} and {b} go together", a=names[0], b=names[1]).at(names[0])
        if lat is not None and lon is not None:
            if city is not None:
                raise Refusal("bad_request", "{a} and {b} exclude each other", a=names[0], b=names[2]).at(
                    names[0]
                )
            return Circle(lat, lon, radius_m)
        return None if city is None else Circle(*self._town(city), radius_m)

    def _corridor(self, form: BoardFilters) -> Corridor | None:
        ends = (form.route_from, form.route_to)
        if form.route_line is not None:
            if ends != (None, None) or form.route_via:
                raise Refusal(
                    "bad_request", "{a} and {b} exclude each other", a="route_line", b="route_from"
                ).at("route_line")
            return _along_line(form.route_line, form.max_detour_m)
        start, goal = ends
        if start is None or goal is None:
            if (start, goal) != (None, None) or form.route_via:
                raise Refusal("bad_request", "{a} and {b} go together", a="route_from", b="route_to").at(
                    "route_from"
                )
            return None
        return self._along((start, *form.route_via, goal), form.max_detour_m)

    def _along_towns(self, towns: tuple[int, ...], max_detour_m: float) -> Corridor:
        legs = [self._roads.route(a, b) for a, b in pairwise([self._town(town) for town in towns])]
        line = [legs[0].line[0], *(place for leg in legs for place in leg.line[1:])]
        return _corridor(line, sum(leg.distance_m for leg in legs), max_detour_m)

    def _town(self, city: int) -> Position:
        found = self._gazetteer.city(city)
        if found is None:
            raise Refusal("place_unknown", "no city has the number {city}", city=city)
        return found.position


@lru_cache(maxsize=512)
def _along_line(code: str, max_detour_m: float) -> Corridor:
    line = _places(code, "route_line")
    if not 2 <= len(line) <= MOST_ROUTE_POINTS:
        raise Refusal("area_invalid", "2 to {n} places, not {given}", n=MOST_ROUTE_POINTS, given=len(line))
    legs = [haversine_m(*a, *b) for a, b in pairwise(line)]
    if sum(legs) > LONGEST_ROUTE_M:
        raise Refusal("area_invalid", "longer than {km} km", km=round(LONGEST_ROUTE_M / 1000))
    return _corridor(line, sum(leg * (DETOUR if leg > DRAWN_M else 1.0) for leg in legs), max_detour_m)


def _corridor(line: Sequence[Position], distance_m: float, max_detour_m: float) -> Corridor:
    try:
        return Corridor(route(line, distance_m, Corridor.reach_m(max_detour_m)), max_detour_m)
    except ValueError:
        raise Refusal("area_invalid", "the route leads nowhere") from None


def _box(bbox: list[float] | None) -> Box | None:
    if bbox is None:
        return None
    west, south, east, north = bbox
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise Refusal("area_invalid", "west, south, east, north in degrees")
    return Box(west, south, east, north)


@lru_cache(maxsize=512)
def _polygon(code: str | None) -> Area | None:
    if code is None:
        return None
    try:
        return area(_places(code, "polygon"))
    except BadArea as bad:
        raise Refusal("area_invalid", bad.template, plural="", **bad.values) from None


def _places(code: str, field: str) -> list[Position]:
    """Places of an encoded polyline; what is none, or leaves the earth, is refused."""
    try:
        places = [Position(lat, lon) for lat, lon in polyline.decode(code)]
    except (IndexError, ValueError):
        raise Refusal("area_invalid", "{field} is no encoded polyline", field=field) from None
    if any(not (-90 <= place.lat <= 90 and -180 <= place.lon <= 180) for place in places):
        raise Refusal("area_invalid", "{field} leaves the earth", field=field)
    return places
