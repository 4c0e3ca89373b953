"""A route on a plane of metres: how far off it a place lies, and how far along.

The plane is azimuthal equidistant around the middle of the route. At 1,500 km from there lengths across are
0.9 % too long, at 2,500 km 2.6 %: less than what any road estimate is wrong by. `storage` writes the same
projection in SQL (board_plane); a test compares the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import acos, asin, ceil, cos, degrees, hypot, inf, radians, sin, sqrt

from .distance import EARTH_RADIUS_M, METRES_PER_DEGREE, haversine_m, unit
from .types import Position

STEP_M = 50_000.0  # a great circle is drawn as straight pieces of at most this length


@dataclass(frozen=True, slots=True)
class Route:
    """A line with its road metres: `points` are x, y on the plane around `centre` and metres along the road.

    `boxes` are rectangles (west, south, east, north in degrees) that together hold every place within `reach_m`
    of the line, and some more.
    """

    centre: Position
    points: tuple[tuple[float, float, float], ...]
    reach_m: float
    boxes: tuple[tuple[float, float, float, float], ...]


def project(centre: Position, place: Position) -> tuple[float, float]:
    """Metres east and north of `centre` on its plane."""
    phi0, phi, turn = radians(centre.lat), radians(place.lat), radians(place.lon - centre.lon)
    cos_arc = sin(phi0) * sin(phi) + cos(phi0) * cos(phi) * cos(turn)
    arc = acos(min(1.0, max(-1.0, cos_arc)))
    scale = EARTH_RADIUS_M * (arc / sin(arc) if arc > 1e-9 else 1.0)
    return (
        scale * cos(phi) * sin(turn),
        scale * (cos(phi0) * sin(phi) - sin(phi0) * cos(phi) * cos(turn)),
    )


def route(line: Sequence[Position], distance_m: float, reach_m: float) -> Route:
    """The line on its plane; its road metres are spread over it as its great circles are.

    ValueError for a line without length.
    """
    legs = [haversine_m(*a, *b) for a, b in pairwise(line)]
    whole = sum(legs)
    if whole <= 0:
        raise ValueError("a route needs two places")
    places, along = [line[0]], [0.0]
    for (a, b), metres in zip(pairwise(line), legs, strict=True):
        pieces = max(1, ceil(metres / STEP_M))
        for piece in range(1, pieces + 1):
            if metres > 0:
                places.append(_between(a, b, piece / pieces))
                along.append(along[-1] + metres / pieces / whole * distance_m)
    centre = _middle(places)
    points = tuple((*project(centre, place), metres) for place, metres in zip(places, along, strict=True))
    boxes = tuple(_box(a, b, reach_m) for a, b in pairwise(places))
    return Route(centre, points, reach_m, boxes)


def locate(on: Route, place: Position) -> tuple[float, float]:
    """(metres off the line, road metres along it) of the place's nearest point on the line."""
    x, y = project(on.centre, place)
    nearest, measure = inf, 0.0
    for (ax, ay, am), (bx, by, bm) in pairwise(on.points):
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        share = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / length)) if length else 0.0
        off = hypot(x - ax - share * dx, y - ay - share * dy)
        if off < nearest:
            nearest, measure = off, am + share * (bm - am)
    return nearest, measure


def _between(a: Position, b: Position, share: float) -> Position:
    """A point of the great circle from a to b."""
    va, vb = unit(*a), unit(*b)
    arc = 2 * asin(min(1.0, sqrt(sum((p - q) ** 2 for p, q in zip(va, vb, strict=True))) / 2))
    if arc < 1e-12 or share >= 1.0:
        return b
    left, right = sin((1 - share) * arc) / sin(arc), sin(share * arc) / sin(arc)
    return _position(tuple(left * p + right * q for p, q in zip(va, vb, strict=True)))


def _middle(places: Sequence[Position]) -> Position:
    sums = tuple(sum(axis) for axis in zip(*(unit(*place) for place in places), strict=True))
    length = sqrt(sum(part * part for part in sums))
    return places[0] if length < 1e-9 else _position(tuple(part / length for part in sums))


def _position(vector: Sequence[float]) -> Position:
    x, y, z = vector
    lat = degrees(asin(min(1.0, max(-1.0, z))))
    across = hypot(x, y)
    if across < 1e-12:
        return Position(lat, 0.0)
    lon = degrees(acos(min(1.0, max(-1.0, x / across))))
    return Position(lat, lon if y >= 0 else -lon)


def _box(a: Position, b: Position, reach_m: float) -> tuple[float, float, float, float]:
    """Round a short piece of line; all longitudes where it meets a pole or the antimeridian."""
    # The plane stretches lengths across, and a great circle bulges poleward: both by less than the 3 % added.
    reach = reach_m / METRES_PER_DEGREE * 1.03 + 0.01
    south, north = max(-90.0, min(a.lat, b.lat) - reach), min(90.0, max(a.lat, b.lat) + reach)
    narrowest = cos(radians(max(abs(south), abs(north))))
    sideways = reach / narrowest if narrowest > 0.01 else 360.0
    west, east = min(a.lon, b.lon) - sideways, max(a.lon, b.lon) + sideways
    if west < -180 or east > 180 or east - west > 180:
        return -180.0, south, 180.0, north
    return west, south, east, north
