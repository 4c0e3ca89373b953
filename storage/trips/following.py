"""Following trips: what a loop reads from the stream of positions, behind the durable lane.

A look takes some trips that are due, their fixes since the last look, and writes what they came to; one that dies
on its way has written nothing, and another worker does it again. Nothing here holds a point up.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import asyncpg

from dispatch import trip
from dispatch.events import Event, Forecast
from dispatch.model import ENDED, Order, Status
from dispatch.trip import Arrival, Visit
from geo.trail import COARSE_M, Halt, Trail
from geo.travel import Travel
from geo.types import Fix, Position, Reason

from ..order_rows import lock_order, moment, note, order_of, seconds
from ..postgres import Connection, Pool, ewkb, lat_lon, transaction
from . import sql

log = logging.getLogger("desk.trips")

BATCH = 50  # trips a look
MOST_FIXES = 500  # of one trip a look: 3 ms of the trail; what is left over is looked at again at once
LOOK_S = 15.0
ETA_S = 60.0
FRESH_S = 600.0  # an arrival is told of a truck that was seen so lately
SETTLE_S = 120.0  # after the end: the phone has sent what it had


class OwnWays(Protocol):
    """Roads without asking anybody else: a vendor would be asked for each truck each minute."""

    def own(self, points: Sequence[Position]) -> Travel:
        """The way through these points."""
        ...


@dataclass(slots=True)
class Followed:
    """One trip during a look."""

    row: asyncpg.Record
    order: Order
    now: datetime
    trail: Trail
    visits: list[Visit]  # as they are now
    visited: tuple[Visit, ...]  # as they were stored
    behind: bool
    followed_to: datetime
    halts: list[Halt] = field(default_factory=list)
    arrivals: list[Arrival] | None = None  # None: as before
    happened: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    more: bool = False

    @property
    def id(self) -> int:
        """The order's."""
        return self.order.id

    @property
    def suggested(self) -> Status | None:
        """The step that the stream says is due, unless the driver has said that it is not."""
        if self.behind:
            return None
        due = trip.suggestion(self.order.status, trip.stops_of(self.order), self.visits)
        return None if due == self.row["dismissed"] else due

    def changed(self) -> Iterator[tuple[int, Visit]]:
        """The stops whose visit is another than what is stored."""
        for number, (before, now) in enumerate(zip(self.visited, self.visits, strict=True)):
            if now != before:
                yield number, now


class TripFollower:
    """A loop's work, safe on any worker."""

    def __init__(self, pool: Pool, ways: OwnWays) -> None:
        self._pool = pool
        self._ways = ways
        self.lag_s = 0.0  # how late the last look was: beyond LOOK_S trips pile up

    async def look(self) -> tuple[int, list[Event]]:
        """Follows the trips that are due: how many, and what is to be told after COMMIT."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(sql.CLAIM, BATCH)
            if not rows:
                self.lag_s = 0.0
                return 0, []
            trips = await self._read(connection, rows)
            self.lag_s = (trips[0].now - min(row["look_at"] for row in rows)).total_seconds()
            for each in trips:
                if not each.behind:
                    self._forecast(each)
                    await asyncio.sleep(0)  # 2 ms each: others have their turn between two of them
            events = await self._write(connection, trips)
        return len(rows), events

    async def _read(self, connection: Connection, rows: Sequence[asyncpg.Record]) -> list[Followed]:
        now: datetime = await connection.fetchval(sql.NOW)
        ids = [row["order_id"] for row in rows]
        orders = {row["id"]: order_of(row) for row in await connection.fetch(sql.ORDERS, ids)}
        await self._make_fences(
            connection, [orders[row["order_id"]] for row in rows if not row["followed_to"]]
        )
        visits: defaultdict[int, list[Visit]] = defaultdict(list)
        for stop in await connection.fetch(sql.STOPS, ids):
            visits[stop["order_id"]].append(visit_of(stop))
        behind = {row["order_id"] for row in await connection.fetch(sql.BEHIND, ids)}
        trips = {
            row["order_id"]: Followed(
                row,
                orders[row["order_id"]],
                now,
                Trail.of(row["trail"]),
                visits[row["order_id"]],
                tuple(visits[row["order_id"]]),
                row["order_id"] in behind,
                row["followed_to"] or row["started_at"],
            )
            for row in rows
        }
        read = [each for each in trips.values() if not each.behind]
        until = [min(now, moment(each.order.ended_at) or now) for each in read]
        fixes: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
        for fix in await connection.fetch(
            sql.FIXES,
            [each.id for each in read],
            [each.row["driver_id"] for each in read],
            [each.followed_to for each in read],
            until,
            trip.RIM,
            MOST_FIXES,
        ):
            fixes[fix["order_id"]].append(fix)
        for each in read:
            observe(each, fixes[each.id])
            await asyncio.sleep(0)
        return list(trips.values())

    async def _make_fences(self, connection: Connection, orders: Sequence[Order]) -> None:
        fences = [
            (order.id, number, *trip.fence_of(stop))
            for order in orders
            for number, stop in enumerate(trip.stops_of(order))
        ]
        if fences:
            await connection.execute(
                sql.ADD_STOPS,
                [order for order, *_ in fences],
                [number for _, number, *_ in fences],
                [at.lat for *_, at, _ in fences],
                [at.lon for *_, at, _ in fences],
                [radius for *_, radius in fences],
            )

    def _forecast(self, each: Followed) -> None:
        """The arrivals, when they are due: what changes more often nobody can read."""
        row, order = each.row, each.order
        if order.status not in trip.UNDER_WAY:
            each.arrivals = []
            return
        seen = each.trail.seen
        stale = seen is None or each.now.timestamp() - seen.at > FRESH_S
        told = row["eta_at"]
        if stale or seen is None or (told is not None and each.now - told < timedelta(seconds=ETA_S)):
            return
        stops = trip.stops_of(order)
        numbers = trip.ahead(order.status, stops, each.visits)
        places = [stops[number].exact or stops[number].place.position for number in numbers]
        if not numbers:
            each.arrivals = []
            return
        way = self._ways.own([Position(seen.lat, seen.lon), *places])
        each.arrivals = trip.arrivals(way, numbers, stops, each.visits, each.now.timestamp())

    async def _write(self, connection: Connection, trips: Sequence[Followed]) -> list[Event]:
        """What the look came to, in a few round trips however many trips there are."""
        halts = [(each.id, *halt_row(halt)) for each in trips for halt in each.halts]
        stops = [(each.id, number, *visit_row(visit)) for each in trips for number, visit in each.changed()]
        fresh = [
            (each.order.driver, each.id, each.suggested.value)
            for each in trips
            if each.suggested is not None and each.suggested != each.row["suggested"]
        ]
        events: list[Event] = []
        if halts:
            await connection.executemany(sql.ADD_HALT, halts)
        if stops:
            await connection.executemany(sql.SAVE_STOP, stops)
        if fresh:
            await connection.executemany(sql.SUGGEST, fresh)
        await connection.executemany(sql.SAVE, [_saved(each, events) for each in trips])
        # Last, because it locks orders: whoever decides on one waits for these lines and for nothing else.
        for each in trips:
            for kind, detail in each.happened:
                events += await self._note(connection, each.id, kind, detail)
        return events

    async def _note(
        self, connection: Connection, number: int, kind: str, detail: dict[str, Any]
    ) -> list[Event]:
        """A line of the order's history, as long as the haul goes on."""
        order = await lock_order(connection, number)
        if order is None or order.status not in trip.FOLLOWED:
            return []
        push = [order.shipper] if kind == "delayed" else []
        _, event = await note(connection, order, kind, actor=None, detail=detail, push=push)
        return [event]


