"""What the trips have come to, for whoever may know the order."""

from dataclasses import dataclass
from typing import NamedTuple

from dispatch import trip
from dispatch.errors import Refusal
from dispatch.model import Order, Status
from dispatch.trip import Arrival, Visit, Waiting
from geo.trail import Halt, Spot, trail_of

from ..order_rows import moment, seconds
from ..postgres import Pool, lat_lon
from . import sql
from .following import fix_of, visit_of

# Of a trip that goes on at most so many spots are drawn: as many as a map can show.
SPOTS = 2_000

# Primary keys, in all of these.
TRIP = "SELECT * FROM trips WHERE order_id = $1"
HALTS = "SELECT since, until, point FROM trip_halts WHERE order_id = $1 ORDER BY since LIMIT 1000"
TRACK = """
SELECT ST_Y(d.geom) AS lat, ST_X(d.geom) AS lon, ST_M(d.geom) AS at
FROM trip_tracks t CROSS JOIN LATERAL ST_DumpPoints(t.line) AS d WHERE t.order_id = $1 ORDER BY d.path
"""
# ix_devices_user_id, then the primary key of the partitions of those days; one fix of each of $4 seconds.
SO_FAR = """
SELECT DISTINCT ON (floor(extract(epoch FROM p.recorded_at) / $4::float8)) p.recorded_at, p.point, p.accuracy
FROM positions p WHERE p.device_id IN (SELECT d.id FROM devices d WHERE d.user_id = $1) AND p.driver_id = $1
    AND p.recorded_at > $2 AND p.recorded_at <= $3 AND p.flag IN (0, 1, 3)
ORDER BY floor(extract(epoch FROM p.recorded_at) / $4::float8), p.recorded_at LIMIT $5
"""
# What the driver does not want to be told again.
DISMISS = "UPDATE trips SET dismissed = suggested, suggested = NULL WHERE order_id = $1 AND suggested = $2"


class StopVisit(NamedTuple):
    """A stop as it went: the visit with what the driver has said, the clock, and the forecast."""

    number: int
    kind: str
    visit: Visit
    waiting: Waiting | None
    arrival: Arrival | None


@dataclass(frozen=True, slots=True)
class TripRead:
    """A trip. Metres, epoch seconds; `eta_at` when the arrivals were reckoned, None without any."""

    order: int
    driver: int
    started_at: float
    ended_at: float | None
    closed_at: float | None
    metres: float
    empty_metres: float | None
    stops: tuple[StopVisit, ...]
    halts: tuple[Halt, ...]
    eta_at: float | None
    delay_s: float
    suggested: str | None

    @property
    def detention_s(self) -> float:
        """Waiting beyond the free time, over all stops."""
        return sum(stop.waiting.detention_s for stop in self.stops if stop.waiting is not None)


class TripReads:
    """Reads on any connection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of(self, order: Order, now: float) -> TripRead:
        """The trip of an order; `not_found` while nobody carries it."""
        row = await self._pool.fetchrow(TRIP, order.id)
        if row is None:
            raise Refusal("not_found")
        stops = trip.stops_of(order)
        visits = [visit_of(stop) for stop in await self._pool.fetch(sql.STOPS, [order.id])]
        visits = visits or [Visit() for _ in stops]
        steps = [
            (Status(step["status"]), step["at"].timestamp())
            for step in await self._pool.fetch(sql.STEPS, order.id)
        ]
        whole = trip.reported(stops, visits, steps)
        ahead = {eta[0]: Arrival(*eta) for eta in row["eta"].get("stops", ())}
        end = min(now, seconds(row["ended_at"]) or now)
        return TripRead(
            order.id,
            row["driver_id"],
            row["started_at"].timestamp(),
            seconds(row["ended_at"]),
            seconds(row["closed_at"]),
            row["metres"],
            row["empty_metres"],
            tuple(
                StopVisit(number, stop.kind, visit, trip.waiting(stop, visit, end), ahead.get(number))
                for number, (stop, visit) in enumerate(zip(stops, whole, strict=True))
            ),
            tuple(
                Halt(halt["since"].timestamp(), halt["until"].timestamp(), *lat_lon(halt["point"]))
                for halt in await self._pool.fetch(HALTS, order.id)
            ),
            seconds(row["eta_at"]) if ahead else None,
            row["delay_s"],
            row["suggested"],
        )

    async def track(self, order: int, now: float) -> list[Spot]:
        """The way driven, oldest first: the kept line of a trip that is over, else what was sent so far."""
        row = await self._pool.fetchrow(TRIP, order)
        if row is None:
            raise Refusal("not_found")
        if row["closed_at"] is not None:
            return [
                Spot(each["at"], each["lat"], each["lon"]) for each in await self._pool.fetch(TRACK, order)
            ]
        until = min(now, seconds(row["ended_at"]) or now)
        every = max(1.0, (until - row["started_at"].timestamp()) / SPOTS)
        found = await self._pool.fetch(
            SO_FAR, row["driver_id"], row["started_at"], moment(until), every, SPOTS + 2
        )
        return trail_of(fix_of(each) for each in found).line

    async def dismiss(self, order: int, status: str) -> None:
        """The driver does not want to hear of this step again."""
        await self._pool.execute(DISMISS, order, status)
