"""Where a driver was between two moments, as it was recorded: to be played again with a scrubber."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from geo.trail import trail_of
from geo.types import Fix

from ..order_rows import moment, seconds
from ..postgres import Pool, lat_lon

BINS = 240  # of the scrubber: a pixel or two each on a phone

# ix_devices_user_id, then the primary key of the partitions of those days; the first fix of each $4 seconds.
SPOTS = """
SELECT DISTINCT ON (floor(extract(epoch FROM p.recorded_at) / $4::float8)) p.recorded_at, p.point, p.speed,
    p.heading, p.accuracy, p.flag
FROM positions p WHERE p.device_id IN (SELECT d.id FROM devices d WHERE d.user_id = $1) AND p.driver_id = $1
    AND p.recorded_at >= $2 AND p.recorded_at < $3
ORDER BY floor(extract(epoch FROM p.recorded_at) / $4::float8), p.flag, p.recorded_at LIMIT $5
"""
# The same range.
BINNED = """
SELECT floor((extract(epoch FROM p.recorded_at) - extract(epoch FROM $2::timestamptz)) / $4::float8)::int AS bin,
    count(*)::int AS fixes, max(p.speed)::float8 AS speed
FROM positions p WHERE p.device_id IN (SELECT d.id FROM devices d WHERE d.user_id = $1) AND p.driver_id = $1
    AND p.recorded_at >= $2 AND p.recorded_at < $3 GROUP BY 1 ORDER BY 1
"""
# ix_assignments_driver_id_order_id.
HAULS = """
SELECT order_id, assigned_at, ended_at FROM assignments
WHERE driver_id = $1 AND assigned_at < $3 AND (ended_at IS NULL OR ended_at > $2) ORDER BY assigned_at LIMIT 500
"""


class Spot(NamedTuple):
    """A fix as it was recorded, with its flag (geo.types.Reason, 0 for none)."""

    at: float
    lat: float
    lon: float
    speed: float | None
    heading: float | None
    flag: int


@dataclass(frozen=True, slots=True)
class Replay:
    """What was recorded. `bins` are (from when, fixes, highest speed), `hauls` (order, since, until)."""

    every_s: float
    bin_s: float
    spots: list[Spot]
    bins: list[tuple[float, int, float | None]]
    hauls: list[tuple[int, float, float | None]]
    metres: float


async def replay(pool: Pool, driver: int, since: float, until: float, most: int) -> Replay:
    """At most `most` spots, so many seconds apart."""
    every, width = max((until - since) / most, 0.5), max((until - since) / BINS, 1.0)
    span: tuple[int, datetime | None, datetime | None] = (driver, moment(since), moment(until))
    rows = await pool.fetch(SPOTS, *span, every, most + 1)
    spots = [
        Spot(
            row["recorded_at"].timestamp(), *lat_lon(row["point"]), row["speed"], row["heading"], row["flag"]
        )
        for row in rows
    ]
    fixes = (
        Fix(spot.at, spot.lat, spot.lon, accuracy=row["accuracy"])
        for spot, row in zip(spots, rows, strict=True)
    )
    return Replay(
        every,
        width,
        spots,
        [
            (since + row["bin"] * width, row["fixes"], row["speed"])
            for row in await pool.fetch(BINNED, *span, width)
        ],
        [
            (row["order_id"], row["assigned_at"].timestamp(), seconds(row["ended_at"]))
            for row in await pool.fetch(HAULS, *span)
        ],
        trail_of(fixes).metres,
    )
