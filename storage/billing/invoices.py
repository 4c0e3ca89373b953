"""Invoices: made, read, and their standing kept in step with the facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from asyncpg import Record

from billing.acquiring import Kind, State
from billing.money import Currency, Money
from billing.payments import AttemptState, Fact, Invoice, InvoiceState, Standing, Tried, Verdict, standing
from dispatch.errors import Refusal
from storage.postgres import Connection, Pool, transaction

SLICE = 100

FIELDS = """
i.id, i.user_id, i.provider, i.amount, i.currency, extract(epoch FROM i.created_at)::float8 AS created_at,
    extract(epoch FROM i.expires_at)::float8 AS expires_at, i.purpose, i.plan, i.plan_version, i.region,
    i.period_s, i.description, i.lang, i.state, extract(epoch FROM i.changed_at)::float8 AS changed_at
"""
ADD = f"""
INSERT INTO invoices AS i (id, user_id, provider, amount, currency, expires_at, purpose, plan, plan_version,
    region, period_s, description, lang, state)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7, $8, $9, $10, $11, $12, $13, $14)
RETURNING {FIELDS}
"""
# Primary key.
ONE = f"SELECT {FIELDS} FROM invoices i WHERE i.id = $1"
LOCK = f"""
SELECT {FIELDS}, extract(epoch FROM clock_timestamp())::float8 AS now FROM invoices i
WHERE i.id = $1 FOR NO KEY UPDATE
"""
# ix_invoices_user_id_created_at read backwards.
OF_USER = f"""
SELECT {FIELDS} FROM invoices i WHERE i.user_id = $1 AND (i.created_at, i.id) < (
    SELECT created_at, id FROM invoices WHERE id = $2 UNION ALL SELECT 'infinity', NULL WHERE $2 IS NULL)
ORDER BY i.created_at DESC, i.id DESC LIMIT $3
"""
# ix_payment_inbox_invoice_id_id, then ix_payment_inbox_provider_payment_id: what was said of the payments of an
# invoice, also by messages that name no invoice; $2 and $3 are a payment that may be new.
FACTS = """
SELECT id, provider, kind, transaction, payment, state, amount, currency, verdict,
    answer = 'accepted' AS let_on, extract(epoch FROM received_at)::float8 AS at
FROM payment_inbox WHERE (provider, payment) IN (
        SELECT provider, payment FROM payment_inbox WHERE invoice_id = $1 UNION SELECT $2::text, $3::text)
    AND (invoice_id = $1 OR invoice_id IS NULL) AND transaction IS NOT NULL
ORDER BY id
"""
# ix_payment_attempts_invoice_id_created_at.
TRIED = "SELECT state, kind FROM payment_attempts WHERE invoice_id = $1"
SET_STATE = "UPDATE invoices SET state = $2, changed_at = now() WHERE id = $1 AND state <> $2"
# ix_invoices_open.
OVER = """
SELECT id, expires_at FROM invoices WHERE state IN ('created', 'pending') AND expires_at <= now()
    AND expires_at > $1 ORDER BY expires_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """What is to be asked of a user, to be paid within `lives_s` seconds."""

    id: UUID
    user: int
    provider: str
    money: Money
    lives_s: float
    purpose: str
    plan: str
    plan_version: int
    region: str
    period_s: float
    description: str
    lang: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An invoice with the state that was kept for it, and since when (epoch seconds)."""

    invoice: Invoice
    state: InvoiceState
    changed_at: float


class InvoiceStore:
    """The table, for those who make and read invoices."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, new: NewInvoice) -> Invoice:
        """A new one; joins the caller's unit."""
        return await add(self._pool, new)

    async def one(self, invoice: UUID) -> Listed:
        """Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, invoice)
        if row is None:
            raise Refusal("not_found")
        return listed_of(row)

    async def of_user(self, user: int, before: UUID | None, limit: int) -> list[Listed]:
        """One page of a user's, newest first."""
        return [listed_of(row) for row in await self._pool.fetch(OF_USER, user, before, limit)]

    async def facts(self, invoice: UUID) -> list[Fact]:
        """What was said of an invoice, in the order of storing."""
        async with self._pool.acquire() as connection:
            return await facts_of(connection, invoice)

    async def expire(self) -> None:
        """Ends what the clock has ended, as far as nothing is under way."""
        beyond = datetime.min.replace(tzinfo=UTC)
        more = True
        while more:
            async with transaction(self._pool) as connection:
                over = await connection.fetch(OVER, beyond, SLICE)
                for row in over:
                    invoice, now = await locked(connection, row["id"])
                    await settle(connection, invoice, await facts_of(connection, invoice.id), now)
                    beyond = row["expires_at"]
            more = len(over) == SLICE


async def add(
    connection: Connection | Pool, new: NewInvoice, state: InvoiceState = InvoiceState.CREATED
) -> Invoice:
    """A new one, PENDING for who writes an attempt at it down in the same transaction."""
    row = await connection.fetchrow(
        ADD,
        new.id,
        new.user,
        new.provider,
        new.money.minor,
        new.money.currency,
        new.lives_s,
        new.purpose,
        new.plan,
        new.plan_version,
        new.region,
        new.period_s,
        new.description,
        new.lang,
        state,
    )
    return invoice_of(row)


async def locked(connection: Connection, invoice: UUID) -> tuple[Invoice, float]:
    """The invoice under its lock, and the database's clock. Refusal `not_found`."""
    row = await connection.fetchrow(LOCK, invoice)
    if row is None:
        raise Refusal("not_found")
    return invoice_of(row), row["now"]


async def facts_of(
    connection: Connection, invoice: UUID | None, provider: str | None = None, payment: str | None = None
) -> list[Fact]:
    """What was said of an invoice, and of one payment that may be its own."""
    return [fact_of(row) for row in await connection.fetch(FACTS, invoice, provider, payment)]


async def tried_of(connection: Connection, invoice: UUID) -> list[Tried]:
    """Our attempts at it."""
    rows = await connection.fetch(TRIED, invoice)
    return [Tried(AttemptState(row["state"]), row["kind"] == "checkout") for row in rows]


async def settle(connection: Connection, invoice: Invoice, facts: Sequence[Fact], now: float) -> Standing:
    """Keeps the state that follows from facts and attempts; the caller holds the invoice's lock."""
    found = standing(invoice, facts, await tried_of(connection, invoice.id), now)
    await connection.execute(SET_STATE, invoice.id, found.state)
    return found


def invoice_of(row: Record) -> Invoice:
    """A row of FIELDS."""
    return Invoice(
        row["id"],
        row["user_id"],
        row["provider"],
        Money(row["amount"], Currency(row["currency"])),
        row["created_at"],
        row["expires_at"],
        row["purpose"],
        row["plan"],
        row["plan_version"],
        row["region"],
        row["period_s"],
        row["description"],
        row["lang"],
    )


def fact_of(row: Record) -> Fact:
    """A row of FACTS."""
    return Fact(
        row["id"],
        row["provider"],
        Kind(row["kind"]),
        row["transaction"],
        row["payment"],
        State(row["state"]),
        Money(row["amount"], Currency(row["currency"])),
        row["at"],
        Verdict(row["verdict"]),
        row["let_on"],
    )


def listed_of(row: Record) -> Listed:
    """A row of FIELDS."""
    return Listed(invoice_of(row), InvoiceState(row["state"]), row["changed_at"])
