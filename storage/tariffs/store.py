"""Versions of the table of prices and of the prices of lanes: added, read, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from asyncpg import Record

from dispatch.errors import Refusal
from dispatch.pricing import Tariff
from dispatch.tariffs import Band, LanePrice, Prices, Table
from storage.postgres import Pool, transaction
from storage.staff import NO_LIMIT, record

MOST_LANES = 5000  # each worker holds all of them

# Changes of prices are made one after the other: the version that was read is then still the newest, or not.
QUEUE = "SELECT pg_advisory_xact_lock(7106)"
TABLE = """
SELECT version, extract(epoch FROM valid_from)::float8 AS valid_from, rates, kinds, minimum, loading_fee, abroad,
    note, set_by, extract(epoch FROM created_at)::float8 AS set_at FROM tariffs
"""
# Primary key. What may count now or later: from the newest version that has begun.
TABLES = (
    TABLE
    + """
WHERE version >= coalesce((SELECT max(version) FROM tariffs WHERE valid_from <= now()), 0) ORDER BY version
"""
)
VERSIONS = TABLE + "WHERE version < $1 ORDER BY version DESC LIMIT $2"
NEWEST = "SELECT coalesce(max(version), 0) FROM tariffs"
ADD_TABLE = """
INSERT INTO tariffs (version, valid_from, rates, kinds, minimum, loading_fee, abroad, note, set_by)
VALUES ($1, coalesce(to_timestamp($2::float8), date_trunc('second', now())), $3, $4, $5, $6, $7, $8, $9)
RETURNING version, extract(epoch FROM valid_from)::float8 AS valid_from, rates, kinds, minimum, loading_fee,
    abroad, note, set_by, extract(epoch FROM created_at)::float8 AS set_at
"""
LANE_FIELDS = """
    l.pickup_city, l.drop_city, l.body, l.version, l.kind, l.amount,
    extract(epoch FROM l.valid_from)::float8 AS valid_from,
    extract(epoch FROM l.valid_until)::float8 AS valid_until,
    l.note, l.set_by, extract(epoch FROM l.created_at)::float8 AS set_at, l.id
"""
# Some thousand rows, once a minute and after each change; uq_tariff_lanes_pickup_city_drop_city_body_version says
# of each whether a later version of its lane has begun.
LANES = f"""
SELECT {LANE_FIELDS} FROM tariff_lanes l WHERE NOT EXISTS (
    SELECT FROM tariff_lanes n WHERE n.pickup_city = l.pickup_city AND n.drop_city = l.drop_city
        AND n.body = l.body AND n.version > l.version AND n.valid_from <= now())
    AND (l.valid_until IS NULL OR l.valid_until > now())
"""
# The primary key read backwards, the newest version of each lane.
PAGE = f"""
SELECT {LANE_FIELDS} FROM tariff_lanes l WHERE l.id < $1
    AND ($3::bigint IS NULL OR l.pickup_city = $3) AND ($4::bigint IS NULL OR l.drop_city = $4)
    AND NOT EXISTS (SELECT FROM tariff_lanes n WHERE n.pickup_city = l.pickup_city
        AND n.drop_city = l.drop_city AND n.body = l.body AND n.version > l.version)
ORDER BY l.id DESC LIMIT $2
"""
# The unique key, as the others below.
LANE_VERSIONS = f"""
SELECT {LANE_FIELDS} FROM tariff_lanes l
WHERE l.pickup_city = $1 AND l.drop_city = $2 AND l.body = $3 AND l.version < $4 ORDER BY l.version DESC LIMIT $5
"""
NEWEST_LANE = """
SELECT version, kind, amount FROM tariff_lanes WHERE pickup_city = $1 AND drop_city = $2 AND body = $3
ORDER BY version DESC LIMIT 1
"""
COUNT_LANES = "SELECT count(*) FROM tariff_lanes WHERE version = 1"
ADD_LANE = f"""
INSERT INTO tariff_lanes AS l
    (pickup_city, drop_city, body, version, kind, amount, valid_from, valid_until, note, set_by)
VALUES ($1, $2, $3, $4, $5, $6, coalesce(to_timestamp($7::float8), date_trunc('second', now())),
    to_timestamp($8::float8), $9, $10)
