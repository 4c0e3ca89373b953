"""The board on a map: cells of loads, or the loads themselves where there are few.

The whole board by cells is counted now and then (storage.board.upkeep). What a search leaves of it is
gathered and counted while that is little, else estimated from a sample of the board's pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import asyncpg

from dispatch.board import BoardSearch, Box, Viewer
from geo.cells import BOARD_RES, parent_terms, to_text

from ..postgres import Connection
from . import sql
from .asked import asked, sample_percent
from .filters import Values, values_of
from .sql import Shape

FEW = 30  # loads are shown one by one
GATHERED = 10_000  # loads that are counted; more are estimated
SAMPLE_ROWS = 20_000
MOST_CELLS = 2_000
# The resolution whose cells are 25 to 85 pixels wide, by zoom.
RESOLUTIONS = ((4, 2), (6, 3), (8, 4), (9, 5), (11, 6))
BOX = frozenset({"box_west", "box_south", "box_east", "box_north"})

# ix_board_cells_res_lat_lon.
CELLS = """
SELECT c.cell, c.lat, c.lon, c.loads, c.price_sum, c.price_min, c.price_max FROM board_cells c
WHERE c.res = $1 AND c.lat BETWEEN $2 AND $3
    AND CASE WHEN $4::float8 <= $5::float8 THEN c.lon BETWEEN $4 AND $5 ELSE c.lon >= $4 OR c.lon <= $5 END
ORDER BY c.loads DESC LIMIT $6
"""
# Primary key.
COUNTED_AT = "SELECT extract(epoch FROM coalesce((SELECT at FROM board_counts), now()))::float8"


# A few pages. Loads of the lists that touch the window, as far as was counted lately.
HINT = """
SELECT coalesce(sum(loads), 0)::float8 FROM board_areas
WHERE extent && ST_MakeEnvelope($1, $2, $3, $4, 4326)
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The loads of one H3 cell, around their middle; prices in tiyn, of those in KZT."""

    cell: str
    lat: float
    lon: float
    loads: int
    price_sum: int
    price_min: int
    price_max: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """A window: `orders` when it holds few loads, else cells. `at`: as of when they were counted."""

    resolution: int
    exact: bool
    at: float
    cells: list[Cluster]
    orders: list[int]


def resolution_of(zoom: int) -> int:
    """The resolution of H3 for a zoom of the map."""
    return next((res for most, res in RESOLUTIONS if zoom <= most), BOARD_RES)


async def clusters(connection: Connection, viewer: Viewer, search: BoardSearch, zoom: int) -> Clusters:
    """The window `search.box` at this zoom."""
    assert search.box is not None
    res = resolution_of(zoom)
    ask = asked(viewer.driver, search, {"limit": FEW + 1})
    rows = await connection.fetch(_few(ask.shape), *ask.arguments())
    if len(rows) <= FEW:
        now: float = await connection.fetchval("SELECT extract(epoch FROM now())::float8")
        return Clusters(res, True, now, [], [row["order_id"] for row in rows])
    at: float = await connection.fetchval(COUNTED_AT)
    if values_of(search).keys() <= BOX:
        box = search.box
        found = await connection.fetch(CELLS, res, box.south, box.north, box.west, box.east, MOST_CELLS)
        return Clusters(res, True, at, [_cluster(row, 1.0) for row in found], [])
    return await _filtered(connection, viewer, search, res)


async def _filtered(connection: Connection, viewer: Viewer, search: BoardSearch, res: int) -> Clusters:
    now: float = await connection.fetchval("SELECT extract(epoch FROM now())::float8")
    keep, mark = parent_terms(res)
    more: Values = {"keep": keep, "mark": mark}
    ask = asked(viewer.driver, search, {**more, "limit": GATHERED + 1})
    if await connection.fetchval(HINT, *_window(search.box)) <= 4 * GATHERED:
        found = await connection.fetch(_gathered(ask.shape), *ask.arguments())
        if sum(row["loads"] for row in found) <= GATHERED:
            return Clusters(res, True, now, _most(found, 1.0), [])
    percent = await sample_percent(connection, SAMPLE_ROWS)
    ask = asked(viewer.driver, search, {**more, "percent": percent}, by_lists=False)
    found = await connection.fetch(_sampled(ask.shape), *ask.arguments())
    return Clusters(res, percent >= 100, now, _most(found, 100.0 / percent), [])


def _window(box: Box | None) -> tuple[float, float, float, float]:
    west, south, east, north = box or Box(-180.0, -90.0, 180.0, 90.0)
    return (west, south, east, north) if west <= east else (-180.0, south, 180.0, north)


@cache
def _few(shape: Shape) -> str:
    rows = sql.gather(shape, "b.order_id")
    return f"WITH {sql.lists(shape)} SELECT g.order_id FROM {rows} LIMIT {shape.at('limit', 'int')}"


_COLUMNS = "b.pickup_cell, b.price, b.pickup_lat, b.pickup_lon"


def _grouped(shape: Shape, rows: str) -> str:
    keep, mark = shape.at("keep", "bigint"), shape.at("mark", "bigint")
    return (
        f"SELECT g.pickup_cell & {keep} | {mark} AS cell, avg(g.pickup_lat) / 1e7 AS lat,"
        " avg(g.pickup_lon) / 1e7 AS lon,"
        " count(*) AS loads, sum(g.price)::bigint AS price_sum,"
        " coalesce(min(g.price) FILTER (WHERE g.price > 0), 0) AS price_min, max(g.price) AS price_max"
        f" FROM {rows} WHERE g.pickup_cell IS NOT NULL GROUP BY 1 ORDER BY loads DESC"
    )


@cache
def _gathered(shape: Shape) -> str:
    rows = f"(SELECT g.* FROM {sql.gather(shape, _COLUMNS)} LIMIT {shape.at('limit', 'int')}) AS g"
    return f"WITH {sql.lists(shape)} {_grouped(shape, rows)}"


@cache
def _sampled(shape: Shape) -> str:
    return _grouped(shape, sql.sampled(shape, _COLUMNS))


def _most(rows: Sequence[asyncpg.Record], times: float) -> list[Cluster]:
    return [_cluster(row, times) for row in rows[:MOST_CELLS]]


def _cluster(row: asyncpg.Record, times: float) -> Cluster:
    return Cluster(
        to_text(row["cell"]),
        round(float(row["lat"]), 5),
        round(float(row["lon"]), 5),
        round(row["loads"] * times),
        round(row["price_sum"] * times),
        row["price_min"],
        row["price_max"],
    )
