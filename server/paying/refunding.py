"""The loop that gives money back: what staff asked for, and second payments by themselves. Safe on any worker."""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import replace

from billing import trying
from billing.acquiring import Acquirer, Kind, Rejected, State, Transaction, Unavailable, Unknown
from billing.payments import Invoice
from storage.billing.invoices import InvoiceStore
from storage.billing.refunds import Due, Refund, RefundStore
from storage.postgres import Unreachable

from .cashier import AWAY, Cashier, call
from .meters import PaymentMeters

log = logging.getLogger("desk.paying")

POLL_S = 2.0
AT_ONCE = 4


class Refunding:
    """Sends, and looks for what was not answered."""

    def __init__(
        self,
        acquirers: Mapping[str, Acquirer],
        refunds: RefundStore,
        invoices: InvoiceStore,
        cashier: Cashier,
        meters: PaymentMeters,
    ) -> None:
        self._acquirers = acquirers
        self._refunds = refunds
        self._invoices = invoices
        self._cashier = cashier
        self._meters = meters

    async def run(self) -> None:
        """For ever."""
        while True:
            done = 0
            try:
                done = await self.once()
            except Unreachable as error:
                log.warning("refunds.put_off", extra={"error": repr(error)})
            await asyncio.sleep(0.0 if done == AT_ONCE else POLL_S * (0.5 + random.random()))

    async def once(self) -> int:
        """What is due now; how many refunds that were. What no acquirer takes (transfers) waits for staff."""
        claimed = await self._refunds.claim(list(self._acquirers), AT_ONCE)
        for due in claimed:
            try:
                await self._one(due)
            except AWAY as error:
                log.warning("refunds.failed", extra={"refund": str(due.refund.id), "error": repr(error)})
            except Exception:  # one refund must not end the loop of all
                log.exception("refunds.broke", extra={"refund": str(due.refund.id)})
        return len(claimed)

    async def _one(self, due: Due) -> None:
        refund = due.refund
        invoice = (await self._invoices.one(refund.invoice)).invoice
        others = await self._refunds.others(refund)
        if due.fresh:
            given = await self._given_already(refund, others)
            if given is None:
                await self._send(refund, invoice)
            else:
                await self._refunds.done(refund.id, given)
            return
        transactions = await self._cashier.find(invoice)
        found = trying.refund(
            transactions, others, refund.payment, refund.money, refund.sent_at or due.now, due.now
        )
        if found.transaction is not None:
            await self._given(refund, invoice, found.transaction)
        elif found.step is trying.Step.RESEND:
            await self._send(refund, invoice, again=True)
        elif found.step is trying.Step.LOOK_AGAIN:
            await self._lost(refund, "no answer")
        else:
            await self._failed(refund, "nothing was found of it")

    async def _given_already(self, refund: Refund, others: list[str]) -> str | None:
        """The acquirer's transaction, when somebody was faster in its cabinet."""
        for fact in await self._invoices.facts(refund.invoice):
            of_it = fact.kind is Kind.REFUND and fact.payment == refund.payment
            if of_it and fact.money == refund.money and fact.transaction not in others:
                return fact.transaction
        return None

    async def _send(self, refund: Refund, invoice: Invoice, *, again: bool = False) -> None:
        acquirer = self._acquirers[refund.provider]
        try:
            told = await call(acquirer.refund(refund.payment, refund.money, attempt=refund.id))
        except Unavailable as error:
            if again:
                await self._lost(refund, str(error))
            else:
                await self._refunds.not_sent(refund, str(error))
                self._meters.refunded(refund.provider, "unavailable")
        except Unknown as error:
            await self._lost(refund, str(error))
        except Rejected as error:
            await self._failed(refund, str(error))
        else:
            if told.state is State.REFUNDED:
                await self._given(refund, invoice, told)
            elif told.state is State.PENDING:
                await self._lost(refund, "the acquirer is at it")
            else:
                await self._failed(refund, told.reason or told.state)

    async def _given(self, refund: Refund, invoice: Invoice, told: Transaction) -> None:
        """The fact first: if this worker dies between the two, the refund is found and closed the next time."""
        told = replace(told, refunds=told.refunds or refund.payment)
        await self._cashier.learn(invoice, told, "answer")
        await self._refunds.done(refund.id, told.id)
        self._meters.refunded(refund.provider, "done")

    async def _lost(self, refund: Refund, error: str) -> None:
        await self._refunds.lost(refund, error)
        self._meters.refunded(refund.provider, "unknown")

    async def _failed(self, refund: Refund, error: str) -> None:
        await self._refunds.failed(refund.id, error)
        self._meters.refunded(refund.provider, "failed")
        self._meters.alert(refund.provider, "refund_failed", refund=str(refund.id), error=error)