RETURNING {LANE_FIELDS}
"""


@dataclass(frozen=True, slots=True)
class NewLane:
    """What staff ask of a lane."""

    pickup: int
    drop: int
    body: str
    kind: str
    amount: int
    valid_from: float | None
    valid_until: float | None
    note: str


class TariffStore:
    """The versions in the database."""

    def __init__(self, pool: Pool, coded: Tariff) -> None:
        self._pool = pool
        self._coded = coded

    async def prices(self) -> Prices:
        """Everything that may count now or later."""
        tables = [_table(row) for row in await self._pool.fetch(TABLES)]
        return Prices(self._coded, tables, [_lane(row) for row in await self._pool.fetch(LANES)])

    async def tables(self) -> list[Table]:
        """The table in force and those to come, oldest first."""
        return [_table(row) for row in await self._pool.fetch(TABLES)]

    async def newest(self) -> int:
        """The number of the newest version, 0 before the first."""
        return int(await self._pool.fetchval(NEWEST))

    async def versions(self, before: int | None, limit: int) -> list[Table]:
        """One page of all versions, newest first."""
        below = 2**31 - 1 if before is None else min(before, 2**31 - 1)
        return [_table(row) for row in await self._pool.fetch(VERSIONS, below, limit)]

    async def add(self, staff: int, seen: int, table: Table, valid_from: float | None) -> Table:
        """The next version after `seen`; `valid_from` None is now. Refusal `version_stale`."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            newest = await connection.fetchval(NEWEST)
            if newest != seen:
                raise Refusal("version_stale")
            rates = {body: [list(band) for band in bands] for body, bands in table.bands.items()}
            row = await connection.fetchrow(
                ADD_TABLE,
                newest + 1,
                valid_from,
                rates,
                dict(table.kinds),
                table.minimum,
                table.loading_fee,
                table.abroad,
                table.note,
                staff,
            )
            told = {"was": f"version {newest}", "is": f"version {newest + 1}"}
            await record(connection, staff, "tariff.set", None, table.note, told)
        return _table(row)

    async def lanes(
        self, before: int | None, limit: int, pickup: int | None, drop: int | None
    ) -> list[LanePrice]:
        """One page of lanes, each as its newest version says, last set first."""
        below = NO_LIMIT if before is None else before
        return [_lane(row) for row in await self._pool.fetch(PAGE, below, limit, pickup, drop)]

    async def lane_versions(
        self, pickup: int, drop: int, body: str, before: int | None, limit: int
    ) -> list[LanePrice]:
        """One page of what one lane was, newest first."""
        below = 2**31 - 1 if before is None else min(before, 2**31 - 1)
        rows = await self._pool.fetch(LANE_VERSIONS, pickup, drop, body, below, limit)
        return [_lane(row) for row in rows]

    async def add_lane(self, staff: int, seen: int, new: NewLane) -> LanePrice:
        """The next version of a lane after `seen`. Refusals `version_stale`, `limit_reached`."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            was = await connection.fetchrow(NEWEST_LANE, new.pickup, new.drop, new.body)
            newest = 0 if was is None else was["version"]
            if newest != seen:
                raise Refusal("version_stale")
            if was is None and await connection.fetchval(COUNT_LANES) >= MOST_LANES:
                raise Refusal("limit_reached", "at most {n} lane", plural="at most {n} lanes", n=MOST_LANES)
            row = await connection.fetchrow(
                ADD_LANE,
                new.pickup,
                new.drop,
                new.body,
                newest + 1,
                new.kind,
                new.amount,
                new.valid_from,
                new.valid_until,
                new.note,
                staff,
            )
            told = {
                "was": "" if was is None else f"{was['kind']} {was['amount']}",
                "is": f"{new.kind} {new.amount}",
                "lane": f"{new.pickup} {new.drop} {new.body}".strip(),
            }
            await record(connection, staff, "tariff.lane", None, new.note, told)
        return _lane(row)


def _table(row: Record) -> Table:
    bands = {body: tuple(Band(*band) for band in given) for body, given in row["rates"].items()}
    return Table(
        row["version"],
        row["valid_from"],
        bands,
        row["kinds"],
        row["minimum"],
        row["loading_fee"],
        row["abroad"],
        row["note"],
        row["set_by"],
        row["set_at"],
    )


def _lane(row: Sequence[object]) -> LanePrice:
    return LanePrice(*row)  # type: ignore[arg-type]  # a Record of LANE_FIELDS
