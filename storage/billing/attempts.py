"""Our attempts to have an invoice paid: each written down before anything is sent, each brought to an end.

An attempt without an answer keeps a time at which it is looked for (`due_at`); workers claim those with SKIP
LOCKED and push the time ahead, so a worker that dies loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from uuid import UUID, uuid4

from asyncpg import Record

from billing.acquiring import Advice
from billing.payments import (
    LIVE_ATTEMPTS,
    AttemptState,
    Fact,
    Invoice,
    InvoiceState,
    Standing,
    Tried,
    standing,
)
from billing.trying import ABANDONED_S, wait_s
from dispatch.errors import Refusal
from storage.postgres import Connection, Pool, transaction, whole

from .consequences import Consequences
from .invoices import FIELDS as INVOICE
from .invoices import SET_STATE, facts_of, invoice_of, locked, settle, tried_of

AttemptKind = Literal["checkout", "charge"]

ADD = """
INSERT INTO payment_attempts (id, invoice_id, provider, kind, card_id, merchant, save_card, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
"""
# Primary key. What has ended stays as it ended.
END = """
UPDATE payment_attempts SET state = $2, reference = coalesce($3, reference), reason = $4, advice = $5,
    done_at = now(), due_at = NULL
WHERE id = $1 AND state IN ('started', 'unknown') RETURNING kind
"""
LOST = """
UPDATE payment_attempts SET state = 'unknown', due_at = now() + make_interval(secs => $2)
WHERE id = $1 AND state IN ('started', 'unknown')
"""
LOCK_BY_ATTEMPT = f"""
SELECT {INVOICE}, extract(epoch FROM clock_timestamp())::float8 AS now FROM invoices i
WHERE i.id = (SELECT invoice_id FROM payment_attempts WHERE id = $1) FOR NO KEY UPDATE
"""
# ix_payment_attempts_due.
CLAIM = f"""
WITH claimed AS MATERIALIZED (
    SELECT id FROM payment_attempts WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE payment_attempts a SET state = 'unknown', looks = looks + 1, due_at = now() + make_interval(secs => $2)
    FROM claimed WHERE a.id = claimed.id
    RETURNING a.id AS attempt_id, a.invoice_id, a.kind, a.card_id, a.merchant, a.looks,
        extract(epoch FROM a.created_at)::float8 AS began
)
SELECT m.attempt_id, m.kind, m.card_id, m.merchant, m.looks, m.began,
    extract(epoch FROM now())::float8 AS now, {INVOICE}
FROM moved m JOIN invoices i ON i.id = m.invoice_id
"""
# ix_payment_attempts_invoice_id_created_at and ix_payment_inbox_invoice_id_id: transactions that cannot be this
# attempt's, for another one has them or they were there before it.
OTHERS = """
SELECT reference FROM payment_attempts WHERE invoice_id = $1 AND id <> $2 AND reference IS NOT NULL
UNION SELECT transaction FROM payment_inbox WHERE invoice_id = $1 AND transaction IS NOT NULL
    AND received_at < to_timestamp($3)
"""
OF_INVOICE = """
SELECT id, kind, state, reference, reason, advice, looks, extract(epoch FROM created_at)::float8 AS created_at,
    extract(epoch FROM done_at)::float8 AS done_at
FROM payment_attempts WHERE invoice_id = $1 ORDER BY created_at, id
"""
WAITING = "SELECT count(*) FROM payment_attempts WHERE due_at IS NOT NULL AND state = 'unknown'"


@dataclass(frozen=True, slots=True)
class Lost:
    """An attempt of which nothing is known, claimed to be looked for. `began` and `now` in epoch seconds."""

    id: UUID
    kind: AttemptKind
    invoice: Invoice
    card: int | None
    merchant: bool
    looks: int
    began: float
    now: float


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt as staff see it; times in epoch seconds."""

    id: UUID
    kind: AttemptKind
    state: AttemptState
    reference: str | None
    reason: str
    advice: str | None
    looks: int
    created_at: float
    done_at: float | None


class Ending(NamedTuple):
    """How an attempt ended; `reference` is the acquirer's name for what came of it."""

    attempt: UUID
    state: AttemptState
    reference: str | None = None
    reason: str = ""
    advice: Advice | None = None


class AttemptStore:
    """The table of attempts."""

    def __init__(self, pool: Pool, consequences: Consequences) -> None:
        self._pool = pool
        self.consequences = consequences

    async def begin(
        self,
        invoice: UUID,
        kind: AttemptKind,
        *,
        card: int | None = None,
        merchant: bool = False,
        save_card: bool = False,
    ) -> UUID:
        """Writes the next attempt down; its id is the acquirer's request id.

        Refusals `invoice_closed` for what is paid or over, `payment_under_way` while another attempt is open.
        """
        attempt = uuid4()
        async with transaction(self._pool) as connection:
            found, now = await locked(connection, invoice)
            facts = await facts_of(connection, invoice)
            tried = await tried_of(connection, invoice)
            _may_begin(standing(found, facts, tried, now), tried, over=now >= found.expires_at)
            await connection.execute(
                ADD, attempt, invoice, found.provider, kind, card, merchant, save_card, ABANDONED_S
            )
            begun = Tried(AttemptState.STARTED, kind == "checkout")
            await connection.execute(SET_STATE, invoice, standing(found, facts, [*tried, begun], now).state)
        return attempt

    async def end(self, ending: Ending) -> None:
        """It has ended like this, unless it had ended before."""
        async with whole(self._pool) as connection:
            await end(connection, ending, self.consequences)

    async def lost(self, attempt: UUID, looks: int = 0) -> None:
        """It was sent and not answered: somebody looks for it soon."""
        async with transaction(self._pool) as connection:
            invoice, now = await _locked(connection, attempt)
            await connection.execute(LOST, attempt, wait_s(looks))
            await settle(connection, invoice, await facts_of(connection, invoice.id), now)

    async def claim(self, limit: int) -> list[Lost]:
        """Attempts that must be looked for now, ours for two minutes."""
        rows = await self._pool.fetch(CLAIM, limit, ABANDONED_S)
        return [_lost(row) for row in rows]

    async def others(self, attempt: Lost) -> list[str]:
        """Transactions of its invoice that are not its own."""
        rows = await self._pool.fetch(OTHERS, attempt.invoice.id, attempt.id, attempt.began)
        return [row[0] for row in rows]

    async def of_invoice(self, invoice: UUID) -> list[AttemptRow]:
        """All attempts at it, oldest first."""
        return [_row(row) for row in await self._pool.fetch(OF_INVOICE, invoice)]

    async def waiting(self) -> int:
        """How many are sent and not answered, for the metrics."""
        return int(await self._pool.fetchval(WAITING))


async def first(connection: Connection, invoice: Invoice, card: int, *, merchant: bool) -> UUID:
    """The first attempt at an invoice that was made PENDING in this transaction: a charge of a saved card."""
    attempt = uuid4()
    await connection.execute(
        ADD, attempt, invoice.id, invoice.provider, "charge", card, merchant, False, ABANDONED_S
    )
    return attempt


async def end(connection: Connection, ending: Ending, consequences: Consequences) -> None:
    """An attempt has ended, unless it had before; in the caller's transaction."""
    invoice, now = await _locked(connection, ending.attempt)
    await end_locked(connection, ending, invoice, await facts_of(connection, invoice.id), now, consequences)


async def end_locked(
    connection: Connection,
    ending: Ending,
    invoice: Invoice,
    facts: Sequence[Fact],
    now: float,
    consequences: Consequences,
) -> Standing | None:
    """The same for who holds the invoice's lock and its facts: its standing, None for what had ended before."""
    attempt, state, reference, reason, advice = ending
    ended = await connection.fetchval(END, attempt, state, reference, reason[:200], advice)
    if ended is None:
        return None
    found = await settle(connection, invoice, facts, now)
    if ended == "charge" and state is not AttemptState.DONE:
        await consequences.not_taken(connection, invoice, state, advice, now)
    return found


_PAID = frozenset({InvoiceState.PAID, InvoiceState.PARTLY_REFUNDED, InvoiceState.REFUNDED})


def _may_begin(stands: Standing, tried: list[Tried], *, over: bool) -> None:
    if stands.held or any(attempt.state in LIVE_ATTEMPTS for attempt in tried):
        raise Refusal("payment_under_way")
    if over or stands.state in _PAID:
        raise Refusal("invoice_closed")


async def _locked(connection: Connection, attempt: UUID) -> tuple[Invoice, float]:
    """The invoice's lock before the attempt's, as everywhere; and the database's clock. Refusal `not_found`."""
    row = await connection.fetchrow(LOCK_BY_ATTEMPT, attempt)
    if row is None:
        raise Refusal("not_found")
    return invoice_of(row), row["now"]


def _lost(row: Record) -> Lost:
    return Lost(
        row["attempt_id"],
        row["kind"],
        invoice_of(row),
        row["card_id"],
        row["merchant"],
        row["looks"],
        row["began"],
        row["now"],
    )


def _row(row: Record) -> AttemptRow:
    return AttemptRow(
        row["id"],
        row["kind"],
        AttemptState(row["state"]),
        row["reference"],
        row["reason"],
        row["advice"],
        row["looks"],
        row["created_at"],
        row["done_at"],
    )
