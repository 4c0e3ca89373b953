"""What a searcher draws on the map: a ring of places as a valid area of degrees, cut where the map ends.

Sides are straight on the map (Mercator or plain degrees look the same to whoever draws), so areas are flat here.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import shapely
from shapely import affinity

from .types import Position

SRID = 4326
MOST_VERTICES = 100
WIDEST_DEG, TALLEST_DEG = 120.0, 60.0  # from Kaliningrad to Kamchatka, and from the Arctic to India
# Byte order, POLYGON with SRID flag, SRID, rings, places, five times lon and lat.
_EWKB_RING = struct.Struct("<BIIII10d")


@dataclass(frozen=True, slots=True)
class Area:
    """A valid area as EWKB, and its bounds in degrees; across the antimeridian it lies on both sides."""

    wkb: bytes
    west: float
    south: float
    east: float
    north: float


class BadArea(ValueError):
    """The ring is no area: `template` says why in English, with `values` in its places."""

    def __init__(self, template: str, **values: object) -> None:
        self.template = template
        self.values = values
        super().__init__(template.format_map(values))


def area(ring: Sequence[Position]) -> Area:
    """The area inside a ring, closed or not, in either direction; between two vertices the short way round.

    BadArea for fewer than three or more than MOST_VERTICES places, a ring that crosses or touches itself, an
    area of nothing, and one that is too large.
    """
    places = list(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring)
    if not 3 <= len(places) <= MOST_VERTICES:
        raise BadArea("3 to {most} vertices, not {given}", most=MOST_VERTICES, given=len(places))
    outline = _unrolled(places)
    if abs(outline[0][0] - _towards(outline[-1][0], outline[0][0])) > 1e-9:
        raise BadArea("the ring goes round a pole")
    west, east = min(x for x, _ in outline), max(x for x, _ in outline)
    south, north = min(y for _, y in outline), max(y for _, y in outline)
    if east - west > WIDEST_DEG or north - south > TALLEST_DEG:
        raise BadArea("larger than {wide} by {tall} degrees", wide=int(WIDEST_DEG), tall=int(TALLEST_DEG))
    drawn = shapely.Polygon(outline)
    if not drawn.is_valid:
        raise BadArea("the ring crosses or touches itself")
    if drawn.area <= 0:
        raise BadArea("nothing inside")
    return area_of(drawn)


def box_area(west: float, south: float, east: float, north: float) -> Area:
    """A rectangle of the map; `west` > `east` crosses the antimeridian."""
    if -180.0 <= west < east <= 180.0 and -90.0 <= south < north <= 90.0:
        # Nearly every search has one. 1 us; cutting it at the edges of the map takes 60.
        ring = (west, south, west, north, east, north, east, south, west, south)
        return Area(_EWKB_RING.pack(1, 0x20000003, SRID, 1, 5, *ring), west, south, east, north)
    return area_of(shapely.box(west, south, east if east >= west else east + 360.0, north))


@lru_cache(maxsize=512)
def boxes_area(boxes: tuple[tuple[float, float, float, float], ...]) -> Area:
    """What any of the rectangles (west, south, east, north) holds. 0.4 ms for a route of 25; drivers ask for
    the same few."""
    return area_of(shapely.union_all([shapely.box(*box) for box in boxes]))


def area_of(flat: shapely.Geometry) -> Area:
    """An area whose longitudes run on beyond 180 degrees, put back on the map."""
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        part = shapely.intersection(affinity.translate(flat, turn), shapely.box(-180.0, -90.0, 180.0, 90.0))
        # Where the area only touches the edge of the map a line or a point is left.
        parts += [piece for piece in shapely.get_parts(part) if piece.area > 0]
    whole = shapely.normalize(parts[0] if len(parts) == 1 else shapely.union_all(parts))
    bounds = [float(bound) for bound in whole.bounds]
    return Area(shapely.to_wkb(shapely.set_srid(whole, SRID), include_srid=True), *bounds)


def _unrolled(places: Sequence[Position]) -> list[tuple[float, float]]:
    """(lon, lat) with longitudes that run on beyond 180 degrees instead of jumping."""
    outline = [(places[0].lon, places[0].lat)]
    for place in places[1:]:
        outline.append((_towards(outline[-1][0], place.lon), place.lat))
    return outline


def _towards(before: float, lon: float) -> float:
    """The turn of `lon` that is nearest to `before`."""
    return before + (lon - before + 180.0) % 360.0 - 180.0
