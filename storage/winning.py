"""How a load is won, whichever way it was taken: an offer, the board, a bid that was picked, a counter-offer.

The order of locks is the same for all: the order's row, then the driver's. Whoever holds an order waits for a
driver only for as long as that driver wins elsewhere, and nobody who holds a driver waits for an order.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from dispatch.errors import Refusal
from dispatch.events import Event, OfferEnded
from dispatch.model import OfferKind, OfferStatus, Order, Status, Vehicle
from dispatch.rounds import Acceptor, Outcome

from .bid_rows import win_bid, withdraw_bids
from .billing.access import entitled
from .habits import paused
from .order_rows import ORDER, end_offers, hurry_searches, order_of, step
from .postgres import Connection
from .vehicle_rows import CARRIER, carrier
from .visibility import unhidden

# Primary key.
STORED_ANSWER = (
    "SELECT driver_id, offer_id, order_id, bid_id, actor_id, outcome FROM accepts WHERE accept_id = $1"
)
# ON CONFLICT: the same id used at the same moment for something else; whoever stored it first owns it.
STORE_ANSWER = """
INSERT INTO accepts (accept_id, driver_id, offer_id, order_id, bid_id, actor_id, outcome, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING accept_id
"""
# Primary key. After the order's lock: two wins of one driver come one after the other, so that the second sees
# what the first has made of his hands.
LOCK_DRIVER = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
# Primary or unique keys by driver; uq_assignments_driver holds two rows at most; ix_offers_order_id for the
# driver's own live offer of this load. A driver whose load is at its drop has one hand free for the next.
TAKER = f"""
SELECT u.blocked, {CARRIER},
    {entitled("u.id")} AS subscribed, {unhidden()} AS visible,
    (SELECT array_agg(a.slot) FROM assignments a WHERE a.driver_id = u.id AND a.ended_at IS NULL) AS slots,
    extract(epoch FROM clock_timestamp())::float8 AS now,
    EXISTS (SELECT FROM assignments a JOIN orders h ON h.id = a.order_id
        WHERE a.driver_id = u.id AND a.ended_at IS NULL AND h.status <> 'at_drop') AS hauling,
    (SELECT l.id FROM offers l WHERE l.order_id = o.id AND l.driver_id = u.id AND l.status = 'live')
        AS live_offer
FROM users u
JOIN orders o ON o.id = $2
LEFT JOIN vehicles v ON v.driver_id = u.id
WHERE u.id = $1
"""

# The last line: the primary key (one winner in the order's history) and uq_assignments_driver (one load a hand).
ASSIGN = """
INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id, slot, bid_id, acted_by, assigned_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING order_id
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
# As ASSIGN; what was won without an offer is written as an offer won at once. last_positions by its primary key.
ASSIGN_UNOFFERED = """
WITH assigned AS (
    INSERT INTO assignments (order_id, driver_id, vehicle_id, offer_id, slot, bid_id, acted_by, assigned_at)
    VALUES ($1, $2, $3, nextval('offers_id_seq'), $4, $5, $6, clock_timestamp()) ON CONFLICT DO NOTHING
    RETURNING order_id, driver_id, offer_id, assigned_at AS now
)
INSERT INTO offers (id, order_id, driver_id, status, version, kind, wave, deadhead_m, score, reasons, made_at,
    seen_at, expires_at, ended_at)
SELECT t.offer_id, t.order_id, t.driver_id, 'accepted', o.version, $7::text, o.wave,
    coalesce(ST_DistanceSphere(l.point, o.pickup_point), 0), 0, jsonb_build_object($7::text, 1), t.now, t.now,
    t.now, t.now
FROM assigned t JOIN orders o ON o.id = t.order_id LEFT JOIN last_positions l ON l.driver_id = t.driver_id
RETURNING id
"""
# Primary key. The price that was posted is kept in the event.
AGREE_PRICE = "UPDATE orders SET price_amount = $2 WHERE id = $1"

# ix_offers_driver_live and ix_bids_driver_live, then primary keys. Orders that somebody else is deciding now are
# passed over (waiting for them while holding ours could deadlock): what is left live there cannot win any more
# and ends by its time.
LOCK_OTHER_ORDERS = """
SELECT id FROM orders WHERE id IN (
    SELECT order_id FROM offers WHERE driver_id = $1 AND status = 'live' AND order_id <> $2
    UNION SELECT order_id FROM bids
        WHERE driver_id = $1 AND status IN ('live', 'countered') AND order_id <> $2 AND available_from IS NULL)
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

HANDS = (0, 1)  # assignments.slot


@dataclass(frozen=True, slots=True)
class Answer:
    """What an accept or a pick came to; `order` is told to the winner only, `events` to everybody after COMMIT."""

    outcome: Outcome
    order: Order | None
    events: list[Event] = field(default_factory=list)
    wait_s: float = 0.0  # until the same may be asked again, of somebody who is to cool down

    def won(self) -> tuple[Order, list[Event]]:
        """The order and the events, or the Refusal for a loss. Call it after COMMIT: a loss is stored too."""
        if self.outcome is Outcome.COOLING_DOWN:
            raise paused(self.wait_s)
        if self.outcome is not Outcome.WON or self.order is None:
            raise Refusal(self.outcome)
        return self.order, self.events


class Claim(NamedTuple):
    """What an accept_id stands for, so that it cannot be used for anything else. 0 is the board, or no bid."""

    accept_id: UUID
    actor: int
    driver: int
    order: int
    offer: int = 0
    bid: int = 0


class Taker(NamedTuple):
    """The driver under the locks: may he, with which truck, in which hand."""

    acceptor: Acceptor
    vehicle: Vehicle | None
    hand: int
    live_offer: int | None
    visible: bool
    now: float  # the database's clock


async def stored(connection: Connection, claim: Claim) -> Answer | None:
    """The answer that was given under this accept_id, if one was. An `order` of 0 in the claim is any."""
    row = await connection.fetchrow(STORED_ANSWER, claim.accept_id)
    if row is None:
        return None
    was = (
        row["driver_id"] if row["actor_id"] is None else row["actor_id"],
        row["driver_id"],
        row["offer_id"],
    )
    same = was == (claim.actor, claim.driver, claim.offer) and (row["bid_id"] or 0) == claim.bid
    if not same or claim.order not in (0, row["order_id"]):
        raise Refusal("idempotency_conflict")
    return Answer(Outcome(row["outcome"]), order_of(await connection.fetchrow(ORDER, row["order_id"])))


async def store(connection: Connection, claim: Claim, outcome: Outcome) -> None:
    """Keeps the answer; `idempotency_conflict` when the id was used for something else meanwhile."""
    kept = await connection.fetchval(
        STORE_ANSWER,
        claim.accept_id,
        claim.driver,
        claim.offer,
        claim.order,
        claim.bid or None,
        claim.actor,
        outcome,
    )
    if kept is None:
        raise Refusal("idempotency_conflict")


async def taker(connection: Connection, driver: int, order: Order) -> Taker | None:
    """The driver as he stands, his row locked while the load can still be won; None when there is none."""
    if order.status is Status.OPEN:
        await connection.execute(LOCK_DRIVER, driver)
    row = await connection.fetchrow(TAKER, driver, order.id)
    if row is None:
        return None
    free = [hand for hand in HANDS if hand not in (row["slots"] or ())]
    busy = row["hauling"] or not free
    vehicle = vehicle_of(row)
    acceptor = Acceptor(vehicle, row["subscribed"], busy, row["blocked"])
    return Taker(acceptor, vehicle, 0 if busy else free[0], row["live_offer"], row["visible"], row["now"])


def vehicle_of(row: asyncpg.Record) -> Vehicle | None:
    """The driver's truck from a joined row."""
    if row["vehicle_id"] is None:
        return None
    return carrier(row)


async def win(
    connection: Connection,
    order: Order,
    claim: Claim,
    taking: Taker,
    kind: OfferKind,
    *,
    price: int | None = None,
) -> Answer:
    """Writes the win: assignment, offers, bids, order, and everybody who must hear of it.

    `price` in minor units replaces the posted one. The caller has judged, under the locks.
    """
    vehicle = taking.vehicle
    if vehicle is None:
        raise Refusal("vehicle_required")
    driver, bid = claim.driver, claim.bid or None
    won: int | None = claim.offer or taking.live_offer
    hands = (taking.hand, bid, claim.actor)
    if won is None:
        won = await connection.fetchval(ASSIGN_UNOFFERED, order.id, driver, vehicle.id, *hands, kind)
    elif await connection.fetchval(ASSIGN, order.id, driver, vehicle.id, won, *hands) is None:
        won = None
    else:
        await connection.execute(WIN_OFFER, won)
    if won is None:
        # Under the order's lock it was free, so what stands in the way is the driver's other load.
        return Answer(Outcome.BUSY, order)
    events = await end_offers(connection, order.id, OfferStatus.LOST, "taken", spare=won)
    events += await win_bid(connection, order, driver, claim.bid)
    free = [row["id"] for row in await connection.fetch(LOCK_OTHER_ORDERS, driver, order.id)]
    if free:
        rows = await connection.fetch(WITHDRAW_OTHERS, driver, free)
        events += [OfferEnded(row["id"], row["order_id"], driver, "withdrawn") for row in rows]
        events += await withdraw_bids(connection, driver, free)
        await hurry_searches(connection, free)
    detail: dict[str, Any] = {}
    if price is not None:
        detail = {"asked": order.price.amount, "agreed": price, "bid": claim.bid}
        await connection.execute(AGREE_PRICE, order.id, price)
    assigned, event = await step(
        connection, order, Status.ASSIGNED, actor=claim.actor, driver=driver, detail=detail
    )
    return Answer(Outcome.WON, assigned, [event, *events])
