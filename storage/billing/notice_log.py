"""The log of what acquirers said, with filters: alerts that nobody has cleared up come first."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from billing.payments import FINE
from dispatch.errors import Refusal
from storage.postgres import Pool, transaction
from storage.staff import NO_LIMIT, record

from ..order_rows import moment
from .notices import COLUMNS, Notice

_WANTED = """
FROM payment_inbox LEFT JOIN settled_alerts ON notice_id = id
WHERE id < $1 AND ($3::text IS NULL OR provider = $3) AND ($4::text IS NULL OR kind = $4)
    AND ($5::text IS NULL OR verdict = $5) AND ($6::text IS NULL OR source = $6)
    AND received_at >= coalesce($7::timestamptz, '-infinity')
    AND received_at < coalesce($8::timestamptz, 'infinity')
"""
_COLUMNS = f"""
{COLUMNS}, settled_by, note, extract(epoch FROM settled_at)::float8 AS settled_at, raw IS NOT NULL AS has_body
"""
# ix_payment_inbox_alerts read backwards.
ALERTS = f"""
SELECT {_COLUMNS} {_WANTED} AND verdict NOT IN ('applied', 'duplicate') AND notice_id IS NULL
ORDER BY id DESC LIMIT $2
"""
# The primary key read backwards; filters that little fits walk far, at most ten seconds.
CALM = f"""
SELECT {_COLUMNS} {_WANTED} AND (verdict IN ('applied', 'duplicate') OR notice_id IS NOT NULL)
ORDER BY id DESC LIMIT $2
"""
# ix_payment_inbox_invoice_id_id.
OF_INVOICE = f"""
SELECT {_COLUMNS} FROM payment_inbox LEFT JOIN settled_alerts ON notice_id = id WHERE invoice_id = $1
ORDER BY id DESC LIMIT $2
"""
# ix_payment_inbox_transaction, then ix_payment_inbox_provider_payment_id: the transaction, what it gives back, and
# what else was said of that payment.
OF_TRANSACTION = f"""
SELECT {_COLUMNS} FROM payment_inbox LEFT JOIN settled_alerts ON notice_id = id
WHERE (provider, payment) IN (SELECT provider, payment FROM payment_inbox WHERE transaction = $1)
ORDER BY id DESC LIMIT $2
"""
# Primary key, both.
VERDICT = "SELECT verdict IN ('applied', 'duplicate') AS fine, invoice_id FROM payment_inbox WHERE id = $1"
SETTLE = """
INSERT INTO settled_alerts (notice_id, settled_by, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true
"""
# At most a thousand rows: storage.billing.notices.
FORGERIES = """
SELECT provider, count(*) AS kept, count(*) FILTER (WHERE received_at > now() - interval '1 day') AS day,
    extract(epoch FROM max(received_at))::float8 AS last_at
FROM payment_forgeries GROUP BY provider ORDER BY provider
"""


class Wanted(NamedTuple):
    """Which messages; times (of receiving, `until` excluded) in epoch seconds."""

    provider: str | None = None
    kind: str | None = None
    verdict: str | None = None
    source: str | None = None
    since: float | None = None
    until: float | None = None


class Place(NamedTuple):
    """Behind which row a page begins, and in which part of the list: open alerts, or what is calm."""

    calm: bool
    id: int


@dataclass(frozen=True, slots=True)
class Logged:
    """A message with what became of its alert, if it raised one. `has_body`: whether it can be looked into."""

    notice: Notice
    open: bool
    settled_by: int | None
    note: str | None
    settled_at: float | None
    has_body: bool


@dataclass(frozen=True, slots=True)
class Forgeries:
    """Requests that an acquirer had not signed: how many rows of them are kept, how many of the last day."""

    provider: str
    kept: int
    day: int
    last_at: float


class NoticeLog:
    """Reads, and the word that an alert is cleared up."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, wanted: Wanted, after: Place | None, limit: int) -> list[Logged]:
        """One page: open alerts from the newest on, then everything else from the newest on."""
        place = after or Place(calm=False, id=NO_LIMIT)
        filters = (*wanted[:4], moment(wanted.since), moment(wanted.until))
        found: list[Logged] = []
        if not place.calm:
            rows = await self._pool.fetch(ALERTS, place.id, limit, *filters)
            found = [_logged(row) for row in rows]
            place = Place(calm=True, id=NO_LIMIT)
        if len(found) < limit:
            rows = await self._pool.fetch(CALM, place.id, limit - len(found), *filters)
            found += [_logged(row) for row in rows]
        return found

    async def of_invoice(self, invoice: UUID, limit: int) -> list[Logged]:
        """What was said of an invoice, newest first."""
        return [_logged(row) for row in await self._pool.fetch(OF_INVOICE, invoice, limit)]

    async def of_transaction(self, number: str, limit: int) -> list[Logged]:
        """What was said of a transaction, whoever's it is, newest first."""
        return [_logged(row) for row in await self._pool.fetch(OF_TRANSACTION, number, limit)]

    async def looked(self, staff: int, notice: int) -> None:
        """Writes down that somebody reads the body of one."""
        async with transaction(self._pool) as connection:
            await record(connection, staff, "notice.view", None, "", {"notice": str(notice)})

    async def settle(self, staff: int, notice: int, note: str) -> None:
        """Somebody has cleared an alert up. Refusals `not_found` for what raised none, `case_closed`."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(VERDICT, notice)
            if row is None or row["fine"]:
                raise Refusal("not_found")
            if not await connection.fetchval(SETTLE, notice, staff, note):
                raise Refusal("case_closed")
            detail = {"notice": str(notice), "invoice": str(row["invoice_id"] or "")}
            await record(connection, staff, "notice.settle", None, note, detail)

    async def forgeries(self) -> list[Forgeries]:
        """By acquirer."""
        return [Forgeries(*row) for row in await self._pool.fetch(FORGERIES)]


def _logged(row: Record) -> Logged:
    notice = Notice(*tuple(row)[:18])
    is_open = notice.verdict not in FINE and row["settled_by"] is None
    return Logged(notice, is_open, row["settled_by"], row["note"], row["settled_at"], row["has_body"])
