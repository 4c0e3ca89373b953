"""What the accountant takes away of a time: payments, refunds, postings, and the register of receipts.

All of it is told by the books, so that it is complete and does not change afterwards.
"""

from collections.abc import Mapping, Sequence

from ..order_rows import moment
from ..postgres import Pool, transaction
from ..staff import record

Value = str | int | float | None

# $1 since, $2 until, $3 the most rows. ix_ledger_transactions_at in all of them.
PAYMENTS = """
SELECT extract(epoch FROM t.at)::float8, t.act, t.invoice_id::text, t.user_id, t.provider, t.transaction,
    i.purpose, i.plan, t.amount, t.currency, i.state
FROM ledger_transactions t LEFT JOIN invoices i ON i.id = t.invoice_id
WHERE t.at >= $1 AND t.at < $2 AND t.act IN ('paid', 'double_received', 'stray_received')
ORDER BY t.at, t.id LIMIT $3
"""
# ix_refunds_invoice_id_created_at: one that was made in the acquirer's own cabinet has no row of ours.
REFUNDS = """
SELECT extract(epoch FROM t.at)::float8, t.act, t.invoice_id::text, t.user_id, t.provider, t.transaction,
    r.payment, t.amount, t.currency, r.requested_by, r.approved_by, coalesce(r.reason, '')
FROM ledger_transactions t LEFT JOIN refunds r ON r.invoice_id = t.invoice_id AND r.reference = t.transaction
WHERE t.at >= $1 AND t.at < $2 AND t.act IN ('refunded', 'double_returned', 'stray_returned')
ORDER BY t.at, t.id LIMIT $3
"""
POSTINGS = """
SELECT extract(epoch FROM t.at)::float8, t.id, t.act, p.account, p.amount, p.currency, t.invoice_id::text, t.key
FROM ledger_transactions t JOIN ledger_postings p ON p.transaction_id = t.id
WHERE t.at >= $1 AND t.at < $2 ORDER BY t.at, t.id, p.line LIMIT $3
"""
# users by their primary key, uq_access_entries_user_id_cause for the period that was paid,
# ix_ledger_transactions_invoice_id_id for what went back.
RECEIPTS = """
SELECT extract(epoch FROM t.at)::float8, t.invoice_id::text, t.user_id, u.name, i.description, t.provider,
    t.transaction, extract(epoch FROM e.paid_to)::float8 - e.seconds, extract(epoch FROM e.paid_to)::float8,
    t.amount, coalesce((SELECT sum(b.amount) FROM ledger_transactions b WHERE b.invoice_id = t.invoice_id
        AND b.act = 'refunded'), 0)::bigint, t.currency
FROM ledger_transactions t JOIN invoices i ON i.id = t.invoice_id JOIN users u ON u.id = t.user_id
    LEFT JOIN access_entries e ON e.user_id = t.user_id AND e.cause = 'paid:' || t.invoice_id
WHERE t.at >= $1 AND t.at < $2 AND t.act = 'paid' ORDER BY t.at, t.id LIMIT $3
"""
STATEMENTS: dict[str, str] = {
    "payments": PAYMENTS,
    "refunds": REFUNDS,
    "postings": POSTINGS,
    "receipts": RECEIPTS,
}


class AccountingStore:
    """Reads of one statement each."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def rows(self, extract: str, since: float, until: float, most: int) -> list[Sequence[Value]]:
        """The lines, oldest first, columns as server.finance.tables names them."""
        found = await self._pool.fetch(STATEMENTS[extract], moment(since), moment(until), most)
        return [tuple(row) for row in found]

    async def taken(self, staff: int, detail: Mapping[str, str]) -> None:
        """Writes down that somebody took a table away."""
        async with transaction(self._pool) as connection:
            await record(connection, staff, "money.export", None, "", detail)
