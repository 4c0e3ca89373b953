"""The board as drivers search it: pages in five orders, counts, cards. Reads only.

Searches have a pool of their own: its sessions plan each statement for its values, never in parallel, and are
cut off after a second or two; its few connections and a bounded queue before them keep heavy searches from
slowing down everything else (control C53). Who looks and the cards of a page go by primary keys through the
ordinary pool, whose plans are kept: 0.2 and 0.1 ms instead of 0.6 and 0.2. `storage.board.sql` says how a page
is found.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from dispatch.board import BoardLoad, BoardSearch, Card, Sort, Viewer, card, profit_terms
from dispatch.errors import Refusal
from geo.types import Position

from ..postgres import Connection, Pool, connect_pool
from . import cards, clusters, facets, sorts, sql
from .asked import Total, asked, estimate, sample_percent
from .clusters import Clusters
from .facets import Facets
from .filters import Values, values_of
from .sql import COUNT_TO, FRESH_AMONG, FRESH_TO

SETTINGS = {
    "plan_cache_mode": "force_custom_plan",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",  # the board lies in memory
    "work_mem": "16MB",
}
TIMEOUT_S = 2.0
CONNECTIONS = 4
WAITING = 100  # searches before a worker's connections; who comes then is told to come again
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class After:
    """Behind which load a page begins: its sort key and id, and where its distances were measured from."""

    key: float
    order: int
    origin: Position | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Cards in order; `next` is None on the last page."""

    cards: list[Card]
    next: After | None


async def connect_board_pool(dsn: str, *, name: str) -> Pool:
    """The pool that a BoardStore wants."""
    return await connect_pool(
        dsn, name=name, size=CONNECTIONS, statement_timeout_s=TIMEOUT_S, settings=SETTINGS
    )


class BoardStore:
    """Finds loads for drivers."""

    def __init__(self, pool: Pool, board_pool: Pool | None = None) -> None:
        """`board_pool`: one for searches (connect_board_pool)."""
        self._pool, self._board = pool, board_pool or pool
        self._waiting = 0

    async def viewer(self, driver: int, vehicle: int | None = None) -> Viewer:
        """The driver with his active truck, or another one of his; `subscription_expired` without a paid one."""
        async with self._pool.acquire() as connection:
            return await viewer(connection, driver, vehicle)

    async def page(
        self, viewer: Viewer, search: BoardSearch, sort: Sort, limit: int, after: After | None = None
    ) -> Page:
        """The next `limit` loads in this order."""
        origin = _origin(viewer, search, after)
        if origin is None and sort is Sort.NEAREST:
            raise Refusal("origin_unknown")
        async with self._search() as connection:
            found = await _keys(connection, viewer, search, sort, limit + 1, after, origin)
        cards = await self._cards(viewer, search, [order for order, _ in found[:limit]])
        more = found[limit - 1] if len(found) > limit else None
        return Page(cards, None if more is None else After(more[1], more[0], _kept(sort, origin)))

    async def count(self, viewer: Viewer, search: BoardSearch) -> Total:
        """How many suit."""
        async with self._search() as connection:
            return await count(connection, viewer, search)

    async def fresh(self, viewer: Viewer, search: BoardSearch, since: float) -> Total:
        """How many of the loads that came since suit, among the newest FRESH_AMONG of them and up to FRESH_TO."""
        more: Values = {"since": datetime.fromtimestamp(since, UTC)}
        ask = asked(viewer.driver, search, more, by_lists=False)
        async with self._search() as connection:
            row = await connection.fetchrow(sql.fresh(ask.shape), *ask.arguments())
        return Total(row["suit"], row["suit"] < FRESH_TO and row["came"] < FRESH_AMONG)

    async def facets(self, viewer: Viewer, search: BoardSearch) -> Facets:
        """How what suits divides."""
        async with self._search() as connection:
            return await facets.facets(connection, viewer, search, _origin(viewer, search, None))

    async def clusters(self, viewer: Viewer, search: BoardSearch, zoom: int) -> tuple[Clusters, list[Card]]:
        """The window `search.box` of the map, with the cards of its loads where they are few."""
        async with self._search() as connection:
            found = await clusters.clusters(connection, viewer, search, zoom)
        return found, await self._cards(viewer, search, found.orders)

    async def one(self, driver: int, order: int) -> BoardLoad:
        """A load that this driver may see on the board or was alerted to; `not_found` otherwise."""
        row = await self._pool.fetchrow(cards.ONE, order, driver)
        if row is None:
            raise Refusal("not_found")
        return cards.load(row)

    @asynccontextmanager
    async def _search(self) -> AsyncIterator[Connection]:
        """A connection to search on. What takes longer than TIMEOUT_S is refused, with advice."""
        if self._waiting >= WAITING:
            raise Refusal("rate_limited")
        self._waiting += 1
        try:
            async with self._board.acquire() as connection:
                yield connection
        except asyncpg.QueryCanceledError:
            raise Refusal("search_too_heavy") from None
        finally:
            self._waiting -= 1

    async def _cards(self, viewer: Viewer, search: BoardSearch, orders: Sequence[int]) -> list[Card]:
        if not orders:
            return []
        loads = await cards.loads(self._pool, orders)
        detours: dict[int, float] = {}
        if search.corridor is not None:
            values = values_of(search)
            line = [values[name] for name in ("line", "line_lat", "line_lon", "line_reach_m")]
            rows = await self._pool.fetch(cards.DETOURS, orders, *line)
            detours = {row["order_id"]: row["detour"] for row in rows}
        return [card(load, viewer, search, detours.get(load.order)) for load in loads]


