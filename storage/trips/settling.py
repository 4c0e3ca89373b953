"""Settling trips that are over: everything counted once more, with what came late, and the track kept small."""

from datetime import datetime, timedelta

import asyncpg

from dispatch import trip
from dispatch.model import Status
from dispatch.trip import Visit
from geo.cells import MAP_RES, cell_of
from geo.trail import Spot, Trail

from ..order_rows import order_of, seconds
from ..postgres import Connection, Pool, transaction
from . import sql
from .following import fix_of, halt_row, strays, visit_of, visit_row

PAGE = 500  # fixes between two turns of the loop: 3 ms of the trail
LATE_S = 6 * 3_600.0  # a phone that was offline at the drop has sent its backlog by then


class TripSettler:
    """A loop's work, safe on any worker."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def settle(self) -> int:
        """Settles one trip that is due; how many there were (0 or 1)."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(sql.CLAIM_ENDED)
            if row is None:
                return 0
            ends = row["started_at"], row["ended_at"]
            if row["closed_at"] is None:
                await _recount(connection, row, row["ended_at"] + timedelta(seconds=LATE_S))
                await connection.execute(sql.ASK_FOR_REVIEWS, row["order_id"], row["driver_id"])
            elif await connection.fetchval(sql.CAME_LATE, row["driver_id"], *ends, row["closed_at"]):
                await _recount(connection, row, None)
            else:
                await connection.execute(sql.SETTLED, row["order_id"])
        return 1


async def _recount(connection: Connection, row: asyncpg.Record, look_at: datetime | None) -> None:
    number = row["order_id"]
    steps = {step["status"]: step["at"] for step in await connection.fetch(sql.STEPS, number)}
    loaded_at = seconds(steps.get(Status.LOADED.value))
    order = order_of((await connection.fetch(sql.ORDERS, [number]))[0])
    visits = [Visit() for _ in trip.stops_of(order)]
    trail, empty = Trail(), None
    span = number, row["driver_id"], row["started_at"], row["ended_at"], trip.RIM
    async for fix_row in connection.cursor(sql.WHOLE, *span, prefetch=PAGE):
        fix = fix_of(fix_row)
        trail.observe(fix)
        if empty is None and loaded_at is not None and fix.at >= loaded_at:
            empty = trail.metres
        if strays(fix_row):
            continue
        for at, visit in enumerate(visits):
            inside, beyond = at in fix_row["inside"], at not in fix_row["near"]
            visits[at] = visit.observe(fix.at, inside=inside, beyond=beyond)
    trail.finish()
    await connection.execute(sql.FORGET_HALTS, number)
    await connection.executemany(sql.ADD_HALT, [(number, *halt_row(halt)) for halt in trail.halts])
    await _keep_visits(connection, number, visits)
    await _keep_track(connection, number, trail.line)
    await connection.execute(sql.CLOSE, number, trail.metres, empty, look_at)


async def _keep_visits(connection: Connection, number: int, visits: list[Visit]) -> None:
    """What was told stays; what only the backlog knows is added."""
    before = [visit_of(stop) for stop in await connection.fetch(sql.STOPS, [number])]
    for at, (old, new) in enumerate(zip(before, visits, strict=False)):
        whole = Visit(old.arrived_at or new.arrived_at, old.left_at or new.left_at)
        await connection.execute(sql.SAVE_STOP, number, at, *visit_row(whole))


async def _keep_track(connection: Connection, number: int, line: list[Spot]) -> None:
    if len(line) < 2:
        await connection.execute(sql.FORGET_TRACK, number)
        return
    cells = sorted({cell_of(spot.lat, spot.lon, MAP_RES) for spot in line})
    lats, lons, ats = ([spot[at] for spot in line] for at in (1, 2, 0))
    await connection.execute(sql.KEEP_TRACK, number, lats, lons, ats, cells)
