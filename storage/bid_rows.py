"""Rows of bids as domain objects, and how bids end: statements that more than one store needs.

Every function runs under the lock of the bids' orders.
"""

from collections.abc import Sequence

import asyncpg

from dispatch.bids import ALIVE, Bid, BidStatus
from dispatch.events import BidChanged, BidClosed, Event
from dispatch.model import Money, Order

from .order_rows import seconds
from .postgres import Connection

# ix_bids_order_id.
ALIVE_OF_ORDER = """
SELECT id, driver_id FROM bids WHERE order_id = $1 AND status IN ('live', 'countered') ORDER BY id
"""
# ix_bids_driver_live. A bid for later, made on the way, outlives the win of an earlier load.
ALIVE_OF_DRIVER = """
SELECT id FROM bids
WHERE driver_id = $1 AND status IN ('live', 'countered') AND order_id = ANY($2::bigint[])
    AND available_from IS NULL ORDER BY id
"""
# Primary keys; outbox by its unique dedupe_key: the push of the last version, and the one of the end. $1 bids,
# $2 how they end, $3 why, $4 who is told by a push: driver, shipper or nobody.
END_BIDS = """
WITH ended AS (
    UPDATE bids SET status = $2, reason = $3, ended_at = clock_timestamp(), outbid = false
    WHERE id = ANY($1::bigint[]) AND status IN ('live', 'countered') RETURNING *
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'bid:' || id || ':' || version FROM ended) AND state = 'due'
), told AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, expires_at)
    SELECT CASE $4::text WHEN 'driver' THEN e.driver_id ELSE o.shipper_id END, 'bid.closed',
        jsonb_build_object('bid', e.id, 'order', e.order_id, 'status', e.status),
        'bid:' || e.id || ':closed', clock_timestamp() + interval '1 day'
    FROM ended e JOIN orders o ON o.id = e.order_id WHERE $4::text <> 'nobody'
)
SELECT e.*, o.shipper_id FROM ended e JOIN orders o ON o.id = e.order_id ORDER BY e.id
"""
# ix_bids_order_id. Where bidding is open a driver knows whether somebody asks for less, never how much or who.
RANK_BIDS = """
WITH ranked AS (
    SELECT b.id, o.shipper_id,
        o.open_bids AND b.amount > min(b.amount) OVER (PARTITION BY b.order_id) AS outbid
    FROM bids b JOIN orders o ON o.id = b.order_id
    WHERE b.order_id = ANY($1::bigint[]) AND b.status IN ('live', 'countered')
)
UPDATE bids b SET outbid = r.outbid FROM ranked r WHERE b.id = r.id AND b.outbid <> r.outbid
RETURNING b.*, r.shipper_id
"""


def bid_of(row: asyncpg.Record) -> Bid:
    """A bid from `bids.*` and its order's `shipper_id`.

    With a column `over` it is judged on read: a bid is gone the moment it expires, not when the sweep comes by.
    """
    status = BidStatus(row["status"])
    if row.get("over") and status in ALIVE:
        status = BidStatus.EXPIRED
    currency = row["currency"]
    counter = row["counter_amount"]
    return Bid(
        id=row["id"],
        order=row["order_id"],
        shipper=row["shipper_id"],
        driver=row["driver_id"],
        status=status,
        version=row["version"],
        order_version=row["order_version"],
        price=Money(row["amount"], currency),
        message=row["message"],
        eta_at=seconds(row["eta_at"]),
        available_from=seconds(row["available_from"]),
        counter=None if counter is None else Money(counter, currency),
        counter_message=row["counter_message"],
        outbid=row["outbid"],
        reason=row["reason"] or "",
        made_at=row["made_at"].timestamp(),
        changed_at=row["changed_at"].timestamp(),
        expires_at=row["expires_at"].timestamp(),
        seen_at=seconds(row["seen_at"]),
        ended_at=seconds(row["ended_at"]),
    )


async def end_bids(
    connection: Connection, bids: Sequence[int], how: BidStatus, reason: str = "", *, push_to: str = "nobody"
) -> list[Event]:
    """Ends those of these bids that are alive, and calls their pushes off."""
    if not bids:
        return []
    rows = await connection.fetch(END_BIDS, list(bids), how, reason or None, push_to)
    return [BidClosed(bid_of(row)) for row in rows]


async def close_bids(connection: Connection, order: int, how: BidStatus, reason: str = "") -> list[Event]:
    """Ends every live bid of a locked order: it was edited (outdated), or is over (lost)."""
    alive = await connection.fetch(ALIVE_OF_ORDER, order)
    return await end_bids(connection, [row["id"] for row in alive], how, reason, push_to="driver")


async def win_bid(connection: Connection, order: Order, winner: int, bid: int) -> list[Event]:
    """The load is won: by this bid, or (0) at its price. The winner's own bid beside that is moot."""
    alive = await connection.fetch(ALIVE_OF_ORDER, order.id)
    won = [row["id"] for row in alive if row["id"] == bid]
    moot = [row["id"] for row in alive if row["driver_id"] == winner and row["id"] != bid]
    lost = [row["id"] for row in alive if row["driver_id"] != winner]
    return [
        *await end_bids(connection, won, BidStatus.ACCEPTED),
        *await end_bids(connection, moot, BidStatus.WITHDRAWN, "taken"),
        *await end_bids(connection, lost, BidStatus.LOST, "taken", push_to="driver"),
    ]


async def withdraw_bids(connection: Connection, driver: int, orders: Sequence[int]) -> list[Event]:
    """The driver has won another load: what he bid elsewhere for now, he cannot carry."""
    alive = await connection.fetch(ALIVE_OF_DRIVER, driver, list(orders))
    return await end_bids(
        connection, [row["id"] for row in alive], BidStatus.WITHDRAWN, "busy", push_to="shipper"
    )


async def rank_bids(connection: Connection, orders: Sequence[int]) -> list[Event]:
    """Tells the bidders of loads with open bidding whose standing has changed."""
    rows = await connection.fetch(RANK_BIDS, list(orders))
    return [BidChanged(bid_of(row), driver_only=True) for row in rows]
