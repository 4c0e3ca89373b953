"""What may be seen of bids, and by whom. A foreign bid and an absent one look the same."""

import asyncpg

from dispatch.bids import Bid, Bidder, BidVersion
from dispatch.errors import Refusal
from dispatch.model import Actor, Money, Order, Party

from .bid_rows import bid_of
from .bidders import bidders
from .order_reads import NO_LIMIT, must_own
from .order_rows import ORDER, order_of, seconds
from .postgres import Pool
from .visibility import unhidden

# Primary keys. Judged on read: what is past its time reads as expired.
ONE_BID = """
SELECT b.*, o.shipper_id, b.expires_at <= clock_timestamp() AS over
FROM bids b JOIN orders o ON o.id = b.order_id WHERE b.id = $1
"""
# Primary key.
MADE_BY = "SELECT driver_id FROM bids WHERE id = $1"
# Primary key.
VERSIONS = "SELECT * FROM bid_versions WHERE bid_id = $1 ORDER BY version"
# ix_bids_order_id; a load has tens of bids. Those who hide from each other do not meet here either.
BIDS_OF_ORDER = f"""
SELECT b.*, o.shipper_id, b.expires_at <= clock_timestamp() AS over
FROM bids b JOIN orders o ON o.id = b.order_id
WHERE b.order_id = $1 AND {unhidden("b.driver_id")}
ORDER BY b.ended_at DESC NULLS FIRST, b.amount, b.id LIMIT $2
"""
# ix_bids_driver_id_id, read backwards.
PAGE_OF_DRIVER = """
SELECT b.*, o.shipper_id, b.expires_at <= clock_timestamp() AS over
FROM bids b JOIN orders o ON o.id = b.order_id
WHERE b.driver_id = $1 AND b.id < $2 ORDER BY b.id DESC LIMIT $3
"""
# Primary key.
ORDERS = """
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id WHERE o.id = ANY($1::bigint[])
"""

MOST = 200  # bids that a shipper compares


class BidReads:
    """Reads of bids by their two sides."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, party: Party, bid: int) -> tuple[Bid, list[BidVersion]]:
        """A bid with its changes, for the driver who made it, the load's shipper, and staff."""
        row = await self._pool.fetchrow(ONE_BID, bid)
        if row is None:
            raise Refusal("not_found")
        found = bid_of(row)
        if party.actor is Actor.DRIVER and found.driver != party.user:
            raise Refusal("not_found")
        if party.actor is not Actor.DRIVER:
            must_own(order_of(await self._pool.fetchrow(ORDER, found.order)), party)
        rows = await self._pool.fetch(VERSIONS, bid)
        return found, [_version(row, found.price.currency) for row in rows]

    async def made_by(self, bid: int) -> int | None:
        """The driver of a bid."""
        driver: int | None = await self._pool.fetchval(MADE_BY, bid)
        return driver

    async def of_order(self, party: Party, order: int) -> tuple[Order, list[tuple[Bid, Bidder]]]:
        """The bids on a load of this party, live ones and lower ones first, with who made them."""
        row = await self._pool.fetchrow(ORDER, order)
        if row is None:
            raise Refusal("not_found")
        found = order_of(row)
        must_own(found, party)
        if party.actor is Actor.DRIVER:
            raise Refusal("not_found")
        bids = [bid_of(row) for row in await self._pool.fetch(BIDS_OF_ORDER, order, MOST)]
        known = await bidders(self._pool, list({bid.driver for bid in bids}))
        return found, [(bid, known[bid.driver]) for bid in bids]

    async def of_driver(self, driver: int, before: int | None, limit: int) -> list[tuple[Bid, Order]]:
        """A page of the driver's bids, newest first, with the loads that they are for."""
        below = NO_LIMIT if before is None else before
        bids = [bid_of(row) for row in await self._pool.fetch(PAGE_OF_DRIVER, driver, below, limit)]
        rows = await self._pool.fetch(ORDERS, list({bid.order for bid in bids}))
        orders = {row["id"]: order_of(row) for row in rows}
        return [(bid, orders[bid.order]) for bid in bids]


def _version(row: asyncpg.Record, currency: str) -> BidVersion:
    return BidVersion(
        row["version"],
        row["side"],
        Money(row["amount"], currency),
        row["message"],
        seconds(row["eta_at"]),
        seconds(row["available_from"]),
        row["expires_at"].timestamp(),
        row["at"].timestamp(),
    )
