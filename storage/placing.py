"""A bid gets its terms: the driver's first word, his next one, or the shipper's answer. Under the load's lock."""

import asyncpg

from dispatch.bids import Bid, BidStatus, Terms, bounds, why_not_bid
from dispatch.errors import Refusal
from dispatch.events import BidChanged, BidMade, Event
from dispatch.model import Money, Order, Policy
from dispatch.rounds import Acceptor, Outcome, judge_driver

from .bid_rows import bid_of, end_bids
from .bidders import bidders
from .billing.access import entitled
from .order_rows import lock_order
from .postgres import Connection
from .vehicle_rows import CARRIER
from .visibility import sees, unhidden
from .winning import vehicle_of

# uq_bids_live.
OWN_ALIVE = """
SELECT id, version, expires_at <= clock_timestamp() AS over FROM bids
WHERE order_id = $1 AND driver_id = $2 AND status IN ('live', 'countered')
"""
# Primary or unique keys by driver; ix_offers_order_id, ix_bids_driver_live and ix_bids_order_id for the counts.
BIDDING = f"""
SELECT u.blocked, {CARRIER},
    {entitled("u.id")} AS subscribed,
    (SELECT count(*) > 1 OR bool_or(h.status <> 'at_drop') FROM assignments a JOIN orders h
        ON h.id = a.order_id WHERE a.driver_id = u.id AND a.ended_at IS NULL) AS busy,
    {unhidden()} AS unhidden,
    {sees()} AND (o.board_at IS NOT NULL
        OR EXISTS (SELECT FROM offers f WHERE f.order_id = o.id AND f.driver_id = u.id)) AS reachable,
    (SELECT count(*) FROM bids b WHERE b.driver_id = u.id AND b.status IN ('live', 'countered')) AS alive,
    (SELECT count(*) FROM bids b WHERE b.driver_id = u.id AND b.order_id = o.id) AS on_this,
    extract(epoch FROM clock_timestamp())::float8 AS now
FROM users u
JOIN orders o ON o.id = $2
LEFT JOIN vehicles v ON v.driver_id = u.id
WHERE u.id = $1
"""

# Primary key of orders. Bid, its first version and the shipper's push are one statement. $1 order, $2 driver,
# $3-$6 amount, message, arrival, free from, $7 seconds it is good for, $8 who acts, $9 seconds to the push.
PLACE_BID = """
WITH placed AS (
    INSERT INTO bids (order_id, driver_id, status, order_version, amount, currency, message, eta_at,
        available_from, acted_by, made_at, changed_at, expires_at)
    SELECT o.id, $2, 'live', o.version, $3, o.price_currency, $4, to_timestamp($5::float8),
        to_timestamp($6::float8), $8, t.now, t.now, least(t.now + make_interval(secs => $7), o.expires_at)
    FROM orders o, (SELECT clock_timestamp() AS now) AS t WHERE o.id = $1 RETURNING *
), noted AS (
    INSERT INTO bid_versions (bid_id, version, side, amount, message, eta_at, available_from, expires_at,
        actor_id, at)
    SELECT id, version, 'driver', amount, message, eta_at, available_from, expires_at, acted_by, changed_at
    FROM placed
), pushed AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at)
    SELECT o.shipper_id, 'bid.made', jsonb_build_object('bid', b.id, 'order', b.order_id),
        'bid:' || b.id || ':' || b.version, b.changed_at + make_interval(secs => $9), b.expires_at
    FROM placed b JOIN orders o ON o.id = b.order_id
)
SELECT b.*, o.shipper_id FROM placed b JOIN orders o ON o.id = b.order_id
"""
# Primary keys; outbox by its unique dedupe_key. The new version's push takes the place of the old one's. $1 bid,
# $2 side, $3-$6 as above (a shipper changes amount and message only), $7-$9 as above.
CHANGE_BID = """
WITH changed AS (
    UPDATE bids b SET version = b.version + 1, changed_at = t.now, seen_at = NULL, order_version = o.version,
        expires_at = least(t.now + make_interval(secs => $7), o.expires_at),
        status = CASE WHEN $2 = 'driver' THEN 'live' ELSE 'countered' END,
        amount = CASE WHEN $2 = 'driver' THEN $3 ELSE b.amount END,
        message = CASE WHEN $2 = 'driver' THEN $4 ELSE b.message END,
        eta_at = CASE WHEN $2 = 'driver' THEN to_timestamp($5::float8) ELSE b.eta_at END,
        available_from = CASE WHEN $2 = 'driver' THEN to_timestamp($6::float8) ELSE b.available_from END,
        acted_by = CASE WHEN $2 = 'driver' THEN $8 ELSE b.acted_by END,
        counter_amount = CASE WHEN $2 = 'driver' THEN NULL ELSE $3 END,
        counter_message = CASE WHEN $2 = 'driver' THEN '' ELSE $4 END
    FROM orders o, (SELECT clock_timestamp() AS now) AS t
    WHERE b.id = $1 AND o.id = b.order_id RETURNING b.*, o.shipper_id
), noted AS (
    INSERT INTO bid_versions (bid_id, version, side, amount, message, eta_at, available_from, expires_at,
        actor_id, at)
    SELECT id, version, $2, $3, $4, to_timestamp($5::float8), to_timestamp($6::float8), expires_at, $8,
        changed_at
    FROM changed
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'bid:' || id || ':' || version - 1 FROM changed) AND state = 'due'
), pushed AS (
    INSERT INTO outbox (user_id, kind, payload, dedupe_key, due_at, expires_at)
    SELECT CASE WHEN $2 = 'driver' THEN shipper_id ELSE driver_id END, 'bid.changed',
        jsonb_build_object('bid', id, 'order', order_id),
        'bid:' || id || ':' || version, changed_at + make_interval(secs => $9), expires_at
    FROM changed
)
SELECT * FROM changed
"""


