"""The durable lane of GPS points: bounded buffer, group commit, and only then the acknowledgement.

A point is identified by (stream, seq). Sequence numbers of a stream come without holes, so one number a
stream, its high-water mark, says what is stored; it moves in the transaction that stores the points. A batch
that is sent again after an unknown outcome (connection lost in COMMIT) is filtered by that mark.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from geo.tracker import Tracker
from geo.types import Fix, Reason

from .postgres import Connection, Pool, Unreachable, ewkb, prepare_connection

log = logging.getLogger("desk.positions")

# Hits uq_streams_device_id_stream. The no-op update makes RETURNING give the row that is there already.
OPEN_STREAM = """
INSERT INTO streams (device_id, stream) VALUES ($1, $2)
ON CONFLICT (device_id, stream) DO UPDATE SET stream = excluded.stream
RETURNING id, upto
"""
# One statement, one round trip, its own transaction: lock the marks, store what lies above them, move them.
# The marks are locked in id order, so that two writers that share streams (a phone that moved to another worker)
# cannot deadlock; FOR UPDATE gives the mark as the previous writer committed it. The UPDATE reads `marks`, which
# makes the lock come first: without that PostgreSQL may move the marks before it stores, and store nothing.
STORE = """
WITH marks AS MATERIALIZED (
    SELECT id, upto FROM streams WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE
), stored AS (
    INSERT INTO positions (device_id, recorded_at, stream_id, seq, driver_id, received_at, point, cell,
                           speed, heading, accuracy, flag)
    SELECT p.device_id, to_timestamp(p.recorded_at), p.stream_id, p.seq, p.driver_id,
           to_timestamp(p.received_at), p.point, p.cell, p.speed, p.heading, p.accuracy, p.flag
    FROM unnest($3::int8[], $4::float8[], $5::int4[], $6::int4[], $7::int8[], $8::float8[], $9::geometry[],
                $10::int8[], $11::float4[], $12::float4[], $13::float4[], $14::int2[])
        AS p(device_id, recorded_at, stream_id, seq, driver_id, received_at, point, cell,
             speed, heading, accuracy, flag)
    JOIN marks m ON m.id = p.stream_id
    WHERE p.seq > m.upto
    ON CONFLICT DO NOTHING
)
UPDATE streams s SET upto = n.upto
FROM marks m JOIN unnest($1::int[], $2::int[]) AS n(id, upto) ON n.id = m.id
WHERE s.id = m.id AND m.upto < n.upto
"""
LOCK_MARKS = "SELECT id FROM streams WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE"
STORE_POISON = """
INSERT INTO poison_points (stream_id, seq, device_id, recorded_at, received_at, lat, lon, flag)
SELECT p.stream_id, p.seq, p.device_id, p.recorded_at, to_timestamp(p.received_at), p.lat, p.lon, p.flag
FROM unnest($1::int[], $2::int[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
            $8::smallint[]) AS p(stream_id, seq, device_id, recorded_at, received_at, lat, lon, flag)
JOIN streams s ON s.id = p.stream_id
WHERE p.seq > s.upto
ON CONFLICT DO NOTHING
"""
NO_ROWS: list[list[object]] = [[] for _ in range(12)]

# One point as the arrays of STORE want it, in their order.
Row = tuple[
    int, float, int, int, int, float, bytes, int, float | None, float | None, float | None, int
]  # fmt: skip


class Owner(Protocol):
    """Who holds a stream."""

    def acknowledge(self, mark: "Mark", rejected: list[tuple[int, Reason]]) -> None:
        """Called after COMMIT; everything up to `mark.committed` is final, `rejected` will never be stored."""
        ...


@dataclass(eq=False, slots=True)
class Mark:
    """One stream of one device in this process: how far it was received and how far it is committed."""

    id: int
    device: int
    driver: int
    stream: str
    received: int
    committed: int
    tracker: Tracker = field(default_factory=Tracker)
    owner: "Owner | None" = None  # the session that is told; a newer one of the same phone takes it over
    pending: int = 0  # batches not yet committed that name this mark


class _Batch:
    """Rows and marks of one group commit."""

    __slots__ = ("first_at", "marks", "poison", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.poison: list[tuple[Mark, int, Fix, Reason, float]] = []
        self.marks: dict[Mark, int] = {}
        self.first_at = 0.0

    def __len__(self) -> int:
        return len(self.rows) + len(self.poison)


@dataclass(slots=True)
class LogCounts:
    """What the metrics page shows of the durable lane."""

    committed: int = 0
    poison: int = 0
    batches: int = 0
    retries: int = 0
    lag_s: float = 0.0  # receipt of the oldest point of the last batch to its COMMIT


class PositionLog:
    """Takes points synchronously, stores them in groups, tells each stream when its points are committed."""

    WINDOW_S = 0.015  # with the commit itself this stays below the 20 ms of the design
    BATCH = 500  # points that end the window early
    CAPACITY = 50_000  # points in memory, 18 MB; beyond it points are refused and the phones keep them
    CREDIT = 2_000  # points a stream may have in flight while there is room

    def __init__(self, dsn: str, pool: Pool, *, observe_lag: Callable[[float], None] | None = None) -> None:
        self._dsn = dsn
        self._pool = pool
        self._batch = _Batch()
        self._taken_batch: _Batch | None = None  # on its way to the disk
        self._size = 0  # points in memory, of all batches
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._connection: Connection | None = None
        self._marks: dict[tuple[int, str], Mark] = {}
        self._observe_lag = observe_lag
        self.counts = LogCounts()

    @property
    def depth(self) -> int:
        """Points in memory that are not committed."""
        return self._size

    def credit(self) -> int:
        """How many points a stream may have in flight now: CREDIT up to half full, then less, then 0."""
        room = 1.0 - self._size / self.CAPACITY
        return self.CREDIT if room >= 0.5 else int(self.CREDIT * max(room - 0.1, 0.0) / 0.4)

    async def open(self, device: int, driver: int, stream: str) -> Mark:
        """The mark of a stream, made if it is new. Raises what `Unreachable` lists.

        A phone that reconnects before its last points are committed gets the mark that this process already
        has: the points that it sends again are known as received and are not taken twice.
        """
        mark = self._marks.get((device, stream))
        if mark is None:
            row = await self._pool.fetchrow(OPEN_STREAM, device, stream)
            assert row is not None
            # Another session of the phone may have been faster while we waited.
            mark = self._marks.get((device, stream)) or Mark(
                row["id"], device, driver, stream, received=row["upto"], committed=row["upto"]
            )
            self._marks[device, stream] = mark
        return mark

    def close(self, mark: Mark, owner: Owner) -> None:
        """Forgets the stream of a session that ends, unless points are on their way or another holds it now."""
        if mark.owner is not owner:
            return
        mark.owner = None
        if not mark.pending:
            self._marks.pop((mark.device, mark.stream), None)

    def add(self, mark: Mark, seq: int, fix: Fix, cell: int, flag: int, now: float) -> bool:
        """Takes a point (its seq is `mark.received + 1`); False when the buffer is full. 0.6 us."""
        if self._size >= self.CAPACITY:
            return False
        # fmt: off
        self._batch.rows.append((
            mark.device, fix.at, mark.id, seq, mark.driver, now, ewkb(fix.lat, fix.lon), cell,
            fix.speed, fix.heading, fix.accuracy, flag,
        ))
        # fmt: on
        self._taken(mark, seq, now)
        return True

    def add_poison(self, mark: Mark, seq: int, fix: Fix, reason: Reason, now: float) -> bool:
        """Takes a point that is acknowledged with a reason and stored apart."""
        if self._size >= self.CAPACITY:
            return False
        self._batch.poison.append((mark, seq, fix, reason, now))
        self._taken(mark, seq, now)
        return True

    def skip(self, mark: Mark, upto: int, now: float) -> None:
        """The phone has thrown points away: the mark passes them. Takes no room, so it is never refused."""
        if upto > mark.received:
            self._size -= 1  # `_taken` counts one
            self._taken(mark, upto, now)
            self._arrived.set()

    def _taken(self, mark: Mark, seq: int, now: float) -> None:
        batch = self._batch
        if mark not in batch.marks:
            mark.pending += 1
            if not batch.marks:
                batch.first_at = now
                self._arrived.set()
        batch.marks[mark] = seq
        mark.received = seq
        self._size += 1
        if len(batch.rows) >= self.BATCH:
            self._full.set()

    async def run(self) -> None:
        """The commit loop, for the life of the process; on cancellation it commits what is left."""
        try:
            while True:
                await self._arrived.wait()
                if not self._full.is_set():
                    await self._wait_for_window()
                self._taken_batch = self._take()
                await self._commit(self._taken_batch)
                self._taken_batch = None
        finally:
            await self._flush()

    async def _wait_for_window(self) -> None:
        try:
            async with asyncio.timeout(self.WINDOW_S):
                await self._full.wait()
        except TimeoutError:
            pass

    def _take(self) -> _Batch:
        batch, self._batch = self._batch, _Batch()
        self._arrived.clear()
        self._full.clear()
        return batch

    async def _flush(self, limit_s: float = 5.0) -> None:
        """Last commit of a process that ends; what cannot be stored now was never acknowledged."""
        try:
            async with asyncio.timeout(limit_s):
                if self._taken_batch is not None:  # cancelled in its commit: once more, the marks filter it
                    await self._commit(self._taken_batch)
                if self._batch.marks:
                    await self._commit(self._take())
        except TimeoutError:
            log.error("positions.unflushed", extra={"points": self._size})
        finally:
            await self._disconnect()

    async def _commit(self, batch: _Batch) -> None:
        """Stores one batch, however long PostgreSQL is away; then tells its streams."""
        delay = 0.1
        while True:
            try:
                await self._store(batch)
                break
            except Unreachable as error:
                # The outcome may be unknown; the same batch again is safe, the marks filter it.
                self.counts.retries += 1
                log.warning("positions.retry", extra={"points": len(batch), "error": repr(error)})
                await self._disconnect()
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))
                delay = min(delay * 2, 2.0)
        self._committed(batch)

    def _committed(self, batch: _Batch) -> None:
        self._size -= len(batch)
        counts = self.counts
        counts.batches += 1
        counts.committed += len(batch.rows)
        counts.poison += len(batch.poison)
        counts.lag_s = time.time() - batch.first_at
        if self._observe_lag is not None:
            self._observe_lag(counts.lag_s)
        rejected: dict[Mark, list[tuple[int, Reason]]] = {}
        for mark, seq, _, reason, _ in batch.poison:
            rejected.setdefault(mark, []).append((seq, reason))
        for mark, upto in batch.marks.items():
            mark.committed = upto
            mark.pending -= 1
            if mark.owner is not None:
                mark.owner.acknowledge(mark, rejected.get(mark, []))
            elif not mark.pending:
                self._marks.pop((mark.device, mark.stream), None)

    async def _store(self, batch: _Batch) -> None:
        connection = await self._connected()
        marks = [mark.id for mark in batch.marks], list(batch.marks.values())
        rows = list(map(list, zip(*batch.rows, strict=True))) if batch.rows else NO_ROWS
        if not batch.poison:
            await connection.execute(STORE, *marks, *rows)
            return
        async with connection.transaction():
            await connection.execute(LOCK_MARKS, marks[0])
            await connection.execute(STORE_POISON, *_columns(batch.poison))
            await connection.execute(STORE, *marks, *rows)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            connection = await asyncpg.connect(
                self._dsn,
                timeout=5,
                command_timeout=30,
                server_settings={
                    "application_name": "tracking-desk positions",
                    "synchronous_commit": "on",
                    "jit": "off",
                },
            )
            await prepare_connection(connection)
            self._connection = connection
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
            await asyncio.sleep(0)  # its transport closes in the next turn of the loop, which may be the last


def _columns(poison: list[tuple[Mark, int, Fix, Reason, float]]) -> list[list[object]]:
    return [
        [mark.id for mark, *_ in poison],
        [seq for _, seq, *_ in poison],
        [mark.device for mark, *_ in poison],
        [fix.at for _, _, fix, *_ in poison],
        [now for *_, now in poison],
        [fix.lat for _, _, fix, *_ in poison],
        [fix.lon for _, _, fix, *_ in poison],
        [int(reason) for _, _, _, reason, _ in poison],
    ]
