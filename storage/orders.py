"""Orders: placed once, won once, moved step by step. Every decision locks the order's row, then judges."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from dispatch.bids import BidStatus
from dispatch.cancelling import UNSAID, CallingOff, fault_of
from dispatch.disputes import Complaint
from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import ENDED, Actor, NewOrder, OfferStatus, Order, Party, Status, allowed
from dispatch.sniping import Watch

from . import habits, offers
from .bid_rows import close_bids
from .candidates import CLAIM_DUE, LOOK_AGAIN, SearchClaim
from .deciding import deciding
from .disputes.rows import DROP, open_dispute
from .holding import DROP_CASE, open_case
from .order_reads import OrderReads, must_own
from .order_rows import (
    CHECK_AT,
    CONFIRM_BY,
    CONTENT,
    END_ASSIGNMENT,
    content_values,
    end_offers,
    lock_order,
    numbered,
    order_of,
    place_of,
    posted,
    step,
)
from .postgres import Connection, Pool, Unreachable, transaction
from .proof.proofs import must_be_proved
from .remittance import rows as remittance

log = logging.getLogger("desk.orders")

ASIDE_S = 600.0  # until an order that could not be searched for is tried once more

# The rows of a posted order in one statement, hence one transaction. $1 shipper, $2 seconds until it expires,
# $3 status, $4 company, $5 detail of the event. A load that was to be picked up by then is no use afterwards.
PLACE = f"""
WITH times AS (
    SELECT now() AS now, least(now() + make_interval(secs => $2), {place_of("pickup_to", 6)}) AS ends,
        now() + make_interval(secs => {place_of("confirm_s", 6)}::int) AS confirm
), placed AS (
    INSERT INTO orders (shipper_id, status, seq, company_id, created_at, expires_at, confirm_by, check_at,
        seek_at, {", ".join(CONTENT)})
    SELECT $1, $3::text, 1, $4, now, ends, {CONFIRM_BY}, {CHECK_AT},
        CASE WHEN $3::text = 'open' AND NOT {place_of("private", 6)} THEN now END, {numbered(6)}
    FROM times RETURNING *
), noted AS (
    INSERT INTO order_events (order_id, seq, kind, status, actor_id, detail)
    SELECT id, 1, 'placed', status, $1, $5 FROM placed
)
SELECT placed.*, NULL::bigint AS driver_id FROM placed
"""
# Primary key.
ASSIGNED_AT = """
SELECT extract(epoch FROM assigned_at)::float8 AS at, extract(epoch FROM clock_timestamp())::float8 AS now
FROM assignments WHERE order_id = $1 AND ended_at IS NULL
"""
# ix_orders_delivered.
LOCK_DELIVERED = """
SELECT o.*, a.driver_id FROM orders o LEFT JOIN assignments a ON a.order_id = o.id
WHERE o.status = 'delivered'
    AND greatest(o.ended_at, o.settle_at) <= (SELECT clock_timestamp() - make_interval(secs => $2))
