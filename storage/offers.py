"""Offers under their order's lock: accept, decline, seen, expire, each inside the caller's transaction."""

from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from dispatch.errors import Refusal
from dispatch.events import Event, OfferEnded
from dispatch.model import OfferStatus, Order, Status, Vehicle
from dispatch.rounds import Acceptor, Outcome, Standing, judge, judge_driver

from .order_rows import ORDER, end_offers, hurry_searches, lock_order, order_of, step
from .postgres import Connection
from .vehicle_rows import carrier
from .visibility import unhidden

BOARD = 0  # stands for the offer in the answer to an accept from the board

# Primary keys.
OFFERED_ORDER = "SELECT order_id FROM offers WHERE id = $1 AND driver_id = $2"
STORED_ANSWER = "SELECT driver_id, offer_id, order_id, outcome FROM accepts WHERE accept_id = $1"
# ON CONFLICT: the same id used at the same moment for another order; whoever stored it first owns it.
STORE_ANSWER = """
INSERT INTO accepts (accept_id, driver_id, offer_id, order_id, outcome, at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING accept_id
"""
# Primary or unique keys by driver; ix_offers_order_id for the driver's own live offer of a board load.
STANDING = f"""
SELECT u.blocked, v.id AS vehicle_id, v.body, v.capacity_kg, v.volume_m3, v.length_m, v.width_m, v.height_m,
    v.sides, v.adr, v.temp_min_c, v.temp_max_c,
    coalesce(p.paid_until > clock_timestamp(), false) AS subscribed,
    EXISTS (SELECT FROM assignments a WHERE a.driver_id = u.id AND a.ended_at IS NULL) AS busy,
    f.status AS offer_status, extract(epoch FROM f.expires_at)::float8 AS offer_expires_at,
    f.version AS offer_version, {unhidden()} AS visible,
    (SELECT l.id FROM offers l WHERE l.order_id = $3 AND l.driver_id = u.id AND l.status = 'live')
        AS live_offer,
    extract(epoch FROM clock_timestamp())::float8 AS now
FROM users u
JOIN orders o ON o.id = $3
LEFT JOIN vehicles v ON v.driver_id = u.id
LEFT JOIN subscriptions p ON p.driver_id = u.id
LEFT JOIN offers f ON f.id = $2 AND f.driver_id = u.id
WHERE u.id = $1
"""

# The last line: the primary key (one winner in the order's history) and uq_assignments_driver (one load a
# driver). A parallel accept by the same driver waits here and then inserts nothing. So does one whose truck is
# being changed (storage.vehicles): FOR KEY SHARE waits, and then no longer finds it as the driver's.
ASSIGN = """
INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id, assigned_at)
SELECT $1, $2, v.id, $4, clock_timestamp() FROM vehicles v WHERE v.id = $3 AND v.driver_id = $2 FOR KEY SHARE
ON CONFLICT DO NOTHING RETURNING order_id
"""
# Primary key; outbox by its unique dedupe_key.
WIN_OFFER = """
WITH won AS (
    UPDATE offers SET status = 'accepted', ended_at = clock_timestamp(),
        seen_at = coalesce(seen_at, clock_timestamp())
    WHERE id = $1 RETURNING id
)
UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
WHERE dedupe_key IN (SELECT 'offer:' || id FROM won) AND state = 'due'
"""
# As ASSIGN; the load from the board is written as an offer won at once. last_positions by its primary key.
TAKE_FROM_BOARD = """
WITH assigned AS (
    INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id, assigned_at)
    SELECT $1, $2, v.id, nextval('offers_id_seq'), clock_timestamp()
    FROM vehicles v WHERE v.id = $3 AND v.driver_id = $2 FOR KEY SHARE ON CONFLICT DO NOTHING
    RETURNING order_id, driver_id, offer_id, assigned_at AS now
)
INSERT INTO offers (id, order_id, driver_id, status, wave, deadhead_m, score, reasons, made_at, seen_at,
    expires_at, ended_at)
SELECT t.offer_id, t.order_id, t.driver_id, 'accepted', o.wave,
    coalesce(ST_DistanceSphere(l.point, o.pickup_point), 0), 0, '{"board": 1}'::jsonb, t.now, t.now, t.now,
    t.now
FROM assigned t JOIN orders o ON o.id = t.order_id LEFT JOIN last_positions l ON l.driver_id = t.driver_id
RETURNING id
"""
# ix_offers_driver_live, then primary keys. Orders that somebody else is deciding now are passed over (waiting
# for them while holding ours could deadlock): such an offer cannot win any more and ends by its time.
LOCK_OTHER_ORDERS = """
SELECT id FROM orders WHERE id IN (
    SELECT order_id FROM offers WHERE driver_id = $1 AND status = 'live' AND order_id <> $2)
FOR NO KEY UPDATE SKIP LOCKED
"""
# ix_offers_driver_live; outbox by its unique dedupe_key.
WITHDRAW_OTHERS = """
WITH ended AS (
    UPDATE offers SET status = 'withdrawn', ended_at = clock_timestamp()
    WHERE driver_id = $1 AND status = 'live' AND order_id = ANY($2::bigint[]) RETURNING id, order_id
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'offer:' || id FROM ended) AND state = 'due'
)
SELECT id, order_id FROM ended ORDER BY id
"""

