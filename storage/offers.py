"""Offers under their order's lock: accept, decline, seen, expire, each inside the caller's transaction."""

from uuid import UUID

from dispatch.errors import Refusal
from dispatch.events import Event, OfferEnded
from dispatch.model import OfferKind, OfferStatus, Order
from dispatch.rounds import Outcome, Standing, judge, judge_driver
from dispatch.sniping import Watch

from . import habits
from .order_rows import hurry_searches, lock_order
from .postgres import Connection
from .winning import Answer, Claim, Taker, store, stored, taker, win

BOARD = 0  # stands for the offer in the answer to an accept from the board

# Primary key.
OFFERED_ORDER = "SELECT order_id FROM offers WHERE id = $1 AND driver_id = $2"
# Primary key.
STANDING = """
SELECT status, version, extract(epoch FROM expires_at)::float8 AS expires_at,
    extract(epoch FROM made_at)::float8 AS made_at FROM offers
WHERE id = $1 AND driver_id = $2
"""

# Primary key; outbox by its unique dedupe_key.
DECLINE = """
WITH ended AS (
    UPDATE offers SET status = 'declined', ended_at = clock_timestamp(), decline_reason = $3,
        decline_note = $4
    WHERE id = $1 AND driver_id = $2 AND status = 'live' RETURNING id
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'offer:' || id FROM ended) AND state = 'due'
)
SELECT id FROM ended
"""
# Primary key; outbox by its unique dedupe_key. Offer before push, as every statement here locks them.
SEEN = """
WITH shown AS (
    UPDATE offers SET seen_at = coalesce(seen_at, clock_timestamp())
    WHERE id = $1 AND driver_id = $2 RETURNING id
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'offer:' || id FROM shown) AND state = 'due'
)
SELECT id FROM shown
"""

# ix_offers_due, then primary keys. An order under decision is passed over and met again by the next sweep.
LOCK_ORDERS_OF_DUE_OFFERS = """
SELECT id FROM orders WHERE id IN (
    SELECT DISTINCT order_id FROM offers
    WHERE status = 'live' AND expires_at <= (SELECT clock_timestamp()) LIMIT $1)
FOR NO KEY UPDATE SKIP LOCKED
"""
# ix_offers_order_id. The push needs no call-off: it expires with the offer.
EXPIRE_OFFERS = """
UPDATE offers SET status = 'expired', ended_at = clock_timestamp()
WHERE order_id = ANY($1::bigint[]) AND status = 'live' AND expires_at <= clock_timestamp()
RETURNING id, order_id, driver_id
"""


async def answer(
    connection: Connection,
    driver: int,
    accept_id: UUID,
    *,
    offer: int = BOARD,
    order: int = 0,
    seen_version: int | None = None,
    actor: int | None = None,
    watch: Watch | None = None,
) -> Answer:
    """Decides the accept of an offer, or of an order from the board, once and for all.

    `seen_version` is the version of the board's load that was on the screen; an offer has its own. `actor` is
    who asks, when it is not the driver. Refusal `not_found` for another's offer or an order that is not on the
    board, `idempotency_conflict` for an accept_id that was used for something else; neither is stored, nor is the
    answer to a driver whom `watch` lets cool down.
    """
    claim = Claim(accept_id, actor or driver, driver, order, offer)
    if told := await stored(connection, claim):
        return told
    if watch is not None and (wait_s := await habits.pause_of(connection, driver, watch)):
        return Answer(Outcome.COOLING_DOWN, None, wait_s=wait_s)
    found = order or await connection.fetchval(OFFERED_ORDER, offer, driver)
    locked = await lock_order(connection, found) if found is not None else None
    if locked is None:
        raise Refusal("not_found")
    claim = claim._replace(order=locked.id)
    # Again, now that nobody else can decide: a parallel retry may have been answered while this one waited.
    if told := await stored(connection, claim):
        return told
    taking = await taker(connection, driver, locked)
    if taking is None or (offer == BOARD and (locked.board_at is None or not taking.visible)):
        raise Refusal("not_found")
    standing, offered_at = await _standing(connection, claim, locked, taking, seen_version)
    outcome = judge(locked.status, standing, taking.now, locked.terms.pricing)
    if outcome is Outcome.WON:
        outcome = judge_driver(locked.load, taking.acceptor)
    decided = Answer(outcome, locked)
    if outcome is Outcome.WON:
        decided = await win(connection, locked, claim, taking, OfferKind.BOARD)
    await store(connection, claim, decided.outcome)
    if watch is not None:
        won = decided.outcome is Outcome.WON
        await habits.accepted(connection, driver, watch, age_s=taking.now - offered_at, won=won)
    return decided


async def decline(
    connection: Connection, driver: int, offer: int, reason: str, note: str, watch: Watch | None = None
) -> list[Event]:
    """Ends the driver's live offer; one that has already ended stays as it is. `not_found` for another's."""
    order = await connection.fetchval(OFFERED_ORDER, offer, driver)
    if order is None:
        raise Refusal("not_found")
    await lock_order(connection, order)
    if await connection.fetchval(DECLINE, offer, driver, reason, note) is None:
        return []
    if watch is not None:
        await habits.declined(connection, driver, watch)
    await hurry_searches(connection, [order])
    return [OfferEnded(offer, order, driver, "declined")]


async def seen(connection: Connection, driver: int, offer: int) -> None:
    """Calls the push off. Needs no order lock: it decides nothing. `not_found` for another's offer."""
    if await connection.fetchval(SEEN, offer, driver) is None:
        raise Refusal("not_found")


async def expire(connection: Connection, limit: int) -> list[Event]:
    """Ends what is past its time by the database's clock, of at most `limit` orders."""
    orders = [row["id"] for row in await connection.fetch(LOCK_ORDERS_OF_DUE_OFFERS, limit)]
    if not orders:
        return []
    rows = await connection.fetch(EXPIRE_OFFERS, orders)
    await hurry_searches(connection, orders)
    return [OfferEnded(row["id"], row["order_id"], row["driver_id"], "expired") for row in rows]


async def _standing(
    connection: Connection, claim: Claim, order: Order, taking: Taker, seen_version: int | None
) -> tuple[Standing, float]:
    """The offer and since when it stands. A load on the board is one to everybody, until it leaves the board."""
    if claim.offer == BOARD:
        current = seen_version in (None, order.version)
        return Standing(OfferStatus.LIVE, order.stands_until, current), order.board_at or order.created_at
    row = await connection.fetchrow(STANDING, claim.offer, claim.driver)
    current = taking.visible and row["version"] == order.version
    return Standing(OfferStatus(row["status"]), row["expires_at"], current), row["made_at"]
