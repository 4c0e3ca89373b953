"""Loads that wait for staff: put before them, held while they look, let out again. Inside the caller's
transaction, under the order's lock."""

from typing import Any

from dispatch.bids import BidStatus
from dispatch.events import Event
from dispatch.model import NewOrder, OfferStatus, Order, Status

from .bid_rows import close_bids
from .order_rows import CHECK_AT, CONFIRM_BY, end_offers, step
from .postgres import Connection

# uq_moderation_cases_waiting. A case that was opened before stays the one, with what is suspected now. $1 order,
# $2 shipper, $3 kind, $4 grounds, $5 the order that looks the same, $6 seconds until it is due, $7 the appeal.
OPEN_CASE = """
INSERT INTO moderation_cases AS c (order_id, shipper_id, kind, grounds, alike, due_at, appeal)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7)
ON CONFLICT (order_id) WHERE state = 'waiting' DO UPDATE
SET kind = excluded.kind, grounds = excluded.grounds, alike = excluded.alike
"""
# uq_moderation_cases_waiting.
DROP_CASE = """
UPDATE moderation_cases SET state = 'dropped', decided_at = now() WHERE order_id = $1 AND state = 'waiting'
"""

# Primary keys. The time that it was held does not count, and its search begins from nothing. $2 is the event that
# lets it out.
LET_OUT = f"""
WITH held AS (
    SELECT min(at) AS at FROM order_events WHERE order_id = $1 AND seq < $2 AND seq > (
        SELECT coalesce(max(seq), 0) FROM order_events
        WHERE order_id = $1 AND seq < $2 AND status <> 'moderation')
), times AS (
    SELECT now() AS now, now() + make_interval(secs => confirm_s) AS confirm,
        least(expires_at + (now() - coalesce(held.at, now())), pickup_to) AS ends
    FROM orders, held WHERE id = $1
)
UPDATE orders o SET expires_at = ends, confirm_by = {CONFIRM_BY}, check_at = {CHECK_AT}, wave = 0,
    board_at = NULL, seek_at = CASE WHEN NOT private THEN clock_timestamp() END
FROM times WHERE o.id = $1
"""


async def open_case(
    connection: Connection, order: int, new: NewOrder, grounds: list[str] | None = None
) -> None:
    """Puts a suspicious load before staff: held until they decide, or flagged while it is on the board."""
    kind = "held" if new.status is Status.MODERATION or grounds else "flag"
    suspected = list(new.grounds) if grounds is None else grounds
    await connection.execute(
        OPEN_CASE, order, new.shipper, kind, suspected, new.alike, new.judge_within_s, ""
    )


async def hold(
    connection: Connection, order: Order, kind: str, *, actor: int | None, detail: dict[str, Any]
) -> list[Event]:
    """An open order waits for staff from now on; what was offered of it is withdrawn."""
    ended = await end_offers(connection, order.id, OfferStatus.WITHDRAWN, "withdrawn")
    ended += await close_bids(connection, order.id, BidStatus.LOST, Status.MODERATION)
    _, event = await step(
        connection, order, Status.MODERATION, actor=actor, driver=None, detail=detail, kind=kind
    )
    return [event, *ended]


async def let_out(
    connection: Connection, order: Order, *, actor: int | None, detail: dict[str, Any] | None = None
) -> list[Event]:
    """A held order is open, for as long as it was meant to be."""
    _, event = await step(
        connection, order, Status.OPEN, actor=actor, driver=None, detail=detail, kind="approved"
    )
    await connection.execute(LET_OUT, order.id, event.seq)
    return [event]
