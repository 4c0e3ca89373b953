"""How long matching takes: open orders against all saved searches, one after another."""

import asyncio
import time
from pathlib import Path

import orjson

from storage.postgres import connect_pool
from storage.searches import matches

from .config import Config

WARM_SHARE = 10  # the first tenth is not timed: the plan is made and the pages are read then
SOME = "SELECT id FROM orders WHERE status = 'open' AND NOT private ORDER BY random() LIMIT $1"


def match_times(config: Config, orders: int, out: Path) -> None:
    """Writes `{"seconds": [...], "drivers": [...]}` to `out`: of each order how long its match took, and how many
    drivers it found."""
    seconds, drivers = asyncio.run(_timed(config, orders))
    warm = len(seconds) // (WARM_SHARE + 1)
    out.write_bytes(orjson.dumps({"seconds": seconds[warm:], "drivers": drivers[warm:]}))


async def _timed(config: Config, orders: int) -> tuple[list[float], list[int]]:
    pool = await connect_pool(config.postgres, name="match times", size=1)
    seconds: list[float] = []
    drivers: list[int] = []
    try:
        async with pool.acquire() as connection:
            some = [row["id"] for row in await connection.fetch(SOME, orders + orders // WARM_SHARE)]
            for order in some:
                began = time.perf_counter()
                found = await matches(connection, order)
                seconds.append(time.perf_counter() - began)
                drivers.append(len(found))
    finally:
        await pool.close()
    return seconds, drivers
