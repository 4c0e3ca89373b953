"""A search as the parameters of statements, and how much of the board is read for an estimate."""

import math
from dataclasses import dataclass

from dispatch.board import BoardSearch
from geo.areas import Area

from ..postgres import Connection
from .filters import E7, Values, values_of
from .geometry import drop_zone, pickup_zone
from .sql import DROPS_BY_INDEX_M, Shape, shape_of

SAMPLE_ROWS = 20_000  # read for an estimate

# Primary key of board_counts, and the catalogue until the first counting.
SIZE = """
SELECT greatest((SELECT loads FROM board_counts), (SELECT reltuples FROM pg_class WHERE oid = 'board'::regclass))
"""


@dataclass(frozen=True, slots=True)
class Total:
    """How many loads suit; an estimate above sql.COUNT_TO."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as parameters: the shape of its statements, and their values by name."""

    shape: Shape
    values: Values

    def arguments(self) -> tuple[object, ...]:
        """In the order of the shape's names."""
        return tuple(self.values[name] for name in self.shape.names)


def asked(driver: int, search: BoardSearch, more: Values | None = None, *, by_lists: bool = True) -> Asked:
    """What a search and its driver put into statements. `more` are values that no condition knows; `by_lists` is
    False for statements that read the board without its lists of areas: they need no outlines."""
    values = values_of(search)
    zone, drop = pickup_zone(search), drop_zone(search)
    for name, area in (("zone", zone), ("drop_zone", drop)):
        if area is not None:
            values |= _bounds(name, area) | ({name: area.wkb} if by_lists else {})
    values |= {"driver": driver, **(more or {})}
    shape = shape_of(
        tuple(values),
        zoned=zone is not None,
        dropped=drop is not None,
        drops_by_index=search.to is not None and search.to.radius_m <= DROPS_BY_INDEX_M,
    )
    return Asked(shape, values)


async def sample_percent(connection: Connection, rows: int = SAMPLE_ROWS) -> float:
    """The share of the board that is about so many loads, in percent."""
    loads = max(1.0, float(await connection.fetchval(SIZE)))
    return min(100.0, 100.0 * rows / loads)


def estimate(count: float) -> int:
    """Two digits: more would pretend to be known."""
    digits = max(0, len(str(round(count))) - 2)
    unit: int = 10**digits
    return round(count / unit) * unit


def _bounds(name: str, area: Area) -> Values:
    """The rectangle around an area in whole 1e-7 degrees, outwards."""
    return {
        f"{name}_west": max(-1_800_000_000, math.floor(area.west * E7) - 1),
        f"{name}_south": max(-900_000_000, math.floor(area.south * E7) - 1),
        f"{name}_east": min(1_800_000_000, math.ceil(area.east * E7) + 1),
        f"{name}_north": min(900_000_000, math.ceil(area.north * E7) + 1),
    }
