"""Invoices that are paid past every acquirer: finance has seen the money on the bank account, or has sent it back.

The word of the staff is a fact like an acquirer's: an invoice takes the same way, whoever says that it was paid.
"""

from uuid import UUID

from billing.acquiring import Kind, Notification, State, Transaction
from billing.ledger import TRANSFER
from billing.payments import Invoice
from dispatch.errors import Refusal
from storage.postgres import Connection, Pool, whole
from storage.staff import record

from .inbox import Inbox, Receipt
from .invoices import ONE, invoice_of
from .refunds import Refund, RefundStore

NOW = "SELECT extract(epoch FROM now())::float8"


class TransferStore:
    """What finance says of the bank account."""

    def __init__(self, pool: Pool, inbox: Inbox, refunds: RefundStore) -> None:
        self._pool = pool
        self._inbox = inbox
        self._refunds = refunds

    async def received(self, staff: int, invoice: UUID, entry: str, reason: str) -> Receipt:
        """The whole amount of an invoice has come; `entry` is the bank's number of it, which counts once.

        Refusals `not_found`, `invoice_closed` for one that an acquirer takes.
        """
        async with whole(self._pool) as connection:
            found = await _of_transfer(connection, invoice)
            now = await connection.fetchval(NOW)
            paid = Transaction(entry, State.PAID, found.money, str(invoice), found.account, now)
            receipt = await self._inbox.receive(TRANSFER, Notification(Kind.PAY, entry, paid), source="staff")
            if receipt.new:
                detail = {"invoice": str(invoice), "entry": entry}
                await record(connection, staff, "transfer.received", found.user, reason, detail)
        return receipt

    async def returned(self, staff: int, refund: UUID, entry: str) -> Refund:
        """A refund of such an invoice was sent by the bank. Refusals `not_found`, `refund_closed`,
        `entry_used` where the entry stands for another one."""
        async with whole(self._pool) as connection:
            asked = await self._refunds.one(refund)
            found = await _of_transfer(connection, asked.invoice)
            now = await connection.fetchval(NOW)
            back = Transaction(
                entry, State.REFUNDED, asked.money, str(found.id), found.account, now, refunds=asked.payment
            )
            receipt = await self._inbox.receive(
                TRANSFER, Notification(Kind.REFUND, entry, back), source="staff"
            )
            if not await self._refunds.done(refund, entry):
                raise Refusal("refund_closed")
            if not receipt.new:
                raise Refusal("entry_used")
            await record(
                connection,
                staff,
                "transfer.returned",
                found.user,
                "",
                {"refund": str(refund), "entry": entry},
            )
        return await self._refunds.one(refund)


async def _of_transfer(connection: Connection, invoice: UUID) -> Invoice:
    row = await connection.fetchrow(ONE, invoice)
    if row is None:
        raise Refusal("not_found")
    if row["provider"] != TRANSFER:
        raise Refusal("invoice_closed", "an acquirer takes this one")
    return invoice_of(row)
