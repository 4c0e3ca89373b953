"""Fills a database with a market: shippers, drivers, a board of any size with its history, saved searches.

Into a market without orders everything goes by COPY while indexes, foreign keys and triggers are away, and these
come back in the same transaction: whoever interrupts it leaves nothing behind. Into a market that has orders the
same rows go in under all of them, which takes several times as long. What is made is known by the phone numbers
of whom it belongs to, which nobody has.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from geo.cells import cell_of
from geo.gazetteer import Gazetteer
from geo.roads import RoadGraph

from .board.filters import NAMES, values_of
from .board.geometry import EARTH, drop_zone, pickup_zone
from .board.upkeep import BoardUpkeep
from .postgres import Connection, Pool, ewkb, transaction
from .seed_rows import BOARDED, COLUMNS, OTHERS, OrderRows, Other, trucks, wishes

PREFIX = "+7799"  # no operator of Kazakhstan has it
CHUNK = 25_000
HELD = ("orders", "order_events", "board")  # whose indexes, foreign keys and triggers wait
# By user or order without a foreign key, so that nothing else finds them.
LOOSE = (("accepts", "order_id"), ("search_alerts", "order_id"), ("webhook_deliveries", "order_id"))
TIMEOUT_S = 900.0

Tell = Callable[[str, int, int], object]  # what is being done, how much of it is done, and of how much

STRANGERS = (
    "SELECT EXISTS (SELECT FROM orders o JOIN users u ON u.id = o.shipper_id WHERE NOT u.phone LIKE $1)"
)
SEEDED = "SELECT EXISTS (SELECT FROM users WHERE phone LIKE $1)"
ANY_ORDER = "SELECT EXISTS (SELECT FROM orders)"
INDEXES = """
SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public' AND i.tablename = ANY($1)
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)
"""
FOREIGN_KEYS = """
SELECT conrelid::regclass::text AS relation, conname AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY($1::regclass[])
"""
ADD_USERS = """
INSERT INTO users (phone, role, name) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
RETURNING id
"""
# Two shippers of three have a company, half of these are verified. $2 names, $3 numbers.
ADD_COMPANIES = """
WITH made AS (
    INSERT INTO companies (legal_name, country, bin, state)
    SELECT name, 'KZ', bin, CASE WHEN n % 2 = 0 THEN 'verified' ELSE 'unverified' END
    FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS w(name, bin, n) ORDER BY n RETURNING id, bin
)
INSERT INTO company_members (user_id, company_id, role)
SELECT w.user_id, made.id, 'owner' FROM unnest($1::bigint[], $3::text[]) AS w(user_id, bin) JOIN made USING (bin)
RETURNING user_id, company_id
"""
# Fours and fives but for a few: means from 3.6 on.
ADD_STATS = """
WITH rated AS (
    INSERT INTO user_ratings (user_id, part, one, two, three, four, five)
    SELECT id, 'shipper', few, 0, few, many * 2 / 5, many - many * 2 / 5
    FROM unnest($1::bigint[]) WITH ORDINALITY AS w(id, n),
        LATERAL (SELECT (1 + n * 31 % 240) * (n * 7919 % 100) / 600 AS few, 1 + n * 31 % 240 AS many) AS c
    WHERE n % 10 < 7 RETURNING *
)
INSERT INTO shipper_stats (shipper_id, rating, ratings)
SELECT user_id, (one + 3 * three + 4 * four + 5 * five)::real / (one + three + four + five),
    one + three + four + five
FROM rated
"""
ADD_VEHICLES = """
INSERT INTO vehicles (driver_id, keeper_id, body, capacity_kg, volume_m3, plate, adr)
SELECT id, id, body, kg, m3, plate, CASE WHEN body = 'tank' OR n % 12 = 0 THEN ARRAY['3', '8', '9'] ELSE '{}' END
FROM unnest($1::bigint[], $2::text[], $3::float8[], $4::float8[], $5::text[])
    WITH ORDINALITY AS w(id, body, kg, m3, plate, n)