def _saved(each: Followed, events: list[Event]) -> tuple[object, ...]:
    """The trip's row as SAVE takes it; what of it is news joins `events` and what has happened."""
    row, order, now = each.row, each.order, each.now
    delay, told, eta = row["delay_s"], row["told_delay_s"], row["eta"]
    if each.arrivals is not None:
        eta = {"stops": [list(arrival) for arrival in each.arrivals]}
        delay = max((arrival.late_s for arrival in each.arrivals), default=0.0)
        if trip.worth_telling(told, delay):
            told = delay
            worst = max(each.arrivals, key=lambda arrival: arrival.late_s)
            each.happened.append(("delayed", {"stop": worst.stop, "late_s": round(delay)}))
        events.append(Forecast(order.id, order.shipper, order.driver, now.timestamp(), tuple(each.arrivals)))
    ended = None
    if each.more:
        look = now
    elif order.status in ENDED:
        ended = moment(order.ended_at) or now
        look = ended + timedelta(seconds=SETTLE_S)
    else:
        look = now + timedelta(seconds=LOOK_S)
    return (
        each.id,
        each.followed_to,
        each.trail.metres,
        each.trail.state(),
        eta,
        row["eta_at"] if each.arrivals is None else now,
        round(delay),
        round(told),
        each.suggested,
        now if each.behind else row["started_at"],
        ended,
        look,
    )


def observe(each: Followed, fixes: Sequence[asyncpg.Record]) -> None:
    """Takes the fixes of one trip."""
    each.more = len(fixes) == MOST_FIXES
    for row in fixes:
        each.followed_to = row["recorded_at"]
        fix = fix_of(row)
        each.trail.observe(fix)
        if strays(row):
            continue
        for number, before in enumerate(each.visits):
            after = before.observe(fix.at, inside=number in row["inside"], beyond=number not in row["near"])
            if after.arrived_at != before.arrived_at:
                each.happened.append(("arrived", {"stop": number, "at": after.arrived_at}))
            if after.left_at != before.left_at:
                each.happened.append(("left", {"stop": number, "at": after.left_at}))
            each.visits[number] = after
    each.halts = each.trail.take_halts()


def fix_of(row: asyncpg.Record) -> Fix:
    """A stored fix, as far as a trip is concerned."""
    return Fix(row["recorded_at"].timestamp(), *lat_lon(row["point"]), accuracy=row["accuracy"])


def strays(row: asyncpg.Record) -> bool:
    """Whether a fix says nothing of being inside a fence: it jumped, or is too coarse."""
    coarse = row["accuracy"] is not None and row["accuracy"] > COARSE_M
    return coarse or bool(row["flag"] == Reason.JUMP)


def visit_of(row: asyncpg.Record) -> Visit:
    """A visit from `trip_stops.*`."""
    return Visit(*(seconds(row[name]) for name in ("arrived_at", "left_at", "inside_since", "outside_since")))


def visit_row(visit: Visit) -> tuple[datetime | None, ...]:
    """The inverse of `visit_of`, as SAVE_STOP takes it."""
    return tuple(map(moment, (visit.arrived_at, visit.left_at, visit.inside_since, visit.outside_since)))


def halt_row(halt: Halt) -> tuple[object, ...]:
    """A halt as ADD_HALT takes it."""
    return moment(halt.since), moment(halt.until), ewkb(halt.lat, halt.lon)
