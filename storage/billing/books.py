"""The books as finance walks through them: statements with the balance behind each line, and single bookings."""

from dataclasses import dataclass

from billing.ledger import Act
from billing.money import Currency
from dispatch.errors import Refusal
from storage.postgres import Pool
from storage.staff import NO_LIMIT

from .ledger import LINES, Line, line_of

# ix_ledger_postings_account, which holds the amounts: a scan of the index up to the line that the page begins
# behind. A booking has one line an account and currency at most.
BALANCE_BELOW = """
SELECT coalesce(sum(amount), 0)::bigint FROM ledger_postings
WHERE account = $1 AND currency = $2 AND transaction_id < $3
"""
# The same index read backwards, heads by their primary key.
STATEMENT = """
SELECT t.id, extract(epoch FROM t.at)::float8 AS at, t.act, t.key, t.invoice_id::text, t.user_id, t.provider,
    t.transaction, p.amount
FROM ledger_postings p JOIN ledger_transactions t ON t.id = p.transaction_id
WHERE p.account = $1 AND p.currency = $2 AND p.transaction_id < $3 ORDER BY p.transaction_id DESC LIMIT $4
"""
# Primary key.
ONE = LINES + "WHERE t.id = $1"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What a booking did to one account in one currency, minor units, and what the account came to behind it."""

    id: int
    at: float
    act: Act
    key: str
    invoice: str | None
    user: int | None
    provider: str
    transaction: str
    minor: int
    balance: int


class BookReads:
    """Reads of the books."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, line: int) -> Line:
        """A booking with its postings. Refusal `not_found`."""
        row = await self._pool.fetchrow(ONE, line)
        if row is None:
            raise Refusal("not_found")
        return line_of(row)

    async def statement(
        self, account: str, currency: Currency, before: int | None, limit: int
    ) -> list[StatementLine]:
        """One page of an account, newest first."""
        below = NO_LIMIT if before is None else before
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            balance: int = await connection.fetchval(BALANCE_BELOW, account, currency, below)
            rows = await connection.fetch(STATEMENT, account, currency, below, limit)
        found = []
        for row in rows:
            found.append(
                StatementLine(
                    row["id"],
                    row["at"],
                    Act(row["act"]),
                    row["key"],
                    row["invoice_id"],
                    row["user_id"],
                    row["provider"],
                    row["transaction"],
                    row["amount"],
                    balance,
                )
            )
            balance -= row["amount"]
        return found
