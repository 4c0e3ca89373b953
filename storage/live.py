"""The live lane: where every truck is now. An H3 index a worker, a copy in Redis, last resort PostgreSQL.

Points only touch a dict here; once a tick the newest position of each driver goes into the cell index, to the
watchers and, as one blob a region, to the other workers. Nothing here is ever the reason for an ack.
"""

import logging
import struct
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from heapq import nsmallest

from redis.asyncio import Redis

from geo.cells import INDEX_RES, MAP_RES, REGION_RES, cell_of, parent
from geo.distance import haversine_m
from geo.index import CellIndex
from geo.types import Fix

from .postgres import Pool, ewkb, lat_lon
from .redis import Keys

log = logging.getLogger("desk.live")

ON_DUTY = 1  # wants loads
BUSY = 2  # has an assigned load

MATCH_AGE_S = 300.0  # older positions are not searched for offers
LATE_S = 10.0  # nothing is on its way for so long
KEEP_AGE_S = 24 * 3600.0  # a truck that was silent longer leaves the map

# driver, fix time ms, receipt time ms, lat and lon 1e-7 degrees, speed cm/s, heading 0.01 degrees, flags
_PACKED = struct.Struct("<qqqiiHHB")
_UNKNOWN = 0xFFFF

# Upsert of conflated state every few seconds, HOT: no index on what changes. An older fix never wins.
SAVE_LAST = """
INSERT INTO last_positions AS last (driver_id, recorded_at, point, cell, speed, heading)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::geometry[], $4::bigint[], $5::real[], $6::real[])
ON CONFLICT (driver_id) DO UPDATE SET recorded_at = excluded.recorded_at, point = excluded.point,
    cell = excluded.cell, speed = excluded.speed, heading = excluded.heading
WHERE excluded.recorded_at > last.recorded_at
"""
# Whole table on purpose: one row a driver, read once when a worker starts without a usable Redis copy.
LOAD_LAST = """
SELECT l.driver_id, extract(epoch FROM l.recorded_at)::float8 AS at, l.point, l.cell, l.speed, l.heading,
       COALESCE(s.on_duty, true) AS on_duty,
       EXISTS (SELECT 1 FROM assignments a WHERE a.driver_id = l.driver_id AND a.ended_at IS NULL) AS busy
FROM last_positions l LEFT JOIN driver_states s ON s.driver_id = l.driver_id
WHERE l.recorded_at > now() - interval '1 day'
    AND NOT EXISTS (SELECT FROM users u WHERE u.id = l.driver_id AND (u.blocked OR u.role <> 'driver'))
"""


class Live:
    """Newest known position of one driver. `at` is the fix time, `seen` that of its receipt (epoch s)."""

    __slots__ = (
        "at", "cell", "copied_region", "driver", "flags", "heading",
        "lat", "lon", "map_cell", "seen", "speed",
    )  # fmt: skip

    def __init__(self, driver: int) -> None:
        self.driver = driver
        self.at = 0.0
        self.seen = 0.0
        self.lat = self.lon = 0.0
        self.speed: float | None = None
        self.heading: float | None = None
        self.flags = 0
        self.cell = 0
        self.map_cell = 0  # the cell whose watchers saw it last; 0: none yet
        self.copied_region = 0  # the region hash that holds it; 0: none

    @property
    def region(self) -> int:
        """The H3 cell whose blob and hash carry this driver."""
        return parent(self.cell, REGION_RES)

    @property
    def busy(self) -> bool:
        """Whether the driver has an assigned load."""
        return bool(self.flags & BUSY)

    def pack(self) -> bytes:
        """37 bytes for the bus and the Redis copy."""
        speed, heading = self.speed, self.heading
        return _PACKED.pack(
            self.driver,
            int(self.at * 1000),
            int(self.seen * 1000),
            round(self.lat * 1e7),
            round(self.lon * 1e7),
            _UNKNOWN if speed is None else min(round(speed * 100), 65_000),
            _UNKNOWN if heading is None else round(heading * 100) % 36_000,
            self.flags,
        )


