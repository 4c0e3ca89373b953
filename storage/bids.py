"""Bids: placed, answered, taken. Every change locks the load's row first, as an accept does, then judges."""

from uuid import UUID

import asyncpg

from dispatch.bids import (
    AFTER,
    ALIVE,
    Act,
    Bid,
    BidStatus,
    Terms,
    bounds,
    sane,
    why_not_bid,
)
from dispatch.errors import Refusal
from dispatch.events import BidChanged, BidClosed, BidMade, Event
from dispatch.model import Money, Order, Party, Policy
from dispatch.rounds import Acceptor, Outcome, judge_driver
from dispatch.sniping import Watch

from .bid_reads import BidReads
from .bid_rows import bid_of, end_bids, rank_bids
from .bidders import bidders
from .deciding import deciding
from .habits import pause_of, paused
from .order_reads import must_own
from .order_rows import lock_order
from .picking import BID, WHOSE, settle
from .postgres import Connection, Pool, transaction
from .vehicle_rows import CARRIER
from .visibility import sees, unhidden
from .winning import Claim, vehicle_of

# uq_bids_live.
OWN_ALIVE = """
SELECT id, version, expires_at <= clock_timestamp() AS over FROM bids
WHERE order_id = $1 AND driver_id = $2 AND status IN ('live', 'countered')
"""
# Primary or unique keys by driver; ix_offers_order_id, ix_bids_driver_live and ix_bids_order_id for the counts.
BIDDING = f"""
SELECT u.blocked, {CARRIER},
    coalesce(p.paid_until > clock_timestamp(), false) AS subscribed,
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
LEFT JOIN subscriptions p ON p.driver_id = u.id
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
# Primary keys; outbox by its unique dedupe_key. Bid before push, as every statement here locks them. $2 is the
# version that was on the screen, $3 whose screen: only the side that must answer counts.
SEEN = """
WITH shown AS (
    UPDATE bids b SET seen_at = clock_timestamp() FROM orders o
    WHERE b.id = $1 AND b.version = $2 AND b.seen_at IS NULL AND o.id = b.order_id
        AND ((b.status = 'live' AND o.shipper_id = $3) OR (b.status = 'countered' AND b.driver_id = $3))
    RETURNING b.*, o.shipper_id
), silenced AS (
    UPDATE outbox SET state = 'cancelled', done_at = clock_timestamp()
    WHERE dedupe_key IN (SELECT 'bid:' || id || ':' || version FROM shown) AND state = 'due'
)
SELECT * FROM shown
"""
# Primary key.
OPEN_BIDDING = "UPDATE orders SET open_bids = $2 WHERE id = $1"

# ix_bids_due, then primary keys. A load under decision is passed over and met again by the next sweep.
LOCK_ORDERS_OF_DUE_BIDS = """
SELECT id FROM orders WHERE id IN (
    SELECT DISTINCT order_id FROM bids
    WHERE status IN ('live', 'countered') AND expires_at <= (SELECT clock_timestamp()) LIMIT $1)
FOR NO KEY UPDATE SKIP LOCKED
"""
# ix_bids_order_id.
DUE_BIDS = """
SELECT id FROM bids WHERE order_id = ANY($1::bigint[]) AND status IN ('live', 'countered')
    AND expires_at <= clock_timestamp() ORDER BY id