"""
ADD_ACCESS = """
INSERT INTO access_entries (user_id, seq, kind, at, set_to, cause, paid_to, ends_at, trial)
SELECT id, 1, 'staff', now(), t.until, 'seed', t.until, t.until, false
FROM unnest($1::bigint[]) AS w(id), (SELECT now() + interval '60 days' AS until) AS t
"""
ADD_STATES = "INSERT INTO driver_states (driver_id) SELECT unnest($1::bigint[])"
ADD_POSITIONS = """
INSERT INTO last_positions (driver_id, recorded_at, point, cell)
SELECT id, now(), point, cell FROM unnest($1::bigint[], $2::geometry[], $3::bigint[]) AS w(id, point, cell)
"""
# $1 first id, $2 last id, $3 kinds of event in order; a step's status is its kind, but for the first two.
ADD_EVENTS = """
INSERT INTO order_events (order_id, seq, kind, status, actor_id, at)
SELECT o.id, e.seq, e.kind, CASE WHEN e.kind IN ('placed', 'boarded') THEN 'open' ELSE e.kind END,
    CASE WHEN e.kind = 'placed' THEN o.shipper_id END,
    o.created_at + (coalesce(o.ended_at, o.board_at, o.created_at) - o.created_at)
        * ((e.seq - 1)::float8 / greatest(1, cardinality($3::text[]) - 1))
FROM orders o CROSS JOIN unnest($3::text[]) WITH ORDINALITY AS e(kind, seq)
WHERE o.id BETWEEN $1 AND $2 ORDER BY o.id, e.seq
"""
# Who carried them. $3 drivers with a truck each.
ADD_WINS = """
WITH won AS (
    INSERT INTO offers (order_id, driver_id, status, wave, deadhead_m, score, reasons, made_at, seen_at,
        expires_at, ended_at)
    SELECT o.id, v.driver_id, 'accepted', 1, 20000, 0.5, '{}', o.created_at, o.created_at, o.expires_at,
        o.created_at
    FROM orders o JOIN unnest($3::bigint[]) WITH ORDINALITY AS d(driver_id, n)
        ON d.n = 1 + (o.id * 7919) % cardinality($3::bigint[])
    JOIN vehicles v ON v.driver_id = d.driver_id
    WHERE o.id BETWEEN $1 AND $2 RETURNING id, order_id, driver_id, made_at
)
INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id, assigned_at, ended_at)
SELECT w.order_id, w.driver_id, v.id, w.id, w.made_at, o.ended_at
FROM won w JOIN orders o ON o.id = w.order_id JOIN vehicles v ON v.driver_id = w.driver_id
"""
FILL_BOARD = """
INSERT INTO board SELECT r.* FROM (SELECT * FROM orders o WHERE o.id BETWEEN $1 AND $2 AND o.status = 'open'
    AND o.board_at IS NOT NULL AND NOT o.private ORDER BY o.board_at) AS o
CROSS JOIN LATERAL board_row(o::orders) AS r
"""
FILL_AREAS = """
INSERT INTO board_areas AS a (area, bodies, extent, loads)
SELECT pickup_area, bodies,
    ST_Expand(ST_SetSRID(ST_Extent(ST_MakePoint(pickup_lon / 1e7, pickup_lat / 1e7))::geometry, 4326), 1e-4),
    count(*)
FROM board GROUP BY pickup_area, bodies
ON CONFLICT (area, bodies) DO UPDATE SET extent = ST_Envelope(ST_Collect(a.extent, excluded.extent))
"""
FILL_DROPS = """
INSERT INTO board_drops AS a (area, extent, loads)
SELECT drop_area,
    ST_Expand(ST_SetSRID(ST_Extent(ST_MakePoint(drop_lon / 1e7, drop_lat / 1e7))::geometry, 4326), 1e-4),
    count(*)
