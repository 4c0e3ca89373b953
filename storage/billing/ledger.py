"""The books in the database: added to by the one role that may (ADR 0019), read by the finance staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from billing.ledger import Act, Booking, Posting
from billing.money import Currency, Money
from storage.postgres import Connection, Pool
from storage.staff import NO_LIMIT

# Both for this transaction only. The role may be none: ledger_role() says what the session may take on.
TAKE_ROLE = "SELECT current_setting('role'), set_config('role', ledger_role(), true)"
LEAVE_ROLE = "SELECT set_config('role', $1, true)"
# uq_ledger_transactions_key, also below.
KNOWN = "SELECT key FROM ledger_transactions WHERE key = ANY($1::text[])"
ADD = """
INSERT INTO ledger_transactions (key, act, invoice_id, user_id, provider, transaction, amount, currency, lines)
SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[],
    $8::text[], $9::smallint[])
ON CONFLICT (key) DO NOTHING RETURNING id, key
"""
ADD_LINES = """
INSERT INTO ledger_postings (transaction_id, line, account, amount, currency)
SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::text[])
"""
# ix_ledger_postings_account holds the amounts, too.
BALANCE = "SELECT currency, sum(amount)::bigint FROM ledger_postings WHERE account = $1 GROUP BY currency"
# The whole index, in its order: finance looks at it, nothing else does.
ACCOUNTS = """
SELECT account, currency, sum(amount)::bigint AS amount, count(*) AS lines FROM ledger_postings
WHERE (account, currency) > ($1, $4) AND starts_with(account, $3)
GROUP BY account, currency ORDER BY account, currency LIMIT $2
"""
LINES = """
SELECT t.id, t.key, t.act, t.invoice_id, t.user_id, t.provider, t.transaction, t.amount, t.currency,
    extract(epoch FROM t.at)::float8 AS at,
    (SELECT array_agg((p.account, p.amount, p.currency) ORDER BY p.line) FROM ledger_postings p
     WHERE p.transaction_id = t.id) AS postings
FROM ledger_transactions t
"""
# The primary key read backwards, ix_ledger_transactions_invoice_id_id, _user_id_id, ix_ledger_postings_account.
PAGE = LINES + "WHERE t.id < $1 ORDER BY t.id DESC LIMIT $2"
OF_INVOICE = LINES + "WHERE t.invoice_id = $3 AND t.id < $1 ORDER BY t.id DESC LIMIT $2"
OF_USER = LINES + "WHERE t.user_id = $3 AND t.id < $1 ORDER BY t.id DESC LIMIT $2"
OF_ACCOUNT = (
    LINES
    + """
WHERE t.id IN (SELECT transaction_id FROM ledger_postings WHERE account = $3 AND transaction_id < $1
    ORDER BY transaction_id DESC LIMIT $2 * 8)
ORDER BY t.id DESC LIMIT $2
"""
)


@dataclass(frozen=True, slots=True)
class Line:
    """A booking as it stands in the books: its number, and when it was made (epoch seconds)."""

    id: int
    at: float
    booking: Booking


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account comes to, in how many lines."""

    account: str
    money: Money
    lines: int


async def append(connection: Connection, bookings: Sequence[Booking]) -> list[Booking]:
    """Adds what is missing, in the caller's transaction, and returns that. Who calls holds the invoice's lock."""
    known = {row["key"] for row in await connection.fetch(KNOWN, [booking.key for booking in bookings])}
    missing = [booking for booking in bookings if booking.key not in known]
    if not missing:
        return []
    before = await connection.fetchval(TAKE_ROLE)
    added = await connection.fetch(
        ADD,
        [booking.key for booking in missing],
        [booking.act for booking in missing],
        [booking.invoice for booking in missing],
        [booking.user for booking in missing],
        [booking.provider for booking in missing],
        [booking.transaction for booking in missing],
        [booking.money.minor for booking in missing],
        [booking.money.currency for booking in missing],
        [len(booking.postings) for booking in missing],
    )
    ids = {row["key"]: row["id"] for row in added}
    lines = [
        (ids[booking.key], number, posting.account, posting.money.minor, posting.money.currency)
        for booking in missing
        if booking.key in ids
        for number, posting in enumerate(booking.postings, 1)
    ]
    await connection.execute(ADD_LINES, *map(list, zip(*lines, strict=True)))
    await connection.execute(LEAVE_ROLE, before)
    return [booking for booking in missing if booking.key in ids]


class LedgerStore:
    """The books, for those who look into them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def balance(self, account: str) -> dict[Currency, int]:
        """What an account comes to, minor units by currency."""
        return {Currency(row[0]): row[1] for row in await self._pool.fetch(BALANCE, account)}

    async def accounts(
        self, after: str, limit: int, prefix: str = "", after_currency: str = "~"
    ) -> list[Balance]:
        """One page of accounts by name, a line for each currency; `prefix` as `user:` or `acquirer:`. It begins
        behind a currency of `after`, else behind all of its own."""
        rows = await self._pool.fetch(ACCOUNTS, after, limit, prefix, after_currency)
        return [Balance(row[0], Money(row[2], Currency(row[1])), row[3]) for row in rows]

    async def lines(
        self,
        before: int | None,
        limit: int,
        *,
        invoice: UUID | None = None,
        user: int | None = None,
        account: str | None = None,
    ) -> list[Line]:
        """One page, newest first: of an invoice, else of a user, else of an account, else of everything."""
        below = NO_LIMIT if before is None else before
        if invoice is not None:
            rows = await self._pool.fetch(OF_INVOICE, below, limit, invoice)
        elif user is not None:
            rows = await self._pool.fetch(OF_USER, below, limit, user)
        elif account is not None:
            rows = await self._pool.fetch(OF_ACCOUNT, below, limit, account)
        else:
            rows = await self._pool.fetch(PAGE, below, limit)
        return [line_of(row) for row in rows]


def line_of(row: Record) -> Line:
    """A row of LINES."""
    postings = tuple(
        Posting(account, Money(amount, Currency(currency))) for account, amount, currency in row["postings"]
    )
    return Line(
        row["id"],
        row["at"],
        Booking(
            row["key"],
            Act(row["act"]),
            Money(row["amount"], Currency(row["currency"])),
            postings,
            row["invoice_id"],
            row["user_id"],
            row["provider"],
            row["transaction"],
        ),
    )
