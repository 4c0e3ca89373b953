"""Our facts and an acquirer's list, held against each other: how far that has come, and what differed."""

from collections.abc import Sequence
from dataclasses import dataclass

from asyncpg import Record

from billing.acquiring import Kind, State
from billing.ledger import acquirer
from billing.money import Currency, Money
from billing.reconciling import Difference, Ours
from dispatch.errors import Refusal
from storage.postgres import Pool, transaction
from storage.staff import NO_LIMIT, record

# Primary keys. A new acquirer is compared from a day back.
KNOW = """
INSERT INTO reconciliations (provider, upto, due_at) VALUES ($1, now() - interval '1 day', now())
ON CONFLICT (provider) DO NOTHING
"""
CLAIM = """
UPDATE reconciliations SET due_at = now() + make_interval(secs => $2)
WHERE provider = $1 AND due_at <= now()
RETURNING extract(epoch FROM upto)::float8 AS upto, extract(epoch FROM now())::float8 AS now
"""
RAN = """
UPDATE reconciliations SET upto = greatest(upto, to_timestamp($2)), ran_at = now(),
    due_at = now() + make_interval(secs => $3), listed = $4, differences = $5 WHERE provider = $1
"""
MARKS = """
SELECT provider, extract(epoch FROM upto)::float8 AS upto, extract(epoch FROM ran_at)::float8 AS ran_at, listed,
    differences FROM reconciliations ORDER BY provider
"""
# ix_payment_inbox_received with a filter, or ix_payment_inbox_provider_payment_id for those that were listed. The
# acquirer's own time counts, for that is what its list goes by.
OURS = """
SELECT transaction, kind, state, amount, currency, extract(epoch FROM happened_at)::float8 AS at, invoice_id
FROM payment_inbox
WHERE provider = $1 AND kind IN ('pay', 'confirm', 'refund') AND verdict NOT IN ('test', 'malformed')
    AND (received_at >= to_timestamp($2) - interval '1 day' AND happened_at >= to_timestamp($2)
        AND happened_at < to_timestamp($3) OR payment = ANY($4::text[]))
"""
# ix_ledger_transactions_provider_transaction.
BOOKED = """
SELECT p.currency, sum(p.amount)::bigint FROM ledger_transactions t
    JOIN ledger_postings p ON p.transaction_id = t.id AND p.account = $3
WHERE t.provider = $1 AND t.transaction = ANY($2::text[]) GROUP BY p.currency
"""
FOUND = """
INSERT INTO payment_differences AS d (provider, kind, transaction, currency, ours, theirs, healed)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (provider, kind, transaction, currency) DO UPDATE SET ours = excluded.ours, theirs = excluded.theirs,
    healed = d.healed OR excluded.healed
RETURNING (xmax = 0) AS fresh
"""
DIFFERENCE = """
SELECT id, provider, kind, transaction, currency, ours, theirs, healed,
    extract(epoch FROM found_at)::float8 AS found_at, extract(epoch FROM settled_at)::float8 AS settled_at,
    settled_by, note FROM payment_differences
"""
# The primary key read backwards, or ix_payment_differences_open.
PAGE = DIFFERENCE + "WHERE id < $1 ORDER BY id DESC LIMIT $2"
OPEN = DIFFERENCE + "WHERE id < $1 AND settled_at IS NULL AND NOT healed ORDER BY id DESC LIMIT $2"
COUNT_OPEN = "SELECT count(*) FROM payment_differences WHERE settled_at IS NULL AND NOT healed"
SETTLE = """
UPDATE payment_differences SET settled_at = now(), settled_by = $2, note = $3
WHERE id = $1 AND settled_at IS NULL RETURNING provider, transaction
"""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A difference as finance sees it; amounts in minor units, times in epoch seconds."""

    id: int
    provider: str
    kind: str
    transaction: str
    currency: str
    ours: int | None
    theirs: int | None
    healed: bool
    found_at: float
    settled_at: float | None
    settled_by: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an acquirer's list was compared; times in epoch seconds."""

    provider: str
    upto: float
    ran_at: float | None
    listed: int
    differences: int


class ReconciliationStore:
    """Marks, our side of the comparison, and differences."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, provider: str, lease_s: float) -> tuple[float, float] | None:
        """From when this acquirer is to be compared, and now (epoch seconds); None when it is not due."""
        await self._pool.execute(KNOW, provider)
        row = await self._pool.fetchrow(CLAIM, provider, lease_s)
        return None if row is None else (row["upto"], row["now"])

    async def ran(self, provider: str, upto: float, again_s: float, listed: int, differences: int) -> None:
        """It was compared up to then."""
        await self._pool.execute(RAN, provider, upto, again_s, listed, differences)

    async def ours(
        self, provider: str, since: float, until: float, transactions: Sequence[str]
    ) -> list[Ours]:
        """What we hold for taken and given back: within the time, and whatever else was listed."""
        rows = await self._pool.fetch(OURS, provider, since, until, list(transactions))
        return [ours for row in rows if (ours := _ours(row)) is not None]

    async def booked(self, provider: str, transactions: Sequence[str]) -> dict[Currency, int]:
        """What the books hold of these transactions on the acquirer's account, minor units."""
        rows = await self._pool.fetch(BOOKED, provider, list(transactions), acquirer(provider))
        return {Currency(row[0]): row[1] for row in rows}

    async def found(self, provider: str, difference: Difference, *, healed: bool) -> bool:
        """Writes one down; False for one that was found before."""
        return bool(
            await self._pool.fetchval(
                FOUND,
                provider,
                difference.kind,
                difference.transaction,
                difference.currency,
                difference.ours,
                difference.theirs,
                healed,
            )
        )

    async def marks(self) -> list[Mark]:
        """All acquirers."""
        return [Mark(*row) for row in await self._pool.fetch(MARKS)]

    async def page(self, before: int | None, limit: int, *, only_open: bool) -> list[DifferenceRow]:
        """One page of differences, newest first."""
        below = NO_LIMIT if before is None else before
        rows = await self._pool.fetch(OPEN if only_open else PAGE, below, limit)
        return [DifferenceRow(*row) for row in rows]

    async def count_open(self) -> int:
        """How many nobody has settled, for the metrics."""
        return int(await self._pool.fetchval(COUNT_OPEN))

    async def settle(self, staff: int, difference: int, note: str) -> None:
        """Somebody of the staff has cleared one up. Refusal `not_found`."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(SETTLE, difference, staff, note)
            if row is None:
                raise Refusal("not_found")
            told = {"difference": str(difference), "transaction": row["transaction"]}
            await record(connection, staff, "difference.settle", None, note, told)


def _ours(row: Record) -> Ours | None:
    if row["kind"] == Kind.PAY and row["state"] != State.PAID:
        return None
    money = Money(row["amount"], Currency(row["currency"]))
    return Ours(row["transaction"], row["kind"] == Kind.REFUND, money, row["at"], row["invoice_id"])
