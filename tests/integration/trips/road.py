"""A truck on the road: fixes written as the durable lane writes them, at the times that a test names."""

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from geo.cells import cell_of
from geo.types import Fix
from storage.postgres import Pool, ewkb

_streams = itertools.count(1)

STORE = """
INSERT INTO positions (device_id, recorded_at, stream_id, seq, driver_id, received_at, point, cell, speed, heading,
    accuracy, flag) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11)
"""


@dataclass
class Road:
    """One driver's phone."""

    pool: Pool
    driver: int
    device: int
    stream: int
    seq: int = 0

    @classmethod
    async def of(cls, pool: Pool, driver: int) -> "Road":
        device = await pool.fetchval(
            "INSERT INTO devices (user_id, secret_hash) VALUES ($1, $2) RETURNING id",
            driver,
            next(_streams).to_bytes(32, "big"),
        )
        stream = await pool.fetchval(
            "INSERT INTO streams (device_id, stream) VALUES ($1, $2) RETURNING id", device, f"{device:016x}"
        )
        return cls(pool, driver, device, stream)

    async def send(self, fixes: Iterable[Fix], *, flag: int = 0, received: float | None = None) -> None:
        """Stores these fixes; `flag` as geo.types.Reason has it."""
        rows = []
        for fix in fixes:
            self.seq += 1
            rows.append(
                (
                    self.device,
                    datetime.fromtimestamp(fix.at, UTC),
                    self.stream,
                    self.seq,
                    self.driver,
                    datetime.fromtimestamp(time.time() if received is None else received, UTC),
                    ewkb(fix.lat, fix.lon),
                    cell_of(fix.lat, fix.lon),
                    fix.speed,
                    fix.accuracy,
                    flag,
                )
            )
        await self.pool.executemany(STORE, rows)


def stand(lat: float, lon: float, since: float, seconds: float, *, every: float = 10.0) -> list[Fix]:
    """Fixes of a truck that stands here."""
    return [Fix(since + at * every, lat, lon) for at in range(int(seconds / every) + 1)]


def drive(
    a: tuple[float, float], b: tuple[float, float], since: float, seconds: float, *, every: float = 10.0
) -> list[Fix]:
    """Fixes of a truck on the straight way from a to b."""
    steps = int(seconds / every)
    return [
        Fix(since + at * every, a[0] + (b[0] - a[0]) * at / steps, a[1] + (b[1] - a[1]) * at / steps)
        for at in range(1, steps + 1)
    ]