async def place(
    connection: Connection,
    policy: Policy,
    driver: int,
    order: int,
    terms: Terms,
    seen_order: int | None,
    changes: int,
    actor: int,
) -> tuple[Bid, list[Event]]:
    """A driver's bid as `BidStore.place` tells it. A load that he may not know of is `not_found`."""
    locked = await lock_order(connection, order)
    row = None if locked is None else await connection.fetchrow(BIDDING, driver, order)
    if locked is None or row is None:
        raise Refusal("not_found")
    own = await connection.fetchrow(OWN_ALIVE, order, driver)
    if not (row["reachable"] or (own is not None and row["unhidden"])):
        raise Refusal("not_found")
    terms = _fitting(locked, row, terms, seen_order, policy)
    events: list[Event] = []
    if own is not None and own["over"]:
        events += await end_bids(connection, [own["id"]], BidStatus.EXPIRED)
        own = None
    if own is not None:
        next_version(own["version"], changes, policy)
        changed = await change(connection, policy, own["id"], "driver", terms, actor)
        return changed, [*events, BidChanged(changed)]
    _room(row, changes, policy)
    values = (terms.amount, terms.message, terms.eta_at, terms.available_from, terms.valid_s)
    placed = bid_of(await connection.fetchrow(PLACE_BID, order, driver, *values, actor, policy.push_after_s))
    return placed, [*events, BidMade(placed, (await bidders(connection, [driver]))[driver])]


async def change(
    connection: Connection, policy: Policy, bid: int, side: str, terms: Terms, actor: int
) -> Bid:
    """The next version of a live bid: the driver's terms, or the shipper's price."""
    values = (terms.amount, terms.message, terms.eta_at, terms.available_from, terms.valid_s)
    return bid_of(await connection.fetchrow(CHANGE_BID, bid, side, *values, actor, policy.push_after_s))


def next_version(version: int, seen: int, policy: Policy) -> None:
    """Refuses a change of another version than was on the screen, and one too many."""
    if not seen:
        raise Refusal("bid_exists")
    if seen != version:
        raise Refusal("version_stale")
    if version >= policy.max_bid_versions:
        raise Refusal("bids_too_many", "this bid was changed too often")


def out_of_range(order: Order, policy: Policy) -> Refusal:
    """A price that is no price for this load, with those that are."""
    low, high = bounds(order.price, policy)
    currency = order.price.currency
    return Refusal(
        "bid_out_of_range",
        "from {low:money} to {high:money}",
        low=Money(low, currency),
        high=Money(high, currency),
    )


def _fitting(
    order: Order, row: asyncpg.Record, terms: Terms, seen_order: int | None, policy: Policy
) -> Terms:
    """The terms as they may be stored, or the Refusal."""
    why = why_not_bid(order, terms, seen_order, row["now"], policy)
    if why == "bid_out_of_range":
        raise out_of_range(order, policy)
    if why is not None:
        raise Refusal(why)
    later = terms.available_from is not None and terms.available_from > row["now"]
    busy = bool(row["busy"]) and not later
    outcome = judge_driver(order.load, Acceptor(vehicle_of(row), row["subscribed"], busy, row["blocked"]))
    if outcome is not Outcome.WON:
        raise Refusal(outcome)
    # "Free from" a moment that is over is free now.
    return terms if later else Terms(terms.amount, terms.valid_s, terms.message, terms.eta_at)


def _room(row: asyncpg.Record, changes: int, policy: Policy) -> None:
    """Whether one more bid of this driver may be live."""
    if changes:
        raise Refusal("bid_closed")
    if row["alive"] >= policy.max_live_bids:
        limit = policy.max_live_bids
        raise Refusal("bids_too_many", "at most {n} live bid", plural="at most {n} live bids", n=limit)
    if row["on_this"] >= policy.max_bids_an_order:
        limit = policy.max_bids_an_order
        raise Refusal(
            "bids_too_many", "at most {n} bid on a load", plural="at most {n} bids on a load", n=limit
        )
