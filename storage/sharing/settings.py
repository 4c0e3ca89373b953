"""A driver's own rules of sharing. Every worker keeps those that differ from the rule in memory: whoever sends a
position looks there. PostgreSQL has the last word; what the bus loses is read again within seconds."""

from collections.abc import Iterable

import asyncpg

from dispatch.errors import Refusal
from dispatch.sharing import Sharing
from storage.postgres import Pool, transaction
from storage.vehicles import LOCK_DRIVERS

OVERLAP_S = 30.0  # a transaction may commit so long after the moment that it wrote down

VIEW = "on_duty_only, extract(epoch FROM pause_until)::float8 AS pause_until, after_trip_s::float8 AS after_trip_s"
# Primary key.
OF = f"SELECT {VIEW} FROM driver_sharing WHERE driver_id = $1"
# uq_assignments_driver.
CARRIES = "SELECT EXISTS (SELECT FROM assignments WHERE driver_id = $1 AND ended_at IS NULL)"
SET = """
INSERT INTO driver_sharing (driver_id, on_duty_only, pause_until, after_trip_s, changed_at)
VALUES ($1, $2, to_timestamp($3::float8), $4, clock_timestamp())
ON CONFLICT (driver_id) DO UPDATE SET on_duty_only = excluded.on_duty_only, pause_until = excluded.pause_until,
    after_trip_s = excluded.after_trip_s, changed_at = excluded.changed_at
"""
# Whole table on purpose: at most one row a driver, read once when a worker starts.
ALL = f"""
SELECT driver_id, {VIEW} FROM driver_sharing WHERE on_duty_only OR pause_until > now() OR after_trip_s < 300
"""
# ix_driver_sharing_changed_at.
CHANGED = f"""
SELECT driver_id, {VIEW} FROM driver_sharing WHERE changed_at > now() - make_interval(secs => $1)
"""


class SharingStore:
    """One row a driver who has ever changed anything."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, driver: int) -> Sharing:
        """The driver's rules."""
        row = await self._pool.fetchrow(OF, driver)
        return Sharing() if row is None else _sharing(row)

    async def set(self, driver: int, sharing: Sharing) -> None:
        """Keeps them. Refusal `driver_busy` for a pause while a load is carried."""
        async with transaction(self._pool) as connection:
            await connection.execute(LOCK_DRIVERS, [driver])  # as who wins a load does
            if sharing.pause_until is not None and await connection.fetchval(CARRIES, driver):
                raise Refusal("driver_busy")
            await connection.execute(
                SET, driver, sharing.on_duty_only, sharing.pause_until, round(sharing.after_trip_s)
            )

    async def all(self) -> list[tuple[int, Sharing]]:
        """Everybody who does not share everything."""
        return _told(await self._pool.fetch(ALL))

    async def changed(self, within_s: float) -> list[tuple[int, Sharing]]:
        """Everybody who has changed something in the last so many seconds, and a little before."""
        return _told(await self._pool.fetch(CHANGED, within_s + OVERLAP_S))


def _told(rows: Iterable[asyncpg.Record]) -> list[tuple[int, Sharing]]:
    return [(row["driver_id"], _sharing(row)) for row in rows]


def _sharing(row: asyncpg.Record) -> Sharing:
    return Sharing(row["on_duty_only"], row["pause_until"], row["after_trip_s"])