class LiveIndex:
    """All drivers of all workers, newest position each."""

    def __init__(self) -> None:
        self._entries: dict[int, Live] = {}
        self._cells = CellIndex()
        self._own: dict[int, Live] = {}  # changed here since the last tick
        self._other: dict[int, Live] = {}  # changed elsewhere since the last tick
        self._uncopied: dict[int, Live] = {}  # changed here since the last copy to Redis
        self._unsaved: dict[int, Live] = {}  # changed here since the last upsert to PostgreSQL
        self._flags: dict[int, int] = {}  # of the drivers connected here
        self._shut_out: dict[
            int, float
        ] = {}  # dropped drivers, until when what comes late of them is ignored
        self.hidden: set[int] = set()  # drivers who ask not to be found between hauls
        self._left: defaultdict[int, set[int]] = defaultdict(set)  # by region, to be taken out of the copy

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, driver: int) -> Live | None:
        """Where a driver is, None when nothing is known."""
        return self._entries.get(driver)

    def all(self) -> Iterable[Live]:
        """Every driver, in no order. Do not await while iterating."""
        return self._entries.values()

    # -- from our own sockets -------------------------------------------------------------------------------

    def put(self, driver: int, fix: Fix, cell: int, now: float) -> bool:
        """The newest fix of a driver connected here; False and no effect when a newer one is known."""
        if self._shut_out and self._ignored(driver, now):
            return False
        entry = self._entries.get(driver)
        if entry is None:
            entry = self._entries[driver] = Live(driver)
            entry.flags = self._flags.get(driver, 0)
            # A snapshot may show it before the first tick: those watchers are to see it leave, too.
            entry.map_cell = parent(cell, MAP_RES)
        elif fix.at <= entry.at:
            return False
        entry.at = fix.at
        entry.seen = now
        entry.lat = fix.lat
        entry.lon = fix.lon
        entry.speed = fix.speed
        entry.heading = fix.heading
        entry.cell = cell
        self._own[driver] = entry
        return True

    def busy(self, driver: int) -> bool:
        """Whether this driver has an assigned load, as far as this worker knows."""
        entry = self._entries.get(driver)
        flags = self._flags.get(driver, 0) if entry is None else entry.flags
        return bool(flags & BUSY)

    def set_flags(self, driver: int, *, on_duty: bool | None = None, busy: bool | None = None) -> None:
        """What the driver may be searched by; kept for a driver whose first position is still to come."""
        flags = self._flags.get(driver, 0)
        if driver in self._entries:
            flags = self._entries[driver].flags
        if on_duty is not None:
            flags = flags | ON_DUTY if on_duty else flags & ~ON_DUTY
        if busy is not None:
            flags = flags | BUSY if busy else flags & ~BUSY
        self._flags[driver] = flags
        entry = self._entries.get(driver)
        if entry is not None and entry.flags != flags:
            entry.flags = flags
            self._own[driver] = entry

    def forget_flags(self, driver: int) -> None:
        """The driver's last socket here is gone; the entry keeps its flags."""
        self._flags.pop(driver, None)

    # -- from other workers, the copy and the table ---------------------------------------------------------

    def merge(self, blob: bytes) -> int:
        """Packed entries of another worker or of the copy; returns how many were news."""
        news = 0
        for driver, at_ms, seen_ms, lat, lon, speed, heading, flags in _PACKED.iter_unpack(blob):
            if self._shut_out and self._ignored(driver, time.time()):
                continue
            entry = self._entries.get(driver)
            at = at_ms / 1000
            if entry is None:
                entry = self._entries[driver] = Live(driver)
            # The wire rounds to milliseconds: an equal time is news only when the flags are.
            elif at < entry.at - 0.001 or (at <= entry.at and flags == entry.flags):
                continue
            entry.at = at
            entry.seen = seen_ms / 1000
            entry.lat = lat / 1e7
            entry.lon = lon / 1e7
            entry.speed = None if speed == _UNKNOWN else speed / 100
            entry.heading = None if heading == _UNKNOWN else heading / 100
            entry.flags = flags
            entry.cell = cell_of(entry.lat, entry.lon, INDEX_RES)
            self._other[driver] = entry
            news += 1
        return news

    # -- once a tick ----------------------------------------------------------------------------------------

    def take_own(self, now: float) -> list[Live]:
        """What our own sockets changed since the last call; from now on it is searchable."""
        own, self._own = self._own, {}
        self._uncopied.update(own)
        self._unsaved.update(own)
        return self._index(own, now)

    def take_other(self, now: float) -> list[Live]:
        """The same for what other workers sent."""
        other, self._other = self._other, {}
        return self._index(other, now)

    def _index(self, changed: dict[int, Live], now: float) -> list[Live]:
        entries = list(changed.values())
        put = self._cells.put
        oldest = now - MATCH_AGE_S
        for entry in entries:
            if entry.at >= oldest and entry.driver not in self.hidden:
                put(entry.driver, entry.lat, entry.lon, entry.flags, entry.cell)
        return entries

    @staticmethod
    def blobs(entries: Iterable[Live]) -> dict[int, bytes]:
        """Packed entries by region, for the bus."""
        regions: defaultdict[int, list[bytes]] = defaultdict(list)
        for entry in entries:
            regions[entry.region].append(entry.pack())
        return {region: b"".join(packed) for region, packed in regions.items()}

    def near(self, lat: float, lon: float, count: int, radius_m: float) -> list[tuple[int, float, float]]:
        """The nearest drivers on duty and free: (driver, metres, age of the fix in s), nearest first."""
        now = time.time()
        found = self._cells.near(lat, lon, count, radius_m, flags_all=ON_DUTY, flags_none=BUSY)
        return [(driver, metres, now - self._entries[driver].at) for driver, metres in found]

    def nearest_of(
        self, drivers: Iterable[int], lat: float, lon: float, count: int
    ) -> list[tuple[int, float, float]]:
        """Of these drivers, those on duty, free and heard of lately, as `near` tells them."""
        now = time.time()
        found = []
        for driver in drivers:
            entry = self._entries.get(driver)
            if (
                entry is not None
                and entry.flags & (ON_DUTY | BUSY) == ON_DUTY
                and driver not in self.hidden
                and now - entry.at <= MATCH_AGE_S
            ):
                found.append((haversine_m(lat, lon, entry.lat, entry.lon), driver, now - entry.at))
        return [(driver, metres, age_s) for metres, driver, age_s in nsmallest(count, found)]

    def density(self, cells: frozenset[int], res: int) -> dict[int, int]:
        """How many free trucks on duty each of these cells holds; says nothing of which."""
        counts: defaultdict[int, int] = defaultdict(int)
        for entry in self._entries.values():
            if entry.flags & (ON_DUTY | BUSY) == ON_DUTY and entry.driver not in self.hidden:
                cell = parent(entry.cell, res)
                if cell in cells:
                    counts[cell] += 1
        return dict(counts)

    def inside(self, map_cells: frozenset[int] | None) -> list[Live]:
        """Every truck in these map cells (geo.cells.MAP_RES), None for all: the snapshot of an area."""
        if map_cells is None:
            return list(self._entries.values())
        return [entry for entry in self._entries.values() if parent(entry.cell, MAP_RES) in map_cells]

    def hide(self, driver: int) -> None:
        """The driver is not found for loads and not counted on maps; operators and watchers see him as ever."""
        self.hidden.add(driver)
        self._cells.remove(driver)

    def unhide(self, driver: int, now: float) -> None:
        """He may be found again."""
        if driver not in self.hidden:
            return
        self.hidden.remove(driver)
        entry = self._entries.get(driver)
        if entry is not None and entry.at >= now - MATCH_AGE_S:
            self._cells.put(driver, entry.lat, entry.lon, entry.flags, entry.cell)

    def retire(self, now: float) -> list[Live]:
        """Takes old positions out of the search and silent trucks off the map; returns the latter."""
        gone = []
        for entry in list(self._entries.values()):
            if entry.at < now - MATCH_AGE_S:
                self._cells.remove(entry.driver)
            if entry.seen < now - KEEP_AGE_S:
                del self._entries[entry.driver]
                gone.append(entry)
        return gone

    def drop(self, driver: int, now: float) -> Live | None:
        """Takes a driver who was shut out off the map; None when he is not on it. What is still on its way of him,
        from a closing socket or another worker, is ignored for a while."""
        self._shut_out[driver] = now + LATE_S
        for waiting in (self._own, self._other, self._uncopied, self._unsaved):
            waiting.pop(driver, None)
        self._flags.pop(driver, None)
        self._cells.remove(driver)
        entry = self._entries.pop(driver, None)
        if entry is not None:
            self._left[entry.region].add(driver)
            if entry.copied_region:
                self._left[entry.copied_region].add(driver)
        return entry

    def _ignored(self, driver: int, now: float) -> bool:
        until = self._shut_out.get(driver)
        if until is not None and until <= now:
            del self._shut_out[driver]
            return False
        return until is not None

    # -- the Redis copy -------------------------------------------------------------------------------------

    async def copy(self, redis: Redis, keys: Keys) -> int:
        """Writes what changed here to the region hashes, variadic. Raises redis.Unreachable."""
        await self._uncopy(redis, keys)
        changed, self._uncopied = self._uncopied, {}
        if self._shut_out:
            changed = {who: entry for who, entry in changed.items() if self._entries.get(who) is entry}
        if not changed:
            return 0
        fields: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        left: defaultdict[int, list[bytes]] = defaultdict(list)
        for entry in changed.values():
            key = str(entry.driver).encode()
            region = entry.region
            fields[region][key] = entry.pack()
            if entry.copied_region not in (0, region):
                left[entry.copied_region].append(key)
        try:
            pipeline = redis.pipeline(transaction=False)
            for region, mapping in fields.items():
                pipeline.hset(keys.region(region), mapping=mapping)  # type: ignore[arg-type]
                pipeline.expire(keys.region(region), int(KEEP_AGE_S))
            for region, drivers in left.items():
                pipeline.hdel(keys.region(region), *drivers)
            pipeline.sadd(keys.regions, *fields)
            await pipeline.execute()
        except BaseException:
            self._uncopied = {**changed, **self._uncopied}
            raise
        for entry in changed.values():
            entry.copied_region = entry.region
        return len(changed)

    async def _uncopy(self, redis: Redis, keys: Keys) -> None:
        while self._left:
            region, drivers = next(iter(self._left.items()))
            await redis.hdel(keys.region(region), *(str(driver).encode() for driver in drivers))
            del self._left[region]

    def copy_again(self) -> None:
        """Redis came back empty: everything that this worker heard itself goes out once more."""
        for driver in self._flags:
            if driver in self._entries:
                self._uncopied[driver] = self._entries[driver]

    async def warm(self, redis: Redis, keys: Keys) -> int:
        """Reads the copy of all regions; returns how many drivers were news. Raises redis.Unreachable."""
        regions = [int(region) for region in await redis.smembers(keys.regions)]
        news = 0
        for region in regions:
            packed: list[bytes] = await redis.hvals(keys.region(region))  # type: ignore[assignment]
            news += self.merge(b"".join(packed))
        return news

    # -- the last word in PostgreSQL ------------------------------------------------------------------------

    async def save_last(self, pool: Pool) -> int:
        """Upserts the newest position of each driver heard here. Raises postgres.Unreachable."""
        changed, self._unsaved = self._unsaved, {}
        if not changed:
            return 0
        # In driver order, so that two workers that share drivers cannot deadlock.
        entries = sorted(changed.values(), key=lambda entry: entry.driver)
        try:
            await pool.execute(
                SAVE_LAST,
                [entry.driver for entry in entries],
                [datetime.fromtimestamp(entry.at, UTC) for entry in entries],
                [ewkb(entry.lat, entry.lon) for entry in entries],
                [entry.cell for entry in entries],
                [entry.speed for entry in entries],
                [entry.heading for entry in entries],
            )
        except BaseException:
            self._unsaved = {**changed, **self._unsaved}
            raise
        return len(entries)

    async def load_last(self, pool: Pool, now: float) -> int:
        """Reads the last day's positions; what is already known and newer stays."""
        rows = await pool.fetch(LOAD_LAST)
        for row in rows:
            entry = self._entries.get(row["driver_id"])
            if entry is not None and entry.at >= row["at"]:
                continue
            entry = self._entries.setdefault(row["driver_id"], Live(row["driver_id"]))
            entry.at = entry.seen = row["at"]
            entry.lat, entry.lon = lat_lon(row["point"])
            entry.speed, entry.heading, entry.cell = row["speed"], row["heading"], row["cell"]
            entry.flags = (ON_DUTY if row["on_duty"] else 0) | (BUSY if row["busy"] else 0)
            self._other[entry.driver] = entry
        return len(rows)
