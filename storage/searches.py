"""Saved searches: kept by drivers, matched by every new load, told once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from dispatch.board import BoardSearch
from dispatch.errors import Refusal
from dispatch.events import Event, SearchMatched
from dispatch.model import Order, Policy
from dispatch.ports import Match

from .billing.access import entitled
from .board.filters import ALWAYS, CONDITIONS, NAMES, matches_saved, values_of
from .board.geometry import EARTH, drop_zone, pickup_zone
from .postgres import Connection, Pool, transaction
from .visibility import unhidden

MOST = 50  # a driver

_VALUES = ("name", "active", "notify", "quiet_from", "quiet_to", "fits", "given", "zone", "drop_zone", *NAMES)
_TYPES = {
    "name": "text",
    "active": "bool",
    "notify": "bool",
    "quiet_from": "smallint",
    "quiet_to": "smallint",
    "fits": "bool",
    "given": "jsonb",
    "zone": "geometry",
    "drop_zone": "geometry",
    **{name: kind for condition in CONDITIONS for name, kind in condition.values.items()},
}


def _parameters(first: int) -> str:
    return ", ".join(f"${first + number}::{_TYPES[name]}" for number, name in enumerate(_VALUES))


# uq_saved_searches_driver_id_name, at most MOST rows, or the primary key.
SEARCHES = "SELECT * FROM saved_searches WHERE driver_id = $1 ORDER BY id"
SEARCH = "SELECT * FROM saved_searches WHERE id = $1 AND driver_id = $2"
COUNT = "SELECT count(*) FROM saved_searches WHERE driver_id = $1"
# The driver's row makes two parallel posts stand in line, so that both cannot be the last that is allowed.
LOCK_OWNER = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
ADD = f"""
INSERT INTO saved_searches (driver_id, {", ".join(_VALUES)}) VALUES ($1, {_parameters(2)}) RETURNING id
"""
# Primary key.
CHANGE = f"""
UPDATE saved_searches SET ({", ".join(_VALUES)}) = ({_parameters(4)}), version = version + 1
WHERE id = $1 AND driver_id = $2 AND version = $3 RETURNING id
"""
REFIT = "SELECT saved_searches_refit($1)"
REMOVE = "DELETE FROM saved_searches WHERE id = $1 AND driver_id = $2"
VIEWED = "UPDATE saved_searches SET viewed_at = clock_timestamp() WHERE id = $1 AND driver_id = $2"


def _match(before: str, joined: str) -> str:
    return f"""
WITH {before}b AS MATERIALIZED (
    SELECT r.*, ST_SetSRID(ST_MakePoint(r.pickup_lon / 1e7, r.pickup_lat / 1e7), 4326) AS pickup,
        ST_SetSRID(ST_MakePoint(r.drop_lon / 1e7, r.drop_lat / 1e7), 4326) AS drop
    FROM orders o {joined} CROSS JOIN LATERAL board_row(o) AS r
    WHERE o.id = $1 AND o.status = 'open' AND NOT o.private
), nobody_hides AS MATERIALIZED (
    SELECT b.hidden_from = '{{}}' AND NOT EXISTS (
        SELECT FROM blocks x WHERE x.shipper_id = b.shipper_id OR x.company_id = b.company_id) AS yes FROM b
)
SELECT DISTINCT ON (s.driver_id) s.driver_id, s.id AS search_id
FROM b JOIN saved_searches s ON s.active AND s.zone && b.pickup AND s.drop_zone && b.drop
WHERE {ALWAYS} AND {matches_saved()}
    AND ((SELECT yes FROM nobody_hides) OR {unhidden("s.driver_id", "b")})
