"""Money that goes back: asked for by staff, above a limit approved by another, sent by a loop, found again when an
answer is lost. The row's id is the request's id with the acquirer, so it is sent once however often it is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid4

from asyncpg import Record

from billing.ledger import Act
from billing.money import Currency, Money
from billing.payments import wanted
from billing.trying import ABANDONED_S, wait_s
from dispatch.errors import Refusal
from storage.postgres import Connection, Pool, transaction
from storage.staff import record

from .invoices import facts_of, locked

Cause = Literal["asked", "double"]
RefundState = Literal["requested", "approved", "sent", "unknown", "done", "failed", "turned_down"]

# Above so much a second one of the staff must agree; about 100 USD each. Minor units.
SECOND_ABOVE: Mapping[Currency, int] = {
    Currency.KZT: 5_000_000,
    Currency.RUB: 800_000,
    Currency.USD: 10_000,
    Currency.CNY: 70_000,
}
FIELDS = """
r.id, r.invoice_id, r.provider, r.payment, r.amount, r.currency, r.cause, r.state, r.requested_by, r.approved_by,
    r.reason, r.reference, r.error, r.looks, extract(epoch FROM r.created_at)::float8 AS created_at,
    extract(epoch FROM r.sent_at)::float8 AS sent_at, extract(epoch FROM r.done_at)::float8 AS done_at
"""
# ix_refunds_invoice_id_created_at.
OF_INVOICE = f"SELECT {FIELDS} FROM refunds r WHERE r.invoice_id = $1 ORDER BY r.created_at, r.id"
UNDER_WAY = """
SELECT coalesce(sum(amount), 0)::bigint FROM refunds WHERE invoice_id = $1 AND payment = $2
    AND state IN ('requested', 'approved', 'sent', 'unknown')
"""
ADD = f"""
INSERT INTO refunds AS r (id, invoice_id, provider, payment, amount, currency, cause, state, requested_by, reason,
    due_at)
VALUES ($1, $2, $3, $4, $5, $6, 'asked', $7, $8, $9, CASE WHEN $7::varchar = 'approved' THEN now() END)
RETURNING {FIELDS}
"""
# Primary key.
ONE = f"SELECT {FIELDS} FROM refunds r WHERE r.id = $1"
LOCK = ONE + " FOR UPDATE"
APPROVE = f"""
UPDATE refunds r SET state = 'approved', approved_by = $2, due_at = now() WHERE r.id = $1 RETURNING {FIELDS}
"""
TURN_DOWN = f"""
UPDATE refunds r SET state = 'turned_down', done_at = now() WHERE r.id = $1 RETURNING {FIELDS}
"""
# Primary key. Under a new id: the old one is an answer that the acquirer may have kept.
AGAIN = f"""
INSERT INTO refunds AS r (id, invoice_id, provider, payment, amount, currency, cause, state, requested_by, reason,
    due_at)