ORDER BY greatest(o.ended_at, o.settle_at) LIMIT $1 FOR NO KEY UPDATE OF o SKIP LOCKED
"""
# ix_orders_expiry.
LOCK_DUE_ORDERS = """
SELECT o.*, NULL::bigint AS driver_id FROM orders o
WHERE (status = 'open' OR status = 'moderation') AND expires_at <= (SELECT clock_timestamp())
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
        """The order: open and due for its search, or held for staff."""
        values = (order.shipper, *posted(order), *content_values(order))
        if not order.grounds:
            return order_of(await self._pool.fetchrow(PLACE, *values))
        async with transaction(self._pool) as connection:
            placed = order_of(await connection.fetchrow(PLACE, *values))
            await open_case(connection, placed.id, order)
        return placed

    @asynccontextmanager
    async def claim_due(self) -> AsyncIterator[SearchClaim | None]:
        """The order whose wave has been due longest, locked while the block runs; None when none is due.

        An order that the database cannot compute with is put aside, so that the search for all the others goes
        on: else it would be the first again at every worker, and end one after the other.
        """
        row = None
        try:
            async with transaction(self._pool) as connection:
                row = await connection.fetchrow(CLAIM_DUE)
                yield SearchClaim(connection, order_of(row), row["now"]) if row else None
        except asyncpg.DataError as fault:
            if row is None:
                raise
            log.error("seek.put_aside", extra={"order": row["id"]}, exc_info=fault)
            await self._pool.execute(LOOK_AGAIN, row["id"], ASIDE_S)

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

    async def advance(
        self, driver: int, order: int, status: Status, *, actor: int | None = None
    ) -> tuple[Order, list[Event]]:
        """The assigned driver's next step; `delivered` frees him, once it is proved as the shipper asks
        (`proof_required`). Out of turn: `transition_forbidden`. `actor` is who asks, when somebody acts for the
        driver."""
        party = Party(driver, Actor.DRIVER, by=actor)
        async with self._deciding() as connection:
            found = await owned(connection, order, party)
            if found.ack_due is not None and allowed(found.status, status, Actor.DRIVER):
                raise Refusal("acknowledge_required")
            if found.status is Status.AT_DROP and status is Status.DELIVERED:
                await must_be_proved(connection, order)
            return await move(connection, found, status, party)

    async def cancel(self, party: Party, order: int, why: CallingOff = UNSAID) -> tuple[Order, list[Event]]:
        """Calls the order off; its driver is free again, its live offers are withdrawn."""
        async with self._deciding() as connection:
            found = await owned(connection, order, party)
            row = await connection.fetchrow(ASSIGNED_AT, order) if found.driver is not None else None
            assigned_at, now = (row["at"], row["now"]) if row else (None, 0.0)
            fault, free = fault_of(found, party.actor, why, assigned_at, now)
            detail = {"code": why.code, "reason": why.note, "fault": fault.value, "free": free}
            moved = await move(connection, found, Status.CANCELLED, party, detail)
            if self._watch is not None and party.actor is Actor.DRIVER:
                await habits.cancelled(connection, party.user, self._watch)
            return moved

    async def dispute(self, party: Party, order: int, complaint: Complaint) -> tuple[Order, list[Event]]:
        """Staff decide what becomes of the haul; how it goes on: storage/disputes/."""
        async with self._deciding() as connection:
            found = await owned(connection, order, party)
            detail = {"code": complaint.code, "reason": complaint.text}
            moved = await move(connection, found, Status.DISPUTED, party, detail)
            await open_dispute(connection, found, party, complaint)
            return moved

    async def close(self, party: Party, order: int, note: str) -> tuple[Order, list[Event]]:
        """Nothing is left to settle; staff also close what was disputed. Refusal `payment_contested`: a shipper
        does not end an argument about his payment so."""
        async with self._deciding() as connection:
            found = await owned(connection, order, party)
            if (
                party.actor is Actor.SHIPPER
                and await connection.fetchval(remittance.STATE, order) == "contested"
            ):
                raise Refusal("payment_contested")
            return await move(connection, found, Status.CLOSED, party, {"reason": note} if note else {})

    async def close_delivered(self, limit: int, after_s: float) -> list[Event]:
        """Closes what was delivered so long ago; passes over orders under decision."""
        return await self._by_the_clock(LOCK_DELIVERED, Status.CLOSED, limit, after_s)

    async def expire_orders(self, limit: int) -> list[Event]:
        """Ends open and held orders past their time, at most `limit`; passes over those under decision."""
        return await self._by_the_clock(LOCK_DUE_ORDERS, Status.EXPIRED, limit)

    async def _by_the_clock(self, due: str, status: Status, *arguments: object) -> list[Event]:
        events: list[Event] = []
        async with transaction(self._pool) as connection:
            for row in await connection.fetch(due, *arguments):
                _, told = await move(connection, order_of(row), status, None)
                events += told
        return events

    def _deciding(self) -> AbstractAsyncContextManager[Connection]:
        return deciding(self._pool)


async def owned(connection: Connection, order: int, party: Party) -> Order:
    """The party's order, locked. Refusal `not_found`."""
    found = await lock_order(connection, order)
    if found is None:
        raise Refusal("not_found")
    must_own(found, party)
    return found


async def move(
    connection: Connection,
    order: Order,
    status: Status,
    party: Party | None,
    detail: dict[str, Any] | None = None,
    *,
    kind: str = "",
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
    if status in (Status.CANCELLED, Status.EXPIRED):
        await connection.execute(DROP_CASE, order.id)
    if order.status is Status.DISPUTED:  # decided before this, or never
        await connection.execute(DROP, order.id)
    user = None if party is None else party.signed_in
    moved, event = await step(
        connection, order, status, actor=user, driver=order.driver, detail=detail, kind=kind
    )
    if moved.driver is not None:
        await remittance.follow(connection, moved, event.at)
    return moved, [event, *withdrawn]
