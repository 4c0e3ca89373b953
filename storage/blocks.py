"""Two sides that do not want to meet: who has put up what, and what ends at once when it goes up."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from dispatch.bids import BidStatus
from dispatch.errors import Refusal
from dispatch.events import Event, OfferEnded
from dispatch.model import Actor, Party

from .bid_rows import end_bids
from .order_rows import hurry_searches
from .postgres import Connection, Pool, transaction
from .vehicles import COMPANY_OF
from .visibility import unhidden

MOST = 200  # of one side

# uq_blocks_pair. The second time is the first one's row.
PUT_UP = """
WITH made AS (
    INSERT INTO blocks (made_by, shipper_id, company_id, driver_id, carrier_id, note, actor_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING *
)
SELECT * FROM made UNION ALL
SELECT * FROM blocks WHERE made_by = $1 AND shipper_id IS NOT DISTINCT FROM $2
    AND company_id IS NOT DISTINCT FROM $3 AND driver_id IS NOT DISTINCT FROM $4
    AND carrier_id IS NOT DISTINCT FROM $5
LIMIT 1
"""
# ix_blocks_shipper and ix_blocks_company, or ix_blocks_driver and ix_blocks_carrier.
OF_SHIPPER = """
SELECT * FROM blocks WHERE made_by = 'shipper' AND (shipper_id = $1 OR company_id = $2) ORDER BY id DESC
"""
OF_CARRIER = """
SELECT * FROM blocks WHERE made_by = 'carrier' AND (driver_id = $1 OR carrier_id = $2) ORDER BY id DESC
"""
# Primary key.
TAKE_DOWN = """
DELETE FROM blocks WHERE id = $1 AND made_by = $2
    AND CASE WHEN $2 = 'shipper' THEN shipper_id = $3 OR company_id = $4 ELSE driver_id = $3 OR carrier_id = $4 END
RETURNING id
"""
# Primary keys. Only what the driver may see of loads, or the shipper of bids, names the other side.
SIDE_OF_ORDER = f"""
SELECT o.shipper_id, o.company_id FROM orders o
WHERE o.id = $1 AND {unhidden("$2::bigint")} AND (o.board_at IS NOT NULL
    OR EXISTS (SELECT FROM offers f WHERE f.order_id = o.id AND f.driver_id = $2)
    OR EXISTS (SELECT FROM assignments a WHERE a.order_id = o.id AND a.driver_id = $2))
"""
# ix_bids_driver_live and ix_offers_driver_live, then primary keys. A load under decision is passed over: its
# offer or bid is judged by the same rule when somebody says yes to it.
LOCK_ORDERS_BETWEEN = """
SELECT o.id FROM orders o WHERE (o.shipper_id = $2 OR o.company_id = $3) AND o.id IN (
    SELECT order_id FROM bids WHERE driver_id = ANY($1::bigint[]) AND status IN ('live', 'countered')
    UNION SELECT order_id FROM offers WHERE driver_id = ANY($1::bigint[]) AND status = 'live')
FOR NO KEY UPDATE SKIP LOCKED
"""
# ix_fleet_drivers_company.
DRIVERS_OF = "SELECT driver_id FROM fleet_drivers WHERE company_id = $1 AND left_at IS NULL"
# ix_bids_driver_live.
BIDS_BETWEEN = """
SELECT id FROM bids WHERE driver_id = ANY($1::bigint[]) AND order_id = ANY($2::bigint[])
    AND status IN ('live', 'countered') ORDER BY id
"""
# ix_offers_driver_live; outbox by its unique dedupe_key.
WITHDRAW_BETWEEN = """
WITH ended AS (
    UPDATE offers SET status = 'withdrawn', ended_at = clock_timestamp()
    WHERE driver_id = ANY($1::bigint[]) AND order_id = ANY($2::bigint[]) AND status = 'live'
    RETURNING id, order_id, driver_id
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'offer:' || id FROM ended) AND state = 'due'
)
SELECT id, order_id, driver_id FROM ended ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to keep away: one of a driver, a company, or a user who posts loads."""

    driver: int | None = None
    company: int | None = None
    shipper: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A pair kept apart: on one side a shipper or a company of shippers, on the other a driver or a carrier."""

    id: int
    shipper: int | None
    company: int | None
    driver: int | None
    carrier: int | None
    note: str
    created_at: float


