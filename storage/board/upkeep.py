"""What keeps the board quick: cells for pickups that have none, and counts of areas and cells.

Nothing here changes what a search finds: counts decide how it looks, and draw the map of the whole board. One
worker at a time counts, so seldom that it takes about a fiftieth of one core (0.55 s every 25 s over a million
loads).
"""

import logging
from dataclasses import dataclass

from geo.cells import BOARD_RES, cell_of, parent_terms

from ..postgres import Pool, transaction

log = logging.getLogger("desk.board")

# Seconds between countings, and at least so many times what the cells take, which is half of all.
LEAST_S, SHARE = 10.0, 100.0
SLICE = 2_000

# ix_board_uncelled. An order under decision is passed over and met again next time.
UNCELLED = """
SELECT o.id, b.pickup_lat / 1e7 AS lat, b.pickup_lon / 1e7 AS lon
FROM orders o JOIN board b ON b.order_id = o.id
WHERE o.id IN (SELECT order_id FROM board WHERE pickup_cell IS NULL LIMIT $1) FOR NO KEY UPDATE OF o SKIP LOCKED
"""
# Primary key; the trigger carries it over to the board.
SET_CELLS = """
UPDATE orders o SET pickup_cell = w.cell FROM unnest($1::bigint[], $2::bigint[]) AS w(id, cell) WHERE o.id = w.id
"""
# An advisory lock for the transaction, and the primary key of board_counts.
DUE = """
SELECT pg_try_advisory_xact_lock(7104) AND NOT EXISTS (SELECT FROM board_counts
    WHERE at > clock_timestamp() - make_interval(secs => greatest($1::float8, seconds * $2::float8)))
"""
# The whole board once, by ix_board_area alone where vacuum has been. Only hints that are far off are written.
COUNT_AREAS = """
WITH now AS MATERIALIZED (SELECT pickup_area, bodies, count(*) AS loads FROM board GROUP BY 1, 2)
UPDATE board_areas a SET loads = coalesce(n.loads, 0)
FROM board_areas old LEFT JOIN now n ON n.pickup_area = old.area AND n.bodies = old.bodies
WHERE a.area = old.area AND a.bodies = old.bodies
    AND abs(coalesce(n.loads, 0) - old.loads) > old.loads / 20
"""
COUNT_DROPS = """
WITH now AS MATERIALIZED (SELECT drop_area, count(*) AS loads FROM board GROUP BY 1)
UPDATE board_drops a SET loads = coalesce(n.loads, 0)
FROM board_drops old LEFT JOIN now n ON n.drop_area = old.area
WHERE a.area = old.area AND abs(coalesce(n.loads, 0) - old.loads) > old.loads / 20
"""
# The same; coarser cells are counted from the finest. $1 resolutions, $2 what is kept of a cell, $3 its marks.
COUNT_CELLS = """
WITH finest AS MATERIALIZED (
    SELECT pickup_cell AS cell, count(*) AS loads, sum(price)::bigint AS price_sum,
        min(nullif(price, 0)) AS price_min, max(price) AS price_max,
        sum(pickup_lat::float8) AS lat, sum(pickup_lon::float8) AS lon
    FROM board WHERE until > now() AND pickup_cell IS NOT NULL GROUP BY 1
), fresh AS MATERIALIZED (
    SELECT r.res, f.cell & $2::bigint | r.mark AS cell, sum(f.lat) / sum(f.loads) / 1e7 AS lat,
        sum(f.lon) / sum(f.loads) / 1e7 AS lon, sum(f.loads)::int AS loads, sum(f.price_sum)::bigint AS price_sum,
        coalesce(min(f.price_min), 0) AS price_min, max(f.price_max) AS price_max
    FROM finest f CROSS JOIN unnest($1::smallint[], $3::bigint[]) AS r(res, mark) GROUP BY 1, 2
), gone AS (
    DELETE FROM board_cells c WHERE NOT EXISTS (SELECT FROM fresh f WHERE f.res = c.res AND f.cell = c.cell)
)
INSERT INTO board_cells AS c (res, cell, lat, lon, loads, price_sum, price_min, price_max)
SELECT res, cell, lat, lon, loads, price_sum, price_min, price_max FROM fresh
ON CONFLICT (res, cell) DO UPDATE SET lat = excluded.lat, lon = excluded.lon, loads = excluded.loads,
    price_sum = excluded.price_sum, price_min = excluded.price_min, price_max = excluded.price_max
WHERE (c.loads, c.price_sum, c.price_min, c.price_max)
    IS DISTINCT FROM (excluded.loads, excluded.price_sum, excluded.price_min, excluded.price_max)
"""
COUNTED = """
INSERT INTO board_counts (id, at, seconds, loads)
SELECT true, clock_timestamp(), extract(epoch FROM clock_timestamp() - now())::float8, coalesce(sum(loads), 0)
FROM board_cells WHERE res = $1
ON CONFLICT (id) DO UPDATE SET at = excluded.at, seconds = excluded.seconds, loads = excluded.loads
"""
RESOLUTIONS = tuple(range(2, BOARD_RES + 1))


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look did."""

    celled: int
    counted: bool


class BoardUpkeep:
    """A loop's work, safe on any worker."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def look(self, *, least_s: float = LEAST_S) -> Looked:
        """Cells for the pickups that have none, and a counting when one is due; `least_s` 0: in any case."""
        celled = 0
        while (done := await self._cell()) > 0:
            celled += done
        return Looked(celled, await self._count(least_s))

    async def _cell(self) -> int:
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(UNCELLED, SLICE)
            if rows:
                cells = [cell_of(row["lat"], row["lon"], BOARD_RES) for row in rows]
                await connection.execute(SET_CELLS, [row["id"] for row in rows], cells)
        return len(rows)

    async def _count(self, least_s: float) -> bool:
        async with transaction(self._pool) as connection:
            if not await connection.fetchval(DUE, least_s, SHARE if least_s else 0.0):
                return False
            keep, _ = parent_terms(BOARD_RES)
            marks = [parent_terms(res)[1] for res in RESOLUTIONS]
            await connection.execute(COUNT_CELLS, RESOLUTIONS, keep, marks)
            await connection.execute(COUNTED, BOARD_RES)
        # Each in a transaction of its own: a load that comes to the board may hold a row of both.
        await self._pool.execute(COUNT_AREAS)
        await self._pool.execute(COUNT_DROPS)
        return True
