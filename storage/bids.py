"""Bids: placed, answered, taken. Every change locks the load's row first, as an accept does, then judges."""

from uuid import UUID

from dispatch.bids import AFTER, ALIVE, Act, Bid, BidStatus, Terms, sane
from dispatch.errors import Refusal
from dispatch.events import BidChanged, BidClosed, Event
from dispatch.model import Order, Party, Policy
from dispatch.sniping import Watch

from .bid_reads import BidReads
from .bid_rows import bid_of, end_bids, rank_bids
from .deciding import deciding
from .habits import pause_of, paused
from .order_reads import must_own
from .order_rows import lock_order
from .picking import BID, WHOSE, settle
from .placing import change, next_version, out_of_range, place
from .postgres import Connection, Pool, transaction
from .winning import Claim

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
# Primary keys.
SIDES = "SELECT b.driver_id, o.shipper_id FROM bids b JOIN orders o ON o.id = b.order_id WHERE b.id = $1"
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
            placed, events = await place(
                connection, self._policy, driver, order, terms, seen_order, changes, actor or driver
            )
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
                raise out_of_range(order, self._policy)
            next_version(found.version, seen, self._policy)
            terms = Terms(amount, valid_s, message)
            countered = await change(connection, self._policy, bid, "shipper", terms, party.user)
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
            return await rank_bids(connection, [order])

    # -- both, and the clock --------------------------------------------------------------------------------

    async def seen(self, user: int, bid: int, version: int) -> list[Event]:
        """This version is on the screen of the side that must answer: no push, and the other side knows."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(SEEN, bid, version, user)
            if row is not None:
                return [BidChanged(bid_of(row))]
            if user not in tuple(await connection.fetchrow(SIDES, bid) or ()):
                raise Refusal("not_found")
            return []

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