SELECT $3, invoice_id, provider, payment, amount, currency, cause, 'approved', $2, $4, now() FROM refunds
WHERE id = $1 AND state = 'failed' AND cause = 'double'
ON CONFLICT (provider, payment) WHERE cause = 'double' AND state <> 'failed' DO NOTHING
RETURNING {FIELDS}
"""
# ix_refunds_due.
CLAIM = f"""
WITH claimed AS MATERIALIZED (
    SELECT id, state FROM refunds WHERE due_at <= now() AND provider = ANY($3::text[])
    ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE refunds r SET state = CASE WHEN r.state = 'approved' THEN 'sent' ELSE 'unknown' END, looks = r.looks + 1,
    sent_at = coalesce(r.sent_at, now()), due_at = now() + make_interval(secs => $2)
FROM claimed WHERE r.id = claimed.id
RETURNING {FIELDS}, claimed.state = 'approved' AS fresh, extract(epoch FROM now())::float8 AS now
"""
# What has ended stays as it ended.
DONE = """
UPDATE refunds SET state = 'done', reference = $2, error = '', done_at = now(), due_at = NULL
WHERE id = $1 AND state IN ('approved', 'sent', 'unknown') RETURNING true
"""
FAILED = """
UPDATE refunds SET state = 'failed', error = $2, done_at = now(), due_at = NULL
WHERE id = $1 AND state IN ('approved', 'sent', 'unknown')
"""
LOST = """
UPDATE refunds SET state = 'unknown', error = $3, due_at = now() + make_interval(secs => $2)
WHERE id = $1 AND state IN ('sent', 'unknown')
"""
# Surely not taken: it was never sent.
NOT_SENT = """
UPDATE refunds SET state = 'approved', sent_at = NULL, error = $3, due_at = now() + make_interval(secs => $2)
WHERE id = $1 AND state = 'sent'
"""
OTHERS = "SELECT reference FROM refunds WHERE invoice_id = $1 AND id <> $2 AND reference IS NOT NULL"
# A scan: finance looks, and there are few.
PAGE = f"""
SELECT {FIELDS} FROM refunds r WHERE ($1::text IS NULL OR r.state = $1)
    AND (r.created_at, r.id) < (
        SELECT created_at, id FROM refunds WHERE id = $2 UNION ALL SELECT 'infinity', NULL WHERE $2 IS NULL)
ORDER BY r.created_at DESC, r.id DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class Refund:
    """One of them; times in epoch seconds. `payment` is the acquirer's transaction that it gives back, `reference`
    the one that does."""

    id: UUID
    invoice: UUID
    provider: str
    payment: str
    money: Money
    cause: Cause
    state: RefundState
    requested_by: int | None
    approved_by: int | None
    reason: str
    reference: str | None
    error: str
    looks: int
    created_at: float
    sent_at: float | None
    done_at: float | None


@dataclass(frozen=True, slots=True)
class Due:
    """A refund that is to be sent (`fresh`) or looked for, claimed for two minutes; `now` in epoch seconds."""

    refund: Refund
    fresh: bool
    now: float


class RefundStore:
    """The table of refunds."""

    def __init__(self, pool: Pool, second_above: Mapping[Currency, int] = SECOND_ABOVE) -> None:
        self._pool = pool
        self._second_above = second_above

    async def request(self, staff: int, invoice: UUID, minor: int | None, reason: str) -> Refund:
        """Asks to give a payment back, all that is left of it or `minor` of it.

        Refusals `not_found`, `invoice_closed` for what was never paid, `refund_too_much`.
        """
        async with transaction(self._pool) as connection:
            found, _ = await locked(connection, invoice)
            bookings = wanted(found, await facts_of(connection, invoice))
            payment = next((booking for booking in bookings if booking.act is Act.PAID), None)
            if payment is None:
                raise Refusal("invoice_closed", "nothing was paid of this invoice")
            back = sum(booking.money.minor for booking in bookings if booking.act is Act.REFUNDED)
            left = payment.money.minor - back
            left -= await connection.fetchval(UNDER_WAY, invoice, payment.transaction)
            wished = left if minor is None else minor
            if not 0 < wished <= left:
                raise Refusal(
                    "refund_too_much", "{left:money} are left of it", left=(left, found.money.currency.value)
                )
            second = wished > self._second_above[found.money.currency]
            row = await connection.fetchrow(
                ADD,
                uuid4(),
                invoice,
                payment.provider,
                payment.transaction,
                wished,
                found.money.currency,
                "requested" if second else "approved",
                staff,
                reason,
            )
            told = {"invoice": str(invoice), "minor": str(wished), "currency": str(found.money.currency)}
            await record(connection, staff, "refund.request", found.user, reason, told)
        return _refund(row)

    async def approve(self, staff: int, refund: UUID) -> Refund:
        """A second one of the staff agrees. Refusals `not_found`, `refund_closed`, `second_approver`."""
        async with transaction(self._pool) as connection:
            was, user = await _under_hand(connection, refund)
            if was.requested_by == staff:
                raise Refusal("second_approver")
            row = await connection.fetchrow(APPROVE, refund, staff)
            await record(connection, staff, "refund.approve", user, "", {"refund": str(refund)})
        return _refund(row)

    async def turn_down(self, staff: int, refund: UUID, reason: str) -> Refund:
        """It does not go back; also by whoever asked. Refusals `not_found`, `refund_closed`."""
        async with transaction(self._pool) as connection:
            _, user = await _under_hand(connection, refund)
            row = await connection.fetchrow(TURN_DOWN, refund)
            await record(connection, staff, "refund.turn_down", user, reason, {"refund": str(refund)})
        return _refund(row)

    async def again(self, staff: int, refund: UUID, reason: str) -> Refund:
        """Tries once more to give a second payment back; what was asked for is asked for anew. Refusals
        `not_found`, `refund_closed` for one that has not failed, or is under way again."""
        async with transaction(self._pool) as connection:
            failed = await connection.fetchrow(ONE, refund)
            if failed is None:
                raise Refusal("not_found")
            invoice, _ = await locked(connection, failed["invoice_id"])
            row = await connection.fetchrow(AGAIN, refund, staff, uuid4(), reason)
            if row is None:
                raise Refusal("refund_closed")
            await record(connection, staff, "refund.again", invoice.user, reason, {"refund": str(refund)})
        return _refund(row)

    async def one(self, refund: UUID) -> Refund:
        """Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, refund)
        if row is None:
            raise Refusal("not_found")
        return _refund(row)

    async def of_invoice(self, invoice: UUID) -> list[Refund]:
        """All refunds of it, oldest first."""
        return [_refund(row) for row in await self._pool.fetch(OF_INVOICE, invoice)]

    async def page(self, state: RefundState | None, before: UUID | None, limit: int) -> list[Refund]:
        """One page, newest first."""
        return [_refund(row) for row in await self._pool.fetch(PAGE, state, before, limit)]

    async def claim(self, providers: list[str], limit: int) -> list[Due]:
        """What is to be sent or looked for now at these acquirers."""
        rows = await self._pool.fetch(CLAIM, limit, ABANDONED_S, providers)
        return [Due(_refund(row), row["fresh"], row["now"]) for row in rows]

    async def others(self, refund: Refund) -> list[str]:
        """The acquirer's transactions of other refunds of the same invoice."""
        return [row[0] for row in await self._pool.fetch(OTHERS, refund.invoice, refund.id)]

    async def done(self, refund: UUID, reference: str) -> bool:
        """The acquirer has given it back; False when it had ended before."""
        return bool(await self._pool.fetchval(DONE, refund, reference))

    async def failed(self, refund: UUID, error: str) -> None:
        """The acquirer will not, or nothing was ever found of it: staff must look."""
        await self._pool.execute(FAILED, refund, error[:200])

    async def lost(self, refund: Refund, error: str) -> None:
        """It may have arrived: it is looked for."""
        await self._pool.execute(LOST, refund.id, wait_s(refund.looks), error[:200])

    async def not_sent(self, refund: Refund, error: str) -> None:
        """The acquirer was not there: later."""
        await self._pool.execute(NOT_SENT, refund.id, wait_s(refund.looks), error[:200])


async def _under_hand(connection: Connection, refund: UUID) -> tuple[Refund, int]:
    """A refund that waits for a decision, and whose money it is; the invoice's lock comes first."""
    row = await connection.fetchrow(ONE, refund)
    if row is None:
        raise Refusal("not_found")
    invoice, _ = await locked(connection, row["invoice_id"])
    was = _refund(await connection.fetchrow(LOCK, refund))
    if was.state != "requested":
        raise Refusal("refund_closed")
    return was, invoice.user


def _refund(row: Record) -> Refund:
    return Refund(
        row["id"],
        row["invoice_id"],
        row["provider"],
        row["payment"],
        Money(row["amount"], Currency(row["currency"])),
        row["cause"],
        row["state"],
        row["requested_by"],
        row["approved_by"],
        row["reason"],
        row["reference"],
        row["error"],
        row["looks"],
        row["created_at"],
        row["sent_at"],
        row["done_at"],
    )