# Primary key; outbox by its unique dedupe_key.
DECLINE = """
WITH ended AS (
    UPDATE offers SET status = 'declined', ended_at = clock_timestamp()
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What an accept came to; `order` is told to the winner only, `events` to everybody after COMMIT."""

    outcome: Outcome
    order: Order
    events: list[Event] = field(default_factory=list)

    def won(self) -> tuple[Order, list[Event]]:
        """The order and the events, or the Refusal for a loss. Call it after COMMIT: a loss is stored too."""
        if self.outcome is not Outcome.WON:
            raise Refusal(self.outcome)
        return self.order, self.events


async def answer(
    connection: Connection, driver: int, accept_id: UUID, *, offer: int = BOARD, order: int | None = None
) -> Answer:
    """Decides the accept of an offer, or of an order from the board, once and for all.

    Refusal `not_found` for another's offer or an order that is not on the board, `idempotency_conflict` for
    an accept_id that was used for something else; neither is stored.
    """
    if told := await _stored(connection, driver, accept_id, offer, order):
        return told
    if order is None:
        order = await connection.fetchval(OFFERED_ORDER, offer, driver)
    locked = await lock_order(connection, order) if order is not None else None
    if locked is None:
        raise Refusal("not_found")
    # Again, now that nobody else can decide: a parallel retry may have been answered while this one waited.
    if told := await _stored(connection, driver, accept_id, offer, order):
        return told
    row = await connection.fetchrow(STANDING, driver, offer, locked.id)
    if row is None or (offer == BOARD and (locked.board_at is None or not row["visible"])):
        raise Refusal("not_found")
    outcome = judge(locked.status, _standing(row, offer, locked), row["now"])
    vehicle = _vehicle(row)
    if outcome is Outcome.WON:
        outcome = judge_driver(locked.load, Acceptor(vehicle, row["subscribed"], row["busy"], row["blocked"]))
    decided = Answer(outcome, locked)
    if outcome is Outcome.WON and vehicle is not None:
        decided = await _assign(connection, locked, driver, vehicle, offer or row["live_offer"])
    if not await connection.fetchval(STORE_ANSWER, accept_id, driver, offer, locked.id, decided.outcome):
        raise Refusal("idempotency_conflict")
    return decided


async def decline(connection: Connection, driver: int, offer: int) -> list[Event]:
    """Ends the driver's live offer; one that has already ended stays as it is. `not_found` for another's."""
    order = await connection.fetchval(OFFERED_ORDER, offer, driver)
    if order is None:
        raise Refusal("not_found")
    await lock_order(connection, order)
    if await connection.fetchval(DECLINE, offer, driver) is None:
        return []
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


async def _stored(
    connection: Connection, driver: int, accept_id: UUID, offer: int, order: int | None
) -> Answer | None:
    """The answer that was given under this accept_id, if one was."""
    row = await connection.fetchrow(STORED_ANSWER, accept_id)
    if row is None:
        return None
    if (row["driver_id"], row["offer_id"]) != (driver, offer) or order not in (None, row["order_id"]):
        raise Refusal("idempotency_conflict")
    return Answer(Outcome(row["outcome"]), order_of(await connection.fetchrow(ORDER, row["order_id"])))


def _standing(row: asyncpg.Record, offer: int, order: Order) -> Standing:
    """A load on the board is an offer to everybody, good until the order itself expires."""
    if offer == BOARD:
        return Standing(OfferStatus.LIVE, order.expires_at)
    current = row["visible"] and row["offer_version"] == order.version
    return Standing(OfferStatus(row["offer_status"]), row["offer_expires_at"], current)


def _vehicle(row: asyncpg.Record) -> Vehicle | None:
    if row["vehicle_id"] is None:
        return None
    return carrier(row)


async def _assign(
    connection: Connection, order: Order, driver: int, vehicle: Vehicle, offer: int | None
) -> Answer:
    """Writes the win: assignment, offers, order, and everybody who must hear of it."""
    won: int | None = offer
    if offer is None:
        won = await connection.fetchval(TAKE_FROM_BOARD, order.id, driver, vehicle.id)
    elif await connection.fetchval(ASSIGN, order.id, driver, vehicle.id, offer) is None:
        won = None
    else:
        await connection.execute(WIN_OFFER, offer)
    if won is None:
        # Under the order's lock it was free, so what stands in the way is the driver's other load.
        return Answer(Outcome.BUSY, order)
    events = await end_offers(connection, order.id, OfferStatus.LOST, "taken", spare=won)
    free = [row["id"] for row in await connection.fetch(LOCK_OTHER_ORDERS, driver, order.id)]
    if free:
        rows = await connection.fetch(WITHDRAW_OTHERS, driver, free)
        events += [OfferEnded(row["id"], row["order_id"], driver, "withdrawn") for row in rows]
        await hurry_searches(connection, free)
    assigned, event = await step(connection, order, Status.ASSIGNED, actor=driver, driver=driver)
    return Answer(Outcome.WON, assigned, [event, *events])
