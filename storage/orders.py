"""Orders: placed once, won once, moved step by step. Every decision locks the order's row, then judges."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

from dispatch.bids import BidStatus
from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import ENDED, Actor, NewOrder, OfferStatus, Order, Party, Status, allowed
from dispatch.sniping import Watch

from . import habits, offers
from .bid_rows import close_bids
from .candidates import CLAIM_DUE, SearchClaim
from .deciding import deciding
from .order_reads import OrderReads, must_own
from .order_rows import END_ASSIGNMENT, content_values, end_offers, lock_order, order_of, step
from .postgres import Connection, Pool, Unreachable, transaction

# Rows of two tables in one statement, hence one transaction.
PLACE = """
WITH placed AS (
    INSERT INTO orders (shipper_id, status, seq, created_at, expires_at, seek_at, price_amount,
        price_currency, company_id, private,
        pickup_city, pickup_name, pickup_point, drop_city, drop_name, drop_point, pickup_from, pickup_to,
        drop_from, drop_to, stops, cargo, kind, weight_kg, volume_m3, body, other_bodies, pieces, length_m,
        width_m, height_m, sides, temp_min_c, temp_max_c, adr, documents, distance_m, duration_s,
        distance_origin, pricing, payment_method, payment_when, payment_days, prepay_percent, vat, comment)
    VALUES ($1, 'open', 1, now(), now() + make_interval(secs => $2), CASE WHEN NOT $6 THEN now() END,
        $3, $4, $5, $6,
        $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,
        $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42)
    RETURNING *
), noted AS (
    INSERT INTO order_events (order_id, seq, kind, status, actor_id)
    SELECT id, 1, 'placed', status, $1 FROM placed
)
SELECT placed.*, NULL::bigint AS driver_id FROM placed
"""

# ix_orders_expiry.
LOCK_DUE_ORDERS = """
SELECT o.*, NULL::bigint AS driver_id FROM orders o
WHERE status = 'open' AND expires_at <= (SELECT clock_timestamp())
ORDER BY expires_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""


class OrderStore(OrderReads):
    """The arbiter of orders and offers: one method, one transaction; implements dispatch.ports.Orders."""

    faults = Unreachable

    def __init__(self, pool: Pool, watch: Watch | None = None) -> None:
        """`watch` keeps an eye on drivers' habits; without it nobody is ever too fast."""
        super().__init__(pool)
        self._watch = watch

    # -- placing and searching ------------------------------------------------------------------------------

    async def add(self, order: NewOrder) -> Order:
        """The order, open and due for its search."""
        row = await self._pool.fetchrow(
            PLACE,
            order.shipper,
            order.valid_s,
            order.price.amount,
            order.price.currency,
            order.company,
            order.private,
            *content_values(order.haul, order.load, order.terms),
        )
        return order_of(row)

    @asynccontextmanager
    async def claim_due(self) -> AsyncIterator[SearchClaim | None]:
        """The order whose wave has been due longest, locked while the block runs; None when none is due."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(CLAIM_DUE)
            yield SearchClaim(connection, order_of(row), row["now"]) if row else None

    # -- offers: storage/offers.py tells how ----------------------------------------------------------------

    async def accept(
        self, driver: int, offer: int, accept_id: UUID, *, actor: int | None = None
    ) -> tuple[Order, list[Event]]:
        """The order, won. Otherwise a Refusal, the same one whenever this accept_id is sent again."""
        async with self._deciding() as connection:
            answer = await offers.answer(
                connection, driver, accept_id, offer=offer, actor=actor, watch=self._watch
            )
        return answer.won()

    async def take(
        self,
        driver: int,
        order: int,
        accept_id: UUID,
        *,
        seen_version: int | None = None,
        actor: int | None = None,
    ) -> tuple[Order, list[Event]]:
        """As `accept`, for an order on the board; `not_found` when it never was there."""
        async with self._deciding() as connection:
            answer = await offers.answer(
                connection,
                driver,
                accept_id,
                order=order,
                seen_version=seen_version,
                actor=actor,
                watch=self._watch,
            )
        return answer.won()

    async def decline(self, driver: int, offer: int, reason: str = "unsaid", note: str = "") -> list[Event]:
        """The driver does not want it, says why or not, and is not offered this order again."""
        async with self._deciding() as connection:
            return await offers.decline(connection, driver, offer, reason, note, self._watch)

    async def seen(self, driver: int, offer: int) -> None:
        """The driver's device shows the offer."""
        async with self._pool.acquire() as connection:
            await offers.seen(connection, driver, offer)

    async def expire_offers(self, limit: int) -> list[Event]:
        """Ends live offers past their time, of at most `limit` orders; passes over orders under decision."""
        async with transaction(self._pool) as connection:
            return await offers.expire(connection, limit)

    # -- the order's own steps ------------------------------------------------------------------------------

    async def advance(self, driver: int, order: int, status: Status) -> tuple[Order, list[Event]]:
        """The assigned driver's next step; `delivered` frees him. Out of turn: `transition_forbidden`."""
        async with self._deciding() as connection:
            found = await _owned(connection, order, Party(driver, Actor.DRIVER))
            return await _move(connection, found, status, Party(driver, Actor.DRIVER))

    async def cancel(self, party: Party, order: int, reason: str) -> tuple[Order, list[Event]]:
        """Calls the order off; its driver is free again, its live offers are withdrawn."""
        async with self._deciding() as connection:
            found = await _owned(connection, order, party)
            detail = {"reason": reason} if reason else {}
            moved = await _move(connection, found, Status.CANCELLED, party, detail)
            if self._watch is not None and party.actor is Actor.DRIVER:
                await habits.cancelled(connection, party.user, self._watch)
            return moved

    async def expire_orders(self, limit: int) -> list[Event]:
        """Ends open orders past their time, at most `limit`; passes over those under decision."""
        events: list[Event] = []
        async with transaction(self._pool) as connection:
            for row in await connection.fetch(LOCK_DUE_ORDERS, limit):
                _, told = await _move(connection, order_of(row), Status.EXPIRED, None)
                events += told
        return events

    def _deciding(self) -> AbstractAsyncContextManager[Connection]:
        return deciding(self._pool)


async def _owned(connection: Connection, order: int, party: Party) -> Order:
    found = await lock_order(connection, order)
    if found is None:
        raise Refusal("not_found")
    must_own(found, party)
    return found


async def _move(
    connection: Connection,
    order: Order,
    status: Status,
    party: Party | None,
    detail: dict[str, Any] | None = None,
) -> tuple[Order, list[Event]]:
    """One step of a locked order by a party, or by the clock (None), with all that ends with it."""
    actor = Actor.SYSTEM if party is None else party.actor
    if not allowed(order.status, status, actor):
        raise Refusal(
            "transition_forbidden",
            "{now:label.OrderStatus} → {then:label.OrderStatus}",
            now=order.status,
            then=status,
        )
    withdrawn = await end_offers(connection, order.id, OfferStatus.WITHDRAWN, "withdrawn")
    if order.status is Status.OPEN:  # bids live nowhere else
        withdrawn += await close_bids(connection, order.id, BidStatus.LOST, status)
    if status in ENDED:
        await connection.execute(END_ASSIGNMENT, order.id)
    user = None if party is None else party.user
    moved, event = await step(connection, order, status, actor=user, driver=order.driver, detail=detail)
    return moved, [event, *withdrawn]
