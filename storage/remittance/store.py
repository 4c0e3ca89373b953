"""What the two sides of a haul say of its payment. Each word is decided under the order's lock, so that two that
are said at once end in one state; it is an order event, by which the other side hears of it at once."""

from collections.abc import Callable
from typing import NamedTuple

from dispatch.disputes import Complaint
from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import Actor, Order, Party, Status
from dispatch.remittance import (
    Account,
    RemittanceState,
    Said,
    confirmed,
    contested,
    marked,
    received,
    unpaid,
    withdrawn,
    worth_telling,
)

from ..deciding import deciding
from ..disputes.rows import open_dispute
from ..order_reads import OrderReads
from ..order_rows import note
from ..orders import move, owned
from ..postgres import Connection, Pool, transaction
from .rows import NOW, Kept, keep, kept

# Primary key.
ASSIGNED_AT = "SELECT extract(epoch FROM assigned_at)::float8 FROM assignments WHERE order_id = $1"
# ix_remittances_remind; the order's row is locked, and only it: what is due is looked at again behind the lock.
CLAIM_DUE = """
SELECT o.id FROM orders o JOIN remittances r ON r.order_id = o.id
WHERE r.remind_at <= (SELECT clock_timestamp()) ORDER BY r.remind_at LIMIT 1 FOR NO KEY UPDATE OF o SKIP LOCKED
"""
# Primary key.
TOLD_AT = "SELECT extract(epoch FROM max(at))::float8 FROM order_events WHERE order_id = $1 AND kind = $2"
STILL_DUE = "SELECT remind_at <= clock_timestamp() FROM remittances WHERE order_id = $1"

MISSED = "payment_missed"
EARLY_S = 86_400.0  # a date of the reader's calendar may lie so far ahead of the clock
Change = Callable[[Account, float], Account]


class Payments(NamedTuple):
    """A haul's account at a moment."""

    order: Order
    account: Account
    now: float


class RemittanceStore:
    """One method, one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._orders = OrderReads(pool)

    async def of_order(self, party: Party, order: int) -> Payments:
        """The account, for both sides and staff. Refusal `not_found`, also while the order has no driver."""
        found = _hauled(await self._orders.visible_to(party, order))
        account, _ = await kept(self._pool, found)
        return Payments(found, account, await self._pool.fetchval(NOW))

    async def say(self, party: Party, order: int, said: Said) -> tuple[Payments, list[Event]]:
        """Money was sent, or has come: who says it decides. Refusal as `marked` and `received` have it."""
        driver = party.actor is Actor.DRIVER
        change = received if driver else marked
        kind = "payment_confirmed" if driver else "payment_marked"
        async with deciding(self._pool) as connection:
            found = _hauled(await owned(connection, order, party))
            now = await connection.fetchval(NOW)
            if not await connection.fetchval(ASSIGNED_AT, order) - EARLY_S <= said.paid_at <= now + EARLY_S:
                raise Refusal("payment_date").at("paid_at")
            return await _change(
                connection, found, party, kind, lambda account, at: change(account, said, at)
            )

    async def confirm(self, party: Party, order: int, mark: int) -> tuple[Payments, list[Event]]:
        """It has come. Refusal as `confirmed` has it."""
        return await self._decide(
            party, order, "payment_confirmed", lambda account, now: confirmed(account, mark, now)
        )

    async def withdraw(self, party: Party, order: int, mark: int) -> tuple[Payments, list[Event]]:
        """It was not sent. Refusal as `withdrawn` has it."""
        return await self._decide(
            party, order, "payment_withdrawn", lambda account, _: withdrawn(account, mark)
        )

    async def contest(
        self, party: Party, order: int, mark: int, reason: str, words: str, *, dispute: bool
    ) -> tuple[Payments, list[Event]]:
        """It is not so; with `dispute` staff are to decide. Refusal as `contested` has it, and
        `transition_forbidden` for an order that cannot be disputed now."""
        return await self._decide(
            party,
            order,
            "payment_contested",
            lambda account, now: contested(account, mark, reason, words, now),
            words if dispute else None,
        )

    async def miss(
        self, party: Party, order: int, words: str, *, dispute: bool
    ) -> tuple[Payments, list[Event]]:
        """Nothing has come though it is due. Refusal as `unpaid` has it, else as `contest`."""
        return await self._decide(
            party,
            order,
            MISSED,
            lambda account, now: unpaid(account, words, now),
            words if dispute else None,
        )

    async def _decide(
        self, party: Party, order: int, kind: str, change: Change, dispute: str | None = None
    ) -> tuple[Payments, list[Event]]:
        async with deciding(self._pool) as connection:
            found = _hauled(await owned(connection, order, party))
            done, events = await _change(connection, found, party, kind, change)
            if dispute is None:
                return done, events
            complaint = Complaint("payment", dispute, done.account.outstanding or None)
            detail = {"code": complaint.code, "reason": complaint.text}
            moved, told = await move(connection, done.order, Status.DISPUTED, party, detail)
            await open_dispute(connection, done.order, party, complaint)
            return done._replace(order=moved), [*events, *told]


class Reminders:
    """A loop's work, safe on any worker: payments that are due are spoken of, and once more a week later."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def remind(self) -> list[Event] | None:
        """Reminds the sides of one haul, but not of one under dispute; None when nothing is due."""
        async with transaction(self._pool) as connection:
            number = await connection.fetchval(CLAIM_DUE)
            if number is None or not await connection.fetchval(STILL_DUE, number):
                return None
            order = await owned(connection, number, Party(0, Actor.ADMIN))
            account, reminded = await kept(connection, order)
            now = await connection.fetchval(NOW)
            await keep(connection, order, account, Kept(account, reminded + 1), None, now)
            if order.status is Status.DISPUTED:
                return []
            kind, told = _reminder(order, account, reminded)
            _, event = await note(connection, order, kind, actor=None, push=told)
            return [event]


def _reminder(order: Order, account: Account, reminded: int) -> tuple[str, tuple[int | None, ...]]:
    """What is said, and to whom: where the shipper has said his word it is the driver's turn."""
    if account.state is RemittanceState.MARKED and account.paid_at is not None:
        return "payment_unconfirmed", (order.driver,)
    return "payment_overdue" if reminded else "payment_due", (order.shipper, order.driver)


async def _change(
    connection: Connection, order: Order, party: Party, kind: str, change: Change
) -> tuple[Payments, list[Event]]:
    """What one side says of a locked order's account: kept and told, unless it was said already or (what is
    missed) in other words just now."""
    now = await connection.fetchval(NOW)
    account, reminded = await kept(connection, order)
    after = change(account, now)
    if after == account:
        return Payments(order, account, now), []
    await keep(connection, order, account, Kept(after, reminded), party.signed_in, now)
    if kind == MISSED:
        told_at = await connection.fetchval(TOLD_AT, order.id, kind)
        if not worth_telling(account, told_at, now):
            return Payments(order, after, now), []
    moved, event = await note(
        connection, order, kind, actor=party.signed_in, push=(order.shipper, order.driver)
    )
    account, _ = await kept(connection, moved)
    return Payments(moved, account, now), [event]


def _hauled(order: Order) -> Order:
    """The order, once it has its driver. Refusal `not_found`."""
    if order.driver is None:
        raise Refusal("not_found")
    return order