async def viewer(connection: Connection, driver: int, vehicle: int | None) -> Viewer:
    """As BoardStore.viewer."""
    row = await connection.fetchrow(cards.VIEWER, driver)
    if row is None:
        raise Refusal("not_found")
    if not row["subscribed"]:
        raise Refusal("subscription_expired")
    truck = cards.vehicle_of(row)
    if vehicle is not None and (truck is None or truck.id != vehicle):
        truck = cards.vehicle_of(await connection.fetchrow(cards.TRUCK, vehicle, driver))
        if truck is None:
            raise Refusal("not_found")
    return Viewer(driver, truck, cards.place_of(row["point"]))


async def newest(connection: Connection, viewer: Viewer, search: BoardSearch, limit: int) -> list[int]:
    """The orders of the newest loads that suit."""
    return [order for order, _ in await _keys(connection, viewer, search, Sort.NEWEST, limit, None, None)]


async def count(connection: Connection, viewer: Viewer, search: BoardSearch) -> Total:
    """As BoardStore.count."""
    ask = asked(viewer.driver, search)
    exact: int = await connection.fetchval(sql.count(ask.shape), *ask.arguments())
    if exact <= COUNT_TO:
        return Total(exact, True)
    percent = await sample_percent(connection)
    ask = asked(viewer.driver, search, {"percent": percent}, by_lists=False)
    statement = f"SELECT count(*) FROM {sql.sampled(ask.shape, '')}"
    found: int = await connection.fetchval(statement, *ask.arguments())
    if percent >= 100:
        return Total(found, True)
    return Total(max(COUNT_TO + 1, estimate(found * 100 / percent)), False)


async def _keys(
    connection: Connection,
    viewer: Viewer,
    search: BoardSearch,
    sort: Sort,
    limit: int,
    after: After | None,
    origin: Position | None,
) -> list[tuple[int, float]]:
    """(order, sort key) of the page's loads."""
    more: Values = {"limit": limit}
    if after is not None:
        more |= {"after_key": after.key, "after_id": after.order}
    if sort is Sort.NEAREST or (sort is Sort.PROFIT and origin is not None):
        assert origin is not None
        more |= {"lat": origin.lat, "lon": origin.lon}
    if sort is Sort.NEAREST:
        return await _nearest(connection, viewer, search, limit, more)
    if sort is Sort.PROFIT:
        more |= _profit_values(search, viewer)
        ask = asked(viewer.driver, search, more)
        statement = sorts.profit(ask.shape, after is not None)
        return [(row["order_id"], row["key"]) for row in await connection.fetch(statement, *ask.arguments())]
    key, direction = INDEXED[sort]
    timed = key != "per_km"
    if after is not None and timed:
        more["after_key"] = EPOCH + timedelta(microseconds=after.key)
    ask = asked(viewer.driver, search, more)
    statement = sql.page(ask.shape, key, direction, after is not None)
    rows = await connection.fetch(statement, *ask.arguments())
    return [(row["order_id"], _microseconds(row["key"]) if timed else row["key"]) for row in rows]


async def _nearest(
    connection: Connection, viewer: Viewer, search: BoardSearch, limit: int, more: Values
) -> list[tuple[int, float]]:
    after = "after_key" in more
    ask = asked(viewer.driver, search, more)
    rows = await connection.fetch(sorts.nearest_walked(ask.shape, after), *ask.arguments())
    if len(rows) >= limit and rows[limit - 1]["key"] < rows[-1]["key"]:
        # Loads as far as the last one may be missing, nearer ones are all there.
        return sorted(((row["order_id"], row["key"]) for row in rows), key=lambda row: row[::-1])[:limit]
    for among in sorts.ROUNDS:
        ask = asked(viewer.driver, search, {**more, "among": among})
        rows = await connection.fetch(sorts.nearest(ask.shape, after), *ask.arguments())
        found = [(row["order_id"], row["key"]) for row in rows if row["order_id"] is not None]
        if len(found) >= limit or rows[0]["bound"] is None:
            break
    return found


INDEXED = {
    Sort.NEWEST: ("at", "DESC"),
    Sort.PER_KM: ("per_km", "DESC"),
    Sort.PICKUP_DATE: ("pickup_from", "ASC"),
}


def _origin(viewer: Viewer, search: BoardSearch, after: After | None) -> Position | None:
    """Where distances are measured from: as on the page before, else the middle of the search, else the truck."""
    if after is not None and after.origin is not None:
        return after.origin
    return Position(search.near.lat, search.near.lon) if search.near is not None else viewer.at


def _kept(sort: Sort, origin: Position | None) -> Position | None:
    return origin if sort in (Sort.NEAREST, Sort.PROFIT) else None


def _profit_values(search: BoardSearch, viewer: Viewer) -> Values:
    terms = profit_terms(search.vehicle or viewer.vehicle)
    return {
        "terms_capacity": terms.capacity_kg,
        "terms_empty": terms.empty,
        "terms_laden": terms.laden,
        "terms_speed": terms.speed,
        "terms_seconds": terms.seconds,
    }


def _microseconds(at: datetime) -> int:
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
