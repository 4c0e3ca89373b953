"""Payment slips: what users show for transfers, the queue that finance works through, and what it says to each.

Under the lock of its invoice a slip is sent and decided, so that of two who decide one is first. The money
itself is a fact (storage.billing.transfers), with a slip or without.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from asyncpg import Record

from billing.ledger import TRANSFER
from billing.payments import InvoiceState, standing
from dispatch.errors import Refusal
from storage.files import StoredFile, hold, stored_file
from storage.notices.writing import tell
from storage.postgres import Pool, transaction, whole
from storage.staff import record

from .inbox import QUEUE, Receipt
from .invoices import FIELDS as INVOICE
from .invoices import Listed, facts_of, listed_of, locked, tried_of
from .transfers import TransferStore

SlipState = Literal["waiting", "received", "turned_down"]
MOST = 5  # of one invoice: who was turned down so often should talk to somebody

FIELDS = """
s.id, s.invoice_id, s.user_id, s.file_id, s.state, extract(epoch FROM s.sent_at)::float8 AS sent_at,
    extract(epoch FROM s.decided_at)::float8 AS decided_at, s.decided_by, s.reason
"""
# ix_invoices_user_id_created_at read backwards: an open one of the same content is not made twice.
OPEN = f"""
SELECT {INVOICE} FROM invoices i WHERE i.user_id = $1 AND i.provider = 'transfer' AND i.plan = $2
    AND i.amount = $3 AND i.currency = $4 AND i.state = 'created'
    AND i.expires_at > now() + make_interval(secs => $5) ORDER BY i.created_at DESC LIMIT 1
"""
MINE = f"""
SELECT {INVOICE} FROM invoices i WHERE i.user_id = $1 AND i.provider = 'transfer'
ORDER BY i.created_at DESC, i.id DESC LIMIT $2
"""
# ix_transfer_slips_invoice_id_id.
OF_INVOICE = f"SELECT {FIELDS} FROM transfer_slips s WHERE s.invoice_id = $1 ORDER BY s.id"
ADD = f"""
INSERT INTO transfer_slips AS s (invoice_id, user_id, file_id) VALUES ($1, $2, $3) RETURNING {FIELDS}
"""
RECEIVED = """
UPDATE transfer_slips SET state = 'received', decided_at = now(), decided_by = $2
WHERE invoice_id = $1 AND state = 'waiting'
"""
# Primary key.
ONE = f"SELECT {FIELDS} FROM transfer_slips s WHERE s.id = $1"
TURN_DOWN = f"""
UPDATE transfer_slips s SET state = 'turned_down', decided_at = now(), decided_by = $2, reason = $3
WHERE s.id = $1 AND s.state = 'waiting' RETURNING {FIELDS}
"""
FILE = """
SELECT f.*, s.user_id AS payer, s.invoice_id AS invoice FROM transfer_slips s JOIN files f ON f.id = s.file_id
WHERE s.id = $1
"""
# ix_transfer_slips_queue; invoices by their primary key. What waits is worked through from the oldest on, what was
# decided is looked up from the newest.
WAITING = f"""
SELECT {FIELDS}, i.amount, i.currency, i.plan FROM transfer_slips s JOIN invoices i ON i.id = s.invoice_id
WHERE s.state = 'waiting' AND s.id > $1 ORDER BY s.id LIMIT $2
"""
DECIDED = f"""
SELECT {FIELDS}, i.amount, i.currency, i.plan FROM transfer_slips s JOIN invoices i ON i.id = s.invoice_id
WHERE s.state = $3 AND s.id < $1 ORDER BY s.id DESC LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Slip:
    """One of them; times in epoch seconds. `file` is gone with its user. `reason`: why it was turned down."""

    id: int
    invoice: UUID
    user: int
    file: int | None
    state: SlipState
    sent_at: float
    decided_at: float | None
    decided_by: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Queued:
    """A slip with what it should be about; minor units."""

    slip: Slip
    minor: int
    currency: str
    plan: str