ORDER BY s.driver_id, s.id
"""


# ix_saved_searches_zones by the places of the order's two ends; the rest is compared row by row. A driver with two
# searches that match is told of the older one. Who hides from whom is asked driver by driver only when anybody
# hides from this shipper at all.
MATCH = _match("", "")
# The same once for a version of an order, on whichever worker claims it.
MATCH_ONCE = _match(
    """marked AS (
    UPDATE orders SET matched_version = version WHERE id = $1 AND matched_version < version RETURNING id
), """,
    "JOIN marked ON marked.id = o.id",
)
# Primary keys, and ix_search_alerts_driver_id_at for the last hour. $1 order, $2 drivers, $3 their searches, $4
# most in an hour, $5 most for an order. Who has an offer of the load needs no alert, who has had fewest
# comes first. Written in driver order, so that two orders with common drivers cannot deadlock. A search that its
# driver deletes meanwhile is locked or left out: its alert would break the foreign key.
ALERT = f"""
WITH allowed AS (
    SELECT w.driver_id, s.id AS search_id, s.name, s.quiet_from IS NOT NULL AND (
            CASE WHEN s.quiet_from <= s.quiet_to THEN t.minute >= s.quiet_from AND t.minute < s.quiet_to
            ELSE t.minute >= s.quiet_from OR t.minute < s.quiet_to END) AS quiet
    FROM unnest($2::bigint[], $3::bigint[]) AS w(driver_id, search_id)
    JOIN saved_searches s ON s.id = w.search_id AND s.notify
    JOIN users u ON u.id = w.driver_id AND u.role = 'driver' AND NOT u.blocked
        AND {entitled("u.id")}
    CROSS JOIN LATERAL (
        SELECT extract(hour FROM l.at) * 60 + extract(minute FROM l.at) AS minute
        FROM (SELECT clock_timestamp() AT TIME ZONE u.time_zone AS at) AS l) AS t
    CROSS JOIN LATERAL (SELECT count(*) AS alerts FROM search_alerts a
        WHERE a.driver_id = u.id AND a.at > clock_timestamp() - interval '1 hour') AS hour
    WHERE hour.alerts < $4 AND NOT EXISTS (SELECT FROM offers f
        WHERE f.order_id = $1 AND f.driver_id = u.id AND f.status = 'live')
    ORDER BY hour.alerts, w.driver_id LIMIT $5 FOR KEY SHARE OF s
), alerted AS (
    INSERT INTO search_alerts (driver_id, order_id, search_id)
    SELECT driver_id, $1, search_id FROM allowed ORDER BY driver_id
    ON CONFLICT DO NOTHING RETURNING driver_id, search_id
), pushed AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT a.driver_id, 'search.matched', jsonb_build_object('order', $1::bigint, 'search', a.search_id),
        'search:' || $1::bigint || ':' || a.driver_id, clock_timestamp() + interval '1 hour'
    FROM alerted a JOIN allowed w USING (driver_id) WHERE NOT w.quiet
    ON CONFLICT DO NOTHING
)
SELECT a.driver_id, a.search_id, w.name FROM alerted a JOIN allowed w USING (driver_id) ORDER BY a.driver_id
"""
# ix_search_alerts_at. What was told so long ago is no help to anybody.
FORGET = "DELETE FROM search_alerts WHERE at < now() - interval '30 days'"


@dataclass(frozen=True, slots=True)
class SearchNote:
    """What a driver keeps. `given`: the search as it came, to be shown again; `quiet`: minutes of the driver's day
    between which nothing is pushed."""

    name: str
    given: dict[str, Any]
    search: BoardSearch
    fits: bool = True
    active: bool = True
    notify: bool = True
    quiet: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A kept search."""

    id: int
    name: str
    given: dict[str, Any]
    active: bool
    notify: bool
    quiet: tuple[int, int] | None
    version: int
    created_at: float
    viewed_at: float


