"""Circles, rectangles and routes as PostGIS takes them."""

import math
import struct
from collections.abc import Sequence

from dispatch.board import BoardSearch, Box, Circle
from geo.areas import Area, box_area, boxes_area
from geo.distance import METRES_PER_DEGREE

_HEAD = struct.Struct("<BII")  # little endian, LINESTRING with M, how many points
_LINE_M = 0x40000002
EARTH = box_area(-180.0, -90.0, 180.0, 90.0)


def measured_line(points: Sequence[tuple[float, float, float]]) -> bytes:
    """A LINESTRING M without a spatial reference: x, y, and the measure of each point."""
    flat = [part for point in points for part in point]
    return _HEAD.pack(1, _LINE_M, len(points)) + struct.pack(f"<{len(flat)}d", *flat)


def box(lat: float, lon: float, radius_m: float) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees around a circle; all longitudes where it meets a pole or the
    antimeridian, which costs time and no match."""
    reach = radius_m / METRES_PER_DEGREE * 1.001
    south, north = lat - reach, lat + reach
    if south <= -90 or north >= 90:
        return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
    # The widest longitude of a circle lies nearer the pole than its centre: sin(dlon) = sin(r) / cos(lat).
    width = math.degrees(math.asin(min(1.0, math.sin(math.radians(reach)) / math.cos(math.radians(lat)))))
    if lon - width < -180 or lon + width > 180:
        return -180.0, south, 180.0, north
    return lon - width, south, lon + width, north


def around(circle: Circle) -> Area:
    """A rectangle that holds the circle."""
    return box_area(*box(*circle))


def pickup_zone(search: BoardSearch) -> Area | None:
    """An area that holds every pickup that the search can find; None is the whole earth."""
    if search.near is not None:
        return around(search.near)
    if search.polygon is not None:
        return search.polygon
    if search.box is not None:
        return _window(search.box)
    return _along(search)


def drop_zone(search: BoardSearch) -> Area | None:
    """The same for drops."""
    return around(search.to) if search.to is not None else _along(search)


def _window(window: Box) -> Area:
    # A window without width or height is still a place.
    west, south, east, north = window
    return box_area(west - 1e-6, south - 1e-6, east + 1e-6, north + 1e-6)


def _along(search: BoardSearch) -> Area | None:
    return None if search.corridor is None else boxes_area(search.corridor.route.boxes)