FROM board GROUP BY drop_area
ON CONFLICT (area) DO UPDATE SET extent = ST_Envelope(ST_Collect(a.extent, excluded.extent))
"""
CHILDREN = """
SELECT c.conrelid::regclass::text AS child, a.attname AS column, r.attname AS key, c.confdeltype = 'n' AS forgets
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_attribute r ON r.attrelid = c.confrelid AND r.attnum = c.confkey[1]
WHERE c.contype = 'f' AND c.confrelid = $1::regclass AND cardinality(c.conkey) = 1 AND c.conparentid = 0
"""


class NotEmpty(Exception):
    """The database holds what is not ours; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of what. `orders`: loads on the board; an eighth as many again are history, private, in review."""

    orders: int
    drivers: int = 2_000
    searches: int = 0
    seed: int = 1


class Seeder:
    """Makes and removes made-up markets."""

    def __init__(self, pool: Pool, gazetteer: Gazetteer, roads: RoadGraph, tell: Tell) -> None:
        self._pool = pool
        self._gazetteer = gazetteer
        self._roads = roads
        self._tell = tell

    async def seed(self, wanted: Wanted, now: float, *, force: bool = False) -> None:
        """Everything, or nothing. NotEmpty when there are seeds already, or other orders and not `force`."""
        if await self._pool.fetchval(SEEDED, PREFIX + "%"):
            raise NotEmpty("this database has seeds already: --clear removes them")
        if not force and await self._pool.fetchval(STRANGERS, PREFIX + "%"):
            raise NotEmpty("this database has orders of real shippers: --force adds seeds to them")
        async with transaction(self._pool) as connection:
            await _patient(connection)
            await connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
            shippers = await self._people(connection, "shipper", max(20, wanted.orders // 250))
            await connection.execute(ADD_STATS, shippers)
            companies = await self._companies(connection, shippers)
            drivers = await self._drivers(connection, wanted)
            if await connection.fetchval(ANY_ORDER):
                await self._orders(connection, wanted, companies, drivers, now)
            else:
                async with self._bare(connection):
                    first, last = await self._orders(connection, wanted, companies, drivers, now)
                    self._tell("board", 0, 1)
                    await connection.execute(FILL_BOARD, first, last, timeout=TIMEOUT_S)
                    await connection.execute(FILL_AREAS, timeout=TIMEOUT_S)
                    await connection.execute(FILL_DROPS, timeout=TIMEOUT_S)
                    self._tell("board", 1, 1)
            await self._searches(connection, drivers, wanted)
        await self._finish()

    async def clear(self) -> int:
        """Removes all seeds; how many orders there were."""
        async with transaction(self._pool) as connection:
            await _patient(connection)
            whose = f"shipper_id IN (SELECT id FROM users WHERE phone LIKE '{PREFIX}%')"
            orders: int = await connection.fetchval(f"SELECT count(*) FROM orders WHERE {whose}")
            self._tell("removing orders", 0, 1)
            for table, column in LOOSE:
                await connection.execute(
                    f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM orders WHERE {whose})",
                    timeout=TIMEOUT_S,
                )
            await self._remove(connection, "orders", whose)
            self._tell("removing orders", 1, 1)
            self._tell("removing people", 0, 1)
            await self._remove(connection, "users", f"phone LIKE '{PREFIX}%'")
            await connection.execute(
                "DELETE FROM company_ratings WHERE company_id IN"
                " (SELECT id FROM companies WHERE country = 'KZ' AND bin LIKE '9909%')"
            )
            await connection.execute("DELETE FROM companies WHERE country = 'KZ' AND bin LIKE '9909%'")
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM board)"):
                await connection.execute("DELETE FROM board_areas")
                await connection.execute("DELETE FROM board_drops")
            self._tell("removing people", 1, 1)
        await self._finish()
        return orders

    # -- people ---------------------------------------------------------------------------------------------

    async def _people(self, connection: Connection, role: str, count: int) -> list[int]:
        first = 0 if role == "shipper" else 5_000_000
        phones = [f"{PREFIX}{first + number:07d}" for number in range(count)]
        names = [_name(role, number) for number in range(count)]
        rows = await connection.fetch(ADD_USERS, phones, [role] * count, names)
        return [row["id"] for row in rows]

    async def _companies(
        self, connection: Connection, shippers: Sequence[int]
    ) -> list[tuple[int, int | None]]:
        """(shipper, company), None for those who post for themselves."""
        owners = [shipper for number, shipper in enumerate(shippers) if number % 3]
        names = [_name("shipper", number) for number in range(len(owners))]
        numbers = [f"9909{number:08d}" for number in range(len(owners))]
        rows = await connection.fetch(ADD_COMPANIES, owners, names, numbers)
        company = {row["user_id"]: row["company_id"] for row in rows}
        return [(shipper, company.get(shipper)) for shipper in shippers]

    async def _drivers(self, connection: Connection, wanted: Wanted) -> list[int]:
        drivers = await self._people(connection, "driver", wanted.drivers)
        made = list(trucks(self._gazetteer, len(drivers), wanted.seed))
        await connection.execute(
            ADD_VEHICLES,
            drivers,
            [truck.body for truck in made],
            [truck.capacity_kg for truck in made],
            [truck.volume_m3 for truck in made],
            [f"{number % 1000:03d}SEED{number // 1000:02d}" for number in range(len(made))],
        )
        await connection.execute(ADD_ACCESS, drivers)
        await connection.execute(ADD_STATES, drivers)
        places = [ewkb(truck.lat, truck.lon) for truck in made]
        cells = [cell_of(truck.lat, truck.lon) for truck in made]
        await connection.execute(ADD_POSITIONS, drivers, places, cells)
        return drivers

    async def _searches(self, connection: Connection, drivers: Sequence[int], wanted: Wanted) -> None:
        if not wanted.searches or not drivers:
            return
        columns = ["driver_id", "name", "given", "zone", "drop_zone", *NAMES]
        rows: list[tuple[object, ...]] = []
        for number, wish in enumerate(wishes(self._gazetteer, self._roads, wanted.searches, wanted.seed)):
            values = values_of(wish.search)
            zone, drop = pickup_zone(wish.search) or EARTH, drop_zone(wish.search) or EARTH
            row = (drivers[number % len(drivers)], wish.name, wish.given, zone.wkb, drop.wkb)
            rows.append((*row, *(values.get(name) for name in NAMES)))
            if len(rows) == CHUNK or number + 1 == wanted.searches:
                await connection.copy_records_to_table(
                    "saved_searches", records=rows, columns=columns, timeout=TIMEOUT_S
                )
                rows = []
                self._tell("searches", number + 1, wanted.searches)
        await connection.execute(
            "SELECT saved_searches_refit(id) FROM unnest($1::bigint[]) AS w(id)", drivers, timeout=TIMEOUT_S
        )

    # -- orders ---------------------------------------------------------------------------------------------

    async def _orders(
        self,
        connection: Connection,
        wanted: Wanted,
        shippers: Sequence[tuple[int, int | None]],
        drivers: Sequence[int],
        now: float,
    ) -> tuple[int, int]:
        """Orders, their events and who carried them; the first and the last id."""
        parts: list[tuple[Other, int]] = [(BOARDED, wanted.orders)]
        parts += [(other, round(wanted.orders * other.share)) for other in OTHERS]
        total = sum(count for _, count in parts)
        first: int = await connection.fetchval("SELECT nextval('orders_id_seq')")
        await connection.execute("SELECT setval('orders_id_seq', $1)", first + total)
        rows = OrderRows(self._gazetteer, self._roads, shippers, wanted.seed, now)
        ranges: list[tuple[Other, int, int]] = []
        at = first
        for kind, count in parts:
            ranges.append((kind, at, at + count - 1))
            for begin in range(at, at + count, CHUNK):
                size = min(CHUNK, at + count - begin)
                source = _once(rows.chunk(begin, size, kind))
                await connection.copy_to_table("orders", source=source, columns=COLUMNS, timeout=TIMEOUT_S)
                self._tell("orders", begin + size - first, total)
            at += count
        for number, (kind, begin, end) in enumerate(ranges):
            self._tell("history", number, len(ranges))
            await connection.execute(ADD_EVENTS, begin, end, list(kind.events), timeout=TIMEOUT_S)
            if kind.assigned and drivers:
                await connection.execute(ADD_WINS, begin, end, drivers, timeout=TIMEOUT_S)
        self._tell("history", len(ranges), len(ranges))
        return first, at - 1

    @asynccontextmanager
    async def _bare(self, connection: Connection) -> AsyncIterator[None]:
        """The big tables without indexes, foreign keys and triggers until the block ends."""
        indexes = await connection.fetch(INDEXES, list(HELD))
        keys = await connection.fetch(FOREIGN_KEYS, list(HELD))
        for table in HELD:
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for row in indexes:
            await connection.execute(f'DROP INDEX "{row["indexname"]}"')
        for row in keys:
            await connection.execute(f'ALTER TABLE {row["relation"]} DROP CONSTRAINT "{row["name"]}"')
        yield
        for number, row in enumerate(indexes):
            self._tell("indexes", number, len(indexes) + len(keys))
            await connection.execute(row["indexdef"], timeout=TIMEOUT_S)
        for number, row in enumerate(keys):
            self._tell("indexes", len(indexes) + number, len(indexes) + len(keys))
            statement = f'ALTER TABLE {row["relation"]} ADD CONSTRAINT "{row["name"]}" {row["definition"]}'
            await connection.execute(statement, timeout=TIMEOUT_S)
        for table in HELD:
            await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        self._tell("indexes", 1, 1)

    async def _finish(self) -> None:
        """Statistics, visibility for index-only scans, and the board's counts."""
        self._tell("statistics", 0, 1)
        async with self._pool.acquire() as connection:
            await connection.execute(f"SET statement_timeout = {int(TIMEOUT_S * 1000)}")
            for table in ("orders", "board", "board_areas", "board_drops"):
                await connection.execute(f"VACUUM ANALYZE {table}", timeout=TIMEOUT_S)
            # Fitting all of them to their trucks at once has left a dead copy beside each, which no market that
            # grows search by search would have.
            await connection.execute("VACUUM (FULL, ANALYZE) saved_searches", timeout=TIMEOUT_S)
            await connection.execute("RESET statement_timeout")
        await BoardUpkeep(self._pool).look(least_s=0.0)
        self._tell("statistics", 1, 1)

    # -- removal --------------------------------------------------------------------------------------------

    async def _remove(self, connection: Connection, table: str, where: str, depth: int = 0) -> None:
        """Deletes rows, and before them every row that points at them, as far as foreign keys lead."""
        if depth > 6 or not re.fullmatch(r"\w+", table):
            raise ValueError(f"foreign keys lead in a circle: {table}")
        for row in await connection.fetch(CHILDREN, table):
            if row["forgets"] or row["child"] == table:
                continue
            rows = f'"{row["column"]}" IN (SELECT "{row["key"]}" FROM {table} WHERE {where})'
            await self._remove(connection, row["child"], rows, depth + 1)
        guarded = table == "access_entries"  # append-only for everything but what was made up
        if guarded:
            await connection.execute("ALTER TABLE access_entries DISABLE TRIGGER append_only")
        await connection.execute(f"DELETE FROM {table} WHERE {where}", timeout=TIMEOUT_S)
        if guarded:
            await connection.execute("ALTER TABLE access_entries ENABLE TRIGGER append_only")


def _name(role: str, number: int) -> str:
    if role == "driver":
        first = ("Азамат", "Нурлан", "Ерлан", "Сергей", "Бауыржан", "Дмитрий", "Марат", "Руслан")[number % 8]
        last = ("Ахметов", "Касымов", "Иванов", "Оспанов", "Ким", "Сериков", "Петров", "Жумабаев")[
            number // 8 % 8
        ]
        return f"{first} {last}"
    kind = ("ТОО", "ИП", "АО")[number % 3]
    trade = ("Агро", "Строй", "Логистик", "Трейд", "Металл", "Продукт", "Экспорт", "Сервис")[number // 3 % 8]
    return f"{kind} «{trade}-{number}»"


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _patient(connection: Connection) -> None:
    """For this transaction: statements may take long, and so may the rows that come next."""
    await connection.execute(f"SET LOCAL statement_timeout = {int(TIMEOUT_S * 1000)}")
    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
