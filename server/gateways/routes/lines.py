"""Encoded polylines: decoded, thinned out, encoded again."""

from collections.abc import Iterable, Sequence

import polyline
import shapely

from geo.providers import ProviderFault
from geo.types import Position

# A map of a country cannot show more, and an answer should stay small.
MOST_POINTS = 400
_FINEST_DEG = 0.0002  # about 20 m


def decode(encoded: str, precision: int) -> list[Position]:
    """The places of an encoded line; ProviderFault `malformed` for what is none."""
    try:
        return [Position(lat, lon) for lat, lon in polyline.decode(encoded, precision)]
    except (IndexError, ValueError, TypeError) as error:
        raise ProviderFault("malformed", "polyline") from error


def encode(places: Iterable[Position], precision: int = 5) -> str:
    """The encoded line."""
    encoded: str = polyline.encode(list(places), precision)
    return encoded


def thin(places: Sequence[Position]) -> list[Position]:
    """The line with at most MOST_POINTS points and both of its ends."""
    tolerance = _FINEST_DEG
    line = shapely.LineString([(lon, lat) for lat, lon in places]) if len(places) > MOST_POINTS else None
    thinned = list(places)
    while line is not None and len(thinned) > MOST_POINTS:
        thinned = [Position(lat, lon) for lon, lat in line.simplify(tolerance).coords]
        tolerance *= 2
    return thinned
