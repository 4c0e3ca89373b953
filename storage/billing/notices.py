"""The log of what acquirers said, as finance reads it, and what nobody of them had signed."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from dispatch.errors import Refusal
from storage.postgres import Pool
from storage.seal import Unsealable
from storage.staff import NO_LIMIT

from .inbox import Inbox

KEEP_FORGERIES, KEEP_DAYS = 1000, 30

COLUMNS = """
id, provider, kind, key, source, verdict, answer, invoice_id, transaction, payment, state, amount, currency,
    account, named_invoice, reason, extract(epoch FROM happened_at)::float8 AS happened_at,
    extract(epoch FROM received_at)::float8 AS received_at
"""
FIELDS = f"SELECT {COLUMNS} FROM payment_inbox\n"
# The primary key read backwards, ix_payment_inbox_alerts, ix_payment_inbox_invoice_id_id.
PAGE = FIELDS + "WHERE id < $1 AND ($3::text IS NULL OR provider = $3) ORDER BY id DESC LIMIT $2"
ALERTS = FIELDS + "WHERE id < $1 AND verdict NOT IN ('applied', 'duplicate') ORDER BY id DESC LIMIT $2"
OF_INVOICE = FIELDS + "WHERE invoice_id = $3 AND id < $1 ORDER BY id DESC LIMIT $2"
RAW = "SELECT provider, kind, key, raw, headers FROM payment_inbox WHERE id = $1"
FORGED = """
INSERT INTO payment_forgeries (provider, kind, peer, size, digest) VALUES ($1, $2, $3, $4, $5)
"""
# The primary key, hourly.
FORGET = """
DELETE FROM payment_forgeries WHERE received_at < now() - make_interval(days => $2)
    OR id <= (SELECT id FROM payment_forgeries ORDER BY id DESC OFFSET $1 LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """A row of the inbox; times in epoch seconds, `happened_at` by the acquirer's clock."""

    id: int
    provider: str
    kind: str
    key: str
    source: str
    verdict: str
    answer: str
    invoice: UUID | None
    transaction: str | None
    payment: str | None
    state: str | None
    minor: int | None
    currency: str | None
    account: str | None
    named_invoice: str | None
    reason: str
    happened_at: float | None
    received_at: float


@dataclass(frozen=True, slots=True)
class Body:
    """What came, as it came: for a look, and to read it once more."""

    provider: str
    kind: str
    raw: bytes
    headers: dict[str, str]


class NoticeStore:
    """Reads of the inbox, and the few forgeries that are kept."""

    def __init__(self, pool: Pool, inbox: Inbox) -> None:
        self._pool = pool
        self._inbox = inbox

    async def page(
        self,
        before: int | None,
        limit: int,
        *,
        provider: str | None = None,
        alerts: bool = False,
        invoice: UUID | None = None,
    ) -> list[Notice]:
        """One page, newest first: of an invoice, else of what raised an alert, else of everything."""
        below = NO_LIMIT if before is None else before
        if invoice is not None:
            rows = await self._pool.fetch(OF_INVOICE, below, limit, invoice)
        elif alerts:
            rows = await self._pool.fetch(ALERTS, below, limit)
        else:
            rows = await self._pool.fetch(PAGE, below, limit, provider)
        return [_notice(row) for row in rows]

    async def body(self, notice: int) -> Body:
        """Refusal `not_found`, also where a fact came without one or it went with its user; `notice_unreadable`
        for one of another pepper."""
        row = await self._pool.fetchrow(RAW, notice)
        if row is None or row["raw"] is None:
            raise Refusal("not_found")
        try:
            raw = self._inbox.opened(row["provider"], row["kind"], row["key"], row["raw"])
        except Unsealable:
            raise Refusal("notice_unreadable", "it was sealed under another secret") from None
        return Body(row["provider"], row["kind"], raw, row["headers"])

    async def forged(self, provider: str, kind: str, peer: str, raw: bytes) -> None:
        """Keeps what one looked like; the caller bounds how often. Its body is a stranger's and stays out."""
        await self._pool.execute(
            FORGED, provider[:24], kind[:24], peer[:64], len(raw), hashlib.sha256(raw).digest()
        )

    async def forget_old(self) -> None:
        """Forgeries of long ago, and beyond the newest thousand."""
        await self._pool.execute(FORGET, KEEP_FORGERIES, KEEP_DAYS)


def _notice(row: Record) -> Notice:
    return Notice(*row)