"""


class BidStore(BidReads):
    """The arbiter of bids: one method, one transaction. Events are told by the caller, after COMMIT."""

    def __init__(self, pool: Pool, policy: Policy, watch: Watch | None = None) -> None:
        super().__init__(pool)
        self._policy = policy
        self._watch = watch

    # -- the driver -----------------------------------------------------------------------------------------

    async def place(
        self,
        driver: int,
        order: int,
        terms: Terms,
        *,
        seen_order: int | None = None,
        changes: int = 0,
        actor: int | None = None,
    ) -> tuple[Bid, list[Event]]:
        """A new bid; with `changes` the next version of the live one, which must stand at that version.

        `seen_order` is the version of the load that was on the screen. Nothing is stored with a Refusal.
        """
        async with deciding(self._pool) as connection:
            if self._watch is not None and (wait_s := await pause_of(connection, driver, self._watch)):
                raise paused(wait_s)
            locked = await lock_order(connection, order)
            row = None if locked is None else await connection.fetchrow(BIDDING, driver, order)
            if locked is None or row is None:
                raise Refusal("not_found")
            own = await connection.fetchrow(OWN_ALIVE, order, driver)
            if not (row["reachable"] or (own is not None and row["unhidden"])):
                raise Refusal("not_found")
            terms = self._fitting(locked, row, terms, seen_order)
            events: list[Event] = []
            if own is not None and own["over"]:
                events += await end_bids(connection, [own["id"]], BidStatus.EXPIRED)
                own = None
            values = (terms.amount, terms.message, terms.eta_at, terms.available_from, terms.valid_s)
            who = (actor or driver, self._policy.push_after_s)
            if own is None:
                self._room(row, changes)
                placed = bid_of(await connection.fetchrow(PLACE_BID, order, driver, *values, *who))
                bidder = (await bidders(connection, [driver]))[driver]
                events.append(BidMade(placed, bidder))
            else:
                self._turn(own["version"], changes)
                placed = bid_of(await connection.fetchrow(CHANGE_BID, own["id"], "driver", *values, *who))
                events.append(BidChanged(placed))
            ranked = await rank_bids(connection, [order])
        return _newest(placed, ranked), events + ranked

    async def withdraw(self, driver: int, bid: int) -> tuple[Bid, list[Event]]:
        """The driver takes the word back; a bid already withdrawn stays so."""
        async with deciding(self._pool) as connection:
            found, _ = await self._locked(connection, bid, driver=driver)
            return await self._end(connection, found, Act.WITHDRAW, "", push_to="shipper")

    async def accept(
        self, driver: int, bid: int, accept_id: UUID, seen: int, *, actor: int | None = None
    ) -> tuple[Order, list[Event]]:
        """The driver takes the counter-offer: the load, won at that price, or the Refusal that is kept."""
        async with deciding(self._pool) as connection:
            whose = await connection.fetchrow(WHOSE, bid)
            if whose is None or whose["driver_id"] != driver:
                raise Refusal("not_found")
            claim = Claim(accept_id, actor or driver, driver, whose["order_id"], bid=bid)
            answer = await settle(connection, claim, Act.ACCEPT, seen, None, self._watch)
        return answer.won()

    # -- the shipper ----------------------------------------------------------------------------------------

    async def counter(
        self, party: Party, bid: int, amount: int, valid_s: float, message: str, seen: int
    ) -> tuple[Bid, list[Event]]:
        """Another price for the driver to think about."""
        async with deciding(self._pool) as connection:
            found, order = await self._locked(connection, bid, party=party)
            _may(found, Act.COUNTER)
            if not sane(amount, order.price, self._policy):
                raise self._out_of_range(order)
            self._turn(found.version, seen)
            values = (amount, message, None, None, valid_s, party.user, self._policy.push_after_s)
            countered = bid_of(await connection.fetchrow(CHANGE_BID, bid, "shipper", *values))
        return countered, [BidChanged(countered)]

    async def decline(self, party: Party, bid: int, reason: str) -> tuple[Bid, list[Event]]:
        """The shipper does not want it; one already declined stays so."""
        async with deciding(self._pool) as connection:
            found, _ = await self._locked(connection, bid, party=party)
            return await self._end(connection, found, Act.DECLINE, reason, push_to="driver")

    async def pick(self, party: Party, bid: int, accept_id: UUID, seen: int) -> tuple[Order, list[Event]]:
        """The load goes to this bid at its price; one winner, and a retry gets the same answer."""
        async with deciding(self._pool) as connection:
            whose = await connection.fetchrow(WHOSE, bid)
            if whose is None:
                raise Refusal("not_found")
            claim = Claim(accept_id, party.user, whose["driver_id"], whose["order_id"], bid=bid)
            answer = await settle(connection, claim, Act.PICK, seen, party, self._watch)
        return answer.won()

    async def open_bidding(self, party: Party, order: int, opened: bool) -> list[Event]:
        """Whether bidders are told that a lower bid is live."""
        async with deciding(self._pool) as connection:
            locked = await lock_order(connection, order)
            if locked is None:
                raise Refusal("not_found")
            must_own(locked, party)
            await connection.execute(OPEN_BIDDING, order, opened)
            return await rank_bids(connection, [order]) if opened else []

    # -- both, and the clock --------------------------------------------------------------------------------

    async def seen(self, user: int, bid: int, version: int) -> list[Event]:
        """This version is on the screen of the side that must answer: no push, and the other side knows."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(SEEN, bid, version, user)
            return [] if row is None else [BidChanged(bid_of(row))]

    async def expire(self, limit: int) -> list[Event]:
        """Ends what is past its time by the database's clock, of at most `limit` loads."""
        async with transaction(self._pool) as connection:
            orders = [row["id"] for row in await connection.fetch(LOCK_ORDERS_OF_DUE_BIDS, limit)]
            if not orders:
                return []
            due = [row["id"] for row in await connection.fetch(DUE_BIDS, orders)]
            events = await end_bids(connection, due, BidStatus.EXPIRED)
            return events + await rank_bids(connection, orders)

    # -- parts ----------------------------------------------------------------------------------------------

    def _fitting(self, order: Order, row: asyncpg.Record, terms: Terms, seen_order: int | None) -> Terms:
        """The terms as they may be stored, or the Refusal."""
        why = why_not_bid(order, terms, seen_order, row["now"], self._policy)
        if why == "bid_out_of_range":
            raise self._out_of_range(order)
        if why is not None:
            raise Refusal(why)
        later = terms.available_from is not None and terms.available_from > row["now"]
        busy = bool(row["busy"]) and not later
        outcome = judge_driver(order.load, Acceptor(vehicle_of(row), row["subscribed"], busy, row["blocked"]))
        if outcome is not Outcome.WON:
            raise Refusal(outcome)
        # "Free from" a moment that is over is free now.
        return terms if later else Terms(terms.amount, terms.valid_s, terms.message, terms.eta_at)

    def _out_of_range(self, order: Order) -> Refusal:
        low, high = bounds(order.price, self._policy)
        return Refusal(
            "bid_out_of_range",
            "from {low:money} to {high:money}",
            low=Money(low, order.price.currency),
            high=Money(high, order.price.currency),
        )

    def _room(self, row: asyncpg.Record, changes: int) -> None:
        if changes:
            raise Refusal("bid_closed")
        if row["alive"] >= self._policy.max_live_bids:
            limit = self._policy.max_live_bids
            raise Refusal("bids_too_many", "at most {n} live bid", plural="at most {n} live bids", n=limit)
        if row["on_this"] >= self._policy.max_bids_an_order:
            limit = self._policy.max_bids_an_order
            raise Refusal(
                "bids_too_many", "at most {n} bid on a load", plural="at most {n} bids on a load", n=limit
            )

    def _turn(self, version: int, seen: int) -> None:
        if not seen:
            raise Refusal("bid_exists")
        if seen != version:
            raise Refusal("version_stale")
        if version >= self._policy.max_bid_versions:
            raise Refusal("bids_too_many", "this bid was changed too often")

    async def _locked(
        self, connection: Connection, bid: int, *, driver: int | None = None, party: Party | None = None
    ) -> tuple[Bid, Order]:
        """The bid of this driver, or on this party's load, its load locked; `not_found` otherwise."""
        whose = await connection.fetchrow(WHOSE, bid)
        if whose is None or (driver is not None and whose["driver_id"] != driver):
            raise Refusal("not_found")
        order = await lock_order(connection, whose["order_id"])
        if order is None:
            raise Refusal("not_found")
        if party is not None:
            must_own(order, party)
        return bid_of(await connection.fetchrow(BID, bid)), order

    async def _end(
        self, connection: Connection, bid: Bid, act: Act, reason: str, *, push_to: str
    ) -> tuple[Bid, list[Event]]:
        how = AFTER[BidStatus.LIVE, act]
        if bid.status is how:
            return bid, []
        _may(bid, act)
        ended = await end_bids(connection, [bid.id], how, reason, push_to=push_to)
        events = ended + await rank_bids(connection, [bid.order])
        return next(event.bid for event in ended if isinstance(event, BidClosed)), events


def _may(bid: Bid, act: Act) -> None:
    if (bid.status, act) in AFTER:
        return
    if bid.status in ALIVE:
        raise Refusal("bid_turn")
    raise Refusal("bid_expired" if bid.status is BidStatus.EXPIRED else "bid_closed")


def _newest(bid: Bid, ranked: list[Event]) -> Bid:
    """The bid with its standing among the others, which may have been found out after it was placed."""
    for event in ranked:
        if isinstance(event, BidChanged) and event.bid.id == bid.id:
            return event.bid
    return bid