class SearchStore:
    """Everything of one driver; what is another's is `not_found`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self, driver: int) -> list[SavedSearch]:
        """The driver's searches, oldest first."""
        return [_search(row) for row in await self._pool.fetch(SEARCHES, driver)]

    async def one(self, driver: int, search: int) -> SavedSearch:
        """One of them. Refusal `not_found`."""
        row = await self._pool.fetchrow(SEARCH, search, driver)
        if row is None:
            raise Refusal("not_found")
        return _search(row)

    async def add(self, driver: int, note: SearchNote) -> SavedSearch:
        """Keeps a search. Refusals `limit_reached` beyond MOST, `search_exists` for a name that is taken."""
        async with transaction(self._pool) as connection:
            await connection.fetchval(LOCK_OWNER, driver)
            if await connection.fetchval(COUNT, driver) >= MOST:
                raise Refusal(
                    "limit_reached", "at most {n} saved search", plural="at most {n} saved searches", n=MOST
                )
            search = await _named(connection, ADD, driver, *_columns(note))
            return await _refitted(connection, driver, search)

    async def change(self, driver: int, search: int, version: int, note: SearchNote) -> SavedSearch:
        """Edits the version that was read. Refusals `not_found`, `version_stale`, `search_exists`."""
        async with transaction(self._pool) as connection:
            if await _named(connection, CHANGE, search, driver, version, *_columns(note)) is None:
                there = await connection.fetchrow(SEARCH, search, driver)
                raise Refusal("not_found" if there is None else "version_stale")
            return await _refitted(connection, driver, search)

    async def remove(self, driver: int, search: int) -> None:
        """Forgets it. Refusal `not_found`."""
        if await self._pool.execute(REMOVE, search, driver) == "DELETE 0":
            raise Refusal("not_found")

    async def viewed(self, driver: int, search: int) -> None:
        """The driver has looked at what it finds: counting begins anew. Refusal `not_found`."""
        if await self._pool.execute(VIEWED, search, driver) == "UPDATE 0":
            raise Refusal("not_found")

    async def forget_old(self) -> None:
        """Alerts of long ago."""
        await self._pool.execute(FORGET)


async def matches(connection: Connection, order: int) -> list[Match]:
    """Drivers whose searches find this order, which need not be on the board; each once, with the search."""
    return [Match(row["driver_id"], row["search_id"]) for row in await connection.fetch(MATCH, order)]


async def matches_once(connection: Connection, order: int) -> list[Match]:
    """The same, the first time that this is asked of a version of the order; nobody after that."""
    rows = await connection.fetch(MATCH_ONCE, order)
    return [Match(row["driver_id"], row["search_id"]) for row in rows]


async def alert(connection: Connection, order: Order, found: Sequence[Match], policy: Policy) -> list[Event]:
    """Alerts for these drivers, as many as the policy allows, with their pushes."""
    rows = await connection.fetch(
        ALERT,
        order.id,
        [match.driver for match in found],
        [match.search for match in found],
        policy.alerts_an_hour,
        policy.alerts_an_order,
    )
    return [SearchMatched(row["driver_id"], order, row["search_id"], row["name"]) for row in rows]


async def _named(connection: Connection, statement: str, *arguments: object) -> int | None:
    try:
        async with connection.transaction():
            found: int | None = await connection.fetchval(statement, *arguments)
            return found
    except asyncpg.UniqueViolationError:
        raise Refusal("search_exists") from None


async def _refitted(connection: Connection, driver: int, search: int | None) -> SavedSearch:
    """The search as it stands, with what the driver's truck takes."""
    await connection.execute(REFIT, driver)
    return _search(await connection.fetchrow(SEARCH, search, driver))


def _columns(note: SearchNote) -> list[object]:
    values = values_of(note.search)
    zone, drop = pickup_zone(note.search) or EARTH, drop_zone(note.search) or EARTH
    quiet = note.quiet or (None, None)
    head = (note.name, note.active, note.notify, *quiet, note.fits, note.given, zone.wkb, drop.wkb)
    return [*head, *(values.get(name) for name in NAMES)]


def _search(row: asyncpg.Record) -> SavedSearch:
    return SavedSearch(
        id=row["id"],
        name=row["name"],
        given=row["given"],
        active=row["active"],
        notify=row["notify"],
        quiet=None if row["quiet_from"] is None else (row["quiet_from"], row["quiet_to"]),
        version=row["version"],
        created_at=row["created_at"].timestamp(),
        viewed_at=row["viewed_at"].timestamp(),
    )