class BlockStore:
    """Who is kept away from whose loads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put_up(
        self, party: Party, company: int | None, target: Target, note: str
    ) -> tuple[Block, list[Event]]:
        """Keeps the target away from the caller's loads, or its loads from the caller; also from live bids.

        With `company` the block is that company's, whoever of its people put it up.
        """
        shipping = party.actor is Actor.SHIPPER
        async with transaction(self._pool) as connection:
            if len(await self._own(connection, party, company)) >= MOST:
                raise Refusal("blocks_too_many", "at most {n} block", plural="at most {n} blocks", n=MOST)
            own = None if company else party.user
            if shipping:
                pair = (own, company, target.driver, target.company)
            else:
                pair = (target.shipper, target.company, own, company)
            made_by = "shipper" if shipping else "carrier"
            row = await connection.fetchrow(PUT_UP, made_by, *pair, note, party.user)
            return _block(row), await self._part(connection, row, shipping)

    async def of(self, party: Party, company: int | None) -> list[Block]:
        """What the caller, or the caller's company, has put up; newest first."""
        return [_block(row) for row in await self._own(self._pool, party, company)]

    async def take_down(self, party: Party, company: int | None, block: int) -> None:
        """They may meet again. Refusal `not_found` for another side's block."""
        made_by = "shipper" if party.actor is Actor.SHIPPER else "carrier"
        if await self._pool.fetchval(TAKE_DOWN, block, made_by, party.user, company) is None:
            raise Refusal("not_found")

    async def company_of(self, user: int) -> int | None:
        """The company that this user works in."""
        company: int | None = await self._pool.fetchval(COMPANY_OF, user)
        return company

    async def side_of(self, driver: int, order: int) -> Target:
        """The company, or else the user, behind a load that this driver may know of."""
        row = await self._pool.fetchrow(SIDE_OF_ORDER, order, driver)
        if row is None:
            raise Refusal("not_found")
        return Target(company=row["company_id"]) if row["company_id"] else Target(shipper=row["shipper_id"])

    async def _own(
        self, connection: Connection | Pool, party: Party, company: int | None
    ) -> Sequence[asyncpg.Record]:
        statement = OF_SHIPPER if party.actor is Actor.SHIPPER else OF_CARRIER
        rows: Sequence[asyncpg.Record] = await connection.fetch(statement, party.user, company)
        return rows

    async def _part(self, connection: Connection, row: asyncpg.Record, shipping: bool) -> list[Event]:
        """Ends what is live between the two sides."""
        drivers = await _drivers(connection, row["driver_id"], row["carrier_id"])
        found = await connection.fetch(LOCK_ORDERS_BETWEEN, drivers, row["shipper_id"], row["company_id"])
        orders = [order["id"] for order in found]
        if not orders:
            return []
        bids = [bid["id"] for bid in await connection.fetch(BIDS_BETWEEN, drivers, orders)]
        how = BidStatus.DECLINED if shipping else BidStatus.WITHDRAWN
        events = await end_bids(connection, bids, how, "other" if shipping else "")
        ended = await connection.fetch(WITHDRAW_BETWEEN, drivers, orders)
        await hurry_searches(connection, orders)
        return events + [OfferEnded(o["id"], o["order_id"], o["driver_id"], "withdrawn") for o in ended]


async def _drivers(connection: Connection, driver: int | None, carrier: int | None) -> list[int]:
    """Who drives on that side."""
    if driver is not None:
        return [driver]
    return [row["driver_id"] for row in await connection.fetch(DRIVERS_OF, carrier)]


def _block(row: asyncpg.Record) -> Block:
    return Block(
        row["id"],
        row["shipper_id"],
        row["company_id"],
        row["driver_id"],
        row["carrier_id"],
        row["note"],
        row["created_at"].timestamp(),
    )
