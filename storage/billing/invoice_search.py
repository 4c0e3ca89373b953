"""Invoices as finance looks for them: by what they are, and by an acquirer's number of a transaction."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from billing.payments import InvoiceState
from storage.postgres import Pool

from ..order_rows import moment
from .invoices import FIELDS, Listed, listed_of
from .ledger import LINES, Line, line_of

_WANTED = """
    AND ($3::text IS NULL OR i.state = $3) AND ($4::text IS NULL OR i.provider = $4)
    AND ($5::text IS NULL OR i.plan = $5) AND ($6::text IS NULL OR i.purpose = $6)
    AND ($7::text IS NULL OR i.currency = $7) AND ($8::bigint IS NULL OR i.amount >= $8)
    AND ($9::bigint IS NULL OR i.amount <= $9) AND i.created_at >= coalesce($10::timestamptz, '-infinity')
    AND i.created_at < coalesce($11::timestamptz, 'infinity') AND (i.created_at, i.id) < (
        SELECT created_at, id FROM invoices WHERE id = $1 UNION ALL SELECT 'infinity', NULL WHERE $1 IS NULL)
ORDER BY i.created_at DESC, i.id DESC LIMIT $2
"""
# ix_invoices_created_at_id read backwards within the time that is asked for, the rest filters.
PAGE = f"SELECT {FIELDS} FROM invoices i WHERE true {_WANTED}"
# ix_invoices_user_id_created_at.
OF_USER = f"SELECT {FIELDS} FROM invoices i WHERE i.user_id = $12 {_WANTED}"
# The primary key: a reference is the beginning of an id.
BY_REFERENCE = f"SELECT {FIELDS} FROM invoices i WHERE i.id BETWEEN $1 AND $2 ORDER BY i.id LIMIT $3"
# ix_ledger_transactions_provider_transaction, once for each acquirer.
BOOKED = (
    LINES
    + "WHERE t.provider = ANY($1::text[]) AND t.transaction = ANY($2::text[]) ORDER BY t.id DESC LIMIT $3"
)

SOME = f"SELECT {FIELDS} FROM invoices i WHERE i.id = ANY($1::uuid[]) ORDER BY i.created_at DESC, i.id"

REFERENCE = re.compile(r"TD-([0-9A-F]{8})", re.IGNORECASE)


class Wanted(NamedTuple):
    """Which invoices: amounts in minor units, times (of making, `until` excluded) in epoch seconds."""

    state: InvoiceState | None = None
    provider: str | None = None
    plan: str | None = None
    purpose: str | None = None
    currency: str | None = None
    least: int | None = None
    most: int | None = None
    since: float | None = None
    until: float | None = None
    user: int | None = None


class InvoiceSearch:
    """Reads for finance."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, wanted: Wanted, before: UUID | None, limit: int) -> list[Listed]:
        """One page, newest first."""
        filters = (
            wanted.state, wanted.provider, wanted.plan, wanted.purpose, wanted.currency, wanted.least, wanted.most,
            moment(wanted.since), moment(wanted.until),
        )  # fmt: skip
        if wanted.user is None:
            rows = await self._pool.fetch(PAGE, before, limit, *filters)
        else:
            rows = await self._pool.fetch(OF_USER, before, limit, *filters, wanted.user)
        return [listed_of(row) for row in rows]

    async def by_reference(self, reference: str) -> list[Listed]:
        """The invoices that a reference of a transfer stands for, mostly one; none for what is no reference."""
        found = REFERENCE.fullmatch(reference.strip())
        if found is None:
            return []
        first = int(found[1], 16) << 96
        rows = await self._pool.fetch(BY_REFERENCE, UUID(int=first), UUID(int=first + (1 << 96) - 1), 20)
        return [listed_of(row) for row in rows]

    async def bookings(self, providers: Sequence[str], transactions: Sequence[str], limit: int) -> list[Line]:
        """What was booked of these transactions, newest first."""
        rows = await self._pool.fetch(BOOKED, list(providers), list(transactions), limit)
        return [line_of(row) for row in rows]

    async def some(self, invoices: Sequence[UUID]) -> list[Listed]:
        """These, newest first; those that are not there are left out."""
        return [listed_of(row) for row in await self._pool.fetch(SOME, list(invoices))]


def reference_of(invoice: UUID) -> str:
    """What a payer writes into the purpose of a transfer: short enough to be typed."""
    return f"TD-{invoice.hex[:8].upper()}"
