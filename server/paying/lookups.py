"""The loop over attempts whose answer was lost, and over invoices that the clock ends. Safe on any worker."""

import asyncio
import logging
import random

from billing import trying
from billing.payments import AttemptState
from dispatch.errors import Refusal
from storage.billing.attempts import AttemptStore, Ending, Lost
from storage.billing.cards import CardStore
from storage.billing.invoices import InvoiceStore
from storage.postgres import Unreachable
from storage.seal import Unsealable

from .cashier import AWAY, Cashier
from .meters import PaymentMeters

log = logging.getLogger("desk.paying")

POLL_S = 1.0
AT_ONCE = 8
EXPIRE_S = 60.0
# Refusal: an acquirer that is no longer in the settings.
PUT_OFF: tuple[type[Exception], ...] = (*AWAY, Refusal)


class Lookups:
    """Looks an attempt up before anything is sent again; billing.trying says what then."""

    def __init__(
        self,
        attempts: AttemptStore,
        invoices: InvoiceStore,
        cards: CardStore,
        cashier: Cashier,
        meters: PaymentMeters,
    ) -> None:
        self._attempts = attempts
        self._invoices = invoices
        self._cards = cards
        self._cashier = cashier
        self._meters = meters

    async def run(self) -> None:
        """For ever."""
        while True:
            looked = 0
            try:
                looked = await self.once()
            except Unreachable as error:
                log.warning("lookups.put_off", extra={"error": repr(error)})
            await asyncio.sleep(0.0 if looked == AT_ONCE else POLL_S * (0.5 + random.random()))

    async def run_expiry(self) -> None:
        """For ever: ends invoices whose time is over."""
        while True:
            await asyncio.sleep(EXPIRE_S * (0.5 + random.random()))
            try:
                await self._invoices.expire()
                self._meters.waiting(attempts=await self._attempts.waiting())
            except Unreachable as error:
                log.warning("invoices.put_off", extra={"error": repr(error)})

    async def once(self) -> int:
        """What is due now; how many attempts that were."""
        claimed = await self._attempts.claim(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for lost in claimed:
                group.create_task(self._look(lost), name=f"look up {lost.id}")
        return len(claimed)

    async def _look(self, lost: Lost) -> None:
        try:
            await self._judge(lost)
        except PUT_OFF as error:
            # The claim ends by itself, and it is looked for again.
            log.warning("lookups.failed", extra={"attempt": str(lost.id), "error": repr(error)})
        except Exception:  # one attempt must not end the loop of all
            log.exception("lookups.broke", extra={"attempt": str(lost.id)})

    async def _judge(self, lost: Lost) -> None:
        provider = lost.invoice.provider
        if lost.kind == "checkout":
            # Its worker died between the row and the page: nobody has seen the page, so nobody can pay there.
            await self._attempts.end(Ending(lost.id, AttemptState.UNAVAILABLE, reason="no page was shown"))
            self._meters.attempted(provider, lost.kind, AttemptState.UNAVAILABLE)
            return
        others = await self._attempts.others(lost)
        transactions = await self._cashier.find(lost.invoice)
        found = trying.charge(transactions, others, lost.began, lost.now)
        if found.transaction is not None:
            await self._cashier.ended(provider, lost.id, found.transaction)
        elif found.step is trying.Step.GIVE_UP:
            await self._attempts.end(
                Ending(lost.id, AttemptState.UNAVAILABLE, reason="nothing was found of it")
            )
            self._meters.attempted(provider, lost.kind, AttemptState.UNAVAILABLE)
            self._meters.alert(provider, "given_up", attempt=str(lost.id), invoice=str(lost.invoice.id))
        elif found.step is trying.Step.LOOK_AGAIN or not await self._sent_again(lost):
            await self._attempts.lost(lost.id, lost.looks)

    async def _sent_again(self, lost: Lost) -> bool:
        """Sends it once more under its id; False when the card is gone."""
        if lost.card is None:
            return False
        try:
            _, token = await self._cards.opened(lost.card)
        except (Refusal, Unsealable):
            return False
        await self._cashier.charge(lost.invoice, lost.id, token, merchant=lost.merchant, looks=lost.looks)
        return True
