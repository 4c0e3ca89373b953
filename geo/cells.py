"""H3 cells as integers. The only importer of h3, so that the grid can be changed in one file."""

from math import ceil, copysign, cos, radians, sin, sqrt

from h3.api import basic_int as h3

from .distance import EARTH_RADIUS_M, METRES_PER_DEGREE
from .types import Position

INDEX_RES = 8
BOARD_RES = 7
PUBLIC_RES = 7  # edge 1.4 km: as much as strangers may know of an address
COARSE_RES = 5
MAP_RES = 3
REGION_RES = 2

# The resolution lies in bits 52-55 of an index; three bits a digit follow, 7 where a digit is unused (H3
# specification, "H3Index bit layout"). So a parent is two integer operations, a fifth of the library call.
_RES_SHIFT = 52
_KEEP = ~(0xF << _RES_SHIFT)
_MARK = tuple((res << _RES_SHIFT) | ((1 << 3 * (15 - res)) - 1) for res in range(16))

_EDGE_M: tuple[float, ...] = tuple(h3.average_hexagon_edge_length(res, "m") for res in range(16))
_AREA_M2: tuple[float, ...] = tuple(h3.average_hexagon_area(res, "m^2") for res in range(16))
# Bounds over the whole globe, relative to the averages above. Measured on all cells up to resolution 4 and
# on 300,000 places with the neighbourhoods of all pentagons: 1.142, 1.206 and 2.199; tests sample them again.
_REACH = 1.25
_LARGEST = 1.25
_WIDEST = 2.3

# One slice of a viewport; the library takes a wider polygon for one that goes round the other side.
_SLICE_DEG = 90.0
# The library compares viewport and cells as if degrees were flat, yet the sides of cells are great circles:
# near the poles they bulge out by up to a fifth of an edge.
_BULGE = 0.35


def cell_of(lat: float, lon: float, res: int = INDEX_RES) -> int:
    """The cell of resolution `res` that holds a place."""
    cell: int = h3.latlng_to_cell(lat, lon, res)
    return cell


def parent(cell: int, res: int) -> int:
    """The ancestor of a cell at a resolution not finer than its own."""
    return cell & _KEEP | _MARK[res]


def parent_terms(res: int) -> tuple[int, int]:
    """(keep, mark), so that the ancestor at `res` is `cell & keep | mark`, for those who count elsewhere."""
    return _KEEP, _MARK[res]


def disk(cell: int, k: int) -> list[int]:
    """The cells at most `k` steps away, the cell itself among them; fewer around a pentagon."""
    return list(h3.grid_disk(cell, k))


def center(cell: int) -> Position:
    """The middle of a cell."""
    return Position(*h3.cell_to_latlng(cell))


def public_point(lat: float, lon: float) -> Position:
    """The middle of the cell around a place, to 1e-6 degrees: what is told of it to those who may not know it."""
    return Position(*(round(degrees, 6) for degrees in center(cell_of(lat, lon, PUBLIC_RES))))


def to_text(cell: int) -> str:
    """The cell as H3 writes it everywhere else: lower-case hexadecimal."""
    return f"{cell:x}"


def spacing_m(res: int) -> float:
    """Average metres between the centres of neighbouring cells."""
    return _EDGE_M[res] * sqrt(3.0)


def reach_m(res: int) -> float:
    """Metres within which every place lies from the centre of its ancestor cell at `res`.

    "Ancestor" is meant: fine cells stick out of the coarse cell that they count to, by up to 5 %.
    """
    return _EDGE_M[res] * _REACH


def cover(west: float, south: float, east: float, north: float, res: int, limit: int) -> list[int] | None:
    """The cells that touch a viewport in degrees (or just miss it), None when there are more than `limit`.

    `west` > `east` is a viewport across the antimeridian; 360 degrees and more is the whole circle.
    """
    width = east - west if east >= west else (east - west) % 360.0
    if _at_least(width, south, north, res) > limit:
        return None
    room = _BULGE * _EDGE_M[res] / METRES_PER_DEGREE
    cap = 90.0 - 3 * reach_m(res) / METRES_PER_DEGREE
    found = {
        cell
        for lat in (south, north)
        if abs(lat) > cap
        for cell in disk(cell_of(copysign(90.0, lat), 0.0, res), 1)
    }
    south, north = max(south - room, -90.0), min(north + room, 90.0)
    sideways = min(room / max(cos(radians(max(-south, north))), 1e-9), 180.0)
    west, width = west - sideways, width + 2 * sideways
    if width > 360.0 - 2 * sideways:
        west, width = -180.0, 360.0
    slices = ceil(width / _SLICE_DEG)
    for number in range(slices):
        left, right = (_wrap(west + width * edge / slices) for edge in (number, number + 1))
        ring = [(south, left), (south, right), (north, right), (north, left)]
        found.update(h3.h3shape_to_cells_experimental(h3.LatLngPoly(ring), res, "overlap"))
        if len(found) > limit:
            return None
    return sorted(found) if len(found) <= limit else None


def _wrap(lon: float) -> float:
    return (lon + 180.0) % 360.0 - 180.0


def _at_least(width: float, south: float, north: float, res: int) -> float:
    """Cells that a viewport needs at least: a huge one is refused before its cells are made."""
    zone = (sin(radians(north)) - sin(radians(south))) * radians(min(width, 360.0)) * EARTH_RADIUS_M**2
    return max(
        zone / (_AREA_M2[res] * _LARGEST), (north - south) * METRES_PER_DEGREE / (_EDGE_M[res] * _WIDEST)
    )
