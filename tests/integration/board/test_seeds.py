"""A made-up market: a board as triggers would have made it, trucks that are found, and nothing left behind."""

import time
from functools import cache

import pytest

from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph
from storage.live import LiveIndex
from storage.postgres import Pool
from storage.seed import NotEmpty, Seeder, Wanted

SMALL = Wanted(orders=300, drivers=40, searches=60)
# What stands on the board but should not, or stands otherwise; and what is missing.
DIFFERENCES = """
WITH due AS (
    SELECT r.* FROM orders o CROSS JOIN LATERAL board_row(o) AS r
    WHERE o.status = 'open' AND o.board_at IS NOT NULL AND NOT o.private
)
SELECT (SELECT count(*) FROM (TABLE board EXCEPT TABLE due) AS x)
    + (SELECT count(*) FROM (TABLE due EXCEPT TABLE board) AS x)
"""


@cache
def _map() -> tuple[Gazetteer, RoadGraph]:
    gazetteer = Gazetteer.load()
    return gazetteer, RoadGraph.load(gazetteer)


def _seeder(pool: Pool) -> Seeder:
    return Seeder(pool, *_map(), lambda what, done, total: None)


async def test_the_board_is_what_its_triggers_would_have_made(pool: Pool) -> None:
    await _seeder(pool).seed(SMALL, time.time())
    assert await pool.fetchval("SELECT count(*) FROM board") >= SMALL.orders
    assert await pool.fetchval(DIFFERENCES) == 0
    assert await pool.fetchval("SELECT count(*) FROM saved_searches") == SMALL.searches


async def test_its_trucks_are_found_where_they_stand(pool: Pool) -> None:
    await _seeder(pool).seed(SMALL, time.time())
    live = LiveIndex()
    assert await live.load_last(pool, time.time()) == SMALL.drivers
    assert len(live.take_other(time.time())) == SMALL.drivers


async def test_it_is_made_once_and_taken_away_whole(pool: Pool) -> None:
    seeder = _seeder(pool)
    await seeder.seed(SMALL, time.time())
    with pytest.raises(NotEmpty, match="--clear"):
        await seeder.seed(SMALL, time.time())
    await seeder.clear()
    for table in ("users", "companies", "orders", "board", "board_areas", "saved_searches"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0, table