class SlipStore:
    """The table of slips, and the words of finance about transfers."""

    def __init__(self, pool: Pool, transfers: TransferStore) -> None:
        self._pool = pool
        self._transfers = transfers

    async def open(self, user: int, plan: str, minor: int, currency: str, at_least_s: float) -> Listed | None:
        """An invoice of this content that still waits for its transfer for so long."""
        row = await self._pool.fetchrow(OPEN, user, plan, minor, currency, at_least_s)
        return None if row is None else listed_of(row)

    async def mine(self, user: int, limit: int) -> list[Listed]:
        """A user's invoices by transfer, newest first."""
        return [listed_of(row) for row in await self._pool.fetch(MINE, user, limit)]

    async def of_invoice(self, invoice: UUID) -> list[Slip]:
        """The slips of an invoice, oldest first."""
        return [_slip(row) for row in await self._pool.fetch(OF_INVOICE, invoice)]

    async def send(self, user: int, invoice: UUID, file: int) -> Slip:
        """Shows an upload of the payer's. Refusals `not_found`, `invoice_closed` for what is paid or over,
        `payment_under_way` while another slip waits, `limit_reached`, `file_held`."""
        async with transaction(self._pool) as connection:
            found, now = await locked(connection, invoice)
            if found.user != user or found.provider != TRANSFER:
                raise Refusal("not_found")
            stands = standing(
                found, await facts_of(connection, invoice), await tried_of(connection, invoice), now
            )
            if stands.state is not InvoiceState.CREATED:
                raise Refusal("invoice_closed")
            before = [_slip(row) for row in await connection.fetch(OF_INVOICE, invoice)]
            if any(slip.state == "waiting" for slip in before):
                raise Refusal("payment_under_way", "finance has not looked at the last one yet")
            if len(before) >= MOST:
                raise Refusal("limit_reached", "at most {n} slip", plural="at most {n} slips", n=MOST)
            held = await hold(connection, user, file, "slip")
            return _slip(await connection.fetchrow(ADD, invoice, user, held.id))

    async def queue(self, state: SlipState, seen: int | None, limit: int) -> list[Queued]:
        """One page: those that wait from the oldest on, others from the newest. `seen` is the last of the page
        before."""
        if state == "waiting":
            rows = await self._pool.fetch(WAITING, seen or 0, limit)
        else:
            rows = await self._pool.fetch(DECIDED, 2**62 if seen is None else seen, limit, state)
        return [Queued(_slip(row), row["amount"], row["currency"], row["plan"]) for row in rows]

    async def look(self, staff: int, slip: int) -> StoredFile:
        """The file, for eyes of staff: each look is written down. Refusal `not_found`, also once it is gone."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(FILE, slip)
            if row is None:
                raise Refusal("not_found")
            detail = {"slip": str(slip), "invoice": str(row["invoice"])}
            await record(connection, staff, "slip.view", row["payer"], "", detail)
            return stored_file(row)

    async def received(self, staff: int, invoice: UUID, entry: str, note: str, *, again: bool) -> Receipt:
        """The amount of an invoice has come, as the bank's entry says. `again`: it has come a second time, and
        this goes back. The slip that waits is settled by it.

        Refusals `not_found`, `invoice_closed` for what an acquirer takes or what is paid already, `entry_used` for
        an entry that stands for another invoice.
        """
        async with whole(self._pool) as connection:
            # The locks in the order of storage.billing.inbox.
            await connection.fetchval(QUEUE, f"{TRANSFER} {entry}")
            await locked(connection, invoice)
            facts = await facts_of(connection, invoice)
            paid = {fact.transaction for fact in facts if fact.taken}
            if paid and entry not in paid and not again:
                raise Refusal("invoice_closed", "it is paid already: say so if the money has come again")
            receipt = await self._transfers.received(staff, invoice, entry, note)
            if receipt.invoice != invoice:
                raise Refusal("entry_used")
            await connection.execute(RECEIVED, invoice, staff)
        return receipt

    async def turn_down(self, staff: int, slip: int, reason: str) -> Slip:
        """The money has not come, or not so; the payer is told why. Refusals `not_found`, `case_closed`."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(ONE, slip)
            if row is None:
                raise Refusal("not_found")
            await locked(connection, row["invoice_id"])
            row = await connection.fetchrow(TURN_DOWN, slip, staff, reason)
            if row is None:
                raise Refusal("case_closed")
            decided = _slip(row)
            detail = {"slip": str(slip), "invoice": str(decided.invoice)}
            await record(connection, staff, "slip.turn_down", decided.user, reason, detail)
            await tell(connection, [decided.user], "transfer.refused", f"transfer.refused:{slip}", {})
        return decided


def _slip(row: Record) -> Slip:
    return Slip(
        row["id"],
        row["invoice_id"],
        row["user_id"],
        row["file_id"],
        row["state"],
        row["sent_at"],
        row["decided_at"],
        row["decided_by"],
        row["reason"],
    )
